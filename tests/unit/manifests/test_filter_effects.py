"""Filters are tried against what the connectors of their adapters take, when manifests are read."""

from collections.abc import Sequence

import pytest

from controller.manifests.compile import Compiled
from controller.manifests.problems import ManifestErrors
from controller.manifests.reader import read_manifests
from controller.model.errors import NotFound
from controller.ports.connectors import ConnectorType
from tests.doubles.memory import MemoryConnectorType

HEAD = """\
apiVersion: pwsync/v1
kind: System
metadata: {name: default}
spec: {fromWindowsToAdapters: true}
"""


class MemoryCatalogue:
    """The connector type ``memory`` alone."""

    def names(self) -> Sequence[str]:
        return ["memory"]

    def get(self, name: str) -> ConnectorType:
        if name != "memory":
            raise NotFound(f"there is no connector type {name!r}")
        return MemoryConnectorType({})


def compiled(adapter: str, rules: str = "dc/") -> Compiled:
    """Adapter ``a`` with these fields, beside the filter ``f``."""
    password_filter = f"kind: PasswordFilter\nmetadata: {{name: f}}\nspec: {{rules: '{rules}'}}\n"
    text = f"{HEAD}---\napiVersion: pwsync/v1\n{password_filter}---\napiVersion: pwsync/v1\n"
    text += f"kind: Adapter\nmetadata: {{name: a}}\nspec: {{{adapter}}}\n"
    return read_manifests(["-"], MemoryCatalogue(), stdin=text)


def warnings_of(adapter: str, rules: str = "dc/") -> list[str]:
    """Messages and hints of the warnings."""
    return [f"{w.place.line}:{w.place.column} {w.message} ({w.hint})" for w in compiled(adapter, rules).warnings]


def test_a_filter_that_fits_its_target_gives_no_warning() -> None:
    adapter = "syncToAdapter: true, filter: f, connector: {type: memory, maxLength: 8}"
    assert warnings_of(adapter, "uc/tr/8/") == []


def test_a_filter_that_weakens_passwords_seriously_is_told_apart_from_one_that_does_not_fit() -> None:
    adapter = "syncToAdapter: true, filter: f, connector: {type: memory, maxLength: 8}"
    (weakening,) = compiled(adapter, "uc/tr/8/").weakening
    assert str(weakening).startswith(
        "<stdin>:14:29: spec.filter: PasswordFilter f weakens the passwords of adapter a: of typical passwords "
        "92 % are cut off, 73 % become equal to another one, and about 49 of 92 bits remain (let it keep more"
    )
    assert compiled(adapter, "tr/8/uc/").warnings == ()
    assert compiled("syncToAdapter: true, filter: f, connector: {type: memory}", "tr/16/").weakening == ()


def test_a_filter_that_can_make_an_unacceptable_password_gives_a_warning() -> None:
    adapter = "syncToAdapter: true, filter: f, connector: {type: memory, maxLength: 8}"
    reason = "longer than the 8 characters that the target takes"
    what = "spec.filter: PasswordFilter f makes passwords that adapter a cannot use, of 92 % of typical passwords"
    assert warnings_of(adapter, "uc/") == [f"14:29 {what}: {reason} (change PasswordFilter f: truncate with tr/8/)"]


def test_no_filter_where_one_is_needed_gives_a_warning() -> None:
    adapter = "syncToAdapter: true, connector: {type: memory, maxLength: 8}"
    reason = "longer than the 8 characters that the target takes"
    what = "spec.connector: adapter a has no filter, and its target refuses 92 % of typical passwords"
    assert warnings_of(adapter) == [f"14:29 {what}: {reason} (give it a PasswordFilter: truncate with tr/8/)"]


def test_a_filter_that_always_makes_an_unacceptable_password_is_an_error() -> None:
    adapter = "syncToAdapter: true, filter: f, connector: {type: memory, maxLength: 8}"
    with pytest.raises(ManifestErrors) as caught:
        compiled(adapter, "pe/20/$/")
    (problem,) = caught.value.problems
    assert problem.message == (
        "spec.filter: PasswordFilter f leaves adapter a no password that its target takes:"
        " longer than the 8 characters that the target takes"
    )
    assert problem.hint == "change PasswordFilter f: truncate with tr/8/"
    assert (problem.place.line, problem.place.column) == (14, 29)


def test_an_adapter_to_which_nothing_is_sent_is_not_looked_at() -> None:
    assert warnings_of("filter: f, connector: {type: memory, maxLength: 8}", "pe/20/$/") == []
