"""What is known about the password in force of each account."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, select

from controller.model.accounts import Account
from controller.model.credential import Fingerprint, Write
from controller.store.session import Session
from controller.store.tables import fingerprints
from controller.store.upsert import upsert

_C = fingerprints.c
_GET: Select[Any] = select(fingerprints).where(_C.lane == bindparam("lane_"), _C.account == bindparam("account_"))
_PUT = upsert(fingerprints)
_CLEAR = delete(fingerprints)


class SqlFingerprints:
    """Implements ``ports.Fingerprints``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, account: Account) -> Fingerprint:
        """What is known; an empty one when nothing is. Locked until the transaction ends.

        The account is locked, not its row, which may not be there yet.
        """
        self._session.lock_account(account)
        given = {"lane_": account.lane, "account_": account.name}
        row = self._session.execute(_GET, given).one_or_none()
        return Fingerprint() if row is None else _fingerprint(row)

    def put(self, account: Account, fingerprint: Fingerprint) -> None:
        """Insert or replace."""
        self._session.execute(
            _PUT[self._session.is_postgresql],
            {
                "lane": account.lane,
                "account": account.name,
                "in_force": fingerprint.in_force,
                "sequence": fingerprint.sequence,
                "set_by": fingerprint.set_by,
                "set_at": fingerprint.set_at,
                "occurred_at": fingerprint.occurred_at,
                "told": fingerprint.told,
                "writes": json.dumps([_fields(write) for write in fingerprint.writes], separators=(",", ":")),
            },
        )

    def clear(self) -> int:
        """Forget all; tell how many."""
        return self._session.execute(_CLEAR).rowcount


def _fingerprint(row: Row[Any]) -> Fingerprint:
    return Fingerprint(
        in_force=row.in_force,
        sequence=row.sequence,
        set_by=row.set_by,
        set_at=row.set_at,
        occurred_at=row.occurred_at,
        told=row.told,
        writes=tuple(_write(*fields) for fields in json.loads(row.writes)),
    )


def _fields(write: Write) -> list[Any]:
    ended_at = None if write.ended_at is None else write.ended_at.isoformat()
    return [write.password.hex(), write.sequence, ended_at, write.is_made]


def _write(password: str, sequence: int, ended_at: str | None, is_made: bool) -> Write:  # one row of the column
    return Write(
        password=bytes.fromhex(password),
        sequence=sequence,
        ended_at=None if ended_at is None else datetime.fromisoformat(ended_at),
        is_made=is_made,
    )
