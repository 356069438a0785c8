"""What connectors tell of a channel and of accounts by their other calls, without a password."""

from collections.abc import Callable, Iterator, Sequence

from controller.model.diagnosis import Finding, Verdict
from controller.model.errors import AccountUnknown, ConnectorError
from controller.model.observation import Sighting, Survey


def diagnose_by_check(check: Callable[[], None]) -> Iterator[Finding]:
    """Make the check of a connector its one finding."""
    try:
        check()
    except ConnectorError as error:
        yield failed("channel", error)
    else:
        yield Finding("channel", Verdict.OK, "it is there and accepts us")


def failed(check: str, error: ConnectorError) -> Finding:
    """A check that an error ended; the directory's own words are told."""
    words = f" ({error.words})" if error.words else ""
    return Finding(check, Verdict.FAILED, f"{error.message}{words}", error.hint)


def survey_by_look_up(look_up: Callable[[str], object], accounts: Sequence[str]) -> Survey:
    """Look up one account after another; *look_up* raises AccountUnknown when there is none.

    Raises:
        ConnectorError: From *look_up*, where it says nothing about the account.
    """
    return Survey({account: Sighting(_exists(look_up, account)) for account in accounts})


def _exists(look_up: Callable[[str], object], account: str) -> bool:
    try:
        look_up(account)
    except AccountUnknown:
        return False
    return True
