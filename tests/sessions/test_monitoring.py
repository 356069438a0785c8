"""The ready rules and the dashboard ask only for what a controller tells."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.documentation import metrics

FOLDER = Path(__file__).parents[2] / "examples" / "monitoring"
ALERTS = FOLDER / "alerts.yaml"
DASHBOARD = FOLDER / "dashboard.json"
PROMTOOL = shutil.which("promtool")
_NAME = re.compile(r"\b(?:pwsync|process)_[a-z_]+\b")
_LABELS = re.compile(r"(?P<name>pwsync_[a-z_]+)\{(?P<labels>[^}]*)\}")
OF_PYTHON = {"process_resident_memory_bytes", "process_cpu_seconds_total"}


def rules() -> list[dict[str, Any]]:
    """All alert rules."""
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def queries() -> Iterator[tuple[str, str]]:
    """Every query of the rules and of the dashboard, with its place."""
    yield from ((rule["alert"], rule["expr"]) for rule in rules())
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        yield from ((panel["title"], target["expr"]) for target in panel.get("targets", []))


def test_every_metric_that_is_asked_for_is_told_by_a_controller() -> None:
    known = metrics.names() | OF_PYTHON
    asked = {(place, name) for place, query in queries() for name in _NAME.findall(query)}
    assert len(asked) > 30
    assert [(place, name) for place, name in sorted(asked) if name not in known] == []


def test_the_dashboard_shows_every_metric_of_the_queue_and_of_the_pipeline() -> None:
    asked = {name for _, query in queries() for name in _NAME.findall(query)}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in metrics.names()}
    assert sorted(f for f in families if not any(name.startswith(f) for name in asked)) == []


def test_labels_are_those_of_the_metric() -> None:
    known = metrics.labels()
    for place, query in queries():
        for found in _LABELS.finditer(query):
            name = re.sub(r"_bucket$", "", found["name"])
            used = set(re.findall(r"([a-z_]+)(?:=~|!=|!~|=)", found["labels"])) - {"job"}
            assert used <= known[name], f"{place}: {found[0]}"


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_a_rule_says_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["description"].endswith(".")


def test_panels_do_not_overlap() -> None:
    seen: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24, panel["title"]
        assert not cells & seen, panel["title"]
        seen |= cells


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian package prometheus)")
def test_prometheus_takes_the_rules(tmp_path: Path) -> None:
    for arguments in (["check", "rules", str(ALERTS)], ["test", "rules", str(FOLDER / "alerts_test.yaml")]):
        done = subprocess.run([PROMTOOL or "", *arguments], capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
