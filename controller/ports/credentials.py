"""What is kept of passwords: sealed ones, fingerprints, and how often a wrong one was reported."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from controller.model.accounts import Account, WindowsAccount
from controller.model.credential import Fingerprint, StoredSecret


class Credentials(Protocol):
    """The credential database: sealed external credentials per field, sealed Windows passwords per account."""

    def external(self, application: str, external: str) -> dict[str, StoredSecret]:
        """Stored fields of one external account, by field label."""

    def put_external(self, application: str, external: str, field: str, secret: StoredSecret) -> None:
        """Insert or replace one field."""

    def mark_expired(self, application: str, external: str, field: str) -> bool:
        """Note that a stored field has expired, until it is put anew; tell whether there is one."""

    def remove_external(self, application: str, external: str) -> bool:
        """Delete all fields of one external account; tell whether there were any."""

    def remove_unmapped(self) -> int:
        """Delete external credentials that no mapping refers to any more; tell how many accounts they were of."""

    def windows(self, account: WindowsAccount) -> StoredSecret | None:
        """The stored Windows password."""

    def put_windows(self, account: WindowsAccount, secret: StoredSecret) -> None:
        """Insert or replace it."""

    def remove_windows(self, account: WindowsAccount) -> bool:
        """Delete it; tell whether there was one."""


class Fingerprints(Protocol):
    """What is known about the password in force of each account."""

    def get(self, account: Account) -> Fingerprint:
        """What is known; an empty one when nothing is. Locked until the transaction ends."""

    def put(self, account: Account, fingerprint: Fingerprint) -> None:
        """Insert or replace."""

    def clear(self) -> int:
        """Forget all; tell how many."""


@dataclass(frozen=True, slots=True)
class WrongPasswords:
    """How many wrong old passwords an account's own system has reported, and since when."""

    count: int = 0
    since: datetime | None = None


class Guesses(Protocol):
    """Wrong old passwords of reports, by account; whoever notes one holds the account's lock."""

    def get(self, account: Account) -> WrongPasswords:
        """What is noted; nothing wrong when nothing is."""

    def put(self, account: Account, wrong: WrongPasswords) -> None:
        """Insert or replace."""

    def remove(self, account: Account) -> None:
        """Forget; no error when there is nothing."""
