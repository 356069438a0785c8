"""An adapter's words, as a person may read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.model.secret import Secret
from controller.model.words import LONGEST, WITHHELD, quoted

PASSWORD = "Pass wörd+1%2"
WORDS = st.text(st.characters(codec="utf-8"), max_size=40)


def test_words_without_a_password_are_kept() -> None:
    assert quoted("ICH409I the rules refuse it", Secret(PASSWORD), Secret("")) == "ICH409I the rules refuse it"


@pytest.mark.parametrize(
    "written",
    [
        PASSWORD,
        PASSWORD.upper(),
        "Pass%20w%C3%B6rd%2B1%252",
        "Pass+w%C3%B6rd%2B1%252",
        "Pass%2520w%25C3%25B6rd%252B1%25252",
        "Pass wo\u0308rd+1%2",
        "Ｐａｓｓ wörd+1%2",
        "Pass\x00wörd+1%2",
        "Pa\u200bss wörd\n+1%2",
    ],
)
def test_words_that_hold_a_password_are_withheld_whole_however_it_is_written(written: str) -> None:
    assert quoted(f"could not set '{written}' for ALICE1", Secret(PASSWORD)) == WITHHELD


def test_a_mark_that_follows_does_not_hide_a_password() -> None:
    assert quoted("passe\u0301", Secret("passe")) == WITHHELD
    assert quoted("pass\u0301\u0323", Secret("pass\u0301")) == WITHHELD


def test_words_stand_on_one_line_and_are_bounded() -> None:
    assert quoted("a\x1b[2Jb\nc\u2028d\u202ee\ud800f") == "a [2Jb c def"
    assert len(quoted("x" * 5000)) == LONGEST


@given(WORDS, WORDS.filter(bool), WORDS)
def test_words_around_a_password_are_never_kept(before: str, password: str, after: str) -> None:
    assert quoted(before + password + after, Secret(password)) == WITHHELD
