"""``pwsync audit``: who did what to which object, and whether what is written down was altered."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli import failures
from controller.cli.installation import chosen_settings
from controller.cli.output import Listing, Report, say, short_instant, show, show_json, show_table, show_yaml
from controller.cli.prompts import confirm
from controller.model.audit import AuditRow, Trail
from controller.model.errors import InvalidInput
from controller.model.wording import counted
from controller.runtime.actors import local_actor
from controller.views.records import instant

if TYPE_CHECKING:
    from datetime import timedelta

    from controller.model.audit_chain import Verdict

app = typer.Typer(help="Show the audit, and check that nobody has altered it.")
DEFAULT_LIMIT = 100


@app.command("list")
def list_(
    context: typer.Context,
    *,
    trail: Annotated[Trail, typer.Option(help="Which table of the audit.")] = Trail.ACTIONS,
    principal: Annotated[str, typer.Option(help="Of this principal only.")] = "",
    action: Annotated[str, typer.Option(help="Of this action only, for example 'token create'.")] = "",
    object_: Annotated[str, typer.Option("--object", help="About this object only, for example Adapter/x.")] = "",
    failures_only: Annotated[bool, typer.Option("--failures", help="What was refused, or failed, only.")] = False,
    since: Annotated[str, typer.Option(metavar="DURATION", help="Not older than this, for example 7d.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = DEFAULT_LIMIT,
    output: Annotated[Listing, typer.Option("--output", "-o", help="The form of the list.")] = Listing.TABLE,
) -> None:
    """Show who did what to which object, when and from where, newest first.

    JSON: items (trail, sequence, at, principal, origin, action, object, detail, failure, hash).
    """
    from controller.ports.audit import AuditQuery
    from controller.runtime.reading import open_for_reading

    age = _duration(since) if since else None
    with open_for_reading(chosen_settings(context)) as store, store.read() as tx:
        moment = None if age is None else tx.now - age
        rows = tx.audit.find(AuditQuery(trail, principal, action, object_, failures_only, moment, limit))
    match output:
        case Listing.JSON:
            show_json({"items": [_view(row) for row in rows]})
        case Listing.YAML:
            show_yaml(_view(row) for row in rows)
        case Listing.TABLE:
            show_table(("ROW", "AT", "PRINCIPAL", "FROM", "ACTION", "OBJECT", "FAILURE", "DETAIL"), map(_cells, rows))


@app.command("verify")
def verify(
    context: typer.Context,
    *,
    expect: Annotated[
        list[str] | None,
        typer.Option(metavar="HEAD", help="A head that an earlier check showed; may be given several times."),
    ] = None,
    output: Annotated[Report, typer.Option("--output", "-o", help="The form of the result.")] = Report.TEXT,
) -> None:
    """Check every row of the audit; name the first one that was changed, removed, inserted or moved.

    It shows the head of each trail. Keep it where nobody can change it, and give it with --expect another time: so even
    a copy of the database that was put back shows.

    Exit code 0 when all rows fit, else 1. JSON: isIntact, trails (trail, rows, head, problem).
    """
    from controller.runtime.auditing import check_audit

    verdicts = check_audit(chosen_settings(context), expect or [])
    is_intact = not any(verdict.problem for verdict in verdicts)
    if output is Report.JSON:
        show_json({"isIntact": is_intact, "trails": [_verdict_view(verdict) for verdict in verdicts]})
    else:
        for verdict in verdicts:
            show(_told(verdict))
    if not is_intact:
        raise typer.Exit(failures.FAILURE)


@app.command("begin")
def begin(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the rows are kept; it must not exist yet.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Begin those trails anew that 'audit verify' finds altered; asks first.

    All rows of such a trail, and its head, are written to FILE as they are, one JSON object per line, and leave the
    database. The first row of the new chain says who began it, and what was wrong.
    """
    from controller.runtime.auditing import begin_anew, check_audit

    settings = chosen_settings(context)
    broken = [verdict for verdict in check_audit(settings, []) if verdict.problem]
    for verdict in broken:
        show(_told(verdict))
    question = f"Move all rows of {counted(len(broken), 'trail')} to {file}, and begin anew?"
    if broken and not yes and not confirm(question, remedy="find out first who altered them; then give --yes"):
        say("Nothing was begun.")
        raise typer.Exit(failures.FAILURE)
    for verdict in begin_anew(settings, file, by=local_actor()):
        show(f"{verdict.trail}: begun anew. What was there is in {file}.")


def _told(verdict: "Verdict") -> str:
    if verdict.problem:
        return f"{verdict.trail}: {verdict.problem}. {verdict.count:,} rows before it fit."
    return f"{verdict.trail}: {verdict.count:,} rows fit. Head: {verdict.head.anchor}"


def _verdict_view(verdict: "Verdict") -> dict[str, Any]:
    return {
        "trail": verdict.trail.value,
        "rows": verdict.count,
        "head": "" if verdict.problem else verdict.head.anchor,
        "problem": verdict.problem,
    }


def _view(row: AuditRow) -> dict[str, Any]:
    return {
        "trail": row.trail.value,
        "sequence": row.sequence,
        "at": instant(row.at),
        "principal": row.principal,
        "origin": row.origin,
        "action": row.action,
        "object": row.object,
        "detail": row.detail,
        "failure": row.failure,
        "hash": row.hash.hex(),
    }


def _cells(row: AuditRow) -> tuple[str, ...]:
    when = short_instant(row.at)
    return (str(row.sequence), when, row.principal, row.origin, row.action, row.object, row.failure, row.detail)


def _duration(text: str) -> "timedelta":
    from controller.model.duration import parse_duration
    from controller.model.options import Unfit

    try:
        return parse_duration(text)
    except Unfit as error:
        raise InvalidInput(f"{text!r}: {error}", hint=error.hint) from None
