"""Live pages: a stream of server-sent events that says when there is news; the page then fetches itself again."""

from collections.abc import AsyncIterator
from http import HTTPStatus

import anyio
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from controller.model.errors import PwsyncError
from controller.ports.events import EventQuery
from controller.ports.store import Store
from controller.web.pages.gate import Visit
from controller.web.pages.rendering import HEADERS, PageAnswer
from controller.web.pages.site import Site

POLL_SECONDS = 2.0
"""How often the store is asked for news, once for all streams."""
TICKS = 8
"""After so many polls without news a page refreshes all the same, since ages grow; then the session is checked."""
STEPS = 10
MOST_STREAMS = 100
MOST_OF_SESSION = 6


class LiveStream:
    """``/live``. It ends when the session does, and when the server stops."""

    def __init__(self, site: Site, store: Store) -> None:
        self._site = site
        self._store = store
        self._open = 0
        self._known: tuple[float, str] = (0.0, "")
        self._is_stopping = False

    def routes(self) -> list[Route]:
        """The one route."""
        return [self._site.route("/live", self.stream)]

    def stop(self) -> None:
        """End all streams, so that the server need not wait for them."""
        self._is_stopping = True

    async def stream(self, _: Request, visit: Visit) -> Response:
        """Stream until the browser goes away."""
        if self._open >= MOST_STREAMS or visit.session.streams >= MOST_OF_SESSION or self._is_stopping:
            return PageAnswer("", HTTPStatus.SERVICE_UNAVAILABLE)
        headers = {**HEADERS, "X-Accel-Buffering": "no"}
        return StreamingResponse(self._news(visit), media_type="text/event-stream", headers=headers)

    async def _news(self, visit: Visit) -> AsyncIterator[str]:
        self._open += 1
        visit.session.streams += 1
        try:
            seen, quiet = await self._version(), 0
            yield "retry: 3000\nevent: open\ndata: \n\n"
            while await self._wait():
                version, quiet = await self._version(), quiet + 1
                if version != seen or quiet >= TICKS:
                    if not await self._goes_on(visit):
                        return
                    seen, quiet = version, 0
                    yield "event: news\ndata: \n\n"
        finally:
            self._open -= 1
            visit.session.streams -= 1

    async def _wait(self) -> bool:
        """Wait for the next poll, in small steps so that a stop is noticed; tell whether there is one."""
        for _ in range(STEPS):
            if self._is_stopping:
                return False
            await anyio.sleep(POLL_SECONDS / STEPS)
        return True

    async def _goes_on(self, visit: Visit) -> bool:
        try:
            await self._site.gate.check_again(visit)
        except PwsyncError:
            return False
        return True

    async def _version(self) -> str:
        """What the store looked like at the last poll: every step of the pipeline and every apply leaves an event."""
        now = anyio.current_time()
        if now - self._known[0] >= POLL_SECONDS / 2:
            try:
                self._known = (now, await to_thread.run_sync(self._read, limiter=self._site.limiter))
            except PwsyncError as error:
                self._known = (now, error.code)
        return self._known[1]

    def _read(self) -> str:
        with self._store.read() as tx:
            newest = tx.events.find(EventQuery(limit=1))
            return f"{newest[0].sequence if newest else 0}/{tx.resources.revision()}"
