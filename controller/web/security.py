"""Who calls: the bearer token of a request (RFC 6750), and who may see a change."""

import re
from collections.abc import Sequence

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

from controller.model.change import PasswordChange
from controller.model.errors import Refused, Unauthenticated
from controller.model.secret import Secret
from controller.pipeline.callers import Callers

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
    """Return the principal that a request proves.

    Raises:
        Unauthenticated: No token, or not a valid one.
        StoreUnavailable: It cannot be checked now.
    """
    token = bearer_token(request.headers.getlist("Authorization"))
    return await to_thread.run_sync(callers.authenticate, token, limiter=limiter)


def origin_of(request: Request) -> str:
    """The address that a request came from, for the audit."""
    return request.client.host if request.client else ""


def check_reader(principal: str, change: PasswordChange, administrators: Sequence[str]) -> None:
    """Check that *principal* may see a change.

    Raises:
        Refused: It neither reported the change nor is an administrator of the system.
    """
    if principal != change.caller and principal not in administrators:
        raise Refused(
            "only who reported a change, or an administrator, may see it",
            reason="notReporter",
            hint="administrators stand in spec.administrators of the System manifest",
        )
