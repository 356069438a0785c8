"""A sealer that follows its key file: another process may add a key while this one runs."""

import threading
from collections.abc import Callable
from pathlib import Path

from controller.model.accounts import Account
from controller.model.credential import SealPlace
from controller.model.errors import SettingsError
from controller.model.secret import Secret
from controller.sealing.keyring import Keyring
from controller.sealing.keysource import load_keyring
from controller.sealing.sealer import KeyringSealer

TellProblem = Callable[[SettingsError], None]
_Mark = tuple[int, ...]


class FollowingSealer:
    """The sealer of ``ports.Sealer`` over a key file that is read again when it was replaced.

    A file that is gone, damaged, or of another installation changes nothing: the keys in memory stay in use. Safe to
    use from many threads.
    """

    def __init__(self, path: Path, keyring: Keyring, tell_problem: TellProblem) -> None:
        """*keyring* was read from *path*; *tell_problem* hears of a replaced file that cannot be used, once each."""
        self._path = path
        self._sealer = KeyringSealer(keyring)
        self._canary = keyring.make_canary()
        self._tell_problem = tell_problem
        self._seen: _Mark | None = None
        self._lock = threading.Lock()

    def seal(self, secret: Secret, place: SealPlace) -> bytes:
        """Seal *secret* with the newest key, bound to *place*."""
        return self._newest().seal(secret, place)

    def open(self, sealed: bytes, place: SealPlace) -> Secret:
        """Open what was sealed for *place*, with whichever key it was sealed.

        Raises:
            SealBroken: Unknown key, another place, altered, truncated, or of an unknown format version.
        """
        return self._newest().open(sealed, place)

    def fingerprint(self, secret: Secret, account: Account) -> bytes:
        """HMAC of *secret* for *account*; its key never rotates."""
        return self._sealer.fingerprint(secret, account)

    def _newest(self) -> KeyringSealer:
        mark = _mark(self._path)
        with self._lock:
            if mark != self._seen:
                self._read_again()
                self._seen = mark
            return self._sealer

    def _read_again(self) -> None:
        try:
            keyring = load_keyring(self._path)
            keyring.verify_canary(self._canary)
        except SettingsError as error:
            self._tell_problem(error)
        else:
            self._sealer = KeyringSealer(keyring)


def _mark(path: Path) -> _Mark:
    """What differs once a file was replaced; empty when it is not there."""
    try:
        found = path.lstat()
    except OSError:
        return ()
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
