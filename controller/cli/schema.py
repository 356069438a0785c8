"""``pwsync schema``: JSON Schema of the manifests."""

from typing import Annotated

import typer

from controller.cli.output import show_json


def schema(kind: Annotated[str, typer.Argument(help="One kind; all of them when absent.")] = "") -> None:
    """Print the JSON Schema of manifests.

    Draft 2020-12, for editors of YAML.
    """
    from controller.connectors.registry import installed_connectors
    from controller.manifests.schema import json_schema
    from controller.manifests.v1.kinds import KINDS

    spelled = {name.lower(): name for name in KINDS}
    chosen = spelled.get(kind.lower(), kind) if kind else None
    show_json(json_schema(chosen, installed_connectors()))
