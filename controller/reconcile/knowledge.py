"""What the store knows of the changes of one account."""

from controller.model.accounts import Account
from controller.model.observation import Known
from controller.ports.changes import ChangeQuery
from controller.ports.store import Transaction


def known_of(tx: Transaction, account: Account) -> Known:
    """Its fingerprint, and when its newest change was reported. The account is locked until a writing *tx* ends."""
    fingerprint = tx.fingerprints.get(account)
    newest = tx.changes.find(ChangeQuery(account=account.name, lane=account.lane, limit=1))
    return Known(fingerprint, newest[0].received_at if newest else None)
