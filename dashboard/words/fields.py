"""What people call a scenario's fields and the values in them: one name for each, in both languages.

A field of the county's form is called as the form calls it, a rule as the vocabulary of rules does; the other names
stand in ``fields.toml``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calibration.county_file.form import groups, percent, said
from sim.law import vocabulary

if TYPE_CHECKING:
    from dashboard.words.words import Words

FILE = Path(__file__).with_name("fields.toml")
RULES = ("rules.", "rule_changes.")
_SETS = ("low", "central", "high")  # of behaviour, and of the anchors
Entry = Mapping[str, Any]


@cache
def _own() -> dict[str, dict[str, Entry]]:
    found: dict[str, dict[str, Entry]] = tomllib.loads(FILE.read_text(encoding="utf-8"))
    return found


@cache
def _form() -> dict[str, Entry]:
    """Fields of the county's form by key."""
    return {entry["key"]: entry for group in groups() for entry in group["field"] if entry.get("label")}


def known(field: str) -> bool:
    """Has a field a name?"""
    return _found(field) is not None


def label(field: str, lang: str) -> str:
    """What a field is called; its own name where it has none."""
    found = _found(field)
    return field if found is None else str(found[lang])


def _found(field: str) -> Entry | None:
    """A name in both languages."""
    for prefix in RULES:
        if field.startswith(prefix):
            rule = vocabulary().get(field.removeprefix(prefix))
            return None if rule is None else rule.label
    own = _own()["names"]
    if field in own:
        return own[field]
    if field in _form():
        entry: Entry = _form()[field]["label"]
        return entry
    stem, _, last = field.rpartition(".")
    numbered = _form().get(f"{stem}.{{k}}")
    if last and numbered is not None:
        place = last if numbered["each"] == "keys" else str(int(last) + 1)
        return {lang: text.format(k=place) for lang, text in numbered["label"].items()}
    parts = field.split(".")
    for k, part in enumerate(parts):
        if part in _SETS and k > 0:
            plain = _found(".".join(parts[:k] + parts[k + 1 :]))
            mark = _own()["words"][part]
            return None if plain is None else {"zh": f"{plain['zh']}（{mark['zh']}）", "en": f"{plain['en']} ({mark['en']})"}  # fmt: skip
    if last.isdigit() and _found(stem) is not None:
        plain = _found(stem)
        assert plain is not None
        return {"zh": f"{plain['zh']}（第{int(last) + 1}项）", "en": f"{plain['en']} (no. {int(last) + 1})"}
    return None


def is_share(field: str) -> bool:
    """Is a field typed and shown in per cent, as the county's form does?"""
    form = _form()
    entry = form.get(field) or form.get(f"{field.rpartition('.')[0]}.{{k}}") or form.get(f"{field}.{{k}}")
    if entry is None and field.startswith("defaults.anchors."):
        return True
    if field.startswith("rules."):
        rule = vocabulary().get(field.removeprefix("rules."))
        return rule is not None and rule.unit == "share"
    return entry is not None and entry["kind"] == "share"


def value(field: str, x: Any, w: Words) -> str:
    """A value of a field in words: shares in per cent, codes by their names, lists by what is in them."""
    rule = next((vocabulary().get(field.removeprefix(p)) for p in RULES if field.startswith(p)), None)
    if x is None:
        return "—"
    if rule is not None:
        return f"{said(percent(x))}%" if rule.unit == "share" and _is_number(x) else w.rule_value(x, rule)
    if isinstance(x, bool):
        return w.rule_value(x)
    if _is_number(x):
        return f"{said(percent(x))}%" if is_share(field) else said(x)
    if isinstance(x, str):
        options = _form().get(field, {}).get("options", {}) | _own()["of"].get(field, {})
        named = options.get(x) or _own()["words"].get(x)
        return str(named[w.lang]) if named else x
    if isinstance(x, Mapping):
        if set(x) >= {"zh", "en"}:
            return str(x[w.lang])
        return w.listed([f"{_own()['words'].get(str(k), {}).get(w.lang, k)}: {value(f'{field}.{k}', y, w)}" for k, y in x.items()])  # fmt: skip
    if isinstance(x, (list, tuple)):
        return w.listed([_item(y, field, w) for y in x]) or w.label("none")
    return str(x)


def _item(x: Any, field: str, w: Words) -> str:
    """One of a list: a lender or a township by its name."""
    if isinstance(x, Mapping):
        name = x.get("label")
        return str(
            name[w.lang] if isinstance(name, Mapping) else x.get("key") or label(str(x.get("field", "")), w.lang)
        )
    if isinstance(x, (list, tuple)):
        return "/".join(value(field, y, w) for y in x)
    return value(f"{field}.0", x, w)


def _is_number(x: Any) -> bool:
    return isinstance(x, int | float) and not isinstance(x, bool)
