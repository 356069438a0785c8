"""What entries of the Retro Changelog say about passwords. Their form was taken from a real server."""

import base64

import pytest

from controller.capture.ds389.log_entry import (
    NO_HASH,
    NOT_IN_CLEAR,
    TAKEN,
    LogEntry,
    NewPassword,
    new_password,
    without_password,
)

HASH = "replace: userPassword\nuserPassword:: e1BCS0RGMi1TSEE1MTJ9MTAwMDAkYWJj\n ZGVm\n-\n"
WHO = "replace: modifiersname\nmodifiersname: cn=directory manager\n-\n"
END = "\x00"


def entry(changes: str, change_type: str = "modify") -> LogEntry:
    return LogEntry(7, "20260506070809Z", None, "uid=alice,ou=people", change_type, changes.encode())


def clear(password: str, operation: str = "replace") -> str:
    """The modification with a clear text, as it is written when it has more than plain characters."""
    encoded = base64.b64encode(password.encode()).decode()
    folded = f"{encoded[:10]}\n {encoded[10:]}" if len(encoded) > 10 else encoded
    return f"{operation}: unhashed#user#password\nunhashed#user#password:: {folded}\n-\n"


def found(changes: str, change_type: str = "modify") -> str | None:
    """The password."""
    new = new_password(entry(changes, change_type))
    return None if new is None or new.password is None else new.password.reveal()


@pytest.mark.parametrize("password", ["Geheim-Müller-42", " spaces at both ends ", "-\n-", "", "replace: x\n-\ny: z"])
def test_a_password_is_read_as_it_was_sent(password: str) -> None:
    assert found(HASH + WHO + clear(password) + END) == password
    assert found(WHO + HASH + clear(password, "add")) == password


def test_a_plain_value_is_read_as_it_stands() -> None:
    assert found(HASH + "replace: unhashed#user#password\nunhashed#user#password: Plain-1 \n-\n\x00") == "Plain-1 "


def test_of_several_the_last_counts() -> None:
    assert found(HASH + clear("first") + clear("second")) == "second"


def test_a_clear_text_is_not_believed_alone() -> None:
    told = new_password(entry(WHO + clear("Forged-1") + END))
    assert told == NewPassword(None, NO_HASH)
    told = new_password(entry("delete: userPassword\n-\n" + WHO + clear("Forged-1") + END))
    assert told == NewPassword(None, NO_HASH)


@pytest.mark.parametrize(
    "changes",
    [
        "",
        "\x00",
        WHO,
        clear("former", "delete"),
        "delete: userPassword\n-\n" + WHO,
        "replace: description\ndescription: x",
    ],
)
def test_what_sets_no_password_says_nothing(changes: str) -> None:
    assert new_password(entry(changes)) is None


def test_entries_that_were_added_say_nothing_since_the_log_has_no_clear_text_of_them() -> None:
    assert new_password(entry(f"objectClass: person\n{HASH}", "add")) is None


def test_a_hash_without_a_clear_text_is_told_unless_the_server_itself_made_it() -> None:
    told = new_password(entry(HASH + WHO + END))
    assert told is not None
    assert (told.password, told.why) == (None, NOT_IN_CLEAR)
    assert new_password(entry(HASH + END)) is None


def test_what_is_not_utf_8_is_told() -> None:
    for value in ("/w==", "no base64!"):
        told = new_password(entry(f"{HASH}replace: unhashed#user#password\nunhashed#user#password:: {value}\n-\n"))
        assert told is not None
        assert (told.password, told.why) == (None, "it is not UTF-8")


def test_only_the_clear_text_is_taken_out_and_what_was_cleared_says_nothing_any_more() -> None:
    cleared = without_password(entry(HASH + clear("former", "delete") + WHO + clear("Secret-1") + END))
    assert cleared == TAKEN + (HASH + WHO).encode()
    after = entry(cleared.decode())
    assert new_password(after) is None
    assert without_password(after) is None


def test_an_entry_shows_nothing() -> None:
    assert "Secret" not in repr(entry(clear("Secret-1") + "Secret"))
