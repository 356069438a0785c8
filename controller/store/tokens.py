"""API tokens, stored as hashes."""

from datetime import datetime

from sqlalchemy import bindparam, delete, insert, or_, select, update

from controller.ports.tokens import Token
from controller.store.session import Session
from controller.store.tables import tokens

_C = tokens.c
_ALL = select(_C.id, _C.principal, _C.created_at, _C.expires_at, _C.last_used_at, _C.revoked_at).order_by(
    _C.created_at, _C.id
)
_BY_DIGEST = _ALL.where(_C.digest == bindparam("digest_"))
_ADD = insert(tokens)
_TOUCH = update(tokens).where(_C.id == bindparam("id_")).values(last_used_at=bindparam("now"))
_REVOKE = update(tokens).where(_C.id == bindparam("id_"), _C.revoked_at.is_(None)).values(revoked_at=bindparam("now"))

_PURGE = delete(tokens).where(or_(_C.expires_at < bindparam("before"), _C.revoked_at < bindparam("before")))


class SqlTokens:
    """Implements ``ports.Tokens``."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, token: Token, digest: bytes) -> None:
        """Insert one with the SHA-256 digest of its text."""
        self._session.execute(
            _ADD,
            {
                "id": token.id,
                "principal": token.principal,
                "digest": digest,
                "created_at": token.created_at,
                "expires_at": token.expires_at,
                "last_used_at": token.last_used_at,
                "revoked_at": token.revoked_at,
            },
        )

    def by_digest(self, digest: bytes) -> Token | None:
        """The token with this digest, whether still valid or not."""
        row = self._session.execute(_BY_DIGEST, {"digest_": digest}).one_or_none()
        return None if row is None else Token(*row)

    def touch(self, token_id: str) -> None:
        """Note that it was used now."""
        self._session.execute(_TOUCH, {"id_": token_id, "now": self._session.now})

    def revoke(self, token_id: str) -> bool:
        """Revoke it; tell whether there was one to revoke."""
        return self._session.execute(_REVOKE, {"id_": token_id, "now": self._session.now}).rowcount == 1

    def all(self) -> list[Token]:
        """All, oldest first."""
        return [Token(*row) for row in self._session.execute(_ALL)]

    def purge(self, before: datetime) -> int:
        """Delete those that expired or were revoked earlier than *before*; tell how many."""
        return self._session.execute(_PURGE, {"before": before}).rowcount
