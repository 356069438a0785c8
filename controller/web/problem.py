"""Errors as answers: ``application/problem+json`` (RFC 9457). What went wrong inside never gets out."""

import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controller.model.errors import (
    InvalidInput,
    NotFound,
    PasswordUnusable,
    PwsyncError,
    Refused,
    StoreUnavailable,
    TooManyCalls,
    TooManyReports,
    TrackingIdUnknown,
    Unauthenticated,
    WrongSession,
    WrongState,
)
from controller.web.answers import JsonAnswer
from controller.web.problem_kinds import (
    INTERNAL,
    INVALID_INPUT,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    REFUSED,
    STORE_UNAVAILABLE,
    TOO_MANY_CALLS,
    TOO_MANY_REPORTS,
    TRACKING_ID_UNKNOWN,
    UNAUTHENTICATED,
    UNKNOWN_PATH,
    WRONG_SESSION,
    WRONG_STATE,
    ProblemKind,
    unnamed,
)

RETRY_AFTER = "5"
"""Seconds after which a caller may try again when the store is away, or cannot keep up."""
CHALLENGE = 'Bearer realm="pwsync"'
_OF_CALLER: dict[type[PwsyncError], ProblemKind] = {
    InvalidInput: INVALID_INPUT,
    TrackingIdUnknown: TRACKING_ID_UNKNOWN,
    NotFound: NOT_FOUND,
    Refused: REFUSED,
    Unauthenticated: UNAUTHENTICATED,
    WrongState: WRONG_STATE,
    WrongSession: WRONG_SESSION,
    TooManyCalls: TOO_MANY_CALLS,
    TooManyReports: TOO_MANY_REPORTS,
}
"""The first that fits."""
_OF_ROUTER: dict[HTTPStatus, tuple[ProblemKind, str, str]] = {
    HTTPStatus.NOT_FOUND: (UNKNOWN_PATH, "there is no call of this path", "/openapi.json lists all calls"),
    HTTPStatus.METHOD_NOT_ALLOWED: (METHOD_NOT_ALLOWED, "this path has no call of this method", "see the header Allow"),
}

log = structlog.get_logger()


class ProblemAnswer(JsonAnswer):
    """A problem as an answer."""

    media_type = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem, as RFC 9457 section 3 describes it.

    Attributes:
        detail: This occurrence in words, without anything that the caller sent.
        reason: Stable reason (camelCase) of a refusal, or why a password is none.
        instance: URN of this occurrence, by which the log tells more.
    """

    kind: ProblemKind
    detail: str = ""
    reason: str = ""
    hint: str = ""
    instance: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def status(self) -> HTTPStatus:
        """The status to answer with."""
        return self.kind.status

    def answer(self) -> ProblemAnswer:
        """The answer that tells it."""
        kind = self.kind
        members = {
            "detail": self.detail,
            "instance": self.instance,
            "code": kind.code,
            "reason": self.reason,
            "hint": self.hint,
        }
        content = {
            "type": kind.type,
            "title": kind.title,
            "status": kind.status.value,
            **{name: value for name, value in members.items() if value},
        }
        return ProblemAnswer(content, kind.status.value, dict(self.headers))


class BadRequest(Exception):
    """The request itself cannot be read.

    Attributes:
        problem: What to answer.
    """

    def __init__(self, kind: ProblemKind, detail: str, *, hint: str = "") -> None:
        super().__init__(detail)
        self.problem = Problem(kind, detail, hint=hint)


def problem_of(error: Exception) -> Problem:
    """Say what to answer to an error; one that is not the caller's is logged, by its type alone."""
    match error:
        case BadRequest(problem=problem):
            return problem
        case HTTPException(status_code=status, headers=headers):
            return _of_router(HTTPStatus(status), headers or {})
        case PwsyncError() if isinstance(error, tuple(_OF_CALLER)):
            return _of_caller(error)
        case StoreUnavailable():
            return _store_unavailable(error)
        case ClientDisconnect():
            return Problem(unnamed(HTTPStatus.BAD_REQUEST), "the caller went away")
        case _:
            return _internal(error)


def _of_router(status: HTTPStatus, headers: Mapping[str, str]) -> Problem:
    kind, detail, hint = _OF_ROUTER.get(status, (unnamed(status), "", ""))
    return Problem(kind, detail, hint=hint, headers=headers)


def _of_caller(error: PwsyncError) -> Problem:
    kind = next(kind for type_, kind in _OF_CALLER.items() if isinstance(error, type_))
    return Problem(
        kind,
        error.message,
        reason=error.reason if isinstance(error, Refused | PasswordUnusable) else "",
        hint=error.hint,
        headers=_headers_of(error),
    )


def _headers_of(error: PwsyncError) -> dict[str, str]:
    match error:
        case Unauthenticated():
            return {"WWW-Authenticate": CHALLENGE}
        case TooManyCalls(wait=wait):
            return {"Retry-After": str(math.ceil(wait.total_seconds()))}
        case TooManyReports():
            return {"Retry-After": RETRY_AFTER}
        case _:
            return {}


def _store_unavailable(error: Exception) -> Problem:
    log.warning("The store is away", error=type(error).__qualname__)
    return Problem(
        STORE_UNAVAILABLE,
        "nothing was changed",
        hint="send the same request again later",
        headers={"Retry-After": RETRY_AFTER},
    )


def _internal(error: Exception) -> Problem:
    """Only the type is logged: the text of an unforeseen error may hold a secret."""
    instance = uuid.uuid4().urn
    log.error("A request failed", error=type(error).__qualname__, instance=instance)
    return Problem(
        INTERNAL,
        "it is not known whether anything was changed",
        hint="the controller's log names the kind of error beside this instance",
        instance=instance,
    )


async def answer_http_exception(_: Request, error: Exception) -> ProblemAnswer:
    """Answer what the router raises: no such route, wrong method."""
    return problem_of(error).answer()


class Problems:
    """Turns every error that a request ends with into an answer, so that none reaches the server's own log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        has_started = False

        async def send_noted(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        except Exception as error:  # noqa: BLE001  # the last one that can answer; logged by problem_of
            answer = problem_of(error).answer()
            if not has_started:
                await answer(scope, receive, send)
