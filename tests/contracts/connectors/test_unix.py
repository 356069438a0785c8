"""The connector contract over a real sshd and chpasswd, judged by what the host keeps."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from controller.connectors.unix.connector import CONNECTOR_TYPE
from controller.connectors.unix.options import UnixOptions
from controller.model.errors import (
    AccountRefused,
    AccountUnknown,
    ChannelRefused,
    Indeterminate,
    PasswordRejected,
    Rejected,
    SettingsError,
    Unavailable,
)
from controller.model.secret import Secret
from controller.model.words import WITHHELD
from controller.ports.connectors import Connector
from tests.contracts.connectors.contract import NEW, ConnectorContract, words_of
from tests.contracts.connectors.harness import Bench
from tests.contracts.connectors.libcrypt import crypt_accepts
from tests.doubles.secrets import secrets_from
from tests.servers.fixtures import require_server
from tests.servers.proxy import Relay
from tests.servers.sshd import SshServer, running_sshd

pytestmark = pytest.mark.system

INITIAL = "Initial-1-password"


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    require_server("sshd", "ssh-keygen", "openssl", "unshare")
    if os.geteuid() != 0:
        message = "accounts of a host, and a mount namespace, need root"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    with running_sshd(tmp_path_factory.mktemp("sshd")) as server:
        yield server


def connect_to(sshd: SshServer, port: int | None = None, *, key: str = "", **options: Any) -> Connector:
    port = port or sshd.port
    given = {
        "host": "127.0.0.1",
        "port": port,
        "user": "root",
        "knownHosts": str(sshd.known_hosts(port)),
        "privateKeyFrom": {"env": "KEY"},
        "timeout": "10s",
        **options,
    }
    secret = key or sshd.private_key.read_text()
    return CONNECTOR_TYPE.connect(UnixOptions.model_validate(given), secrets_from({"KEY": secret}))


class SshBench(Bench):
    password, missing = INITIAL, "nobody-here"

    def __init__(self, sshd: SshServer, relay: Relay, account: str) -> None:
        self._sshd, self._relay, self.account = sshd, relay, account
        sshd.add_account(account, self.password)

    def fresh(self) -> Connector:
        return connect_to(self._sshd, self._relay.port, verify=True)

    def login(self, account: str, password: str) -> bool:
        kept = self._sshd.hash_of(account)
        return bool(kept) and crypt_accepts(password, kept)

    def unreachable(self) -> AbstractContextManager[None]:
        return self._relay.down()


class TestUnix(ConnectorContract):
    @pytest.fixture
    def bench(self, sshd: SshServer, fresh_name: Callable[[str], str]) -> Iterator[Bench]:
        with closing(Relay(sshd.port)) as relay:
            yield SshBench(sshd, relay, fresh_name("alice"))


@pytest.fixture
def account(sshd: SshServer, fresh_name: Callable[[str], str]) -> str:
    name = fresh_name("bob")
    sshd.add_account(name, INITIAL)
    return name


@pytest.mark.parametrize("key", ["", "another"])
def test_another_key_of_the_host_or_none_is_refused(sshd: SshServer, account: str, tmp_path: Path, key: str) -> None:
    known = tmp_path / "known_hosts"
    other = (sshd.folder / "key.pub").read_text().split()[1]
    known.write_text(f"[127.0.0.1]:{sshd.port if key else 9} ssh-ed25519 {other}\n")
    with pytest.raises(ChannelRefused, match="the key of ssh://"):
        connect_to(sshd, knownHosts=str(known)).set_password(account, Secret(NEW))
    with pytest.raises(ChannelRefused, match="knownHosts"):
        connect_to(sshd, knownHosts=str(tmp_path / "missing")).check()
    assert crypt_accepts(INITIAL, sshd.hash_of(account))


def test_who_the_host_does_not_accept_is_a_refused_channel(sshd: SshServer) -> None:
    with pytest.raises(ChannelRefused, match="does not accept our key"):
        connect_to(sshd, key=(sshd.folder / "host_key").read_text()).check()


@pytest.mark.parametrize("key", ["", "no key", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
def test_what_is_no_private_key_is_a_wrong_setting(sshd: SshServer, key: str) -> None:
    with pytest.raises(SettingsError, match="environment variable KEY holds no private key") as caught:
        connect_to(sshd, key=key or "\n")
    assert "AAAA" not in words_of(caught.value)


def test_a_command_that_cannot_work_is_a_refused_channel(sshd: SshServer, account: str) -> None:
    connector = connect_to(sshd, command=["/nowhere/chpasswd"])
    for attempt in (connector.check, lambda: connector.set_password(account, Secret(NEW))):
        with pytest.raises(ChannelRefused, match="exit code 127"):
            attempt()


def test_a_password_that_the_command_refuses_is_told_without_it(sshd: SshServer, account: str) -> None:
    refusing = ["sh", "-c", 'read -r line || exit 0; echo refused: "$1"; echo "$line"; exit 9', "sh"]
    with pytest.raises(PasswordRejected) as caught:
        connect_to(sshd, command=[*refusing, "why"]).set_password(account, Secret(NEW))
    assert (caught.value.directory_code, caught.value.words) == ("9", WITHHELD)
    assert NEW not in words_of(caught.value)


def test_a_command_that_does_not_end_leaves_the_outcome_open(sshd: SshServer, account: str) -> None:
    connector = connect_to(sshd, command=["sh", "-c", "read -r line; kill -9 $$"])
    with pytest.raises(Indeterminate):
        connector.set_password(account, Secret(NEW))
    slow = connect_to(sshd, command=["sleep", "600"], timeout="1s")
    with pytest.raises(Indeterminate):
        slow.set_password(account, Secret(NEW))
    with pytest.raises(Unavailable):
        slow.check()


def test_no_password_is_in_any_argument(sshd: SshServer, account: str, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    command = ["sh", "-c", f"cat /proc/[0-9]*/cmdline >{seen} 2>&1; cat >/dev/null"]
    connect_to(sshd, command=command).set_password(account, Secret(NEW))
    assert b"sh\0-c" in seen.read_bytes()
    assert NEW.encode() not in seen.read_bytes()


def test_the_password_of_root_is_not_set(sshd: SshServer) -> None:
    before = sshd.hash_of("root")
    with pytest.raises(AccountRefused, match="root"):
        connect_to(sshd).set_password("root", Secret(NEW))
    assert sshd.hash_of("root") == before


@pytest.mark.parametrize("name", ["", "-x", "a:b", "a b", "a\nb", "ä", "../x"])
def test_a_name_that_no_account_has_reaches_no_host(sshd: SshServer, name: str) -> None:
    with pytest.raises(AccountUnknown, match="spelt"):
        connect_to(sshd, port=9).set_password(name, Secret(NEW))


@pytest.mark.parametrize("password", ["", "a\nroot:b", "a\x00b", "x" * 512, "\ud800"])
def test_what_does_not_fit_into_a_line_is_not_sent(sshd: SshServer, account: str, password: str) -> None:
    connector = connect_to(sshd, verify=True)
    with pytest.raises(PasswordRejected):
        connector.set_password(account, Secret(password))
    assert not connector.verify_password(account, Secret(password))


def test_without_logins_nothing_is_verified(sshd: SshServer, account: str) -> None:
    connector = connect_to(sshd)
    with pytest.raises(Rejected, match="verifies no passwords"):
        connector.verify_password(account, Secret(INITIAL))
    with pytest.raises(AccountRefused, match="cannot be proved"):
        connector.change_password(account, Secret(INITIAL), Secret(NEW))


def test_a_host_that_takes_no_passwords_cannot_tell(sshd: SshServer) -> None:
    sshd.add_account("keyonly", INITIAL)
    with pytest.raises(AccountRefused, match="by password alone"):
        connect_to(sshd, verify=True).verify_password("keyonly", Secret(INITIAL))


@pytest.mark.parametrize(
    "wrong", [{"host": "-oProxyCommand=x"}, {"user": "a b"}, {"command": []}, {"command": ["a\nb"]}, {"port": 0}]
)
def test_what_cannot_be_declared(wrong: dict[str, Any]) -> None:
    given = {"host": "h", "user": "root", "knownHosts": "/k", "privateKeyFrom": {"env": "KEY"}, **wrong}
    with pytest.raises(ValidationError):
        UnixOptions.model_validate(given)
