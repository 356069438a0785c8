"""The HTTP API over a bench, called in this process: every byte of an answer, without a network."""

import secrets
from collections.abc import AsyncIterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import httpx
from starlette.applications import Starlette

from controller.model.actor import Actor
from controller.model.events import RecordedEvent
from controller.model.topology import Access, Kind, System
from controller.ports.events import EventQuery
from controller.ports.sealing import Sealer
from controller.ports.store import Store
from controller.runtime.settings import Settings
from controller.runtime.wiring import Installation
from controller.web.app import make_app
from tests.doubles.pipeline import ALL_ON, OPEN_ADAPTER, PipelineBench

SWITCHES = replace(ALL_ON, administrators=("ops",))
WINDOWS = "/v1/domains/CORP/changes"
EXTERNAL = "/v1/adapters/racf/changes"


@dataclass
class ApiBench:
    r"""An installation with domain CORP (source dc1), adapters and callers.

    Adapter racf takes changes without, adapter strict only with the old password; agent may report for both. ops
    administers. CORP\alice is mapped to ALICE1 on racf.

    Attributes:
        accepted: How often the workers were woken.
        answers: Every answer, as text with its headers.
    """

    folder: Path
    accepted: int = 0
    answers: list[str] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        self.bench = PipelineBench(self.folder)
        self.system()
        self.bench.domain()
        access = Access(users=("agent",))
        self.bench.adapter("racf", replace(OPEN_ADAPTER, access=access), "ALICE1")
        self.bench.adapter("strict", replace(OPEN_ADAPTER, access=access, verify_old_password=True))
        self.bench.map("RACF", "alice", "ALICE1")
        self.installation = self.installed()
        self.app = self.made_with(self.installation)
        self.tokens = {name: self.token(name) for name in ("dc1", "agent", "ops", "stranger")}

    def installed(self, store: Store | None = None, sealer: Sealer | None = None) -> Installation:
        """An installation of this bench, with another store or sealer where given."""
        settings = Settings(self.folder, "")
        return Installation(settings, store or self.bench.store, sealer or self.bench.sealer)

    def made_with(self, installation: Installation) -> Starlette:
        """The application of an installation."""
        return make_app(installation, self._wake)

    def _wake(self) -> None:
        self.accepted += 1

    def close(self) -> None:
        """Give back the store."""
        self.bench.close()

    def system(self, system: System = SWITCHES) -> None:
        """Declare the switches."""
        self.bench.put(Kind.SYSTEM, "default", system)

    def token(self, principal: str, valid_for: timedelta | None = None) -> str:
        """Make a token."""
        return self.installation.callers.create(principal, valid_for=valid_for, by=Actor("tester"))[1].reveal()

    def call(
        self,
        method: str,
        path: str,
        *,
        by: str | None = None,
        headers: Mapping[str, str | bytes] | None = None,
        app: Starlette | None = None,
        address: str = "127.0.0.1",
        **request: Any,
    ) -> httpx.Response:
        """Send one request from an *address*, with the token of the caller *by*."""
        pairs = {} if by is None else {"Authorization": f"Bearer {self.tokens[by]}"}
        sent = [
            (name.encode(), value if isinstance(value, bytes) else value.encode())
            for name, value in {**pairs, **(headers or {})}.items()
        ]
        transport = httpx.ASGITransport(app or self.app, client=(address, 123))
        answer = anyio.run(_send, transport, method, path, sent, request)
        self.answers.append(f"{answer.status_code} {answer.headers.raw!r} {answer.text}")
        return answer

    def post(self, path: str, body: object, *, by: str = "dc1") -> httpx.Response:
        """Report a change."""
        return self.call("POST", path, by=by, json=body)

    def post_raw(self, content: bytes | AsyncIterable[bytes], path: str = WINDOWS, **headers: str) -> httpx.Response:
        """Send any bytes as a report of dc1, as JSON if the headers (``_`` for ``-``) do not say otherwise."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.call("POST", path, by="dc1", content=content, headers={"Content-Type": "application/json", **named})

    def events(self, name: str) -> Sequence[RecordedEvent]:
        """Recorded events of one kind."""
        with self.bench.store.read() as tx:
            return tx.events.find(EventQuery(name=name))

    def count_changes(self) -> int:
        """How many changes the store holds."""
        with self.bench.store.read() as tx:
            return sum(tx.changes.count_by_state().values())


async def _send(
    transport: httpx.ASGITransport, method: str, path: str, headers: list[tuple[bytes, bytes]], request: dict[str, Any]
) -> httpx.Response:
    async with httpx.AsyncClient(transport=transport, base_url="http://controller") as client:
        return await client.request(method, path, headers=headers, **request)


def new_password() -> str:
    """A password that stands nowhere by chance, with characters beyond ASCII."""
    return f"Pä$$-{secrets.token_hex(8)}"
