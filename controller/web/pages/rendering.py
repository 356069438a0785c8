"""Pages as HTML: templates that escape everything, and answers that let nothing in from elsewhere."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import Response

from controller.model.wording import rfc3339
from controller.planning.listing import harmless

WEB = Path(__file__).parents[1]
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # no-referrer would make the Origin of our own forms null
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


class PageAnswer(Response):
    """A page."""

    media_type = "text/html"

    def __init__(
        self, content: str, status: HTTPStatus = HTTPStatus.OK, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(content, status.value, {**HEADERS, **(headers or {})})

    def render(self, content: Any) -> bytes:  # noqa: ANN401  # Starlette's signature
        """Encode; a lone surrogate in the words of a directory becomes a question mark."""
        return str(content).encode("utf-8", "replace")


class SeeOther(Response):
    """Look there next (POST, redirect, GET)."""

    def __init__(self, path: str) -> None:
        super().__init__(b"", HTTPStatus.SEE_OTHER.value, {**HEADERS, "Location": path})


def age(duration: timedelta) -> str:
    """A duration for a person, in its largest unit: ``45 s``, ``12 min``, ``3 h``, ``2 d``."""
    seconds = max(0, int(duration.total_seconds()))
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def moment(instant: datetime | None) -> str:
    """A time in UTC, to the second."""
    return "" if instant is None else instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _machine_moment(instant: datetime) -> str:
    return rfc3339(instant)


def _words(name: str) -> str:
    """``inFlight`` as ``in flight``."""
    return "".join(f" {c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))


def _finalize(value: object) -> object:
    return harmless(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def make_environment(digests: Mapping[str, str]) -> Environment:
    """Make the templates' environment; *digests* are those of the static files, so that a new one is fetched anew."""
    environment = Environment(
        loader=FileSystemLoader(WEB / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {"age": age, "moment": moment, "machine": _machine_moment, "words": _words}
    environment.globals["static"] = lambda name: f"/static/{name}?v={digests[name]}"
    return environment


def digest_of(content: bytes) -> str:
    """A short digest of a static file."""
    return hashlib.sha256(content).hexdigest()[:16]
