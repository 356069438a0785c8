"""Sessions with manifests in a git repository: commit, apply, break, fall back, heal."""

import json
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.doubles.repositories import Repository, allow, make_signing_key
from tests.sessions.shell import PATIENCE, Shell

SYSTEM = "apiVersion: pwsync/v1\nkind: System\nmetadata: {name: default}\n"
DOMAIN = "apiVersion: pwsync/v1\nkind: Domain\nmetadata: {name: CORP}\nspec: {dnsName: corp.example.com}\n"
DIRECTORY = (
    "apiVersion: pwsync/v1\nkind: Adapter\nmetadata: {name: people}\nspec:\n  connector:\n    type: ldap\n"
    "    url: ldaps://ldap.example.com\n    caFile: certificates/ca.pem\n"
    "    bind: {user: 'cn=sync', passwordFrom: {env: LDAP_PASSWORD}}\n"
    "    accountDN: 'uid={account},dc=example,dc=com'\n"
)
APPLICATION = "apiVersion: pwsync/v1\nkind: Application\nmetadata: {name: PAYROLL}\nspec: {contact: %s}\n"
FILES = {
    "manifests/all.yaml": f"{SYSTEM}---\n{DOMAIN}---\n{DIRECTORY}---\n{APPLICATION % 'ann@example.com'}",
    "manifests/certificates/ca.pem": "a certificate\n",
    "README.md": "Not a manifest.\n",
}
NOTHING = "Nothing to do: the actual state is as declared.\n"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository.make(tmp_path / "remote")


@pytest.fixture
def source(repository: Repository) -> str:
    return f"{repository.address}?ref=main&path=manifests"


def _revision(commit: str) -> str:
    return f"main@sha1:{commit}"


def _status(shell: Shell) -> dict[str, str | None]:
    found: dict[str, str | None] = json.loads(shell.expect(0, "status", "-o", "json").out)["reconcile"]["lastRound"]
    return found


def test_a_commit_is_applied_and_a_broken_one_replaces_nothing(
    shell: Shell, repository: Repository, source: str
) -> None:
    shell.variables["LDAP_PASSWORD"] = "secret"
    first = repository.commit(FILES)
    assert "Plan: 4 to create" in shell.expect(0, "plan", source).out
    assert not (shell.folder / ".pwsync").exists(), "a plan writes nothing"
    assert "4 created" in shell.expect(0, "run", "--once", source).out
    assert shell.expect(0, "plan", source).out == NOTHING
    assert _revision(first) in shell.expect(0, "describe", "application", "PAYROLL").out

    changed = repository.commit({"manifests/payroll.yaml": SYSTEM})
    broken = shell.expect(1, "run", "--once", source)
    assert f"main@{changed[:12]}:manifests/payroll.yaml:3:18: System/default is declared twice" in broken.out
    status = shell.expect(0, "status").out
    assert f"In force: {_revision(first)} of {source}" in status
    assert f"Newest manifests not used: {_revision(changed)} since" in status
    assert "System/default is declared twice" in status
    since = _status(shell)["problemSince"]

    shell.alter_store("UPDATE resources SET spec = replace(spec, 'ann@', 'eve@') WHERE name = 'PAYROLL'")
    healed = shell.expect(1, "run", "--once", source)
    assert "1 updated" in healed.out, "the last good revision goes on being reconciled"
    assert _status(shell)["problemSince"] == since

    shutil.move(repository.folder, shell.folder / "away")
    shell.alter_store("UPDATE resources SET spec = replace(spec, 'ann@', 'eve@') WHERE name = 'PAYROLL'")
    away = shell.expect(1, "run", "--once", source)
    assert "1 updated" in away.out, "also while the repository is away"
    assert "The newest manifests are not used: git+file://" in away.out
    shutil.move(shell.folder / "away", repository.folder)

    repository.git("rm", "--quiet", "manifests/payroll.yaml")
    mended = repository.commit({"manifests/all.yaml": FILES["manifests/all.yaml"].replace("ann@", "bob@")})
    assert "1 updated" in shell.expect(0, "run", "--once", source).out
    now = _status(shell)
    assert (now["appliedRevision"], now["problem"], now["problemSince"]) == (_revision(mended), "", None)
    objects = json.loads(shell.expect(0, "status", "-o", "json").out)["objects"]
    revisions = {f"{item['kind']}/{item['name']}": item["revision"] for item in objects}
    assert revisions["Application/PAYROLL"] == _revision(mended)
    assert revisions["Adapter/people"] == _revision(first), "a path beside the manifest is the same in each commit"


def test_what_a_person_applies_stays_readable(shell: Shell, repository: Repository, source: str) -> None:
    commit = repository.commit(FILES)
    shell.expect(0, "apply", "--yes", source)
    adapter = json.loads(shell.expect(0, "get", "adapter", "people", "-o", "json").out)
    assert adapter["status"]["revision"] == _revision(commit)
    certificate = Path(adapter["spec"]["connector"]["caFile"])
    assert certificate.read_text(encoding="utf-8") == "a certificate\n"
    repository.commit({"manifests/certificates/ca.pem": "a newer one\n"})
    assert shell.expect(0, "apply", "--yes", source).out == NOTHING
    assert certificate.read_text(encoding="utf-8") == "a newer one\n"


def test_a_commit_of_a_stranger_is_not_used(shell: Shell, repository: Repository, source: str, tmp_path: Path) -> None:
    repository.signing_key = make_signing_key(tmp_path, "ann")
    signers = str(allow(tmp_path / "signers", repository.signing_key))
    first = repository.commit(FILES)
    shell.expect(0, "run", "--once", source, "--git-allowed-signers", signers)
    repository.signing_key = make_signing_key(tmp_path, "eve")
    forged = repository.commit({"manifests/all.yaml": FILES["manifests/all.yaml"].replace("ann@", "eve@")})
    refused = shell.expect(1, "run", "--once", source, "--git-allowed-signers", signers)
    assert f"the commit {forged} is not signed by anybody in {signers}" in refused.out
    shell.variables["PWSYNC_GIT_ALLOWED_SIGNERS"] = signers
    assert "is not signed" in shell.expect(1, "plan", source).err
    status = _status(shell)
    assert (status["appliedRevision"], status["refusedRevision"]) == (_revision(first), f"sha1:{forged}")
    assert "ann@example.com" in shell.expect(0, "get", "applications").out


def test_a_running_controller_follows_a_commit_and_a_file_at_once(shell: Shell, repository: Repository) -> None:
    """Its rounds are five minutes apart: without being told it would not notice within the patience of a test."""
    repository.commit({"all.yaml": f"{SYSTEM}---\n{DOMAIN}"})
    file = shell.write("folder/payroll.yaml", APPLICATION % "ann@example.com")
    given = (repository.address, "folder", "--git-interval", "1s", "--listen", "127.0.0.1:0")
    with shell.started("run", *given) as controller:
        assert controller.stdout is not None
        assert controller.stdout.readline().startswith(b"pwsync listens on")
        repository.commit({"more.yaml": APPLICATION.replace("PAYROLL", "LEAVE") % "ann@example.com"})
        _wait_for(shell, "LEAVE", "ann@example.com")
        file.write_text(APPLICATION % "bob@example.com", encoding="utf-8")
        _wait_for(shell, "PAYROLL", "bob@example.com")
        shell.expect(0, "reconcile", "suspend", "moving")
        repository.commit({"more.yaml": APPLICATION.replace("PAYROLL", "LEAVE") % "carl@example.com"})
        _wait_for_outcome(shell, "suspended")
        shell.expect(0, "reconcile", "resume")
        repository.commit({"more.yaml": APPLICATION.replace("PAYROLL", "LEAVE") % "dora@example.com"})
        _wait_for(shell, "LEAVE", "dora@example.com")
        assert shell.ended(controller, by=signal.SIGTERM).code == 0


def until(is_so: Callable[[], bool]) -> None:
    """Look again and again, each time with a command of its own, until it is so."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline


def _wait_for(shell: Shell, name: str, contact: str) -> None:
    until(lambda: any({name, contact} <= set(line.split()) for line in _applications(shell)))


def _applications(shell: Shell) -> list[str]:
    return shell.expect(0, "get", "applications").out.splitlines()


def _wait_for_outcome(shell: Shell, outcome: str) -> None:
    until(lambda: _status(shell)["outcome"] == outcome)


def test_commands_say_what_is_wrong_with_an_address(shell: Shell, repository: Repository) -> None:
    repository.commit(FILES)
    assert "holds a user or password" in shell.expect(1, "validate", "git+https://ann:pw@h/r").err
    assert "no branch or tag 'away'" in shell.expect(1, "validate", f"{repository.address}?ref=away").err
    assert "valid (1 System" in shell.expect(0, "validate", f"{repository.address}?path=manifests").out
    simulated = shell.pwsync("simulate", "windows", r"CORP\ann", f"{repository.address}?path=manifests")
    assert "windowsToAdaptersOff" in simulated.out
