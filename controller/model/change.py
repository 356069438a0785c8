"""A password change: one account has a new password."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from controller.model.accounts import Account


class ChangeState(StrEnum):
    """The states of a change (contract section 6)."""

    ACCEPTED = "accepted"
    COMPLETED = "completed"
    FAILED = "failed"
    DISCARDED = "discarded"


class Reason(StrEnum):
    """Why a change was discarded or failed, why a mapping was skipped, why a delivery waits for a person."""

    DAMPED = "damped"
    STALE = "stale"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    NO_MAPPING = "noMapping"
    NO_TARGET = "noTarget"
    MAPPING_DISABLED = "mappingDisabled"
    APPLICATION_DISABLED = "applicationDisabled"
    WRONG_APPLICATION_TYPE = "wrongApplicationType"
    NOT_AN_APPLICATION_USER = "notAnApplicationUser"
    APPLICATION_USERS_UNKNOWN = "applicationUsersUnknown"
    NO_ADAPTER = "noAdapter"
    ADAPTER_DISABLED = "adapterDisabled"
    ADAPTER_DOES_NOT_SEND = "adapterDoesNotSend"
    ADAPTER_OFFLINE = "adapterOffline"
    ADAPTER_REMOVED = "adapterRemoved"
    ADAPTER_RESET = "adapterReset"
    MAPPING_CONFLICT = "mappingConflict"
    ALREADY_IN_FORCE = "alreadyInForce"
    OLD_PASSWORD_MISSING = "oldPasswordMissing"  # noqa: S105  # a reason, not a password
    OLD_PASSWORD_WRONG = "oldPasswordWrong"  # noqa: S105  # a reason, not a password
    TOO_MANY_WRONG_PASSWORDS = "tooManyWrongPasswords"
    NO_STORED_CREDENTIAL = "noStoredCredential"
    NO_STORED_WINDOWS_PASSWORD = "noStoredWindowsPassword"  # noqa: S105  # a reason, not a password
    NO_DIRECTORY = "noDirectory"
    EXTERNAL_UPDATE_FAILED = "externalUpdateFailed"
    FILTER_UNUSABLE = "filterUnusable"
    DELIVERY_PARKED = "deliveryParked"
    DELIVERY_EXPIRED = "deliveryExpired"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class PasswordChange:
    """One reported change, as the store holds it.

    Attributes:
        tracking_id: Follows the change through every event, delivery and audit row (T6).
        sequence: Given by the store at intake, ever growing; the higher one is the newer change.
        account: Whose password changed: a Windows account (direction 1) or an external one (2 and 3).
        caller: The principal that reported it.
        sealed_password: The new password, sealed for its place (``change_place``); None once finished.
        sealed_old_password: Likewise for "oldPassword"; None when the report had none.
        occurred_at: The source's own time of the change, when it told one: evidence, not order.
        received_at: The store's time of intake.
    """

    tracking_id: str
    account: Account
    caller: str
    sealed_password: bytes | None
    sealed_old_password: bytes | None
    occurred_at: datetime | None
    received_at: datetime
    sequence: int = 0
    state: ChangeState = ChangeState.ACCEPTED
    routed: bool = False
    reason: str = ""
    message: str = ""
    finished_at: datetime | None = None
