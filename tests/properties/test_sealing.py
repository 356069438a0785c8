"""Laws of sealing that hold for every secret, place and account."""

from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from controller.model.accounts import Account, ExternalAccount, WindowsAccount
from controller.model.credential import SealPlace
from controller.model.errors import SealBroken
from controller.model.secret import MAX_PASSWORD_LENGTH, Secret
from controller.sealing.keyring import Keyring
from controller.sealing.sealer import KeyringSealer

SEALER = KeyringSealer(Keyring.generate(datetime(2025, 1, 1, tzinfo=UTC)))
PLACE = SealPlace("credentials", "PAYROLL\x00ALICE1", "Password")

any_text = st.text(st.characters())  # every code point: NUL and lone surrogates too
passwords = st.text(st.characters(), max_size=MAX_PASSWORD_LENGTH)
places = st.builds(SealPlace, any_text, any_text, any_text)
accounts: st.SearchStrategy[Account] = st.builds(WindowsAccount, any_text, any_text) | st.builds(
    ExternalAccount, any_text, any_text
)


@given(any_text, places)
def test_every_text_comes_back_as_it_was(text: str, place: SealPlace) -> None:
    assert SEALER.open(SEALER.seal(Secret(text), place), place).reveal() == text


@given(st.integers(MAX_PASSWORD_LENGTH, 5000))
def test_texts_longer_than_a_password_come_back_too(length: int) -> None:
    text = "\U0010ffff" * length

    assert SEALER.open(SEALER.seal(Secret(text), PLACE), PLACE).reveal() == text


@given(passwords, passwords)
def test_the_length_of_a_password_does_not_show(one: str, other: str) -> None:
    assert len(SEALER.seal(Secret(one), PLACE)) == len(SEALER.seal(Secret(other), PLACE))


@given(passwords, st.data())
def test_a_single_flipped_bit_anywhere_is_noticed(text: str, data: st.DataObject) -> None:
    sealed = bytearray(SEALER.seal(Secret(text), PLACE))
    bit = data.draw(st.integers(0, 8 * len(sealed) - 1))
    sealed[bit // 8] ^= 1 << bit % 8

    with pytest.raises(SealBroken):
        SEALER.open(bytes(sealed), PLACE)


@given(st.binary(max_size=3000))
def test_bytes_that_were_never_sealed_do_not_open(garbage: bytes) -> None:
    with pytest.raises(SealBroken):
        SEALER.open(garbage, PLACE)


@given(passwords, places, places)
def test_a_value_opens_at_no_other_place(text: str, place: SealPlace, elsewhere: SealPlace) -> None:
    assume(place != elsewhere)
    sealed = SEALER.seal(Secret(text), place)

    with pytest.raises(SealBroken):
        SEALER.open(sealed, elsewhere)


@given(any_text, any_text, any_text)
def test_moving_a_boundary_inside_a_place_makes_another_place(table: str, row: str, field: str) -> None:
    assume(row)
    sealed = SEALER.seal(Secret("x"), SealPlace(table, row, field))

    with pytest.raises(SealBroken):
        SEALER.open(sealed, SealPlace(table + row[0], row[1:], field))


@given(passwords, accounts, accounts)
def test_fingerprints_of_two_accounts_differ_even_for_one_password(text: str, one: Account, other: Account) -> None:
    assume((one.lane, one.name) != (other.lane, other.name))

    assert SEALER.fingerprint(Secret(text), one) != SEALER.fingerprint(Secret(text), other)


@given(passwords, passwords, accounts)
def test_fingerprints_of_one_account_are_equal_exactly_when_the_passwords_are(
    one: str, other: str, account: Account
) -> None:
    are_equal = SEALER.fingerprint(Secret(one), account) == SEALER.fingerprint(Secret(other), account)

    assert are_equal == (one == other)
