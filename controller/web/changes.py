"""Reports of password changes."""

import re
from collections.abc import Callable
from http import HTTPStatus

from anyio import CapacityLimiter
from starlette.requests import Request

from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.errors import InvalidInput, NotFound
from controller.pipeline.intake import Caller, Report
from controller.runtime.wiring import Installation
from controller.web.answer_types import AcceptedAnswer
from controller.web.answers import JsonAnswer
from controller.web.body import ExternalReport, WindowsReport, read_body
from controller.web.calls import Answer, call
from controller.web.gathering import GatheredIntake
from controller.web.problem_kinds import NOT_FOUND, STOPPING, TOO_MANY_REPORTS
from controller.web.security import principal_of

ACCEPTED = Answer(
    "The change is durable.", AcceptedAnswer, HTTPStatus.ACCEPTED, headers=(("Location", "Where to read it."),)
)
OF_REPORTS = ("callerNotAllowed", "adapterDisabled", "groupAdapter", "syncFromAdapterOff", "adaptersToDatabaseOff")
"""Why what an adapter reports is refused."""
TRACKING_ID = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)


class ChangesApi:
    """The calls that report changes. Whatever blocks runs in a thread of *limiter*."""

    def __init__(self, installation: Installation, on_accepted: Callable[[], None], limiter: CapacityLimiter) -> None:
        self._installation = installation
        self._intake = GatheredIntake(installation.intake, on_accepted, limiter)
        self._limiter = limiter

    @call(
        "POST",
        "/v1/domains/{domain}/changes",
        ACCEPTED,
        body=WindowsReport,
        problems=(NOT_FOUND, TOO_MANY_REPORTS, STOPPING),
        reasons=("sourceNotAllowed", "sourceTypeOff", "windowsToAdaptersOff", "expired"),
    )
    async def report_windows(self, request: Request) -> JsonAnswer:
        """Accept a change that a source of a domain reports."""
        caller = await self.caller(request)
        body = await read_body(request, WindowsReport)
        account = windows_account(request.path_params["domain"], body.account)
        return await self.accept(Report(account, body.password, occurred_at=body.occurred_at), caller)

    @call(
        "POST",
        "/v1/adapters/{name}/changes",
        ACCEPTED,
        body=ExternalReport,
        problems=(NOT_FOUND, TOO_MANY_REPORTS, STOPPING),
        reasons=(*OF_REPORTS, "oldPasswordMissing", "expired"),
    )
    async def report_external(self, request: Request) -> JsonAnswer:
        """Accept a change that an adapter reports."""
        caller = await self.caller(request)
        body = await read_body(request, ExternalReport)
        account = external_account(request.path_params["name"], body.account)
        return await self.accept(Report(account, body.password, body.old_password, body.occurred_at), caller)

    async def caller(self, request: Request) -> Caller:
        """Who reports."""
        return Caller(await principal_of(request, self._installation.callers, self._limiter))

    async def accept(self, report: Report, caller: Caller) -> JsonAnswer:
        """Answer 202, which is said only once the change is durable."""
        try:
            tracking_id = await self._intake.accept(report, caller)
        except NotFound:
            # the use case's own words name all the others there are, which is no caller's business
            raise _no_such_owner(report.account) from None
        location = {"Location": f"/v1/changes/{tracking_id}"}
        return JsonAnswer({"trackingId": tracking_id}, HTTPStatus.ACCEPTED, location)


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
