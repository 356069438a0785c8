"""What speaks the protocol of an external system, and its types."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from pydantic import BaseModel

from controller.model.constraints import Capabilities
from controller.model.diagnosis import Finding
from controller.model.observation import Survey
from controller.model.options import SecretReference
from controller.model.policy import PasswordPolicy
from controller.model.secret import Secret

ResolveSecret = Callable[[SecretReference], Secret]
"""Reads the secret that a manifest refers to. Raises SettingsError when it is not there."""


class Connector(Protocol):
    """Speaks the protocol of one external system. Used by one thread at a time; keeps its connection between calls."""

    capabilities: Capabilities

    def set_password(self, account: str, new: Secret) -> None:
        """Set the password as an administrator.

        Raises:
            PasswordRejected: The directory's policy refused it; do not retry.
            AccountUnknown: There is no such account.
            AccountRefused: The account's state does not allow it.
            Busy: The directory cannot do it now.
            Unavailable: Nothing was sent; retry later.
            ChannelRefused: Certificate, credentials or rights of the service account.
            Indeterminate: Sent, but no answer came; probe before retrying.
        """

    def change_password(self, account: str, old: Secret, new: Secret) -> None:
        """Change the password as the user, with the old one.

        Raises:
            OldPasswordWrong: The directory does not accept the old password; never retry.
            ConnectorError: As for ``set_password``.
        """

    def verify_password(self, account: str, password: Secret) -> bool:
        """Tell whether *password* is in force, with one try at most (each wrong try counts towards lockout).

        Raises:
            AccountUnknown: There is no such account.
            AccountRefused: The account's state hides the answer.
            Unavailable: No answer; nothing is known.
            ChannelRefused: As for ``set_password``.
        """

    def check(self) -> None:
        """Check the channel (name, TLS, credentials) without changing anything.

        Raises:
            Unavailable: Not reachable.
            ChannelRefused: Reachable, but it does not accept us.
        """

    def policy(self, account: str | None = None) -> PasswordPolicy | None:
        """Read the target's password policy without changing anything; None when it has none.

        With *account*: the one that applies to it, as far as the service account may see. Without: the one that
        applies to an account that has none of its own.

        Raises:
            PolicyUnknown: It cannot be found out; that is not the same as none.
            PolicyUntold: Targets of this kind tell no policy (``Capabilities.can_read_policy``).
            AccountUnknown: There is no such account.
            Busy, Unavailable, ChannelRefused: As for ``verify_password``.
        """

    def survey(self, accounts: Sequence[str]) -> Survey:
        """Look which of *accounts* there are, and when their passwords were set, without changing or trying anything.

        What the system does not tell is left out.

        Raises:
            Busy, Unavailable, ChannelRefused: As for ``verify_password``.
        """

    def diagnose(self, accounts: Sequence[str]) -> Iterator[Finding]:
        """Check the channel step by step without changing or trying a password; a step that failed may be the last.

        What can be asked only of an account is asked of *accounts*. Nothing is raised: errors are findings.
        """

    def close(self) -> None:
        """Give back the connection. The connector may be used again and reconnects."""


class ConnectorType(Protocol):
    """A kind of connector, registered under the entry-point group ``pwsync.connectors``."""

    name: str
    options: type[BaseModel]

    def capabilities(self, options: Any) -> Capabilities:  # noqa: ANN401  # an instance of self.options
        """What a connector with these options can do, without reaching for its system."""

    def connect(self, options: Any, resolve: ResolveSecret) -> Connector:  # noqa: ANN401  # an instance of self.options
        """Make a connector. No connection is opened before its first use.

        Raises:
            SettingsError: A secret that the options refer to is not there.
        """


class ConnectorCatalogue(Protocol):
    """All connector types that are installed."""

    def names(self) -> Sequence[str]:
        """Names, sorted."""

    def get(self, name: str) -> ConnectorType:
        """Return a type.

        Raises:
            NotFound: No such type; the message names those there are.
        """
