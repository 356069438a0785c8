"""The values that requests and answers are made of, as types with their JSON Schema."""

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from controller.model.accounts import MAX_ACCOUNT_LENGTH
from controller.model.secret import MAX_PASSWORD_LENGTH

_CONTROLS = r"\x00-\x1f\x7f"
_SPACES = r"\s\x85"  # what str.strip() takes away beside control characters
_END = r"$(?!\n)"  # in some dialects $ alone lets a line feed follow
_INNER, _OUTER = f"[^{_CONTROLS}]", f"[^{_CONTROLS}{_SPACES}]"
_WINDOWS_DOMAIN = r"[A-Za-z0-9][A-Za-z0-9!@#$%^&()_'{}.~-]{0,14}"
_WINDOWS_NAME = rf'[^"/\\\[\]:;|=,+*?<>@{_CONTROLS}\u0130\u212a]{{1,{MAX_ACCOUNT_LENGTH}}}'


def _text(pattern: str, description: str, **others: Any) -> WithJsonSchema:  # any JSON value
    return WithJsonSchema({"type": "string", "pattern": pattern, "description": description, **others})


def _secret(description: str) -> WithJsonSchema:
    length = {"minLength": 1, "maxLength": MAX_PASSWORD_LENGTH}
    return WithJsonSchema({"type": "string", "format": "password", **length, "description": description})


WINDOWS_ACCOUNT = _text(
    rf"^{_WINDOWS_DOMAIN}\\{_WINDOWS_NAME}{_END}",
    r"`DOMAIN\user`, in any case; the domain is that of the path. Built-in accounts are refused.",
    examples=["CORP\\alice"],
)
EXTERNAL_ACCOUNT = _text(
    rf"^{_OUTER}({_INNER}*{_OUTER})?{_END}",
    "As the external system writes it, without space around it.",
    maxLength=MAX_ACCOUNT_LENGTH,
    minLength=1,
    examples=["ALICE1"],
)
NEW_PASSWORD = _secret("The new password, taken exactly as sent.")
OLD_PASSWORD = _secret("The password before, for adapters that verify it.")
SEALED_PASSWORD = _text(
    rf"^([A-Za-z0-9+/]{{4}})+([A-Za-z0-9+/]{{2}}==|[A-Za-z0-9+/]{{3}}=)?{_END}",
    "The new password, sealed to the public key that `pwsync secret capture-key` prints (decision 0042), for the "
    "account as `account` spells it; in base64.",
)
INSTANT = _text(
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})" + _END,
    "RFC 3339, with an offset.",
    format="date-time",
)
Time = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time", "description": "RFC 3339, in UTC."})]
TrackingId = Annotated[
    str, Field(pattern=r"^[0-9A-Za-z-]{1,64}$", description="Follows the change through everything that it causes.")
]
SessionId = Annotated[str, Field(min_length=1, max_length=64, description="The session of a remote adapter.")]
DomainName = Annotated[str, Field(min_length=1, description="NetBIOS name of a Windows domain, in any case.")]
ObjectName = Annotated[str, Field(min_length=1, description="Name of the adapter, or of the object.")]
KindWord = Annotated[
    str,
    Field(min_length=1, description="A kind of objects, in any case, singular or plural.", examples=["mappings"]),
]
DeliveryId = Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{1,64}$", description="`id` of a delivery, as lists tell it.")]
ApplicationName = Annotated[str, Field(min_length=1, description="Name of an application.")]
AccountName = Annotated[str, Field(min_length=1, description=r"An external account, or `DOMAIN\user`.")]
FilterText = Annotated[str, Field(min_length=1, max_length=600, pattern=r"^[^\x00]+$")]
Moment = Annotated[str, INSTANT]
PATH_PARAMETERS: dict[str, Any] = {
    "domain": DomainName,
    "name": ObjectName,
    "kind": KindWord,
    "application": ApplicationName,
    "account": AccountName,
    "trackingId": TrackingId,
    "delivery": DeliveryId,
}
"""What may stand in paths, by its name there."""
