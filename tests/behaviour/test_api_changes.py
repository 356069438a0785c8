"""What became of a change, over HTTP: who may see it, and what is shown."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.model.errors import PasswordRejected
from tests.doubles.api import EXTERNAL, WINDOWS, ApiBench

ALICE = {"account": r"CORP\alice", "password": "n3w-Passw0rd", "occurredAt": "2026-01-01T13:00:00+02:00"}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiBench]:
    bench = ApiBench(tmp_path)
    yield bench
    bench.close()


def reported(api: ApiBench) -> str:
    tracking_id: str = api.post(WINDOWS, ALICE).json()["trackingId"]
    return f"/v1/changes/{tracking_id}"


def test_an_accepted_change_is_shown_to_who_reported_it(api: ApiBench) -> None:
    location = api.post(WINDOWS, ALICE).headers["Location"]

    answer = api.call("GET", location, by="dc1")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == {
        "trackingId": location.removeprefix("/v1/changes/"),
        "account": r"CORP\alice",
        "domain": "CORP",
        "caller": "dc1",
        "state": "accepted",
        "reason": "",
        "message": "",
        "receivedAt": "2026-01-01T12:00:00Z",
        "occurredAt": "2026-01-01T11:00:00Z",
        "finishedAt": None,
        "deliveries": [],
    }


def test_a_change_that_was_delivered_shows_its_deliveries(api: ApiBench) -> None:
    location = reported(api)
    api.bench.settle()

    view = api.call("GET", location, by="dc1").json()
    (delivery,) = view["deliveries"]

    assert view["state"] == "completed"
    assert delivery.pop("id")
    assert view["deliveries"] == [
        {
            "trackingId": view["trackingId"],
            "account": "ALICE1",
            "adapter": "racf",
            "state": "confirmed",
            "attempts": 1,
            "code": "",
            "directoryCode": "",
            "message": "",
            "createdAt": "2026-01-01T12:00:00Z",
            "dueAt": "2026-01-01T12:00:00Z",
            "expiresAt": "2026-01-02T11:00:00Z",
            "settledAt": "2026-01-01T12:00:00Z",
        }
    ]


def test_a_refusal_of_the_directory_is_told_in_its_own_words(api: ApiBench) -> None:
    refusal = PasswordRejected("racf refused it", directory_code="R004128", words="too short \udc80")
    api.bench.directories["adapter/racf"].fail_next(refusal)
    location = reported(api)
    api.bench.settle()

    view = api.call("GET", location, by="dc1").json()

    assert (view["state"], view["reason"]) == ("failed", "deliveryParked")
    assert view["deliveries"][0]["state"] == "parked"
    assert view["deliveries"][0]["code"] == "passwordRejected"
    assert view["deliveries"][0]["directoryCode"] == "R004128"
    assert "too short" in view["deliveries"][0]["message"]


def test_a_change_of_an_external_account_names_its_adapter(api: ApiBench) -> None:
    location = api.post(EXTERNAL, {"account": "UNMAPPED", "password": "x"}, by="agent").headers["Location"]
    api.bench.settle()

    view = api.call("GET", location, by="agent").json()

    assert (view["account"], view["adapter"]) == ("UNMAPPED", "racf")
    assert (view["state"], view["reason"]) == ("discarded", "noMapping")
    assert view["occurredAt"] is None


def test_an_administrator_of_the_system_sees_every_change(api: ApiBench) -> None:
    assert api.call("GET", reported(api), by="ops").status_code == 200


@pytest.mark.parametrize(("other", "reason"), [("agent", "notReporter"), ("stranger", "noRole")])
def test_nobody_else_sees_it(api: ApiBench, other: str, reason: str) -> None:
    answer = api.call("GET", reported(api), by=other)

    assert (answer.status_code, answer.json()["reason"]) == (403, reason)
    assert "alice" not in answer.text


def test_without_a_token_nobody_sees_it(api: ApiBench) -> None:
    assert api.call("GET", reported(api)).status_code == 401


@pytest.mark.parametrize(
    "tracking_id", ["1b4e28ba-2fa1-11d2-883f-0016d3cca427", "x", "%00", "a%20b", "x" * 5000, "%ED%A0%80", "' or 1=1"]
)
def test_an_unknown_tracking_id_is_not_found(api: ApiBench, tracking_id: str) -> None:
    answer = api.call("GET", f"/v1/changes/{tracking_id}", by="ops")

    assert (answer.status_code, answer.json()["code"]) == (404, "notFound")


def test_nothing_sealed_and_no_fingerprint_is_ever_shown(api: ApiBench) -> None:
    location = reported(api)
    api.bench.settle()

    text = api.call("GET", location, by="ops").text

    assert "n3w-Passw0rd" not in text
    words = json.dumps(sorted(json.loads(text))).lower() + json.dumps(sorted(json.loads(text)["deliveries"][0])).lower()
    for hidden in ("password", "sealed", "fingerprint", "lease", "sequence"):
        assert hidden not in words
