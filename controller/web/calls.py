"""The calls of the API as data: from one declaration their routes and their description are made."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from controller.web.body import Body
from controller.web.problem_kinds import ProblemKind

Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Response]])
Endpoint = Callable[[Request], Awaitable[Response]]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
JSON = "application/json"
_MARK = "call_of_the_api"


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a caller may say beside the path and the body.

    Attributes:
        type: A type from which pydantic makes the JSON Schema.
    """

    name: str
    where: Literal["query", "header"]
    type: Any
    meaning: str
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """How a call answers when it succeeds.

    Attributes:
        type: Of the JSON, from which pydantic makes its schema; None: there is no content.
        headers: Name and meaning of each header that belongs to this answer.
    """

    meaning: str
    type: Any = None
    status: HTTPStatus = HTTPStatus.OK
    headers: tuple[tuple[str, str], ...] = ()
    media_type: str = JSON


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    Attributes:
        route: The path as the router reads it: its parameters in braces, with ``:path`` in one that may have slashes.
            Each of them stands in ``terms.PATH_PARAMETERS``.
        id: Stable name (camelCase), made from the handler's.
        summary: The first line of the handler's docstring.
        problems: Beside those that every call has, or every one with a body, or with a caller.
        reasons: Of a refusal (403).
        is_open: It asks nobody who calls.
        answers_head: HEAD answers as GET does, without the content.
    """

    method: Method
    route: str
    id: str
    summary: str
    answers: tuple[Answer, ...]
    body: type[Body] | None = None
    parameters: tuple[Parameter, ...] = ()
    problems: tuple[ProblemKind, ...] = ()
    reasons: tuple[str, ...] = ()
    is_open: bool = False
    answers_head: bool = True

    @property
    def path(self) -> str:
        """The path as people read it."""
        return self.route.replace(":path}", "}")


def call(
    method: Method,
    route: str,
    *answers: Answer,
    body: type[Body] | None = None,
    parameters: Sequence[Parameter] = (),
    problems: Sequence[ProblemKind] = (),
    reasons: Sequence[str] = (),
    is_open: bool = False,
    answers_head: bool = True,
) -> Callable[[Handler], Handler]:
    """Declare that a method of an API class handles a call. See ``Call``."""

    def mark(handler: Handler) -> Handler:
        summary = (handler.__doc__ or "").partition("\n")[0]
        made = Call(
            method,
            route,
            _camel_case(handler.__name__),
            summary,
            answers,
            body=body,
            parameters=tuple(parameters),
            problems=tuple(problems),
            reasons=tuple(reasons),
            is_open=is_open,
            answers_head=answers_head,
        )
        setattr(handler, _MARK, made)
        return handler

    return mark


def calls_of(*api_classes: type) -> list[Call]:
    """The calls that the methods of these classes handle, in the order of their declaration."""
    return [made for api_class in api_classes for _, made in _marked(api_class)]


def routes_of(*apis: object) -> list[Route]:
    """One route for each path, so that a wrong method is told all the right ones."""
    by_route: dict[str, list[tuple[Call, Endpoint]]] = {}
    for api in apis:
        for name, made in _marked(type(api)):
            by_route.setdefault(made.route, []).append((made, getattr(api, name)))
    return [_route(route, handled) for route, handled in by_route.items()]


def _route(path: str, handled: Sequence[tuple[Call, Endpoint]]) -> Route:
    endpoints: dict[str, Endpoint] = {made.method: endpoint for made, endpoint in handled}
    route = Route(path, _by_method(endpoints), methods=list(endpoints))
    if route.methods is not None and not all(made.answers_head for made, _ in handled):
        route.methods.discard("HEAD")  # which Starlette adds to every GET
    return route


def _by_method(endpoints: dict[str, Endpoint]) -> Endpoint:
    if len(endpoints) == 1:
        return next(iter(endpoints.values()))

    async def answer(request: Request) -> Response:
        return await endpoints["GET" if request.method == "HEAD" else request.method](request)

    return answer


def _marked(api_class: type) -> Iterator[tuple[str, Call]]:
    for name, member in vars(api_class).items():
        made = getattr(member, _MARK, None)
        if isinstance(made, Call):
            yield name, made


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
