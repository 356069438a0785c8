"""What a person types: passwords without echo, and yes or no. Passwords never come from the command line."""

import sys

from controller.model.errors import InvalidInput
from controller.model.secret import Secret


def read_password(what: str, *, confirms: bool = True) -> Secret:
    """Read a password: asked for without echo on a terminal, else one line of standard input.

    One line end after it is not part of it; anything else is, spaces too.

    Args:
        what: Its name in the question and in messages, for example ``new password``.
        confirms: Ask for it twice on a terminal.

    Raises:
        InvalidInput: Nothing was given, it is not UTF-8, or the two do not agree.
    """
    return _ask(what, confirms=confirms) if _is_on_a_terminal() else _read_line(what)


def _ask(what: str, *, confirms: bool) -> Secret:
    from getpass import getpass

    try:
        password = Secret(getpass(f"{what.capitalize()}: "))
        if confirms and Secret(getpass("The same again: ")) != password:
            raise InvalidInput("the two passwords differ", hint="type the same password twice")
    except EOFError:
        raise InvalidInput(f"no {what} was given") from None
    return password


def _read_line(what: str) -> Secret:
    raw = sys.stdin.buffer.readline() if sys.stdin else b""  # None: it was closed
    if not raw:
        raise InvalidInput(f"no {what} was given", hint="send it as one line of standard input")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = None
    if text is None:  # raised outside of the handler: its error quotes the password
        raise InvalidInput(f"the {what} on standard input is not UTF-8")
    return Secret(text.removesuffix("\n").removesuffix("\r"))


def confirm(question: str, *, remedy: str) -> bool:
    """Ask yes or no; no is the default.

    Raises:
        InvalidInput: There is no terminal to ask on; *remedy* becomes the hint.
    """
    if not _is_on_a_terminal():
        raise InvalidInput("there is no terminal on which to ask for confirmation", hint=remedy)
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def _is_on_a_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()
