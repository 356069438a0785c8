"""What is particular to RACF in the settings of a source."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from controller.capture.entries import BaseDn
from controller.capture.racf.changelog import Kind
from controller.connectors.ldap.endpoint import LdapUrl
from controller.manifests.v1.document import NonEmpty
from controller.model.duration import PositiveDuration
from controller.model.options import FilePath, LdapEndpoint, SecretReference

Kinds = Annotated[list[Annotated[Kind, Field(strict=False)]], Field(min_length=1)]


class RacfSpec(LdapEndpoint):
    """How the change log and the envelopes are read.

    Attributes:
        suffix: Of the back end SDBM, as in the connector ``racf``.
        private_key_from: Opens the envelopes: PEM, without a passphrase.
        certificate_file: Of that key, as it stands in RACF's key ring IRR.PWENV.KEYRING.
        signer_file: RACF's own certificate of that ring; several while it is renewed.
        kinds: Which of the two are captured.
        expired: What happens to passwords that the user must change at the next logon.
        accept_md5: Whether signatures with MD5 count: RACF makes them unless told otherwise.
        skip_changes_by: User IDs with which the controller's adapters write into this RACF.
        every: How often the log is looked at.
    """

    url: LdapUrl
    suffix: BaseDn
    private_key_from: SecretReference
    certificate_file: FilePath
    signer_file: FilePath
    kinds: Kinds = Field(default_factory=lambda: list(Kind))
    expired: Literal["leaveOut", "report"] = "leaveOut"
    accept_md5: bool = Field(default=False, alias="acceptMD5")
    skip_changes_by: list[NonEmpty] = Field(default_factory=list)
    every: PositiveDuration = timedelta(seconds=10)
