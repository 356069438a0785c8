"""From a directory's refusal to our error types: by code (``codes``), never by words."""

import re
from collections.abc import Iterator, Sequence

from pydantic.alias_generators import to_camel

from controller.connectors.ldap.codes import (
    CHANGE,
    LOOKUP,
    PASSWORD_POLICY,
    RIGHT_BUT_NOT_NOW,
    SERVICE_BIND,
    USER_BIND,
    WRITE,
    WRITE_POLICY,
    PolicyError,
    Verdict,
    Verdicts,
)
from controller.connectors.ldap.messages import Answer, Code
from controller.model.errors import AccountRefused, ChannelRefused, ConnectorError, Rejected
from controller.model.secret import Secret

WITHHELD = "(its words are withheld: they contain the password)"
_LONGEST_WORDS = 500
_ERROR_TAG = 0x81
_LONG_LENGTH = 0x80
_WIN32 = re.compile(r"([0-9A-F]{8}): ")
_BIND_DATA = re.compile(r"\bdata ([0-9a-f]{2,4})\b")


def write_refused(answer: Answer, subject: str, *secrets: Secret) -> ConnectorError:
    """Why a password was not set. *subject* names directory and account."""
    policy = _policy_error(answer)
    known = WRITE_POLICY.get(policy) if policy is not None else None
    return _error(answer, subject, secrets, known or _verdict(answer, WRITE), _policy_or_code(answer))


def change_refused(answer: Answer, subject: str, *secrets: Secret) -> ConnectorError:
    """Why a password was not changed with the old one."""
    policy = _policy_error(answer)
    known = WRITE_POLICY.get(policy) if policy is not None else None
    return _error(answer, subject, secrets, known or _verdict(answer, CHANGE), _policy_or_code(answer))


def lookup_refused(answer: Answer, subject: str) -> ConnectorError:
    """Why a search was refused."""
    known = _verdict(answer, LOOKUP) or (ChannelRefused, "the directory refuses the search", "")
    return _error(answer, subject, (), known, directory_code(answer))


def service_bind_refused(answer: Answer, subject: str, *secrets: Secret) -> ConnectorError:
    """Why the service account was not let in."""
    refused = (ChannelRefused, "the service account is not accepted", "check bind.user and the password it refers to")
    code = _bind_data(answer) or directory_code(answer)
    return _error(answer, subject, secrets, _verdict(answer, SERVICE_BIND) or refused, code)


def is_right_password(answer: Answer, subject: str, *secrets: Secret) -> bool:
    """Read the answer to a bind as the user: whether the password is the one in force.

    Raises:
        AccountUnknown: There is no such account.
        AccountRefused: The account's state hides the answer.
        Busy, Unavailable, ChannelRefused: It was not answered.
    """
    if answer.is_success or _bind_data(answer) in RIGHT_BUT_NOT_NOW:
        return True
    if _policy_error(answer) == PolicyError.PASSWORD_EXPIRED:
        return True  # told only after the password was found right
    if _policy_error(answer) == PolicyError.ACCOUNT_LOCKED:
        raise AccountRefused(f"{subject}: the account is locked", directory_code="accountLocked")
    known = _verdict(answer, USER_BIND)
    if known is None and answer.code in {Code.INVALID_CREDENTIALS, Code.INAPPROPRIATE_AUTHENTICATION}:
        return False
    raise _error(answer, subject, secrets, known, _bind_data(answer) or directory_code(answer))


def directory_code(answer: Answer) -> str:
    """The directory's own code: Active Directory's Win32 error, else the name of the result code."""
    found = _WIN32.match(answer.words)
    return found.group(1) if found else answer.name


def clean(words: str, secrets: Sequence[Secret]) -> str:
    """A directory's own words, fit to be shown: without control characters, and not at all if a secret is in them.

    Blanking out the secret alone would tell it where the sentence is known: "*** too short".
    """
    if any(text in words for text in (s.reveal() for s in secrets) if text):
        return WITHHELD
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())[:_LONGEST_WORDS]


def _verdict(answer: Answer, verdicts: Verdicts) -> Verdict | None:
    for code in (_bind_data(answer), directory_code(answer)):
        if code in verdicts:
            return verdicts[code]
    return verdicts.get(answer.code)


def _error(
    answer: Answer,
    subject: str,
    secrets: Sequence[Secret],
    verdict: Verdict | None,
    code: str,
) -> ConnectorError:
    kind, what, hint = verdict or (Rejected, f"the directory refuses ({answer.name})", "")
    return kind(f"{subject}: {what}", directory_code=code, words=clean(answer.words, secrets), hint=hint)


def _policy_or_code(answer: Answer) -> str:
    policy = _policy_error(answer)
    return directory_code(answer) if policy is None else to_camel(policy.name.lower())


def _bind_data(answer: Answer) -> str:
    found = _BIND_DATA.search(answer.words) if answer.code == Code.INVALID_CREDENTIALS else None
    return found.group(1) if found else ""


def _policy_error(answer: Answer) -> PolicyError | None:
    """Read ``SEQUENCE { warning [0] OPTIONAL, error [1] ENUMERATED OPTIONAL }``; None when there is no error."""
    for _, sequence in _elements(answer.controls.get(PASSWORD_POLICY, b"")):
        for tag, content in _elements(sequence):
            if tag == _ERROR_TAG and len(content) == 1:
                return PolicyError.of(content[0])
    return None


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tags and contents of BER (X.690 section 8.1.3); 389 Directory Server writes short lengths in the long form."""
    at = 0
    while at + 2 <= len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length > _LONG_LENGTH:
            count = length - _LONG_LENGTH
            length, at = int.from_bytes(data[at : at + count]), at + count
        yield tag, data[at : at + length]
        at += length
