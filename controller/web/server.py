"""The server: uvicorn, run by this program, until a signal ends it."""

import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import uvicorn
from starlette.types import ASGIApp

from controller.web.listening import BACKLOG, Certificate, Listen, bind
from controller.web.protocol import BoundedProtocol

MAX_CONNECTIONS = 1000
KEEP_ALIVE_SECONDS = 15
STOP_SECONDS = 35
"""How long requests under way may take to end: longer than a writer waits for a busy store."""

OnListening = Callable[[str, int], None]
"""Told the host and the actual port once requests are answered."""
OnStop = Callable[[], None]
"""Told that a stop was asked for, before requests under way are waited for. It must not block."""


def serve(
    app: ASGIApp,
    listen: Listen,
    *,
    on_listening: OnListening,
    on_stop: OnStop,
    certificate: Certificate | None = None,
    allows_clear_text: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are answered before this returns. A second SIGINT hurries.

    Call it in the main thread, which alone receives signals.

    Raises:
        SettingsError: The address or certificate cannot be used, or clear text would leave this machine.
    """
    context = None if certificate is None else certificate.context()
    config = uvicorn.Config(
        app,
        http=BoundedProtocol,
        loop="uvloop",
        ws="none",
        lifespan="off",
        interface="asgi3",
        workers=1,
        log_config=None,
        log_level="error",  # lower levels tell what any stranger sends
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
        ssl_context_factory=None if context is None else lambda *_: context,
    )
    with closing(bind(listen, is_encrypted=context is not None, allows_clear_text=allows_clear_text)) as listener:
        _Server(config, on_listening, on_stop).run([listener])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_listening: OnListening, on_stop: OnStop) -> None:
        super().__init__(config)
        self._on_listening = on_listening
        self._on_stop = on_stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        host, port = (sockets or [])[0].getsockname()[:2]
        self._on_listening(host, port)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stop()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals, without uvicorn's way of raising them again: the pipeline has yet to stop."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()
