"""Password filters, in both notations, with the examples of the reference system (section 9)."""

from pathlib import Path

import pytest

from controller.connectors.registry import installed_connectors
from controller.manifests.compile import Compiled
from controller.manifests.problems import ManifestErrors
from controller.manifests.reader import read_manifests
from controller.model.filters import PasswordFilter
from controller.model.secret import Secret
from controller.model.topology import Key, Kind

EXAMPLES = [
    ("dc/", "{}", "Cat", "Cat"),
    ("uc/", "{case: upper}", "C@t", "C@T"),
    ("lc/", "{case: lower}", "C@T", "c@t"),
    ("rc/2/#@/", "{remove: '#@'}", "C@t#", "Ct"),
    ("sc/3/abc/def/", "{substitute: {a: d, b: e, c: f}}", "Cat", "Cdt"),
    ("ps/8/#/", "{padStart: {length: 8, character: '#'}}", "Cat", "#####Cat"),
    ("pe/10/$/", "{padEnd: {length: 10, character: $}}", "Cat", "Cat$$$$$$$"),
    ("tr/11/", "{truncate: 11}", "Cat123456789", "Cat12345678"),
]
HEAD = "apiVersion: pwsync/v1\nkind: System\nmetadata: {name: default}\nspec: {fromWindowsToAdapters: true}\n---\n"


def declared(spec: str, *more: str) -> Compiled:
    """Manifests with the filter ``f``."""
    text = f"{HEAD}apiVersion: pwsync/v1\nkind: PasswordFilter\nmetadata: {{name: f}}\nspec: {spec}\n{''.join(more)}"
    return read_manifests(["-"], installed_connectors(), stdin=text)


def filter_of(spec: str) -> PasswordFilter:
    """The filter that a manifest declares."""
    found = declared(spec).state.resources[Key(Kind.PASSWORD_FILTER, "f")].spec
    assert isinstance(found, PasswordFilter)
    return found


def adapter(file: Path) -> str:
    """An adapter that sends through the filter ``f`` to a file of bcrypt hashes, which take 72 bytes."""
    connector = f"{{type: htpasswd, file: {file}}}"
    spec = f"{{syncToAdapter: true, filter: f, connector: {connector}}}"
    return f"---\napiVersion: pwsync/v1\nkind: Adapter\nmetadata: {{name: web}}\nspec: {spec}\n"


@pytest.mark.parametrize(("rules", "structured", "password", "external"), EXAMPLES)
def test_filters_do_what_the_examples_say_in_both_notations(
    rules: str, structured: str, password: str, external: str
) -> None:
    for spec in (f"{{rules: '{rules}'}}", structured):
        assert filter_of(spec).apply(Secret(password)) == Secret(external)


def test_filters_apply_their_rules_in_order() -> None:
    assert filter_of("{rules: 'uc/rc/2/#@/tr/8/'}").apply(Secret("c@t#-in-the-hat")) == Secret("CT-IN-TH")


def test_filters_that_are_broken_are_refused_when_manifests_are_read() -> None:
    with pytest.raises(ManifestErrors) as caught:
        declared("{rules: 'rc/3/#@/'}")
    assert "expected exactly 3 character(s)" in caught.value.problems[0].message


def test_filters_that_can_make_an_unacceptable_password_give_a_warning(tmp_path: Path) -> None:
    padded = declared("{rules: 'sc/1/1/€/pe/70/$/'}", adapter(tmp_path / "web"))
    (warning,) = padded.warnings
    assert "PasswordFilter f makes passwords that adapter web cannot use" in warning.message
    assert "longer than the 72 bytes (UTF-8) that the target takes" in warning.message
    assert "truncate" in warning.hint


def test_filters_that_always_make_an_unacceptable_password_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestErrors) as caught:
        declared("{rules: 'pe/100/$/'}", adapter(tmp_path / "web"))
    (problem,) = caught.value.problems
    assert "PasswordFilter f leaves adapter web no password that its target takes" in problem.message


def test_filters_that_fit_give_no_warning(tmp_path: Path) -> None:
    assert declared("{rules: 'uc/tr/16/'}", adapter(tmp_path / "web")).warnings == ()
