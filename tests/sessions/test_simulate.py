"""``pwsync simulate``: what would happen to a change, without a password and without a trace."""

import hashlib
import json
from pathlib import Path
from typing import Any

from tests.sessions.shell import Result, Shell

ALICE = r"CORP\alice"


def bytes_of(folder: Path) -> dict[str, str]:
    """Every file of the state directory, by its digest."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def parsed(result: Result) -> Any:
    return json.loads(result.out)


def test_a_change_is_simulated_without_a_trace(quickstart: Shell) -> None:
    quickstart.expect(0, "apply", "--yes")
    before = bytes_of(quickstart.folder / ".pwsync")
    out = quickstart.expect(0, "simulate", "windows", ALICE).out
    assert "Assumed: the password is made up; nobody has it" in out
    assert "The change would be completed." in out
    assert r"INTRANET/CORP\alice  intranet:alice" in out
    assert "deliveryCreated, deliveryConfirmed, credentialUpdated" in out
    assert "wiki, filter wiki-login: " in out
    assert bytes_of(quickstart.folder / ".pwsync") == before
    assert quickstart.expect(0, "get", "changes", "-o", "json").out.strip() == '{\n  "items": []\n}'


def test_json_names_each_mapping_with_its_outcome_and_events(quickstart: Shell) -> None:
    quickstart.expect(0, "apply", "--yes")
    view = parsed(quickstart.expect(0, "simulate", "windows", ALICE, "-o", "json"))
    assert (view["account"], view["accepted"], view["isSynthetic"], view["state"]) == (ALICE, True, True, "completed")
    fates = {fate["mapping"]["application"]: fate for fate in view["fates"]}
    assert fates["INTRANET"]["outcome"] == "delivered"
    assert fates["WIKI"]["events"] == ["deliveryCreated", "deliveryConfirmed", "credentialUpdated"]
    assert {analysis["adapter"] for analysis in view["filters"]} == {"intranet", "wiki"}
    assert view["events"][0]["name"] == "windowsChangeAccepted"


def test_manifests_are_simulated_before_anything_is_applied(quickstart: Shell) -> None:
    out = quickstart.expect(0, "simulate", "windows", ALICE, "manifests").out
    assert "The change would be completed." in out
    assert not (quickstart.folder / ".pwsync").exists()
    refused = quickstart.expect(1, "simulate", "windows", ALICE).out
    assert "The change would be refused (notFound: there is no domain CORP" in refused
    assert not (quickstart.folder / ".pwsync").exists()


def test_an_external_change_needs_its_old_password_where_it_is_verified(quickstart: Shell) -> None:
    quickstart.expect(0, "apply", "--yes")
    refused = parsed(quickstart.expect(1, "simulate", "external", "wiki", "alice.smith", "-o", "json"))
    assert (refused["accepted"], refused["reason"]) == (False, "oldPasswordMissing")
    unknown = parsed(quickstart.expect(0, "simulate", "external", "wiki", "alice.smith", "--old", "-o", "json"))
    assert [fate["reason"] for fate in unknown["fates"]] == ["noStoredCredential"]
    quickstart.expect(0, "credentials", "set", "WIKI", "alice.smith", stdin="Sto-red-1-pw\n")
    known = parsed(quickstart.expect(0, "simulate", "external", "wiki", "alice.smith", "--old", "-o", "json"))
    assert [fate["outcome"] for fate in known["fates"]] == ["stored"]


def test_a_sample_is_read_only_when_asked_for_and_never_shown(quickstart: Shell) -> None:
    quickstart.expect(0, "apply", "--yes")
    quickstart.expect(0, "credentials", "set", "WIKI", "alice.smith", stdin="Sto-red-1-pw\n")
    command = ("simulate", "external", "wiki", "alice.smith", "--old", "--password-sample", "-o", "json")
    right = quickstart.expect(0, *command, stdin="Sto-red-1-pw\nSam-ple-2-pw\n")
    assert parsed(right)["isSynthetic"] is False
    assert [fate["outcome"] for fate in parsed(right)["fates"]] == ["stored"]
    wrong = quickstart.expect(0, *command, stdin="not-the-one\nSam-ple-2-pw\n")
    assert [fate["reason"] for fate in parsed(wrong)["fates"]] == ["oldPasswordWrong"]
    nothing = quickstart.expect(1, "simulate", "windows", ALICE, "--password-sample")
    assert "no password sample was given" in nothing.err
    for shown in (quickstart.transcript,):
        assert "Sam-ple-2-pw" not in shown
        assert "Sto-red-1-pw" not in shown


def test_what_does_not_fit_the_store_is_an_error(quickstart: Shell) -> None:
    quickstart.expect(0, "apply", "--yes")
    quickstart.expect(0, "credentials", "set", "WIKI", "alice.smith", stdin="Sto-red-1-pw\n")
    (quickstart.folder / ".pwsync/master.key").unlink()
    assert "master.key does not exist" in quickstart.expect(1, "simulate", "windows", ALICE).err
