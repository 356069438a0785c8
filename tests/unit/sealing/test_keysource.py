"""The key file: complete, private, and refused when it is not."""

import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from controller.model.credential import SealPlace
from controller.model.errors import SettingsError
from controller.model.secret import Secret
from controller.sealing import keysource
from controller.sealing.keyring import Keyring
from controller.sealing.keysource import create_keyring, load_keyring, load_or_create_keyring, save_keyring
from controller.sealing.sealer import KeyringSealer

NOW = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
PLACE = SealPlace("changes", "1", "password")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "master.key"


def files_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def refusal(path: Path) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load_keyring(path)
    assert str(path.parent) in caught.value.message
    assert caught.value.hint
    return caught.value


def test_a_new_key_file_is_private(path: Path) -> None:
    create_keyring(path, NOW)

    assert path.stat().st_mode & 0o7777 == 0o600
    assert path.parent.stat().st_mode & 0o7777 == 0o700
    assert files_in(path.parent) == ["master.key"]


def test_what_was_sealed_before_a_restart_opens_after_it(path: Path) -> None:
    sealed = KeyringSealer(create_keyring(path, NOW)).seal(Secret("x"), PLACE)

    assert KeyringSealer(load_keyring(path)).open(sealed, PLACE) == Secret("x")


def test_a_rotated_keyring_replaces_the_file_and_keeps_order_and_times(path: Path) -> None:
    keyring = create_keyring(path, NOW)
    later = NOW.replace(year=2026)
    save_keyring(path, keyring.rotated(later))
    loaded = load_keyring(path)

    assert [m.created_at for m in loaded.masters] == [NOW, later]
    assert loaded.masters[0].id == keyring.newest.id
    assert path.stat().st_mode & 0o7777 == 0o600
    loaded.verify_canary(keyring.make_canary())


def test_an_existing_key_file_is_never_overwritten_by_a_new_one(path: Path) -> None:
    create_keyring(path, NOW)
    before = path.read_bytes()

    with pytest.raises(SettingsError, match="exists already"):
        create_keyring(path, NOW)
    assert path.read_bytes() == before
    assert files_in(path.parent) == ["master.key"]


def test_the_first_start_makes_the_file_and_the_second_reads_it(path: Path) -> None:
    first = load_or_create_keyring(path, NOW)
    second = load_or_create_keyring(path, NOW)

    second.verify_canary(first.make_canary())


def test_of_several_starts_at_once_one_makes_the_file_for_all(path: Path) -> None:
    barrier = Barrier(8)
    made: list[bytes] = []

    def start() -> None:
        barrier.wait()
        made.append(load_or_create_keyring(path, NOW).make_canary())

    threads = [Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 8
    assert len(set(made)) == 1


def test_losing_the_race_for_the_file_means_to_read_the_winners(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    winner = create_keyring(path, NOW)
    monkeypatch.setattr(os.path, "lexists", lambda _: False)

    load_or_create_keyring(path, NOW).verify_canary(winner.make_canary())


def test_a_missing_key_file_is_told_with_its_remedy(path: Path) -> None:
    assert "does not exist" in refusal(path).message
    assert "restore its backup" in refusal(path).hint


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o644])
def test_a_key_file_that_is_open_to_others_is_refused(path: Path, mode: int) -> None:
    create_keyring(path, NOW)
    path.chmod(mode)

    assert f"mode {mode:04o}" in refusal(path).message
    assert f"chmod 600 {path}" in refusal(path).hint


@pytest.mark.parametrize("mode", [0o770, 0o702, 0o777])
def test_a_folder_in_which_others_could_replace_the_file_is_refused(path: Path, mode: int) -> None:
    keyring = create_keyring(path, NOW)
    path.parent.chmod(mode)

    assert f"chmod 700 {path.parent}" in refusal(path).hint
    with pytest.raises(SettingsError, match="other users can write"):
        save_keyring(path, keyring)


def pretend_to_be(monkeypatch: pytest.MonkeyPatch, uid: int) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: uid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_key_file_of_another_user_is_refused(path: Path) -> None:
    create_keyring(path, NOW)
    os.chown(path, 12345, -1)

    assert "uid 12345" in refusal(path).message
    assert f"chown {os.geteuid()} {path}" in refusal(path).hint


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_folder_of_another_user_is_refused(path: Path) -> None:
    create_keyring(path, NOW)
    os.chown(path.parent, 12345, -1)

    assert "could replace it" in refusal(path).message


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_key_file_of_root_serves_another_user(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = create_keyring(path, NOW)
    pretend_to_be(monkeypatch, 12345)

    load_keyring(path).verify_canary(made.make_canary())


def test_a_link_in_the_place_of_the_key_file_is_refused(path: Path, tmp_path: Path) -> None:
    create_keyring(path, NOW)
    elsewhere = tmp_path / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)

    assert "symbolic link" in refusal(path).message
    with pytest.raises(SettingsError, match="symbolic link"):
        load_or_create_keyring(path, NOW)


def test_a_folder_or_a_pipe_in_the_place_of_the_key_file_is_refused_at_once(path: Path) -> None:
    path.mkdir(parents=True)
    assert "not a regular file" in refusal(path).message
    path.rmdir()
    os.mkfifo(path)
    assert "not a regular file" in refusal(path).message


def test_a_file_in_the_place_of_the_folder_is_refused(path: Path) -> None:
    path.parent.write_text("")

    assert "cannot be used" in refusal(path).message
    with pytest.raises(SettingsError, match="Not a directory"):
        create_keyring(path, NOW)


def test_an_unreadable_key_file_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_keyring(path, NOW)

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    assert "Permission denied" in refusal(path).message


def test_a_full_disk_leaves_the_old_key_file_and_no_other(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring = create_keyring(path, NOW)
    before = path.read_bytes()

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(SettingsError, match="No space left"):
        save_keyring(path, keyring.rotated(NOW))
    assert path.read_bytes() == before
    assert files_in(path.parent) == ["master.key"]


def spoil_secret(document: dict[str, Any]) -> None:
    document["masters"][0]["secret"] = keysource._to_text(bytes(32))


def drop_master(document: dict[str, Any]) -> None:
    document["masters"].pop()


def swap_lineage(document: dict[str, Any]) -> None:
    document["lineage"] = keysource._to_text(Keyring.generate(NOW).lineage.reveal())


def change_time(document: dict[str, Any]) -> None:
    document["masters"][0]["created"] = "2020-01-01T00:00:00+00:00"


def drop_all_masters(document: dict[str, Any]) -> None:
    document["masters"] = []


def shorten(document: dict[str, Any]) -> None:
    document["fingerprint"] = "AAAA"


@pytest.mark.parametrize("damage", [spoil_secret, drop_master, swap_lineage, change_time, drop_all_masters, shorten])
def test_a_key_file_whose_parts_do_not_belong_together_is_refused(
    path: Path, damage: Callable[[dict[str, Any]], None]
) -> None:
    save_keyring(path, Keyring.generate(NOW).rotated(NOW))
    document = json.loads(path.read_bytes())
    damage(document)
    path.write_text(json.dumps(document))

    error = refusal(path)
    assert "is damaged" in error.message
    assert document["masters"] == [] or document["masters"][0]["secret"] not in str(error)
    assert error.__context__ is None


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"null", b"{}", b"[" * 100_000])
def test_a_file_that_is_no_key_file_is_refused(path: Path, content: bytes) -> None:
    create_keyring(path, NOW)
    path.write_bytes(content)

    assert "is damaged" in refusal(path).message


@pytest.mark.parametrize(("field", "value"), [("format", "other"), ("version", 2)])
def test_a_key_file_of_another_format_is_refused(path: Path, field: str, value: object) -> None:
    create_keyring(path, NOW)
    document = json.loads(path.read_bytes()) | {field: value}
    path.write_text(json.dumps(document))

    assert "is not of format" in refusal(path).message
