"""The time between the wish to stop and the end: new work is turned away, everything else is answered."""

import re
import threading
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from controller.web.problem import Problem
from controller.web.problem_kinds import STOPPING

RETRY_AFTER = "5"
_NEW_WORK = re.compile(
    r"(GET|HEAD) /readyz"
    r"|POST /v1/(domains|adapters)/[^/]+/(changes|session)"
    r"|GET /v1/adapters/[^/]+/notifications"
)


class Stopping:
    """Whether this process has been asked to stop. Said once, from any thread; never taken back."""

    def __init__(self) -> None:
        self._said = threading.Event()
        self._told: list[Callable[[], None]] = []

    def then(self, stop: Callable[[], None]) -> None:
        """Let *stop* be called when it is said; before that, from the thread that sets things up."""
        self._told.append(stop)

    def say(self) -> None:
        """From now on."""
        self._said.set()
        for stop in self._told:
            stop()

    def __bool__(self) -> bool:
        return self._said.is_set()


class TurnAway:
    """Answers new work with 503 once the process stops: another controller, or this one later, takes it.

    So is the question whether it is ready. What confirms work under way, and what only reads, goes through.
    """

    def __init__(self, app: ASGIApp, stopping: Stopping) -> None:
        self._app = app
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._stopping and _NEW_WORK.fullmatch(f"{scope['method']} {scope['path']}"):
            await _stopping_problem().answer()(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _stopping_problem() -> Problem:
    return Problem(
        STOPPING,
        "nothing was changed",
        hint="send the same request again later, or to another controller",
        headers={"Retry-After": RETRY_AFTER, "Connection": "close"},
    )
