"""The server: uvicorn, run by this program, until a signal ends it."""

import asyncio
import gc
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager

import uvicorn
from starlette.types import ASGIApp

from controller.web.addresses import ByAddress
from controller.web.listening import BACKLOG, Certificate, Listen, bind
from controller.web.protocol import BoundedProtocol
from controller.web.renewal import Renewal
from controller.web.tls_listening import HandshakeWatch, TlsListener

MAX_CONNECTIONS = 1000
KEEP_ALIVE_SECONDS = 15
STOP_SECONDS = 35
"""How long requests under way may take to end: longer than a writer waits for a busy store."""

OnListening = Callable[[str, int], None]
"""Told the host and the actual port once requests are answered."""
OnStop = Callable[[], None]
"""Told that a stop was asked for, before requests under way are waited for. It must not block."""
Drain = Callable[[], None]
"""Called in a thread of its own after that, while requests are still answered; the server closes when it returns."""
LOOK_EVERY = 300
"""Tenths of a second between two looks whether the files of the certificate have changed."""
COLLECT_EVERY = 100
"""Tenths of a second between two collections of garbage: connections that end badly are cycles, each with the memory of
its TLS, which the collector does not count."""
HURRY_POLL = 0.1
"""Seconds between two looks whether a second interrupt asks to hurry."""


def serve(
    app: ASGIApp,
    listen: Listen,
    *,
    on_listening: OnListening,
    on_stop: OnStop,
    drain: Drain = lambda: None,
    others: Sequence[tuple[Listen, ASGIApp]] = (),
    certificate: Certificate | None = None,
    on_renewed: Callable[[], None] = lambda: None,
    watch: HandshakeWatch = HandshakeWatch(),  # noqa: B008  # frozen
    allows_clear_text: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are answered before this returns. A second SIGINT hurries.

    Call it in the main thread, which alone receives signals. *others* are answered on addresses of their own. When the
    files of the certificate change, new connections get the new ones, and *on_renewed* is told. *watch* is told of
    handshakes that fail.

    Raises:
        SettingsError: An address or the certificate cannot be used, or clear text would leave this machine.
    """
    context = None if certificate is None else certificate.context()
    renewal = None if certificate is None or context is None else Renewal(certificate, context, on_renewed)
    with ExitStack() as at_end:

        def listening(at: Listen) -> socket.socket:
            made = bind(at, is_encrypted=context is not None, allows_clear_text=allows_clear_text)
            return at_end.enter_context(closing(made))

        listeners = [listening(listen)]
        elsewhere = [(listening(at), other) for at, other in others]
        config = _config(ByAddress(app, elsewhere) if elsewhere else app, context)
        server = _Server(config, on_listening, on_stop, drain, renewal=renewal, watch=watch)
        server.run([*listeners, *(listener for listener, _ in elsewhere)])


def _config(app: ASGIApp, context: ssl.SSLContext | None) -> uvicorn.Config:
    return uvicorn.Config(
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


class _Server(uvicorn.Server):
    def __init__(
        self,
        config: uvicorn.Config,
        on_listening: OnListening,
        on_stop: OnStop,
        drain: Drain,
        *,
        renewal: Renewal | None,
        watch: HandshakeWatch,
    ) -> None:
        super().__init__(config)
        self._watch = watch
        self._renewal = renewal
        self._on_listening = on_listening
        self._on_stop = on_stop
        self._drain = drain

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        listeners = sockets or []
        if self.config.ssl is None:
            await super().startup(listeners)
        else:
            await self._listen(listeners, self.config.ssl)
        host, port = listeners[0].getsockname()[:2]
        self._on_listening(host, port)

    async def _listen(self, listeners: Sequence[socket.socket], context: ssl.SSLContext) -> None:
        """As uvicorn does, but with every handshake awaited."""

        def make_protocol() -> BoundedProtocol:
            return BoundedProtocol(self.config, self.server_state, self.lifespan.state)

        await self.lifespan.startup()
        served = [TlsListener(listener, context, make_protocol, self._watch) for listener in listeners]
        for each in served:
            each.start()
        self.servers = served  # type: ignore[assignment]  # uvicorn closes them and waits for that, nothing else
        self.started = True

    async def on_tick(self, counter: int) -> bool:
        """Look after the certificate and the memory now and then; uvicorn calls this ten times a second."""
        if counter % COLLECT_EVERY == 0:
            gc.collect()
        if self._renewal is not None and counter % LOOK_EVERY == 0:
            self._renewal.look()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stop()
        draining = asyncio.create_task(asyncio.to_thread(self._drain))
        while not (draining.done() or self.force_exit):
            await asyncio.wait({draining}, timeout=HURRY_POLL)
        await super().shutdown(sockets)
        if draining.done():
            draining.result()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take the signals, without uvicorn's way of raising them again: the pipeline has yet to stop."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()
