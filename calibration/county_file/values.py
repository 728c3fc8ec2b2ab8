"""One cell to one value, or to the reason why it is not taken. Nothing is guessed: what is not plain is refused."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pandas as pd

from calibration.cells import BLANKS, numbers
from calibration.columns import is_personal
from calibration.county_file.form import MAX_YUAN, MONEY, Field, limits, said
from calibration.county_file.texts import text
from sim.errors import InputError
from sim.law.vocabulary import check_value

MAX_TEXT = 60
_CHINESE = re.compile("[零〇一二三四五六七八九十百千两壹贰叁肆伍陆柒捌玖拾佰仟]")
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_MONTH_DAY = re.compile(r"(\d{1,2})[-./月](\d{1,2})日?")
_UNITS = {"share": {"": 1.0, "%": 1.0}, "yuan": {"": 1.0, "元": 1.0, "万元": 10_000.0}}


@dataclass(frozen=True)
class Cell:
    """What a cell holds.

    Attributes
    ----------
    value : object
        None, text, number, boolean, date or datetime.
    is_percent : bool
        The cell shows per cent, so that 0.05 in it was typed as 5%.
    is_formula, is_error : bool
    """

    value: Any = None
    is_percent: bool = False
    is_formula: bool = False
    is_error: bool = False

    @property
    def is_blank(self) -> bool:
        """Nothing is in the cell but spaces."""
        return self.value is None or (isinstance(self.value, str) and not self.value.strip())


@dataclass(frozen=True)
class Fault:
    """Why a cell is not taken: a key of the texts on what is allowed, and what that text quotes."""

    allowed: str
    values: dict[str, Any] = field(default_factory=dict)
    found: str | None = None  # None: the cell's own text


def value_of(cell: Cell, f: Field, lang: str) -> Any:
    """The value of a cell that is not blank, or a `Fault`."""
    fault = unusable(cell)
    if fault is not None:
        return fault
    if f.kind == "text":
        return name_of(cell)
    if f.kind == "date":
        return date_of(cell)
    if f.kind == "choice":
        return _choice(cell, f, lang)
    if f.kind == "month_day":
        return _month_day(cell)
    if f.kind == "month_days":
        return _month_days(cell)
    return _in_range(cell, f, lang)


def unusable(cell: Cell) -> Fault | None:
    """What no field takes: formulas, failed formulas, personal numbers."""
    if cell.is_formula:
        return Fault("formula", found="found.formula")
    if cell.is_error:
        return Fault("error_value")
    if isinstance(cell.value, str) and is_personal(unicodedata.normalize("NFKC", cell.value)):
        return Fault("personal", found="found.withheld")
    return None


def name_of(cell: Cell) -> Any:
    """A name: text as it stands, without what cannot be seen."""
    if isinstance(cell.value, bool | dt.date):
        return Fault("text", {"most": MAX_TEXT})
    name = _INVISIBLE.sub("", said(cell.value))
    name = "".join(" " if unicodedata.category(c).startswith("C") else c for c in name).strip()
    return name if 0 < len(name) <= MAX_TEXT else Fault("text", {"most": MAX_TEXT})


def date_of(cell: Cell) -> Any:
    """A date; text that looks like one is refused, because day and month may have been swapped."""
    if not isinstance(cell.value, dt.date):
        return Fault("text_date" if isinstance(cell.value, str) else "date")
    day = cell.value.date() if isinstance(cell.value, dt.datetime) else cell.value
    return day if 1990 <= day.year <= 2100 else Fault("date_range")


def amount(cell: Cell, lang: str) -> Any:
    """Yuan, typed in the unit of the file's language."""
    most = MAX_YUAN // MONEY[lang]
    words = {"low": "0", "high": f"{most:,}", "unit": text("unit.money", lang)}
    units = {"": float(MONEY[lang]), "元": 1.0, "万元": 10_000.0}
    return _whole_yuan(number_of(cell, units, words), words, MAX_YUAN)


def share(cell: Cell) -> Any:
    """A share typed in per cent."""
    words = {"low": "0", "high": "100", "unit": "%"}
    found = number_of(cell, _UNITS["share"], words)
    if isinstance(found, Fault):
        return found
    return _of_percent(found) if 0 <= found <= 100 else Fault("number", words)


def whole(cell: Cell, low: int, high: int, unit: str) -> Any:
    """A whole number."""
    words = {"low": f"{low:,}", "high": f"{high:,}", "unit": unit}
    found = number_of(cell, {"": 1.0}, words, "whole")
    if isinstance(found, Fault):
        return found
    return int(found) if float(found).is_integer() and low <= found <= high else Fault("whole", words)


def number_of(cell: Cell, units: dict[str, float], words: dict[str, Any], allowed: str = "number") -> Any:
    """A number times its unit, or why the cell holds none."""
    if isinstance(cell.value, bool | dt.date):
        return Fault(allowed, words)
    if isinstance(cell.value, int | float):
        return float(f"{cell.value * 100:.12g}") if cell.is_percent and "%" in units else cell.value * units[""]
    typed = str(cell.value).strip()
    if typed in BLANKS:
        return Fault("not_a_mark")
    fault = digits_fault(typed)
    if fault is not None:
        return fault
    value, unit = numbers(pd.Series([typed], dtype=object))
    if pd.isna(value[0]) or unit[0] not in units:
        return Fault(allowed, words)
    return float(value[0]) * units[unit[0]]


def digits_fault(typed: str) -> Fault | None:
    """Digits that are none for a computer: full-width ones and Chinese numerals."""
    plain = unicodedata.normalize("NFKC", typed)
    if any(c.isdigit() and not c.isascii() for c in typed) or (plain != typed and re.search(r"\d", plain)):
        return Fault("full_width", {"seen": plain})
    if _CHINESE.search(typed) and not re.search(r"\d", typed):
        return Fault("chinese_digits")
    return None


def _in_range(cell: Cell, f: Field, lang: str) -> Any:
    low, high, unit = limits(f, lang)
    words = {"low": low, "high": high, "unit": unit}
    if f.kind in ("whole", "year"):
        return whole(cell, int(f.low), int(f.high), unit)
    allowed = "above" if f.is_above else "number"
    found = number_of(cell, _UNITS.get(f.kind, {"": 1.0}), words, allowed)
    if isinstance(found, Fault):
        return found
    if f.kind == "share":
        found = _of_percent(found)
    if f.kind == "yuan":
        found = _whole_yuan(found, words, f.high)
    if isinstance(found, Fault):
        return found
    is_inside = (f.low < found if f.is_above else f.low <= found) and found <= f.high
    return found if is_inside else Fault(allowed, words)


def _of_percent(x: float) -> float:
    """As people mean it: 5 per cent is 0.05, not the float next to it."""
    return float(Decimal(repr(float(x))) / 100)


def _whole_yuan(yuan: Any, words: dict[str, Any], most: float) -> Any:
    if isinstance(yuan, Fault):
        return yuan
    exact = round(yuan, 4)  # 0.285 million is 285,000 yuan, the dust of floats is not asked about
    if not 0 <= exact <= most:
        return Fault("number", words)
    return int(exact) if float(exact).is_integer() else Fault("whole_yuan")


def _choice(cell: Cell, f: Field, lang: str) -> Any:
    typed = str(cell.value).strip().casefold()
    for code, words in f.options.items():
        if typed in (code.casefold(), *(word.casefold() for word in words.values())):
            return code
    return Fault("choice", {"options": ("、" if lang == "zh" else ", ").join(w[lang] for w in f.options.values())})


def _month_day(cell: Cell) -> Any:
    if isinstance(cell.value, dt.date):  # 02-10 typed into a cell that was no text
        return f"{cell.value:%m-%d}"
    match = _MONTH_DAY.fullmatch(str(cell.value).strip())
    if match is None:
        return Fault("month_day")
    day = f"{int(match[1]):02d}-{int(match[2]):02d}"
    try:
        check_value("", "", "month_day", day)
    except InputError:
        return Fault("month_day")
    return day


def _month_days(cell: Cell) -> Any:
    parts = [cell.value] if isinstance(cell.value, dt.date) else re.split(r"[\s,，、;；]+", str(cell.value).strip())
    days = [_month_day(Cell(part)) for part in parts if part]
    is_good = days and all(isinstance(day, str) for day in days) and days == sorted(set(days))
    return days if is_good else Fault("month_days")
