"""The adapter programming interface (behaviours section 10): remote adapters initialize, receive, complete, report."""

import asyncio
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, TypeVar, TypeVarTuple, assert_never

from anyio import CapacityLimiter, to_thread
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from controller.model.completion import Completion
from controller.model.delivery import Delivery
from controller.model.errors import InvalidInput
from controller.model.notification import (
    AdapterAdded,
    AdapterDeleted,
    AdaptersInGroup,
    Notification,
    PasswordNotification,
    StatusRequest,
)
from controller.pipeline.gate import AdapterCall, CallName
from controller.pipeline.sessions import StatusReport
from controller.runtime.wiring import Installation
from controller.views.records import instant
from controller.web.answer_types import (
    ExpirationAnswer,
    NotificationAnswer,
    PasswordChangeNotification,
    SessionAnswer,
    SessionEndAnswer,
    SettledAnswer,
)
from controller.web.answers import JsonAnswer
from controller.web.body import AdapterStatus, CompletionReport, ExpirationReport, read_body
from controller.web.calls import Answer, Parameter, call
from controller.web.changes import OF_REPORTS, TRACKING_ID, external_account
from controller.web.problem import RETRY_AFTER, Problem
from controller.web.problem_kinds import (
    INVALID_INPUT,
    NOT_FOUND,
    STOPPING,
    TOO_MANY_WAITING,
    TRACKING_ID_UNKNOWN,
    WRONG_SESSION,
    WRONG_STATE,
)
from controller.web.security import principal_of
from controller.web.terms import SessionId
from controller.web.waiting import Waiter, WaitingRoom

Given = TypeVarTuple("Given")
Result = TypeVar("Result")

SESSION_HEADER = "Pwsync-Session"
LONGEST_WAIT = 60
"""Seconds that a receiver may wait in one call."""
SESSION = Parameter(SESSION_HEADER, "header", SessionId, "The session that the caller has.", is_required=True)
WAIT = Parameter("wait", "query", Annotated[int, Field(ge=0, le=LONGEST_WAIT)], "Seconds to wait; 0 when absent.")
IN_SESSION = (NOT_FOUND, WRONG_STATE, WRONG_SESSION)
OF_RECEIVERS = ("callerNotAllowed", "adapterDisabled", "notRemote")
"""Why a remote adapter's call is refused."""
_ADAPTER = "/v1/adapters/{name}"
_WAIT = re.compile(r"[0-9]{1,2}", re.ASCII)


class AdaptersApi:
    """The calls of remote adapters. Whatever blocks runs in a thread of *limiter*; waiting takes none."""

    def __init__(self, installation: Installation, limiter: CapacityLimiter) -> None:
        self._installation = installation
        self._limiter = limiter
        self._room = WaitingRoom()

    @call(
        "POST",
        f"{_ADAPTER}/session",
        Answer("The session.", SessionAnswer),
        problems=(NOT_FOUND, STOPPING),
        reasons=OF_RECEIVERS,
    )
    async def initialize(self, request: Request) -> JsonAnswer:
        """Begin a session, which replaces an earlier one."""
        call = await self._call(request, "initialize")
        session, is_reconnect = await self._run(self._installation.adapter_sessions.initialize, call)
        self._installation.bells.ring(call.lane)  # the receiver of an earlier session waits in vain
        return JsonAnswer({"session": session.id, "reconnected": is_reconnect})

    @call(
        "DELETE",
        f"{_ADAPTER}/session",
        Answer("The session has ended.", SessionEndAnswer),
        parameters=(SESSION,),
        problems=IN_SESSION,
        reasons=OF_RECEIVERS,
    )
    async def shut_down(self, request: Request) -> JsonAnswer:
        """End the session."""
        call = await self._call(request, "shutDown")
        return JsonAnswer({"returned": await self._run(self._installation.adapter_sessions.shut_down, call)})

    @call(
        "GET",
        f"{_ADAPTER}/notifications",
        Answer("A notification.", NotificationAnswer),
        Answer("There is none.", status=HTTPStatus.NO_CONTENT),
        parameters=(SESSION, WAIT),
        problems=(*IN_SESSION, INVALID_INPUT, TOO_MANY_WAITING, STOPPING),
        reasons=OF_RECEIVERS,
        answers_head=False,
    )
    async def receive(self, request: Request) -> Response:
        """Hand out a notification, as soon as there is one.

        204 when there is none in time, or another one receives.
        """
        seconds, waiter = _seconds(request), Waiter()
        until = asyncio.get_running_loop().time() + seconds
        async with waiter.attended(request.receive):
            call = await self._call(request, "receive")
            with self._installation.bells.listening(call.lane, waiter.ring):
                answer = None if waiter.is_over else await self._receive_now(call)
                if answer is None and seconds and not waiter.is_over:
                    answer = await self._receive_later(request, call.lane, waiter, until)
        return answer or Response(status_code=HTTPStatus.NO_CONTENT)

    async def _receive_later(self, request: Request, lane: str, waiter: Waiter, until: float) -> Response | None:
        with self._room.admitting(lane, waiter) as is_admitted:
            if not is_admitted:
                return _no_room().answer()
            while await waiter.is_rung(until):
                call = await self._call(request, "receive")  # its token may have been revoked meanwhile
                answer = await self._receive_now(call)
                if answer is not None:
                    return answer
        return None

    async def _receive_now(self, call: AdapterCall) -> Response | None:
        if self._installation.bells.is_stopping:
            return JsonAnswer({"type": "shutdown"})
        found = await self._run(self._installation.remote_notifications.receive, call)
        return None if found is None else JsonAnswer(_notification_view(found))

    @call(
        "POST",
        f"{_ADAPTER}/notifications/{{trackingId}}/complete",
        Answer("The delivery, as it is then.", SettledAnswer),
        body=CompletionReport,
        parameters=(SESSION,),
        problems=(*IN_SESSION, TRACKING_ID_UNKNOWN),
        reasons=OF_RECEIVERS,
    )
    async def complete(self, request: Request) -> JsonAnswer:
        """Take the answer of the adapter to a notification."""
        call = await self._call(request, "complete")
        body = await read_body(request, CompletionReport)
        tracking_id = request.path_params["trackingId"]
        completion = Completion(
            tracking_id=tracking_id if TRACKING_ID.fullmatch(tracking_id) else "",
            error_code=body.error_code,
            message=body.message,
            account=body.account,
        )
        settled = await self._run(self._installation.remote_notifications.complete, call, completion)
        self._installation.bells.ring(call.lane)  # there is room for another one
        return JsonAnswer(_settled_view(settled))

    @call(
        "POST",
        f"{_ADAPTER}/status",
        Answer("It is noted.", status=HTTPStatus.NO_CONTENT),
        body=AdapterStatus,
        parameters=(SESSION,),
        problems=IN_SESSION,
        reasons=OF_RECEIVERS,
    )
    async def report_status(self, request: Request) -> Response:
        """Take the adapter's word whether it is online."""
        call = await self._call(request, "reportStatus")
        body = await read_body(request, AdapterStatus)
        report = StatusReport(is_online=body.online, error_code=body.error_code, message=body.message)
        await self._run(self._installation.adapter_sessions.report_status, call, report)
        self._installation.bells.ring(call.lane)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    @call(
        "POST",
        f"{_ADAPTER}/expirations",
        Answer("The applications whose credentials are marked.", ExpirationAnswer),
        body=ExpirationReport,
        problems=(NOT_FOUND,),
        reasons=OF_REPORTS,
    )
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


def _no_room() -> Problem:
    return Problem(
        TOO_MANY_WAITING,
        "as many adapters as can wait do so already",
        hint="receive again later, or without wait",
        headers={"Retry-After": RETRY_AFTER},
    )


def _seconds(request: Request) -> int:
    text = request.query_params.get("wait", "0")
    if not _WAIT.fullmatch(text) or int(text) > LONGEST_WAIT:
        raise InvalidInput(f"wait must be a whole number of seconds, 0 to {LONGEST_WAIT}")
    return int(text)


def _notification_view(notification: Notification) -> NotificationAnswer:
    """A notification as JSON: the one answer of the API that holds a password."""
    match notification:
        case StatusRequest():
            return {"type": "statusRequest"}
        case AdaptersInGroup(adapters=names):
            return {"type": "adaptersInGroup", "adapters": list(names)}
        case AdapterAdded(adapter=name):
            return {"type": "addAdapter", "adapter": name}
        case AdapterDeleted(adapter=name):
            return {"type": "deleteAdapter", "adapter": name}
        case PasswordNotification(old_password=old):
            view = PasswordChangeNotification(
                type="passwordChange",
                trackingId=notification.tracking_id,
                account=notification.account,
                password=notification.password.reveal(),
                occurredAt=instant(notification.occurred_at),
                attempt=notification.attempt,
                redelivered=notification.is_redelivered,
            )
            if old is not None:
                view["oldPassword"] = old.reveal()
            return view
        case _:
            assert_never(notification)


def _settled_view(delivery: Delivery) -> SettledAnswer:
    return {
        "trackingId": delivery.tracking_id,
        "account": delivery.account.name,
        "state": delivery.state,
        "code": delivery.code,
    }
