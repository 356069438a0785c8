"""Reports of password changes, stored credentials and tokens, as the commands show them."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from tests.unit.cli.console import Console

PASSWORD = "Très-Geheim 1"


def assert_nothing_leaked(console: Console) -> None:
    """Look through all that was printed and stored."""
    assert PASSWORD not in console.transcript
    for path in (console.folder / ".pwsync").rglob("*"):
        if path.is_file():
            assert PASSWORD.encode() not in path.read_bytes(), path


def report(console: Console, code: int, *arguments: str, password: str = PASSWORD) -> Any:
    """Report a Windows change and wait for its end; returns its JSON."""
    typed = ("change", "windows", *arguments, "--wait", "-o", "json")
    return json.loads(console.expect(code, *typed, stdin=f"{password}\n").out)


def test_a_change_that_reaches_every_target_ends_with_0(applied: Console) -> None:
    view = report(applied, 0, "corp\\Alice")
    assert view["state"] == "completed"
    assert view["account"] == "CORP\\alice"
    assert view["domain"] == "CORP"
    assert view["caller"].startswith("local:")
    assert [(d["adapter"], d["account"], d["state"]) for d in view["deliveries"]] == [
        ("intranet", "alice", "confirmed"),
        ("wiki", "alice.smith", "confirmed"),
    ]
    stored = applied.expect(0, "credentials", "show", "INTRANET", "alice").out
    assert "Stored fields:           Password" in stored
    assert_nothing_leaked(applied)


def test_the_tracking_id_alone_is_on_standard_output(applied: Console) -> None:
    result = applied.expect(0, "change", "windows", "CORP\\alice", stdin=f"{PASSWORD}\n")
    tracking_id = result.out.strip()
    assert applied.expect(0, "get", "change", tracking_id).out.count(tracking_id) == 1
    assert "accepted" in applied.expect(0, "describe", "change", tracking_id).out
    assert "Deliveries: none" in applied.expect(0, "describe", "change", tracking_id).out
    waited = applied.expect(0, "change", "windows", "CORP\\alice", "--wait", stdin="Another-1\n")
    assert len(waited.out.split()) == 1
    assert waited.err.endswith("The change is completed.\n")


def test_an_echo_is_damped_and_no_failure(applied: Console) -> None:
    report(applied, 0, "CORP\\alice")
    echo = report(applied, 0, "CORP\\alice")
    assert (echo["state"], echo["reason"]) == ("discarded", "damped")


def test_a_change_that_reaches_nobody_ends_with_1(applied: Console) -> None:
    view = report(applied, 1, "CORP\\stranger")
    assert (view["state"], view["reason"]) == ("discarded", "noMapping")
    assert view["deliveries"] == []


def test_a_parked_delivery_tells_the_words_of_the_system(applied: Console) -> None:
    with closing(sqlite3.connect(applied.folder / ".pwsync/demo/wiki.db")) as connection, connection:
        connection.execute("DELETE FROM users WHERE login = 'alice.smith'")
    result = applied.expect(1, "change", "windows", "CORP\\alice", "--wait", stdin=f"{PASSWORD}\n")
    assert "wiki:alice.smith: parked (table users has no account 'alice.smith'" in result.err
    assert "The change is failed (deliveryParked)." in result.err
    assert "parked" in applied.expect(0, "get", "deliveries", "--state", "parked").out
    status = applied.expect(0, "status").out
    assert "Adapter/wiki               Synced  Degraded  1 delivery waits for a person" in status
    assert "Parked: wiki:alice.smith of change" in status
    assert_nothing_leaked(applied)


def test_a_change_that_cannot_arrive_yet_is_still_under_way(applied: Console) -> None:
    (applied.folder / ".pwsync/demo/intranet.htpasswd").rename(applied.folder / "away")
    result = applied.expect(1, "change", "windows", "CORP\\carol", "--wait", "--timeout", "1s", stdin=f"{PASSWORD}\n")
    assert "intranet:carol: retrying" in result.err
    assert "still under way" in result.err
    assert "Degraded  offline since" in applied.expect(0, "status").out
    assert_nothing_leaked(applied)


def test_an_external_change_needs_the_right_old_password(applied: Console) -> None:
    applied.expect(0, "credentials", "set", "WIKI", "alice.smith", stdin="Old-One-1\n")
    typed = ("change", "external", "wiki", "alice.smith")
    missing = applied.expect(1, *typed, stdin=f"{PASSWORD}\n")
    assert "the report has none" in missing.err
    wrong = applied.expect(1, *typed, "--old", "--wait", stdin=f"Wrong-One-1\n{PASSWORD}\n")
    assert "oldPasswordWrong" in wrong.err
    applied.expect(0, *typed, "--old", "--wait", stdin=f"Old-One-1\n{PASSWORD}\n")
    revealed = applied.expect(0, "credentials", "show", "WIKI", "CORP\\alice", "--reveal")
    assert revealed.out == f"{PASSWORD}\n"
    assert "Old-One-1" not in applied.transcript


def test_the_time_of_the_change_is_kept(applied: Console) -> None:
    an_hour_ago = (datetime.now(UTC) - timedelta(hours=1)).replace(microsecond=0)
    written = an_hour_ago.astimezone(timezone(timedelta(hours=5))).isoformat()
    view = report(applied, 0, "CORP\\dave", "--occurred-at", written)
    assert datetime.fromisoformat(view["occurredAt"]) == an_hour_ago


def test_a_password_is_taken_exactly_as_it_is(applied: Console) -> None:
    for password in (" leading and trailing ", "0123", "tab\there", "é\u0301\U0001f511", "$(x)`'\"\\"):
        applied.expect(0, "credentials", "set", "WIKI", "bob.jones", stdin=f"{password}\n")
        assert applied.expect(0, "credentials", "show", "WIKI", "bob.jones", "--reveal").out == f"{password}\n"
    applied.expect(0, "credentials", "set", "WIKI", "bob.jones", stdin="no line end")
    assert applied.expect(0, "credentials", "show", "WIKI", "bob.jones", "--reveal").out == "no line end\n"


def test_what_is_no_password_is_refused_without_being_repeated(applied: Console) -> None:
    typed = ("change", "windows", "CORP\\alice")
    assert "is empty" in applied.expect(1, *typed, stdin="\n").err
    assert "more than 256 characters" in applied.expect(1, *typed, stdin="x" * 257).err
    assert "is not UTF-8" in applied.expect(1, *typed, stdin=b"Geheim\xff\n").err
    assert "Geheim" not in applied.transcript


def test_credentials_are_set_shown_and_cleared(applied: Console) -> None:
    where = ("WIKI", "bob.jones")
    nothing = applied.expect(1, "credentials", "show", *where, "--reveal")
    assert (nothing.out, nothing.err) == ("", "No password is stored for bob.jones.\n")
    assert "stored" in applied.expect(0, "credentials", "set", *where, stdin=f"{PASSWORD}\n").err
    view = json.loads(applied.expect(0, "credentials", "show", *where, "-o", "json").out)
    assert view == {
        "application": "WIKI",
        "windowsAccount": "CORP\\bob",
        "externalAccount": "bob.jones",
        "fields": ["Password"],
        "hasWindowsPassword": False,
        "expiredAt": None,
        "verified": None,
    }
    assert "were deleted" in applied.expect(0, "credentials", "clear", *where).err
    assert "no stored" in applied.expect(0, "credentials", "clear", *where).err
    assert "not as JSON" in applied.expect(1, "credentials", "show", *where, "--reveal", "-o", "json").err
    assert_nothing_leaked(applied)


def test_a_credential_whose_password_has_expired_says_so(applied: Console) -> None:
    applied.expect(0, "credentials", "set", "WIKI", "bob.jones", stdin=f"{PASSWORD}\n")
    applied.alter_store("UPDATE credentials SET expired_at = 1767268800000000 WHERE external_account = 'bob.jones'")
    assert "yes, as heard on 2026-01-01 12:00:00Z" in applied.expect(0, "credentials", "show", "WIKI", "bob.jones").out
    described = applied.expect(0, "describe", "mapping", "WIKI/CORP\\bob").out
    assert "Expired:     yes, as heard on 2026-01-01T12:00:00Z" in described


def test_a_revealed_password_is_audited_first(applied: Console) -> None:
    applied.expect(0, "credentials", "show", "WIKI", "alice.smith", "--reveal")
    events = json.loads(applied.expect(0, "get", "events", "--account", "alice.smith", "-o", "json").out)["items"]
    assert events[0]["name"] == "credentialRevealed"
    assert events[0]["fields"]["by"].startswith("local:")


def test_a_token_is_shown_once(quickstart: Console) -> None:
    quickstart.expect(0, "apply", "--yes")
    created = quickstart.expect(0, "token", "create", "dc1", "--expires", "90d")
    text = created.out.strip()
    assert text.startswith("pwsync_")
    assert text not in created.err
    assert "Warning" not in created.err
    endless = quickstart.expect(0, "token", "create", "wiki-agent")
    assert "valid until it is revoked" in endless.err
    misspelt = quickstart.expect(0, "token", "create", "dc-1")
    assert (
        "Warning: nothing that was applied names dc-1. The token opens nothing until a manifest does." in misspelt.err
    )
    listed = quickstart.expect(0, "token", "list").out
    assert "dc1" in listed
    assert text not in listed
    token_id = json.loads(quickstart.expect(0, "token", "list", "-o", "json").out)["items"][0]["id"]
    assert f"Token {token_id} is revoked." in quickstart.expect(0, "token", "revoke", token_id).err
    assert json.loads(quickstart.expect(0, "token", "list", "-o", "json").out)["items"][0]["revokedAt"] is not None
    assert "principal: dc1" in quickstart.expect(0, "token", "list", "-o", "yaml").out


def test_lists_of_the_queue_come_as_json_and_yaml(applied: Console) -> None:
    changes = json.loads(applied.expect(0, "get", "changes", "-o", "json").out)["items"]
    assert [change["account"] for change in changes] == ["alice.smith", "CORP\\alice"]
    tracking_id = changes[1]["trackingId"]
    assert json.loads(applied.expect(0, "get", "change", tracking_id, "-o", "json").out) == changes[1]
    deliveries = json.loads(applied.expect(0, "get", "deliveries", "--tracking-id", tracking_id, "-o", "json").out)
    assert {delivery["adapter"] for delivery in deliveries["items"]} == {"intranet", "wiki"}
    assert "state: confirmed" in applied.expect(0, "get", "deliveries", "--adapter", "wiki", "-o", "yaml").out
    assert "name: changeCompleted" in applied.expect(0, "get", "events", "-o", "yaml").out
    assert "deliveryConfirmed" in applied.expect(0, "get", "events", "--adapter", "wiki").out
    assert "completed" in applied.expect(0, "get", "changes", "--state", "completed").out
    timeline = json.loads(applied.expect(0, "describe", "change", tracking_id, "-o", "json").out)
    assert timeline["events"][0]["name"] == "windowsChangeAccepted"
    assert timeline["events"][-1]["name"] == "changeCompleted"


def test_a_repeat_of_what_has_not_arrived_yet_is_no_success(applied: Console) -> None:
    file, away = applied.folder / ".pwsync/demo/intranet.htpasswd", applied.folder / "away"
    typed = ("change", "windows", "CORP\\carol", "--wait", "--timeout", "1s")
    file.rename(away)
    first = applied.expect(1, *typed, stdin=f"{PASSWORD}\n").out.strip()
    repeat = applied.expect(1, *typed, stdin=f"{PASSWORD}\n")
    assert "The change is discarded (damped)." in repeat.err
    assert f"It repeats change {first}, whose password not every target has" in repeat.err
    assert "intranet:carol: retrying" in repeat.err
    away.rename(file)
    applied.expect(0, "deliveries", "discard", first, "--yes")
    applied.expect(0, *typed, stdin=f"{PASSWORD}-2\n")
    assert "It repeats" not in applied.expect(0, *typed, stdin=f"{PASSWORD}-2\n").err
    assert_nothing_leaked(applied)
