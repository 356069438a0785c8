"""``/openapi.json``: the description of the API (OpenAPI 3.1), made from its calls."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from http import HTTPStatus
from importlib.metadata import version
from itertools import groupby
from typing import Any

from pydantic import TypeAdapter
from starlette.requests import Request
from starlette.responses import Response

from controller.web.answer_types import OpenApiAnswer, ProblemDetails
from controller.web.body import MAX_BODY_SIZE
from controller.web.calls import JSON, Answer, Call, Parameter, call
from controller.web.problem_kinds import (
    INTERNAL,
    INVALID_INPUT,
    MALFORMED,
    REFUSED,
    SEAL_BROKEN,
    STORE_UNAVAILABLE,
    TOO_LARGE,
    TOO_MANY_CALLS,
    TOO_SLOW,
    UNAUTHENTICATED,
    UNSUPPORTED_MEDIA_TYPE,
    ProblemKind,
)
from controller.web.terms import PATH_PARAMETERS

PROBLEM_JSON = "application/problem+json"
OF_EVERY_CALL = (INTERNAL,)
OF_CALLERS = (UNAUTHENTICATED, TOO_MANY_CALLS, STORE_UNAVAILABLE)
OF_BODIES = (MALFORMED, TOO_SLOW, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, INVALID_INPUT)
_HEADERS = {
    HTTPStatus.UNAUTHORIZED: ("WWW-Authenticate", "How to prove who calls (RFC 6750)."),
    HTTPStatus.TOO_MANY_REQUESTS: ("Retry-After", "Seconds to wait."),
    HTTPStatus.SERVICE_UNAVAILABLE: ("Retry-After", "Seconds to wait."),
}
_REF = "#/components/schemas/{model}"
_PATH_PARAMETER = re.compile(r"{(\w+)}")
_DESCRIPTION = (
    "Strict JSON in UTF-8 over HTTP/1.1: unknown and repeated fields are refused. Answers are never cached. A GET call"
    " answers HEAD too, unless it hands something out. Problems are those of RFC 9457; a path without any call answers"
    " 404 `unknownPath`, a method without one 405 `methodNotAllowed` with the header `Allow`."
)


class OpenApiPage:
    """Serves the description of *calls*. It holds no secret, so it asks nobody who calls."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self._calls = calls

    @cached_property
    def _text(self) -> bytes:
        return json.dumps(document(self._calls), separators=(",", ":")).encode("ascii")

    @call("GET", "/openapi.json", Answer("This document.", OpenApiAnswer), is_open=True)
    async def describe_api(self, _: Request) -> Response:
        """Describe all calls of the API."""
        return Response(self._text, media_type=JSON)


def document(calls: Sequence[Call]) -> dict[str, Any]:
    """The OpenAPI document of *calls*."""
    types = list(_types_of(calls))
    schemas, definitions = TypeAdapter.json_schemas(
        [(key, "validation", TypeAdapter(type_)) for key, type_ in enumerate(types)], by_alias=True, ref_template=_REF
    )
    of_type = {id(type_): _closed(schemas[key, "validation"]) for key, type_ in enumerate(types)}
    paths: dict[str, Any] = {}
    for made in calls:
        paths.setdefault(made.path, {})[made.method.lower()] = _operation(made, of_type)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {"title": "pwsync", "version": version("pwsync"), "description": _DESCRIPTION},
        "servers": [{"url": "/"}],
        "security": [{"bearerToken": []}, {"clientCertificate": []}],
        "paths": paths,
        "components": {
            "schemas": _closed(definitions.get("$defs", {})),
            "securitySchemes": {
                "bearerToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token of `pwsync token create PRINCIPAL`.",
                },
                "clientCertificate": {
                    "type": "mutualTLS",
                    "description": "Where the controller runs with `--client-ca`; the token counts when there is one.",
                },
            },
        },
    }


def problems_of(made: Call) -> list[ProblemKind]:
    """The kinds of problems that a call may be answered with, in the order of their status."""
    kinds = [
        *OF_EVERY_CALL,
        *([] if made.is_open else OF_CALLERS),
        *([] if made.body is None else OF_BODIES),
        *([REFUSED] if made.reasons else []),
        *made.problems,
    ]
    return sorted(dict.fromkeys(kinds), key=lambda kind: kind.status)


def _types_of(calls: Iterable[Call]) -> Iterator[Any]:
    yield ProblemDetails
    yield from PATH_PARAMETERS.values()
    for made in calls:
        yield from (answer.type for answer in made.answers if answer.type is not None)
        yield from (parameter.type for parameter in made.parameters)
        if made.body is not None:
            yield made.body


def _operation(made: Call, of_type: dict[int, Any]) -> dict[str, Any]:
    parameters = [
        *(_path_parameter(name, of_type) for name in _PATH_PARAMETER.findall(made.path)),
        *(_parameter(parameter, of_type) for parameter in made.parameters),
    ]
    return {
        "operationId": made.id,
        "summary": made.summary,
        **({"parameters": parameters} if parameters else {}),
        **({} if made.body is None else {"requestBody": _request_body(of_type[id(made.body)])}),
        "responses": _responses(made, of_type),
        **({"security": []} if made.is_open else {}),
    }


def _path_parameter(name: str, of_type: dict[int, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": of_type[id(PATH_PARAMETERS[name])]}


def _parameter(parameter: Parameter, of_type: dict[int, Any]) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.where,
        "required": parameter.is_required,
        "description": parameter.meaning,
        "schema": of_type[id(parameter.type)],
    }


def _request_body(schema: Any) -> dict[str, Any]:  # noqa: ANN401  # any JSON Schema
    description = f"At most {MAX_BODY_SIZE // 1024} KiB."
    return {"required": True, "description": description, "content": {JSON: {"schema": schema}}}


def _responses(made: Call, of_type: dict[int, Any]) -> dict[str, Any]:
    succeeded = {str(answer.status.value): _answer(answer, of_type) for answer in made.answers}
    failed = {
        str(status.value): _problem(status, list(kinds), made, of_type)
        for status, kinds in groupby(problems_of(made), key=lambda kind: kind.status)
    }
    return succeeded | failed


def _answer(answer: Answer, of_type: dict[int, Any]) -> dict[str, Any]:
    return {
        "description": answer.meaning,
        **({"headers": dict(_header(*header) for header in answer.headers)} if answer.headers else {}),
        **({} if answer.type is None else {"content": {answer.media_type: {"schema": of_type[id(answer.type)]}}}),
    }


def _problem(status: HTTPStatus, kinds: Sequence[ProblemKind], made: Call, of_type: dict[int, Any]) -> dict[str, Any]:
    is_sure = SEAL_BROKEN not in kinds  # a person must look, so that waiting is of no use
    header = _header(*_HEADERS[status], is_required=is_sure) if status in _HEADERS else None
    narrower: dict[str, Any] = {
        "status": {"const": status.value},
        "code": {"enum": [kind.code for kind in kinds]},
        "type": {"enum": [kind.type for kind in kinds]},
    }
    required = ["code"]
    if REFUSED in kinds:
        narrower["reason"] = {"enum": sorted(made.reasons)}
        required = ["code", "reason"]
    schema = {"allOf": [of_type[id(ProblemDetails)], {"properties": narrower, "required": required}]}
    return {
        "description": "; ".join(kind.title for kind in kinds) + ".",
        **({"headers": dict([header])} if header is not None else {}),
        "content": {PROBLEM_JSON: {"schema": schema}},
    }


def _header(name: str, meaning: str, *, is_required: bool = True) -> tuple[str, dict[str, Any]]:
    return name, {"description": meaning, "required": is_required, "schema": {"type": "string"}}


def _closed(schema: Any) -> Any:  # noqa: ANN401  # any JSON value
    """*schema*, with objects that have no other fields than those it names."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(value) for name, value in schema.items()}
    if closed.get("type") == "object" and "properties" in closed:
        closed.setdefault("additionalProperties", False)
    return closed
