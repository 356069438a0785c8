"""Who stands behind a name of a Windows domain: a user, or the members of a group, read over LDAP (MS-ADTS).

Membership has two places: ``memberOf`` of a user, and ``primaryGroupID``, which is not in ``memberOf``. So the groups
inside a group are looked up first, by the matching rule "in chain" (MS-ADTS 3.1.1.3.4.4.3), then the users directly in
any of them, by either place. That rule over all users instead would cost a walk for each user of the domain.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

from controller.connectors.ldap.domain_session import domain_session
from controller.connectors.ldap.endpoint import Patience
from controller.connectors.ldap.escaping import PLACEHOLDER, in_filter
from controller.connectors.ldap.messages import Entry
from controller.connectors.ldap.session import Session
from controller.model.accounts import WindowsAccount
from controller.model.errors import AccountUnknown, InvalidInput, Rejected
from controller.model.topology import DomainDirectory
from controller.ports.connectors import ResolveSecret
from controller.ports.windows_groups import GroupDirectory

MOST_MEMBERS = 1_000_000
"""A group with more is refused: it would fill the memory of the controller."""

MOST_GROUPS = 10_000
"""A group with more groups inside is refused: each 50 of them are one more search."""

_IS_USER = "(objectCategory=person)(objectClass=user)"
_BY_NAME = f"(&(|(objectClass=group)(&{_IS_USER}))(sAMAccountName={PLACEHOLDER}))"
_GROUPS_INSIDE = f"(&(objectClass=group)(memberOf:1.2.840.113556.1.4.1941:={PLACEHOLDER}))"
_DIRECTLY_IN = f"(memberOf={PLACEHOLDER})"
_SOME = 50
"""Groups that one filter names."""


def open_directory(
    domain: str, directory: DomainDirectory, resolve: ResolveSecret, patience: Patience | None = None
) -> GroupDirectory:
    """Make the look-up of a domain's directory. No connection is opened before its first use.

    Raises:
        SettingsError: Its URL cannot be used, or the secret that it refers to is not there.
    """
    return ActiveDirectoryGroups(domain, directory.base_dn, domain_session(domain, directory, resolve, patience))


class ActiveDirectoryGroups:
    """Implements ``ports.GroupDirectory``. What is outside of the base DN is not seen."""

    def __init__(self, domain: str, base_dn: str, session: Session) -> None:
        self._domain = domain
        self._base_dn = base_dn
        self._session = session

    def members(self, name: WindowsAccount) -> frozenset[WindowsAccount]:
        """The accounts that *name* stands for: a user itself, or the users of a group."""
        found = self._find(name)
        if b"group" not in found.attributes.get("objectclass", ()):
            return frozenset({name})
        groups = {group.dn: group for group in (found, *self._inside(name, found.dn))}
        accounts: set[WindowsAccount] = set()
        for search_filter in _user_filters(groups.values()):
            accounts.update(self._users(name, search_filter))
            if len(accounts) > MOST_MEMBERS:
                raise self._too_large(name, f"{MOST_MEMBERS:,} members")
        return frozenset(accounts)

    def close(self) -> None:
        """Give back the connection."""
        self._session.close()

    def _find(self, name: WindowsAccount) -> Entry:
        search_filter = in_filter(_BY_NAME, name.name)
        found = self._session.find(self._base_dn, search_filter, ["objectClass", "objectSid"], limit=2)
        if len(found) != 1:
            what = "there is no user or group" if not found else "there is more than one user or group"
            raise AccountUnknown(f"{self._session}: {what} {name} below {self._base_dn}")
        return found[0]

    def _inside(self, name: WindowsAccount, dn: str) -> list[Entry]:
        """The groups inside a group."""
        entries = self._session.scan(self._base_dn, in_filter(_GROUPS_INSIDE, dn), ["objectSid"])
        inside = list(islice(entries, MOST_GROUPS + 1))
        if len(inside) > MOST_GROUPS:
            raise self._too_large(name, f"{MOST_GROUPS:,} groups inside")
        return inside

    def _too_large(self, name: WindowsAccount, what: str) -> Rejected:
        return Rejected(f"{self._session}: {name} has more than {what}", hint="name smaller groups")

    def _users(self, name: WindowsAccount, search_filter: str) -> Iterator[WindowsAccount]:
        entries = self._session.scan(self._base_dn, search_filter, ["sAMAccountName"])
        for count, entry in enumerate(entries):
            if count == MOST_MEMBERS:
                raise self._too_large(name, f"{MOST_MEMBERS:,} members")
            account = _account(self._domain, entry.text("sAMAccountName"))
            if account is not None:
                yield account


def _user_filters(groups: Iterable[Entry]) -> Iterator[str]:
    """Filters that together find the users directly in any of *groups*."""
    remaining = iter(groups)
    while some := "".join(_clauses(group) for group in islice(remaining, _SOME)):
        yield f"(&{_IS_USER}(|{some}))"


def _clauses(group: Entry) -> str:
    rid = domain_rid(_sid(group))
    return in_filter(_DIRECTLY_IN, group.dn) + (f"(primaryGroupID={rid})" if rid is not None else "")


def _account(domain: str, name: str | None) -> WindowsAccount | None:
    """The account; None for one that cannot be mapped anyway, such as Guest."""
    try:
        return WindowsAccount.parse(f"{domain}\\{name or ''}")
    except InvalidInput:
        return None


def _sid(entry: Entry) -> bytes:
    values = entry.attributes.get("objectsid", ())
    return values[0] if values else b""


def domain_rid(sid: bytes) -> int | None:
    """The relative identifier at the end of a domain's SID (MS-DTYP 2.4.2.2); None for any other SID.

    Only groups of a domain (S-1-5-21-...) can be primary groups; those of BUILTIN have small numbers of their own.
    """
    is_whole = len(sid) >= _SID_HEADER and len(sid) == _SID_HEADER + 4 * sid[1]
    if not is_whole or sid[:8] != bytes([1, sid[1], *_NT_AUTHORITY]) or sid[1] != _DOMAIN_PARTS:
        return None
    parts = [int.from_bytes(sid[at : at + 4], "little") for at in range(_SID_HEADER, len(sid), 4)]
    return parts[-1] if parts[0] == _NON_UNIQUE else None


_SID_HEADER = 8
_NT_AUTHORITY = (0, 0, 0, 0, 0, 5)
_DOMAIN_PARTS = 5  # 21, three numbers of the domain, and the relative identifier
_NON_UNIQUE = 21  # SECURITY_NT_NON_UNIQUE
