"""``pwsync import-esso``: files of Enterprise SSO into manifests."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.output import say, write
from controller.model.errors import SettingsError

if TYPE_CHECKING:
    from controller.manifests.esso.importing import Imported


def import_esso(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="XML files of ssomanage, ssops or ssoconfig.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FOLDER", help="Write files there, large sets of mappings as CSV."),
    ] = None,
) -> None:
    """Turn files of Enterprise SSO into manifests.

    Applications, mappings, adapters and the settings of the system become the manifests that declare the same; what
    has no counterpart becomes a comment. Nothing is applied. Files that exist are not overwritten.
    """
    from controller.manifests.esso.importing import import_files
    from controller.manifests.esso.writing import as_text

    imported = import_files(files)
    if out is None:
        write(as_text(imported))
    else:
        _write_files(imported, out)


def _write_files(imported: "Imported", folder: Path) -> None:
    from controller.manifests.esso.writing import as_files

    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in as_files(imported):
            with (folder / name).open("x", encoding="utf-8") as file:
                file.write(text)
            say(f"{folder / name} was written.")
    except FileExistsError as error:
        raise SettingsError(f"{error.filename} exists already", hint="give an empty folder") from error
    except OSError as error:
        raise SettingsError(f"{folder}: the manifests cannot be written: {error.strerror}") from error
