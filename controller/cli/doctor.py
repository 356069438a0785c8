"""``pwsync doctor``: check every channel without changing a password."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli import failures
from controller.cli.installation import chosen_settings
from controller.cli.output import Report, show, show_json, show_table
from controller.model.errors import NotFound

if TYPE_CHECKING:
    from controller.runtime.doctor import Diagnosis


def doctor(
    context: typer.Context,
    targets: Annotated[
        list[str] | None, typer.Argument(metavar="[TARGET]...", help="adapter/NAME or domain/NAME; all when absent.")
    ] = None,
    *,
    output: Annotated[Report, typer.Option("--output", "-o", help="The form of the result.")] = Report.TEXT,
) -> None:
    """Check every channel without changing a password.

    Of each applied target, as far as the connector can tell: name, port, certificate, service account, accounts,
    rights, password policy, clock; of a remote adapter its session. What cannot be found out is told as unknown, and is
    no failure. No password is tried.

    Exit code 0 when nothing failed, else 1. JSON: isHealthy, checks (target, check, verdict: ok, warning, failed or
    unknown, message, remedy).
    """
    from controller.connectors.registry import installed_connectors
    from controller.runtime.doctor import diagnose, target_names
    from controller.runtime.reading import open_for_reading

    with open_for_reading(chosen_settings(context)) as store:
        _refuse_unknown(targets or [], target_names(store))
        diagnoses = list(diagnose(store, installed_connectors(), targets or ()))
    is_healthy = all(diagnosis.is_healthy for diagnosis in diagnoses)
    if output is Report.JSON:
        show_json({"isHealthy": is_healthy, "checks": _views(diagnoses)})
    else:
        _show(diagnoses)
    if not is_healthy:
        raise typer.Exit(failures.FAILURE)


def _refuse_unknown(targets: list[str], known: list[str]) -> None:
    unknown = [target for target in targets if target not in known]
    if unknown:
        there_are = f"there are {', '.join(known)}" if known else "nothing has been applied that could be checked"
        raise NotFound(f"there is no target {unknown[0]} that could be checked", hint=there_are)


def _views(diagnoses: "list[Diagnosis]") -> list[dict[str, Any]]:
    return [
        {
            "target": diagnosis.target,
            "check": finding.check,
            "verdict": finding.verdict.value,
            "message": finding.message,
            "remedy": finding.remedy,
        }
        for diagnosis in diagnoses
        for finding in diagnosis.findings
    ]


def _show(diagnoses: "list[Diagnosis]") -> None:
    if not diagnoses:
        show("There is no channel to check: no enabled adapter and no domain with a directory is applied.")
        return
    columns = ("TARGET", "CHECK", "RESULT", "MESSAGE", "REMEDY")
    show_table(columns, (tuple(view.values()) for view in _views(diagnoses)))
