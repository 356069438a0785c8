"""Asks the directories of domains what their mapping rules need, in one thread per domain and for a limited time.

What a directory told is remembered, so that the next time only changes are asked for; everything now and then, since
what was deleted, or moved out of sight, does not show among the changes.
"""

import time
from collections.abc import Callable, Iterable
from collections.abc import Mapping as ReadOnlyMapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Condition, Thread

from controller.model.errors import PwsyncError, Unavailable
from controller.model.rule_reading import RuleReading
from controller.model.topology import Domain, DomainDirectory, Key, Kind, MappingRule, Resource
from controller.planning.rules import rules_of
from controller.ports.account_directory import AccountDirectory, AccountSearch, Matches, OpenAccountDirectory

EVERYTHING_AFTER = timedelta(minutes=15)
"""How long only changes are asked for, before everything is."""
Names = str
"""The question for the names of all accounts: by which attribute."""
Question = AccountSearch | Names
Answer = Matches | frozenset[str] | PwsyncError
_Place = tuple[str, DomainDirectory]


@dataclass(slots=True)
class _Memory:
    """What one directory told, beside its thread.

    Attributes:
        thread: Asks; None when nothing was asked yet.
        pending: What it has not answered yet.
        answers: The last one to each question.
        came_in: The turn in which each came.
        everything_at: When everything was asked for.
    """

    thread: Thread | None = None
    pending: set[Question] = field(default_factory=set)
    answers: dict[Question, Answer] = field(default_factory=dict)
    came_in: dict[Question, int] = field(default_factory=dict)
    everything_at: dict[AccountSearch, float] = field(default_factory=dict)


class RuleReader:
    """Asks about rules. Used by one thread at a time; ``stop`` may come from another one.

    A thread that is given up goes on until its directory has answered or failed; what it finds out then is used the
    next time.
    """

    def __init__(
        self, open_directory: OpenAccountDirectory, limit: timedelta, steady: Callable[[], float] = time.monotonic
    ) -> None:
        self._open_directory = open_directory
        self._limit = limit
        self._steady = steady
        self._memories: dict[_Place, _Memory] = {}
        self._changed = Condition()
        self._turn = 0
        self._is_stopping = False

    def stop(self) -> None:
        """End the waiting at once; what was not answered by then is not known."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()

    def read(self, resources: ReadOnlyMapping[Key, Resource]) -> dict[str, RuleReading]:
        """What the directories tell of every rule among *resources*. Errors are in the answers."""
        rules = rules_of(resources)
        places = {name: _place(rule, resources) for name, rule in rules.items()}
        questions: dict[_Place, set[Question]] = {}
        for name, place in places.items():
            if place is not None:
                questions.setdefault(place, set()).update(_questions(rules[name]))
        with self._changed:
            self._memories = {place: self._memories.get(place, _Memory()) for place in questions}
            for place, asked in questions.items():
                self._begin(place, asked)
            self._changed.wait_for(self._is_over, self._limit.total_seconds())
            readings = {name: self._reading(rule, places[name]) for name, rule in rules.items()}
            self._turn += 1
            return readings

    def _is_over(self) -> bool:
        return self._is_stopping or not any(memory.pending for memory in self._memories.values())

    def _begin(self, place: _Place, asked: set[Question]) -> None:
        memory = self._memories[place]
        if memory.thread is None or not memory.thread.is_alive():
            memory.pending = set(asked)
            given = (place, memory, sorted(asked, key=str))
            memory.thread = Thread(target=self._ask, args=given, name=f"pwsync-rules-{place[0]}", daemon=True)
            memory.thread.start()

    def _ask(self, place: _Place, memory: _Memory, questions: list[Question]) -> None:
        """The work of a thread."""
        domain, directory = place
        for question, answer in self._answers(domain, directory, memory, questions):
            with self._changed:
                memory.answers[question] = answer
                memory.came_in[question] = self._turn
                memory.pending.discard(question)
                self._changed.notify_all()

    def _answers(
        self, domain: str, directory: DomainDirectory, memory: _Memory, questions: list[Question]
    ) -> Iterable[tuple[Question, Answer]]:
        try:
            with closing(self._open_directory(domain, directory)) as opened:
                for question in questions:
                    yield question, self._answer(opened, memory, question)
        except Exception as error:  # noqa: BLE001  # a defect must not hide the other domains; its text may hold secrets
            for question in questions:
                yield question, _told_by(error)

    def _answer(self, directory: AccountDirectory, memory: _Memory, question: Question) -> Answer:
        try:
            if isinstance(question, Names):
                return directory.names(question)
            before, now = memory.answers.get(question), self._steady()
            since = memory.everything_at.get(question, now)
            if isinstance(before, Matches) and now - since < EVERYTHING_AFTER.total_seconds():
                return directory.matches(question, before)
            memory.everything_at[question] = now
            return directory.matches(question)
        except Exception as error:  # noqa: BLE001  # as above
            return _told_by(error)

    def _reading(self, rule: MappingRule, place: _Place | None) -> RuleReading:
        if place is None:
            return RuleReading(None, problem=f"Domain/{rule.domain} has no directory that could be asked")
        memory = self._memories[place]
        told = {q: memory.answers[q] for q in _questions(rule) if memory.came_in.get(q) == self._turn}
        problems, accounts, existing = [], None, None
        for question in _questions(rule):
            match told.get(question):
                case Matches(accounts=found):
                    accounts = found.values()
                case frozenset() as names if names:
                    existing = names
                case frozenset():
                    problems.append(f"the directory of Domain/{rule.domain} tells no account at all: nothing goes")
                case PwsyncError() as error:
                    problems.append(str(error))
                case _:
                    problems.append(str(_too_late(rule.domain)))
        return RuleReading(accounts, existing, "; ".join(dict.fromkeys(problems)))


def _place(rule: MappingRule, resources: ReadOnlyMapping[Key, Resource]) -> _Place | None:
    match resources.get(Key(Kind.DOMAIN, rule.domain)):
        case Resource(spec=Domain(directory=DomainDirectory() as directory)):
            return rule.domain, directory
        case _:
            return None


def _questions(rule: MappingRule) -> list[Question]:
    search = AccountSearch(rule.base_dn, rule.filter, rule.account_attribute, rule.external_attribute)
    return [search, rule.account_attribute] if rule.delete_all else [search]


def _told_by(error: Exception) -> PwsyncError:
    if isinstance(error, PwsyncError):
        return error
    return Unavailable(f"the look-up failed: {type(error).__name__}", hint="report it")


def _too_late(domain: str) -> PwsyncError:
    words = f"the directory of Domain/{domain} has not answered in time"
    return Unavailable(words, hint="check that it is up and not overloaded")
