"""Who stands behind a name, asked of a real Active Directory: the contract of ports.GroupDirectory."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from controller.connectors.ldap.group_members import open_directory
from controller.model.accounts import WindowsAccount
from controller.model.errors import AccountUnknown, ChannelRefused, SettingsError, Unavailable
from controller.model.options import Bind, LdapEndpoint, SecretReference
from controller.model.secret import Secret
from controller.model.topology import Access, Application, Domain, DomainDirectory, Kind, Resource
from controller.ports.windows_groups import GroupDirectory
from controller.reconcile.users import Users
from controller.store.opening import open_store
from tests.servers.proxy import Relay
from tests.servers.samba import DOMAIN, SambaServer

pytestmark = [pytest.mark.system, pytest.mark.samba]

MANY = 1_600  # more than the 1,500 values that Active Directory tells of one attribute at a time, and pages of 500


def directory_of(samba: SambaServer, *, url: str = "", base_dn: str = "", password: str = "") -> GroupDirectory:
    """The look-up of the domain controller."""
    spec = DomainDirectory(_endpoint(samba, url), base_dn or samba.base_dn)
    return open_directory(DOMAIN, spec, lambda _: Secret(password or samba.admin_password))


def _endpoint(samba: SambaServer, url: str = "") -> LdapEndpoint:
    bind = Bind(user=samba.admin_user, password_from=SecretReference(env="UNUSED"))
    return LdapEndpoint(url=url or samba.ldaps_url, ca_file=str(samba.ca_file), bind=bind)


@pytest.fixture
def directory(samba: SambaServer) -> Iterator[GroupDirectory]:
    with closing(directory_of(samba)) as opened:
        yield opened


def named(name: str) -> WindowsAccount:
    return WindowsAccount(DOMAIN, name.lower())


def add_user(samba: SambaServer, name: str) -> str:
    """An account without a password; returns the DN."""
    dn = samba.user_dn(name)
    samba.add(f"dn: {dn}\nobjectClass: user\nsAMAccountName: {name}\n")
    return dn


def add_group(samba: SambaServer, name: str, *members: str, container: str = "") -> str:
    """A global security group; returns the DN."""
    dn = f"CN={name},{container or samba.users_dn}"
    samba.add(
        f"dn: {dn}\nobjectClass: group\nsAMAccountName: {name}\n" + "".join(f"member: {member}\n" for member in members)
    )
    return dn


def test_users_of_nested_groups_are_members(
    samba: SambaServer, directory: GroupDirectory, fresh_name: Callable[[str], str]
) -> None:
    alice, bob, carol = fresh_name("Al"), fresh_name("bo"), fresh_name("ca")
    inner = add_group(samba, fresh_name("inner"), add_user(samba, alice))
    middle = add_group(samba, fresh_name("middle"), inner, add_user(samba, bob))
    outer = fresh_name("outer")
    add_group(samba, outer, middle)
    add_user(samba, carol)
    assert directory.members(named(outer)) == {named(alice), named(bob)}


def test_groups_that_contain_each_other_come_to_an_end(
    samba: SambaServer, directory: GroupDirectory, fresh_name: Callable[[str], str]
) -> None:
    alice, one, other = fresh_name("al"), fresh_name("one"), fresh_name("other")
    first = add_group(samba, one, add_user(samba, alice))
    second = add_group(samba, other, first)
    samba.modify(f"dn: {first}\nchangetype: modify\nadd: member\nmember: {second}\n")
    assert directory.members(named(one)) == directory.members(named(other)) == {named(alice)}


def test_the_primary_group_counts_also_inside_another(
    samba: SambaServer, directory: GroupDirectory, fresh_name: Callable[[str], str]
) -> None:
    alice, staff, outer = fresh_name("al"), fresh_name("staff"), fresh_name("outer")
    dn = add_user(samba, alice)
    group = add_group(samba, staff, dn)
    add_group(samba, outer, group)
    rid = samba.read(group, "primaryGroupToken")
    samba.set_attribute(dn, "primaryGroupID", rid)  # takes the group out of memberOf
    assert directory.members(named(staff)) == {named(alice)}
    assert directory.members(named(outer)) == {named(alice)}


def test_everybody_is_in_the_primary_group_of_the_domain_but_no_computer_and_no_guest(
    samba: SambaServer, directory: GroupDirectory, fresh_name: Callable[[str], str]
) -> None:
    alice = fresh_name("al")
    add_user(samba, alice)
    members = directory.members(named("domain users"))
    assert named(alice) in members
    assert not any(member.name.endswith("$") or member.name in {"guest", "krbtgt"} for member in members)


def test_a_built_in_group_has_its_members_and_no_primary_ones(samba: SambaServer, directory: GroupDirectory) -> None:
    assert samba.domain == DOMAIN
    assert named("administrator") in directory.members(named("administrators"))


def test_a_user_stands_for_himself(
    samba: SambaServer, directory: GroupDirectory, fresh_name: Callable[[str], str]
) -> None:
    alice = fresh_name("Al")
    add_user(samba, alice)
    assert directory.members(named(alice)) == {named(alice)}


@pytest.mark.parametrize("title", ["Beschäftigte-Łódź", "团队", "payroll (users) #1 & more!", "it's ~ {all} - 100%"])
def test_names_with_every_kind_of_character(
    samba: SambaServer, directory: GroupDirectory, fresh_name: Callable[[str], str], title: str
) -> None:
    alice, group = fresh_name("älice"), f"{title} {fresh_name('g')}"
    add_group(samba, group, add_user(samba, alice))
    outer = fresh_name("outer")
    add_group(samba, outer, f"CN={group},{samba.users_dn}")
    assert directory.members(named(group)) == directory.members(named(outer)) == {named(alice)}


def test_a_large_group_comes_in_pages(
    samba: SambaServer, directory: GroupDirectory, fresh_name: Callable[[str], str]
) -> None:
    prefix, group = fresh_name("many"), fresh_name("big")
    names = [f"{prefix}-{n:04}" for n in range(MANY)]
    users = "\n".join(f"dn: {samba.user_dn(n)}\nobjectClass: user\nsAMAccountName: {n}\n" for n in names)
    members = "".join(f"member: {samba.user_dn(name)}\n" for name in names)
    samba.load(f"{users}\ndn: {samba.user_dn(group)}\nobjectClass: group\nsAMAccountName: {group}\n{members}\n")
    assert directory.members(named(group)) == {named(name) for name in names}


def test_an_empty_group_has_nobody_and_is_an_answer(
    samba: SambaServer, directory: GroupDirectory, fresh_name: Callable[[str], str]
) -> None:
    group = fresh_name("empty")
    add_group(samba, group)
    assert directory.members(named(group)) == set()


def test_what_the_directory_tells_is_kept_for_routing(
    samba: SambaServer, fresh_name: Callable[[str], str], tmp_path: Path
) -> None:
    alice, group = fresh_name("al"), fresh_name("payroll")
    add_group(samba, group, add_user(samba, alice))
    domain = Domain(samba.realm, directory=DomainDirectory(_endpoint(samba), samba.base_dn))
    users = Access(users=(f"{DOMAIN}\\{group}", f"{DOMAIN}\\no-{group}"))
    with closing(open_store(f"sqlite:///{tmp_path / 'pwsync.db'}")) as store:
        with store.write() as tx:
            tx.resources.put(Resource(Kind.DOMAIN, DOMAIN, domain))
            tx.resources.put(Resource(Kind.APPLICATION, "PAYROLL", Application(access=users)))
        (problem,) = Users(store, lambda _domain, _directory: directory_of(samba)).refresh()
        with store.read() as tx:
            assert tx.windows_groups.members(named(group)) == {named(alice)}
    assert f"there is no user or group {DOMAIN}\\no-{group}" in problem


def test_an_unknown_name_is_no_answer(directory: GroupDirectory, fresh_name: Callable[[str], str]) -> None:
    with pytest.raises(AccountUnknown, match=r"there is no user or group CORP\\nobody"):
        directory.members(named(fresh_name("nobody")))


def test_what_is_outside_of_the_base_is_not_seen(samba: SambaServer, fresh_name: Callable[[str], str]) -> None:
    group = fresh_name("group")
    add_group(samba, group)
    elsewhere = directory_of(samba, base_dn=f"OU=Domain Controllers,{samba.base_dn}")
    with closing(elsewhere), pytest.raises(AccountUnknown):
        elsewhere.members(named(group))


def test_a_wrong_service_password_is_told(samba: SambaServer) -> None:
    with closing(directory_of(samba, password="wrong-Password-1")) as refused, pytest.raises(ChannelRefused):
        refused.members(named("domain users"))


def test_a_directory_that_is_away_is_no_answer_and_answers_again(samba: SambaServer, samba_relay: Relay) -> None:
    with closing(directory_of(samba, url=f"ldaps://127.0.0.1:{samba_relay.port}")) as directory:
        assert directory.members(named("administrator"))
        with samba_relay.down(), pytest.raises(Unavailable):
            directory.members(named("administrator"))
        assert directory.members(named("administrator"))


def test_an_address_that_cannot_be_used_is_told_before_anything_is_sent(samba: SambaServer) -> None:
    with pytest.raises(SettingsError, match="the directory of Domain/CORP cannot be used"):
        directory_of(samba, url="ldaps://127.0.0.1:99999")
