"""Probes: whether the process is up, and whether it can accept changes. Without authentication, without details."""

from http import HTTPStatus

from anyio import CapacityLimiter, fail_after, to_thread
from starlette.requests import Request

from controller.model.errors import PwsyncError
from controller.ports.store import Store
from controller.web.answer_types import HealthAnswer, NotReadyAnswer, ReadinessAnswer
from controller.web.answers import JsonAnswer
from controller.web.calls import Answer, call

PATIENCE_SECONDS = 3


class Probes:
    """The probes. A thread of their own, so that neither they nor the calls can keep the other out."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._limiter = CapacityLimiter(1)

    @call("GET", "/healthz", Answer("It is up.", HealthAnswer), is_open=True)
    async def health(self, _: Request) -> JsonAnswer:
        """Say that the process is up."""
        return JsonAnswer({"status": "up"})

    @call(
        "GET",
        "/readyz",
        Answer("It is ready.", ReadinessAnswer),
        Answer("It is not.", NotReadyAnswer, HTTPStatus.SERVICE_UNAVAILABLE),
        is_open=True,
    )
    async def readiness(self, _: Request) -> JsonAnswer:
        """Say whether the store answers a read, in good time."""
        try:
            with fail_after(PATIENCE_SECONDS):
                await to_thread.run_sync(self._read, limiter=self._limiter, abandon_on_cancel=True)
        except (PwsyncError, TimeoutError):
            return JsonAnswer({"status": "notReady"}, HTTPStatus.SERVICE_UNAVAILABLE)
        return JsonAnswer({"status": "ready"})

    def _read(self) -> None:
        with self._store.read() as tx:
            tx.resources.revision()
