"""The search for passwords in clear finds them in every spelling, also in files that are mostly holes.

The files are in a folder of their own: those of ``tmp_path`` are searched at the end of the run.
"""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.leaks import UNUSUAL, Leaks, made_passwords_below

HOLE = 1 << 20


SPELLINGS: dict[str, Callable[[str], bytes]] = {
    "UTF-8": str.encode,
    "UTF-16": lambda text: text.encode("utf-16-le"),
    "JSON": lambda text: json.dumps(text).encode(),
    "URL": lambda text: quote(text).encode(),
    "hexadecimal": lambda text: text.encode().hex().encode(),
    "base64": lambda text: base64.b64encode(text.encode()),
    "base64 after one": lambda text: base64.b64encode(b"a" + text.encode()),
    "base64 after two": lambda text: base64.b64encode(b"ab" + text.encode()),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_password_is_found_in_every_spelling(open_folder: Path, spelling: str) -> None:
    leaks = Leaks()
    spelled, made, known = SPELLINGS[spelling], leaks.password(), leaks.known(UNUSUAL)
    (open_folder / "made").write_bytes(b"x" + spelled(made))
    (open_folder / "known").write_bytes(spelled(known) + b"x")
    assert [line.partition(":")[0] for line in leaks.in_files(open_folder)] == [
        str(open_folder / "known"),
        str(open_folder / "made"),
    ]
    assert len(made_passwords_below(open_folder)) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
@pytest.mark.parametrize("end", [HOLE, 2 * HOLE, 3 * HOLE])
def test_a_password_is_found_beside_a_hole(open_folder: Path, encoding: str, end: int) -> None:
    password = Leaks().password().encode(encoding)
    with (open_folder / "data.mdb").open("wb") as file:
        file.truncate(3 * HOLE)
        file.seek(end - len(password))
        file.write(password)
    assert len(made_passwords_below(open_folder)) == 1


def test_a_hole_and_an_empty_file_have_no_password(open_folder: Path) -> None:
    for name, size in (("hole", HOLE), ("empty", 0)):
        with (open_folder / name).open("wb") as file:
            file.truncate(size)
    assert made_passwords_below(open_folder) == []
