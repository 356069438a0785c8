"""Which accounts a directory has, read over LDAP page by page. Active Directory is also asked for changes alone.

Each domain controller counts its changes (``uSNChanged``, MS-ADTS 3.1.1.1.9). The count belongs to one invocation of
one controller: after a restore, or at another controller behind the same name, everything is read anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from controller.connectors.ldap.domain_session import domain_session
from controller.connectors.ldap.endpoint import Patience
from controller.connectors.ldap.messages import Entry
from controller.connectors.ldap.session import Session
from controller.model.rule_reading import FoundAccount
from controller.model.topology import DomainDirectory
from controller.ports.account_directory import AccountDirectory, AccountSearch, Matches, Position
from controller.ports.connectors import ResolveSecret

_ACTIVE_DIRECTORY = b"1.2.840.113556.1.4.800"
"""The capability that tells Active Directory (MS-ADTS 3.1.1.3.4.3.1)."""
_IS_USER = "(objectCategory=person)(objectClass=user)"
_ROOT = ("supportedCapabilities", "highestCommittedUSN", "dsServiceName")


def open_directory(
    domain: str, directory: DomainDirectory, resolve: ResolveSecret, patience: Patience | None = None
) -> AccountDirectory:
    """Make the look-up of a domain's directory. No connection is opened before its first use.

    Raises:
        SettingsError: Its URL cannot be used, or the secret that it refers to is not there.
    """
    return LdapAccountDirectory(directory.base_dn, domain_session(domain, directory, resolve, patience))


@dataclass(frozen=True, slots=True)
class _Root:
    """What a directory tells of itself."""

    is_active_directory: bool
    position: Position | None


class LdapAccountDirectory:
    """Implements ``ports.AccountDirectory``. What is outside of the base DN is not seen."""

    def __init__(self, base_dn: str, session: Session) -> None:
        self._base_dn = base_dn
        self._session = session

    def matches(self, search: AccountSearch, before: Matches | None = None) -> Matches:
        """All accounts that match; with an earlier answer only what changed since is asked for, where that goes."""
        root = self._root()  # first: what changes meanwhile is then read again the next time
        if before is None or before.position is None or not _counts_on(root.position, before.position):
            found = self._scan(search, root, search.filter)
            return Matches(dict(found), root.position)
        since = f"(uSNChanged>={before.position.usn + 1})"
        changed = self._session.scan(self._base_dn, f"(&{_IS_USER}{since})", ["objectGUID"])
        no_longer = {_identity(entry) for entry in changed}
        accounts = {identity: found for identity, found in before.accounts.items() if identity not in no_longer}
        accounts.update(self._scan(search, root, f"(&{since}{search.filter})"))
        return Matches(accounts, root.position)

    def names(self, attribute: str) -> frozenset[str]:
        """The names of all accounts of the domain; groups and computers are among them, which does no harm."""
        key = attribute.lower()
        entries = self._session.scan(self._base_dn, f"({attribute}=*)", [attribute])
        return frozenset(_text(value).lower() for entry in entries for value in entry.attributes.get(key, ()))

    def close(self) -> None:
        """Give back the connection."""
        self._session.close()

    def _scan(self, search: AccountSearch, root: _Root, search_filter: str) -> Iterator[tuple[bytes, FoundAccount]]:
        asked = [search.account_attribute, search.external_attribute]
        if root.is_active_directory:
            search_filter, asked = f"(&{_IS_USER}{search_filter})", [*asked, "objectGUID"]
        account, external = search.account_attribute.lower(), search.external_attribute.lower()
        for entry in self._session.scan(search.base_dn or self._base_dn, search_filter, asked):
            attributes = entry.attributes
            if names := attributes.get(account):
                yield _identity(entry), FoundAccount(_text(names[0]), tuple(map(_text, attributes.get(external, ()))))

    def _root(self) -> _Root:
        """Read the root entry (RFC 4512 section 5.1); a directory that hides it is none that counts."""
        entry = self._session.read("", _ROOT)
        if entry is None or _ACTIVE_DIRECTORY not in entry.attributes.get("supportedcapabilities", ()):
            return _Root(False, None)
        usn, service = entry.text("highestCommittedUSN") or "", entry.text("dsServiceName")
        invocation = self._session.read(service, ["invocationId"]) if service else None
        if service is None or invocation is None or not usn.isdecimal():
            return _Root(True, None)
        server = service.encode() + b"".join(invocation.attributes.get("invocationid", ()))
        return _Root(True, Position(server, int(usn)))


def _counts_on(now: Position | None, before: Position) -> bool:
    return now is not None and now.server == before.server and now.usn >= before.usn


def _identity(entry: Entry) -> bytes:
    values = entry.attributes.get("objectguid")
    return values[0] if values else entry.dn.encode()


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")
