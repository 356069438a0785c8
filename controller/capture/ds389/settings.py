"""What is particular to 389 Directory Server in the settings of a source."""

from datetime import timedelta
from typing import Literal

from pydantic import Field

from controller.connectors.ldap.endpoint import LdapUrl
from controller.manifests.v1.document import NonEmpty
from controller.model.duration import PositiveDuration
from controller.model.options import LdapEndpoint

Scope = Literal["oneLevel", "subtree"]
"""How far below ``baseDN`` accounts stand."""


class Ds389Spec(LdapEndpoint):
    """How the Retro Changelog is read.

    Attributes:
        account_attribute: The attribute of the first part of an entry's DN that is the account's name.
        base_dn: Entries elsewhere are passed over.
        scope: Whether entries further below are captured: whoever may make one there may give it any account's name.
        every: How often the log is looked at: for so long a new password stands there in clear.
    """

    url: LdapUrl
    account_attribute: NonEmpty = "uid"
    base_dn: NonEmpty = Field(alias="baseDN")
    scope: Scope = "oneLevel"
    every: PositiveDuration = timedelta(seconds=2)
