"""The command ``pwsync``. Only what ``--help`` needs is imported here; each command imports what it needs itself."""

import gc
import os
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

from controller.cli import (
    adapter,
    apply,
    audit,
    capture,
    change,
    credentials,
    deliveries,
    demo,
    describe,
    doctor,
    failures,
    get,
    import_esso,
    plan,
    reconcile,
    reset,
    run,
    schema,
    secret,
    simulate,
    status,
    token,
    validate,
)
from controller.cli.installation import hoisted
from controller.cli.output import write

app = typer.Typer(
    name="pwsync",
    help="Keeps passwords in sync between Active Directory and every other directory, as manifests declare it.",
    epilog="--state-dir, --database, --replay-dir, --key-file and --git-allowed-signers may stand before or after the "
    "command.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("validate")(validate.validate)
app.command("plan")(plan.plan)
app.command("apply")(apply.apply)
app.command("run")(run.run)
app.command("status")(status.status)
app.command("get")(get.get)
app.command("describe")(describe.describe)
app.command("import-esso")(import_esso.import_esso)
app.add_typer(change.app, name="change")
app.add_typer(simulate.app, name="simulate")
app.add_typer(credentials.app, name="credentials")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(adapter.app, name="adapter")
app.add_typer(reset.app, name="reset")
app.add_typer(reconcile.app, name="reconcile")
app.add_typer(secret.app, name="secret")
app.add_typer(token.app, name="token")
app.add_typer(audit.app, name="audit")
app.add_typer(capture.app, name="capture")
app.command("doctor")(doctor.doctor)
app.command("schema")(schema.schema)
app.command("demo")(demo.demo)


def _show_version(value: bool) -> None:
    if value:
        from importlib.metadata import version

        write(f"pwsync {version('pwsync')}\n")
        raise typer.Exit


@app.callback()
def _installation(
    context: typer.Context,
    *,
    state_dir: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Holds everything embedded. [env: PWSYNC_STATE_DIR; ./.pwsync]"),
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(metavar="URL", help="sqlite:///... or postgresql+psycopg://... [env: PWSYNC_DATABASE]"),
    ] = None,
    replay_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Keeps changes while the database is away. [env: PWSYNC_REPLAY_DIR; STATE_DIR/replay]",
        ),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Holds the keys that seal every password. [env: PWSYNC_KEY_FILE; STATE_DIR/master.key]"
        ),
    ] = None,
    git_allowed_signers: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Manifests from git must be signed by one of these (ssh-keygen). [env: PWSYNC_GIT_ALLOWED_SIGNERS]",
        ),
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    context.obj = (state_dir, database, replay_dir, key_file, git_allowed_signers)


COLLECTING = (50_000, 20, 20)
"""When the collector looks for cycles (see gc.set_threshold). With the default of 700 it takes a fifth of the start."""


def main() -> None:
    """Run the command line of this process, and exit with its code."""
    gc.set_threshold(*COLLECTING)
    code = execute(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone; what is buffered has nowhere to go, also not at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = code or failures.FAILURE
    sys.exit(code)


@cache
def command_line() -> Callable[..., object]:
    """The command line, made once of what is declared above."""
    return typer.main.get_command(app)


def execute(arguments: Sequence[str]) -> int:
    """Carry out a command line; errors become messages on standard error.

    Returns:
        0 when it did what was asked, 1 when it could not, 2 when the command line is wrong, 130 when interrupted;
        ``plan --detailed-exitcode`` gives 2 another meaning.
    """
    for stream in (sys.stdout, sys.stderr):
        _take_any_character(stream)
    try:
        result = command_line()(args=hoisted(arguments), prog_name="pwsync", standalone_mode=False)
    except KeyboardInterrupt:
        return failures.INTERRUPTED
    except Exception as error:  # noqa: BLE001  # the last place where it can become a message
        return failures.report(error)
    return result if isinstance(result, int) else 0


def _take_any_character(stream: Any) -> None:  # noqa: ANN401  # tests put streams of other types there
    """Write what the terminal's encoding lacks as an escape, instead of failing on it."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="backslashreplace")
