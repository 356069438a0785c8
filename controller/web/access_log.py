"""The access log: one line per request, in the program's own log. No query string, no header, no body."""

import re
import time
from typing import Any

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from controller.web.measuring import NO_ANSWER

MAX_PATH_LENGTH = 300
_TRACKING_ID = re.compile(rb"/(?:changes|notifications)/([0-9A-Za-z-]{1,64})(?:/|$)")

log = structlog.get_logger()


class AccessLog:
    """Logs every request once it is answered: who asked from where, what, the status, how long it took.

    The path stands there as it was sent, percent-encoded, so that it cannot break a line or a terminal.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        start, answer = time.monotonic(), {"status": NO_ANSWER, "headers": []}

        async def send_noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.update(status=message["status"], headers=message.get("headers", []))
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        finally:
            _log(scope, answer, time.monotonic() - start)


def _log(scope: Scope, answer: dict[str, Any], elapsed: float) -> None:
    path = scope["raw_path"].partition(b"?")[0]
    found = _TRACKING_ID.search(_location(answer["headers"]) or path)
    concerned = {} if found is None else {"tracking_id": found[1].decode("ascii")}
    log.info(
        "A request was answered",
        method=ascii(scope["method"])[1:-1],
        path=path[:MAX_PATH_LENGTH].decode("ascii", "backslashreplace"),
        status=answer["status"],
        client=(scope.get("client") or ("",))[0],
        milliseconds=round(elapsed * 1000, 1),
        **concerned,
    )


def _location(headers: list[tuple[bytes, bytes]]) -> bytes:
    return next((value for name, value in headers if name.lower() == b"location"), b"")
