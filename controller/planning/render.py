"""Plans as text for a terminal, JSON for scripts, and Markdown for a merge request. Pure strings."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence

from controller.model.topology import Mapping
from controller.model.wording import counted
from controller.planning.change import ACTIONS, Action, Change, Replace, Update
from controller.planning.encoding import Json, encode_change, encode_value
from controller.planning.fields import differences
from controller.planning.filter_trials import FilterTrial, columns_of, encode_trial, line_of, title_of
from controller.planning.impact import Impact
from controller.planning.listing import NOTHING_TO_DO, SYMBOLS, Row, harmless, more_mappings, rows, summary
from controller.planning.plan import Plan
from controller.planning.plan_file import encode_hold

MOST_IMPACTS = 50
"""Applications whose people are counted one by one, before the rest is."""
MAPPING_LIMIT = 50
"""Mappings that are listed one by one, before the rest is counted."""

_COLOURS: dict[Action, str] = {"create": "32", "update": "33", "replace": "35", "prune": "31"}
_RED, _YELLOW, _BOLD = "31", "33", "1"


def render_text(plan: Plan, colour: bool = False, *, limit: int = MAPPING_LIMIT) -> str:
    """The plan for a terminal, ending with a line break.

    Args:
        plan: What to show.
        colour: Whether to write ANSI colours.
        limit: How many mappings are listed.
    """
    return "".join(f"{line}\n" for line in _text_lines(plan, colour=colour, limit=limit))


def _text_lines(plan: Plan, *, colour: bool, limit: int) -> Iterator[str]:
    def paint(text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if colour else text

    for row in rows(plan, limit):
        yield f"{paint(SYMBOLS[row.action].rjust(3), _COLOURS[row.action])} {row.title}"
        yield from (f"      {detail}" for detail in row.details)
    if more := more_mappings(plan, limit):
        yield f"    {more}"
    if plan.changes:
        yield ""
    if plan.trials:
        yield f"{title_of(plan.trials)}:"
        yield from (f"  {harmless(line_of(trial))}" for trial in plan.trials)
        yield ""
    for warning in plan.warnings:
        yield f"{paint('Warning:', _YELLOW)} {harmless(warning)}"
    for hold in plan.holds:
        yield f"{paint('Held:', _RED)} {harmless(hold.message)}"
        yield f"      {harmless(hold.hint)}"
    yield paint(_last_line(plan), _BOLD)


def _last_line(plan: Plan) -> str:
    if plan.is_empty() and plan.left_out:
        return "Nothing to do, but some differences are left as they are (see the warnings)."
    if plan.is_empty() and not plan.holds:
        return NOTHING_TO_DO
    return summary(plan) + (" Held: nothing is applied." if plan.holds else "")


def render_json(plan: Plan) -> str:
    """The plan for scripts: everything, ending with a line break. Fields are only ever added."""
    document: dict[str, Json] = {
        "formatVersion": 1,
        "summary": {action: plan.count(action) for action in ACTIONS},
        "isHeld": bool(plan.holds),
        "changes": [_change_to_json(c, plan) for c in plan.changes],
        "leftOut": [_change_to_json(c, plan) for c in plan.left_out],
        "holds": [encode_hold(h) for h in plan.holds],
        "warnings": list(plan.warnings),
        "filters": [encode_trial(trial) for trial in plan.trials],
        "actualDigest": plan.actual_digest,
        "desiredDigest": plan.desired_digest,
        "revision": plan.revision,
        "impact": [_impact_to_json(impact) for impact in plan.impacts],
    }
    return json.dumps(document, indent=2).replace("\x7f", "\\u007f") + "\n"


def _change_to_json(change: Change, plan: Plan) -> dict[str, Json]:
    encoded = encode_change(change)
    encoded |= {"kind": change.key.kind.value, "name": change.key.name, "healsDrift": plan.heals_drift(change)}
    if isinstance(change, Update | Replace):
        encoded["fields"] = [
            {"path": f.path, "before": encode_value(f.before), "after": encode_value(f.after)}
            for f in differences(change.before, change.after)
        ]
    return encoded


def _impact_to_json(impact: Impact) -> dict[str, Json]:
    return {
        "application": impact.application,
        "gain": impact.gain,
        "lose": impact.lose,
        "directionsBefore": list(impact.before),
        "directionsAfter": list(impact.after),
        "credentialsDeleted": impact.credentials,
    }


def render_markdown(plan: Plan, *, limit: int = MAPPING_LIMIT) -> str:
    """The plan as a comment on a merge request: a table, what holds it, and the changes to fold out."""
    return "\n".join(_markdown_lines(plan, limit)) + "\n"


def _markdown_lines(plan: Plan, limit: int) -> Iterator[str]:
    yield f"**{_last_line(plan)}**"
    if plan.changes:
        yield from ("", "| action | objects | mappings |", "|---|---:|---:|")
        yield from (_table_row(action, plan) for action in ACTIONS)
    yield from _impact_lines(plan.impacts)
    if plan.holds:
        yield from ("", *(f"- :no_entry: {escaped(h.message)} ({escaped(h.hint)})" for h in plan.holds))
    if plan.warnings:
        yield from ("", *(f"- :warning: {escaped(w)}" for w in plan.warnings))
    if plan.trials:
        yield from ("", f"{title_of(plan.trials)}:", "")
        yield from ("| adapter | filter | cut off | collide | refused | entropy |", "|---|---|---|---|---|---|")
        yield from (_trial_row(trial) for trial in plan.trials)
    listed = list(rows(plan, limit))
    for action in ACTIONS:
        of_action = [r for r in listed if r.action == action]
        if of_action:
            yield from ("", *_fold(f"to {action}: {plan.count(action):,}", of_action))
    if more := more_mappings(plan, limit):
        yield from ("", more)


def _impact_lines(impacts: Sequence[Impact]) -> Iterator[str]:
    """How many people gain or lose, which directions change, and how many credentials go."""
    if not impacts:
        return
    gain, lose, credentials = (sum(getattr(i, name) for i in impacts) for name in ("gain", "lose", "credentials"))
    yield ""
    yield (
        f"{counted(lose, 'person loses', 'people lose')} synchronisation, {counted(gain, 'gains', 'gain')} it; the "
        f"stored credentials of {counted(credentials, 'account', 'accounts')} are deleted."
    )
    yield from ("", "| application | lose | gain | directions | credentials deleted |", "|---|---:|---:|---|---:|")
    for one in impacts[:MOST_IMPACTS]:
        directions = _joined(one.after) if one.before == one.after else f"{_joined(one.before)} → {_joined(one.after)}"
        cells = (escaped(one.application), f"{one.lose:,}", f"{one.gain:,}", directions, f"{one.credentials:,}")
        yield f"| {' | '.join(cells)} |"
    if len(impacts) > MOST_IMPACTS:
        yield from ("", f"... and {len(impacts) - MOST_IMPACTS:,} more applications (use --format json for all)")


def _joined(directions: Iterable[str]) -> str:
    return ", ".join(directions) or "none"


def _table_row(action: Action, plan: Plan) -> str:
    mappings = sum(c.action == action and isinstance(c.subject, Mapping) for c in plan.changes)
    return f"| {action} | {plan.count(action) - mappings:,} | {mappings:,} |"


def _trial_row(trial: FilterTrial) -> str:
    cells = (trial.adapter, trial.filter or "", *columns_of(trial))
    return f"| {' | '.join(escaped(cell) for cell in cells)} |"


def _fold(title: str, of_action: Iterable[Row]) -> Iterator[str]:
    lines = [line for row in of_action for line in (f"{SYMBOLS[row.action]} {row.title}", *_indented(row))]
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)  # CommonMark 4.5: longer than any run of backticks inside
    yield from ("<details>", f"<summary>{title}</summary>", "", f"{fence}diff", *lines, fence, "", "</details>")


def _indented(row: Row) -> Iterator[str]:
    return (f"    {detail}" for detail in row.details)


def escaped(text: str) -> str:
    """*text* as it is, in Markdown: nothing in it becomes markup, a table cell, a mention or HTML."""
    return re.sub(r"([\\`*_{}\[\]<>#|~&@!])", r"\\\1", harmless(text))
