"""Several addresses, each with an application of its own, in one server."""

import ipaddress
import socket
from collections.abc import Sequence

from starlette.types import ASGIApp, Receive, Scope, Send


class ByAddress:
    """Hands each request to the application of the address that it came in on."""

    def __init__(self, app: ASGIApp, others: Sequence[tuple[socket.socket, ASGIApp]]) -> None:
        """*app* answers on every address that is not among the *others*, which listen already."""
        self._app = app
        self._others = [(_address(listener), other) for listener, other in others]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        app = next((other for address, other in self._others if _is_at(scope.get("server"), address)), self._app)
        await app(scope, receive, send)


def _address(listener: socket.socket) -> tuple[str, int]:
    host, port = listener.getsockname()[:2]
    return host, port


def _is_at(server: tuple[str, int] | None, address: tuple[str, int]) -> bool:
    host, port = address
    return server is not None and server[1] == port and (server[0] == host or ipaddress.ip_address(host).is_unspecified)
