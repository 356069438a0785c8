"""Settling an attempt: the delivery's next state, what is in force, the credential database, and what follows."""

from dataclasses import dataclass
from typing import assert_never

from controller.model import events
from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.change import ChangeState, PasswordChange
from controller.model.delivery import Delivery, DeliveryState, RetryPolicy, confirm, fail
from controller.model.errors import Indeterminate, OldPasswordWrong, PwsyncError
from controller.model.events import Event
from controller.model.secret import Secret
from controller.model.wording import rfc3339
from controller.pipeline.attempt import Superseded
from controller.pipeline.echoes import drop_write, end_writes, note_found, note_made
from controller.pipeline.following import Cause, CredentialDatabase
from controller.pipeline.queueing import Queue, event_of, finish_change, refresh_change
from controller.pipeline.routing import Routing
from controller.pipeline.selection import needs_windows_password, select_external
from controller.pipeline.topology import Topology
from controller.pipeline.windows_change import external_accounts
from controller.ports.sealing import Sealer
from controller.ports.store import Transaction


@dataclass(frozen=True, slots=True)
class Settlement:
    """Settles attempts inside a transaction of the caller. One whose lease was lost changes nothing."""

    tx: Transaction
    topology: Topology
    sealer: Sealer
    queue: Queue

    def confirm(self, delivery: Delivery, password: Secret, *, was_found: bool) -> None:
        """Settle an attempt that succeeded: only now the credential database follows (Q2).

        With *was_found* the target had the password already, and nothing was written.
        """
        change = self.tx.changes.get(delivery.tracking_id)
        beyond = self._fan_out_of(change, delivery, password)
        if beyond is not None:
            mappings = self.tx.mappings.of_windows(beyond.account)
            beyond.routing.lock([beyond.account, beyond.origin, *external_accounts(beyond.routing, mappings)])
        known = self.tx.fingerprints.get(delivery.account)
        if not self.tx.deliveries.save(confirm(delivery, self.tx.now), lease=delivery.lease):
            return
        self.tx.events.add(_confirmation(change, delivery))
        note = note_found if was_found else note_made
        written = self.sealer.fingerprint(password, delivery.account)
        self.tx.fingerprints.put(delivery.account, note(known, written, delivery.sequence, self.tx.now))
        self._follow(delivery, password)
        is_newest = max(known.sequence, self.tx.deliveries.newest_sequence(delivery.account)) <= delivery.sequence
        if beyond is not None and is_newest:
            self._fan_out(beyond)
        refresh_change(self.tx, delivery.tracking_id)

    def fail(
        self, delivery: Delivery, error: PwsyncError, policy: RetryPolicy, jitter: float, *, used_old: bytes | None
    ) -> None:
        """Settle an attempt that did not succeed, or of which nobody knows."""
        known = self.tx.fingerprints.get(delivery.account)
        settled = fail(delivery, error, policy, self.tx.now, jitter)
        if not self.tx.deliveries.save(settled, lease=delivery.lease):
            return
        if isinstance(error, Indeterminate):
            known = end_writes(known, self.tx.now, delivery.sequence)
        else:
            known = drop_write(known, delivery.sequence)
        self.tx.fingerprints.put(delivery.account, known)
        if isinstance(error, OldPasswordWrong):
            self._delete_windows_password(delivery, used_old)
        if isinstance(error, Superseded):
            self.queue.take_out(self.tx, settled)
            return
        if self.tx.deliveries.newest_sequence(delivery.account) > delivery.sequence:
            self.queue.supersede(self.tx, settled)
            return
        is_parked = settled.state is DeliveryState.PARKED
        type_ = events.DELIVERY_PARKED if is_parked else events.DELIVERY_RETRYING
        self.tx.events.add(
            event_of(
                type_,
                delivery,
                id=delivery.id,
                code=settled.code,
                directoryCode=settled.directory_code,
                message=settled.message,
                attempts=delivery.attempts,
            )
        )
        refresh_change(self.tx, delivery.tracking_id)

    def _follow(self, delivery: Delivery, password: Secret) -> None:
        credentials = CredentialDatabase(self.tx, self.sealer, self.topology)
        cause = Cause(delivery.tracking_id, delivery.sequence)
        match delivery.account:
            case WindowsAccount() as account:
                if needs_windows_password(self.topology, account, self.tx.mappings.of_windows(account)):
                    credentials.store_windows(account, password, cause)
            case ExternalAccount(adapter=adapter, name=name):
                for mapping in self.tx.mappings.of_external(self.topology.applications_of(adapter), name):
                    credentials.store_external(mapping, password, cause)
            case _:
                assert_never(delivery.account)

    def _fan_out_of(self, change: PasswordChange | None, delivery: Delivery, password: Secret) -> "_Beyond | None":
        """After full sync has changed a Windows password, its other external accounts follow."""
        if change is None or not isinstance(delivery.account, WindowsAccount):
            return None
        if not isinstance(change.account, ExternalAccount) or not self.topology.system.from_windows_to_adapters:
            return None
        routing = Routing(self.tx, self.topology, change, password, self.sealer, self.queue)
        return _Beyond(routing, delivery.account, change.account)

    def _fan_out(self, beyond: "_Beyond") -> None:
        routing = beyond.routing
        mappings = self.tx.mappings.of_windows(beyond.account)
        routing.fan_out(select_external(self.topology, mappings, routing.refused(mappings)), mappings, beyond.origin)
        if routing.problems:
            finish_change(self.tx, routing.change, ChangeState.FAILED, routing.problems[0].value)

    def _delete_windows_password(self, delivery: Delivery, used_old: bytes | None) -> None:
        """E10: a wrong stored Windows password goes, so that no repetition can lock the account out."""
        if not isinstance(delivery.account, WindowsAccount):
            return
        stored = self.tx.credentials.windows(delivery.account)
        if stored is not None and stored.sealed == used_old:
            self.tx.credentials.remove_windows(delivery.account)
            name = str(delivery.account)
            self.tx.events.add(Event(events.WINDOWS_PASSWORD_DELETED, delivery.tracking_id, account=name))


@dataclass(frozen=True, slots=True)
class _Beyond:
    routing: Routing
    account: WindowsAccount
    origin: ExternalAccount


def _confirmation(change: PasswordChange | None, delivery: Delivery) -> Event:
    """The event of a confirmed delivery, with the times from which its journey is measured."""
    occurred_at = None if change is None else change.occurred_at
    return event_of(
        events.DELIVERY_CONFIRMED,
        delivery,
        id=delivery.id,
        attempts=delivery.attempts,
        occurredAt="" if occurred_at is None else rfc3339(occurred_at),
        receivedAt="" if change is None else rfc3339(change.received_at),
    )
