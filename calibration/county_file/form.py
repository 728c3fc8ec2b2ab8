"""Which fields the county file has for a scenario, each with its default and where that comes from."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from calibration.county_file.texts import text
from sim.errors import InputError
from sim.law import vocabulary
from sim.law.rules import STEPS, value_in
from sim.law.vocabulary import term_of
from sim.scenario import Scenario

RULES = "rules."
MONEY = {"zh": 10_000, "en": 1_000_000}  # yuan in the unit of amounts: 万元, million yuan
MAX_YUAN = 10**10  # ten billion: what is above was typed in yuan
_EACH = {"quarter": range(1, 5), "month": range(1, 13)}

Words = Mapping[str, str]


@dataclass(frozen=True)
class Field:
    """One row of the form.

    Attributes
    ----------
    key : str
        Dotted field of the scenario, places of a list by number: ``fiscal.cash_by_quarter.0``.
    sheet, group : str
    kind : str
        How a cell is read, see ``fields.toml``.
    label, help, heading : mapping of language to str
        Words of the row, and of the group that it stands in.
    unit : str
        A key of the units in ``texts.toml``.
    low, high : float
        Of the value in the scenario's unit.
    is_above : bool
        ``low`` itself is not allowed.
    options : mapping of code to words
    is_core : bool
    adds_up : str
        Fields with the same name here add up to one.
    default : object
    source : tuple of str
        Kind (law, data, assumption, none) and note of the default.
    """

    key: str
    sheet: str
    group: str
    kind: str
    label: Words
    help: Words
    heading: Words
    unit: str
    low: float
    high: float
    is_above: bool
    options: Mapping[str, Words]
    is_core: bool
    adds_up: str
    default: Any
    source: tuple[str, str]


@cache
def groups() -> list[dict[str, Any]]:
    """The entries of ``fields.toml``."""
    raw = tomllib.loads(Path(__file__).with_name("fields.toml").read_text(encoding="utf-8"))
    return list(raw["group"])


def fields_of(scenario: Scenario) -> list[Field]:
    """Fields of a scenario in the order of the form; those that it has no section for are left out."""
    raw = scenario.model_dump(mode="python")
    return [
        field
        for group in groups()
        for entry in group["field"]
        if _applies(entry, scenario)
        for field in _expanded(entry, group, scenario, raw)
    ]


def _applies(entry: Mapping[str, Any], scenario: Scenario) -> bool:
    drought = scenario.defaults.drought
    if "effect" in entry and (drought is None or drought.effect.kind != entry["effect"]):
        return False
    return str(entry.get("mechanism", scenario.defaults.mechanism)) == scenario.defaults.mechanism


def _expanded(
    entry: Mapping[str, Any], group: Mapping[str, Any], scenario: Scenario, raw: Mapping[str, Any]
) -> Iterator[Field]:
    """One field, or one for each numbered place."""
    key = entry["key"].replace("{anchor}", scenario.defaults.anchor or "-")
    for place, shown in _places(entry, key.removesuffix(".{k}"), raw, scenario):
        own = key.replace("{k}", str(place))
        default = _default(own, scenario, raw)
        if default is not None:
            yield _field(entry, group, own, shown, default, scenario)


def _places(
    entry: Mapping[str, Any], stem: str, raw: Mapping[str, Any], scenario: Scenario
) -> Iterator[tuple[Any, str]]:  # fmt: skip
    each = entry.get("each")
    if each is None:
        yield None, ""
    elif each == "steps":
        yield from ((name.rpartition(".")[2], "") for name in scenario.rule_values() if name.startswith(f"{STEPS}."))
    elif each == "keys":
        yield from ((k, f"{k:,}") for k in value_at(raw, stem) or {})
    else:
        yield from ((k - 1, str(k)) for k in _EACH[each])


def _default(key: str, scenario: Scenario, raw: Mapping[str, Any]) -> Any:
    if not key.startswith(RULES):
        return value_at(raw, key)
    found = value_in(scenario.rule_values(), key.removeprefix(RULES))
    return found.value if found is not None else None


def _field(
    entry: Mapping[str, Any], group: Mapping[str, Any], key: str, shown: str, default: Any, scenario: Scenario
) -> Field:
    kind = entry["kind"]
    label = entry.get("label") or _rule_label(key.removeprefix(RULES), scenario)
    sums = entry.get("adds_up", "")
    return Field(
        key, group["sheet"], group["key"], kind,
        {lang: str(words).format(k=shown) for lang, words in label.items()},
        entry.get("help", {"zh": "", "en": ""}), group["label"], entry.get("unit", kind),
        entry.get("low", 0), entry.get("high", 1.0), entry.get("above", False), entry.get("options", {}),
        entry.get("core", False), (sums if isinstance(sums, str) else entry["key"]) if sums else "", default,
        _source(key, scenario),
    )  # fmt: skip


def _source(key: str, scenario: Scenario) -> tuple[str, str]:
    if not key.startswith(RULES):
        found = scenario.source_of(key)
        return (found.kind, found.note) if found else ("none", "")
    rule = key.removeprefix(RULES)
    if rule in scenario.rule_changes:
        found = scenario.source_of("rule_changes")
        return (found.kind, found.note) if found else ("none", "")
    value = value_in(scenario.rule_values(), rule)
    assert value is not None
    return ("law", value.cite) if value.cite else ("assumption", value.assumption or value.open)


def _rule_label(key: str, scenario: Scenario) -> Words:
    """A rule's name; that of a bearer, or of a step by its actor, for one entry of a table."""
    if key in vocabulary():
        return vocabulary()[key].label
    rule, _, entry = key.rpartition(".")
    term, value = term_of(rule), scenario.rule_values()[rule].value
    assert term is not None
    word = term.readings.get(entry) or term.readings[value["actor"]]
    return {
        lang: f"{term.label[lang]}：{text}" if lang == "zh" else f"{term.label[lang]}: {text}"
        for lang, text in word.items()
    }


# --- places in a scenario --------------------------------------------------------------------------------


def value_at(raw: Any, key: str) -> Any:
    """The value at a dotted place; None where there is none."""
    for part in key.split("."):
        raw = _inside(raw, part)
    return raw


def _inside(raw: Any, part: str) -> Any:
    if isinstance(raw, list):
        return raw[int(part)] if part.isdigit() and int(part) < len(raw) else None
    if not isinstance(raw, Mapping):
        return None
    return raw[part] if part in raw else raw.get(int(part)) if part.isdigit() else None


def put(raw: dict[str, Any], key: str, value: Any) -> None:
    """Set the value at a dotted place; other places of the same list stay."""
    if key.startswith(RULES):
        raw["rule_changes"][key.removeprefix(RULES)] = value
        return
    if key == "title":
        raw["title"] = {"zh": value, "en": value}
        return
    *parts, last = key.split(".")
    table: Any = raw
    for part in parts:
        table = _inside(table, part)
    table[int(last) if last.isdigit() else last] = value


# --- how values are shown --------------------------------------------------------------------------------


def shown(field: Field, value: Any, lang: str) -> Any:
    """A value as its cell holds it: numbers in the row's unit, dates as dates, words as words."""
    if value is None:
        return ""
    if field.kind == "share":
        return percent(value)
    if field.kind == "text":
        return value[lang] if isinstance(value, Mapping) else value
    if field.kind == "choice":
        return field.options[value][lang] if value in field.options else value
    if field.kind == "month_days":
        return ("、" if lang == "zh" else ", ").join(value)
    return value


def percent(share: float) -> float | int:
    """A share in per cent, without the dust of binary fractions."""
    return _plain(float(f"{share * 100:.12g}"))


def money(yuan: int, lang: str) -> float | int:
    """An amount in the unit of the file's language."""
    return _plain(yuan / MONEY[lang])


def _plain(x: float) -> float | int:
    return int(x) if float(x).is_integer() else x


def said(value: Any) -> str:
    """A cell's value in words, for previews and problems."""
    if isinstance(value, dt.datetime):
        value = value.date() if value.time() == dt.time() else value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def limits(field: Field, lang: str) -> tuple[str, str, str]:
    """Lowest and highest allowed value and the unit, as the reader types them."""
    scale = percent if field.kind == "share" else _plain
    return said(scale(field.low)), said(scale(field.high)), text(f"unit.{field.unit}", lang)


def set_sizes(scenario: Scenario) -> dict[str, int]:
    """Set size of each lender; none where the rules name none."""
    try:
        return scenario.sub_accounts_yuan()
    except InputError:
        return {}
