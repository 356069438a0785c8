"""What an adapter receives, as values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from controller.model.secret import Secret


@dataclass(frozen=True, slots=True)
class PasswordChange:
    """An account of the system shall have a new password.

    Attributes:
        old_password: The stored one, when the adapter is declared with ``sendOldPassword`` and one is stored.
        occurred_at: When the change happened, in UTC.
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
    """The controller asks how the adapter is."""


@dataclass(frozen=True, slots=True)
class Shutdown:
    """The controller stops."""


@dataclass(frozen=True, slots=True)
class AdaptersInGroup:
    """To a group adapter: these and no others are the adapters in its group."""

    adapters: frozenset[str]


@dataclass(frozen=True, slots=True)
class AdapterAdded:
    """To a group adapter: this adapter is in its group from now on."""

    adapter: str


@dataclass(frozen=True, slots=True)
class AdapterDeleted:
    """To a group adapter: this adapter is no longer in its group."""

    adapter: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A type that a newer controller sends, and that this kit does not know."""

    type: str


MembershipNotification = AdaptersInGroup | AdapterAdded | AdapterDeleted
Notification = PasswordChange | StatusRequest | Shutdown | MembershipNotification | Unknown


def notification_of(view: Mapping[str, Any]) -> Notification:
    """Read a notification from its JSON; fields that are not known are passed over.

    Raises:
        KeyError, TypeError, ValueError: It lacks a field, or has one that cannot be read.
    """
    read = _READERS.get(view["type"])
    return Unknown(str(view["type"])) if read is None else read(view)


def _password_change(view: Mapping[str, Any]) -> PasswordChange:
    old = view.get("oldPassword")
    return PasswordChange(
        tracking_id=view["trackingId"],
        account=view["account"],
        password=Secret(view["password"]),
        old_password=None if old is None else Secret(old),
        occurred_at=datetime.fromisoformat(view["occurredAt"]).astimezone(UTC),
        attempt=view["attempt"],
        is_redelivered=view["redelivered"],
    )


_READERS: Mapping[str, Callable[[Mapping[str, Any]], Notification]] = {
    "passwordChange": _password_change,
    "statusRequest": lambda _: StatusRequest(),
    "shutdown": lambda _: Shutdown(),
    "adaptersInGroup": lambda view: AdaptersInGroup(frozenset(view["adapters"])),
    "addAdapter": lambda view: AdapterAdded(view["adapter"]),
    "deleteAdapter": lambda view: AdapterDeleted(view["adapter"]),
}
