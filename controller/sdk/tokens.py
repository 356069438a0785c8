"""Where an adapter's token comes from: never from its command line. It is read for each call, so it can be renewed."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from controller.model.secret import Secret
from controller.sdk.errors import Unusable


class TokenSource(Protocol):
    """Where a token is found."""

    def read(self) -> Secret:
        """Read it.

        Raises:
            Unusable: There is none, or it is no token.
        """


@dataclass(frozen=True, slots=True)
class TokenFile:
    """A file that holds the token and nothing else, such as a credential of systemd."""

    path: str | Path

    def read(self) -> Secret:
        """Read the file."""
        try:
            text = Path(self.path).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            why = (error.strerror if isinstance(error, OSError) else "") or "it is no text"
            raise Unusable(f"the token file {self.path} cannot be read: {why}", hint=_REMEDY) from None
        return _token(text, f"the token file {self.path}")


@dataclass(frozen=True, slots=True)
class TokenVariable:
    """An environment variable."""

    name: str

    def read(self) -> Secret:
        """Read the variable."""
        return _token(os.environ.get(self.name, ""), f"the environment variable {self.name}")


_REMEDY = "put what 'pwsync token create' has printed there"


def _token(text: str, place: str) -> Secret:
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise Unusable(f"{place} holds no token", hint=_REMEDY)
    return Secret(token)
