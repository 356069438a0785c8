"""Bodies of requests: bounded, strict JSON. Nothing that a caller sent is ever repeated in an error."""

import base64
import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from anyio import fail_after
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError
from pydantic.alias_generators import to_camel
from starlette.requests import Request

from controller.model.errors import InvalidInput
from controller.model.secret import Secret
from controller.web.problem import BadRequest
from controller.web.problem_kinds import MALFORMED, TOO_LARGE, TOO_SLOW, UNSUPPORTED_MEDIA_TYPE
from controller.web.terms import (
    EXTERNAL_ACCOUNT,
    INSTANT,
    NEW_PASSWORD,
    OLD_PASSWORD,
    SEALED_PASSWORD,
    WINDOWS_ACCOUNT,
)

MAX_BODY_SIZE = 64 * 1024
BODY_SECONDS = 15
"""How long a caller may take to send a body."""
_MEDIA_TYPE = re.compile(r'application/json *(; *charset *= *"?utf-8"? *)?', re.IGNORECASE | re.ASCII)
_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)  # section 5.6; the offset is not optional


def _secret(value: object) -> Secret:
    if not isinstance(value, str):
        raise ValueError("not text")  # noqa: TRY004  # pydantic takes ValueError alone
    return Secret(value)


def _base64(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError("not text")  # noqa: TRY004  # as above
    return base64.b64decode(value, validate=True)


def instant_of(value: object) -> datetime:
    """Read an RFC 3339 time with its offset.

    Raises:
        ValueError: It is none.
    """
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise ValueError("not an RFC 3339 time")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except OverflowError:
        raise ValueError("outside of the calendar") from None


def _whole(value: object) -> object:
    """JSON has one kind of number: 2.0 is a whole one (JSON Schema says so too)."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_TEXT = "text"
_BASE64 = "base64 of what the capture key has sealed"
_INSTANT = "an RFC 3339 time with its offset, for example 2025-01-31T08:15:00Z"
NewPassword = Annotated[Secret, PlainValidator(_secret), NEW_PASSWORD]
OldPassword = Annotated[Secret, PlainValidator(_secret), OLD_PASSWORD]
SealedPassword = Annotated[bytes, PlainValidator(_base64), SEALED_PASSWORD]
Instant = Annotated[datetime, PlainValidator(instant_of), INSTANT]
ErrorCode = Annotated[int, Field(ge=-(2**31), lt=2**32), BeforeValidator(_whole)]
Message = Annotated[str, Field(max_length=1000)]
_ERROR_CODE = "a whole number of 32 bits"
_MESSAGE = "text of at most 1000 characters"


class Body(BaseModel):
    """Base of all bodies: camelCase, unknown fields refused, nothing converted.

    The description of a field says, in an error, what it must be.
    """

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        alias_generator=to_camel,
        arbitrary_types_allowed=True,
        hide_input_in_errors=True,
    )


class WindowsReport(Body):
    """A change that a source of a domain reports."""

    account: Annotated[str, WINDOWS_ACCOUNT] = Field(description=_TEXT)
    password: NewPassword = Field(description=_TEXT)
    occurred_at: Instant | None = Field(default=None, description=_INSTANT)


class ExternalReport(Body):
    """A change that an adapter reports."""

    account: Annotated[str, EXTERNAL_ACCOUNT] = Field(description=_TEXT)
    password: NewPassword = Field(description=_TEXT)
    occurred_at: Instant | None = Field(default=None, description=_INSTANT)
    old_password: OldPassword | None = Field(default=None, description=_TEXT)


class CapturedWindowsReport(Body):
    """A change that an agent has sealed where it was captured, of an account of a domain."""

    account: Annotated[str, WINDOWS_ACCOUNT] = Field(description=_TEXT)
    sealed_password: SealedPassword = Field(description=_BASE64)
    occurred_at: Instant = Field(description=_INSTANT)


class CapturedExternalReport(Body):
    """A change that an agent has sealed where it was captured, of an account of an adapter's system."""

    account: Annotated[str, EXTERNAL_ACCOUNT] = Field(description=_TEXT)
    sealed_password: SealedPassword = Field(description=_BASE64)
    occurred_at: Instant = Field(description=_INSTANT)


class CompletionReport(Body):
    """What a remote adapter answers to a notification."""

    error_code: ErrorCode = Field(description=_ERROR_CODE)
    message: Message = Field(default="", description=_MESSAGE)
    account: str = Field(default="", description=_TEXT)


class AdapterStatus(Body):
    """What a remote adapter says of itself."""

    online: bool = Field(description="true or false")
    error_code: ErrorCode = Field(default=0, description=_ERROR_CODE)
    message: Message = Field(default="", description=_MESSAGE)


class ExpirationReport(Body):
    """An account whose password has expired."""

    account: Annotated[str, EXTERNAL_ACCOUNT] = Field(description=_TEXT)


BodyType = TypeVar("BodyType", bound=Body)


async def read_body(request: Request, model: type[BodyType]) -> BodyType:
    """Read a request's body as *model*.

    Raises:
        BadRequest: Not JSON by its type, too large, too slow, or not a JSON object.
        InvalidInput: A field is missing, unknown or of the wrong type; names every such field, and no value.
    """
    _check_headers(request)
    return fields_of(model, json_object(await _bytes_of(request)))


def _check_headers(request: Request) -> None:
    if not _MEDIA_TYPE.fullmatch(request.headers.get("Content-Type", "").strip()):
        raise BadRequest(
            UNSUPPORTED_MEDIA_TYPE,
            "the body is not declared as JSON",
            hint="send 'Content-Type: application/json'; the encoding is always UTF-8",
        )
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise BadRequest(UNSUPPORTED_MEDIA_TYPE, "the body is compressed")
    try:
        is_too_large = int(request.headers.get("Content-Length", "0")) > MAX_BODY_SIZE
    except ValueError:
        raise BadRequest(MALFORMED, "the Content-Length is not a number") from None
    if is_too_large:
        raise _too_large()


async def _bytes_of(request: Request) -> bytes:
    body = bytearray()
    try:
        with fail_after(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY_SIZE:
                    raise _too_large()
    except TimeoutError:
        raise BadRequest(TOO_SLOW, f"the body did not arrive within {BODY_SECONDS} seconds") from None
    return bytes(body)


def _too_large() -> BadRequest:
    return BadRequest(TOO_LARGE, f"the body is larger than {MAX_BODY_SIZE // 1024} KiB")


class _DuplicateKeyError(ValueError):
    """An object names a key twice."""


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise _DuplicateKeyError
    return names


def _refuse_constant(_: str) -> None:
    raise ValueError("NaN and Infinity are not JSON (RFC 8259 section 6)")


def json_object(body: bytes) -> dict[str, Any]:
    """Read a JSON object in UTF-8, strictly by RFC 8259.

    Raises:
        BadRequest: It is something else, or names a key twice.
    """
    detail = "the body is not a JSON object"
    try:
        parsed = json.loads(
            body.decode("utf-8"), object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant
        )
        if isinstance(parsed, dict):
            return parsed
    except _DuplicateKeyError:
        detail = "the body names a field twice"
    except (ValueError, RecursionError):
        detail = "the body is not JSON in UTF-8"
    # raised out here, since the parser's own error carries the whole body
    raise BadRequest(MALFORMED, detail)


def fields_of(model: type[BodyType], body: dict[str, Any]) -> BodyType:
    """Check the fields of a body.

    Raises:
        InvalidInput: A field is missing, unknown or of the wrong type; names every such field, and no value.
    """
    known = {f.alias or name: f.description for name, f in model.model_fields.items()}
    if not body.keys() <= known.keys():
        raise InvalidInput("the body has a field that is not known", hint=f"it may have {', '.join(known)}")
    try:
        return model.model_validate(body)
    except ValidationError as error:
        wrong = sorted({(str(e["loc"][0]), e["type"] == "missing") for e in error.errors(include_input=False)})
    # raised out here, since pydantic's own error carries the input
    raise InvalidInput("; ".join(_complaints(wrong, known)))


def _complaints(wrong: Iterable[tuple[str, bool]], known: dict[str, str | None]) -> Iterable[str]:
    return (f"{name} is missing" if is_missing else f"{name} must be {known[name]}" for name, is_missing in wrong)
