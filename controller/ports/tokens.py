"""API tokens."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Token:
    """An API token, without the token itself."""

    id: str
    principal: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


class Tokens(Protocol):
    """API tokens, stored as hashes."""

    def add(self, token: Token, digest: bytes) -> None:
        """Insert one with the SHA-256 digest of its text."""

    def by_digest(self, digest: bytes) -> Token | None:
        """The token with this digest, whether still valid or not."""

    def touch(self, token_id: str) -> None:
        """Note that it was used now."""

    def revoke(self, token_id: str) -> bool:
        """Revoke it; tell whether there was one to revoke."""

    def all(self) -> list[Token]:
        """All, oldest first."""

    def purge(self, before: datetime) -> int:
        """Delete those that expired or were revoked earlier than *before*; tell how many."""
