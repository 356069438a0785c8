"""The credential database follows what is in force: sealed, newest wins (T4, Q2, E6, E8, E10)."""

from dataclasses import dataclass

from controller.model import events
from controller.model.accounts import WindowsAccount
from controller.model.credential import StoredSecret, external_credential_place, windows_password_place
from controller.model.events import Event
from controller.model.secret import Secret
from controller.model.topology import Mapping
from controller.pipeline.topology import Topology
from controller.ports.sealing import Sealer
from controller.ports.store import Transaction


@dataclass(frozen=True, slots=True)
class Cause:
    """The change that a stored password comes from."""

    tracking_id: str
    sequence: int


BY_ADMINISTRATOR = Cause("", 0)
"""No change: a person set it. Any change overrides it."""


@dataclass(frozen=True, slots=True)
class CredentialDatabase:
    """The credential database, inside a transaction of the caller."""

    tx: Transaction
    sealer: Sealer
    topology: Topology

    def store_windows(self, account: WindowsAccount, password: Secret, cause: Cause) -> None:
        """Keep a Windows password, unless a newer one is kept already."""
        stored = self.tx.credentials.windows(account)
        if stored is None or stored.sequence <= cause.sequence:
            self.set_windows(account, password, cause)

    def set_windows(self, account: WindowsAccount, password: Secret, cause: Cause = BY_ADMINISTRATOR) -> None:
        """Keep a Windows password, whatever is kept already."""
        sealed = self.sealer.seal(password, windows_password_place(str(account)))
        secret = StoredSecret(sealed, cause.sequence, cause.tracking_id, self.tx.now)
        self.tx.credentials.put_windows(account, secret)
        self.tx.events.add(Event(events.WINDOWS_PASSWORD_STORED, cause.tracking_id, account=str(account)))

    def store_external(self, mapping: Mapping, password: Secret, cause: Cause) -> None:
        """Keep the external password of a mapping, unless a newer one is kept already."""
        stored = self.stored_external(mapping)
        if stored is None or stored.sequence <= cause.sequence:
            self.set_external(mapping, password, cause)

    def set_external(self, mapping: Mapping, password: Secret, cause: Cause = BY_ADMINISTRATOR) -> None:
        """Keep the external password of a mapping, whatever is kept already, if its application has a field for it."""
        label = self._label(mapping)
        if not label:
            return
        sealed = self.sealer.seal(password, external_credential_place(mapping.application, mapping.external, label))
        secret = StoredSecret(sealed, cause.sequence, cause.tracking_id, self.tx.now)
        self.tx.credentials.put_external(mapping.application, mapping.external, label, secret)
        adapter = self.topology.applications[mapping.application].adapter or ""
        fields = {"application": mapping.application}
        self.tx.events.add(Event(events.CREDENTIAL_UPDATED, cause.tracking_id, adapter, mapping.external, fields))

    def _label(self, mapping: Mapping) -> str:
        application = self.topology.applications.get(mapping.application)
        return (application.password_field if application is not None else None) or ""

    def stored_external(self, mapping: Mapping) -> StoredSecret | None:
        """The stored external password of a mapping, sealed."""
        return self.tx.credentials.external(mapping.application, mapping.external).get(self._label(mapping))

    def external_password(self, mapping: Mapping) -> Secret | None:
        """Open the stored external password of a mapping.

        Raises:
            SealBroken: It cannot be opened.
        """
        stored, label = self.stored_external(mapping), self._label(mapping)
        if stored is None:
            return None
        return self.sealer.open(stored.sealed, external_credential_place(mapping.application, mapping.external, label))

    def windows_password(self, account: WindowsAccount) -> Secret | None:
        """Open the stored Windows password of an account.

        Raises:
            SealBroken: It cannot be opened.
        """
        stored = self.tx.credentials.windows(account)
        return None if stored is None else self.sealer.open(stored.sealed, windows_password_place(str(account)))
