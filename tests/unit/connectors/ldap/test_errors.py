"""Refusals as real directories word them, and what they mean to us."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.connectors.ldap.codes import PASSWORD_POLICY
from controller.connectors.ldap.errors import (
    WITHHELD,
    change_refused,
    clean,
    is_right_password,
    lookup_refused,
    service_bind_refused,
    write_refused,
)
from controller.connectors.ldap.messages import Answer
from controller.model.errors import (
    AccountRefused,
    AccountUnknown,
    Busy,
    ChannelRefused,
    ConnectorError,
    OldPasswordWrong,
    PasswordRejected,
    Rejected,
    Unavailable,
)
from controller.model.secret import Secret

NEW, OLD = Secret("New-password-1"), Secret("Old-password-1")
_SAMBA_WRONG_OLD = "00000056: Constraint violation - check_password_restrictions: The old password doesn't match!"
_WINDOWS_POLICY = "0000052D: SvcErr: DSID-031A1256, problem 5003 (WILL_NOT_PERFORM), data 0\n\x00"
_WINDOWS_WRONG_OLD = "00000056: AtrErr: DSID-03191083, #1:\n\t0: 00000056: DSID-03191083, problem 1005\x00"
_WINDOWS_NO_RIGHT = "00000005: SecErr: DSID-031A1190, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0"
_WINDOWS_NO_TLS = "0000001F: SvcErr: DSID-031A12D2, problem 5003 (WILL_NOT_PERFORM), data 0"
_WINDOWS_UNBOUND = "000004DC: LdapErr: DSID-0C0907C2, comment: a successful bind must be completed, data 0, v2580"


def _bind_words(data: str) -> str:
    return f"80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data {data}, v1db1"


def _policy(error: int, code: int = 19) -> Answer:
    return Answer(code, "some words", {PASSWORD_POLICY: bytes([0x30, 3, 0x81, 1, error])})


@pytest.mark.parametrize(
    ("answer", "expected", "code"),
    [
        (Answer(19, "Password fails quality checking policy"), PasswordRejected, "constraintViolation"),
        (Answer(53, _WINDOWS_POLICY), PasswordRejected, "0000052D"),
        (Answer(19, "0000052D: Constraint violation - too short"), PasswordRejected, "0000052D"),
        (Answer(50, "no write access"), ChannelRefused, "insufficientAccessRights"),
        (Answer(50, _WINDOWS_NO_RIGHT), ChannelRefused, "00000005"),
        (Answer(53, _WINDOWS_NO_TLS), ChannelRefused, "0000001F"),
        (Answer(1, _WINDOWS_UNBOUND), ChannelRefused, "000004DC"),
        (Answer(13, "confidentiality required"), ChannelRefused, "confidentialityRequired"),
        (Answer(10, ""), ChannelRefused, "referral"),
        (Answer(2, "unsupported extended operation"), ChannelRefused, "protocolError"),
        (Answer(32, ""), AccountUnknown, "noSuchObject"),
        (Answer(19, "00000775: Password change not permitted, account locked out!"), AccountRefused, "00000775"),
        (Answer(51, ""), Busy, "busy"),
        (Answer(3, ""), Busy, "timeLimitExceeded"),
        (Answer(11, ""), Busy, "adminLimitExceeded"),
        (Answer(80, "internal error"), Busy, "other"),
        (Answer(1, "000020EF: odd"), Busy, "000020EF"),
        (Answer(52, ""), Unavailable, "unavailable"),
        (Answer(53, "operation restricted"), Rejected, "unwillingToPerform"),
        (Answer(4242, ""), Rejected, "result 4242"),
        (_policy(5), PasswordRejected, "insufficientPasswordQuality"),
        (_policy(8), PasswordRejected, "passwordInHistory"),
        (_policy(1), AccountRefused, "accountLocked"),
        (_policy(3), AccountRefused, "passwordModNotAllowed"),
        (_policy(4, code=50), PasswordRejected, "mustSupplyOldPassword"),
        (_policy(99), PasswordRejected, "constraintViolation"),
    ],
)
def test_a_refused_write_becomes_the_error_of_its_code(
    answer: Answer, expected: type[ConnectorError], code: str
) -> None:
    for error in (write_refused(answer, "dir, account a", NEW), change_refused(answer, "dir, account a", OLD, NEW)):
        assert type(error) is expected
        assert error.directory_code == code
        assert error.message.startswith("dir, account a: ")


@pytest.mark.parametrize(
    "answer", [Answer(19, _SAMBA_WRONG_OLD), Answer(19, _WINDOWS_WRONG_OLD), Answer(49, ""), Answer(16, "")]
)
def test_a_wrong_old_password_is_known_by_its_code(answer: Answer) -> None:
    assert type(change_refused(answer, "dir", OLD, NEW)) is OldPasswordWrong
    assert type(write_refused(answer, "dir", NEW)) is not OldPasswordWrong


@pytest.mark.parametrize(
    ("answer", "expected", "code"),
    [
        (Answer(49, "invalid credentials"), ChannelRefused, "invalidCredentials"),
        (Answer(49, _bind_words("52e")), ChannelRefused, "52e"),
        (Answer(49, _bind_words("532")), ChannelRefused, "532"),
        (Answer(53, "account inactivated"), ChannelRefused, "unwillingToPerform"),
        (Answer(51, ""), Busy, "busy"),
        (Answer(52, ""), Unavailable, "unavailable"),
    ],
)
def test_a_refused_service_account_is_a_matter_of_the_channel(
    answer: Answer, expected: type[ConnectorError], code: str
) -> None:
    error = service_bind_refused(answer, "dir, svc", OLD)

    assert type(error) is expected
    assert error.directory_code == code


def test_the_state_of_the_service_account_is_named() -> None:
    states = {"525": "not exist", "532": "expired", "533": "disabled", "773": "must change", "775": "locked"}
    for data, words in states.items():
        assert words in service_bind_refused(Answer(49, _bind_words(data)), "dir, svc").message


def test_a_name_of_the_service_account_that_is_no_dn_is_told_where_only_a_dn_is_taken() -> None:
    error = service_bind_refused(Answer(34, "invalid DN"), "dir, admin")
    assert type(error) is ChannelRefused
    assert error.message == "dir, admin: the directory takes only a DN as the name of the service account"
    assert error.hint.startswith("write it in bind.user")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(32, ""), ChannelRefused),
        (Answer(34, ""), ChannelRefused),
        (Answer(51, ""), Busy),
        (Answer(87, ""), ChannelRefused),
    ],
)
def test_a_refused_search_is_a_matter_of_the_channel(answer: Answer, expected: type[ConnectorError]) -> None:
    assert type(lookup_refused(answer, "dir")) is expected


@pytest.mark.parametrize(
    "answer",
    [
        Answer(0),
        *(Answer(49, _bind_words(data)) for data in ("530", "531", "532", "773")),
        _policy(0, code=49),
    ],
)
def test_a_password_that_is_right_but_may_not_be_used_now_is_right(answer: Answer) -> None:
    assert is_right_password(answer, "dir, account a", NEW)


@pytest.mark.parametrize("answer", [Answer(49, ""), Answer(49, _bind_words("52e")), Answer(48, "")])
def test_a_wrong_password_is_wrong(answer: Answer) -> None:
    assert not is_right_password(answer, "dir, account a", NEW)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        *((Answer(49, _bind_words(data)), AccountRefused) for data in ("533", "534", "701", "775")),
        (Answer(49, _bind_words("525")), AccountUnknown),
        (_policy(1, code=49), AccountRefused),
        (Answer(19, "Exceed password retry limit"), AccountRefused),
        (Answer(53, "Account inactivated"), AccountRefused),
        (Answer(32, ""), AccountUnknown),
        (Answer(51, ""), Busy),
        (Answer(52, ""), Unavailable),
        (Answer(8, ""), ChannelRefused),
        (Answer(71, ""), Rejected),
    ],
)
def test_an_answer_that_hides_whether_the_password_is_right_is_an_error(
    answer: Answer, expected: type[ConnectorError]
) -> None:
    with pytest.raises(expected) as caught:
        is_right_password(answer, "dir, account a", NEW)
    assert type(caught.value) is expected


@given(words=st.text(max_size=60), text=st.text(min_size=1, max_size=20), tail=st.text(max_size=60))
def test_no_words_of_a_directory_carry_a_secret(words: str, text: str, tail: str) -> None:
    assert clean(words + text + tail, [Secret(text)]) == WITHHELD


def test_words_are_shown_without_what_disturbs_a_terminal() -> None:
    assert clean("line one\n\ttwo\x1b[31m\x00", [NEW, Secret("")]) == "line one two [31m"
    assert len(clean("x" * 5000, [])) == 500


@pytest.mark.parametrize(
    "value", [b"", b"\x30\x00", b"\x30\x03\x81\x01", b"\x30\x05\xa0\x03\x80\x01\x05", b"\x30\x80", b"\x30\x84\x00"]
)
def test_a_policy_control_without_an_error_changes_nothing(value: bytes) -> None:
    assert type(write_refused(Answer(19, "", {PASSWORD_POLICY: value}), "dir", NEW)) is PasswordRejected


def test_the_error_is_found_behind_a_warning() -> None:
    control = bytes([0x30, 8, 0xA0, 3, 0x80, 1, 5, 0x81, 1, 1])
    assert type(write_refused(Answer(19, "", {PASSWORD_POLICY: control}), "dir", NEW)) is AccountRefused


def test_lengths_of_the_long_form_are_read() -> None:
    control = bytes.fromhex("308400000003810107")  # as 389 Directory Server sends it
    refused = write_refused(Answer(19, "", {PASSWORD_POLICY: control}), "dir", NEW)
    assert (type(refused), refused.directory_code) == (PasswordRejected, "passwordTooYoung")
