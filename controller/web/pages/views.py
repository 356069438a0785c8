"""The pages that only show: overview, topology, changes, plan, events."""

import re
from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from controller.model.change import ChangeState
from controller.model.errors import InvalidInput, NotFound
from controller.model.events import Level
from controller.pipeline.roles import Action
from controller.pipeline.timeline import find_timeline
from controller.pipeline.topology import TopologyReader
from controller.planning.listing import SYMBOLS, more_mappings, rows, summary
from controller.planning.plan import Plan
from controller.ports.changes import ChangeQuery
from controller.ports.events import EventQuery
from controller.ports.store import Store
from controller.reconcile.picture import object_statuses
from controller.web.pages.drawing import draw
from controller.web.pages.facts import headline, read_lanes, read_overview
from controller.web.pages.gate import Visit
from controller.web.pages.rendering import SeeOther
from controller.web.pages.rows import change_row, event_row, timeline_rows
from controller.web.pages.site import Site

ROWS_PER_PAGE = 50
MAPPINGS_SHOWN = 200
MAX_FILTER = 256
T = TypeVar("T")
_TRACKING_ID = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)


class ViewPages:
    """Pages for administrators of the System."""

    def __init__(self, site: Site, store: Store) -> None:
        self._site = site
        self._store = store
        self._topology = TopologyReader()

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            self._site.route("/", self.overview),
            self._site.route("/topology", self.topology),
            self._site.route("/changes", self.changes),
            self._site.route("/changes/{tracking_id}", self.change),
            self._site.route("/plan", self.plan),
            self._site.route("/events", self.events),
        ]

    async def overview(self, _: Request, visit: Visit) -> Response:
        """The state of everything; who administers no more than adapters is led to their parked deliveries."""
        if not visit.viewer.is_administrator:
            return SeeOther("/parked")
        return await self._show("overview.html", visit, self._overview)

    async def topology(self, _: Request, visit: Visit) -> Response:
        """The picture."""
        visit.viewer.check(Action.VIEW_PAGES)
        return await self._show("topology.html", visit, self._picture)

    async def changes(self, request: Request, visit: Visit) -> Response:
        """Changes, newest first."""
        visit.viewer.check(Action.VIEW_PAGES)
        account, state = filter_of(request, "account"), chosen(request, "state", list(ChangeState))
        query = ChangeQuery(account, state, ROWS_PER_PAGE + 1, before_of(request))
        return await self._show("changes.html", visit, lambda: self._changes(query))

    async def change(self, request: Request, visit: Visit) -> Response:
        """One change from its report to its end."""
        visit.viewer.check(Action.VIEW_PAGES)
        tracking_id = request.path_params["tracking_id"]
        if not _TRACKING_ID.fullmatch(tracking_id):
            raise NotFound("there is no change with this tracking ID")
        return await self._show("change.html", visit, lambda: self._change(tracking_id))

    async def plan(self, _: Request, visit: Visit) -> Response:
        """What apply would do now."""
        visit.viewer.check(Action.VIEW_PAGES)
        return await self._show("plan.html", visit, self._plan)

    async def events(self, request: Request, visit: Visit) -> Response:
        """Events, newest first."""
        visit.viewer.check(Action.VIEW_PAGES)
        query = EventQuery(
            tracking_id=filter_of(request, "tracking_id"),
            adapter=filter_of(request, "adapter"),
            level=chosen(request, "level", list(Level)),
            limit=ROWS_PER_PAGE + 1,
            before=before_of(request),
        )
        return await self._show("events.html", visit, lambda: self._events(query))

    async def _show(self, template: str, visit: Visit, read: Any) -> Response:  # noqa: ANN401  # () -> values of the page
        values = await to_thread.run_sync(read, limiter=self._site.limiter)
        return self._site.render(template, visit, **values)

    def _overview(self) -> dict[str, Any]:
        planned = self._site.plans.current()
        with self._store.read() as tx:
            overview = read_overview(tx, planned.plan)
        rounds = self._site.rounds
        return {
            "overview": overview,
            "headline": headline(overview),
            "planned": planned,
            "are_manifests_known": self._site.plans.are_known,
            "round": None if rounds is None else rounds.last(),
        }

    def _picture(self) -> dict[str, Any]:
        planned = self._site.plans.current()
        with self._store.read() as tx:
            lanes = {row.lane: row for row in read_lanes(tx)}
            drawing = draw(self._topology.read(tx), object_statuses(tx, planned.plan), lanes)
            return {"drawing": drawing, "system": self._topology.read(tx).system, "now": tx.now}

    def _changes(self, query: ChangeQuery) -> dict[str, Any]:
        with self._store.read() as tx:
            found, now = [change_row(c) for c in tx.changes.find(query)], tx.now
        shown, older = page_of(found)
        filters = {"account": query.account, "state": query.state}
        return {
            "changes": shown,
            "older": _link("/changes", filters, shown[-1].sequence) if older else "",
            "newest": _link("/changes", filters) if query.before else "",
            "states": list(ChangeState),
            "filters": filters,
            "now": now,
        }

    def _change(self, tracking_id: str) -> dict[str, Any]:
        with self._store.read() as tx:
            return {"timeline": timeline_rows(find_timeline(tx, tracking_id), tx.now), "now": tx.now}

    def _plan(self) -> dict[str, Any]:
        planned = self._site.plans.current()
        values: dict[str, Any] = {"planned": planned, "are_manifests_known": self._site.plans.are_known}
        return values | ({} if planned.plan is None else _plan_values(planned.plan))

    def _events(self, query: EventQuery) -> dict[str, Any]:
        with self._store.read() as tx:
            found = [event_row(e) for e in tx.events.find(query)]
            adapters = sorted(self._topology.read(tx).adapters)
            now = tx.now
        shown, older = page_of(found)
        filters = {"level": query.level, "adapter": query.adapter, "tracking_id": query.tracking_id}
        return {
            "events": shown,
            "older": _link("/events", filters, shown[-1].sequence) if older else "",
            "newest": _link("/events", filters) if query.before else "",
            "levels": list(Level),
            "adapters": adapters,
            "filters": filters,
            "now": now,
        }


def _plan_values(plan: Plan) -> dict[str, Any]:
    return {
        "rows": list(rows(plan, MAPPINGS_SHOWN)),
        "more": more_mappings(plan, MAPPINGS_SHOWN),
        "summary": summary(plan),
        "symbols": SYMBOLS,
    }


def page_of(found: Sequence[T]) -> tuple[Sequence[T], bool]:
    """The rows of one page, and whether there are older ones; one more than fits was asked for."""
    return found[:ROWS_PER_PAGE], len(found) > ROWS_PER_PAGE


def filter_of(request: Request, name: str) -> str:
    """A filter of the query; empty when it is not given.

    Raises:
        InvalidInput: Longer than any name.
    """
    text = request.query_params.get(name, "").strip()
    if len(text) > MAX_FILTER or not text.isprintable():
        raise InvalidInput(f"the filter {name} cannot be a name")
    return text


def chosen(request: Request, name: str, options: Sequence[str]) -> str:
    """A filter of the query that is one of some options, or empty.

    Raises:
        InvalidInput: It is none of them.
    """
    text = request.query_params.get(name, "")
    if text and text not in list(map(str, options)):
        raise InvalidInput(f"the filter {name} is none of {', '.join(map(str, options))}")
    return text


def before_of(request: Request) -> int:
    """The number below which a page begins; 0 for the first page."""
    text = request.query_params.get("before", "")
    return int(text) if _NUMBER.fullmatch(text) else 0


def _link(path: str, filters: dict[str, str], before: int = 0) -> str:
    given = {name: value for name, value in filters.items() if value}
    query = urlencode(given | ({"before": str(before)} if before else {}))
    return f"{path}?{query}" if query else path
