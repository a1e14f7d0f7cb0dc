"""A real browser without a window."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from tests.support.receivers import program_or_skip

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --hide-scrollbars "
    "--disable-background-networking --disable-component-update --disable-sync"
)


@contextmanager
def open_browser(profile: Path) -> Iterator[webdriver.Chrome]:
    """Give headless Chromium with a new profile; skips the test where there is none."""
    options = webdriver.ChromeOptions()
    options.binary_location = program_or_skip("chromium", "chromium")
    for flag in FLAGS.split():
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={profile}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = Service(program_or_skip("chromedriver", "chromium-driver"))
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()
