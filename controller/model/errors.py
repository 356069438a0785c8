"""What can go wrong, as types: each has a stable code, a sentence for a person, and a hint at the remedy."""

from datetime import timedelta
from typing import ClassVar


class PwsyncError(Exception):
    """Something failed in a way that a person can act on.

    Attributes:
        code: Stable, machine-readable name (camelCase), used in problem+json, events and ``-o json``.
        message: What is wrong, naming the place.
        hint: What to do about it; may be empty.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class InvalidInput(PwsyncError):
    """A value given by a person or a caller is not acceptable."""

    code = "invalidInput"


class PasswordUnusable(InvalidInput):
    """No account could have this password (behaviours D6, A9).

    Attributes:
        reason: Stable reason: ``emptyPassword``, ``passwordTooLong`` or ``passwordNotUnicode``.
    """

    def __init__(self, message: str, *, reason: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class ManifestsUnavailable(PwsyncError):
    """The repository with the manifests cannot be reached, or git cannot read it."""

    code = "manifestsUnavailable"


class ManifestsRefused(PwsyncError):
    """A revision of the manifests must not be used: it is not signed, or is not only manifests.

    Attributes:
        revision: Which one.
    """

    code = "manifestsRefused"

    def __init__(self, message: str, *, revision: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.revision = revision


class NotFound(PwsyncError):
    """The named object does not exist."""

    code = "notFound"


class Unauthenticated(PwsyncError):
    """The caller did not prove who it is."""

    code = "unauthenticated"


class Refused(PwsyncError):
    """The caller is known but may not do this, or the topology does not allow it.

    Attributes:
        reason: Stable reason (camelCase), for example ``sourceNotAllowed``.
    """

    code = "refused"

    def __init__(self, message: str, *, reason: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class TooManyCalls(PwsyncError):
    """The caller has called too often.

    Attributes:
        wait: How long until the next call is let in.
        caller: Its principal; empty when it did not prove who it is.
    """

    code = "tooManyCalls"

    def __init__(self, message: str, *, wait: timedelta, caller: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.wait = wait
        self.caller = caller


class TooManyReports(PwsyncError):
    """More reports wait to be stored than may; nothing was changed."""

    code = "tooManyReports"


class TrackingIdUnknown(NotFound):
    """The caller was handed no notification of this tracking ID (behaviour Q6)."""

    code = "trackingIdUnknown"


class WrongState(PwsyncError):
    """The adapter has no session: it must initialize first (behaviour Q7)."""

    code = "wrongState"


class WrongSession(PwsyncError):
    """The adapter has another session by now (behaviour Q7)."""

    code = "wrongSession"


class UnsafePlan(PwsyncError):
    """A plan is held: applying it could do harm, or it no longer fits the actual state."""

    code = "unsafePlan"


class SettingsError(PwsyncError):
    """A setting, a file or an environment variable of this installation cannot be used."""

    code = "settings"


class StoreUnavailable(PwsyncError):
    """The store could not be reached or is busy; nothing was changed."""

    code = "storeUnavailable"


class StoreUnusable(PwsyncError):
    """The store cannot be used as it is: a newer schema, or a damaged row."""

    code = "storeUnusable"


class SealBroken(PwsyncError):
    """A sealed value cannot be opened: wrong key, wrong place, or altered."""

    code = "sealBroken"


class FilterUnusable(PwsyncError):
    """A password filter turned a password into one that cannot be used (filters fail closed)."""

    code = "filterUnusable"


class ConnectorError(PwsyncError):
    """A directory did not carry out what was asked. Subclasses carry the retry decision.

    Attributes:
        directory_code: The directory's own code (for example ``0000052D`` or ``R004128``), or empty.
        words: The directory's own words with secrets removed, or empty.
    """

    code = "connector"

    def __init__(self, message: str, *, directory_code: str = "", words: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.directory_code = directory_code
        self.words = words


class Rejected(ConnectorError):
    """The directory refused the request itself. Do not retry: a person must look."""

    code = "rejected"


class PasswordRejected(Rejected):
    """The directory's policy refused the new password."""

    code = "passwordRejected"


class AccountUnknown(Rejected):
    """The account does not exist in the directory."""

    code = "accountUnknown"


class OldPasswordWrong(Rejected):
    """The directory says that the old password is wrong. Never retry: each try counts towards lockout."""

    code = "oldPasswordWrong"


class OldPasswordMissing(Rejected):
    """The old password is needed, and none is stored."""

    code = "oldPasswordMissing"


class AccountRefused(Rejected):
    """The account is locked, disabled or expired, so that its password cannot be changed this way."""

    code = "accountRefused"


class Deferrable(ConnectorError):
    """Nothing was changed; the same request may succeed later."""

    code = "deferrable"


class Busy(Deferrable):
    """The directory answered that it cannot do it now.

    Attributes:
        wait: How long it asked us to wait; nothing when it did not say.
    """

    code = "busy"

    def __init__(
        self,
        message: str,
        *,
        directory_code: str = "",
        words: str = "",
        hint: str = "",
        wait: timedelta = timedelta(),
    ) -> None:
        super().__init__(message, directory_code=directory_code, words=words, hint=hint)
        self.wait = wait


class Unavailable(Deferrable):
    """The directory could not be reached. Nothing was changed."""

    code = "unavailable"


class ChannelRefused(Deferrable):
    """The directory is there but does not accept us: certificate, credentials or rights of the service account."""

    code = "channelRefused"


class PolicyUnknown(ConnectorError):
    """The directory answers, but what it asks of passwords cannot be found out."""

    code = "policyUnknown"


class PolicyUntold(PolicyUnknown):
    """Targets of this kind cannot be asked what they ask of passwords: that is known beforehand, and no news."""


class Indeterminate(ConnectorError):
    """The request was sent but no answer came. Probe before repeating."""

    code = "indeterminate"
