"""One change from its report to its end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.model.errors import NotFound
from controller.pipeline.timeline import find_timeline
from tests.doubles.pipeline import ALL_ON, OPEN_ADAPTER, PipelineBench, pipeline_bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[PipelineBench]:
    with pipeline_bench(tmp_path) as bench:
        bench.system(ALL_ON)
        bench.domain()
        bench.adapter("ldap", OPEN_ADAPTER, "al")
        bench.map("LDAP", "alice", "al")
        yield bench


def test_a_timeline_has_its_own_deliveries_and_its_events_oldest_first(bench: PipelineBench) -> None:
    first = bench.windows("alice", "First-1")
    bench.settle()
    bench.windows("alice", "Second-2")
    bench.settle()
    with bench.store.read() as tx:
        timeline = find_timeline(tx, first)
    assert timeline.change.tracking_id == first
    assert [str(delivery.account) for delivery in timeline.deliveries] == ["ldap:al"]
    assert {event.tracking_id for event in timeline.events} == {first}
    names = [event.name for event in timeline.events]
    assert (names[0], names[-1]) == ("windowsChangeAccepted", "changeCompleted")


def test_a_change_that_is_not_there_is_named_with_where_to_look(bench: PipelineBench) -> None:
    with bench.store.read() as tx, pytest.raises(NotFound, match="there is no change t-0") as told:
        find_timeline(tx, "t-0")
    assert "get changes" in told.value.hint
