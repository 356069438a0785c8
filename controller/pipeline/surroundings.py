"""What the store knows around one account: as much of it as a change of that account can touch."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.credential import Fingerprint, StoredSecret
from controller.model.delivery import OPEN_STATES, Delivery
from controller.model.topology import Mapping, Resource
from controller.pipeline.topology import Topology, topology_of
from controller.pipeline.users import user_names
from controller.ports.deliveries import DeliveryQuery
from controller.ports.resources import Suspension
from controller.ports.store import Transaction
from controller.ports.windows_groups import GroupReading

RINGS = 3
"""External -> Windows -> external -> the mappings whose stored credentials follow: no change goes further."""
_MOST_DELIVERIES = 100
_NOT_ASKED = GroupReading(None)
"""Routing would wait; a picture says what is known now."""
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A picture of one moment.

    Attributes:
        mappings: Ring by ring: first those of the account itself.
        credentials: By application, external account and field.
        windows_passwords: Stored ones.
        deliveries: Of the accounts concerned, oldest first.
        groups: What is known of the names by which the applications concerned give their users.
        memberships: Pairs of a mapped Windows account and a name that it stands behind.
    """

    resources: tuple[Resource, ...]
    suspensions: tuple[Suspension, ...]
    mappings: tuple[Mapping, ...]
    fingerprints: dict[Account, Fingerprint]
    credentials: dict[tuple[str, str, str], StoredSecret]
    windows_passwords: dict[WindowsAccount, StoredSecret]
    deliveries: tuple[Delivery, ...]
    groups: dict[WindowsAccount, GroupReading]
    memberships: frozenset[tuple[WindowsAccount, WindowsAccount]]


def mappings_around(tx: Transaction, topology: Topology, account: Account) -> list[Mapping]:
    """The mappings that a change of *account* can touch, ring by ring, each once."""
    found: dict[Mapping, None] = {}
    seen: set[Account] = set()
    ring: set[Account] = {account}
    for _ in range(RINGS):
        seen |= ring
        fresh = [m for a in sorted(ring, key=_position) for m in _mappings_of(tx, topology, a) if m not in found]
        found.update(dict.fromkeys(fresh))
        ring = {a for mapping in fresh if _leads_on(topology, mapping) for a in accounts_of(topology, mapping)} - seen
    return list(found)


def _mappings_of(tx: Transaction, topology: Topology, account: Account) -> list[Mapping]:
    if isinstance(account, WindowsAccount):
        return tx.mappings.of_windows(account)
    return tx.mappings.of_external(topology.applications_of(account.adapter), account.name)


def _leads_on(topology: Topology, mapping: Mapping) -> bool:
    """Whether a change may go on through it: through a host group only a stored credential follows."""
    application = topology.applications.get(mapping.application)
    return application is None or not application.is_host_group


def accounts_of(topology: Topology, mapping: Mapping) -> Iterator[Account]:
    """The Windows account, and the external one when an adapter stands for it."""
    yield mapping.windows
    application = topology.applications.get(mapping.application)
    if application is not None and application.adapter is not None:
        yield ExternalAccount(application.adapter, mapping.external)


def _position(account: Account) -> tuple[str, str]:
    return account.lane, account.name


def look_around(tx: Transaction, account: Account) -> Surroundings:
    """Read what a change of *account* can touch. Takes no lock and writes nothing."""
    resources, suspensions = tx.resources.read(), tx.suspensions.read()
    topology = topology_of(resources, suspensions)
    mappings = mappings_around(tx, topology, account)
    accounts = sorted({account, *(a for m in mappings for a in accounts_of(topology, m))}, key=_position)
    stored = ((a, tx.credentials.windows(a)) for a in accounts if isinstance(a, WindowsAccount))
    known = ((a, tx.fingerprints.get(a)) for a in accounts)
    names = {name for m in mappings for name in user_names(topology, m)}
    readings = tx.windows_groups.readings()
    return Surroundings(
        resources=tuple(resources.values()),
        suspensions=tuple(suspensions.values()),
        mappings=tuple(mappings),
        fingerprints={a: fingerprint for a, fingerprint in known if fingerprint != Fingerprint()},
        credentials={
            (m.application, m.external, field): secret
            for m in mappings
            for field, secret in tx.credentials.external(m.application, m.external).items()
        },
        windows_passwords={a: secret for a, secret in stored if secret is not None},
        deliveries=tuple(d for a in accounts for d in _deliveries_to(tx, a)),
        groups={name: readings.get(name, _NOT_ASKED) for name in names},
        memberships=frozenset(tx.windows_groups.memberships({m.windows for m in mappings}, names)),
    )


def _deliveries_to(tx: Transaction, account: Account) -> list[Delivery]:
    query = DeliveryQuery(lane=account.lane, account=account.name, limit=_MOST_DELIVERIES)
    return tx.deliveries.find(query)[::-1]


def rebuild(tx: Transaction, picture: Surroundings) -> None:
    """Write *picture* into an empty store, such that the next change is newer than all of it.

    Deliveries that wait go on waiting: they may be superseded, but nobody makes them.
    """
    sequences = [known.sequence for known in picture.fingerprints.values()]
    sequences += [secret.sequence for secret in (*picture.credentials.values(), *picture.windows_passwords.values())]
    newest = max([*sequences, *(delivery.sequence for delivery in picture.deliveries)], default=0)
    for resource in picture.resources:
        tx.resources.put(resource)
    for suspension in picture.suspensions:
        tx.suspensions.put(suspension.adapter, suspension.principal)
    tx.mappings.put(picture.mappings)
    for name, reading in picture.groups.items():
        tx.windows_groups.note(name, reading)
    for member, name in picture.memberships:
        tx.windows_groups.add(name, [member])
    for account, known in picture.fingerprints.items():
        writes = tuple(replace(write, sequence=write.sequence - newest) for write in known.writes)
        aged = replace(known, sequence=known.sequence - newest, writes=writes)
        tx.fingerprints.put(account, aged)
    for (application, external, field), secret in picture.credentials.items():
        tx.credentials.put_external(application, external, field, _aged(secret, newest))
    for windows, secret in picture.windows_passwords.items():
        tx.credentials.put_windows(windows, _aged(secret, newest))
    for delivery in picture.deliveries:
        tx.deliveries.add(_asleep(replace(delivery, sequence=delivery.sequence - newest)))


def _aged(secret: StoredSecret, newest: int) -> StoredSecret:
    return replace(secret, sequence=secret.sequence - newest)


def _asleep(delivery: Delivery) -> Delivery:
    if delivery.state not in OPEN_STATES:
        return delivery
    return replace(delivery, due_at=_NEVER, expires_at=_NEVER, leased_until=_NEVER if delivery.lease else None)
