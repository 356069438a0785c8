"""An adapter made with the kit: what it does with each notification, and with a controller that does not answer."""

import logging
import os
import signal
import threading
from collections.abc import Callable

import pytest

from controller.sdk.errors import CallRefused, SessionReplaced
from controller.sdk.handlers import GroupHandler, PasswordHandler, Status
from controller.sdk.notifications import PasswordChange
from controller.sdk.outcomes import FAILURES, Failure, PasswordRejected
from controller.sdk.verdict import WITHHELD
from tests.doubles.sdk import AWAY, NOTHING, SESSION, Script, answer, password_change, problem, scripted

CONFIRMED = answer(trackingId="t-1", account="ALICE1", state="confirmed", code="")


class System(PasswordHandler):
    """Remembers what it is given, or fails."""

    def __init__(
        self,
        error: Exception | None = None,
        status: Status | Exception | None = None,
        during: Callable[[], None] = lambda: None,
    ) -> None:
        self.error = error
        self.told = status or Status()
        self.during = during
        self.passwords: dict[str, str] = {}
        self.changes: list[PasswordChange] = []

    def set_password(self, change: PasswordChange) -> None:
        """Take it."""
        self.changes.append(change)
        self.during()
        if self.error is not None:
            raise self.error
        self.passwords[change.account] = change.password.reveal()

    def status(self) -> Status:
        """Say what is told."""
        if isinstance(self.told, Exception):
            raise self.told
        return self.told


class Group(GroupHandler):
    """Remembers the members."""

    def __init__(self) -> None:
        self.served: list[set[str]] = []

    def serve(self, adapters: frozenset[str]) -> None:
        """Remember them."""
        self.served.append(set(adapters))


def completions(script: Script) -> list[dict[str, object]]:
    """What was completed."""
    return script.bodies("/complete")


def test_a_password_is_set_and_then_confirmed_and_the_session_ends_in_good_order() -> None:
    adapter, script, _ = scripted(notifications=[NOTHING, password_change()], complete=[CONFIRMED])
    system = System()
    adapter.run(system)
    assert system.passwords == {"ALICE1": "New-1"}
    assert script.calls() == [
        "POST /session",
        "GET /notifications?wait=30",
        "GET /notifications?wait=30",
        "POST /notifications/t-1/complete",
        "GET /notifications?wait=30",
        "DELETE /session",
    ]
    assert completions(script) == [{"errorCode": 0, "message": "", "account": "ALICE1"}]
    assert [r.headers.get("Pwsync-Session") for r in script.sent] == [None, *["s-1"] * 5]
    assert {r.headers["Authorization"] for r in script.sent} == {"Bearer pwsync_token"}
    assert script.is_closed


@pytest.mark.parametrize("failure", FAILURES)
def test_why_a_password_was_not_set_is_told_by_its_type(failure: type[Failure]) -> None:
    adapter, script, _ = scripted(notifications=[password_change()], complete=[CONFIRMED])
    adapter.run(System(failure("ICH408I\n  not now")))
    assert completions(script) == [{"errorCode": failure.error_code, "message": "ICH408I not now", "account": "ALICE1"}]


@pytest.mark.parametrize("words", ["no: Sëcret-1", "SËCRET-1", "the old one was old-77"])
def test_words_that_hold_a_password_are_withheld(words: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    given = password_change("Sëcret-1", oldPassword="Old-77")
    adapter, script, _ = scripted(notifications=[given], complete=[CONFIRMED])
    adapter.run(System(PasswordRejected(words)))
    assert completions(script)[0]["message"] == WITHHELD
    assert "cret-1" not in caplog.text.casefold()


def test_a_defect_of_the_handler_is_told_by_its_type_and_place_alone(caplog: pytest.LogCaptureFixture) -> None:
    adapter, script, _ = scripted(notifications=[password_change()], complete=[CONFIRMED])
    adapter.run(System(ValueError("'New-1' is not what I like")))
    assert completions(script)[0] == {
        "errorCode": 8,
        "message": "the adapter's handler failed: ValueError",
        "account": "ALICE1",
    }
    assert "test_serving.py:" in caplog.text
    assert "New-1" not in caplog.text


def test_long_words_are_cut() -> None:
    adapter, script, _ = scripted(notifications=[password_change()], complete=[CONFIRMED])
    adapter.run(System(PasswordRejected("x" * 600)))
    assert len(str(completions(script)[0]["message"])) == 500


def test_a_completion_is_repeated_until_the_controller_answers() -> None:
    busy = answer(503, retry_after=5, code="storeUnavailable", detail="away")
    adapter, script, sign = scripted(notifications=[password_change()], complete=[AWAY, busy, AWAY, CONFIRMED])
    system = System()
    adapter.run(system)
    assert len(completions(script)) == 4
    assert len(system.changes) == 1, "the password is set once"
    assert sign.waited == [1.0, 5.625, 4.0]


def test_a_completion_that_is_refused_ends_nothing() -> None:
    gone = problem(404, "trackingIdUnknown")
    adapter, script, _ = scripted(notifications=[password_change(), password_change()], complete=[gone, CONFIRMED])
    adapter.run(System())
    assert len(completions(script)) == 2


def test_what_cannot_be_completed_before_it_is_stopped_is_left_to_come_again() -> None:
    adapter, script, _ = scripted(notifications=[password_change()], complete=[AWAY, AWAY])
    adapter.run(System(during=adapter.stop))
    assert len(completions(script)) == 1
    assert script.calls()[-1] == "DELETE /session"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (Status(), {"online": True, "errorCode": 0, "message": ""}),
        (Status(is_online=False, error_code=6, message="down"), {"online": False, "errorCode": 6, "message": "down"}),
        (OSError("x"), {"online": False, "errorCode": 8, "message": "the adapter's handler failed: OSError"}),
    ],
)
def test_a_request_for_the_status_is_answered(status: Status | Exception, body: dict[str, object]) -> None:
    adapter, script, _ = scripted(notifications=[answer(type="statusRequest")], status=[NOTHING])
    adapter.run(System(status=status))
    assert script.bodies("/status") == [body]


def test_while_the_controller_is_away_it_waits_ever_longer_and_begins_anew_when_it_is_back() -> None:
    adapter, script, sign = scripted(notifications=[*[AWAY] * 8, NOTHING, AWAY])
    adapter.run(System())
    assert sign.waited == [1, 2, 4, 8, 16, 32, 60, 60, 1]
    assert script.calls().count("POST /session") == 1, "a session outlives the controller"


def test_when_the_controller_stops_it_waits_for_the_next_one() -> None:
    adapter, script, sign = scripted(notifications=[answer(type="shutdown"), answer(type="shutdown"), NOTHING])
    adapter.run(System())
    assert sign.waited == [1, 2]
    assert script.calls().count("GET /notifications?wait=30") == 4


def test_it_may_end_with_the_controller() -> None:
    adapter, script, sign = scripted(notifications=[answer(type="shutdown"), NOTHING], DELETE=[AWAY])
    adapter.run(System(), ends_with_controller=True)
    assert sign.waited == []
    assert script.calls() == ["POST /session", "GET /notifications?wait=30", "DELETE /session"]


def test_a_session_that_is_gone_is_begun_anew() -> None:
    adapter, script, _ = scripted(
        session=[answer(**SESSION), answer(session="s-2", reconnected=True)],
        notifications=[problem(409, "wrongState"), NOTHING],
    )
    adapter.run(System())
    assert script.calls().count("POST /session") == 2
    assert script.sent[-1].headers["Pwsync-Session"] == "s-2"


def test_a_completion_of_a_session_that_is_gone_comes_again_in_the_next_one() -> None:
    adapter, script, _ = scripted(
        notifications=[password_change(), password_change(redelivered=True)],
        complete=[problem(409, "wrongState"), CONFIRMED],
    )
    adapter.run(System())
    assert script.calls().count("POST /session") == 2
    assert len(completions(script)) == 2


@pytest.mark.parametrize("at", ["notifications", "complete"])
def test_a_process_that_was_replaced_ends_and_says_so(at: str) -> None:
    answers = {"notifications": [password_change()], "complete": [CONFIRMED]} | {at: [problem(409, "wrongSession")]}
    adapter, script, _ = scripted(**answers)
    with pytest.raises(SessionReplaced, match="about wrongSession"):
        adapter.run(System())
    assert "DELETE /session" not in script.calls(), "the session is another's by now"
    assert script.is_closed


def test_a_disabled_adapter_waits_until_it_is_enabled() -> None:
    disabled = problem(403, "refused", reason="adapterDisabled")
    adapter, script, sign = scripted(session=[disabled, disabled, answer(**SESSION)], notifications=[NOTHING])
    adapter.run(System())
    assert sign.waited == [1, 2]
    assert script.calls()[-1] == "DELETE /session"


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [(403, "refused", "callerNotAllowed"), (401, "unauthenticated", ""), (404, "notFound", "")],
)
def test_an_adapter_that_is_refused_ends_and_says_why(status: int, code: str, reason: str) -> None:
    adapter, script, _ = scripted(session=[problem(status, code, reason=reason, hint="do this")])
    with pytest.raises(CallRefused, match=rf"about {code} \(do this\)") as caught:
        adapter.run(System())
    assert (caught.value.status, caught.value.code, caught.value.reason) == (status, code, reason)
    assert script.calls() == ["POST /session"]


def test_what_a_newer_controller_says_is_passed_over() -> None:
    adapter, script, _ = scripted(notifications=[answer(type="newThing", field=1), NOTHING])
    adapter.run(System())
    assert script.calls().count("GET /notifications?wait=30") == 3


def test_a_group_adapter_is_told_the_members_whenever_they_are_others() -> None:
    adapter, _, _ = scripted(
        notifications=[
            answer(type="adaptersInGroup", adapters=["a", "b"]),
            answer(type="adaptersInGroup", adapters=["b", "a"]),
            answer(type="addAdapter", adapter="c"),
            answer(type="deleteAdapter", adapter="a"),
        ]
    )
    group = Group()
    adapter.run(group)
    assert group.served == [{"a", "b"}, {"a", "b", "c"}, {"b", "c"}]


def test_a_group_without_members_is_told_too() -> None:
    adapter, script, _ = scripted(
        notifications=[answer(type="adaptersInGroup", adapters=[]), answer(type="statusRequest")], status=[NOTHING]
    )
    group = Group()
    adapter.run(group)
    assert group.served == [set()]
    assert script.bodies("/status") == [{"online": True, "errorCode": 0, "message": ""}]


def test_a_handler_of_the_wrong_kind_does_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    adapter, _, _ = scripted(notifications=[answer(type="adaptersInGroup", adapters=["a"])])
    adapter.run(System())
    assert "its handler is not" in caplog.text
    adapter, script, _ = scripted(notifications=[password_change()], complete=[CONFIRMED])
    adapter.run(Group())
    assert completions(script)[0]["errorCode"] == 5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_once_the_password_under_way_is_confirmed(number: signal.Signals) -> None:
    adapter, script, _ = scripted(notifications=[password_change(), password_change()], complete=[CONFIRMED])
    former = signal.getsignal(number)
    adapter.run(System(during=lambda: os.kill(os.getpid(), number)))
    assert script.calls()[-2:] == ["POST /notifications/t-1/complete", "DELETE /session"]
    assert script.is_interrupted
    assert signal.getsignal(number) is former


def test_in_another_thread_it_is_stopped_by_its_method() -> None:
    adapter, script, _ = scripted(notifications=[NOTHING])
    thread = threading.Thread(target=adapter.run, args=(System(),))
    thread.start()
    thread.join(30)
    assert script.calls()[-1] == "DELETE /session"
