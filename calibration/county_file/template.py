"""Writes the workbook that a county fills in: defaults with their sources, and empty yellow cells beside them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import xlsxwriter

from calibration.county_file.form import Field, fields_of, percent, shown
from calibration.county_file.lists import BLANK_ROWS, defaults
from calibration.county_file.loans import COLUMNS as LOAN_COLUMNS
from calibration.county_file.texts import lines, text
from calibration.ledger import DATES
from sim.scenario import Scenario

Say = Callable[[str], str]

_FONT = {"zh": "Microsoft YaHei", "en": "Calibri"}
_INK, _GREY, _HEAD, _BAND, _YELLOW = "#1F2933", "#6B7280", "#1F5AA6", "#E8EEF6", "#FFF7CC"
_FIELD_COLUMNS = ("item", "unit", "default", "source", "own", "alternative", "help", "code")
_FIELD_WIDTHS = (36, 10, 22, 48, 20, 16, 44, 28)
LIST_COLUMNS = {
    "lenders": (
        ("item", "", 18), ("default_name", "", 24), ("default_account", "money", 14), ("default_balance", "money", 14),
        ("source", "", 56), ("own_name", "", 24), ("own_account", "money", 16), ("own_balance", "money", 16),
        ("alternative_account", "money", 16), ("alternative_balance", "money", 16), ("code", "", 16),
    ),
    "townships": (
        ("item", "", 18), ("default_name", "", 20), ("default_share", "share", 14),
        ("default_households", "households", 12), ("source", "", 56), ("own_name", "", 22), ("own_share", "share", 16),
        ("own_households", "households", 14), ("alternative_share", "share", 16), ("code", "", 16),
    ),
}  # fmt: skip
_LOAN_ROWS = 2000  # formatted for typing; more may be pasted below them


def write_template(scenario: Scenario, lang: str, path: Path, *, source_words: Say = str, base: str = "") -> Path:
    """Write the workbook of a scenario.

    Parameters
    ----------
    scenario : Scenario
        Its values are the defaults.
    lang : {"zh", "en"}
    path : Path
        Ending in ``.xlsx``.
    source_words : callable
        Puts the note of a source, which is English, into the reader's language.
    base : str
        What the reader must find again to fill the blanks; the scenario's name where not given.
    """
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"title": text("notes.title", lang)})
        writer = _Writer(book, lang, source_words)
        writer.notes(scenario, base or scenario.name)
        fields = fields_of(scenario)
        writer.fields("county", [f for f in fields if f.sheet == "county"])
        writer.list("lenders", scenario)
        writer.list("townships", scenario)
        writer.fields("parameters", [f for f in fields if f.sheet == "parameters"])
        writer.loans()
    return path


class _Writer:
    """Formats and words of one workbook."""

    def __init__(self, book: Any, lang: str, source_words: Say) -> None:
        self.book, self.lang, self.source_words = book, lang, source_words
        plain = {
            "font_name": _FONT[lang],
            "font_size": 10.5,
            "font_color": _INK,
            "valign": "vcenter",
            "text_wrap": True,
        }
        grid = {**plain, "border": 1, "border_color": "#D5DBE2"}
        self.formats = {
            "plain": book.add_format(plain),
            "title": book.add_format({**plain, "font_size": 16, "bold": True, "font_color": _HEAD, "text_wrap": False}),
            "hint": book.add_format({**plain, "font_color": _GREY, "text_wrap": False}),
            "head": book.add_format({**grid, "bold": True, "font_color": "#FFFFFF", "bg_color": _HEAD}),
            "band": book.add_format({**grid, "bold": True, "bg_color": _BAND, "text_wrap": False}),
            "cell": book.add_format(grid),
            "grey": book.add_format({**grid, "font_color": _GREY, "font_size": 9}),
            "line": book.add_format({**grid, "font_color": _GREY, "font_size": 9, "text_wrap": False}),
        }
        self.grid = grid
        self._made: dict[tuple[str, bool], Any] = {}

    def of(self, kind: str, is_input: bool) -> Any:
        """Format of a value: text stays text (02-10 must not become a date), dates are dates."""
        if (kind, is_input) not in self._made:
            shape = {
                "date": "yyyy-mm-dd",
                "money": "#,##0.####",
                "yuan": "#,##0",
                "households": "#,##0",
                "share": "0.####",
            }.get(kind, "General")
            shape = "@" if kind in ("text", "month_day", "month_days", "choice") else shape
            more: dict[str, Any] = {"bg_color": _YELLOW} if is_input else {"font_color": _GREY}
            align = "left" if shape == "@" else "right"
            more["indent"] = 1
            self._made[kind, is_input] = self.book.add_format(
                {**self.grid, "num_format": shape, "align": align, **more}
            )
        return self._made[kind, is_input]

    def sheet(self, key: str, hint: str, widths: Sequence[float]) -> Any:
        """A sheet for landscape A4 with its hint on the first line."""
        out = self.book.add_worksheet(text(f"sheet.{key}", self.lang))
        for k, width in enumerate(widths):
            out.set_column(k, k, width)
        out.set_landscape()
        out.set_paper(9)
        out.fit_to_pages(1, 0)
        out.hide_gridlines(2)
        out.set_row(0, 24)
        out.write_string(0, 0, hint, self.formats["hint"])
        out.freeze_panes(2, 1)
        out.repeat_rows(1)
        return out

    def notes(self, scenario: Scenario, base: str) -> None:
        """How to fill in, and which scenario lies underneath."""
        out = self.book.add_worksheet(text("sheet.notes", self.lang))
        out.set_column(0, 0, 22)
        out.set_column(1, 1, 100)
        out.set_paper(9)
        out.set_landscape()
        out.fit_to_pages(1, 0)
        out.hide_gridlines(2)
        out.set_row(0, 34)
        out.write_string(0, 0, text("notes.title", self.lang), self.formats["title"])
        for key, words in (("base", base), ("base_title", scenario.title.get(self.lang))):
            row = 1 if key == "base" else 2
            out.write_string(row, 0, text(f"notes.{key}", self.lang), self.formats["band"])
            out.write_string(row, 1, words, self.formats["cell"])
        for k, line in enumerate(lines(self.lang), start=1):
            out.set_row(3 + k, 30)
            out.write_number(3 + k, 0, k, self.formats["hint"])
            out.write_string(3 + k, 1, line, self.formats["plain"])

    def fields(self, key: str, fields: Sequence[Field]) -> None:
        """A sheet of fields in their groups."""
        out = self.sheet(key, text("say.sheet_hint", self.lang), _FIELD_WIDTHS)
        out.set_row(1, 24)
        for k, name in enumerate(_FIELD_COLUMNS):
            out.write_string(1, k, text(f"heading.{name}", self.lang), self.formats["head"])
        row, group = 2, ""
        for f in fields:
            if f.group != group:
                group = f.group
                for k in range(len(_FIELD_COLUMNS)):
                    out.write_string(row, k, f.heading[self.lang] if k == 0 else "", self.formats["band"])
                row += 1
            self._field(out, row, f)
            row += 1

    def _field(self, out: Any, row: int, f: Field) -> None:
        lang = self.lang
        out.write_string(row, 0, f.label[lang], self.formats["cell"])
        out.write_string(row, 1, text(f"unit.{f.unit}", lang), self.formats["cell"])
        self._put(out, row, 2, shown(f, f.default, lang), self.of(f.kind, False))
        source = source_of(f.source, self.lang, self.source_words) if f.key != "title" else ""
        out.write_string(row, 3, source, self.formats["grey"])
        for k in (4, 5):
            out.write_blank(row, k, None, self.of(f.kind, True))
        help_text = f.help[lang] or self._range(f)
        out.write_string(row, 6, help_text, self.formats["grey"])
        out.write_string(row, 7, f.key, self.formats["grey"])
        texts = (f.label[lang], str(shown(f, f.default, lang)), source, help_text)
        fills = zip(texts, (36, 20, 62, 56), strict=True)  # small print takes more to the line
        out.set_row(row, 15.0 * max(_lines_of(words, width) for words, width in fills) + 4)
        if f.options:
            out.data_validation(row, 4, row, 5, {
                "validate": "list", "source": [words[lang] for words in f.options.values()], "error_type": "warning",
            })  # fmt: skip

    def _range(self, f: Field) -> str:
        if f.kind not in ("share", "number", "whole", "yuan", "year"):
            return ""
        scale = percent if f.kind == "share" else lambda x: x
        return f"{scale(f.low):,} – {scale(f.high):,}"

    def list(self, key: str, scenario: Scenario) -> None:
        """A sheet with one row a lender or township, and empty rows below the scenario's."""
        columns, lang = LIST_COLUMNS[key], self.lang
        out = self.sheet(key, text(f"say.{key}_hint", lang), [width for _, _, width in columns])
        out.set_row(1, 36)
        for k, (name, unit, _) in enumerate(columns):
            words = text(f"heading.{name}", lang)
            out.write_string(1, k, f"{words}\n({text(f'unit.{unit}', lang)})" if unit else words, self.formats["head"])
        known = defaults(key, scenario, lang)
        found = scenario.source_of(key)
        source = source_of((found.kind, found.note) if found else ("none", ""), lang, self.source_words)
        name = "heading.lender_row" if key == "lenders" else "heading.township_row"
        for i in range(max(BLANK_ROWS[key], len(known) + 10)):
            given = known[i] if i < len(known) else {}
            fixed = {"item": text(name, lang, k=i + 1), "source": source if given else "", "code": f"{key}.{i + 1}"}
            self._list_row(out, i + 2, columns, {**given, **fixed})

    def _list_row(self, out: Any, row: int, columns: Sequence[tuple[str, str, int]], values: dict[str, Any]) -> None:
        for k, (column, unit, _) in enumerate(columns):
            kind = unit or ("text" if column.endswith("_name") else "")
            if column.startswith(("own_", "alternative_")):
                out.write_blank(row, k, None, self.of(kind, True))
            elif column.startswith("default_"):
                self._put(out, row, k, values.get(column, ""), self.of(kind, False))
            else:
                out.write_string(row, k, values[column], self.formats["cell" if column == "item" else "line"])

    def loans(self) -> None:
        """The empty loan sheet."""
        lang = self.lang
        out = self.sheet("loans", text("say.loans_hint", lang), [18] * len(LOAN_COLUMNS))
        out.set_row(1, 24)
        for k, name in enumerate(LOAN_COLUMNS):
            out.write_string(1, k, text(f"loan_column.{name}", lang), self.formats["head"])
            kind = (
                "date"
                if name in DATES
                else "text"
                if name in ("loan_id", "household_id", "lender", "township")
                else "number"
            )
            for row in range(2, _LOAN_ROWS + 2):
                out.write_blank(row, k, None, self.of(kind, True))

    def _put(self, out: Any, row: int, k: int, value: Any, shape: Any) -> None:
        """Text always as text: a name may look like a formula."""
        if isinstance(value, dt.date):
            out.write_datetime(row, k, dt.datetime(value.year, value.month, value.day), shape)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            out.write_number(row, k, value, shape)
        else:
            out.write_string(row, k, str(value), shape)


def _lines_of(words: str, width: int) -> int:
    """Lines that a text fills in a column; Chinese characters are two wide."""
    return -(-sum(2 if ord(c) > 0x2E80 else 1 for c in words) // width)


def source_of(source: tuple[str, str], lang: str, source_words: Say) -> str:
    """Where a default comes from, in words."""
    kind, note = source
    words = text(f"kind.{kind}", lang)
    return f"{words}{'：' if lang == 'zh' else ': '}{source_words(note)}" if note else words
