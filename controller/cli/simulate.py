"""``pwsync simulate``: what would happen to a password change, and why. Nothing is written, nothing is sent."""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli import failures
from controller.cli.installation import chosen_manifests, chosen_settings
from controller.cli.output import Report as Form
from controller.cli.output import show_json
from controller.cli.prompts import read_password
from controller.cli.simulated import show_simulated, simulated_view
from controller.cli.simulated_policies import policy_views
from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.runtime.actors import local_principal

if TYPE_CHECKING:
    from controller.model.accounts import Account
    from controller.model.secret import Secret
    from controller.pipeline.simulation import Simulated
    from controller.runtime.simulation import Stage

app = typer.Typer(
    help="Show what would happen to a password change, and why. Nothing is written or sent, no password is needed."
)

Paths = Annotated[
    list[str] | None,
    typer.Argument(metavar="[PATH]...", help="As these manifests declare it, not as it was applied; '-' for stdin."),
]
Sample = Annotated[
    bool,
    typer.Option("--password-sample", help="Ask for (or read as a line) a password, instead of a made-up one."),
]
Online = Annotated[
    bool,
    typer.Option(
        "--online",
        help="Ask now: the targets for their password policies, and the directories whom mapping rules map.",
    ),
]
Output = Annotated[Form, typer.Option("--output", "-o", help="The form of the result.")]


@app.command("windows")
def windows(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help=r"DOMAIN\user")],
    paths: Paths = None,
    *,
    password_sample: Sample = False,
    online: Online = False,
    output: Output = Form.TEXT,
) -> None:
    r"""Show what a new password of a Windows account would do, for example: pwsync simulate windows 'CORP\alice'.

    The pipeline itself works on a copy in memory, with targets that take every password within their declared limits
    and their password policies, as far as these are known.
    A made-up password is used unless a sample is given; then it is seen too whether it is the one in force already.

    JSON: account, domain or adapter, isSynthetic, assumptions, warnings, accepted, state, reason, message, fates
    (account, domain or adapter, mapping, outcome, reason, events), policies (account, domain or adapter, state, source,
    readAt, problem, limits, history, minAgeSeconds, notes, isTaken, refusal), filters (adapter, filter, tried,
    truncated, colliding, refused, flaws, remedies, bitsBefore, bitsAfter, example, isAlwaysRefused, isSerious), events
    (name, level, adapter, account, fields).

    Exit code 0 when the change would be accepted, else 1.
    """
    subject = WindowsAccount.parse(account)
    password = read_password("password sample", confirms=False) if password_sample else None
    with _stage(context, subject, paths, is_online=online) as stage:
        result = _play(stage, subject, password, None)
        _tell(stage, subject, result, is_synthetic=password is None, output=output)


@app.command("external")
def external(
    context: typer.Context,
    adapter: Annotated[str, typer.Argument(help="The adapter whose system would report it.")],
    account: Annotated[str, typer.Argument(help="The account, exactly as that system writes it.")],
    paths: Paths = None,
    *,
    old: Annotated[bool, typer.Option("--old", help="The report carries the old password, and it is right.")] = False,
    password_sample: Sample = False,
    online: Online = False,
    output: Output = Form.TEXT,
) -> None:
    """Show what a new password of an external account would do.

    As 'simulate windows'. With --old and --password-sample both are asked for, the old one first.
    """
    subject = ExternalAccount.parse(adapter, account)
    given_old = read_password("old password sample", confirms=False) if old and password_sample else None
    password = read_password("password sample", confirms=False) if password_sample else None
    with _stage(context, subject, paths, is_online=online) as stage:
        old_password = given_old or (_assumed_old(stage, subject) if old else None)
        result = _play(stage, subject, password, old_password)
        _tell(stage, subject, result, is_synthetic=password is None, output=output)


def _stage(
    context: typer.Context, account: "Account", paths: list[str] | None, *, is_online: bool
) -> "AbstractContextManager[Stage]":
    from controller.runtime.simulation import stage_from_state, stage_from_store

    if not paths:
        return stage_from_store(chosen_settings(context), account, is_online=is_online)
    from controller.runtime.reading import compile_manifests

    manifests = chosen_manifests(paths)
    state = compile_manifests(manifests.paths, chosen_settings(context), stdin=manifests.stdin).state
    return stage_from_state(state, is_online=is_online)


def _assumed_old(stage: "Stage", account: ExternalAccount) -> "Secret":
    from controller.model.secret import Secret
    from controller.planning.synthetic import typical_passwords

    return stage.stored_password(account) or Secret(typical_passwords()[0])


def _play(stage: "Stage", account: "Account", password: "Secret | None", old: "Secret | None") -> "Simulated":
    from controller.model.secret import Secret
    from controller.pipeline.intake import Caller, Report
    from controller.planning.synthetic import sample_password

    report = Report(account, password or Secret(sample_password()), old)
    return stage.simulation.play(report, Caller(local_principal(), is_local=True))


def _tell(stage: "Stage", account: "Account", result: "Simulated", *, is_synthetic: bool, output: Form) -> None:
    policies = policy_views(result, stage.policies)  # before the filters are tried against what they ask
    trials = stage.trials({f.account.adapter for f in result.fates if isinstance(f.account, ExternalAccount)})
    view = simulated_view(account, result, trials, policies, stage.doubts, is_synthetic=is_synthetic)
    if output is Form.JSON:
        show_json(view)
    else:
        show_simulated(view, trials)
    if result.refusal is not None:
        raise typer.Exit(failures.FAILURE)
