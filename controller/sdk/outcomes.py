"""How a handler says that a password was not set. Raising none says that the system has it."""

from typing import ClassVar

SUCCESS = 0


class Failure(Exception):
    """The system did not take the password; the type says why, and what the controller does next.

    The message is shown to people. It is one line, at most 500 characters, and must not hold a password.
    """

    error_code: ClassVar[int]

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message


class PasswordRejected(Failure):
    """The system's policy refused the password: a person must look."""

    error_code = 1


class AccountUnknown(Failure):
    """The system has no such account: a person must look."""

    error_code = 2


class AccountRefused(Failure):
    """The account's state does not allow it: a person must look."""

    error_code = 3


class OldPasswordWrong(Failure):
    """The old password is wrong: a person must look."""

    error_code = 4


class Busy(Failure):
    """The system cannot do it now: again later, counted."""

    error_code = 5


class Unavailable(Failure):
    """The system cannot be reached, nothing was sent: again later, not counted."""

    error_code = 6


class ChannelRefused(Failure):
    """The system does not accept the adapter: again later, with longer pauses, not counted."""

    error_code = 7


class Indeterminate(Failure):
    """Nobody knows whether the system has the password: again later, counted, marked as a repetition."""

    error_code = 8


FAILURES: tuple[type[Failure], ...] = (
    PasswordRejected,
    AccountUnknown,
    AccountRefused,
    OldPasswordWrong,
    Busy,
    Unavailable,
    ChannelRefused,
    Indeterminate,
)
"""All of them, in the order of their codes."""
