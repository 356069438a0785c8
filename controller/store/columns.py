"""Column types that behave alike on SQLite and PostgreSQL."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Dialect, Integer, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from controller.model.errors import InvalidInput

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """A point in time as whole microseconds since 1970 in UTC: exact, and ordered alike on both engines."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002  # SQLAlchemy's signature
        """Turn an aware time into microseconds."""
        return None if value is None else (value - EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's signature
        """Turn microseconds into an aware time in UTC."""
        return None if value is None else EPOCH + timedelta(microseconds=value)


def storable(text: str) -> str:
    """*text* as it can be stored: U+FFFD for NUL, and a question mark for a lone surrogate."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


class Prose(TypeDecorator[str]):
    """Words for a person, from any source.

    Active Directory ends its diagnostic messages with NUL, which PostgreSQL takes in no text; such characters
    become U+FFFD. Only for text that nothing is looked up by.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002  # SQLAlchemy's signature
        """Replace what cannot be stored."""
        return None if value is None else storable(value)


class Name(TypeDecorator[str]):
    """Text that things are looked up by: compared and ordered by code point, as Python orders str."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Whatever the locale of a PostgreSQL database is; SQLite compares bytes anyway."""
        return Text(collation="C") if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002  # SQLAlchemy's signature
        """Refuse on both engines what only one of them could store.

        Raises:
            InvalidInput: The text has NUL or a lone surrogate.
        """
        if value is not None and ("\x00" in value or not (value.isascii() or _is_unicode(value))):
            raise InvalidInput(f"{value!r} has characters that no name may have", hint="remove NUL and lone surrogates")
        return value


def _is_unicode(value: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in value)


def serial() -> TypeEngine[Any]:
    """A number that the database gives; SQLite counts only in a column of type INTEGER."""
    return BigInteger().with_variant(Integer(), "sqlite")
