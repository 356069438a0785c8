"""The password policy of an Active Directory domain, as the head of the domain tells it (MS-SAMR 3.1.1.7.1).

Fine-grained policies (MS-ADTS 3.1.1.4.5.36, ``msDS-ResultantPSO``) apply to some accounts instead of it. The service
account sees them only when it may read the Password Settings Container, which by default is for administrators.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from controller.connectors.ldap.messages import Entry
from controller.model.constraints import Constraints
from controller.model.errors import PolicyUnknown
from controller.model.policy import PasswordPolicy

Read = Callable[[str, tuple[str, ...]], Entry | None]
"""Reads some attributes of one entry; None when it is not there."""

RESULTANT_POLICY = "msDS-ResultantPSO"
_COMPLEX = 0x1  # DOMAIN_PASSWORD_COMPLEX of pwdProperties, MS-SAMR 2.2.1.12 and MS-ADA3 2.122
_CATEGORIES = 3  # MS-SAMR 3.1.1.7.2
_NAMES = "a password may not contain the account's name, or a part of its display name"
_OWN_POLICIES = "policies of single accounts or groups (PSO) are not looked at, and apply instead where there is one"
_HIDDEN_POLICIES = "a policy of the account's own (PSO) that the service account may not see would apply instead"


@dataclass(frozen=True, slots=True)
class _Names:
    """How the same four things are called in an entry. Intervals are negative, in 100 ns (MS-ADTS 3.1.1.2.2.2.9)."""

    length: str
    complexity: str
    history: str
    min_age: str


_OF_DOMAIN = _Names("minPwdLength", "pwdProperties", "pwdHistoryLength", "minPwdAge")
_OF_ACCOUNT = _Names(
    "msDS-MinimumPasswordLength",
    "msDS-PasswordComplexityEnabled",
    "msDS-PasswordHistoryLength",
    "msDS-MinimumPasswordAge",
)


def read_domain_policy(read: Read, subject: str, user: Entry | None) -> PasswordPolicy:
    """Read the policy of the domain, or the one that *user* (with ``msDS-ResultantPSO``) has of its own.

    Raises:
        PolicyUnknown: The service account may not read it.
    """
    own = user.text(RESULTANT_POLICY) if user is not None else None
    if own is not None:
        return _policy(read, subject, own, _OF_ACCOUNT, (_NAMES,))
    root = read("", ("defaultNamingContext",))
    head = root.text("defaultNamingContext") if root is not None else None
    if head is None:
        raise PolicyUnknown(f"{subject}: the directory does not tell its domain (defaultNamingContext)")
    return _policy(read, subject, head, _OF_DOMAIN, (_NAMES, _OWN_POLICIES if user is None else _HIDDEN_POLICIES))


def _policy(read: Read, subject: str, dn: str, names: _Names, notes: tuple[str, ...]) -> PasswordPolicy:
    entry = read(dn, (names.length, names.complexity, names.history, names.min_age))
    length = _number(entry, names.length)
    complexity = entry.text(names.complexity) if entry is not None else None
    if length is None or complexity is None:
        raise PolicyUnknown(
            f"{subject}: {names.length} and {names.complexity} of {dn} cannot be read",
            hint=f"give the service account the right to read {dn}",
        )
    constraints = Constraints(
        min_length=length or None, min_categories=_CATEGORIES if _is_complex(complexity) else None
    )
    history, min_age = _number(entry, names.history) or 0, _number(entry, names.min_age) or 0
    return PasswordPolicy(dn, constraints, history, timedelta(microseconds=-min_age // 10), notes)


def _is_complex(value: str) -> bool:
    """Read the bits of ``pwdProperties``, or the truth value of a policy of its own."""
    return value == "TRUE" or (value.isdigit() and bool(int(value) & _COMPLEX))


def _number(entry: Entry | None, attribute: str) -> int | None:
    text = entry.text(attribute) if entry is not None else None
    return int(text) if text is not None and text.isascii() and text.removeprefix("-").isdigit() else None
