"""A captured change as it stands in the spool: names and time in clear, the password sealed."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime

from controller.model.accounts import Account, account_of
from controller.model.errors import InvalidInput


class Damaged(Exception):
    """What stands in the spool is not what was written there."""


@dataclass(frozen=True, slots=True)
class CapturedChange:
    """One account has a new password.

    Attributes:
        occurred_at: The source's own time, aware.
        sealed: The password, sealed to the controller's public key for this account and time.
    """

    account: Account
    occurred_at: datetime
    sealed: bytes


def encode(change: CapturedChange) -> bytes:
    """The bytes of its file."""
    return json.dumps(
        {
            "lane": change.account.lane,
            "account": change.account.name,
            "occurredAt": change.occurred_at.isoformat(),
            "sealedPassword": base64.b64encode(change.sealed).decode(),
        }
    ).encode()


def decode(content: bytes) -> CapturedChange:
    """Read what ``encode`` wrote.

    Raises:
        Damaged: It has another form.
    """
    try:
        values = json.loads(content)
        sealed = base64.b64decode(values["sealedPassword"], validate=True)
        occurred_at = datetime.fromisoformat(values["occurredAt"])
        return CapturedChange(account_of(values["lane"], values["account"]), occurred_at, sealed)
    except (KeyError, TypeError, ValueError, AttributeError, InvalidInput) as error:
        raise Damaged(f"it has another form ({type(error).__name__})") from None
