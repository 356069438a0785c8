"""Intake: checks a report and makes it durable before the caller gets its OK (behaviours D1-D7, E1, T3, Q1)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from controller.model.accounts import Account, ExternalAccount
from controller.model.change import PasswordChange
from controller.model.errors import PasswordUnusable, Refused, StoreUnavailable
from controller.model.secret import MAX_PASSWORD_LENGTH, Secret
from controller.pipeline.acceptance import (
    EMPTY,
    EXPIRED,
    NOT_UNICODE,
    OLD_PASSWORD_MISSING,
    TOO_LONG,
    acceptance_event,
    not_kept_event,
    refusal_event,
    refusal_kind,
)
from controller.pipeline.damping import plausible
from controller.pipeline.refusals import RecordedRefusals
from controller.pipeline.replay import Replay
from controller.pipeline.reporting import check_reporter
from controller.pipeline.routing import change_place
from controller.pipeline.topology import Topology, TopologyReader
from controller.ports.clock import NewId
from controller.ports.sealing import Sealer
from controller.ports.store import Store


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
    """Accepts reports. When ``accept`` returns, the change survives a crash.

    With *replay*, changes are accepted while the store is away too.
    """

    def __init__(self, store: Store, sealer: Sealer, new_id: NewId, replay: Replay | None = None) -> None:
        self._store = store
        self._sealer = sealer
        self._new_id = new_id
        self._replay = replay
        self._topology = TopologyReader()
        self._refusals = RecordedRefusals()

    def accept(self, report: Report, caller: Caller) -> str:
        """Check a report, make it durable, and return its tracking ID.

        Raises:
            PasswordUnusable: A password is empty, too long, or not valid Unicode.
            NotFound: No such domain or adapter.
            Refused: This caller, or this topology, does not allow it.
            StoreUnavailable: Not accepted; report it again.

        What is refused, and unusable passwords, are recorded as an event, each kind once a minute.
        """
        tracking_id = self._new_id()
        if self._replay is None:
            self._store_it(report, caller, tracking_id)
        else:
            self._store_or_keep(self._replay, report, caller, tracking_id)
        return tracking_id

    def _store_or_keep(self, replay: Replay, report: Report, caller: Caller, tracking_id: str) -> None:
        """Store it, or else keep it. While older changes wait to be replayed it goes behind them, if that is possible.

        Both ways carry one tracking ID: a commit whose answer was lost may have happened, and is then found by it.
        """

        def store() -> None:
            self._store_it(report, caller, tracking_id)

        def keep() -> None:
            self._keep(replay, report, caller, tracking_id)

        failures: dict[Callable[[], None], StoreUnavailable] = {}
        for way in (keep, store) if replay.has_backlog else (store, keep):
            try:
                return way()
            except StoreUnavailable as error:
                failures[way] = error
        replay.note(not_kept_event(report.account, failures[keep]))
        raise failures[keep]

    def _store_it(self, report: Report, caller: Caller, tracking_id: str) -> None:
        refusal: Refused | PasswordUnusable | None = None
        with self._store.write() as tx:
            topology, now = self._topology.read(tx), tx.now
            try:
                change = self._admitted(topology, now, report, caller, tracking_id)
            except (Refused, PasswordUnusable) as error:
                refusal = error
                kind = refusal_kind(report.account, caller.principal, error)
                if is_due := self._refusals.is_due(kind, now):
                    tx.events.add(refusal_event(report.account, caller.principal, error))
            else:
                tx.changes.add(change)
                tx.events.add(acceptance_event(change))
        if self._replay is not None:
            self._replay.learn(topology, now)
        if refusal is not None:
            if is_due:
                self._refusals.note(kind, now)  # now that it is committed
            raise refusal

    def _keep(self, replay: Replay, report: Report, caller: Caller, tracking_id: str) -> None:
        topology, now = replay.known()
        try:
            change = self._admitted(topology, now, report, caller, tracking_id)
        except (Refused, PasswordUnusable) as error:
            kind = refusal_kind(report.account, caller.principal, error)
            if self._refusals.is_due(kind, now):
                replay.note(refusal_event(report.account, caller.principal, error))
                self._refusals.note(kind, now)
            raise
        replay.keep(change, is_local=caller.is_local)

    def _admitted(
        self, topology: Topology, now: datetime, report: Report, caller: Caller, tracking_id: str
    ) -> PasswordChange:
        check_reporter(topology, report.account, caller.principal, is_local=caller.is_local)
        _check_old_password(topology, report)
        check_password(report.password, "password")
        if report.old_password is not None:
            check_password(report.old_password, "old password")
        occurred_at = plausible(report.occurred_at, now)
        if occurred_at is not None and occurred_at < now - topology.system.max_sync_age:
            raise Refused("the change is older than the maximum sync age", reason=EXPIRED)
        old = report.old_password
        return PasswordChange(
            tracking_id=tracking_id,
            account=report.account,
            caller=caller.principal,
            sealed_password=self._sealer.seal(report.password, change_place(tracking_id, report.account)),
            sealed_old_password=None if old is None else self._seal_old(old, report.account, tracking_id),
            occurred_at=occurred_at,
            received_at=now,
        )

    def _seal_old(self, old: Secret, account: Account, tracking_id: str) -> bytes:
        return self._sealer.seal(old, change_place(tracking_id, account, "oldPassword"))


def check_password(password: Secret, what: str) -> None:
    """Refuse a password that no directory could have (behaviours D6, A9).

    Raises:
        PasswordUnusable: Empty, more than 256 characters, or not valid Unicode.
    """
    if password.is_empty():
        raise PasswordUnusable(f"the {what} is empty", reason=EMPTY, hint="an empty password is never synchronised")
    if password.is_too_long():
        raise PasswordUnusable(f"the {what} has more than {MAX_PASSWORD_LENGTH} characters", reason=TOO_LONG)
    if not password.is_unicode():
        message = f"the {what} is not valid Unicode (a lone surrogate)"
        raise PasswordUnusable(message, reason=NOT_UNICODE, hint="send it as UTF-8")


def _check_old_password(topology: Topology, report: Report) -> None:
    match report.account:
        case ExternalAccount(adapter=adapter) if report.old_password is None:
            if topology.adapters[adapter].verify_old_password:
                raise Refused(
                    f"adapter {adapter} verifies the old password, and the report has none",
                    reason=OLD_PASSWORD_MISSING,
                    hint="send oldPassword, or set verifyOldPassword: false on the adapter",
                )
        case _:
            return
