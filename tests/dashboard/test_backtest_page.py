"""Forecast and fact on the evidence page and in the exports: nothing yet, a faulty table, a shown one, a kept one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import sim
from calibration.actuals import backtest
from calibration.kept_backtest import FILE, keep, kept
from dashboard import safe
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
    files = export(sim.read_answer(runs / "sized"), ["html", "xlsx"], lang, tmp_path / "out")
    page = next(f for f in files if f.suffix == ".html").read_text(encoding="utf-8")
    assert line.replace("'", "&#x27;") in page
    book = openpyxl.load_workbook(next(f for f in files if f.suffix == ".xlsx" and "forms" not in f.name))
    cells = [c.value for row in book[w("Forecast and fact")].iter_rows() for c in row]
    assert line in cells and w.money(150_000) in cells


def test_a_kept_back_test_that_is_damaged_is_named(shelves: Callable[[str], Path], tmp_path: Path) -> None:
    run = shelves("ready") / "sized"
    (tmp_path / "b.csv").write_text(ACTUALS, encoding="utf-8")
    assert kept(run) is None
    keep(run, backtest(run, tmp_path / "b.csv"), "b.csv").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="--keep"):
        kept(run)
