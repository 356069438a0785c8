"""Domain controllers let the former password in for a while after a change: a bind alone does not tell them apart.

Windows: ``OldPasswordAllowedPeriod``, 60 minutes by default (Microsoft KB 906305); Samba: ``old password allowed
period``, the same. Whoever has to know whether a password is the one in force must look again within that time.
"""

from datetime import UTC, datetime, timedelta

from controller.connectors.ldap.messages import Entry

ACCEPTED_FOR = timedelta(minutes=61)
_FILETIME_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_NEVER_SET = 0  # must change at next logon


def may_still_be_accepted(user: Entry, root: Entry | None) -> bool:
    """Whether the user's password changed so recently that its predecessor may still open the account.

    Args:
        user: With ``pwdLastSet`` (FILETIME: 100 ns since 1601, MS-DTYP 2.3.3).
        root: The root DSE with ``currentTime``: the controller's own clock decides.
    """
    set_at, now = _filetime(user.text("pwdLastSet")), _generalized_time(root)
    if set_at is None or now is None:
        return True
    return now - set_at <= ACCEPTED_FOR


def _filetime(text: str | None) -> datetime | None:
    if text is None or not text.isascii() or not text.isdigit() or int(text) == _NEVER_SET:
        return None
    return _FILETIME_EPOCH + timedelta(microseconds=int(text) // 10)


def _generalized_time(root: Entry | None) -> datetime | None:
    text = root.text("currentTime") if root is not None else None
    try:
        return datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC) if text else None
    except ValueError:
        return None
