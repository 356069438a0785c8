"""Takes TLS connections, and tells of handshakes that fail: who called from where, and why it was refused."""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass

from controller.web.listening import BACKLOG

PAUSE_SECONDS = 1.0
"""How long nothing is taken in when this machine has no room for more connections."""
MOST_WAITING = 100
"""Refusals that wait to be told; more at once are only counted."""
MOST_SHAKING = 200
"""Handshakes under way; more wait in the kernel, so that callers who say nothing do not use up what is there."""
HANDSHAKE_SECONDS = 10.0
FAREWELL_SECONDS = 5.0
"""How long the end of TLS is awaited from a caller who has had its answer; until then its connection costs memory."""
_NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


@dataclass(frozen=True, slots=True)
class HandshakeWatch:
    """Who is told of handshakes that fail.

    Attributes:
        on_failed: Told of each one, with ``certificate`` or ``other`` as the reason. It must not block.
        on_refused: Told the address of a caller and what was wrong with its certificate. It is called in a thread, for
            one caller at a time.
    """

    on_failed: Callable[[str], None] = lambda _: None
    on_refused: Callable[[str, str], None] = lambda *_: None


class TlsListener:
    """A listening socket whose connections are handled by protocols once their handshake is done.

    ``loop.create_server`` keeps to itself what ends a handshake; here each one is awaited.
    """

    def __init__(
        self,
        listener: socket.socket,
        context: ssl.SSLContext,
        make_protocol: Callable[[], asyncio.Protocol],
        watch: HandshakeWatch,
    ) -> None:
        self._listener = listener
        self._context = context
        self._make_protocol = make_protocol
        self._watch = watch
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._shaking: set[asyncio.Future[str]] = set()
        self._telling = asyncio.Lock()
        self._waiting = 0
        self._pause: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to take connections."""
        self._pause = None
        self._listener.setblocking(False)
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def close(self) -> None:
        """Take no more connections, and give up the handshakes under way."""
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener.fileno())
        for task in self._shaking:
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait for what ``close`` has given up, and until what was refused is told."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self) -> None:
        for _ in range(BACKLOG):
            if len(self._tasks) >= MOST_SHAKING:
                self._rest()
                return
            try:
                connection, address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    raise
                self._rest()
                return
            connection.setblocking(False)
            task = self._loop.create_task(self._take(connection, address[0]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _rest(self) -> None:
        self._loop.remove_reader(self._listener.fileno())
        self._pause = self._loop.call_later(PAUSE_SECONDS, self.start)

    async def _take(self, connection: socket.socket, address: str) -> None:
        shaking = asyncio.ensure_future(self._shake_hands(connection))
        self._shaking.add(shaking)
        shaking.add_done_callback(self._shaking.discard)
        problem = await shaking
        if problem:
            await self._tell(address, f"its certificate was refused in the handshake: {problem}")

    async def _shake_hands(self, connection: socket.socket) -> str:
        """Hand the connection to a protocol of its own; the loop closes it in any case.

        Returns what is wrong with the caller's certificate; nothing when it, or something other, ended well or badly.
        """
        try:
            await self._loop.connect_accepted_socket(
                self._make_protocol,
                connection,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=FAREWELL_SECONDS,
            )
        except ssl.SSLCertVerificationError as error:
            self._watch.on_failed("certificate")
            return error.verify_message
        except OSError:  # no TLS, another version of it, no end in time, or the caller went away
            self._watch.on_failed("other")
        return ""

    async def _tell(self, address: str, problem: str) -> None:
        if self._waiting < MOST_WAITING:
            self._waiting += 1
            try:
                async with self._telling:
                    await asyncio.to_thread(self._watch.on_refused, address, problem)
            finally:
                self._waiting -= 1
