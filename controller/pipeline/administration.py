"""Credentials set, cleared and shown by an administrator (behaviour E13)."""

from collections.abc import Mapping as ReadOnlyMapping
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from controller.model import events
from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.actor import Actor
from controller.model.audit import AuditAction
from controller.model.credential import StoredSecret
from controller.model.delivery import CURED_BY_CREDENTIALS, DeliveryState
from controller.model.errors import InvalidInput, NotFound
from controller.model.events import Event, EventType
from controller.model.secret import Secret
from controller.model.topology import Kind, Mapping
from controller.model.verification import Verification
from controller.pipeline.following import CredentialDatabase
from controller.pipeline.passwords import check_password
from controller.pipeline.queueing import Queue
from controller.pipeline.selection import needs_windows_password
from controller.pipeline.topology import Topology, TopologyReader
from controller.ports.clock import NewId
from controller.ports.deliveries import DeliveryQuery
from controller.ports.sealing import Sealer
from controller.ports.store import Store, Transaction

MOST_NAMED = 10
"""Accounts that a message names one by one."""


@dataclass(frozen=True, slots=True)
class CredentialView:
    """What the credential database holds for one mapping; the password only when it was asked for.

    Attributes:
        expired_at: When the external system was first heard to say that the password has expired.
        verified: What the last try of the stored external password told; None when it was not tried.
    """

    mapping: Mapping
    fields: tuple[str, ...]
    has_windows_password: bool
    password: Secret | None = None
    expired_at: datetime | None = None
    verified: Verification | None = None


class CredentialAdministration:
    """Works on the credentials of one mapping, found by its application and its Windows or external account."""

    def __init__(self, store: Store, sealer: Sealer, new_id: NewId) -> None:
        self._store = store
        self._sealer = sealer
        self._queue = Queue(sealer, new_id)
        self._topology = TopologyReader()

    def set(self, application: str, account: str, password: Secret, *, by: Actor) -> bool:
        """Store the external password that is in force.

        On a mapping that takes part in full sync it is stored as the Windows password too: that is the first old
        password (E13). Tells whether it was.

        Raises:
            InvalidInput: The password cannot be one, the account fits several mappings, or the application has no
                password field.
            NotFound: No such application or mapping.
        """
        with self._store.write() as tx:
            topology = self._topology.read(tx)
            mapping = _find_mapping(tx, topology, application, account, (AuditAction.CREDENTIALS_SET, by))
            check_password(password, "password")
            if topology.applications[application].password_field is None:
                raise InvalidInput(f"application {application} has no field that is the password")
            credentials = CredentialDatabase(tx, self._sealer, topology)
            credentials.set_external(mapping, password)
            is_windows = _is_windows_password(tx, topology, mapping)
            if is_windows:
                credentials.set_windows(mapping.windows, password)
            self._release_cured(tx, mapping, topology, by)
            _record(tx, events.CREDENTIAL_SET, mapping, by)
            return is_windows

    def _release_cured(self, tx: Transaction, mapping: Mapping, topology: Topology, by: Actor) -> None:
        """Queue again what was parked because no old password was stored, or a wrong one."""
        application = topology.applications[mapping.application]
        adapter = application.adapter
        accounts: list[Account] = [] if adapter is None else [ExternalAccount(adapter, mapping.external)]
        accounts += [] if application.is_host_group else [mapping.windows]
        for account in accounts:  # in the order of lanes, in which all transactions lock
            tx.fingerprints.get(account)
            query = DeliveryQuery(lane=account.lane, account=account.name, state=DeliveryState.PARKED)
            for parked in tx.deliveries.find(query):
                if parked.code in CURED_BY_CREDENTIALS and parked.expires_at > tx.now:
                    self._queue.retry(tx, parked, by.principal)

    def clear(self, application: str, account: str, *, by: Actor) -> bool:
        """Delete the stored external fields of a mapping, and its stored Windows password; tell whether there were any.

        The Windows account of a host group is that of many: its password stays.

        Raises:
            InvalidInput: The account fits several mappings.
            NotFound: No such application or mapping.
        """
        with self._store.write() as tx:
            topology = self._topology.read(tx)
            mapping = _find_mapping(tx, topology, application, account, (AuditAction.CREDENTIALS_CLEAR, by))
            had_external = tx.credentials.remove_external(application, mapping.external)
            is_shared = topology.applications[application].is_host_group
            had_windows = not is_shared and tx.credentials.remove_windows(mapping.windows)
            _record(tx, events.CREDENTIAL_CLEARED, mapping, by)
            return had_external or had_windows

    def show(self, application: str, account: str, *, reveals: bool, by: Actor) -> CredentialView:
        """Tell what is stored for a mapping; with *reveals* the password too, which is audited first.

        Raises:
            InvalidInput: The account fits several mappings.
            NotFound: No such application or mapping.
            SealBroken: It cannot be opened.
        """
        with self._store.write() as tx:
            topology = self._topology.read(tx)
            audited = (AuditAction.CREDENTIALS_REVEAL, by) if reveals else None
            mapping = _find_mapping(tx, topology, application, account, audited)
            credentials = CredentialDatabase(tx, self._sealer, topology)
            if reveals:
                _record(tx, events.CREDENTIAL_REVEALED, mapping, by)
            stored = tx.credentials.external(application, mapping.external)
            return CredentialView(
                mapping=mapping,
                fields=tuple(sorted(stored)),
                has_windows_password=tx.credentials.windows(mapping.windows) is not None,
                password=credentials.external_password(mapping) if reveals else None,
                expired_at=expiry_of(stored),
                verified=_verified(tx, topology, mapping, credentials.stored_external(mapping)),
            )


def _verified(
    tx: Transaction, topology: Topology, mapping: Mapping, stored: StoredSecret | None
) -> Verification | None:
    """What the last try of the stored password told; None when it was not tried since it was stored."""
    adapter = topology.applications[mapping.application].adapter
    if adapter is None or stored is None:
        return None
    last = tx.verifications.get(ExternalAccount(adapter, mapping.external))
    return last if last is not None and last.stored_at == stored.updated_at else None


def expiry_of(stored: ReadOnlyMapping[str, StoredSecret]) -> datetime | None:
    """When a stored field has expired; None when none has."""
    return min((secret.expired_at for secret in stored.values() if secret.expired_at is not None), default=None)


def _find_mapping(
    tx: Transaction, topology: Topology, application: str, account: str, audited: tuple[AuditAction, Actor] | None
) -> Mapping:
    """Find what is meant, and audit it where that is asked for: as it was named, when nothing fits."""
    mapping = None
    try:
        mapping = _meant(tx, topology, application, account)
    finally:
        if audited is not None:
            action, by = audited
            subject = str(mapping.key) if mapping is not None else f"{Kind.MAPPING}/{application}/{account}"
            tx.audit.add(by, action, subject)
    return mapping


def _meant(tx: Transaction, topology: Topology, application: str, account: str) -> Mapping:
    if application not in topology.applications:
        raise NotFound(f"there is no application {application}", hint="see 'pwsync get applications'")
    if "\\" in account:
        of_windows = tx.mappings.of_windows(WindowsAccount.parse(account))
        found = [m for m in of_windows if m.application == application]
    else:
        found = tx.mappings.of_external([application], account)
    if not found:
        raise NotFound(f"application {application} has no mapping of {account!r}", hint="see 'pwsync get mappings'")
    if len(found) > 1:
        raise _ambiguous(account, found)
    return found[0]


def _ambiguous(account: str, found: Sequence[Mapping]) -> InvalidInput:
    names = {str(m.windows) for m in found}
    what = "Windows accounts"
    if len(names) == 1:
        names, what = {m.external for m in found}, "external accounts"
    shown = ", ".join(sorted(names)[:MOST_NAMED])
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    return InvalidInput(f"{account!r} is mapped to several {what} ({shown}{more})", hint="name one of them")


def _is_windows_password(tx: Transaction, topology: Topology, mapping: Mapping) -> bool:
    """Whether the external password of a mapping is the Windows password too, and will be needed as the old one."""
    if topology.applications[mapping.application].is_host_group:
        return False
    return needs_windows_password(topology, mapping.windows, tx.mappings.of_windows(mapping.windows))


def _record(tx: Transaction, type_: EventType, mapping: Mapping, by: Actor) -> None:
    fields = {"application": mapping.application, "by": by.principal}
    tx.events.add(Event(type_, account=mapping.external, fields=fields))
