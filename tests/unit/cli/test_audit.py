"""Commands of the audit."""

import json
import os
import socket
import stat
from typing import Any

import pytest

from tests.unit.cli.console import Console, Result

DROP = "DROP TRIGGER audit_no_update"


@pytest.fixture
def audited(quickstart: Console) -> Console:
    """The quickstart, applied."""
    quickstart.expect(0, "apply", "--yes")
    return quickstart


def _rows(console: Console, *arguments: str) -> list[dict[str, Any]]:
    found = json.loads(console.expect(0, "audit", "list", "-o", "json", *arguments).out)
    items: list[dict[str, Any]] = found["items"]
    return items


def test_what_was_done_is_listed_with_who_and_from_where(audited: Console) -> None:
    rows = _rows(audited)
    (apply,) = (row for row in rows if row["action"] == "apply")
    assert apply["principal"].startswith("local:")
    assert apply["origin"] == f"{socket.gethostname()}:{os.getpid()}"
    assert apply["object"] == "Plan"
    assert apply["failure"] == ""
    assert {"create"} == {row["action"] for row in rows} - {"apply", "secret generate"}
    assert [row["object"] for row in _rows(audited, "--object", "System/default")] == ["System/default"]
    assert len(_rows(audited, "--limit", "2")) == 2
    assert _rows(audited, "--since", "1d") == rows
    assert _rows(audited, "--principal", "nobody") == []
    table = audited.expect(0, "audit", "list", "--action", "apply").out
    assert "PRINCIPAL" in table
    assert "local:" in table
    assert "action: apply" in audited.expect(0, "audit", "list", "--action", "apply", "-o", "yaml").out


def test_what_was_refused_is_listed_too(audited: Console) -> None:
    audited.expect(1, "token", "revoke", "none")
    audited.expect(1, "adapter", "disable", "none")
    audited.expect(1, "credentials", "show", "WIKI", "nobody", "--reveal")
    audited.write("less/system.yaml", "apiVersion: pwsync/v1\nkind: System\nmetadata: {name: default}\n")
    assert "held" in audited.expect(1, "apply", "less", "--yes").err
    failed = [(row["action"], row["object"], row["failure"]) for row in _rows(audited, "--failures")]
    assert failed == [
        ("apply", "Plan", "unsafePlan"),
        ("credentials show --reveal", "Mapping/WIKI/nobody", "notFound"),
        ("adapter disable", "Adapter/none", "notFound"),
        ("token revoke", "none", "notFound"),
    ]


def test_deleted_objects_are_listed_with_what_they_were(audited: Console) -> None:
    text = (audited.folder / "manifests").rglob("*.yaml")
    kept = [path for path in text if "kind: System" in path.read_text()]
    audited.expect(0, "apply", *map(str, kept), "--yes", "--force")
    applications = _rows(audited, "--trail", "deletedApplications")
    mappings = _rows(audited, "--trail", "deletedMappings")
    assert {row["action"] for row in (*applications, *mappings)} == {"prune"}
    assert "Application/WIKI" in {row["object"] for row in applications}
    was = json.loads(next(row["detail"] for row in applications if row["object"] == "Application/WIKI"))
    assert was["spec"]["type"] == "individual"
    assert {json.loads(row["detail"])["kind"] for row in mappings} == {"Mapping"}
    assert "OK" not in audited.expect(0, "audit", "verify").err


def test_an_untouched_audit_verifies_also_against_a_head_kept_elsewhere(audited: Console) -> None:
    told = audited.expect(0, "audit", "verify").out
    head = told.splitlines()[0].partition("Head: ")[2]
    assert head.startswith("actions:")
    audited.expect(0, "token", "create", "dc1")
    report = json.loads(audited.expect(0, "audit", "verify", "--expect", head, "-o", "json").out)
    assert report["isIntact"] is True
    assert [trail["trail"] for trail in report["trails"]] == [
        "actions",
        "deletedApplications",
        "deletedMappings",
        "credentialLookups",
    ]
    assert report["trails"][0]["head"] != head
    wrong = f"actions:1:{'0' * 64}"
    assert "row 1 has another hash" in audited.expect(1, "audit", "verify", "--expect", wrong).out
    for text in ("nonsense", "actions:x:ab", "trail:1:ab", f"actions:1:{'0' * 10}"):
        assert "is no head of an audit trail" in audited.expect(1, "audit", "verify", "--expect", text).err


def test_the_first_altered_row_is_named_and_the_exit_code_is_one(audited: Console) -> None:
    audited.alter_store(DROP)
    audited.alter_store("UPDATE audit SET principal = 'somebody else' WHERE sequence = 2")
    told = audited.expect(1, "audit", "verify").out
    assert "actions: row 2 does not fit: it was changed, inserted or moved. 1 rows before it fit." in told
    audited.alter_store("UPDATE audit SET at = 'never' WHERE sequence = 1")
    report = json.loads(audited.expect(1, "audit", "verify", "-o", "json").out)
    assert report["isIntact"] is False
    assert "row actions/1 of the store's table audit cannot be read" in report["trails"][0]["problem"]


def test_altered_trails_are_begun_anew_and_what_was_there_is_kept(audited: Console) -> None:
    assert "every trail fits" in audited.expect(1, "audit", "begin", "kept.jsonl", "--yes").err
    before = _rows(audited)
    audited.alter_store("DROP TRIGGER audit_no_update")
    audited.alter_store("UPDATE audit SET principal = 'somebody else' WHERE sequence = 2")
    audited.alter_store("UPDATE audit_heads SET hash = X'00' WHERE trail IN ('actions', 'deletedMappings')")
    assert "nothing can be audited" in audited.expect(1, "token", "create", "dc1").err
    assert "then give --yes" in audited.expect(1, "audit", "begin", "kept.jsonl").err
    assert not (audited.folder / "kept.jsonl").exists()

    told = audited.expect(0, "audit", "begin", "kept.jsonl", "--yes").out

    assert "actions: begun anew. What was there is in kept.jsonl." in told
    assert "deletedMappings: begun anew" in told
    assert "credentialLookups" not in told
    audited.expect(0, "token", "create", "dc1")
    verified = audited.expect(0, "audit", "verify").out
    assert "actions: 2 rows fit" in verified
    assert "deletedMappings: 1 rows fit" in verified
    created, begun = _rows(audited)
    assert (begun["action"], begun["object"], begun["sequence"]) == ("audit begin", "actions", len(before) + 1)
    assert begun["detail"].startswith("row 2 does not fit: it was changed, inserted or moved; its rows were kept in")
    assert created["action"] == "token create"
    kept = (audited.folder / "kept.jsonl").read_text().splitlines()
    assert stat.S_IMODE((audited.folder / "kept.jsonl").stat().st_mode) == 0o600
    rows = [json.loads(line) for line in kept]
    assert rows[0]["problem"].startswith("row 2 does not fit")
    assert [row["sequence"] for row in rows[1 : len(before) + 1]] == [row["sequence"] for row in reversed(before)]
    assert rows[2]["principal"] == "somebody else"
    assert rows[1]["hash"] == before[-1]["hash"]
    assert "exists already" in _altered_again(audited).err


def _altered_again(audited: Console) -> Result:
    audited.alter_store("UPDATE audit_heads SET hash = X'00' WHERE trail = 'actions'")
    return audited.expect(1, "audit", "begin", "kept.jsonl", "--yes")


def test_where_nothing_was_ever_audited_there_is_nothing_to_verify(console: Console) -> None:
    assert "there is no audit yet" in console.expect(1, "audit", "verify").err
    assert console.expect(0, "audit", "list", "-o", "json").out == '{\n  "items": []\n}\n'


def test_work_with_keys_is_audited_also_when_it_fails(console: Console) -> None:
    console.expect(0, "secret", "generate")
    console.expect(1, "secret", "generate")
    console.write("password", "a long enough one\n")
    (console.folder / "password").chmod(0o600)
    console.expect(0, "secret", "backup", "kept", "--password-file", "password")
    console.expect(1, "secret", "backup", "kept", "--password-file", "password")
    console.write("wrong", "another long enough one\n")
    (console.folder / "wrong").chmod(0o600)
    console.expect(1, "secret", "restore", "kept", "--password-file", "wrong")
    (console.folder / ".pwsync" / "master.key").unlink()
    console.expect(0, "secret", "restore", "kept", "--password-file", "password")
    console.expect(0, "secret", "rotate", "--prepare")
    console.expect(0, "secret", "rotate")
    console.expect(1, "secret", "rotate", "--retire")
    assert [(row["action"], row["failure"]) for row in reversed(_rows(console))] == [
        ("secret generate", ""),
        ("secret generate", "settings"),
        ("secret backup", ""),
        ("secret backup", "settings"),
        ("secret restore", "invalidInput"),
        ("secret restore", ""),
        ("secret rotate --prepare", ""),
        ("secret rotate", ""),
        ("secret rotate --retire", "settings"),
    ]
    console.expect(0, "audit", "verify")


def test_a_word_that_is_none_of_several_is_told_in_plain_words(console: Console) -> None:
    told = console.expect(2, "audit", "list", "--trail", "foo").err
    assert "Invalid value for '--trail': 'foo' is not one of 'actions', 'deletedApplications'" in told


def test_a_duration_that_cannot_be_read_is_told(audited: Console) -> None:
    assert "'yesterday'" in audited.expect(1, "audit", "list", "--since", "yesterday").err
