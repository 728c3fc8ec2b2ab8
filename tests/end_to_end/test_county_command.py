"""A county's workbook from the command line: out, filled, checked, read, and sized as it is."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl

from tests.end_to_end.test_commands import KNOWN, riskfund


def filled(path: Path, cells: dict[str, object]) -> None:
    """Type into column E of the county's sheet, by code in column H."""
    book = openpyxl.load_workbook(path)
    sheet = book["县情"]
    rows = {row[7].value: row[0].row for row in sheet.iter_rows()}
    for code, value in cells.items():
        sheet.cell(rows[code], 5, value)
    book.save(path)


def test_a_county_file_from_template_to_answer(tmp_path: Path) -> None:
    riskfund(tmp_path, "county", "template", "x-county", "--lang", "zh", "--out", "县.xlsx")
    assert (
        "会丢失"
        in riskfund(tmp_path, "county", "template", "x-county", "--lang", "zh", "--out", "县.xlsx", code=3).stderr
    )

    filled(tmp_path / "县.xlsx", {"office.clerks": "约3人", "fiscal.delay_months": 20})
    refused = riskfund(tmp_path, "county", "read", "县.xlsx", "--lang", "zh", "--out", "county", code=3).stderr
    assert "“县情”" in refused and "〔本县〕" in refused and "约3人" in refused and "0至12" in refused
    listed = json.loads(riskfund(tmp_path, "county", "check", "县.xlsx", "--json", code=3).stdout)
    assert [p["row"] for p in listed["problems"]] == ["subsidy money comes later by", "clerks"]
    riskfund(tmp_path, "size", "县.xlsx", code=3)
    assert not (tmp_path / "county").exists() and not (tmp_path / "counties").exists()

    filled(tmp_path / "县.xlsx", {"office.clerks": 2, "fiscal.delay_months": 0, "title": "甲县"})
    assert "甲县" in riskfund(tmp_path, "county", "check", "县.xlsx", "--lang", "zh").stdout
    riskfund(tmp_path, "county", "read", "县.xlsx", "--lang", "zh", "--out", "county")
    assert json.loads(riskfund(tmp_path, "check", "county/scenario.toml", "--json").stdout)["valid"]
    size = (*KNOWN, "--replications", "24", "--workers", "1", "--json", "--quiet", "--assurance", "0.8")
    direct = json.loads(riskfund(tmp_path, "size", "县.xlsx", "--out", "a", *size).stdout)
    by_file = json.loads(riskfund(tmp_path, "size", "county/scenario.toml", "--out", "b", *size).stdout)
    assert direct["need_yuan"] == by_file["need_yuan"] and (tmp_path / "counties").is_dir()
