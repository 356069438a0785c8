"""What can go wrong between an adapter and the controller. No message holds a password or a token."""


class SdkError(Exception):
    """Something failed in a way that a person can act on.

    Attributes:
        message: What is wrong.
        hint: What to do about it; may be empty.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class Unusable(SdkError):
    """A setting of the adapter cannot be used: an address, a token, a certificate."""


class Stopped(SdkError):
    """The adapter was stopped before the controller had answered: nobody knows whether it has taken the call."""


class ControllerAway(SdkError):
    """The controller gave no answer, or cannot take the call now. The same call may succeed later.

    Attributes:
        retry_after: Seconds that the controller asks to wait; 0 when it asks nothing.
    """

    def __init__(self, message: str, *, retry_after: float = 0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class CallRefused(SdkError):
    """The controller does not take this call; the same call will not succeed until somebody changes something.

    Attributes:
        status: Of HTTP.
        code: Stable name of the problem, for example ``refused``.
        reason: Of a refusal, for example ``callerNotAllowed``; else empty.
    """

    def __init__(self, message: str, *, status: int, code: str, reason: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.code = code
        self.reason = reason


class SessionMissing(CallRefused):
    """The adapter has no session: it must initialize first."""


class SessionReplaced(CallRefused):
    """Another process of this adapter was started. This one must end."""
