"""What is particular to 389 Directory Server in the settings of a source."""

from datetime import timedelta

from controller.capture.entries import CapturedEntries
from controller.connectors.ldap.endpoint import LdapUrl
from controller.model.duration import PositiveDuration
from controller.model.options import LdapEndpoint


class Ds389Spec(CapturedEntries, LdapEndpoint):
    """How the Retro Changelog is read.

    Attributes:
        every: How often the log is looked at: for so long a new password stands there in clear.
    """

    url: LdapUrl
    every: PositiveDuration = timedelta(seconds=2)
