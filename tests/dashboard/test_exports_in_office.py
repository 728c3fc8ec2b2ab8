"""Exports in a real office program: formulas recalculated from nothing, and every file turned into pages.

Slow, and needs LibreOffice (`soffice`); run by `make office`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import sim
from dashboard.export import export
from dashboard.export.reproduce import command, snippet
from dashboard.words import Words

pytestmark = [pytest.mark.office]

SOFFICE = shutil.which("soffice") or shutil.which("libreoffice")
FIRST_PAGES = {".pptx": 6, ".docx": 3, ".xlsx": 5, "-forms.xlsx": 5}  # at least


@pytest.fixture(scope="module", autouse=True)
def office() -> str:
    """The program, or a message that it is missing."""
    if SOFFICE is None:
        pytest.skip("LibreOffice (soffice) is not installed: the exports were not opened in an office program")
    return SOFFICE


def converted(path: Path, kind: str, out: Path) -> Path:
    """A file in another format; the program's own settings go to the same folder."""
    command = [
        str(SOFFICE), "--headless", f"-env:UserInstallation={(out / 'settings').as_uri()}", "--convert-to", kind, "--outdir", str(out), str(path),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    made = out / f"{path.stem}.{kind.split(':')[0]}"
    assert made.is_file(), f"{path.name} could not be opened"
    return made


def values(path: Path) -> dict[tuple[str, str], Any]:
    book = openpyxl.load_workbook(path, data_only=True)
    return {(sheet.title, c.coordinate): c.value for sheet in book for row in sheet.iter_rows() for c in row}


def without_values(path: Path, out: Path, changes: dict[tuple[str, str], Any] | None = None) -> Path:
    """The workbook with its formulas alone: what is then there was calculated."""
    book = openpyxl.load_workbook(path)
    for (sheet, cell), value in (changes or {}).items():
        book[sheet][cell] = value
    bare = out / f"bare-{path.name}"
    book.save(bare)
    return bare


@pytest.mark.parametrize("name", [".xlsx", "-forms.xlsx"])
def test_recalculation_gives_the_cached_values(files: dict[str, Path], name: str, tmp_path: Path) -> None:
    recalculates(files[name], tmp_path)


def test_weighted_histories_are_weighed_in_the_formulas(nasty: sim.Scenario, tmp_path: Path) -> None:
    how = sim.Sampling("flags", "equal")
    answer = sim.size(nasty, replications=200, seed=7, workers=1, out=tmp_path / "run", sampling=how)
    book = export(answer, ["xlsx"], "en", tmp_path / "out")[0]
    sheet, w = openpyxl.load_workbook(book, data_only=True)["Calculation"], Words("en")
    found = {name: value for name, value in sheet.iter_rows(max_col=2, values_only=True) if value is not None}
    assert found[w.label("need_yuan")] == pytest.approx(w.in_unit(answer.data["need_yuan"]["value"]))
    assert found[w.label("advice")] == w.in_unit(answer.data["advice"]["fund_yuan"])
    assert found[w("shortfall chance")] == pytest.approx(answer.data["advice"]["shortfall_chance"]["value"], rel=1e-12)
    assert "--sampling flags --allocation equal" in command(answer)
    assert "sim.Sampling('flags', 'equal')" in snippet(answer)
    recalculates(book, tmp_path)


def recalculates(path: Path, tmp_path: Path) -> None:
    """Every formula of a workbook, calculated from nothing, has the value that was stored with it."""
    bare = without_values(path, tmp_path)
    found = values(converted(bare, "xlsx:Calc MS Excel 2007 XML", _folder(tmp_path)))
    cached, formulas = values(path), [
        (s.title, c.coordinate) for s in openpyxl.load_workbook(path) for row in s.iter_rows() for c in row if c.data_type == "f"
    ]  # fmt: skip
    assert len(formulas) > 50 and values(bare)[formulas[0]] is None
    for at in formulas:
        expected = cached[at]
        if isinstance(expected, str):
            assert found[at] == expected, at
        else:
            assert found[at] == pytest.approx(expected, rel=1e-12, abs=1e-9), at


def test_the_forms_follow_the_yellow_cell(files: dict[str, Path], tmp_path: Path) -> None:
    """January and the first quarter in place of December and the fourth."""
    path = files["-forms.xlsx"]
    sheets = openpyxl.load_workbook(path).sheetnames
    bare = without_values(path, tmp_path, {(sheets[0], "C6"): 1, (sheets[1], "C6"): 1})
    found, data = values(converted(bare, "xlsx:Calc MS Excel 2007 XML", _folder(tmp_path))), values(path)
    assert found[sheets[0], "E9"] == pytest.approx(data[sheets[2], "E9"])  # loans made by the first lender in January
    assert found[sheets[0], "F9"] == found[sheets[0], "E9"]  # the year begins
    assert found[sheets[1], "D9"] == pytest.approx(data[sheets[3], "D9"])
    assert found[sheets[1], "G11"] == pytest.approx(data[sheets[3], "G9"] + data[sheets[3], "G10"])


@pytest.mark.parametrize("name", [".pptx", ".docx", ".xlsx", "-forms.xlsx"])
def test_every_file_becomes_pages(files: dict[str, Path], name: str, tmp_path: Path) -> None:
    made = converted(files[name], "pdf", tmp_path).read_bytes()
    pages = len(re.findall(rb"/Type\s*/Page[^s]", made))
    assert pages >= FIRST_PAGES[name]


def _folder(path: Path) -> Path:
    out = path / "recalculated"
    out.mkdir()
    return out
