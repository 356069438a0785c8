"""HTTP/1.1 on one connection: the bounds that uvicorn's own protocol leaves open, and the caller's certificate."""

import asyncio
from asyncio.events import TimerHandle
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from controller.web.client_certificate import extensions_of, is_outdated

MAX_HEAD_SIZE = 64 * 1024
"""Bytes of a request besides its body: request line, headers, trailers, and what frames the chunks."""
IDLE_SECONDS = 15.0
"""How long a connection may stay open while no request of it is being answered."""


class BoundedProtocol(HttpToolsProtocol):
    """Closes connections whose request never becomes complete, whether it trickles in or grows without end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head_size = 0
        self._idle_timer: TimerHandle | None = None
        self._extensions: dict[str, Any] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Begin to wait for the first request."""
        super().connection_made(transport)
        ssl_object = transport.get_extra_info("ssl_object")
        if is_outdated(ssl_object):
            transport.abort()  # which also forgets the session, so that the next handshake is a whole one
            return
        self._extensions = extensions_of(ssl_object)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has come in."""
        self._head_size += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._head_size > MAX_HEAD_SIZE:
            self.send_400_response("The head of the request is too large.")
        elif not self._is_answering():
            self._wait()

    def on_message_begin(self) -> None:
        """Count anew for each request."""
        self._head_size = 0
        super().on_message_begin()
        self.scope["extensions"] = self._extensions

    def on_headers_complete(self) -> None:
        """From here on the application answers, in its own time."""
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """The application bounds bodies itself."""
        self._head_size -= len(body)
        super().on_body(body)

    def _is_answering(self) -> bool:
        is_first = self.cycle is None  # which uvicorn's types do not say
        return not is_first and not self.cycle.response_complete

    def _wait(self) -> None:
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(IDLE_SECONDS, self._give_up)

    def _stop_waiting(self) -> None:
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None

    def _give_up(self) -> None:
        self._idle_timer = None
        if not self._is_answering():
            self.transport.close()
