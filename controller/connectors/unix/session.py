"""One SSH connection for each call: the host's key must be known, and nothing but our own key proves who we are."""

import io
import shlex
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

import paramiko

from controller.model.errors import AccountRefused, ChannelRefused, Indeterminate, SettingsError, Unavailable
from controller.model.secret import Secret

LONGEST_OUTPUT = 8 * 1024
"""Bytes of a command's output that are kept."""
_CHUNK = 32 * 1024
_CONNECT_SECONDS = 10.0
_SSH_PORT = 22
_NO_FORM = "is not in the form of known_hosts"
_KINDS: Sequence[type[paramiko.PKey]] = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code, and the beginning of both outputs."""

    code: int
    output: bytes


@dataclass(frozen=True, slots=True)
class Session:
    """Runs commands on one host as one user.

    Attributes:
        seconds: For each command.
    """

    host: str
    port: int
    user: str
    known_hosts: str
    key: paramiko.PKey
    seconds: float

    def __str__(self) -> str:
        return f"ssh://{self.host}:{self.port}"

    def run(self, command: Sequence[str], given: bytes) -> Ended:
        """Run *command* with *given* as its standard input.

        Raises:
            Unavailable: The host cannot be reached; the command was not given its input.
            ChannelRefused: Its key is another one or unknown, or it does not accept ours.
            Indeterminate: The command was given its input, and it is not known how it ended.
        """
        with self._connected(self.user, pkey=self.key) as client, closing(self._started(client, command)) as channel:
            deadline = time.monotonic() + self.seconds
            try:
                channel.sendall(given)
                channel.shutdown_write()
                output = _output(channel, deadline)
                has_ended = channel.status_event.wait(max(deadline - time.monotonic(), 0))
            except (paramiko.SSHException, OSError, EOFError) as error:
                raise Indeterminate(f"{self}: the command was sent, but its end is not known: {error}") from error
            if not has_ended or channel.exit_status < 0:
                raise Indeterminate(f"{self}: the command was sent, but the connection ended before it did")
            return Ended(channel.exit_status, output)

    def lets_in(self, account: str, password: Secret) -> bool:
        """Log in as *account* with a password, once.

        Raises:
            AccountRefused: The host does not take passwords, or wants more than one.
            Unavailable, ChannelRefused: As for ``run``.
        """
        try:
            with self._connected(account, password=password.reveal()):
                return True
        except _LoginRefused:
            return False

    @contextmanager
    def _connected(
        self, user: str, *, pkey: paramiko.PKey | None = None, password: str | None = None
    ) -> Iterator[paramiko.SSHClient]:
        with closing(paramiko.SSHClient()) as client:
            client.set_missing_host_key_policy(_Refuse())
            self._load_known_hosts(client)
            seconds = min(self.seconds, _CONNECT_SECONDS)
            try:
                client.connect(
                    self.host,
                    self.port,
                    user,
                    password,
                    pkey,
                    timeout=seconds,
                    banner_timeout=seconds,
                    auth_timeout=self.seconds,
                    allow_agent=False,
                    look_for_keys=False,
                )
            except (_HostKeyUnknown, paramiko.BadHostKeyException) as error:
                raise ChannelRefused(
                    f"the key of {self} is not the one in {self.known_hosts}",
                    hint="compare it with what the host's administrator says, then write it there (ssh-keyscan)",
                ) from error
            except paramiko.BadAuthenticationType as error:
                raise self._unwilling(user, is_ours=pkey is not None) from error
            except paramiko.AuthenticationException as error:
                if pkey is None:
                    raise _LoginRefused from error
                raise self._unwilling(user, is_ours=True) from error
            except (paramiko.SSHException, OSError, EOFError) as error:
                raise Unavailable(f"{self} cannot be reached: {error}", hint="check host, port and firewall") from error
            yield client

    def _load_known_hosts(self, client: paramiko.SSHClient) -> None:
        try:
            client.load_host_keys(self.known_hosts)
            known = client.get_host_keys()
            known.lookup("")  # hashed names are only decoded when a name is compared with them
            flaw = "" if known else _NO_FORM
        except OSError as error:
            flaw = f"cannot be read: {error.strerror}"
        except paramiko.hostkeys.InvalidHostKey as error:
            has_marker = error.line.startswith("@")
            flaw = "has a line with @cert-authority or @revoked, which cannot be used here" if has_marker else _NO_FORM
        except Exception:  # noqa: BLE001  # paramiko has no one error for a file that makes no sense
            flaw = _NO_FORM
        if flaw:  # raised outside of the handler: the cause quotes the file, and it may be that of a private key
            port = "" if self.port == _SSH_PORT else f"-p {self.port} "
            raise ChannelRefused(
                f"knownHosts {self.known_hosts} {flaw}",
                hint=f"make it with: ssh-keyscan {port}{self.host}, and ask the host's administrator if it is right",
            )

    def _unwilling(self, user: str, *, is_ours: bool) -> ChannelRefused | AccountRefused:
        if is_ours:
            return ChannelRefused(f"{self} does not accept our key for {user}", hint="is it in its authorized_keys?")
        return AccountRefused(
            f"{self} lets nobody in by password alone, so that of {user!r} cannot be tried", hint="verify: false"
        )

    def _started(self, client: paramiko.SSHClient, command: Sequence[str]) -> paramiko.Channel:
        transport = client.get_transport()
        assert transport is not None  # noqa: S101  # it is connected
        try:
            channel = transport.open_session(timeout=self.seconds)
            channel.set_combine_stderr(True)
            channel.settimeout(self.seconds)
            channel.exec_command(shlex.join(command))
        except (paramiko.SSHException, OSError, EOFError) as error:
            raise Unavailable(f"{self} does not run commands: {error}") from error
        return channel


def private_key(secret: Secret, place: str) -> paramiko.PKey:
    """Read a private key in OpenSSH's or PEM form, without a passphrase.

    Args:
        secret: Its text.
        place: Where it stands, for the message.

    Raises:
        SettingsError: It is none. The cause is not kept: it may quote the key.
    """
    for kind in _KINDS:
        try:
            return kind.from_private_key(io.StringIO(secret.reveal().rstrip("\n") + "\n"))
        except (paramiko.SSHException, ValueError, IndexError, TypeError):
            continue  # of another kind
    raise SettingsError(
        f"{place} holds no private key of ed25519, ecdsa or rsa without a passphrase",
        hint="ssh-keygen -t ed25519 -N ''",
    )


def _output(channel: paramiko.Channel, deadline: float) -> bytes:
    kept = bytearray()
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("no end in time")
        channel.settimeout(left)
        try:
            chunk = channel.recv(_CHUNK)
        except socket.timeout as error:  # noqa: UP041  # paramiko's own name of it
            raise TimeoutError("no end in time") from error
        if not chunk:
            return bytes(kept)
        kept += chunk[: LONGEST_OUTPUT - len(kept)]


class _HostKeyUnknown(Exception):
    """The host has a key that nobody wrote down."""


class _LoginRefused(Exception):
    """The host did not take the password."""


class _Refuse(paramiko.MissingHostKeyPolicy):
    """Trust on first use would hand passwords to whoever answers first."""

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002  # as the base class has it
        raise _HostKeyUnknown
