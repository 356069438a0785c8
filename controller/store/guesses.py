"""Wrong old passwords that were reported, per account."""

from typing import Any

from sqlalchemy import Select, bindparam, delete, select

from controller.model.accounts import Account
from controller.ports.credentials import WrongPasswords
from controller.store.session import Session
from controller.store.tables import guesses
from controller.store.upsert import upsert

_C = guesses.c
_OF_ACCOUNT = (_C.lane == bindparam("lane_"), _C.account == bindparam("account_"))
_GET: Select[Any] = select(_C.count, _C.since).where(*_OF_ACCOUNT)
_PUT = upsert(guesses)
_REMOVE = delete(guesses).where(*_OF_ACCOUNT)


class SqlGuesses:
    """Implements ``ports.Guesses``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, account: Account) -> WrongPasswords:
        """What is noted; nothing wrong when nothing is."""
        row = self._session.execute(_GET, _place(account)).one_or_none()
        return WrongPasswords() if row is None else WrongPasswords(*row)

    def put(self, account: Account, wrong: WrongPasswords) -> None:
        """Insert or replace."""
        given = {"lane": account.lane, "account": account.name, "count": wrong.count, "since": wrong.since}
        self._session.execute(_PUT[self._session.is_postgresql], given)

    def remove(self, account: Account) -> None:
        """Forget; no error when there is nothing."""
        self._session.execute(_REMOVE, _place(account))


def _place(account: Account) -> dict[str, str]:
    return {"lane_": account.lane, "account_": account.name}
