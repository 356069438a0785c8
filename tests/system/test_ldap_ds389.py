"""What a real 389 Directory Server answers to the ``ldap`` connector, beyond the connector contract."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from controller.connectors.ldap.errors import WITHHELD
from controller.model.constraints import Constraints
from controller.model.errors import AccountRefused, OldPasswordWrong, PasswordRejected, PolicyUnknown
from controller.model.secret import Secret
from controller.ports.connectors import Connector
from tests.servers.connectors import ldap_connector
from tests.servers.ds389 import CAPTURE_DN, MAXIMUM_FAILURES, PEOPLE_DN, Ds389Server

pytestmark = pytest.mark.system
INITIAL, NEW = "Initial-password-1", "Tr0ub4dor&3-lighthouse"
CONTAINER_DN = f"cn=nsPwPolicyContainer,{PEOPLE_DN}"


@pytest.fixture
def connector(ds389: Ds389Server) -> Iterator[Connector]:
    with closing(ldap_connector(ds389)) as connector:
        yield connector


@pytest.fixture
def replacing(ds389: Ds389Server) -> Iterator[Connector]:
    with closing(ldap_connector(ds389, method="replace")) as connector:
        yield connector


@pytest.fixture(scope="module")
def container(ds389: Ds389Server) -> str:
    """Where policies stand that are not for everybody."""
    ds389.modify(f"dn: {CONTAINER_DN}\nchangetype: add\nobjectClass: nsContainer\ncn: nsPwPolicyContainer\n")
    return CONTAINER_DN


Policed = Callable[..., str]


@pytest.fixture
def policed(ds389: Ds389Server, container: str, fresh_name: Callable[[str], str]) -> Policed:
    """Makes a person with a policy of their own."""

    def make(**policy: str) -> str:
        name = fresh_name("alice")
        dn, policy_dn = ds389.add_person(name, INITIAL), f"cn=of-{name},{container}"
        lines = "".join(f"{attribute}: {value}\n" for attribute, value in policy.items())
        classes = "objectClass: extensibleObject\nobjectClass: ldapsubentry\nobjectClass: passwordpolicy\n"
        ds389.modify(f"dn: {policy_dn}\nchangetype: add\n{classes}{lines}")
        ds389.modify(f"dn: {dn}\nchangetype: modify\nadd: pwdpolicysubentry\npwdpolicysubentry: {policy_dn}\n")
        return name

    return make


def refused(connector: Connector, account: str, password: str) -> PasswordRejected:
    """How a password is refused."""
    with pytest.raises(PasswordRejected) as caught:
        connector.set_password(account, Secret(password))
    return caught.value


def test_a_refused_password_comes_with_the_policys_code_and_words(
    connector: Connector, replacing: Connector, policed: Policed
) -> None:
    name = policed(passwordCheckSyntax="on", passwordMinLength="10", passwordHistory="on", passwordInHistory="3")
    connector.set_password(name, Secret(NEW))

    for asked in (connector, replacing):
        assert refused(asked, name, "Short-1").directory_code == "insufficientPasswordQuality"
        assert refused(asked, name, INITIAL).directory_code == "passwordInHistory"
    assert refused(replacing, name, "Short-1").words.endswith("password must be at least 10 characters long")
    assert refused(replacing, name, "long").words == WITHHELD
    assert refused(connector, name, INITIAL).words == "Failed to update password"


def test_a_password_that_is_too_young_is_not_changed(connector: Connector, policed: Policed) -> None:
    name = policed(passwordMinAge="3600")
    connector.set_password(name, Secret(NEW))

    assert refused(connector, name, INITIAL).directory_code == "passwordTooYoung"


def test_a_wrong_old_password_is_one_failure_and_a_locked_account_hides_its_password(
    ds389: Ds389Server, connector: Connector, fresh_name: Callable[[str], str]
) -> None:
    name = fresh_name("alice")
    dn = ds389.add_person(name, INITIAL)
    with pytest.raises(OldPasswordWrong):
        connector.change_password(name, Secret("Wrong-password-1"), Secret(NEW))
    assert "passwordRetryCount: 1\n" in ds389.read(dn, "passwordRetryCount")

    for _ in range(MAXIMUM_FAILURES - 1):
        assert not connector.verify_password(name, Secret("Wrong-password-1"))
    with pytest.raises(AccountRefused, match="locked") as caught:
        connector.verify_password(name, Secret(INITIAL))
    assert caught.value.directory_code == "accountLocked"


def test_the_right_password_is_told_when_it_has_expired_and_nothing_when_the_account_is_inactive(
    ds389: Ds389Server, connector: Connector, policed: Policed
) -> None:
    name = policed(passwordExp="on", passwordMaxAge="1", passwordWarning="0")
    connector.set_password(name, Secret(NEW))
    dn = ds389.person_dn(name)
    has_expired = (not ds389.can_bind(dn, NEW) for _ in range(1000))  # it takes a second
    assert any(has_expired)
    assert connector.verify_password(name, Secret(NEW))
    assert not connector.verify_password(name, Secret("Wrong-password-1"))

    ds389.modify(f"dn: {dn}\nchangetype: modify\nadd: nsAccountLock\nnsAccountLock: true\n")
    with pytest.raises(AccountRefused, match="locked"):
        connector.verify_password(name, Secret(NEW))


def test_a_survey_tells_when_a_password_was_set_by_whomever(
    ds389: Ds389Server, connector: Connector, fresh_name: Callable[[str], str]
) -> None:
    name = fresh_name("alice")
    ds389.add_person(name, INITIAL)
    before = datetime.now(UTC).replace(microsecond=0)
    ds389.modify(f"dn: {ds389.person_dn(name)}\nchangetype: modify\nreplace: userPassword\nuserPassword: {NEW}\n")

    (sighting,) = connector.survey([name]).accounts.values()
    assert sighting.set_at is not None
    assert before <= sighting.set_at <= datetime.now(UTC)


def test_the_policy_of_an_account_goes_before_that_of_all(connector: Connector, policed: Policed) -> None:
    own, everybody = connector.policy(policed(passwordCheckSyntax="on", passwordMinLength="12")), connector.policy()
    assert own is not None
    assert everybody is not None
    assert own.constraints == Constraints(min_length=12)
    assert (everybody.source, everybody.history, everybody.min_age) == ("cn=config", 0, timedelta())
    assert "passwordMinCategories 3" in everybody.notes[-1]


def test_who_may_not_read_the_configuration_is_told_what_is_needed(ds389: Ds389Server) -> None:
    bind = {"user": CAPTURE_DN, "passwordFrom": {"env": "X"}}
    with closing(ldap_connector(ds389, bind=bind)) as connector, pytest.raises(PolicyUnknown) as caught:
        connector.policy()
    assert "cn=config" in caught.value.hint
