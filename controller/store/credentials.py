"""The credential database: sealed external credentials and sealed Windows passwords."""

from dataclasses import replace
from typing import Any

from sqlalchemy import Row, bindparam, delete, exists, func, select, update

from controller.model.accounts import WindowsAccount
from controller.model.credential import StoredSecret
from controller.store.session import Session
from controller.store.tables import credentials, mappings, windows_passwords
from controller.store.upsert import upsert

_C, _W = credentials.c, windows_passwords.c
_OF_ACCOUNT = (_C.application == bindparam("application_"), _C.external_account == bindparam("external_account_"))
_EXTERNAL = select(credentials).where(*_OF_ACCOUNT).order_by(_C.field)
_REMOVE_EXTERNAL = delete(credentials).where(*_OF_ACCOUNT)
_PUT_EXTERNAL = upsert(credentials)
_MARK_EXPIRED = (
    update(credentials)
    .where(*_OF_ACCOUNT, _C.field == bindparam("field_"))
    .values(expired_at=func.coalesce(_C.expired_at, bindparam("now", type_=_C.expired_at.type)))
)
_IS_MAPPED = exists().where(
    mappings.c.application == _C.application, mappings.c.external_account == _C.external_account
)
_REMOVE_UNMAPPED = delete(credentials).where(~_IS_MAPPED).returning(_C.application, _C.external_account)
_WINDOWS = select(windows_passwords).where(_W.account == bindparam("account_"))
_REMOVE_WINDOWS = delete(windows_passwords).where(_W.account == bindparam("account_"))
_PUT_WINDOWS = upsert(windows_passwords)


class SqlCredentials:
    """Implements ``ports.Credentials``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def external(self, application: str, external: str) -> dict[str, StoredSecret]:
        """Stored fields of one external account, by field label."""
        rows = self._session.execute(_EXTERNAL, _account(application, external))
        return {row.field: replace(_stored(row), expired_at=row.expired_at) for row in rows}

    def put_external(self, application: str, external: str, field: str, secret: StoredSecret) -> None:
        """Insert or replace one field."""
        key = {"application": application, "external_account": external, "field": field}
        values = _values(secret) | {"expired_at": secret.expired_at}
        self._session.execute(_PUT_EXTERNAL[self._session.is_postgresql], key | values)

    def mark_expired(self, application: str, external: str, field: str) -> bool:
        """Note that a stored field has expired, until it is put anew; tell whether there is one."""
        given = _account(application, external) | {"field_": field, "now": self._session.now}
        return self._session.execute(_MARK_EXPIRED, given).rowcount == 1

    def remove_external(self, application: str, external: str) -> bool:
        """Delete all fields of one external account; tell whether there were any."""
        return self._session.execute(_REMOVE_EXTERNAL, _account(application, external)).rowcount > 0

    def remove_unmapped(self) -> int:
        """Delete external credentials that no mapping refers to any more; tell how many accounts they were of."""
        return len({tuple(row) for row in self._session.execute(_REMOVE_UNMAPPED)})

    def windows(self, account: WindowsAccount) -> StoredSecret | None:
        """The stored Windows password."""
        row = self._session.execute(_WINDOWS, {"account_": str(account)}).one_or_none()
        return None if row is None else _stored(row)

    def put_windows(self, account: WindowsAccount, secret: StoredSecret) -> None:
        """Insert or replace it."""
        statement = _PUT_WINDOWS[self._session.is_postgresql]
        self._session.execute(statement, {"account": str(account)} | _values(secret))

    def remove_windows(self, account: WindowsAccount) -> bool:
        """Delete it; tell whether there was one."""
        return self._session.execute(_REMOVE_WINDOWS, {"account_": str(account)}).rowcount > 0


def _account(application: str, external: str) -> dict[str, str]:
    return {"application_": application, "external_account_": external}


def _stored(row: Row[Any]) -> StoredSecret:
    return StoredSecret(row.sealed, row.sequence, row.tracking_id, row.updated_at)


def _values(secret: StoredSecret) -> dict[str, Any]:
    return {
        "sealed": secret.sealed,
        "sequence": secret.sequence,
        "tracking_id": secret.tracking_id,
        "updated_at": secret.updated_at,
    }
