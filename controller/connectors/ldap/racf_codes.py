"""What the reason codes of the z/OS LDAP server mean to us: ``Rnnnnnn`` at the beginning of its message.

Source: IBM, z/OS LDAP server administration, "Binding using a RACF user ID and password or password phrase" (SDBM: the
first number of a pair) and "Updating native passwords and password phrases" (native authentication: the second).
"""

import re

from controller.connectors.ldap.codes import USER_BIND, WRITE, Verdict
from controller.connectors.ldap.errors import clean, directory_code, write_refused
from controller.connectors.ldap.messages import Answer, Code
from controller.model.errors import (
    AccountRefused,
    Busy,
    ChannelRefused,
    ConnectorError,
    OldPasswordWrong,
    PasswordRejected,
    Rejected,
)
from controller.model.secret import Secret

_REASON = re.compile(r"\s*(R\d{6})\b")
_RACF_MESSAGE = re.compile(r"\b((?:ICH|IRR|IKJ)\d{5}[A-Z])\b")
EXPIRED = frozenset({"R000100", "R004109"})
"""Told only to who knows the password."""
NEW_REFUSED = frozenset({"R000101", "R004128"})
REVOKED = frozenset({"R000102", "R004110"})
WRONG = frozenset({"R000104", "R004111"})
"""Wrong, or the user ID is not completely defined: RACF does not tell which."""
BAD_ARGUMENT = frozenset({"R000105", "R004112"})
UNFORESEEN = frozenset({"R000208", "R004118"})
"""RACROUTE failed in another way; its return codes are in the words."""

_REVOKED: Verdict = (AccountRefused, "the user ID is revoked", "resume it: ALTUSER ... RESUME")
_BAD: Verdict = (Rejected, "RACF says that a bind argument is not valid", "is the user ID one of RACF?")
_UNFORESEEN: Verdict = (Busy, "RACF could not do it", "its return codes are in the words")


def reason_of(answer: Answer) -> str:
    """The server's reason code; else the id of the RACF command's message; else empty."""
    found = _REASON.match(answer.words) or _RACF_MESSAGE.search(answer.words)
    return found.group(1) if found else ""


def is_right(answer: Answer, subject: str, *secrets: Secret) -> bool:
    """Read the answer to a bind as the user.

    Raises:
        AccountRefused: The user ID is revoked.
        Busy, Unavailable, ChannelRefused, Rejected: It was not answered.
    """
    reason = reason_of(answer)
    if answer.is_success or reason in EXPIRED:
        return True
    if reason in WRONG or (not reason and answer.code == Code.INVALID_CREDENTIALS):
        return False
    raise _error(answer, subject, secrets, _OF_A_BIND.get(reason) or USER_BIND.get(answer.code))


def change_refused(answer: Answer, subject: str, *secrets: Secret) -> ConnectorError:
    """Why a bind with the old and the new password changed nothing."""
    reason = reason_of(answer)
    known = _OF_A_CHANGE.get(reason)
    if known is None and not reason and answer.code == Code.INVALID_CREDENTIALS:
        known = _OF_A_CHANGE["R000104"]
    return _error(answer, subject, secrets, known or USER_BIND.get(answer.code))


def set_refused(answer: Answer, subject: str, *secrets: Secret) -> ConnectorError:
    """Why the modify of an administrator changed nothing."""
    reason = reason_of(answer)
    if not reason:
        return write_refused(answer, subject, *secrets)
    if answer.code == Code.INSUFFICIENT_ACCESS_RIGHTS:
        return _error(answer, subject, secrets, WRITE[Code.INSUFFICIENT_ACCESS_RIGHTS])
    return _error(answer, subject, secrets, _OF_A_WRITE.get(reason))


_OF_A_BIND: dict[str, Verdict] = {
    **dict.fromkeys(REVOKED, _REVOKED),
    **dict.fromkeys(BAD_ARGUMENT, _BAD),
    **dict.fromkeys(UNFORESEEN, _UNFORESEEN),
}
_OF_A_CHANGE: dict[str, Verdict] = {
    **_OF_A_BIND,
    **dict.fromkeys(
        WRONG, (OldPasswordWrong, "the old password is wrong, or the user ID is not completely defined", "")
    ),
    **dict.fromkeys(NEW_REFUSED, (PasswordRejected, "RACF refuses the new password", "its rules: SETROPTS LIST")),
    **dict.fromkeys(EXPIRED, (OldPasswordWrong, "the password has expired, and the new one was not taken", "")),
}
_OF_A_WRITE: dict[str, Verdict] = {
    **_OF_A_BIND,
    **dict.fromkeys(NEW_REFUSED, (PasswordRejected, "RACF refuses the new password", "its rules: SETROPTS LIST")),
    **dict.fromkeys(
        WRONG | EXPIRED, (ChannelRefused, "the service account is not accepted", "check bind.user and its password")
    ),
}
"""A message of a RACF command that is not here is a refusal that a person must read: RACF has hundreds."""


def _error(answer: Answer, subject: str, secrets: tuple[Secret, ...], verdict: Verdict | None) -> ConnectorError:
    kind, what, hint = verdict or (Rejected, f"the directory refuses ({answer.name})", "its words tell why")
    code = reason_of(answer) or directory_code(answer)
    return kind(f"{subject}: {what}", directory_code=code, words=clean(answer.words, secrets), hint=hint)
