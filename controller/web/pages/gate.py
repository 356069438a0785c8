"""The gate of the pages: login, sessions, cookies, and who may pass."""

import ipaddress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response

from controller.model import events
from controller.model.actor import Actor
from controller.model.audit import AuditAction
from controller.model.errors import PwsyncError, Refused, Unauthenticated
from controller.model.events import Event
from controller.model.secret import Secret
from controller.pipeline.callers import Callers, digest_of
from controller.pipeline.refusals import RecordedRefusals
from controller.pipeline.topology import TopologyReader
from controller.ports.clock import Clock
from controller.ports.store import Store
from controller.web.pages.access import Viewer, viewer_of
from controller.web.pages.attempts import Attempts
from controller.web.pages.sessions import Session, Sessions
from controller.web.security import origin_of

COOKIE, SECURE_COOKIE = "pwsync-session", "__Host-pwsync-session"
LIVE_HEADER = "Pwsync-Live"
"""What the page fetches by itself carries it; that does not keep a session from becoming idle."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who is logged in."""

    session: Session
    viewer: Viewer
    cookie: str = field(repr=False)
    is_person: bool = True
    """False where the page fetches itself again."""
    origin: str = ""
    """The address that it came from."""

    @property
    def actor(self) -> Actor:
        """Who visits, for the audit."""
        return Actor(self.viewer.principal, self.origin)


class Gate:
    """Lets people in and out. What blocks runs in a thread of *limiter*."""

    def __init__(self, store: Store, callers: Callers, clock: Clock, limiter: CapacityLimiter) -> None:
        self._store = store
        self._callers = callers
        self._limiter = limiter
        self._sessions = Sessions(clock)
        self._attempts = Attempts(clock)
        self._topology = TopologyReader()
        self._clock = clock
        self._refusals = RecordedRefusals()

    async def enter(self, request: Request) -> Visit:
        """Let a request pass.

        Raises:
            Unauthenticated: No session, or it is over, or its token is.
            Refused: Its principal may not look any more; recorded.
            StoreUnavailable: It cannot be checked now.
        """
        cookie = request.cookies.get(_cookie_name(request), "")
        is_person = LIVE_HEADER not in request.headers
        session = self._sessions.find(cookie, is_person=is_person)
        if session is None:
            raise Unauthenticated("log in to see this page")
        viewer = await to_thread.run_sync(self._viewer_of, session, cookie, origin_of(request), limiter=self._limiter)
        return Visit(session, viewer, cookie, is_person, origin_of(request))

    async def check_again(self, visit: Visit) -> None:
        """Check in the middle of a long answer that the session goes on.

        Raises:
            PwsyncError: As ``enter``.
        """
        if self._sessions.find(visit.cookie, is_person=False) is not visit.session:
            raise Unauthenticated("the session is over")
        await to_thread.run_sync(self._viewer_of, visit.session, visit.cookie, visit.origin, limiter=self._limiter)

    async def names_administrators(self) -> bool:
        """Whether anybody may log in at all."""
        return await to_thread.run_sync(self._has_administrators, limiter=self._limiter)

    async def log_in(self, request: Request, token: str, answer: Response) -> bool:
        """Begin a session by an API token and put its cookie on *answer*; tell whether the token was good enough.

        Raises:
            Refused: Too many failures of this address; nothing was checked.
            StoreUnavailable: It cannot be checked now.
        """
        address = origin_of(request)
        if not self._attempts.may_try(address):
            raise Refused("too many failed logins from this address", reason="tooManyAttempts")
        digest = digest_of(Secret(token))
        principal = await to_thread.run_sync(self._principal_of, digest, address, limiter=self._limiter)
        if principal is None:
            self._attempts.note_failure(address)
            return False
        self._sessions.end(request.cookies.get(_cookie_name(request), ""))
        cookie = self._sessions.begin(principal, digest)
        is_secure = _is_secure(request)
        answer.set_cookie(_cookie_name(request), cookie, path="/", secure=is_secure, httponly=True, samesite="strict")
        return True

    async def log_out(self, request: Request, visit: Visit, answer: Response) -> None:
        """End the session of a visit and take its cookie away.

        Raises:
            StoreUnavailable: It is ended, but could not be audited.
        """
        self._sessions.end(visit.cookie)
        name = _cookie_name(request)
        answer.delete_cookie(name, path="/", secure=_is_secure(request), httponly=True, samesite="strict")
        await to_thread.run_sync(self._audit, visit.actor, AuditAction.LOG_OUT, limiter=self._limiter)

    async def note_refused(self, visit: Visit, page: str, reason: str) -> None:
        """Record that somebody asked for what is not theirs; of one person, page and reason once a minute."""
        await to_thread.run_sync(self._note_refused, visit, page, reason, limiter=self._limiter)

    def _note_refused(self, visit: Visit, page: str, reason: str) -> None:
        by, now = visit.viewer.principal, self._clock()
        if self._refusals.is_due((by, page, reason), now):
            with self._store.write() as tx:
                tx.events.add(Event(events.PAGE_REFUSED, fields={"by": by, "page": page, "reason": reason}))
                tx.audit.add(visit.actor, AuditAction.PAGE, page, failure=reason)
            self._refusals.note((by, page, reason), now)

    def _viewer_of(self, session: Session, cookie: str, origin: str) -> Viewer:
        try:
            principal = self._callers.authenticate_digest(session.token_digest)
        except Unauthenticated:
            self._sessions.end(cookie)
            raise
        with self._store.read() as tx:
            topology = self._topology.read(tx)
        try:
            return viewer_of(topology, principal)
        except Refused as error:
            self._sessions.end(cookie)
            self._note_login_refused(error, Actor(principal, origin))
            raise

    def _principal_of(self, digest: bytes, address: str) -> str | None:
        principal = ""
        try:
            principal = self._callers.authenticate_digest(digest)
            with self._store.read() as tx:
                viewer_of(self._topology.read(tx), principal)
        except (Unauthenticated, Refused) as error:
            self._note_login_refused(error, Actor(principal, address))
            return None
        self._audit(Actor(principal, address), AuditAction.LOG_IN)
        return principal

    def _note_login_refused(self, error: PwsyncError, by: Actor) -> None:
        """Each is an event; in the audit, of one principal and reason, is one a minute, from wherever they come."""
        reason, now = error.reason if isinstance(error, Refused) else error.code, self._clock()
        kind = (by.principal, AuditAction.LOG_IN, reason)
        is_due = self._refusals.is_due(kind, now)
        with self._store.write() as tx:
            tx.events.add(Event(events.LOGIN_REFUSED, fields={"reason": reason, "by": by.principal}))
            if is_due:
                tx.audit.add(by, AuditAction.LOG_IN, "", failure=reason)
        if is_due:
            self._refusals.note(kind, now)

    def _audit(self, by: Actor, action: AuditAction) -> None:
        with self._store.write() as tx:
            tx.audit.add(by, action, "")

    def _has_administrators(self) -> bool:
        with self._store.read() as tx:
            return bool(self._topology.read(tx).system.administrators)


def _cookie_name(request: Request) -> str:
    return SECURE_COOKIE if _is_secure(request) else COOKIE


def _is_secure(request: Request) -> bool:
    """Whether the browser speaks TLS, to us or to a proxy: so it is everywhere but at a loopback address in clear.

    A page in clear at any other address gets a cookie that its browser does not take: nobody logs in there.
    """
    host = urlsplit(f"//{request.headers.get('Host', '')}").hostname or ""
    return request.url.scheme == "https" or not _is_loopback(host)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
