"""The operator's page in a real browser."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from ganad_station.journal.writer import Journal
from ganad_station.watching.lock import FolderLock
from ganad_station.watching.running_model import RunningModel
from tests.station.test_serve import TOKEN, serving
from tests.support.journals import add_part, add_parts
from tests.support.stations import wait_until

SIZES = [(1280, 800), (800, 480)]
PHONE = (390, 844)
REASON = (
    "LiteRT: false rejects may rise by 4.1 points, more than 2.0 points (about 150 parts a class "
    "at these rates would do, here are 53)"
)


def text(browser: webdriver.Chrome, element: str) -> str:
    return str(browser.find_element(By.ID, element).get_property("textContent"))


def wait_for(browser: webdriver.Chrome, element: str, expected: str) -> None:
    wait_until(lambda: text(browser, element) == expected)
    assert text(browser, element) == expected


def set_size(browser: webdriver.Chrome, size: tuple[int, int]) -> None:
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


@contextmanager
def beating(lock: FolderLock) -> Iterator[None]:
    """Let the folder look as if `watch` were at work in it, however slow the machine is."""
    is_over = threading.Event()

    def beat() -> None:
        while not is_over.wait(1):
            lock.heartbeat()

    lock.heartbeat()
    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


@contextmanager
def crowded_page(browser: webdriver.Chrome, folder: Path, size: tuple[int, int]) -> Iterator[None]:
    """Show many parts, the last of which is NG and has a name wider than its panel."""
    add_parts(folder, 60)
    with Journal.open(folder) as journal, serving(folder) as server:
        add_part(journal, 0.05, "a name that is far longer than the panel is wide " * 4 + ".png")
        set_size(browser, size)
        browser.get(server.url)
        wait_for(browser, "word", "NG")
        yield


@pytest.fixture
def running(tmp_path: Path) -> Iterator[None]:
    """A folder that looks as if `watch` were at work in it."""
    lock = FolderLock(tmp_path)
    with beating(lock):
        yield
    lock.release()


def test_a_part_that_arrives_is_shown_without_a_reload(
    browser: webdriver.Chrome, tmp_path: Path, running: None
) -> None:
    add_parts(tmp_path, 31)
    with Journal.open(tmp_path) as journal, serving(tmp_path) as server:
        browser.get(server.url)
        wait_for(browser, "word", "OK")
        browser.execute_script("window.isTheSame = true")
        last = add_part(journal, 0.0712, "shift 1/<b>part</b>.png")
        wait_for(browser, "word", "NG")
        assert text(browser, "score") == "0.0712 > 0.0300"
        assert text(browser, "file") == "b>.png"
        tiles = [
            tile.text.split("\n") for tile in browser.find_elements(By.CSS_SELECTOR, "#tiles b")
        ]
        counts = journal.counts()
        rate = 100 * counts["NG"] / (counts["OK"] + counts["NG"])
        expected = [str(counts["OK"]), str(counts["NG"]), str(counts["ERROR"]), f"{rate:.1f}%"]
        assert [tile[0] for tile in tiles] == expected
        assert len(browser.find_elements(By.CSS_SELECTOR, "#chart circle")) == counts["OK"]
        assert len(browser.find_elements(By.CSS_SELECTOR, "#chart path.NG")) == counts["NG"]
        assert len(browser.find_elements(By.CSS_SELECTOR, "#bad li")) == counts["NG"]
        heatmap = browser.find_element(By.ID, "heatmap")
        assert heatmap.get_attribute("src") == f"{server.url}heatmaps/{last.id}.png"
        wait_until(lambda: heatmap.get_property("naturalWidth") == 512)
        assert heatmap.get_property("naturalWidth") == 512
        assert browser.execute_script("return window.isTheSame") is True
        add_part(journal, None)
        wait_for(browser, "word", "ERROR")
        assert "cannot be decoded" in text(browser, "no-heatmap")
    problems = [entry["message"] for entry in browser.get_log("browser")]
    assert [problem for problem in problems if "Security" in problem] == []


def test_a_station_that_stopped_does_not_look_as_if_it_ran(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    add_parts(tmp_path, 5)
    lock = FolderLock(tmp_path)
    with serving(tmp_path) as server:
        with beating(lock):
            browser.get(server.url)
            wait_for(browser, "word", "OK")
        lock.release()
        wait_for(browser, "word", "STOPPED")
        assert text(browser, "running") == "inspection is stopped"
    wait_for(browser, "word", "OFFLINE")
    assert text(browser, "running") == "no connection"


def test_before_the_first_part_it_is_ready(
    browser: webdriver.Chrome, tmp_path: Path, running: None
) -> None:
    with Journal.open(tmp_path), serving(tmp_path) as server:
        browser.get(server.url)
        wait_for(browser, "word", "READY")


def test_outputs_that_lag_behind_are_named(
    browser: webdriver.Chrome, tmp_path: Path, running: None
) -> None:
    with Journal.open(tmp_path) as journal, serving(tmp_path) as server:
        journal.set_outputs(["webhook"], 4)
        for _ in range(3):
            add_part(journal, 0.01)
        browser.get(server.url)
        wait_for(browser, "waiting", "webhook: 3 to send")
        add_part(journal, 0.01)
        wait_for(browser, "waiting", "inspection waits for webhook")


@pytest.mark.parametrize("size", [*SIZES, PHONE])
def test_a_model_that_is_not_verified_is_named_with_the_reason(
    browser: webdriver.Chrome, tmp_path: Path, running: None, size: tuple[int, int]
) -> None:
    add_parts(tmp_path, 1)
    set_size(browser, size)
    with serving(tmp_path) as server:
        browser.get(server.url)
        wait_for(browser, "word", "OK")
        line = browser.find_element(By.ID, "doubt")
        assert not line.is_displayed()
        for outcome, doubt in (
            ("undecided", f"is undecided in its verification ({REASON})"),
            ("failed", "failed its verification (<b>misses</b> rise by 9.4 points)"),
            (None, "is not verified"),
        ):
            RunningModel("model.tflite", "LiteRT", outcome, doubt).write(tmp_path)
            wait_for(browser, "doubt", f"model.tflite {doubt}")
            assert line.is_displayed()
            below = browser.find_element(By.ID, "verdict").rect["y"]
            assert line.rect["y"] + line.rect["height"] <= below
            assert line.rect["x"] + line.rect["width"] <= size[0]
        RunningModel("model.tflite", "LiteRT", "verified", None).write(tmp_path)
        wait_for(browser, "doubt", "")
        assert not line.is_displayed()


def test_on_a_phone_nothing_overlaps(
    browser: webdriver.Chrome, tmp_path: Path, running: None
) -> None:
    with crowded_page(browser, tmp_path, PHONE):
        overflowing = browser.execute_script(
            "return [...document.querySelectorAll('#tiles div, #bad li, section, body')].filter("
            "  (node) => node.scrollWidth > node.clientWidth + 1"
            ").map((node) => node.outerHTML.slice(0, 80))"
        )
        assert overflowing == []
        last = browser.find_elements(By.CSS_SELECTOR, "#bad li")[-1]
        browser.execute_script("arguments[0].scrollIntoView()", last)
        assert last.is_displayed()


def test_the_token_goes_from_the_address_into_a_cookie(
    browser: webdriver.Chrome, tmp_path: Path, running: None
) -> None:
    add_parts(tmp_path, 1)
    with serving(tmp_path, TOKEN) as server:
        browser.get(server.url)
        assert "?token=" in browser.find_element(By.TAG_NAME, "body").text
        browser.get(f"{server.url}?token={TOKEN}")
        wait_for(browser, "word", "OK")
        assert browser.current_url == server.url
        browser.get(server.url)
        wait_for(browser, "word", "OK")


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_cut_off(
    browser: webdriver.Chrome, tmp_path: Path, running: None, size: tuple[int, int]
) -> None:
    with crowded_page(browser, tmp_path, size):
        outside = browser.execute_script(
            "return [...document.querySelectorAll('body *')].filter((node) => {"
            "  const box = node.getBoundingClientRect();"
            "  return box.right > innerWidth + 1 || box.bottom > innerHeight + 1;"
            "}).map((node) => node.outerHTML.slice(0, 80))"
        )
        assert outside == []
        assert browser.find_element(By.ID, "word").rect["height"] > size[1] / 6
