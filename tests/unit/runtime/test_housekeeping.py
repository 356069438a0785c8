"""Rounds of housekeeping in the running controller."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import cast

from controller.model.errors import StoreUnavailable
from controller.pipeline.housekeeping import LEASE, LEASE_NAME, Housekeeping
from controller.ports.tokens import Token
from controller.runtime.housekeeping import HousekeepingRounds, keep_house_once
from controller.runtime.wiring import Installation

SOON = timedelta(milliseconds=20)
PATIENCE = 30.0
LONG_AGO = timedelta(days=90)


class Scripted:
    """Housekeeping whose first round fails, and which never runs out of steps after that."""

    def __init__(self) -> None:
        self.rounds = 0
        self.stepped = threading.Semaphore(0)
        self.is_released = False

    def steps(self) -> Iterator[None]:
        """See ``Housekeeping``."""
        self.rounds += 1
        if self.rounds == 1:
            raise StoreUnavailable("the store is away")
        while True:
            self.stepped.release()
            yield

    def release(self) -> None:
        """See ``Housekeeping``."""
        self.is_released = True


def test_a_failed_round_is_made_up_for_and_a_long_one_ends_when_the_controller_stops() -> None:
    scripted = Scripted()
    rounds = HousekeepingRounds(cast("Housekeeping", scripted), SOON)
    rounds.start()
    assert scripted.stepped.acquire(timeout=PATIENCE)
    rounds.stop()
    assert scripted.rounds == 2
    assert scripted.is_released


def test_a_single_round_does_what_is_due_and_lets_others_go_on(installation: Installation) -> None:
    with installation.store.write() as tx:
        useless = Token("t", "ops", tx.now - LONG_AGO, tx.now - LONG_AGO, None, None)
        tx.tokens.add(useless, b"digest")
    assert keep_house_once(installation.make_housekeeping()) == 1
    with installation.store.write() as tx:
        assert tx.tokens.all() == []
        assert tx.leases.acquire(LEASE_NAME, "another", LEASE) is not None
    assert keep_house_once(installation.make_housekeeping()) == 0
