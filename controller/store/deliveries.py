"""The queue of deliveries."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, bindparam, func, insert, or_, select, update

from controller.model.accounts import Account, account_of
from controller.model.delivery import Delivery, DeliveryState
from controller.ports.deliveries import DeliveryQuery
from controller.store import claiming
from controller.store.accounts import named
from controller.store.columns import Instant, Name
from controller.store.reach import within
from controller.store.rows import readable
from controller.store.session import Session
from controller.store.tables import deliveries, is_open, is_unsettled, same_lane

_C = deliveries.c
_ALL: Select[Any] = select(deliveries)
_ADD = insert(deliveries)
_ONE = _ALL.where(_C.id == bindparam("id_"))
_OF_CHANGE = _ALL.where(_C.tracking_id == bindparam("tracking_id_")).order_by(_C.number)
_OPEN_OF_LANE = _ALL.where(is_open(deliveries), _C.lane == bindparam("lane_")).order_by(_C.sequence, _C.number)
_OF_ACCOUNT = (_C.lane == bindparam("lane_"), _C.account == bindparam("account_"))
_OPEN_FOR = _ALL.where(
    is_open(deliveries), same_lane(deliveries, bindparam("lane_", type_=Name)), _C.account == bindparam("account_")
).order_by(_C.sequence, _C.number)
_NEWEST = (
    select(_C.sequence)
    .where(*_OF_ACCOUNT, _C.state != DeliveryState.SUPERSEDED.value)
    .order_by(_C.sequence.desc())
    .limit(1)
)
_SAVE = update(deliveries).where(_C.id == bindparam("id_"))
_SAVE_HELD = _SAVE.where(_C.lease == bindparam("held"), _C.state == DeliveryState.IN_FLIGHT.value)
_OVERDUE = (
    _ALL.where(is_unsettled(deliveries), _C.expires_at <= bindparam("now", type_=Instant))
    .where(or_(_C.leased_until.is_(None), _C.leased_until <= bindparam("now", type_=Instant)))
    .order_by(_C.expires_at)
)
_COUNTS = select(_C.lane, _C.state, func.count()).group_by(_C.lane, _C.state)
_OPEN_LANES = select(_C.lane).where(is_open(deliveries)).distinct().subquery("open_lanes")
_OLDEST_OPEN = select(
    _OPEN_LANES.c.lane,
    select(_C.created_at)
    .where(is_open(deliveries), _C.lane == _OPEN_LANES.c.lane)
    .order_by(_C.sequence, _C.number)
    .limit(1)
    .correlate(_OPEN_LANES)
    .scalar_subquery(),
)


class SqlDeliveries:
    """Implements ``ports.Deliveries``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, delivery: Delivery) -> None:
        """Insert one."""
        self._session.execute(_ADD, _values(delivery))

    def open_for(self, account: Account) -> list[Delivery]:
        """Deliveries to one account that are pending, retrying or in flight, oldest first, locked.

        The account is locked first, so that another transaction cannot add one meanwhile and both miss the other's.
        """
        self._session.lock_account(account)
        statement = _OPEN_FOR.with_for_update() if self._session.is_writable else _OPEN_FOR
        return _deliveries(self._session.execute(statement, _place(account)))

    def newest_sequence(self, account: Account) -> int:
        """Highest sequence of any delivery to the account, whatever its state but superseded; 0 when none."""
        return self._session.execute(_NEWEST, _place(account)).scalar() or 0

    def claim(self, lane: str, *, limit: int, lease: str, lease_for: timedelta, outstanding: int) -> list[Delivery]:
        """Take due deliveries of a lane for the worker with token *lease*: state in flight, attempts + 1."""
        numbers = claiming.claimable(self._session, lane, limit=limit, outstanding=outstanding)
        return _deliveries(claiming.take(self._session, numbers, lease=lease, until=self._session.now + lease_for))

    def save(self, delivery: Delivery, *, lease: str | None = None) -> bool:
        """Write back all of a delivery. With *lease*: only while that token still holds it; tells whether it did."""
        values = _values(delivery) | {"id_": delivery.id}
        if lease is None:
            return self._session.execute(_SAVE, values).rowcount == 1
        return self._session.execute(_SAVE_HELD, values | {"held": lease}).rowcount == 1

    def get(self, delivery_id: str) -> Delivery | None:
        """One delivery."""
        row = self._session.execute(_ONE, {"id_": delivery_id}).one_or_none()
        return None if row is None else _delivery(row)

    def of_change(self, tracking_id: str) -> list[Delivery]:
        """All deliveries of one change, in order of creation.

        A writing transaction locks the change: two workers that settle its last two deliveries at the same time
        would otherwise each see the other's as still open, and no one would finish the change.
        """
        self._session.lock("change", tracking_id)
        return _deliveries(self._session.execute(_OF_CHANGE, {"tracking_id_": tracking_id}))

    def find(self, query: DeliveryQuery) -> list[Delivery]:
        """Deliveries, newest first."""
        statement = _ALL.order_by(_C.number.desc()).limit(query.limit)
        if query.account:
            statement = statement.where(named(deliveries, query.account))
        for column, wanted in ((_C.tracking_id, query.tracking_id), (_C.lane, query.lane), (_C.state, query.state)):
            if wanted:
                statement = statement.where(column == wanted)
        if query.reach is not None:
            statement = statement.where(within(deliveries, query.reach))
        if query.before:
            statement = statement.where(_C.number < query.before)
        if query.since is not None:
            statement = statement.where(_C.created_at >= query.since)
        return _deliveries(self._session.execute(statement))

    def open_of_lane(self, lane: str) -> list[Delivery]:
        """All of a lane that are pending, retrying or in flight."""
        return _deliveries(self._session.execute(_OPEN_OF_LANE, {"lane_": lane}))

    def overdue(self, limit: int) -> list[Delivery]:
        """Those that are not settled and whose ``expires_at`` is reached, the longest overdue first.

        What somebody holds, or held until he was given up, is among them once that lease has run out.
        """
        return _deliveries(self._session.execute(_OVERDUE.limit(limit), {"now": self._session.now}))

    def next_due(self) -> dict[str, datetime]:
        """For each lane with open deliveries: when the next one is due (or its lease runs out)."""
        return claiming.next_due(self._session)

    def count_by_state(self) -> dict[tuple[str, str], int]:
        """How many deliveries each (lane, state) has."""
        return {(lane, state): count for lane, state, count in self._session.execute(_COUNTS)}

    def oldest_open(self) -> dict[str, datetime]:
        """For each lane with open deliveries: when the one with the lowest sequence was created."""
        return dict(self._session.execute(_OLDEST_OPEN).all())


def _place(account: Account) -> dict[str, str]:
    return {"lane_": account.lane, "account_": account.name}


def _values(delivery: Delivery) -> dict[str, Any]:
    is_in_flight = delivery.state is DeliveryState.IN_FLIGHT
    return {
        "id": delivery.id,
        "tracking_id": delivery.tracking_id,
        "sequence": delivery.sequence,
        "lane": delivery.account.lane,
        "account": delivery.account.name,
        "sealed_password": delivery.sealed_password,
        "created_at": delivery.created_at,
        "due_at": delivery.due_at,
        "expires_at": delivery.expires_at,
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        "counted_attempts": delivery.counted_attempts,
        "must_probe": delivery.must_probe,
        "lease": delivery.lease,
        "leased_until": delivery.leased_until,
        "ready_at": delivery.leased_until if is_in_flight and delivery.leased_until else delivery.due_at,
        "code": delivery.code,
        "directory_code": delivery.directory_code,
        "message": delivery.message,
        "settled_at": delivery.settled_at,
    }


def _deliveries(rows: Iterable[Row[Any]]) -> list[Delivery]:
    return [_delivery(row) for row in rows]


def _delivery(row: Row[Any]) -> Delivery:
    return readable("deliveries", row.id, row, _read)


def _read(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        tracking_id=row.tracking_id,
        sequence=row.sequence,
        account=account_of(row.lane, row.account),
        sealed_password=row.sealed_password,
        created_at=row.created_at,
        due_at=row.due_at,
        expires_at=row.expires_at,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        counted_attempts=row.counted_attempts,
        must_probe=row.must_probe,
        lease=row.lease,
        leased_until=row.leased_until,
        code=row.code,
        directory_code=row.directory_code,
        message=row.message,
        settled_at=row.settled_at,
        number=row.number,
    )
