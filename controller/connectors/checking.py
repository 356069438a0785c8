"""The diagnosis of a channel whose one check says all that can be said without a password."""

from collections.abc import Callable, Iterator

from controller.model.diagnosis import Finding, Verdict
from controller.model.errors import ConnectorError


def diagnose_by_check(check: Callable[[], None]) -> Iterator[Finding]:
    """Make the check of a connector its one finding."""
    try:
        check()
    except ConnectorError as error:
        words = f" ({error.words})" if error.words else ""
        yield Finding("channel", Verdict.FAILED, f"{error.message}{words}", error.hint)
    else:
        yield Finding("channel", Verdict.OK, "it is there and accepts us")
