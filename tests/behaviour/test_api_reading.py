"""What is in the store, over HTTP: lists with filters and pages, in the shape that the commands print."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from controller.model.topology import Adapter, ConnectorSpec, Kind
from controller.views.status import picture_view, read_picture
from tests.doubles.api import EXTERNAL, WINDOWS, ApiBench

PASSWORD = "n3w-Passw0rd"


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiBench]:
    bench = ApiBench(tmp_path)
    yield bench
    bench.close()


@pytest.fixture
def busy(api: ApiBench) -> ApiBench:
    """Changes of alice, of bob, and of an external account; all delivered or discarded."""
    for account in (r"CORP\alice", r"CORP\bob"):
        api.post(WINDOWS, {"account": account, "password": PASSWORD})
    api.post(EXTERNAL, {"account": "NOBODY", "password": PASSWORD}, by="agent")
    api.bench.settle()
    return api


def items(api: ApiBench, path: str, by: str = "ops") -> list[dict[str, Any]]:
    """The items of a list that fits on one page."""
    answer = api.call("GET", path, by=by)
    assert answer.status_code == 200, answer.text
    view = answer.json()
    assert view["next"] is None
    found: list[dict[str, Any]] = view["items"]
    return found


def all_pages(api: ApiBench, path: str, limit: int) -> list[dict[str, Any]]:
    """The items of all pages."""
    found: list[dict[str, Any]] = []
    following: str | None = ""
    while following is not None:
        cursor = f"&cursor={following}" if following else ""
        view = api.call("GET", f"{path}?limit={limit}{cursor}", by="ops").json()
        assert len(view["items"]) <= limit
        found += view["items"]
        following = view["next"]
    return found


def test_changes_are_listed_newest_first(busy: ApiBench) -> None:
    assert [c["account"] for c in items(busy, "/v1/changes")] == ["NOBODY", r"CORP\bob", r"CORP\alice"]
    assert [c["account"] for c in items(busy, "/v1/changes?state=completed")] == [r"CORP\alice"]
    assert [c["account"] for c in items(busy, "/v1/changes?adapter=racf")] == ["NOBODY"]
    assert [c["account"] for c in items(busy, "/v1/changes?account=corp%5CBOB")] == [r"CORP\bob"]
    assert items(busy, "/v1/changes?since=2026-01-01T12:00:00.000001Z") == []


def test_a_change_has_the_same_shape_alone_and_in_a_list(busy: ApiBench) -> None:
    listed = items(busy, "/v1/changes?state=completed")[0]
    alone = busy.call("GET", f"/v1/changes/{listed['trackingId']}", by="ops").json()

    assert listed | {"deliveries": alone["deliveries"]} == alone
    assert items(busy, f"/v1/deliveries?trackingId={listed['trackingId']}") == alone["deliveries"]


def test_whoever_reports_sees_its_own_changes_and_no_others(busy: ApiBench) -> None:
    assert [c["caller"] for c in items(busy, "/v1/changes", by="dc1")] == ["dc1", "dc1"]
    assert [c["account"] for c in items(busy, "/v1/changes", by="agent")] == ["NOBODY"]


def test_deliveries_are_listed_newest_first(busy: ApiBench) -> None:
    (delivery,) = items(busy, "/v1/deliveries")
    assert (delivery["account"], delivery["adapter"], delivery["state"]) == ("ALICE1", "racf", "confirmed")
    for query in ("state=parked", "adapter=strict", "account=BOB1", "since=2026-01-01T12:00:01Z", "trackingId=x"):
        assert items(busy, f"/v1/deliveries?{query}") == []
    for query in ("state=confirmed", "adapter=racf", "account=ALICE1", "account=racf:ALICE1"):
        assert items(busy, f"/v1/deliveries?{query}") == [delivery]


def test_events_are_listed_newest_first(busy: ApiBench) -> None:
    sequences = [e["sequence"] for e in items(busy, "/v1/events")]
    assert sequences == sorted(sequences, reverse=True)
    assert [e["account"] for e in items(busy, "/v1/events?name=deliveryConfirmed")] == ["ALICE1"]
    assert {e["adapter"] for e in items(busy, "/v1/events?adapter=racf")} == {"racf"}
    assert items(busy, "/v1/events?level=error") == []
    tracking_id = items(busy, "/v1/changes?adapter=racf")[0]["trackingId"]
    names = [e["name"] for e in items(busy, f"/v1/events?trackingId={tracking_id}")]
    assert names == ["changeDiscarded", "externalChangeAccepted"]


@pytest.mark.parametrize("path", ["/v1/changes", "/v1/events", "/v1/objects/adapters", "/v1/objects/mappings"])
def test_pages_together_are_the_whole_list(busy: ApiBench, path: str) -> None:
    for number in range(5):
        busy.bench.map("RACF", f"user{number}", f"U{number}")
    whole = items(busy, path)
    assert len(whole) > 1
    for limit in (1, 2, len(whole)):
        assert all_pages(busy, path, limit) == whole


def test_a_page_goes_on_where_it_ended_though_newer_ones_came(busy: ApiBench) -> None:
    first = busy.call("GET", "/v1/changes?limit=1", by="ops").json()
    busy.post(WINDOWS, {"account": r"CORP\carol", "password": PASSWORD})
    second = busy.call("GET", f"/v1/changes?limit=1&cursor={first['next']}", by="ops").json()

    assert [c["account"] for c in (*first["items"], *second["items"])] == ["NOBODY", r"CORP\bob"]


def test_the_status_is_that_of_the_command(busy: ApiBench) -> None:
    answer = busy.call("GET", "/v1/status", by="ops").json()

    installation = busy.installation
    assert answer == picture_view(read_picture(installation.store, None, installation.settings.replay_dir))
    assert (answer["sync"], answer["changes"]) == (None, {"completed": 1, "discarded": 2})
    assert {o["name"] for o in answer["objects"]} >= {"racf", "RACF", "CORP", "default"}


def test_objects_are_told_as_manifests_with_their_status(api: ApiBench) -> None:
    answer = api.call("GET", "/v1/objects/applications/RACF", by="ops").json()

    assert answer == {
        "apiVersion": "pwsync/v1",
        "kind": "Application",
        "metadata": {"name": "RACF"},
        "spec": {"adapter": "racf"},
        "status": {"generation": 1, "updatedAt": "2026-01-01T12:00:00Z", "hasDrifted": False, "revision": ""},
    }
    assert items(api, "/v1/objects/Application?adapter=racf") == [answer]
    assert [o["metadata"]["name"] for o in items(api, "/v1/objects/adapter")] == ["racf", "strict"]


def test_mappings_are_found_by_adapter_and_by_account(api: ApiBench) -> None:
    api.bench.map("STRICT", "bob", "BOB/1")
    bob = {
        "apiVersion": "pwsync/v1",
        "kind": "Mapping",
        "spec": {"application": "STRICT", "windowsAccount": r"CORP\bob", "externalAccount": "BOB/1"},
        "origin": "",
    }
    for query in ("adapter=strict", "account=corp%5CBob", "account=BOB/1", "account=BOB/1&adapter=strict"):
        assert items(api, f"/v1/objects/mappings?{query}") == [bob]
    assert items(api, "/v1/objects/mappings?adapter=none") == []
    for name in (r"STRICT/CORP\bob", r"STRICT/CORP\bob/BOB/1"):
        assert api.call("GET", f"/v1/objects/mappings/{quote(name)}", by="ops").json() == bob
        assert api.call("GET", f"/v1/objects/mappings/{quote(name, safe='')}", by="ops").json() == bob


def test_a_name_of_several_mappings_asks_for_the_external_account(api: ApiBench) -> None:
    api.bench.map("RACF", "alice", "ALICE2")
    answer = api.call("GET", "/v1/objects/mappings/RACF/CORP%5Calice", by="ops")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalidInput")
    assert "alice" not in answer.text


@pytest.mark.parametrize(
    "path",
    ["gadgets", "mappingsets", "changes", "adapters/none", "adapters/%00", "mappings/x", "adapters/", "mappings/a/b/c"],
)
def test_what_is_not_there_is_not_found(api: ApiBench, path: str) -> None:
    answer = api.call("GET", f"/v1/objects/{path}", by="ops")

    assert (answer.status_code, answer.json()["code"]) == (404, "notFound")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/changes?trackingId=x",
        "/v1/changes?state=parked",
        "/v1/changes?limit=0",
        "/v1/deliveries?state=accepted",
        "/v1/deliveries?cursor=x",
        "/v1/events?name=nothing",
        "/v1/events?level=fatal",
        "/v1/events?since=yesterday",
        "/v1/status?limit=1",
        "/v1/objects/adapters?account=x",
        "/v1/objects/adapters/racf?limit=1",
        "/v1/objects/mappings?cursor=WyJjaGFuZ2VzIiw3XQ",
    ],
)
def test_a_question_that_makes_no_sense_is_refused(api: ApiBench, path: str) -> None:
    answer = api.call("GET", path, by="ops")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalidInput")


def test_nothing_that_is_read_holds_anything_sealed(busy: ApiBench) -> None:
    api = busy
    api.bench.put(Kind.ADAPTER, "hook", Adapter(ConnectorSpec("memory", {"bind": {"passwordFrom": {"env": "X"}}})))
    paths = ["/v1/changes", "/v1/deliveries", "/v1/events", "/v1/status"]
    kinds = ("systems", "domains", "passwordfilters", "adaptergroups", "adapters", "applications", "mappings")
    for path in (*paths, *(f"/v1/objects/{kind}" for kind in kinds)):
        text = api.call("GET", path, by="ops").text
        assert PASSWORD not in text
        keys = json.dumps(sorted(_keys(json.loads(text)))).lower()
        for hidden in ("sealed", "fingerprint", "lease", '"password"', "digest"):
            assert hidden not in keys


def _keys(value: object) -> set[str]:
    match value:
        case dict():
            return set(value) | {key for inner in value.values() for key in _keys(inner)}
        case list():
            return {key for inner in value for key in _keys(inner)}
        case _:
            return set()


def guess(api: ApiBench, password: str, body: dict[str, str]) -> tuple[str, str]:
    """What agent is told of a report of ALICE1 with a guessed password: state and reason, alone and in the list."""
    answer = api.post(EXTERNAL, {"account": "ALICE1", "password": password} | body, by="agent")
    tracking_id = answer.json()["trackingId"]
    api.bench.settle()
    alone = api.call("GET", f"/v1/changes/{tracking_id}", by="agent").json()
    assert items(api, "/v1/changes", by="agent")[0] | {"deliveries": []} == alone
    return alone["state"], alone["reason"]


def test_a_reporter_cannot_find_out_which_password_is_in_force_by_reports_of_the_past(busy: ApiBench) -> None:
    busy.bench.wait(timedelta(minutes=30))
    past = {"occurredAt": "2026-01-01T11:00:00Z"}

    told = [guess(busy, password, past) for password in ("Wr0ng-guess", PASSWORD, "An0ther-guess")]

    assert told == [("discarded", "notNew")] * 3
    reasons = [change["reason"] for change in items(busy, "/v1/changes?account=ALICE1")]
    assert reasons == ["stale", "damped", "stale"]  # so administrators are told
    assert busy.bench.directories["adapter/racf"].accounts["ALICE1"] == PASSWORD


def test_a_reporter_cannot_find_out_the_password_of_an_account_that_nothing_is_taken_from(busy: ApiBench) -> None:
    busy.bench.map("RACF", "alice", "ALICE1", enabled=False)

    assert [guess(busy, password, {}) for password in ("Wr0ng-guess", PASSWORD)] == [("discarded", "noTarget")] * 2
