"""The API does what its description says: schemathesis sends what the document allows, and what it does not.

``tests/benchmarks/conformance`` sends many more.
"""

import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import schemathesis
from schemathesis import Case, HookContext
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.engine import events, from_schema
from schemathesis.generation import GenerationMode

from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.web.app import all_calls
from tests.doubles.conformance import (
    APPLICATION_NAME,
    LOCAL_NAME,
    REMOTE_NAME,
    SPARE_NAME,
    OpenInstallation,
    open_installation_at,
)

FEW = 2
EXAMPLES = int(os.environ.get("PWSYNC_CONFORMANCE", str(FEW)))
"""Of each call and kind of data, beside those at the limits of each field, which are always sent."""
OF_REMOTE_ADAPTERS = ("/session", "/notifications", "/complete", "/status")
OF_OPERATORS = ("/disable", "/enable", "/reset")
NO_SESSION = ["400", "401", "403", "406", "409", "415", "422"]
"""A call without its session is one in the wrong state (behaviour Q7): 409."""


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[OpenInstallation]:
    """An installation whose names and sessions the generated requests use where they have none of their own."""

    def use_real_names(_: HookContext, case: Case[Any], __: dict[str, Any]) -> None:
        Fitting(made, case).fit()

    with open_installation_at(tmp_path) as made:
        schemathesis.hook("before_call")(use_real_names)
        try:
            yield made
        finally:
            schemathesis.hooks.GLOBAL_HOOK_DISPATCHER.unregister(use_real_names)


class Fitting:
    """Puts what exists into one generated request, where the generator was not to put in something wrong."""

    def __init__(self, installation: OpenInstallation, case: Case[Any]) -> None:
        self._installation = installation
        self._case = case

    def fit(self) -> None:
        """Change the request."""
        if self._is_good(ParameterLocation.PATH):
            self._fit_path(self._case.path_parameters)
        body = self._case.body
        is_good = self._is_good(ParameterLocation.BODY) and self._is_good(ParameterLocation.PATH)
        if is_good and isinstance(body, dict) and self._case.path.endswith("/captures"):
            self._fit_seal(body)
        if self._is_good(ParameterLocation.QUERY):
            self._fit_query(self._case.query)
        if self._is_good(ParameterLocation.HEADER) and "Pwsync-Session" in self._case.headers:
            self._case.headers["Pwsync-Session"] = self._installation.session()

    def _fit_path(self, path: dict[str, Any]) -> None:
        operation = self._case.path
        if operation.endswith("/notifications"):
            self._installation.offer()
        if "name" in path:
            spare_or_local = SPARE_NAME if operation.endswith(OF_OPERATORS) else LOCAL_NAME
            path["name"] = REMOTE_NAME if operation.endswith(OF_REMOTE_ADAPTERS) else spare_or_local
        if "delivery" in path:
            path["delivery"] = self._installation.delivery(is_parked=operation.endswith("/retry"))
        if "kind" in path:
            path.update(kind="adapters", **({"name": LOCAL_NAME} if "name" in path else {}))
        if "application" in path:
            path.update(application=APPLICATION_NAME, account="ALICE1")
        if "domain" in path:
            path["domain"] = self._domain()
        if operation.endswith("/complete") and self._is_good(ParameterLocation.BODY):
            path["trackingId"] = self._installation.notification()
        elif operation.endswith("/changes/{trackingId}"):
            path["trackingId"] = self._installation.change()

    def _fit_seal(self, body: dict[str, Any]) -> None:
        """Put in a password that opens for this account and time: what OpenAPI cannot say."""
        path = self._case.path_parameters
        account: Account = (
            WindowsAccount.parse(body["account"])
            if "domain" in path
            else ExternalAccount.parse(path["name"], body["account"])
        )
        now = datetime.now(UTC)
        body.update(sealedPassword=self._installation.sealed(account, now), occurredAt=now.isoformat())

    def _fit_query(self, query: dict[str, Any]) -> None:
        query.pop("cursor", None)  # only an answer can tell a good one
        if "kind" in self._case.path_parameters and query.keys() & {"adapter", "account"}:
            self._case.path_parameters["kind"] = "mappings"  # others have no such filters

    def _domain(self) -> str:
        """That of the account: what OpenAPI cannot say."""
        body = self._case.body
        if self._is_good(ParameterLocation.BODY) and isinstance(body, dict) and "account" in body:
            return quote(str(body["account"]).partition("\\")[0], safe="")
        return "CORP"

    def _is_good(self, where: ParameterLocation) -> bool:
        found = self._case.meta.components.get(where) if self._case.meta else None
        return found is None or found.mode is GenerationMode.POSITIVE


@pytest.mark.timeout(600 if EXAMPLES == FEW else 0)  # as long as was asked for
def test_the_api_does_what_its_description_says(installation: OpenInstallation) -> None:
    config = SchemathesisConfig.from_dict(
        {
            "auth": {"openapi": {"bearerToken": {"bearer": installation.token}}},
            "continue-on-failure": True,
            "generation": {"max-examples": EXAMPLES, "no-shrink": True, "deterministic": EXAMPLES == FEW},
            "checks": {"missing_required_header": {"expected-statuses": NO_SESSION}},
            "phases": {"stateful": {"enabled": False}},
        }
    )
    schema = schemathesis.openapi.from_asgi("/openapi.json", installation.service(), config=config)
    schema.validate()
    violations: list[str] = []
    answers: Counter[tuple[str, int]] = Counter()

    for event in from_schema(schema).execute():
        assert not isinstance(event, events.NonFatalError | events.FatalError), event
        if isinstance(event, events.ScenarioFinished):
            violations += violations_in(event)
            answers.update(answers_in(event))

    assert violations == []
    succeeded = {label for label, status in answers if status < 300}
    assert succeeded == {f"{made.method} {made.path}" for made in all_calls()} - {"GET /openapi.json"}  # read already


def violations_in(event: events.ScenarioFinished) -> Iterator[str]:
    """What was not as the document says, with the request that shows it."""
    for case_id, checks in event.recorder.checks.items():
        for check in checks:
            if check.failure_info is not None:
                failure = check.failure_info.failure
                command = event.recorder.cases[case_id].value.as_curl_command()
                yield f"{check.name}: {failure.title}: {failure.message}\n{command}"


def answers_in(event: events.ScenarioFinished) -> Iterator[tuple[str, int]]:
    """Calls and the statuses of their answers."""
    for case_id, interaction in event.recorder.interactions.items():
        if interaction.response is not None:
            yield event.recorder.cases[case_id].value.operation.label, interaction.response.status_code
