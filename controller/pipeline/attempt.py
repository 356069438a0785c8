"""One attempt at a target: what is asked of its connector, and in which order (decision 5)."""

from dataclasses import dataclass
from typing import assert_never

from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.delivery import Delivery
from controller.model.errors import (
    AccountRefused,
    ConnectorError,
    Deferrable,
    OldPasswordMissing,
    PasswordRejected,
    PwsyncError,
    Rejected,
)
from controller.model.secret import Secret
from controller.pipeline.topology import Topology
from controller.ports import Connector

MOST_PROBES = 2
"""Tries of one delivery after which it is not probed again: usual policies lock an account after five wrong ones."""


class Superseded(PwsyncError):
    """A newer change follows, and no more is to be learnt of what an earlier attempt of this one has left behind."""

    code = "superseded"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One delivery, ready to be handed to a connector.

    Attributes:
        old_password: The stored password that is in force before it, for a target that wants it.
        old_sealed: The sealed value that it came from.
        problem: Why nothing can be handed over.
        is_superseded: A newer change follows: nothing is written, but an earlier attempt may have been.
    """

    topology: Topology
    delivery: Delivery
    password: Secret
    old_password: Secret | None
    old_sealed: bytes | None
    problem: PwsyncError | None = None
    is_superseded: bool = False


def write(connector: Connector, attempt: Attempt) -> None:
    """Let the target have the password, probing first when an earlier attempt may have succeeded (decision 5).

    Raises:
        ConnectorError: As the connector says.
    """
    name, password = attempt.delivery.account.name, attempt.password
    can = connector.capabilities
    violation = can.constraints.violation(password)
    if violation is not None:
        raise PasswordRejected(f"the password is {violation}", hint="change the adapter's password filter")
    if attempt.delivery.must_probe and _is_in_force(connector, name, attempt):
        return
    if can.needs_old_password:
        if attempt.old_password is None:
            raise OldPasswordMissing(
                "the old password is needed and none is stored", hint="set it with 'pwsync credentials set'"
            )
        connector.change_password(name, attempt.old_password, password)
    elif _sends_old_password(attempt) and attempt.old_password is not None:
        connector.change_password(name, attempt.old_password, password)
    else:
        connector.set_password(name, password)


def _is_in_force(connector: Connector, name: str, attempt: Attempt) -> bool:
    can = connector.capabilities
    may_probe = can.can_verify and attempt.delivery.counted_attempts <= MOST_PROBES
    if not may_probe:
        if can.is_repeatable and not can.needs_old_password:
            return False
        raise Rejected(
            "an earlier attempt had no answer, and the target cannot be asked (again) whether it succeeded",
            hint="look at the account, then retry or discard the delivery",
        )
    try:
        return connector.verify_password(name, attempt.password)
    except AccountRefused:
        if can.is_repeatable and not can.needs_old_password:
            return False
        raise


def _sends_old_password(attempt: Attempt) -> bool:
    match attempt.delivery.account:
        case ExternalAccount(adapter=name):
            return attempt.topology.adapters[name].send_old_password
        case WindowsAccount():
            return False
        case _:
            assert_never(attempt.delivery.account)


def probe(connector: Connector, attempt: Attempt) -> None:
    """Find out whether a superseded attempt has reached a target that takes a change with the old password only.

    When it has, its password is the old one of the change that follows.

    Raises:
        Superseded: It is not in force, or that makes no difference, or the target cannot tell.
        Deferrable: The target is away.
    """
    is_without_effect = Superseded("a newer change follows")
    if not (connector.capabilities.needs_old_password or _sends_old_password(attempt)):
        raise is_without_effect
    try:
        is_in_force = _is_in_force(connector, attempt.delivery.account.name, attempt)
    except Deferrable:
        raise
    except ConnectorError:
        raise is_without_effect from None
    if not is_in_force:
        raise is_without_effect
