"""The loan sheet: the ledger's own checks, and stricter ones, since people typed it for this program."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openpyxl.utils import get_column_letter

from calibration.columns import field_and_unit, is_heading, is_personal
from calibration.county_file.problems import Problem, of_fault
from calibration.county_file.texts import text
from calibration.county_file.values import Cell, Fault, digits_fault, unusable
from calibration.county_file.workbook import Book
from calibration.ledger import DATES, WITHHELD, Ledger, read_ledger
from calibration.lender_names import names_of
from calibration.text import REASONS
from sim.errors import InputError
from sim.scenario import Lender

COLUMNS = (
    *("loan_id", "household_id", "lender", "township", "principal", "balance", "originated_on", "matures_on"),
    *("rate", "overdue_since", "repaid_on", "filed_on"),
)
_NUMBERS = ("principal", "balance", "rate", "term")
_NO_PERSONS = ("household_id", "lender", "township", "product")


def header_of(rows: Sequence[Sequence[Cell]]) -> int | None:
    """Place of the row of headings."""
    known = [sum(1 for c in row if isinstance(c.value, str) and is_heading(c.value)) for row in rows[:10]]
    most = max(known, default=0)
    return known.index(most) if most else None


def has_loans(book: Book) -> bool:
    """Is anything below the headings? Without headings, anything beyond the template's own line."""
    header = header_of(book.loans)
    rows = book.loans[1:] if header is None else book.loans[header + 1 :]
    return any(not cell.is_blank for row in rows for cell in row)


def read_loans(
    path: Path, book: Book, limits: tuple[float, int], lenders: Sequence[Lender],
    townships: dict[str, tuple[str, ...]] | None, on: dt.date, say: str,
) -> tuple[Ledger | None, list[Problem]]:  # fmt: skip
    """Check the loan sheet cell by cell.

    Parameters
    ----------
    path : Path
    book : Book
    limits : tuple of float and int
        Highest principal [yuan] and longest term [months].
    lenders : sequence of Lender
    townships : dict of key to spellings, or None
        None takes the names as they are.
    on : date
        Information date.
    say : {"zh", "en"}

    Returns
    -------
    Ledger or None
        None where it could not be read at all.
    list of Problem
    """
    title = book.titles["loans"]
    header = header_of(book.loans) or 0
    headings = [str(c.value).strip() if c.value is not None else "" for c in book.loans[header]]
    wrong = _strict(book.loans, header, headings, title, say)
    try:
        ledger = read_ledger(
            path, lenders=names_of(lenders), townships=townships, on=on,
            ceiling_yuan=limits[0], term_max_months=limits[1], lang=say, sheet=title, needs_one_good=False,
        )  # fmt: skip
    except InputError as error:
        where = (title, "", text("heading.heading_row", say), error.field)
        return None, [*wrong, Problem(*where, str(error.value), error.allowed)]
    personal = [_personal_column(heading, headings, header, title, say) for heading in ledger.dropped_columns]
    seen = {problem.cell for problem in wrong}
    rest = [_of_row(row, headings, title, say) for row in ledger.problems.itertuples(index=False)]
    wrong += personal + [problem for problem in rest if not problem.cell or problem.cell not in seen]
    if not wrong and not (ledger.loans["balance_fen"] > 0).any():
        wrong.append(Problem(title, "", text("heading.whole_sheet", say), "", "0", text("allowed.one_loan", say)))
    return ledger, wrong


def _strict(rows: Sequence[Sequence[Cell]], header: int, headings: list[str], title: str, say: str) -> list[Problem]:
    """Cells that a bank's own file may have and this form may not: formulas, dates as text, full-width digits."""
    fields = [(field_and_unit(heading) or ("", ""))[0] if heading else "" for heading in headings]
    out = []
    for number, row in enumerate(rows[header + 1 :], start=header + 2):
        for k, cell in enumerate(row[: len(fields)]):
            fault = None if cell.is_blank else _fault(cell, fields[k])
            if fault is not None:
                where = (title, f"{get_column_letter(k + 1)}{number}", text("heading.row", say, k=number), headings[k])
                out.append(of_fault(fault, cell, where, say))
    return out


def _fault(cell: Cell, field: str) -> Fault | None:
    if cell.is_formula or cell.is_error:
        return unusable(cell)
    is_text = isinstance(cell.value, str)
    if field in DATES and not isinstance(cell.value, dt.date):
        return Fault("text_date" if is_text else "date")
    if field in _NUMBERS and is_text:
        return digits_fault(str(cell.value).strip())
    if field in _NO_PERSONS and is_personal(str(cell.value)):
        return Fault("personal", found="found.withheld")
    return None


def _personal_column(heading: str, headings: list[str], header: int, title: str, say: str) -> Problem:
    k = headings.index(heading) if heading in headings else None
    cell = f"{get_column_letter(k + 1)}{header + 1}" if k is not None else ""
    row = text("heading.heading_row", say)
    shown = text("found.withheld", say) if is_personal(heading) else heading
    return Problem(title, cell, row, shown, shown, text("allowed.personal_column", say))


def _of_row(row: Any, headings: list[str], title: str, say: str) -> Problem:
    """A problem that the ledger lists; its reason says what is wrong, which here stands for what is allowed."""
    k = headings.index(row.column) if row.column in headings else None
    cell = f"{get_column_letter(k + 1)}{row.row}" if k is not None else ""
    value = text("found.withheld", say) if row.value == WITHHELD else row.value
    column = row.column if k is not None else ""
    if row.reason == REASONS["personal"][say]:
        value = text("found.withheld", say)
    return Problem(
        title, cell, text("heading.row", say, k=row.row), column, value or text("found.nothing", say),
        text("say.not_so", say, reason=row.reason),
    )  # fmt: skip
