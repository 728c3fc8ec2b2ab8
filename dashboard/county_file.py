"""The county file in one reader's language: for the command line and the page, without anything of a page in it."""

from __future__ import annotations

import datetime as dt
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

import sim
from calibration.county_file import (
    BLANK_ROWS,
    COLUMNS,
    LIST_COLUMNS,
    Cell,
    CountyFile,
    CountyProblems,
    Row,
    Sheet,
    check_sheets,
    defaults,
    fields_of,
    folder_for,
    read_county,
    said,
    save_county,
    shown,
    source_of,
    text,
    write_template,
)  # fmt: skip
from dashboard.words import Words
from dashboard.words.labels import N_

T = TypeVar("T")
FOLDER = "counties"  # beside the runs folder: what counties have saved
WHAT_IF = N_("what-if, typed on a page")


def template(scenario: sim.Scenario, lang: str, base: str = "") -> bytes:
    """The workbook of a scenario, its sources in the reader's language."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "county.xlsx"
        return write_template(scenario, lang, path, source_words=Words(lang).source, base=base).read_bytes()


def read(path: Path, w: Words, base: sim.Scenario | None = None) -> CountyFile:
    """Read a filled county file.

    Raises
    ------
    CountyProblems
        In the reader's language.
    """
    return spoken(w, lambda: read_county(path, base, w.lang))


def spoken(w: Words, check: Callable[[], T]) -> T:
    """Run a check; what the model itself says is allowed is English and is put into the reader's language.

    Raises
    ------
    CountyProblems
    """
    try:
        return check()
    except CountyProblems as error:
        told = [replace(problem, allowed=w.reason(problem.allowed)) for problem in error.problems]
        raise CountyProblems(error.file, told, w.lang) from None


def opened(path: Path, w: Words, counties: Path) -> Path:
    """The scenario file of a county file, saved under a folder that is named by its content."""
    county = read(path, w)
    return save_county(county, folder_for(county, counties)).scenario


def as_said(county: CountyFile, title: str, *, is_what_if: bool) -> CountyFile:
    """A county typed on a page under the reader's own name; a what-if is an assumption, not the county's data."""
    changes: dict[str, Any] = {"title": {"zh": title, "en": title}}
    first, *rest = county.scenario.sources
    if is_what_if and county.changes:
        changes["sources"] = [{"fields": list(first.fields), "kind": "assumption", "note": WHAT_IF}, *(s.model_dump() for s in rest)]  # fmt: skip
    named = county.scenario.with_changes(changes, _file_name(title) or county.scenario.name)
    return replace(county, scenario=named)


def _file_name(title: str) -> str:
    """A title as a scenario's name, which names a folder."""
    return re.sub(r'[./\\:*?"<>|\x00-\x1f]+', "-", title).strip(" -")[:60]


# --- tables to type into ---------------------------------------------------------------------------------

_BEFORE = ("item", "unit", "default", "source")


def tables(base: sim.Scenario, w: Words) -> dict[str, pd.DataFrame]:
    """The form's sheets as tables of text, by code; what may be typed into is empty."""
    out = {key: _field_table(key, base, w) for key in ("county", "parameters")}
    return {**out, **{key: _list_table(key, base, w) for key in LIST_COLUMNS}}


def headings(sheet: str, w: Words) -> dict[str, str]:
    """What the columns of a table are called; the unit in brackets where the whole column has one."""
    if sheet not in LIST_COLUMNS:
        return {name: text(f"heading.{name}", w.lang) for name in (*_BEFORE, *COLUMNS[sheet])}
    return {
        name: text(f"heading.{name}", w.lang) + (f" ({text(f'unit.{unit}', w.lang)})" if unit else "")
        for name, unit, _ in LIST_COLUMNS[sheet]
        if name not in ("code", "source")
    }


def check_tables(typed: Mapping[str, pd.DataFrame], base: sim.Scenario, w: Words) -> CountyFile:
    """Check what was typed, exactly as a file is checked.

    Raises
    ------
    CountyProblems
        In the reader's language.
    """
    dates = {f.key for f in fields_of(base) if f.kind == "date"}
    sheets = {
        key: Sheet(key, text(f"sheet.{key}", w.lang), [
            Row(number, str(code), {name: _cell(row[name], str(code) in dates) for name in COLUMNS[key]})
            for number, (code, row) in enumerate(table.iterrows(), start=1)
        ])
        for key, table in typed.items()
    }  # fmt: skip
    return spoken(w, lambda: check_sheets(sheets, base, w.lang, w("this page")))


def _cell(typed: Any, is_date: bool) -> Cell:
    """What was typed; a page has no cells of dates, so that a date is one where it is written like one."""
    if typed is None or pd.isna(typed):
        return Cell()
    if is_date:
        try:
            return Cell(dt.date.fromisoformat(str(typed).strip()))
        except ValueError:
            pass
    return Cell(str(typed))


def _field_table(sheet: str, base: sim.Scenario, w: Words) -> pd.DataFrame:
    rows = {
        f.key: {
            "item": f.label[w.lang], "unit": text(f"unit.{f.unit}", w.lang), "default": said(shown(f, f.default, w.lang)),
            "source": source_of(f.source, w.lang, w.source) if f.key != "title" else "", "own": "", "alternative": "",
        }
        for f in fields_of(base)
        if f.sheet == sheet
    }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index")


def _list_table(sheet: str, base: sim.Scenario, w: Words) -> pd.DataFrame:
    known = defaults(sheet, base, w.lang)
    name = "heading.lender_row" if sheet == "lenders" else "heading.township_row"
    columns = [column for column, _, _ in LIST_COLUMNS[sheet] if column not in ("code", "source", "item")]
    rows = {}
    for k in range(max(BLANK_ROWS[sheet], len(known) + 3)):
        given = known[k] if k < len(known) else {}
        cells = {column: said(given.get(column, "")) for column in columns}
        rows[f"{sheet}.{k + 1}"] = {"item": text(name, w.lang, k=k + 1), **cells}
    return pd.DataFrame.from_dict(rows, orient="index")
