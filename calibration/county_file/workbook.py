"""Opens an uploaded county file: only a plain workbook, its sheets as rows of cells under known headings."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils import get_column_letter

from calibration.county_file import problems
from calibration.county_file.problems import CountyProblems, Problem
from calibration.county_file.texts import LANGUAGES, key_of, text
from calibration.county_file.values import Cell

MAX_MB = 20
_MAX_UNPACKED = 200_000_000
_MAX_ROWS, _MAX_COLUMNS = 100_000, 100
_HEADER_WITHIN = 10
_PLAIN = "xlsx"
_LINKS = ("xl/externalLinks/", "xl/connections", "xl/queryTables/")
_MACROS = ("vbaproject.bin", "macrosheets/", "dialogsheets/", "activex/")

# Columns that a sheet must have, beside its code.
COLUMNS = {
    "county": ("own", "alternative"),
    "parameters": ("own", "alternative"),
    "lenders": ("own_name", "own_account", "own_balance", "alternative_account", "alternative_balance"),
    "townships": ("own_name", "own_share", "own_households", "alternative_share"),
}
SHEETS = ("notes", *COLUMNS, "loans")


@dataclass(frozen=True)
class Row:
    """One row of a sheet: its number there, the code that says what it is, and its input cells by column."""

    number: int
    code: str
    cells: Mapping[str, Cell]


@dataclass(frozen=True)
class Sheet:
    """A sheet of the form.

    Attributes
    ----------
    key, title : str
    rows : sequence of Row
    letters : mapping of str to str
        Column to its letter; empty where the rows do not come from a workbook.
    """

    key: str
    title: str
    rows: Sequence[Row]
    letters: Mapping[str, str] = field(default_factory=dict)

    def at(self, row: Row, column: str) -> str:
        """Address of a cell, "" where there is none."""
        return f"{self.letters[column]}{row.number}" if column in self.letters else ""


@dataclass(frozen=True)
class Book:
    """An opened county file.

    Attributes
    ----------
    name, lang : str
    base : str
        Name of the scenario underneath, as the template noted it.
    sheets : dict of str to Sheet
    loans : list of list of Cell
        The loan sheet as it stands.
    titles : dict of str to str
        Sheet to its title in the file.
    problems : list of Problem
    """

    name: str
    lang: str
    base: str
    sheets: dict[str, Sheet]
    loans: list[list[Cell]]
    titles: dict[str, str]
    problems: list[Problem]


def open_book(path: Path, lang: str | None = None) -> Book:
    """Open a filled template.

    Parameters
    ----------
    path : Path
    lang : {"zh", "en"}, optional
        Language of what is said; by default the file's own.

    Raises
    ------
    CountyProblems
        The file as a whole is refused: another type, macros, links to other files, too large, not a template.
    """
    book = _workbook(path, lang or LANGUAGES[0])
    found = {
        key: (sheet, spoken) for sheet in book.worksheets for key, spoken in [key_of("sheet", sheet.title) or ("", "")]
    }
    if not found.keys() & {"county", "parameters", "notes"}:
        raise _refused(path, text("found.no_sheet", lang or LANGUAGES[0]), "template", lang or LANGUAGES[0])
    for sheet, _ in found.values():  # a stray cell far below would make a million rows
        if sheet.max_row > _MAX_ROWS or sheet.max_column > _MAX_COLUMNS:
            size = f"{sheet.title}: {sheet.max_row:,} × {sheet.max_column:,}"
            raise _refused(path, size, "area", lang or LANGUAGES[0], rows=f"{_MAX_ROWS:,}", columns=_MAX_COLUMNS)
    own_lang = next(spoken for key, (_, spoken) in found.items() if key)
    say = lang or own_lang
    wrong = [_missing(key, own_lang, say) for key in SHEETS if key not in found and key != "notes"]
    sheets = {}
    for key in COLUMNS:
        if key in found:
            sheets[key] = _sheet(key, found[key][0], wrong, say)
    loans = found["loans"][0] if "loans" in found else None
    if loans is not None:
        wrong += _merged(loans, "loans", {}, say)
    return Book(
        path.name, own_lang, _base(found), sheets, _cells(loans) if loans is not None else [],
        {key: sheet.title for key, (sheet, _) in found.items()}, wrong,
    )  # fmt: skip


def _workbook(path: Path, lang: str) -> Any:
    """The workbook, after what must not be in it has been looked for in the file itself."""
    if path.suffix.lower() in (".xlsm", ".xltm", ".xlsb", ".xlam"):
        raise _refused(path, text("found.macros", lang), "no_macros", lang)
    if path.suffix.lower() != f".{_PLAIN}":
        raise _refused(path, path.suffix or text("found.nothing", lang), _PLAIN, lang)
    if not path.is_file():
        raise _refused(path, text("found.no_file", lang), _PLAIN, lang)
    if path.stat().st_size > MAX_MB * 1_000_000:
        raise _refused(path, f"{path.stat().st_size / 1e6:.0f} MB", "size", lang, most=MAX_MB)
    content = path.read_bytes()
    if content[:4] == b"\xd0\xcf\x11\xe0":
        raise _refused(path, text("found.old_excel", lang), "old_excel", lang)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = [part.filename for part in archive.infolist()]
            unpacked = sum(part.file_size for part in archive.infolist())
            kinds = archive.read("[Content_Types].xml") if "[Content_Types].xml" in parts else b""
    except (zipfile.BadZipFile, OSError, RuntimeError) as error:
        raise _refused(path, text("found.unreadable", lang), _PLAIN, lang) from error
    if unpacked > _MAX_UNPACKED:
        raise _refused(path, f"{unpacked / 1e6:.0f} MB", "size", lang, most=_MAX_UNPACKED // 1_000_000)
    if b"macroEnabled" in kinds or any(mark in part.lower() for part in parts for mark in _MACROS):
        raise _refused(path, text("found.macros", lang), "no_macros", lang)
    if any(part.startswith(_LINKS) for part in parts):
        raise _refused(path, text("found.links", lang), "no_links", lang)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles openpyxl does not know have no bearing on the values
            return openpyxl.load_workbook(io.BytesIO(content), keep_links=False)
    except Exception as error:  # openpyxl raises a dozen kinds on a damaged file; all mean "unreadable"
        raise _refused(path, text("found.unreadable", lang), _PLAIN, lang) from error


def _refused(path: Path, found: str, allowed: str, lang: str, **values: Any) -> CountyProblems:
    return problems.of_file(path.name, found, text(f"allowed.{allowed}", lang, **values), lang)


def _missing(key: str, own_lang: str, say: str) -> Problem:
    title = text(f"sheet.{key}", own_lang)
    return Problem(
        title, "", text("heading.whole_sheet", say), "", text("found.no_sheet", say),
        text("allowed.sheet", say, sheet=title),
    )  # fmt: skip


def _base(found: Mapping[str, tuple[Any, str]]) -> str:
    """The scenario that the template was made from, beside its mark on the sheet of notes."""
    if "notes" not in found:
        return ""
    sheet, lang = found["notes"]
    for row in sheet.iter_rows(max_col=2, max_row=100, values_only=True):
        if row[0] == text("notes.base", lang) and isinstance(row[1], str):
            return str(row[1]).strip()
    return ""


def _sheet(key: str, sheet: Any, wrong: list[Problem], say: str) -> Sheet:
    rows = _cells(sheet)
    at, header = _columns(rows)
    letters = {name: get_column_letter(k + 1) for name, k in at.items()}
    for name in ("code", *COLUMNS[key]):
        if name not in at:
            heading = text(f"heading.{name}", say)
            wrong.append(
                Problem(
                    sheet.title, "", text("heading.heading_row", say), heading, text("found.no_column", say),
                    text("allowed.column", say),
                )
            )  # fmt: skip
    wrong += _merged(sheet, key, at, say)
    out = Sheet(key, sheet.title, [], letters)
    if "code" not in at:
        return out
    taken = [
        Row(number, _text(row, at["code"]), {name: _cell(row, at[name]) for name in COLUMNS[key] if name in at})
        for number, row in enumerate(rows[header + 1 :], start=header + 2)
    ]
    return Sheet(
        key, sheet.title, [r for r in taken if r.code or any(not c.is_blank for c in r.cells.values())], letters
    )


def _columns(rows: Sequence[Sequence[Cell]]) -> tuple[dict[str, int], int]:
    """Known headings by position, from the row, within the first ten, that has most of them."""
    best: dict[str, int] = {}
    header = 0
    for number, row in enumerate(rows[:_HEADER_WITHIN]):
        at: dict[str, int] = {}
        for k, cell in enumerate(row):
            known = key_of("heading", _bare(cell.value)) if isinstance(cell.value, str) else None
            if known is not None:
                at.setdefault(known[0], k)
        if len(at) > len(best):
            best, header = at, number
    return best, header


def _bare(heading: str) -> str:
    """A heading without the unit that the template puts on a second line."""
    return heading.split("\n")[0].strip()


def _merged(sheet: Any, key: str, at: Mapping[str, int], say: str) -> list[Problem]:
    """Merged cells that touch a column which is read; of loans every column is."""
    out = []
    watched = {k + 1 for name, k in at.items() if name in (*COLUMNS.get(key, ()), "code")}
    for area in sheet.merged_cells.ranges:
        if key != "loans" and not watched & set(range(area.min_col, area.max_col + 1)):
            continue
        cell = f"{get_column_letter(area.min_col)}{area.min_row}"
        column = next((text(f"heading.{name}", say) for name, k in at.items() if k + 1 == area.min_col), "")
        out.append(
            Problem(
                sheet.title, cell, text("heading.row", say, k=area.min_row), column, text("found.merged", say),
                text("allowed.merged", say, range=area.coord),
            )
        )  # fmt: skip
    return out


def _cells(sheet: Any) -> list[list[Cell]]:
    return [[_read(cell) for cell in row] for row in sheet.iter_rows()]


def _read(cell: Any) -> Cell:
    value = cell.value
    if value is None:
        return _BLANK
    kind = getattr(cell, "data_type", "n")
    is_percent = isinstance(value, int | float) and "%" in cell.number_format
    return Cell(value, is_percent, is_formula=kind == "f", is_error=kind == "e")


_BLANK = Cell()


def _cell(row: Sequence[Cell], k: int) -> Cell:
    return row[k] if k < len(row) else _BLANK


def _text(row: Sequence[Cell], k: int) -> str:
    value = _cell(row, k).value
    return value.strip() if isinstance(value, str) else ""
