"""The password policy of OpenLDAP's overlay ppolicy: an entry of class ``pwdPolicy`` (slapo-ppolicy(5), draft-behera).

Which entry it is stands in the account's ``pwdPolicySubentry``; for accounts without one, in the overlay's
configuration (``olcPPolicyDefault``), which few service accounts may read. A manifest can name it: ``policyDN``.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from controller.connectors.ldap.codes import PASSWORD_POLICY
from controller.connectors.ldap.messages import Entry
from controller.model.constraints import Constraints
from controller.model.errors import ChannelRefused, PolicyUnknown
from controller.model.policy import PasswordPolicy

if TYPE_CHECKING:
    from controller.connectors.ldap.session import Session

POLICY_SUBENTRY = "pwdPolicySubentry"
_ATTRIBUTES = (
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
_CONFIGURATION = "cn=config"
_DECLARE = "name the entry of the policy in spec.connector.policyDN, and let the service account read it"
_OWN_POLICIES = "accounts with a pwdPolicySubentry of their own are not looked at"
_CHECKED_BY_MODULE = "a module of the directory (pwdCheckModule) looks at each password too"


def read_subentry_policy(session: "Session", declared: str | None, account: Entry | None) -> PasswordPolicy | None:
    """Read the policy that applies to *account*, else the default one; None when the directory knows no policies.

    Args:
        session: To the directory.
        declared: The entry of the default policy, as the manifest names it.
        account: With ``pwdPolicySubentry``; None when no account is asked about.

    Raises:
        PolicyUnknown: Which entry it is cannot be found out, or it may not be read.
    """
    own = account.text(POLICY_SUBENTRY) if account is not None else None
    dn = own or declared or _default(session)
    if dn is None and not _has_policies(session):
        return None
    if dn is None:
        raise PolicyUnknown(
            f"{session}: the directory has password policies, but does not tell which is the default", hint=_DECLARE
        )
    entry = session.read(dn, _ATTRIBUTES)
    if entry is None or b"pwdpolicy" not in {value.lower() for value in entry.attributes.get("objectclass", ())}:
        raise PolicyUnknown(f"{session}: the password policy {dn} is not there, or cannot be read", hint=_DECLARE)
    return _policy(dn, entry, () if account is not None else (_OWN_POLICIES,))


def _default(session: "Session") -> str | None:
    """What the configuration names as default; None when it may not be read, or several databases name one each."""
    try:
        found = session.find(_CONFIGURATION, "(olcPPolicyDefault=*)", ["olcPPolicyDefault"], limit=2)
    except ChannelRefused:
        return None
    return found[0].text("olcPPolicyDefault") if len(found) == 1 else None


def _has_policies(session: "Session") -> bool:
    root = session.read("", ["supportedControl"])
    return root is None or PASSWORD_POLICY.encode() in root.attributes.get("supportedcontrol", ())


def _policy(dn: str, entry: Entry, notes: tuple[str, ...]) -> PasswordPolicy:
    checks = bool(_number(entry, "pwdCheckQuality"))  # without it, OpenLDAP looks at no length (slapo-ppolicy(5))
    uses_module = checks and (entry.text("pwdCheckModule") is not None or entry.text("pwdUseCheckModule") == "TRUE")
    return PasswordPolicy(
        dn,
        Constraints(
            min_bytes=_number(entry, "pwdMinLength") if checks else None,  # OpenLDAP counts bytes
            max_bytes=_number(entry, "pwdMaxLength") if checks else None,
        ),
        _number(entry, "pwdInHistory") or 0,
        timedelta(seconds=_number(entry, "pwdMinAge") or 0),
        (*notes, *([_CHECKED_BY_MODULE] if uses_module else [])),
        timedelta(seconds=_number(entry, "pwdMaxAge") or 0),
    )


def _number(entry: Entry, attribute: str) -> int | None:
    """A number of the entry; 0 means the same as none there."""
    text = entry.text(attribute)
    return int(text) or None if text is not None and text.isascii() and text.isdigit() else None
