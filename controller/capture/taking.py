"""Taking a change: a password in clear comes in, what goes on is sealed."""

from datetime import datetime
from pathlib import Path

from controller.capture.record import CapturedChange
from controller.capture.settings import CaptureSpec
from controller.capture.spool import Spool
from controller.model.errors import InvalidInput, SettingsError
from controller.model.secret import MAX_PASSWORD_LENGTH, Secret
from controller.sealing.capture import CaptureKey


class Capture:
    """Seals changes and puts them into the spool."""

    def __init__(self, spec: CaptureSpec, key: CaptureKey, spool: Spool) -> None:
        self._spec = spec
        self._key = key
        self.spool = spool

    @classmethod
    def open(cls, spec: CaptureSpec) -> "Capture":
        """Read the key and open the spool.

        Raises:
            SettingsError: One of them cannot be used.
        """
        return cls(spec, read_key(Path(spec.key_file)), Spool.open(Path(spec.spool), spec.max_changes))

    def leaves_out(self, name: str) -> bool:
        """Whether this account is not to be captured."""
        return self._spec.leaves_out(name)

    def take(self, name: str, password: Secret, occurred_at: datetime) -> bool:
        """Make a change durable; False when the account is one of those that are left out.

        Raises:
            InvalidInput: There is no such account, or nobody could have such a password.
            SpoolFull, SettingsError: It was not taken.
        """
        change = self.sealed(name, password, occurred_at)
        if change is not None:
            self.spool.put(change)
        return change is not None

    def miss(self, name: str, occurred_at: datetime, now: datetime) -> bool:
        """Note a change that the source told without its password; False when it is none of those to be captured.

        One that is older than maxAge would not be sent, and is not missed.

        Raises:
            InvalidInput: There is no such account.
            SettingsError: It could not be noted.
        """
        if self._spec.leaves_out(name) or now - occurred_at > self._spec.max_age:
            return False
        self.spool.note_missed(self._spec.account(name), occurred_at)
        return True

    def sealed(self, name: str, password: Secret, occurred_at: datetime) -> CapturedChange | None:
        """A change with its password sealed; None when the account is left out.

        Raises:
            InvalidInput: As ``take``.
        """
        if self._spec.leaves_out(name):
            return None
        if password.is_empty() or password.is_too_long():
            raise InvalidInput(f"the password is empty, or longer than {MAX_PASSWORD_LENGTH} characters")
        account = self._spec.account(name)
        return CapturedChange(account, occurred_at, self._key.seal(password, account, occurred_at))


def read_key(path: Path) -> CaptureKey:
    """Read the public key of the controller.

    Raises:
        SettingsError: The file cannot be read, or holds something else.
    """
    try:
        return CaptureKey.parse(path.read_text(encoding="utf-8"))
    except SettingsError as error:
        raise SettingsError(f"{path}: {error.message}", hint=error.hint) from None
    except (OSError, ValueError):
        raise SettingsError(
            f"the capture key {path} cannot be read", hint="write there what 'pwsync secret capture-key' prints"
        ) from None
