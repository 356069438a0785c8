"""What a group adapter is told: whoever follows it knows the members in the end, whatever happened in between."""

from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
from hypothesis import given

from controller.model.membership import REPEATED_AFTER, Told, next_telling
from controller.model.notification import AdapterAdded, AdapterDeleted, AdaptersInGroup, MembershipNotification

THEN = datetime(2026, 1, 1, tzinfo=UTC)
groups = st.frozensets(st.sampled_from("abcde"))
told = st.none() | st.builds(Told, groups, st.just(THEN))


def followed(known: frozenset[str], notification: MembershipNotification) -> frozenset[str]:
    """What a group adapter knows after a notification."""
    match notification:
        case AdaptersInGroup(adapters=names):
            return frozenset(names)
        case AdapterAdded(adapter=name):
            assert name not in known
            return known | {name}
        case AdapterDeleted(adapter=name):
            assert name in known
            return known - {name}


@given(told=told, members=groups, minutes=st.integers(0, 10))
def test_each_notification_brings_the_adapter_nearer_until_it_knows_all(
    told: Told | None, members: frozenset[str], minutes: int
) -> None:
    now = THEN + timedelta(minutes=minutes)
    known = frozenset[str]() if told is None else told.adapters
    left = len(known ^ members)
    count = 0
    while (found := next_telling(told, members, now)) is not None:
        notification, told = found
        known = followed(known, notification)
        assert known == told.adapters, "it knows what it was told"
        count += 1
        assert count <= max(left, 1)
    assert known == members


@given(told=told, members=groups, lost=st.integers(0, 3))
def test_lost_answers_are_made_good_when_the_list_is_repeated(
    told: Told | None, members: frozenset[str], lost: int
) -> None:
    for _ in range(lost):
        found = next_telling(told, members, THEN)
        told = told if found is None else found[1]
    found = next_telling(told, members, THEN + REPEATED_AFTER)
    assert found is not None
    assert found[0] == AdaptersInGroup(tuple(sorted(members)))
