"""Looks at the accounts of all mappings where they are: which there are not, and whose password nobody told us of.

Nothing is changed, at the systems or in the topology: what is found is shown as conditions and told in events. Where
the System wants it, some stored passwords are tried as well (``verifying``).
"""

from collections.abc import Callable, Iterator
from collections.abc import Mapping as ReadOnlyMapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta

from controller.model import events
from controller.model.accounts import Account, ExternalAccount, WindowsAccount, account_of
from controller.model.errors import PwsyncError, Unavailable
from controller.model.events import Event, EventType
from controller.model.observation import Observation, Sighting, Survey, SurveyNote, observe
from controller.model.topology import Adapter, Application, Domain, Key, Resource
from controller.ports.connectors import Connector
from controller.ports.store import Store, Transaction
from controller.reconcile.knowledge import known_of
from controller.reconcile.settled import names_of
from controller.reconcile.verifying import Verifier, differing

Connect = Callable[[Adapter | Domain], Connector]
"""Makes the connector of a target. Raises PwsyncError when it cannot be had."""

PIECE = 500
"""Accounts that are looked at, and noted, together."""
LATENCY = timedelta(minutes=1)
"""How long a report may take, before a change that it would tell of counts as missed."""
MOST_NAMED = 20
"""Accounts that a condition names."""
_NOTHING = Observation()
MOST_TOLD = 100
"""Accounts of one target that one look makes events of; the condition counts all."""


@dataclass(frozen=True, slots=True)
class _Target:
    """What is looked at.

    Attributes:
        accounts: Those that mappings name, in order.
        tells_changes: Whether changes are reported by it or written to it, so that one can be missed.
    """

    lane: str
    spec: Adapter | Domain
    accounts: list[str]
    tells_changes: bool


class Observer:
    """Looks at everything once with each call. Several controllers may do so at once: the last look stays.

    Args:
        store: Keeps what was seen.
        connect: Makes connectors.
        verifier: Tries stored passwords, where somebody wants that.
        may_go_on: Tells, before each piece of accounts, whether there is time for it.
        latency: How long a report may take.
    """

    def __init__(
        self,
        store: Store,
        connect: Connect,
        verifier: Verifier,
        may_go_on: Callable[[], bool] = lambda: True,
        latency: timedelta = LATENCY,
    ) -> None:
        self._store = store
        self._connect = connect
        self._verifier = verifier
        self._may_go_on = may_go_on
        self._latency = latency

    def look(self) -> None:
        """Look at all targets, and forget those that are gone.

        Raises:
            StoreUnavailable: The store cannot be reached.
            StoreUnusable: A row of it cannot be read.
        """
        with self._store.read() as tx:
            targets = list(_targets(tx))
            gone = tx.observations.notes().keys() - {target.lane for target in targets}
        if gone:
            with self._store.write() as tx:
                for lane in gone:
                    tx.observations.forget_lane(lane)
        for target in targets:
            if self._may_go_on():
                self._look_at(target)

    def _look_at(self, target: _Target) -> None:
        with self._store.read() as tx:
            before, noted = tx.observations.of_lane(target.lane), tx.observations.notes().get(target.lane)
        problem = ""
        told = 0
        seen: dict[str, Observation] = {}
        try:
            with closing(self._connect(target.spec)) as connector:
                for start in range(0, len(target.accounts), PIECE):
                    if not self._may_go_on():
                        return
                    some = target.accounts[start : start + PIECE]
                    news = self._note_piece(target, connector.survey(some), before, MOST_TOLD - told)
                    told += sum(_is_news(before.get(account), observation) for account, observation in news.items())
                    seen.update(news)
                mapped = {name: seen.get(name, before.get(name, _NOTHING)) for name in target.accounts}
                self._verifier.verify(target.lane, connector, mapped)
        except PwsyncError as error:
            problem = str(error)
        except Exception as error:  # noqa: BLE001  # a defect of a connector must not hide the others; its text may hold secrets
            problem = str(Unavailable(f"the connector failed: {type(error).__name__}", hint="report it to its author"))
        self._conclude(target, before | seen, noted, problem)

    def _note_piece(
        self, target: _Target, survey: Survey, before: ReadOnlyMapping[str, Observation], most: int
    ) -> dict[str, Observation]:
        """Note what is new about some accounts; returns it."""
        seen = survey.accounts.items()
        if all(name in before and _is_as_before(before[name], sighting) for name, sighting in seen):
            return {}
        with self._store.write() as tx:
            difference = tx.now - survey.clock if survey.clock is not None else None
            news: dict[str, Observation] = {}
            for name, sighting in seen:
                last = before.get(name)
                if last is None or not _is_as_before(last, sighting):
                    known = known_of(tx, account_of(target.lane, name)) if target.tells_changes else None
                    observation = observe(
                        last, sighting, known, now=tx.now, difference=difference, latency=self._latency
                    )
                    if observation != last:
                        news[name] = observation
            tx.observations.put(target.lane, news)
            fresh = [name for name, observation in news.items() if _is_news(before.get(name), observation)]
            for name in fresh[: max(0, most)]:
                tx.events.add(_event(account_of(target.lane, name), news[name]))
            return news

    def _conclude(
        self, target: _Target, seen: ReadOnlyMapping[str, Observation], noted: SurveyNote | None, problem: str
    ) -> None:
        mapped = set(target.accounts)
        missing = [name for name in target.accounts if name in seen and seen[name].missing_since is not None]
        missed = [name for name in target.accounts if name in seen and seen[name].missed_since is not None]
        with self._store.write() as tx:
            tx.observations.forget(target.lane, seen.keys() - mapped)
            wrong = differing(tx, target.lane, target.accounts)
            names = tuple(dict.fromkeys([*wrong, *missed, *missing]))[:MOST_NAMED]
            note = SurveyNote(tx.now, len(missing), len(missed), len(wrong), names, problem)
            tx.observations.note(target.lane, note)
            if problem and (noted is None or noted.problem != problem):
                tx.events.add(Event(events.TARGET_NOT_SEEN, fields={"target": target.lane, "problem": problem}))


def _is_as_before(last: Observation, sighting: Sighting) -> bool:
    """Whether nothing has to be found out about an account that was judged well before."""
    return sighting.exists and last == Observation(sighting.set_at)


def _is_news(before: Observation | None, now: Observation) -> bool:
    last = before or Observation()
    is_missing = now.missing_since is not None and last.missing_since is None
    is_missed = now.missed_since is not None and (last.missed_since, last.set_at) != (now.missed_since, now.set_at)
    return is_missing or is_missed


def _event(account: Account, seen: Observation) -> Event:
    adapter, name = names_of(account)
    type_: EventType = events.ACCOUNT_MISSING if seen.missing_since is not None else events.PASSWORD_CHANGE_MISSED
    fields = {"setAt": seen.set_at.isoformat()} if seen.set_at is not None else {}
    return Event(type_, adapter=adapter, account=name, fields=fields)


def _targets(tx: Transaction) -> Iterator[_Target]:
    resources = tx.resources.read()
    accounts = _accounts(tx, resources)
    for key, resource in sorted(resources.items()):
        match resource.spec:
            case Adapter(enabled=True, is_remote=False) as adapter:
                lane = ExternalAccount(key.name, "").lane
                takes_part = adapter.sync_to_adapter or adapter.sync_from_adapter
                yield _Target(lane, adapter, sorted(accounts.get(lane, ())), takes_part)
            case Domain() as domain if domain.directory is not None:
                lane = WindowsAccount(key.name, "").lane
                yield _Target(lane, domain, sorted(accounts.get(lane, ())), bool(domain.sources))
            case _:
                continue


def _accounts(tx: Transaction, resources: ReadOnlyMapping[Key, Resource]) -> dict[str, set[str]]:
    """The accounts of all mappings, by lane."""
    adapters = {
        key.name: resource.spec.adapter
        for key, resource in resources.items()
        if isinstance(resource.spec, Application) and resource.spec.adapter is not None
    }
    found: dict[str, set[str]] = {}
    for mapping in tx.mappings.scan():
        found.setdefault(mapping.windows.lane, set()).add(mapping.windows.name)
        if (adapter := adapters.get(mapping.application)) is not None:
            found.setdefault(ExternalAccount(adapter, "").lane, set()).add(mapping.external)
    return found
