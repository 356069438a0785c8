"""Sealing, opening and fingerprints with the keys of a keyring."""

import copy
import pickle
from datetime import UTC, datetime

import pytest

from controller.model.accounts import ExternalAccount, WindowsAccount
from controller.model.credential import SealPlace
from controller.model.errors import SealBroken, SettingsError
from controller.model.secret import Secret
from controller.ports.sealing import MARK_SIZE
from controller.sealing.envelope import BLOCK_SIZE, VERSION
from controller.sealing.keyring import Keyring, MasterSecret, RootSecret
from controller.sealing.sealer import KeyringSealer

NOW = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
PLACE = SealPlace("credentials", "PAYROLL\x00ALICE1", "Password")
SECRET = Secret("correct horse")


@pytest.fixture
def keyring() -> Keyring:
    return Keyring.generate(NOW)


@pytest.fixture
def sealer(keyring: Keyring) -> KeyringSealer:
    return KeyringSealer(keyring)


def test_a_sealed_value_opens_at_its_place(sealer: KeyringSealer) -> None:
    assert sealer.open(sealer.seal(SECRET, PLACE), PLACE) == SECRET


def test_the_same_secret_never_looks_the_same_twice(sealer: KeyringSealer) -> None:
    assert sealer.seal(SECRET, PLACE) != sealer.seal(SECRET, PLACE)


@pytest.mark.parametrize(
    "elsewhere",
    [
        SealPlace("deliveries", PLACE.row, PLACE.field),
        SealPlace(PLACE.table, "PAYROLL\x00BOB1", PLACE.field),
        SealPlace(PLACE.table, PLACE.row, "User Id"),
        SealPlace("credentialsP", PLACE.row[1:], PLACE.field),
    ],
)
def test_a_value_copied_to_another_place_does_not_open(sealer: KeyringSealer, elsewhere: SealPlace) -> None:
    sealed = sealer.seal(SECRET, PLACE)

    with pytest.raises(SealBroken, match="another place") as caught:
        sealer.open(sealed, elsewhere)

    assert elsewhere.table in caught.value.message
    assert caught.value.hint


def test_a_value_of_a_key_that_is_not_in_the_keyring_names_the_key(keyring: Keyring, sealer: KeyringSealer) -> None:
    sealed = sealer.seal(SECRET, PLACE)
    other = KeyringSealer(Keyring.generate(NOW))

    with pytest.raises(SealBroken, match=keyring.newest.id.hex()):
        other.open(sealed, PLACE)


def test_an_unknown_format_version_is_refused(sealer: KeyringSealer) -> None:
    sealed = bytes([VERSION + 1]) + sealer.seal(SECRET, PLACE)[1:]

    with pytest.raises(SealBroken, match="format version 2"):
        sealer.open(sealed, PLACE)


@pytest.mark.parametrize("length", [1, 5, 20, 21, 22, 36, 37, BLOCK_SIZE])
def test_a_truncated_value_is_refused(sealer: KeyringSealer, length: int) -> None:
    with pytest.raises(SealBroken, match="truncated"):
        sealer.open(sealer.seal(SECRET, PLACE)[:length], PLACE)


def test_an_extended_value_is_refused(sealer: KeyringSealer) -> None:
    with pytest.raises(SealBroken, match="extended"):
        sealer.open(sealer.seal(SECRET, PLACE) + b"\x00", PLACE)


def test_an_empty_value_is_refused(sealer: KeyringSealer) -> None:
    with pytest.raises(SealBroken, match="is empty"):
        sealer.open(b"", PLACE)


def test_after_rotation_the_newest_key_seals_and_the_old_one_still_opens(
    keyring: Keyring, sealer: KeyringSealer
) -> None:
    old = sealer.seal(SECRET, PLACE)
    rotated = KeyringSealer(keyring.rotated(NOW))
    new = rotated.seal(SECRET, PLACE)

    assert rotated.open(old, PLACE) == SECRET
    assert not old.startswith(rotated.newest_mark)
    assert new.startswith(rotated.newest_mark)
    assert len(rotated.newest_mark) == MARK_SIZE
    with pytest.raises(SealBroken, match="not in the keyring"):
        sealer.open(new, PLACE)


def test_what_was_rewrapped_opens_after_the_old_key_was_retired(keyring: Keyring, sealer: KeyringSealer) -> None:
    old = sealer.seal(SECRET, PLACE)
    rotated = keyring.rotated(NOW)
    rewrapped = KeyringSealer(rotated).rewrap(old, PLACE)
    retired = KeyringSealer(rotated.retired())

    assert retired.open(rewrapped, PLACE) == SECRET
    with pytest.raises(SealBroken, match="not in the keyring"):
        retired.open(old, PLACE)


def test_fingerprints_survive_rotation_and_retirement(keyring: Keyring, sealer: KeyringSealer) -> None:
    account = WindowsAccount("CORP", "alice")
    before = sealer.fingerprint(SECRET, account)

    assert KeyringSealer(keyring.rotated(NOW).retired()).fingerprint(SECRET, account) == before
    assert len(before) == 32


def test_a_new_fingerprint_secret_changes_every_fingerprint_and_nothing_else(
    keyring: Keyring, sealer: KeyringSealer
) -> None:
    account = WindowsAccount("CORP", "alice")
    renewed = keyring.with_new_fingerprints()
    other = KeyringSealer(renewed)

    assert other.fingerprint(SECRET, account) != sealer.fingerprint(SECRET, account)
    assert other.open(sealer.seal(SECRET, PLACE), PLACE) == SECRET
    renewed.verify_canary(keyring.make_canary())


def test_a_fingerprint_has_no_meaning_without_the_keyring(sealer: KeyringSealer) -> None:
    account = ExternalAccount("racf", "ALICE1")
    other = KeyringSealer(Keyring.generate(NOW))

    assert sealer.fingerprint(SECRET, account) != other.fingerprint(SECRET, account)


def test_a_canary_is_known_again_after_rotation(keyring: Keyring) -> None:
    canary = keyring.make_canary()

    keyring.verify_canary(canary)
    keyring.rotated(NOW).retired().verify_canary(canary)


@pytest.mark.parametrize(
    "canary", [b"", b"\x01", Keyring.generate(NOW).make_canary()], ids=["none", "truncated", "another"]
)
def test_the_canary_of_another_database_is_refused(keyring: Keyring, canary: bytes) -> None:
    with pytest.raises(SettingsError, match="does not belong to this database") as caught:
        keyring.verify_canary(canary)

    assert "master.key" in caught.value.hint


def test_keys_never_show(keyring: Keyring) -> None:
    shown = f"{keyring!r}{keyring}{keyring.newest!r}{keyring.lineage!r}"

    for root in (keyring.newest.root, keyring.fingerprints, keyring.lineage):
        assert root.reveal().hex() not in shown
        assert repr(root.reveal()) not in shown
    assert repr(keyring.newest.key) not in shown


def test_keys_are_not_pickled_and_not_copied(keyring: Keyring) -> None:
    for value in (keyring, keyring.newest, keyring.lineage):
        for attempt in (pickle.dumps, copy.deepcopy):
            with pytest.raises(TypeError, match="cannot be pickled"):
                attempt(value)


def test_a_root_secret_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        RootSecret(b"short")


def test_the_keys_of_different_purposes_differ(keyring: Keyring) -> None:
    root = keyring.newest.root

    assert len({root.derive("seal"), root.derive("fingerprint"), root.derive("canary"), root.reveal()}) == 4
    assert MasterSecret(root, NOW).id == keyring.newest.id
