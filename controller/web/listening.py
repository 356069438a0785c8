"""Where the server listens: address, socket and certificate, checked before anything is served."""

import errno
import ipaddress
import os
import re
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.model.errors import SettingsError
from controller.sealing.file_access import refuse_open_file
from controller.web.client_authority import ClientAuthority
from controller.web.client_certificate import DatedContext

BACKLOG = 2048
_LISTEN = re.compile(
    r"(?:\[(?P<six>[0-9A-Fa-f:.]+(?:%[^\]]+)?)\]|(?P<host>[^\s:\[\]/]+)):(?P<port>[0-9]{1,5})", re.ASCII
)
_MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class Listen:
    """An address to listen on.

    Attributes:
        host: A name or an address, IPv6 without brackets.
        port: 0 means any free one.
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Listen":
        """Read ``HOST:PORT``.

        Raises:
            SettingsError: It is not of that form.
        """
        found = _LISTEN.fullmatch(text)
        if found is None or int(found["port"]) > _MAX_PORT:
            raise SettingsError(
                f"{text!r} is not an address to listen on",
                hint="write HOST:PORT, for example 127.0.0.1:8443 or [::1]:8443; port 0 means any free one",
            )
        return cls(found["six"] or found["host"], int(found["port"]))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Certificate:
    """Files of the server's certificate (with its chain) and of its private key, both PEM, the key not encrypted.

    Attributes:
        clients: Whose certificates callers may prove themselves with; None: nobody's.
    """

    certificate_file: Path
    key_file: Path
    clients: ClientAuthority | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """All that it is made of."""
        of_clients = () if self.clients is None else (self.clients.ca_file, self.clients.crl_file)
        return tuple(file for file in (self.certificate_file, self.key_file, *of_clients) if file is not None)

    def context(self) -> DatedContext:
        """Read all files.

        Raises:
            SettingsError: As ``load``.
        """
        context = DatedContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        self.load(context)
        return context

    def load(self, context: DatedContext) -> None:
        """Read all files into *context*, which uses them for new connections.

        Raises:
            SettingsError: One is missing or unreadable, they do not belong together, or every user can read the key.
        """
        try:
            refuse_open_file(self.key_file, self.key_file.stat(), "TLS key")
            # an empty passphrase, so that an encrypted key is an error and not a question on the terminal
            context.load_cert_chain(self.certificate_file, self.key_file, password="")
        except OSError as error:
            words = getattr(error, "reason", None) or error.strerror or type(error).__name__
            raise SettingsError(
                f"the TLS certificate {self.certificate_file} with key {self.key_file} cannot be used: {words}",
                hint="--tls-certificate and --tls-key name PEM files that belong together, the key without passphrase",
            ) from None
        if self.clients is not None:
            self.clients.trust(context)


@dataclass(frozen=True, slots=True)
class Channel:
    """Where and how the server is reached.

    Attributes:
        metrics: An address for metrics alone.
        certificate: For all addresses; None: in clear.
        allows_clear_text: Also beyond this machine.
    """

    listen: Listen
    metrics: Listen | None
    certificate: Certificate | None
    allows_clear_text: bool

    def check(self) -> None:
        """Find out whether a server will be able to serve there.

        Raises:
            SettingsError: An address or the certificate cannot be used, or clear text would leave this machine.
        """
        if self.certificate is not None:
            self.certificate.context()
        for listen in (self.listen, self.metrics):
            if listen is not None:
                is_encrypted = self.certificate is not None
                bind(listen, is_encrypted=is_encrypted, allows_clear_text=self.allows_clear_text).close()


def bind(listen: Listen, *, is_encrypted: bool, allows_clear_text: bool) -> socket.socket:
    """Open the listening socket.

    Raises:
        SettingsError: Not an address of this machine, in use, not permitted, or in clear text for others to hear.
    """
    family, address = _resolve(listen)
    here = ipaddress.ip_address(address[0])
    if not (is_encrypted or allows_clear_text or here.is_loopback):
        raise SettingsError(
            f"listening on {listen} in clear text would send passwords over the network unencrypted",
            hint="give a certificate with --tls-certificate and --tls-key, or listen on 127.0.0.1",
        )
    takes_both = family is socket.AF_INET6 and here.is_unspecified and socket.has_dualstack_ipv6()
    try:
        return socket.create_server(address, family=family, backlog=BACKLOG, dualstack_ipv6=takes_both)
    except OSError as error:
        raise SettingsError(f"cannot listen on {listen}: {_words(error)}", hint=_remedy(error)) from error


def _resolve(listen: Listen) -> tuple[socket.AddressFamily, Any]:
    try:
        found = socket.getaddrinfo(listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        words = error.strerror if isinstance(error, socket.gaierror) else "not a host name"
        raise SettingsError(
            f"cannot listen on {listen}: {words}", hint="name an address of this machine, for example 127.0.0.1"
        ) from error
    family, _, _, _, address = found[0]
    return family, address


def _words(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "the address is in use"
    return os.strerror(error.errno) if error.errno else type(error).__name__


def _remedy(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return "another program listens there; choose another port, or 0 for any free one"
        case errno.EACCES:
            return "ports below 1024 need a privilege; choose another port"
        case _:
            return "name an address of this machine"
