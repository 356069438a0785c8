"""What a handler says, as the controller is told it: also when the handler has a defect."""

import logging

from controller.sdk.handlers import GroupHandler, PasswordHandler, Status
from controller.sdk.notifications import PasswordChange
from controller.sdk.outcomes import SUCCESS, Failure, Indeterminate

LONGEST_MESSAGE = 500
WITHHELD = "words withheld: they held a password"

log = logging.getLogger("pwsync.sdk")


def outcome_of(handler: PasswordHandler, change: PasswordChange) -> tuple[int, str]:
    """Let the handler set the password; returns the error code and the words of the completion."""
    try:
        handler.set_password(change)
    except Failure as failure:
        return failure.error_code, _words(failure.message, change)
    except Exception as error:  # noqa: BLE001  # a defect of the handler: nobody knows what the system has now
        _tell_defect(error)
        return Indeterminate.error_code, f"the adapter's handler failed: {type(error).__name__}"
    return SUCCESS, ""


def status_of(handler: PasswordHandler | GroupHandler) -> Status:
    """What the handler says of itself; one that fails is offline."""
    try:
        return handler.status()
    except Exception as error:  # noqa: BLE001  # a defect of the handler
        _tell_defect(error)
        return Status(
            is_online=False,
            error_code=Indeterminate.error_code,
            message=f"the adapter's handler failed: {type(error).__name__}",
        )


def _tell_defect(error: Exception) -> None:
    """Its type and its place alone: its text may hold a password."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = "" if place is None else f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}"
    log.error("The adapter's handler failed: problem=%s place=%s", type(error).__name__, where)


def _words(message: str, change: PasswordChange) -> str:
    known = [secret.reveal() for secret in (change.password, change.old_password) if secret is not None]
    if any(text and text.casefold() in message.casefold() for text in known):
        return WITHHELD
    return " ".join(message.split())[:LONGEST_MESSAGE]
