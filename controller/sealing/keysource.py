"""The key file ``master.key``: JSON, mode 0600, in a folder that nobody else can write to.

Format version 1 holds ``masters`` (oldest first, each ``id``, ``created``, ``secret``), ``fingerprint`` and
``lineage`` secrets in base64, and a ``checksum`` that proves that all of it belongs together.
"""

import base64
import hmac
import json
import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from controller.model.errors import SettingsError
from controller.sealing.keyring import Keyring, MasterSecret, RandomBytes, RootSecret
from controller.sealing.private_file import read_private, write_private

FORMAT = "pwsync keyring"
VERSION = 1


def load_keyring(path: Path) -> Keyring:
    """Read the keyring at *path*.

    Raises:
        SettingsError: It is missing, unreadable, damaged, a link, or open to other users.
    """
    try:
        content = read_private(path)
    except FileNotFoundError:
        raise SettingsError(
            f"the key file {path} does not exist",
            hint="on a new machine make one: 'pwsync secret generate'; else see that --state-dir is right, or restore "
            "its backup: a new one opens nothing that was sealed before",
        ) from None
    return parse_keyring(f"the key file {path}", content)


def create_keyring(path: Path, now: datetime, random: RandomBytes = os.urandom) -> Keyring:
    """Make a keyring and write it to *path*, which must not exist; its folder is made (mode 0700) when missing.

    Raises:
        SettingsError: The file exists already, or cannot be written.
    """
    keyring = Keyring.generate(now, random)
    try:
        write_private(path, render_keyring(keyring), os.link)
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
            write_private(path, render_keyring(Keyring.generate(now, random)), os.link)
    return load_keyring(path)


def save_keyring(path: Path, keyring: Keyring) -> None:
    """Replace the keyring at *path* in one step, durably: after a crash the file is the old one or the new one.

    Raises:
        SettingsError: It cannot be written.
    """
    write_private(path, render_keyring(keyring), os.rename)


def render_keyring(keyring: Keyring) -> bytes:
    """The content of a key file: everything in clear."""
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


def parse_keyring(name: str, content: bytes) -> Keyring:
    """Read what ``render_keyring`` wrote; *name* says where it stands, for messages.

    Raises:
        SettingsError: It is damaged, or of another format.
    """
    try:
        document = json.loads(content)
        if document["format"] != FORMAT or document["version"] != VERSION:
            raise SettingsError(
                f"{name} is not of format {FORMAT!r} version {VERSION}",
                hint="it was written by a newer version of pwsync, or is another file",
            )
        keyring = _from_document(document)
        is_whole = hmac.compare_digest(keyring.checksum(), _to_bytes(document["checksum"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        is_whole = False
    if not is_whole:
        # Raised outside of the handler on purpose: the text of the cause may quote the file.
        raise SettingsError(f"{name} is damaged", hint="restore its backup")
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
