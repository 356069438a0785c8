"""389 Directory Server: its global policy stands in ``cn=config``, others in entries of class ``passwordPolicy``.

Both have the same attributes. Where ``nsslapd-pwpolicy-local`` is off, only the global one counts.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from controller.connectors.ldap.messages import Entry
from controller.connectors.ldap.policy_entry import has_class, number
from controller.model.constraints import Constraints
from controller.model.policy import PasswordPolicy

if TYPE_CHECKING:
    from controller.connectors.ldap.session import Session

_CONFIGURATION = "cn=config"
_LOCAL, _ON, _OFF = "nsslapd-pwpolicy-local", "on", "off"
_COUNTED = (
    "passwordMinCategories",
    "passwordMinDigits",
    "passwordMinAlphas",
    "passwordMinUppers",
    "passwordMinLowers",
    "passwordMinSpecials",
    "passwordMin8Bit",
    "passwordMaxRepeats",
    "passwordMaxSequence",
    "passwordMaxSeqSets",
    "passwordMaxClassChars",
    "passwordMinTokenLength",
)
_SWITCHED = ("passwordPalindrome", "passwordDictCheck")


class Ds389Policies:
    """Policies of 389 Directory Server."""

    attributes = (
        "objectClass",
        "passwordCheckSyntax",
        "passwordMinLength",
        "passwordHistory",
        "passwordInHistory",
        "passwordMinAge",
        *_COUNTED,
        *_SWITCHED,
    )
    remedy = "let the service account read these attributes of cn=config (docs/reference/connectors.md shows the aci)"

    def are_own_in_force(self, session: "Session") -> bool:
        """Unless the configuration can be read and says that they are not."""
        configuration = session.read(_CONFIGURATION, [_LOCAL])
        return configuration is None or configuration.text(_LOCAL) != _OFF

    def default(self, session: "Session") -> str | None:  # noqa: ARG002  # as Policies
        """The configuration itself."""
        return _CONFIGURATION

    def is_policy(self, entry: Entry) -> bool:
        """By its object class, or by an attribute that the configuration always has."""
        return has_class(entry, "passwordPolicy") or entry.text("passwordCheckSyntax") is not None

    def policy(self, dn: str, entry: Entry, notes: tuple[str, ...]) -> PasswordPolicy:
        """Read it. The length is in characters; the other rules are told, since only the directory can apply them."""
        checks, remembers = entry.text("passwordCheckSyntax") == _ON, entry.text("passwordHistory") == _ON
        others = list(_others(entry)) if checks else []
        more = [f"the directory looks at more than the length: {', '.join(others)}"] if others else []
        return PasswordPolicy(
            dn,
            Constraints(min_length=number(entry, "passwordMinLength") if checks else None),
            (number(entry, "passwordInHistory") or 0) if remembers else 0,
            timedelta(seconds=number(entry, "passwordMinAge") or 0),
            (*notes, *more),
        )


def _others(entry: Entry) -> Iterator[str]:
    for attribute in _COUNTED:
        if number(entry, attribute) is not None:
            yield f"{attribute} {number(entry, attribute)}"
    for attribute in _SWITCHED:
        if entry.text(attribute) == _ON:
            yield attribute
