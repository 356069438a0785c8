"""The key file may come with an access list, as systemd's credentials do."""

import errno
import os
import struct
from pathlib import Path

import pytest

from controller.model.errors import SettingsError
from controller.sealing.access_list import rights_in, rights_of_others
from controller.sealing.private_file import read_private

OWNER, USER, GROUP_OBJECT, GROUP, MASK, OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
ME, SOMEBODY = 1000, 1001
NOBODY_IN_PARTICULAR = 0xFFFFFFFF


def access_list(*entries: tuple[int, int, int]) -> bytes:
    """An access list of tags, rights and ids."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def credential(user: int, *, group: int = 0, other: int = 0) -> bytes:
    """What systemd puts on a credential of *user*."""
    none = NOBODY_IN_PARTICULAR
    owner, mask = (OWNER, 4, none), (MASK, 4, none)
    return access_list(owner, (USER, 4, user), (GROUP_OBJECT, group, none), mask, (OTHER, other, none))


def with_list(path: Path, content: bytes) -> Path:
    """A private file with an access list; skipped where the file system has none."""
    path.write_bytes(b"content")
    path.chmod(0o400)
    try:
        os.setxattr(path, "system.posix_acl_access", content)
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            pytest.skip("this file system has no access lists")
        raise
    return path


def test_the_entry_of_this_process_s_user_lets_nobody_else_in() -> None:
    assert rights_in(credential(ME), ME) == 0


@pytest.mark.parametrize(
    ("content", "rights"),
    [
        (credential(SOMEBODY), 4),
        (credential(ME, group=4), 4),
        (credential(ME, other=2), 2),
        (access_list((GROUP, 6, 5)), 6),
    ],
)
def test_every_other_entry_does(content: bytes, rights: int) -> None:
    assert rights_in(content, ME) == rights


def test_a_credential_of_this_user_is_read_although_its_mode_shows_a_group(tmp_path: Path) -> None:
    file = with_list(tmp_path / "key", credential(os.geteuid()))
    assert file.stat().st_mode & 0o777 == 0o440
    assert read_private(file) == b"content"


def test_one_that_somebody_else_may_read_is_refused(tmp_path: Path) -> None:
    file = with_list(tmp_path / "key", credential(os.geteuid() + 1))
    with pytest.raises(SettingsError, match="open to other users"):
        read_private(file)


def test_without_an_access_list_the_mode_tells(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_bytes(b"content")
    for mode, rights in ((0o600, 0), (0o640, 4), (0o602, 2), (0o670, 7)):
        file.chmod(mode)
        with file.open() as opened:
            assert rights_of_others(opened.fileno(), os.fstat(opened.fileno())) == rights


def test_a_list_that_cannot_be_read_lets_nobody_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise OSError(errno.EIO, "input/output error")

    file = tmp_path / "key"
    file.write_bytes(b"content")
    file.chmod(0o600)
    monkeypatch.setattr(os, "getxattr", fail)
    with pytest.raises(SettingsError, match="cannot be used"):
        read_private(file)
