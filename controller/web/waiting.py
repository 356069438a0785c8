"""Receivers that wait: one of each adapter, a bounded number of all, and none whose caller has gone."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from anyio import move_on_after
from starlette.types import Receive

MOST_WAITING = 500
"""Receivers that wait at once, of all adapters: half of the connections, so that reports and probes find room."""


class Waiter:
    """One receiver. Made and used on the event loop; ``ring`` alone may be called in any thread.

    Attributes:
        is_over: Its caller has gone, or another receiver of the adapter waits in its place.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._due = asyncio.Event()
        self.is_over = False

    def ring(self) -> None:
        """Say that there may be something to receive."""
        self._loop.call_soon_threadsafe(self._due.set)

    def end(self) -> None:
        """Let it wait no longer."""
        self.is_over = True
        self._due.set()

    async def is_rung(self, until: float) -> bool:
        """Wait for the next ring; False when there is none by *until*, in the loop's time, or when it is over."""
        with move_on_after(max(until - self._loop.time(), 0)):
            await self._due.wait()
            self._due.clear()
            return not self.is_over
        return False

    @asynccontextmanager
    async def attended(self, receive: Receive) -> AsyncIterator[None]:
        """End it as soon as *receive*, of its request, says that the caller has hung up."""
        watch = asyncio.create_task(self._watch(receive))
        try:
            yield
        finally:
            watch.cancel()
            await asyncio.wait({watch})

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            continue  # a body, which this call does not have
        self.end()


class WaitingRoom:
    """Who waits in this process. Receiving is single-file (behaviours section 10): a second receiver ends the first."""

    def __init__(self, most: int = MOST_WAITING) -> None:
        self._most = most
        self._waiting: dict[str, Waiter] = {}

    @contextmanager
    def admitting(self, lane: str, waiter: Waiter) -> Iterator[bool]:
        """Let *waiter* be the one that waits for *lane*; tells False, and lets nobody in, when there is no room."""
        earlier = self._waiting.pop(lane, None)
        if earlier is not None:
            earlier.end()
        if len(self._waiting) >= self._most:
            yield False
            return
        self._waiting[lane] = waiter
        try:
            yield True
        finally:
            if self._waiting.get(lane) is waiter:
                del self._waiting[lane]
