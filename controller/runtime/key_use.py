"""What is known of the keys of a keyring beside the key file: what they have sealed, since when, and where they lie."""

import socket
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path

from controller.model.errors import SettingsError
from controller.ports.store import Store
from controller.replay.waiting import look
from controller.sealing.envelope import mark_of
from controller.sealing.keyring import Keyring, MasterSecret
from controller.sealing.keysource import load_keyring

SETTLED_AFTER = timedelta(minutes=5)
"""So long a key must have been sealing before older ones are removed.

A password that an older key has sealed is not seen in the store before its transaction has ended, and such a
transaction may wait for others, 30 seconds at most for each lock.
"""
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def refuse_missing_keys(store: Store, keyring: Keyring, path: Path) -> None:
    """Make sure that *keyring* has all keys that have sealed something: a further key must not be added to an old copy.

    Raises:
        SettingsError: It lacks some.
    """
    with store.read() as tx:
        counts = tx.sealed.count_by_mark()
    known = {mark_of(master.id) for master in keyring.masters}
    missing = sum(count for mark, count in counts.items() if mark not in known)
    if missing:
        raise SettingsError(
            f"the key file {path} lacks the keys of {missing:,} sealed values: it is older than the last rotation",
            hint="copy the newest master.key here, or restore its backup; if their keys are lost for good, set or clear"
            " those credentials first",
        )


def note_sealing(store: Store, key: MasterSecret) -> tuple[datetime, datetime]:
    """Since when *key* is known to seal, noted now if it was not, and the time now; both by the store's clock."""
    with store.write() as tx:
        since = tx.identity(f"sealing since {key.id.hex()}", lambda: tx.now.isoformat().encode())
        return datetime.fromisoformat(since.decode()), tx.now


def refuse_unsettled(store: Store, key: MasterSecret) -> None:
    """Make sure that what older keys have sealed before *key* did has arrived in the store.

    Raises:
        SettingsError: It seals for too short a time.
    """
    since, now = note_sealing(store, key)
    if now - since < SETTLED_AFTER:
        raise SettingsError(
            f"older keys are kept: key {key.id.hex()} seals only since {since:%Y-%m-%d %H:%M:%S} UTC, and changes"
            " that were sealed before may still be on their way",
            hint=f"run it again after {since + SETTLED_AFTER:%H:%M:%S} UTC, 5 minutes later",
        )


def refuse_kept_changes(replay_dir: Path) -> None:
    """Make sure that no changes are kept in files, which no rewrapping reaches.

    Raises:
        SettingsError: Some are.
    """
    kept = look(replay_dir)
    if kept.changes or kept.set_aside:
        raise SettingsError(
            f"older keys are kept: replay files in {replay_dir} may be sealed with them",
            hint="let the controller take the changes over; move away files that were set aside",
        )


def former_files(path: Path, keys: Collection[str]) -> tuple[Path, ...]:
    """Files beside the key file at *path* that 'secret restore' replaced, and that may hold one of *keys* (ids)."""
    return tuple(f for f in sorted(path.parent.glob(f"{path.name}.replaced-*")) if _may_hold(f, keys))


def _may_hold(path: Path, keys: Collection[str]) -> bool:
    try:
        return any(master.id.hex() in keys for master in load_keyring(path).masters)
    except SettingsError:
        return True


def holder_of(path: Path) -> str:
    """Who rotates: one running kernel and one folder of a key file, which the lock on that folder keeps to one process.

    So the same command goes on at once after a kill, and a second installation on this host is another holder.
    """
    folder = path.parent.stat()
    return f"{socket.gethostname()}/{_BOOT_ID.read_text().strip()}/{folder.st_dev}:{folder.st_ino}"
