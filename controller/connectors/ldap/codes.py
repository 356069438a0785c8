"""What the codes of directories mean to us.

Sources: RFC 4511 appendix A; draft-behera-ldap-password-policy section 6.2; MS-ADTS 3.1.1.3.1.5 and MS-ERREF 2.2 for
the Win32 error that Active Directory puts first in its message; MS-ADTS 5.1.1.1 for the "data" of a refused bind.
"""

from collections.abc import Mapping
from enum import IntEnum

from controller.connectors.ldap.messages import Code
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

PASSWORD_POLICY = "1.3.6.1.4.1.42.2.27.8.5.1"  # noqa: S105  # an object identifier
"""Control of the password policy draft: sent without a value, answered with warning and error."""

_NO_RIGHT = "grant the service account the right to reset passwords, or to read where it only reads"
_ENCRYPT = "the directory asks for a better encrypted connection"

Verdict = tuple[type[ConnectorError], str, str]
"""The error, what happened, and a hint."""
Verdicts = Mapping[int | str, Verdict]
"""By result code, by Win32 error in eight digits, or by the data of a refused bind."""


class PolicyError(IntEnum):
    """Errors of the password policy response control."""

    PASSWORD_EXPIRED = 0
    ACCOUNT_LOCKED = 1
    CHANGE_AFTER_RESET = 2
    PASSWORD_MOD_NOT_ALLOWED = 3
    MUST_SUPPLY_OLD_PASSWORD = 4
    INSUFFICIENT_PASSWORD_QUALITY = 5
    PASSWORD_TOO_SHORT = 6
    PASSWORD_TOO_YOUNG = 7
    PASSWORD_IN_HISTORY = 8

    @classmethod
    def of(cls, number: int) -> "PolicyError | None":
        """The error with this number, if it is one."""
        return next((error for error in cls if error == number), None)


_TEMPORARY: Verdicts = {
    Code.OPERATIONS_ERROR: (Busy, "the directory could not do it", ""),
    Code.TIME_LIMIT_EXCEEDED: (Busy, "the directory ran out of time", ""),
    Code.ADMIN_LIMIT_EXCEEDED: (Busy, "a limit of the directory was reached", ""),
    Code.BUSY: (Busy, "the directory is busy", ""),
    Code.UNAVAILABLE: (Unavailable, "the directory is not available", ""),
    Code.OTHER: (Busy, "the directory failed", "its own log tells why"),
}
_CHANNEL: Verdicts = {
    Code.PROTOCOL_ERROR: (ChannelRefused, "the directory does not know this request", "does its kind fit the type?"),
    Code.AUTH_METHOD_NOT_SUPPORTED: (ChannelRefused, "the directory does not take simple binds", ""),
    Code.STRONGER_AUTH_REQUIRED: (ChannelRefused, _ENCRYPT, ""),
    Code.CONFIDENTIALITY_REQUIRED: (ChannelRefused, _ENCRYPT, ""),
    Code.REFERRAL: (ChannelRefused, "the directory refers to another server", "use the url of one that is writable"),
    Code.UNAVAILABLE_CRITICAL_EXTENSION: (ChannelRefused, "the directory lacks a needed control", ""),
    Code.INSUFFICIENT_ACCESS_RIGHTS: (ChannelRefused, "the service account may not do this", _NO_RIGHT),
    "000004DC": (ChannelRefused, "the directory takes us for anonymous", "check bind.user"),
    "0000001F": (ChannelRefused, _ENCRYPT, "Active Directory takes passwords over TLS of 128 bits or more"),
    "00000005": (ChannelRefused, "the service account may not do this", _NO_RIGHT),
}
WRITE: Verdicts = {
    **_TEMPORARY,
    **_CHANNEL,
    Code.INVALID_CREDENTIALS: (ChannelRefused, "the service account is not accepted", "check bind"),
    Code.CONSTRAINT_VIOLATION: (PasswordRejected, "the directory's policy refuses the new password", ""),
    Code.NO_SUCH_OBJECT: (AccountUnknown, "there is no such account", ""),
    "0000052D": (PasswordRejected, "the domain's password policy refuses the new password", ""),
    "00000533": (AccountRefused, "the account is disabled", "enable it in the directory"),
    "00000701": (AccountRefused, "the account has expired", "extend it in the directory"),
    "00000775": (AccountRefused, "the account is locked", "unlock it in the directory"),
}
WRITE_POLICY: Mapping[PolicyError, Verdict] = {
    PolicyError.ACCOUNT_LOCKED: (AccountRefused, "the account is locked", "unlock it in the directory"),
    PolicyError.PASSWORD_MOD_NOT_ALLOWED: (AccountRefused, "the account may not change its password", ""),
    PolicyError.MUST_SUPPLY_OLD_PASSWORD: (
        PasswordRejected,
        "the directory's policy asks for the old password",
        "set sendOldPassword on the adapter",
    ),
}
CHANGE: Verdicts = {
    **WRITE,
    Code.INVALID_CREDENTIALS: (OldPasswordWrong, "the old password is wrong", ""),
    Code.NO_SUCH_ATTRIBUTE: (OldPasswordWrong, "the old password is wrong", ""),
    "00000056": (OldPasswordWrong, "the old password is wrong", ""),
}
LOOKUP: Verdicts = {
    **_TEMPORARY,
    **_CHANNEL,
    Code.NO_SUCH_OBJECT: (ChannelRefused, "the search base is not there", "check baseDN, and the rights to read it"),
    Code.SIZE_LIMIT_EXCEEDED: (ChannelRefused, "the directory cut the search short", "raise the account's size limit"),
    Code.REFERRAL: (ChannelRefused, "the search base is on another server", "check baseDN and url"),
    Code.INVALID_DN_SYNTAX: (ChannelRefused, "the search base is not a DN", "check baseDN"),
    Code.INVALID_CREDENTIALS: (ChannelRefused, "the service account is not accepted", "check bind"),
}
SERVICE_BIND: Verdicts = {
    **_TEMPORARY,
    **_CHANNEL,
    Code.INVALID_DN_SYNTAX: (
        ChannelRefused,
        "the directory takes only a DN as the name of the service account",
        "write it in bind.user, as in cn=pwsync,ou=services,dc=example,dc=com",
    ),
    "525": (ChannelRefused, "the service account does not exist", "check bind.user"),
    "532": (ChannelRefused, "the service account's password has expired", "set a new one, and passwordFrom"),
    "533": (ChannelRefused, "the service account is disabled", "enable it in the directory"),
    "701": (ChannelRefused, "the service account has expired", "extend it in the directory"),
    "773": (ChannelRefused, "the service account must change its password", "set a new one, and passwordFrom"),
    "775": (ChannelRefused, "the service account is locked", "unlock it, and check passwordFrom"),
}
USER_BIND: Verdicts = {
    **_TEMPORARY,
    **_CHANNEL,
    Code.NO_SUCH_OBJECT: (AccountUnknown, "there is no such account", ""),
    Code.CONSTRAINT_VIOLATION: (AccountRefused, "the account is locked", "unlock it in the directory"),
    Code.UNWILLING_TO_PERFORM: (AccountRefused, "the account is not active", "enable it in the directory"),
    "525": (AccountUnknown, "there is no such account", ""),
    "533": (AccountRefused, "the account is disabled", "enable it in the directory"),
    "534": (AccountRefused, "the account may not log in this way", ""),
    "701": (AccountRefused, "the account has expired", "extend it in the directory"),
    "775": (AccountRefused, "the account is locked", "unlock it in the directory"),
}
RIGHT_BUT_NOT_NOW = {"530", "531", "532", "773"}
"""Not at this hour, not from here, expired, must change: told only to who knows the password."""
