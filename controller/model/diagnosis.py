"""What a check of a channel found."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How one check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check of one channel.

    Attributes:
        check: Which one: a stable name (camelCase).
        message: What was found; of ``unknown`` why it could not be found out.
        remedy: What to do about it; empty when nothing need be done.
    """

    check: str
    verdict: Verdict
    message: str
    remedy: str = ""
