"""What may be declared of connectors that wait for a program or a receiver."""

from typing import Any

import pytest
from pydantic import ValidationError

from controller.connectors.exec.options import ExecOptions
from controller.connectors.webhook.connector import CONNECTOR_TYPE
from controller.connectors.webhook.options import WebhookOptions

HOOK = {"url": "https://hooks.example.com/passwords", "secretFrom": {"env": "HOOK"}}


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "https://",
        "https://user:secret@hooks.example.com/",
        "https://hooks.example.com/#part",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com/a b",
        "https://hooks.example.com/\r\nX: y",
        "https://[::1/",
        "https://hooks.example.com/ü",
    ],
)
def test_a_webhook_goes_to_an_https_url_without_credentials(url: str) -> None:
    with pytest.raises(ValidationError):
        WebhookOptions.model_validate({**HOOK, "url": url})


@pytest.mark.parametrize("timeout", ["0s", "5m1s", "soon", 5])
def test_nothing_is_waited_for_longer_than_five_minutes(timeout: Any) -> None:
    with pytest.raises(ValidationError):
        WebhookOptions.model_validate({**HOOK, "timeout": timeout})
    with pytest.raises(ValidationError):
        ExecOptions.model_validate({"command": ["/bin/true"], "timeout": timeout})


@pytest.mark.parametrize("command", [[], ["true"], ["./true"], ["/bin/"], ["/bin/true", "a\x00b"], "/bin/true"])
def test_a_command_is_a_list_that_begins_with_a_whole_path(command: Any) -> None:
    with pytest.raises(ValidationError):
        ExecOptions.model_validate({"command": command})


def test_only_who_says_so_is_asked_whether_a_password_is_in_force() -> None:
    for verify in (False, True):
        options = WebhookOptions.model_validate({**HOOK, "verify": verify})
        assert CONNECTOR_TYPE.capabilities(options).can_verify is verify
        assert not CONNECTOR_TYPE.capabilities(options).can_read_policy
