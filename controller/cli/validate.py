"""``pwsync validate``: check manifests offline."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli import failures
from controller.cli.installation import Manifests, Paths, chosen_manifests, chosen_settings, reading_of
from controller.cli.output import Report, say, show, show_json

if TYPE_CHECKING:
    from controller.manifests.compile import Compiled
    from controller.manifests.problems import Problem


def validate(
    context: typer.Context,
    paths: Paths = None,
    output: Annotated[Report, typer.Option("--output", "-o", help="The form of the result.")] = Report.TEXT,
) -> None:
    """Check manifests, offline: only git repositories among them are asked for.

    Every problem of every file is listed, with its place.

    Exit code 0 when they can be used, else 1. JSON: isValid, counts (by kind), problems and warnings (each: file,
    line, column, message, hint).
    """
    from controller.manifests.problems import ManifestErrors
    from controller.runtime.references import missing_outside

    manifests = chosen_manifests(paths)
    reading = reading_of(manifests, chosen_settings(context))
    try:
        compiled = reading.compile()
    except ManifestErrors as error:
        if output is Report.TEXT:
            raise
        problems = [_problem_view(problem) for problem in error.problems]
        show_json({"isValid": False, "counts": {}, "problems": problems, "warnings": []})
        raise typer.Exit(failures.FAILURE) from None
    _show_valid(manifests, compiled, [*compiled.warnings, *compiled.weakening, *missing_outside(compiled)], output)


def _show_valid(manifests: Manifests, compiled: "Compiled", warnings: "list[Problem]", output: Report) -> None:
    counts = _counts(compiled)
    if output is Report.JSON:
        views = [_problem_view(warning) for warning in warnings]
        show_json({"isValid": True, "counts": counts, "problems": [], "warnings": views})
        return
    for warning in warnings:
        say(f"Warning: {warning}")
    listed = ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
    show(f"{', '.join(manifests.paths)}: valid ({listed})")


def _counts(compiled: "Compiled") -> dict[str, int]:
    from controller.model.topology import Kind

    counts = dict.fromkeys((kind.value for kind in Kind), 0)
    for key in compiled.state.resources:
        counts[key.kind.value] += 1
    counts[Kind.MAPPING.value] = sum(1 for _ in compiled.state.mappings)
    return {kind: count for kind, count in counts.items() if count}


def _problem_view(problem: "Problem") -> dict[str, Any]:
    place = problem.place
    return {
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "message": problem.message,
        "hint": problem.hint,
    }
