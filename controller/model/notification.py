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


Notification = PasswordNotification | StatusRequest
