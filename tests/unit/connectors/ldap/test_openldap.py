"""What the LDAP connector asks of a directory, and how it reads rare answers. Common ones: system tests."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from controller.connectors.ldap.messages import Answer, Entry, Modification
from controller.connectors.ldap.openldap import CONNECTOR_TYPE, LdapConnector, LdapOptions
from controller.model.errors import AccountUnknown, ChannelRefused, OldPasswordWrong, PasswordRejected
from controller.model.secret import Secret

NEW, OLD = Secret("New-password-1"), Secret("Old-password-1")
OK = Answer(0)
_BY_DN = {"accountDN": "uid={account},ou=people"}
_BY_SEARCH = {"search": {"baseDN": "ou=people", "filter": "(|(uid={account})(mail={account}))"}}


def _options(**options: Any) -> LdapOptions:
    given = {"url": "ldaps://l", "bind": {"user": "svc", "passwordFrom": {"env": "X"}}, **(options or _BY_DN)}
    return LdapOptions.model_validate(given)


@dataclass
class FakeSession:
    """Answers as told, and remembers what was asked."""

    found: Sequence[Entry] = (Entry("uid=alice,ou=people", {}),)
    entry: Entry | None = field(default_factory=lambda: Entry("uid=alice,ou=people", {}))
    written: Answer = OK
    bound: Answer = OK
    asked: list[object] = field(default_factory=list)

    def __str__(self) -> str:
        return "ldaps://l:636"

    def find(self, base: str, search_filter: str, *, limit: int) -> list[Entry]:
        self.asked.append(("find", base, search_filter, limit))
        return list(self.found)

    def read(self, dn: str) -> Entry | None:
        self.asked.append(("read", dn))
        return self.entry

    def modify(self, dn: str, changes: Sequence[Modification]) -> Answer:
        self.asked.append(("modify", dn, *changes))
        return self.written

    def modify_password(self, dn: str, new: bytes, old: bytes | None) -> Answer:
        self.asked.append(("modify_password", dn, new, old))
        return self.written

    def try_bind(self, user: str, password: bytes) -> Answer:
        self.asked.append(("bind", user, password))
        return self.bound

    def check(self) -> None:
        self.asked.append("check")

    def close(self) -> None:
        self.asked.append("close")


def _connector(session: FakeSession, **options: Any) -> LdapConnector:
    return LdapConnector(_options(**options), session)  # type: ignore[arg-type]  # a double of the session


def test_a_dn_template_needs_no_search() -> None:
    session = FakeSession()
    _connector(session).set_password("a,b", NEW)

    assert session.asked == [("modify_password", "uid=a\\2cb,ou=people", b"New-password-1", None)]


def test_a_search_template_names_the_account_wherever_it_stands() -> None:
    session = FakeSession()
    _connector(session, **_BY_SEARCH).set_password("a*", NEW)

    assert session.asked[0] == ("find", "ou=people", "(|(uid=a\\2a)(mail=a\\2a))", 2)
    assert session.asked[1] == ("modify_password", "uid=alice,ou=people", b"New-password-1", None)


def test_the_attribute_can_be_replaced_instead() -> None:
    session = FakeSession()
    _connector(session, **_BY_DN, method="replace").set_password("alice", NEW)

    change = Modification("replace", "userPassword", b"New-password-1")
    assert session.asked == [("modify", "uid=alice,ou=people", change)]


@pytest.mark.parametrize("password", ["{ARGON2}$argon2id$v=19$m=4194304,t=9,p=1$c2FsdHNhbHQ$aGFzaA", "{x}", "{}a"])
def test_a_password_that_reads_like_a_hash_is_never_written_as_the_attribute(password: str) -> None:
    session = FakeSession()
    with pytest.raises(PasswordRejected, match="begins like a hash") as caught:
        _connector(session, **_BY_DN, method="replace").set_password("alice", Secret(password))
    assert password not in f"{caught.value}"
    assert session.asked == []

    _connector(session, **_BY_DN).set_password("alice", Secret(password))
    assert session.asked == [("modify_password", "uid=alice,ou=people", password.encode(), None)]


def test_a_change_proves_the_old_password_and_sends_it_along() -> None:
    session = FakeSession()
    _connector(session).change_password("alice", OLD, NEW)

    dn = "uid=alice,ou=people"
    assert session.asked == [
        ("bind", dn, b"Old-password-1"),
        ("modify_password", dn, b"New-password-1", b"Old-password-1"),
    ]


@pytest.mark.parametrize("old", ["", "\ud800", "Wrong-1"], ids=["empty", "surrogate", "wrong"])
def test_with_a_wrong_old_password_nothing_is_written(old: str) -> None:
    session = FakeSession(bound=Answer(49))
    with pytest.raises(OldPasswordWrong):
        _connector(session).change_password("alice", Secret(old), NEW)

    assert not any("modify" in str(asked) for asked in session.asked)


@pytest.mark.parametrize("password", ["", "\ud800"], ids=["empty", "surrogate"])
def test_a_password_that_cannot_be_sent_is_refused_and_never_in_force(password: str) -> None:
    session = FakeSession()
    with pytest.raises(PasswordRejected, match="the password"):
        _connector(session).set_password("alice", Secret(password))

    assert not _connector(session).verify_password("alice", Secret(password))
    assert ("bind", "uid=alice,ou=people", b"") not in session.asked


def test_a_refused_bind_of_a_missing_entry_says_that_it_is_missing() -> None:
    session = FakeSession(bound=Answer(49), entry=None)

    with pytest.raises(AccountUnknown):
        _connector(session).verify_password("alice", OLD)


@pytest.mark.parametrize(
    ("found", "why"), [((), "no entry fits"), ((Entry("uid=a", {}), Entry("uid=b", {})), "more than one entry")]
)
def test_a_search_that_finds_none_or_several_means_an_unknown_account(found: Sequence[Entry], why: str) -> None:
    with pytest.raises(AccountUnknown, match=why):
        _connector(FakeSession(found), **_BY_SEARCH).set_password("alice", NEW)


def test_a_refused_change_is_told_by_its_code() -> None:
    with pytest.raises(ChannelRefused):
        _connector(FakeSession(written=Answer(50))).change_password("alice", OLD, NEW)


def test_a_check_tries_the_search_if_there_is_one() -> None:
    by_dn, by_search = FakeSession(), FakeSession(found=())
    _connector(by_dn).check()
    _connector(by_search, **_BY_SEARCH).check()

    assert by_dn.asked == ["check"]
    assert by_search.asked == ["check", ("find", "ou=people", "(|(uid=pwsync)(mail=pwsync))", 1)]


def test_the_type_tells_what_a_connector_can_do_without_one() -> None:
    connector = CONNECTOR_TYPE.connect(_options(), lambda _: NEW)

    assert connector.capabilities == CONNECTOR_TYPE.capabilities(_options())
    assert connector.capabilities.can_verify
    assert not connector.capabilities.needs_old_password
    connector.close()


@pytest.mark.parametrize("method", ["passwordModify", "replace"])
def test_a_password_with_a_nul_is_no_password_for_a_directory_that_could_end_there(method: str) -> None:
    constraints = CONNECTOR_TYPE.capabilities(_options(**_BY_DN, method=method)).constraints

    assert constraints.violation(Secret("before\x00after")) == "with a character that the target does not take"
    assert constraints.violation(Secret("before after")) is None


@pytest.mark.parametrize(("entry", "error"), [(None, AccountUnknown), (Entry("uid=alice", {}), ChannelRefused)])
def test_a_write_that_is_not_allowed_may_mean_that_there_is_nobody(
    entry: Entry | None, error: type[AccountUnknown] | type[ChannelRefused]
) -> None:
    session = FakeSession(entry=entry, written=Answer(50))
    with pytest.raises(error):
        _connector(session).set_password("alice", NEW)
