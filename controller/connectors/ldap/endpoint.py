"""Where an LDAP server is, read from its URL, and how patient we are with it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

from controller.model.options import LdapEndpoint

LDAP_PORT = 389
LDAPS_PORT = 636
_SHAPE = "url must be ldaps://host[:port], or ldap://host[:port] with startTLS: true"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An LDAP server, always reached over TLS.

    Attributes:
        host: DNS name or IP address; its certificate must be for it.
        start_tls: TLS begins after the startTLS request (RFC 4513); otherwise with the connection.
        ca_file: PEM file of the authorities that are trusted; the system's own when None.
    """

    host: str
    port: int
    start_tls: bool
    ca_file: str | None

    @classmethod
    def of(cls, options: LdapEndpoint) -> "Endpoint":
        """Take it from validated connector options."""
        host, port = _host_and_port(options.url)
        return cls(host, port, options.start_tls, options.ca_file)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'ldap' if self.start_tls else 'ldaps'}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, and how long an unused connection is trusted.

    Attributes:
        connect: For the connection, and once more for its TLS handshake.
        answer: For the whole answer to one request.
        idle: A connection unused for longer is opened anew: a firewall may have dropped it without a word.
    """

    connect: timedelta = timedelta(seconds=5)
    answer: timedelta = timedelta(seconds=15)
    idle: timedelta = timedelta(seconds=60)


def _host_and_port(url: str) -> tuple[str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(_SHAPE) from error
    if not host or parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username is not None:
        raise ValueError(_SHAPE)
    return host, port or (LDAPS_PORT if parts.scheme == "ldaps" else LDAP_PORT)


def _usable(url: str) -> str:
    _host_and_port(url)
    return url


LdapUrl = Annotated[str, AfterValidator(_usable)]
"""An LDAP URL of which only host and port are used; anything more is refused, since it would be ignored."""
