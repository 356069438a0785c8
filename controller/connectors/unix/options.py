"""Options of the ``unix`` connector."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from controller.connectors.timeouts import Timeout
from controller.model.options import FilePath, Options, SecretReference


def _program(command: list[str]) -> list[str]:
    if not command or not all(part and part.isprintable() for part in command):
        raise ValueError("must be a program and its arguments, as in [sudo, -n, /usr/sbin/chpasswd]")
    return command


class UnixOptions(Options):
    """``spec.connector`` of type ``unix``."""

    host: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.:_-]*$")
    port: int = Field(default=22, ge=1, le=65_535)
    user: str = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*\$?$")
    known_hosts: FilePath
    private_key_from: SecretReference
    command: Annotated[list[str], AfterValidator(_program)] = Field(default=["/usr/sbin/chpasswd"])
    verify: bool = False
    timeout: Timeout = timedelta(seconds=30)
