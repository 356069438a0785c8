"""``pwsync deliveries``: what waits in the queue, and what a person decides about it."""

from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli import failures
from controller.cli.get import show_found
from controller.cli.installation import chosen_settings
from controller.cli.listing import STATES, Filters
from controller.cli.output import Listing, say
from controller.cli.prompts import confirm
from controller.cli.queue_rows import queue
from controller.model.errors import InvalidInput
from controller.model.wording import counted
from controller.runtime.actors import local_actor
from controller.views.kinds import Word

if TYPE_CHECKING:
    from controller.model.delivery import Delivery
    from controller.pipeline.operations import Operations

app = typer.Typer(help="List, retry and discard deliveries.")
DEFAULT_LIMIT = 100
STATES_IN_WORDS = ", ".join(STATES[Word.DELIVERIES])

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[ID]...", help="Ids of deliveries; the tracking ID of a change means all of its."),
]
AllParked = Annotated[bool, typer.Option("--all-parked", help="All that wait for a person.")]
OfAdapter = Annotated[str, typer.Option("--adapter", help="With --all-parked: only those of this adapter.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command("list")
def list_(
    context: typer.Context,
    *,
    output: Annotated[Listing, typer.Option("--output", "-o", help="The form of the list.")] = Listing.TABLE,
    account: Annotated[str, typer.Option(help=r"To this account: an external one, or DOMAIN\user.")] = "",
    adapter: Annotated[str, typer.Option(help="To this adapter.")] = "",
    tracking_id: Annotated[str, typer.Option(help="Of this change.")] = "",
    state: Annotated[str, typer.Option(help=f"In this state: {STATES_IN_WORDS}.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = DEFAULT_LIMIT,
) -> None:
    """Show deliveries, newest first. JSON: as 'pwsync get deliveries'."""
    from controller.runtime.reading import name_store, open_for_reading

    filters = Filters("", account, adapter, tracking_id, state, limit)
    filters.check(Word.DELIVERIES)
    settings = chosen_settings(context)
    with open_for_reading(settings) as store, store.read() as tx:
        found = queue(tx, Word.DELIVERIES, filters, limit)
        show_found(found, Word.DELIVERIES, filters, output, name_store(settings))


@app.command("retry")
def retry(
    context: typer.Context,
    names: Names = None,
    *,
    all_parked: AllParked = False,
    adapter: OfAdapter = "",
) -> None:
    """Queue parked deliveries again, each with all its tries; exit code 1 when one cannot be.

    A delivery of an account that has a newer change is superseded instead. One that is older than maxSyncAge cannot
    be retried.
    """
    from controller.runtime.wiring import open_installation

    with open_installation(chosen_settings(context)) as installation:
        operations = installation.operations
        chosen = _chosen(operations, names, all_parked=all_parked, adapter=adapter)
        done = operations.retry(chosen, by=local_actor())
    for error in done.refused:
        say(str(error))
    superseded = f", {len(done.superseded):,} superseded by newer changes" if done.superseded else ""
    say(f"{len(done.queued):,} of {counted(len(chosen), 'delivery', 'deliveries')} queued again{superseded}.")
    if done.refused:
        raise typer.Exit(failures.FAILURE)


@app.command("discard")
def discard(
    context: typer.Context,
    names: Names = None,
    *,
    all_parked: AllParked = False,
    adapter: OfAdapter = "",
    yes: Yes = False,
) -> None:
    """End deliveries and forget their passwords; asks first. Those targets keep the password that they have.

    Exit code 1 when one has ended already.
    """
    from controller.runtime.wiring import open_installation

    with open_installation(chosen_settings(context)) as installation:
        operations = installation.operations
        chosen = _chosen(operations, names, all_parked=all_parked, adapter=adapter)
        if not yes and not confirm(f"Discard {counted(len(chosen), 'delivery', 'deliveries')}?", remedy="give --yes"):
            say("Nothing was discarded.")
            raise typer.Exit(failures.FAILURE)
        done = operations.discard(chosen, by=local_actor())
    for error in done.refused:
        say(str(error))
    say(f"{len(done.ended):,} of {counted(len(chosen), 'delivery', 'deliveries')} discarded.")
    if done.refused:
        raise typer.Exit(failures.FAILURE)


def _chosen(operations: "Operations", names: list[str] | None, *, all_parked: bool, adapter: str) -> "list[Delivery]":
    if bool(names) == all_parked:
        raise InvalidInput("name deliveries, or give --all-parked", hint="see 'pwsync deliveries list'")
    if adapter and not all_parked:
        raise InvalidInput("--adapter has a meaning only with --all-parked")
    return operations.named(names) if names else operations.parked(adapter)
