"""A delivery: one change on its way to one account. Its state machine is pure and stands in this file alone."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from controller.model.accounts import Account
from controller.model.change import ChangeState, PasswordChange, Reason
from controller.model.errors import (
    Busy,
    ChannelRefused,
    ConnectorError,
    Deferrable,
    Indeterminate,
    InvalidInput,
    OldPasswordMissing,
    OldPasswordWrong,
    PwsyncError,
    Unavailable,
)


class DeliveryState(StrEnum):
    """The states of a delivery (contract section 6)."""

    PENDING = "pending"
    IN_FLIGHT = "inFlight"
    CONFIRMED = "confirmed"
    RETRYING = "retrying"
    PARKED = "parked"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"


OPEN_STATES = frozenset({DeliveryState.PENDING, DeliveryState.IN_FLIGHT, DeliveryState.RETRYING})
"""States from which a delivery still moves without a person."""
UNSETTLED_STATES = OPEN_STATES | {DeliveryState.PARKED}
"""States of which an operator may discard a delivery: it still moves, or waits for a person."""
PARKED_AT_ROUTING = frozenset({Reason.FILTER_UNUSABLE, Reason.NO_STORED_WINDOWS_PASSWORD})
"""Why a delivery was parked before its first attempt; its change tells the same reason."""
_ENDED_BY_A_PERSON = {
    Reason.DISCARDED.value: "was discarded",
    Reason.ADAPTER_RESET.value: "was discarded when its adapter was reset",
}
CURED_BY_CREDENTIALS = frozenset(
    {Reason.NO_STORED_WINDOWS_PASSWORD.value, OldPasswordMissing.code, OldPasswordWrong.code}
)
"""Codes of parked deliveries that wait for a stored password."""
RETRIABLE_STATES = frozenset({DeliveryState.PARKED, DeliveryState.RETRYING})
"""States of which an operator may ask for another try."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One change on its way to one account.

    Attributes:
        id: Given before it is stored, since its password is sealed for its place (``delivery_place``).
        tracking_id: The change that caused it.
        sequence: That change's sequence: of two deliveries to one account the higher one is newer.
        account: The target: an external account (through its adapter) or a Windows account (full sync).
        sealed_password: The password as the target shall have it (filtered), sealed; None once settled, and None while
            it is to be made from the change's own password, with the filter that holds then.
        attempts: How often it was handed to a connector.
        counted_attempts: Those that count towards the retry limit (a target that is away does not burn retries).
        due_at: Not before this time (the store's clock).
        expires_at: After this time it is given up (maximum sync age, T3).
        must_probe: An earlier attempt may have reached the target: look before repeating.
        lease: Token of the worker that holds it while in flight; only that token may settle it.
        leased_until: When another worker may take it over. Once nobody holds it: until when its last holder, who is
            gone, may still carry it out; None when nobody may.
        code: Stable reason or error code of the last attempt; empty when none.
        directory_code: The directory's own code of the last refusal.
        message: The last refusal in words, secrets removed.
        number: Given by the store, ever growing: the order of lists. It makes no delivery another one.
    """

    id: str
    tracking_id: str
    sequence: int
    account: Account
    sealed_password: bytes | None
    created_at: datetime
    due_at: datetime
    expires_at: datetime
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    counted_attempts: int = 0
    must_probe: bool = False
    lease: str = ""
    leased_until: datetime | None = None
    code: str = ""
    directory_code: str = ""
    message: str = ""
    settled_at: datetime | None = None
    number: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When to try again.

    Attributes:
        count: Tries that count, before the delivery is parked.
        delay: Before the second try; doubles each time.
        longest: Upper bound of the delay.
    """

    count: int
    delay: timedelta
    longest: timedelta = timedelta(minutes=30)

    def wait(self, attempts: int, jitter: float) -> timedelta:
        """Return the time until the next try after *attempts* tries; *jitter* in [0, 1) spreads it by a quarter."""
        doubled = self.delay * 2.0 ** min(max(attempts - 1, 0), 30)
        return min(doubled, self.longest) * (1.0 - 0.25 * jitter)


def confirm(delivery: Delivery, now: datetime) -> Delivery:
    """The target has the password. What is settled forgets its password."""
    return replace(
        delivery,
        state=DeliveryState.CONFIRMED,
        sealed_password=None,
        lease="",
        leased_until=None,
        code="",
        directory_code="",
        message="",
        settled_at=now,
    )


def fail(delivery: Delivery, error: PwsyncError, policy: RetryPolicy, now: datetime, jitter: float) -> Delivery:
    """Return the state after an attempt that raised *error*: retrying or parked.

    While a target is away, or refuses us, its whole lane waits (see the circuit of the pipeline), so that no
    delivery burns its retries and all are due at once when it is back.
    """
    released = replace(
        delivery,
        lease="",
        leased_until=None,
        code=error.code,
        directory_code=getattr(error, "directory_code", ""),
        message=words_of(error),
    )
    match error:
        case Indeterminate():
            counted = replace(released, counted_attempts=delivery.counted_attempts + 1, must_probe=True)
            return _retry(counted, policy, now, jitter)
        case Unavailable() | ChannelRefused():
            return replace(released, state=DeliveryState.RETRYING, due_at=now)
        case Busy(wait=wait):
            counted = replace(released, counted_attempts=delivery.counted_attempts + 1)
            return _retry(counted, policy, now, jitter, at_least=wait)
        case Deferrable():
            return _retry(replace(released, counted_attempts=delivery.counted_attempts + 1), policy, now, jitter)
        case _:
            return replace(released, state=DeliveryState.PARKED, settled_at=now)


def _retry(
    delivery: Delivery, policy: RetryPolicy, now: datetime, jitter: float, at_least: timedelta = timedelta()
) -> Delivery:
    if delivery.counted_attempts >= policy.count:
        return replace(
            delivery,
            state=DeliveryState.PARKED,
            settled_at=now,
            message=f"gave up after {delivery.counted_attempts} tries: {delivery.message}",
        )
    due_at = now + max(policy.wait(delivery.counted_attempts, jitter), min(at_least, policy.longest))
    return replace(delivery, state=DeliveryState.RETRYING, due_at=due_at)


def expire(delivery: Delivery, now: datetime, reason: Reason = Reason.EXPIRED) -> Delivery:
    """Give up: older than the maximum sync age, or its target no longer exists."""
    return replace(
        delivery,
        state=DeliveryState.EXPIRED,
        sealed_password=None,
        lease="",
        leased_until=None,
        code=reason.value,
        settled_at=now,
    )


def abandon(delivery: Delivery, error: Indeterminate, now: datetime) -> Delivery:
    """Its holder is gone, and may still carry it out until the lease has ended: so long it waits. That is no try."""
    return replace(
        delivery,
        state=DeliveryState.RETRYING,
        lease="",
        due_at=_earliest(delivery, now),
        must_probe=True,
        code=error.code,
        directory_code="",
        message=words_of(error),
    )


def _earliest(delivery: Delivery, now: datetime) -> datetime:
    """When nobody who was given up can be at it any more."""
    return max(now, delivery.leased_until or now)


def hasten(delivery: Delivery, now: datetime) -> Delivery:
    """A newer change follows one that may have arrived: its target is asked, and then it is taken out.

    Not before its last holder can no longer carry it out: until then it keeps the newer one waiting.
    """
    due_at = _earliest(delivery, now)
    return replace(delivery, state=DeliveryState.RETRYING, lease="", due_at=due_at, settled_at=None)


def supersede(delivery: Delivery, now: datetime) -> Delivery:
    """A newer change of the same account makes this one pointless (Q10)."""
    return replace(
        delivery,
        state=DeliveryState.SUPERSEDED,
        sealed_password=None,
        lease="",
        leased_until=None,
        code=Reason.SUPERSEDED.value,
        settled_at=now,
    )


def retry(delivery: Delivery, now: datetime) -> Delivery:
    """Queue it again, with all its tries. What an earlier attempt may have done stays to be probed; so does its expiry.

    Raises:
        InvalidInput: It is in no state to be retried, or has become older than the maximum sync age.
    """
    if delivery.state not in RETRIABLE_STATES:
        what = _ENDED_BY_A_PERSON.get(delivery.code, f"is {delivery.state}")
        raise InvalidInput(
            f"delivery {delivery.id} {what}: only a parked or retrying one can be retried",
            hint="its password is no longer kept: set it anew" if delivery.settled_at is not None else "",
        )
    if delivery.expires_at <= now:
        raise InvalidInput(
            f"delivery {delivery.id} is older than the maximum sync age and cannot be retried",
            hint="discard it, and set the password anew",
        )
    due_at = _earliest(delivery, now)
    return replace(delivery, state=DeliveryState.PENDING, counted_attempts=0, due_at=due_at, settled_at=None)


def release(
    delivery: Delivery, now: datetime, account: Account | None = None, *, keeps_doubtful: bool = False
) -> Delivery:
    """Queue a parked delivery again because what the manifests say has changed; perhaps to another *account*.

    Its password is made anew from the change, since the filter may be another one. At another account no earlier
    attempt has been made. With *keeps_doubtful* one of which nobody knows whether it arrived keeps its password, so
    that who confirms it late confirms what was handed out.
    """
    is_same = account is None or account == delivery.account
    keeps = keeps_doubtful and is_same and delivery.code == Indeterminate.code
    return replace(
        delivery,
        account=account or delivery.account,
        state=DeliveryState.PENDING,
        sealed_password=delivery.sealed_password if keeps else None,
        counted_attempts=0,
        due_at=_earliest(delivery, now),
        settled_at=None,
        must_probe=delivery.must_probe and is_same,
    )


def change_state_of(deliveries: list[Delivery]) -> tuple[ChangeState, str]:
    """The state of a routed change, and its reason, from the states of its deliveries."""
    states = {d.state for d in deliveries}
    if states & OPEN_STATES:
        return ChangeState.ACCEPTED, ""
    if DeliveryState.PARKED in states:
        at_routing = {d.code for d in deliveries if d.state is DeliveryState.PARKED} & PARKED_AT_ROUTING
        return ChangeState.FAILED, min(at_routing, default=Reason.DELIVERY_PARKED)
    if DeliveryState.EXPIRED in states:
        return ChangeState.FAILED, Reason.DELIVERY_EXPIRED
    if states == {DeliveryState.SUPERSEDED}:
        return ChangeState.DISCARDED, Reason.SUPERSEDED
    return ChangeState.COMPLETED, ""


@dataclass(frozen=True, slots=True)
class Following:
    """What a routed change becomes by its deliveries.

    Attributes:
        keeps_password: A delivery that is not settled may need the change's own password.
    """

    state: ChangeState
    reason: str
    keeps_password: bool

    def differs_from(self, change: PasswordChange) -> bool:
        """Whether *change* is not so yet."""
        now = (change.state, change.reason, change.sealed_password is not None)
        return (self.state, self.reason, self.keeps_password) != now


def follow(change: PasswordChange, deliveries: list[Delivery]) -> Following:
    """Bring a routed change in step with its deliveries. One that failed at routing itself stays failed."""
    keeps = any(d.state in UNSETTLED_STATES for d in deliveries)
    by_delivery = PARKED_AT_ROUTING | {Reason.DELIVERY_PARKED, Reason.DELIVERY_EXPIRED}
    if change.state is ChangeState.FAILED and change.reason not in by_delivery:
        return Following(change.state, change.reason, keeps)
    return Following(*change_state_of(deliveries), keeps)


def words_of(error: PwsyncError) -> str:
    """What went wrong in words, the target's own included."""
    match error:
        case ConnectorError(words=words) if words:
            return f"{error.message}: {words}"
        case _:
            return error.message
