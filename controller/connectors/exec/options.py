"""Options of the ``exec`` connector."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from controller.connectors.timeouts import Timeout
from controller.model.options import Options


def _with_absolute_program(command: list[str]) -> list[str]:
    if not command or not command[0].startswith("/") or command[0].endswith("/"):
        raise ValueError("must begin with the whole path of a program, as in [/usr/local/lib/pwsync/set-password]")
    if any("\x00" in part for part in command):
        raise ValueError("must not hold a NUL character")
    return command


class ExecOptions(Options):
    """``spec.connector`` of type ``exec``."""

    command: Annotated[list[str], AfterValidator(_with_absolute_program)]
    verify: bool = False
    timeout: Timeout = timedelta(seconds=30)
    memory_limit: int = Field(default=512, ge=16, le=65_536, description="MiB of address space.")
