"""One attempt at a target: what is asked of its connector, and in which order (decision 5)."""

from dataclasses import dataclass
from typing import assert_never

from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.constraints import Capabilities
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
from controller.ports.connectors import Connector

MOST_PROBES = 2
"""Tries of one delivery after which a target that counts wrong passwords is not probed again: usual policies lock an
account after five."""


class Superseded(PwsyncError):
    """A newer change follows, and no more is to be learnt of what an earlier attempt of this one has left behind."""

    code = "superseded"


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended.

    Attributes:
        error: What went wrong; None when the target has the password.
        was_asked: Whether the target was spoken to, or could not be: only then this tells whether it is there.
        was_found: The target had the password already: this attempt wrote nothing.
    """

    error: PwsyncError | None = None
    was_asked: bool = True
    was_found: bool = False


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


def make(connector: Connector, attempt: Attempt) -> Ending:
    """Let the target have the password, probing first when an earlier attempt may have succeeded (decision 5).

    Raises:
        ConnectorError: As the connector says.
    """
    if attempt.is_superseded:
        return _probe(connector, attempt)
    hindrance = _hindrance(connector.capabilities, attempt)
    if hindrance is not None:
        return Ending(hindrance, was_asked=False)
    return Ending(was_found=_write_unless_found(connector, attempt))


def _hindrance(can: Capabilities, attempt: Attempt) -> PwsyncError | None:
    """Say why the target need not even be asked, or None."""
    violation = can.constraints.violation(attempt.password)
    if violation is not None:
        return PasswordRejected(f"the password is {violation}", hint="change the adapter's password filter")
    if not attempt.delivery.must_probe:
        return _old_password_missing() if can.needs_old_password and attempt.old_password is None else None
    if _may_probe(can, attempt) or _may_repeat(can):
        return None
    return Rejected(
        "an earlier attempt had no answer, and the target cannot be asked (again) whether it succeeded",
        hint="look at the account, then retry or discard the delivery",
    )


def _write_unless_found(connector: Connector, attempt: Attempt) -> bool:
    """Write, unless a probe finds that an earlier attempt did; tell whether it was found."""
    name, password = attempt.delivery.account.name, attempt.password
    can = connector.capabilities
    if attempt.delivery.must_probe and _may_probe(can, attempt) and _is_in_force(connector, attempt):
        return True
    if can.needs_old_password:
        if attempt.old_password is None:
            raise _old_password_missing()
        connector.change_password(name, attempt.old_password, password)
    elif _sends_old_password(attempt) and attempt.old_password is not None:
        connector.change_password(name, attempt.old_password, password)
    else:
        connector.set_password(name, password)
    return False


def _old_password_missing() -> OldPasswordMissing:
    hint = "set it with 'pwsync credentials set'"
    return OldPasswordMissing("the old password is needed and none is stored", hint=hint)


def _may_probe(can: Capabilities, attempt: Attempt) -> bool:
    is_early = attempt.delivery.counted_attempts <= MOST_PROBES
    return can.can_verify and (is_early or can.is_probe_harmless)


def _may_repeat(can: Capabilities) -> bool:
    return can.is_repeatable and not can.needs_old_password


def _is_in_force(connector: Connector, attempt: Attempt) -> bool:
    try:
        return connector.verify_password(attempt.delivery.account.name, attempt.password)
    except AccountRefused:
        if _may_repeat(connector.capabilities):
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


def _probe(connector: Connector, attempt: Attempt) -> Ending:
    """Find out whether a superseded attempt has reached a target that takes a change with the old password only.

    When it has, its password is the old one of the change that follows.
    """
    is_without_effect = Superseded("a newer change follows")
    can = connector.capabilities
    if not (can.needs_old_password or _sends_old_password(attempt)) or not _may_probe(can, attempt):
        return Ending(is_without_effect, was_asked=False)
    try:
        is_in_force = connector.verify_password(attempt.delivery.account.name, attempt.password)
    except Deferrable:
        raise
    except ConnectorError:
        return Ending(is_without_effect)
    return Ending(was_found=True) if is_in_force else Ending(is_without_effect)
