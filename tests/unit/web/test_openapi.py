"""The description of the API is made from its calls, and names every one of them."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from controller.runtime.metrics import Metrics
from controller.web.app import all_calls
from controller.web.calls import Answer, call, calls_of, routes_of
from controller.web.metrics import MetricsPage
from controller.web.openapi import document, problems_of
from controller.web.problem_kinds import PROBLEM_KINDS, REASONS
from controller.web.service import make_service
from controller.web.stopping import Stopping
from tests.doubles.api import ApiBench


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document(all_calls())


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiBench]:
    bench = ApiBench(tmp_path_factory.mktemp("api"))
    yield bench
    bench.close()


def routes(api: ApiBench) -> list[Route]:
    metrics = Metrics()
    page = MetricsPage(api.installation, metrics)
    service: Any = make_service(api.installation, lambda: None, metrics=metrics, page=page, stopping=Stopping())
    while not hasattr(service, "routes"):
        service = service._app
    return [route for route in service.routes if isinstance(route, Route)]


def shown(route: Route) -> str:
    return route.path.replace(":path}", "}")


def test_every_route_is_described_with_all_its_methods(api: ApiBench, described: dict[str, Any]) -> None:
    unexplained = [
        f"{method} {route.path}"
        for route in routes(api)
        for method in (route.methods or set()) - {"HEAD"}
        if method.lower() not in described["paths"].get(shown(route), {})
    ]

    assert [line for line in unexplained if line.split()[1].startswith("/v1")] == []


def test_every_described_call_has_a_route(api: ApiBench, described: dict[str, Any]) -> None:
    there = {(method.lower(), shown(route)) for route in routes(api) for method in route.methods or ()}

    assert {(method, path) for path, item in described["paths"].items() for method in item} <= there


def test_calls_have_names_and_summaries_of_their_own() -> None:
    calls = all_calls()

    assert len({made.id for made in calls}) == len(calls)
    assert all(made.summary.endswith(".") for made in calls)


def test_every_object_is_closed(described: dict[str, Any]) -> None:
    open_ones = [
        name
        for name, schema in described["components"]["schemas"].items()
        if "properties" in schema and schema.get("additionalProperties") is not False
    ]

    assert open_ones == []


def test_every_problem_and_reason_of_a_call_is_explained() -> None:
    for made in all_calls():
        assert set(problems_of(made)) <= set(PROBLEM_KINDS), made.id
        assert set(made.reasons) <= set(REASONS), made.id


def test_every_reason_belongs_to_a_call() -> None:
    assert {reason for made in all_calls() for reason in made.reasons} == set(REASONS)


def test_it_is_served_to_anybody(api: ApiBench, described: dict[str, Any]) -> None:
    answer = api.call("GET", "/openapi.json")

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert json.loads(answer.content) == described


def test_a_path_with_two_calls_tells_both_methods(api: ApiBench) -> None:
    answer = api.call("PUT", "/v1/adapters/racf/session", by="agent")

    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"POST", "DELETE"}


def test_what_hands_something_out_does_not_answer_head(api: ApiBench) -> None:
    answer = api.call("HEAD", "/v1/adapters/racf/notifications", by="agent")

    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


class TwoCalls:
    """An API of two calls on one path."""

    @call("GET", "/things", Answer("All."), is_open=True)
    async def list_things(self, _: Request) -> Response:
        """List things."""
        return Response("all")

    @call("POST", "/things", Answer("One more."), is_open=True)
    async def make_one_thing(self, _: Request) -> Response:
        """Make a thing.

        It has a second paragraph.
        """
        return Response("one")


def test_a_call_is_named_after_its_handler() -> None:
    calls = calls_of(TwoCalls)

    assert [(made.id, made.summary) for made in calls] == [
        ("listThings", "List things."),
        ("makeOneThing", "Make a thing."),
    ]


def test_calls_of_one_path_share_a_route() -> None:
    (route,) = routes_of(TwoCalls())

    assert route.methods == {"GET", "HEAD", "POST"}
