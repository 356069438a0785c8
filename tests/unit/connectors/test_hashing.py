"""Hashes that targets keep, against published examples and independent implementations."""

import warnings

import pytest
from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id as IndependentArgon2id
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.connectors.hashing import Argon2id, Bcrypt, HashUnknown, Pbkdf2Sha256, Scheme, hash_password, matches
from controller.model.errors import PasswordRejected
from controller.model.secret import Secret
from tests.contracts.connectors.libcrypt import crypt_accepts

SCHEMES: list[Scheme] = [Bcrypt(4), Bcrypt(4, "2y"), Argon2id(memory_kib=64, passes=1), Pbkdf2Sha256(10)]
PASSWORD = Secret("Pässwort-1")


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_a_hash_matches_its_password_and_no_other(scheme: Scheme) -> None:
    made = hash_password(scheme, PASSWORD, "alice")

    assert matches(made, PASSWORD)
    assert not matches(made, Secret("Passwort-1"))
    assert PASSWORD.reveal() not in made


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_the_same_password_never_has_the_same_hash_twice(scheme: Scheme) -> None:
    assert hash_password(scheme, PASSWORD, "a") != hash_password(scheme, PASSWORD, "a")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=256))
@settings(max_examples=25, deadline=None)
def test_pbkdf2_and_argon2_take_every_text(text: str) -> None:
    for scheme in (Argon2id(memory_kib=64, passes=1), Pbkdf2Sha256(2)):
        assert matches(hash_password(scheme, Secret(text), "a"), Secret(text))


@pytest.mark.parametrize(
    ("password", "stored"),
    [
        # The examples of Django's own tests (tests/auth_tests/test_hashers.py, Django 5.0).
        ("lètmein", "pbkdf2_sha256$720000$seasalt2$e8hbsPnTo9qWhT3xYfKWoRth0h0J3360yb/tipPhPtY="),
        # crypt_blowfish 1.3, wrapper.c
        ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        ("U*U*", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
        # phc-winner-argon2, test.c: version 19, m=65536, t=2, p=1, argon2id
        (
            "password",
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
        ),
    ],
)
def test_published_examples_match(password: str, stored: str) -> None:
    assert matches(stored, Secret(password))
    assert not matches(stored, Secret(password + "x"))


def test_crypt_accepts_what_bcrypt_made() -> None:
    made = hash_password(Bcrypt(4, "2y"), PASSWORD, "alice")

    assert made.startswith("$2y$04$")
    assert crypt_accepts(PASSWORD.reveal(), made)


def test_another_library_accepts_what_argon2_made() -> None:
    made = hash_password(Argon2id(), PASSWORD, "alice")

    assert made.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    IndependentArgon2id.verify_phc_encoded(PASSWORD.reveal().encode(), made)
    with pytest.raises(InvalidKey):
        IndependentArgon2id.verify_phc_encoded(b"another", made)


def test_pbkdf2_has_its_iterations_and_a_long_salt() -> None:
    name, iterations, salt, _ = hash_password(Pbkdf2Sha256(10), PASSWORD, "alice").split("$")

    assert (name, iterations, len(salt)) == ("pbkdf2_sha256", "10", 22)


@pytest.mark.parametrize("password", ["x" * 73, "ß" * 37, "a\x00b"])
def test_bcrypt_rejects_what_it_would_cut_off(password: str) -> None:
    with pytest.raises(PasswordRejected) as caught:
        hash_password(Bcrypt(4), Secret(password), "alice")

    assert "alice" in caught.value.message
    assert password not in str(caught.value)


def test_a_password_that_bcrypt_would_cut_off_is_never_in_force() -> None:
    assert not matches(hash_password(Bcrypt(4), Secret("x" * 72), "alice"), Secret("x" * 73))
    assert not matches(hash_password(Bcrypt(4), Secret("a"), "alice"), Secret("a\x00b"))


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_a_lone_surrogate_is_rejected_and_never_in_force(scheme: Scheme) -> None:
    with pytest.raises(PasswordRejected, match="lone surrogate") as caught:
        hash_password(scheme, Secret("Aa1-\ud800"), "alice")

    assert caught.value.__context__ is None
    assert not matches(hash_password(scheme, PASSWORD, "a"), Secret("Aa1-\ud800"))


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "unset",
        "$apr1$salt$hash",
        "{SHA}x",
        "$2y$04$garbage",
        "$2y$03$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK",
        "$argon2id$v=19$garbage",
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$AA",
        "pbkdf2_sha256$0$salt$" + "A" * 43 + "=",
        "pbkdf2_sha256$10$salt$short",
    ],
)
def test_a_hash_of_another_kind_or_damaged_is_told_without_showing_it(stored: str) -> None:
    with warnings.catch_warnings(), pytest.raises(HashUnknown) as caught:
        matches(stored, PASSWORD)

    assert not stored or stored not in str(caught.value)
