"""Callers that only read: let in by their roles, and each refusal recorded."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta

import pytest

from controller.model.errors import Refused, StoreUnavailable
from controller.model.topology import Kind, System
from controller.pipeline.admission import Admission
from controller.pipeline.roles import Action
from controller.ports.events import EventQuery
from controller.ports.store import Store, Transaction
from tests.doubles.pipeline import PipelineBench

MINUTE = timedelta(minutes=1)


@pytest.fixture
def admission(bench: PipelineBench) -> Admission:
    bench.put(Kind.SYSTEM, "default", System(administrators=("ops",)))
    return Admission(bench.store, lambda: bench.now)


@dataclass
class Forgetful:
    """A store that can be read, but not written to while it *is_away*."""

    store: Store
    is_away: bool = True

    def read(self) -> AbstractContextManager[Transaction]:
        """Read."""
        return self.store.read()

    def write(self) -> AbstractContextManager[Transaction]:
        """Write, or not."""
        if self.is_away:
            raise StoreUnavailable("the store is away")
        return self.store.write()

    def close(self) -> None:
        """Give it back."""
        self.store.close()


def refused(admission: Admission, principal: str, action: Action = Action.READ_EVENTS) -> str:
    with pytest.raises(Refused) as caught:
        admission.admit(principal, action, lambda *_: "nobody sees this")
    return caught.value.reason


def recorded(bench: PipelineBench, name: str) -> list[dict[str, object]]:
    with bench.store.read() as tx:
        return [dict(event.fields) for event in tx.events.find(EventQuery(name=name))]


def test_who_has_a_role_reads_in_one_transaction(bench: PipelineBench, admission: Admission) -> None:
    read = admission.admit("ops", Action.READ_EVENTS, lambda tx, topology, standing: (tx.now, topology, standing))
    assert (read[0], read[1].system.administrators, read[2].principal) == (bench.now, ("ops",), "ops")


def test_a_refusal_is_recorded_once_a_minute_of_each_caller_action_and_reason(
    bench: PipelineBench, admission: Admission
) -> None:
    for _ in range(3):
        assert refused(admission, "stranger") == "noRole"
    refused(admission, "stranger", Action.READ_STATUS)
    bench.now += MINUTE
    refused(admission, "stranger")
    fields = {"caller": "stranger", "reason": "noRole"}
    assert recorded(bench, "callRefused") == [
        fields | {"action": action} for action in ("readEvents", "readStatus", "readEvents")
    ]


def test_what_is_refused_while_it_is_read_is_recorded_too(bench: PipelineBench, admission: Admission) -> None:
    def read(*_: object) -> None:
        raise Refused("another's", reason="notReporter")

    with pytest.raises(Refused, match="another's"):
        admission.admit("ops", Action.READ_CHANGES, read)
    assert [event["reason"] for event in recorded(bench, "callRefused")] == ["notReporter"]


def test_who_proves_nothing_is_recorded_once_a_minute_of_each_problem(
    bench: PipelineBench, admission: Admission
) -> None:
    for address in ("192.0.2.1", "192.0.2.2"):
        admission.note_unproven(address, "no token")
    admission.note_unproven("192.0.2.2", "a bad token")
    bench.now += MINUTE
    admission.note_unproven("192.0.2.2", "no token")
    assert [(e["address"], e["problem"]) for e in recorded(bench, "callerUnproven")] == [
        ("192.0.2.2", "no token"),
        ("192.0.2.2", "a bad token"),
        ("192.0.2.1", "no token"),
    ]


def test_who_calls_too_often_is_recorded_once_a_minute(bench: PipelineBench, admission: Admission) -> None:
    for caller in ("dc1", "dc1", ""):
        admission.note_limited(caller, "192.0.2.1")
    bench.now += MINUTE
    admission.note_limited("dc1", "192.0.2.2")
    assert [(e["caller"], e["address"]) for e in recorded(bench, "callsLimited")] == [
        ("dc1", "192.0.2.2"),
        ("", "192.0.2.1"),
        ("dc1", "192.0.2.1"),
    ]


def test_a_refusal_that_cannot_be_recorded_is_one_all_the_same_and_is_recorded_when_it_can(
    bench: PipelineBench,
) -> None:
    store = Forgetful(bench.store)
    admission = Admission(store, lambda: bench.now)
    assert refused(admission, "stranger") == "noRole"
    admission.note_unproven("192.0.2.1", "no token")
    admission.note_limited("dc1", "192.0.2.1")
    store.is_away = False
    assert recorded(bench, "callRefused") == recorded(bench, "callerUnproven") == []
    refused(admission, "stranger")
    admission.note_unproven("192.0.2.1", "no token")
    admission.note_limited("dc1", "192.0.2.1")
    names = ("callRefused", "callerUnproven", "callsLimited")
    assert [len(recorded(bench, name)) for name in names] == [1, 1, 1]
