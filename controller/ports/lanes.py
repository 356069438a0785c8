"""What is known of the targets of lanes: whether they are there, their policies, remote adapters' sessions."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from controller.model.policy import PolicyReading
from controller.model.session import AdapterSession


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """Whether the target of a lane is there, as far as anybody has heard.

    Attributes:
        since: When that was first heard.
        code: What was the matter, as a stable name; empty when online.
        message: The same in words, secrets removed.
    """

    lane: str
    is_online: bool
    since: datetime
    code: str = ""
    message: str = ""


class Lanes(Protocol):
    """What was last heard of the target of each lane. Of a lane without a row nothing bad was ever heard."""

    def read(self) -> dict[str, LaneStatus]:
        """All that are known, by lane."""

    def get(self, lane: str) -> LaneStatus | None:
        """One; None when nothing was ever heard of it."""

    def put(self, status: LaneStatus) -> bool:
        """Insert or replace; tell whether it is new that the lane is online, or offline; else its ``since`` stays."""

    def remove(self, lane: str) -> None:
        """Forget it; no error when it is not there."""


class Policies(Protocol):
    """What was last found out about the password policy of each lane's target."""

    def read(self) -> dict[str, PolicyReading]:
        """All, by lane.

        Raises:
            StoreUnusable: A row cannot be read; the message names it.
        """

    def put(self, lane: str, reading: PolicyReading) -> None:
        """Insert or replace."""

    def remove(self, lane: str) -> None:
        """Forget; no error when it is not there."""


class Sessions(Protocol):
    """Sessions of remote adapters, one of each."""

    def read(self) -> dict[str, AdapterSession]:
        """All, by name of the adapter."""

    def get(self, adapter: str) -> AdapterSession | None:
        """The session of one adapter."""

    def put(self, session: AdapterSession) -> None:
        """Insert it, or replace the one that the adapter has."""

    def remove(self, adapter: str) -> bool:
        """Delete; tell whether there was one."""
