"""Callers of the API: bearer tokens, of which only a digest is kept."""

import hashlib
import secrets
from contextlib import suppress
from datetime import timedelta

from controller.model import events
from controller.model.actor import Actor, is_reserved
from controller.model.audit import AuditAction
from controller.model.errors import InvalidInput, NotFound, StoreUnavailable, Unauthenticated
from controller.model.events import Event
from controller.model.secret import Secret
from controller.pipeline.remembering import RememberedCallers
from controller.ports.clock import NewId
from controller.ports.store import Store
from controller.ports.tokens import Token

PREFIX = "pwsync_"
"""So that secret scanners recognise a token that has leaked."""
TOUCH_INTERVAL = timedelta(minutes=1)
"""``last_used_at`` is kept this exact, so that not every request writes."""


class Callers:
    """Creates, checks and revokes tokens. With *remembered*, known tokens are valid for a while without the store."""

    def __init__(self, store: Store, new_id: NewId, remembered: RememberedCallers | None = None) -> None:
        self._store = store
        self._new_id = new_id
        self._remembered = remembered

    def create(self, principal: str, *, valid_for: timedelta | None, by: Actor) -> tuple[Token, Secret]:
        """Make a token for *principal*. Its text is returned once and never again.

        Raises:
            InvalidInput: The principal has no name or one that is reserved, or the validity is not positive.
        """
        if not principal.strip():
            raise InvalidInput("the principal is empty", hint="name the domain controller or agent that will call")
        if is_reserved(principal):
            raise InvalidInput(f"{principal} is what commands, or the controller, are called in the audit")
        if valid_for is not None and valid_for <= timedelta():
            raise InvalidInput("the validity of a token must be positive")
        text = PREFIX + secrets.token_urlsafe(32)
        with self._store.write() as tx:
            expires_at = None if valid_for is None else tx.now + valid_for
            token = Token(self._new_id(), principal, tx.now, expires_at, None, None)
            tx.tokens.add(token, digest_of(Secret(text)))
            tx.audit.add(by, AuditAction.TOKEN_CREATE, token.id, principal)
            tx.events.add(Event(events.TOKEN_CREATED, fields={"principal": principal, "token": token.id}))
        return token, Secret(text)

    def all(self) -> list[Token]:
        """All tokens, oldest first."""
        with self._store.read() as tx:
            return tx.tokens.all()

    def revoke(self, token_id: str, *, by: Actor) -> None:
        """End a token's life at once.

        Raises:
            NotFound: No such token, or it is revoked already.
        """
        with self._store.write() as tx:
            tx.audit.add(by, AuditAction.TOKEN_REVOKE, token_id)
            if not tx.tokens.revoke(token_id):
                raise NotFound(f"there is no valid token {token_id}", hint="see 'pwsync token list'")
            tx.events.add(Event(events.TOKEN_REVOKED, fields={"token": token_id}))

    def authenticate(self, text: Secret) -> str:
        """Return the principal of a token.

        Raises:
            Unauthenticated: Unknown, expired or revoked; the answer does not tell which.
            StoreUnavailable: It cannot be checked now.
        """
        return self.authenticate_digest(digest_of(text))

    def authenticate_digest(self, digest: bytes) -> str:
        """Return the principal of the token that *digest* is of, for who keeps no token.

        Raises:
            Unauthenticated: Unknown, expired or revoked; the answer does not tell which.
            StoreUnavailable: It cannot be checked now.
        """
        if self._remembered is None:
            return self._check(digest).principal
        if self._remembered.is_store_away():
            token = self._remembered.find(digest)
            if token is None:
                raise StoreUnavailable("the store is away, and the token was not used lately", hint="try again later")
            return token.principal
        return self._check_or_remember(digest, self._remembered)

    def _check_or_remember(self, digest: bytes, remembered: RememberedCallers) -> str:
        try:
            token = self._check(digest)
        except StoreUnavailable:
            remembered.note_away()
            found = remembered.find(digest)
            if found is None:
                raise
            return found.principal
        except Unauthenticated:
            remembered.forget(digest)
            raise
        remembered.remember(digest, token)
        return token.principal

    def _check(self, digest: bytes) -> Token:
        with self._store.read() as tx:
            token, now = tx.tokens.by_digest(digest), tx.now
        if token is None or token.revoked_at is not None or (token.expires_at is not None and token.expires_at <= now):
            raise Unauthenticated("the token is not valid", hint="create one with 'pwsync token create PRINCIPAL'")
        if token.last_used_at is None or token.last_used_at < now - TOUCH_INTERVAL:
            with suppress(StoreUnavailable):  # it is valid, whether or not its use can be written down
                self._touch(token)
        return token

    def _touch(self, token: Token) -> None:
        with self._store.write() as tx:
            tx.tokens.touch(token.id)


def digest_of(token: Secret) -> bytes:
    """SHA-256 is enough: a token has 256 random bits, so there is nothing to guess."""
    return hashlib.sha256(token.reveal().encode("utf-8", "surrogatepass")).digest()
