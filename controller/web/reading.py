"""What is in the store, read over the API: changes, deliveries, events, the status."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, TypeVar, TypeVarTuple

from anyio import CapacityLimiter, to_thread
from pydantic import WithJsonSchema
from starlette.requests import Request

from controller.model.accounts import ExternalAccount
from controller.model.change import ChangeState, PasswordChange
from controller.model.delivery import Delivery, DeliveryState
from controller.model.errors import NotFound, Refused, StoreUnavailable
from controller.model.events import CATALOGUE, Level, RecordedEvent
from controller.pipeline.roles import Action, Standing, adapters_seen, as_told, reach_of
from controller.pipeline.topology import Topology
from controller.ports.changes import ChangeQuery
from controller.ports.deliveries import DeliveryQuery
from controller.ports.events import EventQuery
from controller.ports.reach import Reach
from controller.ports.store import Transaction
from controller.runtime.wiring import Installation
from controller.views.records import change_view, delivery_view, event_view
from controller.views.status import picture_view, read_picture
from controller.web.answer_types import ChangeAnswer, ChangeList, DeliveryList, EventList
from controller.web.answers import JsonAnswer
from controller.web.calls import Answer, Parameter, call
from controller.web.changes import TRACKING_ID
from controller.web.object_types import StatusAnswer
from controller.web.pages.plans import Plans
from controller.web.problem_kinds import INVALID_INPUT, NOT_FOUND, WITHOUT_ROLE
from controller.web.query import ACCOUNT, ADAPTER, PAGE, PAGING, SINCE, TRACKING, Query, page
from controller.web.security import principal_of

Given = TypeVarTuple("Given")
Result = TypeVar("Result")
NAME = Parameter(
    "name", "query", Annotated[str, WithJsonSchema({"type": "string", "enum": sorted(CATALOGUE)})], "Of this name."
)
LEVEL = Parameter("level", "query", Level, "Of this level.")


def state_of(states: type[ChangeState] | type[DeliveryState]) -> Parameter:
    """The filter by a state."""
    return Parameter("state", "query", states, "In this state.")


class ReadingApi:
    """The calls that read records. Whatever blocks runs in a thread of *limiter*."""

    def __init__(self, installation: Installation, plans: Plans, limiter: CapacityLimiter) -> None:
        self._installation = installation
        self._plans = plans
        self._limiter = limiter

    @call(
        "GET",
        "/v1/changes",
        Answer("Changes, newest first.", ChangeList),
        parameters=(ACCOUNT, ADAPTER, state_of(ChangeState), SINCE, *PAGE),
        problems=(INVALID_INPUT,),
        reasons=WITHOUT_ROLE,
    )
    async def list_changes(self, request: Request) -> JsonAnswer:
        """List changes, newest first."""
        principal = await self._principal(request)
        asked = Query(request, "account", "adapter", "state", "since", *PAGING)
        query = ChangeQuery(
            account=asked.text("account"),
            state=asked.choice("state", ChangeState),
            limit=asked.limit + 1,
            before=asked.before("changes"),
            lane=_lane(asked.text("adapter")),
            since=asked.instant("since"),
        )
        return JsonAnswer(await self._run(self._changes, principal, query))

    @call(
        "GET",
        "/v1/changes/{trackingId}",
        Answer("The change and its deliveries.", ChangeAnswer),
        problems=(NOT_FOUND, INVALID_INPUT),
        reasons=("notReporter", *WITHOUT_ROLE),
    )
    async def show_change(self, request: Request) -> JsonAnswer:
        """Show a change and its deliveries."""
        principal = await self._principal(request)
        Query(request)
        return JsonAnswer(await self._run(self._change, principal, request.path_params["trackingId"]))

    @call(
        "GET",
        "/v1/deliveries",
        Answer("Deliveries, newest first.", DeliveryList),
        parameters=(ACCOUNT, ADAPTER, state_of(DeliveryState), SINCE, TRACKING, *PAGE),
        problems=(INVALID_INPUT,),
        reasons=WITHOUT_ROLE,
    )
    async def list_deliveries(self, request: Request) -> JsonAnswer:
        """List deliveries, newest first."""
        principal = await self._principal(request)
        asked = Query(request, "trackingId", "account", "adapter", "state", "since", *PAGING)
        query = DeliveryQuery(
            tracking_id=asked.text("trackingId"),
            lane=_lane(asked.text("adapter")),
            account=asked.text("account"),
            state=asked.choice("state", DeliveryState),
            limit=asked.limit + 1,
            before=asked.before("deliveries"),
            since=asked.instant("since"),
        )
        return JsonAnswer(await self._run(self._deliveries, principal, query))

    @call(
        "GET",
        "/v1/events",
        Answer("Events, newest first.", EventList),
        parameters=(ACCOUNT, ADAPTER, NAME, LEVEL, SINCE, TRACKING, *PAGE),
        problems=(INVALID_INPUT,),
        reasons=WITHOUT_ROLE,
    )
    async def list_events(self, request: Request) -> JsonAnswer:
        """List events, newest first."""
        principal = await self._principal(request)
        asked = Query(request, "trackingId", "account", "adapter", "name", "level", "since", *PAGING)
        query = EventQuery(
            tracking_id=asked.text("trackingId"),
            adapter=asked.text("adapter"),
            account=asked.text("account"),
            name=asked.choice("name", CATALOGUE, hint="the reference of events lists them"),
            limit=asked.limit + 1,
            level=asked.choice("level", Level),
            before=asked.before("events"),
            since=asked.instant("since"),
        )
        return JsonAnswer(await self._run(self._events, principal, query))

    @call(
        "GET",
        "/v1/status",
        Answer("As `pwsync status -o json`.", StatusAnswer),
        problems=(INVALID_INPUT,),
        reasons=WITHOUT_ROLE,
    )
    async def read_status(self, request: Request) -> JsonAnswer:
        """Tell whether everything is as declared and does its work, and what waits."""
        principal = await self._principal(request)
        Query(request)
        return JsonAnswer(await self._run(self._status, principal))

    async def _principal(self, request: Request) -> str:
        return await principal_of(request, self._installation.callers, self._limiter)

    async def _run(self, use_case: Callable[[*Given], Result], *given: *Given) -> Result:
        return await to_thread.run_sync(use_case, *given, limiter=self._limiter)

    def _changes(self, principal: str, query: ChangeQuery) -> dict[str, Any]:
        def read(tx: Transaction, topology: Topology, standing: Standing) -> list[PasswordChange]:
            found = tx.changes.find(replace(query, reach=reach_of(topology, standing)))
            return [as_told(standing, change) for change in found]

        found = self._installation.admission.admit(principal, Action.READ_CHANGES, read)
        return page("changes", found, query.limit - 1, change_view, lambda change: [change.sequence])

    def _change(self, principal: str, tracking_id: str) -> dict[str, Any]:
        def read(tx: Transaction, topology: Topology, standing: Standing) -> dict[str, Any]:
            change = tx.changes.get(tracking_id) if TRACKING_ID.fullmatch(tracking_id) else None
            if change is None and self._is_behind():
                raise StoreUnavailable("changes accepted during an outage are still being taken over")
            if change is None:
                raise NotFound("there is no change with this tracking ID")
            deliveries = _deliveries_seen(tx, change, reach_of(topology, standing))
            return change_view(as_told(standing, change), deliveries)

        return self._installation.admission.admit(principal, Action.READ_CHANGES, read)

    def _deliveries(self, principal: str, query: DeliveryQuery) -> dict[str, Any]:
        def read(tx: Transaction, topology: Topology, standing: Standing) -> list[Delivery]:
            return tx.deliveries.find(replace(query, reach=reach_of(topology, standing)))

        found = self._installation.admission.admit(principal, Action.READ_DELIVERIES, read)
        return page("deliveries", found, query.limit - 1, delivery_view, lambda delivery: [delivery.number])

    def _events(self, principal: str, query: EventQuery) -> dict[str, Any]:
        def read(tx: Transaction, _: Topology, standing: Standing) -> list[RecordedEvent]:
            return tx.events.find(replace(query, of_adapters=adapters_seen(standing)))

        found = self._installation.admission.admit(principal, Action.READ_EVENTS, read)
        return page("events", found, query.limit - 1, event_view, lambda event: [event.sequence])

    def _status(self, principal: str) -> dict[str, Any]:
        self._installation.admission.admit(principal, Action.READ_STATUS, lambda *_: None)
        plan = self._plans.current().plan
        return picture_view(read_picture(self._installation.store, plan, self._installation.settings.replay_dir))

    def _is_behind(self) -> bool:
        """Whether the change asked for may be one that was kept while the store was away."""
        replay = self._installation.replay
        return replay is not None and replay.has_backlog


def _lane(adapter: str) -> str:
    return ExternalAccount(adapter, "").lane if adapter else ""


def _deliveries_seen(tx: Transaction, change: PasswordChange, reach: Reach | None) -> list[Delivery]:
    """The deliveries of a change: all of them for who reported it, else those within *reach*, in order of creation.

    Raises:
        Refused: The change is not within it.
    """
    whole = tx.deliveries.of_change(change.tracking_id)
    if reach is None or reach.caller == change.caller:
        return whole
    if not tx.changes.find(ChangeQuery(tracking_id=change.tracking_id, reach=reach)):
        raise Refused(
            "only who reported a change, or who administers what it concerns, may see it",
            reason="notReporter",
            hint="the reference of roles lists what each may do",
        )
    query = DeliveryQuery(tracking_id=change.tracking_id, limit=len(whole), reach=reach)
    seen = {delivery.id for delivery in tx.deliveries.find(query)}
    return [delivery for delivery in whole if delivery.id in seen]
