"""The connector type ``folder``: what pwsync asks for, in terms of the system.

Everything here is what your own connector needs, and nothing more.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel

from controller.model.constraints import Capabilities, Constraints
from controller.model.diagnosis import Finding, Verdict
from controller.model.errors import AccountUnknown, OldPasswordWrong, PasswordRejected, Unavailable
from controller.model.observation import Sighting, Survey
from controller.model.options import FilePath, Options
from controller.model.policy import PasswordPolicy
from controller.model.secret import Secret
from controller.ports.connectors import Connector, ConnectorType, ResolveSecret
from pwsync_folder.system import SHORTEST, Accounts, Refused


class FolderOptions(Options):
    """``spec.connector`` of type ``folder``: unknown fields are refused, paths are relative to the manifest."""

    folder: FilePath


class FolderConnector:
    """Sets passwords in one folder. One thread uses it at a time."""

    # Setting the same password twice does no harm, nobody counts wrong tries, and the system tells its rules.
    capabilities = Capabilities(is_probe_harmless=True, constraints=Constraints(max_bytes=1024))

    def __init__(self, options: FolderOptions) -> None:
        self._accounts = Accounts(Path(options.folder))

    def set_password(self, account: str, new: Secret) -> None:
        """Set the password as an administrator."""
        text = _text(account, new)
        with self._reached():
            self._expect(account)
            try:
                self._accounts.store(account, text)
            except Refused as error:
                # The words of the system go along, if there can be no password in them.
                raise PasswordRejected(f"{self}: the password of {account!r} is refused", words=str(error)) from error

    def change_password(self, account: str, old: Secret, new: Secret) -> None:
        """Set the password when *old* is in force."""
        if not self.verify_password(account, old):
            raise OldPasswordWrong(f"{self}: the old password of {account!r} is wrong")
        self.set_password(account, new)

    def verify_password(self, account: str, password: Secret) -> bool:
        """Tell whether *password* is in force."""
        with self._reached():
            self._expect(account)
            return self._accounts.accepts(account, _text(account, password))

    def check(self) -> None:
        """Check the channel without changing anything."""
        with self._reached():
            self._accounts.has("")

    def policy(self, account: str | None = None) -> PasswordPolicy | None:
        """Tell the system's rules. A system that cannot be asked: can_read_policy=False, and raise PolicyUntold."""
        with self._reached():
            if account is not None:
                self._expect(account)
        return PasswordPolicy(f"the rules of {self}", Constraints(min_length=SHORTEST))

    def survey(self, accounts: Sequence[str]) -> Survey:
        """Tell which accounts there are. A system that cannot be asked: can_survey=False, and return Survey()."""
        with self._reached():
            return Survey({account: Sighting(self._accounts.has(account)) for account in accounts})

    def diagnose(self, accounts: Sequence[str]) -> Iterator[Finding]:
        """Check the channel step by step, and that mapped accounts are there, for ``pwsync doctor``; raise nothing."""
        try:
            missing = [account for account, seen in self.survey(accounts).accounts.items() if not seen.exists]
        except Unavailable as error:
            yield Finding("channel", Verdict.FAILED, error.message, error.hint)
            return
        yield Finding("channel", Verdict.OK, f"{self} can be read")
        if missing:
            yield Finding("base", Verdict.WARNING, f"mapped, but not there: {', '.join(missing)}")

    def close(self) -> None:
        """Give back connections, if there are any; the next call opens them again."""

    def __str__(self) -> str:
        return f"folder {self._accounts.folder}"

    def _expect(self, account: str) -> None:
        if not self._accounts.has(account):
            raise AccountUnknown(f"{self} has no account {account!r}")

    @contextmanager
    def _reached(self) -> Iterator[None]:
        """What the system raises becomes one of pwsync's errors: they carry the decision whether to try again."""
        try:
            yield
        except OSError as error:
            raise Unavailable(f"{self} cannot be reached: {error.strerror}", hint="is it mounted?") from error


def _text(account: str, password: Secret) -> str:
    """The one place where the password is revealed."""
    if not password.is_unicode():
        raise PasswordRejected(f"the password of {account!r} has a character that cannot be written in UTF-8")
    return password.reveal()


class FolderType:
    """The connector type, which the entry point names."""

    name = "folder"
    options: type[BaseModel] = FolderOptions

    def capabilities(self, options: FolderOptions) -> Capabilities:  # noqa: ARG002  # the same for all
        """What a connector with these options can do, without reaching for its system."""
        return FolderConnector.capabilities

    def connect(self, options: FolderOptions, resolve: ResolveSecret) -> Connector:  # noqa: ARG002  # has no secret
        """Make a connector. Nothing is opened before its first use; secrets are had by ``resolve(options.x_from)``."""
        return FolderConnector(options)


CONNECTOR_TYPE: ConnectorType = FolderType()
