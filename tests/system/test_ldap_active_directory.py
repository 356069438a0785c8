"""What a real Active Directory domain controller does with the connector, beyond the connector contract."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from controller.connectors.ldap.active_directory import ActiveDirectoryType, directory_options
from controller.model.errors import (
    AccountRefused,
    AccountUnknown,
    ChannelRefused,
    Indeterminate,
    OldPasswordWrong,
    PasswordRejected,
    Unavailable,
)
from controller.model.options import Bind, LdapEndpoint, SecretReference
from controller.model.secret import Secret
from controller.model.topology import DomainDirectory
from controller.ports.connectors import Connector
from tests.servers.certificates import Authority
from tests.servers.connectors import ad_connector
from tests.servers.proxy import Relay
from tests.servers.samba import SambaServer

pytestmark = pytest.mark.samba

INITIAL = "Initial-password-1"
NEW = "Tr0ub4dor&3-lighthouse"
WRONG = "N0t-the-0ne-in-force"
PASSWORDS = {
    "several scripts": "pässwörd-Ünï-密码-🔑",
    "digits and a dash, leading zero": "0123-4567-Aa",
    "quotes and spaces": " 'Single' \"double\" 1 `back` ",
    "SASLprep would shorten it": "Soft\u00adhyphen-1-ﬁ-Ⅷ",
    "decomposed accents": "E\u0301le\u0300ve-12",
    "256 UTF-16 units": "Aa1-" + "🔑" * 126,
}


@pytest.fixture
def connector(samba: SambaServer) -> Iterator[Connector]:
    with closing(ad_connector(samba)) as connector:
        yield connector


@pytest.fixture
def alice(samba: SambaServer, fresh_name: Callable[[str], str]) -> str:
    name = fresh_name("al")
    samba.add_user(name, INITIAL)
    return name


@contextmanager
def policy(samba: SambaServer, **options: int | str) -> Iterator[None]:
    """The domain's policy within a block; afterwards that of ``running_samba``."""
    samba.set_policy(**options)
    try:
        yield
    finally:
        samba.set_policy(min_pwd_age=0, complexity="on", min_pwd_length=7, account_lockout_threshold=0)


@pytest.mark.parametrize("password", PASSWORDS.values(), ids=PASSWORDS.keys())
def test_passwords_arrive_character_for_character(
    samba: SambaServer, connector: Connector, alice: str, password: str
) -> None:
    connector.set_password(alice, Secret(password))
    assert samba.try_login(alice, password)
    connector.change_password(alice, Secret(password), Secret(NEW))
    assert samba.try_login(alice, NEW)


def test_digits_stay_digits_where_the_policy_allows_them(samba: SambaServer, connector: Connector, alice: str) -> None:
    with policy(samba, complexity="off"):
        connector.set_password(alice, Secret("0123456789"))
        assert samba.try_login(alice, "0123456789")
        assert not samba.try_login(alice, "123456789")


def test_over_start_tls_as_well(samba: SambaServer, alice: str) -> None:
    with closing(ad_connector(samba, url=samba.ldap_url, startTLS=True)) as connector:
        connector.set_password(alice, Secret(NEW))
    assert samba.try_login(alice, NEW)


def test_an_account_is_found_whatever_its_case(samba: SambaServer, connector: Connector, alice: str) -> None:
    connector.set_password(alice.upper(), Secret(NEW))

    assert samba.try_login(alice, NEW)


def test_computers_are_no_users(connector: Connector) -> None:
    for name in ("DC1$", "*", "a)(sAMAccountName=Administrator"):
        with pytest.raises(AccountUnknown):
            connector.set_password(name, Secret(NEW))


def test_a_wrong_old_password_is_told_by_the_directorys_code(connector: Connector, alice: str) -> None:
    with pytest.raises(OldPasswordWrong) as caught:
        connector.change_password(alice, Secret(WRONG), Secret(NEW))

    assert caught.value.directory_code == "00000056"
    assert "old password" in caught.value.words


def test_a_reset_skips_the_history_and_a_change_obeys_it(connector: Connector, alice: str) -> None:
    connector.set_password(alice, Secret(NEW))
    connector.set_password(alice, Secret(INITIAL))
    with pytest.raises(PasswordRejected) as caught:
        connector.change_password(alice, Secret(INITIAL), Secret(NEW))

    assert caught.value.directory_code == "0000052D"
    assert "already used" in caught.value.words


def test_a_change_obeys_the_minimum_age_and_a_reset_does_not(
    samba: SambaServer, connector: Connector, alice: str
) -> None:
    with policy(samba, min_pwd_age=1):
        with pytest.raises(PasswordRejected, match="policy") as caught:
            connector.change_password(alice, Secret(INITIAL), Secret(NEW))
        assert caught.value.words.endswith("too young to change!")
        connector.set_password(alice, Secret(NEW))
    assert samba.try_login(alice, NEW)


def test_one_wrong_try_is_one_failure(samba: SambaServer, connector: Connector, alice: str) -> None:
    with policy(samba, account_lockout_threshold=5):
        assert not connector.verify_password(alice, Secret(WRONG))
        assert samba.read(samba.user_dn(alice), "badPwdCount") == "1"
        with pytest.raises(OldPasswordWrong):
            connector.change_password(alice, Secret(WRONG), Secret(NEW))
        assert samba.read(samba.user_dn(alice), "badPwdCount") == "2"


def test_a_locked_account_is_refused_and_a_reset_still_works(
    samba: SambaServer, connector: Connector, alice: str
) -> None:
    with policy(samba, account_lockout_threshold=1):
        assert not connector.verify_password(alice, Secret(WRONG))
        with pytest.raises(AccountRefused, match="locked"):
            connector.verify_password(alice, Secret(INITIAL))
        with pytest.raises(AccountRefused, match="locked") as caught:
            connector.change_password(alice, Secret(INITIAL), Secret(NEW))
        assert caught.value.directory_code == "00000775"
        connector.set_password(alice, Secret(NEW))


def test_a_disabled_account_hides_whether_its_password_is_right(
    samba: SambaServer, connector: Connector, fresh_name: Callable[[str], str]
) -> None:
    name = fresh_name("off")
    samba.add_user(name, INITIAL, enabled=False)

    with pytest.raises(AccountRefused, match="disabled"):
        connector.verify_password(name, Secret(INITIAL))
    assert not connector.verify_password(name, Secret(WRONG))


def test_an_expired_account_is_refused(samba: SambaServer, connector: Connector, alice: str) -> None:
    samba.set_attribute(samba.user_dn(alice), "accountExpires", "130000000000000000")

    with pytest.raises(AccountRefused, match="expired"):
        connector.verify_password(alice, Secret(INITIAL))


def test_a_password_that_must_be_changed_is_still_the_right_one(
    samba: SambaServer, connector: Connector, alice: str
) -> None:
    samba.set_attribute(samba.user_dn(alice), "pwdLastSet", "0")

    assert connector.verify_password(alice, Secret(INITIAL))
    assert not connector.verify_password(alice, Secret(WRONG))
    assert samba.read(samba.user_dn(alice), "pwdLastSet") == "0"


@pytest.mark.parametrize(("must_change", "is_kept"), [("keep", True), ("clear", False)])
def test_who_must_change_the_password_must_still_where_that_is_kept(
    samba: SambaServer, alice: str, *, must_change: str, is_kept: bool
) -> None:
    samba.set_attribute(samba.user_dn(alice), "pwdLastSet", "0")
    with closing(ad_connector(samba, mustChange=must_change)) as connector:
        connector.set_password(alice, Secret(NEW))
        assert connector.verify_password(alice, Secret(NEW))
        assert (samba.read(samba.user_dn(alice), "pwdLastSet") == "0") is is_kept


def test_a_reset_leaves_a_disabled_account_disabled(samba: SambaServer, connector: Connector, alice: str) -> None:
    disabled = "514"
    samba.set_attribute(samba.user_dn(alice), "userAccountControl", disabled)
    connector.set_password(alice, Secret(NEW))

    assert samba.read(samba.user_dn(alice), "userAccountControl") == disabled


def test_the_former_password_that_still_opens_the_account_is_not_the_one_in_force(
    samba: SambaServer, alice: str
) -> None:
    with samba.accepting_former_passwords(), closing(ad_connector(samba)) as connector:
        connector.set_password(alice, Secret(NEW))
        changed_at = samba.read(samba.user_dn(alice), "pwdLastSet")

        assert samba.try_login(alice, INITIAL)
        assert not connector.verify_password(alice, Secret(INITIAL))
        assert connector.verify_password(alice, Secret(NEW))
        assert samba.read(samba.user_dn(alice), "pwdLastSet") == changed_at


def test_a_wrong_service_password_is_a_matter_of_the_channel(samba: SambaServer, alice: str) -> None:
    connector = ad_connector(samba, password=WRONG)
    for attempt in (connector.check, lambda: connector.set_password(alice, Secret(NEW))):
        with pytest.raises(ChannelRefused) as caught:
            attempt()
        assert caught.value.directory_code == "52e"
        assert WRONG not in f"{caught.value!r} {caught.value} {caught.value.words}"


def test_a_service_account_without_the_right_may_change_but_not_reset(
    samba: SambaServer, alice: str, fresh_name: Callable[[str], str]
) -> None:
    plain = fresh_name("svc")
    samba.add_user(plain, INITIAL)
    bind = {"user": f"{plain}@{samba.realm}", "passwordFrom": {"env": "X"}}
    with closing(ad_connector(samba, bind=bind, password=INITIAL)) as connector:
        connector.check()
        with pytest.raises(ChannelRefused, match="may not do this"):
            connector.set_password(alice, Secret(NEW))
        connector.change_password(alice, Secret(INITIAL), Secret(NEW))
    assert samba.try_login(alice, NEW)


def test_a_search_base_that_is_not_there_is_found_by_the_check(samba: SambaServer) -> None:
    nowhere = f"OU=Nowhere,{samba.base_dn}"
    with (
        closing(ad_connector(samba, baseDN=nowhere)) as connector,
        pytest.raises(ChannelRefused, match="there is no OU=Nowhere"),
    ):
        connector.check()


def test_an_untrusted_certificate_and_another_host_are_refused(samba: SambaServer, tmp_path: Path) -> None:
    with pytest.raises(ChannelRefused, match="is not accepted"):
        ad_connector(samba, caFile=str(Authority(tmp_path).ca_file)).check()
    with pytest.raises(ChannelRefused, match=r"is not accepted: .*mismatch"):
        ad_connector(samba, url="ldaps://127.1").check()


def test_a_controller_that_is_away_is_unavailable_and_usable_once_it_is_back(
    samba: SambaServer, connector: Connector, alice: str
) -> None:
    connector.check()
    samba.process.stop()
    try:
        with pytest.raises(Unavailable):
            connector.set_password(alice, Secret(NEW))
    finally:
        samba.process.start()
    connector.set_password(alice, Secret(NEW))
    assert samba.try_login(alice, NEW)


def test_a_controller_that_stands_still_before_the_write_is_unavailable(
    samba: SambaServer, connector: Connector, alice: str
) -> None:
    connector.check()
    samba.process.pause()
    try:
        with pytest.raises(Unavailable, match="no answer within 2 s"):
            connector.set_password(alice, Secret(NEW))
    finally:
        samba.process.resume()
    assert connector.verify_password(alice, Secret(INITIAL))


def test_a_write_whose_answer_is_lost_is_indeterminate_and_can_be_looked_up(
    samba: SambaServer, samba_relay: Relay, alice: str
) -> None:
    with closing(ad_connector(samba, url=f"ldaps://127.0.0.1:{samba_relay.port}")) as connector:
        connector.check()
        with samba_relay.mute_after(1), pytest.raises(Indeterminate, match="no answer within 2 s"):
            connector.set_password(alice, Secret(NEW))
        assert connector.verify_password(alice, Secret(NEW))


def test_a_controller_that_stands_still_after_the_write_leaves_the_outcome_open(
    samba: SambaServer, connector: Connector, alice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector.check()
    session = connector._session  # type: ignore[attr-defined]  # to stop the controller between search and write
    found = session.find

    def find_then_pause(*arguments: object, **options: object) -> object:
        entries = found(*arguments, **options)
        samba.process.pause()
        return entries

    monkeypatch.setattr(session, "find", find_then_pause)
    try:
        with pytest.raises(Indeterminate, match="no answer within 2 s"):
            connector.set_password(alice, Secret(NEW))
    finally:
        samba.process.resume()
    monkeypatch.undo()
    connector.set_password(alice, Secret(NEW))
    assert samba.try_login(alice, NEW)


def test_a_declared_domain_is_written_to_with_the_stored_password(samba: SambaServer, alice: str) -> None:
    bind = Bind(user=samba.admin_user, password_from=SecretReference(env="X"))
    endpoint = LdapEndpoint(url=samba.ldaps_url, ca_file=str(samba.ca_file), bind=bind)
    options = directory_options(DomainDirectory(endpoint, samba.base_dn), "change")
    password = Secret(samba.admin_password)
    with closing(ActiveDirectoryType().connect(options, lambda _: password)) as connector:
        assert connector.capabilities.needs_old_password
        connector.change_password(alice, Secret(INITIAL), Secret(NEW))
    assert samba.try_login(alice, NEW)
