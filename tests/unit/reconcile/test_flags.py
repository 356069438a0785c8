"""Flags without effect are told of at the start of a controller, and when an apply brings new ones (A12)."""

from typing import Any

import pytest

from controller.model.errors import InvalidInput, StoreUnavailable
from controller.model.topology import Adapter, ConnectorSpec, Resource, System
from controller.ports.events import EventQuery
from controller.ports.store import Store
from controller.reconcile.flags import FlagWatch
from controller.reconcile.reconciler import Outcome, Reconciler
from tests.doubles.topologies import adapter, resource, state

OFF = resource("default", System())
SENDS = resource("default", System(from_windows_to_adapters=True))


def told(store: Store) -> list[tuple[str, list[str], list[str]]]:
    """What was recorded, oldest first: adapter, flags, switches."""
    with store.read() as tx:
        found = tx.events.find(EventQuery(name="flagsWithoutEffect"))
    return [(event.adapter, event.fields["flags"], event.fields["switches"]) for event in reversed(found)]


def put(store: Store, *resources: Resource) -> None:
    with store.write() as tx:
        for one in resources:
            tx.resources.put(one)


def test_each_adapter_is_told_of_once_until_it_changes(store: Store) -> None:
    watch = FlagWatch(store)
    put(store, OFF, adapter("quiet"), adapter("racf", sync_to_adapter=True, sync_from_adapter=True))
    watch.look()
    watch.look()
    assert told(store) == [
        ("racf", ["syncToAdapter", "syncFromAdapter"], ["fromWindowsToAdapters", "fromAdaptersToDatabase"])
    ]
    put(store, SENDS)
    watch.look()
    assert told(store)[1:] == [("racf", ["syncFromAdapter"], ["fromAdaptersToDatabase"])]
    put(store, adapter("racf"), adapter("wiki", change_windows_password=True))
    watch.look()
    assert told(store)[2:] == [("wiki", ["changeWindowsPassword"], ["fromAdaptersToWindows"])]


def test_what_was_repaired_and_comes_again_is_told_again(store: Store) -> None:
    watch = FlagWatch(store)
    for system in (OFF, SENDS, OFF):
        put(store, system, adapter("racf", sync_to_adapter=True))
        watch.look()
    assert told(store) == [("racf", ["syncToAdapter"], ["fromWindowsToAdapters"])] * 2


def test_another_controller_tells_again_at_its_start(store: Store) -> None:
    put(store, OFF, adapter("racf", sync_to_adapter=True))
    FlagWatch(store).look()
    FlagWatch(store).look()
    assert len(told(store)) == 2


def test_without_a_system_there_is_nothing_to_agree_with(store: Store) -> None:
    put(store, adapter("racf", sync_to_adapter=True))
    FlagWatch(store).look()
    assert told(store) == []


def test_a_round_that_applies_tells_at_once(store: Store) -> None:
    desired = state(SENDS, adapter("racf", sync_to_adapter=True))
    reconciler = Reconciler(store, lambda: (desired, []))
    reconciler.reconcile()
    assert told(store) == []
    desired = state(OFF, adapter("racf", sync_to_adapter=True))
    assert reconciler.reconcile().outcome is Outcome.APPLIED
    assert told(store) == [("racf", ["syncToAdapter"], ["fromWindowsToAdapters"])]


def test_what_is_in_force_is_told_of_although_the_manifests_cannot_be_read(store: Store) -> None:
    def unreadable() -> Any:
        raise InvalidInput("racf.yaml cannot be read")

    put(store, OFF, resource("racf", Adapter(ConnectorSpec("remote"), sync_to_adapter=True)))
    assert Reconciler(store, unreadable).reconcile().outcome is Outcome.FAILED
    assert [name for name, _, _ in told(store)] == ["racf"]


def test_what_could_not_be_recorded_is_told_in_the_next_round(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def is_away(_: Store) -> None:
        raise StoreUnavailable("the store is away")

    put(store, OFF, adapter("racf", sync_to_adapter=True))
    watch = FlagWatch(store)
    with monkeypatch.context() as patch:
        patch.setattr(type(store), "write", is_away)
        with pytest.raises(StoreUnavailable):
            watch.look()
    watch.look()
    assert [name for name, _, _ in told(store)] == ["racf"]
