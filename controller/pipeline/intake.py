"""Intake: checks a report and makes it durable before the caller gets its OK (behaviours D1-D7, E1, T3, Q1)."""

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from controller.model import events
from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.change import PasswordChange
from controller.model.errors import InvalidInput, PwsyncError, Refused
from controller.model.events import Event
from controller.model.secret import MAX_PASSWORD_LENGTH, Secret
from controller.pipeline.reporting import check_reporter
from controller.pipeline.routing import change_place
from controller.pipeline.topology import Topology, TopologyReader
from controller.ports import NewId, Sealer, Store, Transaction


@dataclass(frozen=True, slots=True)
class Caller:
    """Who reports.

    Attributes:
        principal: Name of the API token or client certificate, or of the local user.
        is_local: Works on the embedded store directly and so holds its key: may report anything.
    """

    principal: str
    is_local: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """One reported password change, not yet accepted.

    Attributes:
        occurred_at: The source's own time, aware; None when it tells none.
    """

    account: Account
    password: Secret
    old_password: Secret | None = None
    occurred_at: datetime | None = None


class Intake:
    """Accepts reports. When ``accept`` returns, the change survives a crash."""

    def __init__(self, store: Store, sealer: Sealer, new_id: NewId) -> None:
        self._store = store
        self._sealer = sealer
        self._new_id = new_id
        self._topology = TopologyReader()

    def accept(self, report: Report, caller: Caller) -> str:
        """Check a report, store it durably, and return its tracking ID.

        Raises:
            InvalidInput: The password is empty, too long, or not valid Unicode.
            NotFound: No such domain or adapter.
            Refused: This caller, or this topology, does not allow it; recorded as an event.
            StoreUnavailable: Not accepted; report it again.
        """
        check_password(report.password, "password")
        if report.old_password is not None:
            check_password(report.old_password, "old password")
        refusal: PwsyncError | None = None
        with self._store.write() as tx:
            try:
                return self._record(tx, self._topology.read(tx), report, caller)
            except Refused as error:
                refusal = error
                tx.events.add(_refusal_event(report.account, caller, error))
        raise refusal

    def _record(self, tx: Transaction, topology: Topology, report: Report, caller: Caller) -> str:
        check_reporter(topology, report.account, caller.principal, is_local=caller.is_local)
        _check_old_password(topology, report)
        occurred_at = min(report.occurred_at, tx.now) if report.occurred_at is not None else None
        if occurred_at is not None and occurred_at < tx.now - topology.system.max_sync_age:
            raise Refused("the change is older than the maximum sync age", reason="expired")
        tracking_id = self._new_id()
        old = report.old_password
        change = PasswordChange(
            tracking_id=tracking_id,
            account=report.account,
            caller=caller.principal,
            sealed_password=self._sealer.seal(report.password, change_place(tracking_id)),
            sealed_old_password=None if old is None else self._seal_old(old, tracking_id),
            occurred_at=occurred_at,
            received_at=tx.now,
        )
        tx.changes.add(change)
        tx.events.add(_acceptance_event(change))
        return tracking_id

    def _seal_old(self, old: Secret, tracking_id: str) -> bytes:
        return self._sealer.seal(old, change_place(tracking_id, "oldPassword"))


def check_password(password: Secret, what: str) -> None:
    """Refuse a password that no directory could have (behaviours D6, A9).

    Raises:
        InvalidInput: Empty, more than 256 characters, or not valid Unicode.
    """
    if password.is_empty():
        raise InvalidInput(f"the {what} is empty", hint="an empty password is never synchronised")
    if password.is_too_long():
        raise InvalidInput(f"the {what} has more than {MAX_PASSWORD_LENGTH} characters")
    if not password.is_unicode():
        raise InvalidInput(f"the {what} is not valid Unicode (a lone surrogate)", hint="send it as UTF-8")


def _check_old_password(topology: Topology, report: Report) -> None:
    match report.account:
        case ExternalAccount(adapter=adapter) if report.old_password is None:
            if topology.adapters[adapter].verify_old_password:
                raise Refused(
                    f"adapter {adapter} verifies the old password, and the report has none",
                    reason="oldPasswordMissing",
                    hint="send oldPassword, or set verifyOldPassword: false on the adapter",
                )
        case _:
            return


def _names(account: Account) -> tuple[str, str]:
    match account:
        case WindowsAccount():
            return "", str(account)
        case ExternalAccount(adapter=adapter, name=name):
            return adapter, name
        case _:
            assert_never(account)


def _acceptance_event(change: PasswordChange) -> Event:
    is_windows = isinstance(change.account, WindowsAccount)
    type_ = events.WINDOWS_CHANGE_ACCEPTED if is_windows else events.EXTERNAL_CHANGE_ACCEPTED
    return Event(type_, change.tracking_id, *_names(change.account), fields={"caller": change.caller})


def _refusal_event(account: Account, caller: Caller, error: Refused) -> Event:
    fields = {"caller": caller.principal, "reason": error.reason}
    return Event(events.CHANGE_REFUSED, "", *_names(account), fields=fields)
