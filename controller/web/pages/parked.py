"""Parked deliveries: shown, retried, discarded."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from controller.model.accounts import ExternalAccount
from controller.model.delivery import UNSETTLED_STATES, Delivery, DeliveryState
from controller.model.errors import NotFound, Refused
from controller.pipeline.operations import Operations
from controller.pipeline.roles import Action
from controller.ports.deliveries import DeliveryQuery
from controller.ports.store import Store, Transaction
from controller.web.pages.access import Viewer
from controller.web.pages.forms import Form, field_of, read_form
from controller.web.pages.gate import Visit
from controller.web.pages.rendering import SeeOther
from controller.web.pages.rows import delivery_row
from controller.web.pages.sessions import is_form_token
from controller.web.pages.site import Site
from controller.web.pages.views import filter_of

SHOWN = 100
_ID = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)


class ParkedPages:
    """``/parked``. An adapter's administrators see and retry only its deliveries, and discard none."""

    def __init__(self, site: Site, store: Store, operations: Operations, on_retried: Callable[[], None]) -> None:
        self._site = site
        self._store = store
        self._operations = operations
        self._on_retried = on_retried

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            self._site.route("/parked", self.show),
            self._site.route("/parked/retry", self.retry, method="POST"),
            self._site.route("/parked/discard", self.ask),
            self._site.route("/parked/discard", self.discard, method="POST"),
        ]

    async def show(self, request: Request, visit: Visit) -> Response:
        """List them, with what their targets said."""
        lane = filter_of(request, "lane")
        values = await to_thread.run_sync(self._parked, visit.viewer, lane, limiter=self._site.limiter)
        notice = visit.session.notice
        if visit.is_person:
            visit.session.notice = ""
        return self._site.render("parked.html", visit, notice=notice, **values)

    async def ask(self, request: Request, visit: Visit) -> Response:
        """Ask whether one shall be discarded."""
        visit.viewer.check(Action.DISCARD_DELIVERY)
        wanted = filter_of(request, "id")
        values = await to_thread.run_sync(self._one, wanted, visit.viewer, limiter=self._site.limiter)
        return self._site.render("discard.html", visit, **values)

    async def retry(self, request: Request, visit: Visit) -> Response:
        """Queue again those that the form names."""
        form = await own_form(request, visit)
        visit.session.notice = await to_thread.run_sync(self._retry, form, visit, limiter=self._site.limiter)
        return SeeOther("/parked")

    async def discard(self, request: Request, visit: Visit) -> Response:
        """End the one that the form names."""
        form = await own_form(request, visit)
        visit.viewer.check(Action.DISCARD_DELIVERY)
        visit.session.notice = await to_thread.run_sync(self._discard, form, visit, limiter=self._site.limiter)
        return SeeOther("/parked")

    def _parked(self, viewer: Viewer, lane: str) -> dict[str, Any]:
        with self._store.read() as tx:
            counts = {
                of_lane: count
                for (of_lane, state), count in sorted(tx.deliveries.count_by_state().items())
                if state == DeliveryState.PARKED and _may_see(viewer, of_lane)
            }
            lanes = [lane] if lane in counts else [] if lane else list(counts)
            found = _find(tx, lanes)
            now = tx.now
        return {
            "deliveries": [delivery_row(d, now) for d in found[:SHOWN]],
            "total": sum(counts.get(of_lane, 0) for of_lane in lanes),
            "lanes": counts,
            "lane": lane,
            "now": now,
        }

    def _one(self, wanted: str, viewer: Viewer) -> dict[str, Any]:
        with self._store.read() as tx:
            delivery = _named(tx, wanted, viewer)
            return {"delivery": delivery_row(delivery, tx.now), "now": tx.now}

    def _retry(self, form: Form, visit: Visit) -> str:
        with self._store.read() as tx:
            chosen = [_named(tx, wanted, visit.viewer) for wanted in form.get("id", [])[:SHOWN]]
        done = self._operations.retry(chosen, by=visit.actor)
        if done.queued:
            self._on_retried()
        told = [f"{len(done.queued):,} of {len(chosen):,} queued again."]
        told += [f"{len(done.superseded):,} superseded by newer changes."] if done.superseded else []
        return " ".join([*told, *(f"{error.message}." for error in done.refused[:3])])

    def _discard(self, form: Form, visit: Visit) -> str:
        with self._store.read() as tx:
            delivery = _named(tx, field_of(form, "id"), visit.viewer)
        done = self._operations.discard([delivery], by=visit.actor)
        return f"The delivery to {delivery.account} was discarded." if done.ended else "It had been settled meanwhile."


async def own_form(request: Request, visit: Visit) -> Form:
    """Read a form that a page of this very session sent.

    Raises:
        Refused: Another site, or another session's page, sent it.
        BadRequest: It cannot be read.
    """
    form = await read_form(request)
    if not is_form_token(visit.session, field_of(form, "csrf")):
        raise Refused("the form belongs to another session", reason="otherSession", hint="open the page again")
    return form


def _find(tx: Transaction, lanes: Iterable[str]) -> list[Delivery]:
    queries = (DeliveryQuery(lane=lane, state=DeliveryState.PARKED, limit=SHOWN) for lane in lanes)
    found = (delivery for query in queries for delivery in tx.deliveries.find(query))
    return sorted(found, key=lambda delivery: -delivery.sequence)


def _named(tx: Transaction, wanted: str, viewer: Viewer) -> Delivery:
    delivery = tx.deliveries.get(wanted) if _ID.fullmatch(wanted) else None
    if delivery is None or delivery.state not in UNSETTLED_STATES:
        raise NotFound("there is no such delivery any more", hint="it was settled meanwhile; look at its change")
    if not viewer.may_retry(delivery):
        raise Refused("this delivery is of an adapter that you do not administer", reason="notAdministrator")
    return delivery


def _may_see(viewer: Viewer, lane: str) -> bool:
    return viewer.is_administrator or lane in {ExternalAccount(name, "").lane for name in viewer.adapters}
