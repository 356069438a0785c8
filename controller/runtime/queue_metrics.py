"""What the store and the replay files tell of the queue, as Prometheus metrics: read once in a while, then kept.

Every controller on one store tells the same numbers: take their maximum, never their sum.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from controller.model.errors import PwsyncError
from controller.ports.lanes import LaneStatus
from controller.ports.store import Store
from controller.replay.waiting import Waiting, look
from controller.runtime.metrics import Monotonic, known_code

KEPT_FOR = timedelta(seconds=15)
"""Counting a million deliveries takes a fifth of a second: no scraper may have that done more often."""
OUTDATED = timedelta(seconds=60)
"""Older numbers than this are not told any more."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What the store told at one moment.

    Attributes:
        counts: Deliveries by lane and state.
        ages: Of the oldest waiting delivery of each lane, in seconds.
        verified: Accounts by lane and what the last try of their stored password told.
    """

    taken: float
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    ages: dict[str, float] = field(default_factory=dict)
    lanes: dict[str, LaneStatus] = field(default_factory=dict)
    verified: dict[tuple[str, str], int] = field(default_factory=dict)


class QueueMetrics(Collector):
    """Reads when asked to, in a thread of the caller; telling is done from memory and never waits."""

    def __init__(self, store: Store, replay_folder: Path, monotonic: Monotonic = time.monotonic) -> None:
        self._store = store
        self._replay_folder = replay_folder
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._tried: float | None = None
        self._picture: Picture | None = None
        self._waiting = Waiting()

    def refresh(self) -> None:
        """Read anew what is too old. While the store is away there is nothing to tell of it but that."""
        with self._lock:
            now = self._monotonic()
            if self._tried is not None and now - self._tried < KEPT_FOR.total_seconds():
                return
            self._tried = now
            self._waiting = look(self._replay_folder)
            try:
                self._picture = self._read(now)
            except PwsyncError:
                self._picture = None

    def collect(self) -> Iterator[Metric]:
        """Tell what was read last."""
        picture = self._picture
        if picture is not None and self._monotonic() - picture.taken >= OUTDATED.total_seconds():
            picture = None
        yield GaugeMetricFamily("pwsync_store_up", "1 when the store answered lately.", int(picture is not None))
        if picture is not None:
            yield from _told(picture)
        yield from _kept(self._waiting)

    def _read(self, taken: float) -> Picture:
        with self._store.read() as tx:
            oldest = tx.deliveries.oldest_open()
            ages = {lane: max((tx.now - since).total_seconds(), 0) for lane, since in oldest.items()}
            return Picture(taken, tx.deliveries.count_by_state(), ages, tx.lanes.read(), tx.verifications.count())


def _told(picture: Picture) -> Iterator[Metric]:
    counts = GaugeMetricFamily("pwsync_deliveries", "Deliveries, by lane and state.", labels=["lane", "state"])
    for (lane, state), count in sorted(picture.counts.items()):
        counts.add_metric([lane, state], count)
    ages = GaugeMetricFamily(
        "pwsync_oldest_waiting_delivery_age_seconds", "Age of a lane's oldest delivery not settled.", labels=["lane"]
    )
    for lane in sorted({lane for lane, _ in picture.counts} | set(picture.ages)):
        ages.add_metric([lane], picture.ages.get(lane, 0))
    online = GaugeMetricFamily("pwsync_lane_online", "0 while a lane's target is away or refuses us.", labels=["lane"])
    problems = GaugeMetricFamily("pwsync_lane_problem", "1 for why a lane is offline.", labels=["lane", "code"])
    for lane, status in sorted(picture.lanes.items()):
        online.add_metric([lane], status.is_online)
        if not status.is_online:
            problems.add_metric([lane, known_code(status.code)], 1)
    verified = GaugeMetricFamily(
        "pwsync_verified_accounts",
        "Accounts whose stored password was tried, by what the last try told (confirmed, differs, unknown).",
        labels=["lane", "outcome"],
    )
    for (lane, outcome), count in sorted(picture.verified.items()):
        verified.add_metric([lane, outcome], count)
    yield from (counts, ages, online, problems, verified)


def _kept(waiting: Waiting) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "pwsync_replay_waiting_changes", "Accepted changes that wait in this machine's replay files.", waiting.changes
    )
    yield GaugeMetricFamily(
        "pwsync_replay_set_aside_files", "Replay files that a person must look at.", len(waiting.set_aside)
    )
