"""A record of a replay file as text, before it is sealed and after it was opened."""

import base64
import json
from datetime import datetime
from typing import Any

from controller.model.accounts import account_of
from controller.model.change import PasswordChange
from controller.model.errors import InvalidInput
from controller.model.secret import Secret
from controller.ports.replay import ReplayRecord
from controller.replay.frames import Damaged


def encode(record: ReplayRecord) -> Secret:
    """Write a record as one text. It is handed to sealing, so that names stand nowhere in clear either."""
    change = record.change
    return Secret(
        json.dumps(
            {
                "trackingId": change.tracking_id,
                "lane": change.account.lane,
                "account": change.account.name,
                "caller": change.caller,
                "isLocal": record.is_local,
                "password": _text(change.sealed_password),
                "oldPassword": _text(change.sealed_old_password),
                "occurredAt": None if change.occurred_at is None else change.occurred_at.isoformat(),
                "receivedAt": change.received_at.isoformat(),
            }
        )
    )


def decode(text: Secret) -> ReplayRecord:
    """Read what ``encode`` wrote.

    Raises:
        Damaged: It has another form, as that of another version of pwsync.
    """
    try:
        return _record(json.loads(text.reveal()))
    except (KeyError, TypeError, ValueError, InvalidInput):
        raise Damaged("a record was opened but has another form") from None  # the cause may repeat what it read


def _record(values: dict[str, Any]) -> ReplayRecord:
    occurred_at = values["occurredAt"]
    change = PasswordChange(
        tracking_id=values["trackingId"],
        account=account_of(values["lane"], values["account"]),
        caller=values["caller"],
        sealed_password=_bytes(values["password"]),
        sealed_old_password=_bytes(values["oldPassword"]),
        occurred_at=None if occurred_at is None else datetime.fromisoformat(occurred_at),
        received_at=datetime.fromisoformat(values["receivedAt"]),
    )
    return ReplayRecord(change, is_local=values["isLocal"])


def _text(sealed: bytes | None) -> str | None:
    return None if sealed is None else base64.b64encode(sealed).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text, validate=True)
