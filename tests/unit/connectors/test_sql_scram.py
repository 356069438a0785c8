"""Verifiers as PostgreSQL keeps them: RFC 7677's example, and SASLprep's."""

import base64

import pytest

from controller.connectors.sql_mariadb import native_hash
from controller.connectors.sql_scram import prepared, scram_verifier
from controller.model.secret import Secret


def test_the_example_of_rfc_7677() -> None:
    salt = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
    assert scram_verifier(Secret("pencil"), 4096, salt) == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
        "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )


def test_each_verifier_has_a_salt_of_its_own() -> None:
    assert scram_verifier(Secret("pencil")) != scram_verifier(Secret("pencil"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("\u0007", "\u0007"),  # ASCII is not looked at
        ("\u0007\u2168", "\u0007\u2168"),  # prohibited: as it is
        ("\u0627\u0031", "\u0627\u0031"),  # a breach of the rules of direction: as it is
        ("\u0627\u0031\u0628", "\u0627\u0031\u0628"),
        ("\u00ad", "\u00ad"),  # nothing would be left
        ("\u0221", "\u0221"),  # not assigned in Unicode 3.2
    ],
)
def test_passwords_are_prepared_as_rfc_4013_says_or_left(text: str, expected: str) -> None:
    assert prepared(text) == expected


def test_the_hash_of_mariadb() -> None:
    assert native_hash(Secret("password")) == "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"
