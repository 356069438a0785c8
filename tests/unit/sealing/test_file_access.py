"""Files with a secret that every user of the machine could read are refused."""

from pathlib import Path

import pytest

from controller.model.errors import SettingsError
from controller.sealing.file_access import refuse_open_file


def test_a_file_that_everybody_can_read_is_refused() -> None:
    path = Path("/etc/passwd")  # readable for everybody on every Unix, as are the folders above it
    with pytest.raises(SettingsError, match="the token /etc/passwd can be read or written by every user") as refused:
        refuse_open_file(path, path.stat(), "the token")
    assert refused.value.hint is not None
    assert refused.value.hint.startswith("chmod o-rw /etc/passwd")


def test_the_group_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("t")
    path.chmod(0o660)
    refuse_open_file(path, path.stat(), "the token")


def test_a_folder_above_it_may_keep_others_out_links_followed(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    path = folder / "token"
    path.write_text("t")
    path.chmod(0o666)
    link = tmp_path / "link"
    link.symlink_to(path)
    for name in (path, link):
        refuse_open_file(name, name.stat(), "the token")
