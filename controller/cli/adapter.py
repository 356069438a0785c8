"""``pwsync adapter``: disable, enable and empty one adapter while it runs."""

from typing import Annotated

import typer

from controller.cli import failures
from controller.cli.installation import chosen_settings
from controller.cli.output import say
from controller.cli.prompts import confirm
from controller.model.wording import counted
from controller.runtime.actors import local_actor

app = typer.Typer(help="Disable, enable and reset an adapter while it runs.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The adapter.")]


@app.command("disable")
def disable(context: typer.Context, name: Name) -> None:
    """Let an adapter take no part, whatever its manifest says, until 'adapter enable'.

    Its deliveries wait. A manifest that changes 'enabled' ends this too.
    """
    from controller.runtime.wiring import open_installation

    with open_installation(chosen_settings(context)) as installation:
        was_enabled = installation.operations.disable(name, by=local_actor())
    say(f"Adapter {name} is disabled{'' if was_enabled else ' already'}.")


@app.command("enable")
def enable(context: typer.Context, name: Name) -> None:
    """Take 'adapter disable' back."""
    from controller.runtime.wiring import open_installation

    with open_installation(chosen_settings(context)) as installation:
        was_disabled = installation.operations.enable(name, by=local_actor())
    say(f"Adapter {name} is enabled{'' if was_disabled else ' already'}.")


@app.command("reset")
def reset(
    context: typer.Context,
    name: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Empty the queue of an adapter, parked deliveries too; asks first. Its system keeps the passwords it has."""
    from controller.runtime.wiring import open_installation

    with open_installation(chosen_settings(context)) as installation:
        if not yes and not confirm(f"Discard all deliveries to {name}?", remedy="give --yes"):
            say("Nothing was discarded.")
            raise typer.Exit(failures.FAILURE)
        count = installation.operations.reset(name, by=local_actor())
    say(f"{counted(count, 'delivery was', 'deliveries were')} discarded.")
