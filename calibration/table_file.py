"""Opens a bank's table (.csv or .xlsx) as plain text cells with their Excel row numbers."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import unicodedata
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl

from sim.errors import InputError

MAX_BYTES = 50_000_000
_MAX_UNPACKED = 1_000_000_000
_HEADER_WITHIN = 10
_MIN_HEADERS = 3
_TYPES = "a table saved as .csv or .xlsx"
_INVISIBLE = re.compile("[\u200b\u200c\u200d\ufeff]")

Rows = list[list[str]]


@dataclass(frozen=True)
class Table:
    """One table as text.

    Attributes
    ----------
    name : str
        File name without its folder.
    sha256 : str
        Hash of the file's bytes.
    salt : str
        A second hash of the bytes. It cannot be worked out from ``sha256``, which is written down.
    headers : list of str
    rows : list of list of str
        Data rows as long as the header, empty rows left out.
    row_numbers : list of int
        Excel row number of each data row.
    overlong : set of int
        Excel row numbers of rows that have more cells than the header.
    """

    name: str
    sha256: str
    salt: str
    headers: list[str]
    rows: Rows
    row_numbers: list[int]
    overlong: set[int]


def read_table(path: Path, is_header: Callable[[str], bool], sheet: str | None = None) -> Table:
    """Read a table and find its header row.

    Parameters
    ----------
    path : Path
        .csv (utf-8, utf-8 with a mark, gb18030) or .xlsx, at most 50 MB.
    is_header : callable
        True for a text that is a known column heading. The header is the row, within the first ten, with
        most known headings (titles above it are skipped), or else the first row that is not empty.
    sheet : str, optional
        Title of the only sheet to look at; by default all are.

    Raises
    ------
    InputError
        Another type, too large, unreadable, empty, or more than one sheet that looks like a ledger.
    """
    kind = path.suffix.lower()
    if kind not in (".csv", ".xlsx"):
        raise InputError(path.name, "file type", kind or "no suffix", _TYPES)
    if not path.is_file():
        raise InputError(path.name, "file", str(path), "a file that exists")
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise InputError(path.name, "file size", f"{size / 1e6:.0f} MB", "at most 50 MB")
    content = path.read_bytes()
    if content[:4] == b"\xd0\xcf\x11\xe0":
        raise InputError(path.name, "file", "an old Excel file or one with a password", _TYPES)
    is_csv = kind == ".csv"
    sheets = {path.name: _csv_rows(path.name, content)} if is_csv else _xlsx_sheets(path.name, content)
    if sheet is not None:
        sheets = {title: rows for title, rows in sheets.items() if title == sheet}
    rows, header_at = _ledger_sheet(path.name, sheets, is_header)
    return _table(path.name, content, rows, header_at)


def _csv_rows(name: str, content: bytes) -> Rows:
    if content[:2] == b"PK":
        raise InputError(name, "file", "an Excel file named .csv", _TYPES)
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise InputError(name, "encoding", "unknown", "utf-8 or gb18030 text")
    if "\x00" in text:
        raise InputError(name, "encoding", "not plain text", "utf-8 or gb18030 text")
    head = text[:10_000]
    separator = max(",\t;", key=head.count)
    try:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        return [[_clean(cell) for cell in row] for row in rows]
    except csv.Error as error:
        raise InputError(name, "file", f"broken table ({error})", "a table with every quote closed") from error


def _xlsx_sheets(name: str, content: bytes) -> dict[str, Rows]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
            has_macro = any(part.filename.endswith("vbaProject.bin") for part in archive.infolist())
    except zipfile.BadZipFile as error:
        raise InputError(name, "file", "not an Excel file", _TYPES) from error
    if unpacked > _MAX_UNPACKED:
        raise InputError(name, "file size", f"{unpacked / 1e9:.1f} GB unpacked", "at most 1 GB unpacked")
    if has_macro:
        raise InputError(name, "file", "a workbook with macros", _TYPES)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # styles openpyxl does not know have no bearing on the values
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            return {
                sheet.title: [[_cell_text(cell) for cell in row] for row in sheet.iter_rows()]
                for sheet in book.worksheets
            }
    except Exception as error:  # openpyxl raises a dozen kinds on a damaged file; all mean "unreadable"
        raise InputError(name, "file", f"unreadable ({type(error).__name__})", _TYPES) from error


def _cell_text(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number_text(float(value), cell)
    return _clean(str(value))


def _number_text(value: float, cell: Any) -> str:
    if abs(value) >= 1e15:
        return repr(value)  # Excel has lost the last digits of a long number: keep that visible
    if 0 < abs(value) <= 1 and "%" in cell.number_format:
        return f"{value * 100:.10g}%"  # shown as 4.35%, stored as 0.0435
    return str(int(value)) if value.is_integer() else f"{value:.15g}"


def _clean(text: str) -> str:
    if text.isascii():
        return text.strip()
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).strip()


def _ledger_sheet(name: str, sheets: dict[str, Rows], is_header: Callable[[str], bool]) -> tuple[Rows, int]:
    found = []
    for title, rows in sheets.items():
        known = [sum(map(is_header, row)) for row in rows[:_HEADER_WITHIN]]
        if known and max(known) >= _MIN_HEADERS:
            found.append((title, rows, known.index(max(known))))
    if len(found) > 1:
        titles = ", ".join(title for title, _, _ in found)
        raise InputError(name, "sheet", titles, "one sheet with a loan table; put them in one sheet or two files")
    if found:
        return found[0][1], found[0][2]
    for rows in sheets.values():
        for i, row in enumerate(rows):
            if any(row):
                return rows, i
    raise InputError(name, "table", "empty", "a header and at least one loan")


def _table(name: str, content: bytes, rows: Rows, header_at: int) -> Table:
    headers = list(rows[header_at])
    while headers and not headers[-1]:
        headers.pop()
    width = len(headers)
    kept, numbers, overlong = [], [], set()
    for i, row in enumerate(rows[header_at + 1 :], start=header_at + 2):
        if not any(row):
            continue
        if any(row[width:]):
            overlong.add(i)
        kept.append((row + [""] * (width - len(row)))[:width])
        numbers.append(i)
    if not kept:
        raise InputError(name, "table", "no row below the header", "a header and at least one loan")
    sha256 = hashlib.sha256(content).hexdigest()
    salt = hashlib.blake2b(content, digest_size=16, person=b"household").hexdigest()
    return Table(name, sha256, salt, headers, kept, numbers, overlong)
