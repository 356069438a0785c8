"""Who stands behind the names that applications give their users by, as the directories last told."""

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import ARRAY, Text, bindparam, column, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from controller.model.accounts import WindowsAccount
from controller.ports.windows_groups import GroupReading
from controller.store.columns import Name
from controller.store.session import Session
from controller.store.tables import windows_group_members, windows_groups
from controller.store.upsert import upsert

_BATCH = 10_000
_MOST_GIVEN = 500
"""Names in one statement: SQLite takes 32,766 parameters, and of two lists each pair is one look-up."""
_G, _M = windows_groups.c, windows_group_members.c
_ALL = select(_G.name, _G.read_at, _G.members, _G.problem)
_ANSWERED = select(_G.name).where(_G.name.in_(bindparam("names", expanding=True)), _G.read_at.is_not(None))
_MEMBERS = select(_M.windows_account).where(_M.name == bindparam("name"))
_MEMBERSHIPS = select(_M.windows_account, _M.name).where(
    _M.name.in_(bindparam("names", expanding=True)), _M.windows_account.in_(bindparam("accounts", expanding=True))
)
_NOTE = upsert(windows_groups)
_FORGET = delete(windows_groups).where(_G.name == bindparam("name_"))
_REMOVE_ALL = delete(windows_group_members).where(_M.name == bindparam("name_"))
_ADD = sqlite.insert(windows_group_members).on_conflict_do_nothing()
_REMOVE = delete(windows_group_members).where(
    _M.name == bindparam("name_"), _M.windows_account == bindparam("windows_account_")
)

# PostgreSQL takes a batch as an array: one statement, one round trip.
_GIVEN = (
    func.unnest(bindparam("accounts", type_=ARRAY(Text)))
    .table_valued(column("windows_account", Name))
    .render_derived(name="given")
)
_ADD_ARRAY = (
    postgresql.insert(windows_group_members)
    .from_select(["name", "windows_account"], select(bindparam("name_", type_=Name), _GIVEN.c.windows_account))
    .on_conflict_do_nothing()
)
_REMOVE_ARRAY = delete(windows_group_members).where(
    _M.name == bindparam("name_"), _M.windows_account == _GIVEN.c.windows_account
)


class SqlWindowsGroups:
    """Implements ``ports.WindowsGroups``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def readings(self) -> dict[WindowsAccount, GroupReading]:
        """All names that were looked up."""
        return {_account(name): GroupReading(*told) for name, *told in self._session.execute(_ALL)}

    def answered(self, names: Collection[WindowsAccount]) -> set[WindowsAccount]:
        """Those of *names* about which there is an answer."""
        return {
            _account(name)
            for given in _batches(names, _MOST_GIVEN)
            for (name,) in self._session.execute(_ANSWERED, {"names": given})
        }

    def members(self, name: WindowsAccount) -> set[WindowsAccount]:
        """The accounts behind one name."""
        return {_account(account) for (account,) in self._session.execute(_MEMBERS, {"name": str(name)})}

    def memberships(
        self, accounts: Collection[WindowsAccount], names: Collection[WindowsAccount]
    ) -> set[tuple[WindowsAccount, WindowsAccount]]:
        """The pairs (account, name) of those given in which the account stands behind the name. Reads an index."""
        return {
            (_account(account), _account(name))
            for some_accounts in _batches(accounts, _MOST_GIVEN)
            for some_names in _batches(names, _MOST_GIVEN)
            for account, name in self._session.execute(_MEMBERSHIPS, {"accounts": some_accounts, "names": some_names})
        }

    def note(self, name: WindowsAccount, reading: GroupReading) -> None:
        """Insert or replace what is known about a name; its members stay."""
        self._session.execute(
            _NOTE[self._session.is_postgresql],
            {"name": str(name), "read_at": reading.read_at, "members": reading.members, "problem": reading.problem},
        )

    def add(self, name: WindowsAccount, accounts: Iterable[WindowsAccount]) -> None:
        """Put accounts behind a name; no error when one is there already."""
        for batch in _batches(accounts, _BATCH):
            if self._session.is_postgresql:
                self._session.execute(_ADD_ARRAY, {"name_": str(name), "accounts": batch})
            else:
                self._session.execute(_ADD, [{"name": str(name), "windows_account": account} for account in batch])

    def remove(self, name: WindowsAccount, accounts: Iterable[WindowsAccount]) -> None:
        """Take accounts away; no error when one is not there."""
        for batch in _batches(accounts, _BATCH):
            if self._session.is_postgresql:
                self._session.execute(_REMOVE_ARRAY, {"name_": str(name), "accounts": batch})
            else:
                self._session.execute(_REMOVE, [{"name_": str(name), "windows_account_": account} for account in batch])

    def forget(self, name: WindowsAccount) -> None:
        """Delete all that is known about a name."""
        given: dict[str, Any] = {"name_": str(name)}
        self._session.execute(_REMOVE_ALL, given)
        self._session.execute(_FORGET, given)


def _batches(accounts: Iterable[WindowsAccount], size: int) -> Iterator[list[str]]:
    remaining = iter(accounts)
    while batch := list(map(str, islice(remaining, size))):
        yield batch


def _account(text: str) -> WindowsAccount:
    domain, _, name = text.partition("\\")  # exactly as stored
    return WindowsAccount(domain, name)
