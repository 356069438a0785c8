"""A relay in front of a server, on a port of its own, that can lose the connection or the answers on demand."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.servers.processes import free_port

_CHUNK = 65536


class Relay:
    """Passes bytes between clients and a server of 127.0.0.1; knows nothing of what they mean.

    Requests are counted by chunks: a client that waits for each answer sends each small request as one chunk.
    """

    def __init__(self, target_port: int) -> None:
        self.port = free_port()
        self._target_port = target_port
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._answers_left: int | None = None
        self._listener: socket.socket | None = None
        self._listen()

    def close(self) -> None:
        """Stop listening and end all connections."""
        self._hang_up()
        for thread in self._threads:
            thread.join(10)

    @contextmanager
    def down(self) -> Iterator[None]:
        """Within the block connections end, and new ones are refused."""
        self._hang_up()
        try:
            yield
        finally:
            self._listen()

    @contextmanager
    def mute_after(self, answers: int) -> Iterator[None]:
        """Within the block only so many requests are answered; the others reach the server, their answers get lost."""
        with self._lock:
            self._answers_left = answers
        try:
            yield
        finally:
            with self._lock:
                self._answers_left = None

    def drop_connections(self) -> None:
        """End the connections there are; new ones are welcome."""
        with self._lock:
            ended, self._open = self._open, set()
        for connection in ended:
            _end(connection)

    def _listen(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._run(self._accept, self._listener)

    def _hang_up(self) -> None:
        if self._listener is not None:
            _end(self._listener)
            self._listener = None
        self.drop_connections()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return  # closed by _hang_up
            server = socket.create_connection(("127.0.0.1", self._target_port))
            with self._lock:
                self._open |= {client, server}
            self._run(self._pass_requests, client, server)
            self._run(self._pass_answers, server, client)

    def _pass_requests(self, client: socket.socket, server: socket.socket) -> None:
        with _both_ended(client, server):
            while chunk := client.recv(_CHUNK):
                with self._lock:
                    if self._answers_left is not None:
                        self._answers_left -= 1
                server.sendall(chunk)

    def _pass_answers(self, server: socket.socket, client: socket.socket) -> None:
        with _both_ended(client, server):
            while chunk := server.recv(_CHUNK):
                with self._lock:
                    is_lost = self._answers_left is not None and self._answers_left < 0
                if not is_lost:
                    client.sendall(chunk)

    def _run(self, work: Callable[..., None], *arguments: socket.socket) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()


@contextmanager
def _both_ended(*connections: socket.socket) -> Iterator[None]:
    with suppress(OSError):  # the other side went away, or this relay hung up
        yield
    for connection in connections:
        _end(connection)


def _end(connection: socket.socket) -> None:
    with suppress(OSError):  # not connected any more
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
