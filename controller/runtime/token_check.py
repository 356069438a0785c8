"""Tells at the start which tokens open nothing."""

import structlog

from controller.ports.store import Store
from controller.reconcile.unnamed_tokens import unnamed_tokens

log = structlog.get_logger()


def warn_of_unnamed_tokens(store: Store) -> None:
    """Log each valid token whose principal no declared object names.

    Raises:
        StoreUnavailable: The store cannot be reached.
    """
    with store.read() as tx:
        specs = [resource.spec for resource in tx.resources.read().values()]
        found = unnamed_tokens(specs, tx.tokens.all(), tx.now)
    for token in found:
        log.warning("No manifest names the principal of a token; it opens nothing", principal=token.principal)
