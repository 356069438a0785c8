"""What directories do differently with the entries of their password policies."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from controller.connectors.ldap.messages import Entry
from controller.model.policy import PasswordPolicy

if TYPE_CHECKING:
    from controller.connectors.ldap.session import Session

POLICY_SUBENTRY = "pwdPolicySubentry"


class Policies(Protocol):
    """The policies of one kind of directory."""

    @property
    def attributes(self) -> Sequence[str]:
        """Of an entry, as far as they matter here."""
        ...

    @property
    def remedy(self) -> str:
        """What lets the policy be found and read."""
        ...

    def are_own_in_force(self, session: "Session") -> bool:
        """Whether the directory looks at ``pwdPolicySubentry`` of accounts."""
        ...

    def default(self, session: "Session") -> str | None:
        """The entry for accounts without one of their own; None when it cannot be found out."""
        ...

    def is_policy(self, entry: Entry) -> bool:
        """Whether an entry is a policy that could be read."""
        ...

    def policy(self, dn: str, entry: Entry, notes: tuple[str, ...]) -> PasswordPolicy:
        """What an entry asks for."""
        ...


def has_class(entry: Entry, name: str) -> bool:
    """Whether an entry is of this object class."""
    return name.encode().lower() in {value.lower() for value in entry.attributes.get("objectclass", ())}


def number(entry: Entry, attribute: str) -> int | None:
    """A number of the entry; 0 means the same as none there."""
    text = entry.text(attribute)
    return int(text) or None if text is not None and text.isascii() and text.isdigit() else None
