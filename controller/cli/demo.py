"""``pwsync demo``: the quickstart, from manifests to passwords that have arrived."""

from typing import Annotated

import typer

from controller.cli.installation import DEFAULT_MANIFESTS, chosen_manifests, chosen_settings


def demo(
    context: typer.Context,
    path: Annotated[str, typer.Argument(help=f"The manifests of the quickstart [{DEFAULT_MANIFESTS}].")] = "",
) -> None:
    """Play the quickstart.

    Makes two small systems, applies the manifests, changes two passwords, and checks that they arrived.

    The systems are an htpasswd file and a table of SQLite in the folder 'demo' of the state directory. Nothing else
    is touched, and it may be run again.
    """
    from controller.cli.demo_scenario import Scenario
    from controller.runtime.wiring import open_installation

    settings = chosen_settings(context)
    manifests = chosen_manifests([path] if path else None)
    scenario = Scenario(settings, manifests)
    scenario.prepare()
    with open_installation(settings) as installation:
        scenario.play(installation)
