"""Connector type ``remote``: the adapter is a process of its own, which pulls its notifications over the HTTP API.

There is nothing to connect to. The pipeline hands the deliveries of such an adapter to the holder of its session.
"""

from collections.abc import Iterator, Sequence
from typing import Never

from pydantic import BaseModel

from controller.model.constraints import Capabilities
from controller.model.diagnosis import Finding
from controller.model.errors import PolicyUntold, Unavailable
from controller.model.observation import Survey
from controller.model.options import Options
from controller.model.policy import PasswordPolicy
from controller.model.secret import Secret
from controller.ports.connectors import Connector, ConnectorType, ResolveSecret

CAPABILITIES = Capabilities(can_verify=False, can_read_policy=False, can_survey=False)
"""The adapter is told when a notification is a repetition; it is asked nothing."""


class RemoteOptions(Options):
    """``spec.connector`` of type ``remote``: it has no fields."""


class RemoteConnector:
    """Reaches nothing: the system answers its own adapter alone."""

    capabilities = CAPABILITIES

    def set_password(self, account: str, new: Secret) -> None:  # noqa: ARG002  # as ports.Connector
        """Refuse: the adapter takes the password itself.

        Raises:
            Unavailable: Always.
        """
        _refuse()

    def change_password(self, account: str, old: Secret, new: Secret) -> None:  # noqa: ARG002  # as ports.Connector
        """Refuse, as ``set_password``.

        Raises:
            Unavailable: Always.
        """
        _refuse()

    def verify_password(self, account: str, password: Secret) -> bool:  # noqa: ARG002  # as ports.Connector
        """Refuse, as ``set_password``.

        Raises:
            Unavailable: Always.
        """
        _refuse()

    def check(self) -> None:
        """Nothing of ours can be wrong; whether the adapter is there is known from its session."""

    def policy(self, account: str | None = None) -> PasswordPolicy | None:  # noqa: ARG002  # as ports.Connector
        """Refuse: the adapter's system applies its own, and cannot be asked from here.

        Raises:
            PolicyUntold: Always.
        """
        raise PolicyUntold("the system of a remote adapter cannot be asked for its password policy")

    def survey(self, accounts: Sequence[str]) -> Survey:  # noqa: ARG002  # as ports.Connector
        """Tell nothing: the system cannot be asked from here."""
        return Survey()

    def diagnose(self, accounts: Sequence[str]) -> Iterator[Finding]:  # noqa: ARG002  # as ports.Connector
        """Nothing of ours can be wrong; whether the adapter is there is known from its session."""
        return iter(())

    def close(self) -> None:
        """Nothing is kept open."""


def _refuse() -> Never:
    raise Unavailable(
        "the adapter pulls its notifications; nothing reaches its system from here",
        hint="start the adapter's own process: it receives over the HTTP API",
    )


class RemoteType:
    """The connector type ``remote``."""

    name = "remote"
    options: type[BaseModel] = RemoteOptions

    def capabilities(self, options: RemoteOptions) -> Capabilities:  # noqa: ARG002  # the same for all
        """A notification may be repeated; nothing can be verified."""
        return CAPABILITIES

    def connect(self, options: RemoteOptions, resolve: ResolveSecret) -> Connector:  # noqa: ARG002  # has no secret
        """Make a connector that reaches nothing."""
        return RemoteConnector()


CONNECTOR_TYPE: ConnectorType = RemoteType()
