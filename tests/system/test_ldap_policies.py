"""What real directories tell about their password policies, and that they apply what they tell."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta

import pytest

from controller.model.constraints import Constraints
from controller.model.errors import PasswordRejected, PolicyUnknown
from controller.model.policy import PasswordPolicy
from controller.model.secret import Secret
from controller.ports.connectors import Connector
from tests.servers.connectors import ad_connector, ldap_connector
from tests.servers.samba import SambaServer
from tests.servers.slapd import BASE_DN, DEFAULT_POLICY_DN, MINIMUM_LENGTH, SERVICE_PASSWORD, SlapdServer

pytestmark = pytest.mark.system
STRICT_DN = f"cn=strict,ou=policies,{BASE_DN}"
STRICT = f"""\
dn: {STRICT_DN}
objectClass: device
objectClass: pwdPolicy
cn: strict
pwdAttribute: userPassword
pwdCheckQuality: 2
pwdMinLength: 12
pwdMaxLength: 20
pwdInHistory: 5
"""


def told(connector: Connector, account: str | None = None) -> PasswordPolicy:
    """The policy, which there is."""
    policy = connector.policy(account)
    assert policy is not None
    return policy


@pytest.fixture
def strict_alice(own_slapd: SlapdServer) -> str:
    own_slapd.add(STRICT)
    dn = own_slapd.add_person("alice")
    own_slapd.modify(f"dn: {dn}\nchangetype: modify\nadd: pwdPolicySubentry\npwdPolicySubentry: {STRICT_DN}\n")
    return "alice"


def test_openldap_tells_the_policy_of_an_account_and_keeps_to_it(own_slapd: SlapdServer, strict_alice: str) -> None:
    with closing(ldap_connector(own_slapd)) as connector:
        policy = told(connector, strict_alice)
        assert (policy.source, policy.history, policy.min_age) == (STRICT_DN, 5, timedelta())
        assert policy.constraints == Constraints(min_bytes=12, max_bytes=20)
        for taken in ("Elf-1-letter", "Elf-1-lettä"):  # 12 bytes each
            assert policy.constraints.violation(Secret(taken)) is None
            connector.set_password(strict_alice, Secret(taken))
        for refused in ("Elf-1-letta", "Twenty-one-letters-1x"):
            assert policy.constraints.violation(Secret(refused)) is not None
            with pytest.raises(PasswordRejected):
                connector.set_password(strict_alice, Secret(refused))
        own_slapd.modify(f"dn: {STRICT_DN}\nchangetype: modify\nadd: pwdMinAge\npwdMinAge: 3600\n")
        assert told(connector, strict_alice).min_age == timedelta(hours=1)


def test_openldap_tells_its_default_only_to_those_who_may_read_its_configuration(
    slapd: SlapdServer, fresh_name: Callable[[str], str]
) -> None:
    name = fresh_name("alice")
    slapd.add_person(name)
    bind = {"user": slapd.reader_dn, "passwordFrom": {"env": "X"}}
    with closing(ldap_connector(slapd, bind=bind, password=SERVICE_PASSWORD)) as reader:
        policy = told(reader, name)
        assert (policy.source, policy.constraints) == (DEFAULT_POLICY_DN, Constraints(min_bytes=MINIMUM_LENGTH))
    with (
        closing(ldap_connector(slapd)) as connector,
        pytest.raises(PolicyUnknown, match="which is the default") as caught,
    ):
        connector.policy(name)
    assert "policyDN" in caught.value.hint


def test_a_declared_policy_that_is_not_there_is_unknown(slapd: SlapdServer) -> None:
    for dn in (f"cn=gone,{BASE_DN}", slapd.people_dn):
        with (
            closing(ldap_connector(slapd, policyDN=dn)) as connector,
            pytest.raises(PolicyUnknown, match="cannot be read"),
        ):
            connector.policy()


@contextmanager
def _own_policy(samba: SambaServer, user: str) -> Iterator[str]:
    """Within it *user* has a policy of its own (PSO)."""
    settings = ("--min-pwd-length=15", "--complexity=off", "--history-length=3", "--min-pwd-age=2")
    samba.tool("domain", "passwordsettings", "pso", "create", "strict", "1", *settings)
    try:
        samba.tool("domain", "passwordsettings", "pso", "apply", "strict", user)
        yield f"CN=strict,CN=Password Settings Container,CN=System,{samba.base_dn}"
    finally:
        samba.tool("domain", "passwordsettings", "pso", "delete", "strict")


@pytest.mark.samba
def test_active_directory_tells_the_policy_of_the_domain_and_of_an_account(
    samba: SambaServer, fresh_name: Callable[[str], str]
) -> None:
    name = fresh_name("al")
    samba.add_user(name)
    with closing(ad_connector(samba)) as connector:
        policy = told(connector, name)
        assert (policy.source, policy.history, policy.min_age) == (samba.base_dn, 24, timedelta())
        assert policy.constraints == told(connector).constraints == Constraints(min_length=7, min_categories=3)
        assert "PSO" in policy.notes[-1]
        with _own_policy(samba, name) as dn:
            own = told(connector, name)
            assert (own.source, own.history, own.min_age) == (dn, 3, timedelta(days=2))
            assert own.constraints == Constraints(min_length=15)
            with pytest.raises(PasswordRejected):
                connector.set_password(name, Secret("Fourteen-chars"))
            connector.set_password(name, Secret("fifteen-letters"))


@pytest.mark.samba
@pytest.mark.parametrize(
    "password",
    [
        "abcdefg",
        "ABCdefg",
        "abc1234",
        "abc-ef1",
        "Abc ef ",
        "ABCDÄÖü1",
        "abc漢字defg",
        "ABC漢字d1",
    ],
)
def test_active_directory_counts_kinds_of_characters_as_we_do(
    samba: SambaServer, fresh_name: Callable[[str], str], password: str
) -> None:
    name = fresh_name("al")
    samba.add_user(name)
    with closing(ad_connector(samba)) as connector:
        if told(connector, name).constraints.violation(Secret(password)) is None:
            connector.set_password(name, Secret(password))
        else:
            with pytest.raises(PasswordRejected):
                connector.set_password(name, Secret(password))


@pytest.mark.samba
@pytest.mark.parametrize("password", ["Abc🔑def", "€€€€abc1"])
def test_samba_counts_symbols_that_windows_does_not(
    samba: SambaServer, fresh_name: Callable[[str], str], password: str
) -> None:
    name = fresh_name("al")
    samba.add_user(name)
    with closing(ad_connector(samba)) as connector:
        assert told(connector, name).constraints.violation(Secret(password)) is not None
        connector.set_password(name, Secret(password))
