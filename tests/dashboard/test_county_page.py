"""The county page: the template goes down, a filled file comes up, and nothing is kept until somebody says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pytest

import sim
from dashboard import county_file, scenario_file
from dashboard.words import LANGUAGES, Words
from sim.scenario import Scenario
from tests.dashboard.test_pages import opened, said

pytest.importorskip("streamlit")
NASTY = "<script>alert(1)</script> **县**"


def filled(tmp_path: Path, cells: dict[str, Any], lang: str = "zh") -> bytes:
    """A template with own values on the county's sheet."""
    path = tmp_path / "filled.xlsx"
    path.write_bytes(county_file.template(Scenario.load("x-county"), lang))
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[1]
    rows = {row[7].value: row[0].row for row in sheet.iter_rows()}
    for code, value in cells.items():
        sheet.cell(rows[code], 5, value)
    book.save(path)
    return path.read_bytes()


def upload(at: Any, content: bytes, name: str = "filled.xlsx") -> Any:
    at.file_uploader(key="county-file").upload(name, content).run()
    assert not at.exception, [e.value for e in at.exception]
    return at


@pytest.mark.parametrize("lang", LANGUAGES)
def test_templates_and_tables_are_offered(lang: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at = opened("county", lang, tmp_path / "runs", monkeypatch)
    w = Words(lang)
    assert [b.label for b in at.get("download_button")][:2] == [
        w("Template, {language}", language=x) for x in ("中文", "English")
    ]
    assert len(at.data_editor) == 4 and not at.error
    clerks = at.data_editor[0].value.loc["office.clerks"]
    assert clerks["default"] == "3" and clerks["own"] == "" and clerks["source"]


def test_a_filled_file_is_shown_first_and_kept_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = tmp_path / "runs"
    at = opened("county", "zh", runs, monkeypatch)
    upload(at, filled(tmp_path, {"title": NASTY, "office.clerks": 5, "fiscal.delay_months": 0}))
    text = said(at)
    assert "经办人员" in text and not at.error
    assert "&lt;script&gt;" in text and "<script>alert" not in text
    assert not scenario_file.counties_of(runs).exists()
    at.button(key="county-use-file").click().run()
    assert not at.exception and at.success
    saved = [path for path in scenario_file.saved(runs) if path.name == "scenario.toml"]
    loaded = Scenario.load(str(saved[0]))
    assert loaded.office.clerks == 5 and loaded.title.zh == NASTY
    assert str(saved[0]) in scenario_file.names(runs)
    assert "<script>" not in "".join(str(x.value) for x in at.success)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_bad_cells_are_listed_and_nothing_is_kept(lang: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = tmp_path / "runs"
    at = opened("county", lang, runs, monkeypatch)
    upload(at, filled(tmp_path, {"office.clerks": "约300万", "fiscal.delay_months": 40}, lang))
    text = said(at)
    assert at.error and "约300万" in text and "40" in text and Words(lang)("Cells to put right") in text
    assert not any(b.key == "county-use-file" for b in at.button) and not scenario_file.counties_of(runs).exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.xlsm", b"PK"), ("a.csv", b"a,b"), ("a.xlsx", b"no zip"), ("../../a.xlsx", b""), ("a.xlsx", bytes(50_000_000))],
    ids=["macros", "type", "no zip", "path", "50 MB"],
)
def test_other_files_are_told_in_words(
    name: str, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = upload(opened("county", "zh", tmp_path / "runs", monkeypatch), content, name)
    assert at.error and ("xlsx" in said(at) or "20MB" in said(at))
    assert not scenario_file.counties_of(tmp_path / "runs").exists()


def test_what_is_typed_on_the_page_meets_the_same_checks(tmp_path: Path) -> None:
    base, w = Scenario.load("x-county"), Words("zh")
    typed = county_file.tables(base, w)
    typed["county"].loc["sized_year", "own"] = "2026"
    typed["county"].loc["information_on", "own"] = "2026-01-01"
    typed["lenders"].loc["lenders.1", "own_account"] = "2000"
    scenario = county_file.check_tables(typed, base, w).scenario
    assert scenario.sized_year == 2026 and scenario.sub_accounts_yuan()["rcc"] == 20_000_000
    typed["parameters"].loc["defaults.negligence", "own"] = "５"
    with pytest.raises(county_file.CountyProblems) as caught:
        county_file.check_tables(typed, base, w)
    problem = caught.value.problems[0]
    assert (problem.sheet, problem.row, problem.column) == ("参数", "因银行失职不予补偿的比例", "本县")


def test_problems_stand_in_the_order_of_the_file() -> None:
    from calibration.county_file.problems import Problem
    from dashboard.county import in_order

    found = [
        Problem("A", "F12", "", "", "", ""),
        Problem("B", "C2", "", "", "", ""),
        Problem("A", "F3", "", "", "", ""),
    ]
    assert [(p.sheet, p.cell) for p in in_order(found)] == [("A", "F3"), ("A", "F12"), ("B", "C2")]


def test_a_what_if_typed_on_the_page_is_an_assumption_under_its_own_name(tmp_path: Path) -> None:
    """Not the county's data: its source says so, and the title is the reader's."""
    base, w = sim.scenario("x-county"), Words("zh")
    typed = county_file.tables(base, w)
    typed["county"].loc["office.clerks", "own"] = "5"
    county = county_file.check_tables(typed, base, w)
    supposed = county_file.as_said(county, "多两个经办人", is_what_if=True).scenario
    own = county_file.as_said(county, "本县", is_what_if=False).scenario
    assert supposed.title.zh == "多两个经办人" and supposed.office.clerks == 5
    kinds = [s.source_of("office.clerks") for s in (supposed, own)]
    assert [s and s.kind for s in kinds] == ["assumption", "data"]
