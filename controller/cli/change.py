"""``pwsync change``: report one password change."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli import failures
from controller.cli.installation import chosen_settings
from controller.cli.output import Report as Form
from controller.cli.output import hand_over, say, show, show_json
from controller.cli.prompts import read_password
from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.errors import InvalidInput
from controller.runtime.actors import local_principal
from controller.views.records import change_view

if TYPE_CHECKING:
    from controller.model.change import PasswordChange
    from controller.model.delivery import Delivery
    from controller.pipeline.intake import Report
    from controller.runtime.wiring import Installation

app = typer.Typer(help="Report one password change. The password is asked for, or is a line of standard input.")

OccurredAt = Annotated[
    str, typer.Option(metavar="TIME", help="When it happened: RFC 3339 with offset, as 2026-01-31T08:15:00Z.")
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for its end; exit 1 if it did not reach every target.")]
Timeout = Annotated[str, typer.Option(metavar="DURATION", help="How long to wait, for example 90s or 5m.")]
Output = Annotated[Form, typer.Option("--output", "-o", help="The form of the result.")]


@app.command("windows")
def windows(
    context: typer.Context,
    account: Annotated[str, typer.Argument(help=r"DOMAIN\user")],
    *,
    occurred_at: OccurredAt = "",
    wait: Wait = False,
    timeout: Timeout = "60s",
    output: Output = Form.TEXT,
) -> None:
    r"""Report that a Windows account has a new password, for example: pwsync change windows 'CORP\alice'.

    Prints the tracking ID. JSON: trackingId, account, domain or adapter, caller, state, reason, message, receivedAt,
    occurredAt, finishedAt, deliveries. Exit code with --wait: 0 when it is completed, or repeats a password that
    every target has already; else 1.
    """
    from controller.pipeline.intake import Report

    reported = WindowsAccount.parse(account)
    patience, happened = _duration(timeout) if wait else None, _instant(occurred_at)
    report = Report(reported, read_password("new password"), occurred_at=happened)
    _hand_in(context, report, patience, output)


@app.command("external")
def external(
    context: typer.Context,
    adapter: Annotated[str, typer.Argument(help="The adapter whose system reports it.")],
    account: Annotated[str, typer.Argument(help="The account, exactly as that system writes it.")],
    *,
    old: Annotated[bool, typer.Option("--old", help="Ask for (or read first) the old password too.")] = False,
    occurred_at: OccurredAt = "",
    wait: Wait = False,
    timeout: Timeout = "60s",
    output: Output = Form.TEXT,
) -> None:
    """Report that an external account has a new password.

    Prints the tracking ID; JSON and exit codes as for 'change windows'. On standard input the old password, if any,
    is the first line.
    """
    from controller.pipeline.intake import Report

    reported = ExternalAccount.parse(adapter, account)
    patience, happened = _duration(timeout) if wait else None, _instant(occurred_at)
    old_password = read_password("old password", confirms=False) if old else None
    report = Report(reported, read_password("new password"), old_password, happened)
    _hand_in(context, report, patience, output)


def _duration(text: str) -> timedelta:
    from controller.model.duration import parse_duration
    from controller.model.options import Unfit

    try:
        return parse_duration(text)
    except Unfit as error:
        raise InvalidInput(f"{text!r}: {error}", hint=error.hint) from None


def _instant(text: str) -> datetime | None:
    if not text:
        return None
    hint = "write RFC 3339 with its offset, for example 2026-01-31T08:15:00Z"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text!r} is not a time", hint=hint) from None
    if moment.tzinfo is None:
        raise InvalidInput(f"{text!r} has no offset", hint=hint)
    return moment


def _hand_in(context: typer.Context, report: "Report", patience: timedelta | None, output: Form) -> None:
    from controller.pipeline.intake import Caller
    from controller.runtime.wiring import open_installation

    with open_installation(chosen_settings(context)) as installation:
        tracking_id = installation.intake.accept(report, Caller(local_principal(), is_local=True))
        if output is Form.TEXT:
            show(tracking_id)
            hand_over()  # a script may follow the change while this waits for its end
        if patience is not None:
            wait_for(installation, tracking_id, patience)
        change, deliveries = _look_up(installation, tracking_id)
        repeated = None if patience is None else _repeated(installation, change, patience)
    if output is Form.JSON:
        show_json(change_view(change, deliveries))
    if patience is not None:
        _tell_end(change, deliveries, repeated)


def _repeated(
    installation: "Installation", change: "PasswordChange", patience: timedelta
) -> "tuple[PasswordChange, list[Delivery]] | None":
    """The earlier change that a damped one repeats, once it has ended too; None when it reached every target."""
    from controller.model.change import ChangeState, Reason
    from controller.ports.changes import ChangeQuery

    if change.reason != Reason.DAMPED:
        return None
    with installation.store.read() as tx:
        in_force = tx.fingerprints.get(change.account).sequence
        found = tx.changes.find(ChangeQuery(account=change_view(change, [])["account"]))
    for earlier in found:
        if (earlier.sequence, earlier.account) == (in_force, change.account):
            wait_for(installation, earlier.tracking_id, patience)
            ended, deliveries = _look_up(installation, earlier.tracking_id)
            return None if ended.state is ChangeState.COMPLETED else (ended, deliveries)
    return None


def wait_for(installation: "Installation", tracking_id: str, patience: timedelta) -> None:
    """Route and deliver, or watch a controller do it, until the change has ended or patience has run out."""
    from contextlib import closing

    from controller.runtime.drain import Drain

    with closing(Drain(installation)) as drain:
        drain.wait_for(tracking_id, patience)


def _look_up(installation: "Installation", tracking_id: str) -> "tuple[PasswordChange, list[Delivery]]":
    from controller.pipeline.timeline import find_timeline

    with installation.store.read() as tx:
        timeline = find_timeline(tx, tracking_id)
    return timeline.change, list(timeline.deliveries)


def _tell_end(
    change: "PasswordChange", deliveries: "list[Delivery]", repeated: "tuple[PasswordChange, list[Delivery]] | None"
) -> None:
    from controller.model.change import ChangeState, Reason

    _tell_state("The change", change, deliveries)
    if repeated is not None:
        say(f"It repeats change {repeated[0].tracking_id}, whose password not every target has:")
        _tell_state("That change", *repeated)
    has_arrived = change.state is ChangeState.COMPLETED or (change.reason == Reason.DAMPED and repeated is None)
    if not has_arrived:
        raise typer.Exit(failures.FAILURE)


def _tell_state(what: str, change: "PasswordChange", deliveries: "list[Delivery]") -> None:
    from controller.model.change import ChangeState

    for delivery in deliveries:
        words = delivery.message or delivery.code
        say(f"{delivery.account}: {delivery.state.value}{' (' + words + ')' if words else ''}")
    reason = f" ({change.reason})" if change.reason else ""
    if change.state is ChangeState.ACCEPTED:
        say(f"{what} is still under way; 'pwsync run' goes on with it.")
    else:
        say(f"{what} is {change.state.value}{reason}.")
