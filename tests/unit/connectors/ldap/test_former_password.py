"""How long a domain controller may still accept the former password."""

from datetime import UTC, datetime, timedelta

import pytest

from controller.connectors.ldap.former_password import may_still_be_accepted
from controller.connectors.ldap.messages import Entry

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


def _user(age: timedelta) -> Entry:
    ticks = (NOW - age - EPOCH) // timedelta(microseconds=1) * 10
    return Entry("cn=a", {"pwdlastset": (str(ticks).encode(),)})


_ROOT = Entry("", {"currenttime": (NOW.strftime("%Y%m%d%H%M%S.0Z").encode(),)})


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(0), True),
        (timedelta(minutes=60), True),
        (timedelta(minutes=62), False),
        (timedelta(days=90), False),
        (timedelta(minutes=-2), True),
    ],
)
def test_for_an_hour_after_a_change(age: timedelta, expected: bool) -> None:
    assert may_still_be_accepted(_user(age), _ROOT) is expected


@pytest.mark.parametrize("value", [(), (b"0",), (b"-1",), (b"\xff",)])
def test_when_the_time_of_the_change_is_unknown(value: tuple[bytes, ...]) -> None:
    assert may_still_be_accepted(Entry("cn=a", {"pwdlastset": value}), _ROOT)


@pytest.mark.parametrize("root", [None, Entry("", {}), Entry("", {"currenttime": (b"soon",)})])
def test_when_the_controller_does_not_tell_its_time(root: Entry | None) -> None:
    assert may_still_be_accepted(_user(timedelta(days=90)), root)
