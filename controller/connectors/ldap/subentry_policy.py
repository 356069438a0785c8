"""The password policy of a directory: an entry that says what is asked of passwords.

Which entry it is stands in the account's ``pwdPolicySubentry``; for accounts without one, in the configuration, which
few service accounts may read. A manifest can name it: ``policyDN``. The rest is a matter of the directory's kind.
"""

from typing import TYPE_CHECKING

from controller.connectors.ldap.codes import PASSWORD_POLICY
from controller.connectors.ldap.ds389_policy import Ds389Policies
from controller.connectors.ldap.messages import Entry
from controller.connectors.ldap.openldap_policy import OpenLdapPolicies
from controller.connectors.ldap.policy_entry import POLICY_SUBENTRY, Policies
from controller.model.errors import PolicyUnknown
from controller.model.policy import PasswordPolicy

if TYPE_CHECKING:
    from controller.connectors.ldap.session import Session

_OWN_POLICIES = "accounts with a pwdPolicySubentry of their own are not looked at"
_DS389 = "389-directory/"
"""How 389 Directory Server, and Red Hat's, begin their ``vendorVersion``, without case."""


def read_subentry_policy(session: "Session", declared: str | None, account: Entry | None) -> PasswordPolicy | None:
    """Read the policy that applies to *account*, else the default one; None when the directory knows no policies.

    Args:
        session: To the directory.
        declared: The entry of the default policy, as the manifest names it.
        account: With ``pwdPolicySubentry``; None when no account is asked about.

    Raises:
        PolicyUnknown: Which entry it is cannot be found out, or it may not be read.
    """
    root = session.read("", ["supportedControl", "vendorVersion"])
    policies = _policies(root)
    own = account.text(POLICY_SUBENTRY) if account is not None and policies.are_own_in_force(session) else None
    dn = own or declared or policies.default(session)
    if dn is None and not _has_policies(root):
        return None
    if dn is None:
        raise PolicyUnknown(
            f"{session}: the directory has password policies, but does not tell which is the default",
            hint=policies.remedy,
        )
    entry = session.read(dn, policies.attributes)
    if entry is None or not policies.is_policy(entry):
        what = f"{session}: the password policy {dn} is not there, or cannot be read"
        raise PolicyUnknown(what, hint=policies.remedy)
    return policies.policy(dn, entry, () if account is not None else (_OWN_POLICIES,))


def _policies(root: Entry | None) -> Policies:
    version = (root.text("vendorVersion") or "") if root is not None else ""
    return Ds389Policies() if version.lower().startswith(_DS389) else OpenLdapPolicies()


def _has_policies(root: Entry | None) -> bool:
    return root is None or PASSWORD_POLICY.encode() in root.attributes.get("supportedcontrol", ())
