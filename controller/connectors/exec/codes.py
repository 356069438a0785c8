"""What the exit codes of a program mean. The numbers are those of sysexits.h, as far as it has fitting ones."""

from controller.model.errors import (
    AccountRefused,
    AccountUnknown,
    Busy,
    ChannelRefused,
    ConnectorError,
    OldPasswordWrong,
    PasswordRejected,
    Unavailable,
)

DONE = 0
NOT_IN_FORCE = 1
"""To ``verify`` only."""
REFUSALS: dict[int, tuple[type[ConnectorError], str]] = {
    64: (ChannelRefused, "the program says that it was called wrongly"),
    65: (PasswordRejected, "the program says that the new password is refused"),
    66: (OldPasswordWrong, "the program says that the old password is wrong"),
    67: (AccountUnknown, "the program says that there is no such account"),
    69: (Unavailable, "the program says that its system cannot be reached"),
    73: (AccountRefused, "the program says that the state of the account does not allow it"),
    75: (Busy, "the program says that it cannot do it now"),
    77: (ChannelRefused, "the program says that it may not do it"),
    78: (ChannelRefused, "the program says that it is not set up"),
}
"""Exit code -> what is raised, and what happened. Any other code leaves open what happened."""
