"""The adapter programming interface (behaviours section 10): remote adapters initialize, receive, complete, report."""

import asyncio
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar, TypeVarTuple, assert_never

from anyio import CapacityLimiter, move_on_after, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from controller.model.completion import Completion
from controller.model.delivery import Delivery
from controller.model.errors import InvalidInput
from controller.model.notification import Notification, PasswordNotification, StatusRequest
from controller.pipeline.gate import AdapterCall, CallName
from controller.pipeline.sessions import StatusReport
from controller.runtime.wiring import Installation
from controller.web.answers import JsonAnswer
from controller.web.body import AdapterStatus, CompletionReport, ExpirationReport, read_body
from controller.web.changes import TRACKING_ID, external_account, rfc3339
from controller.web.security import principal_of

Given = TypeVarTuple("Given")
Result = TypeVar("Result")

SESSION_HEADER = "Pwsync-Session"
LONGEST_WAIT = 60
"""Seconds that a receiver may wait in one call."""
_WAIT = re.compile(r"[0-9]{1,2}", re.ASCII)


class AdaptersApi:
    """The calls of remote adapters. Whatever blocks runs in a thread of *limiter*; waiting takes none."""

    def __init__(self, installation: Installation, limiter: CapacityLimiter) -> None:
        self._installation = installation
        self._limiter = limiter

    def routes(self) -> list[Route]:
        """The routes of these calls."""
        adapter = "/v1/adapters/{name}"
        return [
            Route(f"{adapter}/session", self.initialize, methods=["POST"]),
            Route(f"{adapter}/session", self.shut_down, methods=["DELETE"]),
            Route(f"{adapter}/notifications", self.receive, methods=["GET"]),
            Route(f"{adapter}/notifications/{{tracking_id}}/complete", self.complete, methods=["POST"]),
            Route(f"{adapter}/status", self.report_status, methods=["POST"]),
            Route(f"{adapter}/expirations", self.report_expired, methods=["POST"]),
        ]

    async def initialize(self, request: Request) -> JsonAnswer:
        """Begin a session, which replaces an earlier one."""
        call = await self._call(request, "initialize")
        session, is_reconnect = await self._run(self._installation.adapter_sessions.initialize, call)
        self._installation.bells.ring(call.lane)  # the receiver of an earlier session waits in vain
        return JsonAnswer({"session": session.id, "reconnected": is_reconnect})

    async def shut_down(self, request: Request) -> JsonAnswer:
        """End the session."""
        call = await self._call(request, "shutDown")
        return JsonAnswer({"returned": await self._run(self._installation.adapter_sessions.shut_down, call)})

    async def receive(self, request: Request) -> Response:
        """Hand out a notification, as soon as there is one; 204 when there is none in time."""
        loop, due = asyncio.get_running_loop(), asyncio.Event()
        deadline = loop.time() + _seconds(request)
        bells = self._installation.bells
        call = await self._call(request, "receive")
        with bells.listening(call.lane, lambda: loop.call_soon_threadsafe(due.set)):
            while not bells.is_stopping:
                found = await self._run(self._installation.remote_notifications.receive, call)
                if found is not None:
                    return JsonAnswer(_notification_view(found))
                if not await _is_rung(due, deadline - loop.time()) or await request.is_disconnected():
                    return Response(status_code=HTTPStatus.NO_CONTENT)
                call = await self._call(request, "receive")  # its token may have been revoked meanwhile
        return JsonAnswer({"type": "shutdown"})

    async def complete(self, request: Request) -> JsonAnswer:
        """Take the answer of the adapter to a notification."""
        call = await self._call(request, "complete")
        body = await read_body(request, CompletionReport)
        tracking_id = request.path_params["tracking_id"]
        completion = Completion(
            tracking_id=tracking_id if TRACKING_ID.fullmatch(tracking_id) else "",
            error_code=body.error_code,
            message=body.message,
            account=body.account,
        )
        settled = await self._run(self._installation.remote_notifications.complete, call, completion)
        self._installation.bells.ring(call.lane)  # there is room for another one
        return JsonAnswer(_settled_view(settled))

    async def report_status(self, request: Request) -> Response:
        """Take the adapter's word whether it is online."""
        call = await self._call(request, "reportStatus")
        body = await read_body(request, AdapterStatus)
        report = StatusReport(is_online=body.online, error_code=body.error_code, message=body.message)
        await self._run(self._installation.adapter_sessions.report_status, call, report)
        self._installation.bells.ring(call.lane)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def report_expired(self, request: Request) -> JsonAnswer:
        """Mark the stored credentials of an account whose password has expired."""
        call = await self._call(request, "reportExpired")
        body = await read_body(request, ExpirationReport)
        account = external_account(call.adapter, body.account)
        return JsonAnswer({"applications": await self._run(self._installation.expirations.report, call, account)})

    async def _call(self, request: Request, name: CallName) -> AdapterCall:
        principal = await principal_of(request, self._installation.callers, self._limiter)
        return AdapterCall(name, request.path_params["name"], principal, request.headers.get(SESSION_HEADER, ""))

    async def _run(self, use_case: Callable[[*Given], Result], *given: *Given) -> Result:
        return await to_thread.run_sync(use_case, *given, limiter=self._limiter)


async def _is_rung(due: asyncio.Event, seconds: float) -> bool:
    with move_on_after(max(seconds, 0)):
        await due.wait()
        due.clear()
        return True
    return False


def _seconds(request: Request) -> int:
    text = request.query_params.get("wait", "0")
    if not _WAIT.fullmatch(text) or int(text) > LONGEST_WAIT:
        raise InvalidInput(f"wait must be a whole number of seconds, 0 to {LONGEST_WAIT}")
    return int(text)


def _notification_view(notification: Notification) -> dict[str, Any]:
    """A notification as JSON: the one answer of the API that holds a password."""
    match notification:
        case StatusRequest():
            return {"type": "statusRequest"}
        case PasswordNotification(old_password=old):
            return {
                "type": "passwordChange",
                "trackingId": notification.tracking_id,
                "account": notification.account,
                "password": notification.password.reveal(),
                **({} if old is None else {"oldPassword": old.reveal()}),
                "occurredAt": rfc3339(notification.occurred_at),
                "attempt": notification.attempt,
                "redelivered": notification.is_redelivered,
            }
        case _:
            assert_never(notification)


def _settled_view(delivery: Delivery) -> dict[str, str]:
    return {
        "trackingId": delivery.tracking_id,
        "account": delivery.account.name,
        "state": delivery.state.value,
        "code": delivery.code,
    }
