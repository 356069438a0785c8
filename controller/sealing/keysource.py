"""The key file ``master.key``: JSON, mode 0600, in a folder that nobody else can write to.

Format version 1 holds ``masters`` (oldest first, each ``id``, ``created``, ``secret``), ``fingerprint`` and
``lineage`` secrets in base64, and a ``checksum`` that proves that all of it belongs together.
"""

import base64
import errno
import hmac
import json
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from controller.model.errors import SettingsError
from controller.sealing.keyring import Keyring, MasterSecret, RandomBytes, RootSecret

FORMAT = "pwsync keyring"
VERSION = 1
_LARGEST = 1 << 20
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def load_keyring(path: Path) -> Keyring:
    """Read the keyring at *path*.

    Raises:
        SettingsError: It is missing, unreadable, damaged, a link, or open to other users.
    """
    try:
        return _parse(path, _read(path))
    except FileNotFoundError:
        raise SettingsError(
            f"the key file {path} does not exist",
            hint="restore its backup; a new one opens nothing that was sealed before",
        ) from None
    except OSError as error:
        raise _unusable(path, error) from error


def create_keyring(path: Path, now: datetime, random: RandomBytes = os.urandom) -> Keyring:
    """Make a keyring and write it to *path*, which must not exist; its folder is made (mode 0700) when missing.

    Raises:
        SettingsError: The file exists already, or cannot be written.
    """
    keyring = Keyring.generate(now, random)
    try:
        _write(path, keyring, os.link)
    except FileExistsError:
        raise SettingsError(
            f"the key file {path} exists already",
            hint="replacing it would make everything sealed with it unreadable",
        ) from None
    return keyring


def load_or_create_keyring(path: Path, now: datetime, random: RandomBytes = os.urandom) -> Keyring:
    """Read the keyring at *path*, or make it the first time; of several processes at once, one makes it for all.

    Raises:
        SettingsError: As for ``load_keyring`` and ``create_keyring``.
    """
    if not os.path.lexists(path):
        with suppress(FileExistsError):
            _write(path, Keyring.generate(now, random), os.link)
    return load_keyring(path)


def save_keyring(path: Path, keyring: Keyring) -> None:
    """Replace the keyring at *path* in one step, durably: after a crash the file is the old one or the new one.

    Raises:
        SettingsError: It cannot be written.
    """
    _write(path, keyring, os.rename)


def _read(path: Path) -> bytes:
    # O_NONBLOCK: a named pipe in the file's place would keep us waiting for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _check_file(path, os.fstat(descriptor))
        _check_folder(path.parent)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(_LARGEST)
    finally:
        os.close(descriptor)


def _write(path: Path, keyring: Keyring, publish: Callable[[Path, Path], None]) -> None:
    """Write a complete, synced file beside *path*, then *publish* it under its name in one step."""
    try:
        _make_folder(path.parent)
        with _temporary(path) as (descriptor, beside):
            with os.fdopen(descriptor, "wb") as file:
                file.write(_render(keyring))
                file.flush()
                os.fsync(descriptor)
            publish(beside, path)
        _sync_folder(path.parent)
    except FileExistsError:
        raise
    except OSError as error:
        raise _unusable(path, error) from error


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from error
    _check_folder(folder)


@contextmanager
def _temporary(path: Path) -> Iterator[tuple[int, Path]]:
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor, beside
    finally:
        beside.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_file(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise SettingsError(f"the key file {path} is not a regular file", hint="name the file itself")
    if status.st_uid not in {os.geteuid(), 0}:
        raise SettingsError(
            f"the key file {path} belongs to another user (uid {status.st_uid})",
            hint=f"if you trust its content: chown {os.geteuid()} {path}",
        )
    if status.st_mode & _OTHERS:
        raise SettingsError(
            f"the key file {path} is open to other users (mode {stat.S_IMODE(status.st_mode):04o})",
            hint=f"chmod 600 {path}",
        )


def _check_folder(folder: Path) -> None:
    status = folder.stat()
    if status.st_uid not in {os.geteuid(), 0}:
        raise SettingsError(
            f"the folder {folder} of the key file belongs to another user (uid {status.st_uid}), who could replace it",
            hint=f"chown {os.geteuid()} {folder}",
        )
    if status.st_mode & _OTHERS_WRITE:
        raise SettingsError(
            f"other users can write to the folder {folder} of the key file (mode {stat.S_IMODE(status.st_mode):04o})",
            hint=f"chmod 700 {folder}",
        )


def _unusable(path: Path, error: OSError) -> SettingsError:
    if error.errno == errno.ELOOP:
        return SettingsError(f"the key file {path} is a symbolic link", hint="name the file itself")
    return SettingsError(
        f"the key file {path} cannot be used: {error.strerror}",
        hint="check its owner, its mode and those of its folder",
    )


def _render(keyring: Keyring) -> bytes:
    document = {
        "format": FORMAT,
        "version": VERSION,
        "masters": [
            {"id": m.id.hex(), "created": m.created_at.isoformat(), "secret": _to_text(m.root.reveal())}
            for m in keyring.masters
        ],
        "fingerprint": _to_text(keyring.fingerprints.reveal()),
        "lineage": _to_text(keyring.lineage.reveal()),
        "checksum": _to_text(keyring.checksum()),
    }
    return json.dumps(document, indent=2).encode() + b"\n"


def _parse(path: Path, content: bytes) -> Keyring:
    try:
        document = json.loads(content)
        if document["format"] != FORMAT or document["version"] != VERSION:
            raise SettingsError(
                f"the key file {path} is not of format {FORMAT!r} version {VERSION}",
                hint="it was written by a newer version of pwsync, or is another file",
            )
        keyring = _from_document(document)
        is_whole = hmac.compare_digest(keyring.checksum(), _to_bytes(document["checksum"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        is_whole = False
    if not is_whole:
        # Raised outside of the handler on purpose: the text of the cause may quote the file.
        raise SettingsError(f"the key file {path} is damaged", hint="restore its backup")
    return keyring


def _from_document(document: dict[str, Any]) -> Keyring:
    masters = tuple(
        MasterSecret(RootSecret(_to_bytes(m["secret"])), datetime.fromisoformat(m["created"]))
        for m in document["masters"]
    )
    if not masters or [m.id.hex() for m in masters] != [m["id"] for m in document["masters"]]:
        raise ValueError("the ids do not belong to the secrets")
    return Keyring(masters, RootSecret(_to_bytes(document["fingerprint"])), RootSecret(_to_bytes(document["lineage"])))


def _to_text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _to_bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
