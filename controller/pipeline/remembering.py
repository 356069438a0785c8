"""Callers whose tokens were valid a short while ago, for the time when the store cannot be asked."""

import threading
from collections import OrderedDict
from datetime import datetime, timedelta

from controller.ports.clock import Clock
from controller.ports.tokens import Token

VALID_FOR = timedelta(minutes=10)
"""So long after the store called a token valid it counts as valid: by this much a revocation may come late."""
ASK_AGAIN = timedelta(seconds=2)
"""While the store is away it is asked this often, so that not every request waits for it."""
MOST = 10_000


class RememberedCallers:
    """Digests of tokens that the store called valid, with when it did. Bounded; the longest unused go first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens: OrderedDict[bytes, tuple[Token, datetime]] = OrderedDict()
        self._ask_at: datetime | None = None

    def remember(self, digest: bytes, token: Token) -> None:
        """The store says that the token is valid; so it is there."""
        with self._lock:
            self._ask_at = None
            self._tokens[digest] = (token, self._clock())
            self._tokens.move_to_end(digest)
            if len(self._tokens) > MOST:
                self._tokens.popitem(last=False)

    def forget(self, digest: bytes) -> None:
        """The store says that the token is not valid; so it is there."""
        with self._lock:
            self._ask_at = None
            self._tokens.pop(digest, None)

    def find(self, digest: bytes) -> Token | None:
        """The token, when the store called it valid a short while ago and it has not expired since."""
        now = self._clock()
        with self._lock:
            token, said_at = self._tokens.get(digest, (None, now))
        if token is None or now - said_at >= VALID_FOR or (token.expires_at is not None and token.expires_at <= now):
            return None
        return token

    def note_away(self) -> None:
        """The store did not answer."""
        with self._lock:
            self._ask_at = self._clock() + ASK_AGAIN

    def is_store_away(self) -> bool:
        """Whether the store did not answer a moment ago. Of many that ask later, one is told to try it."""
        now = self._clock()
        with self._lock:
            if self._ask_at is None:
                return False
            if now < self._ask_at:
                return True
            self._ask_at = now + ASK_AGAIN
            return False
