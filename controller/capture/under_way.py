"""What is known of a change in OpenLDAP until somebody knows what became of it."""

import threading
from dataclasses import dataclass, field
from datetime import datetime

from controller.capture.ldap_login import Login
from controller.model.secret import Secret


@dataclass(frozen=True, slots=True)
class Announced:
    """A password that an operation will set, should slapd begin it."""

    password: Secret
    since: float


@dataclass(slots=True, eq=False)
class Begun:
    """A change whose end is not known.

    Attributes:
        name: The account, in one spelling for all that clients have.
        login: What opens the entry once it is done; None when the password is not known.
        file: Where the change is kept; empty when it is not, or not any more.
        problem: Why it does not seem to be in force.
        tries: How many logins slapd has refused.
        told: The last end that was told.
        has_succeeded: A success was told, of this one or of another one.
        is_untried: A success was told, and no login has shown yet whether it is this one's.
        is_in_force: It is known to be.
        lock: Of who finds out what became of it.
    """

    name: str
    occurred_at: datetime
    login: Login | None
    since: float
    file: str = ""
    tries: int = 0
    problem: str = "slapd has not told how it ended"
    told: bool | None = None
    has_succeeded: bool = False
    is_untried: bool = False
    is_in_force: bool = False
    is_settled: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)
