"""``pwsync token``: who may call the HTTP API."""

from typing import Annotated

import typer

from controller.cli.installation import chosen_settings
from controller.cli.output import Listing, reveal, say, short_instant, show_json, show_table, show_yaml
from controller.model.errors import InvalidInput
from controller.runtime.actors import local_actor
from controller.views.records import token_view

app = typer.Typer(help="Create, list and revoke API tokens.")


@app.command("create")
def create(
    context: typer.Context,
    principal: Annotated[str, typer.Argument(help="Who calls with it; manifests name principals.")],
    expires: Annotated[str, typer.Option(metavar="DURATION", help="After how long it ends, for example 90d.")] = "",
) -> None:
    """Make a token and print it: this once, and never again. Warns of a principal that nothing applied names."""
    from controller.model.duration import parse_duration
    from controller.model.options import Unfit
    from controller.runtime.token_check import unnamed_among
    from controller.runtime.wiring import open_installation

    try:
        valid_for = parse_duration(expires) if expires else None
    except Unfit as error:
        raise InvalidInput(f"{expires!r}: {error}", hint=error.hint) from None
    with open_installation(chosen_settings(context)) as installation:
        token, text = installation.callers.create(principal, valid_for=valid_for, by=local_actor())
        is_named = not unnamed_among(installation.store, [token])
    reveal(text)
    until = f"until {short_instant(token.expires_at)}" if token.expires_at is not None else "until it is revoked"
    say(f"Token {token.id} for {token.principal}, valid {until}. Keep it: it cannot be shown again.")
    if not is_named:
        name = token.principal
        say(f"Warning: nothing that was applied names {name}. The token opens nothing until a manifest does.")


@app.command("list")
def list_(
    context: typer.Context,
    output: Annotated[Listing, typer.Option("--output", "-o", help="The form of the list.")] = Listing.TABLE,
) -> None:
    """Show all tokens, oldest first. JSON: items (id, principal, createdAt, expiresAt, lastUsedAt, revokedAt)."""
    from controller.runtime.reading import open_for_reading

    with open_for_reading(chosen_settings(context)) as store, store.read() as tx:
        tokens = tx.tokens.all()
    match output:
        case Listing.JSON:
            show_json({"items": [token_view(token) for token in tokens]})
        case Listing.YAML:
            show_yaml(token_view(token) for token in tokens)
        case Listing.TABLE:
            show_table(
                ("ID", "PRINCIPAL", "CREATED", "EXPIRES", "LAST USED", "REVOKED"),
                (
                    (t.id, t.principal, *map(short_instant, (t.created_at, t.expires_at, t.last_used_at, t.revoked_at)))
                    for t in tokens
                ),
            )


@app.command("revoke")
def revoke(context: typer.Context, token_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """End a token's life at once."""
    from controller.runtime.wiring import open_installation

    with open_installation(chosen_settings(context)) as installation:
        installation.callers.revoke(token_id, by=local_actor())
    say(f"Token {token_id} is revoked.")
