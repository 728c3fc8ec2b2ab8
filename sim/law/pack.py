"""Reads rule packs: each value carries the day it came into force and its article, or says `assumption`."""

from __future__ import annotations

import datetime as dt
import functools
import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from sim.clock import Calendar, day_of
from sim.errors import InputError
from sim.units import percent_to_ppm

RULES = Path(__file__).resolve().parents[2] / "scenarios" / "rules"
CALENDARS = RULES.parent / "calendars"
LIFE_TABLE = RULES.parent / "tables" / "life-table.toml"

_PARAMETER_KEYS = {"label", "unit", "options", "not_simulated", "values", "expect"}
_VALUE_KEYS = {"from", "value", "cite", "assumption"}
_UNITS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "years": (int, "a whole number of years, 0 to 120"),
    "months": (int, "a whole number of months, 1 to 600"),
    "days": (int, "a whole number of days, 0 or more"),
    "working_days": (int, "a whole number of working days, 0 or more"),
    "day": (int, "a day of the month, 1 to 28"),
    "count": (int, "a whole number, 0 or more"),
    "yuan": (int, "whole yuan, 0 or more"),
    "share": ((int, float), "a share between 0 and 1"),
    "multiple": ((int, float), "a multiple above 0"),
    "percentage_points": ((int, float), "percentage points"),
    "percent per year": ((int, float), "per cent a year, 0 to 36"),
    "yes_no": (bool, "true or false"),
    "text": (str, "a word"),
    "list": (list, "a list of words"),
    "month_day": (str, 'a yearly date like "03-01"'),
    "month_days": (list, 'a list of yearly dates like "01-15"'),
    "yuan_by_lender": (dict, "a table of lender and whole yuan"),
}
_RANGES = {
    "years": (0, 120),
    "months": (1, 600),
    "day": (1, 28),
    "share": (0, 1),
    "percent per year": (0, 36),
}


@dataclass(frozen=True)
class Value:
    """One dated value and where it comes from."""

    from_date: dt.date
    value: Any
    cite: str
    assumption: str

    @property
    def source(self) -> str:
        """The citation, or ``assumption: why``."""
        return self.cite or f"assumption: {self.assumption}"


@dataclass(frozen=True)
class Parameter:
    """One parameter of a pack with its history of values."""

    key: str
    label: dict[str, str]
    unit: str
    options: tuple[Any, ...]
    not_simulated: str
    values: tuple[Value, ...]

    def on(self, date: dt.date, where: str = "rules") -> Value:
        """The value in force on a day.

        Raises
        ------
        InputError
            Before the first value came into force.
        """
        found = [v for v in self.values if v.from_date <= date]
        if not found:
            raise InputError(where, self.key, date.isoformat(), f"a date from {self.values[0].from_date} on")
        return found[-1]


@dataclass(frozen=True)
class Pack:
    """A named set of dated parameters."""

    id: str
    where: str
    title: dict[str, str]
    parameters: dict[str, Parameter]

    def source(self, key: str, date: dt.date) -> str:
        """Article or assumption behind one value, for a report."""
        return self.parameters[key].on(date, self.where).source


def pack_names() -> list[str]:
    """Packs shipped in scenarios/rules."""
    return sorted(p.stem for p in RULES.glob("*.toml") if p.stem != "rates")


def load_pack(name: str) -> Pack:
    """Read a shipped pack by name, or a pack file by path (``.toml``).

    Raises
    ------
    InputError
        Unknown key, wrong unit, dates out of order, share out of range, value without citation.
    """
    path = Path(name) if name.endswith(".toml") else RULES / f"{name}.toml"
    if not path.is_file():
        raise InputError("rules", "pack", name, "a shipped pack or a .toml file", pack_names())
    return _pack(_text(path), path.name)


@functools.lru_cache(maxsize=64)
def _pack(text: str, where: str) -> Pack:
    """A pack from the text of its file: read once, however many setups ask for it."""
    raw = _parsed(text, where)
    for key in ("id", "title"):
        if key not in raw:
            raise InputError(where, key, None, "every pack has an id and a title")
    for key, value in raw.items():
        if not isinstance(value, dict) and key != "id":
            raise InputError(where, key, value, "a table of parameters, or id", ("id", "title"))
    parameters = {
        f"{group}.{name}": _parameter(where, f"{group}.{name}", table)
        for group, tables in raw.items()
        if isinstance(tables, dict) and group != "title"
        for name, table in tables.items()
    }
    return Pack(raw["id"], where, raw["title"], parameters)


def load_rates() -> dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """Dated interest-rate tables: name -> (days in force from, rates [1e-6 per year])."""
    return _rates(_text(RULES / "rates.toml"))


@functools.lru_cache(maxsize=2)
def _rates(text: str) -> dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    tables = {name: _parameter("rates.toml", name, table) for name, table in _parsed(text, "rates.toml").items()}
    return {
        name: (
            np.array([day_of(v.from_date) for v in p.values], dtype=np.int64),
            np.array([percent_to_ppm(v.value) for v in p.values], dtype=np.int64),
        )
        for name, p in tables.items()
    }


def load_calendar(first_year: int = 2004, last_year: int = 2045) -> Calendar:
    """China's working days from the published yearly notices; later years by the stated assumption."""
    return _calendar(_text(CALENDARS / "china.toml"), first_year, last_year)


@functools.lru_cache(maxsize=4)
def _calendar(text: str, first_year: int, last_year: int) -> Calendar:
    raw = _parsed(text, "china.toml")
    first = day_of(dt.date(first_year, 1, 1))
    days = np.arange(first, day_of(dt.date(last_year, 12, 31)) + 1)
    working = (days + 3) % 7 < 5  # 1 January 1970 was a Thursday
    published = {int(t["year"]): t for t in raw["year"]}
    for year in range(first_year, last_year + 1):
        table = published.get(year, {"days_off": raw["assumed"]["days_off"], "worked": []})
        for field, is_working in (("days_off", False), ("worked", True)):
            for text in table[field]:
                month, day = (int(part) for part in text.split("-"))
                working[day_of(dt.date(year, month, day)) - first] = is_working
    return Calendar(first, working, int(raw["published_to"]))


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file, or say in one line where it is broken."""
    return _parsed(_text(path), path.name)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(path.name, "file", str(error), "a readable UTF-8 TOML file") from error


def _parsed(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(where, "file", str(error), "a readable UTF-8 TOML file") from error


def _parameter(where: str, key: str, table: Any) -> Parameter:
    if not isinstance(table, dict):
        raise InputError(where, key, table, "a table with label, unit and values")
    for name in table:
        if name not in _PARAMETER_KEYS:
            raise InputError(where, f"{key}.{name}", name, f"one of {sorted(_PARAMETER_KEYS)}", _PARAMETER_KEYS)
    for name in ("label", "unit", "values"):
        if name not in table:
            raise InputError(where, f"{key}.{name}", None, "every parameter has a label, a unit and values")
    unit = table["unit"]
    if unit not in _UNITS:
        raise InputError(where, f"{key}.unit", unit, f"one of {sorted(_UNITS)}", _UNITS)
    options = tuple(table.get("options", ()))
    values: list[Value] = []
    entries = table["values"]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(where, f"{key}.values", entries, "dated values, each as [[...values]]")
    for entry in entries:
        value = _value(where, key, unit, options, entry)
        if values and value.from_date <= values[-1].from_date:
            raise InputError(where, f"{key}.from", value.from_date.isoformat(), "dates in ascending order")
        values.append(value)
    if not values:
        raise InputError(where, f"{key}.values", [], "at least one dated value")
    parameter = Parameter(key, table["label"], unit, options, table.get("not_simulated", ""), tuple(values))
    for expect in table.get("expect", ()):
        if set(expect) != {"date", "value"}:
            raise InputError(where, f"{key}.expect", sorted(expect), "a date and a value")
        found = parameter.on(expect["date"], where).value
        if found != expect["value"]:
            raise InputError(where, f"{key}.expect", found, f"{expect['value']!r} on {expect['date']}")
    return parameter


def _value(where: str, key: str, unit: str, options: tuple[Any, ...], entry: dict[str, Any]) -> Value:
    for name in entry:
        if name not in _VALUE_KEYS:
            raise InputError(where, f"{key}.{name}", name, f"one of {sorted(_VALUE_KEYS)}", _VALUE_KEYS)
    if type(entry.get("from")) is not dt.date:
        raise InputError(where, f"{key}.from", entry.get("from"), "a date, like 2016-07-01")
    if bool(entry.get("cite")) == bool(entry.get("assumption")):
        raise InputError(where, key, entry.get("value"), "exactly one of cite (the article) and assumption (why)")
    value = entry.get("value")
    check_value(where, key, unit, value)
    check_options(where, key, options, value)
    return Value(entry["from"], value, entry.get("cite", ""), entry.get("assumption", ""))


def check_options(where: str, key: str, options: tuple[Any, ...], value: Any) -> None:
    """A value, or each word of a list, must be one of the options where there are any.

    Raises
    ------
    InputError
    """
    for word in value if isinstance(value, list) else [value]:
        if options and word not in options:
            raise InputError(where, key, word, f"one of {list(options)}", map(str, options))


def check_value(where: str, key: str, unit: str, value: Any) -> None:
    """Type and range of one value by its unit.

    Raises
    ------
    InputError
    """
    kind, words = _UNITS[unit]
    is_bool = isinstance(value, bool)
    if not isinstance(value, kind) or (is_bool and unit != "yes_no"):
        raise InputError(where, key, value, words)
    low, high = _RANGES.get(unit, (0, None))
    value = cast(Any, value)
    is_number = isinstance(value, int | float) and not is_bool
    if is_number and (
        not math.isfinite(value)
        or value < low
        or (high is not None and value > high)
        or (unit == "multiple" and value <= 0)
    ):
        raise InputError(where, key, value, words)
    if unit == "yuan_by_lender":
        for lender, yuan in value.items():
            check_value(where, f"{key}.{lender}", "yuan", yuan)
    for text in value if unit == "month_days" else [value] if unit == "month_day" else []:
        try:
            dt.datetime.strptime(f"2001-{text}", "%Y-%m-%d")  # no leap year: the date must exist every year
        except (ValueError, TypeError):
            raise InputError(where, key, text, 'yearly dates like "01-15"') from None
