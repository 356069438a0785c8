"""What is shown never steers a terminal; what a script reads is exact."""

import io
import json
import sys
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from controller.cli.output import reveal, show_json
from controller.manifests.export import dump_yaml
from controller.model.secret import Secret

STEERING = "".join(map(chr, [*range(0x20), *range(0x7F, 0xA0), 0x200E, 0x2028, *range(0x202A, 0x202F), 0x2066, 0xFEFF]))
HARMFUL = f"{STEERING}\u2067\u2068\u2069\U000e0001"


class Terminal(io.TextIOWrapper):
    """Standard output that is a terminal, or says that it is none."""

    def __init__(self, *, is_terminal: bool) -> None:
        self.bytes = io.BytesIO()
        self._is_terminal = is_terminal
        super().__init__(self.bytes, encoding="utf-8")

    def isatty(self) -> bool:
        """What the test says."""
        return self._is_terminal

    def seen(self) -> str:
        """All that was written."""
        self.flush()
        return self.bytes.getvalue().decode()


def only_printable(text: str) -> bool:
    return all(c == "\n" or c.isprintable() for c in text)


@pytest.mark.parametrize("character", HARMFUL)
def test_yaml_escapes_what_steers_a_terminal_and_reads_back_as_the_same(character: str) -> None:
    documents: list[dict[str, Any]] = [{"name": f"a{character}b", f"k{character}": [character, f"{character} x y"]}]
    text = dump_yaml(documents)

    assert only_printable(text)
    assert list(yaml.safe_load_all(text)) == documents


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"]))
    )
)
def test_any_text_in_yaml_is_printable_and_reads_back_as_the_same(document: dict[str, str]) -> None:
    text = dump_yaml([document])

    assert only_printable(text)
    assert list(yaml.safe_load_all(text)) == [document]


def test_yaml_leaves_letters_of_all_languages_as_they_are() -> None:
    assert "name: Jürgen Ōe 李\n" in dump_yaml([{"name": "Jürgen Ōe 李"}])


def test_json_is_printable_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    out = Terminal(is_terminal=False)
    monkeypatch.setattr(sys, "stdout", out)
    show_json({"name": HARMFUL})

    assert out.seen().isascii()
    assert only_printable(out.seen())
    assert json.loads(out.seen()) == {"name": HARMFUL}


@pytest.mark.parametrize(
    ("is_terminal", "password", "expected"),
    [
        (True, "a\x1b[2J\u202eb\nc\\ü", "a\\x1b[2J\\u202eb\\nc\\ü"),
        (False, "a\x1b[2J\u202eb\nc\\ü", "a\x1b[2J\u202eb\nc\\ü"),
        (True, "pl\\ain ü", "pl\\ain ü"),
    ],
)
def test_a_secret_is_escaped_on_a_terminal_and_exact_anywhere_else(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    is_terminal: bool,
    password: str,
    expected: str,
) -> None:
    out = Terminal(is_terminal=is_terminal)
    monkeypatch.setattr(sys, "stdout", out)
    reveal(Secret(password))

    assert out.seen() == f"{expected}\n"
    assert ("they are escaped" in capsys.readouterr().err) == (password != expected)
