"""What filters make of passwords: a warning where the target may refuse the result, an error where it must."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from controller.manifests.agreement import Declared
from controller.manifests.problems import Problem
from controller.model.constraints import Constraints
from controller.model.filters import PasswordFilter
from controller.model.topology import Adapter, Key, Kind
from controller.planning.filter_analysis import FilterAnalysis, analyse
from controller.ports.connectors import ConnectorCatalogue


@dataclass(frozen=True, slots=True)
class FilterEffect:
    """A filter, or its absence, that can make passwords which the target refuses.

    Attributes:
        is_error: No password at all leads to one that the target takes.
    """

    problem: Problem
    is_error: bool


def filter_effects(declared: Mapping[Key, Declared], catalogue: ConnectorCatalogue) -> Iterator[FilterEffect]:
    """Try the filter of each adapter that sends, on made-up passwords, against what its connector takes.

    Args:
        declared: All objects; references between them lead somewhere.
        catalogue: Knows the connector types of the adapters.
    """
    for each in declared.values():
        match each.resource.spec:
            case Adapter(sync_to_adapter=True) as adapter:
                analysis = analyse_adapter(adapter, _filters(declared.values()), catalogue)
                if analysis.refused:
                    yield _effect(adapter, each, analysis)
            case _:
                pass


def analyse_adapter(
    adapter: Adapter,
    filters: Mapping[str, PasswordFilter],
    catalogue: ConnectorCatalogue,
    policy: Constraints = Constraints(),  # noqa: B008  # frozen
) -> FilterAnalysis:
    """Try the filter of an adapter, or none when it has none, against what its connector and *policy* take.

    Raises:
        NotFound: No such connector type.
    """
    connector_type = catalogue.get(adapter.connector.type)
    options = connector_type.options.model_validate(dict(adapter.connector.options))
    password_filter = PasswordFilter() if adapter.filter is None else filters[adapter.filter]
    return analyse(password_filter, connector_type.capabilities(options).constraints.tightened(policy))


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
        return FilterEffect(Problem(declared.place("connector"), message, hint), is_error=False)
    what = f"{Kind.PASSWORD_FILTER.value} {adapter.filter}"
    place, hint = declared.place("filter"), f"change {what}: {changes}"
    if analysis.is_always_refused:
        message = f"spec.filter: {what} leaves adapter {name} no password that its target takes: {reasons}"
        return FilterEffect(Problem(place, message, hint), is_error=True)
    message = f"spec.filter: {what} makes passwords that adapter {name} cannot use, of {share}: {reasons}"
    return FilterEffect(Problem(place, message, hint), is_error=False)
