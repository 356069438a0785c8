"""Parked deliveries whose cause a plan may have removed are queued again, with what the manifests say now."""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as ReadOnlyMapping

from controller.model import events
from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.delivery import Delivery, DeliveryState, release
from controller.model.errors import OldPasswordWrong
from controller.model.events import Event
from controller.model.filters import PasswordFilter
from controller.model.topology import Adapter, Application, Domain, Key, Kind, Mapping, Resource
from controller.planning.change import Change, Prune, Replace
from controller.ports.deliveries import DeliveryQuery
from controller.ports.store import Transaction
from controller.reconcile.settled import names_of, refresh_change

MOST = 100_000
"""Parked deliveries that one apply looks at."""


def release_parked(tx: Transaction, changes: Sequence[Change]) -> int:
    """Queue again every parked delivery that *changes* concern; tell how many.

    One that was parked for a wrong old password waits for credentials: each try counts towards a lockout. Whether a
    newer change has made it pointless, or it is too old by now, is seen when it is delivered.
    """
    parked = [
        delivery
        for delivery in tx.deliveries.find(DeliveryQuery(state=DeliveryState.PARKED, limit=MOST))
        if delivery.code != OldPasswordWrong.code
    ]
    if not parked:
        return 0
    resources = tx.resources.read()
    lanes = set(_lanes(changes, resources))
    targets = dict(_targets(tx, changes, resources))
    released = [d for d in parked if d.account.lane in lanes or d.account in targets]
    for delivery in released:
        _release(tx, delivery, targets.get(delivery.account), keeps_doubtful=_is_remote(resources, delivery.account))
    return len(released)


def _is_remote(resources: ReadOnlyMapping[Key, Resource], account: Account) -> bool:
    """Whether the account is behind a remote adapter, which may confirm late what it was handed."""
    name = account.adapter if isinstance(account, ExternalAccount) else ""
    resource = resources.get(Key(Kind.ADAPTER, name))
    return resource is not None and isinstance(resource.spec, Adapter) and resource.spec.is_remote


def _release(tx: Transaction, delivery: Delivery, account: Account | None, *, keeps_doubtful: bool) -> None:
    queued = release(delivery, tx.now, account, keeps_doubtful=keeps_doubtful)
    tx.deliveries.save(queued)
    adapter, name = names_of(queued.account)
    fields = {"id": delivery.id, "by": "apply"}
    tx.events.add(Event(events.DELIVERY_RETRIED, delivery.tracking_id, adapter, name, fields))
    refresh_change(tx, delivery.tracking_id, message="")


def _lanes(changes: Iterable[Change], resources: ReadOnlyMapping[Key, Resource]) -> Iterator[str]:
    """Lanes whose adapter, filter, application or domain is another one now."""
    for change in changes:
        if isinstance(change, Prune) or isinstance(change.after, Mapping):
            continue
        name = change.key.name
        match change.after.spec:
            case Adapter():
                yield ExternalAccount(name, "").lane
            case Domain():
                yield WindowsAccount(name, "").lane
            case Application(adapter=str(adapter)):
                yield ExternalAccount(adapter, "").lane
            case PasswordFilter():
                for key, resource in resources.items():
                    if isinstance(resource.spec, Adapter) and resource.spec.filter == name:
                        yield ExternalAccount(key.name, "").lane
            case _:
                continue


def _targets(
    tx: Transaction, changes: Iterable[Change], resources: ReadOnlyMapping[Key, Resource]
) -> Iterator[tuple[Account, Account]]:
    """External accounts of changed mappings, and which account takes their place: itself, or the newly mapped one."""
    adapters = {
        key.name: resource.spec.adapter
        for key, resource in resources.items()
        if isinstance(resource.spec, Application) and resource.spec.adapter is not None
    }
    for change in changes:
        if isinstance(change, Prune) or not isinstance(change.after, Mapping):
            continue
        adapter = adapters.get(change.after.application)
        if adapter is None:
            continue
        account = ExternalAccount(adapter, change.after.external)
        yield account, account
        if isinstance(change, Replace) and isinstance(change.before, Mapping):
            old = ExternalAccount(adapter, change.before.external)
            applications = [name for name, of in adapters.items() if of == adapter]
            if not tx.mappings.of_external(applications, old.name):
                yield old, account
