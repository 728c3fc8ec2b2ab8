"""Exports opened again by the libraries that read them: right numbers, right fonts, native charts, texts that stay texts."""

from __future__ import annotations

import csv
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pytest
from lxml import etree
from pptx import Presentation

import sim
from dashboard.export import export, pictures, svg
from dashboard.export.report import Report
from dashboard.export.text import guarded, plain
from dashboard.figures import theme
from dashboard.words import Words
from sim.answers.outlook import account_parts, at_size
from sim.answers.sample import Sample
from sim.store import RunFolder
from tests.dashboard.office_files import A, parts, written

DEMONSTRATION = {"zh": "演示数据，不可用于预算", "en": "Demonstration data: not for a budget"}
# Functions of Excel 2007 and before, which WPS knows too.
KNOWN = {
    "COUNT", "COUNTIF", "SUMIF", "SUM", "SUMPRODUCT", "SMALL", "MIN", "MAX", "IF", "ROUND", "ROUNDUP", "INT", "LOG10", "TEXT", "CRITBINOM",
}  # fmt: skip


# --- all of them -------------------------------------------------------------------------------------


def test_each_carries_number_seed_version_and_mark(files: dict[str, Path], sized: sim.Answer, lang: str) -> None:
    number = sized.data["provenance"]["result_number"]
    assert set(files) == {
        ".pptx",
        ".xlsx",
        "-forms.xlsx",
        ".docx",
        ".html",
        ".csv",
        "-histories.csv",
        ".ipynb",
        f"{number}.toml",
    }
    for name, path in files.items():
        text = written(path)
        for needed in (number, "7", sim.__version__, DEMONSTRATION[lang]):
            assert needed in text, (name, needed)


def test_slides_and_sheets_each_say_that_it_is_a_demonstration(files: dict[str, Path], lang: str) -> None:
    for _, root in parts(files[".pptx"], r"slides/slide\d+"):
        assert DEMONSTRATION[lang] in "".join(root.itertext())
    for name in (".xlsx", "-forms.xlsx"):
        for sheet in openpyxl.load_workbook(files[name]):
            top = [str(c.value) for row in sheet.iter_rows(max_row=4) for c in row if c.value]
            assert any(DEMONSTRATION[lang] in text for text in top), sheet.title
            assert DEMONSTRATION[lang] in str(sheet.oddFooter.left.text), sheet.title


def test_a_countys_own_data_carry_no_mark(sized: sim.Answer, lang: str) -> None:
    own = sim.Answer({**sized.data, "is_demonstration": False}, sized.scenario, sized.folder, ())
    report = Report(own, Words(lang))
    assert report.mark == "" and DEMONSTRATION[lang] not in report.stamp


def test_chinese_exports_are_in_chinese(files: dict[str, Path], lang: str) -> None:
    """Every sentence of the house is in the catalogue: three English words in a row are code or a name."""
    if lang == "en":
        pytest.skip("of the Chinese exports")
    for name in (".xlsx", "-forms.xlsx", ".pptx", ".docx", ".csv"):
        found = re.findall(r"\b[a-z]+ [a-z]+ [a-z]+\b", written(files[name]))
        assert not [text for text in found if text != "riskfund size RF"], (name, found)


# --- workbook ----------------------------------------------------------------------------------------


def calculated(path: Path, lang: str) -> dict[str, Any]:
    """Values of the calculation by their names."""
    sheet = openpyxl.load_workbook(path, data_only=True)[Words(lang)("Calculation")]
    out: dict[str, Any] = {}
    for name, value in sheet.iter_rows(min_col=1, max_col=2, values_only=True):
        if isinstance(name, str) and value is not None:
            out.setdefault(name, value)
    return out


def test_cached_values_are_the_answers_figures_to_the_last_digit(
    files: dict[str, Path], sized: sim.Answer, lang: str
) -> None:
    w, d, found = Words(lang), sized.data, calculated(files[".xlsx"], lang)
    need = d["need_yuan"]
    assert found[w.label("need_yuan")] == w.in_unit(need["value"])
    assert [found[w("interval from")], found[w("interval to")]] == [w.in_unit(x) for x in need["ci95"]]
    assert found[w.term("conservative")] == w.in_unit(need["conservative"])
    assert found[w.label("advice")] == w.in_unit(d["advice"]["fund_yuan"])
    assert found[w("shortfall chance")] == d["advice"]["shortfall_chance"]["value"]
    assert found[w("histories")] == d["replications"]


def test_what_a_size_does_is_what_the_frontier_says(sized: sim.Answer, lang: str, tmp_path: Path) -> None:
    """With a size that is short sometimes, account by account."""
    w, yuan = Words(lang), 2e5
    advice = {**sized.data["advice"], "fund_yuan": yuan}
    (book, _) = export(
        sim.Answer({**sized.data, "advice": advice}, sized.scenario, sized.folder, ()), ["xlsx"], lang, tmp_path
    )
    found = calculated(book, lang)
    sample = Sample.of(RunFolder(sized.folder), "main", sized.data["replications"])
    row = at_size(sample, account_parts(sized.scenario), yuan)
    assert 0 < row["shortfall_chance"]["value"] < 1
    assert found[w("shortfall chance")] == row["shortfall_chance"]["value"]
    assert found[w.label("mean_gap_if_short_yuan")] == pytest.approx(
        w.in_unit(row["mean_gap_if_short_yuan"]["value"]), abs=1e-6
    )
    assert found[w("idle money in a mean year")] == pytest.approx(w.in_unit(row["idle_yuan"]["value"]), abs=1e-6)


def test_formulas_use_old_functions_and_all_have_values(files: dict[str, Path]) -> None:
    for name in (".xlsx", "-forms.xlsx"):
        plain_book, valued = (openpyxl.load_workbook(files[name], data_only=x) for x in (False, True))
        formulas = [(s.title, c) for s in plain_book for row in s.iter_rows() for c in row if c.data_type == "f"]
        assert len(formulas) > 50
        for sheet, cell in formulas:
            outside = re.sub(r'"[^"]*"', "", cell.value)
            assert set(re.findall(r"([A-Z][A-Z0-9.]+)\(", outside)) <= KNOWN, cell.value
            assert "_xlfn" not in cell.value and "PERCENTILE" not in cell.value
            assert valued[sheet][cell.coordinate].value is not None, (sheet, cell.coordinate)


def test_workbooks_have_native_charts(files: dict[str, Path]) -> None:
    charts = dict(parts(files[".xlsx"], r"xl/charts/chart\d+\.xml"))
    assert len(charts) == 2
    with zipfile.ZipFile(files[".xlsx"]) as archive:
        assert not [n for n in archive.namelist() if n.endswith((".png", ".jpg", ".emf", ".bin"))]


def test_histories_stand_in_rising_order_of_need(files: dict[str, Path], sized: sim.Answer, lang: str) -> None:
    sheet = openpyxl.load_workbook(files[".xlsx"])[Words(lang)("Histories")]
    need = [row[1] for row in sheet.iter_rows(min_row=6, values_only=True)]
    assert need == sorted(need) and len(need) == 80
    assert need == np.sort(sized.histories()["need_fen"].to_numpy() / 100).tolist()


# --- formula injection -------------------------------------------------------------------------------


def test_names_stay_texts_in_workbooks(files: dict[str, Path]) -> None:
    ours = re.compile(
        r"^(?:=COUNT|=SUM|=SMALL|=MIN|=MAX|=IF|=ROUND|=\$B|=B\d|=20-|=C\d+[+]|=I\d|=\(SUMPRODUCT|='|=\(|=[A-Z]\d+)"
    )
    for name in (".xlsx", "-forms.xlsx"):
        for sheet in openpyxl.load_workbook(files[name]):
            for row in sheet.iter_rows():
                for cell in row:
                    if cell.data_type == "f":
                        assert ours.match(cell.value), cell.value
                        assert "1+1" not in cell.value and "HYPERLINK" not in cell.value and "cmd" not in cell.value
                    assert cell.hyperlink is None
    names = [str(c.value) for c in openpyxl.load_workbook(files["-forms.xlsx"]).worksheets[0]["B"]]
    assert "=1+1|cmd" in names


def test_names_stay_texts_in_tables(files: dict[str, Path]) -> None:
    for name in (".csv", "-histories.csv"):
        raw = files[name].read_bytes()
        assert raw.startswith(b"\xef\xbb\xbf") and b"\0" not in raw
        with files[name].open(encoding="utf-8-sig", newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        for cell in cells:
            if cell.lstrip(" ")[:1] in tuple("=+-@\t\r\n＝"):
                assert re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d+)?", cell) or cell == "", repr(cell)
    with files[".csv"].open(encoding="utf-8-sig", newline="") as file:
        texts = {cell for row in csv.reader(file) for cell in row}
    assert "'=1+1" in texts


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "\0=1", " =1", "＝1"])
def test_guarded_texts_begin_with_an_apostrophe(text: str) -> None:
    assert guarded(text).startswith("'") and "\0" not in guarded(text)
    assert guarded("a" + text.replace("\0", "")) == "a" + text.replace("\0", "") and guarded("") == ""


def test_numbers_keep_their_sign_in_tables(files: dict[str, Path]) -> None:
    assert guarded("plain") == "plain"
    assert plain("a\0b\x0bc\nd") == "abc d"


def test_names_cannot_be_markup_in_the_page(files: dict[str, Path]) -> None:
    text = written(files[".html"])
    assert "<script" not in text and "&lt;script&gt;" in text


def test_the_page_runs_and_fetches_nothing(files: dict[str, Path]) -> None:
    text = written(files[".html"])
    assert "default-src 'none'" in text and "@page" in text and "A4" in text
    assert not re.search(r"<(script|link|img|iframe|object|embed|form)\b", text)
    assert not re.search(r"(src|href|url\()\s*=?\s*[\"']?(https?:)?//", text)
    pictures = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(pictures) == 4
    for picture in pictures:
        etree.fromstring(picture)
        assert "<desc>" in picture


@pytest.mark.parametrize("size", [1.0, 4.5, 5.5])
def test_no_words_beside_the_size_are_cut(size: float) -> None:
    """What stands to the right of the line of the size ends inside the picture."""
    drawn = pictures.Dots("t", "a", [(1.0, 0.5)], [], size, "size", ("at least 19/20", "fewer than 1/20"), 5.8, 7.0)
    picture = etree.fromstring(svg.dots(drawn, Words("en")))
    ends = [float(t.get("x")) + 8 * theme.width(t.text) for t in picture.iter("{*}text") if t.text.endswith(" short")]
    assert len(ends) == 1 and ends[0] <= 700.1


# --- slides ------------------------------------------------------------------------------------------


def test_every_run_has_a_chinese_font(files: dict[str, Path]) -> None:
    counted = 0
    for part, root in parts(files[".pptx"], r"ppt/(slides|charts|notesSlides|slideMasters)/[^/]+\.xml"):
        for run in root.iter(f"{A}r"):
            assert run.find(f"{A}rPr") is not None, part
        for properties in root.iter(f"{A}rPr", f"{A}defRPr", f"{A}endParaRPr"):
            counted += 1
            for name in ("latin", "ea"):
                assert properties.find(f"{A}{name}").get("typeface") == "Microsoft YaHei", part
            order = [etree.QName(child).localname for child in properties]
            assert (
                order.index("latin") < order.index("ea") and order.index("solidFill") < order.index("latin")
                if "solidFill" in order
                else True
            )
    assert counted > 100
    for part, root in parts(files[".pptx"], r"ppt/theme/theme\d+\.xml"):
        for fonts in (*root.iter(f"{A}majorFont"), *root.iter(f"{A}minorFont")):
            assert fonts.find(f"{A}ea").get("typeface") == "Microsoft YaHei", part


def test_six_slides_with_native_charts_and_notes(files: dict[str, Path]) -> None:
    deck = Presentation(str(files[".pptx"]))
    assert round(deck.slide_width / deck.slide_height, 2) == 1.78 and len(deck.slides) == 6
    kinds = [str(s.chart.chart_type).split(" ")[0] for slide in deck.slides for s in slide.shapes if s.has_chart]
    assert kinds == ["XY_SCATTER", "XY_SCATTER", "COLUMN_STACKED", "BAR_CLUSTERED"]
    with zipfile.ZipFile(files[".pptx"]) as archive:
        assert len([n for n in archive.namelist() if n.startswith("ppt/embeddings/")]) == 4  # the data can be edited
        assert not [n for n in archive.namelist() if n.startswith("ppt/media/")]
    for slide in deck.slides:
        assert slide.shapes.title.text and len(slide.notes_slide.notes_text_frame.text) > 40
        for shape in slide.shapes:
            assert shape.left >= 0 and shape.left + shape.width <= deck.slide_width
            assert shape.top >= 0 and shape.top + shape.height <= deck.slide_height
            if shape.has_chart:
                assert shape._element.nvGraphicFramePr.cNvPr.get("descr")


def test_the_dots_of_the_slide_are_those_of_the_answer(files: dict[str, Path], sized: sim.Answer, lang: str) -> None:
    deck = Presentation(str(files[".pptx"]))
    chart = next(s.chart for s in deck.slides[1].shapes if s.has_chart)
    enough, short, line = ([point for point in series.values if point is not None] for series in chart.plots[0].series)
    assert len(enough) + len(short) in (20, 100) and len(line) == 2
    chance = sized.data["advice"]["shortfall_chance"]["value"]
    assert abs(len(short) / (len(enough) + len(short)) - chance) <= 0.5 / (len(enough) + len(short)) + 1e-9


def test_columns_of_the_waterfall_end_at_what_the_fund_paid(
    files: dict[str, Path], sized: sim.Answer, lang: str
) -> None:
    deck, w = Presentation(str(files[".pptx"])), Words(lang)
    chart = next(s.chart for s in deck.slides[3].shapes if s.has_chart)
    begins, heights = (list(series.values) for series in chart.plots[0].series)
    total = w.in_unit(sized.data["waterfall"]["claimable_yuan"]["value"])
    assert heights[0] == pytest.approx(total) == pytest.approx(sum(heights[1:]), abs=1e-3)
    for k in range(2, len(begins)):
        assert begins[k] + heights[k] == pytest.approx(begins[k - 1], abs=1e-3)
