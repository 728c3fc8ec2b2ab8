"""The pages in a real browser: they open without an error, ask nothing of any other machine, and keep a picture of each.

Needs a Chromium on the machine (``apt-get install chromium fonts-noto-cjk``) and ``pip install playwright``; without
them these tests are skipped. ``RISKFUND_SHOTS`` names the folder for the pictures; ``RISKFUND_CHROMIUM`` the browser.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sim
from dashboard import serve
from dashboard.export import export
from dashboard.words import LANGUAGES, Words

HOW = "a browser test needs `pip install playwright` and a Chromium (`apt-get install chromium fonts-noto-cjk`)"
sync_api = pytest.importorskip("playwright.sync_api", reason=HOW)
CHROMIUM = os.environ.get("RISKFUND_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=HOW)

PAGES = ("answer", "size", "compare", "lab", "county", "rules", "evidence", "runs", "present")
IDLE = "!document.querySelector('[data-testid=stStatusWidget], [data-testid=stSkeleton], [data-stale=true]')"


@pytest.fixture(scope="module")
def runs(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shelf with a second, older sized run."""
    copy = tmp_path_factory.mktemp("browser") / "runs"
    shutil.copytree(shelf, copy)
    shutil.copytree(shelf / "sized", copy / "older")
    os.utime(copy / "older" / "manifest.json", (1e9, 1e9))
    return copy


@pytest.fixture(scope="module")
def url(runs: Path) -> Iterator[str]:
    """A server over these runs, as the command starts it."""
    port = serve.free_port()
    server = subprocess.Popen(
        serve.command(port), env=serve.environment(runs), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
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


def test_an_empty_search_speaks_the_readers_language(url: str, browser: Any) -> None:
    """The framework's own English words of a list without a match are hidden on Chinese pages."""
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.goto(f"{url}compare?lang=zh")
    settled(page)
    box = page.locator("[data-testid=stSelectbox] input").first
    box.click()
    box.fill("zzz")
    page.get_by_role("listbox").wait_for()
    look = "(s => [getComputedStyle(s).fontSize, getComputedStyle(s, '::after').content])(document.querySelector('[role=listbox] span'))"
    assert page.evaluate(look) == ["0px", '"没有可选的项"']
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
    """Nothing that answers the question stands on the first step; a reload comes back to the step and the run."""
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.goto(f"{url}present?lang=en&run=older")
    settled(page)
    page.get_by_role("button", name="Show the answer").wait_for()
    before = page.inner_text("[data-testid=stMain]")
    assert "%" not in before and "Set aside" not in before
    page.get_by_role("button", name="Show the answer").click()
    page.wait_for_function("/enough/.test((document.querySelector('.js-plotly-plot') || {}).textContent)")
    for step in range(2, 7):
        page.get_by_role("button", name="Next").click()
        settled(page)
        assert f"step={step}" in page.url and page.locator(".js-plotly-plot").count() == 1, step
    page.reload()
    settled(page)
    assert "Who pays" in page.inner_text("[data-testid=stMain]") and "run=older" in page.url
    page.close()


def test_a_change_of_language_keeps_the_run_the_size_and_the_words(url: str, browser: Any) -> None:
    """An older run, a size of the slider and an accepted shortfall: through language, links and reload."""
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.goto(f"{url}size?lang=zh&run=older&risk=2/20&size=100000")
    settled(page)
    before = page.inner_text(".rf-figures")
    page.get_by_text("EN", exact=True).click()
    settled(page)
    words = page.inner_text("[data-testid=stMain]")
    assert not re.search(r"[\u4e00-\u9fff]", words.replace("中", "")), words
    assert all(f"{k}={v}" in page.url for k, v in (("lang", "en"), ("run", "older"), ("size", "100000")))
    assert accepted(page) == "2 of 20 years"
    page.get_by_role("link", name="Comparison").click()
    settled(page)
    page.reload()
    settled(page)
    page.get_by_role("link", name="Fund size").click()
    settled(page)
    assert "run=older" in page.url and "size=100000" in page.url
    page.get_by_text("中", exact=True).click()
    settled(page)
    assert page.inner_text(".rf-figures") == before
    page.close()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_printed_answer_is_one_page_and_annexes_follow(lang: str, runs: Path, browser: Any, tmp_path: Path) -> None:
    """Sheets of A4 with the page's own margins: what stands before the annexes is no higher than one."""
    (made,) = export(sim.read_answer(runs / "sized"), ["html"], lang, tmp_path)
    page = browser.new_page(viewport={"width": 680, "height": 994})  # 180 by 263 mm
    page.emulate_media(media="print")
    page.goto(made.as_uri())
    assert 600 < page.evaluate("document.querySelector('.annex').getBoundingClientRect().top") < 994
    page.close()


def test_a_clicked_dot_tells_its_year(url: str, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 1366, "height": 900})
    page.goto(f"{url}?lang=en")
    settled(page)
    page.locator(".js-plotly-plot .scatterlayer .trace .point").nth(3).click(force=True)
    page.get_by_text(re.compile(r"History \d+: the fund needed")).first.wait_for()
    assert "had least at the end of" in page.inner_text("[data-testid=stMain]")
    page.close()
