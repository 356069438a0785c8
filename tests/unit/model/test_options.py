"""Field types that manifests and connectors share: strict, without converting, without showing what was given."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from controller.model.options import FilePath, LdapEndpoint, Options, SecretReference

BIND = {"user": "cn=pwsync", "passwordFrom": {"env": "BIND_PASSWORD"}}


class Example(Options):
    """Stands for the options of any connector."""

    some_file: FilePath
    count: int = 1


def test_fields_are_written_in_camel_case() -> None:
    assert Example.model_validate({"someFile": "/x"}).some_file == "/x"


@pytest.mark.parametrize(
    "given", [{"someFile": "/x", "count": "1"}, {"someFile": "/x", "count": True}, {"someFile": 1}]
)
def test_nothing_is_converted(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Example.model_validate(given)


def test_an_unknown_field_is_refused_without_showing_its_value() -> None:
    with pytest.raises(ValidationError, match="unheardOf") as caught:
        Example.model_validate({"someFile": "/x", "unheardOf": "S3cret"})

    assert "S3cret" not in str(caught.value)


def test_options_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Example(some_file="/x").count = 2  # type: ignore[misc]  # the point of the test


@pytest.mark.parametrize(
    ("written", "meant"),
    [("ca.pem", "/etc/m/ca.pem"), ("../ca.pem", "/etc/ca.pem"), ("/srv/ca.pem", "/srv/ca.pem")],
)
def test_a_relative_path_is_relative_to_its_manifest(written: str, meant: str) -> None:
    assert Example.model_validate({"someFile": written}, context={"folder": Path("/etc/m")}).some_file == meant


def test_a_path_in_the_home_folder_is_found_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")

    given = Example.model_validate({"someFile": "~/ca.pem"}, context={"folder": Path("/etc/m")})
    assert given.some_file == "/home/someone/ca.pem"


@pytest.mark.parametrize("context", [None, {}, {"other": 1}])
def test_without_a_manifest_a_path_stays_as_it_is(context: dict[str, Any] | None) -> None:
    assert Example.model_validate({"someFile": "ca.pem"}, context=context).some_file == "ca.pem"


def test_a_secret_reference_names_where_the_secret_stands() -> None:
    assert str(SecretReference(env="X")) == "environment variable X"
    assert str(SecretReference(file="/run/x")) == "file /run/x"


@pytest.mark.parametrize("given", [{}, {"env": "X", "file": "/x"}, {"env": None}, {"value": "S3cret"}])
def test_a_secret_reference_is_exactly_one_of_env_and_file(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        SecretReference.model_validate(given)

    assert "S3cret" not in str(caught.value)


@pytest.mark.parametrize("written", ["S3cret!", "9S3cret", "S3cret pass", "S3cret\n", "", "S3crét"])
def test_a_password_in_the_place_of_a_variable_name_is_refused_and_not_shown(written: str) -> None:
    with pytest.raises(ValidationError, match="never the secret itself") as caught:
        SecretReference.model_validate({"env": written})

    assert "S3cr" not in str(caught.value)


@pytest.mark.parametrize(
    "given", [{"url": "ldaps://h"}, {"url": "ldaps://h:1636"}, {"url": "ldap://h", "startTLS": True}]
)
def test_an_ldap_endpoint_is_encrypted(given: dict[str, Any]) -> None:
    assert LdapEndpoint.model_validate(given | {"bind": BIND}).url == given["url"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"url": "ldap://h"}, "would send passwords in clear"),
        ({"url": "ldaps://h", "startTLS": True}, "startTLS belongs to ldap://"),
        ({"url": "http://h"}, "url must be ldaps://"),
        ({"url": "h"}, "url must be ldaps://"),
        ({"url": "ldaps://"}, "url must be ldaps://"),
        ({"url": "ldaps://svc:S3cret@h"}, "url must be ldaps://"),
        ({"url": "ldaps://h/dc=x"}, "url must be ldaps://"),
        ({"url": "ldaps://h?password=S3cret"}, "url must be ldaps://"),
        ({"url": "ldaps://h#S3cret"}, "url must be ldaps://"),
    ],
)
def test_an_ldap_endpoint_that_is_not_encrypted_or_no_url_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words) as caught:
        LdapEndpoint.model_validate(given | {"bind": BIND})

    assert "S3cret" not in str(caught.value)
