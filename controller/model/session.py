"""The session of a remote adapter: which process of it may receive notifications, and whether it is there."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

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
    """

    adapter: str
    id: str
    principal: str
    since: datetime
    heard_at: datetime
    asked_at: datetime
    presence: Presence = Presence.ONLINE

    def hear(self, now: datetime) -> "AdapterSession":
        """It has made a call."""
        presence = Presence.ONLINE if self.presence is Presence.SILENT else self.presence
        return replace(self, heard_at=now, presence=presence)

    def report(self, *, is_online: bool, now: datetime) -> "AdapterSession":
        """It has reported its status."""
        return replace(self, presence=Presence.ONLINE if is_online else Presence.OFFLINE, asked_at=now)

    def is_overdue(self, now: datetime) -> bool:
        """Whether it is online as far as is known, and has made no call for too long."""
        return self.presence is Presence.ONLINE and self.heard_at + KEEP_ALIVE < now

    def wants_status(self, now: datetime) -> bool:
        """Whether it is time to ask for a status report."""
        return self.asked_at + STATUS_INTERVAL <= now
