"""Connector types are found among the installed packages and imported only when asked for."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from controller.connectors import registry
from controller.connectors.htpasswd import CONNECTOR_TYPE
from controller.connectors.registry import installed_connectors
from controller.model.errors import NotFound, SettingsError
from controller.ports.connectors import ConnectorCatalogue

REGISTRY = "tests.unit.connectors.test_registry"
GOOD = SimpleNamespace(name="good", options=BaseModel, capabilities=lambda _: None, connect=lambda *_: None)
NAMELESS = SimpleNamespace(name="other", options=BaseModel, capabilities=print, connect=print)
OPTIONLESS = SimpleNamespace(name="optionless", options=dict, capabilities=print, connect=print)
EMPTY = SimpleNamespace(name="empty", options=BaseModel)


def catalogue(monkeypatch: pytest.MonkeyPatch, **entries: str) -> ConnectorCatalogue:
    found = [EntryPoint(name, value, registry.GROUP) for name, value in entries.items()]
    monkeypatch.setattr(registry, "entry_points", lambda **_: found)
    return installed_connectors()


def test_our_own_types_are_installed() -> None:
    assert {"htpasswd", "sql", "ldap", "activeDirectory"} <= set(installed_connectors().names())
    assert list(installed_connectors().names()) == sorted(installed_connectors().names())
    assert installed_connectors().get("htpasswd") is CONNECTOR_TYPE


def test_asking_for_the_names_imports_no_connector() -> None:
    program = (
        "import sys; from controller.connectors.registry import installed_connectors; installed_connectors().names();"
        "print([m for m in sys.modules if m.split('.')[0] in {'sqlalchemy', 'ldap3', 'bcrypt', 'argon2'}])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_a_type_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    there = catalogue(monkeypatch, good=f"{REGISTRY}:GOOD")

    assert there.names() == ["good"]
    assert there.get("good") is there.get("good")
    assert there.get("good").name == "good"


def test_of_one_package_found_twice_the_type_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [EntryPoint("good", f"{REGISTRY}:GOOD", registry.GROUP)] * 2
    monkeypatch.setattr(registry, "entry_points", lambda **_: found)

    assert installed_connectors().get("good").name == "good"


def test_an_unknown_type_names_those_there_are_and_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    there = catalogue(monkeypatch, htpasswd="x:y", activeDirectory="x:y")

    with pytest.raises(NotFound, match="there are activeDirectory, htpasswd") as caught:
        there.get("activedirectry")
    assert caught.value.hint == "did you mean 'activeDirectory'?"


def test_an_unknown_type_that_resembles_none_may_come_from_another_package(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFound, match="there are none") as caught:
        catalogue(monkeypatch).get("racf")
    assert "not yet installed" in caught.value.hint


@pytest.mark.parametrize("value", ["no_such_module_at_all:X", f"{REGISTRY}:NO_SUCH_NAME"])
def test_a_package_that_cannot_be_imported_is_told(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    with pytest.raises(SettingsError, match=r"connector type 'broken' of package .* cannot be loaded") as caught:
        catalogue(monkeypatch, broken=value).get("broken")
    assert "reinstall" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "value", "flaw"),
    [
        ("nameless", "NAMELESS", "its name is not 'nameless'"),
        ("optionless", "OPTIONLESS", "its options are not a pydantic model"),
        ("empty", "EMPTY", "it has no capabilities and no connect"),
    ],
)
def test_something_that_is_no_connector_type_is_told(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, flaw: str
) -> None:
    with pytest.raises(SettingsError, match=flaw):
        catalogue(monkeypatch, **{name: f"{REGISTRY}:{value}"}).get(name)


def test_two_packages_that_offer_one_type_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Any] = [EntryPoint("good", value, registry.GROUP) for value in (f"{REGISTRY}:GOOD", "other.package:X")]
    monkeypatch.setattr(registry, "entry_points", lambda **_: found)

    with pytest.raises(SettingsError, match="offered by several packages"):
        installed_connectors().get("good")
