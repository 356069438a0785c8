"""Intake: checks a report and makes it durable before the caller gets its OK (behaviours D1-D7, E1, T3, Q1)."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from controller.model.accounts import Account
from controller.model.change import PasswordChange
from controller.model.errors import NotFound, PasswordUnusable, Refused, StoreUnavailable
from controller.model.events import Event
from controller.model.secret import Secret
from controller.pipeline.acceptance import EXPIRED, acceptance_event, not_kept_event, refusal_event, refusal_kind
from controller.pipeline.answers import Accepted, Answer, Held, NotAccepted
from controller.pipeline.damping import plausible
from controller.pipeline.passwords import check_old_password, check_password
from controller.pipeline.refusals import RecordedRefusals
from controller.pipeline.replay import Replay
from controller.pipeline.reporting import check_reporter
from controller.pipeline.routing import change_place
from controller.pipeline.topology import Topology, TopologyReader
from controller.ports.clock import NewId
from controller.ports.sealing import Sealer
from controller.ports.store import Store, Transaction


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


@dataclass(frozen=True, slots=True)
class _Asked:
    """A report, its caller, and the tracking ID that its change will have."""

    report: Report
    caller: Caller
    tracking_id: str


_Verdict = PasswordChange | NotFound | Refused | PasswordUnusable
_Answers = dict[str, Answer]
_Way = Callable[[Sequence[_Asked]], _Answers]


@dataclass(frozen=True, slots=True)
class _Committed:
    """What one transaction made of reports, and saw: *refusals* are the kinds that it recorded."""

    answers: _Answers
    refusals: Sequence[tuple[str, ...]]
    topology: Topology
    now: datetime


class Intake:
    """Accepts reports. What is ``Accepted`` survives a crash.

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
        """Check a report, make it durable, and return its tracking ID. Waits for who works on its account.

        Raises:
            PasswordUnusable: A password is empty, too long, or not valid Unicode.
            NotFound: No such domain or adapter.
            Refused: This caller, or this topology, does not allow it.
            StoreUnavailable: Not accepted; report it again.

        What is refused, and unusable passwords, are recorded as an event, each kind once a minute.
        """
        one = _Asked(report, caller, self._new_id())
        [answer] = self._answers([one], waits=True).values()
        if isinstance(answer, NotAccepted):
            raise answer.error
        return one.tracking_id

    def accept_together(self, reports: Iterable[tuple[Report, Caller]]) -> list[Answer]:
        """As ``accept``, with one commit for all that can be accepted, in their order; tell what becomes of each.

        None waits for who works on its account, and none that fails keeps another one from being accepted.
        """
        asked = [_Asked(report, caller, self._new_id()) for report, caller in reports]
        answers = self._answers(asked, waits=False)
        return [answers[one.tracking_id] for one in asked]

    def _answers(self, asked: Sequence[_Asked], *, waits: bool) -> _Answers:
        def store(those: Sequence[_Asked]) -> _Answers:
            return self._store_them(those, waits=waits)

        if self._replay is None:
            return store(asked)
        return self._store_or_keep(self._replay, asked, store)

    def _store_or_keep(self, replay: Replay, asked: Sequence[_Asked], store: _Way) -> _Answers:
        """Store them, or else keep them. While older changes wait to be replayed they go behind them, if possible.

        Both ways carry one tracking ID: a commit whose answer was lost may have happened, and is then found by it.
        """

        def keep(those: Sequence[_Asked]) -> _Answers:
            return self._keep_them(replay, those)

        first, second = (keep, store) if replay.has_backlog else (store, keep)
        answers = first(asked)
        left = [one for one in asked if _away(answers[one.tracking_id])]
        again = second(left) if left else {}
        kept = answers if first is keep else again
        for one in left:
            if (unkept := _away(kept[one.tracking_id])) and _away(again[one.tracking_id]):
                replay.note(not_kept_event(one.report.account, unkept))
                again[one.tracking_id] = NotAccepted(unkept)
        return answers | again

    def _store_them(self, asked: Sequence[_Asked], *, waits: bool) -> _Answers:
        """Store them together; each by itself when one of them fails in a way that takes the transaction with it."""
        try:
            committed = self._commit(asked, waits=waits)
        except StoreUnavailable as error:
            return {one.tracking_id: NotAccepted(error) for one in asked}
        except Exception as error:  # noqa: BLE001  # a defect that one report meets must not fail the others
            if len(asked) == 1:
                return {asked[0].tracking_id: NotAccepted(error)}
            return {id_: answer for one in asked for id_, answer in self._store_them([one], waits=waits).items()}
        if self._replay is not None:
            self._replay.learn(committed.topology, committed.now)
        for kind in committed.refusals:
            self._refusals.note(kind, committed.now)
        return committed.answers

    def _commit(self, asked: Sequence[_Asked], *, waits: bool) -> _Committed:
        with self._store.write() as tx:
            topology, now = self._topology.read(tx), tx.now
            judged = [(one, self._judged(topology, now, one)) for one in asked]
            admitted = [change for _, change in judged if isinstance(change, PasswordChange)]
            stored = {change.tracking_id for change in _add(tx, admitted, waits=waits)}
            refusals = self._due(judged, now)
            accepted = (acceptance_event(change) for change in admitted if change.tracking_id in stored)
            tx.events.add_all([*accepted, *refusals.values()])
            answers = {one.tracking_id: _answer(verdict, stored) for one, verdict in judged}
        return _Committed(answers, tuple(refusals), topology, now)

    def _keep_them(self, replay: Replay, asked: Sequence[_Asked]) -> _Answers:
        answers = {one.tracking_id: self._keep(replay, one) for one in asked}
        if any(isinstance(answer, Accepted) for answer in answers.values()):
            replay.hold_back()
        return answers

    def _keep(self, replay: Replay, one: _Asked) -> Answer:
        try:
            topology, now = replay.known()
            verdict = self._judged(topology, now, one)
            if isinstance(verdict, PasswordChange):
                replay.keep(verdict, is_local=one.caller.is_local)
        except Exception as error:  # noqa: BLE001  # as above
            return NotAccepted(error)
        for kind, event in self._due([(one, verdict)], now).items():
            replay.note(event)
            self._refusals.note(kind, now)
        return _answer(verdict, {one.tracking_id})

    def _due(self, judged: Iterable[tuple[_Asked, _Verdict]], now: datetime) -> dict[tuple[str, ...], Event]:
        """The events of refusals that are to be recorded, by their kinds."""
        due: dict[tuple[str, ...], Event] = {}
        for one, verdict in judged:
            if isinstance(verdict, Refused | PasswordUnusable):
                account, principal = one.report.account, one.caller.principal
                kind = refusal_kind(account, principal, verdict)
                if kind not in due and self._refusals.is_due(kind, now):
                    due[kind] = refusal_event(account, principal, verdict)
        return due

    def _judged(self, topology: Topology, now: datetime, one: _Asked) -> _Verdict:
        try:
            return self._admitted(topology, now, one)
        except (NotFound, Refused, PasswordUnusable) as error:
            return error

    def _admitted(self, topology: Topology, now: datetime, one: _Asked) -> PasswordChange:
        report, caller, tracking_id = one.report, one.caller, one.tracking_id
        check_reporter(topology, report.account, caller.principal, is_local=caller.is_local)
        check_old_password(topology, report.account, report.old_password)
        check_password(report.password, "password")
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


def _add(tx: Transaction, changes: Sequence[PasswordChange], *, waits: bool) -> Sequence[PasswordChange]:
    """Insert changes, all of them where it *waits* for other transactions; return those that it inserted."""
    if not waits:
        return tx.changes.add_free(changes)
    for change in changes:
        tx.changes.add(change)
    return changes


def _away(answer: Answer) -> StoreUnavailable | None:
    """Why a report could not be stored, or kept, now; None when that is not what became of it."""
    match answer:
        case NotAccepted(error=StoreUnavailable() as error):
            return error
        case _:
            return None


def _answer(verdict: _Verdict, stored: Collection[str]) -> Answer:
    match verdict:
        case PasswordChange(tracking_id=tracking_id):
            return Accepted(tracking_id) if tracking_id in stored else Held()
        case _:
            return NotAccepted(verdict)
