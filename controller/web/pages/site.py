"""The pages together: their routes, and what all of them share."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from anyio import CapacityLimiter
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from controller.model.errors import InvalidInput, NotFound, PwsyncError, Refused, StoreUnavailable, Unauthenticated
from controller.runtime.rounds import Rounds
from controller.web.pages.gate import Gate, Visit
from controller.web.pages.plans import MakePlan, Plans
from controller.web.pages.rendering import PageAnswer, SeeOther, make_environment
from controller.web.pages.static_files import StaticFiles

PAGE_THREADS = 4
"""How many pages work on the store together: looking must not keep changes out."""
_LANDING = re.compile(r"/(topology|changes(/[0-9A-Za-z-]{1,64})?|parked|plan|events)?", re.ASCII)
_STATUS: dict[type[PwsyncError], HTTPStatus] = {
    InvalidInput: HTTPStatus.UNPROCESSABLE_ENTITY,
    NotFound: HTTPStatus.NOT_FOUND,
    Refused: HTTPStatus.FORBIDDEN,
    StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
Show = Callable[[Request, Visit], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Insight:
    """What only the process that reconciles can tell its pages.

    Attributes:
        make_plan: Compares the manifests with the store; None when there are no manifests.
        rounds: The rounds of its reconcile loop; None when it has none.
    """

    make_plan: MakePlan | None = None
    rounds: Rounds | None = None


NO_INSIGHT = Insight()


class Site:
    """Renders pages, and turns what a request ends with into one."""

    def __init__(self, gate: Gate, insight: Insight, limiter: CapacityLimiter) -> None:
        self.gate = gate
        self.limiter = limiter
        self.plans = Plans(insight.make_plan, insight.rounds)
        self.rounds = insight.rounds
        self.static = StaticFiles()
        self._templates = make_environment(self.static.digests)

    def route(self, path: str, show: Show, *, method: str = "GET") -> Route:
        """A route that only those who are logged in may take."""

        async def answer(request: Request) -> Response:
            visit: Visit | None = None
            try:
                visit = await self.gate.enter(request)
                return await show(request, visit)
            except Unauthenticated:
                return _to_login(request)
            except PwsyncError as error:
                if isinstance(error, Refused) and visit is not None:
                    await self.gate.note_refused(visit, path, error.reason)
                return self.problem(error, visit)

        return Route(path, answer, methods=[method])

    def render(
        self, template: str, visit: Visit | None, *, status: HTTPStatus = HTTPStatus.OK, **values: Any
    ) -> PageAnswer:
        """A page from its template; *visit* is None where nobody is logged in."""
        shared = {
            "viewer": None if visit is None else visit.viewer,
            "form_token": "" if visit is None else visit.session.form_token,
            "page": template.removesuffix(".html"),
        }
        return PageAnswer(self._templates.get_template(template).render(shared | values), status)

    def problem(self, error: PwsyncError, visit: Visit | None) -> PageAnswer:
        """A page that tells what went wrong.

        Raises:
            PwsyncError: One that no page can tell; the middleware around all answers does.
        """
        status = next((status for type_, status in _STATUS.items() if isinstance(error, type_)), None)
        if status is None:
            raise error
        return self.render(
            "problem.html", visit, status=status, title=status.phrase, message=error.message, hint=error.hint
        )

    def missing(self, request: Request) -> PageAnswer | None:
        """A page that says that there is none, for who asks for a page; None for others, and within the API."""
        if "text/html" not in request.headers.get("Accept", "") or request.url.path.startswith("/v1/"):
            return None
        error = NotFound("there is no page at this address", hint="the first page leads to all others")
        return self.problem(error, None)


def _to_login(request: Request) -> Response:
    if request.method != "GET" or request.url.path == "/":
        return SeeOther("/login")
    return SeeOther(f"/login?next={landing(request.url.path)}")


def landing(path: str) -> str:
    """*path* when it is a page to go to after the login, else the first page."""
    return path if _LANDING.fullmatch(path) else "/"
