"""Options of the ``webhook`` connector."""

from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from controller.connectors.timeouts import Timeout
from controller.model.options import FilePath, Options, SecretReference

HTTPS_PORT = 443
_SHAPE = "url must be https://host[:port]/path"


def _https(text: str) -> str:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(_SHAPE) from error
    if parts.scheme != "https" or not host or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(_SHAPE)
    if parts.username is not None or parts.fragment:
        raise ValueError(f"{_SHAPE}, without user, password or fragment: the signature proves who calls")
    return text


class WebhookOptions(Options):
    """``spec.connector`` of type ``webhook``."""

    url: Annotated[str, AfterValidator(_https)]
    ca_file: FilePath | None = None
    secret_from: SecretReference
    receiver_key_file: FilePath | None = Field(default=None, description="X25519 public key, PEM.")
    verify: bool = False
    timeout: Timeout = timedelta(seconds=15)
