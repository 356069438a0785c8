"""``pwsync plan``: what apply would do. Writes nothing but the plan file that was asked for."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.installation import Paths, chosen_manifests, chosen_settings, reading_of
from controller.cli.output import may_colour, say, write
from controller.model.errors import SettingsError
from controller.runtime.actors import local_actor

if TYPE_CHECKING:
    from controller.planning.plan import Plan

CHANGES = 2
"""Exit code of ``--detailed-exitcode`` when there is something to do."""


class Format(StrEnum):
    """Forms of a plan."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


def plan(
    context: typer.Context,
    paths: Paths = None,
    *,
    format_: Annotated[Format, typer.Option("--format", help="The form of the plan.")] = Format.TEXT,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a plan file for 'apply --plan'.")] = None,
    detailed_exitcode: Annotated[
        bool, typer.Option("--detailed-exitcode", help="Exit 0: nothing to do, 2: changes, 1: error.")
    ] = False,
) -> None:
    """Show what apply would do.

    Nothing is changed, ever, and nothing is written but the plan file that was asked for.

    JSON: formatVersion, summary (count by action), isHeld, changes and leftOut (action, kind, name, before, after,
    fields, healsDrift), holds (code, message, hint, canForce), warnings, filters (of adapters that the plan brings or
    changes, or whose filter it does: adapter, filter, tried, truncated, colliding, refused, flaws, remedies,
    bitsBefore, bitsAfter, example, isAlwaysRefused, isSerious), actualDigest, desiredDigest, revision, impact
    (application, gain, lose, directionsBefore, directionsAfter, credentialsDeleted).
    """
    from controller.runtime.reading import make_reconciler, name_store, open_for_reading

    manifests = chosen_manifests(paths)
    settings = chosen_settings(context)
    reading = reading_of(manifests, settings, looks_outside=True)
    with open_for_reading(settings) as store:
        with store.read() as tx:
            is_first = not tx.resources.read()
        made = make_reconciler(store, reading, by=local_actor()).plan()
    if out is not None:
        _write(made, out)
    if is_first:
        say(f"Nothing has been applied yet to {name_store(settings)}.")
    write(_rendered(made, format_))
    if detailed_exitcode and (made.changes or made.holds):
        raise typer.Exit(CHANGES)


def _rendered(made: "Plan", format_: Format) -> str:
    from controller.planning.render import render_json, render_markdown, render_text

    match format_:
        case Format.TEXT:
            return render_text(made, colour=may_colour(sys.stdout))
        case Format.JSON:
            return render_json(made)
        case Format.MARKDOWN:
            return render_markdown(made)


def _write(made: "Plan", out: Path) -> None:
    from controller.planning.plan_file import dump_plan

    try:
        out.write_text(dump_plan(made), encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"the plan file {out} cannot be written: {error.strerror}") from error
    say(f"The plan was written to {out}; 'pwsync apply --plan {out}' applies exactly it.")
