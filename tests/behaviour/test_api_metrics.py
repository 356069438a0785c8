"""Metrics over HTTP: who may read them, what they tell of requests; the access log; turning work away."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from starlette.types import ASGIApp

from controller.model.errors import StoreUnavailable
from controller.runtime.metrics import Metrics
from controller.runtime.telemetry import configure_logging
from controller.web.metrics import MetricsPage, make_metrics_app
from controller.web.service import make_service
from controller.web.stopping import Stopping
from tests.doubles.api import EXTERNAL, WINDOWS, ApiBench, new_password
from tests.doubles.scraping import Scrape

ALICE = {"account": r"CORP\alice", "password": "n3w"}


class Service:
    """A service over a bench."""

    def __init__(self, bench: ApiBench) -> None:
        self.bench = bench
        self.metrics = Metrics()
        self.page = MetricsPage(bench.installation, self.metrics)
        self.stopping = Stopping()
        self.app = self.made()

    def made(self, *, logs_requests: bool = False) -> ASGIApp:
        """What answers."""
        return make_service(
            self.bench.installation,
            lambda: None,
            metrics=self.metrics,
            page=self.page,
            stopping=self.stopping,
            logs_requests=logs_requests,
        )

    def call(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Send one request."""
        return self.bench.call(method, path, app=request.pop("app", self.app), **request)

    def told(self) -> Scrape:
        """The metrics, as an administrator reads them."""
        answer = self.call("GET", "/metrics", by="ops")
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return Scrape(answer.text)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    bench = ApiBench(tmp_path)
    yield Service(bench)
    bench.close()
    structlog.reset_defaults()


def test_only_administrators_read_metrics_on_the_address_of_the_api(service: Service) -> None:
    assert service.call("GET", "/metrics").status_code == 401
    for caller, reason in (("dc1", "notAllowed"), ("agent", "notAllowed"), ("stranger", "noRole")):
        answer = service.call("GET", "/metrics", by=caller)
        assert (answer.status_code, answer.json()["reason"]) == (403, reason)
    assert "pwsync_build_info" in service.told().names()


def test_an_address_for_metrics_alone_asks_nobody_who_they_are_and_has_nothing_else(service: Service) -> None:
    alone = make_metrics_app(service.page)
    assert "pwsync_store_up" in Scrape(service.call("GET", "/metrics", app=alone).text).names()
    for path in ("/healthz", "/v1/changes/x", "/", "/metrics/"):
        assert service.call("GET", path, app=alone, by="ops").status_code == 404
    assert service.call("POST", "/metrics", app=alone).status_code == 405


def test_there_metrics_are_told_while_the_store_is_away(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise StoreUnavailable("the store is away")

    monkeypatch.setattr(type(service.bench.installation.store), "read", fail)
    answer = service.call("GET", "/metrics", app=make_metrics_app(service.page))
    assert Scrape(answer.text).value("pwsync_store_up") == 0
    assert service.call("GET", "/metrics", by="ops").status_code == 503


def test_reports_are_counted_by_direction_and_answer(service: Service) -> None:
    report = {"account": "ALICE1", "password": "n3w"}
    service.call("POST", WINDOWS, by="dc1", json=ALICE)
    service.call("POST", WINDOWS, by="stranger", json=ALICE)
    service.call("POST", WINDOWS, json=ALICE)
    service.call("POST", WINDOWS, by="dc1", json={"account": "x", "password": "y"})
    service.call("POST", WINDOWS, by="dc1", content=b"{", headers={"Content-Type": "application/json"})
    service.call("POST", EXTERNAL, by="agent", json=report)
    service.call("POST", "/v1/adapters/none/changes", by="agent", json=report)
    page = service.told()
    expected = {
        ("windows", "accepted"): 1,
        ("windows", "refused"): 1,
        ("windows", "unauthenticated"): 1,
        ("windows", "invalid"): 1,
        ("windows", "malformed"): 1,
        ("external", "accepted"): 1,
        ("external", "notFound"): 1,
    }
    told = {k: page.value("pwsync_reports_total", direction=k[0], answer=k[1]) for k in expected}
    assert told == expected


def test_requests_are_counted_by_the_template_of_their_path(service: Service) -> None:
    service.call("GET", "/v1/changes/some-id", by="ops")
    service.call("GET", "/v1/changes/other-id", by="ops")
    service.call("GET", "/wp-login.php")
    service.call("BREW", "/coffee")
    page = service.told()
    show = {"method": "GET", "route": "/v1/changes/{trackingId}"}
    assert page.value("pwsync_http_requests_total", status="404", **show) == 2
    assert page.value("pwsync_http_request_duration_seconds_count", **show) == 2
    assert page.value("pwsync_http_requests_total", method="GET", route="none", status="404") == 1
    assert page.value("pwsync_http_requests_total", method="other", route="none", status="404") == 1


def test_no_account_caller_password_or_tracking_id_is_told(service: Service) -> None:
    password = new_password()
    answer = service.call("POST", WINDOWS, by="dc1", json={"account": r"CORP\alice", "password": password})
    service.call("GET", f"/v1/changes/{answer.json()['trackingId']}", by="dc1")
    text = service.told().text
    for secret in ("alice", "ALICE", "dc1", password, answer.json()["trackingId"], service.bench.tokens["dc1"]):
        assert secret not in text


def test_while_stopping_new_work_is_turned_away_and_everything_else_is_answered(service: Service) -> None:
    tracking_id = service.call("POST", WINDOWS, by="dc1", json=ALICE).json()["trackingId"]
    assert service.call("GET", "/readyz").status_code == 200
    service.stopping.say()
    turned_away = [
        service.call("POST", WINDOWS, by="dc1", json=ALICE),
        service.call("POST", EXTERNAL, by="agent", json=ALICE),
        service.call("POST", "/v1/adapters/racf/session", by="agent"),
        service.call("GET", "/v1/adapters/racf/notifications", by="agent"),
        service.call("GET", "/readyz"),
        service.call("HEAD", "/readyz"),
    ]
    assert {answer.status_code for answer in turned_away} == {503}
    assert turned_away[0].json()["code"] == "stopping"
    assert turned_away[0].headers["Retry-After"] == "5"
    assert turned_away[0].headers["Cache-Control"] == "no-store"
    assert service.bench.count_changes() == 1
    assert service.call("GET", "/healthz").status_code == 200
    assert service.call("GET", f"/v1/changes/{tracking_id}", by="dc1").status_code == 200
    assert service.told().value("pwsync_reports_total", direction="windows", answer="unavailable") == 1


def test_the_access_log_has_a_line_per_request_with_the_tracking_id_of_its_change(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("json")
    app = service.made(logs_requests=True)
    tracking_id = service.call("POST", WINDOWS, app=app, by="dc1", json=ALICE).json()["trackingId"]
    service.call("GET", f"/v1/changes/{tracking_id}", app=app, by="dc1")
    reported, asked = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert reported.pop("milliseconds") > 0
    reported.pop("timestamp")
    assert reported == {
        "event": "A request was answered",
        "level": "info",
        "method": "POST",
        "path": WINDOWS,
        "status": 202,
        "client": "127.0.0.1",
        "tracking_id": tracking_id,
    }
    assert (asked["status"], asked["tracking_id"]) == (200, tracking_id)


def test_the_access_log_never_has_a_query_string_a_header_a_body_or_a_character_that_breaks_a_line(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("console")
    app = service.made(logs_requests=True)
    password = new_password()
    service.call("POST", f"{WINDOWS}?password={password}", app=app, by="dc1", json={"password": password})
    service.call("GET", "/a%0Ab%1B[31m", app=app)
    service.call("GET", "/" + "a" * 5000, app=app)
    logged = capsys.readouterr().err
    for secret in (password, "password", "?", service.bench.tokens["dc1"]):
        assert secret not in logged
    assert len(logged.splitlines()) == 3
    assert "/a%0Ab%1B[31m" in logged
    assert len(logged) < 2000


def test_without_being_asked_for_there_is_no_access_log(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("json")
    service.call("GET", "/healthz")
    assert capsys.readouterr().err == ""
