"""The documentation is true: its commands are run, its manifests are read, its links lead somewhere."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from controller.capture.settings import read_settings
from controller.connectors.registry import installed_connectors
from controller.manifests.problems import ManifestErrors
from controller.manifests.reader import read_manifests
from controller.model.change import Reason
from controller.model.delivery import DeliveryState
from tests.documentation import reference
from tests.documentation.pages import Block, all_pages, anchors, blocks, fits, links, name_of, prose, steps
from tests.documentation.shell import Shell, environment_for
from tests.servers.fixtures import require_server
from tests.servers.processes import free_port
from tests.sessions.shell import copy_quickstart

ROOT = Path(__file__).parents[2]
PAGES = {name_of(path): path for path in all_pages()}
# run by tests/system/test_sandbox.py and test_company.py
NEED_SERVERS = {"examples/samba-ad-openldap/README.md", "examples/company/README.md"}
EXECUTED = [name for name, path in PAGES.items() if steps(path) and name not in NEED_SERVERS]
FORBIDDEN = re.compile(r"/work\b|/tmp/|/root\b|\bhelpers?\b|\bsub-?agents?\b|\bworkplace\b", re.IGNORECASE)
BASES: dict[str, dict[str, Any]] = {
    "System": {"metadata": {"name": "default"}},
    "Domain": {"metadata": {"name": "CORP"}, "spec": {"dnsName": "corp.example.com"}},
    "Adapter": {"metadata": {"name": "any"}, "spec": {"connector": {"type": "htpasswd", "file": "any"}}},
    "Application": {"metadata": {"name": "ANY"}},
}
_REFERENCE_PROBLEM = "there is no "


def yaml_blocks() -> Iterator[Block]:
    """All blocks of YAML."""
    for path in PAGES.values():
        yield from (block for block in blocks(path) if block.language in {"yaml", "yml"})


_FILE = re.compile(r"# file: (?P<name>\S+)\s*|<!-- file: (?P<xml>\S+) -->")


def files_of(path: Path) -> Iterator[tuple[str, Block]]:
    """The files that a page shows."""
    for block in blocks(path):
        if found := _FILE.fullmatch(block.first_line):
            yield found["name"] or found["xml"], block


def is_invalid(block: Block) -> bool:
    """Whether the page shows it as a mistake."""
    return block.body.splitlines()[1:2] == ["# invalid"]


@pytest.mark.parametrize("name", EXECUTED)
def test_the_commands_of_a_page_do_what_it_shows(name: str, tmp_path: Path, warm_pwsync: Path) -> None:
    require_server("bash", "curl")
    has_own_manifests, port = False, free_port()
    for file, block in files_of(PAGES[name]):
        target = tmp_path / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(block.body.replace(":8080", f":{port}"), encoding="utf-8")
        has_own_manifests = has_own_manifests or target.parent == tmp_path / "manifests"
    if not has_own_manifests:
        copy_quickstart(tmp_path / "manifests")
    with Shell(tmp_path, environment_for(warm_pwsync, Path(sys.executable))) as shell:
        for step in steps(PAGES[name]):
            printed, code = shell.run(step.command.replace(":8080", f":{port}"))
            shown = "\n".join(step.expected)
            assert code == step.code, f"{step.place}: {step.command}: exit code {code}\n{printed}"
            assert fits(step.expected, printed), f"{step.place}: {step.command}\n{printed}\n--- shown:\n{shown}"


@pytest.mark.parametrize("name", [name for name, path in PAGES.items() if list(files_of(path))])
def test_the_manifests_of_a_page_are_valid_together(name: str, tmp_path: Path) -> None:
    data = {"python", "ini", "xml"}
    found = ((file, block) for file, block in files_of(PAGES[name]) if block.language not in data)
    shown = [(file, block) for file, block in found if not is_invalid(block)]
    for file, block in shown:
        target = tmp_path / file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(block.body, encoding="utf-8")
    settings = [tmp_path / file for file, block in shown if "kind: Capture" in block.body]
    for path in settings:
        assert read_settings(path).file == path
        path.unlink()
    if len(settings) < len(shown):
        read_manifests([str(tmp_path)], installed_connectors())


def test_every_block_of_yaml_is_a_file_or_a_fragment() -> None:
    unmarked = [str(b) for b in yaml_blocks() if not b.first_line.startswith(("# file: ", "# fragment: "))]
    assert unmarked == []


@pytest.mark.parametrize("block", [b for b in yaml_blocks() if b.first_line.startswith("# fragment: ")], ids=str)
def test_a_fragment_fits_into_a_manifest(block: Block, tmp_path: Path) -> None:
    kind, _, part = block.first_line.removeprefix("# fragment: ").strip().partition(".")
    fragment = yaml.safe_load(block.body)
    document: dict[str, Any] = {"apiVersion": "pwsync/v1", "kind": kind, **BASES[kind]}
    if part:
        document[part] = {**document.get(part, {}), **fragment}
    else:
        document |= fragment
    manifest = tmp_path / "fragment.yaml"
    manifest.write_text(yaml.safe_dump(document), encoding="utf-8")
    try:
        read_manifests([str(manifest)], installed_connectors())
    except ManifestErrors as error:
        wrong = [str(p) for p in error.problems if _REFERENCE_PROBLEM not in p.message]
        assert wrong == [], f"{block}: {wrong}"


@pytest.mark.parametrize("name", list(PAGES))
def test_links_lead_somewhere(name: str) -> None:
    path = PAGES[name]
    broken = []
    for link in links(path):
        target, _, anchor = link.partition("#")
        if "://" in target:
            continue
        found = path if not target else (path.parent / target).resolve()
        if not found.exists() or (anchor and anchor not in anchors(found)):
            broken.append(link)
    assert broken == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in reached or path.suffix != ".md" or not path.exists():
            continue
        reached.add(path)
        targets = (link.partition("#")[0] for link in links(path))
        waiting += [(path.parent / target).resolve() for target in targets if target and "://" not in target]
    assert [name for name, path in PAGES.items() if path not in reached] == []


@pytest.mark.parametrize("path", list(reference.pages()), ids=name_of)
def test_a_reference_page_is_up_to_date(path: Path) -> None:
    made = reference.pages()[path]()
    assert path.read_text(encoding="utf-8") == made, "run: python -m tests.documentation.reference"


def test_commands_that_are_only_shown_exist() -> None:
    known = {" ".join(command) for command in reference.COMMANDS}
    wrong = []
    for name, path in PAGES.items():
        shown = [line for block in blocks(path) if block.language == "sh" for line in block.body.splitlines()]
        shown += re.findall(r"`(pwsync [^`]+)`", prose(path)) if name != "docs/critiques.md" else []
        for line in shown:
            wrong += [f"{name}: {line}" for found in _commands_in(line) if not _is_known(found, known)]
    assert wrong == []


def _commands_in(line: str) -> list[str]:
    return re.findall(r"\bpwsync(?: --[a-z-]+ \S+)* ((?:[a-z][a-z0-9]*(?:-[a-z]+)* ?){1,2})", line)


def _is_known(words: str, known: set[str]) -> bool:
    first, _, second = words.strip().partition(" ")
    is_group = any(command.startswith(f"{first} ") for command in known)
    return first in known and (not is_group or not second or f"{first} {second}" in known)


@pytest.mark.parametrize("name", list(PAGES))
def test_a_page_speaks_of_the_product_only(name: str) -> None:
    text = PAGES[name].read_text(encoding="utf-8")
    assert [found[0] for found in FORBIDDEN.finditer(text)] == []


def test_every_reason_is_explained() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in PAGES.values())
    words = [*Reason, *DeliveryState]
    assert [word.value for word in words if f"`{word.value}`" not in text] == []
