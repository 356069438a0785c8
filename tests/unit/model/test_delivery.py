"""The state machine of a delivery: every state, every event."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from itertools import combinations_with_replacement

import hypothesis.strategies as st
import pytest
from hypothesis import given

from controller.model.accounts import ExternalAccount
from controller.model.change import ChangeState, PasswordChange, Reason
from controller.model.delivery import (
    OPEN_STATES,
    RETRIABLE_STATES,
    UNSETTLED_STATES,
    Delivery,
    DeliveryState,
    RetryPolicy,
    change_state_of,
    confirm,
    expire,
    fail,
    follow,
    release,
    retry,
    supersede,
)
from controller.model.errors import (
    AccountRefused,
    AccountUnknown,
    Busy,
    ChannelRefused,
    Deferrable,
    FilterUnusable,
    Indeterminate,
    InvalidInput,
    OldPasswordWrong,
    PasswordRejected,
    PwsyncError,
    Rejected,
    SealBroken,
    Unavailable,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
POLICY = RetryPolicy(count=3, delay=timedelta(minutes=1))
FINAL = [PasswordRejected, AccountUnknown, AccountRefused, OldPasswordWrong, Rejected, SealBroken, FilterUnusable]
COUNTED = [Busy, Deferrable, Indeterminate]
AWAY = [Unavailable, ChannelRefused]
ALL_ERRORS = [*FINAL, *COUNTED, *AWAY]
DELIVERY = Delivery(
    id="d-1",
    tracking_id="t-1",
    sequence=7,
    account=ExternalAccount("ldap", "alice"),
    sealed_password=b"sealed",
    created_at=NOW - timedelta(hours=1),
    due_at=NOW - timedelta(minutes=1),
    expires_at=NOW + timedelta(hours=23),
)
IDENTITY = ("id", "tracking_id", "sequence", "account", "created_at", "expires_at", "number")

states = st.sampled_from(list(DeliveryState))
deliveries = st.builds(
    replace,
    st.just(DELIVERY),
    state=states,
    attempts=st.integers(0, 40),
    counted_attempts=st.integers(0, 40),
    must_probe=st.booleans(),
    lease=st.sampled_from(["", "worker-1"]),
    leased_until=st.sampled_from([None, NOW]),
    settled_at=st.sampled_from([None, NOW]),
)
errors = st.sampled_from(ALL_ERRORS)
jitters = st.floats(0, 1, exclude_max=True)


def in_flight(**values: object) -> Delivery:
    """A delivery that a worker holds."""
    given_values = {"state": DeliveryState.IN_FLIGHT, "attempts": 1, "lease": "worker-1", "leased_until": NOW}
    return replace(DELIVERY, **given_values | values)  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        (Reason.DISCARDED, "was discarded"),
        (Reason.ADAPTER_RESET, "was discarded when its adapter was reset"),
        (Reason.EXPIRED, "is expired"),
    ],
)
def test_what_cannot_be_retried_since_a_person_ended_it_says_so(reason: Reason, words: str) -> None:
    ended = expire(DELIVERY, NOW, reason)
    with pytest.raises(InvalidInput, match=f"{words}: only a parked or retrying one"):
        retry(ended, NOW)


def test_an_attempt_that_succeeds_confirms_and_forgets_the_password() -> None:
    confirmed = confirm(in_flight(code="busy", directory_code="51", message="later"), NOW)
    assert confirmed.state is DeliveryState.CONFIRMED
    assert (confirmed.sealed_password, confirmed.settled_at) == (None, NOW)
    assert (confirmed.code, confirmed.directory_code, confirmed.message) == ("", "", "")


@pytest.mark.parametrize("error", FINAL)
def test_a_refusal_parks_at_once_with_the_words_of_the_target(error: type[PwsyncError]) -> None:
    parked = fail(in_flight(), error("it said no"), POLICY, NOW, 0.0)
    assert parked.state is DeliveryState.PARKED
    assert (parked.code, parked.message, parked.settled_at) == (error.code, "it said no", NOW)
    assert parked.sealed_password == b"sealed"
    assert (parked.counted_attempts, parked.must_probe) == (0, False)


def test_the_directorys_own_code_and_words_are_kept() -> None:
    error = PasswordRejected("ldap refused it", directory_code="0000052D", words="too short")
    parked = fail(in_flight(), error, POLICY, NOW, 0.0)
    assert (parked.directory_code, parked.message) == ("0000052D", "ldap refused it: too short")


@pytest.mark.parametrize(
    ("asked", "waits"),
    [
        (timedelta(), timedelta(minutes=1)),
        (timedelta(seconds=5), timedelta(minutes=1)),
        (timedelta(minutes=7), timedelta(minutes=7)),
        (timedelta(days=9), POLICY.longest),
    ],
)
def test_a_busy_target_is_left_alone_as_long_as_it_asks_within_bounds(asked: timedelta, waits: timedelta) -> None:
    retrying = fail(in_flight(), Busy("later", wait=asked), POLICY, NOW, 0.0)
    assert (retrying.state, retrying.counted_attempts) == (DeliveryState.RETRYING, 1)
    assert retrying.due_at == NOW + waits


@pytest.mark.parametrize("error", AWAY)
def test_a_target_that_is_away_costs_no_try_and_no_time(error: type[PwsyncError]) -> None:
    waiting = fail(in_flight(attempts=99, counted_attempts=2), error("away"), POLICY, NOW, 0.5)
    assert waiting.state is DeliveryState.RETRYING
    assert (waiting.counted_attempts, waiting.due_at, waiting.settled_at) == (2, NOW, None)


@pytest.mark.parametrize("error", COUNTED)
def test_other_failures_count_until_the_delivery_is_parked(error: type[PwsyncError]) -> None:
    delivery, waits = in_flight(), []
    for _ in range(POLICY.count - 1):
        delivery = fail(replace(delivery, state=DeliveryState.IN_FLIGHT), error("not now"), POLICY, NOW, 0.0)
        assert delivery.state is DeliveryState.RETRYING
        waits.append(delivery.due_at - NOW)
    assert waits == [timedelta(minutes=1), timedelta(minutes=2)]
    parked = fail(delivery, error("not now"), POLICY, NOW, 0.0)
    assert parked.state is DeliveryState.PARKED
    assert parked.message == "gave up after 3 tries: not now"
    assert parked.must_probe == (error is Indeterminate)


def test_what_had_no_answer_once_is_probed_for_ever_after() -> None:
    delivery = fail(in_flight(), Indeterminate("no answer"), POLICY, NOW, 0.0)
    assert delivery.must_probe
    for error in ALL_ERRORS:
        assert fail(delivery, error("x"), POLICY, NOW, 0.0).must_probe
    assert retry(delivery, NOW).must_probe


@pytest.mark.parametrize("state", sorted(RETRIABLE_STATES))
def test_a_retry_gives_all_tries_again_but_no_more_time(state: DeliveryState) -> None:
    before = replace(DELIVERY, state=state, counted_attempts=5, attempts=9, must_probe=True, settled_at=NOW)
    again = retry(before, NOW)
    assert again.state is DeliveryState.PENDING
    assert (again.counted_attempts, again.due_at, again.settled_at) == (0, NOW, None)
    assert (again.attempts, again.must_probe, again.expires_at) == (9, True, before.expires_at)
    assert again.sealed_password == b"sealed"


@pytest.mark.parametrize("state", sorted(set(DeliveryState) - RETRIABLE_STATES))
def test_no_other_state_is_retried(state: DeliveryState) -> None:
    is_settled = state not in OPEN_STATES
    with pytest.raises(InvalidInput, match=f"is {state}: only a parked") as caught:
        retry(replace(DELIVERY, state=state, settled_at=NOW if is_settled else None), NOW)
    assert ("no longer kept" in caught.value.hint) == is_settled


@pytest.mark.parametrize("late", [timedelta(), timedelta(days=3)])
def test_what_is_older_than_the_sync_age_is_not_retried(late: timedelta) -> None:
    with pytest.raises(InvalidInput, match="older than the maximum sync age"):
        retry(replace(DELIVERY, state=DeliveryState.PARKED), DELIVERY.expires_at + late)


@given(deliveries, errors, jitters)
def test_whatever_happens_a_delivery_stays_itself_and_what_is_settled_has_no_password(
    delivery: Delivery, error: type[PwsyncError], jitter: float
) -> None:
    after = [
        confirm(delivery, NOW),
        fail(delivery, error("x"), POLICY, NOW, jitter),
        expire(delivery, NOW),
        expire(delivery, NOW, Reason.ADAPTER_RESET),
        supersede(delivery, NOW),
    ]
    for one in after:
        assert all(getattr(one, name) == getattr(delivery, name) for name in IDENTITY)
        assert (one.lease, one.leased_until) == ("", None)
        assert (one.sealed_password is not None) == (one.state in UNSETTLED_STATES)
        assert one.state is not DeliveryState.IN_FLIGHT
    assert [one.state.value for one in after[2:]] == ["expired", "expired", "superseded"]
    assert [one.code for one in after[2:]] == ["expired", "adapterReset", "superseded"]


@given(deliveries, errors, jitters)
def test_no_failure_makes_a_delivery_due_in_the_past_or_later_than_the_longest_wait(
    delivery: Delivery, error: type[PwsyncError], jitter: float
) -> None:
    after = fail(delivery, error("x"), POLICY, NOW, jitter)
    assert after.state in {DeliveryState.RETRYING, DeliveryState.PARKED}
    assert (after.settled_at is not None) == (after.state is DeliveryState.PARKED) or delivery.settled_at is not None
    if after.state is DeliveryState.RETRYING:
        assert NOW <= after.due_at <= NOW + POLICY.longest


@given(st.integers(0, 200), jitters, st.timedeltas(timedelta(milliseconds=1), timedelta(hours=1)))
def test_waits_double_up_to_their_bound_and_jitter_only_shortens_them(
    attempts: int, jitter: float, delay: timedelta
) -> None:
    policy = RetryPolicy(count=5, delay=delay)
    full, spread = policy.wait(attempts, 0.0), policy.wait(attempts, jitter)
    assert full * 0.75 - timedelta(microseconds=1) <= spread <= full <= policy.longest
    assert full <= policy.wait(attempts + 1, 0.0)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_state_of_a_change_follows_from_its_deliveries(size: int) -> None:
    for chosen in combinations_with_replacement(DeliveryState, size):
        state, reason = change_state_of([replace(DELIVERY, state=s) for s in chosen])
        if OPEN_STATES & set(chosen):
            expected = (ChangeState.ACCEPTED, "")
        elif DeliveryState.PARKED in chosen:
            expected = (ChangeState.FAILED, Reason.DELIVERY_PARKED)
        elif DeliveryState.EXPIRED in chosen:
            expected = (ChangeState.FAILED, Reason.DELIVERY_EXPIRED)
        elif set(chosen) == {DeliveryState.SUPERSEDED}:
            expected = (ChangeState.DISCARDED, Reason.SUPERSEDED)
        else:
            expected = (ChangeState.COMPLETED, "")
        assert (state, reason) == expected, chosen


def test_every_field_of_a_delivery_is_looked_at_here() -> None:
    looked_at = {*IDENTITY, "sealed_password", "due_at", "state", "attempts", "counted_attempts", "must_probe"}
    looked_at |= {"lease", "leased_until", "code", "directory_code", "message", "settled_at"}
    assert {field.name for field in fields(Delivery)} == looked_at


def test_a_released_delivery_is_made_anew_from_its_change() -> None:
    parked = replace(DELIVERY, state=DeliveryState.PARKED, counted_attempts=5, must_probe=True, settled_at=NOW)
    again = release(parked, NOW)
    assert (again.state, again.sealed_password, again.settled_at) == (DeliveryState.PENDING, None, None)
    assert (again.counted_attempts, again.due_at, again.must_probe) == (0, NOW, True)
    assert again.expires_at == parked.expires_at


def test_a_delivery_that_goes_to_another_account_has_nothing_to_probe_there() -> None:
    parked = replace(DELIVERY, state=DeliveryState.PARKED, must_probe=True)
    other = ExternalAccount("ldap", "alice2")
    assert (release(parked, NOW, other).account, release(parked, NOW, other).must_probe) == (other, False)
    assert release(parked, NOW, DELIVERY.account).must_probe


def test_a_change_tells_why_a_delivery_was_parked_before_its_first_attempt() -> None:
    parked = replace(DELIVERY, state=DeliveryState.PARKED, code="filterUnusable")
    refused = replace(DELIVERY, state=DeliveryState.PARKED, code="passwordRejected")
    assert change_state_of([refused, parked]) == (ChangeState.FAILED, Reason.FILTER_UNUSABLE)


@pytest.mark.parametrize("state", list(DeliveryState))
def test_a_change_keeps_its_password_as_long_as_a_delivery_may_need_it(state: DeliveryState) -> None:
    change = PasswordChange("t-1", DELIVERY.account, "dc1", b"sealed", None, None, NOW, routed=True)
    following = follow(change, [replace(DELIVERY, state=state)])
    assert following.keeps_password == (state in UNSETTLED_STATES)
    assert following.differs_from(change) == (state not in OPEN_STATES)


def test_a_change_that_failed_at_routing_stays_so_and_forgets_its_password_at_the_end() -> None:
    failed = PasswordChange("t-1", DELIVERY.account, "dc1", b"sealed", None, None, NOW, routed=True)
    failed = replace(failed, state=ChangeState.FAILED, reason="mappingConflict")
    under_way = follow(failed, [DELIVERY])
    assert (under_way.state, under_way.reason, under_way.keeps_password) == ("failed", "mappingConflict", True)
    assert not under_way.differs_from(failed)
    at_the_end = follow(failed, [replace(DELIVERY, state=DeliveryState.CONFIRMED)])
    assert (at_the_end.state, at_the_end.reason, at_the_end.keeps_password) == ("failed", "mappingConflict", False)
    assert at_the_end.differs_from(failed)
