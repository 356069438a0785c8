"""Problems as RFC 9457 describes them."""

import json
from http import HTTPStatus

import anyio
import pytest
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from controller.model.errors import InvalidInput, NotFound, Refused, Unauthenticated
from controller.web.problem import BadRequest, Problem, Problems, problem_of
from controller.web.problem_kinds import MALFORMED, unnamed


def test_a_problem_without_a_code_is_about_blank() -> None:
    content = json.loads(bytes(Problem(unnamed(HTTPStatus.NOT_FOUND)).answer().body))

    assert content == {"type": "about:blank", "title": "Not Found", "status": 404}


def test_a_problem_tells_all_that_it_has() -> None:
    problem = problem_of(Refused("no", reason="because", hint="do"))

    assert json.loads(bytes(problem.answer().body)) == {
        "type": "urn:pwsync:problem:refused",
        "title": "The request is not allowed",
        "status": 403,
        "detail": "no",
        "code": "refused",
        "reason": "because",
        "hint": "do",
    }


class _Special(NotFound):
    """A narrower kind."""


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidInput("x"), 422),
        (NotFound("x"), 404),
        (_Special("x"), 404),
        (Unauthenticated("x"), 401),
        (BadRequest(MALFORMED, "x"), 400),
        (HTTPException(405), 405),
        (ClientDisconnect(), 400),
    ],
)
def test_each_error_has_its_status(error: Exception, status: int) -> None:
    assert problem_of(error).status == status


def test_words_that_are_no_unicode_do_no_harm() -> None:
    answer = problem_of(InvalidInput("\udc80")).answer()

    assert b"\\udc80" in bytes(answer.body)


def test_a_failure_after_the_answer_began_is_logged_and_ends_it() -> None:
    sent: list[Message] = []

    async def breaks_off(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("s3cret")

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    with capture_logs() as logs:
        anyio.run(Problems(breaks_off), {"type": "http"}, receive, send)

    assert [m["type"] for m in sent] == ["http.response.start"]
    assert [e["error"] for e in logs] == ["ValueError"]
