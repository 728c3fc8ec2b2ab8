"""Every field of a scenario has a name in both languages, and every code in a shipped scenario has words."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

import sim
from dashboard import scenario_file
from dashboard.words import Words, fields

HAN = re.compile(r"[一-鿿]")
CODE = re.compile(r"^[a-z]+[-_][a-z_-]+$|^(central|dry|empty|known|once|village|group|maturity)$")


def models(of: Any) -> list[type[BaseModel]]:
    """Models that a field may hold as a table; lists of tables are one field."""
    if isinstance(of, type) and issubclass(of, BaseModel):
        return [of]
    if typing.get_origin(of) in (types.UnionType, typing.Union, typing.Annotated):
        return [m for part in typing.get_args(of) for m in models(part)]
    return []


def names(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        full = f"{prefix}{name}"
        if typing.get_origin(field.annotation) is dict and models(typing.get_args(field.annotation)[1]):
            for inner in models(typing.get_args(field.annotation)[1]):
                yield from names(inner, f"{full}.central.")
            continue
        inside = [m for m in models(field.annotation) if set(m.model_fields) != {"zh", "en"}]
        yield full
        for inner in inside:
            yield from names(inner, f"{full}.")


def test_every_field_has_a_name_in_both_languages() -> None:
    every = set(names(sim.Scenario))
    assert len(every) > 120
    assert [f for f in sorted(every) if not fields.known(f)] == []
    assert all(HAN.search(fields.label(f, "zh")) and not HAN.search(fields.label(f, "en")) for f in every)


@pytest.mark.parametrize("name", sim.scenario_names())
def test_fields_and_values_of_shipped_scenarios_are_said_in_words(name: str) -> None:
    scenario, zh = sim.scenario(name), Words("zh")
    named = [f for s in scenario.sources for f in s.fields] + [u.field for u in scenario.uncertain]
    assert [f for f in named if not fields.known(f)] == []
    said = []

    def look(raw: dict[str, Any], prefix: str) -> None:
        for key, x in raw.items():
            field = f"{prefix}{key}"
            if isinstance(x, dict) and not all(str(k)[:1].isdigit() for k in x) and set(x) != {"zh", "en"}:
                look(x, f"{field}.")
            elif field not in ("name", "rules", "note", "sources") and not field.endswith("file"):
                said.append((field, zh.field_value(field, x)))

    look(scenario.model_dump(mode="json"), "")
    assert [(f, text) for f, text in said if CODE.match(text)] == []


def test_every_fixed_word_of_a_field_is_said_in_both_languages() -> None:
    every = {f: scenario_file.words_of(f) for f in names(sim.Scenario)}
    assert {"reduced-form", "household"} == set(every["defaults.mechanism"])
    words = {(f, x) for f, found in every.items() for x in found}
    assert [(f, x) for f, x in sorted(words) if fields.value(f, x, Words("zh")) == x] == []


def test_shares_are_said_in_per_cent_and_places_by_their_number() -> None:
    w = Words("en")
    assert w.field_value("defaults.drought.p_normal_to_dry", 0.28) == "28%"
    assert w.field_value("fiscal.delay_months", 3) == "3"
    assert "2" in w.field("fiscal.cash_by_quarter.1") and "50" in w.field("lending.principal_yuan.50000")
    assert w.field("rules.claim.wait_days") != "rules.claim.wait_days"
    assert w.field("nothing.of.this") == "nothing.of.this"
