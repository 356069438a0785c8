"""Which accounts a directory has: what is asked, and when only for changes. The rest is tested with real ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest

from controller.connectors.ldap.account_directory import LdapAccountDirectory, open_directory
from controller.connectors.ldap.messages import Entry
from controller.connectors.ldap.session import Session
from controller.model.errors import SettingsError
from controller.model.options import Bind, LdapEndpoint, SecretReference
from controller.model.rule_reading import FoundAccount
from controller.model.secret import Secret
from controller.model.topology import DomainDirectory
from controller.ports.account_directory import AccountSearch, Matches, Position

SEARCH = AccountSearch("OU=Staff,DC=x", "(employeeID=*)", "sAMAccountName", "employeeID")
AD = b"1.2.840.113556.1.4.800"
USERS = "(objectCategory=person)(objectClass=user)"


def user(guid: bytes, name: str, *values: str) -> Entry:
    held = {"samaccountname": [name.encode()], "employeeid": [value.encode() for value in values], "objectguid": [guid]}
    return Entry(f"CN={name}", held)


@dataclass
class ScriptedSession:
    """Answers searches in turn, and keeps what was asked."""

    pages: list[list[Entry]]
    root: dict[str, list[bytes]] = field(
        default_factory=lambda: {"supportedcapabilities": [AD], "highestcommittedusn": [b"70"], "dsservicename": [b"N"]}
    )
    invocation: bytes | None = b"i"
    asked: list[tuple[str, str]] = field(default_factory=list)

    def read(self, dn: str, attributes: Sequence[str]) -> Entry | None:
        if dn == "":
            return Entry("", self.root) if self.root else None
        assert (dn, attributes) == ("N", ["invocationId"])
        return None if self.invocation is None else Entry(dn, {"invocationid": [self.invocation]})

    def scan(self, base: str, search_filter: str, attributes: Sequence[str]) -> Iterator[Entry]:
        assert attributes
        self.asked.append((base, search_filter))
        yield from self.pages.pop(0)


def directory_of(session: ScriptedSession) -> LdapAccountDirectory:
    return LdapAccountDirectory("DC=x", cast("Session", session))


def test_active_directory_is_asked_for_users_alone() -> None:
    session = ScriptedSession([[user(b"1", "Alice", "A1"), user(b"2", "bob"), Entry("CN=c", {"employeeid": [b"C"]})]])
    found = directory_of(session).matches(SEARCH)
    accounts = {b"1": FoundAccount("Alice", ("A1",)), b"2": FoundAccount("bob", ())}
    assert found == Matches(accounts, Position(b"Ni", 70))
    assert session.asked == [("OU=Staff,DC=x", f"(&{USERS}(employeeID=*))")]


def test_later_only_changes_are_asked_for() -> None:
    before = Matches(
        {guid: FoundAccount(name, ("X",)) for guid, name in ((b"1", "alice"), (b"2", "bob"), (b"3", "carol"))},
        Position(b"Ni", 60),
    )
    changed = [user(b"1", "alicia"), user(b"2", "bob"), user(b"9", "other")]
    session = ScriptedSession([changed, [user(b"1", "alicia", "A2")]])
    found = directory_of(session).matches(SEARCH, before)
    assert found.accounts == {b"3": FoundAccount("carol", ("X",)), b"1": FoundAccount("alicia", ("A2",))}
    assert session.asked == [
        ("DC=x", f"(&{USERS}(uSNChanged>=61))"),
        ("OU=Staff,DC=x", f"(&{USERS}(&(uSNChanged>=61)(employeeID=*)))"),
    ]


@pytest.mark.parametrize("before", [Position(b"other", 60), Position(b"Ni", 71), None])
def test_another_server_or_count_is_read_from_the_start(before: Position | None) -> None:
    session = ScriptedSession([[]])
    assert directory_of(session).matches(SEARCH, Matches({b"1": FoundAccount("a", ())}, before)).accounts == {}
    assert len(session.asked) == 1


@pytest.mark.parametrize("session", [ScriptedSession([[]], invocation=None), ScriptedSession([[]])])
def test_active_directory_that_does_not_tell_its_count_is_read_as_a_whole(session: ScriptedSession) -> None:
    if session.invocation:
        del session.root["highestcommittedusn"]
    assert directory_of(session).matches(SEARCH).position is None


@pytest.mark.parametrize("root", [{}, {"supportedcapabilities": []}])
def test_other_directories_are_asked_as_the_rule_says(root: dict[str, list[bytes]]) -> None:
    entries = [Entry("uid=a", {"samaccountname": [b"\xff"], "employeeid": [b"1", b"2"]})]
    session = ScriptedSession([entries], root=root)
    found = directory_of(session).matches(AccountSearch(None, "(a=b)", "sAMAccountName", "employeeID"))
    assert found == Matches({b"uid=a": FoundAccount("\udcff", ("1", "2"))})
    assert session.asked == [("DC=x", "(a=b)")]


def test_names_are_those_of_all_entries() -> None:
    session = ScriptedSession([[user(b"1", "Alice"), user(b"2", "bob")]])
    assert directory_of(session).names("sAMAccountName") == {"alice", "bob"}
    assert session.asked == [("DC=x", "(sAMAccountName=*)")]


def test_a_url_that_cannot_be_used_is_told() -> None:
    bind = Bind(user="u", password_from=SecretReference(env="E"))
    endpoint = LdapEndpoint.model_construct(url="ldaps://x:y", ca_file=None, start_tls=False, bind=bind)
    with pytest.raises(SettingsError, match="the directory of Domain/CORP cannot be used"):
        open_directory("CORP", DomainDirectory(endpoint, "DC=x"), lambda _: Secret("s"))
