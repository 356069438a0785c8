"""Times as directories write them."""

from datetime import UTC, datetime, timedelta

_FILETIME_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_NEVER = 0  # pwdLastSet: must change at next logon


def filetime(text: str | None) -> datetime | None:
    """Read a FILETIME (100 ns since 1601, MS-DTYP 2.3.3); None for none, for 0, and for what is no number."""
    if text is None or not text.isascii() or not text.isdigit() or int(text) == _NEVER:
        return None
    return _FILETIME_EPOCH + timedelta(microseconds=int(text) // 10)


def generalized_time(text: str | None) -> datetime | None:
    """Read a GeneralizedTime in UTC (RFC 4517 section 3.3.13) to the second; None for none, and for anything else."""
    try:
        return datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC) if text else None
    except ValueError:
        return None
