"""The ready files for systemd and for containers: the tools that read them take them; they keep their promises."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from controller.runtime.settings import settings_of
from tests.servers.fixtures import require_server

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "service"
UNIT = FOLDER / "pwsync.service"
CAPTURE_UNIT = FOLDER / "pwsync-capture.service"
CONTAINERFILE = FOLDER / "Containerfile"
DEPLOY = ROOT / "docs" / "how-to" / "deploy.md"


def run(*command: str) -> str:
    """Run a tool that must succeed; returns what it printed. Skipped where it is not installed, but not in CI."""
    require_server(command[0])
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("file", [UNIT, CAPTURE_UNIT], ids=lambda file: file.name)
def test_systemd_takes_the_unit(tmp_path: Path, file: Path) -> None:
    unit = tmp_path / file.name
    program = tmp_path / "pwsync"
    program.symlink_to(sys.executable)
    unit.write_text(file.read_text(encoding="utf-8").replace("/opt/pwsync/bin/pwsync", str(program)))
    told = run("systemd-analyze", "verify", "--man=no", str(unit))
    assert [line for line in told.splitlines() if "pwsync" in line] == []


def test_the_exposure_of_the_unit_is_what_the_page_says() -> None:
    told = run("systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT))
    found = re.search(r"Overall exposure level for pwsync\.service: ([\d.]+)", told)
    assert found is not None
    assert float(found[1]) <= 1.5  # differs by a tenth between versions of systemd
    shown = re.search(r"exposure level of ([\d.]+)", DEPLOY.read_text(encoding="utf-8"))
    assert shown is not None
    assert abs(float(shown[1]) - float(found[1])) <= 0.3


def test_the_forwarder_can_do_little_and_calls_a_command_that_there_is(tmp_path: Path) -> None:
    told = run("systemd-analyze", "security", "--offline=true", "--no-pager", str(CAPTURE_UNIT))
    found = re.search(r"Overall exposure level for pwsync-capture\.service: ([\d.]+)", told)
    assert found is not None
    assert float(found[1]) <= 2.5  # it runs as the owner of the spool, who may be root
    started = re.search(r"^ExecStart=/opt/pwsync/bin/pwsync (.*)$", CAPTURE_UNIT.read_text(), re.MULTILINE)
    assert started is not None
    command = [sys.executable, "-m", "controller", *started[1].replace("/etc/pwsync", str(tmp_path)).split()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, "capture.yaml" in done.stderr) == (1, True), "it misses its settings, and nothing else"


def test_its_credentials_are_those_that_its_settings_name() -> None:
    text = UNIT.read_text(encoding="utf-8")
    loaded = set(re.findall(r"^LoadCredential=([\w.-]+):", text, re.MULTILINE))
    named = set(re.findall(r"%d/([\w.-]+)", text))
    assert named <= loaded
    environment = dict(re.findall(r"^Environment=(PWSYNC_\w+)=(.*)$", text, re.MULTILINE))
    given = {name: value.replace("%d", "/run/credentials/pwsync.service") for name, value in environment.items()}
    given.pop("PWSYNC_DATABASE_FILE")
    assert settings_of(environ=given).key_file == Path("/run/credentials/pwsync.service/master.key")


def test_user_and_folders_are_made(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    run("systemd-sysusers", f"--root={tmp_path}", str(FOLDER / "sysusers.conf"))
    run("systemd-tmpfiles", f"--root={tmp_path}", "--create", str(FOLDER / "tmpfiles.conf"))
    assert re.search(r"^pwsync:", (tmp_path / "etc" / "passwd").read_text(), re.MULTILINE)
    assert (tmp_path / "etc" / "pwsync" / "credentials").stat().st_mode & 0o777 == 0o700


def test_the_script_for_operators_is_a_script() -> None:
    run("sh", "-n", str(FOLDER / "pwsync-admin"))


def instructions() -> list[tuple[str, str]]:
    """Instructions of the container file, with their arguments, on one line each."""
    text = CONTAINERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split()[0], line.partition(" ")[2]) for line in lines]


def test_the_container_runs_without_rights_and_says_how_it_is() -> None:
    last_stage = instructions()[max(n for n, (name, _) in enumerate(instructions()) if name == "FROM") :]
    users = [value for name, value in last_stage if name == "USER"]
    assert users == ["10001:10001"]
    assert any(name == "HEALTHCHECK" and "/readyz" in value for name, value in last_stage)
    assert ("VOLUME", "/var/lib/pwsync") in last_stage
    assert ("STOPSIGNAL", "SIGTERM") in last_stage


def test_what_is_built_is_pinned_and_there() -> None:
    for name, value in instructions():
        assert name != "ADD"
        if name == "FROM":
            assert re.search(r":\d[\w.-]*( AS \w+)?$", value), "a base image without a version"
        if name == "COPY" and "--from" not in value:
            assert all((ROOT / source).exists() for source in value.split()[:-1])
        if "pip install" in value:
            assert "--no-cache-dir" in value
    assert any("--require-hashes" in value for _, value in instructions())
    backend = re.search(r"hatchling==[\d.]+", (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert backend is not None
    assert any(backend[0] in value for _, value in instructions())


def test_the_container_s_root_is_not_written_to() -> None:
    service = yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))["services"]["pwsync"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["volumes"] == ["state:/var/lib/pwsync", "./manifests:/etc/pwsync/manifests:ro"]
