"""Routing: an accepted change becomes deliveries, one per account that it reaches. One transaction per change."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from controller.model import events
from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.change import ChangeState, PasswordChange, Reason
from controller.model.credential import SealPlace
from controller.model.errors import FilterUnusable
from controller.model.events import Event
from controller.model.secret import Secret
from controller.model.topology import Mapping
from controller.pipeline.damping import absorb, accept, judge
from controller.pipeline.echoes import is_in_force
from controller.pipeline.filtering import filtered
from controller.pipeline.following import Cause, CredentialDatabase
from controller.pipeline.offline import is_tried, keeps_no_queue
from controller.pipeline.queueing import Queue, change_event, expiry_of, finish_change, refresh_change
from controller.pipeline.selection import ExternalSelection, Skip, select_windows
from controller.pipeline.topology import Topology
from controller.pipeline.users import refused_mappings
from controller.ports.sealing import Sealer
from controller.ports.store import Transaction


def change_place(tracking_id: str, account: Account, name: str = "password") -> SealPlace:
    """Where a change's sealed password, or old password, stands: it cannot be passed off as another account's."""
    return SealPlace("changes", f"{tracking_id}\x00{account.lane}\x00{account.name}", name)


@dataclass(frozen=True, slots=True)
class Routing:
    """One change being routed: what every step of it needs."""

    tx: Transaction
    topology: Topology
    change: PasswordChange
    password: Secret
    sealer: Sealer
    queue: Queue
    problems: list[Reason] = field(default_factory=list)

    def lock(self, accounts: Iterable[Account]) -> None:
        """Lock what is known of all accounts concerned, in one order everywhere, so that no two routings deadlock."""
        for account in sorted(set(accounts), key=lambda a: (a.lane, a.name)):
            self.tx.fingerprints.get(account)

    def discard_reason(self) -> Reason | None:
        """Say whether the report is an echo, a repeat or stale, and note what it tells all the same."""
        account = self.change.account
        reported, known = self.sealer.fingerprint(self.password, account), self.tx.fingerprints.get(account)
        reason = judge(known, reported, self.change)
        if reason is not None:
            self.tx.fingerprints.put(account, absorb(known, reported, self.change))
        return reason

    def accept_report(self) -> bool:
        """Note the reported password as the one in force, and make sure that none of our writes overtakes it.

        While a write of ours is under way, or may have an echo that has not come, nobody knows which of the two came
        last at the account: so the reported one, which is newer, is put there once more (after a look whether it is
        there). Tells whether that is not needed.
        """
        change, account = self.change, self.change.account
        password = self.sealer.fingerprint(self.password, account)
        window = self.topology.system.damping_window
        accepted = accept(self.tx.fingerprints.get(account), password, change, self.tx.now, window)
        self.tx.fingerprints.put(account, accepted)
        may_one_arrive = self.queue.supersede_older(self.tx, account, change.sequence)
        if may_one_arrive or accepted.writes:
            self.enqueue(account, self.password, must_probe=True)
            return False
        return True

    def enqueue(self, account: Account, password: Secret, *, must_probe: bool = False) -> None:
        """Queue a delivery of this change."""
        self.queue.enqueue(
            self.tx,
            tracking_id=self.change.tracking_id,
            sequence=self.change.sequence,
            account=account,
            password=password,
            expires_at=expiry_of(self.change, self.topology.system.max_sync_age),
            must_probe=must_probe,
        )

    def park(self, account: Account, reason: Reason, message: str) -> None:
        """Let this change wait for a person, or for another manifest, before its first attempt at *account*."""
        expires_at = expiry_of(self.change, self.topology.system.max_sync_age)
        self.queue.park(self.tx, self.change, account, expires_at, (reason.value, message))

    @property
    def credentials(self) -> CredentialDatabase:
        """The credential database of this transaction."""
        return CredentialDatabase(self.tx, self.sealer, self.topology)

    @property
    def cause(self) -> Cause:
        """What stored passwords say they come from."""
        return Cause(self.change.tracking_id, self.change.sequence)

    def refused(self, mappings: Sequence[Mapping]) -> dict[Mapping, Reason]:
        """Those whose Windows account is not among the users of their application, and why (M1)."""
        return refused_mappings(self.tx, self.topology, mappings)

    def report_skips(self, skips: Iterable[Skip]) -> None:
        """Record each skipped mapping once, with its reason."""
        for skip in skips:
            is_conflict = skip.reason is Reason.MAPPING_CONFLICT
            type_ = events.MAPPING_CONFLICT if is_conflict else events.MAPPING_SKIPPED
            if is_conflict:
                self.problems.append(skip.reason)
            self.tx.events.add(
                change_event(type_, self.change, mapping=str(skip.mapping.key), reason=skip.reason.value)
            )

    def fan_out(self, selection: ExternalSelection, mappings: Iterable[Mapping], origin: Account) -> None:
        """Queue the Windows password, filtered per adapter, for every chosen external account but *origin*.

        Where there is no adapter between, the stored credential becomes the Windows password at once (D4).
        """
        self.report_skips(selection.skips)
        for accounts in selection.allowed:
            self.report_allowed(accounts[0].adapter, accounts)
        for mapping in selection.direct:
            self.credentials.store_external(mapping, self.password, self.cause)
        by_account = list(mappings)
        for account in selection.accounts:
            if account != origin:
                reached_by = [m for m in by_account if self._belongs(m, account)]
                self.report_allowed(account.adapter, self._windows_joined(account, reached_by))
                self._send(account, reached_by)

    def report_allowed(self, adapter: str, accounts: Collection[Account]) -> None:
        """Record that mappings join *accounts* of one system, if they are several; *adapter* allows it."""
        if len(accounts) > 1:
            fields = {"accounts": [str(account) for account in accounts], "allowedBy": adapter}
            self.tx.events.add(change_event(events.MAPPING_CONFLICT_ALLOWED, self.change, **fields))

    def _windows_joined(self, account: ExternalAccount, reached_by: Iterable[Mapping]) -> list[WindowsAccount]:
        """The Windows account that reaches *account*, then those to which changes of *account* go on (M8)."""
        adapter, own = self.topology.adapters[account.adapter], dict.fromkeys(m.windows for m in reached_by)
        if not (adapter.allow_mapping_conflicts and adapter.sync_from_adapter):
            return list(own)
        mappings = self.tx.mappings.of_external(self.topology.applications_of(account.adapter), account.name)
        beyond = select_windows(self.topology, account, mappings, self.refused(mappings)).windows
        return list(own | dict.fromkeys(w for w in beyond if self.topology.has_directory(w)))

    def _belongs(self, mapping: Mapping, account: ExternalAccount) -> bool:
        application = self.topology.applications.get(mapping.application)
        return mapping.external == account.name and application is not None and application.adapter == account.adapter

    def _send(self, account: ExternalAccount, mappings: list[Mapping]) -> None:
        known = self.tx.fingerprints.get(account)
        if max(known.sequence, self.tx.deliveries.newest_sequence(account)) > self.change.sequence:
            self.report_skips(Skip(m, Reason.STALE) for m in mappings)
            return
        try:
            password = filtered(self.topology, account.adapter, self.password)
        except FilterUnusable as error:
            tracking_id, fields = self.change.tracking_id, {"message": error.message}
            self.tx.events.add(Event(events.FILTER_UNUSABLE, tracking_id, account.adapter, account.name, fields))
            self.park(account, Reason.FILTER_UNUSABLE, error.message)
            return
        self.queue.supersede_older(self.tx, account, self.change.sequence)
        if is_in_force(self.tx.fingerprints.get(account), self.sealer.fingerprint(password, account)):
            self.report_skips(Skip(m, Reason.ALREADY_IN_FORCE) for m in mappings)
            for mapping in mappings:
                self.credentials.store_external(mapping, password, self.cause)
            return
        if keeps_no_queue(self.tx, self.topology, account.lane) and is_tried(self.tx, account.lane):
            self.queue.drop(self.tx, self.change, account, expiry_of(self.change, self.topology.system.max_sync_age))
            return
        self.enqueue(account, password)

    def close(self, *, nothing_reached: Reason | None = None) -> None:
        """End routing: the change waits for its deliveries, or is finished at once."""
        tx, change = self.tx, self.change
        tx.changes.mark_routed(change.tracking_id)
        deliveries = tx.deliveries.of_change(change.tracking_id)
        if self.problems:
            finish_change(tx, change, ChangeState.FAILED, self.problems[0].value)
        elif not deliveries and nothing_reached is not None:
            finish_change(tx, change, ChangeState.DISCARDED, nothing_reached.value)
        elif not deliveries:
            finish_change(tx, change, ChangeState.COMPLETED, "")
        else:
            refresh_change(tx, change.tracking_id)
