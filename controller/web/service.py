"""The API as a service runs it: measured, logged, and told when it is to stop."""

from collections.abc import Callable

from anyio import CapacityLimiter
from starlette.types import ASGIApp

from controller.model.topology import RateLimit
from controller.runtime.metrics import Metrics
from controller.runtime.wiring import Installation
from controller.web.access_log import AccessLog
from controller.web.answers import SecurityHeaders
from controller.web.app import make_app
from controller.web.calls import routes_of
from controller.web.limiting import DEFAULT_LIMIT
from controller.web.measuring import Measured
from controller.web.metrics import MetricsForAdministrators, MetricsPage
from controller.web.pages.site import NO_INSIGHT, Insight
from controller.web.stopping import Stopping, TurnAway

METRICS_THREADS = 2
"""How many readers of metrics are checked together; their own, so that no crowd of callers hides what is measured."""


def make_service(
    installation: Installation,
    on_accepted: Callable[[], None],
    *,
    insight: Insight = NO_INSIGHT,
    metrics: Metrics,
    page: MetricsPage,
    stopping: Stopping,
    logs_requests: bool = False,
    limit: RateLimit | None = DEFAULT_LIMIT,
) -> ASGIApp:
    """Make the API and what stands around it.

    Args:
        installation: Opened; it must outlive the application.
        on_accepted: As for ``make_app``.
        insight: As for ``make_app``.
        metrics: Told of every request.
        page: Shown to administrators at ``/metrics``.
        stopping: Once said, new work is turned away.
        limit: As for ``make_app``.
        logs_requests: Whether there is an access log.
    """
    api = make_app(installation, on_accepted, insight, limit)
    stopping.then(api.state.pages.stop)
    readers = MetricsForAdministrators(installation, page, CapacityLimiter(METRICS_THREADS))
    api.router.routes.extend(routes_of(readers))
    app: ASGIApp = SecurityHeaders(TurnAway(api, stopping))
    if logs_requests:
        app = AccessLog(app)
    return Measured(app, metrics)
