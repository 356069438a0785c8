"""Adapters made with the kit, on the real API in this process (section 10)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from controller.model.secret import Secret
from controller.model.topology import REMOTE, Access, AdapterGroup, Application, ConnectorSpec, Kind
from controller.sdk.adapter import RemoteAdapter
from controller.sdk.errors import CallRefused, SessionReplaced
from controller.sdk.handlers import GroupHandler, PasswordHandler
from controller.sdk.notifications import PasswordChange
from controller.sdk.outcomes import PasswordRejected
from controller.sdk.transport import Answer, Request
from tests.doubles.api import ApiBench, new_password
from tests.doubles.pipeline import OPEN_ADAPTER

ACCESS = Access(users=("agent",), receivers=("agent",))
ADAPTER = replace(OPEN_ADAPTER, connector=ConnectorSpec(REMOTE), access=ACCESS)


class InProcess:
    """Carries calls to the API without a network; nothing waits."""

    def __init__(self, api: ApiBench) -> None:
        self._api = api

    def send(self, request: Request) -> Answer:
        """Make the call."""
        path = request.path.removesuffix("?wait=30")
        answer = self._api.call(request.method, path, headers=request.headers, content=request.body)
        return Answer(answer.status_code, answer.content)

    def interrupt(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is open."""


class Given:
    """A token."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read(self) -> Secret:
        """Read it."""
        return Secret(self._text)


class Once(PasswordHandler):
    """Takes or refuses one password, and stops."""

    def __init__(self, adapter: RemoteAdapter, refusal: PasswordRejected | None = None) -> None:
        self.adapter = adapter
        self.refusal = refusal
        self.taken: list[tuple[str, str]] = []

    def set_password(self, change: PasswordChange) -> None:
        """Take it."""
        self.adapter.stop()
        if self.refusal is not None:
            raise self.refusal
        self.taken.append((change.account, change.password.reveal()))


class Group(GroupHandler):
    """Stops once it knows two members."""

    def __init__(self, adapter: RemoteAdapter) -> None:
        self.adapter = adapter
        self.served: list[frozenset[str]] = []

    def serve(self, adapters: frozenset[str]) -> None:
        """Remember them."""
        self.served.append(adapters)
        self.adapter.stop()


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiBench]:
    r"""The API with the remote adapter ``host``; CORP\bob is BOB1 on it."""
    made = ApiBench(tmp_path)
    made.bench.put(Kind.ADAPTER, "host", ADAPTER)
    made.bench.put(Kind.APPLICATION, "HOST", Application(adapter="host"))
    made.bench.map("HOST", "bob", "BOB1")
    yield made
    made.close()


def adapter_of(api: ApiBench, name: str = "host", by: str = "agent") -> RemoteAdapter:
    """One process of an adapter."""
    return RemoteAdapter(InProcess(api), name, token=Given(api.tokens[by]))


def test_interface_with_the_kit_a_password_is_set_and_confirmed(api: ApiBench) -> None:
    password = new_password()
    tracking_id = api.bench.windows("bob", password)
    api.bench.route()
    adapter = adapter_of(api)
    handler = Once(adapter)
    adapter.run(handler)
    assert handler.taken == [("BOB1", password)]
    assert api.bench.stored("HOST", "BOB1") == password
    assert api.bench.outcome(tracking_id) == ("completed", "")
    assert len(api.events("adapterDisconnected")) == 1


def test_interface_with_the_kit_a_refusal_is_parked_with_its_words(api: ApiBench) -> None:
    tracking_id = api.bench.windows("bob", "New-1")
    api.bench.route()
    adapter = adapter_of(api)
    adapter.run(Once(adapter, PasswordRejected("it is in the history")))
    delivery = api.bench.deliveries(tracking_id)[0]
    assert (delivery.state, delivery.code) == ("parked", "passwordRejected")
    assert delivery.message.endswith("it is in the history")


def test_interface_with_the_kit_a_change_of_the_system_is_reported_and_followed_up(api: ApiBench) -> None:
    adapter = adapter_of(api)
    tracking_id = adapter.report_change("BOB1", Secret("New-1"))
    assert adapter.change(tracking_id).state == "accepted"
    api.bench.settle()
    assert adapter.change(tracking_id).state == "completed"
    assert api.bench.stored("HOST", "BOB1") == "New-1"
    assert adapter.report_expired("BOB1") == ["HOST"]


def test_interface_with_the_kit_a_group_adapter_follows_its_group(api: ApiBench) -> None:
    api.bench.put(Kind.ADAPTER_GROUP, "mainframe", AdapterGroup())
    api.bench.put(Kind.ADAPTER, "mainframe", replace(ADAPTER, sync_from_adapter=False))
    for name in ("host", "db2"):
        api.bench.put(Kind.ADAPTER, name, replace(ADAPTER, group="mainframe"))
    adapter = adapter_of(api, "mainframe")
    group = Group(adapter)
    adapter.run(group)
    assert group.served == [frozenset({"host", "db2"})]


def test_interface_with_the_kit_a_replaced_process_ends(api: ApiBench) -> None:
    first, second = adapter_of(api), adapter_of(api)

    class Replaced(PasswordHandler):
        """Is overtaken while it writes."""

        def set_password(self, change: PasswordChange) -> None:  # noqa: ARG002  # whatever it is
            """Another process starts meanwhile."""
            second._calls.initialize()

    api.bench.windows("bob", "New-1")
    api.bench.route()
    with pytest.raises(SessionReplaced, match="another session"):
        first.run(Replaced())
    assert api.events("adapterDisconnected") == []


def test_interface_with_the_kit_a_stranger_is_refused_with_the_remedy(api: ApiBench) -> None:
    adapter = adapter_of(api, by="stranger")
    with pytest.raises(CallRefused, match="not a receiver of adapter host") as caught:
        adapter.run(Once(adapter))
    assert caught.value.reason == "callerNotAllowed"
