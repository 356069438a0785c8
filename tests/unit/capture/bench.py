"""A spool, a key that opens what it holds, and controllers that answer as told."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from controller.capture.forwarder import Forwarder
from controller.capture.record import CapturedChange
from controller.capture.sending import Sender
from controller.capture.settings import CaptureSpec
from controller.capture.spool import Spool
from controller.capture.taking import Capture
from controller.model.secret import Secret
from controller.sdk.errors import ControllerAway
from controller.sdk.transport import Answer, Request
from controller.sealing.capture import CaptureKey
from controller.sealing.keyring import Keyring
from controller.sealing.sealer import KeyringSealer

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
TAKEN = Answer(202, b'{"trackingId": "t-1"}')


@dataclass
class StubServer:
    """A controller.

    Attributes:
        answers: What it answers, one after the other; the last one for ever. None: it is away.
    """

    answers: list[Answer | None] = field(default_factory=lambda: [TAKEN])
    requests: list[Request] = field(default_factory=list)

    def send(self, request: Request) -> Answer:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            raise ControllerAway("no answer")
        return answer

    def interrupt(self) -> None:
        """Nothing waits."""

    def close(self) -> None:
        """Nothing is open."""


class CaptureBench:
    """Captures accounts of CORP into a folder, and forwards from there."""

    def __init__(self, folder: Path, *servers: StubServer, most: int = 100, exclude: tuple[str, ...] = ()) -> None:
        self.keyring = Keyring.generate(NOW)
        self.now = NOW
        self.servers = servers or (StubServer(),)
        self.spec = CaptureSpec(
            servers=["https://pwsync.example.com"],
            token_file=str(folder / "token"),
            key_file=str(folder / "key"),
            spool=str(folder / "spool"),
            domain="CORP",
            max_changes=most,
            exclude=list(exclude),
        )
        key = CaptureKey.of(self.keyring.newest)
        (folder / "key").write_text(f"{key}\n")
        self.capture = Capture.open(self.spec)
        self.forwarder = self.new_forwarder()

    @property
    def spool(self) -> Spool:
        """The spool."""
        return self.capture.spool

    def new_forwarder(self) -> Forwarder:
        """A forwarder that was just started."""
        sender = Sender(self.servers, None)
        return Forwarder(self.spool, sender, timedelta(hours=24), now=self._now, jitter=lambda: 0.5)

    def take(self, name: str = "alice", password: str = "n3w-password") -> None:
        """Capture a change."""
        assert self.capture.take(name, Secret(password), self.now)

    def opened(self, change: CapturedChange) -> str:
        """The password of a change, as the controller reads it."""
        sealer = KeyringSealer(self.keyring)
        return sealer.open_captured(change.sealed, change.account, change.occurred_at).reveal()

    def waiting(self) -> list[tuple[str, str]]:
        """Names and passwords of what waits."""
        changes = [self.spool.read(name) for name in self.spool.waiting()]
        return [(change.account.name, self.opened(change)) for change in changes]

    def _now(self) -> datetime:
        return self.now
