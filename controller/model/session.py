"""The session of a remote adapter: which process of it may receive notifications, and whether it is there."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from controller.model.membership import Told

KEEP_ALIVE = timedelta(minutes=3)
"""An adapter that makes no call for so long is offline."""
STATUS_INTERVAL = timedelta(minutes=5)
"""An adapter whose last status report is older is asked for one."""


class Presence(StrEnum):
    """Whether notifications are handed to an adapter."""

    ONLINE = "online"
    OFFLINE = "offline"
    """It said so, and stays so until it says otherwise."""
    SILENT = "silent"
    """It has made no call for too long; with its next one it is online again."""


@dataclass(frozen=True, slots=True)
class AdapterSession:
    """The one session of a remote adapter.

    Attributes:
        id: No secret: it tells two processes of one adapter apart, and proves nothing.
        principal: Who initialized it.
        heard_at: Of its last call.
        asked_at: When it last reported its status, or was last asked to.
        told: What the session of a group adapter has been told of its group; None when it must be told the whole list.
    """

    adapter: str
    id: str
    principal: str
    since: datetime
    heard_at: datetime
    asked_at: datetime
    presence: Presence = Presence.ONLINE
    told: Told | None = None

    def hear(self, now: datetime) -> "AdapterSession":
        """It has made a call."""
        if self.presence is Presence.SILENT:
            return replace(self, heard_at=now, presence=Presence.ONLINE, told=None)
        return replace(self, heard_at=now)

    def report(self, *, is_online: bool, now: datetime) -> "AdapterSession":
        """It has reported its status."""
        told = self.told if self.presence is Presence.ONLINE else None
        return replace(self, presence=Presence.ONLINE if is_online else Presence.OFFLINE, asked_at=now, told=told)

    def is_overdue(self, now: datetime) -> bool:
        """Whether it is online as far as is known, and has made no call for too long."""
        return self.presence is Presence.ONLINE and self.heard_at + KEEP_ALIVE < now

    def wants_status(self, now: datetime) -> bool:
        """Whether it is time to ask for a status report."""
        return self.asked_at + STATUS_INTERVAL <= now
