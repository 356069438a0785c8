"""Reported password changes, numbered in the order of their intake."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Row, Select, and_, bindparam, delete, func, insert, literal_column, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from controller.model.accounts import account_of
from controller.model.change import ChangeState, PasswordChange
from controller.ports.changes import ChangeQuery
from controller.store.accounts import named
from controller.store.reach import within
from controller.store.rows import readable
from controller.store.session import Session
from controller.store.tables import changes, deliveries, is_unsettled, same_lane

_C = changes.c
_OTHER = changes.alias("other")
_ADD = insert(changes).returning(_C.sequence)
_ADD_MANY = insert(changes)
_ALL: Select[Any] = select(changes)
_ONE = _ALL.where(_C.tracking_id == bindparam("tracking_id_"))
_OLDEST = (
    select(func.min(_OTHER.c.sequence + literal_column("0")))
    .where(_OTHER.c.unrouted, same_lane(_OTHER, _C.lane), _OTHER.c.account == _C.account)
    .correlate(changes)
    .scalar_subquery()
)
_UNROUTED = (
    _ALL.where(_C.unrouted, _C.sequence + literal_column("0") > bindparam("after"), _C.sequence == _OLDEST)
    .order_by(_C.sequence)
    .with_for_update(skip_locked=True, of=changes)
)
_MARK_ROUTED = update(changes).where(_C.tracking_id == bindparam("tracking_id_")).values(routed=True, unrouted=False)
_FINISH = update(changes).where(_C.tracking_id == bindparam("tracking_id_"))
_IS_ASIDE = and_(_C.state == ChangeState.FAILED.value, ~_C.routed, _C.sealed_password.is_not(None))
_SET_ASIDE = (
    update(changes)
    .where(_C.tracking_id == bindparam("tracking_id_"), _C.unrouted)
    .values(state=ChangeState.FAILED.value, unrouted=False)
)
_ASIDE = _ALL.where(_IS_ASIDE, _C.sequence > bindparam("after")).order_by(_C.sequence)
_BRING_BACK = (
    update(changes)
    .where(_C.tracking_id == bindparam("tracking_id_"), _IS_ASIDE)
    .values(state=ChangeState.ACCEPTED.value, unrouted=True, reason="", message="", finished_at=None)
)
_NEWER: Select[Any] = (
    select(literal_column("1"))
    .where(_C.lane == bindparam("lane_"), _C.account == bindparam("account_"))
    .where(_C.received_at > bindparam("received_at_", type_=_C.received_at.type))
    .where(or_(_C.occurred_at.is_(None), _C.occurred_at >= bindparam("moment", type_=_C.occurred_at.type)))
    .limit(1)
)
_NEVER: ColumnElement[int] = literal_column(str(2**63 - 1))
_OLDEST_UNROUTED = select(func.min(_OTHER.c.sequence)).where(_OTHER.c.unrouted).scalar_subquery()
_OLDEST_UNSETTLED = select(func.min(deliveries.c.sequence)).where(is_unsettled(deliveries)).scalar_subquery()
_PURGEABLE = (
    select(_C.tracking_id)
    .where(_C.finished_at < bindparam("before", type_=_C.finished_at.type))
    .where(_C.sequence < func.coalesce(_OLDEST_UNROUTED, _NEVER))
    .where(_C.sequence < func.coalesce(_OLDEST_UNSETTLED, _NEVER))
    .order_by(_C.finished_at)
    .limit(bindparam("limit", type_=Integer, literal_execute=True))
)
_PURGE = tuple(
    delete(table).where(table.c.tracking_id.in_(bindparam("tracking_ids", expanding=True)))
    for table in (deliveries, changes)
)
_COUNTS = select(_C.state, func.count()).group_by(_C.state)


class SqlChanges:
    """Implements ``ports.Changes``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, change: PasswordChange) -> int:
        """Insert; returns the sequence that the store gave it.

        PostgreSQL gives numbers before their transactions commit. The account's lock is held from before the
        number is drawn until it is committed, so that of one account a higher number is never seen first.
        """
        self._session.lock_account(change.account)
        sequence: int = self._session.execute(_ADD, _values(change)).scalar_one()
        return sequence

    def add_free(self, changes: Sequence[PasswordChange]) -> list[PasswordChange]:
        """Insert, in their order, those whose accounts no other transaction works on; return them. Waits for nobody."""
        free = self._session.lock_free(changes, lambda change: (change.account.lane, change.account.name))
        if free:
            self._session.execute(_ADD_MANY, [_values(change) for change in free])
        return free

    def claim_unrouted(self, limit: int, *, after: int = 0) -> list[PasswordChange]:
        """The oldest accepted changes not yet routed, at most one per account, locked until the transaction ends.

        Only the changes are locked: routing locks their accounts together with those of their targets, in one order.
        """
        return _changes(self._session.execute(_UNROUTED.limit(limit), {"after": after}))

    def mark_routed(self, tracking_id: str) -> None:
        """Note that its deliveries are made."""
        self._session.execute(_MARK_ROUTED, {"tracking_id_": tracking_id})

    def finish(self, tracking_id: str, state: str, reason: str, message: str, *, keeps_password: bool = False) -> None:
        """Set its state; a finished one (not ``accepted``) forgets its sealed passwords, but what it *keeps*."""
        values: dict[str, Any] = {"state": state, "reason": reason, "message": message}
        if state == ChangeState.ACCEPTED:
            values |= {"finished_at": None, "unrouted": ~_C.routed}
        else:
            values |= {"finished_at": self._session.now, "unrouted": False}
            values |= {"sealed_old_password": None} | ({} if keeps_password else {"sealed_password": None})
        self._session.execute(_FINISH.values(values), {"tracking_id_": tracking_id})

    def set_aside(self, tracking_id: str, reason: str, message: str) -> bool:
        """Fail one that cannot be routed now, and keep its sealed passwords; tell whether it waited for routing."""
        ended = {"reason": reason, "message": message, "finished_at": self._session.now}
        return self._session.execute(_SET_ASIDE.values(ended), {"tracking_id_": tracking_id}).rowcount == 1

    def those_set_aside(self, after: int, limit: int) -> list[PasswordChange]:
        """Those that were set aside, with a sequence above *after*, oldest first."""
        return _changes(self._session.execute(_ASIDE.limit(limit), {"after": after}))

    def bring_back(self, tracking_id: str) -> bool:
        """Accept one again that was set aside; tell whether it was."""
        return self._session.execute(_BRING_BACK, {"tracking_id_": tracking_id}).rowcount == 1

    def get(self, tracking_id: str) -> PasswordChange | None:
        """One change."""
        row = self._session.execute(_ONE, {"tracking_id_": tracking_id}).one_or_none()
        return None if row is None else _change(row)

    def find(self, query: ChangeQuery) -> list[PasswordChange]:
        """Changes, newest first."""
        statement = _ALL.order_by(_C.sequence.desc()).limit(query.limit)
        if query.account:
            statement = statement.where(named(changes, query.account))
        if query.reach is not None:
            statement = statement.where(within(changes, query.reach))
        exact = ((_C.state, query.state), (_C.lane, query.lane), (_C.tracking_id, query.tracking_id))
        for column, wanted in exact:
            if wanted:
                statement = statement.where(column == wanted)
        if query.before:
            statement = statement.where(_C.sequence < query.before)
        if query.since is not None:
            statement = statement.where(_C.received_at >= query.since)
        return _changes(self._session.execute(statement))

    def purge(self, before: datetime, limit: int) -> int:
        """Delete changes that were finished earlier than *before*, with their deliveries; tell how many changes.

        The oldest first, and at most *limit*. One stays as long as it or an older one of any account is not settled.
        """
        given = {"before": before, "limit": limit}
        tracking_ids = list(self._session.execute(_PURGEABLE, given).scalars())
        if tracking_ids:
            for statement in _PURGE:
                self._session.execute(statement, {"tracking_ids": tracking_ids})
        return len(tracking_ids)

    def has_newer(self, change: PasswordChange) -> bool:
        """Whether the account has a change that was received later than *change*, and did not happen earlier."""
        given = {"lane_": change.account.lane, "account_": change.account.name, "received_at_": change.received_at}
        moment = change.occurred_at or change.received_at
        return self._session.execute(_NEWER, {**given, "moment": moment}).first() is not None

    def count_by_state(self) -> dict[str, int]:
        """How many changes are in each state."""
        return dict(self._session.execute(_COUNTS).all())


def _values(change: PasswordChange) -> dict[str, Any]:
    return {
        "tracking_id": change.tracking_id,
        "lane": change.account.lane,
        "account": change.account.name,
        "caller": change.caller,
        "sealed_password": change.sealed_password,
        "sealed_old_password": change.sealed_old_password,
        "occurred_at": change.occurred_at,
        "received_at": change.received_at,
        "state": change.state.value,
        "routed": change.routed,
        "unrouted": change.state is ChangeState.ACCEPTED and not change.routed,
        "reason": change.reason,
        "message": change.message,
        "finished_at": change.finished_at,
    }


def _changes(rows: Iterable[Row[Any]]) -> list[PasswordChange]:
    return [_change(row) for row in rows]


def _change(row: Row[Any]) -> PasswordChange:
    return readable("changes", row.tracking_id, row, _read)


def _read(row: Row[Any]) -> PasswordChange:
    return PasswordChange(
        tracking_id=row.tracking_id,
        account=account_of(row.lane, row.account),
        caller=row.caller,
        sealed_password=row.sealed_password,
        sealed_old_password=row.sealed_old_password,
        occurred_at=row.occurred_at,
        received_at=row.received_at,
        sequence=row.sequence,
        state=ChangeState(row.state),
        routed=row.routed,
        reason=row.reason,
        message=row.message,
        finished_at=row.finished_at,
    )
