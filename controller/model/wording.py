"""Numbers and times in words."""

from datetime import UTC, datetime


def counted(count: int, one: str, many: str = "") -> str:
    """A number and what is counted, with an 's' when *many* is not given: ``1 account``, ``2,000 accounts``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def rfc3339(moment: datetime) -> str:
    """A time as RFC 3339 has it, in UTC, ending with ``Z``."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
