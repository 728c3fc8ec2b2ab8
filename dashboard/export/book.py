"""What the workbooks share: formats, text cells that can never be formulas, headings, the stamp, how a sheet prints."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from dashboard.export import styles
from dashboard.export.live import Cell
from dashboard.export.report import Report
from dashboard.export.text import paragraph

_MONEY = {"zh": "#,##0.00", "en": "#,##0.0000"}  # in the unit of money: 100 yuan in both


class Book:
    """A workbook whose texts are texts, in one font."""

    def __init__(self, r: Report, path: Path) -> None:
        self.r, self.w = r, r.w
        font = {"font_name": styles.SANS, "font_size": 11}
        self.workbook = xlsxwriter.Workbook(str(path), {
            "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False,
            "default_format_properties": font,
        })  # fmt: skip
        # the clock is left out: one result makes one file
        on = dt.datetime.combine(r.answer.scenario.information_on, dt.time())
        self.workbook.set_properties({"title": r.heading, "subject": r.stamp, "author": "riskfund", "created": on})
        self.workbook.set_calc_mode("auto")
        self._formats: dict[str, Any] = {}

    def look(self, name: str) -> Any:
        """A cell format by name, its parts joined by spaces: "money input"."""
        if name not in self._formats:
            looks: dict[str, Any] = {"font_name": styles.SANS, "font_size": 11, "valign": "vcenter"}
            for part in name.split():
                looks |= self._part(part)
            self._formats[name] = self.workbook.add_format(looks)
        return self._formats[name]

    def _part(self, part: str) -> dict[str, Any]:
        ink = f"#{styles.INK}"
        parts: dict[str, dict[str, Any]] = {
            "title": {"bold": True, "font_size": 18, "font_color": ink},
            "answer": {"bold": True, "font_size": 16, "text_wrap": True, "bg_color": f"#{styles.PALE}"},
            "mark": {"bold": True, "font_color": f"#{styles.SHORT}"},
            "unit": {"font_size": 10, "indent": 1},
            "small": {"font_size": 9, "font_color": f"#{styles.MUTED}"},
            "head": {"bold": True, "bg_color": f"#{styles.BLUE}", "font_color": "#FFFFFF", "border": 1, "border_color": "#8A95A0", "text_wrap": True, "align": "center"},
            "bold": {"bold": True},
            "wrap": {"text_wrap": True, "valign": "top"},
            "box": {"border": 1, "border_color": "#C5CCD4"},
            "centre": {"align": "center"},
            "right": {"align": "right"},
            "input": {"bg_color": f"#{styles.INPUT}", "border": 1, "border_color": "#8A95A0", "locked": False},
            "yuan": {"num_format": "#,##0.00"},
            "money": {"num_format": _MONEY[self.w.lang]},
            "share": {"num_format": "0.00%"},
            "whole": {"num_format": "#,##0"},
            "plain": {},
        }  # fmt: skip
        return parts[part]

    def sheet(self, name: str, widths: Sequence[float]) -> Any:
        """A sheet for A4 landscape, its title row, marks and stamp not yet written."""
        sheet = self.workbook.add_worksheet(name)
        for k, width in enumerate(widths):
            sheet.set_column(k, k, width)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(0.5, 0.5, 0.6, 0.7)
        sheet.set_footer(f"&L&8{_footer(self.r.stamp)}&R&8&P / &N")
        return sheet

    def top(self, sheet: Any, title: str) -> int:
        """Title, marks and stamp; returns the next free row."""
        self.text(sheet, 0, 0, title, "title")
        sheet.set_row(0, 28)
        row = 1
        for text in self.r.warnings:
            self.text(sheet, row, 0, text, "mark")
            row += 1
        self.text(sheet, row, 0, self.r.stamp, "small")
        return row + 2

    def text(self, sheet: Any, row: int, column: int, text: str, look: str = "plain") -> None:
        """A text, never read as a formula, a number or an address."""
        sheet.write_string(row, column, paragraph(text), self.look(look))

    def row(self, sheet: Any, row: int, values: Sequence[Any], looks: Sequence[str] | str) -> None:
        """Texts, numbers and formulas side by side; nothing is an empty cell."""
        if looks == "head":
            sheet.set_row(row, 34)
        for k, value in enumerate(values):
            look = looks if isinstance(looks, str) else looks[k]
            if isinstance(value, Cell):
                sheet.write_formula(row, k, value.formula, self.look(look), value.value)
            elif value is None:
                sheet.write_blank(row, k, None, self.look(look))
            elif isinstance(value, str):
                self.text(sheet, row, k, value, look)
            else:
                sheet.write_number(row, k, float(value), self.look(look))

    def close(self) -> None:
        """Write the file; one that cannot be written is an OSError, as with every other format."""
        try:
            self.workbook.close()
        except FileCreateError as error:
            raise error.args[0] from None


def _footer(text: str) -> str:
    """An ampersand begins a code in a footer, which may have 255 characters."""
    return text.replace("&", "&&")[:200]
