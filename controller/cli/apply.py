"""``pwsync apply``: carry out a plan."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli import failures
from controller.cli.installation import Paths, chosen_manifests, chosen_settings, reading_of
from controller.cli.output import may_colour, say, show, write
from controller.cli.prompts import confirm
from controller.model.errors import InvalidInput, UnsafePlan
from controller.model.wording import counted
from controller.runtime.actors import local_actor

if TYPE_CHECKING:
    from controller.planning.plan import Plan
    from controller.ports.store import Store
    from controller.reconcile.apply import Applied, Progress

LONG_WORK = 5_000
"""Steps from which on a progress bar is worth its place."""


def apply(
    context: typer.Context,
    paths: Paths = None,
    *,
    plan_file: Annotated[
        Path | None, typer.Option("--plan", metavar="FILE", help="Apply exactly this plan file, or refuse.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Lift the holds that can be lifted.")] = False,
) -> None:
    """Make the actual state as declared.

    The plan is shown, and carried out after a question: all of it, or nothing.

    Exit code 0 when it was applied or there was nothing to do; 1 when it is held, was declined, or failed.
    """
    from controller.runtime.reading import connector_limits
    from controller.runtime.wiring import open_installation

    if plan_file is not None:
        if paths:
            raise typer.BadParameter("a plan file holds all changes: give either PATH or --plan")
        planned = _load(plan_file)
        with open_installation(chosen_settings(context)) as installation:
            _carry_out(installation.store, planned, is_confirmed=yes, force=force)
        return
    settings = chosen_settings(context)
    reading = reading_of(chosen_manifests(paths), settings, keeps=True)
    desired = reading.read()
    from controller.reconcile.reconciler import Reconciler

    with open_installation(settings) as installation:
        reconciler = Reconciler(
            installation.store, lambda: desired, by=local_actor(), source=reading, limits=connector_limits()
        )
        planned = reconciler.plan()
        _carry_out(installation.store, planned, is_confirmed=yes, force=force)
        reading.accept()


def _load(plan_file: Path) -> "Plan":
    from controller.planning.plan_file import load_plan

    try:
        text = plan_file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InvalidInput(f"{plan_file}: not a plan file", hint="make it with: pwsync plan --out FILE") from None
    except OSError as error:
        raise InvalidInput(f"the plan file {plan_file} cannot be read: {error.strerror}") from error
    return load_plan(text, str(plan_file))


def _carry_out(store: "Store", planned: "Plan", *, is_confirmed: bool, force: bool) -> None:
    from controller.planning.render import render_text
    from controller.reconcile.apply import apply_plan

    write(render_text(planned, colour=may_colour(sys.stdout)))
    sys.stdout.flush()
    _stop_if_held(store, planned, force=force)
    if planned.is_empty():
        _refresh_users(store, planned, force=force)
        return
    if not is_confirmed and not confirm("Apply this plan?", remedy="review the plan and give --yes"):
        say("Nothing was applied.")
        raise typer.Exit(failures.FAILURE)
    _refresh_users(store, planned, force=force)
    with _progress() as progress:
        applied = apply_plan(store, planned, force=force, by=local_actor(), progress=progress)
    show(summary(applied))


def _refresh_users(store: "Store", planned: "Plan", *, force: bool) -> None:
    """Ask the directories who the users of applications are, before what the plan changes takes effect."""
    from controller.runtime.reading import make_users

    for warning in make_users(store).refresh(planned.changes, force=force):
        say(f"Warning: {warning}")


def _stop_if_held(store: "Store", planned: "Plan", *, force: bool) -> None:
    from controller.reconcile.apply import note_held

    blocking = planned.blocking(force=force)
    if not blocking:
        return
    for hold in blocking:
        lifts = "lifts" if hold.can_force else "does not lift"
        say(f"Held: {hold.message}\n      {hold.hint}\n      --force {lifts} it")
    note_held(store, planned, by=local_actor())
    hint = "review the plan; then --force lifts all of it" if all(h.can_force for h in blocking) else ""
    raise UnsafePlan("the plan is held, nothing was applied", hint=hint)


def summary(applied: "Applied") -> str:
    """What applying did, in words."""
    changed = f"{applied.created:,} created, {applied.updated:,} updated, {applied.replaced:,} replaced"
    lines = [f"Applied: {changed}, {applied.pruned:,} pruned."]
    if applied.credentials_removed:
        lines.append(f"The stored credentials of {applied.credentials_removed:,} external accounts were deleted.")
    if applied.deliveries_expired:
        given_up = counted(applied.deliveries_expired, "delivery was", "deliveries were")
        lines.append(f"{given_up} given up: the target is gone.")
    return "\n".join(lines)


@contextmanager
def _progress() -> Iterator["Progress"]:
    """A progress bar on standard error, if that is a terminal and the work is long."""
    is_terminal = sys.stderr.isatty()
    bar = typer.progressbar(length=1, label="Applying", file=sys.stderr, hidden=not is_terminal)

    def advance(done: int, total: int) -> None:
        if is_terminal and total >= LONG_WORK:
            bar.length = total
            bar.update(done - bar.pos)

    yield advance
    if is_terminal and bar.pos:
        bar.render_finish()
