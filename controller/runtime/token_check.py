"""Tells which tokens open nothing: at the start of a controller, and when one is made."""

from collections.abc import Sequence

import structlog

from controller.ports.store import Store
from controller.ports.tokens import Token
from controller.reconcile.unnamed_tokens import unnamed_tokens

log = structlog.get_logger()


def warn_of_unnamed_tokens(store: Store) -> None:
    """Log each valid token whose principal no declared object names.

    Raises:
        StoreUnavailable: The store cannot be reached.
    """
    for token in unnamed_among(store):
        log.warning("No manifest names the principal of a token; it opens nothing", principal=token.principal)


def unnamed_among(store: Store, tokens: Sequence[Token] | None = None) -> list[Token]:
    """Those of *tokens* (all, unless they are given) whose principal no declared object names.

    Raises:
        StoreUnavailable: The store cannot be reached.
    """
    with store.read() as tx:
        specs = [resource.spec for resource in tx.resources.read().values()]
        return unnamed_tokens(specs, tx.tokens.all() if tokens is None else tokens, tx.now)
