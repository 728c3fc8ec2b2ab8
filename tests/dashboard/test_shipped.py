"""Every shipped scenario and rule pack on the pages that show them, in both languages: nothing raised, nothing untranslated."""

from __future__ import annotations

import datetime as dt
import html
import re
from pathlib import Path

import pytest

import sim
from dashboard import panels
from dashboard.words import LANGUAGES
from sim.law.rules import first_day

pytest.importorskip("streamlit")
from streamlit.testing.v1 import AppTest

from tests.dashboard.test_pages import opened

HAN = re.compile(r"[一-鿿]")
NAMES = re.compile(
    r"[\w./-]+\.(?:md|csv|toml)|"
    + "|".join(sorted([*sim.scenario_names(), *sim.pack_names(), "true", "false"], key=len, reverse=True))
)
CELL, ROW = re.compile(r"<t[dh][^>]*>(.*?)</t[dh]>", re.S), re.compile(r"<tr[^>]*>(.*?)</tr>", re.S)


def rows(at: AppTest) -> list[list[str]]:
    """The page's tables, row by row, as plain text."""
    tables = [h.proto.body for h in at.get("html") if "<table" in h.proto.body]
    return [
        [html.unescape(re.sub("<[^>]+>", "", cell)).strip() for cell in CELL.findall(row)]
        for table in tables
        for row in ROW.findall(table)
    ]


def untranslated(at: AppTest, lang: str) -> list[str]:
    """Cells that speak the other language: a Chinese sign, or an English word that is no name of a file or a scenario."""
    cells = [cell for row in rows(at) for cell in row]
    if lang == "en":
        return [cell for cell in cells if HAN.search(cell)]
    return [
        cell for cell in cells if re.search(r"(?<![A-Za-z0-9_./-])[a-z]{3,}(?![A-Za-z0-9_./-])", NAMES.sub("", cell))
    ]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_scenario_on_the_county_page(lang: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = opened("county", lang, tmp_path, monkeypatch)
    for name in sim.scenario_names():
        monkeypatch.setattr(panels, "DEMONSTRATION", name)
        at.run()
        assert not at.exception and not at.error, name
        assert len(rows(at)) > 40, name
        assert untranslated(at, lang) == [], name


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_pack_on_the_rules_page(lang: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = opened("rules", lang, tmp_path, monkeypatch)
    box = at.selectbox[0]
    titles = [sim.load_pack(name).title[lang] for name in sim.pack_names()]
    assert set(titles) <= set(box.options)
    for name, title in zip(sim.pack_names(), titles, strict=True):
        pack = sim.load_pack(name)
        at.selectbox[0].select(title)
        at.date_input[0].set_value(max(first_day(pack), dt.date(2010, 1, 1)))
        at.run()
        assert not at.exception and not at.error, name
        assert len(rows(at)) == len(pack.parameters) + 1, name
        assert untranslated(at, lang) == [], name
