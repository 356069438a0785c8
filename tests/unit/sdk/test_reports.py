"""What an adapter made with the kit reports, and what it tells of answers that it cannot use."""

from datetime import UTC, datetime

import pytest

from controller.model.secret import Secret
from controller.sdk.calls import ReportedChange
from controller.sdk.errors import CallRefused, ControllerAway, Stopped
from controller.sdk.handlers import Status
from controller.sdk.transport import Answer, Request
from tests.doubles.sdk import AWAY, NOTHING, answer, problem, scripted

THEN = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_change_is_reported_until_it_is_durable() -> None:
    full = answer(503, retry_after=2, code="stopping", detail="the controller ends")
    limited = answer(429, code="tooMany", title="slower")
    adapter, script, sign = scripted(changes=[AWAY, full, limited, answer(202, trackingId="t-9")])
    told = adapter.report_change("ALICE1", Secret("New-1"), old_password=Secret("Old-1"), occurred_at=THEN)
    assert told == "t-9"
    body = {"account": "ALICE1", "password": "New-1", "oldPassword": "Old-1", "occurredAt": "2026-01-01T12:00:00+00:00"}
    assert script.bodies("/changes") == [body] * 4
    assert sign.waited == [1, 2.25, 4]


def test_a_report_needs_no_session_and_no_more_than_a_password() -> None:
    adapter, script, _ = scripted(changes=[answer(202, trackingId="t-9")])
    adapter.report_change("ALICE1", Secret("New-1"))
    assert script.bodies("/changes") == [{"account": "ALICE1", "password": "New-1"}]
    assert "Pwsync-Session" not in script.sent[0].headers
    adapter.close()
    assert script.is_closed


def test_a_time_without_an_offset_is_not_taken() -> None:
    adapter, script, _ = scripted()
    with pytest.raises(ValueError, match="must be aware"):
        adapter.report_change("ALICE1", Secret("New-1"), occurred_at=datetime(2026, 1, 1))  # noqa: DTZ001  # the mistake
    assert script.sent == []


def test_a_report_that_is_refused_says_why() -> None:
    adapter, _, _ = scripted(changes=[problem(403, "refused", reason="syncFromAdapterOff")])
    with pytest.raises(CallRefused) as caught:
        adapter.report_change("ALICE1", Secret("New-1"))
    assert caught.value.reason == "syncFromAdapterOff"


def test_a_report_that_is_stopped_says_that_nobody_knows() -> None:
    adapter, _, _ = scripted(changes=[AWAY])
    adapter.stop()
    with pytest.raises(Stopped):
        adapter.report_change("ALICE1", Secret("New-1"))


def test_an_expired_password_is_reported() -> None:
    adapter, script, _ = scripted(expirations=[AWAY, answer(applications=["HOST"])])
    assert adapter.report_expired("ALICE1") == ["HOST"]
    assert script.bodies("/expirations") == [{"account": "ALICE1"}] * 2


def test_a_status_is_reported_unasked() -> None:
    adapter, script, _ = scripted(status=[NOTHING])
    adapter.report_status(Status(is_online=False, error_code=6))
    assert script.bodies("/status") == [{"online": False, "errorCode": 6, "message": ""}]


def test_what_became_of_a_change_can_be_read() -> None:
    given = answer(trackingId="t-9", state="discarded", reason="damped", message="an echo", deliveries=[])
    adapter, script, _ = scripted(**{"t-9": [given]})
    assert adapter.change("t-9") == ReportedChange("t-9", "discarded", "damped", "an echo")
    assert script.sent[0].path == "/v1/changes/t-9"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (Answer(200, b"<html>"), "no JSON in an answer of status 200"),
        (Answer(200, b"[]"), "no JSON"),
        (Answer(200, b"{}"), "cannot be read: KeyError"),
        (answer(session=1, reconnected=True, extra=1), ""),
        (Answer(502, b"<html>"), "the controller answers with status 502"),
    ],
)
def test_what_is_no_answer_of_a_controller_is_as_if_there_was_none(given: Answer, told: str) -> None:
    adapter, _, _ = scripted(session=[given])
    if not told:
        assert adapter._calls.initialize() is True
        return
    with pytest.raises(ControllerAway, match=told):
        adapter._calls.initialize()


def test_a_notification_that_lacks_something_is_not_quoted() -> None:
    adapter, _, _ = scripted(notifications=[answer(type="passwordChange", trackingId="t", account="A", password=17)])
    with pytest.raises(ControllerAway, match="cannot be read: TypeError") as caught:
        adapter._calls.receive(0)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_neither_token_nor_password_is_shown_in_a_request() -> None:
    shown = repr(Request("POST", "/v1/x", {"Authorization": "Bearer pwsync_t"}, b'{"password": "New-1"}'))
    assert "pwsync_t" not in shown
    assert "New-1" not in shown


def test_names_are_escaped_in_paths() -> None:
    adapter, script, _ = scripted(**{"..%2F": [AWAY]})
    adapter.stop()
    with pytest.raises(Stopped):
        adapter.change("../")
    assert script.sent[0].path == "/v1/changes/..%2F"
