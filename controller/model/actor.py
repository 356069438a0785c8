"""Who does something, and from where: what an audit row says of the person or program behind it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts.

    Attributes:
        principal: Name of an API token or client certificate, ``local:USER`` for a command, or the controller's own.
        origin: Host and process (``host:pid``) of a command or controller, the address of a caller of the API; empty
            when there is none.
    """

    principal: str
    origin: str = ""

    def __str__(self) -> str:
        return self.principal


RECONCILER = Actor("reconciler")
"""Whoever applies by itself: the controller."""
LOCAL = "local:"
"""What the principal of a command begins with: the user of the operating system follows."""


def is_reserved(principal: str) -> bool:
    """Whether nobody but a command or the controller may be called so: no audit row of another reads like theirs."""
    return principal.startswith(LOCAL) or principal == RECONCILER.principal
