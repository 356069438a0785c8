"""A backup of the keyring: opens with its password alone, and tells a wrong one from damage."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.exceptions import UnsupportedAlgorithm

from controller.model.errors import InvalidInput, PwsyncError, SettingsError
from controller.model.secret import Secret
from controller.sealing import backup
from controller.sealing.backup import MIN_PASSWORD_LENGTH, Cost, decrypt_keyring, encrypt_keyring
from controller.sealing.keyring import Keyring

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PASSWORD = Secret("correct horse battery staple")
CHEAP = Cost(iterations=1, lanes=1, memory=8)


@pytest.fixture(scope="module")
def keyring() -> Keyring:
    return Keyring.generate(NOW).rotated(NOW)


@pytest.fixture(scope="module")
def content(keyring: Keyring) -> bytes:
    return encrypt_keyring(keyring, PASSWORD, cost=CHEAP)


def refusal(content: bytes, password: Secret = PASSWORD) -> PwsyncError:
    with pytest.raises(PwsyncError) as caught:
        decrypt_keyring(content, password, "b.json")
    assert "b.json" in caught.value.message
    assert caught.value.hint
    return caught.value


def altered(content: bytes, alter: Callable[[dict[str, Any]], None]) -> bytes:
    """The file as someone would forge it: with its checksum made right again."""
    document = json.loads(content)
    document.pop("checksum")
    alter(document)
    return json.dumps({**document, "checksum": backup._checksum(document)}).encode()


def test_a_backup_brings_back_every_key(keyring: Keyring, content: bytes) -> None:
    opened = decrypt_keyring(content, PASSWORD, "b.json")

    assert opened.checksum() == keyring.checksum()
    assert [m.id for m in opened.masters] == [m.id for m in keyring.masters]


def test_no_key_stands_in_it_in_clear(keyring: Keyring, content: bytes) -> None:
    for root in (keyring.lineage, keyring.fingerprints, *(m.root for m in keyring.masters)):
        assert backup._to_text(root.reveal()).encode() not in content


def test_two_backups_of_one_keyring_have_nothing_in_common(keyring: Keyring, content: bytes) -> None:
    one, other = json.loads(content), json.loads(encrypt_keyring(keyring, PASSWORD, cost=CHEAP))

    assert one["kdf"]["salt"] != other["kdf"]["salt"]
    assert one["ciphertext"] != other["ciphertext"]


def test_trying_a_password_costs_what_the_standard_recommends(keyring: Keyring) -> None:
    kdf = json.loads(encrypt_keyring(keyring, PASSWORD))["kdf"]

    assert (kdf["name"], kdf["iterations"], kdf["lanes"], kdf["memoryKiB"]) == ("argon2id", 3, 4, 65536)


def test_a_wrong_password_is_told_as_one(content: bytes) -> None:
    error = refusal(content, Secret("wrong horse battery staple"))

    assert isinstance(error, InvalidInput)
    assert "does not open with this password" in error.message
    assert "wrong horse" not in str(error)


@pytest.mark.parametrize("length", [0, 1, MIN_PASSWORD_LENGTH - 1])
def test_a_short_password_is_refused(keyring: Keyring, length: int) -> None:
    with pytest.raises(InvalidInput, match="fewer than 12 characters"):
        encrypt_keyring(keyring, Secret("x" * length), cost=CHEAP)


def test_a_password_of_the_least_length_is_taken(keyring: Keyring) -> None:
    password = Secret("é" * MIN_PASSWORD_LENGTH)

    assert len(decrypt_keyring(encrypt_keyring(keyring, password, cost=CHEAP), password, "b.json").masters) == 2


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"format": "other"}'])
def test_a_file_that_is_no_backup_is_told_as_one(content: bytes) -> None:
    assert "is no backup of a keyring" in refusal(content).message


def test_a_newer_format_asks_for_an_upgrade(content: bytes) -> None:
    error = refusal(altered(content, lambda document: document.update(version=2)))

    assert "format version 2; this program knows 1" in error.message
    assert "upgrade" in error.hint


def test_every_flipped_bit_is_noticed(content: bytes) -> None:
    for place in range(len(content) - 1):  # but the line end behind it
        for bit in (0, 6):
            spoilt = bytearray(content)
            spoilt[place] ^= 1 << bit
            try:
                opened = decrypt_keyring(bytes(spoilt), PASSWORD, "b.json")
            except (SettingsError, InvalidInput):
                continue
            assert json.loads(spoilt) == json.loads(content), place  # white space between
            assert len(opened.masters) == 2


def test_a_truncated_file_is_refused(content: bytes) -> None:
    for end in range(0, len(content) - 3, 7):
        refusal(content[:end])


def cheaper(document: dict[str, Any]) -> None:
    document["kdf"]["iterations"] = 2


def another_nonce(document: dict[str, Any]) -> None:
    document["nonce"] = backup._to_text(bytes(12))


@pytest.mark.parametrize("forge", [cheaper, another_nonce])
def test_a_forged_head_does_not_open(content: bytes, forge: Callable[[dict[str, Any]], None]) -> None:
    assert "does not open with this password" in refusal(altered(content, forge)).message


def greedy(document: dict[str, Any]) -> None:
    document["kdf"]["memoryKiB"] = 1 << 30


def endless(document: dict[str, Any]) -> None:
    document["kdf"]["iterations"] = 1 << 30


def many_lanes(document: dict[str, Any]) -> None:
    document["kdf"].update(lanes=1 << 10, memoryKiB=1 << 16)


def impossible(document: dict[str, Any]) -> None:
    document["kdf"]["memoryKiB"] = 1


def other_function(document: dict[str, Any]) -> None:
    document["kdf"]["name"] = "md5"


def short_salt(document: dict[str, Any]) -> None:
    document["kdf"]["salt"] = "AAAA"


def no_numbers(document: dict[str, Any]) -> None:
    document["kdf"]["lanes"] = "4"


def no_nonce(document: dict[str, Any]) -> None:
    del document["nonce"]


@pytest.mark.parametrize(
    "forge", [greedy, endless, many_lanes, impossible, other_function, short_salt, no_numbers, no_nonce]
)
def test_a_file_that_asks_for_something_impossible_is_refused_at_once(
    content: bytes, forge: Callable[[dict[str, Any]], None]
) -> None:
    assert "is damaged" in refusal(altered(content, forge)).message


def test_a_library_without_argon2id_is_told_with_its_remedy(keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise UnsupportedAlgorithm("argon2id")

    monkeypatch.setattr(backup, "Argon2id", refuse)
    with pytest.raises(SettingsError, match="has no Argon2id") as caught:
        encrypt_keyring(keyring, PASSWORD)
    assert "wheel" in caught.value.hint
