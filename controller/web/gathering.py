"""Reports that arrive at the same time are stored with one commit."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import assert_never

from anyio import CapacityLimiter, to_thread

from controller.model.errors import TooManyReports
from controller.pipeline.answers import Accepted, Answer, Held, NotAccepted
from controller.pipeline.intake import Caller, Intake, Report

MOST_TOGETHER = 100
"""Reports of one commit: few enough that nobody else waits long for its turn to write."""
MOST_WAITING = 500
"""Reports that wait for their commit, as many as receivers: half of the connections."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    report: Report
    caller: Caller
    answer: asyncio.Future[Answer]


class GatheredIntake:
    """Lets reports wait until the commit before theirs has ended, and stores all that wait then. Delays none else.

    Used on the event loop alone, which makes one thread at a time store. It ends with the last report that waits.
    """

    def __init__(self, intake: Intake, on_accepted: Callable[[], None], limiter: CapacityLimiter) -> None:
        """*limiter* is for reports that must be stored by themselves."""
        self._intake = intake
        self._on_accepted = on_accepted
        self._limiter = limiter
        self._writer = CapacityLimiter(1)
        self._waiting: deque[_Waiting] = deque()
        self._storing: asyncio.Task[None] | None = None

    async def accept(self, report: Report, caller: Caller) -> str:
        """As ``Intake.accept``.

        Raises:
            TooManyReports: Nothing was stored: too many wait already.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise TooManyReports("too many reports wait to be stored", hint="send the same report again later")
        waiting = _Waiting(report, caller, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._storing is None or self._storing.done():
            self._storing = asyncio.create_task(self._store())
        match await waiting.answer:
            case Accepted(tracking_id=tracking_id):
                return tracking_id
            case NotAccepted(error=error):
                raise error
            case Held():
                return await to_thread.run_sync(self._accept_alone, report, caller, limiter=self._limiter)
            case answer:
                assert_never(answer)

    async def _store(self) -> None:
        while self._waiting:
            together = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_TOGETHER))]
            try:
                answers = await to_thread.run_sync(self._accept_together, together, limiter=self._writer)
            except Exception as error:  # noqa: BLE001  # a defect must neither leave callers waiting nor stop the rest
                answers = [NotAccepted(error) for _ in together]
            for waiting, answer in zip(together, answers, strict=True):
                if not waiting.answer.done():  # cancelled, since its caller's request was
                    waiting.answer.set_result(answer)

    def _accept_together(self, together: Sequence[_Waiting]) -> list[Answer]:
        answers = self._intake.accept_together((waiting.report, waiting.caller) for waiting in together)
        if any(isinstance(answer, Accepted) for answer in answers):
            self._on_accepted()
        return answers

    def _accept_alone(self, report: Report, caller: Caller) -> str:
        tracking_id = self._intake.accept(report, caller)
        self._on_accepted()
        return tracking_id
