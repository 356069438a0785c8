"""Credential look-up over the API."""

import math
from datetime import timedelta

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

from controller.model.actor import Actor
from controller.model.errors import SealBroken
from controller.pipeline.lookups import FoundCredential
from controller.ports.clock import Clock
from controller.runtime.wiring import Installation
from controller.views.records import instant
from controller.web.answer_types import CredentialAnswer
from controller.web.answers import JsonAnswer
from controller.web.calls import Answer, call
from controller.web.problem import Problem
from controller.web.problem_kinds import INVALID_INPUT, NOT_FOUND, SEAL_BROKEN, TOO_MANY_LOOKUPS
from controller.web.rate import NO_WAIT, Rates
from controller.web.security import origin_of, principal_of


class LookUpsApi:
    """The call by which an application reads its stored credentials. What blocks runs in a thread of *limiter*."""

    def __init__(self, installation: Installation, limiter: CapacityLimiter, clock: Clock) -> None:
        self._installation = installation
        self._limiter = limiter
        self._clock = clock
        self._rates = Rates()

    @call(
        "GET",
        "/v1/credentials/{application}/{account:path}",
        Answer("The stored fields, in clear.", CredentialAnswer),
        problems=(NOT_FOUND, INVALID_INPUT, TOO_MANY_LOOKUPS, SEAL_BROKEN),
        reasons=("applicationDisabled", "mappingDisabled", "notAnApplicationUser", "applicationUsersUnknown"),
        answers_head=False,  # a look-up without its answer would only fill the audit
    )
    async def look_up(self, request: Request) -> JsonAnswer:
        """Show the stored fields of an account, in clear, to whom its application names."""
        principal = await principal_of(request, self._installation.callers, self._limiter)
        by = Actor(principal, origin_of(request))
        wait = await to_thread.run_sync(self._taken, by, limiter=self._limiter)
        if wait > NO_WAIT:
            return _too_many(wait).answer()
        application, account = (request.path_params[name] for name in ("application", "account"))
        try:
            found = await to_thread.run_sync(self._look_up, application, account, by, limiter=self._limiter)
        except SealBroken:
            return _UNREADABLE.answer()
        return JsonAnswer(_view(found))

    def _taken(self, by: Actor) -> timedelta:
        wait = self._rates.take(by.principal, self._installation.lookups.limit(), self._clock())
        if wait > NO_WAIT:
            self._installation.lookups.note_limited(by=by)
        return wait

    def _look_up(self, application: str, account: str, by: Actor) -> FoundCredential:
        return self._installation.lookups.look_up(application, account, by=by)


_UNREADABLE = Problem(
    SEAL_BROKEN,
    "the controller lacks the key that it was sealed with, or it was altered",
    hint="'pwsync credentials show --reveal' tells more; set the credential again",
)


def _too_many(wait: timedelta) -> Problem:
    return Problem(
        TOO_MANY_LOOKUPS,
        "this principal has looked up credentials too often",
        hint="try again after Retry-After; spec.credentialLookups of the System manifest says how often",
        headers={"Retry-After": str(math.ceil(wait.total_seconds()))},
    )


def _view(found: FoundCredential) -> CredentialAnswer:
    """A credential as JSON: with notifications of remote adapters, the answers of the API that hold a password."""
    return {
        "application": found.mapping.application,
        "windowsAccount": str(found.mapping.windows),
        "externalAccount": found.mapping.external,
        "fields": [
            {"label": field.label, "value": field.value.reveal(), "masked": field.is_masked} for field in found.fields
        ],
        "expiredAt": instant(found.expired_at),
    }
