"""Options of the ``sql`` connector and what follows from them: the URL, and the hash scheme."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, model_validator
from sqlalchemy import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from controller.connectors.hashing import Argon2id, Bcrypt, Pbkdf2Sha256, Scheme, SchemeName
from controller.model.errors import SettingsError
from controller.model.options import Options, SecretReference
from controller.ports.connectors import ResolveSecret

Roles = Literal["postgresql", "mariadb"]
_PASSWORD_KEY = re.compile("pass(?!file)|pwd|secret|token", re.IGNORECASE)
_PASSWORD_VALUE = re.compile(r"(password|passwd|pwd)\s*=", re.IGNORECASE)
"""As in the connection strings of ODBC and libpq, which some drivers take inside a URL."""
_IDENTIFIER = r"^[A-Za-z_][A-Za-z0-9_]*$"
_TABLE = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$"


def parse_url(text: str) -> URL:
    """Read a database URL.

    Raises:
        ValueError: It cannot be used; the message never quotes it, since it may hold a password.
    """
    try:
        url = make_url(text)
        dialect = url.get_dialect()
    except (SQLAlchemyError, ValueError):
        url = None
    if url is None:  # raised outside of the handler: its error quotes the URL
        raise ValueError("not a database URL of a known kind, such as postgresql+psycopg://host/database")
    if dialect.is_async:
        raise ValueError("the driver is asynchronous; name a synchronous one, such as postgresql+psycopg://")
    if url.get_backend_name() == "sqlite":
        _check_sqlite(url)
    return url


def _check_sqlite(url: URL) -> None:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise ValueError("sqlite needs the path of a file: sqlite:///relative.db or sqlite:////absolute.db")


def _checked(text: str, info: ValidationInfo) -> str:
    url = parse_url(text)
    if url.password is not None or _holds_password(url):
        raise ValueError("the url holds a password: write urlFrom: {env: NAME} or urlFrom: {file: PATH} instead")
    folder = (info.context or {}).get("folder")
    if folder is None or url.get_backend_name() != "sqlite":
        return text
    path = (Path(folder) / Path(url.database or "").expanduser()).resolve()
    return url.set(database=str(path)).render_as_string(hide_password=False)


def _holds_password(url: URL) -> bool:
    values = [url.database or "", *(text for texts in url.normalized_query.values() for text in texts)]
    return any(map(_PASSWORD_KEY.search, url.query)) or any(map(_PASSWORD_VALUE.search, values))


def _expect_driver(roles: Roles, url: URL) -> None:
    driver = _DRIVERS[roles]
    if url.get_backend_name() not in driver.backends or url.get_driver_name() != driver.name:
        raise ValueError(f"roles: {roles} needs a url of the form {driver.example}")


@dataclass(frozen=True, slots=True)
class _Driver:
    """What speaks to the databases whose logins are changed."""

    name: str
    backends: frozenset[str]
    example: str


_DRIVERS: dict[Roles, _Driver] = {
    "postgresql": _Driver("psycopg", frozenset({"postgresql"}), "postgresql+psycopg://user@host/database"),
    "mariadb": _Driver("pymysql", frozenset({"mysql", "mariadb"}), "mariadb+pymysql://user@host"),
}


class SqlOptions(Options):
    """``spec.connector`` of type ``sql``."""

    url: Annotated[str, AfterValidator(_checked)] | None = Field(
        default=None, description="A SQLAlchemy URL without password; a sqlite file is relative to the manifest."
    )
    url_from: SecretReference | None = Field(default=None, description="Where the URL stands when it has a password.")
    table: str | None = Field(default=None, pattern=_TABLE, description="table or schema.table")
    account_column: str | None = Field(default=None, pattern=_IDENTIFIER)
    password_column: str | None = Field(default=None, pattern=_IDENTIFIER)
    scheme: SchemeName | None = None
    cost: int | None = Field(default=None, ge=4, le=15, description="Of bcrypt; 12 when absent.")
    iterations: int | None = Field(
        default=None, ge=1, le=100_000_000, description="Of pbkdf2-sha256; 600000. Of roles of PostgreSQL; 4096."
    )
    roles: Roles | None = Field(default=None, description="Instead of a table: the logins of the database itself.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.url is None) == (self.url_from is None):
            raise ValueError("give exactly one of url and urlFrom")
        of_table = {
            "table": self.table,
            "accountColumn": self.account_column,
            "passwordColumn": self.password_column,
            "scheme": self.scheme,
        }
        if self.roles is None and (missing := [name for name, value in of_table.items() if value is None]):
            raise ValueError(f"{', '.join(missing)} missing: give table, its columns and scheme; or roles")
        if self.roles is not None and (extra := [name for name, value in of_table.items() if value is not None]):
            raise ValueError(f"{', '.join(extra)} belongs to a table of accounts, which roles are not")
        if self.cost is not None and self.scheme != "bcrypt":
            raise ValueError("cost belongs to scheme: bcrypt")
        if self.iterations is not None and self.scheme != "pbkdf2-sha256" and self.roles != "postgresql":
            raise ValueError("iterations belongs to scheme: pbkdf2-sha256, or to roles: postgresql")
        if self.roles is not None and self.url is not None:
            _expect_driver(self.roles, parse_url(self.url))
        return self


def scheme_of(options: SqlOptions) -> Scheme:
    """The hash scheme with its parameters."""
    assert options.scheme is not None  # noqa: S101  # validated: there is a table
    match options.scheme:
        case "bcrypt":
            return Bcrypt() if options.cost is None else Bcrypt(options.cost)
        case "argon2id":
            return Argon2id()
        case "pbkdf2-sha256":
            return Pbkdf2Sha256() if options.iterations is None else Pbkdf2Sha256(options.iterations)


def url_of(options: SqlOptions, resolve: ResolveSecret) -> URL:
    """The URL, resolved when it is a reference.

    Raises:
        SettingsError: What is referred to is not there, or is no usable URL.
    """
    if options.url_from is None:
        return parse_url(options.url or "")
    text = resolve(options.url_from).reveal()
    try:
        url = parse_url(text)
        if options.roles is not None:
            _expect_driver(options.roles, url)
    except ValueError as error:
        raise SettingsError(f"the database URL in {options.url_from} cannot be used: {error}") from error
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_absolute():
        raise SettingsError(
            f"the sqlite file in {options.url_from} is relative", hint="write its whole path: sqlite:////srv/app.db"
        )
    return url
