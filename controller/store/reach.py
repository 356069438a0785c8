"""How far somebody sees, as a claim about rows of changes and deliveries."""

from sqlalchemy import ColumnElement, FromClause, and_, exists, false, func, literal, or_

from controller.ports.reach import Reach
from controller.store.columns import Name
from controller.store.tables import mappings

_DOMAIN = "domain/"
_M = mappings.c


def within(table: FromClause, reach: Reach) -> ColumnElement[bool]:
    """Rows that are within *reach*; a table without callers has none that anybody reported."""
    claims: list[ColumnElement[bool]] = [table.c.lane.in_(reach.lanes)] if reach.lanes else []
    if reach.caller and "caller" in table.c:
        claims.append(table.c.caller == reach.caller)
    if reach.applications:
        claims.append(_of_windows(table, [application for application, _ in reach.applications]))
        claims.extend(_of_external(table, *pair) for pair in reach.applications if pair[1])
    return or_(false(), *claims)


def _of_windows(table: FromClause, applications: list[str]) -> ColumnElement[bool]:
    """The account is the Windows account of a mapping, where it is written with its domain."""
    domain = func.substr(table.c.lane, len(_DOMAIN) + 1, type_=Name())
    account = domain.concat(literal("\\", Name())).concat(table.c.account)
    mapped = exists().where(_M.application.in_(applications), _M.windows_account == account)
    return and_(table.c.lane.startswith(_DOMAIN), mapped.correlate(table))


def _of_external(table: FromClause, application: str, lane: str) -> ColumnElement[bool]:
    mapped = exists().where(_M.application == application, _M.external_account == table.c.account)
    return and_(table.c.lane == lane, mapped.correlate(table))
