"""Values that the tests of the store share."""

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.change import PasswordChange
from controller.model.credential import StoredSecret
from controller.model.delivery import Delivery
from controller.model.topology import Mapping

T = TypeVar("T")

AT = datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC)
ALICE = WindowsAccount("CORP", "alice")
BOB = WindowsAccount("CORP", "bob")
ALICE1 = ExternalAccount("racf", "ALICE1")
BOB1 = ExternalAccount("racf", "BOB1")
LANE = ALICE1.lane
_numbers = itertools.count(1)


def change(tracking_id: str, account: Account = ALICE, **values: Any) -> PasswordChange:
    """A change as intake makes it."""
    defaults: dict[str, Any] = {
        "caller": "dc1",
        "sealed_password": b"sealed " + tracking_id.encode(),
        "sealed_old_password": None,
        "occurred_at": None,
        "received_at": AT,
    }
    return PasswordChange(tracking_id=tracking_id, account=account, **(defaults | values))


def delivery(delivery_id: str, account: Account = ALICE1, **values: Any) -> Delivery:
    """A delivery as routing makes it, due at once."""
    defaults: dict[str, Any] = {
        "tracking_id": f"of-{delivery_id}",
        "sequence": next(_numbers),
        "sealed_password": b"sealed " + delivery_id.encode(),
        "created_at": AT,
        "due_at": AT,
        "expires_at": AT + timedelta(hours=24),
    }
    return Delivery(id=delivery_id, account=account, **(defaults | values))


def mapping(windows: str, external: str, application: str = "PAYROLL", **values: Any) -> Mapping:
    """A mapping of the domain CORP."""
    return Mapping(application, WindowsAccount("CORP", windows), external, **values)


def stored(sealed: bytes, **values: Any) -> StoredSecret:
    """A sealed secret as the credential database holds it."""
    defaults: dict[str, Any] = {"sequence": 7, "tracking_id": "t7", "updated_at": AT}
    return StoredSecret(sealed, **(defaults | values))


def together(*works: Callable[[], T]) -> list[T]:
    """Do all *works* at the same time, each in a thread; returns their results in order."""
    start = threading.Barrier(len(works))

    def begin(work: Callable[[], T]) -> T:
        start.wait(timeout=30)
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(begin, works))
