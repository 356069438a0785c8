"""Passwords sealed to a public key: whoever seals cannot open, and nothing opens for another change."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.errors import SealBroken, SettingsError
from controller.model.secret import Secret
from controller.sealing.capture import CaptureKey
from controller.sealing.envelope import unpad
from controller.sealing.keyring import Keyring
from controller.sealing.sealer import KeyringSealer

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

    for broken in (b"", b"\x02" + sealed[1:], sealed[:9], sealed[:-1], sealed[:-1] + bytes([sealed[-1] ^ 1])):
        with pytest.raises(SealBroken):
            sealer.open_captured(broken, ALICE, NOW)


def test_the_length_of_a_password_does_not_show(key: CaptureKey) -> None:
    assert len(key.seal(Secret("x"), ALICE, NOW)) == len(key.seal(Secret("x" * 256), ALICE, NOW))


@pytest.mark.parametrize("text", ["", "pwsync-capture-1", "pwsync-capture-1 ?", "pwsync-capture-1 QUJD", "other QUJD"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="no capture key"):
        CaptureKey.parse(text)


def test_what_was_not_padded_is_not_unpadded() -> None:
    with pytest.raises(ValueError, match="short"):
        unpad(b"\x00")
