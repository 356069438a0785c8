"""What filters make of passwords: a warning where the target may refuse the result, an error where it must."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from controller.manifests.agreement import Declared
from controller.manifests.problems import Problem
from controller.model.constraints import Constraints
from controller.model.filters import PasswordFilter
from controller.model.topology import Adapter, Key, Kind
from controller.planning.filter_analysis import FilterAnalysis
from controller.planning.filter_trials import WEAKENING_REMEDY, loss_of, try_filter
from controller.ports.connectors import ConnectorCatalogue


class Severity(Enum):
    """How bad it is."""

    ERROR = "error"
    """No password at all leads to one that the target takes."""
    WARNING = "warning"
    """Some passwords lead to one that the target refuses."""
    WEAKENING = "weakening"
    """The target takes the passwords, but they are much easier to guess."""


@dataclass(frozen=True, slots=True)
class FilterEffect:
    """A filter, or its absence, that can make passwords which the target refuses, or that weakens them."""

    problem: Problem
    severity: Severity


def filter_effects(declared: Mapping[Key, Declared], catalogue: ConnectorCatalogue) -> Iterator[FilterEffect]:
    """Try the filter of each adapter that sends, on made-up passwords, against what its connector takes.

    Args:
        declared: All objects; references between them lead somewhere.
        catalogue: Knows the connector types of the adapters.
    """
    filters = _filters(declared.values())
    for each in declared.values():
        match each.resource.spec:
            case Adapter(sync_to_adapter=True) as adapter:
                limits = limits_of(adapter, catalogue)
                analysis = try_filter(each.resource.name, adapter, filters, limits).analysis
                if analysis.refused:
                    yield _effect(adapter, each, analysis)
                if analysis.is_serious:
                    yield _weakening(adapter, each, analysis)
            case _:
                pass


def limits_of(adapter: Adapter, catalogue: ConnectorCatalogue) -> Constraints:
    """What the connector of an adapter takes, whatever its target's policy.

    Raises:
        NotFound: No such connector type.
    """
    connector_type = catalogue.get(adapter.connector.type)
    options = connector_type.options.model_validate(dict(adapter.connector.options))
    return connector_type.capabilities(options).constraints


def _filters(declared: Iterable[Declared]) -> dict[str, PasswordFilter]:
    resources = (each.resource for each in declared)
    return {r.name: r.spec for r in resources if isinstance(r.spec, PasswordFilter)}


def _effect(adapter: Adapter, declared: Declared, analysis: FilterAnalysis) -> FilterEffect:
    name, reasons = declared.resource.name, ", or ".join(analysis.flaws)
    share = f"{analysis.share(analysis.refused)} of typical passwords"
    changes = "; ".join(analysis.remedies)
    if adapter.filter is None:
        message = f"spec.connector: adapter {name} has no filter, and its target refuses {share}: {reasons}"
        hint = f"give it a PasswordFilter: {changes}"
        return FilterEffect(Problem(declared.place("connector"), message, hint), Severity.WARNING)
    what = f"{Kind.PASSWORD_FILTER.value} {adapter.filter}"
    place, hint = declared.place("filter"), f"change {what}: {changes}"
    if analysis.is_always_refused:
        message = f"spec.filter: {what} leaves adapter {name} no password that its target takes: {reasons}"
        return FilterEffect(Problem(place, message, hint), Severity.ERROR)
    message = f"spec.filter: {what} makes passwords that adapter {name} cannot use, of {share}: {reasons}"
    return FilterEffect(Problem(place, message, hint), Severity.WARNING)


def _weakening(adapter: Adapter, declared: Declared, analysis: FilterAnalysis) -> FilterEffect:
    what = f"{Kind.PASSWORD_FILTER.value} {adapter.filter}"
    message = f"spec.filter: {what} weakens the passwords of adapter {declared.resource.name}: {loss_of(analysis)}"
    return FilterEffect(Problem(declared.place("filter"), message, WEAKENING_REMEDY), Severity.WEAKENING)
