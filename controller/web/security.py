"""Who calls: the bearer token of a request (RFC 6750), or the certificate of its connection."""

import re
from collections.abc import Sequence

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from controller.model.errors import TooManyCalls, Unauthenticated
from controller.model.secret import Secret
from controller.pipeline.admission import Admission
from controller.pipeline.callers import Callers
from controller.web.client_certificate import certificate_of
from controller.web.limiting import CallLimits

_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*) *", re.IGNORECASE | re.ASCII)  # RFC 6750 section 2.1
_HINT = "send 'Authorization: Bearer TOKEN'; make a token with 'pwsync token create PRINCIPAL'"


def bearer_token(authorization: Sequence[str]) -> Secret:
    """Return the token of a request's ``Authorization`` headers.

    Raises:
        Unauthenticated: None, several, or not a bearer token.
    """
    if len(authorization) != 1:
        raise Unauthenticated("the request has not exactly one Authorization header", hint=_HINT)
    found = _BEARER.fullmatch(authorization[0])
    if found is None:
        raise Unauthenticated("the Authorization header holds no bearer token", hint=_HINT)
    return Secret(found[1])


async def principal_of(request: Request, callers: Callers, limiter: CapacityLimiter) -> str:
    """Return the principal that a request proves: with a token where it sends one, else with its certificate.

    Raises:
        Unauthenticated: Neither, or not a valid one. A bad token is not made good by a certificate.
        TooManyCalls: The principal calls too often, or those at its address who prove nothing do.
        StoreUnavailable: It cannot be checked now.
    """
    limits: CallLimits = request.app.state.limits
    address, authorization = origin_of(request), request.headers.getlist("Authorization")
    credential = "".join(authorization)
    if authorization or certificate_of(request.scope) is None:  # a certificate was proven in the handshake
        limits.check_address(address, credential)
    try:
        principal = await _proven_by(request, callers, limiter)
    except Unauthenticated:
        limits.note_unproven(address, credential)
        raise
    limits.take(principal, credential)
    return principal


async def _proven_by(request: Request, callers: Callers, limiter: CapacityLimiter) -> str:
    authorization, certificate = request.headers.getlist("Authorization"), certificate_of(request.scope)
    if certificate is not None and not authorization:
        _check_program(request)
        return certificate.principal()
    token = bearer_token(authorization)
    return await to_thread.run_sync(callers.authenticate, token, limiter=limiter)


def origin_of(request: Request) -> str:
    """The address that a request came from, for the audit."""
    return request.client.host if request.client else ""


def _check_program(request: Request) -> None:
    """Let only programs call with a certificate: a browser would send it along with what another site's page asks for.

    Raises:
        Unauthenticated: A page sent the request.
    """
    if any(header in request.headers for header in ("Origin", "Sec-Fetch-Site")):
        raise Unauthenticated("a page in a browser called with a client certificate", hint="pages call with a token")


class NotesTurnedAway:
    """Records that somebody did not prove who he is, or called too often, and lets the error pass."""

    def __init__(self, app: ASGIApp, admission: Admission, limiter: CapacityLimiter) -> None:
        self._app = app
        self._admission = admission
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        address = (scope.get("client") or ("",))[0]
        try:
            await self._app(scope, receive, send)
        except Unauthenticated as error:
            await to_thread.run_sync(self._admission.note_unproven, address, error.message, limiter=self._limiter)
            raise
        except TooManyCalls as error:
            await to_thread.run_sync(self._admission.note_limited, error.caller, address, limiter=self._limiter)
            raise
