"""Tries of stored passwords at their accounts, and what there is to try."""

from datetime import datetime
from typing import Protocol

from controller.model.accounts import Account
from controller.model.verification import Verification


class Verifications(Protocol):
    """The last try at each account, and when the passwords that could be tried were stored.

    Tries are never forgotten: an account that is mapped again must not get a second one.

    Two spellings of a name that differ in case alone are one account here: many directories ignore it.
    """

    def of_lane(self, lane: str) -> dict[str, Verification]:
        """The last try at each account of a lane, by the account's name in lower case.

        Raises:
            StoreUnusable: A row cannot be read; the message names it.
        """

    def get(self, account: Account) -> Verification | None:
        """The last try at one account.

        Raises:
            StoreUnusable: As for ``of_lane``.
        """

    def lock(self, account: Account) -> None:
        """Keep other controllers from a try at the account until the transaction ends."""

    def put(self, account: Account, verification: Verification) -> None:
        """Insert or replace the last try."""

    def count(self) -> dict[tuple[str, str], int]:
        """How many accounts each (lane, outcome) has."""

    def stored_external(self, application: str, field: str) -> dict[str, datetime]:
        """When the passwords of an application's external accounts were stored, without those that have expired."""

    def stored_windows(self, domain: str) -> dict[str, datetime]:
        """When the passwords of a domain's accounts were stored, by name without the domain."""
