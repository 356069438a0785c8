"""Reads the secrets that manifests refer to, at the moment they are needed."""

import os
from pathlib import Path

from controller.manifests.compile import Compiled
from controller.manifests.problems import Problem
from controller.model.errors import SettingsError
from controller.model.options import SecretReference
from controller.model.secret import Secret
from controller.sealing.file_access import refuse_open_file


def resolve_secret(reference: SecretReference) -> Secret:
    """Return the secret behind a reference. One line end after the last line of a file is not part of it.

    Raises:
        SettingsError: The variable is not set, or the file cannot be read or is open to every user; or it is empty.
    """
    text = _of_environment(reference.env) if reference.env is not None else _of_file(Path(reference.file or ""))
    if not text:
        raise SettingsError(f"the secret in {reference} is empty")
    return Secret(text)


def is_there(reference: SecretReference) -> bool:
    """Whether the variable is set, or the file exists; neither is read."""
    if reference.env is not None:
        return reference.env in os.environ
    return os.path.exists(reference.file or "")  # noqa: PTH110  # False where Path.exists raises: no permission


def missing_outside(compiled: Compiled) -> list[Problem]:
    """Warnings of files and environment variables that manifests name and that are not there, in order of place."""
    hint = "it must be there where the controller runs"
    return sorted(
        Problem(found.place, f"{found.field}: {found.reference} does not exist here", hint)
        for found in compiled.outside
        if not is_there(found.reference)
    )


def _of_environment(name: str) -> str:
    try:
        return os.environ[name]
    except KeyError:
        hint = "set it where the controller runs (the environment of its unit)"
        raise SettingsError(f"environment variable {name} is not set", hint=hint) from None


def _of_file(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            refuse_open_file(path, os.fstat(file.fileno()), "secret file")
            return file.read().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise SettingsError(f"secret file {path} is not UTF-8 text") from None
    except OSError as error:
        hint = "make it where the controller runs, readable for its user"
        raise SettingsError(f"secret file {path} cannot be read: {error.strerror}", hint=hint) from error
