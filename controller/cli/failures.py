"""Errors as messages and exit codes. No traceback, and of unexpected errors not even the text: it may hold a secret."""

import os
import sys
import traceback

import typer

from controller.cli.output import say
from controller.model.errors import PwsyncError

FAILURE = 1
INTERRUPTED = 130
"""128 + SIGINT, as shells expect."""
DEBUG_VARIABLE = "PWSYNC_DEBUG"
OF_A_CHOICE = "Value error, "
"""How the library begins to say that a value is none of several; that it is an error is said already."""
EXTRA = "Got unexpected extra argument"
"""How the library begins to say that there are too many arguments."""


def report(error: Exception) -> int:
    """Tell a person about *error*; returns the exit code."""
    match error:
        case typer.TyperException(message=message, exit_code=code) if message.startswith(EXTRA):
            # Not the library's own words: they repeat the argument, and it may be a password.
            say("Error: too many arguments")
            say("Hint: a password is never an argument: it is asked for, or read from standard input")
            return int(code)
        case typer.TyperException(message=message, exit_code=code):
            error.message = message.removeprefix(OF_A_CHOICE)
            show = getattr(error, "show", None)
            show() if callable(show) else say(f"Error: {error.message}")
            return int(code)
        case typer.Abort():
            say("Aborted.")
        case PwsyncError():
            _report_known(error)
        case _:
            _report_unexpected(error)
    return FAILURE


def _report_known(error: PwsyncError) -> None:
    problems = getattr(error, "problems", ())  # of manifests: each with its place
    for problem in problems:
        say(str(problem))
    say(f"Error: {error.message}")
    if error.hint:
        say(f"Hint: {error.hint}")


def _report_unexpected(error: Exception) -> None:
    if os.environ.get(DEBUG_VARIABLE) == "1":
        traceback.print_exception(error, file=sys.stderr)
        return
    say(
        f"Error: unexpected {type(error).__qualname__}. This is a mistake of pwsync: run the command again with "
        f"{DEBUG_VARIABLE}=1 for the traceback, remove secrets from it, and report it."
    )
