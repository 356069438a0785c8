"""Kind Domain: a Windows domain, who may report its changes, and how its directory is reached."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema

from controller.manifests.v1.document import Described, Manifest, NonEmpty
from controller.model.accounts import WindowsAccount
from controller.model.errors import InvalidInput
from controller.model.options import LdapEndpoint, Options, Unfit
from controller.model.topology import Domain, DomainDirectory, Source, SourceType


def _netbios(name: str) -> str:
    try:
        domain = WindowsAccount.parse(f"{name}\\x").domain
    except InvalidInput:
        raise Unfit(
            f"{name!r} is not a NetBIOS domain name", hint="at most 15 characters, as in CORP, not the DNS name"
        ) from None
    if domain != name:
        raise Unfit(f"{name!r} is not in upper case", hint=f"write {domain!r}")
    return name


NetBiosName = Annotated[
    str, AfterValidator(_netbios), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 15})
]
"""The NetBIOS name of a domain, in upper case."""


class DomainMetadata(Described):
    """Metadata of a Domain."""

    name: NetBiosName


class SourceSpec(Options):
    """Who may report changes of the domain: the name of an API token or client certificate, and what it is."""

    principal: NonEmpty
    type: SourceType = "domainController"


class DirectorySpec(LdapEndpoint):
    """The domain's Active Directory."""

    base_dn: NonEmpty = Field(alias="baseDN")

    def compile(self) -> DomainDirectory:
        """Return the model object."""
        endpoint = LdapEndpoint(url=self.url, ca_file=self.ca_file, start_tls=self.start_tls, bind=self.bind)
        return DomainDirectory(endpoint, self.base_dn)

    @classmethod
    def of_directory(cls, directory: DomainDirectory) -> Self:
        """Return the spec that compiles to *directory*."""
        return cls(**dict(directory.endpoint), base_dn=directory.base_dn)


class DomainSpec(Options):
    """The spec of a Domain."""

    dns_name: NonEmpty
    sources: list[SourceSpec] = Field(default_factory=list)
    directory: DirectorySpec | None = None
    password_change: Literal["change", "reset"] = "change"  # noqa: S105  # a way of changing, not a password

    def compile(self) -> Domain:
        """Return the model object."""
        return Domain(
            dns_name=self.dns_name,
            sources=tuple(Source(source.principal, source.type) for source in self.sources),
            directory=self.directory.compile() if self.directory is not None else None,
            password_change=self.password_change,
        )

    @classmethod
    def of(cls, domain: Domain) -> Self:
        """Return the spec that compiles to *domain*."""
        return cls(
            dns_name=domain.dns_name,
            sources=[SourceSpec(principal=source.principal, type=source.type) for source in domain.sources],
            directory=DirectorySpec.of_directory(domain.directory) if domain.directory is not None else None,
            password_change=domain.password_change,
        )


class DomainManifest(Manifest):
    r"""A Windows domain. Its name is the NetBIOS name: accounts are CORP\alice."""

    kind: Literal["Domain"]
    metadata: DomainMetadata
    spec: DomainSpec
