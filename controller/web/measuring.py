"""Measures requests: how many there are, how they are answered, how long that takes."""

import re
import time
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controller.runtime.metrics import OTHER, Metrics

_REPORT = re.compile(r"/v1/(?P<of>domains|adapters)/[^/]+/(changes|captures)")
_DIRECTIONS = {"domains": "windows", "adapters": "external"}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_ANSWERS = {
    HTTPStatus.ACCEPTED: "accepted",
    HTTPStatus.UNAUTHORIZED: "unauthenticated",
    HTTPStatus.FORBIDDEN: "refused",
    HTTPStatus.NOT_FOUND: "notFound",
    HTTPStatus.UNPROCESSABLE_ENTITY: "invalid",
    HTTPStatus.TOO_MANY_REQUESTS: "limited",
    HTTPStatus.SERVICE_UNAVAILABLE: "unavailable",
}
NO_ROUTE = "none"
"""The route of a path that leads nowhere."""
NO_ANSWER = 499
"""The status of a request that got no answer, since its caller went away."""


class Measured:
    """Tells *metrics* of every request."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        start, status = time.monotonic(), NO_ANSWER

        async def send_noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        finally:
            self._note(scope, status, time.monotonic() - start)

    def _note(self, scope: Scope, status: int, elapsed: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else OTHER
        self._metrics.note_request(method, route_of(scope), status, elapsed)
        report = _REPORT.fullmatch(scope["path"]) if method == "POST" else None
        if report is not None:
            self._metrics.note_report(_DIRECTIONS[report["of"]], _answer_of(status))


def route_of(scope: Scope) -> str:
    """The template of the path that was found for a request; ``none`` when there is none."""
    path = getattr(scope.get("route"), "path", None)
    return NO_ROUTE if path is None else f"{scope.get('root_path', '')}{path}"


def _answer_of(status: int) -> str:
    if status in _ANSWERS:
        return _ANSWERS[HTTPStatus(status)]
    return "malformed" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "failed"
