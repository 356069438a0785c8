"""What is known about the password in force of each account."""

from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, select

from controller.model.accounts import Account
from controller.model.credential import Fingerprint
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
                "writing": fingerprint.writing,
                "writing_sequence": fingerprint.writing_sequence,
                "is_echoed": fingerprint.is_echoed,
                "overwritten": " ".join(item.hex() for item in fingerprint.overwritten),
                "told": fingerprint.told,
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
        writing=row.writing,
        writing_sequence=row.writing_sequence,
        is_echoed=row.is_echoed,
        overwritten=tuple(bytes.fromhex(item) for item in row.overwritten.split()),
        told=row.told,
    )
