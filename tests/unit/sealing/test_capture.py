"""Passwords sealed to a public key: whoever seals cannot open, and nothing opens for another change."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.errors import SealBroken, SettingsError
from controller.model.secret import Secret
from controller.sealing.capture import CaptureKey
from controller.sealing.envelope import unpad
from controller.sealing.key_pair import derive_key_pair
from controller.sealing.keyring import Keyring
from controller.sealing.sealer import KeyringSealer

# RFC 9180, A.3.1: ikmE, skEm, pkEm
IKM = "4270e54ffd08d79d5928020af4686d8f6b7d35dbe470265f1f5aa22816ce860e"
PRIVATE = "4995788ef4b9d6132b249ce59a77281493eb39af373d236a1fe415cb0c2d7beb"
PUBLIC = (
    "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac9"
    "8536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4"
)
NOW = datetime(2025, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ALICE = WindowsAccount("CORP", "alice")
PASSWORD = Secret("p\U0001f511ß\ud800")


@pytest.fixture
def keyring() -> Keyring:
    return Keyring.generate(NOW)


@pytest.fixture
def key(keyring: Keyring) -> CaptureKey:
    return CaptureKey.parse(str(CaptureKey.of(keyring.newest)))


def test_what_was_captured_opens_with_the_keyring_also_after_it_was_rotated(keyring: Keyring, key: CaptureKey) -> None:
    sealed = key.seal(PASSWORD, ALICE, NOW)
    elsewhere = NOW.astimezone(timezone(timedelta(hours=2)))

    assert KeyringSealer(keyring).open_captured(sealed, ALICE, elsewhere) == PASSWORD
    assert KeyringSealer(keyring.rotated(NOW)).open_captured(sealed, ALICE, NOW) == PASSWORD


def test_a_retired_key_opens_nothing_and_says_what_to_do(keyring: Keyring, key: CaptureKey) -> None:
    sealer = KeyringSealer(keyring.rotated(NOW).retired())

    with pytest.raises(SealBroken, match="capture-key"):
        sealer.open_captured(key.seal(PASSWORD, ALICE, NOW), ALICE, NOW)


@pytest.mark.parametrize(
    ("account", "occurred_at"),
    [
        (WindowsAccount("CORP", "bob"), NOW),
        (ExternalAccount("CORP", "alice"), NOW),
        (ALICE, NOW + timedelta(microseconds=1)),
    ],
)
def test_it_opens_for_no_other_account_or_time(
    keyring: Keyring, key: CaptureKey, account: Account, occurred_at: datetime
) -> None:
    with pytest.raises(SealBroken, match="another account or time"):
        KeyringSealer(keyring).open_captured(key.seal(PASSWORD, ALICE, NOW), account, occurred_at)


def test_a_seal_that_was_altered_cut_off_or_of_another_format_does_not_open(keyring: Keyring, key: CaptureKey) -> None:
    sealed, sealer = key.seal(PASSWORD, ALICE, NOW), KeyringSealer(keyring)

    no_point = sealed[:10] + bytes(64) + sealed[74:]
    for broken in (b"", b"\x02" + sealed[1:], sealed[:9], no_point, sealed[:-1], sealed[:-1] + bytes([sealed[-1] ^ 1])):
        with pytest.raises(SealBroken):
            sealer.open_captured(broken, ALICE, NOW)


def test_the_length_of_a_password_does_not_show(key: CaptureKey) -> None:
    assert len(key.seal(Secret("x"), ALICE, NOW)) == len(key.seal(Secret("x" * 256), ALICE, NOW))


@pytest.mark.parametrize("text", ["", "pwsync-capture-1", "pwsync-capture-1 ?", "pwsync-capture-1 QUJD", "other QUJD"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="no capture key"):
        CaptureKey.parse(text)


def test_a_key_is_a_point_of_the_curve_that_is_not_compressed(keyring: Keyring) -> None:
    point = derive_key_pair(keyring.newest.root.derive("capture")).public_key()
    compressed = point.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)

    for public in (b"", b"\x04" + bytes(64), compressed):
        with pytest.raises(SettingsError, match="no capture key"):
            CaptureKey.parse(str(CaptureKey(keyring.newest.id, public)))


def test_a_pair_of_keys_is_derived_as_rfc_9180_does() -> None:
    pair = derive_key_pair(bytes.fromhex(IKM))

    assert pair.private_numbers().private_value == int(PRIVATE, 16)
    assert pair.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint).hex() == PUBLIC


def test_a_spelling_is_part_of_the_seal(keyring: Keyring, key: CaptureKey) -> None:
    with pytest.raises(SealBroken):
        KeyringSealer(keyring).open_captured(key.seal(PASSWORD, WindowsAccount("CORP", "Alice"), NOW), ALICE, NOW)


def test_what_was_not_padded_is_not_unpadded() -> None:
    with pytest.raises(ValueError, match="short"):
        unpad(b"\x00")
