"""``pwsync secret``: the keyring that seals every stored password."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.installation import chosen_settings
from controller.cli.output import say, show
from controller.cli.prompts import read_password
from controller.model.errors import InvalidInput
from controller.model.secret import Secret
from controller.model.wording import counted
from controller.runtime.actors import local_actor

if TYPE_CHECKING:
    from controller.runtime.keys import Keys, Restored
    from controller.runtime.rotation import Rotation

app = typer.Typer(help="Make, back up, restore and rotate the keys that seal all stored passwords.")

PasswordFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Read the backup password from the first line of this file.")
]
PasswordEnv = Annotated[
    str, typer.Option(metavar="NAME", help="Take the backup password from the environment variable of this name.")
]


@app.command("generate")
def generate(context: typer.Context) -> None:
    """Make the keyring of a new installation; one that exists is never overwritten.

    'pwsync apply' and 'pwsync run' make it too when they are first used.
    """
    settings = chosen_settings(context)
    keyring = _keys(context).generate()
    say(f"The keyring was made: {settings.key_file}, key {keyring.newest.id.hex()}.")
    say("Back it up: without it nothing that is stored can be read ('pwsync secret backup').")


@app.command("backup")
def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to make; it must not exist.")],
    *,
    password_file: PasswordFile = None,
    password_env: PasswordEnv = "",
) -> None:
    """Write the keyring to a file, encrypted with a backup password of at least 12 characters.

    The password is asked for twice, or is a line of standard input.
    """
    password = _password(password_file, password_env, confirms=True)
    keyring = _keys(context).backup(file, password)
    say(f"The keyring ({counted(len(keyring.masters), 'key')}) was written to {file}, and read again.")
    say("Keep it away from the backups of the database; keep the password away from both.")


@app.command("restore")
def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What 'pwsync secret backup' wrote.")],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace another keyring; its file is kept under another name.")
    ] = False,
    password_file: PasswordFile = None,
    password_env: PasswordEnv = "",
) -> None:
    """Put the keyring of a backup in its place, after checking that it belongs to this database."""
    password = _password(password_file, password_env, confirms=False)
    _tell(_keys(context).restore(file, password, replaces=replace), chosen_settings(context).key_file)


@app.command("capture-key")
def capture_key(context: typer.Context) -> None:
    """Print the public key to which machines of sources seal what they capture. It opens nothing.

    After a rotation, give sources the new one, and wait until their spools are empty before --retire.
    """
    show(str(_keys(context).capture_key()))


@app.command("rotate")
def rotate(
    context: typer.Context,
    *,
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Only add the key, for other machines to have it before it seals.")
    ] = False,
    retire: Annotated[bool, typer.Option("--retire", help="Only remove keys with which nothing is sealed.")] = False,
) -> None:
    """Add a key, and seal everything stored with it; a controller may run meanwhile.

    Older keys stay, for backups of the database that need them, until --retire, which is refused until the new key has
    been sealing for 5 minutes. Killed at any point, the same command goes on where it was.
    """
    from controller.runtime.rotation import Rotation

    if prepare and retire:
        raise InvalidInput("--prepare and --retire are two different steps", hint="give one of them, or none")
    rotation = Rotation(chosen_settings(context), local_actor())
    if prepare:
        key = rotation.prepare().masters[0]
        say(f"Key {key.id.hex()} is prepared. Copy the key file to all machines, then run 'pwsync secret rotate'.")
    elif retire:
        _retire(rotation)
    else:
        _rotate(rotation)


def _rotate(rotation: "Rotation") -> None:
    rotated = rotation.rotate(_tell_progress)
    count = rotated.rewrapped.count
    if rotated.is_new:
        say(f"Key {rotated.keyring.newest.id.hex()} seals from now on; {_values(count)} sealed with it anew.")
    else:
        say(f"An earlier rotation is finished: {_values(count)} sealed anew. No key was added.")
    for problem in rotated.rewrapped.broken:
        say(f"Left as it is: {problem}")
    say("Back up the keyring again. Older keys are kept until 'pwsync secret rotate --retire'.")


def _retire(rotation: "Rotation") -> None:
    retired = rotation.retire(_tell_progress)
    gone = ", ".join(retired.keys)
    say(f"Removed: {gone}. Back up the keyring again." if gone else "There are no older keys.")
    for path in retired.left:
        say(f"Warning: {path}, a key file that was replaced, may still hold them. Delete it when nothing needs it.")


def _values(count: int) -> str:
    return counted(count, "value was", "values were")


def _tell_progress(count: int, total: int) -> None:
    say(f"Sealed anew: {count:,} of {max(count, total):,}")


def _tell(restored: "Restored", path: Path) -> None:
    if restored.former is not None:
        say(f"The former key file is {restored.former} now.")
    say(f"{path} is this keyring already." if restored.is_same else f"The keyring was restored to {path}.")
    if restored.values is None:
        say("There is no database yet to check it against.")
        return
    say(f"It belongs to this database, and has the keys of {restored.values:,} of its sealed values.")
    if restored.lost:
        say(f"Warning: it lacks the keys of {restored.lost:,} others: the backup is older than the last rotation.")


def _password(file: Path | None, variable: str, *, confirms: bool) -> Secret:
    import os

    from controller.model.options import SecretReference
    from controller.runtime.references import resolve_secret

    if file is not None and variable:
        raise InvalidInput("--password-file and --password-env exclude each other", hint="give one of them")
    if file is not None:
        return resolve_secret(SecretReference(file=str(file)))
    if not variable:
        return read_password("backup password", confirms=confirms)
    text = os.environ.get(variable)
    if not text:  # the name is not repeated: it may be the password, given in the wrong place
        raise InvalidInput("the environment variable that --password-env names is not set or empty")
    return Secret(text)


def _keys(context: typer.Context) -> "Keys":
    from controller.runtime.keys import Keys

    return Keys(chosen_settings(context), local_actor())
