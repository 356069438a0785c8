"""Forms: bounded, urlencoded, and from this site only."""

from urllib.parse import parse_qsl, urlsplit

from anyio import fail_after
from starlette.requests import Request

from controller.model.errors import Refused
from controller.web.problem import BadRequest
from controller.web.problem_kinds import MALFORMED, TOO_LARGE, TOO_SLOW, UNSUPPORTED_MEDIA_TYPE

MAX_FORM_SIZE = 16 * 1024
FORM_SECONDS = 15
MAX_FIELDS = 256
_TYPE = "application/x-www-form-urlencoded"

Form = dict[str, list[str]]
"""Values by name, in the order in which they were sent."""


async def read_form(request: Request) -> Form:
    """Read a form that this site's own page sent.

    Raises:
        Refused: Another site sent it.
        BadRequest: Not a form by its type, too large, too slow, or not urlencoded UTF-8.
    """
    check_origin(request)
    if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() != _TYPE:
        raise BadRequest(UNSUPPORTED_MEDIA_TYPE, "the body is not a form")
    body = await _bytes_of(request)
    form: Form = {}
    try:
        for name, value in parse_qsl(body.decode("ascii"), True, errors="strict", max_num_fields=MAX_FIELDS):
            form.setdefault(name, []).append(value)
    except ValueError:
        form = {"": []}
    if "" in form:  # raised out here, since the parser's own error carries the body
        raise BadRequest(MALFORMED, "the body is not a urlencoded form")
    return form


def field_of(form: Form, name: str) -> str:
    """The one value of a field; empty when there is none, or several."""
    values = form.get(name, [])
    return values[0] if len(values) == 1 else ""


def check_origin(request: Request) -> None:
    """Let only requests pass that a page of this site sent, as far as the browser says where from.

    Raises:
        Refused: Another site sent it.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site is not None:
        is_own = site in {"same-origin", "none"}
    else:
        is_own = origin is None or urlsplit(origin).netloc == request.headers.get("Host", "")
    if not is_own:
        raise Refused("the form was sent by another site", reason="otherSite", hint="open the page here, and try again")


async def _bytes_of(request: Request) -> bytes:
    body = bytearray()
    try:
        with fail_after(FORM_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_FORM_SIZE:
                    raise BadRequest(TOO_LARGE, "the form is too large")
    except TimeoutError:
        raise BadRequest(TOO_SLOW, "the form did not arrive in time") from None
    return bytes(body)
