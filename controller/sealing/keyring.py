"""Master secrets and the keys derived from them (HKDF-SHA256, RFC 5869, one key per purpose)."""

import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Never, final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from controller.model.errors import SettingsError
from controller.sealing.envelope import KEY_ID_SIZE, join

SECRET_SIZE = 32
RandomBytes = Callable[[int], bytes]


@final
class RootSecret:
    """Thirty-two random bytes from which keys are derived. They are never printed, compared, pickled or copied."""

    __slots__ = ("__bytes",)

    def __init__(self, material: bytes) -> None:
        if len(material) != SECRET_SIZE:
            raise ValueError(f"a root secret has {SECRET_SIZE} bytes")
        self.__bytes = material

    def derive(self, purpose: str, size: int = SECRET_SIZE) -> bytes:
        """Return the key for *purpose*: *size* bytes that tell nothing about those for another purpose."""
        return HKDF(SHA256(), size, salt=None, info=b"pwsync " + purpose.encode()).derive(self.__bytes)

    def reveal(self) -> bytes:
        """Return the bytes, for the key file alone."""
        return self.__bytes

    def __repr__(self) -> str:
        return "RootSecret(***)"

    def __reduce__(self) -> Never:
        raise TypeError("a root secret cannot be pickled or copied to another process")


@dataclass(frozen=True, slots=True, eq=False)
class MasterSecret:
    """A secret that seals.

    Attributes:
        id: Derived from the secret itself, so that a damaged one does not pass for the right one; 8 bytes.
        created_at: When it was made.
        key: The sealing key; 32 bytes.
    """

    root: RootSecret
    created_at: datetime
    id: bytes = field(init=False)
    key: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", self.root.derive("key id", KEY_ID_SIZE))
        object.__setattr__(self, "key", self.root.derive("seal"))


@dataclass(frozen=True, slots=True, eq=False)
class Keyring:
    """Everything that ``master.key`` holds.

    Attributes:
        masters: Oldest first; the last one seals, any opens.
        fingerprints: The secret behind fingerprints. It stays when master secrets rotate, since a fingerprint cannot
            be made anew without its password; replacing it means to forget all stored fingerprints.
        lineage: The secret behind the canary. It stays for the life of a store.
    """

    masters: tuple[MasterSecret, ...]
    fingerprints: RootSecret
    lineage: RootSecret

    @classmethod
    def generate(cls, now: datetime, random: RandomBytes = os.urandom) -> "Keyring":
        """Make a keyring with one master secret."""
        first, fingerprints, lineage = (RootSecret(random(SECRET_SIZE)) for _ in range(3))
        return cls((MasterSecret(first, now),), fingerprints, lineage)

    @property
    def newest(self) -> MasterSecret:
        """The one that seals."""
        return self.masters[-1]

    def find(self, key_id: bytes) -> MasterSecret | None:
        """The master secret with this id."""
        return next((m for m in self.masters if m.id == key_id), None)

    @property
    def prepared(self) -> MasterSecret | None:
        """One that opens already, but is to seal only after the next rotation: it stands first, although it is newest.

        So that every machine can have it before anything is sealed with it.
        """
        first = self.masters[0]
        return first if first.created_at > self.newest.created_at else None

    def with_prepared(self, now: datetime, random: RandomBytes = os.urandom) -> "Keyring":
        """This keyring with a further master secret that does not seal yet; itself when it has one."""
        if self.prepared is not None:
            return self
        created_at = max(now, self.newest.created_at + timedelta(microseconds=1))
        return replace(self, masters=(MasterSecret(RootSecret(random(SECRET_SIZE)), created_at), *self.masters))

    def rotated(self, now: datetime, random: RandomBytes = os.urandom) -> "Keyring":
        """This keyring with a further master secret, the prepared one if there is, which seals from now on."""
        prepared, *rest = self.with_prepared(now, random).masters
        return replace(self, masters=(*rest, prepared))

    def retired(self) -> "Keyring":
        """This keyring without the master secrets before its newest. Only once everything sealed was rewrapped."""
        kept = () if self.prepared is None else (self.prepared,)
        return replace(self, masters=(*kept, self.newest))

    def with_new_fingerprints(self, random: RandomBytes = os.urandom) -> "Keyring":
        """This keyring with another fingerprint secret. All stored fingerprints must be forgotten with it."""
        return replace(self, fingerprints=RootSecret(random(SECRET_SIZE)))

    def make_canary(self) -> bytes:
        """Bytes to keep in the store, by which the keyring of that store is known again, also after rotation."""
        return b"\x01" + hmac.digest(self.lineage.derive("canary"), b"pwsync canary", "sha256")

    def verify_canary(self, canary: bytes) -> None:
        """Make sure that this keyring belongs to the store that holds *canary*.

        Raises:
            SettingsError: It belongs to another store, so that it could open nothing.
        """
        if not hmac.compare_digest(self.make_canary(), canary):
            raise SettingsError(
                "the keyring does not belong to this database: nothing sealed in it could be opened",
                hint="restore the master.key that was made together with this database, or name the other database",
            )

    def checksum(self) -> bytes:
        """HMAC over all that the key file holds, which proves that its parts belong together; 32 bytes."""
        parts = [self.fingerprints.reveal()]
        for master in self.masters:
            parts += [master.root.reveal(), master.created_at.isoformat().encode()]
        return hmac.digest(self.lineage.derive("key file"), join(*parts), "sha256")

    def __reduce__(self) -> Never:
        raise TypeError("a keyring cannot be pickled or copied to another process")
