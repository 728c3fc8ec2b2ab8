"""Every rule that a pack can set: its names, its unit and its meaning, read once from ``vocabulary.toml``."""

from __future__ import annotations

import datetime as dt
import functools
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from sim.errors import InputError
from sim.law.chain import check_step

Words = Mapping[str, str]  # language -> text

_UNITS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "years": (int, "a whole number of years, 0 to 120"),
    "months": (int, "a whole number of months, 1 to 600"),
    "days": (int, "a whole number of days, 0 to 3650"),
    "working_days": (int, "a whole number of working days, 0 to 2500"),
    "day": (int, "a day of the month, 1 to 28"),
    "count": (int, "a whole number, 0 or more"),
    "yuan": (int, "whole yuan, 0 or more"),
    "share": ((int, float), "a share between 0 and 1"),
    "multiple": ((int, float), "a multiple above 0, up to 1000"),
    "percentage_points": ((int, float), "percentage points"),
    "percent per year": ((int, float), "per cent a year, 0 to 36"),
    "yes_no": (bool, "true or false"),
    "text": (str, "a word"),
    "list": (list, "a list of words"),
    "date": (str, 'a date like "2025-12-31"'),
    "month_day": (str, 'a yearly date like "03-01"'),
    "month_days": (list, 'a list of yearly dates like "01-15"'),
    "yuan_by_lender": (dict, "a table of lender and whole yuan"),
    "share_by_bearer": (dict, "a table of bearer and share"),
    "share_by_class": (dict, "a table of class and share"),
    "spans": (list, 'a list of yearly spans like "03-01/03-31"'),
    "step": (dict, "a table of after, actor and how long it takes"),
}
_RANGES = {
    "years": (0, 120),
    "months": (1, 600),
    "days": (0, 3650),
    "working_days": (0, 2500),
    "multiple": (0, 1000),
    "day": (1, 28),
    "share": (0, 1),
    "percent per year": (0, 36),
}


@dataclass(frozen=True)
class Term:
    """One rule of the vocabulary: everything about it that no pack changes.

    Attributes
    ----------
    key : str
        Group and name: ``fund.leverage``.
    label, meaning : mapping of language to str
    unit : str
    each : bool
        A pack gives any number of these, each under a name of its own.
    readings : mapping of value to words
        What the value, each word of a list or table or the actor of a step may be; empty: anything.
    other_words : bool
        A pack may use words beside the readings.
    absent : mapping of language to str
        What it means when a pack leaves the rule out; empty: every pack needs it.
    not_simulated : mapping of language to str
        Why the rule moves nothing, or only sometimes; empty where it does.
    """

    key: str
    label: Words
    unit: str
    meaning: Words = field(default_factory=dict)
    each: bool = False
    readings: Mapping[Any, Words] = field(default_factory=dict)
    other_words: bool = False
    absent: Words = field(default_factory=dict)
    not_simulated: Words = field(default_factory=dict)

    def check(self, where: str, key: str, value: Any) -> None:
        """Is this a value of the rule?

        Raises
        ------
        InputError
        """
        check_value(where, key, self.unit, value)
        options = () if self.other_words else tuple(self.readings)
        words = [value["actor"]] if self.unit == "step" else value if isinstance(value, list | dict) else [value]
        for word in words:
            if options and word not in options:
                field = f"{key}.actor" if self.unit == "step" else key
                raise InputError(where, field, word, f"one of {list(options)}", map(str, options))


def term_of(key: str) -> Term | None:
    """The rule of a key, a step of the chain by its own name; None where the model knows none."""
    terms = vocabulary()
    if key in terms:
        return None if terms[key].each else terms[key]
    above = terms.get(key.rpartition(".")[0])
    return above if above is not None and above.each else None


@functools.cache
def vocabulary() -> dict[str, Term]:
    """All rules by key, in the order in which they are shown."""
    groups = {group: terms for group, terms in _raw().items() if group != "units"}
    return {
        f"{group}.{name}": _term(f"{group}.{name}", t) for group, terms in groups.items() for name, t in terms.items()
    }


def term_for(key: str, value: Any) -> Term:
    """The rule of a key that is known; one of several is called by what its actor does."""
    term = term_of(key)
    assert term is not None
    return replace(term, key=key, label=term.readings[value["actor"]]) if term.each else term


@functools.cache
def unit_words() -> dict[str, Words]:
    """What each unit is called."""
    return dict(_raw()["units"])


def _raw() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("vocabulary.toml").read_text(encoding="utf-8"))


def _term(key: str, table: dict[str, Any]) -> Term:
    options = table.pop("options", {})
    readings = options if isinstance(options, dict) else {number: {} for number in options}
    return Term(key, readings=readings, **table)


def allowed(unit: str) -> str:
    """What a value of a unit may be, in words."""
    return _UNITS[unit][1]


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
    if unit == "list" and not all(isinstance(word, str) and word.strip() for word in value):
        raise InputError(where, key, value, words)
    if unit == "yuan_by_lender":
        for lender, yuan in value.items():
            check_value(where, f"{key}.{lender}", "yuan", yuan)
    if unit == "date":
        try:
            dt.date.fromisoformat(value)
        except ValueError:
            raise InputError(where, key, value, words) from None
    if unit in ("share_by_bearer", "share_by_class"):
        for name, share in value.items():
            check_value(where, f"{key}.{name}", "share", share)
    if unit == "step":
        check_step(where, key, value)
    days = value if unit == "month_days" else [value] if unit == "month_day" else []
    if unit == "spans":
        days = [day for span in value for day in (span.split("/") if str(span).count("/") == 1 else [span])]
    for text in days:
        try:
            dt.datetime.strptime(f"2001-{text}", "%Y-%m-%d")  # no leap year: the date must exist every year
        except (ValueError, TypeError):
            allowed = words if unit == "spans" else 'yearly dates like "01-15"'
            raise InputError(where, key, text, allowed) from None
