"""Asks targets for their password policies now and then, so that plans and simulations know them."""

from collections.abc import Callable, Iterator
from collections.abc import Mapping as ReadOnlyMapping
from contextlib import closing
from datetime import datetime, timedelta

from controller.model import events
from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.errors import PolicyUnknown, PolicyUntold, PwsyncError
from controller.model.events import Event
from controller.model.policy import PasswordPolicy, PolicyReading
from controller.model.topology import Adapter, Domain, Key, Resource
from controller.planning.policy_effects import analyse_against, declaration_of, refusal_of
from controller.ports.connectors import Connector
from controller.ports.store import Store, Transaction

Connect = Callable[[Adapter | Domain], Connector]
"""Makes the connector of a target. Raises PwsyncError when it cannot be had."""

VALID_FOR = timedelta(hours=1)
"""A target is asked once in that time, whether it answers or not, unless its declaration changes."""

Target = Adapter | Domain


class PolicyReader:
    """Asks, outside of any transaction, those targets whose policy is not known or was asked for long ago.

    Several controllers may do so at once: it changes nothing at the targets, and the last answer stays.

    Args:
        store: Keeps what the targets said.
        connect: Makes connectors.
        may_go_on: Tells, before each target, whether there is time for another one.
    """

    def __init__(self, store: Store, connect: Connect, may_go_on: Callable[[], bool] = lambda: True) -> None:
        self._store = store
        self._connect = connect
        self._may_go_on = may_go_on

    def refresh(self) -> int:
        """Ask what is due and forget targets that are gone; tell how many were asked.

        Raises:
            StoreUnavailable: What they said could not be kept.
            StoreUnusable: A row of the store cannot be read.
        """
        with self._store.read() as tx:
            resources, known, now = tx.resources.read(), tx.policies.read(), tx.now
        targets = dict(_targets(resources))
        self._forget(known.keys() - targets.keys())
        asked = 0
        for lane, target in targets.items():
            if _is_due(target, known.get(lane), now) and self._may_go_on():
                self._keep(lane, target, ask(self._connect, target), known.get(lane))
                asked += 1
        return asked

    def _forget(self, lanes: set[str]) -> None:
        if lanes:
            with self._store.write() as tx:
                for lane in lanes:
                    tx.policies.remove(lane)

    def _keep(
        self, lane: str, target: Target, answer: PasswordPolicy | PwsyncError | None, before: PolicyReading | None
    ) -> None:
        with self._store.write() as tx:
            reading = reading_from(answer, declaration_of(target), tx.now, before)
            tx.policies.put(lane, reading)
            is_news = before is None or before.problem != reading.problem
            if isinstance(answer, PwsyncError) and is_news and not isinstance(answer, PolicyUntold):
                fields = {"target": lane, "code": answer.code, "message": reading.problem}
                tx.events.add(Event(events.POLICY_UNKNOWN, fields=fields))
            if reading.policy is not None and (before is None or before.policy != reading.policy):
                _tell_what_never_fits(tx, lane, target, reading.policy)


def ask(connect: Connect, target: Target, account: str | None = None) -> PasswordPolicy | PwsyncError | None:
    """The policy of a target; None when it has none; the error when it cannot be found out."""
    try:
        with closing(connect(target)) as connector:
            return connector.policy(account)
    except PwsyncError as error:
        return error
    except Exception as error:  # noqa: BLE001  # a defect of a connector must not hide the others; its text may hold secrets
        return PolicyUnknown(f"the connector failed: {type(error).__name__}", hint="report it to its author")


def reading_from(
    answer: PasswordPolicy | PwsyncError | None, declaration: str, now: datetime, before: PolicyReading | None = None
) -> PolicyReading:
    """What is known after an answer. One that failed leaves what was known *before* about the same declaration."""
    if not isinstance(answer, PwsyncError):
        return PolicyReading(declaration, now, now, answer)
    if before is not None and before.declaration == declaration:
        return before.failed_again(now, str(answer))
    return PolicyReading(declaration, now, problem=str(answer))


def _targets(resources: ReadOnlyMapping[Key, Resource]) -> Iterator[tuple[str, Target]]:
    """Those that passwords are written to."""
    for key, resource in resources.items():
        match resource.spec:
            case Adapter(enabled=True, sync_to_adapter=True) as adapter:
                yield ExternalAccount(key.name, "").lane, adapter
            case Domain() as domain if domain.directory is not None:
                yield WindowsAccount(key.name, "").lane, domain
            case _:
                continue


def _is_due(target: Target, known: PolicyReading | None, now: datetime) -> bool:
    if known is None or known.declaration != declaration_of(target):
        return True
    return not known.tried_at <= now < known.tried_at + VALID_FOR


def _tell_what_never_fits(tx: Transaction, lane: str, target: Target, policy: PasswordPolicy) -> None:
    if not isinstance(target, Adapter) or target.filter is None:
        return
    analysis = analyse_against(target, tx.resources.read(), policy)
    if analysis.is_always_refused:
        name = lane.partition("/")[2]
        message = f"{refusal_of(name, target.filter, analysis)}; {'; '.join(analysis.remedies)}"
        fields = {"filter": target.filter, "message": message}
        tx.events.add(Event(events.FILTER_ALWAYS_REFUSED, adapter=name, fields=fields))
