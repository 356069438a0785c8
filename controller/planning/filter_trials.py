"""What the filters of adapters did to made-up passwords, for people and for programs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from controller.model.constraints import Constraints
from controller.model.errors import InvalidInput
from controller.model.filters import PasswordFilter
from controller.model.topology import Adapter
from controller.planning.encoding import Json
from controller.planning.filter_analysis import FilterAnalysis, analyse


@dataclass(frozen=True, slots=True)
class FilterTrial:
    """What became of typical passwords on their way to one adapter.

    Attributes:
        adapter: Its name.
        filter: The name of its filter; None when it has none.
    """

    adapter: str
    filter: str | None
    analysis: FilterAnalysis


def try_filter(
    name: str, adapter: Adapter, filters: Mapping[str, PasswordFilter], constraints: Constraints
) -> FilterTrial:
    """Try the filter of an adapter, or none when it has none, against what its target is known to take."""
    rules = PasswordFilter() if adapter.filter is None else filters[adapter.filter]
    return FilterTrial(name, adapter.filter, analyse(rules, constraints))


def title_of(trials: Iterable[FilterTrial]) -> str:
    """What stands above a list of trials."""
    return f"Filters, tried on {max(trial.analysis.tried for trial in trials)} made-up passwords"


def columns_of(trial: FilterTrial) -> tuple[str, str, str, str]:
    """What was cut off, what became equal, what the target refuses, and how much entropy is left."""
    found = trial.analysis
    flaws = f" ({', or '.join(found.flaws)})" if found.flaws else ""
    return (
        f"{found.share(found.truncated)} cut off",
        f"{found.share(found.colliding)} collide",
        f"{found.share(found.refused)} refused{flaws}",
        f"about {found.bits_after:.0f} of {found.bits_before:.0f} bits remain",
    )


def line_of(trial: FilterTrial) -> str:
    """A trial as one line."""
    name = "no filter" if trial.filter is None else f"filter {trial.filter}"
    cut_off, collide, refused, bits = columns_of(trial)
    return f"{trial.adapter}, {name}: {cut_off}, {collide}, {refused}; {bits}"


def loss_of(analysis: FilterAnalysis) -> str:
    """How a filter weakens passwords, in words."""
    return (
        f"of typical passwords {analysis.share(analysis.truncated)} are cut off, "
        f"{analysis.share(analysis.colliding)} become equal to another one, and about {analysis.bits_after:.0f} of "
        f"{analysis.bits_before:.0f} bits remain"
    )


WEAKENING_REMEDY = "let it keep more, if the target takes more: truncate later, keep the case, remove fewer characters"


def encode_trial(trial: FilterTrial) -> dict[str, Json]:
    """A trial as JSON."""
    found = trial.analysis
    return {
        "adapter": trial.adapter,
        "filter": trial.filter,
        "tried": found.tried,
        "truncated": found.truncated,
        "colliding": found.colliding,
        "refused": found.refused,
        "flaws": list(found.flaws),
        "remedies": list(found.remedies),
        "bitsBefore": found.bits_before,
        "bitsAfter": found.bits_after,
        "example": found.example,
        "isAlwaysRefused": found.is_always_refused,
        "isSerious": found.is_serious,
    }


def decode_trial(data: object, place: str) -> FilterTrial:
    """Read what ``encode_trial`` made; *place* names it in messages.

    Raises:
        InvalidInput: Something else.
    """
    match data:
        case {
            "adapter": str(adapter),
            "filter": str() | None as name,
            "tried": int(tried),
            "truncated": int(truncated),
            "colliding": int(colliding),
            "refused": int(refused),
            "flaws": list(flaws),
            "remedies": list(remedies),
            "bitsBefore": float(before),
            "bitsAfter": float(after),
            "example": str(example),
            "isAlwaysRefused": bool(is_always_refused),
        } if tried > 0:
            words = tuple(_texts(flaws, place)), tuple(_texts(remedies, place))
            numbers = (tried, truncated, colliding, refused)
            return FilterTrial(
                adapter, name, FilterAnalysis(*numbers, *words, before, after, example, is_always_refused)
            )
        case _:
            raise InvalidInput(f"{place}: not what a filter did")


def _texts(values: list[object], place: str) -> Iterator[str]:
    for value in values:
        if not isinstance(value, str):
            raise InvalidInput(f"{place}: not text")
        yield value
