"""Accounts have one spelling, or are refused with a reason."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from controller.model.accounts import Account, ExternalAccount, WindowsAccount, account_of
from controller.model.errors import InvalidInput

domains = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,14}", fullmatch=True)
sam_names = st.from_regex(r"[A-Za-z0-9äöüÄÖÜ._$-]{1,20}", fullmatch=True)


def test_spellings_of_one_windows_account_are_one_account() -> None:
    assert WindowsAccount.parse("corp\\Alice") == WindowsAccount.parse("CORP\\aLICE") == WindowsAccount("CORP", "alice")
    assert str(WindowsAccount.parse("corp\\Alice")) == "CORP\\alice"


@given(domains, sam_names)
def test_reading_what_was_written_gives_the_same_account(domain: str, name: str) -> None:
    assume(name.lower() not in {"everyone", "system", "krbtgt", "guest"})
    account = WindowsAccount.parse(f"{domain}\\{name}")

    assert WindowsAccount.parse(str(account)) == account
    assert account_of(account.lane, account.name) == account


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("alice", "is not a Windows account"),
        ("", "is not a Windows account"),
        ("\\alice", "is not a Windows account"),
        ("CORP\\", "is not a Windows account"),
        ("alice@corp.example.com", "is not a Windows account"),
        ("BUILTIN\\Administrators", "built-in"),
        ("nt authority\\x", "built-in"),
        ("CORP\\Everyone", "built-in"),
        ("corp.example.com\\alice", "not a NetBIOS domain name"),
        ("A-NAME-OF-16-CHR\\alice", "not a NetBIOS domain name"),
        ("FIRM\u00c4\\alice", "not a NetBIOS domain name"),
        ("CORP\\al/ice", "no Windows account name"),
        ("CORP\\al\\ice", "no Windows account name"),
        ("CORP\\al\x00ice", "no Windows account name"),
        ("CORP\\al\ud800ice", "no Windows account name"),
        ("CORP\\" + "x" * 257, "no Windows account name"),
    ],
)
def test_what_is_no_windows_account_is_refused_with_the_reason(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        WindowsAccount.parse(text)


@pytest.mark.parametrize("text", ["CORP\alice", "CORP\bob", "CORP\x85ick", "CORP\u2029aul", "CORP\\CORP\tom"])
def test_a_backslash_that_became_an_escape_is_explained(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        WindowsAccount.parse(text)

    assert "write 'CORP\\alice'" in caught.value.hint


def test_a_backslash_too_many_is_explained() -> None:
    with pytest.raises(InvalidInput) as caught:
        WindowsAccount.parse("CORP\\\\alice")

    assert "one backslash" in caught.value.hint


@pytest.mark.parametrize("text", ["CORP\\\u212aim", "CORP\\\u0130da", "CORP\\\u0130", "co\u0131p\\kim", "\ufb00\\kim"])
def test_a_character_that_becomes_an_ascii_letter_without_case_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="ASCII letter") as caught:
        WindowsAccount.parse(text)

    assert caught.value.message.isascii(), "the look-alike is shown as what it is"
    assert caught.value.hint


@given(
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=256).filter(
        lambda text: text == text.strip()
    )
)
def test_an_external_account_is_kept_exactly_as_written(text: str) -> None:
    account = ExternalAccount.parse("racf", text)

    assert account.name == text
    assert account_of(account.lane, account.name) == account
    assert str(account) == f"racf:{text}"


@pytest.mark.parametrize("text", ["", " ", " alice", "alice ", "a\nb", "a\x00b", "a\x7fb", "a\ud800", "x" * 257])
def test_what_is_no_external_account_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not an external account") as caught:
        ExternalAccount.parse("racf", text)

    assert caught.value.hint


def test_a_long_name_is_not_repeated_in_full() -> None:
    with pytest.raises(InvalidInput) as caught:
        ExternalAccount.parse("racf", "x" * 10_000)

    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    ("account", "lane"),
    [(WindowsAccount("CORP", "alice"), "domain/CORP"), (ExternalAccount("racf", "A"), "adapter/racf")],
)
def test_deliveries_wait_in_one_lane_per_domain_and_per_adapter(account: Account, lane: str) -> None:
    assert account.lane == lane


def test_an_adapter_may_have_a_slash_in_its_name() -> None:
    account = ExternalAccount("a/b", "x")

    assert account_of(account.lane, account.name) == account


@pytest.mark.parametrize("lane", ["", "racf", "queue/racf"])
def test_something_that_is_no_lane_is_refused(lane: str) -> None:
    with pytest.raises(InvalidInput, match="is not a lane"):
        account_of(lane, "alice")
