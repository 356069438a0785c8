"""Group adapters: told of their members, until what they were told is what is declared (A1, section 10)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.model.errors import Refused
from controller.model.membership import REPEATED_AFTER
from controller.model.notification import AdapterAdded, AdapterDeleted, AdaptersInGroup, Notification, StatusRequest
from controller.model.session import KEEP_ALIVE, STATUS_INTERVAL
from controller.model.topology import REMOTE, Access, Adapter, AdapterGroup, ConnectorSpec, Kind
from controller.pipeline.sessions import StatusReport
from controller.pipeline.topology import TopologyReader
from tests.doubles.pipeline import PipelineBench
from tests.doubles.remote import AGENT, REMOTE_ADAPTER, RemoteBench

GROUP = "mainframe"
GROUP_ADAPTER = Adapter(ConnectorSpec(REMOTE), access=Access(users=(AGENT,), receivers=(AGENT,)))
MOMENT = timedelta(seconds=1)


class GroupBench:
    """The group adapter ``mainframe``, with a session; adapter racf is in its group."""

    def __init__(self, bench: PipelineBench) -> None:
        self.remote = RemoteBench(bench)
        self.bench = bench
        bench.put(Kind.ADAPTER_GROUP, GROUP, AdapterGroup())
        bench.put(Kind.ADAPTER, GROUP, GROUP_ADAPTER)
        self.join("racf")
        self.initialize()

    def join(self, name: str, group: str | None = GROUP) -> None:
        """Declare an adapter of that group."""
        self.bench.put(Kind.ADAPTER, name, replace(REMOTE_ADAPTER, group=group))

    def initialize(self) -> None:
        """Begin a session of the group adapter."""
        session, _ = self.remote.sessions.initialize(self.remote.call("initialize", adapter=GROUP))
        self.remote.session = session.id

    def receive(self) -> Notification | None:
        """Receive as the group adapter."""
        return self.remote.notifications.receive(self.remote.call("receive", adapter=GROUP))

    def told(self) -> list[tuple[str, list[str]]]:
        """Notifications and adapters of the recorded events, oldest first."""
        found = reversed(self.bench.events("groupTold"))
        return [(event.fields["notification"], event.fields["adapters"]) for event in found]


@pytest.fixture
def group(bench: PipelineBench) -> GroupBench:
    """A group adapter that has been told nothing yet."""
    return GroupBench(bench)


def test_only_the_adapter_of_a_groups_name_is_its_group_adapter(group: GroupBench) -> None:
    group.join("db2")
    with group.bench.store.read() as tx:
        topology = TopologyReader().read(tx)
    assert (topology.remote_adapters(), topology.group_adapters()) == (["db2", "mainframe", "racf"], ["mainframe"])


def test_a_session_begins_with_the_whole_list_and_then_there_is_nothing(group: GroupBench) -> None:
    group.join("db2")
    assert group.receive() == AdaptersInGroup(("db2", "racf"))
    assert group.receive() is None
    assert group.told() == [("adaptersInGroup", ["db2", "racf"])]


def test_a_group_without_members_is_told_of_none(group: GroupBench) -> None:
    group.join("racf", None)
    assert group.receive() == AdaptersInGroup(())
    assert group.receive() is None


def test_members_that_come_and_go_are_told_one_by_one(group: GroupBench) -> None:
    group.receive()
    group.join("db2")
    group.join("cics")
    group.join("racf", None)
    assert [group.receive() for _ in range(4)] == [
        AdapterDeleted("racf"),
        AdapterAdded("cics"),
        AdapterAdded("db2"),
        None,
    ]
    assert group.told() == [
        ("adaptersInGroup", ["racf"]),
        ("deleteAdapter", []),
        ("addAdapter", ["cics"]),
        ("addAdapter", ["cics", "db2"]),
    ]


def test_a_member_that_came_and_went_untold_is_not_told_of(group: GroupBench) -> None:
    group.receive()
    group.join("db2")
    group.bench.remove(Kind.ADAPTER, "db2")
    assert group.receive() is None


def test_a_disabled_member_is_still_in_the_group(group: GroupBench) -> None:
    group.remote.declare(enabled=False, group=GROUP)
    assert group.receive() == AdaptersInGroup(("racf",))


def test_a_new_session_gets_the_whole_list_again(group: GroupBench) -> None:
    group.receive()
    group.initialize()
    assert group.receive() == AdaptersInGroup(("racf",))


def test_what_was_told_outlives_the_controller(group: GroupBench) -> None:
    group.receive()
    group.remote.restart()
    assert group.receive() is None
    group.join("db2")
    assert group.receive() == AdapterAdded("db2")


def test_the_whole_list_is_repeated_in_case_an_answer_was_lost_and_that_is_no_news(group: GroupBench) -> None:
    group.receive()
    group.bench.wait(REPEATED_AFTER - MOMENT)
    assert group.receive() is None
    group.bench.wait(MOMENT)
    assert group.receive() == AdaptersInGroup(("racf",))
    assert group.told() == [("adaptersInGroup", ["racf"])]


def test_one_that_had_fallen_silent_gets_the_whole_list_again(group: GroupBench) -> None:
    group.receive()
    group.remote.sessions.watch()
    group.bench.wait(KEEP_ALIVE + MOMENT)
    group.remote.sessions.watch()
    assert group.receive() == AdaptersInGroup(("racf",))


def test_one_that_says_that_it_is_offline_is_told_nothing_until_it_is_back_and_then_all(group: GroupBench) -> None:
    group.receive()
    for is_online, answer in ((False, None), (True, AdaptersInGroup(("racf",))), (True, None)):
        group.remote.sessions.report_status(group.remote.call("reportStatus", adapter=GROUP), StatusReport(is_online))
        assert group.receive() == answer


def test_it_is_asked_for_its_status_as_any_other(group: GroupBench) -> None:
    group.receive()
    group.bench.wait(STATUS_INTERVAL)
    assert group.receive() == AdaptersInGroup(("racf",))
    assert group.receive() == StatusRequest()


def test_whatever_the_store_says_it_is_handed_no_password(group: GroupBench) -> None:
    group.bench.adapter(GROUP, replace(REMOTE_ADAPTER, access=GROUP_ADAPTER.access))
    group.bench.map(GROUP.upper(), "carol", "CAROL1")
    group.remote.change("carol", "New-1")
    assert group.receive() == AdaptersInGroup(("racf",))
    assert group.receive() is None
    assert group.bench.events("deliveryHandedOut") == []


def test_whatever_the_store_says_it_reports_nothing(group: GroupBench) -> None:
    group.bench.adapter(GROUP, replace(REMOTE_ADAPTER, access=GROUP_ADAPTER.access))
    with pytest.raises(Refused, match="reports nothing") as caught:
        group.remote.expire("CAROL1", adapter=GROUP)
    assert caught.value.reason == "groupAdapter"


def test_a_group_without_an_adapter_of_its_name_has_no_group_adapter(group: GroupBench) -> None:
    group.bench.remove(Kind.ADAPTER_GROUP, GROUP)
    assert group.receive() is None
    assert group.told() == []
