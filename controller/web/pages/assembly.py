"""The status page of one installation, put together."""

from collections.abc import Callable

from anyio import CapacityLimiter
from starlette.requests import Request
from starlette.routing import Route

from controller.runtime.wiring import Installation, steady_clock
from controller.web.pages.gate import Gate
from controller.web.pages.live import LiveStream
from controller.web.pages.login import LoginPages
from controller.web.pages.parked import ParkedPages
from controller.web.pages.rendering import PageAnswer
from controller.web.pages.site import PAGE_THREADS, Insight, Site
from controller.web.pages.views import ViewPages


class StatusPages:
    """All pages. They have threads of their own, so that looking does not keep changes out.

    Attributes:
        plans: What they compare with the store; made by one thread at a time, whoever asks.
    """

    def __init__(self, installation: Installation, insight: Insight, on_retried: Callable[[], None]) -> None:
        limiter = CapacityLimiter(PAGE_THREADS)
        store = installation.store
        site = Site(Gate(store, installation.callers, steady_clock(), limiter), insight, limiter)
        self.plans = site.plans
        self._site = site
        self._live = LiveStream(site, store)
        self._parts = (
            site.static,
            LoginPages(site),
            ViewPages(site, store),
            ParkedPages(site, store, installation.operations, on_retried),
            self._live,
        )

    def routes(self) -> list[Route]:
        """The routes of all pages."""
        return [route for part in self._parts for route in part.routes()]

    def missing(self, request: Request) -> PageAnswer | None:
        """What a browser is answered where there is no page; None for other callers."""
        return self._site.missing(request)

    def stop(self) -> None:
        """End what would keep the server from stopping."""
        self._live.stop()
