"""The password file: one hash changes, everything else stays."""

import errno
import fcntl
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from controller.connectors import htpasswd_file
from controller.connectors.htpasswd import CONNECTOR_TYPE, HtpasswdOptions
from controller.connectors.htpasswd_file import PasswordFile
from controller.model.errors import AccountRefused, AccountUnknown, Busy, ChannelRefused, Indeterminate, Unavailable
from controller.model.secret import Secret
from controller.ports.connectors import Connector
from tests.doubles.secrets import no_secrets

CONTENT = b"""# staff
bob:$apr1$salt$hash:extra:fields
\talice:old:kept\r
  # alice:comment
broken line without colon
alice:second
\xff\xfe:binary
last:no newline at the end"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "htpasswd"
    path.write_bytes(CONTENT)
    return path


def connector(path: Path) -> Connector:
    return CONNECTOR_TYPE.connect(HtpasswdOptions(file=str(path), cost=4), no_secrets)


def test_only_the_hash_of_the_first_line_of_the_account_changes(path: Path) -> None:
    PasswordFile(str(path)).replace("alice", "NEW")

    assert path.read_bytes() == CONTENT.replace(b"\talice:old:kept", b"\talice:NEW:kept")


def test_the_last_line_needs_no_newline(path: Path) -> None:
    PasswordFile(str(path)).replace("last", "NEW")

    assert path.read_bytes() == CONTENT.replace(b"no newline at the end", b"NEW")


lines = st.lists(st.text(st.sampled_from("ab:# \t\r\0"), max_size=8), max_size=8)


@given(lines, st.sampled_from(["a", "ab", "b é", "é"]))
def test_whatever_the_file_holds_only_one_hash_is_replaced(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], account: str
) -> None:
    path = tmp_path_factory.mktemp("law") / "htpasswd"
    before = "\n".join([*lines, f"{account}:HASH", *lines]).encode()
    path.write_bytes(before)
    file = PasswordFile(str(path))
    stored = file.find(account)
    file.replace(account, "NEW")

    assert file.find(account) == "NEW"
    file.replace(account, stored)
    assert path.read_bytes() == before


def test_owner_and_mode_stay(path: Path) -> None:
    path.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(path, 33, 34)
    before = path.stat()
    PasswordFile(str(path)).replace("alice", "NEW")
    after = path.stat()

    assert (after.st_mode, after.st_uid, after.st_gid) == (before.st_mode, before.st_uid, before.st_gid)


def test_a_link_in_the_place_of_the_file_is_refused_and_not_followed(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(path)
    target = connector(link)
    for attempt in (target.check, lambda: target.set_password("alice", Secret("new"))):
        with pytest.raises(ChannelRefused, match="is a symbolic link") as caught:
            attempt()
        assert caught.value.hint == "name the file itself"

    assert path.read_bytes() == CONTENT
    assert sorted(file.name for file in tmp_path.iterdir()) == ["htpasswd", "link"], "not even a lock file was made"


def test_a_link_that_takes_the_place_of_the_file_meanwhile_is_not_followed(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shadow = tmp_path / "shadow"
    path.rename(shadow)
    path.symlink_to(shadow)
    monkeypatch.setattr(PasswordFile, "_guarded", PasswordFile._real)
    with pytest.raises(ChannelRefused, match="cannot read"):
        PasswordFile(str(path)).read()
    with pytest.raises(ChannelRefused, match="is a symbolic link"):
        PasswordFile(str(path)).replace("alice", "NEW")

    assert shadow.read_bytes() == CONTENT


def test_the_folder_of_the_file_may_be_a_link(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.symlink_to(path.parent)
    PasswordFile(str(folder / "htpasswd")).replace("alice", "NEW")

    assert b"alice:NEW" in path.read_bytes()


OTHER_GROUP = os.getegid() + 1


@pytest.mark.parametrize(
    ("mode", "group", "is_refused"),
    [
        (0o777, None, True),
        (0o757, None, True),
        (0o1777, None, False),
        (0o775, None, False),
        pytest.param(0o775, OTHER_GROUP, True, marks=pytest.mark.skipif(os.geteuid() != 0, reason="needs root")),
        pytest.param(0o1775, OTHER_GROUP, False, marks=pytest.mark.skipif(os.geteuid() != 0, reason="needs root")),
    ],
)
def test_a_folder_in_which_others_could_replace_the_file_is_refused(
    path: Path, mode: int, group: int | None, is_refused: bool
) -> None:
    if group is not None:
        os.chown(path.parent, -1, group)
    path.parent.chmod(mode)
    target = connector(path)
    if not is_refused:
        target.check()
        target.set_password("alice", Secret("new"))
        return
    for attempt in (target.check, lambda: target.set_password("alice", Secret("new"))):
        with pytest.raises(ChannelRefused, match=r"others can write to the folder") as caught:
            attempt()
        assert caught.value.hint == f"chmod go-w {path.parent}"
    assert path.read_bytes() == CONTENT


def test_nothing_but_the_file_and_its_lock_is_left(path: Path) -> None:
    PasswordFile(str(path)).replace("alice", "NEW")

    assert sorted(file.name for file in path.parent.iterdir()) == ["htpasswd", "htpasswd.lock"]


def test_writers_at_the_same_time_lose_no_change(path: Path) -> None:
    names = [f"user{number}" for number in range(40)]
    path.write_text("".join(f"{name}:old\n" for name in names))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: PasswordFile(str(path)).replace(name, f"new-{name}"), names))

    assert path.read_text() == "".join(f"{name}:new-{name}\n" for name in names)


def test_a_lock_held_by_another_program_is_busy(path: Path) -> None:
    with path.with_name("htpasswd.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(Busy, match="lock"):
            PasswordFile(str(path), lock_timeout=0.05).replace("alice", "NEW")

    assert path.read_bytes() == CONTENT


def test_a_file_changed_by_a_program_that_takes_no_lock_is_not_overwritten(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_like = htpasswd_file._write_like

    def interfere(model: os.stat_result, target: Path, content: bytes) -> None:
        write_like(model, target, content)
        path.write_bytes(CONTENT + b"\ncarol:new\n")

    monkeypatch.setattr(htpasswd_file, "_write_like", interfere)
    with pytest.raises(Busy, match="changed by another program"):
        PasswordFile(str(path)).replace("alice", "NEW")
    assert path.read_bytes() == CONTENT + b"\ncarol:new\n"


def test_a_hash_that_changed_since_it_was_compared_is_not_overwritten(path: Path) -> None:
    with pytest.raises(Busy, match="meanwhile"):
        PasswordFile(str(path)).replace("alice", "NEW", only_if="another")

    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("account", ["", "a:b", "a\nb", "a\x00", "#alice", " alice", "alice ", "a\ud800"])
def test_a_name_that_cannot_stand_in_the_file_is_refused(path: Path, account: str) -> None:
    with pytest.raises(AccountRefused, match="cannot stand"):
        connector(path).set_password(account, Secret("new"))

    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("account", ["nobody", "alic", "staff", "broken line without colon", "ALICE"])
def test_an_account_that_is_not_in_the_file_is_unknown(path: Path, account: str) -> None:
    with pytest.raises(AccountUnknown):
        connector(path).set_password(account, Secret("new"))

    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("account", ["bob", "alice", "last"])
def test_a_hash_of_another_kind_can_be_replaced_but_not_verified(path: Path, account: str) -> None:
    for attempt in (
        lambda: connector(path).verify_password(account, Secret("x")),
        lambda: connector(path).change_password(account, Secret("x"), Secret("new")),
    ):
        with pytest.raises(AccountRefused, match="not bcrypt"):
            attempt()
    connector(path).set_password(account, Secret("new"))

    assert connector(path).verify_password(account, Secret("new"))


def test_a_damaged_bcrypt_hash_cannot_be_verified(path: Path) -> None:
    PasswordFile(str(path)).replace("alice", "$2y$04$short")

    with pytest.raises(AccountRefused, match="not bcrypt"):
        connector(path).verify_password("alice", Secret("x"))


def test_a_missing_file_or_folder_is_unavailable_and_not_made(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path / "no" / "folder", tmp_path / "file" / "under"):
        (tmp_path / "file").touch()
        target = connector(path)
        for attempt in (target.check, lambda t=target: t.set_password("alice", Secret("new"))):
            with pytest.raises(Unavailable) as caught:
                attempt()
            assert caught.value.directory_code in {"ENOENT", "ENOTDIR"}

    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def fail_with(number: int) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_no_right_to_read_is_a_refused_channel(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "open", fail_with(errno.EACCES))

    with pytest.raises(ChannelRefused, match="cannot read") as caught:
        connector(path).check()
    assert "right to read" in caught.value.hint


def test_a_folder_that_we_may_not_write_to_is_told_by_the_check(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)

    with pytest.raises(ChannelRefused, match="cannot be replaced"):
        connector(path).check()


def test_no_right_to_lock_is_a_refused_channel(path: Path) -> None:
    path.with_name("htpasswd.lock").symlink_to(path)

    with pytest.raises(ChannelRefused, match="cannot lock"):
        connector(path).set_password("alice", Secret("new"))
    assert path.read_bytes() == CONTENT


def test_a_file_that_goes_away_before_it_is_replaced_is_unavailable(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "stat", fail_with(errno.EIO))

    with pytest.raises(Unavailable, match="cannot read"):
        PasswordFile(str(path)).replace("alice", "NEW")


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOSPC, Unavailable),
        (errno.EIO, Unavailable),
        (errno.EROFS, ChannelRefused),
        (errno.EPERM, ChannelRefused),
    ],
)
def test_nothing_changes_when_the_new_file_cannot_be_written(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int, expected: type[Exception]
) -> None:
    monkeypatch.setattr(os, "fsync", fail_with(number))

    with pytest.raises(expected):
        connector(path).set_password("alice", Secret("new"))
    assert path.read_bytes() == CONTENT
    assert sorted(file.name for file in path.parent.iterdir()) == ["htpasswd", "htpasswd.lock"]


def test_a_folder_that_cannot_be_synced_leaves_it_open_whether_the_change_lasts(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(htpasswd_file, "_sync_folder", fail_with(errno.EIO))

    with pytest.raises(Indeterminate, match="perhaps") as caught:
        connector(path).set_password("alice", Secret("new"))
    assert caught.value.directory_code == "EIO"
    assert connector(path).verify_password("alice", Secret("new"))


def test_options_take_a_path_beside_the_manifest(tmp_path: Path) -> None:
    options = HtpasswdOptions.model_validate({"file": "h/passwd"}, context={"folder": tmp_path})

    assert options.file == str(tmp_path / "h" / "passwd")
    assert (options.scheme, options.cost) == ("bcrypt", 12)
    assert CONNECTOR_TYPE.capabilities(options).constraints.max_bytes == 72


@pytest.mark.parametrize(
    "wrong", [{}, {"file": "x", "cost": 3}, {"file": "x", "scheme": "md5"}, {"file": "x", "no": 1}]
)
def test_options_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        HtpasswdOptions.model_validate(wrong)
