"""What entries of the change log say."""

from datetime import UTC, datetime

import pytest

from controller.capture.racf.changelog import Kind, LogEntry, NewPassword, new_passwords, user_of

SUFFIX = "cn=racf,o=example"
ALICE = f"racfid=ALICE1,profiletype=USER,{SUFFIX}"
BOTH = tuple(Kind)


def told(
    changes: str, target: str = ALICE, change_type: str = "modify", kinds: tuple[Kind, ...] = BOTH
) -> list[object]:
    at = datetime(2026, 5, 6, tzinfo=UTC)
    return [*new_passwords(LogEntry(7, "20260506", at, target, change_type, "", changes), SUFFIX, kinds)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ("replace: racfPassword\nracfPassword: *ComeAndGetIt*\n-\n", [(Kind.PASSWORD, True)]),
        ("replace: racfPassPhrase\r\nracfPassPhrase: *NoEnvelope*\r\n-\r\n", [(Kind.PHRASE, False)]),
        ("replace:RACFPASSWORD\nracfpassword:: KkNvbWVBbmRHZXRJdCo=\n-", [(Kind.PASSWORD, True)]),
        ("replace: racfPassword\nracfPassword: *ComeAnd\n GetIt*\n", [(Kind.PASSWORD, True)]),
        ("replace: racfPassword\nracfPassword: *SomethingNew*\n", [(Kind.PASSWORD, False)]),
        ("replace: racfPassword\nracfPassword:: ?\n", [(Kind.PASSWORD, False)]),
        (
            (
                "replace: racfPassword\nracfPassword: *ComeAndGetIt*\n-\n"
                "add: racfPassPhrase\nracfPassPhrase: *NoEnvelope*\n-\n"
            ),
            [(Kind.PASSWORD, True), (Kind.PHRASE, False)],
        ),
        ("delete: racfPassPhrase\nracfPassPhrase: *ComeAndGetIt*\n-\n", []),
        ("replace: racfProgrammerName\nracfProgrammerName: racfPassword\n-\n", []),
        ("racfUserProfile", []),
        ("", []),
    ],
)
def test_new_passwords_are_found(changes: str, expected: list[tuple[Kind, bool]]) -> None:
    assert told(changes) == [NewPassword("ALICE1", kind, has_envelope) for kind, has_envelope in expected]


def test_only_users_below_the_suffix_and_kinds_that_are_wanted_count() -> None:
    changed = "replace: racfPassword\nracfPassword: *ComeAndGetIt*\n"

    assert told(changed, change_type="add") == []
    assert told(changed, kinds=(Kind.PHRASE,)) == []
    assert told(changed, target="racfid=G1,profiletype=GROUP,o=example") == [NewPassword(None, Kind.PASSWORD, True)]


@pytest.mark.parametrize(
    ("dn", "user"),
    [
        (ALICE, "ALICE1"),
        (ALICE.lower(), "ALICE1"),
        ("racfid=\\#A$@,profiletype=user, cn=RACF,o=example", "#A$@"),
        ("racfid=TOOLONG99,profiletype=USER,cn=racf,o=example", None),
        ("racfid=ALICE1,profiletype=USER,cn=other,o=example", None),
        ("uid=ALICE1,profiletype=USER,cn=racf,o=example", None),
        ("", None),
    ],
)
def test_the_user_is_read_from_its_dn(dn: str, user: str | None) -> None:
    assert user_of(dn, SUFFIX) == user
