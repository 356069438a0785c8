"""Changes, deliveries, events and tokens as JSON, without anything sealed.

An account of a Windows domain has ``domain``, an external one ``adapter``.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any, assert_never, overload

from controller.model.wording import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable

    from controller.model.accounts import Account
    from controller.model.change import PasswordChange
    from controller.model.delivery import Delivery
    from controller.model.events import RecordedEvent
    from controller.ports.lanes import LaneStatus
    from controller.ports.tokens import Token


def change_view(change: "PasswordChange", deliveries: "Iterable[Delivery] | None" = None) -> dict[str, Any]:
    """trackingId, account, domain or adapter, caller, state, reason, message, receivedAt, occurredAt, finishedAt.

    With *deliveries*: ``deliveries`` too.
    """
    view = {
        "trackingId": change.tracking_id,
        **account_view(change.account),
        "caller": change.caller,
        "state": change.state.value,
        "reason": change.reason,
        "message": change.message,
        "receivedAt": instant(change.received_at),
        "occurredAt": instant(change.occurred_at),
        "finishedAt": instant(change.finished_at),
    }
    return view if deliveries is None else view | {"deliveries": [delivery_view(d) for d in deliveries]}


def delivery_view(delivery: "Delivery") -> dict[str, Any]:
    """id, trackingId, account, domain or adapter, state, attempts, code, directoryCode, message and its times."""
    return {
        "id": delivery.id,
        "trackingId": delivery.tracking_id,
        **account_view(delivery.account),
        "state": delivery.state.value,
        "attempts": delivery.attempts,
        "code": delivery.code,
        "directoryCode": delivery.directory_code,
        "message": delivery.message,
        "createdAt": instant(delivery.created_at),
        "dueAt": instant(delivery.due_at),
        "expiresAt": instant(delivery.expires_at),
        "settledAt": instant(delivery.settled_at),
    }


def event_view(event: "RecordedEvent") -> dict[str, Any]:
    """sequence, at, name, level, message, trackingId, adapter, account, fields."""
    return {
        "sequence": event.sequence,
        "at": instant(event.at),
        "name": event.name,
        "level": event.level,
        "message": event.message,
        "trackingId": event.tracking_id,
        "adapter": event.adapter,
        "account": event.account,
        "fields": dict(event.fields),
    }


def lane_view(lane: "LaneStatus") -> dict[str, Any]:
    """lane, since, code, message."""
    return {"lane": lane.lane, "since": instant(lane.since), "code": lane.code, "message": lane.message}


def token_view(token: "Token") -> dict[str, Any]:
    """id, principal, createdAt, expiresAt, lastUsedAt, revokedAt."""
    return {
        "id": token.id,
        "principal": token.principal,
        "createdAt": instant(token.created_at),
        "expiresAt": instant(token.expires_at),
        "lastUsedAt": instant(token.last_used_at),
        "revokedAt": instant(token.revoked_at),
    }


def account_view(account: "Account") -> dict[str, str]:
    """account, and domain or adapter."""
    from controller.model.accounts import ExternalAccount, WindowsAccount

    match account:
        case WindowsAccount(domain=domain):
            return {"account": str(account), "domain": domain}
        case ExternalAccount(adapter=adapter, name=name):
            return {"account": name, "adapter": adapter}
        case _:
            assert_never(account)


@overload
def instant(moment: datetime) -> str: ...


@overload
def instant(moment: None) -> None: ...


@overload
def instant(moment: datetime | None) -> str | None: ...


def instant(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC."""
    return None if moment is None else rfc3339(moment)
