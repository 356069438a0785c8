"""What filters make of made-up passwords, and whether a target with given limits takes the result."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.model.constraints import Constraints
from controller.model.errors import FilterUnusable
from controller.model.filters import Case, Pad, PasswordFilter, Remove, Rule, Truncate, parse_rules
from controller.model.secret import Secret
from controller.planning.filter_analysis import EMPTY, TOO_LONG, FilterAnalysis, analyse, flaw_of
from controller.planning.synthetic import (
    CLASSES,
    DIGITS,
    LOWER,
    UPPER,
    all_passwords,
    sample_password,
    typical_passwords,
)

ANYTHING = Constraints()


def tried(rules: str, constraints: Constraints = ANYTHING) -> FilterAnalysis:
    """The analysis of rules in the notation of the reference system."""
    return analyse(PasswordFilter(parse_rules(rules)), constraints)


def test_no_filter_changes_nothing() -> None:
    found = tried("")
    assert (found.truncated, found.colliding, found.refused, found.flaws, found.remedies) == (0, 0, 0, (), ())
    assert found.bits_before == found.bits_after
    assert not found.is_always_refused


def test_truncation_loses_entropy_and_makes_passwords_collide() -> None:
    found = tried("uc/tr/8/", Constraints(max_length=8))
    assert found.truncated > found.tried / 2
    assert found.colliding > 0
    assert found.refused == 0
    assert found.bits_after < found.bits_before / 1.5


def test_padding_adds_no_entropy() -> None:
    assert tried("ps/32/x/").bits_after == pytest.approx(tried("").bits_after)
    assert tried("pe/32/x/").colliding == 0


def test_letters_of_one_case_are_fewer() -> None:
    assert tried("lc/").bits_after < tried("").bits_after
    assert tried("lc/").colliding > 0


def test_too_long_passwords_are_refused_and_the_remedy_names_the_limit() -> None:
    found = tried("", Constraints(max_length=8))
    assert 0 < found.refused < found.tried
    assert found.flaws == ("longer than the 8 characters that the target takes",)
    assert found.remedies == ("truncate with tr/8/",)
    assert not found.is_always_refused


@pytest.mark.parametrize(
    ("rules", "constraints", "flaw", "remedy"),
    [
        ("tr/3/", Constraints(min_length=8), "shorter than", "pad, for example with pe/8/0/"),
        ("pe/10/0/tr/10/", Constraints(gaps=((9, 13),)), "of a length from 9 to 13", "truncate to less"),
        ("dc/", Constraints(alphabet="abc"), "with a character", "remove or substitute"),
        ("pe/100/$/", Constraints(max_bytes=72), "longer than the 72 bytes", "truncate, for example with tr/18/"),
        ("pe/30/$/", Constraints(forbidden="$"), "with a character", "remove or substitute the characters"),
        ("pe/256/$/sc/1/$/İ/lc/", ANYTHING, TOO_LONG, "pad less"),
    ],
)
def test_a_filter_whose_every_result_is_refused_is_found(
    rules: str, constraints: Constraints, flaw: str, remedy: str
) -> None:
    found = tried(rules, constraints)
    assert found.refused == found.tried
    assert found.flaws[0].startswith(flaw)
    assert found.remedies[0].startswith(remedy)


def test_always_refused_means_passwords_of_every_length_and_alphabet() -> None:
    assert tried("tr/3/", Constraints(min_length=8)).is_always_refused
    only_ascii = tried(f"rc/62/{LOWER}{UPPER}{DIGITS}/rc/33/{CLASSES[3]}/", Constraints(min_length=1))
    assert only_ascii.refused == only_ascii.tried
    assert only_ascii.flaws == (EMPTY,)
    assert only_ascii.remedies == ("remove fewer characters, or pad",)
    assert only_ascii.bits_after == 0
    assert not only_ascii.is_always_refused  # a password in Greek letters passes


def test_passwords_of_the_removed_characters_are_tried_too() -> None:
    found = tried("rc/26/abcdefghijklmnopqrstuvwxyz/", Constraints(min_length=4))
    assert 0 < found.refused < found.tried
    assert found.remedies == ("pad, for example with pe/4/0/",)


def test_shares_are_never_rounded_to_none_or_all() -> None:
    found = tried("")
    shares = [found.share(n) for n in (0, 1, found.tried // 2, found.tried - 1, found.tried)]
    assert shares == ["0 %", "1 %", "50 %", "99 %", "100 %"]


def test_the_made_up_passwords_are_the_same_everywhere() -> None:
    assert sample_password() == "gW6)LBPPwqcZ"
    assert typical_passwords()[0] == "tJ2$vMuD"
    assert len(set(all_passwords())) == len(all_passwords()) > 600
    assert {len(password) for password in all_passwords()} == set(range(1, 65))
    assert all(8 <= len(p) <= 20 for p in typical_passwords())


characters = st.characters(exclude_categories=["Cs"])
usable_rules: st.SearchStrategy[Rule] = st.one_of(
    st.builds(Case, st.sampled_from(["upper", "lower"])),
    st.builds(Remove, st.text(characters, max_size=6)),
    st.builds(Pad, st.sampled_from(["start", "end"]), st.sampled_from([9, 256]), characters),
    st.builds(Truncate, st.integers(1, 9)),
)


@given(st.lists(usable_rules, max_size=4).map(tuple), st.text(characters, min_size=1, max_size=20))
def test_a_text_is_rewritten_as_a_password_is_filtered(chosen: tuple[Rule, ...], text: str) -> None:
    password_filter = PasswordFilter(chosen)
    result = password_filter.rewrite(text)
    if flaw_of(result, ANYTHING) is None:
        assert password_filter.apply(Secret(text)) == Secret(result)
    else:
        with pytest.raises(FilterUnusable):
            password_filter.apply(Secret(text))
