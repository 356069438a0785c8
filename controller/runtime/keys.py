"""The keyring of an installation: made, backed up and restored. One process at a time changes it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from controller.model import events
from controller.model.actor import Actor
from controller.model.audit import AuditAction
from controller.model.errors import PwsyncError, SettingsError
from controller.model.events import Event, EventType
from controller.model.secret import Secret
from controller.ports.store import Store
from controller.runtime.reading import open_for_reading, open_for_writing
from controller.runtime.settings import Settings
from controller.runtime.wiring import canary_of, open_keyring, utc_now
from controller.sealing.backup import check_backup_password, decrypt_keyring, encrypt_keyring
from controller.sealing.capture import CaptureKey
from controller.sealing.envelope import mark_of
from controller.sealing.keyring import Keyring, MasterSecret
from controller.sealing.keysource import create_keyring, load_keyring, save_keyring
from controller.sealing.private_file import sole_writer, sync_folder, write_new
from controller.sealing.sealer import KeyringSealer

_LARGEST_BACKUP = 4 << 20


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restored keyring is good for.

    Attributes:
        values: Sealed values of the store that it opens; None when there is no store yet that it belongs to.
        lost: Sealed values whose keys it lacks.
        former: Where the key file that it replaced lies now.
        is_same: The key file was this keyring already; nothing was changed.
    """

    keyring: Keyring
    values: int | None
    lost: int = 0
    former: Path | None = None
    is_same: bool = False


class Keys:
    """Works on the key file of *settings*, and on all that its store has sealed; *by* is who does it."""

    def __init__(self, settings: Settings, by: Actor) -> None:
        self._settings = settings
        self._path = settings.key_file
        self._by = by

    def capture_key(self) -> CaptureKey:
        """The public key of the newest master secret.

        Raises:
            SettingsError: There is no key file, or it cannot be used.
        """
        return CaptureKey.of(load_keyring(self._path).newest)

    def generate(self) -> Keyring:
        """Make the keyring of a new installation.

        Raises:
            SettingsError: There is one, or the store was sealed with one that is not there.
            StoreUnavailable: Whether the store was sealed cannot be found out.
        """
        self._settings.make_state_dir()
        with (
            failures_audited(self._settings, self._by, AuditAction.SECRET_GENERATE),
            open_for_writing(self._settings) as store,  # first: making a store locks the folder too
            sole_writer(self._path),
        ):
            if not os.path.lexists(self._path) and self._canary() is not None:
                raise SettingsError(
                    "the database was sealed with another keyring, which a new one could not replace",
                    hint="'pwsync secret restore' brings it back from its backup",
                )
            keyring = create_keyring(self._path, utc_now())
            open_keyring(self._settings, store)
            return keyring

    def backup(self, file: Path, password: Secret) -> Keyring:
        """Write the keyring to *file*, encrypted with *password*, and prove that it can be read again.

        Raises:
            InvalidInput: The password is too short.
            SettingsError: There is no keyring, or it is not that of the store; or the file exists or cannot be written.
            StoreUnavailable: It could not be audited; there is no file.
        """
        with failures_audited(self._settings, self._by, AuditAction.SECRET_BACKUP):
            return self._backup(file, password)

    def _backup(self, file: Path, password: Secret) -> Keyring:
        check_backup_password(password)
        keyring = load_keyring(self._path)
        content = encrypt_keyring(keyring, password)
        canary = self._canary()
        if canary is not None:
            keyring.verify_canary(canary)
        write_new(file, content, "the backup")
        try:
            decrypt_keyring(_content_of(file), password, str(file))
            with open_for_writing(self._settings) as store:
                audited = store.with_audit_key(KeyringSealer(open_keyring(self._settings, store)))
                self._record(audited, events.KEYRING_BACKED_UP, keyring, AuditAction.SECRET_BACKUP)
        except BaseException:
            file.unlink(missing_ok=True)
            raise
        return keyring

    def restore(self, file: Path, password: Secret, *, replaces: bool) -> Restored:
        """Put the keyring of a backup in its place, after checking that it is that of the store.

        Raises:
            InvalidInput: The password is wrong.
            SettingsError: The backup cannot be used, is that of another store, or another keyring is there already
                and *replaces* is false.
            StoreUnavailable: Whether it is that of the store cannot be found out; nothing was changed.
        """
        with failures_audited(self._settings, self._by, AuditAction.SECRET_RESTORE):
            return self._restore(file, password, replaces=replaces)

    def _restore(self, file: Path, password: Secret, *, replaces: bool) -> Restored:
        keyring = decrypt_keyring(_content_of(file), password, str(file))
        self._settings.make_state_dir()
        with sole_writer(self._path):
            found = self._checked(keyring)
            if self._is_there(keyring):
                return Restored(keyring, found.values, found.lost, is_same=True)
            former = self._set_aside(keyring, replaces=replaces)
            save_keyring(self._path, keyring)
            if found.values is not None:
                with open_for_writing(self._settings) as store:
                    audited = store.with_audit_key(KeyringSealer(keyring))
                    self._record(audited, events.KEYRING_RESTORED, keyring, AuditAction.SECRET_RESTORE)
            return Restored(keyring, found.values, found.lost, former)

    def _canary(self) -> bytes | None:
        with open_for_reading(self._settings) as store:
            return canary_of(store)

    def _checked(self, keyring: Keyring) -> Restored:
        """Find out what *keyring* opens of the store."""
        canary = self._canary()
        if canary is None:
            return Restored(keyring, None)
        keyring.verify_canary(canary)
        with open_for_reading(self._settings) as store, store.read() as tx:
            counts = tx.sealed.count_by_mark()
        known = {mark_of(master.id) for master in keyring.masters}
        values = sum(count for mark, count in counts.items() if mark in known)
        return Restored(keyring, values, sum(counts.values()) - values)

    def _is_there(self, keyring: Keyring) -> bool:
        try:
            return load_keyring(self._path).checksum() == keyring.checksum()
        except SettingsError:
            return False

    def _has_all_of(self, backup: Keyring) -> bool:
        try:
            masters = load_keyring(self._path).masters
        except SettingsError:
            return False
        return {master.id for master in backup.masters} <= {master.id for master in masters}

    def _record(self, store: Store, type_: EventType, keyring: Keyring, action: AuditAction) -> None:
        key = keyring.newest
        record_keys(store, key_event(type_, key, self._by), self._by, action, key.id.hex())

    def _set_aside(self, backup: Keyring, *, replaces: bool) -> Path | None:
        """Give a key file that is to be replaced a second name, under which it stays."""
        if not os.path.lexists(self._path):
            return None
        if not replaces and self._has_all_of(backup):
            raise SettingsError(
                f"the backup is older than the key file {self._path}, which has all of its keys and newer ones",
                hint="nothing needs to be restored; --replace would take away the newer keys, and what they sealed "
                "could not be opened",
            )
        if not replaces:
            raise SettingsError(
                f"the key file {self._path} holds another keyring, or is damaged",
                hint="--replace puts the backup in its place, and keeps the file under another name",
            )
        former = self._path.with_name(f"{self._path.name}.replaced-{utc_now():%Y%m%dT%H%M%S%f}")
        try:
            # A second name, not another one: until the new file is there, the old one stays in its place.
            os.link(self._path, former, follow_symlinks=False)
            sync_folder(former.parent)
        except OSError as error:
            raise SettingsError(
                f"the key file {self._path} cannot be kept as {former.name}: {error.strerror}",
                hint="check its folder; nothing was replaced",
            ) from error
        return former


@contextmanager
def failures_audited(settings: Settings, by: Actor, action: AuditAction) -> Iterator[None]:
    """Audit what fails, where the keyring of the store is there: without it nothing can be audited."""
    try:
        yield
    except PwsyncError as error:
        with suppress(PwsyncError):  # what failed is what the person must hear
            _note_failed(settings, by, action, error.code)
        raise


def _note_failed(settings: Settings, by: Actor, action: AuditAction, failure: str) -> None:
    keyring = load_keyring(settings.key_file)
    with open_for_reading(settings) as store:
        canary = canary_of(store)
    if canary is not None:
        keyring.verify_canary(canary)
        with open_for_writing(settings) as store, store.with_audit_key(KeyringSealer(keyring)).write() as tx:
            tx.audit.add(by, action, "", failure=failure)


def record_keys(store: Store, event: Event, by: Actor, action: AuditAction, subject: str, *, detail: str = "") -> None:
    """Leave an event and an audit row of something done with keys."""
    with store.write() as tx:
        tx.events.add(event)
        tx.audit.add(by, action, subject, detail)


def key_event(type_: EventType, key: MasterSecret, by: Actor, **more: int) -> Event:
    """An event about one key."""
    return Event(type_, fields={"key": key.id.hex(), "by": by.principal, **more})


def _content_of(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(_LARGEST_BACKUP)
    except OSError as error:
        raise SettingsError(f"the backup {file} cannot be read: {error.strerror}", hint="name the file") from error
