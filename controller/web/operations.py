"""What an operator does to the queue, over the API: the same as ``pwsync deliveries`` and ``pwsync adapter``."""

from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

from controller.model.accounts import ExternalAccount
from controller.model.actor import Actor
from controller.model.delivery import Delivery
from controller.model.errors import NotFound, Refused
from controller.pipeline.operations import Retried
from controller.pipeline.roles import Action, Standing, administers
from controller.pipeline.topology import Topology
from controller.ports.store import Transaction
from controller.runtime.wiring import Installation
from controller.web.answer_types import AdapterSwitchedAnswer, OperatedAnswer, QueueEmptiedAnswer
from controller.web.answers import JsonAnswer
from controller.web.calls import Answer, call
from controller.web.changes import TRACKING_ID
from controller.web.problem_kinds import INVALID_INPUT, NOT_FOUND, STOPPING, WITHOUT_ROLE
from controller.web.query import Query
from controller.web.security import origin_of, principal_of

Given = TypeVarTuple("Given")
Result = TypeVar("Result")
_DELIVERY = "/v1/deliveries/{delivery}"
_ADAPTER = "/v1/adapters/{name}"
_PROBLEMS = (NOT_FOUND, INVALID_INPUT, STOPPING)


class OperationsApi:
    """The calls of operators; each is audited. Whatever blocks runs in a thread of *limiter*."""

    def __init__(self, installation: Installation, on_due: Callable[[], None], limiter: CapacityLimiter) -> None:
        """*on_due* is told that deliveries may have become due: it wakes the workers."""
        self._installation = installation
        self._on_due = on_due
        self._limiter = limiter

    @call(
        "POST",
        f"{_DELIVERY}/retry",
        Answer("What became of it.", OperatedAnswer),
        problems=_PROBLEMS,
        reasons=WITHOUT_ROLE,
    )
    async def retry_delivery(self, request: Request) -> JsonAnswer:
        """Queue a parked delivery again, with all its tries.

        One of an account that has a newer change is superseded instead.
        """
        by = await self._actor(request)
        return JsonAnswer(await self._run(self._retry, request.path_params["delivery"], by))

    @call(
        "POST",
        f"{_DELIVERY}/discard",
        Answer("What became of it.", OperatedAnswer),
        problems=_PROBLEMS,
        reasons=WITHOUT_ROLE,
    )
    async def discard_delivery(self, request: Request) -> JsonAnswer:
        """End a delivery that waits, is under way or parked, and forget its password."""
        by = await self._actor(request)
        return JsonAnswer(await self._run(self._discard, request.path_params["delivery"], by))

    @call(
        "POST",
        f"{_ADAPTER}/disable",
        Answer("It is disabled.", AdapterSwitchedAnswer),
        problems=_PROBLEMS,
        reasons=WITHOUT_ROLE,
    )
    async def disable_adapter(self, request: Request) -> JsonAnswer:
        """Let an adapter take no part, whatever its manifest says, until it is enabled again."""
        by = await self._actor(request)
        return JsonAnswer(await self._run(self._disable, request.path_params["name"], by))

    @call(
        "POST",
        f"{_ADAPTER}/enable",
        Answer("It is enabled.", AdapterSwitchedAnswer),
        problems=_PROBLEMS,
        reasons=WITHOUT_ROLE,
    )
    async def enable_adapter(self, request: Request) -> JsonAnswer:
        """Take a `disable` back."""
        by = await self._actor(request)
        return JsonAnswer(await self._run(self._enable, request.path_params["name"], by))

    @call(
        "POST",
        f"{_ADAPTER}/reset",
        Answer("The queue is empty.", QueueEmptiedAnswer),
        problems=_PROBLEMS,
        reasons=WITHOUT_ROLE,
    )
    async def reset_adapter(self, request: Request) -> JsonAnswer:
        """Discard all deliveries of an adapter, parked ones too."""
        by = await self._actor(request)
        return JsonAnswer(await self._run(self._reset, request.path_params["name"], by))

    async def _actor(self, request: Request) -> Actor:
        principal = await principal_of(request, self._installation.callers, self._limiter)
        Query(request)
        return Actor(principal, origin_of(request))

    async def _run(self, operation: Callable[[*Given], Result], *given: *Given) -> Result:
        return await to_thread.run_sync(operation, *given, limiter=self._limiter)

    def _retry(self, wanted: str, by: Actor) -> OperatedAnswer:
        delivery = self._delivery(wanted, Action.RETRY_DELIVERY, by)
        match self._installation.operations.retry([delivery], by=by):
            case Retried(refused=(error, *_)):
                raise error
            case Retried(superseded=(_, *_)):
                return {"id": delivery.id, "outcome": "superseded"}
            case _:
                self._on_due()
                return {"id": delivery.id, "outcome": "queued"}

    def _discard(self, wanted: str, by: Actor) -> OperatedAnswer:
        delivery = self._delivery(wanted, Action.DISCARD_DELIVERY, by)
        for error in self._installation.operations.discard([delivery], by=by).refused:
            raise error
        return {"id": delivery.id, "outcome": "discarded"}

    def _disable(self, adapter: str, by: Actor) -> AdapterSwitchedAnswer:
        self._check(adapter, Action.SWITCH_ADAPTER, by)
        return {"adapter": adapter, "enabled": False, "changed": self._installation.operations.disable(adapter, by=by)}

    def _enable(self, adapter: str, by: Actor) -> AdapterSwitchedAnswer:
        self._check(adapter, Action.SWITCH_ADAPTER, by)
        is_changed = self._installation.operations.enable(adapter, by=by)
        self._on_due()
        return {"adapter": adapter, "enabled": True, "changed": is_changed}

    def _reset(self, adapter: str, by: Actor) -> QueueEmptiedAnswer:
        self._check(adapter, Action.RESET_ADAPTER, by)
        return {"adapter": adapter, "discarded": self._installation.operations.reset(adapter, by=by)}

    def _delivery(self, wanted: str, action: Action, by: Actor) -> Delivery:
        def read(tx: Transaction, _: Topology, standing: Standing) -> Delivery:
            found = tx.deliveries.get(wanted) if TRACKING_ID.fullmatch(wanted) else None
            if found is None and standing.is_administrator:
                raise NotFound("there is no such delivery", hint="see GET /v1/deliveries")
            if found is None or not administers(standing, found.account):
                raise _not_theirs()
            return found

        return self._installation.admission.admit(by.principal, action, read)

    def _check(self, adapter: str, action: Action, by: Actor) -> None:
        def read(_tx: Transaction, _topology: Topology, standing: Standing) -> None:
            if not administers(standing, ExternalAccount(adapter, "")):
                raise _not_theirs()

        self._installation.admission.admit(by.principal, action, read)


def _not_theirs() -> Refused:
    return Refused(
        "this is of an adapter that the principal does not administer",
        reason="notAllowed",
        hint="the reference of roles lists what each may do",
    )
