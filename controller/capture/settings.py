"""The settings of the machine of a source: one YAML document of kind Capture."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from controller.capture.ds389.settings import Ds389Spec
from controller.capture.entries import CapturedEntries
from controller.capture.racf.settings import RacfSpec
from controller.manifests.explanation import explain
from controller.manifests.loading import Loader
from controller.manifests.problems import ManifestErrors, Place, Problem
from controller.manifests.source import read_file
from controller.manifests.v1.document import Metadata, NonEmpty
from controller.manifests.v1.domain import NetBiosName
from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.duration import PositiveDuration
from controller.model.options import FilePath, Options, Unfit, beside_the_manifest

WHAT = "the settings"
"""What has the problems."""


class CertificateSpec(Options):
    """A client certificate; the key may stand in the same file."""

    file: FilePath
    key_file: FilePath | None = None


def _no_address(value: object) -> object:
    if isinstance(value, str) and "://" in value:
        raise Unfit(f"{value!r} is an address", hint="give the file of ldapi, as in /run/slapd/ldapi")
    return value


class OpenLdapSpec(CapturedEntries):
    """What is particular to OpenLDAP.

    Attributes:
        socket: Where slapd's overlay ``sock`` finds the program.
        login_socket: Where slapd listens for ldapi: there the program sees whether a new password is in force.
    """

    socket: FilePath
    login_socket: Annotated[str, BeforeValidator(_no_address), AfterValidator(beside_the_manifest)]


class CaptureSpec(Options):
    """What an agent needs to know.

    Attributes:
        servers: Addresses of controllers of one installation, in the order in which they are tried.
        key_file: What ``pwsync secret capture-key`` has printed.
        spool: A folder for the user who captures alone.
        max_age: The System's maxSyncAge: how long a change is kept and tried.
        max_changes: How many changes the spool holds at most.
        exclude: Accounts that are not captured, without case.
    """

    servers: Annotated[list[NonEmpty], Field(min_length=1)]
    ca_file: FilePath | None = None
    token_file: FilePath | None = None
    certificate: CertificateSpec | None = None
    key_file: FilePath
    spool: FilePath
    domain: NetBiosName | None = None
    adapter: NonEmpty | None = None
    max_age: PositiveDuration = timedelta(hours=24)
    max_changes: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    exclude: list[NonEmpty] = Field(default_factory=list)
    openldap: OpenLdapSpec | None = None
    racf: RacfSpec | None = None
    ds389: Ds389Spec | None = None

    @model_validator(mode="after")
    def _one_owner_and_a_proof(self) -> Self:
        if (self.domain is None) == (self.adapter is None):
            raise ValueError("give exactly one of domain and adapter: whose accounts are captured")
        if (self.token_file is None) == (self.certificate is None):
            raise ValueError("give exactly one of tokenFile and certificate: how the agent proves who it is")
        if self.racf is not None and self.ds389 is not None:
            raise ValueError("give one of racf and ds389: a spool has one reader of a change log")
        return self

    @property
    def log_source(self) -> str | None:
        """The program that reads a change log into the spool; None when there is none."""
        return "racf" if self.racf is not None else "ds389" if self.ds389 is not None else None

    def account(self, name: str) -> Account:
        """The account of this name.

        Raises:
            InvalidInput: No account has such a name.
        """
        if self.domain is not None:
            return WindowsAccount.parse(f"{self.domain}\\{name}")
        return ExternalAccount.parse(self.adapter or "", name)

    def leaves_out(self, name: str) -> bool:
        """Whether this account is not to be captured."""
        return name.casefold() in {excluded.casefold() for excluded in self.exclude}


class CaptureManifest(Options):
    """Settings of capture on the machine of a source."""

    api_version: Literal["pwsync/v1"]
    kind: Literal["Capture"]
    metadata: Metadata
    spec: CaptureSpec


@dataclass(frozen=True, slots=True)
class CaptureSettings:
    """The settings, and where they stand."""

    file: Path
    spec: CaptureSpec


def read_settings(path: Path) -> CaptureSettings:
    """Read the settings at *path*.

    Raises:
        ManifestErrors: With everything that is wrong with them.
    """
    text = read_file(str(path), str(path))
    if isinstance(text, Problem):
        raise ManifestErrors([text], what=WHAT)
    loader = Loader(str(path), str(path.absolute().parent))
    documents = list(loader.documents(text))
    if loader.problems or len(documents) != 1:
        count = Problem(Place(str(path)), "not one document", "give one document of kind Capture")
        raise ManifestErrors(loader.problems or [count], what=WHAT)
    (document,) = documents
    try:
        context = {"folder": document.folder}
        manifest = CaptureManifest.model_validate(document.value, by_alias=True, by_name=False, context=context)
    except ValidationError as error:
        problems = list(explain(error, document, CaptureManifest))
    else:
        return CaptureSettings(path, manifest.spec)
    raise ManifestErrors(problems, what=WHAT)


def settings_schema() -> dict[str, Any]:
    """JSON Schema of the settings."""
    from controller.manifests.schema import schema_of

    return schema_of(CaptureManifest, "Capture")
