"""The connector contract over a receiver of webhooks, and what its answers mean."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from datetime import timedelta
from typing import Any

import pytest

from controller.connectors.webhook.connector import CONNECTOR_TYPE
from controller.connectors.webhook.options import WebhookOptions
from controller.model.errors import (
    AccountUnknown,
    Busy,
    ChannelRefused,
    ConnectorError,
    Indeterminate,
    PasswordRejected,
    Rejected,
    SettingsError,
    Unavailable,
)
from controller.model.secret import Secret
from controller.ports.connectors import Connector
from tests.contracts.connectors.contract import ConnectorContract, words_of
from tests.contracts.connectors.harness import Bench
from tests.doubles.secrets import secrets_from
from tests.servers.proxy import Relay
from tests.servers.receiver import SECRET, Receiver, Scripted

NEW = Secret("New-password-1")
Connect = Callable[..., Connector]


def connect_to(receiver: Receiver, secret: str = SECRET, **options: Any) -> Connector:
    given = {
        "url": f"https://127.0.0.1:{receiver.port}/passwords?tenant=1",
        "caFile": str(receiver.ca_file),
        "secretFrom": {"env": "HOOK"},
        "timeout": "5s",
        **options,
    }
    return CONNECTOR_TYPE.connect(WebhookOptions.model_validate(given), secrets_from({"HOOK": secret}))


@pytest.fixture(scope="session")
def shared_receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    with closing(Receiver(tmp_path_factory.mktemp("receiver"))) as receiver:
        yield receiver


@pytest.fixture
def receiver(shared_receiver: Receiver) -> Receiver:
    shared_receiver.accounts = {"alice": "Initial-1-password"}
    shared_receiver.scripted, shared_receiver.requests, shared_receiver.drips = [], [], False
    return shared_receiver


class WebhookBench(Bench):
    account, password, missing, refused = "alice", "Initial-1-password", "nobody", "tiny-1"

    def __init__(self, receiver: Receiver, relay: Relay, options: dict[str, Any]) -> None:
        self._receiver, self._relay, self._options = receiver, relay, options

    def fresh(self) -> Connector:
        return connect_to(self._receiver, url=f"https://127.0.0.1:{self._relay.port}/", **self._options)

    def login(self, account: str, password: str) -> bool:
        return self._receiver.accounts.get(account) == password

    def unreachable(self) -> AbstractContextManager[None]:
        return self._relay.down()

    def unresponsive(self) -> AbstractContextManager[None]:
        return self._receiver.silent()


class TestWebhook(ConnectorContract):
    @pytest.fixture(params=["signed", "sealed", "verifying"])
    def bench(self, receiver: Receiver, request: pytest.FixtureRequest) -> Iterator[Bench]:
        options: dict[str, dict[str, Any]] = {
            "signed": {},
            "sealed": {"receiverKeyFile": str(receiver.key_file)},
            "verifying": {"verify": True},
        }
        with closing(Relay(receiver.port)) as relay:
            yield WebhookBench(receiver, relay, options[request.param])


def test_each_request_has_an_id_of_its_own_and_no_password_outside_of_its_body(receiver: Receiver) -> None:
    connector = connect_to(receiver)
    for _ in range(2):
        connector.set_password("alice", NEW)

    (first, body), (second, _) = receiver.requests
    assert first["webhook-id"] != second["webhook-id"]
    assert json.loads(body)["data"] == {"account": "alice", "password": "New-password-1"}
    assert "New-password-1" not in str(first)


def test_a_sealed_body_tells_nothing_but_to_the_receiver(receiver: Receiver) -> None:
    connect_to(receiver, receiverKeyFile=str(receiver.key_file)).set_password("alice", NEW)

    ((_, body),) = receiver.requests
    assert list(json.loads(body)) == ["sealed"]
    assert b"alice" not in body
    assert receiver.accounts["alice"] == "New-password-1"


def test_another_secret_is_a_refused_channel(receiver: Receiver) -> None:
    other = connect_to(receiver, "whsec_" + "QUJD" * 8)
    for attempt in (other.check, lambda: other.set_password("alice", NEW)):
        with pytest.raises(ChannelRefused, match="does not accept us"):
            attempt()
    assert receiver.accounts["alice"] == "Initial-1-password"


@pytest.mark.parametrize("secret", ["", "plain text", "whsec_", "whsec_QUJD", "whsec_" + "QUJD" * 22, "whsec_ü"])
def test_what_is_no_webhook_secret_is_a_wrong_setting_that_is_not_shown(receiver: Receiver, secret: str) -> None:
    with pytest.raises(SettingsError, match="environment variable HOOK") as caught:
        connect_to(receiver, secret)
    assert secret in {"", "whsec_"} or secret not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (301, b"", ChannelRefused),
        (400, b"not json", Rejected),
        (400, b"[1]", Rejected),
        (401, b"", ChannelRefused),
        (404, b"", ChannelRefused),
        (404, b'{"code": "accountUnknown"}', AccountUnknown),
        (409, b'{"code": "passwordRejected", "message": "New-password-1 was used before"}', PasswordRejected),
        (422, b'{"code": "indeterminate"}', Rejected),
        (429, b"", Busy),
        (500, b"", Indeterminate),
        (502, b"", Indeterminate),
        (503, b"", Busy),
        (503, b'{"code": "unavailable"}', Unavailable),
    ],
)
def test_what_an_answer_means(receiver: Receiver, status: int, body: bytes, error: type[ConnectorError]) -> None:
    headers = {"Location": f"https://127.0.0.1:{receiver.port}/elsewhere"} if status == 301 else {}
    receiver.scripted = [Scripted(status, body, headers)]
    with pytest.raises(ConnectorError) as caught:
        connect_to(receiver).set_password("alice", NEW)

    assert type(caught.value) is error
    assert "New-password-1" not in words_of(caught.value)
    assert len(receiver.requests) == 1
    assert receiver.accounts["alice"] == "Initial-1-password"


@pytest.mark.parametrize(("text", "seconds"), [("7", 7), ("soon", 0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)])
def test_a_busy_receiver_says_how_long_to_wait(receiver: Receiver, text: str, seconds: int) -> None:
    receiver.scripted = [Scripted(503, b"", {"Retry-After": text})]
    with pytest.raises(Busy) as caught:
        connect_to(receiver).set_password("alice", NEW)
    assert caught.value.wait == timedelta(seconds=seconds)


def test_a_failure_of_the_receiver_says_nothing_of_what_was_only_asked(receiver: Receiver) -> None:
    receiver.scripted = [Scripted(500), Scripted(200, b"{}")]
    connector = connect_to(receiver, verify=True)
    with pytest.raises(Unavailable):
        connector.verify_password("alice", NEW)
    with pytest.raises(ChannelRefused, match="does not tell inForce"):
        connector.verify_password("alice", NEW)


def test_who_does_not_verify_is_not_asked(receiver: Receiver) -> None:
    with pytest.raises(Rejected, match="verifies no passwords"):
        connect_to(receiver).verify_password("alice", NEW)
    assert receiver.requests == []


def test_an_answer_that_drips_is_given_up(receiver: Receiver) -> None:
    receiver.drips = True
    with pytest.raises(Indeterminate):
        connect_to(receiver, timeout="1s").set_password("alice", NEW)


def test_a_certificate_of_another_authority_is_not_accepted(receiver: Receiver) -> None:
    with pytest.raises(ChannelRefused, match="certificate"):
        connect_to(receiver, caFile=None).check()
    with pytest.raises(ChannelRefused, match="caFile"):
        connect_to(receiver, caFile="/nowhere/ca.pem").check()
    assert receiver.requests == []


def test_a_key_that_is_none_of_a_receiver_seals_nothing(receiver: Receiver) -> None:
    for file in ("/nowhere/key.pem", str(receiver.ca_file)):
        with pytest.raises(ChannelRefused, match="receiverKeyFile"):
            connect_to(receiver, receiverKeyFile=file).set_password("alice", NEW)
    assert receiver.requests == []


def test_a_password_that_is_no_unicode_is_not_sent(receiver: Receiver) -> None:
    with pytest.raises(PasswordRejected):
        connect_to(receiver).set_password("alice", Secret("\ud800"))
    assert receiver.requests == []
