"""Tokens that prove a principal which no declared object names: they open nothing, mostly because of a misspelling."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from controller.model.topology import Adapter, Application, Domain, Spec, System
from controller.ports.tokens import Token


def unnamed_tokens(specs: Iterable[Spec], tokens: Iterable[Token], now: datetime) -> list[Token]:
    """Valid tokens of principals that none of *specs* names, in their order."""
    named = {principal for spec in specs for principal in _principals(spec)}
    return [token for token in tokens if _is_valid(token, now) and token.principal not in named]


def _principals(spec: Spec) -> Iterator[str]:
    match spec:
        case System():
            yield from (*spec.administrators, *spec.affiliate_administrators)
        case Domain():
            yield from (source.principal for source in spec.sources)
        case Adapter():
            yield from (*spec.access.administrators, *spec.access.users, *spec.access.receivers)
        case Application():
            yield from (*spec.access.administrators, *spec.access.lookups)
        case _:
            pass


def _is_valid(token: Token, now: datetime) -> bool:
    return token.revoked_at is None and (token.expires_at is None or token.expires_at > now)
