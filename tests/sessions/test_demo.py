"""The quickstart, as a reader of the README types it."""

from tests.sessions.shell import Shell


def test_the_demo_ends_with_passwords_that_have_arrived(quickstart: Shell) -> None:
    played = quickstart.expect(0, "demo").out
    assert played.count(": completed.") == 2
    assert "Checked in the real intranet: the hash of alice is that of this password." in played
    assert "Checked in the real wiki: the hash of alice.smith is that of this password." in played
    assert "The credential database holds the new password of alice.smith for WIKI." in played
    assert "6. pwsync plan, once more:\n   Nothing to do" in played
    assert "Plan: 14 to create" in played
    assert (quickstart.folder / ".pwsync").stat().st_mode & 0o777 == 0o700


def test_the_demo_can_be_played_again(quickstart: Shell) -> None:
    quickstart.expect(0, "demo")
    again = quickstart.expect(0, "demo").out
    assert "Left out, there is nothing to do." in again
    assert again.count(": completed.") == 2
    assert "4 completed" in quickstart.expect(0, "status").out


def test_the_demo_touches_nothing_outside_of_its_folder(quickstart: Shell) -> None:
    refused = quickstart.expect(1, "demo", "--state-dir", "elsewhere")
    assert "which the demo does not touch" in refused.err
    assert f"--state-dir {quickstart.folder}/.pwsync" in refused.err
    assert list((quickstart.folder / "elsewhere" / "demo").iterdir()) == []


def test_the_demo_removes_nothing(quickstart: Shell) -> None:
    extra = quickstart.write("manifests/extra.yaml", "apiVersion: pwsync/v1\nkind: Application\nmetadata: {name: X}\n")
    quickstart.expect(0, "demo")
    extra.unlink()
    refused = quickstart.expect(1, "demo")
    assert "objects that these manifests do not declare" in refused.err
    assert "X" in quickstart.expect(0, "get", "applications").out


def test_the_demo_changes_no_object_that_is_there_already(quickstart: Shell) -> None:
    theirs = quickstart.write(
        "theirs/system.yaml",
        "apiVersion: pwsync/v1\nkind: System\nmetadata: {name: default}\nspec: {maxSyncAge: 17h}\n",
    )
    quickstart.expect(0, "apply", str(theirs), "--yes")
    refused = quickstart.expect(1, "demo")
    assert "or declare otherwise" in refused.err
    assert "--state-dir" in refused.err
    assert "17h" in quickstart.expect(0, "get", "system", "-o", "yaml").out
    assert "There are no adapters" in quickstart.expect(0, "get", "adapters").err


def test_the_demo_delivers_nothing_that_is_not_its_own(quickstart: Shell) -> None:
    quickstart.expect(0, "demo")
    quickstart.expect(0, "change", "windows", "CORP\\alice", stdin="Waiting-One-1\n")
    for _ in range(2):
        refused = quickstart.expect(1, "demo")
        assert "not finished" in refused.err
        assert "pwsync run --once" in refused.err
        assert "2 completed" in quickstart.expect(0, "status").out
    quickstart.expect(0, "run", "--once")
    quickstart.expect(0, "demo")
