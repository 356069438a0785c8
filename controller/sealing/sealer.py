"""Seals, opens and fingerprints with the keys of a keyring."""

import hmac
import os
from datetime import datetime

from controller.model.accounts import Account
from controller.model.credential import SealPlace
from controller.model.secret import Secret
from controller.sealing.capture import open_captured
from controller.sealing.envelope import NONCE_SIZE, Envelope, encode, join, lock, mark_of, unknown_key, unlock
from controller.sealing.keyring import Keyring, RandomBytes


class KeyringSealer:
    """The sealer of ``ports.Sealer``. Safe to use from many threads."""

    def __init__(self, keyring: Keyring, random: RandomBytes = os.urandom) -> None:
        self._keyring = keyring
        self._random = random
        self._fingerprint_key = keyring.fingerprints.derive("fingerprint")
        self._audit_key = keyring.lineage.derive("audit")

    def seal(self, secret: Secret, place: SealPlace) -> bytes:
        """Seal *secret* with the newest key, bound to *place*."""
        master = self._keyring.newest
        return bytes(lock(secret.reveal(), place, key_id=master.id, key=master.key, nonce=self._random(NONCE_SIZE)))

    def open(self, sealed: bytes, place: SealPlace) -> Secret:
        """Open what was sealed for *place*, with whichever key it was sealed.

        Raises:
            SealBroken: Unknown key, another place, altered, truncated, or of an unknown format version.
        """
        envelope = Envelope.parse(sealed, place)
        master = self._keyring.find(envelope.key_id)
        if master is None:
            raise unknown_key(envelope.key_id, place)
        return Secret(unlock(envelope, place, key=master.key))

    def fingerprint(self, secret: Secret, account: Account) -> bytes:
        """HMAC-SHA256 of *secret* for *account*; 32 bytes.

        Equal passwords of one account have equal fingerprints, also after the master secrets were rotated;
        those of two accounts never do.
        """
        message = join(encode(account.lane), encode(account.name), encode(secret.reveal()))
        return hmac.digest(self._fingerprint_key, message, "sha256")

    def tag(self, content: bytes) -> bytes:
        """HMAC-SHA256 of *content* for the audit; 32 bytes. Implements ``ports.AuditKey``."""
        return hmac.digest(self._audit_key, content, "sha256")

    def open_captured(self, sealed: bytes, account: Account, occurred_at: datetime) -> Secret:
        """Open a password that was sealed where it was captured, with whichever key.

        Raises:
            SealBroken: Unknown key, sealed for another account or time, or altered.
        """
        return open_captured(self._keyring, sealed, account, occurred_at)

    @property
    def newest_mark(self) -> bytes:
        """The first bytes of all that is sealed with the newest key."""
        return mark_of(self._keyring.newest.id)

    def rewrap(self, sealed: bytes, place: SealPlace) -> bytes:
        """Seal again with the newest key.

        Raises:
            SealBroken: As for ``open``.
        """
        return self.seal(self.open(sealed, place), place)
