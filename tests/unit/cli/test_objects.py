"""Objects as the commands get, describe, status and schema show them."""

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from controller.ports.lanes import LaneStatus
from controller.replay.frames import frame
from controller.replay.heading import MARK, SIZE
from controller.store.opening import open_store
from tests.unit.cli.console import Console

NOTHING = "Nothing to do: the actual state is as declared.\n"


def test_kinds_are_understood_in_any_case_and_number(applied: Console) -> None:
    for word in ("adapter", "Adapters", "ADAPTER"):
        assert "wiki      sql" in applied.expect(0, "get", word).out
    table = applied.expect(0, "get", "passwordFilters").out
    assert table == "NAME        RULES\nwiki-login  2\n"
    assert "no  " in applied.expect(0, "get", "system").out
    assert "dc1" in applied.expect(0, "get", "domains").out
    store = f"SQLite database {applied.folder / '.pwsync' / 'pwsync.db'}"
    assert applied.expect(0, "get", "adaptergroups").err == f"There are no adaptergroups yet in {store}.\n"


def test_what_is_shown_as_yaml_can_be_applied_again(applied: Console) -> None:
    kinds = ("systems", "domains", "passwordfilters", "adapters", "applications", "mappings")
    text = "".join(applied.expect(0, "get", kind, "-o", "yaml").out for kind in kinds)
    assert applied.expect(0, "plan", "-", stdin=text).out == NOTHING


def test_one_object_is_the_whole_json_and_a_list_has_items(applied: Console) -> None:
    wiki = json.loads(applied.expect(0, "get", "adapter", "wiki", "-o", "json").out)
    assert wiki["spec"]["filter"] == "wiki-login"
    assert wiki["status"]["generation"] == 1
    assert wiki["status"]["hasDrifted"] is False
    items = json.loads(applied.expect(0, "get", "applications", "--adapter", "wiki", "-o", "json").out)["items"]
    assert [item["metadata"]["name"] for item in items] == ["WIKI"]


def test_mappings_are_found_by_either_account_and_by_adapter(applied: Console) -> None:
    def externals(*filters: str) -> list[str]:
        listed = json.loads(applied.expect(0, "get", "mappings", "-o", "json", *filters).out)["items"]
        return [item["spec"]["externalAccount"] for item in listed]

    assert externals("--account", "corp\\ALICE") == ["alice", "alice.smith"]
    assert externals("--account", "d.miller") == ["d.miller"]
    assert externals("--adapter", "wiki") == ["alice.smith", "bob.jones"]
    assert externals("--account", "CORP\\bob", "--adapter", "wiki") == ["bob.jones"]
    assert externals("--limit", "3") == ["alice", "bob", "carol"]
    assert externals("--account", "nobody") == []


def test_a_cut_list_says_so(applied: Console) -> None:
    cut = applied.expect(0, "get", "mappings", "--limit", "2")
    assert len(cut.out.splitlines()) == 3
    assert "--limit changes that" in cut.err


def test_mapping_sets_are_shown_as_far_as_their_mappings_tell(applied: Console) -> None:
    assert "intranet-staff  INTRANET     CORP    5" in applied.expect(0, "get", "mappingsets").out
    shown = json.loads(applied.expect(0, "get", "mappingset", "intranet-staff", "-o", "json").out)
    assert shown["spec"]["mappings"][0] == {"windows": "alice", "external": "alice"}
    assert "there is no MappingSet x" in applied.expect(1, "get", "mappingset", "x").err
    assert "MappingSet intranet-staff" in applied.expect(0, "describe", "mappingset", "intranet-staff").out


def test_describe_tells_all_about_an_object(applied: Console) -> None:
    text = applied.expect(0, "describe", "adapter", "wiki").out
    for words in ("Adapter wiki", "Generation:  1", "Drift:       no", "Sync:        Synced", "Health:      Healthy"):
        assert words in text
    assert "deliveryConfirmed  alice.smith" in text
    view = json.loads(applied.expect(0, "describe", "adapter", "wiki", "-o", "json").out)
    assert view["manifest"]["metadata"]["name"] == "wiki"
    assert {condition["type"] for condition in view["status"]["conditions"]} == {
        "Synced",
        "Healthy",
        "Drifted",
        "Stalled",
        "Ready",
    }
    assert view["events"][0]["adapter"] == "wiki"


def test_describe_tells_all_about_a_mapping(applied: Console) -> None:
    assert "Sync:        Synced" in applied.expect(0, "describe", "mapping", "WIKI/CORP\\alice").out
    applied.write(
        "manifests/wiki.yaml", (applied.folder / "manifests/wiki.yaml").read_text().replace("alice.s", "al.s")
    )
    assert "Sync:        OutOfSync" in applied.expect(0, "describe", "mapping", "WIKI/CORP\\alice").out


def test_status_shows_what_waits_in_replay_files(applied: Console) -> None:
    folder = applied.folder / ".pwsync" / "replay"
    assert json.loads(applied.expect(0, "status", "-o", "json").out)["replay"] == {"waiting": 0, "setAside": []}
    folder.mkdir(mode=0o700)
    waiting = folder / f"{1:012d}-{'0' * 16}.replay"
    waiting.touch(0o600)
    waiting.write_bytes(MARK.ljust(SIZE) + frame(b"sealed"))
    (folder / f"{waiting.name}.damaged").touch(0o600)
    found = json.loads(applied.expect(0, "status", "-o", "json").out)["replay"]
    assert found == {"waiting": 1, "setAside": [f"{waiting.name}.damaged"]}
    text = applied.expect(0, "status").out
    assert "not taken over yet: 1" in text
    assert "Replay file set aside: 0000" in text


def test_status_shows_which_targets_are_away(applied: Console) -> None:
    assert json.loads(applied.expect(0, "status", "-o", "json").out)["offline"] == []
    away = LaneStatus("adapter/wiki", False, datetime(2026, 7, 1, 12, tzinfo=UTC), "unavailable", "refused")
    with closing(open_store(f"sqlite:///{applied.folder / '.pwsync/pwsync.db'}")) as store, store.write() as tx:
        tx.lanes.put(away)
        tx.lanes.put(replace(away, lane="domain/CORP", is_online=True))
    view = {"lane": "adapter/wiki", "since": "2026-07-01T12:00:00Z", "code": "unavailable", "message": "refused"}
    assert json.loads(applied.expect(0, "status", "-o", "json").out)["offline"] == [view]
    text = applied.expect(0, "status").out
    assert "Offline: adapter/wiki since 2026-07-01 12:00:00Z: unavailable: refused" in text
    assert "Degraded" in text


def test_without_manifests_sync_is_unknown_and_health_is_not(applied: Console) -> None:
    (applied.folder / "manifests").rename(applied.folder / "elsewhere")
    status = json.loads(applied.expect(0, "status", "-o", "json").out)
    assert status["sync"] is None
    assert {o["sync"] for o in status["objects"]} == {None}
    assert {o["health"] for o in status["objects"]} == {"Healthy"}
    text = applied.expect(0, "status").out
    assert "System/default             ?     Healthy" in text
    assert "name the manifests" in text
    assert "unknown" in applied.expect(0, "describe", "domain", "CORP").out
    assert json.loads(applied.expect(0, "status", "elsewhere", "-o", "json").out)["sync"] == "Synced"
    assert "Synced" in applied.expect(0, "describe", "domain", "CORP", "--manifests", "elsewhere").out
    mapping = applied.expect(0, "describe", "mapping", "WIKI/CORP\\alice", "-o", "json").out
    assert json.loads(mapping)["status"] == {"origin": "Mapping/alice-wiki", "sync": None, "expiredAt": None}


def test_status_of_nothing_is_no_error(console: Console) -> None:
    missing = f"SQLite database {console.folder / '.pwsync' / 'pwsync.db'}, which does not exist yet"
    assert console.expect(0, "status").out == f"Nothing has been applied yet to {missing}.\n"
    console.write("group.yaml", "apiVersion: pwsync/v1\nkind: AdapterGroup\nmetadata: {name: one}\n")
    assert console.expect(0, "plan", "group.yaml").err == f"Nothing has been applied yet to {missing}.\n"
    assert console.expect(0, "get", "adapters").err == f"There are no adapters yet in {missing}.\n"


def test_status_lists_what_is_declared_before_anything_was_applied(console: Console) -> None:
    console.write("system.yaml", "apiVersion: pwsync/v1\nkind: System\nmetadata: {name: default}\nspec: {}\n")
    told = console.expect(0, "status", "system.yaml").out
    assert "System/default  OutOfSync" in told
    assert "Nothing has been applied yet to SQLite database" in told


def test_status_counts_what_differs_and_names_what_is_held(applied: Console) -> None:
    applied.write("manifests/intranet-staff.csv", "windows,external\n")
    applied.write(
        "manifests/wiki.yaml", (applied.folder / "manifests/wiki.yaml").read_text().replace("bob.jones", "bob.j")
    )
    text = applied.expect(0, "status").out
    assert "Mappings: 7, 4 of the declared or actual ones differ" in text
    view = json.loads(applied.expect(0, "status", "-o", "json").out)
    assert view["mappings"] == {"count": 7, "differing": 4}
    assert view["sync"] == "OutOfSync"


def test_schemas_are_json(console: Console) -> None:
    assert json.loads(console.expect(0, "schema").out)["title"] == "pwsync manifest"
    assert json.loads(console.expect(0, "schema", "mappingset").out)["title"] == "pwsync MappingSet"


def test_validation_is_readable_by_scripts(quickstart: Console) -> None:
    assert json.loads(quickstart.expect(0, "validate", "-o", "json").out)["counts"]["Mapping"] == 7
    quickstart.write("manifests/corp.yaml", "kind: Domian\n")
    view = json.loads(quickstart.expect(1, "validate", "-o", "json").out)
    assert view["isValid"] is False
    assert view["problems"][0]["file"] == "manifests/corp.yaml"


def test_files_and_variables_that_are_not_there_are_warned_of(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    console.write(
        "adapter.yaml",
        "apiVersion: pwsync/v1\nkind: Adapter\nmetadata: {name: ldap}\nspec:\n  connector:\n    type: ldap\n"
        "    url: ldaps://ldap.example.com\n    caFile: ca.pem\n"
        "    bind: {user: cn=svc, passwordFrom: {env: LDAP_PASSWORD}}\n    accountDN: uid={account},dc=example\n",
    )
    missing = (
        f"adapter.yaml:8:5: spec.connector.caFile: file {console.folder / 'ca.pem'} does not exist here",
        "spec.connector.bind.passwordFrom: environment variable LDAP_PASSWORD does not exist here",
    )
    validated = console.expect(0, "validate", "adapter.yaml").err
    planned = console.expect(0, "plan", "adapter.yaml").out
    for words in missing:
        assert words in validated
        assert words in planned
    console.write("ca.pem", "")
    monkeypatch.setenv("LDAP_PASSWORD", "x")
    assert "does not exist here" not in console.expect(0, "validate", "adapter.yaml").err
