"""Tries stored passwords at their accounts, within a budget that no crash and no second controller can exceed."""

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as ReadOnlyMapping
from dataclasses import dataclass
from datetime import datetime

from controller.model import events
from controller.model.accounts import Account, WindowsAccount, account_of
from controller.model.change import ChangeState
from controller.model.credential import StoredSecret, external_credential_place, windows_password_place
from controller.model.delivery import DeliveryState
from controller.model.errors import AccountRefused, AccountUnknown, Busy, SealBroken
from controller.model.events import Event
from controller.model.observation import Known, Observation, Survey
from controller.model.secret import Secret
from controller.model.topology import Application, Key, Kind, System
from controller.model.verification import (
    MOST_DIFFERING,
    SETTLED_FOR,
    Verification,
    VerificationOutcome,
    VerificationPolicy,
    hindrance,
    is_due,
)
from controller.ports.changes import ChangeQuery
from controller.ports.connectors import Connector
from controller.ports.deliveries import DeliveryQuery
from controller.ports.sealing import Sealer
from controller.ports.store import Store, Transaction
from controller.reconcile.knowledge import known_of
from controller.reconcile.settled import names_of

Jitter = Callable[[], float]
"""A number in [0, 1)."""
LOOKED_AT = 10
"""Accounts of which one look may ask the system for each try that it may make."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """A password that could be tried.

    Attributes:
        application: Whose credential it is; empty for a stored Windows password.
        field: Its label; empty for a stored Windows password.
        at: When it was stored.
    """

    account: Account
    application: str
    field: str
    at: datetime

    def read(self, tx: Transaction) -> StoredSecret | None:
        """The password, sealed."""
        if isinstance(self.account, WindowsAccount):
            return tx.credentials.windows(self.account)
        return tx.credentials.external(self.application, self.account.name).get(self.field)

    def open(self, sealer: Sealer, sealed: bytes) -> Secret:
        """Open what ``read`` found.

        Raises:
            SealBroken: It cannot be opened.
        """
        if isinstance(self.account, WindowsAccount):
            return sealer.open(sealed, windows_password_place(str(self.account)))
        return sealer.open(sealed, external_credential_place(self.application, self.account.name, self.field))


@dataclass(frozen=True, slots=True)
class _Claim:
    """A try that is noted and may now be made.

    Attributes:
        noted: As the store has it.
        known: What was known of the account's changes; when that is another afterwards, the try told nothing.
    """

    stored: _Stored
    password: Secret
    noted: Verification
    known: Known


class Verifier:
    """Tries some passwords of one target with each call.

    Args:
        store: Notes each try before it is made.
        sealer: Opens what is stored.
        jitter: Chooses whose turn it is.
        may_go_on: Tells, before each try, whether there is time for it.
    """

    def __init__(
        self, store: Store, sealer: Sealer, jitter: Jitter, may_go_on: Callable[[], bool] = lambda: True
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._jitter = jitter
        self._may_go_on = may_go_on

    def verify(self, lane: str, connector: Connector, observed: ReadOnlyMapping[str, Observation]) -> None:
        """Try stored passwords of a lane, as far as its accounts' budgets go.

        Args:
            lane: Of the accounts.
            connector: To their system.
            observed: What was seen of them just now; others are not tried.

        Raises:
            ConnectorError: The system cannot be asked. What was tried is noted.
        """
        with self._store.read() as tx:
            policy = policy_of(tx)
            due = list(_due(tx, policy, lane, observed)) if policy.enabled else []
        if not connector.capabilities.can_verify:
            return
        due.sort(key=lambda _: self._jitter())
        tries = differing = 0
        for stored in due[: policy.per_round * LOOKED_AT]:
            if tries == policy.per_round or differing == MOST_DIFFERING or not self._may_go_on():
                return
            if (claim := self._claim(stored, connector)) is not None:
                tries += 1
                differing += self._try(claim, connector) is VerificationOutcome.DIFFERS

    def _claim(self, stored: _Stored, connector: Connector) -> _Claim | None:
        """Note a try, unless something speaks against it; then None."""
        survey = connector.survey([stored.account.name])
        with self._store.write() as tx:
            tx.verifications.lock(stored.account)
            known = known_of(tx, stored.account)
            if not _may_try(tx, stored, known, survey, is_harmless=connector.capabilities.is_probe_harmless):
                return None
            password = self._open(tx, stored)
            if password is None or password.is_empty():
                return None
            noted = Verification(tx.now, stored.at)
            tx.verifications.put(stored.account, noted)
        return _Claim(stored, password, noted, known)

    def _open(self, tx: Transaction, stored: _Stored) -> Secret | None:
        secret = stored.read(tx)
        if secret is None or secret.updated_at != stored.at:
            return None
        try:
            return stored.open(self._sealer, secret.sealed)
        except SealBroken as error:
            tx.verifications.put(stored.account, Verification(tx.now, stored.at))
            tx.events.add(_event(events.CREDENTIAL_NOT_VERIFIED, stored, problem=str(error)))
            return None

    def _try(self, claim: _Claim, connector: Connector) -> VerificationOutcome:
        try:
            is_right = connector.verify_password(claim.stored.account.name, claim.password)
        except (AccountRefused, AccountUnknown, Busy) as error:
            with self._store.write() as tx:
                tx.events.add(_event(events.CREDENTIAL_NOT_VERIFIED, claim.stored, problem=str(error)))
            return VerificationOutcome.UNKNOWN
        return self._settle(claim, VerificationOutcome.CONFIRMED if is_right else VerificationOutcome.DIFFERS)

    def _settle(self, claim: _Claim, told: VerificationOutcome) -> VerificationOutcome:
        """Note what a try told; nothing, when the password was changed meanwhile."""
        stored, noted = claim.stored, claim.noted
        with self._store.write() as tx:
            tx.verifications.lock(stored.account)
            known, now = known_of(tx, stored.account), stored.read(tx)
            if known != claim.known or now is None or now.updated_at != stored.at:
                return VerificationOutcome.UNKNOWN
            tx.verifications.put(stored.account, Verification(noted.tried_at, noted.stored_at, told))
            if told is VerificationOutcome.DIFFERS:
                tx.events.add(_event(events.CREDENTIAL_DIFFERS, stored))
        return told


def policy_of(tx: Transaction) -> VerificationPolicy:
    """What the System says of tries; none without a System."""
    resource = tx.resources.read().get(Key(Kind.SYSTEM, "default"))
    return resource.spec.credential_verification if resource and isinstance(resource.spec, System) else _OFF


_OFF = VerificationPolicy()


def differing(tx: Transaction, lane: str, mapped: Sequence[str]) -> list[str]:
    """Accounts among *mapped* whose stored password was tried and does not open them."""
    if not policy_of(tx).enabled:
        return []
    last, stored = tx.verifications.of_lane(lane), _stored_of(tx, lane)
    there = [name for name in mapped if name in stored and name.lower() in last]
    return [name for name in there if last[name.lower()].differs(stored[name].at)]


def _due(
    tx: Transaction, policy: VerificationPolicy, lane: str, observed: ReadOnlyMapping[str, Observation]
) -> Iterator[_Stored]:
    kind, _, owner = lane.partition("/")
    if kind == "adapter" and owner in tx.suspensions.read():
        return
    last = tx.verifications.of_lane(lane)
    for name, stored in _stored_of(tx, lane).items():
        seen = observed.get(name)
        is_as_known = seen is not None and seen.missing_since is None and seen.missed_since is None
        if is_as_known and is_due(policy, name.lower(), last.get(name.lower()), stored.at, tx.now):
            yield stored


def _stored_of(tx: Transaction, lane: str) -> dict[str, _Stored]:
    """The newest stored password of each account of a lane, by the account's name."""
    kind, _, owner = lane.partition("/")
    if kind == "domain":
        stored = tx.verifications.stored_windows(owner)
        return {name: _Stored(account_of(lane, name), "", "", at) for name, at in stored.items()}
    found: dict[str, _Stored] = {}
    for key, resource in sorted(tx.resources.read().items()):
        spec = resource.spec
        if isinstance(spec, Application) and spec.adapter == owner and spec.password_field is not None:
            for name, at in tx.verifications.stored_external(key.name, spec.password_field).items():
                if name not in found or found[name].at < at:
                    found[name] = _Stored(account_of(lane, name), key.name, spec.password_field, at)
    return found


def _may_try(tx: Transaction, stored: _Stored, known: Known, survey: Survey, *, is_harmless: bool) -> bool:
    account = stored.account
    if not is_due(policy_of(tx), account.name.lower(), tx.verifications.get(account), stored.at, tx.now):
        return False
    now = survey.clock if survey.clock is not None else tx.now
    if hindrance(survey.accounts.get(account.name), now=now, is_harmless=is_harmless):
        return False
    return _is_settled(tx, account, known)


def _is_settled(tx: Transaction, account: Account, known: Known) -> bool:
    """Whether nothing is under way for an account, and nothing has been for a while."""
    if known.is_writing or (known.newest is not None and known.newest + SETTLED_FOR > tx.now):
        return False
    accepted = ChangeQuery(account=account.name, lane=account.lane, state=ChangeState.ACCEPTED, limit=1)
    parked = DeliveryQuery(account=account.name, lane=account.lane, state=DeliveryState.PARKED, limit=1)
    return not (tx.deliveries.open_for(account) or tx.deliveries.find(parked) or tx.changes.find(accepted))


def _event(type_: events.EventType, stored: _Stored, **fields: str) -> Event:
    adapter, name = names_of(stored.account)
    return Event(type_, adapter=adapter, account=name, fields={"application": stored.application, **fields})
