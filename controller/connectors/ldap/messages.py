"""What is sent to a directory and what comes back, free of ldap3's types (RFC 4511)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Literal

from pydantic.alias_generators import to_camel


class Code(IntEnum):
    """Result codes that mean something to us (RFC 4511 appendix A)."""

    SUCCESS = 0
    OPERATIONS_ERROR = 1
    PROTOCOL_ERROR = 2
    TIME_LIMIT_EXCEEDED = 3
    SIZE_LIMIT_EXCEEDED = 4
    AUTH_METHOD_NOT_SUPPORTED = 7
    STRONGER_AUTH_REQUIRED = 8
    REFERRAL = 10
    ADMIN_LIMIT_EXCEEDED = 11
    UNAVAILABLE_CRITICAL_EXTENSION = 12
    CONFIDENTIALITY_REQUIRED = 13
    NO_SUCH_ATTRIBUTE = 16
    UNDEFINED_ATTRIBUTE_TYPE = 17
    CONSTRAINT_VIOLATION = 19
    INVALID_ATTRIBUTE_SYNTAX = 21
    NO_SUCH_OBJECT = 32
    INVALID_DN_SYNTAX = 34
    INAPPROPRIATE_AUTHENTICATION = 48
    INVALID_CREDENTIALS = 49
    INSUFFICIENT_ACCESS_RIGHTS = 50
    BUSY = 51
    UNAVAILABLE = 52
    UNWILLING_TO_PERFORM = 53
    OBJECT_CLASS_VIOLATION = 65
    OTHER = 80


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of one request.

    Attributes:
        code: The result code; any number, known to ``Code`` or not.
        words: The diagnostic message, as sent.
        controls: Values of response controls, by OID.
    """

    code: int
    words: str = ""
    controls: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def is_success(self) -> bool:
        """Whether the directory did what was asked."""
        return self.code == Code.SUCCESS

    @property
    def name(self) -> str:
        """The code's name, spelt as in RFC 4511, or its number."""
        return next((to_camel(code.name.lower()) for code in Code if code == self.code), f"result {self.code}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry found. Attribute names are in lower case, values are bytes as sent."""

    dn: str
    attributes: Mapping[str, Sequence[bytes]]

    def text(self, attribute: str) -> str | None:
        """The first value of an attribute as text; None when it has none, or none that is UTF-8."""
        values = self.attributes.get(attribute.lower(), ())
        try:
            return values[0].decode("utf-8") if values else None
        except UnicodeDecodeError:
            return None


@dataclass(frozen=True, slots=True)
class Modification:
    """One part of a modify request; its value may be a password and is not represented."""

    operation: Literal["add", "delete", "replace"]
    attribute: str
    value: bytes = field(repr=False)
