"""Forecast and fact on the evidence page and in the exports: nothing yet, a faulty table, a shown one, a kept one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from docx import Document
from pptx import Presentation

import sim
from calibration.actuals import Backtest, Compared, backtest
from calibration.kept_backtest import FILE, keep, kept
from dashboard import back_table, safe
from dashboard.export import export
from dashboard.words import LANGUAGES, Words
from sim.errors import InputError
from tests.dashboard.test_pages import opened, said

ACTUALS = "项目,乡镇,季度,数值\n代偿金额,,,150000\n追回金额,,,\n到期笔数,,,180\n违约笔数,,,170\n"


def part(at: Any, lang: str) -> Any:
    """The page with its part on forecast and fact open."""
    at.session_state[f"evidence-parts-{lang}"] = Words(lang)("Forecast and fact")
    return at.run()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_table_of_what_happened_is_shown_and_kept(
    lang: str, shelves: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    w, runs = Words(lang), shelves("ready")
    at = part(opened("evidence", lang, runs, monkeypatch), lang)
    assert w("Nothing has been held against this result yet.") in said(at)
    at.file_uploader(key="actuals-file").upload("a.csv", "项目,数值\n代偿,1\n".encode()).run()
    wrong = "第 2 行，项目" if lang == "zh" else "row 2, item"
    assert [wrong in e.value and "代偿" in e.value for e in at.error] == [True], [e.value for e in at.error]
    assert not (runs / "sized" / FILE).exists()
    at.file_uploader(key="actuals-file").upload("b.csv", ACTUALS.encode()).run()
    assert not at.error and not at.exception
    (tmp_path / "b.csv").write_text(ACTUALS, encoding="utf-8")
    held = backtest(runs / "sized", tmp_path / "b.csv")
    assert {c.item: c.is_inside for c in held.county}["defaulted_loans"] is False  # nearly all of them
    inside = sum(c.is_inside for c in held.county)
    line = w(
        "{inside} of {n} figures of the county lie inside the forecast's interval of nine tenths.",
        inside=inside,
        n=len(held.county),
    )
    assert safe.markdown(line) in said(at) and w.money(150_000) in said(at)
    assert not (runs / "sized" / FILE).exists()  # only when somebody says so
    at.button(key="actuals-keep").click().run()
    assert kept(runs / "sized") == ("b.csv", held)
    again = part(opened("evidence", lang, runs, monkeypatch), lang)
    assert safe.markdown(line) in said(again) and safe.markdown("b.csv") in said(again)
    files = export(sim.read_answer(runs / "sized"), ["html", "xlsx", "docx", "pptx"], lang, tmp_path / "out")
    page = next(f for f in files if f.suffix == ".html").read_text(encoding="utf-8")
    assert line.replace("'", "&#x27;") in page
    book = openpyxl.load_workbook(next(f for f in files if f.suffix == ".xlsx" and "forms" not in f.name))
    cells = [c.value for row in book[w("Forecast and fact")].iter_rows() for c in row]
    assert line in cells and w.money(150_000) in cells
    memo = Document(str(next(f for f in files if f.suffix == ".docx")))
    assert line in [p.text for p in memo.paragraphs]
    in_memo = [[c.text for c in row.cells] for t in memo.tables for row in t.rows if t.cell(0, 3).text == w("happened")]
    deck = Presentation(str(next(f for f in files if f.suffix == ".pptx")))
    assert len(deck.slides) == 7
    slide = next(s for s in deck.slides if s.shapes.title.text == w("Forecast and fact"))
    assert any(shape.has_text_frame and line in shape.text_frame.text for shape in slide.shapes)
    assert line in slide.notes_slide.notes_text_frame.text
    in_deck = [[c.text for c in row.cells] for shape in slide.shapes if shape.has_table for row in shape.table.rows]
    expected = [row[:5] for row in (back_table.heads(w), *back_table.county_rows(held, w))]
    assert in_memo == in_deck == expected and [row[4] for row in in_deck].count(w("no")) == len(held.county) - inside
    assert all(shape.top + shape.height <= deck.slide_height for shape in slide.shapes)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_where_only_townships_were_told_the_farthest_come_first(lang: str) -> None:
    w = Words(lang)
    told = {
        f"t{k:02d}": Compared("default_share_of_loans", 0.02, 0.0, 0.05, 0.01, True, k / 12, 0.01) for k in range(13)
    }
    found = Backtest("county", 2026, 60, (), told, None, None, None)
    heads, rows = back_table.short(found, {"t12": "Far"}, w)
    assert len(heads) == 5 and len(rows) == back_table.FEW and all(len(row) == 5 for row in rows)
    assert rows[0][0].startswith("t00") and rows[1][0].startswith("Far")
    assert not [row for row in rows if row[0].startswith("t06")]  # in the middle of its forecast


def test_a_kept_back_test_that_is_damaged_is_named(shelves: Callable[[str], Path], tmp_path: Path) -> None:
    run = shelves("ready") / "sized"
    (tmp_path / "b.csv").write_text(ACTUALS, encoding="utf-8")
    assert kept(run) is None
    keep(run, backtest(run, tmp_path / "b.csv"), "b.csv").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="--keep"):
        kept(run)
