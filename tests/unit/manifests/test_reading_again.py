"""Manifests that are read again and again: compiled anew exactly when something of them has changed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from controller.manifests.problems import ManifestErrors
from controller.manifests.reader import Reader
from tests.unit.manifests.catalogue import FakeCatalogue

MANIFESTS = """\
apiVersion: pwsync/v1
kind: Domain
metadata: {name: CORP}
spec: {dnsName: corp.example.com}
---
apiVersion: pwsync/v1
kind: Application
metadata: {name: PAYROLL}
---
apiVersion: pwsync/v1
kind: MappingSet
metadata: {name: staff}
spec: {application: PAYROLL, domain: CORP, csvFile: ../staff.csv}
"""
GROUP = "apiVersion: pwsync/v1\nkind: AdapterGroup\nmetadata: {name: mainframe}\nspec: {}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "manifests"
    folder.mkdir()
    (folder / "all.yaml").write_text(MANIFESTS)
    (tmp_path / "staff.csv").write_text("windows,external\nbob,B\n")
    return folder


@pytest.fixture
def reader() -> Reader:
    return Reader(FakeCatalogue())


def test_what_holds_the_same_is_not_compiled_anew(folder: Path, reader: Reader) -> None:
    first = reader.read([str(folder)])
    (folder / "all.yaml").write_text(MANIFESTS)
    assert reader.read([str(folder)]) is first


def test_equal_manifests_have_equal_marks_in_every_reader(folder: Path, reader: Reader) -> None:
    marks = {one.read([str(folder)]).state.mark for one in (reader, Reader(FakeCatalogue()))}
    assert len(marks) == 1
    assert marks != {""}


CHANGES: dict[str, Callable[[Path], object]] = {
    "csv": lambda folder: (folder.parent / "staff.csv").write_text("windows,external\nbob,C\n"),
    "manifest": lambda folder: (folder / "all.yaml").write_text(MANIFESTS.replace("staff}", "crew}")),
    "new file": lambda folder: (folder / "group.yaml").write_text(GROUP),
    "renamed file": lambda folder: (folder / "all.yaml").rename(folder / "more.yaml"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_every_change_is_seen(folder: Path, reader: Reader, change: Callable[[Path], object]) -> None:
    first = reader.read([str(folder)])
    change(folder)
    second = reader.read([str(folder)])
    assert second is not first
    assert reader.read([str(folder)]) is second


def test_other_text_on_standard_input_is_seen(reader: Reader) -> None:
    first = reader.read(["-"], stdin=GROUP)
    assert reader.read(["-"], stdin=GROUP) is first
    assert reader.read(["-"], stdin=GROUP.replace("mainframe", "unix")).state.resources != first.state.resources


def test_a_mistake_is_told_each_time_and_its_end_is_seen(folder: Path, reader: Reader) -> None:
    reader.read([str(folder)])
    (folder.parent / "staff.csv").write_text("windows,external\nbob,\n")
    for _ in range(2):
        with pytest.raises(ManifestErrors):
            reader.read([str(folder)])
    (folder.parent / "staff.csv").write_text("windows,external\nbob,B\n")
    assert [mapping.external for mapping in reader.read([str(folder)]).state.mappings] == ["B"]
