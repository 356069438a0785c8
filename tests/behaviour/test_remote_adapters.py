"""Remote adapters over the HTTP API: sessions, notifications, confirmations, status (Q2-Q8, Q11, section 10)."""

from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from copy import copy
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import MethodType
from typing import Any

import anyio
import httpx
import pytest
from starlette.routing import Route

from controller.model.actor import Actor
from controller.model.session import KEEP_ALIVE, STATUS_INTERVAL
from controller.model.topology import REMOTE, Access, AdapterGroup, Application, ConnectorSpec, Kind, NotificationPolicy
from controller.model.words import WITHHELD
from controller.web.adapters import AdaptersApi
from controller.web.server import MAX_CONNECTIONS
from controller.web.waiting import MOST_WAITING, WaitingRoom
from tests.doubles.api import ApiBench, new_password
from tests.doubles.pipeline import OPEN_ADAPTER

RETRY = timedelta(minutes=1)
BASE = "/v1/adapters/host"
NOTIFICATIONS = "/v1/adapters/{name}/notifications"
ADAPTER = replace(
    OPEN_ADAPTER,
    connector=ConnectorSpec(REMOTE),
    access=Access(users=("agent",), receivers=("agent",)),
    notifications=NotificationPolicy(retry_count=2, retry_delay=RETRY),
)


class RemoteApi:
    r"""The API with the remote adapter ``host``, whose user is agent; CORP\bob is BOB1 on it."""

    def __init__(self, folder: Path) -> None:
        self.api = ApiBench(folder)
        self.bench = self.api.bench
        self.declare()
        self.bench.put(Kind.APPLICATION, "HOST", Application(adapter="host"))
        self.bench.map("HOST", "bob", "BOB1")
        self.session = ""
        self.base = BASE

    def declare(self, **fields: Any) -> None:
        """Declare the adapter."""
        self.bench.put(Kind.ADAPTER, "host", replace(ADAPTER, **fields))

    def call(self, method: str, path: str, body: object = None, *, by: str = "agent") -> httpx.Response:
        """One call in the session, if there is one."""
        headers = {"Pwsync-Session": self.session} if self.session else {}
        given: dict[str, Any] = {} if body is None else {"json": body}
        return self.api.call(method, self.base + path, by=by, headers=headers, **given)

    def initialize(self) -> dict[str, Any]:
        """Begin a session."""
        answer = self.call("POST", "/session")
        assert answer.status_code == 200
        view: dict[str, Any] = answer.json()
        self.session = view["session"]
        return view

    def change(self, password: str) -> str:
        """Bob's Windows password changes."""
        tracking_id = self.bench.windows("bob", password)
        self.bench.route()
        return tracking_id

    def receive(self, query: str = "") -> httpx.Response:
        """Receive."""
        return self.call("GET", f"/notifications{query}")

    def complete(self, tracking_id: str, **body: object) -> httpx.Response:
        """Complete a notification."""
        return self.call("POST", f"/notifications/{tracking_id}/complete", {"errorCode": 0, **body})

    def refusals(self) -> list[str]:
        """Reasons of refused calls, oldest first."""
        return [event.fields["reason"] for event in reversed(self.api.events("adapterCallRefused"))]


def as_adapter(remote: RemoteApi, adapter: str) -> RemoteApi:
    """The same API, called as another adapter, which has no session yet."""
    other = copy(remote)
    other.base, other.session = f"/v1/adapters/{adapter}", ""
    return other


def room_of(remote: RemoteApi) -> WaitingRoom:
    """Where the receivers of the API wait."""
    route = next(route for route in remote.api.app.routes if isinstance(route, Route) and route.path == NOTIFICATIONS)
    assert isinstance(route.endpoint, MethodType)
    assert isinstance(route.endpoint.__self__, AdaptersApi)
    return route.endpoint.__self__._room


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[RemoteApi]:
    """The API with a remote adapter that has a session."""
    made = RemoteApi(tmp_path)
    made.initialize()
    yield made
    made.api.close()


def test_q2_the_stored_credential_follows_the_adapter_s_confirmation(remote: RemoteApi) -> None:
    password = new_password()
    tracking_id = remote.change(password)
    answer = remote.receive()
    assert answer.status_code == 200
    assert answer.json() == {
        "type": "passwordChange",
        "trackingId": tracking_id,
        "account": "BOB1",
        "password": password,
        "occurredAt": "2026-01-01T12:00:00Z",
        "attempt": 1,
        "redelivered": False,
    }
    assert remote.bench.stored("HOST", "BOB1") is None
    settled = remote.complete(tracking_id)
    assert settled.json() == {"trackingId": tracking_id, "account": "BOB1", "state": "confirmed", "code": ""}
    assert remote.bench.stored("HOST", "BOB1") == password


def test_q3_an_unconfirmed_notification_comes_again_until_its_tries_are_used_up(remote: RemoteApi) -> None:
    tracking_id = remote.change("New-1")
    seen = []
    for _ in range(2):
        found = remote.receive().json()
        seen.append((found["attempt"], found["redelivered"]))
        remote.bench.wait(RETRY)
    assert seen == [(1, False), (2, True)]
    assert remote.receive().status_code == 204
    assert remote.bench.outcome(tracking_id) == ("failed", "deliveryParked")


def test_q4_a_remote_adapter_has_no_more_outstanding_than_it_is_declared_to(remote: RemoteApi) -> None:
    remote.declare(notifications=NotificationPolicy(max_pending=1))
    remote.bench.map("HOST", "alice", "ALICE1")
    remote.bench.windows("alice", "New-1")
    first = remote.change("New-1")
    held = remote.receive().json()
    assert remote.receive().status_code == 204
    remote.complete(held["trackingId"])
    assert remote.receive().status_code == 200
    assert first


def test_q6_an_unknown_tracking_id_is_an_error(remote: RemoteApi) -> None:
    waiting = remote.change("New-1")
    for unknown in ("nobody", waiting, "%00", "x" * 65):
        answer = remote.complete(unknown)
        assert (answer.status_code, answer.json()["code"]) == (404, "trackingIdUnknown")
    assert remote.refusals() == ["trackingIdUnknown"]


def test_q6_confirming_twice_is_answered_alike(remote: RemoteApi) -> None:
    tracking_id = remote.change("New-1")
    remote.receive()
    assert remote.complete(tracking_id).json() == remote.complete(tracking_id).json()


def test_q6_what_the_adapter_says_is_kept_without_the_password(remote: RemoteApi) -> None:
    password = new_password()
    tracking_id = remote.change(password)
    remote.receive()
    settled = remote.complete(tracking_id, errorCode=1, message=f"ICH409I {password} is in the history")
    assert (settled.json()["state"], settled.json()["code"]) == ("parked", "passwordRejected")
    message = remote.bench.deliveries(tracking_id)[0].message
    assert message == f"the adapter's system refused the password: {WITHHELD}"
    assert password not in repr(remote.bench.events())


def test_q7_an_adapter_without_a_session_is_in_the_wrong_state(remote: RemoteApi) -> None:
    remote.session = ""
    for answer in (
        remote.receive(),
        remote.complete("id"),
        remote.call("POST", "/status", {"online": True}),
        remote.call("DELETE", "/session"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "wrongState")
    assert remote.refusals() == ["wrongState"] * 4


def test_q7_a_replaced_session_is_the_wrong_session(remote: RemoteApi) -> None:
    first = remote.session
    assert remote.initialize()["reconnected"] is True
    second, remote.session = remote.session, first
    answer = remote.receive()
    assert (answer.status_code, answer.json()["code"]) == (409, "wrongSession")
    assert remote.refusals() == ["wrongSession"]
    remote.session = second
    assert remote.receive().status_code == 204


def test_q8_while_an_adapter_says_that_it_is_offline_it_is_handed_nothing(remote: RemoteApi) -> None:
    remote.change("New-1")
    report = {"online": False, "errorCode": 6, "message": "the host is down"}
    assert remote.call("POST", "/status", report).status_code == 204
    assert remote.receive().status_code == 204
    event = remote.api.events("adapterOffline")[0]
    assert (event.adapter, event.fields["code"], event.fields["message"]) == ("host", "unavailable", "the host is down")
    assert remote.call("POST", "/status", {"online": True}).status_code == 204
    assert remote.receive().status_code == 200
    assert [event.adapter for event in remote.api.events("adapterOnline")] == ["host"]


def test_q8_an_adapter_that_is_not_heard_from_is_offline_and_its_next_call_brings_it_back(remote: RemoteApi) -> None:
    sessions = remote.api.installation.adapter_sessions
    sessions.watch()
    remote.bench.wait(KEEP_ALIVE + timedelta(seconds=1))
    sessions.watch()
    assert remote.api.events("adapterOffline")[0].fields["code"] == "silent"
    remote.receive()
    assert len(remote.api.events("adapterOnline")) == 1


def test_q8_an_adapter_is_asked_for_its_status(remote: RemoteApi) -> None:
    remote.bench.wait(STATUS_INTERVAL)
    assert remote.receive().json() == {"type": "statusRequest"}
    assert remote.receive().status_code == 204


def test_q11_an_expired_password_is_marked_until_the_next_one(remote: RemoteApi) -> None:
    tracking_id = remote.change("New-1")
    remote.receive()
    remote.complete(tracking_id)
    answer = remote.call("POST", "/expirations", {"account": "BOB1"})
    assert (answer.status_code, answer.json()) == (200, {"applications": ["HOST"]})
    assert remote.api.events("passwordExpired")[0].account == "BOB1"
    assert remote.bench.credentials.show("HOST", "BOB1", reveals=False, by=Actor("test")).expired_at == remote.bench.now
    again = remote.change("New-2")
    remote.receive()
    remote.complete(again)
    assert remote.bench.credentials.show("HOST", "BOB1", reveals=False, by=Actor("test")).expired_at is None


def test_d5_a_disabled_adapter_is_refused_every_call_of_its_own(remote: RemoteApi) -> None:
    remote.declare(enabled=False)
    for answer in (
        remote.call("POST", "/session"),
        remote.receive(),
        remote.complete("id"),
        remote.call("POST", "/status", {"online": False}),
        remote.call("POST", "/expirations", {"account": "BOB1"}),
        remote.call("DELETE", "/session"),
    ):
        assert (answer.status_code, answer.json()["reason"]) == (403, "adapterDisabled")
    assert remote.refusals() == ["adapterDisabled"] * 6
    assert remote.api.events("adapterOffline") == []


@pytest.mark.parametrize("by", ["dc1", "ops", "stranger"])
def test_interface_only_the_adapter_s_users_may_call(remote: RemoteApi, by: str) -> None:
    for method, path, body in (
        ("POST", "/session", None),
        ("GET", "/notifications", None),
        ("POST", "/notifications/id/complete", {"errorCode": 0}),
        ("POST", "/status", {"online": True}),
        ("POST", "/expirations", {"account": "BOB1"}),
        ("DELETE", "/session", None),
    ):
        answer = remote.call(method, path, body, by=by)
        assert (answer.status_code, answer.json()["reason"]) == (403, "callerNotAllowed")
    assert remote.refusals() == ["callerNotAllowed"] * 6


def test_interface_an_adapter_whose_connector_runs_in_the_controller_pulls_nothing(remote: RemoteApi) -> None:
    answer = remote.api.call("POST", "/v1/adapters/racf/session", by="agent")
    assert (answer.status_code, answer.json()["reason"]) == (403, "notRemote")


def test_interface_an_adapter_that_is_not_declared_is_not_found(remote: RemoteApi) -> None:
    answer = remote.api.call("POST", "/v1/adapters/nobody/session", by="agent")
    assert (answer.status_code, answer.json()["code"]) == (404, "notFound")


def test_interface_without_a_token_nothing_is_answered(remote: RemoteApi) -> None:
    assert remote.api.call("GET", f"{BASE}/notifications").status_code == 401


def test_interface_shutting_down_gives_back_what_is_outstanding(remote: RemoteApi) -> None:
    tracking_id = remote.change("New-1")
    remote.receive()
    answer = remote.call("DELETE", "/session")
    assert (answer.status_code, answer.json()) == (200, {"returned": 1})
    assert remote.api.events("adapterOffline")[0].fields["code"] == "shutDown"
    assert remote.initialize()["reconnected"] is False
    remote.bench.wait(RETRY)
    again = remote.receive().json()
    assert (again["trackingId"], again["redelivered"]) == (tracking_id, True)


def test_interface_the_old_password_travels_only_where_it_is_declared_to(remote: RemoteApi) -> None:
    remote.declare(send_old_password=True)
    first = remote.change("New-1")
    assert "oldPassword" not in remote.receive().json()
    remote.complete(first)
    remote.change("New-2")
    assert remote.receive().json()["oldPassword"] == "New-1"


def test_interface_a_group_adapter_is_told_of_its_members_and_handed_no_passwords(remote: RemoteApi) -> None:
    remote.api.bench.put(Kind.ADAPTER_GROUP, "mainframe", AdapterGroup())
    remote.api.bench.put(Kind.ADAPTER, "mainframe", replace(ADAPTER, sync_from_adapter=False))
    remote.declare(group="mainframe")
    group = as_adapter(remote, "mainframe")
    group.initialize()
    assert group.receive().json() == {"type": "adaptersInGroup", "adapters": ["host"]}
    remote.bench.put(Kind.ADAPTER, "db2", replace(ADAPTER, group="mainframe"))
    remote.declare(group=None)
    assert group.receive().json() == {"type": "deleteAdapter", "adapter": "host"}
    assert group.receive().json() == {"type": "addAdapter", "adapter": "db2"}
    remote.change("New-1")
    assert group.receive().status_code == 204
    assert (group.complete("id").status_code, group.complete("id").json()["code"]) == (404, "trackingIdUnknown")
    answer = remote.api.post("/v1/adapters/mainframe/changes", {"account": "BOB1", "password": "New-2"}, by="agent")
    assert (answer.status_code, answer.json()["reason"]) == (403, "groupAdapter")


@pytest.mark.parametrize("wait", ["x", "61", "-1", "1.5", "", "００"])
def test_interface_a_wait_that_is_none_is_refused(remote: RemoteApi, wait: str) -> None:
    assert remote.receive(f"?wait={wait}").status_code == 422


def test_interface_answers_with_a_password_are_never_kept(remote: RemoteApi) -> None:
    remote.change("New-1")
    assert remote.receive().headers["Cache-Control"] == "no-store"


def test_interface_a_receiver_may_wait_and_gets_nothing_when_nothing_comes(remote: RemoteApi) -> None:
    assert remote.receive("?wait=1").status_code == 204


def test_interface_a_waiting_receiver_is_woken_by_a_delivery_that_is_due(remote: RemoteApi) -> None:
    def ring() -> None:
        remote.change("New-1")
        remote.api.installation.bells.ring("adapter/host")

    answers = anyio.run(_receive_while, remote, 1, ring)
    assert [answer.json()["account"] for answer in answers] == ["BOB1"]


def test_interface_a_second_waiting_receiver_ends_the_first_and_gets_the_notification(remote: RemoteApi) -> None:
    def ring() -> None:
        remote.change("New-1")
        remote.api.installation.bells.ring("adapter/host")

    answers = anyio.run(_receive_while, remote, 2, lambda: None, ring)
    assert [answer.status_code for answer in answers] == [204, 200]
    assert answers[1].json()["account"] == "BOB1"


def test_interface_a_receiver_that_does_not_wait_ends_none_that_does(remote: RemoteApi) -> None:
    def happen() -> None:
        assert remote.receive().status_code == 204
        remote.change("New-1")
        remote.api.installation.bells.ring("adapter/host")

    assert [answer.status_code for answer in anyio.run(_receive_while, remote, 1, happen)] == [200]


def test_interface_receivers_that_wait_leave_room_for_reports_and_probes() -> None:
    assert MOST_WAITING <= MAX_CONNECTIONS / 2


def test_interface_a_receiver_whose_caller_hangs_up_waits_no_longer_and_is_handed_nothing(remote: RemoteApi) -> None:
    sent = anyio.run(_hang_up, remote, _once_it_waits(remote))
    tracking_id = remote.change("New-1")
    assert sent == [204]
    assert remote.bench.deliveries(tracking_id)[0].attempts == 0
    assert remote.api.installation.bells._listeners == {}


def test_interface_a_caller_that_has_hung_up_already_is_handed_nothing(remote: RemoteApi) -> None:
    tracking_id = remote.change("New-1")
    assert anyio.run(_hang_up, remote, anyio.lowlevel.checkpoint) == [204]
    assert remote.bench.deliveries(tracking_id)[0].attempts == 0


def test_interface_where_too_many_wait_another_one_is_told_so(remote: RemoteApi) -> None:
    room_of(remote)._most = 0
    answer = remote.receive("?wait=30")
    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (503, "tooManyWaiting", "5")
    assert remote.receive().status_code == 204


def test_interface_waiting_receivers_are_told_that_the_controller_stops(remote: RemoteApi) -> None:
    answers = anyio.run(_receive_while, remote, 1, remote.api.installation.bells.stop)
    assert answers[0].json() == {"type": "shutdown"}
    assert remote.receive("?wait=30").json() == {"type": "shutdown"}


def test_interface_a_token_that_is_revoked_receives_no_more(remote: RemoteApi) -> None:
    def revoke() -> None:
        for token in remote.api.installation.callers.all():
            if token.principal == "agent":
                remote.api.installation.callers.revoke(token.id, by=Actor("ops"))
        remote.change("New-1")
        remote.api.installation.bells.ring("adapter/host")

    answers = anyio.run(_receive_while, remote, 1, revoke)
    assert answers[0].status_code == 401


async def _receive_while(
    remote: RemoteApi, count: int, happen: Callable[[], None], after_the_first: Callable[[], None] = lambda: None
) -> list[httpx.Response]:
    """Let *count* receivers wait while something happens, and something else after the first answer."""
    answers: list[httpx.Response] = []
    headers = {"Authorization": f"Bearer {remote.api.tokens['agent']}", "Pwsync-Session": remote.session}
    transport = httpx.ASGITransport(remote.api.app)
    room = room_of(remote)

    async def wait() -> None:
        answers.append(await client.get(f"{BASE}/notifications?wait=30", headers=headers))

    async with (
        httpx.AsyncClient(transport=transport, base_url="http://controller", timeout=60) as client,
        anyio.create_task_group() as receivers,
    ):
        for _ in range(count):
            earlier = room._waiting.get("adapter/host")
            receivers.start_soon(wait)
            while room._waiting.get("adapter/host") in {None, earlier}:
                await anyio.lowlevel.checkpoint()
        await anyio.to_thread.run_sync(happen)
        while not answers:
            await anyio.lowlevel.checkpoint()
        await anyio.to_thread.run_sync(after_the_first)
    return answers


def _once_it_waits(remote: RemoteApi) -> Callable[[], Awaitable[None]]:
    async def wait() -> None:
        while "adapter/host" not in room_of(remote)._waiting:
            await anyio.lowlevel.checkpoint()

    return wait


async def _hang_up(remote: RemoteApi, moment: Callable[[], Awaitable[None]]) -> list[int]:
    """Receive with the longest wait, hang up at *moment*; returns the status that was answered to nobody."""
    headers = {"Authorization": f"Bearer {remote.api.tokens['agent']}", "Pwsync-Session": remote.session}
    path = f"{BASE}/notifications"
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"wait=60",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    sent: list[int] = []

    async def receive() -> dict[str, Any]:
        await moment()
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            sent.append(message["status"])

    with anyio.fail_after(30):
        await remote.api.app(scope, receive, send)
    return sent
