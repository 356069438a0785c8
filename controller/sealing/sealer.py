"""Seals, opens and fingerprints with the keys of a keyring."""

import hmac
import os

from controller.model.accounts import Account
from controller.model.credential import SealPlace
from controller.model.secret import Secret
from controller.sealing.envelope import NONCE_SIZE, Envelope, encode, join, lock, unknown_key, unlock
from controller.sealing.keyring import Keyring, RandomBytes


class KeyringSealer:
    """The sealer of ``ports.Sealer``. Safe to use from many threads."""

    def __init__(self, keyring: Keyring, random: RandomBytes = os.urandom) -> None:
        self._keyring = keyring
        self._random = random
        self._fingerprint_key = keyring.fingerprints.derive("fingerprint")

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

    def needs_rewrap(self, sealed: bytes, place: SealPlace) -> bool:
        """Tell whether *sealed* was sealed with a key other than the newest.

        Raises:
            SealBroken: It is truncated or of an unknown format version.
        """
        return Envelope.parse(sealed, place).key_id != self._keyring.newest.id

    def can_open(self, sealed: bytes, place: SealPlace) -> bool:
        """Tell, without opening, whether the key of *sealed* is in the keyring (to check a restored key file).

        Raises:
            SealBroken: It is truncated or of an unknown format version.
        """
        return self._keyring.find(Envelope.parse(sealed, place).key_id) is not None

    def rewrap(self, sealed: bytes, place: SealPlace) -> bytes:
        """Seal again with the newest key.

        Raises:
            SealBroken: As for ``open``.
        """
        return self.seal(self.open(sealed, place), place)
