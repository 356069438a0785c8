"""Who reports with wrong old passwords may be guessing the stored one: after a few, nothing is compared for a while."""

from controller.model import events
from controller.model.accounts import ExternalAccount
from controller.model.change import PasswordChange
from controller.model.topology import System
from controller.model.wording import rfc3339
from controller.pipeline.queueing import change_event
from controller.ports.credentials import WrongPasswords
from controller.ports.store import Transaction

MOST_WRONG = 5
"""Wrong old passwords of one account within the damping window, after which its reports are refused until it ends."""


def is_refused(tx: Transaction, system: System, account: ExternalAccount) -> bool:
    """Whether so many old passwords of *account* were wrong that none is compared now."""
    return _within_window(tx, system, account).count >= MOST_WRONG


def count_wrong(tx: Transaction, system: System, account: ExternalAccount, change: PasswordChange) -> None:
    """Note a wrong old password; the account must be locked. The last one that is compared leaves an event."""
    known = _within_window(tx, system, account)
    since = known.since or tx.now
    tx.guesses.put(account, WrongPasswords(known.count + 1, since))
    if known.count + 1 == MOST_WRONG:
        until = rfc3339(since + system.damping_window)
        tx.events.add(change_event(events.OLD_PASSWORDS_WRONG, change, caller=change.caller, until=until))


def forget_wrong(tx: Transaction, account: ExternalAccount) -> None:
    """The right one came: whoever reports knows it."""
    if tx.guesses.get(account).count:
        tx.guesses.remove(account)


def _within_window(tx: Transaction, system: System, account: ExternalAccount) -> WrongPasswords:
    known = tx.guesses.get(account)
    is_over = known.since is not None and tx.now - known.since >= system.damping_window
    return WrongPasswords() if is_over else known
