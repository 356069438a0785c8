"""What the API says when something fails inside, or nobody serves what was asked for; and its probes."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
import structlog
from structlog.testing import capture_logs

from controller.model.accounts import Account
from controller.model.credential import SealPlace
from controller.model.errors import SealBroken, StoreUnavailable, StoreUnusable
from controller.model.secret import Secret
from controller.ports.sealing import Sealer
from controller.ports.store import Store, Transaction
from controller.web import gathering, probes
from tests.doubles.api import WINDOWS, ApiBench, new_password

ALICE = {"account": r"CORP\alice", "password": "n3w"}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiBench]:
    bench = ApiBench(tmp_path)
    yield bench
    bench.close()


@dataclass
class FailingStore:
    """A store whose writing, or all of it, fails."""

    inner: Store
    error: Exception
    fails_reading: bool = False

    def write(self) -> AbstractContextManager[Transaction]:
        raise self.error

    def read(self) -> AbstractContextManager[Transaction]:
        if self.fails_reading:
            raise self.error
        return self.inner.read()

    def close(self) -> None:
        self.inner.close()


@dataclass
class BlabbingSealer:
    """A sealer that puts the password into its error, as a foreign library might."""

    inner: Sealer

    def seal(self, secret: Secret, place: SealPlace) -> bytes:
        raise RuntimeError(f"cannot seal {secret.reveal()} for {place}")

    def open(self, sealed: bytes, place: SealPlace) -> Secret:
        return self.inner.open(sealed, place)

    def open_captured(self, sealed: bytes, account: Account, occurred_at: datetime) -> Secret:
        return self.inner.open_captured(sealed, account, occurred_at)

    def fingerprint(self, secret: Secret, account: Account) -> bytes:
        return self.inner.fingerprint(secret, account)


def test_a_store_that_is_away_asks_to_come_again(api: ApiBench) -> None:
    api.post(WINDOWS, ALICE)
    store = FailingStore(api.bench.store, StoreUnavailable("postgresql://10.0.0.5 is away"))
    app = api.made_with(api.installed(store))

    answer = api.call("POST", WINDOWS, by="dc1", json=ALICE, app=app)

    assert (answer.status_code, answer.json()["code"]) == (503, "storeUnavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert "10.0.0.5" not in answer.text
    assert api.accepted == 1


def test_when_too_many_reports_wait_the_next_one_is_told_so(api: ApiBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MOST_WAITING", 0)
    answer = api.post(WINDOWS, ALICE)
    assert (answer.status_code, answer.json()["code"]) == (503, "tooManyReports")
    assert int(answer.headers["Retry-After"]) > 0
    assert api.accepted == 0


def test_a_token_that_cannot_be_checked_now_is_not_called_wrong(api: ApiBench) -> None:
    store = FailingStore(api.bench.store, StoreUnavailable("away"), fails_reading=True)

    answer = api.call("POST", WINDOWS, by="dc1", json=ALICE, app=api.made_with(api.installed(store)))

    assert answer.status_code == 503


@pytest.mark.parametrize(
    "error", [StoreUnusable("row 7 of changes"), SealBroken("row 7"), ValueError("row 7"), KeyError(7)]
)
def test_a_failure_inside_tells_its_instance_alone(api: ApiBench, error: Exception) -> None:
    app = api.made_with(api.installed(FailingStore(api.bench.store, error)))

    with capture_logs() as logs:
        answer = api.call("POST", WINDOWS, by="dc1", json=ALICE, app=app)

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (500, "internal")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert UUID(problem["instance"]).version == 4
    assert "row" not in answer.text
    assert [(e["error"], e["instance"]) for e in logs] == [(type(error).__name__, problem["instance"])]
    assert "row" not in repr(logs)


def test_two_failures_have_two_instances(api: ApiBench) -> None:
    app = api.made_with(api.installed(FailingStore(api.bench.store, ValueError())))

    one, two = (api.call("POST", WINDOWS, by="dc1", json=ALICE, app=app).json()["instance"] for _ in range(2))

    assert one != two


def test_an_error_that_holds_a_password_is_neither_answered_nor_logged(
    api: ApiBench, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    structlog.reset_defaults()  # other tests may have sent logs elsewhere
    secret = new_password()
    app = api.made_with(api.installed(sealer=BlabbingSealer(api.bench.sealer)))

    answer = api.call("POST", WINDOWS, by="dc1", json={**ALICE, "password": secret}, app=app)

    assert answer.status_code == 500
    out, err = capfd.readouterr()
    assert "RuntimeError" in out + err
    for text in (answer.text, out, err, caplog.text):
        assert secret not in text
        assert "Traceback" not in text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2", 404),
        ("GET", "/v1", 404),
        ("GET", "/v1/changes/x/", 404),
        ("POST", "/v1/domains/A/B/changes", 404),
        ("POST", "/healthz/", 404),
        ("GET", WINDOWS, 405),
        ("DELETE", WINDOWS, 405),
        ("POST", "/healthz", 405),
        ("OPTIONS", WINDOWS, 405),
    ],
)
def test_what_nobody_serves_is_a_problem_too(api: ApiBench, method: str, path: str, status: int) -> None:
    answer = api.call(method, path)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    code = {404: "unknownPath", 405: "methodNotAllowed"}[status]
    content = answer.json()
    assert (content["type"], content["code"]) == (f"urn:pwsync:problem:{code}", code)
    assert (content["title"], content["status"]) == (answer.reason_phrase, status)
    assert ("Allow" in answer.headers) == (status == 405)


BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def test_a_browser_that_finds_no_page_gets_one_that_says_so(api: ApiBench) -> None:
    answer = api.call("GET", "/no-such-page", headers=BROWSER)

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "there is no page at this address" in answer.text
    assert 'href="/"' in answer.text
    assert answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/nothing", 404), ("POST", "/healthz", 405)])
def test_the_api_answers_a_browser_with_a_problem_too(api: ApiBench, method: str, path: str, status: int) -> None:
    answer = api.call(method, path, headers=BROWSER)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("method", "path", "caller"),
    [
        ("POST", WINDOWS, "dc1"),
        ("POST", WINDOWS, "stranger"),
        ("POST", WINDOWS, None),
        ("GET", "/v1/changes/x", "ops"),
        ("GET", "/nowhere", None),
        ("PUT", "/healthz", None),
        ("GET", "/healthz", None),
        ("GET", "/readyz", None),
    ],
)
def test_every_answer_carries_the_security_headers(api: ApiBench, method: str, path: str, caller: str | None) -> None:
    answer = api.call(method, path, by=caller, json=ALICE)

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_failure_inside_carries_them_too(api: ApiBench) -> None:
    app = api.made_with(api.installed(FailingStore(api.bench.store, ValueError())))

    answer = api.call("POST", WINDOWS, by="dc1", json=ALICE, app=app)

    assert answer.headers["Cache-Control"] == "no-store"


def test_the_process_is_up_whatever_the_store_does(api: ApiBench) -> None:
    store = FailingStore(api.bench.store, StoreUnavailable("away"), fails_reading=True)

    answer = api.call("GET", "/healthz", app=api.made_with(api.installed(store)))

    assert (answer.status_code, answer.json()) == (200, {"status": "up"})


def test_it_is_ready_while_the_store_answers(api: ApiBench) -> None:
    answer = api.call("GET", "/readyz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


@pytest.mark.parametrize("error", [StoreUnavailable("10.0.0.5 is away"), StoreUnusable("/srv/pwsync.db")])
def test_it_is_not_ready_when_the_store_does_not_answer(api: ApiBench, error: Exception) -> None:
    store = FailingStore(api.bench.store, error, fails_reading=True)

    answer = api.call("GET", "/readyz", app=api.made_with(api.installed(store)))

    assert (answer.status_code, answer.json()) == (503, {"status": "notReady"})


def test_it_is_not_ready_when_the_store_hangs(api: ApiBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "PATIENCE_SECONDS", 0.05)
    until = threading.Event()

    class HangingStore(FailingStore):
        def read(self) -> AbstractContextManager[Transaction]:
            until.wait(30)
            return self.inner.read()

    threading.Timer(0.5, until.set).start()
    answer = api.call("GET", "/readyz", app=api.made_with(api.installed(HangingStore(api.bench.store, ValueError()))))

    assert answer.status_code == 503
