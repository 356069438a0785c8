"""Rotation of the keys of an installation: a new one is prepared, seals, and at last the older ones are retired."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from controller.model import events
from controller.model.actor import Actor
from controller.model.audit import AuditAction
from controller.model.errors import SettingsError
from controller.model.events import Event
from controller.pipeline.replay import Replay
from controller.pipeline.rewrapping import Rewrapped, Rewrapping, TellProgress
from controller.ports.store import Store
from controller.replay.log import ReplayFiles
from controller.replay.waiting import look
from controller.runtime import key_use
from controller.runtime.keys import failures_audited, key_event, record_keys
from controller.runtime.reading import open_for_writing
from controller.runtime.settings import Settings
from controller.runtime.wiring import open_keyring, steady_clock, utc_now
from controller.sealing.keyring import Keyring
from controller.sealing.keysource import load_keyring, save_keyring
from controller.sealing.private_file import sole_writer
from controller.sealing.sealer import KeyringSealer

LEASE_NAME = "keyring"
LEASE = timedelta(minutes=10)
"""How long another machine is kept from rotating after a process that did was killed."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did.

    Attributes:
        is_new: A key was added; else an earlier rotation, which had not come to its end, was finished.
    """

    keyring: Keyring
    is_new: bool
    rewrapped: Rewrapped


@dataclass(frozen=True, slots=True)
class Retired:
    """What a retirement did.

    Attributes:
        keys: Ids of the keys that were removed.
        left: Key files that 'secret restore' once replaced, and that may still hold one of them.
    """

    keys: tuple[str, ...]
    left: tuple[Path, ...] = ()


class Rotation:
    """Works on the key file of *settings*, and on all that its store has sealed; *by* is who does it."""

    def __init__(self, settings: Settings, by: Actor) -> None:
        self._settings = settings
        self._path = settings.key_file
        self._by = by

    def prepare(self) -> Keyring:
        """Add a key that opens but does not seal yet, so that other machines can have it before it does.

        Raises:
            SettingsError: The keyring cannot be used, lacks keys, or is being changed elsewhere.
        """
        with self._alone(AuditAction.SECRET_PREPARE) as (store, keyring):
            key_use.refuse_missing_keys(store, keyring, self._path)
            prepared = keyring.with_prepared(utc_now())
            if prepared is not keyring:
                save_keyring(self._path, prepared)
                event = key_event(events.KEY_PREPARED, prepared.masters[0], self._by)
                self._record(store, event, AuditAction.SECRET_PREPARE)
            return prepared

    def rotate(self, tell: TellProgress) -> Rotated:
        """Add a key (the prepared one, if there is), and seal with it all that older keys have sealed.

        If an earlier rotation did not come to its end, that one is finished instead. *tell* hears how far it
        came.

        Raises:
            SettingsError: The keyring cannot be used, lacks keys, or is being changed elsewhere.
            StoreUnavailable: The store went away; the same command goes on.
        """
        with self._alone(AuditAction.SECRET_ROTATE) as (store, keyring):
            key_use.refuse_missing_keys(store, keyring, self._path)
            self._take_over_kept(store, keyring)
            earlier = self._rewrap(store, keyring, tell)
            if earlier.count:
                return Rotated(keyring, is_new=False, rewrapped=earlier)
            rotated = keyring.rotated(utc_now())
            save_keyring(self._path, rotated)
            added = key_event(events.KEY_ADDED, rotated.newest, self._by)
            self._record(store, added, AuditAction.SECRET_ROTATE, "a new key")
            return Rotated(rotated, is_new=True, rewrapped=self._rewrap(store, rotated, tell))

    def retire(self, tell: TellProgress) -> Retired:
        """Remove the keys that seal nothing any more.

        Raises:
            SettingsError: Something is still sealed with one of them, or may be for a few minutes more; or the keyring
                cannot be used.
        """
        with self._alone(AuditAction.SECRET_RETIRE) as (store, keyring):
            retired = keyring.retired()
            gone = tuple(m.id.hex() for m in keyring.masters if m not in retired.masters)
            if not gone:
                return Retired(())
            key_use.refuse_unsettled(store, keyring.newest)
            self._take_over_kept(store, keyring)
            key_use.refuse_kept_changes(self._settings.replay_dir)
            broken = self._rewrap(store, keyring, tell).broken
            left = Rewrapping(store, KeyringSealer(keyring)).remaining()
            if left:
                raise SettingsError(
                    f"older keys are kept: {left:,} values are still sealed with them, for example: "
                    f"{broken[0] if broken else 'one of a change that was reported just now'}",
                    hint="set or clear credentials that cannot be opened, and run it again",
                )
            save_keyring(self._path, retired)
            fields = {"keys": list(gone), "by": self._by.principal}
            self._record(store, Event(events.KEYS_RETIRED, fields=fields), AuditAction.SECRET_RETIRE)
            return Retired(gone, key_use.former_files(self._path, gone))

    @contextmanager
    def _alone(self, action: AuditAction) -> Iterator[tuple[Store, Keyring]]:
        """The store and its keyring, which nobody else changes meanwhile, on this machine or another."""
        load_keyring(self._path)
        with (
            failures_audited(self._settings, self._by, action),
            open_for_writing(self._settings) as opened,  # first: making a store locks the folder too
            sole_writer(self._path),
        ):
            keyring = open_keyring(self._settings, opened)
            store = opened.with_audit_key(KeyringSealer(keyring))
            self._hold(store)
            try:
                yield store, keyring
            finally:
                with store.write() as tx:
                    tx.leases.release(LEASE_NAME, key_use.holder_of(self._path))

    def _hold(self, store: Store) -> None:
        with store.write() as tx:
            token = tx.leases.acquire(LEASE_NAME, key_use.holder_of(self._path), LEASE)
        if token is None:
            raise SettingsError(
                "the keys of this database are being rotated from another key file",
                hint="let that end; its key file must then be copied here",
            )

    def _rewrap(self, store: Store, keyring: Keyring, tell: TellProgress) -> Rewrapped:
        def tell_and_hold(count: int, total: int) -> None:
            self._hold(store)
            tell(count, total)

        key_use.note_sealing(store, keyring.newest)
        rewrapped = Rewrapping(store, KeyringSealer(keyring)).run(tell_and_hold)
        if rewrapped.count:
            more = {"count": rewrapped.count, "broken": len(rewrapped.broken)}
            event = key_event(events.VALUES_REWRAPPED, keyring.newest, self._by, **more)
            self._record(store, event, AuditAction.SECRET_ROTATE, f"values sealed anew: {rewrapped.count}")
        return rewrapped

    def _take_over_kept(self, store: Store, keyring: Keyring) -> None:
        """Take over what was kept while the store was away, unless a controller has these files and does it itself."""
        if not look(self._settings.replay_dir).changes:
            return
        log = ReplayFiles.open(self._settings.replay_dir, KeyringSealer(keyring))
        if log is None:
            return
        try:
            replay = Replay(store, log, steady_clock())
            while replay.step():
                pass
        finally:
            log.close()

    def _record(self, store: Store, event: Event, action: AuditAction, detail: str = "") -> None:
        record_keys(store, event, self._by, action, str(event.fields.get("key", "")), detail=detail)
