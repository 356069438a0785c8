"""The application: routes, and what stands around all of them."""

from collections.abc import Callable
from http import HTTPStatus

from anyio import CapacityLimiter
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response

from controller.model.topology import RateLimit
from controller.runtime.wiring import Installation, steady_clock
from controller.web.adapters import AdaptersApi
from controller.web.answers import SecurityHeaders
from controller.web.calls import Call, calls_of, routes_of
from controller.web.changes import ChangesApi
from controller.web.limiting import DEFAULT_LIMIT, CallLimits
from controller.web.lookups import LookUpsApi
from controller.web.metrics import MetricsForAdministrators
from controller.web.objects import ObjectsApi
from controller.web.openapi import OpenApiPage
from controller.web.operations import OperationsApi
from controller.web.pages.assembly import StatusPages
from controller.web.pages.site import NO_INSIGHT, Insight
from controller.web.probes import Probes
from controller.web.problem import Problems, answer_http_exception
from controller.web.reading import ReadingApi
from controller.web.security import NotesTurnedAway

REQUEST_THREADS = 16
"""How many requests work on the store together; the others wait. The pipeline's workers use the same connections."""
READING_THREADS = 4
"""How many lists and single objects are read together, beside these: a list that takes long holds up no report."""

APIS = (
    ChangesApi,
    AdaptersApi,
    OperationsApi,
    LookUpsApi,
    ReadingApi,
    ObjectsApi,
    Probes,
    MetricsForAdministrators,
    OpenApiPage,
)
"""Whose calls make up the API."""


def all_calls() -> list[Call]:
    """Every call of the API."""
    return calls_of(*APIS)


def make_app(
    installation: Installation,
    on_accepted: Callable[[], None],
    insight: Insight = NO_INSIGHT,
    limit: RateLimit | None = DEFAULT_LIMIT,
) -> Starlette:
    """Make the HTTP API of an installation.

    Args:
        installation: Opened; it must outlive the application.
        on_accepted: Called, in a thread of a request, each time that a change has become durable, or that deliveries
            may have become due: wakes the workers.
        insight: What the process that reconciles can tell its status page. ``app.state.pages`` is that page.
        limit: How often one principal may call; None: as often as it will.
    """
    limiter, of_readers = CapacityLimiter(REQUEST_THREADS), CapacityLimiter(READING_THREADS)
    changes = ChangesApi(installation, on_accepted, limiter)
    adapters = AdaptersApi(installation, limiter)
    operations = OperationsApi(installation, on_accepted, limiter)
    lookups = LookUpsApi(installation, limiter, steady_clock())
    probes = Probes(installation.store)
    pages = StatusPages(installation, insight, on_accepted)
    reading = ReadingApi(installation, pages.plans, of_readers)
    objects = ObjectsApi(installation, of_readers)
    apis = (changes, adapters, operations, lookups, reading, objects, probes, OpenApiPage(all_calls()))

    async def answer_missing(request: Request, error: Exception) -> Response:
        return pages.missing(request) or await answer_http_exception(request, error)

    app = Starlette(
        routes=[*routes_of(*apis), *pages.routes()],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(Problems),
            Middleware(NotesTurnedAway, installation.admission, limiter),
        ],
        exception_handlers={HTTPException: answer_http_exception, HTTPStatus.NOT_FOUND: answer_missing},
    )
    app.state.pages = pages
    app.state.limits = CallLimits(limit, steady_clock())
    app.router.redirect_slashes = False  # a redirect would repeat the Host header of whoever asks
    return app
