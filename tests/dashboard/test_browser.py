"""The pages in a real browser: they open without an error, ask nothing of any other machine, and keep a picture of each.

Needs a Chromium on the machine (``apt-get install chromium fonts-noto-cjk``) and ``pip install playwright``; without
them these tests are skipped. ``RISKFUND_SHOTS`` names the folder for the pictures; ``RISKFUND_CHROMIUM`` the browser.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dashboard import serve
from dashboard.words import LANGUAGES, Words

HOW = "a browser test needs `pip install playwright` and a Chromium (`apt-get install chromium fonts-noto-cjk`)"
sync_api = pytest.importorskip("playwright.sync_api", reason=HOW)
CHROMIUM = os.environ.get("RISKFUND_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=HOW)

PAGES = ("answer", "size", "compare", "lab", "county", "rules", "evidence", "runs", "present")
IDLE = "!document.querySelector('[data-testid=stStatusWidget]') && !document.querySelector('[data-stale=true]')"


@pytest.fixture(scope="module")
def url(shelf: Path) -> Iterator[str]:
    """A server over the shelf, as the command starts it."""
    port = serve.free_port()
    server = subprocess.Popen(
        serve.command(port), env=serve.environment(shelf), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://{serve.HOST}:{port}/"
    deadline = time.monotonic() + 60
    while not _answers(address):
        assert server.poll() is None and time.monotonic() < deadline
        time.sleep(0.2)
    yield address
    server.terminate()
    server.wait(timeout=20)


def _answers(address: str) -> bool:
    try:
        return bool(urllib.request.urlopen(address + "_stcore/health", timeout=2))
    except OSError:
        return False


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(os.environ.get("RISKFUND_SHOTS") or tmp_path_factory.mktemp("pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def settled(page: Any) -> None:
    """Wait until a page has been drawn."""
    page.wait_for_selector(".rf-status", timeout=60_000)
    page.wait_for_timeout(400)
    page.wait_for_function(IDLE, timeout=60_000)
    page.wait_for_timeout(400)


def accepted(page: Any) -> str:
    """What stands in the list of accepted shortfalls."""
    box = page.locator("[data-testid=stSelectbox]", has_text="Accepted shortfall")
    return str(box.locator("input").first.input_value() or box.inner_text().splitlines()[-1])


@pytest.mark.parametrize("lang", LANGUAGES)
def test_pages_open_quietly(lang: str, url: str, browser: Any, pictures: Path) -> None:
    """No exception, no console error, no request to another machine; what is wide is not cut."""
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    outside, failed, wrong = [], [], []
    page.on("request", lambda r: None if r.url.startswith((url, "data:", "blob:", url.replace("http", "ws"))) else outside.append(r.url))  # fmt: skip
    page.on("response", lambda r: failed.append(r.url) if r.status >= 400 and "/_stcore/" not in r.url else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    # the server's own script looks for itself below the page's address first and logs that as an error
    page.on("console", lambda m: wrong.append(m.text) if m.type == "error" and "status of 404" not in m.text else None)
    for name in PAGES:
        page.goto(f"{url}{'' if name == 'answer' else name}?lang={lang}")
        settled(page)
        assert page.locator("[data-testid=stException]").count() == 0, name
        assert page.evaluate("document.documentElement.lang") == ("zh-CN" if lang == "zh" else "en")
        assert page.evaluate("document.documentElement.scrollWidth") <= 1366, name
        assert Words(lang)("Demonstration data: not for a budget") in page.inner_text(".rf-band")
        page.screenshot(path=str(pictures / f"{name}-{lang}.png"))
        if name == "answer":
            high = page.evaluate("(() => { const m = document.querySelector('[data-testid=stMain]'); return m.scrollHeight - m.clientHeight })()")  # fmt: skip
            assert high <= 0, "the answer page does not fit on one screen"
    page.close()
    assert (outside, failed, wrong) == ([], [], [])


def test_the_address_keeps_what_was_chosen(url: str, browser: Any) -> None:
    """Language, run and accepted shortfall survive a reload and the way to another page."""
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.goto(f"{url}?lang=en&risk=2/20&run=sized")
    settled(page)
    assert accepted(page) == "2 of 20 years"
    page.get_by_role("link", name="Rules").click()
    settled(page)
    assert "Which rules" in page.inner_text("[data-testid=stMain]") and "lang=en" in page.url
    page.get_by_role("link", name="Answer").click()
    settled(page)
    assert accepted(page) == "2 of 20 years"
    page.close()


def test_keys_alone_reach_the_slider(url: str, browser: Any) -> None:
    """A slider moves by the arrow keys, and says its new answer without a simulation."""
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.goto(f"{url}size?lang=en")
    settled(page)
    before = page.inner_text(".rf-figures")
    slider = page.get_by_role("slider").first
    slider.focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    page.wait_for_function(f"document.querySelector('.rf-figures').innerText !== {before!r}", timeout=20_000)
    page.close()


def test_presenting_hides_the_answer_until_it_was_guessed(url: str, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.goto(f"{url}present?lang=en")
    settled(page)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Show the answer").wait_for()
    assert page.locator(".js-plotly-plot").count() == 0
    page.get_by_role("button", name="Show the answer").click()
    page.locator(".js-plotly-plot").first.wait_for()
    for _ in range(4):
        page.get_by_role("button", name="Next").click()
        settled(page)
    assert "Who pays" in page.inner_text("[data-testid=stMain]")
    page.close()
