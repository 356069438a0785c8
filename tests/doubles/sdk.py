"""The kit for remote adapters without a network: a controller that answers as scripted, and waits that take no time."""

import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from controller.model.secret import Secret
from controller.sdk.adapter import RemoteAdapter
from controller.sdk.errors import ControllerAway
from controller.sdk.patience import Patience, StopSign
from controller.sdk.transport import Answer, Request

SESSION: dict[str, Any] = {"session": "s-1", "reconnected": False}
NOTHING = Answer(204)
AWAY = ControllerAway("the controller gives no answer")


def answer(status: int = 200, *, retry_after: float = 0, **view: Any) -> Answer:
    """An answer with a JSON body."""
    return Answer(status, json.dumps(view).encode(), retry_after)


def problem(status: int, code: str, **more: Any) -> Answer:
    """A problem as an answer."""
    return answer(status, code=code, title="a title", detail=f"about {code}", **more)


def password_change(password: str = "New-1", **more: Any) -> Answer:
    """A notification."""
    known = {"trackingId": "t-1", "account": "ALICE1", "password": password, "occurredAt": "2026-01-01T12:00:00Z"}
    view: dict[str, Any] = {"type": "passwordChange", **known, "attempt": 1, "redelivered": False, **more}
    return answer(**view)


@dataclass
class Script:
    """Answers call after call, by the end of its path; when nothing is left for one, it ends the adapter.

    Attributes:
        answers: By the last word of the path (``session``, ``notifications``, ``complete``, ...), or ``DELETE``.
        sent: All calls.
        on_end: Called when nothing is left.
    """

    answers: dict[str, deque[Answer | Exception]]
    sent: list[Request] = field(default_factory=list)
    on_end: Callable[[], None] = lambda: None
    is_closed: bool = False
    is_interrupted: bool = False

    def send(self, request: Request) -> Answer:
        """Give the next answer."""
        self.sent.append(request)
        name = "DELETE" if request.method == "DELETE" else request.path.partition("?")[0].rpartition("/")[2]
        left = self.answers.get(name)
        if not left:
            self.on_end()
            return answer(**SESSION, returned=0) if name in {"session", "DELETE"} else NOTHING
        given = left.popleft()
        if isinstance(given, Exception):
            raise given
        return given

    def interrupt(self) -> None:
        """Note it."""
        self.is_interrupted = True

    def close(self) -> None:
        """Note it."""
        self.is_closed = True

    def calls(self) -> list[str]:
        """Method and path of all calls, without what they have in common."""
        return [f"{r.method} {r.path.removeprefix('/v1/adapters/host')}" for r in self.sent]

    def bodies(self, name: str) -> list[dict[str, Any]]:
        """The bodies of the calls whose path ends so."""
        return [json.loads(r.body or b"{}") for r in self.sent if r.path.endswith(name)]


class NoWaiting(StopSign):
    """Waiting takes no time, and is noted."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float] = []

    def wait(self, seconds: float) -> bool:
        """Note it."""
        self.waited.append(seconds)
        return self.is_set


class GivenToken:
    """A token that is there."""

    def read(self) -> Secret:
        """Read it."""
        return Secret("pwsync_token")


def scripted(**answers: Sequence[Answer | Exception]) -> tuple[RemoteAdapter, Script, NoWaiting]:
    """The adapter ``host``, with a session when nothing else is said, and the controller that it speaks to."""
    given: dict[str, Sequence[Answer | Exception]] = {"session": [answer(**SESSION)], **answers}
    queues = {name: deque(queue) for name, queue in given.items()}
    script, sign = Script(queues), NoWaiting()
    adapter = RemoteAdapter(script, "host", token=GivenToken())
    adapter._stop, adapter._patience = sign, Patience(sign, lambda: 0.5)
    script.on_end = adapter.stop
    return adapter, script, sign
