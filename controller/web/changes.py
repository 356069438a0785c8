"""Reports of password changes, and what became of them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import assert_never

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.change import PasswordChange
from controller.model.delivery import Delivery
from controller.model.errors import InvalidInput, NotFound, StoreUnavailable
from controller.pipeline.intake import Caller, Report
from controller.pipeline.topology import TopologyReader
from controller.runtime.wiring import Installation
from controller.web.answer_types import AcceptedAnswer, AccountNames, ChangeAnswer, DeliveryAnswer
from controller.web.answers import JsonAnswer
from controller.web.body import ExternalReport, WindowsReport, read_body
from controller.web.calls import Answer, call
from controller.web.problem_kinds import NOT_FOUND, STOPPING
from controller.web.security import check_reader, principal_of

ACCEPTED = Answer(
    "The change is durable.", AcceptedAnswer, HTTPStatus.ACCEPTED, headers=(("Location", "Where to read it."),)
)
OF_REPORTS = ("callerNotAllowed", "adapterDisabled", "syncFromAdapterOff", "adaptersToDatabaseOff")
"""Why what an adapter reports is refused."""
TRACKING_ID = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)


class ChangesApi:
    """The calls about changes. Whatever blocks runs in a thread of *limiter*."""

    def __init__(self, installation: Installation, on_accepted: Callable[[], None], limiter: CapacityLimiter) -> None:
        self._installation = installation
        self._on_accepted = on_accepted
        self._limiter = limiter
        self._topology = TopologyReader()

    @call(
        "POST",
        "/v1/domains/{domain}/changes",
        ACCEPTED,
        body=WindowsReport,
        problems=(NOT_FOUND, STOPPING),
        reasons=("sourceNotAllowed", "sourceTypeOff", "windowsToAdaptersOff", "expired"),
    )
    async def report_windows(self, request: Request) -> JsonAnswer:
        """Accept a change that a source of a domain reports."""
        caller = await self._caller(request)
        body = await read_body(request, WindowsReport)
        account = windows_account(request.path_params["domain"], body.account)
        return await self._accept(Report(account, body.password, occurred_at=body.occurred_at), caller)

    @call(
        "POST",
        "/v1/adapters/{name}/changes",
        ACCEPTED,
        body=ExternalReport,
        problems=(NOT_FOUND, STOPPING),
        reasons=(*OF_REPORTS, "oldPasswordMissing", "expired"),
    )
    async def report_external(self, request: Request) -> JsonAnswer:
        """Accept a change that an adapter reports."""
        caller = await self._caller(request)
        body = await read_body(request, ExternalReport)
        account = external_account(request.path_params["name"], body.account)
        return await self._accept(Report(account, body.password, body.old_password, body.occurred_at), caller)

    @call(
        "GET",
        "/v1/changes/{trackingId}",
        Answer("The change and its deliveries.", ChangeAnswer),
        problems=(NOT_FOUND,),
        reasons=("notReporter",),
    )
    async def show_change(self, request: Request) -> JsonAnswer:
        """Show a change and its deliveries."""
        caller = await self._caller(request)
        tracking_id = request.path_params["trackingId"]
        view = await to_thread.run_sync(self._view, tracking_id, caller.principal, limiter=self._limiter)
        return JsonAnswer(view)

    async def _caller(self, request: Request) -> Caller:
        return Caller(await principal_of(request, self._installation.callers, self._limiter))

    async def _accept(self, report: Report, caller: Caller) -> JsonAnswer:
        """Answer 202, which is said only once the change is durable."""
        tracking_id = await to_thread.run_sync(self._take_in, report, caller, limiter=self._limiter)
        location = {"Location": f"/v1/changes/{tracking_id}"}
        return JsonAnswer({"trackingId": tracking_id}, HTTPStatus.ACCEPTED, location)

    def _take_in(self, report: Report, caller: Caller) -> str:
        try:
            tracking_id = self._installation.intake.accept(report, caller)
        except NotFound:
            # the use case's own words name all the others there are, which is no caller's business
            raise _no_such_owner(report.account) from None
        self._on_accepted()
        return tracking_id

    def _view(self, tracking_id: str, principal: str) -> ChangeAnswer:
        with self._installation.store.read() as tx:
            change = tx.changes.get(tracking_id) if TRACKING_ID.fullmatch(tracking_id) else None
            if change is None and self._is_behind():
                raise StoreUnavailable("changes accepted during an outage are still being taken over")
            if change is None:
                raise NotFound("there is no change with this tracking ID")
            check_reader(principal, change, self._topology.read(tx).system.administrators)
            return change_view(change, tx.deliveries.of_change(tracking_id))

    def _is_behind(self) -> bool:
        """Whether the change asked for may be one that was kept while the store was away."""
        replay = self._installation.replay
        return replay is not None and replay.has_backlog


def windows_account(domain: str, text: str) -> WindowsAccount:
    r"""Read the account of a report on *domain*.

    Raises:
        InvalidInput: Not ``DOMAIN\user``, or of another domain; the message never repeats the text.
    """
    try:
        account = WindowsAccount.parse(text)
    except InvalidInput as error:
        hint = error.hint
    else:
        return _of_domain(account, domain)
    raise InvalidInput("account is not an account of a Windows domain", hint=hint)


def _of_domain(account: WindowsAccount, domain: str) -> WindowsAccount:
    if account.domain != domain.upper():
        raise InvalidInput("account belongs to another domain than the one of the path")
    return account


def external_account(adapter: str, text: str) -> ExternalAccount:
    """Read the account of a report on *adapter*.

    Raises:
        InvalidInput: Empty, too long, or with characters that no account has; the message never repeats the text.
    """
    try:
        return ExternalAccount.parse(adapter, text)
    except InvalidInput as error:
        hint = error.hint
    raise InvalidInput("account is not an external account", hint=hint)


def _no_such_owner(account: Account) -> NotFound:
    kind = "domain" if isinstance(account, WindowsAccount) else "adapter"
    return NotFound(f"there is no {kind} of the name in the path", hint=f"apply a manifest that declares the {kind}")


def change_view(change: PasswordChange, deliveries: list[Delivery]) -> ChangeAnswer:
    """A change and its deliveries as JSON, without anything sealed."""
    return {
        "trackingId": change.tracking_id,
        **_account_view(change.account),
        "state": change.state,
        "reason": change.reason,
        "message": change.message,
        "receivedAt": rfc3339(change.received_at),
        "occurredAt": None if change.occurred_at is None else rfc3339(change.occurred_at),
        "deliveries": [_delivery_view(delivery) for delivery in deliveries],
    }


def _delivery_view(delivery: Delivery) -> DeliveryAnswer:
    return {
        **_account_view(delivery.account),
        "state": delivery.state,
        "attempts": delivery.attempts,
        "code": delivery.code,
        "directoryCode": delivery.directory_code,
        "message": delivery.message,
    }


def _account_view(account: Account) -> AccountNames:
    match account:
        case WindowsAccount(domain=domain):
            return {"account": str(account), "domain": domain}
        case ExternalAccount(adapter=adapter, name=name):
            return {"account": name, "adapter": adapter}
        case _:
            assert_never(account)


def rfc3339(instant: datetime) -> str:
    """A time as the API writes it, in UTC."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
