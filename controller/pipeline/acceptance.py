"""The events that a report leaves behind when it is accepted or refused. Pure."""

from typing import assert_never

from controller.model import events
from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.change import PasswordChange
from controller.model.errors import Refused, StoreUnavailable
from controller.model.events import Event
from controller.pipeline.reporting import SOURCE_TYPE_OFF


def acceptance_event(change: PasswordChange) -> Event:
    """A change was accepted."""
    is_windows = isinstance(change.account, WindowsAccount)
    type_ = events.WINDOWS_CHANGE_ACCEPTED if is_windows else events.EXTERNAL_CHANGE_ACCEPTED
    return Event(type_, change.tracking_id, *_names(change.account), fields={"caller": change.caller})


def refusal_event(account: Account, principal: str, error: Refused) -> Event:
    """A report was refused."""
    type_ = events.SOURCE_TYPE_REFUSED if error.reason == SOURCE_TYPE_OFF else events.CHANGE_REFUSED
    return Event(type_, "", *_names(account), fields={"caller": principal, "reason": error.reason})


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
