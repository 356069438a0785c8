"""``pwsync credentials``: the credential database, as an administrator."""

from typing import Annotated

import typer

from controller.cli import failures
from controller.cli.installation import chosen_settings
from controller.cli.output import Report, say, short_instant, show, show_json
from controller.cli.output import reveal as print_secret
from controller.cli.prompts import read_password
from controller.model.errors import InvalidInput
from controller.runtime.actors import local_actor
from controller.views.records import instant

app = typer.Typer(help="Set, clear and show the stored credentials of a mapping.")

ApplicationName = Annotated[str, typer.Argument(metavar="APPLICATION", help="The application of the mapping.")]
AccountName = Annotated[
    str, typer.Argument(metavar="ACCOUNT", help=r"The external account, or the Windows account DOMAIN\user.")
]


@app.command("set")
def set_(context: typer.Context, application: ApplicationName, account: AccountName) -> None:
    """Store the password that is in force; it is asked for, or is a line of standard input."""
    from controller.runtime.wiring import open_installation

    password = read_password("password")
    with open_installation(chosen_settings(context)) as installation:
        has_windows = installation.credentials.set(application, account, password, by=local_actor())
    say(f"The password was stored{', for the Windows account too' if has_windows else ''}.")


@app.command("clear")
def clear(context: typer.Context, application: ApplicationName, account: AccountName) -> None:
    """Forget the stored password of a mapping, and the stored Windows password of its account."""
    from controller.runtime.wiring import open_installation

    with open_installation(chosen_settings(context)) as installation:
        had_any = installation.credentials.clear(application, account, by=local_actor())
    say("The stored credentials were deleted." if had_any else "There were no stored credentials.")


@app.command("show")
def show_(
    context: typer.Context,
    application: ApplicationName,
    account: AccountName,
    reveal: Annotated[bool, typer.Option("--reveal", help="Print the password, alone; this is audited.")] = False,
    output: Annotated[Report, typer.Option("--output", "-o", help="The form of the result.")] = Report.TEXT,
) -> None:
    """Show what is stored for a mapping. JSON: application, windowsAccount, externalAccount, fields (labels),
    hasWindowsPassword, expiredAt, verified (null, or triedAt, outcome); never a password.
    """  # noqa: D205  # one paragraph of the help
    from controller.runtime.wiring import open_installation

    if reveal and output is Report.JSON:
        raise InvalidInput("--reveal prints the password alone, not as JSON")
    with open_installation(chosen_settings(context)) as installation:
        view = installation.credentials.show(application, account, reveals=reveal, by=local_actor())
    mapping = view.mapping
    if reveal:
        if view.password is None:
            say(f"No password is stored for {mapping.external}.")
            raise typer.Exit(failures.FAILURE)
        print_secret(view.password)
    elif output is Report.JSON:
        show_json(
            {
                "application": mapping.application,
                "windowsAccount": str(mapping.windows),
                "externalAccount": mapping.external,
                "fields": list(view.fields),
                "hasWindowsPassword": view.has_windows_password,
                "expiredAt": instant(view.expired_at),
                "verified": None
                if view.verified is None
                else {"triedAt": instant(view.verified.tried_at), "outcome": view.verified.outcome.value},
            }
        )
    else:
        show(f"{mapping.application}: {mapping.windows} <-> {mapping.external}")
        show(f"  Stored fields:           {', '.join(view.fields) or 'none'}")
        show(f"  Stored Windows password: {'yes' if view.has_windows_password else 'no'}")
        if view.expired_at is not None:
            show(f"  Expired:                 yes, as heard on {short_instant(view.expired_at)}")
        if view.verified is not None:
            show(f"  Verified:                {view.verified.outcome} on {short_instant(view.verified.tried_at)}")
