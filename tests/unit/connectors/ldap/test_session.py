"""When a connection is kept, when it is opened anew, and what is known after a failure."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from controller.connectors.ldap import session as module
from controller.connectors.ldap.endpoint import Endpoint, Patience
from controller.connectors.ldap.messages import Answer, Entry, Modification
from controller.connectors.ldap.requests import PAGED_RESULTS, Request, paged
from controller.connectors.ldap.session import Session
from controller.connectors.ldap.wire import NoAnswer, NotSent, TimedOut
from controller.model.errors import Busy, ChannelRefused, Indeterminate, Rejected, Unavailable
from controller.model.secret import Secret

OK: tuple[list[Entry], Answer] = ([], Answer(0))
CHANGE = [Modification("replace", "userPassword", b"New-password-1")]
Reply = tuple[list[Entry], Answer] | Exception


@dataclass
class FakeWire:
    """Answers from a script; an exception in it is raised where it belongs."""

    script: list[Reply]
    is_alive: bool = True
    sent: list[str] = field(default_factory=list)
    is_closed: bool = False

    def is_usable(self) -> bool:
        return self.is_alive

    def send(self, request: Request) -> None:
        if isinstance(self.script[0], NotSent):
            raise self.script.pop(0)  # type: ignore[misc]  # checked in the line above
        self.sent.append(request.kind)

    def receive(self) -> tuple[list[Entry], Answer]:
        reply = self.script.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def close(self) -> None:
        self.is_closed = True


@dataclass
class Network:
    """Hands out the wires of a test, one for each connection."""

    wires: list[FakeWire] = field(default_factory=list)
    opened: int = 0
    now: float = 0.0

    def expect(self, *script: Reply) -> FakeWire:
        """The next connection: its bind succeeds, then come the replies of *script*."""
        wire = FakeWire([OK, *script])
        self.wires.append(wire)
        return wire

    def connect(self, *_: object) -> FakeWire:
        self.opened += 1
        return self.wires[self.opened - 1]


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    network = Network()
    monkeypatch.setattr(module, "Wire", network.connect)
    return network


@pytest.fixture
def session(network: Network) -> Session:
    endpoint = Endpoint("dc1", 636, start_tls=False, ca_file=None)
    return Session(endpoint, "svc", Secret("Service-1"), Patience(), lambda: network.now)


def test_nothing_is_opened_before_the_first_use(network: Network, session: Session) -> None:
    session.close()

    assert network.opened == 0


def test_one_connection_serves_many_requests(network: Network, session: Session) -> None:
    wire = network.expect(OK, OK)
    session.modify("cn=a", CHANGE)
    session.modify_password("cn=a", b"x")

    assert (network.opened, wire.sent) == (1, ["bindRequest", "modifyRequest", "extendedReq"])


def test_a_connection_that_the_directory_closed_is_replaced_before_anything_is_sent(
    network: Network, session: Session
) -> None:
    first, second = network.expect(OK), network.expect(OK)
    session.modify("cn=a", CHANGE)
    first.is_alive = False

    assert session.modify("cn=a", CHANGE).is_success
    assert (first.is_closed, second.sent) == (True, ["bindRequest", "modifyRequest"])


def test_a_connection_unused_for_long_is_not_trusted_with_a_write(network: Network, session: Session) -> None:
    first, second = network.expect(OK), network.expect(OK)
    session.modify("cn=a", CHANGE)
    network.now = 61.0

    assert session.modify("cn=a", CHANGE).is_success
    assert (first.is_closed, len(second.sent)) == (True, 2)


def test_a_write_that_did_not_go_out_is_sent_on_a_new_connection(network: Network, session: Session) -> None:
    network.expect(OK, NotSent("broken pipe"))
    second = network.expect(OK)
    session.modify("cn=a", CHANGE)

    assert session.modify("cn=a", CHANGE).is_success
    assert second.sent == ["bindRequest", "modifyRequest"]


def test_a_write_that_goes_out_on_no_connection_is_unavailable(network: Network, session: Session) -> None:
    network.expect(NotSent("broken pipe"))

    with pytest.raises(Unavailable, match="broken pipe"):
        session.modify("cn=a", CHANGE)


@pytest.mark.parametrize("failure", [TimedOut("no answer within 15 s"), NoAnswer("the connection broke")])
def test_a_write_without_an_answer_is_indeterminate_and_not_repeated(
    network: Network, session: Session, failure: NoAnswer
) -> None:
    wire = network.expect(OK, failure)
    after = network.expect(OK)
    session.modify("cn=a", CHANGE)

    with pytest.raises(Indeterminate, match=f"the change was sent, but {failure}"):
        session.modify("cn=a", CHANGE)
    assert (network.opened, wire.is_closed) == (1, True)
    assert session.modify("cn=a", CHANGE).is_success
    assert after.sent == ["bindRequest", "modifyRequest"]


def test_a_search_is_repeated_once_when_a_kept_connection_breaks(network: Network, session: Session) -> None:
    network.expect(OK, NoAnswer("the connection broke"))
    network.expect(([Entry("cn=a", {})], Answer(0)))
    session.modify("cn=a", CHANGE)

    assert session.find("dc=x", "(cn=a)", limit=2) == [Entry("cn=a", {})]


def test_a_search_that_was_not_answered_in_time_is_not_repeated(network: Network, session: Session) -> None:
    network.expect(OK, TimedOut("no answer within 15 s"))
    session.modify("cn=a", CHANGE)

    with pytest.raises(Unavailable, match="no answer within 15 s"):
        session.find("dc=x", "(cn=a)", limit=2)


def test_a_search_on_a_new_connection_is_not_repeated(network: Network, session: Session) -> None:
    network.expect(NoAnswer("the connection broke"))

    with pytest.raises(Unavailable, match="the connection broke"):
        session.find("dc=x", "(cn=a)", limit=2)


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [(Answer(49), ChannelRefused), (Answer(51), Busy), (NoAnswer("closed"), Unavailable)],
)
def test_a_service_account_that_is_not_let_in_leaves_no_connection(
    network: Network, session: Session, refusal: Answer | NoAnswer, expected: type[Exception]
) -> None:
    wire = network.expect()
    wire.script = [refusal if isinstance(refusal, NoAnswer) else ([], refusal)]

    with pytest.raises(expected):
        session.modify("cn=a", CHANGE)
    assert wire.is_closed


@pytest.mark.parametrize(("user", "password"), [("", "x"), ("svc", ""), ("svc", "\ud800")])
def test_a_service_account_without_name_or_password_is_never_used(network: Network, user: str, password: str) -> None:
    session = Session(Endpoint("dc1", 636, start_tls=False, ca_file=None), user, Secret(password))

    with pytest.raises(ChannelRefused, match="no name, or no password"):
        session.check()
    assert network.opened == 0


def test_a_check_opens_anew(network: Network, session: Session) -> None:
    first, second = network.expect(OK), network.expect()
    session.modify("cn=a", CHANGE)
    session.check()

    assert (first.is_closed, second.sent) == (True, ["bindRequest"])


def test_an_interrupted_request_leaves_no_connection_behind(network: Network, session: Session) -> None:
    wire = network.expect(OK)
    session.modify("cn=a", CHANGE)

    def interrupt() -> tuple[list[Entry], Answer]:
        raise KeyboardInterrupt

    wire.script.append(OK)
    wire.receive = interrupt  # type: ignore[method-assign]  # for this one call
    with pytest.raises(KeyboardInterrupt):
        session.modify("cn=a", CHANGE)
    assert wire.is_closed


@pytest.mark.parametrize("code", [32, 34])
def test_an_entry_that_is_not_there_is_none(network: Network, session: Session, code: int) -> None:
    network.expect(([], Answer(code)))

    assert session.read("cn=nobody") is None


def test_an_entry_is_read(network: Network, session: Session) -> None:
    network.expect(([Entry("cn=a", {})], Answer(0)), ([], Answer(0)))

    assert session.read("cn=a") == Entry("cn=a", {})
    assert session.read("cn=b") is None


def test_more_entries_than_asked_for_are_no_error(network: Network, session: Session) -> None:
    two = [Entry("cn=a", {}), Entry("cn=b", {})]
    network.expect((two, Answer(4)))

    assert session.find("dc=x", "(cn=*)", limit=2) == two


@pytest.mark.parametrize(
    "look",
    [
        lambda s: s.read("cn=a"),
        lambda s: s.find("dc=x", "(cn=a)", limit=1),
        lambda s: list(s.scan("dc=x", "(cn=a)", ["cn"])),
    ],
    ids=["read", "find", "scan"],
)
def test_a_refused_search_is_told(network: Network, session: Session, look: Callable[[Session], object]) -> None:
    network.expect(([], Answer(50)))

    with pytest.raises(ChannelRefused):
        look(session)


def test_a_scan_reads_page_after_page(network: Network, session: Session) -> None:
    pages = [[Entry("cn=a", {})], [Entry("cn=b", {})]]
    network.expect(*((page, _page(cookie)) for page, cookie in zip(pages, (b"next", b""), strict=True)))

    assert [entry.dn for entry in session.scan("dc=x", "(cn=*)", ["cn"])] == ["cn=a", "cn=b"]


def test_a_scan_that_does_not_end_is_given_up(
    network: Network, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.connectors.ldap.session._MOST_PAGES", 3)
    network.expect(*(([], _page(b"again")) for _ in range(3)))

    with pytest.raises(Rejected, match="has no end after 3 pages"):
        list(session.scan("dc=x", "(cn=*)", ["cn"]))


def test_a_directory_that_knows_no_pages_sends_all_at_once(network: Network, session: Session) -> None:
    network.expect(([Entry("cn=a", {})], Answer(0)))

    assert [entry.dn for entry in session.scan("dc=x", "(cn=*)", ["cn"])] == ["cn=a"]


def test_a_scan_that_breaks_off_is_not_taken_for_complete(network: Network, session: Session) -> None:
    network.expect(([Entry("cn=a", {})], _page(b"next")), NoAnswer("the connection broke"))
    with pytest.raises(Unavailable):
        list(session.scan("dc=x", "(cn=*)", ["cn"]))

    network.expect(([Entry("cn=a", {})], _page(b"next")))
    scan = session.scan("dc=x", "(cn=*)", ["cn"])
    next(scan)
    session.close()
    with pytest.raises(Unavailable, match="in the midst of a search"):
        next(scan)


def test_a_bind_as_someone_else_has_a_connection_of_its_own_and_one_try(network: Network, session: Session) -> None:
    wire = network.expect()
    wire.script = [([], Answer(49))]

    assert session.try_bind("cn=a", b"x") == Answer(49)
    assert (wire.sent, wire.is_closed) == (["bindRequest"], True)


def test_a_bind_as_someone_else_without_an_answer_tells_nothing(network: Network, session: Session) -> None:
    wire = network.expect()
    wire.script = [NoAnswer("closed")]

    with pytest.raises(Unavailable):
        session.try_bind("cn=a", b"x")
    assert (network.opened, wire.is_closed) == (1, True)


def _page(cookie: bytes) -> Answer:
    return Answer(0, "", {PAGED_RESULTS: paged(0, cookie)[2] or b""})
