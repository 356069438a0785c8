"""Tries of stored passwords: one row for each account, the last try."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, func, select

from controller.model.accounts import Account
from controller.model.verification import Verification, VerificationOutcome
from controller.store.rows import readable
from controller.store.session import Session
from controller.store.tables import credentials, verifications, windows_passwords
from controller.store.upsert import upsert

_C, _W, _V = credentials.c, windows_passwords.c, verifications.c
_OF_LANE = select(verifications).where(_V.lane == bindparam("lane_"))
_GET = _OF_LANE.where(_V.account == bindparam("account_"))
_PUT = upsert(verifications)
_COUNT = select(_V.lane, _V.outcome, func.count()).group_by(_V.lane, _V.outcome)
_EXTERNAL = select(_C.external_account, _C.updated_at).where(
    _C.application == bindparam("application_"), _C.field == bindparam("field_"), _C.expired_at.is_(None)
)
_WINDOWS = select(_W.account, _W.updated_at).where(_W.account >= bindparam("first"), _W.account < bindparam("beyond"))


class SqlVerifications:
    """Implements ``ports.Verifications``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of_lane(self, lane: str) -> dict[str, Verification]:
        """The last try at each account of a lane, by the account's name in lower case.

        Raises:
            StoreUnusable: A row was altered so that it cannot be read.
        """
        rows = self._session.execute(_OF_LANE, {"lane_": lane})
        return {row.account: readable("verifications", f"{lane} {row.account}", row, _verification) for row in rows}

    def get(self, account: Account) -> Verification | None:
        """The last try at one account.

        Raises:
            StoreUnusable: As for ``of_lane``.
        """
        name = _name(account)
        row = self._session.execute(_GET, {"lane_": account.lane, "account_": name}).one_or_none()
        return None if row is None else readable("verifications", f"{account.lane} {name}", row, _verification)

    def lock(self, account: Account) -> None:
        """Keep other controllers from a try at the account until the transaction ends, however they write its name."""
        self._session.lock("verification", account.lane, _name(account))

    def put(self, account: Account, verification: Verification) -> None:
        """Insert or replace the last try."""
        given = {
            "lane": account.lane,
            "account": _name(account),
            "tried_at": verification.tried_at,
            "stored_at": verification.stored_at,
            "outcome": verification.outcome.value,
        }
        self._session.execute(_PUT[self._session.is_postgresql], given)

    def count(self) -> dict[tuple[str, str], int]:
        """How many accounts each (lane, outcome) has."""
        return {(lane, outcome): count for lane, outcome, count in self._session.execute(_COUNT)}

    def stored_external(self, application: str, field: str) -> dict[str, datetime]:
        """When the passwords of an application's external accounts were stored, without those that have expired."""
        return dict(self._pairs(_EXTERNAL, {"application_": application, "field_": field}))

    def stored_windows(self, domain: str) -> dict[str, datetime]:
        """When the passwords of a domain's accounts were stored, by name without the domain."""
        first = f"{domain}\\"
        given = {"first": first, "beyond": f"{domain}]"}  # what follows the backslash, by code point
        return {account.removeprefix(first): at for account, at in self._pairs(_WINDOWS, given)}

    def _pairs(self, statement: Any, given: dict[str, str]) -> list[tuple[str, datetime]]:  # noqa: ANN401  # a statement
        return [(account, at) for account, at in self._session.execute(statement, given)]


def _name(account: Account) -> str:
    """Many directories ignore case: two spellings share one budget."""
    return account.name.lower()


def _verification(row: Row[Any]) -> Verification:
    return Verification(row.tried_at, row.stored_at, VerificationOutcome(row.outcome))
