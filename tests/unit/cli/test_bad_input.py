"""People who made a mistake are told what is wrong, where, and what to do."""

from pathlib import Path

import pytest

from tests.unit.cli.console import Console

BROKEN = """\
apiVersion: pwsync/v1
kind: Adapter
metadata: {name: wiki}
spec:
  syncToAdaptr: true
  connector: {type: htpaswd, file: x}
---
apiVersion: pwsync/v1
kind: Application
metadata: {name: WIKI}
spec: {adapter: wikki}
"""


def test_every_mistake_of_every_file_is_listed_with_its_place(console: Console) -> None:
    console.write("manifests/a.yaml", BROKEN)
    console.write("manifests/b.yaml", "kind: [")
    for command in (("validate",), ("plan",), ("apply", "--yes"), ("status",)):
        result = console.expect(1, *command)
        assert "manifests/a.yaml:5:3: " in result.err
        assert "did you mean 'syncToAdapter'?" in result.err
        assert "manifests/a.yaml:6:21: " in result.err
        assert "manifests/b.yaml:2:1: " in result.err
        assert result.out == ""
    assert not (console.folder / ".pwsync").exists(), "what cannot be used changes nothing"


def test_valid_manifests_are_counted_and_warned_about(quickstart: Console) -> None:
    result = quickstart.expect(0, "validate")
    assert result.out.startswith("manifests: valid (1 System, 1 Domain, 1 PasswordFilter, 2 Adapter, 2 Application")
    quickstart.write("manifests/system.yaml", "apiVersion: pwsync/v1\nkind: System\nmetadata: {name: default}\n")
    warned = quickstart.expect(0, "validate")
    assert "Warning: manifests/intranet.yaml:7:3: spec.syncToAdapter: has no effect" in warned.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("plan",), 1, "there is no folder 'manifests'"),
        (("plan", "nowhere"), 1, "nowhere:1:1: there is no such file or folder"),
        (("frobnicate",), 2, "No such command 'frobnicate'"),
        (("plna",), 2, "Did you mean 'plan'"),
        (("plan", "--nonsense"), 2, "No such option"),
        (("apply", "--state-dir"), 2, "requires an argument"),
        (("get", "thing"), 1, "there is no kind 'thing'"),
        (("get", "mapings"), 1, "did you mean 'mappings'?"),
        (("get", "adapter", "x"), 1, "there is no Adapter x"),
        (("get", "domains", "--state", "failed"), 1, "--state has no meaning for domains"),
        (("get", "changes", "--state", "lost"), 1, "there are accepted, completed, failed, discarded"),
        (("describe", "change", "x"), 1, "there is no change x"),
        (("describe", "mapping", "x"), 1, "there is no Mapping x"),
        (("schema", "Adaptr"), 1, "did you mean 'Adapter'?"),
        (("change", "windows", "alice"), 1, r"write DOMAIN\user"),
        (("change", "windows", "CORP\\alice"), 1, "no new password was given"),
        (("change", "windows", "CORP\\alice", "--occurred-at", "noon"), 1, "'noon' is not a time"),
        (("change", "windows", "CORP\\alice", "--occurred-at", "2026-01-01T00:00:00"), 1, "has no offset"),
        (("change", "windows", "CORP\\alice", "--wait", "--timeout", "soon"), 1, "not a duration"),
        (("token", "create", "ops", "--expires", "never"), 1, "not a duration"),
        (("token", "revoke", "x"), 1, "there is no valid token x"),
        (("status", "--database", "nonsense"), 1, "the database URL cannot be read"),
        (("run", "--listen", "here"), 1, "there is no folder 'manifests'"),
    ],
)
def test_a_wrong_command_says_what_would_be_right(
    console: Console, arguments: tuple[str, ...], code: int, words: str
) -> None:
    result = console.expect(code, *arguments)
    assert words in result.err
    assert result.out == ""


def test_a_state_directory_that_others_may_enter_is_refused(quickstart: Console) -> None:
    (quickstart.folder / ".pwsync").mkdir(mode=0o755)
    refused = quickstart.expect(1, "apply", "--yes")
    assert "can be entered by others" in refused.err
    assert "chmod 700" in refused.err


def test_a_store_that_is_no_database_is_not_touched(quickstart: Console) -> None:
    (quickstart.folder / ".pwsync").mkdir(mode=0o700)
    content = b"not a database, but long enough to be looked at as one" * 40
    store = Path(quickstart.folder, ".pwsync", "pwsync.db")
    store.write_bytes(content)
    assert "is not a usable database" in quickstart.expect(1, "plan").err
    assert store.read_bytes() == content


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (["change", "windows", "CORP\\alice"], "no new password was given"),
        (["reset", "damping"], "no terminal"),
        (["validate", "-"], "no manifest"),
    ],
)
def test_a_closed_standard_input_holds_nothing(applied: Console, command: list[str], problem: str) -> None:
    assert problem in applied.expect(1, *command, stdin=None).err


def test_names_cannot_rewrite_the_terminal(quickstart: Console) -> None:
    result = quickstart.pwsync("get", "adapter", "\x1b[2Jevil\u202e")
    assert result.code == 1
    assert "\x1b" not in result.err
    assert "\u202e" not in result.err
    assert "\\x1b[2Jevil\\u202e" in result.err


def test_a_password_given_as_an_argument_is_not_repeated(console: Console) -> None:
    result = console.expect(2, "change", "windows", r"CORP\alice", "S3cret-argument")
    assert "a password is never an argument" in result.err
    assert "S3cret-argument" not in result.out + result.err
