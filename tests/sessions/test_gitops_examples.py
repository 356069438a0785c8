"""The files for CI in examples/gitops: valid for the hosts that read them, and their commands do what they say."""

import json
import re
import shutil
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from controller.capture.settings import settings_schema
from controller.connectors.registry import installed_connectors
from controller.manifests.schema import json_schema
from tests.documentation.pages import ROOT, shown_manifests
from tests.doubles.repositories import Repository
from tests.sessions.shell import Shell

EXAMPLES = ROOT / "examples" / "gitops"
SCHEMAS = {"github-actions.yaml": "github-workflows.json", "gitlab-ci.yaml": "gitlab-ci.json"}


def read(name: str) -> dict[str, Any]:
    """A file for CI; ``on`` stays text, as the hosts read it."""
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    read: dict[str, Any] = yaml.safe_load(re.sub(r"^on:", '"on":', text, flags=re.MULTILINE))
    return read


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items())
def test_a_file_for_ci_fits_the_published_schema(name: str, schema: str) -> None:
    vendored = resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / schema
    published = json.loads(vendored.read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(published)
    assert [error.message for error in validator(published).iter_errors(read(name))] == []


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """The example's manifests on main, and a request that takes bob away."""
    made = Repository.make(tmp_path / "remote")
    shutil.copytree(EXAMPLES / "manifests", made.folder / "manifests")
    made.commit()
    made.git("switch", "--quiet", "-c", "request")
    made.commit({"manifests/payroll.csv": "windows,external\nalice,A1001\n"})
    made.git("update-ref", "refs/pull/7/merge", "request")
    return made


def _apply_main(shell: Shell, repository: Repository) -> str:
    shell.variables["PWSYNC_STATE_DIR"] = str(shell.folder / "state")
    source = f"{repository.address}?ref=main&path=manifests"
    shell.expect(0, "apply", "--yes", source)
    return source


def _assert_review(shell: Shell) -> None:
    told = (shell.folder / "plan.md").read_text(encoding="utf-8")
    assert "**Plan: 0 to create, 0 to update, 0 to replace, 1 to prune.**" in told
    assert "1 person loses synchronisation, 0 gain it; the stored credentials of 1 account are deleted." in told
    assert "| PAYROLL | 1 | 0 | Windows to target | 1 |" in told


def test_the_commands_of_github_actions_review_a_pull_request(shell: Shell, repository: Repository) -> None:
    _apply_main(shell, repository)
    steps = read("github-actions.yaml")["jobs"]["review"]["steps"]
    summary = shell.folder / "summary.md"
    shell.variables |= {"PULL": "7", "REPOSITORY": repository.address, "GITHUB_STEP_SUMMARY": str(summary)}
    for step in steps[:2]:
        _run(shell, step["run"])
    _assert_review(shell)
    assert summary.read_text(encoding="utf-8") == (shell.folder / "plan.md").read_text(encoding="utf-8")


def test_the_commands_of_gitlab_review_and_apply_a_merge_request(shell: Shell, repository: Repository) -> None:
    source = _apply_main(shell, repository)
    pipeline = read("gitlab-ci.yaml")
    shell.variables |= {"REPOSITORY": repository.address, "CI_COMMIT_REF_NAME": "request"}
    for job in ("validate", "plan"):
        _run(shell, "\n".join(pipeline[job]["script"]))
    _assert_review(shell)
    repository.git("switch", "--quiet", "main")
    repository.git("merge", "--quiet", "--ff-only", "request")
    shell.variables["CI_COMMIT_REF_NAME"] = "main"
    _run(shell, "\n".join(pipeline["apply"]["script"]))
    assert shell.expect(0, "plan", source).out == "Nothing to do: the actual state is as declared.\n"


def _run(shell: Shell, script: str) -> None:
    """Run what a runner would run, with bash and errors that end it."""
    done = shell.bash(script)
    assert done.code == 0, done


def test_the_schema_accepts_every_manifest_that_is_shown() -> None:
    schemas = {"": json_schema(None, installed_connectors()), "Capture": settings_schema()}
    validators = {kind: jsonschema.Draft202012Validator(schema) for kind, schema in schemas.items()}
    found = [(place, document) for place, text in shown_manifests() for document in yaml.safe_load_all(text)]
    assert len(found) > 50
    refused = [
        (place, error.message)
        for place, document in found
        for error in validators.get(document["kind"], validators[""]).iter_errors(document)
    ]
    assert refused == []


def test_an_editor_finds_the_schema_of_the_examples() -> None:
    for file in (EXAMPLES / "manifests").glob("*.yaml"):
        assert file.read_text(encoding="utf-8").startswith("# yaml-language-server: $schema=../pwsync.schema.json\n")
