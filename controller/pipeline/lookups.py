"""Credential look-up: an application reads its stored credentials, which is audited before the answer leaves.

Who may not look up the credentials of an application learns nothing about it: the answer is the same as for an account
that does not exist.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from controller.model import events
from controller.model.accounts import WindowsAccount
from controller.model.actor import Actor
from controller.model.audit import AuditAction, Trail
from controller.model.credential import StoredSecret, external_credential_place
from controller.model.errors import InvalidInput, NotFound, PwsyncError, Refused
from controller.model.events import Event
from controller.model.secret import Secret
from controller.model.topology import Application, Key, Kind, Mapping, RateLimit
from controller.pipeline.administration import expiry_of
from controller.pipeline.refusals import RecordedRefusals
from controller.pipeline.roles import Role, standing_of
from controller.pipeline.topology import Topology, TopologyReader
from controller.pipeline.users import refused_mappings
from controller.ports.sealing import Sealer
from controller.ports.store import Store, Transaction

LONGEST_ACCOUNT = 1024
"""Characters; nothing longer is even looked for."""
TOO_MANY = "tooManyLookups"
NOT_ALLOWED = "lookupNotAllowed"
APPLICATION_DISABLED = "applicationDisabled"
MAPPING_DISABLED = "mappingDisabled"


@dataclass(frozen=True, slots=True)
class FoundField:
    """One field of a credential, open."""

    label: str
    value: Secret
    is_masked: bool


@dataclass(frozen=True, slots=True)
class FoundCredential:
    """A credential, open.

    Attributes:
        fields: Those that are stored, in the order of the application; the first one of it, the user id, always.
        expired_at: When the external system was first heard to say that the password has expired.
    """

    mapping: Mapping
    fields: tuple[FoundField, ...]
    expired_at: datetime | None


class _Denied(Exception):
    """A look-up is refused: for *reason*, which is recorded, and with *answer*, which is told."""

    def __init__(self, reason: str, answer: PwsyncError) -> None:
        super().__init__(reason)
        self.reason = reason
        self.answer = answer


class LookUps:
    """Each look-up is one transaction. A refusal that is repeated within a minute is not recorded again."""

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer
        self._topology = TopologyReader()
        self._refusals = RecordedRefusals()

    def limit(self) -> RateLimit:
        """How often one principal may look something up."""
        with self._store.read() as tx:
            return self._topology.read(tx).system.credential_lookups

    def look_up(self, application: str, account: str, *, by: Actor) -> FoundCredential:
        r"""Read what is stored for an external account, or for a Windows account (``DOMAIN\user``).

        It is returned only once it stands in the audit.

        Raises:
            NotFound: Nothing is stored for such an account, or the principal may not look up what this application
                has: the answer is the same. Recorded, as all refusals are.
            Refused: The application or the mapping is disabled, or the Windows account is no user of the application.
            InvalidInput: The Windows account is mapped to several external accounts.
            SealBroken: It cannot be opened.
            StoreUnavailable: It cannot be read, or not be audited.
        """
        with self._store.write() as tx:
            topology = self._topology.read(tx)
            try:
                mapping, stored = _found(tx, topology, application, account, by.principal)
            except _Denied as denied:
                declared = application if application in topology.applications else ""
                kind, now, answer = (by.principal, declared, denied.reason), tx.now, denied.answer
                self._record_refusal(tx, kind, by)
            else:
                for trail in (Trail.ACTIONS, Trail.CREDENTIAL_LOOKUPS):
                    tx.audit.add(by, AuditAction.CREDENTIALS_LOOK_UP, str(mapping.key), trail=trail)
                fields = self._opened(mapping, topology.applications[application], stored)
                return FoundCredential(mapping, fields, expiry_of(stored))
        self._note_recorded(kind, now)
        raise answer

    def note_limited(self, *, by: Actor) -> None:
        """Record that somebody looked things up too often."""
        kind = (by.principal, "", TOO_MANY)
        with self._store.write() as tx:
            now = tx.now
            self._record_refusal(tx, kind, by)
        self._note_recorded(kind, now)

    def _record_refusal(self, tx: Transaction, kind: tuple[str, str, str], by: Actor) -> None:
        if self._refusals.is_due(kind, tx.now):
            caller, application, reason = kind
            fields = {"application": application, "caller": caller, "reason": reason}
            tx.events.add(Event(events.CREDENTIAL_LOOKUP_REFUSED, fields=fields))
            subject = str(Key(Kind.APPLICATION, application)) if application else ""
            tx.audit.add(by, AuditAction.CREDENTIALS_LOOK_UP, subject, failure=reason)

    def _note_recorded(self, kind: tuple[str, str, str], now: datetime) -> None:
        """It is committed; of the same kind nothing is recorded for a minute from when that was."""
        if self._refusals.is_due(kind, now):
            self._refusals.note(kind, now)

    def _opened(
        self, mapping: Mapping, application: Application, stored: dict[str, StoredSecret]
    ) -> tuple[FoundField, ...]:
        first = application.fields[0].label
        values = {first: Secret(mapping.external)}
        for label, secret in stored.items():
            place = external_credential_place(mapping.application, mapping.external, label)
            values[label] = self._sealer.open(secret.sealed, place)
        declared = (field for field in application.fields if field.label in values)
        return tuple(FoundField(field.label, values[field.label], field.masked) for field in declared)


def _found(
    tx: Transaction, topology: Topology, name: str, account: str, principal: str
) -> tuple[Mapping, dict[str, StoredSecret]]:
    application = topology.applications.get(name)
    if application is None or name not in standing_of(topology, principal).over(Role.CREDENTIAL_READER):
        raise _Denied(NOT_ALLOWED, _nothing())
    found = _mappings(tx, name, account)
    if not found:
        raise _Denied("noMapping", _nothing())
    mapping = _valid(tx, topology, application, found)
    stored = tx.credentials.external(name, mapping.external)
    if not stored:
        raise _Denied("nothingStored", _nothing())
    return mapping, stored


def _mappings(tx: Transaction, application: str, account: str) -> list[Mapping]:
    """Mappings of an account; none of a name that no account can have."""
    if len(account) > LONGEST_ACCOUNT or "\x00" in account or not Secret(account).is_unicode():
        return []
    if "\\" not in account:
        return tx.mappings.of_external([application], account)
    try:
        windows = WindowsAccount.parse(account)
    except InvalidInput:
        return []
    return [mapping for mapping in tx.mappings.of_windows(windows) if mapping.application == application]


def _valid(tx: Transaction, topology: Topology, application: Application, found: Sequence[Mapping]) -> Mapping:
    """The mapping that is followed: the first valid one, if all name one external account."""
    if not application.enabled:
        raise _refused(APPLICATION_DISABLED, "the application is disabled")
    enabled = [mapping for mapping in found if mapping.enabled]
    if not enabled:
        raise _refused(MAPPING_DISABLED, "the mapping is disabled")
    refused = refused_mappings(tx, topology, enabled)
    valid = [mapping for mapping in enabled if mapping not in refused]
    if not valid:
        raise _refused(refused[enabled[0]].value, "the Windows account is no user of the application")
    if len({mapping.external for mapping in valid}) > 1:
        several = InvalidInput(
            "the Windows account is mapped to several external accounts", hint="name the external account"
        )
        raise _Denied(several.code, several)
    return valid[0]


def _refused(reason: str, message: str) -> _Denied:
    return _Denied(reason, Refused(message, reason=reason))


def _nothing() -> NotFound:
    return NotFound(
        "there is no such credential that this caller may look up",
        hint="spec.access.lookups of the Application names who may",
    )
