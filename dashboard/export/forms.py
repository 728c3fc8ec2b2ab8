"""Two forms that lenders and the poverty office fill: monthly report of loans, quarterly report of the interest subsidy.

The county plan of 2011 that asks for them names them, says when they are due and who signs, but does not print their
columns; these are rebuilt from what the plan and the later regulation want reported. They are filled from one simulated
year, the middle one by its need, and follow the yellow cell: the month, the quarter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from xlsxwriter.utility import xl_col_to_name

from dashboard.export.book import Book
from dashboard.export.live import Cell
from dashboard.export.one_year import Year, year_in_the_middle
from dashboard.export.report import Report
from sim.units import F64

_DATA = 5  # row of the data's heads, from 0


@dataclass(frozen=True)
class Column:
    """A column of a form: its head, its formula in a row, its value for each lender, how it looks."""

    head: str
    formula: Callable[[int], str]
    values: F64
    look: str = "money"
    is_sum: bool = True  # the last row adds up; else it has the same formula


@dataclass(frozen=True)
class Source:
    """Where a form's data stand: period in A, number of the lender in B, series from D on."""

    sheet: str
    periods: int
    lenders: int
    names: Sequence[str]
    period: str = "$C$6"  # the yellow cell of the form

    def pick(self, name: str, row: int, *, before: int = 0) -> str:
        """A series at the period of the form, or at the one before."""
        at = f"{self.period}-{before}" if before else self.period
        return f"SUMPRODUCT(({self._of('A')}={at})*({self._of('B')}=$A{row})*{self._series(name)})"

    def so_far(self, name: str, row: int) -> str:
        """A series added up from the beginning of the year."""
        a = self._of("A")
        return f"SUMPRODUCT(({a}>0)*({a}<={self.period})*({self._of('B')}=$A{row})*{self._series(name)})"

    def _of(self, column: str) -> str:
        first = _DATA + 2
        return f"'{self.sheet}'!${column}${first}:${column}${first + (self.periods + 1) * self.lenders - 1}"

    def _series(self, name: str) -> str:
        return self._of(xl_col_to_name(3 + self.names.index(name)))


def write(r: Report, path: Path) -> Path:
    """Write the forms of an answer."""
    b, w, year = Book(r, path), r.w, year_in_the_middle(r)
    monthly, quarterly = w("Monthly report"), w("Quarterly report")
    sheets = [b.sheet(monthly, [6, 24, *[14] * 12]), b.sheet(quarterly, [6, 24, *[16] * 9])]
    _form(b, sheets[0], w("Monthly report on poverty-alleviation microcredit"), w("month"), 12, _monthly(b, year))
    _form(b, sheets[1], w("Quarterly report on the interest subsidy of poverty-alleviation microcredit"), w("quarter"), 4, _quarterly(b, year))  # fmt: skip
    _data(b, w("Data by month"), w("month"), _monthly_series(year, w))
    _data(b, w("Data by quarter"), w("quarter"), _quarterly_series(year, w))
    _notes(b, year)
    b.close()
    return path


# --- what is reported --------------------------------------------------------------------------------


def _monthly_series(y: Year, w: Any) -> dict[str, tuple[str, F64]]:
    return {
        "issued_count": (w("loans made, number"), y.issued_count), "issued": (w("loans made"), y.issued),
        "outstanding": (w("outstanding at the end"), y.outstanding), "overdue": (w("of it overdue"), y.overdue),
        "bad": (w("of it overdue for 90 days or more"), y.bad), "compensated": (w("paid by the fund"), y.compensated),
        "fund": (w("fund account at the end"), y.fund),
    }  # fmt: skip


def _quarterly_series(y: Year, w: Any) -> dict[str, tuple[str, F64]]:
    return {
        "entitled": (w("subsidy due of the quarter"), y.entitled), "paid": (w("paid in the quarter"), y.paid),
        "paid_old": (w("of it for earlier quarters"), y.paid_old), "unpaid": (w("unpaid at the end"), y.unpaid),
        "unpaid_90": (w("of it unpaid for more than 90 days"), y.unpaid_90),
    }  # fmt: skip


def _monthly(b: Book, y: Year) -> list[Column]:
    """December; opening balance, new loans, what left the book, arrears, the fund."""
    w, unit, s = b.w, b.w.in_unit(1.0), _monthly_series(y, b.w)
    of = Source(w("Data by month"), 12, len(b.r.lenders), list(s))
    before, end, new = y.outstanding[11] * unit, y.outstanding[12] * unit, y.issued[12] * unit

    def plain(name: str, look: str = "money") -> Column:
        scale = 1.0 if look == "whole" else unit
        return Column(s[name][0], lambda row: of.pick(name, row), s[name][1][12] * scale, look)

    return [
        Column(w("outstanding at the beginning"), lambda row: of.pick("outstanding", row, before=1), before),
        plain("issued_count", "whole"), plain("issued"),
        Column(w("loans made, year to date"), lambda row: of.so_far("issued", row), y.issued[1:].sum(axis=0) * unit),
        Column(w("repaid, compensated or written off"), lambda row: f"C{row}+E{row}-H{row}", before + new - end),
        plain("outstanding"), plain("overdue"), plain("bad"),
        Column(w("overdue share"), lambda row: f"IF(H{row}=0,0,I{row}/H{row})", _share(y.overdue[12], y.outstanding[12]), "share", is_sum=False),
        plain("compensated"),
        Column(w("paid by the fund, year to date"), lambda row: of.so_far("compensated", row), y.compensated[1:].sum(axis=0) * unit),
        plain("fund"),
    ]  # fmt: skip


def _quarterly(b: Book, y: Year) -> list[Column]:
    """The fourth quarter; what was open, what is due, what was paid, what is open."""
    w, unit, s = b.w, b.w.in_unit(1.0), _quarterly_series(y, b.w)
    of = Source(w("Data by quarter"), 4, len(b.r.lenders), list(s))

    def plain(name: str) -> Column:
        return Column(s[name][0], lambda row: of.pick(name, row), s[name][1][4] * unit)

    left = (y.unpaid[3] + y.entitled[4] - y.paid[4]) * unit
    return [
        Column(w("unpaid at the beginning"), lambda row: of.pick("unpaid", row, before=1), y.unpaid[3] * unit),
        plain("entitled"), plain("paid"), plain("paid_old"),
        Column(w("unpaid at the end"), lambda row: f"C{row}+D{row}-E{row}", left), plain("unpaid_90"),
        Column(w("share of the quarter's subsidy paid in it"), lambda row: f"IF(D{row}=0,0,(E{row}-F{row})/D{row})", _share(y.paid[4] - y.paid_old[4], y.entitled[4]), "share", is_sum=False),
        Column(w("subsidy due, year to date"), lambda row: of.so_far("entitled", row), y.entitled[1:].sum(axis=0) * unit),
        Column(w("paid, year to date"), lambda row: of.so_far("paid", row), y.paid[1:].sum(axis=0) * unit),
    ]  # fmt: skip


def _share(part: F64, whole: F64) -> F64:
    out: F64 = np.append(np.divide(part, whole, out=np.zeros_like(part), where=whole != 0), part.sum() / whole.sum() if whole.sum() else 0.0)  # fmt: skip
    return out


# --- sheets ------------------------------------------------------------------------------------------


def _form(b: Book, sheet: Any, title: str, period: str, last: int, columns: list[Column]) -> None:
    w, r = b.w, b.r
    b.text(sheet, 0, 1, title, "title")
    sheet.set_row(0, 28)
    b.text(sheet, 1, 1, "  ".join(r.warnings), "mark")
    b.text(sheet, 2, 1, r.stamp, "small")
    b.text(sheet, 3, 1, w("Reporting unit: {scenario}", scenario=r.title))
    b.text(sheet, 4, 1, w("Year {year}; unit: {unit}", year=r.data["year"], unit=w.money_unit))
    b.text(sheet, 5, 1, period, "bold")
    sheet.write_number(5, 2, last, b.look("whole input centre"))
    allowed = {"validate": "list", "source": [str(k) for k in range(1, last + 1)]}
    sheet.data_validation(5, 2, 5, 2, allowed)
    b.row(sheet, 7, [w("no."), w.term("lender"), *(c.head for c in columns)], "head")
    sheet.set_row(7, 52)
    sheet.freeze_panes(8, 2)
    first = 9
    for i, name in enumerate(r.lenders):
        row = first + i
        cells = [Cell(f"={c.formula(row)}", float(c.values[i])) for c in columns]
        sheet.set_row(row - 1, 24)
        b.row(sheet, row - 1, [i + 1, name, *cells], ["box whole centre", "box", *(f"box {c.look}" for c in columns)])
    total, n = first + len(r.lenders), len(r.lenders)
    sums = [
        Cell(f"=SUM({xl_col_to_name(k)}{first}:{xl_col_to_name(k)}{total - 1})", float(c.values[:n].sum()))
        if c.is_sum
        else Cell(f"={c.formula(total)}", float(c.values[n]))
        for k, c in enumerate(columns, 2)
    ]
    sheet.set_row(total - 1, 24)
    b.row(sheet, total - 1, ["", w("total"), *sums], ["box", "box bold", *(f"box bold {c.look}" for c in columns)])
    signed = [w("prepared by:"), w("checked by:"), w("head of unit:"), w("reported on:")]
    for k, text in enumerate(signed):
        b.text(sheet, total + 1, 1 + 3 * k, text)


def _data(b: Book, name: str, period: str, series: dict[str, tuple[str, F64]]) -> None:
    """The series of a form, period by period and lender by lender; period 0 is the state before the year."""
    w, unit = b.w, b.w.in_unit(1.0)
    sheet = b.sheet(name, [10, 8, 26, *[18] * len(series)])
    b.top(sheet, w.bracketed(name, w.money_unit))
    b.row(sheet, _DATA, [period, w("no."), w.term("lender"), *(head for head, _ in series.values())], "head")
    sheet.freeze_panes(_DATA + 1, 3)
    row = _DATA + 1
    for k in range(len(next(iter(series.values()))[1])):
        for i, lender in enumerate(b.r.lenders):
            values = [_known(x[k, i], 1.0 if key == "issued_count" else unit) for key, (_, x) in series.items()]
            looks = ["whole" if key == "issued_count" else "money" for key in series]
            b.row(sheet, row, [k, i + 1, lender, *values], ["whole", "whole", "plain", *looks])
            row += 1


def _known(x: float, scale: float) -> float | None:
    return None if np.isnan(x) else float(x) * scale


def _notes(b: Book, y: Year) -> None:
    w, r = b.w, b.r
    sheet = b.sheet(w("Notes"), [30, 110])
    row = b.top(sheet, w("Notes"))
    said = [
        w("Filled from simulated year number {history}, the one in the middle of all years by its need; no year of these is a forecast.", history=y.history),
        w("The plan that asks for these forms names them and says when they are due: by the 1st of the month, by way of the bank to the county office and the finance bureau. Their columns are not printed there; these are rebuilt."),
        w("Repaid, compensated or written off is what left the book: opening balance and new loans less closing balance."),
        w("Interest is settled by the rule's calendar; the subsidy of a quarter is what was settled in it."),
    ]  # fmt: skip
    if r.parts.size == 1 and len(r.lenders) > 1:
        said.append(w("The fund is one account; all of it stands in the first lender's row."))
    for text in said:
        b.text(sheet, row, 1, text, "wrap")
        sheet.set_row(row, 34)
        row += 1
    for name, value in r.made:
        row += 1
        b.row(sheet, row, [name, value], ["bold", "wrap"])
