"""``pwsync reconcile``: suspend the reconcile loop, and let it go on."""

from typing import Annotated

import typer

from controller.cli.installation import chosen_settings
from controller.cli.output import say
from controller.runtime.actors import local_actor

app = typer.Typer(help="Suspend and resume the reconcile loop.")


@app.command("suspend")
def suspend(
    context: typer.Context,
    reason: Annotated[str, typer.Argument(metavar="[REASON]", help="Why, for whoever looks at the status.")] = "",
) -> None:
    """Let every controller plan, and apply nothing, until 'reconcile resume'.

    Passwords are delivered meanwhile. A person may still apply.
    """
    from controller.reconcile.suspension import suspend as suspend_loop
    from controller.runtime.wiring import open_installation

    with open_installation(chosen_settings(context)) as installation:
        is_new = suspend_loop(installation.store, reason, by=local_actor())
    say(f"The reconcile loop is suspended{'' if is_new else ' already'}.")


@app.command("resume")
def resume(context: typer.Context) -> None:
    """Let the reconcile loop apply again, from its next round on."""
    from controller.reconcile.suspension import resume as resume_loop
    from controller.runtime.wiring import open_installation

    with open_installation(chosen_settings(context)) as installation:
        was_suspended = resume_loop(installation.store, by=local_actor())
    say("The reconcile loop goes on." if was_suspended else "The reconcile loop was not suspended.")
