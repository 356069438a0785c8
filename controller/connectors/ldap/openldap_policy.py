"""OpenLDAP's overlay ppolicy: entries of class ``pwdPolicy`` (slapo-ppolicy(5), draft-behera).

The default one stands in the overlay's configuration (``olcPPolicyDefault``).
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from controller.connectors.ldap.messages import Entry
from controller.connectors.ldap.policy_entry import has_class, number
from controller.model.constraints import Constraints
from controller.model.errors import ChannelRefused
from controller.model.policy import PasswordPolicy

if TYPE_CHECKING:
    from controller.connectors.ldap.session import Session

_CONFIGURATION = "cn=config"
_CHECKED_BY_MODULE = "a module of the directory (pwdCheckModule) looks at each password too"


class OpenLdapPolicies:
    """Policies of the overlay, and of directories that keep them in the same way."""

    attributes = (
        "objectClass",
        "pwdCheckQuality",
        "pwdMinLength",
        "pwdMaxLength",
        "pwdInHistory",
        "pwdMinAge",
        "pwdMaxAge",
        "pwdCheckModule",
        "pwdUseCheckModule",
    )
    remedy = "name the entry of the policy in spec.connector.policyDN, and let the service account read it"

    def are_own_in_force(self, session: "Session") -> bool:  # noqa: ARG002  # as Policies
        """Always."""
        return True

    def default(self, session: "Session") -> str | None:
        """What the configuration names; None when it may not be read, or several databases name one each."""
        try:
            found = session.find(_CONFIGURATION, "(olcPPolicyDefault=*)", ["olcPPolicyDefault"], limit=2)
        except ChannelRefused:
            return None
        return found[0].text("olcPPolicyDefault") if len(found) == 1 else None

    def is_policy(self, entry: Entry) -> bool:
        """By its object class."""
        return has_class(entry, "pwdPolicy")

    def policy(self, dn: str, entry: Entry, notes: tuple[str, ...]) -> PasswordPolicy:
        """Read it: without pwdCheckQuality, OpenLDAP looks at no length (slapo-ppolicy(5))."""
        checks = bool(number(entry, "pwdCheckQuality"))
        uses_module = checks and (entry.text("pwdCheckModule") is not None or entry.text("pwdUseCheckModule") == "TRUE")
        return PasswordPolicy(
            dn,
            Constraints(
                min_bytes=number(entry, "pwdMinLength") if checks else None,  # OpenLDAP counts bytes
                max_bytes=number(entry, "pwdMaxLength") if checks else None,
            ),
            number(entry, "pwdInHistory") or 0,
            timedelta(seconds=number(entry, "pwdMinAge") or 0),
            (*notes, *([_CHECKED_BY_MODULE] if uses_module else [])),
            timedelta(seconds=number(entry, "pwdMaxAge") or 0),
        )
