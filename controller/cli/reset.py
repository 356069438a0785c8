"""``pwsync reset``: make the controller forget what it has learnt."""

from typing import Annotated

import typer

from controller.cli import failures
from controller.cli.installation import chosen_settings
from controller.cli.output import say
from controller.cli.prompts import confirm
from controller.model.wording import counted
from controller.runtime.actors import local_actor

app = typer.Typer(help="Make pwsync forget what it has learnt.")


@app.callback()
def _group() -> None:
    """Keep ``damping`` a command of its own, although it is the only one."""


@app.command("damping")
def damping(
    context: typer.Context,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget which passwords are in force; asks first. The next echo of each account is taken for a change."""
    from controller.runtime.wiring import open_installation

    with open_installation(chosen_settings(context)) as installation:
        if not yes and not confirm("Forget which passwords are in force?", remedy="give --yes"):
            say("Nothing was forgotten.")
            raise typer.Exit(failures.FAILURE)
        count = installation.operations.reset_damping(by=local_actor())
    say(f"What was known of {counted(count, 'account')} is forgotten.")
