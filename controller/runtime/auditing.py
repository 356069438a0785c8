"""The audit checked: every row of every trail, with the key of this installation."""

from collections.abc import Sequence

from controller.model.audit import Trail
from controller.model.audit_chain import Head, Verdict, verify
from controller.model.errors import InvalidInput, NotFound, StoreUnusable
from controller.ports.audit import AuditKey
from controller.ports.store import Transaction
from controller.runtime.reading import open_for_reading
from controller.runtime.settings import Settings
from controller.runtime.wiring import canary_of
from controller.sealing.keysource import load_keyring
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
