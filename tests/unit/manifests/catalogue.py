"""A catalogue of connector types for tests: their options are real, nothing behind them is."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field

from controller.model.constraints import Capabilities
from controller.model.errors import NotFound, SettingsError
from controller.model.options import FilePath, LdapEndpoint, Options, SecretReference
from controller.ports.connectors import Connector, ConnectorType, ResolveSecret


class RacfOptions(LdapEndpoint):
    suffix: str
    mixed_case: bool = False
    no_expired: bool = True


class HtpasswdOptions(Options):
    file: FilePath
    scheme: Literal["bcrypt", "argon2id"] = "bcrypt"


class ByTable(Options):
    by: Literal["table"] = "table"
    table: str


class ByRoles(Options):
    by: Literal["roles"] = "roles"
    product: str = "postgresql"


class ChoiceOptions(Options):
    """A union whose tag is a default, a field without limits, and a default that None overrides."""

    target: ByTable | ByRoles = Field(default=ByRoles(), discriminator="by")
    anything: Any = None
    timeout: int | None = 30
    password_from: SecretReference | None = None


class Tree(Options):
    """A model that contains itself."""

    name: str
    children: list["Tree"] = Field(default_factory=list)


class Unstorable(Options):
    """Options whose JSON does not read back."""

    raw: Any = Field(default=None, exclude=True)


class FakeType:
    def __init__(self, name: str, options: type[BaseModel]) -> None:
        self.name = name
        self.options = options

    def capabilities(self, options: Any) -> Capabilities:
        del options
        return Capabilities()

    def connect(self, options: Any, resolve: ResolveSecret) -> Connector:
        del options, resolve
        raise SettingsError("tests of manifests reach for no system")


class FakeCatalogue:
    """The catalogue."""

    types: ClassVar[dict[str, type[BaseModel]]] = {
        "racf": RacfOptions,
        "htpasswd": HtpasswdOptions,
        "choice": ChoiceOptions,
        "tree": Tree,
        "unstorable": Unstorable,
        "remote": Options,
    }

    def names(self) -> Sequence[str]:
        return sorted(self.types)

    def get(self, name: str) -> ConnectorType:
        if name not in self.types:
            raise NotFound(f"there is no connector type {name!r}")
        return FakeType(name, self.types[name])
