"""The audit checked: every row of every trail, with the key of this installation."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from controller.model.actor import Actor
from controller.model.audit import Trail
from controller.model.audit_chain import Head, Verdict, verify
from controller.model.errors import InvalidInput, NotFound, StoreUnusable
from controller.ports.audit import AuditKey
from controller.ports.store import Transaction
from controller.runtime.reading import open_for_reading, open_for_writing
from controller.runtime.settings import Settings
from controller.runtime.wiring import canary_of, open_keyring
from controller.sealing.keysource import load_keyring
from controller.sealing.private_file import write_new
from controller.sealing.sealer import KeyringSealer

Anchors = dict[Trail, dict[int, str]]
"""Hashes (hex) that rows must have, by trail and sequence."""


def check_audit(settings: Settings, expected: Sequence[str]) -> list[Verdict]:
    """Check all trails.

    Args:
        settings: Of the installation.
        expected: Heads as an earlier check told them: ``TRAIL:SEQUENCE:HASH``.

    Raises:
        InvalidInput: What is expected cannot be read.
        NotFound: Nothing was ever audited there.
        SettingsError: The keyring of the store is not there.
        StoreUnavailable: The store cannot be reached.
    """
    anchors = _anchors(expected)
    with open_for_reading(settings) as store:
        canary = canary_of(store)
        if canary is None:
            raise NotFound("there is no audit yet", hint="it begins with the first 'pwsync apply' or 'pwsync run'")
        keyring = load_keyring(settings.key_file)
        keyring.verify_canary(canary)
        with store.read() as tx:
            return [_verdict(tx, trail, KeyringSealer(keyring), anchors.get(trail, {})) for trail in Trail]


def begin_anew(settings: Settings, kept: Path, *, by: Actor) -> list[Verdict]:
    """Begin those trails anew that do not fit, and return what was wrong with them.

    Their rows, and their heads, are written to the new file *kept* before they leave the database.

    Raises:
        InvalidInput: All trails fit.
        SettingsError: The file is there already or cannot be written, or the keyring is not that of the store.
        StoreUnavailable: The store cannot be reached.
        StoreUnusable: A head was made unreadable.
    """
    with open_for_writing(settings) as opened:
        key = KeyringSealer(open_keyring(settings, opened))
        with opened.with_audit_key(key).write() as tx:
            return _begin_anew(tx, key, kept, by)


def _begin_anew(tx: Transaction, key: AuditKey, kept: Path, by: Actor) -> list[Verdict]:
    verdicts = [_verdict(tx, trail, key, {}) for trail in Trail]
    broken = [verdict for verdict in verdicts if verdict.problem]
    if not broken:
        raise InvalidInput("every trail fits: none is begun anew", hint="'pwsync audit verify' checks them")
    lines = (json.dumps(row, default=repr) for verdict in broken for row in _evidence(tx, verdict))
    write_new(kept, "".join(f"{line}\n" for line in lines).encode("ascii"), "the file")
    for verdict in broken:
        tx.audit.begin_anew(verdict.trail, by, f"{verdict.problem}; its rows were kept in {kept.name}")
    return broken


def _evidence(tx: Transaction, verdict: Verdict) -> Iterator[dict[str, object]]:
    head = tx.audit.heads().get(verdict.trail)
    told = None if head is None else {"anchor": head.anchor, "trimmed": head.trimmed, "tag": head.tag.hex()}
    yield {"trail": verdict.trail.value, "problem": verdict.problem, "head": told}
    yield from tx.audit.raw(verdict.trail)


def _verdict(tx: Transaction, trail: Trail, key: AuditKey, anchors: dict[int, str]) -> Verdict:
    try:
        return verify(trail, tx.audit.heads().get(trail), tx.audit.scan(trail), key.tag, anchors)
    except StoreUnusable as error:
        return Verdict(trail, 0, Head(trail), error.message)


def _anchors(expected: Sequence[str]) -> Anchors:
    anchors: Anchors = {}
    for text in expected:
        trail, _, rest = text.partition(":")
        sequence, _, hash_ = rest.partition(":")
        try:
            number = int(sequence)
            is_hash = len(bytes.fromhex(hash_)) == len(Head(Trail.ACTIONS).hash)
            anchors.setdefault(Trail(trail), {})[number] = hash_.lower()
        except ValueError:
            is_hash = False
        if not is_hash:
            raise InvalidInput(
                f"{text!r} is no head of an audit trail", hint="give it as 'pwsync audit verify' shows it: a:1:hash"
            )
    return anchors
