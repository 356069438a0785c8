"""Chromium without a screen, driven by Selenium: Debian's browser and driver, never downloaded ones."""

import os
import shutil
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

BROWSER, DRIVER = "chromium", "chromedriver"
SHOTS = Path(__file__).parents[2] / "build" / "screenshots"
"""Where tests leave pictures of pages; git ignores it."""
DESKTOP, PHONE = (1360, 900), (375, 780)


def require_chromium() -> None:
    """Skip where there is no browser; fail where CI is set."""
    if shutil.which(BROWSER) and shutil.which(DRIVER):
        return
    message = "chromium is not installed (tests/servers/install installs it)"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@contextmanager
def chromium(profile: Path, *, has_javascript: bool = True) -> Iterator[Chrome]:
    """A browser of its own, in English, with an empty *profile* folder."""
    options = ChromeOptions()
    options.binary_location = shutil.which(BROWSER) or BROWSER
    for argument in (
        "--headless=new",
        "--no-sandbox",  # tests may run as root, and load pages of this machine only
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--disable-background-networking",
        "--lang=en",
        "--hide-scrollbars",
        f"--user-data-dir={profile}",
        f"--window-size={DESKTOP[0]},{DESKTOP[1]}",
    ):
        options.add_argument(argument)
    if not has_javascript:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(shutil.which(DRIVER)))
    try:
        driver.set_page_load_timeout(60)
        yield driver
    finally:
        driver.quit()


def set_colours(browser: Chrome, scheme: str) -> None:
    """Let pages think that the person prefers ``light`` or ``dark``."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def set_size(browser: Chrome, size: tuple[int, int]) -> None:
    """Give the page this many CSS pixels."""
    metrics = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def shoot(browser: Chrome, name: str) -> None:
    """Leave a picture of the whole page."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    size = browser.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
    clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 4000), "scale": 1}
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
    (SHOTS / f"{name}.png").write_bytes(b64decode(shot["data"]))
