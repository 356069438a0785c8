"""Transactions: all or nothing, one picture, time, and what several threads and stores do at once."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain, pairwise

import pytest

from controller.model.accounts import ExternalAccount
from controller.model.actor import Actor
from controller.model.audit import AuditAction
from controller.model.credential import Fingerprint
from controller.model.delivery import Delivery, DeliveryState, confirm
from controller.model.errors import InvalidInput, StoreUnusable
from controller.ports.audit import AuditQuery
from controller.ports.changes import ChangeQuery
from controller.ports.store import Store
from tests.contracts.store.conftest import OpenStore, SettableClock
from tests.contracts.store.examples import ALICE, ALICE1, BOB, LANE, change, delivery, mapping, stored, together

WAIT = 30


def test_what_is_written_is_seen_after_the_end_and_not_before(store: Store) -> None:
    with store.write() as tx:
        tx.mappings.put([mapping("alice", "A1")])
        assert tx.mappings.count() == 1
        with store.read() as other:
            assert other.mappings.count() == 0
    with store.read() as other:
        assert other.mappings.count() == 1


def test_an_exception_rolls_back_everything(store: Store) -> None:
    def fail() -> None:
        with store.write() as tx:
            tx.changes.add(change("t1"))
            tx.mappings.put([mapping("alice", "A1")])
            tx.audit.add(Actor("ops"), AuditAction.APPLY, "b")
            raise KeyError("the reason")

    with pytest.raises(KeyError, match="the reason"):
        fail()
    with store.read() as tx:
        assert tx.mappings.count() == 0
        assert tx.changes.find(ChangeQuery()) == []
        assert tx.audit.find(AuditQuery()) == []


def test_an_error_of_the_store_that_is_caught_inside_still_fails_the_transaction(store: Store) -> None:
    def swallow() -> None:
        with store.write() as tx:
            tx.changes.add(change("t1"))
            with suppress(InvalidInput):
                tx.changes.add(change("t1"))

    with pytest.raises(InvalidInput):
        swallow()
    with store.read() as tx:
        assert tx.changes.get("t1") is None


def test_a_reader_sees_one_picture_while_others_write(store: Store) -> None:
    with store.write() as tx:
        tx.mappings.put([mapping("alice", "A1")])
    with store.read() as reading:
        assert reading.mappings.count() == 1
        with store.write() as tx:
            tx.mappings.put([mapping("bob", "B1")])
        assert reading.mappings.count() == 1
        assert list(reading.mappings.scan()) == [mapping("alice", "A1")]


def test_a_reading_transaction_cannot_write(store: Store) -> None:
    with pytest.raises(Exception, match="cannot be used now"), store.read() as tx:  # of either engine
        tx.fingerprints.put(ALICE, Fingerprint())
    with store.read() as tx, pytest.raises(RuntimeError, match="writing transaction"):
        tx.exclusive("apply")


def test_the_clock_is_asked_once_for_each_transaction(store: Store, clock: SettableClock) -> None:
    with store.write() as tx:
        before = tx.now
        clock.advance(seconds=1)
        assert tx.now == before
    with store.read() as tx:
        assert tx.now == before + timedelta(seconds=1)


def test_without_a_clock_the_time_is_the_engines_in_utc(opened: OpenStore) -> None:
    store = opened()
    with store.write() as first, store.read() as second:
        for now in (first.now, second.now):
            assert now.utcoffset() == timedelta(0)
            assert abs(now - datetime.now(UTC)) < timedelta(seconds=10)


def test_a_store_opened_for_reading_sees_everything_and_writes_nothing(store: Store, opened: OpenStore) -> None:
    with store.write() as tx:
        tx.mappings.put([mapping("alice", "A1")])
    reader = opened(read_only=True)
    with reader.read() as tx:
        assert tx.mappings.count() == 1
    with pytest.raises(StoreUnusable, match="reading only"), reader.write():
        pass


def test_exclusive_work_of_one_name_is_done_by_one_at_a_time(store: Store, opened: OpenStore) -> None:
    inside: list[str] = []
    most: list[int] = []

    def work(name: str, own: Store) -> None:
        for _ in range(5):
            with own.write() as tx:
                tx.exclusive("apply")
                inside.append(name)
                most.append(len(inside))
                tx.mappings.put([mapping(name, "X")])
                inside.remove(name)

    together(lambda: work("a", store), lambda: work("b", opened()), lambda: work("c", opened()))
    assert max(most) == 1


def test_many_writers_of_one_account_keep_the_order_of_intake(store: Store, opened: OpenStore) -> None:
    seen: list[int] = []
    stop = threading.Event()

    def intake(worker: int, own: Store) -> None:
        for number in range(15):
            with own.write() as tx:
                tx.changes.add(change(f"b{worker}-{number}", BOB))
                tx.changes.add(change(f"a{worker}-{number}", ALICE))

    def route(own: Store) -> None:
        while not stop.is_set():
            with own.write() as tx:
                for claimed in tx.changes.claim_unrouted(1):
                    tx.changes.mark_routed(claimed.tracking_id)
                    if claimed.account == ALICE:
                        seen.append(claimed.sequence)

    router = threading.Thread(target=route, args=(opened(),))
    router.start()
    try:
        together(*(partial(intake, worker, opened()) for worker in range(3)))
    finally:
        stop.set()
        router.join(WAIT)
    with store.write() as tx:
        while claimed := tx.changes.claim_unrouted(100):
            for one in claimed:
                tx.changes.mark_routed(one.tracking_id)
                if one.account == ALICE:
                    seen.append(one.sequence)
    assert len(seen) == 45
    assert all(earlier < later for earlier, later in pairwise(seen))


def test_two_routers_never_get_the_same_change(store: Store, opened: OpenStore) -> None:
    with store.write() as tx:
        for number in range(60):
            tx.changes.add(change(f"t{number}", ExternalAccount("racf", f"U{number % 20}")))

    def route(own: Store) -> list[str]:
        routed: list[str] = []
        while True:
            with own.write() as tx:
                claimed = tx.changes.claim_unrouted(4)
                for one in claimed:
                    tx.changes.mark_routed(one.tracking_id)
            if not claimed:
                with own.read() as tx:
                    if all(c.routed for c in tx.changes.find(ChangeQuery(limit=100))):
                        return routed
            routed += [one.tracking_id for one in claimed]

    routed = together(lambda: route(store), lambda: route(opened()), lambda: route(opened()))
    assert Counter(chain.from_iterable(routed)) == Counter(f"t{number}" for number in range(60))


def test_two_workers_never_get_the_same_delivery_nor_two_of_one_account(
    store: Store, opened: OpenStore, clock: SettableClock
) -> None:
    with store.write() as tx:
        for number in range(90):
            tx.deliveries.add(delivery(f"d{number}", ExternalAccount("racf", f"U{number % 30}")))
    in_flight: Counter[str] = Counter()
    crowds: list[int] = []
    violations: list[str] = []
    lock = threading.Lock()

    def start(claimed: list[Delivery]) -> None:
        with lock:
            in_flight.update(d.account.name for d in claimed)
            violations.extend(name for name, count in in_flight.items() if count > 1)
            crowds.append(in_flight.total())

    def work(lease: str, own: Store) -> list[str]:
        done: list[str] = []
        while True:
            with own.write() as tx:
                claimed = tx.deliveries.claim(LANE, limit=3, lease=lease, lease_for=timedelta(minutes=5), outstanding=6)
            start(claimed)
            with lock:
                in_flight.subtract(d.account.name for d in claimed)
            with own.write() as tx:
                assert all(tx.deliveries.save(confirm(d, tx.now), lease=lease) for d in claimed)
                done += [d.id for d in claimed]
                if not claimed and not tx.deliveries.open_of_lane(LANE):
                    return done

    done = together(*(partial(work, f"w{n}", opened(clock)) for n in range(3)))
    assert Counter(chain.from_iterable(done)) == Counter(f"d{number}" for number in range(90))
    assert violations == []
    assert max(crowds) <= 6


def test_two_writers_of_one_fingerprint_follow_each_other_even_when_there_is_none_yet(
    store: Store, opened: OpenStore
) -> None:
    def count_up(own: Store) -> None:
        for _ in range(20):
            with own.write() as tx:
                known = tx.fingerprints.get(ALICE1)
                tx.fingerprints.put(ALICE1, Fingerprint(b"f", known.sequence + 1))

    together(lambda: count_up(store), lambda: count_up(opened()), lambda: count_up(opened()))
    with store.read() as tx:
        assert tx.fingerprints.get(ALICE1).sequence == 60


def test_two_routers_to_one_target_see_each_others_deliveries(store: Store, opened: OpenStore) -> None:
    def replace_older(own: Store, worker: int) -> None:
        for number in range(10):
            with own.write() as tx:
                for older in tx.deliveries.open_for(ALICE1):
                    tx.deliveries.save(confirm(older, tx.now))
                tx.deliveries.add(delivery(f"d{worker}-{number}"))

    together(*(partial(replace_older, opened(), n) for n in range(3)))
    with store.read() as tx:
        assert len(tx.deliveries.open_for(ALICE1)) == 1


def test_of_two_workers_that_settle_the_last_deliveries_of_a_change_one_sees_all_settled(
    store: Store, opened: OpenStore
) -> None:
    for number in range(10):
        pair = [delivery(f"{n}-{number}", ExternalAccount(f"a{n}", "x"), tracking_id=f"t{number}") for n in range(2)]
        with store.write() as tx:
            for one in pair:
                tx.deliveries.add(one)

        def settle(own: Store, one: Delivery) -> bool:
            with own.write() as tx:
                tx.deliveries.save(confirm(one, tx.now))
                return all(d.state is DeliveryState.CONFIRMED for d in tx.deliveries.of_change(one.tracking_id))

        other = opened()
        assert any(together(lambda: settle(store, pair[0]), lambda: settle(other, pair[1])))  # noqa: B023  # ends here


def test_of_many_that_ask_for_a_lease_one_gets_it(opened: OpenStore) -> None:
    def acquire(own: Store, holder: str) -> int | None:
        with own.write() as tx:
            return tx.leases.acquire("reconciler", holder, timedelta(minutes=1))

    tokens = together(*(partial(acquire, opened(), f"h{n}") for n in range(4)))
    assert len([token for token in tokens if token is not None]) == 1


def test_an_identity_asked_for_by_many_at_once_is_one(opened: OpenStore) -> None:
    def ask(own: Store, value: bytes) -> bytes:
        with own.write() as tx:
            return tx.identity("canary", lambda: value)

    assert len(set(together(*(partial(ask, opened(), b"%d" % n) for n in range(4))))) == 1


_WRITER = """
import os, signal, sys
from controller.store.opening import open_store
from controller.model.accounts import WindowsAccount
from controller.model.credential import StoredSecret
from datetime import UTC, datetime
store = open_store(sys.stdin.readline().strip())
with store.write() as tx:
    tx.credentials.put_windows(WindowsAccount("CORP", "alice"), StoredSecret(b"sealed", 1, "t", datetime.now(UTC)))
if sys.argv[1] == "committed":
    os.kill(os.getpid(), signal.SIGKILL)
with store.write() as tx:
    tx.credentials.put_windows(WindowsAccount("CORP", "bob"), StoredSecret(b"sealed", 1, "t", datetime.now(UTC)))
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("moment", ["committed", "midway"])
def test_a_killed_process_leaves_what_it_committed_and_nothing_else(store: Store, store_url: str, moment: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WRITER, moment], input=store_url, text=True, check=False, timeout=WAIT, env=os.environ
    )
    assert done.returncode == -signal.SIGKILL
    with store.read() as tx:
        kept = tx.credentials.windows(ALICE)
        assert kept is not None
        assert kept.sealed == stored(b"sealed").sealed
        assert tx.credentials.windows(BOB) is None
    with store.write() as tx:
        assert tx.credentials.remove_windows(ALICE), "the dead process holds no lock"
