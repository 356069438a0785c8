"""Policies of targets at run time: read now and then by the controller, or known to one simulation."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from threading import Event

import structlog

from controller.model.constraints import Constraints
from controller.model.errors import PwsyncError
from controller.model.policy import PolicyReading
from controller.model.secret import Secret
from controller.ports.connectors import ConnectorCatalogue
from controller.ports.store import Store
from controller.reconcile.policies import PolicyReader
from controller.runtime.lanes import make_connector
from controller.runtime.references import resolve_secret
from controller.runtime.scheduler import Scheduler

log = structlog.get_logger()

LOOK = timedelta(minutes=1)
"""How often it is looked whether a policy is due; it is asked for once an hour at most."""

Look = Callable[[str, str], PolicyReading | None]
"""What is known about the policy for an account (lane, name); None when nobody has asked yet."""


def make_policy_reader(
    store: Store, catalogue: ConnectorCatalogue, may_go_on: Callable[[], bool] = lambda: True
) -> PolicyReader:
    """Make what asks the targets of *store*."""
    return PolicyReader(store, partial(make_connector, catalogue, resolve_secret), may_go_on)


class PolicyRounds:
    """Asks in a thread of its own, so that a directory that does not answer holds up nothing else."""

    def __init__(self, store: Store, catalogue: ConnectorCatalogue, look: timedelta = LOOK) -> None:
        self._is_stopping = Event()
        self._reader = make_policy_reader(store, catalogue, lambda: not self._is_stopping.is_set())
        self._scheduler = Scheduler(self._round, look)

    def start(self) -> None:
        """Begin; the first look comes after one interval."""
        self._scheduler.start()

    def stop(self) -> None:
        """End; returns when the target that is being asked has answered, or was given up."""
        self._is_stopping.set()
        self._scheduler.stop()

    def _round(self) -> None:
        try:
            self._reader.refresh()
        except PwsyncError as error:
            log.warning("The policies of targets are looked at later", code=error.code, problem=str(error))


class KnownPolicies:
    """What one simulation knows of policies, and what they say about the passwords that occur in it."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._readings: dict[tuple[str, str], PolicyReading | None] = {}
        self._verdicts: dict[tuple[str, str], str | None] = {}

    def reading(self, lane: str, account: str) -> PolicyReading | None:
        """What is known about the policy for an account. It is looked up once."""
        place = (lane, account)
        if place not in self._readings:
            self._readings[place] = self._look(lane, account)
        return self._readings[place]

    def refusal(self, lane: str, account: str, password: Secret) -> str | None:
        """Why the policy would refuse *password*, in words; None when it would not, or is not known."""
        reading = self.reading(lane, account)
        refusal = None if reading is None else reading.constraints.violation(password)
        self._verdicts[(lane, account)] = refusal
        return refusal

    @property
    def verdicts(self) -> Mapping[tuple[str, str], str | None]:
        """What was said about each account's password, by lane and name."""
        return self._verdicts

    def constraints(self, lane: str) -> Constraints:
        """What is asked of all accounts of a lane that occurred."""
        found = Constraints()
        for reading in self._of_lane(lane):
            found = found.tightened(reading.constraints)
        return found

    def _of_lane(self, lane: str) -> Iterator[PolicyReading]:
        return (reading for (of, _), reading in self._readings.items() if of == lane and reading is not None)
