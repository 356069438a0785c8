"""Bytes that a store keeps once, such as the canary by which a keyring recognises its store."""

from collections.abc import Callable

from sqlalchemy import bindparam, insert, select

from controller.model.errors import NotFound
from controller.store.session import Session
from controller.store.tables import identities

_GET = select(identities.c.value).where(identities.c.name == bindparam("name_"))
_ADD = insert(identities)


def identity_of(session: Session, name: str, make: Callable[[], bytes]) -> bytes:
    """Return the bytes kept under *name*, made by *make* the first time.

    Raises:
        NotFound: In a reading transaction, when there are none yet.
    """
    session.lock("identity", name)
    kept: bytes | None = session.execute(_GET, {"name_": name}).scalar()
    if kept is not None:
        return kept
    if not session.is_writable:
        raise NotFound(f"the store has no {name} yet", hint="the first 'pwsync apply' or 'pwsync run' makes it")
    value = make()
    session.execute(_ADD, {"name": name, "value": value})
    return value
