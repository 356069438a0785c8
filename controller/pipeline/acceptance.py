"""The events that a report leaves behind when it is accepted or refused. Pure."""

from typing import assert_never

from controller.model import events
from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.change import PasswordChange
from controller.model.errors import PasswordUnusable, Refused, StoreUnavailable
from controller.model.events import Event
from controller.pipeline.reporting import SOURCE_TYPE_OFF

EXPIRED = "expired"
"""Why a report is refused that is older than the maximum sync age."""
OLD_PASSWORD_MISSING = "oldPasswordMissing"  # noqa: S105  # a reason
EMPTY = "emptyPassword"
TOO_LONG = "passwordTooLong"
NOT_UNICODE = "passwordNotUnicode"
_OF_ONE_REPORT = frozenset({EXPIRED, OLD_PASSWORD_MISSING, EMPTY, TOO_LONG, NOT_UNICODE})
"""Reasons for which the next report of the same caller may be accepted."""


def acceptance_event(change: PasswordChange) -> Event:
    """A change was accepted."""
    is_windows = isinstance(change.account, WindowsAccount)
    type_ = events.WINDOWS_CHANGE_ACCEPTED if is_windows else events.EXTERNAL_CHANGE_ACCEPTED
    return Event(type_, change.tracking_id, *_names(change.account), fields={"caller": change.caller})


def refusal_event(account: Account, principal: str, error: Refused | PasswordUnusable) -> Event:
    """A report was refused."""
    type_ = events.SOURCE_TYPE_REFUSED if error.reason == SOURCE_TYPE_OFF else events.CHANGE_REFUSED
    return Event(type_, "", *_names(account), fields={"caller": principal, "reason": error.reason})


def refusal_kind(account: Account, principal: str, error: Refused | PasswordUnusable) -> tuple[str, ...]:
    """By what refusals of reports are told apart: by the account as well where its report is at fault."""
    of_account = _names(account) if error.reason in _OF_ONE_REPORT else ()
    return (principal, account.lane, error.reason, *of_account)


def not_kept_event(account: Account, error: StoreUnavailable) -> Event:
    """A report could neither be stored nor kept; its sender was told so (R6)."""
    return Event(events.REPLAY_NOT_KEPT, "", *_names(account), fields={"problem": error.message})


def _names(account: Account) -> tuple[str, str]:
    match account:
        case WindowsAccount():
            return "", str(account)
        case ExternalAccount(adapter=adapter, name=name):
            return adapter, name
        case _:
            assert_never(account)
