"""What the Active Directory connector asks of a directory, and how it reads rare answers. Common ones: system tests."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from pydantic import ValidationError

from controller.connectors.ldap.active_directory import (
    CONNECTOR_TYPE,
    ActiveDirectoryConnector,
    ActiveDirectoryOptions,
)
from controller.connectors.ldap.messages import Answer, Entry, Modification
from controller.model.errors import (
    AccountRefused,
    AccountUnknown,
    Busy,
    ChannelRefused,
    Indeterminate,
    OldPasswordWrong,
    PasswordRejected,
    Unavailable,
)
from controller.model.secret import Secret

OPTIONS = ActiveDirectoryOptions.model_validate(
    {"url": "ldaps://dc1", "bind": {"user": "svc", "passwordFrom": {"env": "X"}}, "baseDN": "DC=corp"}
)
NEW, OLD = Secret("New-password-1"), Secret("Old-password-1")
OK = Answer(0)


@dataclass
class FakeSession:
    """Finds *found*; answers modifies and binds as told, and remembers them."""

    found: Sequence[Entry] = (Entry("CN=Alice", {}),)
    modified: Answer | Exception = OK
    bound: Answer = OK
    base: Entry | None = None
    searches: list[str] = field(default_factory=list)
    changes: list[Sequence[Modification]] = field(default_factory=list)
    binds: list[tuple[str, bytes]] = field(default_factory=list)
    checks: int = 0

    def __str__(self) -> str:
        return "ldaps://dc1:636"

    def find(self, base: str, search_filter: str, attributes: Sequence[str] = (), *, limit: int) -> list[Entry]:
        self.searches.append(f"{base} {search_filter} {','.join(attributes)} {limit}")
        return list(self.found)

    def read(self, dn: str, attributes: Sequence[str] = ()) -> Entry | None:
        self.searches.append(f"{dn} {','.join(attributes)}")
        return self.base

    def modify(self, dn: str, changes: Sequence[Modification]) -> Answer:
        self.changes.append(changes)
        assert dn == "CN=Alice"
        if isinstance(self.modified, Exception):
            raise self.modified
        return self.modified

    def try_bind(self, user: str, password: bytes) -> Answer:
        self.binds.append((user, password))
        return self.bound

    def check(self) -> None:
        self.checks += 1

    def close(self) -> None:
        self.checks = 0


def _connector(session: FakeSession) -> ActiveDirectoryConnector:
    return ActiveDirectoryConnector(OPTIONS, session)  # type: ignore[arg-type]  # a double of the session


def test_only_people_are_found_and_at_most_two_are_asked_for() -> None:
    session = FakeSession()
    _connector(session).set_password("a*b", NEW)

    assert session.searches == [
        "DC=corp (&(objectCategory=person)(objectClass=user)(sAMAccountName=a\\2ab)) pwdLastSet 2"
    ]


@pytest.mark.parametrize(
    ("found", "why"), [((), "no such user"), ((Entry("CN=A", {}), Entry("CN=B", {})), "more than one")]
)
def test_an_account_that_is_missing_or_ambiguous_is_unknown(found: Sequence[Entry], why: str) -> None:
    with pytest.raises(AccountUnknown, match=why):
        _connector(FakeSession(found)).set_password("alice", NEW)


def test_a_reset_replaces_and_a_change_deletes_and_adds() -> None:
    session = FakeSession()
    _connector(session).set_password("alice", NEW)
    _connector(session).change_password("alice", OLD, NEW)

    new, old = ('"New-password-1"'.encode("utf-16-le"), '"Old-password-1"'.encode("utf-16-le"))
    assert session.changes == [
        [Modification("replace", "unicodePwd", new)],
        [Modification("delete", "unicodePwd", old), Modification("add", "unicodePwd", new)],
    ]


@pytest.mark.parametrize(
    "password", ["", "\ud800", "x" * 257, "🔑" * 129, "nul\x00"], ids=["empty", "surrogate", "long", "pairs", "NUL"]
)
def test_a_password_that_windows_cannot_have_is_not_sent(password: str) -> None:
    session = FakeSession()
    with pytest.raises(PasswordRejected, match="the password"):
        _connector(session).set_password("alice", Secret(password))

    assert session.changes == []


@pytest.mark.parametrize("old", ["", "\udfff"], ids=["empty", "surrogate"])
def test_an_old_password_that_windows_cannot_have_is_wrong_without_a_try(old: str) -> None:
    session = FakeSession()
    with pytest.raises(OldPasswordWrong):
        _connector(session).change_password("alice", Secret(old), NEW)

    assert session.changes == []


@pytest.mark.parametrize("password", ["", "\ud800"], ids=["empty", "surrogate"])
def test_an_empty_password_is_never_verified_by_an_anonymous_bind(password: str) -> None:
    session = FakeSession()

    assert not _connector(session).verify_password("alice", Secret(password))
    assert session.binds == []


def test_a_bind_proves_a_password_that_was_set_long_ago() -> None:
    long_ago = Entry("CN=Alice", {"pwdlastset": (b"132000000000000000",)})
    session = FakeSession([long_ago], base=Entry("", {"currenttime": (b"20260301120000.0Z",)}))

    assert _connector(session).verify_password("alice", NEW)
    assert (session.binds, session.changes) == ([("CN=Alice", b"New-password-1")], [])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(19, "00000056: AtrErr: wrong"), False),
        (Answer(53, "0000052D: SvcErr: in history"), True),
        (Answer(0), True),
    ],
)
def test_soon_after_a_change_the_former_password_is_told_from_the_present_one(answer: Answer, expected: bool) -> None:
    session = FakeSession(modified=answer)

    assert _connector(session).verify_password("alice", NEW) is expected
    same = '"New-password-1"'.encode("utf-16-le")
    assert session.changes == [[Modification("delete", "unicodePwd", same), Modification("add", "unicodePwd", same)]]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(51), Busy),
        (Answer(50, "00000005: SecErr: cannot change password"), AccountRefused),
        (Answer(53, "odd"), AccountRefused),
        (Indeterminate("sent"), Unavailable),
    ],
    ids=["busy", "no right", "odd", "no answer"],
)
def test_what_cannot_be_told_is_not_guessed(answer: Answer | Exception, expected: type[Exception]) -> None:
    with pytest.raises(expected):
        _connector(FakeSession(modified=answer)).verify_password("alice", NEW)


def test_an_expired_password_is_right_and_not_tried_further() -> None:
    words = "80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 773, v1db1"
    session = FakeSession(bound=Answer(49, words))

    assert _connector(session).verify_password("alice", NEW)
    assert session.changes == []


def test_a_check_looks_for_the_search_base() -> None:
    session = FakeSession(base=Entry("DC=corp", {}))
    _connector(session).check()
    assert session.checks == 1

    with pytest.raises(ChannelRefused, match="there is no DC=corp"):
        _connector(FakeSession()).check()


def test_the_type_tells_what_a_connector_can_do_without_one() -> None:
    changing = OPTIONS.model_copy(update={"mode": "change"})

    assert CONNECTOR_TYPE.capabilities(changing).needs_old_password
    assert not CONNECTOR_TYPE.capabilities(changing).is_repeatable
    assert CONNECTOR_TYPE.capabilities(OPTIONS).is_repeatable
    assert CONNECTOR_TYPE.connect(OPTIONS, lambda _: NEW).capabilities == CONNECTOR_TYPE.capabilities(OPTIONS)


def test_a_flag_is_kept_by_a_reset_alone_and_only_where_it_is_set() -> None:
    declared = OPTIONS.model_dump(by_alias=True) | {"mustChange": "keep"}
    with pytest.raises(ValidationError, match="mode: reset"):
        ActiveDirectoryOptions.model_validate(declared | {"mode": "change"})
    keeping = ActiveDirectoryOptions.model_validate(declared)
    for value, attributes in ((b"0", ["unicodePwd", "pwdLastSet"]), (b"133", ["unicodePwd"])):
        session = FakeSession(found=[Entry("CN=Alice", {"pwdlastset": [value]})])
        connector = ActiveDirectoryConnector(keeping, session)  # type: ignore[arg-type]  # a double of the session
        connector.set_password("alice", NEW)
        assert [change.attribute for change in session.changes[0]] == attributes
