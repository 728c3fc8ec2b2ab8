"""Reads rule packs: each value carries the day it came into force and its article, or says `assumption`."""

from __future__ import annotations

import datetime as dt
import functools
import re
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from sim.clock import Calendar, day_of
from sim.errors import InputError, reason_of
from sim.law.vocabulary import Term, Words, term_for, vocabulary
from sim.units import percent_to_ppm

RULES = Path(__file__).resolve().parents[2] / "scenarios" / "rules"
CALENDARS = RULES.parent / "calendars"
LIFE_TABLE = RULES.parent / "tables" / "life-table.toml"

_PARAMETER_KEYS = {"values", "expect"}
_READABLE = (
    "a readable UTF-8 TOML file: words in straight quotes, plain commas, numbers without units or %, true or false, "
    "dates like 2016-07-01"
)
_VALUE_KEYS = {"from", "value", "cite", "assumption", "open"}


@dataclass(frozen=True)
class Value:
    """One dated value and where it comes from; None where the pack leaves it ``open``: each scenario must say it."""

    from_date: dt.date
    value: Any
    cite: str
    assumption: str
    open: str = ""

    @property
    def source(self) -> str:
        """The citation, ``assumption: why``, or ``left to the scenario: why``."""
        return self.cite or (f"left to the scenario: {self.open}" if self.open else f"assumption: {self.assumption}")


@dataclass(frozen=True)
class Parameter:
    """One rule of a pack: what the vocabulary says of it, and the pack's history of values."""

    term: Term
    values: tuple[Value, ...]

    @property
    def key(self) -> str:
        """Group and name: ``fund.leverage``."""
        return self.term.key

    @property
    def label(self) -> Words:
        """Its name in both languages."""
        return self.term.label

    @property
    def unit(self) -> str:
        """What its value is counted in."""
        return self.term.unit

    def known_on(self, date: dt.date) -> Value | None:
        """The value in force on a day; None before the first one came into force."""
        found = [v for v in self.values if v.from_date <= date]
        return found[-1] if found else None

    def on(self, date: dt.date, where: str = "rules") -> Value:
        """The value in force on a day.

        Raises
        ------
        InputError
            Before the first value came into force.
        """
        found = self.known_on(date)
        if found is None:
            raise InputError(where, self.key, date.isoformat(), f"a date from {self.values[0].from_date} on")
        return found


@dataclass(frozen=True)
class Pack:
    """A named set of dated parameters."""

    id: str
    where: str
    title: dict[str, str]
    parameters: dict[str, Parameter]
    until: dt.date | None = None  # last day in force; None: no end is known

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
        Unknown rule, dates out of order, value out of range, value that neither cites nor assumes.
    """
    path = Path(name) if name.endswith(".toml") else RULES / f"{name}.toml"
    if not path.is_file():
        own = Path(f"{name}.toml")  # asked for without its ending
        near = [own.name] if own.is_file() else pack_names()
        raise InputError("rules", "pack", name, "a shipped pack or a .toml file", near)
    return _pack(_text(path), path.name)


@functools.lru_cache(maxsize=64)
def _pack(text: str, where: str) -> Pack:
    """A pack from the text of its file: read once, however many setups ask for it."""
    raw = _parsed(text, where)
    for key in ("id", "title"):
        if key not in raw:
            raise InputError(where, key, None, "every pack has an id and a title")
    for key, value in raw.items():
        if not isinstance(value, dict) and key not in ("id", "title", "until"):
            raise InputError(where, key, value, "a table of parameters, id or until", ("id", "title", "until"))
    if not _is_text(raw["id"]):
        raise InputError(where, "id", raw["id"], "a name in quotes")
    title = raw["title"]
    if not isinstance(title, dict) or set(title) != {"zh", "en"} or not all(map(_is_text, title.values())):
        raise InputError(where, "title", title, "a title in both languages, with zh and en")
    until = raw.pop("until", None)
    if until is not None and type(until) is not dt.date:
        raise InputError(where, "until", until, "the last day in force, like 2026-02-27")
    parameters = _parameters(raw, where)
    first = min((p.values[0].from_date for p in parameters.values()), default=dt.date.min)
    if until is not None and until < first:
        raise InputError(where, "until", until.isoformat(), f"a day not before {first}, from which the pack has values")
    return Pack(raw["id"], where, title, parameters, until)


def _parameters(raw: dict[str, Any], where: str) -> dict[str, Parameter]:
    """The pack's rules in the order of the vocabulary."""
    terms, found = vocabulary(), {}
    for group, tables in raw.items():
        for name, table in tables.items() if isinstance(tables, dict) and group != "title" else ():
            key = f"{group}.{name}"
            if key not in terms:
                raise InputError(where, key, key, "a rule that the model knows", terms)
            found[key] = table
    out: dict[str, Parameter] = {}
    for key, term in terms.items():
        if key in found and term.each:
            out |= {f"{key}.{name}": _one_of_several(where, term, name, table) for name, table in found[key].items()}
        elif key in found:
            out[key] = _parameter(where, term, found[key])
    return out


def _one_of_several(where: str, term: Term, name: str, table: Any) -> Parameter:
    found = _parameter(where, replace(term, key=f"{term.key}.{name}"), table)
    return replace(found, term=term_for(found.key, found.values[-1].value))


def load_rates() -> dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """Dated interest-rate tables: name -> (days in force from, rates [1e-6 per year])."""
    return _rates(_text(RULES / "rates.toml"))


@functools.lru_cache(maxsize=2)
def _rates(text: str) -> dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    tables = {name: _rate_table(name, table) for name, table in _parsed(text, "rates.toml").items()}
    return {
        name: (
            np.array([day_of(v.from_date) for v in p.values], dtype=np.int64),
            np.array([percent_to_ppm(v.value) for v in p.values], dtype=np.int64),
        )
        for name, p in tables.items()
    }


def _rate_table(name: str, table: dict[str, Any]) -> Parameter:
    return _parameter("rates.toml", Term(name, table.pop("label"), table.pop("unit")), table)


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
        return path.read_text(encoding="utf-8-sig")  # some editors begin a file with a byte-order mark
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(path.name, "file", reason_of(error), "a readable UTF-8 TOML file") from error


def _parsed(text: str, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        told, number = str(error), re.search(r"at line (\d+)", str(error))
        shown = f"{told}: {text.splitlines()[int(number[1]) - 1].strip()}" if number else told
        raise InputError(where, "file", shown, _READABLE) from error


def _parameter(where: str, term: Term, table: Any) -> Parameter:
    key = term.key
    if not isinstance(table, dict):
        raise InputError(where, key, table, "dated values, each as [[...values]]")
    for name in table:
        if name not in _PARAMETER_KEYS:
            raise InputError(where, f"{key}.{name}", name, f"one of {sorted(_PARAMETER_KEYS)}", _PARAMETER_KEYS)
    values: list[Value] = []
    entries = table.get("values", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(where, f"{key}.values", entries, "dated values, each as [[...values]]")
    for entry in entries:
        value = _value(where, term, entry)
        if values and value.from_date <= values[-1].from_date:
            raise InputError(where, f"{key}.from", value.from_date.isoformat(), "dates in ascending order")
        values.append(value)
    if not values:
        raise InputError(where, f"{key}.values", [], "at least one dated value")
    parameter = Parameter(term, tuple(values))
    for expect in table.get("expect", ()):
        if not isinstance(expect, dict) or set(expect) != {"date", "value"} or type(expect["date"]) is not dt.date:
            raise InputError(where, f"{key}.expect", expect, "a date and a value")
        found = parameter.on(expect["date"], where).value
        if found != expect["value"]:
            raise InputError(where, f"{key}.expect", found, f"{expect['value']!r} on {expect['date']}")
    return parameter


def _value(where: str, term: Term, entry: dict[str, Any]) -> Value:
    key = term.key
    for name in entry:
        if name not in _VALUE_KEYS:
            raise InputError(where, f"{key}.{name}", name, f"one of {sorted(_VALUE_KEYS)}", _VALUE_KEYS)
    if type(entry.get("from")) is not dt.date:
        raise InputError(where, f"{key}.from", entry.get("from"), "a date, like 2016-07-01")
    if "open" in entry:
        return _open(where, term, entry)
    given = [name for name in ("cite", "assumption") if name in entry]
    if len(given) != 1 or not _is_text(entry[given[0]]):
        raise InputError(where, key, entry.get("value"), "exactly one of cite (the article) and assumption (why)")
    term.check(where, key, entry.get("value"))
    return Value(entry["from"], entry["value"], entry.get("cite", ""), entry.get("assumption", ""))


def _is_text(value: Any) -> bool:
    """Is it a text that says something?"""
    return isinstance(value, str) and bool(value.strip())


def _open(where: str, term: Term, entry: dict[str, Any]) -> Value:
    """A value that the pack leaves to each scenario; only of a rule that a pack may leave out."""
    field = f"{term.key}.open"
    if set(entry) != {"from", "open"} or not _is_text(entry["open"]):
        raise InputError(where, field, sorted(entry), "a date and the reason alone: the scenario gives the value")
    if not term.absent:
        raise InputError(where, field, entry["open"], "a value: only a rule that may be left out can be left open")
    return Value(entry["from"], None, "", "", entry["open"])
