"""What a receiver's answers mean: by the code in its body where there is one, else by its status (RFC 9110)."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from controller.connectors.webhook.exchange import Answer
from controller.model.errors import (
    AccountRefused,
    AccountUnknown,
    Busy,
    ChannelRefused,
    ConnectorError,
    Indeterminate,
    OldPasswordWrong,
    PasswordRejected,
    Rejected,
    Unavailable,
)
from controller.model.secret import Secret
from controller.model.words import quoted

_CODES: dict[str, tuple[type[ConnectorError], str]] = {
    kind.code: (kind, what)
    for kind, what in (
        (PasswordRejected, "the receiver refuses the new password"),
        (AccountUnknown, "the receiver knows no such account"),
        (AccountRefused, "the receiver refuses this account"),
        (OldPasswordWrong, "the receiver says that the old password is wrong"),
        (Busy, "the receiver cannot do it now"),
        (Unavailable, "what is behind the receiver cannot be reached"),
        (ChannelRefused, "the receiver does not accept us"),
    )
}
_STATUSES: dict[int, tuple[type[ConnectorError], str, str]] = {
    **dict.fromkeys([401, 403, 407], (ChannelRefused, "does not accept us", "do both sides have the same secret?")),
    **dict.fromkeys([404, 405, 410], (ChannelRefused, "takes no webhooks there", "check the path of url")),
    **dict.fromkeys([408, 425, 429, 503], (Busy, "cannot do it now", "")),
}
_REDIRECT = (ChannelRefused, "sends us elsewhere, and redirects are not followed", "write the final url")
_REFUSED = (Rejected, "refuses the request", "")
_FAILED = (Indeterminate, "failed; whether it had changed the password is not known", "")
_LEAST_FAILURE = 500
_LEAST_REFUSAL = 400


def is_done(answer: Answer) -> bool:
    """Whether the receiver did what it was asked."""
    return 200 <= answer.status < 300  # noqa: PLR2004  # RFC 9110 section 15.3


def is_in_force(answer: Answer, subject: str) -> bool:
    """Read the answer to ``password.verify``.

    Raises:
        ChannelRefused: It does not say.
    """
    told = _object(answer).get("inForce")
    if not isinstance(told, bool):
        raise ChannelRefused(
            f"{subject}: the receiver's answer does not tell inForce", hint="it must be true or false; or verify: false"
        )
    return told


def refusal(answer: Answer, subject: str, now: datetime, secrets: Sequence[Secret]) -> ConnectorError:
    """Why the receiver did not do it. *subject* names it and the account."""
    told = _object(answer)
    known = _CODES.get(str(told.get("code"))) if answer.status >= _LEAST_REFUSAL else None
    kind, what, hint = (known[0], known[1], "") if known else _by_status(answer.status)
    code = known[0].code if known else str(answer.status)
    words = quoted(str(told.get("message", "")), *secrets)
    message = f"{subject}: {what}"
    if kind is Busy:
        return Busy(message, directory_code=code, words=words, hint=hint, wait=_retry_after(answer, now))
    return kind(message, directory_code=code, words=words, hint=hint)


def _by_status(status: int) -> tuple[type[ConnectorError], str, str]:
    default = _REDIRECT if status < _LEAST_REFUSAL else _REFUSED if status < _LEAST_FAILURE else _FAILED
    kind, what, hint = _STATUSES.get(status, default)
    return kind, f"the receiver {what} (status {status})", hint


def _object(answer: Answer) -> dict[str, Any]:
    """The JSON object in the body; empty when there is none."""
    try:
        told = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _retry_after(answer: Answer, now: datetime) -> timedelta:
    """The header ``Retry-After``: seconds, or a date (RFC 9110 section 10.2.3); nothing when it is neither."""
    text = (answer.headers.get("Retry-After") or "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:  # noqa: PLR2004  # so many seconds are thirty years
        return timedelta(seconds=int(text))
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return timedelta()
    return max(at.replace(tzinfo=at.tzinfo or UTC) - now, timedelta())
