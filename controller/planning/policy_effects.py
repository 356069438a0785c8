"""What filters make of passwords, against what connectors take and the policies that targets were found to have."""

from collections.abc import Callable, Iterator
from collections.abc import Mapping as ReadOnlyMapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from controller.model.accounts import ExternalAccount
from controller.model.constraints import Constraints
from controller.model.filters import PasswordFilter
from controller.model.policy import PasswordPolicy, PolicyReading
from controller.model.topology import Adapter, Domain, Key, Kind, Resource
from controller.planning.encoding import canonical, encode_value
from controller.planning.filter_analysis import FilterAnalysis, analyse
from controller.planning.filter_trials import WEAKENING_REMEDY, FilterTrial, loss_of, try_filter
from controller.planning.plan import Plan
from controller.planning.safety import Hold

ALWAYS_REFUSED = "filterAlwaysRefused"
Limits = Callable[[Adapter], Constraints]
"""What the connector of an adapter takes, whatever its target's policy."""


def no_limits(_adapter: Adapter) -> Constraints:
    """Every password."""
    return Constraints()


def declaration_of(spec: Adapter | Domain) -> str:
    """Digest of what decides which target an adapter, or a domain's directory, has and how it is reached."""
    declared = spec.connector if isinstance(spec, Adapter) else [spec.directory, spec.password_change]
    return sha256(canonical(encode_value(declared))).hexdigest()


def checked_against_policies(
    plan: Plan,
    resources: ReadOnlyMapping[Key, Resource],
    readings: ReadOnlyMapping[str, PolicyReading],
    limits: Limits = no_limits,
) -> Plan:
    """*plan* with what its filters do, and the warnings and holds that come of it and of the policies of targets."""
    changed = {change.key for change in plan.changes if isinstance(change.subject, Resource)}
    effects = list(policy_effects(resources, readings, changed))
    trials = tuple(filter_trials(resources, readings, limits, changed))
    warnings = [effect for effect in effects if isinstance(effect, str)]
    weakened = [_weakened(trial) for trial in trials if trial.analysis.is_serious]
    found = [effect for effect in effects if isinstance(effect, Hold)]
    told = (*plan.warnings, *warnings, *weakened)
    return replace(plan, warnings=told, holds=(*plan.holds, *found), trials=trials)


def filter_trials(
    resources: ReadOnlyMapping[Key, Resource],
    readings: ReadOnlyMapping[str, PolicyReading],
    limits: Limits,
    changed: AbstractSet[Key],
) -> Iterator[FilterTrial]:
    """Try each filter that sends and that is, or whose adapter is, among *changed*."""
    filters = {key.name: found.spec for key, found in resources.items() if isinstance(found.spec, PasswordFilter)}
    for key, resource in sorted(resources.items()):
        match resource.spec:
            case Adapter(sync_to_adapter=True, filter=str(name)) as adapter if name in filters:
                if changed.isdisjoint({key, Key(Kind.PASSWORD_FILTER, name)}):
                    continue
                reading = reading_of(key.name, adapter, readings)
                policy = reading.policy if reading is not None else None
                takes = limits(adapter).tightened(policy.constraints if policy is not None else Constraints())
                yield try_filter(key.name, adapter, filters, takes)
            case _:
                continue


def _weakened(trial: FilterTrial) -> str:
    what = f"PasswordFilter/{trial.filter} weakens the passwords of Adapter/{trial.adapter}"
    return f"{what}: {loss_of(trial.analysis)}; {WEAKENING_REMEDY}"


def policy_effects(
    resources: ReadOnlyMapping[Key, Resource],
    readings: ReadOnlyMapping[str, PolicyReading],
    changed: AbstractSet[Key] = frozenset(),
) -> Iterator[str | Hold]:
    """Try the filter of each adapter that sends against the policy of its target; yield warnings, and what holds.

    A filter that leaves no password holds a plan that changes it or its adapter. A plan about something else goes
    on, with a warning: a policy that its directory made stricter must not keep the changes of others back.

    Args:
        resources: All objects that there will be.
        readings: What is known of policies, by lane. A target that nobody has asked yet has no effect.
        changed: Objects that the plan creates or changes.
    """
    for key, resource in resources.items():
        if isinstance(resource.spec, Adapter) and resource.spec.sync_to_adapter:
            reading = reading_of(key.name, resource.spec, readings)
            if reading is not None:
                yield from _effects(key, resource.spec, reading, resources, changed)


def reading_of(name: str, adapter: Adapter, readings: ReadOnlyMapping[str, PolicyReading]) -> PolicyReading | None:
    """What is known about the target of an adapter as it is declared; None when nobody has asked it yet."""
    reading = readings.get(ExternalAccount(name, "").lane)
    return reading if reading is not None and reading.declaration == declaration_of(adapter) else None


def analyse_against(
    adapter: Adapter, resources: ReadOnlyMapping[Key, Resource], policy: PasswordPolicy
) -> FilterAnalysis:
    """Try the filter of an adapter, or none when it has none, against a policy."""
    found = resources.get(Key(Kind.PASSWORD_FILTER, adapter.filter or ""))
    rules = found.spec if found is not None and isinstance(found.spec, PasswordFilter) else PasswordFilter()
    return analyse(rules, policy.constraints)


def refusal_of(adapter: str, filter_name: str, analysis: FilterAnalysis) -> str:
    """Say that a filter leaves no password which the policy takes."""
    return (
        f"PasswordFilter/{filter_name} leaves Adapter/{adapter} no password that the policy of its target takes: "
        f"{', or '.join(analysis.flaws)}"
    )


def _effects(
    key: Key,
    adapter: Adapter,
    reading: PolicyReading,
    resources: ReadOnlyMapping[Key, Resource],
    changed: AbstractSet[Key],
) -> Iterator[str | Hold]:
    if reading.problem and adapter.filter is not None:
        yield _unknown(key, reading)
    if reading.policy is None:
        return
    analysis = analyse_against(adapter, resources, reading.policy)
    if not analysis.refused:
        return
    hint = f"{_remedy(adapter, analysis)} ({_origin(reading.policy, reading)})"
    if adapter.filter is None:
        yield f"{key} has no filter, and the policy of its target refuses {_share(analysis)}; {hint}"
    elif not analysis.is_always_refused:
        yield (
            f"PasswordFilter/{adapter.filter} makes passwords that the policy of the target of {key} refuses, "
            f"of {_share(analysis)}; {hint}"
        )
    else:
        message = refusal_of(key.name, adapter.filter, analysis)
        is_new = not changed.isdisjoint({key, Key(Kind.PASSWORD_FILTER, adapter.filter)})
        yield Hold(ALWAYS_REFUSED, message, hint) if is_new else f"{message}; {hint}"


def _unknown(key: Key, reading: PolicyReading) -> str:
    consequence = "filters are not checked against it"
    if reading.read_at is not None:
        consequence = f"what it said {_at(reading.read_at)} is used"
    return (
        f"the password policy of the target of {key} could not be found out {_at(reading.tried_at)}, "
        f"so {consequence}: {reading.problem}"
    )


def _share(analysis: FilterAnalysis) -> str:
    share = analysis.share(analysis.refused)
    return f"{share} of typical passwords: {', or '.join(analysis.flaws)}; for example {analysis.example}"


def _remedy(adapter: Adapter, analysis: FilterAnalysis) -> str:
    what = "give it a PasswordFilter" if adapter.filter is None else f"change PasswordFilter/{adapter.filter}"
    return f"{what}: {'; '.join(analysis.remedies)}"


def _origin(policy: PasswordPolicy, reading: PolicyReading) -> str:
    return f"policy {policy.source}, read {_at(reading.read_at or reading.tried_at)}"


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%SZ}"
