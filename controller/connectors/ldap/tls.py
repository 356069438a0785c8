"""Sockets to LDAP servers and their TLS: always verified, host name included, at least TLS 1.2.

ldap3's own ``Tls`` switches the check of host names off in OpenSSL and does it afterwards with a copy of an old
``match_hostname``; here OpenSSL itself checks the name (RFC 6125; IP addresses against SANs of that kind).
"""

import socket
import ssl

from controller.connectors.ldap.endpoint import LDAPS_PORT, Endpoint, Patience
from controller.model.errors import ChannelRefused, Unavailable


def connect(endpoint: Endpoint, patience: Patience) -> socket.socket:
    """Open a TCP connection to the first address of the host that accepts.

    Raises:
        Unavailable: The name does not resolve, or nobody answers there.
    """
    try:
        opened = socket.create_connection((endpoint.host, endpoint.port), patience.connect.total_seconds())
    except (OSError, UnicodeError) as error:
        raise Unavailable(
            f"{endpoint} cannot be reached: {error}", hint="check the name, the port and the firewall"
        ) from error
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return opened


def secure(plain: socket.socket, endpoint: Endpoint) -> ssl.SSLSocket:
    """Do the TLS handshake and verify the certificate; on failure the socket is closed.

    Raises:
        ChannelRefused: The certificate is not trusted or is for another host, or TLS cannot be agreed on.
        Unavailable: The connection broke off or nobody answered.
    """
    try:
        return trust(endpoint).wrap_socket(plain, server_hostname=endpoint.host)
    except ssl.SSLCertVerificationError as error:
        raise ChannelRefused(
            f"the certificate of {endpoint} is not accepted: {error.verify_message}",
            hint="caFile must hold the authority that signed it, and url the host name that it is for",
        ) from error
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError, TimeoutError, ConnectionError) as error:
        raise Unavailable(f"{endpoint} broke off the TLS handshake: {error}", hint=_hint(endpoint)) from error
    except (ssl.SSLError, OSError, ValueError) as error:
        raise ChannelRefused(
            f"no TLS with {endpoint}: {error}", hint="is this the port for LDAPS, and does it offer TLS 1.2?"
        ) from error
    finally:
        plain.close()  # wrapping takes the descriptor over; what is left here is only closed when that failed


def trust(endpoint: Endpoint) -> ssl.SSLContext:
    """Make the context that verifies the endpoint's certificate, anew each time: CA files are replaced on disk.

    Raises:
        ChannelRefused: The CA file cannot be read.
    """
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=endpoint.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ChannelRefused(
            f"the caFile {endpoint.ca_file} of {endpoint} cannot be used: {error}",
            hint="it must be a readable file of certificates in PEM form",
        ) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _hint(endpoint: Endpoint) -> str:
    if endpoint.start_tls:
        return "look into the directory's log: has it a certificate, and does it offer TLS 1.2?"
    return f"that port may not speak TLS: use ldap:// with startTLS: true, or the port for ldaps ({LDAPS_PORT})"
