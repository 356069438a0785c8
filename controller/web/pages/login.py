"""Logging in and out."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from controller.model.errors import PwsyncError, Refused
from controller.web.pages.attempts import WINDOW
from controller.web.pages.forms import field_of, read_form
from controller.web.pages.rendering import SeeOther
from controller.web.pages.sessions import is_form_token
from controller.web.pages.site import Site, landing

REFUSED = "That token does not open this page."
TOO_MANY = "Too many failed logins from this address. Wait a few minutes."


class LoginPages:
    """``/login`` and ``/logout``. All refusals of a token read the same."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/login", self.show, methods=["GET"]),
            Route("/login", self.log_in, methods=["POST"]),
            Route("/logout", self.log_out, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Show the form."""
        return await self._form(landing(request.query_params.get("next", "/")))

    async def log_in(self, request: Request) -> Response:
        """Begin a session."""
        try:
            form = await read_form(request)
            to = landing(field_of(form, "next"))
            answer = SeeOther(to)
            if await self._site.gate.log_in(request, field_of(form, "token"), answer):
                return answer
        except Refused as error:
            if error.reason != "tooManyAttempts":
                return self._site.problem(error, None)
            limited = await self._form("/", TOO_MANY, HTTPStatus.TOO_MANY_REQUESTS)
            limited.headers["Retry-After"] = str(int(WINDOW.total_seconds()))
            return limited
        except PwsyncError as error:
            return self._site.problem(error, None)
        return await self._form(to, REFUSED, HTTPStatus.FORBIDDEN)

    async def log_out(self, request: Request) -> Response:
        """End the session; without one, or with a form of another site, nothing happens."""
        try:
            form = await read_form(request)
            visit = await self._site.gate.enter(request)
        except PwsyncError:
            return SeeOther("/login")
        answer = SeeOther("/login")
        if is_form_token(visit.session, field_of(form, "csrf")):
            try:
                await self._site.gate.log_out(request, visit, answer)
            except PwsyncError as error:
                return self._site.problem(error, None)
        return answer

    async def _form(self, to: str, problem: str = "", status: HTTPStatus = HTTPStatus.OK) -> Response:
        try:
            has_administrators = await self._site.gate.names_administrators()
        except PwsyncError as error:
            return self._site.problem(error, None)
        return self._site.render(
            "login.html", None, status=status, to=to, problem=problem, has_administrators=has_administrators
        )
