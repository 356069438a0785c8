"""One exchange with the controller: a call with its proof, and what its answer says."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any, TypeVar

from controller.sdk.errors import CallRefused, ControllerAway, SessionMissing, SessionReplaced
from controller.sdk.tokens import TokenSource
from controller.sdk.transport import Answer, Request, Transport

T = TypeVar("T")
_SUCCESSES = range(200, 300)
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_REFUSALS: Mapping[str, type[CallRefused]] = {"wrongState": SessionMissing, "wrongSession": SessionReplaced}


def exchange(transport: Transport, token: TokenSource | None, request: Request) -> Answer:
    """Make a call, with *token* where there is one; returns an answer that says that it went well.

    Raises:
        ControllerAway: There was no answer, or one that says to come again.
        CallRefused: The controller does not take the call (SessionMissing and SessionReplaced are such).
        Unusable: There is no token.
    """
    headers = dict(request.headers)
    if token is not None:
        headers["Authorization"] = f"Bearer {token.read().reveal()}"
    if request.body is not None:
        headers["Content-Type"] = "application/json"
    answer = transport.send(replace(request, headers=headers))
    if answer.status not in _SUCCESSES:
        raise _problem(answer)
    return answer


def read(view: Mapping[str, Any], reading: Callable[[Mapping[str, Any]], T]) -> T:
    """Read something of an answer.

    Raises:
        ControllerAway: It is not there, or of another type.
    """
    try:
        return reading(view)
    except (KeyError, TypeError, ValueError) as error:  # the text of the error may hold what was answered
        raise ControllerAway(f"an answer of the controller cannot be read: {type(error).__name__}") from None


def view_of(answer: Answer) -> dict[str, Any]:
    """The JSON object of an answer.

    Raises:
        ControllerAway: It has none.
    """
    found = _json(answer)
    if found is None:
        raise ControllerAway(f"what answers is no controller: no JSON in an answer of status {answer.status}")
    return found


def _json(answer: Answer) -> dict[str, Any] | None:
    try:
        found = json.loads(answer.body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _problem(answer: Answer) -> Exception:
    """What an answer that is no success says (RFC 9457)."""
    view = _json(answer) or {}
    words = str(view.get("detail") or view.get("title") or f"the controller answers with status {answer.status}")
    if answer.status in _LATER or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ControllerAway(words, retry_after=answer.retry_after)
    code = str(view.get("code", ""))
    type_ = _REFUSALS.get(code, CallRefused)
    reason, hint = str(view.get("reason", "")), str(view.get("hint", ""))
    return type_(words, status=answer.status, code=code, reason=reason, hint=hint)
