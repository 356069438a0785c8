"""Mapping sets: inline lists and CSV files, with mistakes at their line."""

from pathlib import Path

import pytest

from controller.manifests.problems import ManifestErrors
from controller.manifests.reader import read_manifests
from controller.model.topology import Mapping
from tests.unit.manifests.catalogue import FakeCatalogue

AROUND = """\
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
spec:
"""
CSV_FILE = "  csvFile: data/staff.csv\n"
SPEC = "  application: PAYROLL\n  domain: CORP\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "x.yaml").write_text(AROUND + SPEC + CSV_FILE)
    return tmp_path


def read(folder: Path, csv_text: str | bytes) -> list[tuple[str, str, bool]]:
    raw = csv_text if isinstance(csv_text, bytes) else csv_text.encode()
    (folder / "data" / "staff.csv").write_bytes(raw)
    state = read_manifests([str(folder)], FakeCatalogue()).state
    assert {mapping.origin for mapping in state.mappings} <= {"MappingSet/staff"}
    return [(str(mapping.windows), mapping.external, mapping.enabled) for mapping in state.mappings]


def problems(folder: Path, csv_text: str | bytes) -> list[str]:
    with pytest.raises(ManifestErrors) as caught:
        read(folder, csv_text)
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]


def test_a_csv_file_is_read_in_the_order_of_accounts(folder: Path) -> None:
    assert read(folder, "windows,external\nbob,BOB1\nAlice,0123\n") == [
        (r"CORP\alice", "0123", True),
        (r"CORP\bob", "BOB1", True),
    ]


def test_columns_may_come_in_any_order_and_enabled_in_any_case(folder: Path) -> None:
    text = "enabled, external ,windows\nFALSE,BOB1,bob\ntrue,NO,yes\n"
    assert read(folder, text) == [(r"CORP\bob", "BOB1", False), (r"CORP\yes", "NO", True)]


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbfwindows,external\r\nbob,BOB1\r\n\r\n",
        b'windows,external\n\n"bob","BOB1"\n  \n',
        b"windows,external\nbob,BOB1",
        b"windows,external\rbob,BOB1\r",
        b"windows,external\nCORP\\bob,BOB1\n",
        b"windows,external\ncorp\\BOB,BOB1\n",
    ],
)
def test_the_spellings_of_other_programs_are_understood(folder: Path, text: bytes) -> None:
    assert read(folder, text) == [(r"CORP\bob", "BOB1", True)]


def test_a_quoted_value_may_have_commas_and_quotes(folder: Path) -> None:
    assert read(folder, 'windows,external\nbob,"uid=""b"",ou=x"\n') == [(r"CORP\bob", 'uid="b",ou=x', True)]


def test_a_file_with_no_more_than_a_header_is_an_empty_set(folder: Path) -> None:
    assert read(folder, "windows,external\n") == []


NO_HEADER = (
    "the first line does not name the columns (write windows,external or windows,external,enabled, separated by commas)"
)
CSV_MISTAKES = {
    "empty": ("", f"1:1: {NO_HEADER}"),
    "no header": ("bob,BOB1\n", f"1:1: {NO_HEADER}"),
    "semicolons": ("windows;external\nbob;BOB1\n", f"1:1: {NO_HEADER}"),
    "unknown column": ("windows,qqq,external\n", "1:9: unknown column 'qqq' (there are: enabled, external, windows)"),
    "misspelt column": ("windows,externall\n", "1:9: unknown column 'externall' (did you mean 'external'?)"),
    "column twice": ("windows,external,windows\n", "1:18: the column windows is given twice (remove one of them)"),
    "column missing": (
        "windows,enabled\n",
        "1:1: the column external is missing (the first line must be windows,external[,enabled])",
    ),
    "too few values": (
        "windows,external,enabled\nbob,BOB1\n",
        "2:1: 2 values, but the header has 3 (quote values with commas)",
    ),
    "too many values": (
        "windows,external\nbob,BOB1,x\n",
        "2:1: 3 values, but the header has 2 (quote values with commas)",
    ),
    "not a switch": (
        "windows,external,enabled\nbob,BOB1,yes\n",
        "2:10: enabled: must be true or false",
    ),
    "unclosed quote": (
        'windows,external\nbob,"BOB1\n',
        "2:1: not valid CSV: unexpected end of data (quote with double quotes, double those inside)",
    ),
    "built-in account": (
        "windows,external\nbob,BOB1\n\nkrbtgt,K\n",
        r"4:1: windows: 'CORP\\krbtgt' is a built-in account (only ordinary domain accounts can be mapped)",
    ),
    "another domain": (
        "windows,external\nHR\\bob,BOB1\n",
        (
            "2:1: windows: 'HR' is not the domain of this set, 'CORP' "
            "(write the bare name of the user, or another set for the other domain)"
        ),
    ),
    "space before a value": (
        "windows,external\nbob, BOB1\n",
        "2:5: external: ' BOB1' is not an external account (no empty name, no space around it)",
    ),
    "mistake beside quotes": (
        'windows,external\n"bob",\n',
        "2:1: external: '' is not an external account (no empty name, no space around it)",
    ),
    "line break inside quotes": (
        'windows,external\nbob,"BOB\n1"\n',
        r"2:1: external: 'BOB\n1' is not an external account (at most 256 characters and no control characters)",
    ),
    "not UTF-8": (
        b"windows,external\nb\xe9b,BOB1\n",
        "2:2: not UTF-8 text (save the file as UTF-8)",
    ),
}


@pytest.mark.parametrize(("text", "expected"), CSV_MISTAKES.values(), ids=CSV_MISTAKES.keys())
def test_a_mistake_in_a_csv_file_is_reported_at_its_line(folder: Path, text: str | bytes, expected: str) -> None:
    prefix = "x.yaml:16:12: spec.csvFile: " if expected.startswith("2:2: not UTF-8") else "data/staff.csv:"
    (problem,) = problems(folder, text)
    if prefix.startswith("x.yaml"):
        assert problem == f"{prefix}{folder}/data/staff.csv: not UTF-8 text (save the file as UTF-8)"
    else:
        assert problem == prefix + expected


def test_all_mistakes_of_a_csv_file_are_reported_at_once(folder: Path) -> None:
    text = "windows,external,enabled\n?,,true\nbob\ncarol,C,maybe\ndave,D,true\ndave,E,true\n"
    assert [problem.partition(" ")[0] for problem in problems(folder, text)] == [
        f"data/staff.csv:{at}:" for at in ("2:1", "2:3", "3:1", "4:9", "6:1")
    ]


def test_a_missing_csv_file_is_reported_where_it_is_named(folder: Path) -> None:
    with pytest.raises(ManifestErrors) as caught:
        read_manifests([str(folder)], FakeCatalogue())
    (problem,) = caught.value.problems
    assert str(problem) == (
        f"{folder}/x.yaml:16:12: spec.csvFile: {folder}/data/staff.csv: "
        "the file cannot be read: No such file or directory (check that it exists and its permissions)"
    )


def test_csv_files_are_named_as_their_manifest_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "data" / "staff.csv").write_text("windows,external\nbob,\n")
    monkeypatch.chdir(folder)
    for path, text in ((["."], None), (["x.yaml"], None)):
        with pytest.raises(ManifestErrors, match=r"^data/staff\.csv:2:5: external"):
            read_manifests(path, FakeCatalogue(), stdin=text)
    with pytest.raises(ManifestErrors) as caught:
        read_manifests(["-"], FakeCatalogue(), stdin=(folder / "x.yaml").read_text())
    assert str(caught.value).startswith(f"{folder}/data/staff.csv:2:5: external")


def test_inline_mappings_and_a_csv_file_add_up(folder: Path) -> None:
    manifest = AROUND + SPEC + CSV_FILE + "  mappings: [{windows: 'CORP\\carol', external: C, enabled: false}]\n"
    (folder / "x.yaml").write_text(manifest)
    assert read(folder, "windows,external\nbob,B\n") == [(r"CORP\bob", "B", True), (r"CORP\carol", "C", False)]


def test_a_mistake_in_an_inline_mapping_is_reported_at_its_column() -> None:
    entries = r"[{windows: bob, external: B}, {windows: 'HR\x', external: ' '}, {windows: a@b, external: 'C'}]"
    with pytest.raises(ManifestErrors) as caught:
        read_manifests(["-"], FakeCatalogue(), stdin=f"{AROUND}{SPEC}  mappings: {entries}\n")
    found = [(str(problem.place), problem.message.partition(":")[0]) for problem in caught.value.problems]
    assert found == [
        ("<stdin>:16:53", "spec.mappings[1].windows"),
        ("<stdin>:16:71", "spec.mappings[1].external"),
        ("<stdin>:16:87", "spec.mappings[2].windows"),
    ]


def test_an_empty_inline_list_is_an_empty_set() -> None:
    text = f"{AROUND}{SPEC}  mappings: []\n"
    assert list(read_manifests(["-"], FakeCatalogue(), stdin=text).state.mappings) == []


def test_mappings_are_sorted_by_application_and_account() -> None:
    entries = "[{windows: z, external: Z}, {windows: a.b, external: A}, {windows: a, external: Y}]"
    text = f"{AROUND}{SPEC}  mappings: {entries}\n"
    mappings = list(read_manifests(["-"], FakeCatalogue(), stdin=text).state.mappings)
    assert [mapping.external for mapping in mappings] == ["Y", "A", "Z"]
    assert mappings == sorted(mappings, key=lambda mapping: mapping.sort_key)
    assert all(isinstance(mapping, Mapping) for mapping in mappings)
