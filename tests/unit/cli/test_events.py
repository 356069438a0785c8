"""``pwsync get events``: what narrows it."""

import json

from tests.unit.cli.console import Console


def names(console: Console, *filters: str) -> list[str]:
    """The events that are listed, oldest first."""
    listed = json.loads(console.expect(0, "get", "events", "-o", "json", *filters).out)["items"]
    return [item["name"] for item in reversed(listed)]


def test_events_are_narrowed_by_change_account_adapter_kind_and_level(applied: Console) -> None:
    tracking_id = applied.expect(0, "change", "windows", "CORP\\alice", "--wait", stdin="Zq7-events-1\n").out.strip()
    of_change = names(applied, "--tracking-id", tracking_id)
    assert of_change[0] == "windowsChangeAccepted"
    assert of_change[-1] == "changeCompleted"
    assert names(applied, "--tracking-id", tracking_id, "--event", "changeCompleted") == ["changeCompleted"]
    assert set(names(applied, "--adapter", "wiki", "--tracking-id", tracking_id)) == {
        "deliveryCreated",
        "deliveryConfirmed",
        "credentialUpdated",
    }
    assert names(applied, "--account", "corp\\ALICE", "--event", "windowsChangeAccepted")[-1:] == [
        "windowsChangeAccepted"
    ]
    assert "windowsChangeAccepted" not in names(applied, "--level", "warning")
    assert names(applied, "--level", "error", "--event", "windowsChangeAccepted") == []
    none = applied.expect(0, "get", "events", "--level", "error", "--tracking-id", tracking_id).err
    assert none == f"There are no events like that in SQLite database {applied.folder / '.pwsync/pwsync.db'}.\n"


def test_an_unknown_kind_or_level_is_an_error_and_no_empty_list(applied: Console) -> None:
    assert "did you mean deliveryParked?" in applied.expect(1, "get", "events", "--event", "deliveryParkd").err
    assert "see the reference of events" in applied.expect(1, "get", "events", "--event", "zzz").err
    assert "there are info, warning, error" in applied.expect(1, "get", "events", "--level", "fatal").err
    assert "--level has no meaning for changes" in applied.expect(1, "get", "changes", "--level", "info").err
