"""Who stands behind a name: what is asked of the directory, and SIDs. The rest is tested with a real one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest

from controller.connectors.ldap import group_members
from controller.connectors.ldap.group_members import ActiveDirectoryGroups, domain_rid
from controller.connectors.ldap.messages import Entry
from controller.connectors.ldap.session import Session
from controller.model.accounts import WindowsAccount
from controller.model.errors import AccountUnknown, Rejected

STAFF = WindowsAccount("CORP", "staff")
DOMAIN_SID = bytes([1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0]) + bytes(range(12))


def sid(rid: int) -> bytes:
    return DOMAIN_SID + rid.to_bytes(4, "little")


def group(name: str, rid: int) -> Entry:
    return Entry(f"CN={name}", {"objectclass": [b"top", b"group"], "objectsid": [sid(rid)]})


def user(name: str) -> Entry:
    return Entry(f"CN={name}", {"samaccountname": [name.encode()]})


@dataclass
class ScriptedSession:
    """Answers searches in turn, and keeps their filters."""

    found: list[Entry]
    pages: list[list[Entry]] = field(default_factory=list)
    filters: list[str] = field(default_factory=list)
    closed: int = 0

    def find(self, base: str, search_filter: str, attributes: Sequence[str], *, limit: int) -> list[Entry]:
        assert (base, limit) == ("DC=x", 2)
        assert attributes
        self.filters.append(search_filter)
        return self.found

    def scan(self, base: str, search_filter: str, attributes: Sequence[str]) -> Iterator[Entry]:
        assert base == "DC=x"
        assert attributes
        self.filters.append(search_filter)
        yield from self.pages.pop(0) if self.pages else []

    def close(self) -> None:
        self.closed += 1

    def __str__(self) -> str:
        return "ldaps://dc1:636"


def groups_of(session: ScriptedSession) -> ActiveDirectoryGroups:
    return ActiveDirectoryGroups("CORP", "DC=x", cast("Session", session))


def test_groups_inside_are_found_first_and_then_the_users_of_any_of_them() -> None:
    inside = [group(f"g{n}", 2000 + n) for n in range(60)]
    session = ScriptedSession([group("staff", 1000)], [[*inside, group("staff", 1000)], [user("Alice")], [user("bob")]])
    assert groups_of(session).members(STAFF) == {WindowsAccount("CORP", "alice"), WindowsAccount("CORP", "bob")}
    by_name, nested, first, second = session.filters
    assert "(sAMAccountName=staff)" in by_name
    assert nested == r"(&(objectClass=group)(memberOf:1.2.840.113556.1.4.1941:=CN\3dstaff))"
    assert first.startswith(
        r"(&(objectCategory=person)(objectClass=user)(|(memberOf=CN\3dstaff)(primaryGroupID=1000)(memberOf=CN\3dg0)"
    )
    assert (first.count("(memberOf="), second.count("(memberOf=")) == (50, 11)


def test_special_characters_of_a_name_are_escaped() -> None:
    session = ScriptedSession([Entry("CN=x", {"objectclass": [b"user"]})])
    name = WindowsAccount("CORP", "a(b)ü")
    assert groups_of(session).members(name) == {name}
    assert r"(sAMAccountName=a\28b\29\c3\bc)" in session.filters[0]


@pytest.mark.parametrize(("found", "what"), [([], "there is no"), ([group("a", 1), group("b", 2)], "more than one")])
def test_a_name_must_be_that_of_one_entry(found: list[Entry], what: str) -> None:
    with pytest.raises(AccountUnknown, match=what):
        groups_of(ScriptedSession(found)).members(STAFF)


def test_accounts_that_cannot_be_mapped_are_left_out() -> None:
    session = ScriptedSession([group("staff", 1000)], [[], [user("Guest"), Entry("CN=nameless", {}), user("alice")]])
    assert groups_of(session).members(STAFF) == {WindowsAccount("CORP", "alice")}


def test_a_group_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_members, "MOST_MEMBERS", 3)
    one_search = [[], [user(f"user{n}") for n in range(4)]]
    guests = [[], [user("Guest") for _ in range(4)]]
    two_searches = [[group(f"g{n}", n) for n in range(60)], [user("a"), user("b")], [user("c"), user("d")]]
    for pages in (one_search, guests, two_searches):
        with pytest.raises(Rejected, match="has more than 3 members"):
            groups_of(ScriptedSession([group("staff", 1000)], pages)).members(STAFF)


def test_a_group_with_too_many_groups_inside_is_refused_before_any_of_their_users_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(group_members, "MOST_GROUPS", 3)
    session = ScriptedSession([group("staff", 1000)], [[group(f"g{n}", 2000 + n) for n in range(9)]])
    with pytest.raises(Rejected, match=r"CORP\\staff has more than 3 groups inside"):
        groups_of(session).members(STAFF)
    assert len(session.filters) == 2


def test_the_connection_is_given_back() -> None:
    session = ScriptedSession([])
    groups_of(session).close()
    assert session.closed == 1


@pytest.mark.parametrize(
    ("value", "rid"),
    [
        (sid(513), 513),
        (sid(0xFFFF_FFFE), 0xFFFF_FFFE),
        (bytes([1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0]), None),  # BUILTIN\Administrators
        (bytes([1, 5, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0]) + bytes(16), None),
        (bytes([2]) + sid(513)[1:], None),
        (sid(513)[:-1], None),
        (sid(513) + b"x", None),
        (b"\x01", None),
        (b"", None),
    ],
)
def test_only_the_sid_of_a_domain_has_a_relative_identifier(value: bytes, rid: int | None) -> None:
    assert domain_rid(value) == rid


def test_a_group_without_a_sid_of_the_domain_is_nobodys_primary_group() -> None:
    builtin = Entry("CN=Administrators", {"objectclass": [b"group"]})
    session = ScriptedSession([builtin], [[], []])
    assert groups_of(session).members(STAFF) == set()
    assert "primaryGroupID" not in session.filters[-1]
