"""Rotation and retirement of keys: what is refused, and what a kill or a full disk leaves behind."""

import errno
import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from controller.model.actor import Actor
from controller.model.credential import StoredSecret, external_credential_place
from controller.model.errors import SettingsError
from controller.model.secret import Secret
from controller.ports.audit import AuditQuery
from controller.ports.store import Store
from controller.runtime import key_use
from controller.runtime.keys import Keys
from controller.runtime.rotation import Rotation
from controller.runtime.settings import Settings, settings_of
from controller.runtime.wiring import open_installation
from controller.sealing.backup import encrypt_keyring
from controller.sealing.keysource import load_keyring
from controller.sealing.sealer import KeyringSealer

BACKUP_PASSWORD = Secret("six random words are long enough")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """The store of an installation with one stored credential."""
    with open_installation(settings) as opened:
        put(opened.store, settings)
        yield opened.store


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(tmp_path / "state", environ={})


@pytest.fixture
def rotation(settings: Settings) -> Rotation:
    return Rotation(settings, Actor("me"))


def put(store: Store, settings: Settings) -> None:
    """Store a credential, sealed with the newest key of these settings."""
    place = external_credential_place("APP", "alice", "Password")
    sealed = KeyringSealer(load_keyring(settings.key_file)).seal(Secret("In-force-1"), place)
    with store.write() as tx:
        tx.credentials.put_external("APP", "alice", "Password", StoredSecret(sealed, 1, "t", tx.now))


def tell(_: int, __: int) -> None:
    """Nobody listens."""


@pytest.mark.usefixtures("store")
def test_older_keys_are_kept_until_the_new_one_has_sealed_for_five_minutes(
    rotation: Rotation, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    rotation.rotate(tell)
    older, _ = load_keyring(settings.key_file).masters
    with pytest.raises(SettingsError, match="seals only since"):
        rotation.retire(tell)
    assert len(load_keyring(settings.key_file).masters) == 2

    monkeypatch.setattr(key_use, "SETTLED_AFTER", timedelta(0))
    assert rotation.retire(tell).keys == (older.id.hex(),)
    assert len(load_keyring(settings.key_file).masters) == 1


def test_the_two_rows_of_a_rotation_are_told_apart_in_the_audit(rotation: Rotation, store: Store) -> None:
    rotation.rotate(tell)
    with store.read() as tx:
        rows = tx.audit.find(AuditQuery(action="secret rotate"))
    assert [row.detail for row in rows] == ["values sealed anew: 1", "a new key"]


def test_a_prepared_key_counts_from_the_rotation_and_not_from_when_it_was_made(
    rotation: Rotation, settings: Settings, store: Store
) -> None:
    prepared = rotation.prepare().prepared
    assert prepared is not None
    rotation.rotate(tell)

    since, now = key_use.note_sealing(store, load_keyring(settings.key_file).newest)
    assert prepared.created_at < since <= now
    with pytest.raises(SettingsError, match=prepared.id.hex()):
        rotation.retire(tell)


def test_an_old_copy_of_the_key_file_gets_no_further_key(rotation: Rotation, settings: Settings, store: Store) -> None:
    stale = settings_of(settings.state_dir.with_name("stale"), database=settings.database, environ={})
    stale.make_state_dir()
    shutil.copy(settings.key_file, stale.key_file)
    rotation.rotate(tell)
    put(store, settings)

    for change in (lambda: Rotation(stale, Actor("me")).rotate(tell), Rotation(stale, Actor("me")).prepare):
        with pytest.raises(SettingsError, match="lacks the keys of 1 sealed values"):
            change()
    assert len(load_keyring(stale.key_file).masters) == 1


@pytest.mark.usefixtures("store")
def test_two_key_files_on_one_host_are_not_rotated_at_once(rotation: Rotation, settings: Settings) -> None:
    other = settings_of(settings.state_dir.with_name("other"), database=settings.database, environ={})
    other.make_state_dir()
    shutil.copy(settings.key_file, other.key_file)
    refused: list[str] = []

    def rotate_the_other(*_: object) -> None:
        with pytest.raises(SettingsError) as caught:
            Rotation(other, Actor("me")).prepare()
        refused.append(str(caught.value))

    rotation.rotate(rotate_the_other)
    assert ["being rotated from another key file" in problem for problem in refused] == [True]


@pytest.mark.usefixtures("store")
def test_a_retirement_names_replaced_files_that_still_hold_a_retired_key(
    rotation: Rotation, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    holds = settings.key_file.with_name("master.key.replaced-1")
    shutil.copy(settings.key_file, holds)
    rotation.rotate(tell)
    damaged = settings.key_file.with_name("master.key.replaced-2")
    damaged.write_text("{")
    monkeypatch.setattr(key_use, "SETTLED_AFTER", timedelta(0))
    first = rotation.retire(tell)
    shutil.copy(settings.key_file, holds)
    damaged.unlink()

    assert first.left == (holds, damaged)
    assert key_use.former_files(settings.key_file, first.keys) == ()


@pytest.mark.usefixtures("store")
def test_a_full_disk_leaves_the_key_file_in_its_place_while_it_is_replaced(
    rotation: Rotation, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = tmp_path / "backup"
    backup.write_bytes(encrypt_keyring(load_keyring(settings.key_file), BACKUP_PASSWORD))
    rotation.rotate(tell)
    before = settings.key_file.read_bytes()

    with monkeypatch.context() as full:
        full.setattr(os, "rename", _fail)
        with pytest.raises(SettingsError, match="No space left"):
            Keys(settings, Actor("me")).restore(backup, BACKUP_PASSWORD, replaces=True)
    assert settings.key_file.read_bytes() == before

    with monkeypatch.context() as full:
        full.setattr(os, "link", _fail)
        with pytest.raises(SettingsError, match="cannot be kept as"):
            Keys(settings, Actor("me")).restore(backup, BACKUP_PASSWORD, replaces=True)
    assert settings.key_file.read_bytes() == before

    former = Keys(settings, Actor("me")).restore(backup, BACKUP_PASSWORD, replaces=True).former
    assert former is not None
    assert former.read_bytes() == before


def _fail(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
