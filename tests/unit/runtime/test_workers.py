"""The threads of the pipeline, and the drain that does their work in one thread."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from controller.model.accounts import WindowsAccount
from controller.model.errors import Busy, StoreUnavailable, Unavailable
from controller.model.secret import Secret
from controller.model.topology import REMOTE, Adapter, AdapterGroup, ConnectorSpec
from controller.pipeline.dispatch import LaneWorker
from controller.pipeline.intake import Caller, Report
from controller.runtime.drain import Drain
from controller.runtime.wiring import Installation
from controller.runtime.workers import Workers, _Crew
from tests.doubles.memory import MemoryDirectory
from tests.doubles.topologies import resource

PATIENCE = timedelta(seconds=30)


def report(installation: Installation, user: str, password: str) -> str:
    """Report a Windows change."""
    account = WindowsAccount("CORP", user)
    return installation.intake.accept(Report(account, Secret(password)), Caller("test", is_local=True))


@pytest.fixture
def workers(installation: Installation) -> Iterator[Workers]:
    """Started, and stopped at the end."""
    made = installation.make_workers()
    made.start()
    yield made
    made.stop()


class Arrivals:
    """Tells when a directory has taken over so many passwords."""

    def __init__(self, directory: MemoryDirectory, expected: int) -> None:
        self._directory = directory
        self._expected = expected
        self._arrived = threading.Semaphore(0)
        directory.gate = lambda _: self._arrived.release()

    def wait(self) -> None:
        """Wait for them."""
        for _ in range(self._expected):
            assert self._arrived.acquire(timeout=PATIENCE.total_seconds())


def test_a_reported_change_is_delivered_in_the_background(
    installation: Installation, workers: Workers, directory: MemoryDirectory
) -> None:
    arrivals = Arrivals(directory, 10)
    for n in range(10):
        report(installation, f"user{n}", f"New-{n}")
        workers.wake()
    arrivals.wait()
    workers.stop()
    assert directory.accounts == {f"user{n}": f"New-{n}" for n in range(10)}
    with installation.store.read() as tx:
        assert tx.changes.count_by_state() == {"completed": 10}


def test_work_of_another_process_is_noticed_without_being_told(
    installation: Installation, workers: Workers, directory: MemoryDirectory
) -> None:
    arrivals = Arrivals(directory, 1)
    report(installation, "user0", "New-1")
    arrivals.wait()
    workers.stop()
    assert directory.accounts["user0"] == "New-1"


def test_stopping_lets_the_delivery_under_way_finish_and_settles_it(
    installation: Installation, workers: Workers, directory: MemoryDirectory
) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def hold(_: str) -> None:
        reached.set()
        assert go_on.wait(PATIENCE.total_seconds())

    directory.gate = hold
    change = report(installation, "user0", "New-1")
    workers.wake()
    assert reached.wait(PATIENCE.total_seconds())
    stopping = threading.Thread(target=workers.stop)
    stopping.start()
    go_on.set()
    stopping.join(PATIENCE.total_seconds())
    with installation.store.read() as tx:
        assert [d.state for d in tx.deliveries.of_change(change)] == ["confirmed"]


def test_a_store_that_is_away_for_a_moment_holds_up_and_loses_nothing(
    installation: Installation, directory: MemoryDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = iter([True, True])
    original = LaneWorker.finish

    def finish(self: LaneWorker) -> None:
        if next(failures, False):
            raise StoreUnavailable("the store is away")
        original(self)

    monkeypatch.setattr(LaneWorker, "finish", finish)
    monkeypatch.setattr("controller.runtime.workers.PATIENCE", timedelta(milliseconds=10))
    arrivals = Arrivals(directory, 1)
    workers = installation.make_workers()
    workers.start()
    report(installation, "user0", "New-1")
    arrivals.wait()
    drain = Drain(installation)
    change = report(installation, "user1", "New-2")
    assert drain.wait_for(change, PATIENCE)
    workers.stop()
    drain.close()
    assert directory.accounts["user0"] == "New-1"


def test_the_router_is_told_of_what_was_settled_and_not_of_what_waits_for_a_target_that_is_away(
    installation: Installation, directory: MemoryDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers = installation.make_workers()
    crew = _Crew(installation.make_circuit())
    worker = installation.make_worker("adapter/memory", crew.circuit)
    report(installation, "user0", "New-1")
    assert installation.router.route_next()

    def is_told() -> bool:
        workers._news.clear()
        assert workers._work_off(crew, worker)
        return workers._news.is_set()

    with directory.down():
        assert is_told()
        assert not is_told()
    crew.circuit.retry_at = None
    with monkeypatch.context() as patch:
        patch.setattr(LaneWorker, "_settle", _fail)
        assert not workers._work_off(crew, worker)
    assert is_told()
    assert directory.accounts["user0"] == "New-1"


def _fail(*_: object) -> None:
    raise StoreUnavailable("the store is away")


def test_the_drain_delivers_all_that_is_due_and_returns(installation: Installation, directory: MemoryDirectory) -> None:
    for n in range(3):
        report(installation, f"user{n}", "New-1")
    directory.fail_next(Busy("not now"))
    drain = Drain(installation)
    assert drain.work_off() == 3
    drain.close()
    assert [directory.accounts[f"user{n}"] for n in range(3)] == ["old", "New-1", "New-1"]


def test_the_drain_does_not_wait_for_a_target_that_is_away(
    installation: Installation, directory: MemoryDirectory
) -> None:
    change = report(installation, "user0", "New-1")
    drain = Drain(installation)
    with directory.down():
        assert drain.work_off() == 1
        assert drain.wait_for(change, timedelta(milliseconds=300)) is False
    assert drain.wait_for(change, PATIENCE) is True
    drain.close()
    assert Unavailable.code == "unavailable"
    assert directory.accounts["user0"] == "New-1"


def test_a_due_delivery_of_a_remote_adapter_rings_its_bell_and_has_no_worker(
    installation: Installation, workers: Workers
) -> None:
    with installation.store.write() as tx:
        tx.resources.put(resource("memory", Adapter(ConnectorSpec(REMOTE), sync_to_adapter=True)))
    rung = threading.Event()
    with installation.bells.listening("adapter/memory", rung.set):
        report(installation, "user0", "New-1")
        workers.wake()
        assert rung.wait(PATIENCE.total_seconds())
    assert "adapter/memory" not in workers._crews


def test_a_group_adapter_that_waits_is_woken_when_anything_was_applied(installation: Installation) -> None:
    rung = threading.Semaphore(0)
    with installation.store.write() as tx:
        tx.resources.put(resource("mainframe", AdapterGroup()))
        tx.resources.put(resource("mainframe", Adapter(ConnectorSpec(REMOTE))))
    with installation.bells.listening("adapter/mainframe", rung.release):
        workers = installation.make_workers()
        workers.start()
        assert rung.acquire(timeout=PATIENCE.total_seconds()), "once at the start"
        with installation.store.write() as tx:
            tx.resources.put(resource("db2", Adapter(ConnectorSpec(REMOTE), group="mainframe")))
        assert rung.acquire(timeout=PATIENCE.total_seconds()), "and when a member has come"
        workers.stop()
    assert not rung.acquire(blocking=False), "and not without a reason"


def test_a_watch_that_fails_ends_nothing(installation: Installation) -> None:
    called = threading.Semaphore(0)

    def watch() -> None:
        called.release()
        raise StoreUnavailable("away")

    made = installation.make_workers()
    made._watch = watch
    made._stopping = _Twice()
    made._renew()
    assert called.acquire(blocking=False)
    assert called.acquire(blocking=False)


class _Twice(threading.Event):
    """Lets its owner go round twice, without waiting."""

    def __init__(self) -> None:
        super().__init__()
        self._rounds = 0

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002  # as Event
        self._rounds += 1
        return self._rounds > 2
