"""Which accounts match a mapping rule, asked of real directories: the contract of ports.AccountDirectory."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from controller.connectors.ldap.account_directory import open_directory
from controller.model.errors import ChannelRefused
from controller.model.options import Bind, LdapEndpoint, SecretReference
from controller.model.rule_reading import FoundAccount
from controller.model.secret import Secret
from controller.model.topology import DomainDirectory
from controller.ports.account_directory import AccountDirectory, AccountSearch
from tests.servers.samba import DOMAIN, SambaServer
from tests.servers.slapd import SlapdServer

pytestmark = pytest.mark.system


def opened(url: str, ca_file: str, user: str, password: str, base_dn: str) -> AccountDirectory:
    """The look-up of a directory."""
    bind = Bind(user=user, password_from=SecretReference(env="UNUSED"))
    endpoint = LdapEndpoint(url=url, ca_file=ca_file, bind=bind)
    return open_directory(DOMAIN, DomainDirectory(endpoint, base_dn), lambda _: Secret(password))


@pytest.fixture
def openldap(slapd: SlapdServer) -> Iterator[AccountDirectory]:
    """OpenLDAP, asked by the service account."""
    arguments = (slapd.ldaps_url, str(slapd.ca_file), slapd.service_dn, slapd.service_password, slapd.base_dn)
    with closing(opened(*arguments)) as directory:
        yield directory


@pytest.fixture
def active_directory(samba: SambaServer) -> Iterator[AccountDirectory]:
    """A Samba domain controller."""
    arguments = (samba.ldaps_url, str(samba.ca_file), samba.admin_user, samba.admin_password, samba.base_dn)
    with closing(opened(*arguments)) as directory:
        yield directory


def test_openldap_tells_who_matches_page_by_page(
    slapd: SlapdServer, openldap: AccountDirectory, fresh_name: Callable[[str], str]
) -> None:
    unit = f"ou={fresh_name('unit')},{slapd.base_dn}"
    people = (
        f"dn: uid=p{n},{unit}\nobjectClass: inetOrgPerson\nuid: p{n}\ncn: p\nsn: p\nemployeeNumber: {n}\n"
        for n in range(1_201)
    )
    slapd.add("\n".join([f"dn: {unit}\nobjectClass: organizationalUnit\n", *people]))
    found = openldap.matches(AccountSearch(unit, "(employeeNumber=*)", "uid", "employeeNumber"))
    assert sorted(found.accounts.values()) == sorted(FoundAccount(f"p{n}", (str(n),)) for n in range(1_201))
    assert found.position is None
    assert {f"p{n}" for n in range(1_201)} <= openldap.names("uid")


def test_referrals_are_passed_over(
    slapd: SlapdServer, openldap: AccountDirectory, fresh_name: Callable[[str], str]
) -> None:
    unit, name = f"ou={fresh_name('unit')},{slapd.base_dn}", fresh_name("al")
    slapd.add(
        f"dn: {unit}\nobjectClass: organizationalUnit\n\n"
        f"dn: ou=elsewhere,{unit}\nobjectClass: referral\nobjectClass: extensibleObject\n"
        "ref: ldap://192.0.2.1/dc=elsewhere\n\n"
        f"dn: uid={name},{unit}\nobjectClass: inetOrgPerson\nuid: {name}\ncn: p\nsn: p\n"
    )
    found = openldap.matches(AccountSearch(unit, "(objectClass=*)", "uid", "mail"))
    assert list(found.accounts.values()) == [FoundAccount(name, ())]


@pytest.mark.parametrize(("base", "search_filter"), [("ou=nowhere,dc=example,dc=com", "(uid=*)"), (None, "(&(uid=*)")])
def test_what_cannot_be_searched_is_an_error_not_an_empty_answer(
    openldap: AccountDirectory, base: str | None, search_filter: str
) -> None:
    with pytest.raises(ChannelRefused):
        openldap.matches(AccountSearch(base, search_filter, "uid", "mail"))


@pytest.mark.samba
def test_active_directory_tells_who_matches_and_later_what_changed(
    samba: SambaServer, active_directory: AccountDirectory, fresh_name: Callable[[str], str]
) -> None:
    al, bo, ca = (fresh_name(prefix) for prefix in ("Al", "bo", "ca"))
    for name, number in ((al, "7"), (bo, "8"), (ca, "")):
        employee = f"employeeID: {number}\n" if number else ""
        samba.add(f"dn: {samba.user_dn(name)}\nobjectClass: user\nsAMAccountName: {name}\n{employee}")
    search = AccountSearch(
        samba.users_dn, f"(&(employeeID=*)(|(cn={al})(cn={bo})(cn={ca})))", "sAMAccountName", "employeeID"
    )
    first = active_directory.matches(search)
    assert set(first.accounts.values()) == {FoundAccount(al, ("7",)), FoundAccount(bo, ("8",))}
    assert first.position is not None
    _modify(samba, samba.user_dn(al), "delete: employeeID")
    _modify(samba, samba.user_dn(ca), "replace: employeeID\nemployeeID: 9")
    second = active_directory.matches(search, first)
    assert set(second.accounts.values()) == {FoundAccount(bo, ("8",)), FoundAccount(ca, ("9",))}
    assert set(active_directory.matches(search).accounts.values()) == set(second.accounts.values())
    assert {al.lower(), bo, ca, "administrator"} <= active_directory.names("sAMAccountName")


def _modify(samba: SambaServer, dn: str, change: str) -> None:
    samba.modify(f"dn: {dn}\nchangetype: modify\n{change}\n")
