"""How often somebody may call: each principal, and all at one address who do not prove who they are."""

import hashlib
import threading
from collections import OrderedDict
from datetime import timedelta

from controller.model.errors import TooManyCalls
from controller.model.topology import RateLimit
from controller.ports.clock import Clock
from controller.web.neighbours import neighbourhood
from controller.web.rate import MOST_KEYS, NO_WAIT, Rates

DEFAULT_CALLS = 18_000
"""Calls of one principal in a minute: 300 each second, ten times what a domain controller changes at its busiest."""
FAILURES = RateLimit(burst=60, per=timedelta(minutes=1))
"""Calls from one address that prove nothing; each of them costs a look at the store."""


def calls_a_minute(number: int) -> RateLimit | None:
    """The limit of *number* calls in a minute; 0: no limit."""
    return RateLimit(number, timedelta(minutes=1)) if number else None


DEFAULT_LIMIT = calls_a_minute(DEFAULT_CALLS)


class CallLimits:
    """Counts calls in the memory of this process; each controller counts by itself. Used by all threads."""

    def __init__(self, limit: RateLimit | None, clock: Clock) -> None:
        """*limit* is that of a principal; without one, only calls that prove nothing are limited."""
        self._limit = limit
        self._clock = clock
        self._principals = Rates()
        self._addresses = Rates()
        self._proven = RecentlyProven()

    def check_address(self, address: str, credential: str) -> None:
        """Let a call in whose caller is not known yet.

        A *credential* that was good lately passes: a neighbour with a bad one holds up nobody.

        Raises:
            TooManyCalls: Too many calls from there proved nothing.
        """
        wait = self._addresses.wait(neighbourhood(address), FAILURES, self._clock())
        if wait > NO_WAIT and not self._proven.has(credential):
            raise TooManyCalls("too many calls from this address did not prove who called", wait=wait)

    def note_unproven(self, address: str, credential: str) -> None:
        """A call from there proved nothing; its *credential* may have been good before it was revoked."""
        self._proven.forget(credential)
        self._addresses.take(neighbourhood(address), FAILURES, self._clock())

    def take(self, principal: str, credential: str) -> None:
        """Count a call of a principal, which *credential* has proved; an empty one is that of a certificate.

        Raises:
            TooManyCalls: It has called too often.
        """
        if credential:
            self._proven.note(credential)
        wait = NO_WAIT if self._limit is None else self._principals.take(principal, self._limit, self._clock())
        if wait > NO_WAIT:
            hint = "wait as Retry-After says; 'pwsync run --rate-limit' sets how often one caller may call"
            raise TooManyCalls("this caller calls too often", wait=wait, caller=principal, hint=hint)


class RecentlyProven:
    """Digests of the credentials that were found good last."""

    def __init__(self, most: int = MOST_KEYS) -> None:
        self._most = most
        self._digests: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, credential: str) -> None:
        """It is good."""
        with self._lock:
            digest = _digest_of(credential)
            self._digests[digest] = None
            self._digests.move_to_end(digest)
            if len(self._digests) > self._most:
                self._digests.popitem(last=False)

    def forget(self, credential: str) -> None:
        """It is good no longer, if it ever was."""
        with self._lock:
            self._digests.pop(_digest_of(credential), None)

    def has(self, credential: str) -> bool:
        """Whether it was good lately. It may have been revoked since: whoever lets it in checks it all the same."""
        with self._lock:
            return _digest_of(credential) in self._digests


def _digest_of(credential: str) -> bytes:
    return hashlib.sha256(credential.encode("utf-8", "surrogatepass")).digest()
