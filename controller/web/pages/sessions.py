"""Sessions of people at the status page: in the memory of this process, so that its end ends them all."""

import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from controller.ports.clock import Clock

LONGEST = timedelta(hours=12)
"""How long a session lasts at most."""
IDLE = timedelta(minutes=30)
"""How long a session lasts without a request of the person; what the page refreshes by itself does not count."""
MOST = 500
"""Sessions of this process; a new one ends the one that was idle longest."""
MOST_OF_ONE = 10
"""Sessions of one principal."""


@dataclass(slots=True)
class Session:
    """One login.

    Attributes:
        token_digest: Of the API token, which is checked again at each request: revoked, it ends the session.
        form_token: Every form carries it, so that no other site can send one.
        notice: What an action did, for the next page.
        streams: How many live streams are open.
    """

    principal: str
    token_digest: bytes = field(repr=False)
    form_token: str = field(repr=False)
    began_at: datetime
    used_at: datetime
    notice: str = ""
    streams: int = 0


class Sessions:
    """All sessions, found by the digest of what the cookie holds, so that memory holds no usable cookie."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._sessions: dict[bytes, Session] = {}

    def begin(self, principal: str, token_digest: bytes) -> str:
        """Begin a session; returns the text of its cookie, 256 random bits."""
        cookie, now = secrets.token_urlsafe(32), self._clock()
        session = Session(principal, token_digest, secrets.token_urlsafe(32), now, now)
        with self._lock:
            self._forget_old(now)
            self._make_room(principal)
            self._sessions[_digest(cookie)] = session
        return cookie

    def find(self, cookie: str, *, is_person: bool = True) -> Session | None:
        """The session of a cookie, or None. With *is_person* it counts as used now."""
        now = self._clock()
        with self._lock:
            session = self._sessions.get(_digest(cookie))
            if session is None or _is_over(session, now):
                return None
            if is_person:
                session.used_at = now
            return session

    def end(self, cookie: str) -> None:
        """End a session; no error when there is none."""
        with self._lock:
            self._sessions.pop(_digest(cookie), None)

    def _forget_old(self, now: datetime) -> None:
        self._sessions = {key: s for key, s in self._sessions.items() if not _is_over(s, now)}

    def _make_room(self, principal: str) -> None:
        own = [key for key, s in self._sessions.items() if s.principal == principal]
        crowd = own if len(own) >= MOST_OF_ONE else list(self._sessions) if len(self._sessions) >= MOST else []
        if crowd:
            del self._sessions[min(crowd, key=lambda key: self._sessions[key].used_at)]


def is_form_token(session: Session, given: str) -> bool:
    """Whether a form carries the session's own token."""
    return hmac.compare_digest(session.form_token.encode(), given.encode("utf-8", "surrogatepass"))


def _is_over(session: Session, now: datetime) -> bool:
    return now >= session.began_at + LONGEST or now >= session.used_at + IDLE


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).digest()
