"""A directory in memory, with a policy and scripted failures, and the connector that speaks to it."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event
from typing import Literal, cast

from pydantic import BaseModel

from controller.model.accounts import WindowsAccount
from controller.model.constraints import Capabilities, Constraints
from controller.model.diagnosis import Finding, Verdict
from controller.model.errors import (
    AccountUnknown,
    ConnectorError,
    Indeterminate,
    OldPasswordWrong,
    PasswordRejected,
    PwsyncError,
    Unavailable,
)
from controller.model.observation import Sighting, Standing, Survey
from controller.model.options import Options
from controller.model.policy import PasswordPolicy
from controller.model.rule_reading import FoundAccount
from controller.model.secret import Secret
from controller.ports.account_directory import AccountSearch, Matches, Position
from controller.ports.connectors import Connector, ResolveSecret

When = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class Write:
    """One password that the directory took over."""

    account: str
    password: str


@dataclass(slots=True)
class MemoryDirectory:
    """Accounts and their passwords, for any number of connectors and threads.

    Attributes:
        accounts: Account name -> password in force.
        policy: Refuses a password with the directory's words, or returns None.
        told_policy: What it answers when it is asked for its policy.
        writes: Every password taken over, in order.
        refused: Every password that was not taken over, in order.
        probes: Every (account, password) that was verified, in order.
        set_at: When it tells that passwords were set.
        clock: What time it tells.
        standings: How far accounts are from their lockout, where they are not clean; a wrong probe counts.
        gate: Called before each write, outside the lock: a test may wait in it.
    """

    accounts: dict[str, str] = field(default_factory=dict)
    policy: Callable[[str], str | None] = lambda _: None
    told_policy: PasswordPolicy | None = None
    writes: list[Write] = field(default_factory=list)
    refused: list[Write] = field(default_factory=list)
    probes: list[tuple[str, str]] = field(default_factory=list)
    gate: Callable[[str], None] = lambda _: None
    set_at: dict[str, datetime] = field(default_factory=dict)
    clock: datetime | None = None
    standings: dict[str, Standing] = field(default_factory=dict)
    _script: deque[tuple[When, ConnectorError]] = field(default_factory=deque)
    _probe_error: ConnectorError | None = None
    _down: bool = False
    _mute: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def fail_next(self, *errors: ConnectorError, when: When = "before") -> None:
        """Let the next writes raise *errors*, one each: "before" anything changed, or "after" it did (lost answer)."""
        with self._lock:
            self._script.extend((when, error) for error in errors)

    def fail_probe(self, error: ConnectorError) -> None:
        """Let the next probe raise *error*."""
        self._probe_error = error

    @contextmanager
    def down(self) -> Iterator[None]:
        """Within it every call raises Unavailable."""
        self._down = True
        try:
            yield
        finally:
            self._down = False

    @contextmanager
    def mute(self) -> Iterator[None]:
        """Within it every write is taken over and raises Indeterminate, as if its answer were lost."""
        self._mute = True
        try:
            yield
        finally:
            self._mute = False

    def set(self, account: str, new: str) -> None:
        """Take over a password as an administrator's."""
        self._write(account, new, lambda _: None)

    def change(self, account: str, old: str, new: str) -> None:
        """Take over a password as the user's."""

        def compare(in_force: str) -> None:
            if in_force != old:
                raise OldPasswordWrong(f"the memory directory says that the old password of {account!r} is wrong")

        self._write(account, new, compare)

    def is_in_force(self, account: str, password: str) -> bool:
        """Answer a probe."""
        with self._lock:
            error, self._probe_error = self._probe_error, None
            if error is not None:
                raise error
            self.probes.append((account, password))
            is_right = self._in_force(account) == password
            if not is_right:
                self.standings[account] = Standing.FAILURES
            return is_right

    def policy_of(self, account: str | None) -> PasswordPolicy | None:
        """Tell the policy, to anyone."""
        with self._lock:
            self.reach()
            if account is not None:
                self._in_force(account)
            return self.told_policy

    def survey(self, accounts: Sequence[str]) -> Survey:
        """Tell which accounts there are."""
        with self._lock:
            self.reach()
            return Survey({account: self._sighting(account) for account in accounts}, self.clock)

    def _sighting(self, account: str) -> Sighting:
        if account not in self.accounts:
            return Sighting(False)
        return Sighting(True, self.set_at.get(account), self.standings.get(account, Standing.CLEAN))

    def reach(self) -> None:
        """Raise Unavailable while the directory is down."""
        if self._down:
            raise Unavailable("the memory directory is down")

    def _in_force(self, account: str) -> str:
        self.reach()
        if account not in self.accounts:
            raise AccountUnknown(f"the memory directory has no account {account!r}")
        return self.accounts[account]

    def _write(self, account: str, new: str, compare: Callable[[str], None]) -> None:
        self.gate(account)
        with self._lock:
            when, error = self._script.popleft() if self._script else ("after", None)
            try:
                if error is not None and when == "before":
                    raise error
                compare(self._in_force(account))
                self._apply_policy(account, new)
            except ConnectorError:
                self.refused.append(Write(account, new))
                raise
            self.accounts[account] = new
            self.writes.append(Write(account, new))
            if error is not None:
                raise error
            if self._mute:
                raise Indeterminate(f"no answer from the memory directory about {account!r}")

    def _apply_policy(self, account: str, new: str) -> None:
        refusal = self.policy(new)
        if refusal is not None:
            raise PasswordRejected(f"the memory directory refused the password of {account!r}", words=refusal)


class MemoryOptions(Options):
    """Options of the memory connector."""

    directory: str = "default"
    needs_old_password: bool = False
    can_verify: bool = True
    is_repeatable: bool = True
    max_length: int | None = None


def memory_capabilities(options: MemoryOptions) -> Capabilities:
    """What a connector with these options can do."""
    return Capabilities(
        needs_old_password=options.needs_old_password,
        can_verify=options.can_verify,
        is_repeatable=options.is_repeatable,
        constraints=Constraints(max_length=options.max_length),
    )


@dataclass(slots=True)
class MemoryConnector:
    """Speaks to a MemoryDirectory; counts how often it was closed."""

    directory: MemoryDirectory
    capabilities: Capabilities = field(default_factory=Capabilities)
    closed: int = 0

    def set_password(self, account: str, new: Secret) -> None:
        """See ``ports.Connector``."""
        self.directory.set(account, new.reveal())

    def change_password(self, account: str, old: Secret, new: Secret) -> None:
        """See ``ports.Connector``."""
        self.directory.change(account, old.reveal(), new.reveal())

    def verify_password(self, account: str, password: Secret) -> bool:
        """See ``ports.Connector``."""
        return self.directory.is_in_force(account, password.reveal())

    def check(self) -> None:
        """See ``ports.Connector``."""
        self.directory.reach()

    def policy(self, account: str | None = None) -> PasswordPolicy | None:
        """See ``ports.Connector``."""
        return self.directory.policy_of(account)

    def survey(self, accounts: Sequence[str]) -> Survey:
        """See ``ports.Connector``."""
        return self.directory.survey(accounts)

    def diagnose(self, accounts: Sequence[str]) -> Iterator[Finding]:
        """See ``ports.Connector``."""
        try:
            self.directory.reach()
        except ConnectorError as error:
            yield Finding("memory", Verdict.FAILED, error.message, error.hint)
            return
        yield Finding("memory", Verdict.OK, f"{len(accounts)} accounts tried")

    def close(self) -> None:
        """See ``ports.Connector``."""
        self.closed += 1


class MemoryConnectorType:
    """Connector type ``memory``: option ``directory`` chooses among the directories given here, by name."""

    name = "memory"
    options: type[BaseModel] = MemoryOptions

    def __init__(self, directories: Mapping[str, MemoryDirectory] | MemoryDirectory) -> None:
        self._directories = {"default": directories} if isinstance(directories, MemoryDirectory) else directories

    def capabilities(self, options: object) -> Capabilities:
        """See ``ports.ConnectorType``."""
        return memory_capabilities(cast("MemoryOptions", options))

    def connect(self, options: object, resolve: ResolveSecret) -> Connector:  # noqa: ARG002  # it has no secret
        """See ``ports.ConnectorType``."""
        chosen = cast("MemoryOptions", options)
        return MemoryConnector(self._directories[chosen.directory], memory_capabilities(chosen))


@dataclass(slots=True)
class MemoryGroups:
    """The look-up of one domain, and of its directory: names and who stands behind them.

    Attributes:
        behind: The accounts behind each name.
        error: What every question is answered with instead.
        asked: The names, in the order in which they were asked about.
        closed: How often the connection was given back.
    """

    behind: dict[str, set[str]] = field(default_factory=dict)
    error: PwsyncError | None = None
    asked: list[str] = field(default_factory=list)
    closed: int = 0

    def members(self, name: WindowsAccount) -> frozenset[WindowsAccount]:
        """See ``ports.GroupDirectory``."""
        self.asked.append(str(name))
        if self.error is not None:
            raise self.error
        if str(name) not in self.behind:
            raise AccountUnknown(f"the memory directory has no {name}")
        return frozenset(map(WindowsAccount.parse, self.behind[str(name)]))

    def close(self) -> None:
        """See ``ports.GroupDirectory``."""
        self.closed += 1


@dataclass(slots=True)
class MemoryAccounts:
    """The accounts of one domain, for mapping rules.

    Attributes:
        accounts: By what tells them apart: the account, with the values of every attribute.
        others: Names of accounts that match no search.
        error: What every question is answered with instead.
        asked: Each question; of a search whether it went on from an earlier answer.
        gate: When given, questions wait until it is set.
    """

    accounts: dict[bytes, FoundAccount] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    error: Exception | None = None
    asked: list[str] = field(default_factory=list)
    gate: Event | None = None

    def matches(self, search: AccountSearch, before: Matches | None = None) -> Matches:
        """See ``ports.AccountDirectory``."""
        self._ask(f"{search.filter}{'' if before is None else ' again'}")
        return Matches(dict(self.accounts), Position(b"here", len(self.asked)))

    def names(self, attribute: str) -> frozenset[str]:
        """See ``ports.AccountDirectory``."""
        self._ask(attribute)
        return frozenset({account.name.lower() for account in self.accounts.values()} | self.others)

    def close(self) -> None:
        """See ``ports.AccountDirectory``."""

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.gate is not None:
            self.gate.wait(10)
        if self.error is not None:
            raise self.error
