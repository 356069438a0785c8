"""A sealer that follows its key file: another process may add a key while this one runs."""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from controller.model.accounts import Account
from controller.model.credential import SealPlace
from controller.model.errors import SealBroken, SettingsError
from controller.model.secret import Secret
from controller.sealing.keyring import Keyring
from controller.sealing.keysource import load_keyring
from controller.sealing.sealer import KeyringSealer

TRY_AGAIN = 1.0
"""Seconds after which a file that could not be read is read again, although it is the same one."""
TellProblem = Callable[[SettingsError], None]
SteadyTime = Callable[[], float]
"""Seconds from any start, that only ever grow."""
_Mark = tuple[int, ...]


class FollowingSealer:
    """The sealer of ``ports.Sealer`` over a key file that is read again when it was replaced.

    A file that is gone, damaged, or of another installation changes nothing: the keys in memory stay in use, and it is
    tried again. Safe to use from many threads.
    """

    def __init__(
        self, path: Path, keyring: Keyring, tell_problem: TellProblem, steady_time: SteadyTime = time.monotonic
    ) -> None:
        """*keyring* was read from *path*; *tell_problem* hears of a replaced file that cannot be used, once each."""
        self._path = path
        self._sealer = KeyringSealer(keyring)
        self._canary = keyring.make_canary()
        self._tell_problem = tell_problem
        self._steady_time = steady_time
        self._read: _Mark | None = None
        self._failed: _Mark | None = None
        self._again_at = 0.0
        self._lock = threading.Lock()

    def seal(self, secret: Secret, place: SealPlace) -> bytes:
        """Seal *secret* with the newest key, bound to *place*."""
        return self._newest().seal(secret, place)

    def open(self, sealed: bytes, place: SealPlace) -> Secret:
        """Open what was sealed for *place*, with whichever key it was sealed.

        Raises:
            SealBroken: Unknown key, another place, altered, truncated, or of an unknown format version.
        """
        return self._opened(lambda sealer: sealer.open(sealed, place))

    def open_captured(self, sealed: bytes, account: Account, occurred_at: datetime) -> Secret:
        """Open a password that was sealed where it was captured, with whichever key.

        Raises:
            SealBroken: Unknown key, sealed for another account or time, or altered.
        """
        return self._opened(lambda sealer: sealer.open_captured(sealed, account, occurred_at))

    def fingerprint(self, secret: Secret, account: Account) -> bytes:
        """HMAC of *secret* for *account*; its key never rotates."""
        return self._sealer.fingerprint(secret, account)

    def tag(self, content: bytes) -> bytes:
        """HMAC of *content* for the audit; its key never rotates."""
        return self._sealer.tag(content)

    def _opened(self, open_with: Callable[[KeyringSealer], Secret]) -> Secret:
        sealer = self._newest()
        try:
            return open_with(sealer)
        except SealBroken:
            newer = self._newest(at_once=True)
            if newer is sealer:
                raise
        return open_with(newer)

    def _newest(self, *, at_once: bool = False) -> KeyringSealer:
        mark = _mark(self._path)
        with self._lock:
            if mark != self._read and (at_once or mark != self._failed or self._steady_time() >= self._again_at):
                self._read_again(mark)
            return self._sealer

    def _read_again(self, mark: _Mark) -> None:
        try:
            keyring = load_keyring(self._path)
            keyring.verify_canary(self._canary)
        except SettingsError as error:
            self._again_at = self._steady_time() + TRY_AGAIN
            if mark != self._failed:
                self._failed = mark
                self._tell_problem(error)
        else:
            self._read, self._failed = mark, None
            self._sealer = KeyringSealer(keyring)


def _mark(path: Path) -> _Mark:
    """What differs once a file was replaced; empty when it is not there."""
    try:
        found = path.lstat()
    except OSError:
        return ()
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
