"""Where a store stands: its URL, read once, and shown without what is secret in it."""

from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from controller.model.errors import SettingsError

_HINT = "write sqlite:////path/to/pwsync.db or postgresql+psycopg://user@host/database"
_ENGINES = frozenset({"sqlite", "postgresql"})


@dataclass(frozen=True, slots=True)
class Location:
    """A database URL of one of the two engines.

    Attributes:
        url: With its password; handed to the engine only.
        file: Of an SQLite database; None for PostgreSQL.
    """

    url: URL = field(repr=False)
    file: Path | None

    @classmethod
    def parse(cls, text: str) -> "Location":
        """Read a database URL.

        Raises:
            SettingsError: Not a URL, or of an engine that is no store. The message never shows the URL, which may
                hold a password.
        """
        url = _parsed(text)
        match url.get_backend_name():
            case "sqlite" if url.get_driver_name() == "pysqlite" and not (url.query or url.host or url.username):
                return cls(url, _file_of(url))
            case "postgresql" if url.get_driver_name() == "psycopg":
                return cls(url, None)
            case _:
                raise SettingsError(
                    f"the database URL ({url.drivername}) names an engine, or has parts, that a store cannot use",
                    hint=_HINT,
                )

    def __str__(self) -> str:
        if self.file is not None:
            return f"SQLite database {self.file}"
        return f"PostgreSQL database {self.url.set(query={}).render_as_string(hide_password=True)}"

    def without_secrets(self, words: str) -> str:
        """*words* of a driver, on one line, without this URL's passwords."""
        line = " ".join(words.split())
        secrets = [self.url.password, *(v for k, v in self.url.query.items() if "password" in k)]
        for secret in secrets:
            if isinstance(secret, str) and secret:
                line = line.replace(secret, "***")
        return line


def _parsed(text: str) -> URL:
    try:
        url = make_url(text)
        if url.get_backend_name() not in _ENGINES:
            raise SettingsError(f"{url.get_backend_name()} is no engine that a store can use", hint=_HINT)
        url.get_dialect().import_dbapi()
    except (ArgumentError, ValueError):
        raise SettingsError("the database URL cannot be read", hint=_HINT) from None  # its text may hold a password
    except ImportError as error:
        raise SettingsError(
            f"the driver for this database is not installed: {error.name or 'unknown'}",
            hint="pip install 'pwsync[postgresql]' brings the one for PostgreSQL",
        ) from None
    return url


def _file_of(url: URL) -> Path:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise SettingsError("the database URL names no file; a store must be durable", hint=_HINT)
    return Path(url.database).absolute()
