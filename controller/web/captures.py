"""Reports whose password was sealed where it was captured: agents keep what they cannot read."""

from datetime import datetime

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

from controller.model.accounts import Account, WindowsAccount
from controller.model.errors import Refused, SealBroken
from controller.model.secret import Secret
from controller.pipeline.intake import Report
from controller.runtime.wiring import Installation
from controller.web.answers import JsonAnswer
from controller.web.body import CapturedExternalReport, CapturedWindowsReport, read_body
from controller.web.calls import call
from controller.web.changes import ACCEPTED, OF_REPORTS, ChangesApi, external_account, windows_account
from controller.web.problem_kinds import NOT_FOUND, STOPPING, TOO_MANY_REPORTS

SEAL_BROKEN = "sealBroken"


class CapturesApi:
    """The calls that report changes of sealed passwords. They are opened, and then taken in as any other report."""

    def __init__(self, installation: Installation, changes: ChangesApi, limiter: CapacityLimiter) -> None:
        self._installation = installation
        self._changes = changes
        self._limiter = limiter

    @call(
        "POST",
        "/v1/domains/{domain}/captures",
        ACCEPTED,
        body=CapturedWindowsReport,
        problems=(NOT_FOUND, TOO_MANY_REPORTS, STOPPING),
        reasons=("sourceNotAllowed", "sourceTypeOff", "windowsToAdaptersOff", "expired", SEAL_BROKEN),
    )
    async def report_windows_capture(self, request: Request) -> JsonAnswer:
        """Accept a change that an agent of a domain has captured and sealed."""
        caller = await self._changes.caller(request)
        body = await read_body(request, CapturedWindowsReport)
        account = windows_account(request.path_params["domain"], body.account)
        password = await self._open(body.sealed_password, _as_spelt(account, body.account), body.occurred_at)
        return await self._changes.accept(Report(account, password, occurred_at=body.occurred_at), caller)

    @call(
        "POST",
        "/v1/adapters/{name}/captures",
        ACCEPTED,
        body=CapturedExternalReport,
        problems=(NOT_FOUND, TOO_MANY_REPORTS, STOPPING),
        reasons=(*OF_REPORTS, "oldPasswordMissing", "expired", SEAL_BROKEN),
    )
    async def report_external_capture(self, request: Request) -> JsonAnswer:
        """Accept a change that an agent of an adapter's system has captured and sealed."""
        caller = await self._changes.caller(request)
        body = await read_body(request, CapturedExternalReport)
        account = external_account(request.path_params["name"], body.account)
        password = await self._open(body.sealed_password, account, body.occurred_at)
        return await self._changes.accept(Report(account, password, occurred_at=body.occurred_at), caller)

    async def _open(self, sealed: bytes, account: Account, occurred_at: datetime) -> Secret:
        """Open a password.

        Raises:
            Refused: It was sealed with another key, or for another account or time.
        """
        opening = self._installation.sealer.open_captured
        try:
            return await to_thread.run_sync(opening, sealed, account, occurred_at, limiter=self._limiter)
        except SealBroken as error:
            problem = Refused(error.message, reason=SEAL_BROKEN, hint=error.hint)
        raise problem


def _as_spelt(account: WindowsAccount, text: str) -> WindowsAccount:
    """An account as its source spells it: the seal is bound to that, and folding case is the controller's business."""
    return WindowsAccount(account.domain, text.partition("\\")[2])
