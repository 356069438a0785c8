"""Where an LDAP server is, and what manifests may say about it."""

from typing import Any

import pytest
from pydantic import ValidationError

from controller.connectors.ldap.active_directory import ActiveDirectoryOptions, directory_options
from controller.connectors.ldap.endpoint import Endpoint
from controller.connectors.ldap.openldap import LdapOptions
from controller.model.options import Bind, LdapEndpoint, SecretReference
from controller.model.topology import DomainDirectory

_BIND = {"user": "svc", "passwordFrom": {"env": "X"}}


def _ad(**options: Any) -> ActiveDirectoryOptions:
    return ActiveDirectoryOptions.model_validate(
        {"url": "ldaps://dc1.example.com", "bind": _BIND, "baseDN": "DC=a", **options}
    )


def _ldap(**options: Any) -> LdapOptions:
    return LdapOptions.model_validate({"url": "ldaps://ldap.example.com", "bind": _BIND, **options})


@pytest.mark.parametrize(
    ("url", "start_tls", "host", "port", "shown"),
    [
        ("ldaps://dc1.example.com", False, "dc1.example.com", 636, "ldaps://dc1.example.com:636"),
        ("ldaps://dc1.example.com:3269/", False, "dc1.example.com", 3269, "ldaps://dc1.example.com:3269"),
        ("ldap://dc1", True, "dc1", 389, "ldap://dc1:389"),
        ("ldaps://[::1]:10636", False, "::1", 10636, "ldaps://[::1]:10636"),
    ],
)
def test_a_url_names_host_and_port(url: str, start_tls: bool, host: str, port: int, shown: str) -> None:
    endpoint = Endpoint.of(_ad(url=url, startTLS=start_tls))

    assert (endpoint.host, endpoint.port, endpoint.start_tls) == (host, port, start_tls)
    assert str(endpoint) == shown


@pytest.mark.parametrize(
    "url",
    ["ldaps://host/dc=x", "ldaps://host?sub", "ldaps://a@host", "ldaps://host:port", "ldaps://:636", "ldaps://[::1"],
)
def test_a_url_with_more_than_host_and_port_is_refused_rather_than_half_used(url: str) -> None:
    with pytest.raises(ValidationError, match="url must be ldaps://host"):
        _ad(url=url)


def test_a_plain_connection_is_refused() -> None:
    with pytest.raises(ValidationError, match="startTLS"):
        _ad(url="ldap://dc1")


def test_a_declared_domain_is_reached_like_an_adapter() -> None:
    bind = Bind(user="svc", password_from=SecretReference(env="X"))
    endpoint = LdapEndpoint(url="ldap://dc1", start_tls=True, ca_file="/ca.pem", bind=bind)

    options = directory_options(DomainDirectory(endpoint, "DC=corp"), "change")

    assert options == _ad(url="ldap://dc1", startTLS=True, caFile="/ca.pem", bind=bind, baseDN="DC=corp", mode="change")


def test_accounts_are_found_by_a_dn_or_by_a_search_but_not_by_both_or_neither() -> None:
    by_dn = {"accountDN": "uid={account},dc=x"}
    by_search = {"search": {"baseDN": "dc=x", "filter": "(uid={account})"}}
    assert _ldap(**by_dn).account_dn == "uid={account},dc=x"
    assert _ldap(**by_search).search is not None
    for wrong in ({}, {**by_dn, **by_search}):
        with pytest.raises(ValidationError, match="exactly one of accountDN and search"):
            _ldap(**wrong)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"accountDN": "uid=alice,dc=x"}, "must have {account}"),
        ({"search": {"baseDN": "dc=x", "filter": "(uid=alice)"}}, "must have {account}"),
        ({"search": {"baseDN": "dc=x", "filter": "uid={account}"}}, "in parentheses"),
        ({"search": {"baseDN": "dc=x", "filter": "(&(uid={account})"}}, "in parentheses"),
    ],
)
def test_a_template_that_cannot_name_an_account_is_refused(options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        _ldap(**options)
