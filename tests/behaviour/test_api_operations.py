"""What an operator does over the API: retry and discard deliveries, disable, enable and reset adapters."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from controller.model.topology import Access
from controller.ports.audit import AuditQuery
from tests.doubles.api import SWITCHES, ApiBench
from tests.doubles.memory import MemoryDirectory
from tests.doubles.pipeline import OPEN_ADAPTER


class OperatorsBench(ApiBench):
    """ops administers the System, agent the adapter ldap alone, whose policy refuses every password at first."""

    directory: MemoryDirectory

    def __post_init__(self) -> None:
        super().__post_init__()
        self.system(replace(SWITCHES, administrators=("ops",)))
        access = Access(administrators=("agent",))
        self.directory = self.bench.adapter("ldap", replace(OPEN_ADAPTER, access=access), "bob")
        self.bench.map("LDAP", "bob", "bob")
        self.directory.policy = lambda _: "too short"

    def parked(self, password: str = "N-1") -> str:
        """The id of a delivery that is parked."""
        tracking_id = self.bench.windows("bob", password)
        self.bench.settle()
        (delivery,) = self.bench.deliveries(tracking_id)
        return delivery.id

    def state(self, delivery: str) -> str:
        """The state of a delivery."""
        with self.bench.store.read() as tx:
            found = tx.deliveries.get(delivery)
        assert found is not None
        return found.state.value

    def audited(self) -> list[tuple[str, str, str, str]]:
        """Who did what to what, from where; the newest last."""
        with self.bench.store.read() as tx:
            rows = [row for row in tx.audit.find(AuditQuery()) if row.principal != "tester"]
        return [(row.principal, row.action, row.object, row.origin) for row in reversed(rows)]


@pytest.fixture
def api(tmp_path: Path) -> Iterator[OperatorsBench]:
    bench = OperatorsBench(tmp_path)
    yield bench
    bench.close()


def done(api: ApiBench, path: str, by: str = "ops") -> tuple[int, Any]:
    """The status and the content of the answer to a POST."""
    answer = api.call("POST", path, by=by)
    return answer.status_code, answer.json()


def test_a_parked_delivery_is_queued_again_and_the_workers_are_woken(api: OperatorsBench) -> None:
    parked, woken = api.parked(), api.accepted
    api.directory.policy = lambda _: None

    assert done(api, f"/v1/deliveries/{parked}/retry") == (200, {"id": parked, "outcome": "queued"})

    assert api.accepted == woken + 1
    api.bench.settle()
    assert api.state(parked) == "confirmed"
    assert [e.fields["by"] for e in api.events("deliveryRetried")] == ["ops"]
    assert ("ops", "deliveries retry", parked, "127.0.0.1") in api.audited()


def test_what_cannot_be_retried_says_why(api: OperatorsBench) -> None:
    parked = api.parked()
    done(api, f"/v1/deliveries/{parked}/discard")

    status, problem = done(api, f"/v1/deliveries/{parked}/retry")
    assert (status, problem["code"]) == (422, "invalidInput")
    status, problem = done(api, f"/v1/deliveries/{parked}/discard")
    assert (status, problem["code"]) == (422, "invalidInput")
    assert done(api, "/v1/deliveries/gone/retry")[0] == 404


def test_a_delivery_whose_account_has_a_newer_password_is_superseded(api: OperatorsBench) -> None:
    parked = api.parked()
    api.directory.policy = lambda _: None
    api.bench.windows("bob", "N-2")

    status, content = done(api, f"/v1/deliveries/{parked}/retry")
    assert status == 200
    assert content["outcome"] in {"queued", "superseded"}
    api.bench.settle()
    assert api.state(parked) == "superseded"
    assert api.bench.password("adapter/ldap", "bob") == "N-2"


def test_a_delivery_is_discarded(api: OperatorsBench) -> None:
    parked = api.parked()
    assert done(api, f"/v1/deliveries/{parked}/discard") == (200, {"id": parked, "outcome": "discarded"})
    assert api.state(parked) == "expired"
    assert ("ops", "deliveries discard", parked, "127.0.0.1") in api.audited()


def test_an_adapter_is_disabled_and_enabled(api: OperatorsBench) -> None:
    switched = {"adapter": "ldap", "enabled": False, "changed": True}
    assert done(api, "/v1/adapters/ldap/disable") == (200, switched)
    assert done(api, "/v1/adapters/ldap/disable") == (200, switched | {"changed": False})
    assert done(api, "/v1/adapters/ldap/enable") == (200, switched | {"enabled": True})
    assert [e.fields["by"] for e in api.events("adapterDisabled")] == ["ops"]
    assert [e.fields["by"] for e in api.events("adapterEnabled")] == ["ops"]
    actions = [action for _, action, subject, _ in api.audited() if subject == "Adapter/ldap"]
    assert actions[-3:] == ["adapter disable", "adapter disable", "adapter enable"]
    for call in ("disable", "enable", "reset"):
        assert done(api, f"/v1/adapters/gone/{call}")[0] == 404


def test_an_adapter_is_reset(api: OperatorsBench) -> None:
    parked = api.parked()
    assert done(api, "/v1/adapters/ldap/reset") == (200, {"adapter": "ldap", "discarded": 1})
    assert api.state(parked) == "expired"
    assert [e.fields["deliveries"] for e in api.events("adapterReset")] == [1]


def test_an_adapter_s_administrator_retries_and_switches_its_own_alone(api: OperatorsBench) -> None:
    parked = api.parked()
    assert done(api, f"/v1/deliveries/{parked}/retry", "agent")[0] == 200
    assert done(api, "/v1/adapters/ldap/disable", "agent")[0] == 200
    for path in (
        f"/v1/deliveries/{parked}/discard",
        "/v1/deliveries/gone/retry",
        "/v1/adapters/ldap/reset",
        "/v1/adapters/racf/disable",
        "/v1/adapters/gone/disable",  # not even told apart
    ):
        status, problem = done(api, path, "agent")
        assert (status, problem["reason"]) == (403, "notAllowed"), path
    assert api.state(parked) == "pending"
    refused = {e.fields["action"] for e in api.events("callRefused")}
    assert refused == {"discardDelivery", "retryDelivery", "resetAdapter", "switchAdapter"}


def test_nobody_else_operates(api: OperatorsBench) -> None:
    parked = api.parked()
    for path in (f"/v1/deliveries/{parked}/retry", "/v1/adapters/ldap/disable", "/v1/adapters/ldap/reset"):
        assert done(api, path, "dc1")[0] == 403
        assert api.call("POST", path).status_code == 401
