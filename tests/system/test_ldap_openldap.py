"""What a real OpenLDAP server does with the ``ldap`` connector, beyond the connector contract."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from controller.connectors.ldap.endpoint import Endpoint
from controller.connectors.ldap.errors import WITHHELD
from controller.connectors.ldap.session import Session
from controller.model.errors import (
    AccountRefused,
    AccountUnknown,
    ChannelRefused,
    Indeterminate,
    OldPasswordWrong,
    PasswordRejected,
    Unavailable,
)
from controller.model.secret import Secret
from controller.ports.connectors import Connector
from tests.servers.connectors import IMPATIENT, ldap_connector
from tests.servers.proxy import Relay
from tests.servers.slapd import BASE_DN, DEFAULT_POLICY_DN, SlapdServer, running_slapd

INITIAL = "Initial-password-1"
NEW = "Tr0ub4dor&3-lighthouse"
PASSWORDS = {
    "several scripts": "pässwörd-Ünï-密码-🔑",
    "digits alone, leading zero": "0123456789",
    "quotes and spaces": " 'single' \"double\" `back` ",
    "SASLprep would shorten it": "soft\u00adhyphen-ﬁ-Ⅷ",
    "SASLprep would refuse it": "bell\x07-\ue000-אa",
    "decomposed accents": "e\u0301le\u0300ve-12",
    "a NUL inside": "before\x00after-1",
    "a scheme in braces": "{CLEARTEXT}Abc-1",
}


@pytest.fixture
def connector(slapd: SlapdServer) -> Iterator[Connector]:
    with closing(ldap_connector(slapd)) as connector:
        yield connector


@pytest.fixture
def alice(slapd: SlapdServer, fresh_name: Callable[[str], str]) -> str:
    name = fresh_name("alice")
    slapd.add_person(name, INITIAL)
    return name


@pytest.mark.parametrize("password", PASSWORDS.values(), ids=PASSWORDS.keys())
@pytest.mark.parametrize("method", ["passwordModify", "replace"])
def test_passwords_arrive_byte_for_byte(slapd: SlapdServer, alice: str, password: str, method: str) -> None:
    if method == "replace" and password.startswith("{"):
        pytest.skip("refused: a value in braces is taken for a hash, as RFC 3112 wants it")
    with closing(ldap_connector(slapd, method=method)) as connector:
        connector.set_password(alice, Secret(password))

        assert slapd.can_bind(slapd.person_dn(alice), password)
        assert connector.verify_password(alice, Secret(password))
        assert not connector.verify_password(alice, Secret(password + "x"))


def test_a_password_that_the_directory_would_take_for_a_hash_is_refused(slapd: SlapdServer, alice: str) -> None:
    with closing(ldap_connector(slapd, method="replace")) as connector:
        with pytest.raises(PasswordRejected, match="begins like a hash"):
            connector.set_password(alice, Secret(PASSWORDS["a scheme in braces"]))

        assert slapd.can_bind(slapd.person_dn(alice), INITIAL)


def test_the_same_over_start_tls(slapd: SlapdServer, alice: str) -> None:
    with closing(ldap_connector(slapd, url=slapd.ldap_url, startTLS=True)) as connector:
        connector.change_password(alice, Secret(INITIAL), Secret(NEW))

        assert slapd.can_bind(slapd.person_dn(alice), NEW)
        assert connector.verify_password(alice, Secret(NEW))


@pytest.mark.parametrize("name", ["o'brien, jr.", "a+b=c", "#1 fan", " space ", "müller", "x*y(z)\\w", 'q"<>;'])
@pytest.mark.parametrize("options", ["accountDN", "search"])
def test_accounts_with_special_characters_are_found(slapd: SlapdServer, name: str, options: str) -> None:
    escaped = "".join(f"\\{b:02x}" for b in name.encode())
    account = f"{name}-{options}"
    dn = f"uid={escaped}-{options},{slapd.people_dn}"
    slapd.add(f"dn: {dn}\nobjectClass: inetOrgPerson\ncn: x\nsn: x\nuserPassword: {INITIAL}\n")
    way: dict[str, Any] = {
        "accountDN": f"uid={{account}},{slapd.people_dn}",
        "search": {"baseDN": slapd.people_dn, "filter": "(uid={account})"},
    }
    with closing(ldap_connector(slapd, **{options: way[options]})) as connector:
        connector.set_password(account, Secret(NEW))

    assert slapd.can_bind(dn, NEW)


def test_a_filter_that_fits_two_accounts_writes_to_none(
    slapd: SlapdServer, alice: str, fresh_name: Callable[[str], str]
) -> None:
    other = fresh_name("bob")
    slapd.add_person(other, INITIAL)
    either = {"baseDN": slapd.people_dn, "filter": f"(|(uid={{account}})(uid={other}))"}
    with (
        closing(ldap_connector(slapd, search=either)) as connector,
        pytest.raises(AccountUnknown, match="more than one entry fits"),
    ):
        connector.set_password(alice, Secret(NEW))

    assert slapd.can_bind(slapd.person_dn(alice), INITIAL)


def test_a_refused_password_comes_with_the_policys_own_code_and_words(connector: Connector, alice: str) -> None:
    with pytest.raises(PasswordRejected) as caught:
        connector.set_password(alice, Secret("tiny"))

    assert caught.value.directory_code == "passwordTooShort"
    assert caught.value.words == "Password fails quality checking policy"
    with pytest.raises(PasswordRejected) as caught:
        connector.set_password(alice, Secret("quality"))
    assert caught.value.words == WITHHELD


def test_a_former_password_is_refused_where_a_history_is_kept(own_slapd: SlapdServer) -> None:
    own_slapd.modify(_policy("pwdInHistory: 3"))
    own_slapd.add_person("alice", INITIAL)
    with closing(ldap_connector(own_slapd)) as connector:
        connector.set_password("alice", Secret(NEW))
        with pytest.raises(PasswordRejected) as caught:
            connector.set_password("alice", Secret(INITIAL))
    assert caught.value.directory_code == "passwordInHistory"


def test_a_locked_account_hides_whether_its_password_is_right(own_slapd: SlapdServer) -> None:
    own_slapd.modify(_policy("pwdMaxFailure: 2"))
    own_slapd.add_person("alice", INITIAL)
    with closing(ldap_connector(own_slapd)) as connector:
        assert not connector.verify_password("alice", Secret("Wrong-password-1"))
        assert not connector.verify_password("alice", Secret("Wrong-password-2"))
        with pytest.raises(AccountRefused, match="locked"):
            connector.verify_password("alice", Secret(INITIAL))


def test_one_wrong_old_password_is_one_failure(own_slapd: SlapdServer) -> None:
    own_slapd.modify(_policy("pwdMaxFailure: 2"))
    own_slapd.add_person("alice", INITIAL)
    with closing(ldap_connector(own_slapd)) as connector:
        with pytest.raises(OldPasswordWrong):
            connector.change_password("alice", Secret("Wrong-password-1"), Secret(NEW))
        assert connector.verify_password("alice", Secret(INITIAL))


def test_an_expired_password_is_still_the_right_one(own_slapd: SlapdServer) -> None:
    own_slapd.modify(_policy("pwdMaxAge: 1"))
    dn = own_slapd.add_person("alice", INITIAL)
    with closing(ldap_connector(own_slapd)) as connector:
        has_expired = (not own_slapd.can_bind(dn, INITIAL) for _ in range(1000))  # it takes a second
        assert any(has_expired)
        assert connector.verify_password("alice", Secret(INITIAL))
        assert not connector.verify_password("alice", Secret("Wrong-password-1"))


def test_a_wrong_service_password_is_a_matter_of_the_channel(slapd: SlapdServer, alice: str) -> None:
    connector = ldap_connector(slapd, password="Wrong-password-1")
    for attempt in (connector.check, lambda: connector.set_password(alice, Secret(NEW))):
        with pytest.raises(ChannelRefused) as caught:
            attempt()
        assert caught.value.directory_code == "invalidCredentials"
        assert "Wrong-password-1" not in f"{caught.value!r} {caught.value} {caught.value.words}"


def test_a_service_account_that_may_only_read_is_a_matter_of_the_channel(slapd: SlapdServer, alice: str) -> None:
    reader = {"user": slapd.reader_dn, "passwordFrom": {"env": "X"}}
    with closing(ldap_connector(slapd, bind=reader)) as connector:
        with pytest.raises(ChannelRefused, match="may not do this") as caught:
            connector.set_password(alice, Secret(NEW))
        assert caught.value.directory_code == "insufficientAccessRights"
        assert connector.verify_password(alice, Secret(INITIAL))


def test_a_search_base_that_is_not_there_is_found_by_the_check(slapd: SlapdServer) -> None:
    nowhere = {"baseDN": f"ou=nowhere,{BASE_DN}", "filter": "(uid={account})"}
    with (
        closing(ldap_connector(slapd, search=nowhere)) as connector,
        pytest.raises(ChannelRefused, match="search base is not there"),
    ):
        connector.check()


def test_a_server_that_stopped_is_unavailable_and_usable_once_it_is_back(own_slapd: SlapdServer) -> None:
    own_slapd.add_person("alice", INITIAL)
    with closing(ldap_connector(own_slapd)) as connector:
        connector.set_password("alice", Secret(NEW))
        own_slapd.process.stop()
        for attempt in (connector.check, lambda: connector.set_password("alice", Secret(INITIAL))):
            with pytest.raises(Unavailable):
                attempt()
        own_slapd.process.start()
        connector.set_password("alice", Secret(INITIAL))
    assert own_slapd.can_bind(own_slapd.person_dn("alice"), INITIAL)


def test_a_restart_between_two_changes_is_not_noticed(own_slapd: SlapdServer) -> None:
    own_slapd.add_person("alice", INITIAL)
    with closing(ldap_connector(own_slapd)) as connector:
        connector.set_password("alice", Secret(NEW))
        own_slapd.process.restart()
        connector.set_password("alice", Secret(INITIAL))
    assert own_slapd.can_bind(own_slapd.person_dn("alice"), INITIAL)


def test_an_idle_connection_that_the_server_closed_is_replaced(tmp_path: Path) -> None:
    with running_slapd(tmp_path, idle_timeout=1) as server, closing(ldap_connector(server)) as connector:
        server.add_person("alice", INITIAL)
        connector.set_password("alice", Secret(NEW))
        wire = connector._session._wire  # type: ignore[attr-defined]  # to see when the server hung up
        hung_up = (not wire.is_usable() for _ in range(1000) if server.can_bind(server.person_dn("alice"), NEW))
        assert any(hung_up)
        connector.set_password("alice", Secret(INITIAL))
        assert server.can_bind(server.person_dn("alice"), INITIAL)


def test_a_server_that_stands_still_after_the_request_leaves_the_outcome_open(own_slapd: SlapdServer) -> None:
    own_slapd.add_person("alice", INITIAL)
    with closing(ldap_connector(own_slapd)) as connector:
        connector.check()
        own_slapd.process.pause()
        try:
            with pytest.raises(Indeterminate, match="no answer within 2 s"):
                connector.set_password("alice", Secret(NEW))
        finally:
            own_slapd.process.resume()
        connector.set_password("alice", Secret(NEW))
    assert own_slapd.can_bind(own_slapd.person_dn("alice"), NEW)


def test_a_server_that_stands_still_before_the_connection_is_unavailable(own_slapd: SlapdServer) -> None:
    own_slapd.add_person("alice", INITIAL)
    with closing(ldap_connector(own_slapd)) as connector:
        own_slapd.process.pause()
        try:
            with pytest.raises(Unavailable):
                connector.set_password("alice", Secret(NEW))
        finally:
            own_slapd.process.resume()
        assert connector.verify_password("alice", Secret(INITIAL))


def test_a_connection_that_breaks_after_the_request_leaves_the_outcome_open(
    slapd: SlapdServer, slapd_relay: Relay, alice: str
) -> None:
    with closing(ldap_connector(slapd, url=f"ldaps://127.0.0.1:{slapd_relay.port}")) as connector:
        connector.check()
        with slapd_relay.mute_after(0), pytest.raises(Indeterminate):
            connector.set_password(alice, Secret(NEW))
        assert connector.verify_password(alice, Secret(NEW))


def test_a_scan_reads_more_entries_than_one_page_holds(own_slapd: SlapdServer) -> None:
    people = 1201
    own_slapd.add("\n".join(_person(own_slapd, f"p{number:04}") for number in range(people)))
    with closing(_session(own_slapd)) as session:
        found = [entry.text("uid") for entry in session.scan(own_slapd.people_dn, "(uid=*)", ["uid"])]

    assert found == [f"p{number:04}" for number in range(people)]


def test_one_entry_is_read_with_the_attributes_asked_for(slapd: SlapdServer, alice: str) -> None:
    with closing(_session(slapd)) as session:
        entry = session.read(slapd.person_dn(alice), ["cn"])

    assert entry is not None
    assert (entry.text("CN"), list(entry.attributes)) == (alice, ["cn"])


def _session(slapd: SlapdServer) -> Session:
    endpoint = Endpoint(
        "127.0.0.1", int(slapd.ldaps_url.rpartition(":")[2]), start_tls=False, ca_file=str(slapd.ca_file)
    )
    return Session(endpoint, slapd.service_dn, Secret(slapd.service_password), IMPATIENT)


def _policy(line: str) -> str:
    attribute = line.partition(":")[0]
    return f"dn: {DEFAULT_POLICY_DN}\nchangetype: modify\nreplace: {attribute}\n{line}\n"


def _person(slapd: SlapdServer, uid: str) -> str:
    return f"dn: {slapd.person_dn(uid)}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}\n"
