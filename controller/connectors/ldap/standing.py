"""How far an account of a directory is from its lockout, from what its entry tells.

What is not told is never taken for good: the standing is then ``UNTOLD``.
"""

from datetime import datetime, timedelta

from controller.connectors.ldap.messages import Entry
from controller.connectors.ldap.times import filetime, generalized_time
from controller.model.observation import Sighting, Standing

_COMPUTED = "msDS-User-Account-Control-Computed"
USER_ATTRIBUTES = ("sAMAccountName", "pwdLastSet", "badPwdCount", "userAccountControl", "accountExpires", _COMPUTED)
"""Of a user of Active Directory."""
_CLOSED = 0x2 | 0x10 | 0x800000
"""Disabled, locked, password expired (MS-ADTS 2.2.16 and 3.1.1.4.5.17)."""

ENTRY_ATTRIBUTES = (
    "pwdChangedTime",
    "pwdUpdateTime",
    "pwdFailureTime",
    "pwdAccountLockedTime",
    "pwdGraceUseTime",
    "pwdReset",
    "pwdStartTime",
    "pwdEndTime",
    "pwdPolicySubentry",
)
"""Of an entry under the overlay ppolicy (slapo-ppolicy(5), draft-behera-ldap-password-policy).

389 Directory Server tells in ``pwdUpdateTime`` when the password was set, where passwordTrackUpdateTime is on.
"""
_LONG = timedelta(days=36_500)
"""So that a time later is a date."""
_CLOSED_BY = ("pwdAccountLockedTime", "pwdGraceUseTime", "pwdReset", "pwdStartTime")


def user_sighting(user: Entry) -> Sighting:
    """What Active Directory tells of a user, read with ``USER_ATTRIBUTES``."""
    return Sighting(True, filetime(user.text("pwdLastSet")), _of_user(user), _expiry(user.text("accountExpires")))


def _of_user(user: Entry) -> Standing:
    flags = [_number(user.text(name)) for name in ("userAccountControl", _COMPUTED)]
    count = _number(user.text("badPwdCount"))
    if any(flag is not None and flag & _CLOSED for flag in flags):
        return Standing.CLOSED
    if count:
        return Standing.FAILURES
    return Standing.UNTOLD if count is None or None in flags else Standing.CLEAN


def entry_sighting(entry: Entry, max_age: timedelta | None) -> Sighting:
    """What the overlay ppolicy tells of an entry, read with ``ENTRY_ATTRIBUTES``.

    Where nothing was told of the password's time there is no overlay, or the service account may not read what it
    keeps: then no failure is told either.

    Args:
        entry: Of the account.
        max_age: How long its password lasts; zero for ever, None when nobody can tell.
    """
    set_at = generalized_time(entry.text("pwdChangedTime"))
    if set_at is None:
        return Sighting(True, generalized_time(entry.text("pwdUpdateTime")))
    if any(entry.text(name) is not None for name in _CLOSED_BY):
        return Sighting(True, set_at, Standing.CLOSED)
    if entry.text("pwdFailureTime") is not None:
        return Sighting(True, set_at, Standing.FAILURES)
    ends = [generalized_time(entry.text("pwdEndTime")), set_at + min(max_age, _LONG) if max_age else None]
    standing = Standing.UNTOLD if max_age is None else Standing.CLEAN
    return Sighting(True, set_at, standing, min((end for end in ends if end is not None), default=None))


def _expiry(text: str | None) -> datetime | None:
    """Read a FILETIME of which the greatest number, which is no date, means never (MS-ADA1 2.1), as zero does."""
    try:
        return filetime(text)
    except OverflowError:
        return None


def _number(text: str | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        return None
