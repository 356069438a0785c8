"""Credentials set, cleared and shown by an administrator (behaviour E13)."""

from dataclasses import dataclass

from controller.model import events
from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.delivery import CURED_BY_CREDENTIALS, DeliveryState
from controller.model.errors import InvalidInput, NotFound
from controller.model.events import Event, EventType
from controller.model.secret import Secret
from controller.model.topology import Mapping
from controller.pipeline.following import CredentialDatabase
from controller.pipeline.intake import check_password
from controller.pipeline.queueing import Queue
from controller.pipeline.selection import needs_windows_password
from controller.pipeline.topology import Topology, TopologyReader
from controller.ports import DeliveryQuery, NewId, Sealer, Store, Transaction


@dataclass(frozen=True, slots=True)
class CredentialView:
    """What the credential database holds for one mapping; the password only when it was asked for."""

    mapping: Mapping
    fields: tuple[str, ...]
    has_windows_password: bool
    password: Secret | None = None


class CredentialAdministration:
    """Works on the credentials of one mapping, found by its application and its Windows or external account."""

    def __init__(self, store: Store, sealer: Sealer, new_id: NewId) -> None:
        self._store = store
        self._sealer = sealer
        self._queue = Queue(sealer, new_id)
        self._topology = TopologyReader()

    def set(self, application: str, account: str, password: Secret, *, by: str) -> bool:
        """Store the external password that is in force.

        On a mapping that takes part in full sync it is stored as the Windows password too: that is the first old
        password (E13). Tells whether it was.

        Raises:
            InvalidInput: The password cannot be one, the account fits several mappings, or the application has no
                password field.
            NotFound: No such application or mapping.
        """
        check_password(password, "password")
        with self._store.write() as tx:
            topology = self._topology.read(tx)
            mapping = _find_mapping(tx, topology, application, account)
            if topology.applications[application].password_field is None:
                raise InvalidInput(f"application {application} has no field that is the password")
            credentials = CredentialDatabase(tx, self._sealer, topology)
            credentials.set_external(mapping, password)
            is_windows = needs_windows_password(topology, mapping.windows, tx.mappings.of_windows(mapping.windows))
            if is_windows:
                credentials.set_windows(mapping.windows, password)
            self._release_cured(tx, mapping, topology, by)
            _record(tx, events.CREDENTIAL_SET, "credentials set", mapping, by)
            return is_windows

    def _release_cured(self, tx: Transaction, mapping: Mapping, topology: Topology, by: str) -> None:
        """Queue again what was parked because no old password was stored, or a wrong one."""
        adapter = topology.applications[mapping.application].adapter
        accounts: list[Account] = [] if adapter is None else [ExternalAccount(adapter, mapping.external)]
        for account in (*accounts, mapping.windows):  # in the order of lanes, in which all transactions lock
            tx.fingerprints.get(account)
            query = DeliveryQuery(lane=account.lane, account=account.name, state=DeliveryState.PARKED)
            for parked in tx.deliveries.find(query):
                if parked.code in CURED_BY_CREDENTIALS and parked.expires_at > tx.now:
                    self._queue.retry(tx, parked, by)

    def clear(self, application: str, account: str, *, by: str) -> bool:
        """Delete the stored external fields of a mapping, and its stored Windows password; tell whether there were any.

        Raises:
            InvalidInput: The account fits several mappings.
            NotFound: No such application or mapping.
        """
        with self._store.write() as tx:
            topology = self._topology.read(tx)
            mapping = _find_mapping(tx, topology, application, account)
            had_external = tx.credentials.remove_external(application, mapping.external)
            had_windows = tx.credentials.remove_windows(mapping.windows)
            _record(tx, events.CREDENTIAL_CLEARED, "credentials clear", mapping, by)
            return had_external or had_windows

    def show(self, application: str, account: str, *, reveals: bool, by: str) -> CredentialView:
        """Tell what is stored for a mapping; with *reveals* the password too, which is audited first.

        Raises:
            InvalidInput: The account fits several mappings.
            NotFound: No such application or mapping.
            SealBroken: It cannot be opened.
        """
        with self._store.write() as tx:
            topology = self._topology.read(tx)
            mapping = _find_mapping(tx, topology, application, account)
            credentials = CredentialDatabase(tx, self._sealer, topology)
            if reveals:
                _record(tx, events.CREDENTIAL_REVEALED, "credentials show --reveal", mapping, by)
            return CredentialView(
                mapping=mapping,
                fields=tuple(sorted(tx.credentials.external(application, mapping.external))),
                has_windows_password=tx.credentials.windows(mapping.windows) is not None,
                password=credentials.external_password(mapping) if reveals else None,
            )


def _find_mapping(tx: Transaction, topology: Topology, application: str, account: str) -> Mapping:
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
        windows = ", ".join(str(m.windows) for m in found)
        raise InvalidInput(f"{account!r} is mapped to several Windows accounts ({windows})", hint="name one of them")
    return found[0]


def _record(tx: Transaction, type_: EventType, action: str, mapping: Mapping, by: str) -> None:
    fields = {"application": mapping.application, "by": by}
    tx.events.add(Event(type_, account=mapping.external, fields=fields))
    tx.audit.add(by, action, str(mapping.key))
