"""What a remote adapter says of a notification that it was handed: the error codes of the API, as our outcomes."""

from dataclasses import dataclass

from controller.model.delivery import Delivery
from controller.model.errors import (
    AccountRefused,
    AccountUnknown,
    Busy,
    ChannelRefused,
    ConnectorError,
    Indeterminate,
    OldPasswordWrong,
    PasswordRejected,
    Unavailable,
)
from controller.model.secret import Secret
from controller.model.words import quoted

SUCCESS = 0
ERRORS: dict[int, tuple[type[ConnectorError], str]] = {
    1: (PasswordRejected, "the adapter's system refused the password"),
    2: (AccountUnknown, "the adapter's system has no such account"),
    3: (AccountRefused, "the account's state does not allow it"),
    4: (OldPasswordWrong, "the adapter's system says that the old password is wrong"),
    5: (Busy, "the adapter's system cannot do it now"),
    6: (Unavailable, "the adapter cannot reach its system"),
    7: (ChannelRefused, "the adapter's system does not accept the adapter"),
    8: (Indeterminate, "the adapter does not know whether its system has the password"),
}
"""By error code: the outcome, and the sentence for a person."""


@dataclass(frozen=True, slots=True)
class Completion:
    """The answer of an adapter to one notification.

    Attributes:
        account: The external account; empty when the change has one account only on this adapter.
        error_code: ``SUCCESS``, a key of ``ERRORS``, or any other number, of which nothing is known.
        message: The adapter's words.
    """

    tracking_id: str
    error_code: int
    message: str = ""
    account: str = ""

    @property
    def is_success(self) -> bool:
        """Whether the adapter's system has the password."""
        return self.error_code == SUCCESS

    def means(self, delivery: Delivery) -> bool:
        """Whether *delivery*, one of the adapter's, may be the one that was completed."""
        is_of_change = delivery.tracking_id == self.tracking_id
        return is_of_change and self.account in {"", delivery.account.name}

    def error(self, *secrets: Secret) -> ConnectorError:
        """What went wrong, when it was no success. Words that hold one of the *secrets* are withheld."""
        words = quoted(self.message, *secrets)
        if self.error_code in ERRORS:
            type_, sentence = ERRORS[self.error_code]
            return type_(sentence, words=words)
        return Indeterminate(
            "the adapter failed in a way that it alone knows", directory_code=str(self.error_code), words=words
        )
