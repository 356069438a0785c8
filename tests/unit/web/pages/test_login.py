"""Who gets in, how long they stay, and what everybody else is told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from controller.model.actor import Actor
from controller.model.errors import StoreUnavailable
from controller.ports.audit import AuditQuery
from controller.ports.store import Store
from controller.web.pages import attempts, sessions
from controller.web.pages.attempts import Attempts
from controller.web.pages.login import REFUSED, TOO_MANY
from controller.web.pages.sessions import IDLE, LONGEST, Sessions
from tests.doubles.api import SWITCHES
from tests.doubles.status_pages import PagesBench, text_of

PAGES = ("/", "/topology", "/changes", "/changes/id-000000", "/parked", "/parked/discard", "/plan", "/events", "/live")
START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.mark.parametrize("path", PAGES)
def test_without_a_session_every_page_leads_to_the_login(pages: PagesBench, path: str) -> None:
    answer = pages.browser().get(path)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/login")
    assert answer.text == ""


def test_an_administrator_logs_in_and_is_led_to_the_page_asked_for(pages: PagesBench) -> None:
    browser = pages.browser()
    wanted = browser.get("/events").headers["Location"]
    assert wanted == "/login?next=/events"
    assert 'name="next" value="/events"' in browser.get(wanted).text
    answer = browser.log_in(pages.tokens["ops"], "/events")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/events")
    assert browser.get("/events").status_code == 200


@pytest.mark.parametrize(
    "to",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/changes/../login", "/logout", "javascript:x", ""],
)
def test_the_login_leads_nowhere_else(pages: PagesBench, to: str) -> None:
    assert pages.browser().log_in(pages.tokens["ops"], to).headers["Location"] == "/"


def test_the_cookie_is_out_of_reach_of_scripts_other_sites_and_clear_networks(pages: PagesBench) -> None:
    cookie = pages.browser().log_in(pages.tokens["ops"]).headers["Set-Cookie"]
    assert cookie.startswith("pwsync-session=")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie  # at a loopback address in clear
    for base in ("https://127.0.0.1", "https://pwsync.example.com", "http://pwsync.example.com"):
        remote = pages.browser(base).log_in(pages.tokens["ops"]).headers["Set-Cookie"]
        assert remote.startswith("__Host-pwsync-session=")
        assert {"Secure", "HttpOnly", "SameSite=strict", "Path=/"} <= set(remote.split("; "))


def test_all_refusals_of_a_token_read_the_same_and_are_recorded(pages: PagesBench) -> None:
    revoked, token = pages.installation.callers.create("ops", valid_for=None, by=Actor("tester"))
    pages.installation.callers.revoke(revoked.id, by=Actor("tester"))
    refused = [pages.browser().log_in(t) for t in ("", "no-such-token", token.reveal(), pages.tokens["stranger"])]
    assert {answer.status_code for answer in refused} == {403}
    assert len({answer.text for answer in refused}) == 1
    assert REFUSED in text_of(refused[0])
    assert "Set-Cookie" not in refused[0].headers
    reasons = [(e.fields["reason"], e.fields["by"]) for e in pages.events("loginRefused")]
    assert reasons == [("notAdministrator", "stranger"), *[("unauthenticated", "")] * 3]


def test_nobody_logs_in_while_the_system_names_no_administrator_and_the_page_says_how_to_name_one(
    pages: PagesBench,
) -> None:
    pages.system(replace(SWITCHES, administrators=()))
    browser = pages.browser()
    assert "administrators: [ops]" in browser.get("/login").text
    for principal in ("ops", "keeper"):
        assert browser.log_in(pages.tokens[principal]).status_code == 403


def test_failures_of_an_address_are_limited_and_other_addresses_are_not(pages: PagesBench) -> None:
    for _ in range(attempts.MOST_FAILURES):
        assert pages.browser().log_in("guess").status_code == 403
    limited = pages.browser().log_in(pages.tokens["ops"])
    assert limited.status_code == 429
    assert TOO_MANY in text_of(limited)
    assert int(limited.headers["Retry-After"]) > 0
    assert len(pages.events("loginRefused")) == attempts.MOST_FAILURES
    assert pages.browser(address="192.0.2.7").log_in(pages.tokens["ops"]).status_code == 303


def test_failures_are_forgotten_after_a_while_and_neighbours_of_ipv6_count_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempts, "MOST_ADDRESSES", 2)
    clock = Clock()
    counted = Attempts(clock)
    for number in range(attempts.MOST_FAILURES):
        counted.note_failure(f"2001:db8::{number:x}")
    assert not counted.may_try("2001:db8::ffff")
    assert counted.may_try("2001:db8:1::1")
    clock.now += attempts.WINDOW
    assert counted.may_try("2001:db8::1")
    for number in range(attempts.MOST_FAILURES):
        counted.note_failure("unix")
        counted.note_failure(f"192.0.2.{number}")
    assert not counted.may_try("unix")
    assert counted.may_try("192.0.2.0")


def test_logging_out_ends_the_session_for_whoever_kept_its_cookie(pages: PagesBench) -> None:
    browser = pages.logged_in()
    kept = dict(browser.cookies)
    answer = browser.post("/logout", {"csrf": browser.form_token()})
    assert answer.headers["Location"] == "/login"
    assert "Max-Age=0" in answer.headers["Set-Cookie"]
    browser.cookies.update(kept)
    assert browser.get("/events").status_code == 303


def test_another_site_cannot_log_somebody_out(pages: PagesBench) -> None:
    browser = pages.logged_in()
    browser.post("/logout", {"csrf": "wrong"})
    browser.post("/logout", {"csrf": browser.form_token()}, Sec_Fetch_Site="cross-site")
    pages.browser().post("/logout", {})
    assert browser.get("/events").status_code == 200


def test_a_login_form_of_another_site_is_refused(pages: PagesBench) -> None:
    form = {"token": pages.tokens["ops"], "next": "/"}
    assert pages.browser().post("/login", form, Origin="https://evil.example").status_code == 403
    assert pages.browser().post("/login", form, Sec_Fetch_Site="cross-site").status_code == 403
    assert pages.browser().post("/login", form, Origin="http://127.0.0.1:8080").status_code == 303


def test_a_login_begins_a_new_session_and_ends_the_one_before(pages: PagesBench) -> None:
    browser = pages.logged_in()
    before = dict(browser.cookies)
    browser.log_in(pages.tokens["keeper"])
    assert dict(browser.cookies) != before
    old = pages.browser()
    old.cookies.update(before)
    assert old.get("/events").status_code == 303


def test_revoking_the_token_ends_the_session_at_once(pages: PagesBench) -> None:
    token, text = pages.installation.callers.create("ops", valid_for=None, by=Actor("tester"))
    browser = pages.browser()
    browser.log_in(text.reveal())
    assert browser.get("/events").status_code == 200
    pages.installation.callers.revoke(token.id, by=Actor("tester"))
    assert browser.get("/events").headers["Location"] == "/login?next=/events"


def test_who_is_no_administrator_any_more_is_refused_at_once(pages: PagesBench) -> None:
    browser = pages.logged_in()
    pages.system(replace(SWITCHES, administrators=("somebody",)))
    assert browser.get("/events").status_code == 403
    assert browser.get("/events").status_code == 303
    assert [e.fields["by"] for e in pages.events("loginRefused")] == ["ops"]


def test_a_login_is_audited(pages: PagesBench) -> None:
    pages.logged_in()
    with pages.bench.store.read() as tx:
        assert ("ops", "status page log in") in [(row.principal, row.action) for row in tx.audit.find(AuditQuery())]


def test_a_session_ends_when_nobody_uses_it_and_what_the_page_fetches_by_itself_is_no_use() -> None:
    clock = Clock()
    held = Sessions(clock)
    cookie = held.begin("ops", b"digest")
    clock.now += IDLE - timedelta(seconds=1)
    assert held.find(cookie) is not None
    clock.now += IDLE - timedelta(seconds=1)
    assert held.find(cookie, is_person=False) is not None
    clock.now += timedelta(seconds=1)
    assert held.find(cookie) is None


def test_a_session_ends_after_a_while_however_much_it_is_used() -> None:
    clock = Clock()
    held = Sessions(clock)
    cookie = held.begin("ops", b"digest")
    while clock.now < START + LONGEST - IDLE:
        clock.now += IDLE / 2
        assert held.find(cookie) is not None
    clock.now = START + LONGEST
    assert held.find(cookie) is None


def test_sessions_are_bounded_and_the_idlest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MOST", 3)
    monkeypatch.setattr(sessions, "MOST_OF_ONE", 2)
    clock = Clock()
    held = Sessions(clock)
    cookies = []
    for principal in ("a", "a", "a", "b", "c"):
        clock.now += timedelta(seconds=1)
        cookies.append(held.begin(principal, b""))
    assert [held.find(cookie) is not None for cookie in cookies] == [False, False, True, True, True]
    assert held.find("") is None


def test_a_session_prints_neither_its_cookie_nor_its_form_token() -> None:
    held = Sessions(Clock())
    cookie = held.begin("ops", b"digest")
    session = held.find(cookie)
    assert session is not None
    assert session.form_token not in repr(session)
    assert "digest" not in repr(session)


def test_while_the_store_is_away_the_pages_say_so(pages: PagesBench, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = pages.logged_in()

    def away(_: Store) -> None:
        raise StoreUnavailable("the database is away")

    monkeypatch.setattr(type(pages.installation.store), "read", away)
    monkeypatch.setattr(type(pages.installation.store), "write", away)
    for path in ("/", "/login"):
        answer = browser.get(path)
        assert answer.status_code == 503
        assert "the database is away" in text_of(answer)
    assert browser.log_in(pages.tokens["ops"]).status_code == 503


@pytest.mark.parametrize(
    ("content_type", "status"), [("application/json", 415), ("application/x-www-form-urlencoded", 403)]
)
def test_only_forms_are_read(pages: PagesBench, content_type: str, status: int) -> None:
    answer = pages.call("POST", "/login", content=b"token=x", headers={"Content-Type": content_type})
    assert answer.status_code == status


@pytest.mark.parametrize("body", [b"a=%ff", b"\xff", b"a=1&" * 300, b"token=" + b"x" * 20_000])
def test_forms_are_bounded_and_urlencoded(pages: PagesBench, body: bytes) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert pages.call("POST", "/login", content=body, headers=form).status_code in {400, 413}
