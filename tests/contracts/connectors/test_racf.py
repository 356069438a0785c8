"""The connector contract over the imitation of SDBM, and what RACF's reason codes mean."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from typing import Any

import pytest

from controller.connectors.ldap.racf import RacfOptions, RacfType
from controller.model.errors import (
    AccountRefused,
    AccountUnknown,
    Busy,
    ChannelRefused,
    ConnectorError,
    OldPasswordWrong,
    PasswordRejected,
    Rejected,
    SettingsError,
)
from controller.model.secret import Secret
from controller.ports.connectors import Connector
from tests.contracts.connectors.contract import ConnectorContract, words_of
from tests.contracts.connectors.harness import Bench
from tests.doubles.secrets import secrets_from
from tests.servers.connectors import IMPATIENT
from tests.servers.fixtures import require_server
from tests.servers.proxy import Relay
from tests.servers.sdbm import SERVICE, SERVICE_PASSWORD, SUFFIX, SdbmServer, User, running_sdbm

pytestmark = pytest.mark.system

PHRASE, NEW_PHRASE = "Initial-phrase-one", "Another-phrase-two"
Connect = Callable[..., Connector]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SdbmServer]:
    require_server("slapd")
    with running_sdbm(tmp_path_factory.mktemp("sdbm")) as running:
        yield running


def connect_to(server: SdbmServer, port: int, password: str = SERVICE_PASSWORD, **options: Any) -> Connector:
    given = {
        "url": f"ldaps://127.0.0.1:{port}",
        "caFile": str(server.ca_file),
        "bind": {"user": f"racfid={SERVICE},profiletype=USER,{SUFFIX}", "passwordFrom": {"env": "RACF"}},
        "suffix": SUFFIX,
        **options,
    }
    return RacfType(IMPATIENT).connect(RacfOptions.model_validate(given), secrets_from({"RACF": password}))


class RacfBench(Bench):
    """A user ID behind a relay. Lengths between a password's and a phrase's are refused."""

    account, missing, refused = "ALICE", "NOBODY", "Ten-chars1"

    def __init__(self, server: SdbmServer, relay: Relay, mode: str, password: str) -> None:
        self._server, self._relay, self._mode, self.password = server, relay, mode, password
        server.sdbm.users["ALICE"] = User()
        server.sdbm.users["ALICE"].take(password, expired=False)

    def fresh(self) -> Connector:
        return connect_to(self._server, self._relay.port, mode=self._mode)

    def login(self, account: str, password: str) -> bool:
        return self._server.sdbm.lets_in(account, password)

    def unreachable(self) -> AbstractContextManager[None]:
        return self._relay.down()

    def unresponsive(self) -> AbstractContextManager[None]:
        return self._relay.mute_after(1)


class TestRacf(ConnectorContract):
    @pytest.fixture(params=["reset", "change"])
    def bench(self, server: SdbmServer, request: pytest.FixtureRequest) -> Iterator[Bench]:
        with closing(Relay(server.port)) as relay:
            yield RacfBench(server, relay, request.param, PHRASE)


@pytest.fixture
def alice(server: SdbmServer) -> User:
    server.sdbm.users["ALICE"] = User(password="OLD1PASS", phrase=PHRASE)
    server.sdbm.scripted, server.sdbm.mixed_case = [], False
    return server.sdbm.users["ALICE"]


@pytest.fixture
def connect(server: SdbmServer, alice: User) -> Iterator[Connect]:  # noqa: ARG001  # alice is there
    made: list[Connector] = []

    def connect(**options: Any) -> Connector:
        made.append(connect_to(server, server.port, **options))
        return made[-1]

    yield connect
    for connector in made:
        connector.close()


def test_up_to_eight_characters_are_a_password_in_upper_case(connect: Connect, alice: User) -> None:
    connector = connect()
    connector.set_password("alice", Secret("new1Pass"))

    assert (alice.password, alice.phrase) == ("NEW1PASS", PHRASE)
    assert connector.verify_password("ALICE", Secret("NeW1pAsS"))
    assert not connector.verify_password("ALICE", Secret("OLD1PASS"))


def test_mixed_case_is_kept_where_racf_has_it(connect: Connect, alice: User, server: SdbmServer) -> None:
    server.sdbm.mixed_case = True
    connector = connect(mixedCase=True)
    connector.set_password("ALICE", Secret("new1Pass"))

    assert alice.password == "new1Pass"
    assert not connector.verify_password("ALICE", Secret("NEW1PASS"))


def test_more_are_a_phrase_as_it_is(connect: Connect, alice: User) -> None:
    connect().set_password("ALICE", Secret(NEW_PHRASE))
    assert (alice.password, alice.phrase) == ("OLD1PASS", NEW_PHRASE)
    connect(shortestPhrase=9).set_password("ALICE", Secret("nine char"))
    assert alice.phrase == "nine char"


@pytest.mark.parametrize(("no_expired", "expired"), [(True, False), (False, True)])
def test_the_user_must_change_it_only_if_that_is_wanted(
    connect: Connect, alice: User, *, no_expired: bool, expired: bool
) -> None:
    connector = connect(noExpired=no_expired)
    connector.set_password("ALICE", Secret(NEW_PHRASE))

    assert alice.is_expired is expired
    assert connector.verify_password("ALICE", Secret(NEW_PHRASE))  # an expired one is the one in force, too


def test_a_user_changes_it_by_a_bind_with_both(connect: Connect, alice: User) -> None:
    connector = connect(mode="change")
    connector.change_password("ALICE", Secret("old1pass"), Secret("new2pass"))
    assert alice.password == "NEW2PASS"

    with pytest.raises(PasswordRejected, match="RACF refuses") as caught:
        connector.change_password("ALICE", Secret("new2pass"), Secret("old1pass"))
    assert caught.value.directory_code == "R000101"


def test_no_password_is_changed_by_a_phrase(connect: Connect, alice: User) -> None:
    with pytest.raises(PasswordRejected, match="one of the old and the new"):
        connect(mode="change").change_password("ALICE", Secret(PHRASE), Secret("new2pass"))
    assert alice.wrong == 0


@pytest.mark.parametrize(
    "password",
    ["", "Nine-char", "thirteen char", "x" * 101, "a b", "pä", "Phräse of fifteen", "old/new", PHRASE + "/x"],
)
def test_what_racf_cannot_have_is_not_sent_and_not_in_force(
    connect: Connect, alice: User, server: SdbmServer, password: str
) -> None:
    connector = connect()
    with pytest.raises(PasswordRejected):
        connector.set_password("ALICE", Secret(password))
    with pytest.raises(OldPasswordWrong):
        connector.change_password("ALICE", Secret(password), Secret(NEW_PHRASE))
    assert not connector.verify_password("ALICE", Secret(password))
    assert (alice.wrong, alice.password, alice.phrase) == (0, "OLD1PASS", PHRASE)
    assert not any("cred: old" in request for request in server.sdbm.requests)


@pytest.mark.parametrize(
    ("code", "words", "to_change", "to_verify"),
    [
        (49, "R000100 The password has expired.", OldPasswordWrong, True),
        (49, "R000101 The new password is not valid.", PasswordRejected, Rejected),
        (49, "R000102 The user ID has been revoked.", AccountRefused, AccountRefused),
        (49, "R000104 The password is not correct.", OldPasswordWrong, False),
        (49, "R000105 A bind argument is not valid.", Rejected, Rejected),
        (49, "", OldPasswordWrong, False),
        (49, "R004109 The password has expired", OldPasswordWrong, True),
        (49, "R004110 The user ID has been revoked", AccountRefused, AccountRefused),
        (49, "R004111 The password is not correct", OldPasswordWrong, False),
        (49, "R004112 A bind argument is not valid", Rejected, Rejected),
        (49, "R004128 The new password is not valid", PasswordRejected, Rejected),
        (1, "R004118 Unexpected racroute error safRC=8 racfRC=12 racfReason=0", Busy, Busy),
        (51, "", Busy, Busy),
        (49, f"R004128 {NEW_PHRASE} is not valid", PasswordRejected, Rejected),
    ],
)
def test_what_a_reason_code_means(
    connect: Connect,
    server: SdbmServer,
    *,
    code: int,
    words: str,
    to_change: type[ConnectorError],
    to_verify: type[ConnectorError] | bool,
) -> None:
    connector = connect(mode="change")
    server.sdbm.scripted = [(code, words)]
    with pytest.raises(ConnectorError) as caught:
        connector.change_password("ALICE", Secret(PHRASE), Secret(NEW_PHRASE))
    assert type(caught.value) is to_change
    assert not words.startswith("R") or caught.value.directory_code == words[:7]
    assert NEW_PHRASE not in words_of(caught.value)

    server.sdbm.scripted = [(code, words)]
    if isinstance(to_verify, bool):
        assert connector.verify_password("ALICE", Secret(NEW_PHRASE)) is to_verify
        return
    with pytest.raises(ConnectorError) as caught:
        connector.verify_password("ALICE", Secret(NEW_PHRASE))
    assert type(caught.value) is to_verify


@pytest.mark.parametrize(
    ("code", "words", "error", "told"),
    [
        (49, "R004128 The new password is not valid", PasswordRejected, "R004128"),
        (49, "R004110 The user ID has been revoked", AccountRefused, "R004110"),
        (49, "R004111 The password is not correct", ChannelRefused, "R004111"),
        (1, "R004118 Unexpected racroute error", Busy, "R004118"),
        (50, "ICH21005I NOT AUTHORIZED TO SPECIFY PASSWORD, OPERAND IGNORED.", ChannelRefused, "ICH21005I"),
        (80, "IKJ56702I INVALID PASSWORD", Rejected, "IKJ56702I"),
        (50, "", ChannelRefused, "insufficientAccessRights"),
        (19, "", PasswordRejected, "constraintViolation"),
    ],
)
def test_what_the_answer_to_an_administrator_means(
    connect: Connect, server: SdbmServer, *, code: int, words: str, error: type[ConnectorError], told: str
) -> None:
    server.sdbm.scripted = [(code, words)]
    with pytest.raises(ConnectorError) as caught:
        connect().set_password("ALICE", Secret(NEW_PHRASE))
    assert (type(caught.value), caught.value.directory_code) == (error, told)


def test_wrong_tries_revoke_the_user_id(connect: Connect, alice: User) -> None:
    connector = connect()
    for _ in range(4):
        assert not connector.verify_password("ALICE", Secret("WRONG1"))
    assert alice.is_revoked
    with pytest.raises(AccountRefused, match="revoked"):
        connector.verify_password("ALICE", Secret(PHRASE))


@pytest.mark.parametrize("name", ["", "TOOLONGID", "A B", "A,B", "ÄB", "BOB"])
def test_a_name_that_racf_does_not_have_is_an_unknown_account(connect: Connect, name: str) -> None:
    with pytest.raises(AccountUnknown):
        connect().set_password(name, Secret(NEW_PHRASE))


def test_another_suffix_is_a_refused_channel(connect: Connect) -> None:
    with pytest.raises(ChannelRefused):
        connect(suffix="o=elsewhere").check()


def test_a_password_of_the_service_account_with_a_slash_would_set_another_one(server: SdbmServer) -> None:
    with pytest.raises(SettingsError, match="slash"):
        connect_to(server, server.port, password="old/new")
