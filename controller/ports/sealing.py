"""Seals secrets, opens them, and seals with a newer key what an older one has sealed."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from controller.model.accounts import Account
from controller.model.credential import SealPlace
from controller.model.secret import Secret


class Sealer(Protocol):
    """Seals secrets for their place and opens them there; makes keyed fingerprints."""

    def seal(self, secret: Secret, place: SealPlace) -> bytes:
        """Seal *secret* with the newest key, bound to *place*."""

    def open(self, sealed: bytes, place: SealPlace) -> Secret:
        """Open what was sealed for *place*.

        Raises:
            SealBroken: Unknown key, another place, or altered.
        """

    def open_captured(self, sealed: bytes, account: Account, occurred_at: datetime) -> Secret:
        """Open a password that was sealed to the public key, where it was captured.

        Raises:
            SealBroken: Unknown key, sealed for another account or time, or altered.
        """

    def fingerprint(self, secret: Secret, account: Account) -> bytes:
        """HMAC of *secret* for *account*: equal passwords of one account are equal, of two accounts never."""


class Rewrapper(Protocol):
    """Seals with the newest key what an older one has sealed."""

    @property
    def newest_mark(self) -> bytes:
        """The first ``MARK_SIZE`` bytes of all that is sealed with the newest key."""

    def rewrap(self, sealed: bytes, place: SealPlace) -> bytes:
        """Seal again with the newest key.

        Raises:
            SealBroken: Unknown key, another place, or altered.
        """


MARK_SIZE = 9
"""Bytes at the start of a sealed value that tell its format and its key."""


class SealedKind(StrEnum):
    """Where sealed values stand, and what names one there."""

    CREDENTIAL = "credential"
    """Application, external account, field."""
    WINDOWS_PASSWORD = "windowsPassword"  # noqa: S105  # a kind, not a password
    """Account."""
    CHANGE = "change"
    """Tracking ID, lane and account: the new password."""
    OLD_PASSWORD = "oldPassword"  # noqa: S105  # a kind, not a password
    """As of a change."""
    DELIVERY = "delivery"
    """Id, lane and account."""


@dataclass(frozen=True, slots=True)
class SealedValue:
    """A sealed value, and the names under which it stands."""

    names: tuple[str, ...]
    sealed: bytes


class SealedValues(Protocol):
    """Everything sealed that the store holds, for rewrapping and for counting."""

    def count_by_mark(self) -> dict[bytes, int]:
        """How many values begin with each mark, that is: how many each key has sealed."""

    def claim_others(self, kind: SealedKind, mark: bytes, after: SealedValue | None, limit: int) -> list[SealedValue]:
        """Values of a kind that do not begin with *mark*, in a steady order, from behind *after* on; locked.

        What another transaction works on right now is left out: nothing is waited for.
        """

    def replace(self, kind: SealedKind, value: SealedValue, sealed: bytes) -> bool:
        """Put *sealed* in the place of *value*, if that stands there still; tells whether it did."""
