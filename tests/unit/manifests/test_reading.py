"""Paths to manifests: files, folders, standard input; several files with mistakes at once."""

import gc
from pathlib import Path

import pytest

from controller.manifests.problems import ManifestErrors, Place, Problem
from controller.manifests.reader import read_manifests
from controller.model.accounts import WindowsAccount
from controller.model.filters import Case, PasswordFilter, Remove, Truncate
from controller.model.topology import Adapter, Domain, Key, Kind, Mapping
from tests.unit.manifests.catalogue import FakeCatalogue

HERE = Path(__file__).parent
GROUP = "apiVersion: pwsync/v1\nkind: AdapterGroup\nmetadata: {{name: {name}}}\n"


def group(name: str) -> str:
    return GROUP.format(name=name)


def names(paths: list[Path], stdin: str | None = None) -> list[str]:
    state = read_manifests([str(path) for path in paths], FakeCatalogue(), stdin=stdin).state
    return [key.name for key in state.resources]


def problems(paths: list[Path | str], stdin: str | None = None) -> list[str]:
    with pytest.raises(ManifestErrors) as caught:
        read_manifests([str(path) for path in paths], FakeCatalogue(), stdin=stdin)
    return [str(problem) for problem in caught.value.problems]


def test_the_example_of_the_contract_reads_without_a_warning() -> None:
    compiled = read_manifests([str(HERE / "contract.yaml")], FakeCatalogue())
    assert compiled.warnings == ()
    assert [str(key) for key in compiled.state.resources] == [
        "System/default",
        "Domain/CORP",
        "PasswordFilter/upper8",
        "AdapterGroup/mainframe",
        "Adapter/racf-prod",
        "Application/PAYROLL",
    ]
    resources = compiled.state.resources
    assert resources[Key(Kind.PASSWORD_FILTER, "upper8")].spec == PasswordFilter(
        (Case("upper"), Remove("#@"), Truncate(8))
    )
    assert resources[Key(Kind.ADAPTER, "racf-prod")].is_protected
    assert tuple(compiled.state.mappings) == (
        Mapping("PAYROLL", WindowsAccount("CORP", "alice"), "ALICE1", True, "Mapping/alice-payroll"),
        Mapping("PAYROLL", WindowsAccount("CORP", "bob"), "BOB1", True, "MappingSet/payroll-staff"),
        Mapping("PAYROLL", WindowsAccount("CORP", "carol"), "CAROL1", True, "MappingSet/payroll-staff"),
        Mapping("PAYROLL", WindowsAccount("CORP", "dave"), "DAVE1", False, "MappingSet/payroll-staff"),
    )


def test_relative_paths_are_relative_to_the_manifest_not_to_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    resources = read_manifests([str(HERE / "contract.yaml")], FakeCatalogue()).state.resources
    domain, adapter = resources[Key(Kind.DOMAIN, "CORP")].spec, resources[Key(Kind.ADAPTER, "racf-prod")].spec
    assert isinstance(domain, Domain)
    assert domain.directory is not None
    assert domain.directory.endpoint.ca_file == str(HERE / "ca.pem")
    assert isinstance(adapter, Adapter)
    assert adapter.connector.options == {
        "url": "ldaps://racf.example.com",
        "caFile": str(HERE / "certs/racf.pem"),
        "bind": {
            "user": "racfid=PWSYNC,profiletype=user,cn=racf",
            "passwordFrom": {"file": str(HERE / "secrets/racf")},
        },
        "suffix": "cn=racf",
    }


def test_stored_connector_options_mean_the_same_when_they_are_read_without_their_folder() -> None:
    resources = read_manifests([str(HERE / "contract.yaml")], FakeCatalogue()).state.resources
    adapter = resources[Key(Kind.ADAPTER, "racf-prod")].spec
    assert isinstance(adapter, Adapter)
    model = FakeCatalogue().get("racf").options
    again = model.model_validate(adapter.connector.options)
    assert again.model_dump(mode="json", by_alias=True, exclude_defaults=True) == adapter.connector.options


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("{type: choice}", {}),
        ("{type: choice, target: {by: roles}}", {}),
        ("{type: choice, timeout: 30}", {}),
        ("{type: choice, timeout: null}", {"timeout": None}),
        ("{type: htpasswd, file: /srv/htpasswd, scheme: bcrypt}", {"file": "/srv/htpasswd"}),
    ],
)
def test_connector_options_that_equal_a_default_are_left_out(written: str, stored: dict[str, object]) -> None:
    text = f"apiVersion: pwsync/v1\nkind: Adapter\nmetadata: {{name: a}}\nspec: {{connector: {written}}}\n"
    spec = read_manifests(["-"], FakeCatalogue(), stdin=text).state.resources[Key(Kind.ADAPTER, "a")].spec
    assert isinstance(spec, Adapter)
    assert spec.connector.options == stored


def test_a_default_stays_where_leaving_it_out_would_change_the_meaning() -> None:
    text = (
        "apiVersion: pwsync/v1\nkind: Adapter\nmetadata: {name: a}\n"
        "spec: {connector: {type: choice, target: {by: table, table: users}}}\n"
    )
    spec = read_manifests(["-"], FakeCatalogue(), stdin=text).state.resources[Key(Kind.ADAPTER, "a")].spec
    assert isinstance(spec, Adapter)
    assert spec.connector.options == {
        "target": {"by": "table", "table": "users"},
        "anything": None,
        "timeout": 30,
        "passwordFrom": None,
    }


def test_folders_are_read_in_sorted_order_without_hidden_and_other_files(tmp_path: Path) -> None:
    for path in ("b.yaml", "a/z.yml", "a/y.yaml", ".git/c.yaml", ".d.yaml", "a/.e.yaml", "notes.txt"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(group("g-" + Path(path).stem.strip(".")))
    assert names([tmp_path]) == ["g-b", "g-y", "g-z"]


def test_a_folder_that_links_to_itself_or_above_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.yaml").write_text(group("b"))
    (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a", target_is_directory=True)
    assert names([tmp_path]) == ["b"]


def test_links_to_files_and_folders_elsewhere_are_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / ".data"
    elsewhere.mkdir()
    (elsewhere / "a.yaml").write_text(group("a"))
    (elsewhere / "folder").mkdir()
    (elsewhere / "folder" / "b.yaml").write_text(group("b"))
    (tmp_path / "a.yaml").symlink_to(elsewhere / "a.yaml")
    (tmp_path / "linked").symlink_to(elsewhere / "folder", target_is_directory=True)
    assert names([tmp_path]) == ["a", "b"]


def test_a_file_reached_in_two_ways_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(group("a"))
    assert names([path, tmp_path, tmp_path / "." / "a.yaml"]) == ["a"]


def test_a_file_named_by_the_user_may_have_any_name(tmp_path: Path) -> None:
    path = tmp_path / ".manifest.txt"
    path.write_text(group("a"))
    assert names([path]) == ["a"]


def test_standard_input_and_files_can_be_mixed(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(group("a"))
    assert names([Path("-"), path], "\ufeff" + group("b")) == ["a", "b"]


def test_standard_input_that_was_not_given_is_a_problem() -> None:
    assert problems(["-"]) == ["<stdin>:1:1: standard input is not available here"]


def test_no_path_is_a_problem() -> None:
    assert problems([]) == [".:1:1: there are no manifests here (give a file or folder of manifests)"]


def test_paths_that_lead_nowhere_are_problems(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.yaml").symlink_to(tmp_path / "gone")
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    missing = "there is no such file or folder (check the path; - reads standard input)"
    long = "x" * 300
    assert problems([tmp_path / "empty", tmp_path / "missing", tmp_path / long]) == [
        f"{tmp_path}/empty:1:1: the folder holds no manifest (manifests are files *.yaml or *.yml, not hidden)",
        f"{tmp_path}/missing:1:1: {missing}",
        f"{tmp_path}/{long}:1:1: {missing}",
    ]
    remedy = "check that it exists and its permissions"
    assert problems([tmp_path]) == [
        f"{tmp_path}/broken.yaml:1:1: the file cannot be read: No such file or directory ({remedy})",
        f"{tmp_path}/loop.yaml:1:1: the file cannot be read: Too many levels of symbolic links ({remedy})",
    ]


def test_a_folder_that_cannot_be_listed_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> list[str]:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("os.listdir", refuse)
    assert problems([tmp_path]) == [
        f"{tmp_path}:1:1: the folder cannot be read: Permission denied (check its permissions)"
    ]


def test_text_that_is_not_utf8_is_reported_at_its_place(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("a: ä\nb: é".encode().replace(b"\xa9", b"\xff"))
    (tmp_path / "wide.yaml").write_bytes(group("a").encode("utf-16"))
    assert problems([tmp_path]) == [
        f"{tmp_path}/latin.yaml:2:4: not UTF-8 text (save the file as UTF-8)",
        f"{tmp_path}/wide.yaml:1:1: the file is UTF-16, not UTF-8 (save it as UTF-8)",
    ]


def test_a_byte_order_mark_does_not_move_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfkind: Foo\n")
    assert problems([path])[0].startswith(f"{path}:1:7: there is no kind 'Foo'")
    path.write_bytes(b"\xef\xbb\xbfkind: F\xff\n")
    assert problems([path]) == [f"{path}:1:8: not UTF-8 text (save the file as UTF-8)"]


def test_mistakes_of_several_files_are_reported_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(group("a") + "spec: {computer: 1}\n")
    (tmp_path / "b.yaml").write_text(group("b") + "sepc: {}\n---\n" + group("a"))
    (tmp_path / "c.yaml").write_text("a: [\n")
    (tmp_path / "s.yaml").write_text(
        "apiVersion: pwsync/v1\nkind: MappingSet\nmetadata: {name: s}\n"
        "spec: {application: A, domain: C, csvFile: s.csv}\n"
    )
    (tmp_path / "s.csv").write_text("windows,external\nbob,\n")
    assert problems([tmp_path, "nowhere"]) == [
        f"{tmp_path}/a.yaml:4:18: spec.computer: must be text (quote it)",
        f"{tmp_path}/b.yaml:4:1: sepc: unknown field (did you mean 'spec'?)",
        (
            f"{tmp_path}/b.yaml:8:18: AdapterGroup/a is declared twice, first at {tmp_path}/a.yaml:3:18 "
            "(remove one of them)"
        ),
        f"{tmp_path}/c.yaml:2:1: not valid YAML: while parsing a flow node, did not find expected node content",
        f"{tmp_path}/s.csv:2:5: external: '' is not an external account (no empty name, no space around it)",
        "nowhere:1:1: there is no such file or folder (check the path; - reads standard input)",
    ]


def test_references_are_not_blamed_while_some_manifest_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "apiVersion: pwsync/v1\nkind: Application\nmetadata: {name: a}\nspec: {adapter: x}\n"
    )
    assert problems([tmp_path]) == [
        f"{tmp_path}/a.yaml:4:17: spec.adapter: there is no Adapter 'x' (declare it with kind: Adapter)"
    ]
    (tmp_path / "b.yaml").write_bytes(b"\xff")
    assert problems([tmp_path]) == [f"{tmp_path}/b.yaml:1:1: not UTF-8 text (save the file as UTF-8)"]


def test_an_object_with_a_mistake_still_counts_as_declared() -> None:
    text = (
        "apiVersion: pwsync/v1\nkind: Application\nmetadata: {name: a}\nspec: {adapter: x}\n---\n"
        "apiVersion: pwsync/v1\nkind: Adapter\nmetadata: {name: x}\n"
    )
    assert problems(["-"], text) == ["<stdin>:6:1: spec: missing"]


@pytest.mark.parametrize("is_enabled", [True, False])
def test_the_collector_is_left_as_it_was(is_enabled: bool) -> None:
    was_enabled = gc.isenabled()
    try:
        (gc.enable if is_enabled else gc.disable)()
        read_manifests(["-"], FakeCatalogue(), stdin=group("a"))
        assert gc.isenabled() is is_enabled
        with pytest.raises(ManifestErrors):
            read_manifests(["-"], FakeCatalogue(), stdin="[")
        assert gc.isenabled() is is_enabled
    finally:
        (gc.enable if was_enabled else gc.disable)()


def test_the_missing_system_is_a_warning_at_the_first_path() -> None:
    assert read_manifests(["-"], FakeCatalogue(), stdin=group("a")).warnings == (
        Problem(
            Place("<stdin>"),
            "no System is declared, so nothing is synchronised",
            "declare kind: System with the name default and its switches",
        ),
    )
