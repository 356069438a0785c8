"""Which deliveries a worker may take. Of each account only its head: the one in flight, else the oldest open one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Integer,
    Row,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    type_coerce,
    update,
)

from controller.model.delivery import DeliveryState
from controller.store.columns import Instant
from controller.store.session import Session
from controller.store.tables import changes, deliveries, is_open, same_lane

_C = deliveries.c
_OTHER = deliveries.alias("other")
_IN_FLIGHT = DeliveryState.IN_FLIGHT.value


# A subquery per row, not NOT EXISTS, which PostgreSQL may turn into a join of the lane with itself.
_HEAD = (
    select(_OTHER.c.number)
    .where(is_open(_OTHER), same_lane(_OTHER, _C.lane), _OTHER.c.account == _C.account)
    .order_by(case((_OTHER.c.state == _IN_FLIGHT, 0), else_=1), _OTHER.c.sequence, _OTHER.c.number)
    .limit(1)
    .correlate(deliveries)
    .scalar_subquery()
)
_IS_HEAD = _C.number == _HEAD
# A subquery per row for the same reason. What was reported and not routed yet may make the delivery pointless.
_UNROUTED = (
    select(func.count())
    .select_from(changes)
    .where(changes.c.unrouted, same_lane(changes, _C.lane), changes.c.account == _C.account)
    .correlate(deliveries)
    .scalar_subquery()
)
_OUTSTANDING = (
    select(func.count())
    .select_from(deliveries)
    .where(_C.lane == bindparam("lane_"), _C.state == _IN_FLIGHT, _C.leased_until > bindparam("now"))
)
# Not the bare column: SQLite would search by it and sort the whole backlog of a lane, instead of stopping at the limit.
_READY_AT = type_coerce(_C.ready_at, BigInteger) + literal_column("0")
_CLAIMABLE = (
    select(_C.number, _C.lane, _C.account)
    .where(is_open(deliveries), _C.lane == bindparam("lane_"), bindparam("now", type_=Instant) >= _READY_AT, _IS_HEAD)
    .where(_UNROUTED == 0)
    .order_by(_C.sequence, _C.number)
    .limit(bindparam("limit", type_=Integer, literal_execute=True))
    .with_for_update(skip_locked=True, of=deliveries)
)
_TAKE = (
    update(deliveries)
    .where(_C.number.in_(bindparam("numbers", expanding=True)))
    .values(
        state=_IN_FLIGHT,
        attempts=_C.attempts + 1,
        must_probe=or_(_C.must_probe, _C.state == _IN_FLIGHT),
        lease=bindparam("lease_"),
        leased_until=bindparam("until"),
        ready_at=bindparam("until"),
    )
    .returning(deliveries)
)
_LANES = select(_C.lane).where(is_open(deliveries)).distinct().subquery("lanes")
_FIRST_READY = (
    select(_C.ready_at)
    .where(is_open(deliveries), _C.lane == _LANES.c.lane, _IS_HEAD)
    .order_by(_C.ready_at)
    .limit(1)
    .correlate(_LANES)
    .scalar_subquery()
)
_NEXT_DUE = select(_LANES.c.lane, _FIRST_READY)


def claimable(session: Session, lane: str, *, limit: int, outstanding: int) -> list[int]:
    """Numbers of the deliveries that may be taken now, oldest first, locked.

    The lane is locked first, so that two workers cannot together exceed *outstanding*. An account that another
    transaction works on is left for later: waiting for it with rows in hand could close a circle.
    """
    session.lock("lane", lane)
    place = {"lane_": lane, "now": session.now}
    room = min(limit, outstanding - session.execute(_OUTSTANDING, place).scalar_one())
    if room <= 0:
        return []
    rows = session.execute(_CLAIMABLE, place | {"limit": room}).all()
    return [row.number for row in session.lock_free(rows, lambda row: (row.lane, row.account))]


def take(session: Session, numbers: Sequence[int], *, lease: str, until: datetime) -> list[Row[Any]]:
    """Put deliveries in flight under *lease*; returns their rows, oldest first.

    One that was in flight already had another worker, whose attempt may have reached the target: it must be probed.
    """
    if not numbers:
        return []
    given = {"numbers": list(numbers), "lease_": lease, "until": until}
    return sorted(session.execute(_TAKE, given), key=lambda row: (row.sequence, row.number))


def next_due(session: Session) -> dict[str, datetime]:
    """For each lane with open deliveries: when the first head of an account is due, or its lease runs out."""
    return dict(session.execute(_NEXT_DUE).all())
