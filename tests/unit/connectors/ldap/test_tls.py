"""A TLS handshake that somebody breaks off: told with what to do about it, by how TLS begins."""

import socket
from contextlib import closing

import pytest

from controller.connectors.ldap import tls
from controller.connectors.ldap.endpoint import Endpoint
from controller.model.errors import Unavailable


@pytest.mark.parametrize("was_read", [False, True])
@pytest.mark.parametrize(
    ("start_tls", "remedy"),
    [
        (False, "that port may not speak TLS: use ldap:// with startTLS: true, or the port for ldaps (636)"),
        (True, "look into the directory's log: has it a certificate, and does it offer TLS 1.2?"),
    ],
)
def test_a_handshake_that_is_broken_off_has_a_remedy(start_tls: bool, remedy: str, was_read: bool) -> None:
    ours, theirs = socket.socketpair()
    with closing(ours), closing(theirs):
        theirs.shutdown(socket.SHUT_WR if was_read else socket.SHUT_RDWR)
        with pytest.raises(Unavailable, match="broke off the TLS handshake") as caught:
            tls.secure(ours, Endpoint("host", 1, start_tls, None))
    assert caught.value.hint == remedy
