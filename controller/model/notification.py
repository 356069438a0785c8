"""What a remote adapter receives."""

from dataclasses import dataclass
from datetime import datetime

from controller.model.secret import Secret


@dataclass(frozen=True, slots=True)
class PasswordNotification:
    """An account of the adapter's system shall have a new password; the adapter confirms it by its tracking ID.

    Attributes:
        account: Its name in the external system.
        old_password: The stored one, when the adapter is declared to get it and one is stored.
        occurred_at: When the change happened, as far as is known.
        attempt: 1 the first time.
        is_redelivered: An earlier attempt may have arrived: the password may be in force already.
    """

    tracking_id: str
    account: str
    password: Secret
    old_password: Secret | None
    occurred_at: datetime
    attempt: int
    is_redelivered: bool


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """The adapter shall report its status."""


@dataclass(frozen=True, slots=True)
class AdaptersInGroup:
    """To a group adapter: these and no others are the adapters in its group."""

    adapters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AdapterAdded:
    """To a group adapter: this adapter is in its group from now on."""

    adapter: str


@dataclass(frozen=True, slots=True)
class AdapterDeleted:
    """To a group adapter: this adapter is no longer in its group."""

    adapter: str


MembershipNotification = AdaptersInGroup | AdapterAdded | AdapterDeleted
Notification = PasswordNotification | StatusRequest | MembershipNotification
