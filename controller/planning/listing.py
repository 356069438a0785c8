"""The rows of a plan, without any markup: what all forms of output for people share."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from controller.model.topology import Mapping, Resource
from controller.planning.change import ACTIONS, Action, Change, Create, Prune, Replace, Update
from controller.planning.fields import declared, differences, show
from controller.planning.plan import Plan
from controller.planning.rule_mappings import ORIGIN

SYMBOLS: dict[Action, str] = {"create": "+", "update": "~", "replace": "-/+", "prune": "-"}
NOTHING_TO_DO = "Nothing to do: the actual state is as declared."


@dataclass(frozen=True, slots=True)
class Row:
    """One change: its title and the fields that it sets."""

    action: Action
    title: str
    details: tuple[str, ...] = ()


def rows(plan: Plan, limit: int) -> Iterator[Row]:
    """The changes of *plan* in order: all objects, and no more than *limit* mappings."""
    shown = 0
    for change in plan.changes:
        if isinstance(change.subject, Mapping):
            shown += 1
            if shown > limit:
                continue
        yield Row(change.action, _title(change, plan), tuple(_details(change)))


def more_mappings(plan: Plan, limit: int) -> str:
    """The sentence about mappings that ``rows`` does not list; empty when it lists all."""
    hidden = sum(isinstance(c.subject, Mapping) for c in plan.changes) - limit
    return f"... and {hidden:,} more mappings (use --format json for all)" if hidden > 0 else ""


def summary(plan: Plan) -> str:
    """The last line of a plan."""
    created, updated, replaced, pruned = (plan.count(action) for action in ACTIONS)
    return f"Plan: {created:,} to create, {updated:,} to update, {replaced:,} to replace, {pruned:,} to prune."


def harmless(text: str) -> str:
    """*text* without control and direction characters, which could rewrite what a terminal or page shows."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _title(change: Change, plan: Plan) -> str:
    remarks = ["heals drift"] if plan.heals_drift(change) else []
    match change.subject:
        case Mapping() as mapping:
            if not mapping.enabled and not isinstance(change, Update):
                remarks.append("disabled")
            if mapping.origin.startswith(ORIGIN):
                remarks.append(f"by {mapping.origin}")
            title = f"Mapping {mapping.application}: {mapping.windows} <-> {mapping.external}"
        case Resource() as resource:
            if isinstance(change, Replace):
                remarks.append("stored credentials are lost")
            title = str(resource.key)
        case _:
            assert_never(change.subject)
    return harmless(f"{title} ({', '.join(remarks)})" if remarks else title)


def _details(change: Change) -> Iterator[str]:
    match change:
        case Create(Resource() as after):
            yield from (harmless(f"{path}: {show(value)}") for path, value in declared(after))
        case Update(before, after) | Replace(before, after):
            yield from (harmless(str(field)) for field in differences(before, after))
        case Create() | Prune():
            return
        case _:
            assert_never(change)
