"""``/metrics``: for administrators on the API's address, or for whoever reaches an address of its own."""

from contextlib import suppress

from anyio import CapacityLimiter, fail_after, to_thread
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from controller.pipeline.roles import Action
from controller.runtime.metrics import Metrics
from controller.runtime.queue_metrics import QueueMetrics
from controller.runtime.wiring import Installation
from controller.web.answers import SecurityHeaders
from controller.web.calls import Answer, call
from controller.web.problem import Problems, answer_http_exception
from controller.web.problem_kinds import WITHOUT_ROLE
from controller.web.security import principal_of

PATIENCE_SECONDS = 3
"""How long a scrape waits for the store. Scrapers wait ten seconds; that the store is away is the answer they need."""


class MetricsPage:
    """Makes the page. A thread of its own, as for the probes: a store that hangs keeps nobody else waiting."""

    def __init__(self, installation: Installation, metrics: Metrics) -> None:
        self._metrics = metrics
        self._queue = QueueMetrics(installation.store, installation.settings.replay_dir)
        metrics.register(self._queue)
        self._limiter = CapacityLimiter(1)

    async def answer(self) -> Response:
        """All metrics, in Prometheus' text format."""
        with suppress(TimeoutError), fail_after(PATIENCE_SECONDS):
            await to_thread.run_sync(self._queue.refresh, limiter=self._limiter, abandon_on_cancel=True)
        return Response(self._metrics.expose(), media_type=CONTENT_TYPE_PLAIN_0_0_4)


class MetricsForAdministrators:
    """The page on the API's own address."""

    def __init__(self, installation: Installation, page: MetricsPage, limiter: CapacityLimiter) -> None:
        self._installation = installation
        self._page = page
        self._limiter = limiter

    @call(
        "GET",
        "/metrics",
        Answer("Metrics in Prometheus' text format 0.0.4.", str, media_type="text/plain"),
        reasons=WITHOUT_ROLE,
    )
    async def read_metrics(self, request: Request) -> Response:
        """Read the metrics of this process."""
        principal = await principal_of(request, self._installation.callers, self._limiter)
        await to_thread.run_sync(
            self._installation.admission.admit, principal, Action.READ_METRICS, _nothing, limiter=self._limiter
        )
        return await self._page.answer()


def _nothing(*_: object) -> None:
    """What is read of the store once a caller is admitted."""


def make_metrics_app(page: MetricsPage) -> Starlette:
    """Make what answers on an address that is for metrics alone: who reaches it may read them, and nothing else."""

    async def show(_: Request) -> Response:
        return await page.answer()

    app = Starlette(
        routes=[Route("/metrics", show, methods=["GET"])],
        middleware=[Middleware(SecurityHeaders), Middleware(Problems)],
        exception_handlers={HTTPException: answer_http_exception},
    )
    app.router.redirect_slashes = False
    return app
