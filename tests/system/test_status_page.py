"""The status page in a real browser: every page and button, the keyboard, no JavaScript, phones, the dark, axe."""

import json
import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

import httpx
import pytest
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from controller.web.server import STOP_SECONDS
from tests.leaks import assert_none
from tests.servers.chromium import DESKTOP, PHONE, chromium, require_chromium, set_colours, set_size, shoot
from tests.system.status_company import StatusCompany, status_company

PATIENCE = 30
PAGES = {"overview": "/", "topology": "/topology", "changes": "/changes", "parked": "/parked", "plan": "/plan"} | {
    "events": "/events"
}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory, warm_pwsync: Path) -> Iterator[StatusCompany]:
    """The company with two parked deliveries (bob, carol), one that waits (dave), and one that is well (alice)."""
    require_chromium()
    with status_company(tmp_path_factory.mktemp("status"), warm_pwsync) as made:
        for user in ("alice", "bob", "carol"):
            made.finish(user)
        made.change("dave")
        yield made


@pytest.fixture(scope="module")
def browser(company: StatusCompany, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """A browser in which ops is logged in."""
    with chromium(tmp_path_factory.mktemp("browser")) as driver:
        set_size(driver, DESKTOP)
        log_in(driver, company, "ops")
        yield driver


@pytest.fixture(autouse=True)
def _as_usual(browser: Chrome) -> Iterator[None]:
    yield
    set_colours(browser, "light")
    set_size(browser, DESKTOP)


def log_in(browser: Chrome, company: StatusCompany, principal: str) -> None:
    browser.get(f"{company.url}/login")
    browser.find_element(By.ID, "token").send_keys(company.controller.tokens[principal], Keys.ENTER)
    wait(browser, lambda: browser.find_elements(By.CSS_SELECTOR, ".who"))


def wait(browser: Chrome, condition: Callable[[], object]) -> None:
    renewed = (NoSuchElementException, StaleElementReferenceException)
    WebDriverWait(browser, PATIENCE, 0.1, ignored_exceptions=renewed).until(lambda _: condition())


def words(browser: Chrome) -> str:
    return str(browser.execute_script("return document.body ? document.body.innerText : ''"))


def complaints_of_axe(browser: Chrome) -> list[str]:
    """What axe-core finds, one line per rule; the page's own policy lets no foreign script in, the driver does."""
    browser.execute_script(files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    options = json.dumps({"runOnly": {"type": "tag", "values": RULES}})
    found = browser.execute_async_script(
        f"const done = arguments[arguments.length - 1]; axe.run(document, {options}).then(r => done(r.violations))"
    )
    return [f"{v['id']}: {v['help']}: {[n['target'] for n in v['nodes']][:5]}" for v in found]


def complaints_of_the_browser(browser: Chrome) -> list[str]:
    """Errors of its console: what the content security policy stopped, what did not load, what a script threw."""
    entries = browser.get_log("browser")  # type: ignore[no-untyped-call]  # Selenium's
    return [entry["message"] for entry in entries if entry["level"] == "SEVERE"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_well_made(company: StatusCompany, browser: Chrome, page: str, scheme: str) -> None:
    company.finish("carol")  # whatever other tests did, there is something parked to look at
    set_colours(browser, scheme)
    browser.get(company.url + PAGES[page])
    shoot(browser, f"{page}-{scheme}")
    assert complaints_of_axe(browser) == []
    assert complaints_of_the_browser(browser) == []
    assert_none(company.leaks.in_text(browser.page_source))
    assert not any(token in browser.page_source for token in company.controller.tokens.values())


@pytest.mark.parametrize("page", PAGES)
def test_every_page_fits_a_phone(company: StatusCompany, browser: Chrome, page: str) -> None:
    company.finish("carol")
    set_size(browser, PHONE)
    browser.get(company.url + PAGES[page])
    shoot(browser, f"{page}-phone")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= PHONE[0]
    assert complaints_of_axe(browser) == []


def test_the_timeline_of_a_change_is_reached_from_the_list(company: StatusCompany, browser: Chrome) -> None:
    browser.get(f"{company.url}/changes?account=CORP%5Cbob")
    browser.find_element(By.CSS_SELECTOR, "tbody a").click()
    wait(browser, lambda: "Change of CORP\\bob" in browser.title)
    assert "has no account 'bob'" in words(browser)
    shoot(browser, "change-light")
    assert complaints_of_axe(browser) == []


def test_the_overview_follows_what_happens_without_a_reload(company: StatusCompany, browser: Chrome) -> None:
    browser.get(company.url + "/")
    browser.execute_script("window.isSamePage = true")
    before = browser.find_element(By.ID, "rates").text
    company.finish("alice")
    wait(browser, lambda: browser.find_element(By.ID, "rates").text != before)
    assert browser.execute_script("return window.isSamePage")
    assert browser.find_element(By.CSS_SELECTOR, ".live").text.startswith("Live")


def test_a_focused_link_keeps_its_focus_when_the_page_is_renewed(company: StatusCompany, browser: Chrome) -> None:
    browser.get(company.url + "/changes")
    wait(browser, lambda: browser.find_elements(By.CSS_SELECTOR, ".live.on"))
    link = browser.find_elements(By.CSS_SELECTOR, "tbody a")[-1]
    target = link.get_attribute("href")
    browser.execute_script("arguments[0].focus()", link)
    rows = len(browser.find_elements(By.CSS_SELECTOR, "tbody tr"))
    company.finish("alice")
    wait(browser, lambda: len(browser.find_elements(By.CSS_SELECTOR, "tbody tr")) > rows)
    assert browser.switch_to.active_element.get_attribute("href") == target


def test_live_updates_can_be_paused(company: StatusCompany, browser: Chrome) -> None:
    browser.get(company.url + "/events")
    button = browser.find_element(By.CSS_SELECTOR, ".live button")
    button.click()
    wait(browser, lambda: browser.find_element(By.CSS_SELECTOR, ".live").text == "Paused\nResume")
    button.click()
    wait(browser, lambda: browser.find_element(By.CSS_SELECTOR, ".live").text == "Live\nPause")


def test_retry_delivers_once_the_cause_is_remedied(company: StatusCompany, browser: Chrome) -> None:
    company.hire("bob")
    browser.get(company.url + "/parked")
    browser.find_element(By.CSS_SELECTOR, '[aria-label="Retry bob on adapter/intranet"]').click()
    wait(browser, lambda: "1 of 1 queued again." in words(browser))
    shoot(browser, "retried-light")
    wait(browser, lambda: "has no account 'bob'" not in words(browser))
    browser.get(f"{company.url}/changes?account=CORP%5Cbob")
    wait(browser, lambda: "completed" in words(browser))


def test_the_keyboard_alone_is_enough(company: StatusCompany, browser: Chrome) -> None:
    company.finish("carol")
    browser.get(company.url + "/parked")
    assert press(browser, Keys.TAB) == "Skip to content"
    press(browser, Keys.ENTER)
    labels: list[str] = []
    while not labels or labels[-1] != "Discard carol on adapter/intranet…":
        labels.append(press(browser, Keys.TAB))
        assert is_focus_visible(browser), labels
        assert len(labels) < 20, labels
    assert "Retry carol on adapter/intranet" in labels
    press(browser, Keys.ENTER)
    wait(browser, lambda: "Discard a delivery?" in browser.title)
    shoot(browser, "discard-light")
    assert complaints_of_axe(browser) == []
    while press(browser, Keys.TAB) != "Discard the delivery":
        assert is_focus_visible(browser)
    press(browser, Keys.ENTER)
    wait(browser, lambda: "was discarded" in words(browser))


def press(browser: Chrome, key: str) -> str:
    """Press a key; returns the name of what has the focus then."""
    browser.switch_to.active_element.send_keys(key)
    return str(
        browser.execute_script(
            "const e = document.activeElement; return e.getAttribute('aria-label') || (e.innerText || '').trim()"
        )
    )


def is_focus_visible(browser: Chrome) -> bool:
    return bool(
        browser.execute_script(
            "const s = getComputedStyle(document.activeElement);"
            "return s.outlineStyle !== 'none' && s.outlineWidth !== '0px'"
        )
    )


def test_without_javascript_everything_can_be_read_and_done(company: StatusCompany, tmp_path: Path) -> None:
    company.finish("carol")
    with chromium(tmp_path / "profile", has_javascript=False) as browser:
        log_in(browser, company, "ops")
        for path in PAGES.values():
            browser.get(company.url + path)
            assert browser.find_elements(By.CSS_SELECTOR, "main h1")
            assert not browser.find_elements(By.CSS_SELECTOR, ".live")
        browser.get(company.url + "/parked")
        browser.find_element(By.CSS_SELECTOR, "button.primary").click()
        wait(browser, lambda: browser.find_elements(By.ID, "notice"))
        assert "queued again" in browser.find_element(By.ID, "notice").text
        browser.find_element(By.CSS_SELECTOR, ".who button").click()
        wait(browser, lambda: browser.find_elements(By.ID, "token"))


def test_who_administers_an_adapter_sees_its_parked_deliveries_alone(company: StatusCompany, tmp_path: Path) -> None:
    with chromium(tmp_path / "profile") as browser:
        log_in(browser, company, "keeper")
        assert browser.current_url == f"{company.url}/parked"
        assert [link.text for link in browser.find_elements(By.CSS_SELECTOR, "nav[aria-label=Pages] a")] == ["Parked"]
        browser.get(company.url + "/events")
        assert "only an administrator" in words(browser)
        shoot(browser, "refused-light")
        assert complaints_of_axe(browser) == []


def test_the_login_is_well_made_and_refuses(company: StatusCompany, tmp_path: Path) -> None:
    with chromium(tmp_path / "profile") as browser:
        browser.get(company.url + "/events")
        shoot(browser, "login-light")
        assert complaints_of_axe(browser) == []
        browser.find_element(By.ID, "token").send_keys("no-such-token", Keys.ENTER)
        wait(browser, lambda: "does not open this page" in words(browser))
        assert complaints_of_axe(browser) == []


def test_a_held_plan_is_shown_as_a_diff(company: StatusCompany, browser: Chrome) -> None:
    company.redeclare()
    browser.get(company.url + "/plan")
    wait(browser, lambda: "Held: nothing is applied." in words(browser))
    assert "Adapter/wiki" in words(browser)
    shoot(browser, "plan-held-light")
    assert complaints_of_axe(browser) == []


def test_an_open_page_does_not_keep_the_controller_from_stopping(tmp_path: Path, warm_pwsync: Path) -> None:
    with (
        status_company(tmp_path, warm_pwsync) as company,
        httpx.Client(base_url=company.url, timeout=PATIENCE) as client,
    ):
        assert client.post("/login", data={"token": company.controller.tokens["ops"]}).status_code == 303
        with client.stream("GET", "/live") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "retry: 3000"
            began = time.monotonic()
            assert company.controller.stop() == 0
            assert time.monotonic() - began < STOP_SECONDS / 2
            assert "event: news" not in list(lines)
        company.controller.start()
