"""A running process notices that its key file was replaced, and is not thrown off by a bad one."""

import errno
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controller.model.accounts import WindowsAccount
from controller.model.credential import SealPlace
from controller.model.errors import SealBroken, SettingsError
from controller.model.secret import Secret
from controller.sealing.capture import CaptureKey
from controller.sealing.following import FollowingSealer
from controller.sealing.keyring import Keyring
from controller.sealing.keysource import create_keyring, load_keyring, save_keyring
from controller.sealing.sealer import KeyringSealer

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PLACE = SealPlace("credentials", "PAYROLL\x00ALICE1", "Password")
SECRET = Secret("x")
ALICE = WindowsAccount("CORP", "alice")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "master.key"


@pytest.fixture
def problems() -> list[SettingsError]:
    return []


@pytest.fixture
def keyring(path: Path) -> Keyring:
    return create_keyring(path, NOW)


@pytest.fixture
def sealer(path: Path, keyring: Keyring, problems: list[SettingsError]) -> FollowingSealer:
    return FollowingSealer(path, keyring, problems.append)


def test_it_seals_with_a_key_that_another_process_added(sealer: FollowingSealer, path: Path, keyring: Keyring) -> None:
    before = sealer.seal(SECRET, PLACE)
    rotated = keyring.rotated(NOW)
    save_keyring(path, rotated)
    after = sealer.seal(SECRET, PLACE)

    assert before.startswith(KeyringSealer(keyring).newest_mark)
    assert after.startswith(KeyringSealer(rotated).newest_mark)
    assert sealer.open(before, PLACE) == sealer.open(after, PLACE) == SECRET


def test_it_opens_what_another_process_sealed_with_a_new_key(
    sealer: FollowingSealer, path: Path, keyring: Keyring
) -> None:
    rotated = keyring.rotated(NOW)
    sealed = KeyringSealer(rotated).seal(SECRET, PLACE)
    with pytest.raises(SealBroken, match="not in the keyring"):
        sealer.open(sealed, PLACE)
    save_keyring(path, rotated)

    assert sealer.open(sealed, PLACE) == SECRET


def test_it_opens_what_was_captured_for_a_key_that_another_process_added(
    sealer: FollowingSealer, path: Path, keyring: Keyring
) -> None:
    rotated = keyring.rotated(NOW)
    account = WindowsAccount("CORP", "alice")
    sealed = CaptureKey.parse(str(CaptureKey.of(rotated.newest))).seal(SECRET, account, NOW)
    save_keyring(path, rotated)
    assert sealer.open_captured(sealed, account, NOW) == SECRET


def test_fingerprints_stay_the_same(sealer: FollowingSealer, path: Path, keyring: Keyring) -> None:
    before = sealer.fingerprint(SECRET, ALICE)
    save_keyring(path, keyring.rotated(NOW))
    sealer.seal(SECRET, PLACE)

    assert sealer.fingerprint(SECRET, ALICE) == before


def test_tags_stay_the_same(sealer: FollowingSealer, path: Path, keyring: Keyring) -> None:
    before = sealer.tag(b"entry")
    save_keyring(path, keyring.rotated(NOW))
    sealer.seal(SECRET, PLACE)

    assert sealer.tag(b"entry") == before != sealer.tag(b"entry 2")


def test_a_file_that_is_gone_or_damaged_changes_nothing_and_is_told_once(
    sealer: FollowingSealer, path: Path, keyring: Keyring, problems: list[SettingsError]
) -> None:
    sealed = sealer.seal(SECRET, PLACE)
    path.unlink()
    for _ in range(3):
        assert sealer.open(sealed, PLACE) == SECRET
    assert ["does not exist" in str(problem) for problem in problems] == [True]
    save_keyring(path, keyring)
    path.write_bytes(b"{")
    assert sealer.open(sealed, PLACE) == SECRET
    assert "is damaged" in str(problems[-1])


@pytest.fixture
def times() -> list[float]:
    return [0.0]


@pytest.fixture
def behind(
    path: Path, keyring: Keyring, problems: list[SettingsError], times: list[float], monkeypatch: pytest.MonkeyPatch
) -> FollowingSealer:
    """A sealer that could not read the file of a rotation once, for want of descriptors."""
    sealer = FollowingSealer(path, keyring, problems.append, lambda: times[0])
    sealer.seal(SECRET, PLACE)
    save_keyring(path, keyring.rotated(NOW))
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", _fail)
        sealer.seal(SECRET, PLACE)
    return sealer


def _fail(*_: object, **__: object) -> int:
    raise OSError(errno.EMFILE, "Too many open files")


def test_a_file_that_could_not_be_read_once_is_read_again_within_a_second(
    behind: FollowingSealer, path: Path, times: list[float], problems: list[SettingsError]
) -> None:
    newest = KeyringSealer(load_keyring(path)).newest_mark

    times[0] = 0.9
    assert not behind.seal(SECRET, PLACE).startswith(newest)
    times[0] = 1.0
    assert behind.seal(SECRET, PLACE).startswith(newest)
    assert ["Too many open files" in str(problem) for problem in problems] == [True]


def test_a_file_that_stays_bad_is_tried_again_each_second_and_told_once(
    path: Path, keyring: Keyring, problems: list[SettingsError], times: list[float]
) -> None:
    sealer = FollowingSealer(path, keyring, problems.append, lambda: times[0])
    path.write_bytes(b"{")
    for times[0] in (0.0, 1.0, 2.0):
        sealer.seal(SECRET, PLACE)

    assert ["is damaged" in str(problem) for problem in problems] == [True]


def test_a_file_that_could_not_be_read_once_is_read_at_once_when_a_key_is_missing(
    behind: FollowingSealer, path: Path
) -> None:
    sealed = KeyringSealer(load_keyring(path)).seal(SECRET, PLACE)

    assert behind.open(sealed, PLACE) == SECRET


def test_the_keyring_of_another_installation_is_not_taken(
    sealer: FollowingSealer, path: Path, problems: list[SettingsError]
) -> None:
    sealed = sealer.seal(SECRET, PLACE)
    save_keyring(path, Keyring.generate(NOW))

    assert sealer.open(sealed, PLACE) == SECRET
    assert "does not belong to this database" in str(problems[0])


def test_a_prepared_key_opens_but_seals_only_after_the_rotation(keyring: Keyring) -> None:
    prepared = keyring.with_prepared(NOW)
    rotated = prepared.rotated(NOW + timedelta(days=1))

    assert prepared.newest.id == keyring.newest.id
    assert prepared.with_prepared(NOW) is prepared
    assert prepared.prepared is not None
    assert rotated.newest.id == prepared.prepared.id
    assert rotated.prepared is None
    assert len(rotated.masters) == 2
    assert KeyringSealer(prepared).open(KeyringSealer(rotated).seal(SECRET, PLACE), PLACE) == SECRET


def test_retirement_leaves_a_prepared_key(keyring: Keyring) -> None:
    prepared = keyring.rotated(NOW).with_prepared(NOW)
    retired = prepared.retired()

    assert len(prepared.masters) == 3
    assert [m.id for m in retired.masters] == [prepared.masters[0].id, prepared.newest.id]


def test_a_clock_that_was_set_back_does_not_hide_a_prepared_key(keyring: Keyring) -> None:
    assert keyring.with_prepared(NOW - timedelta(days=365)).prepared is not None
