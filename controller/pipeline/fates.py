"""What becomes of each mapping that a change concerns, read from the events and deliveries that it caused. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from controller.model import events
from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.delivery import Delivery, DeliveryState
from controller.model.events import RecordedEvent
from controller.model.topology import Mapping
from controller.pipeline.topology import Topology

Outcome = Literal["delivered", "parked", "waiting", "stored", "skipped", "unaffected"]
"""delivered: its account gets the new password; parked: it would be refused and wait for a person; waiting: behind
something older; stored: only the credential database follows; skipped: not followed; unaffected: nothing happens."""
_ABOUT_ACCOUNTS = frozenset(
    {
        events.DELIVERY_CREATED.name,
        events.DELIVERY_CONFIRMED.name,
        events.DELIVERY_PARKED.name,
        events.DELIVERY_RETRYING.name,
        events.CREDENTIAL_UPDATED.name,
        events.MAPPING_SKIPPED.name,
        events.WINDOWS_PASSWORD_STORED.name,
    }
)


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a mapping, or of a Windows account.

    Attributes:
        account: The account that would be written: external, or Windows (full sync).
        mapping: None for a Windows account.
        reason: Why, as a stable name or in the words of what refused; empty when there is nothing to say.
        events: Names of the events that tell of it, oldest first.
    """

    account: Account | None
    mapping: Mapping | None
    outcome: Outcome
    reason: str = ""
    events: tuple[str, ...] = ()


def fates_of(
    topology: Topology,
    account: Account,
    mappings: Iterable[Mapping],
    deliveries: Sequence[Delivery],
    recorded: Sequence[RecordedEvent],
) -> Iterator[Fate]:
    """Yield the fate of each mapping of *account*, of each other one that is touched, and of Windows accounts."""
    by_account = {delivery.account: delivery for delivery in deliveries}
    for mapping in mappings:
        application = topology.applications.get(mapping.application)
        adapter = (application.adapter if application is not None else None) or ""
        external = ExternalAccount(adapter, mapping.external) if adapter else None
        told = [event for event in recorded if _tells_of_mapping(event, mapping, adapter)]
        fate = _fate(external, mapping, by_account.get(external) if external is not None else None, told)
        if fate.outcome != "unaffected" or account in {mapping.windows, external}:
            yield fate
    for windows in _windows_accounts(deliveries, recorded, account):
        told = [event for event in recorded if _tells_of_windows(event, windows)]
        yield _fate(windows, None, by_account.get(windows), told)


def _tells_of_mapping(event: RecordedEvent, mapping: Mapping, adapter: str) -> bool:
    if "mapping" in event.fields:
        return bool(event.fields["mapping"] == str(mapping.key))
    if event.name == events.MAPPING_CONFLICT_ALLOWED.name:
        return str(ExternalAccount(adapter, mapping.external)) in event.fields["accounts"]
    if event.name not in _ABOUT_ACCOUNTS or (event.adapter, event.account) != (adapter, mapping.external):
        return False
    return event.fields.get("application") in {None, mapping.application}


def _tells_of_windows(event: RecordedEvent, windows: WindowsAccount) -> bool:
    if event.name == events.WINDOWS_NOT_CHANGED.name:
        return bool(event.fields.get("windows") == str(windows))
    if event.name == events.MAPPING_CONFLICT_ALLOWED.name:
        return str(windows) in event.fields["accounts"]
    return event.name in _ABOUT_ACCOUNTS and not event.adapter and event.account == str(windows)


def _windows_accounts(
    deliveries: Iterable[Delivery], recorded: Iterable[RecordedEvent], account: Account
) -> list[WindowsAccount]:
    written = {d.account for d in deliveries if isinstance(d.account, WindowsAccount)}
    left = {
        WindowsAccount.parse(str(e.fields["windows"])) for e in recorded if e.name == events.WINDOWS_NOT_CHANGED.name
    }
    return sorted((written | left) - {account})


def _fate(
    account: Account | None, mapping: Mapping | None, delivery: Delivery | None, told: list[RecordedEvent]
) -> Fate:
    names = tuple(event.name for event in told)
    reasons = [str(event.fields["reason"]) for event in told if "reason" in event.fields]
    is_skipped = any("mapping" in event.fields for event in told)  # by itself, whatever its account gets by another
    if delivery is not None and not is_skipped:
        return Fate(account, mapping, _OUTCOMES.get(delivery.state, "waiting"), _words(delivery), names)
    if reasons:
        return Fate(account, mapping, "skipped", reasons[0], names)
    return Fate(account, mapping, "stored" if events.CREDENTIAL_UPDATED.name in names else "unaffected", "", names)


_OUTCOMES: dict[DeliveryState, Outcome] = {DeliveryState.CONFIRMED: "delivered", DeliveryState.PARKED: "parked"}


def _words(delivery: Delivery) -> str:
    return delivery.message or delivery.code
