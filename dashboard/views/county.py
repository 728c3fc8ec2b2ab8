"""County data: the scenario's values, where each comes from, and how the county's own come in."""

from __future__ import annotations

from typing import Any

import streamlit as st

import sim
from dashboard import county, panels, safe, shell
from dashboard.shell import View
from dashboard.words import Words

_SKIPPED = ("name", "title", "note", "sources", "rule_changes", "uncertain", "posterior", "is_demonstration", "rules")


@shell.told
def show(v: View) -> None:
    """The page."""
    w = v.w
    scenario = v.answer.scenario if v.answer is not None else sim.scenario(panels.DEMONSTRATION)
    panels.heading(w("Are the county's data right?"), w("Values of {scenario}: what is the county's own, and what was taken over.", scenario=scenario.title.get(w.lang)))  # fmt: skip
    county.panel(v)
    rows = values(scenario, w)
    _summary(rows, w)
    wanted = st.text_input(w("Search"), placeholder=w("field, value or source"), key=f"county-search-{w.lang}")
    found = [row for row in rows if wanted.casefold() in " ".join(row).casefold()]
    if not found:
        st.info(w("No value matches the search. Try a shorter word."))
        return
    heads = [w("field"), w("value"), w("kind"), w("source")]
    st.html(safe.table(heads, found, w("Values of the scenario")))


def values(scenario: sim.Scenario, w: Words) -> list[list[str]]:
    """Each value of a scenario with its kind and source, in the order of its file."""
    rows = []
    for field, value in _flat(scenario.model_dump(mode="json")):
        if value is None or field.split(".")[0] in _SKIPPED:
            continue
        source = scenario.source_of(field)
        kind = w.term(source.kind) if source else "—"
        rows.append(
            [
                w.field(field),
                w.field_value(field, value),
                kind,
                w.reason(source.note) if source else w("no source given"),
            ]
        )
    return rows


def _flat(raw: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    out: list[tuple[str, Any]] = []
    for key, value in raw.items():
        name = f"{prefix}.{key}" if prefix else key
        is_distribution = isinstance(value, dict) and all(str(k)[:1].isdigit() for k in value)
        out += _flat(value, name) if isinstance(value, dict) and not is_distribution else [(name, value)]
    return out


def _summary(rows: list[list[str]], w: Words) -> None:
    """How much of the scenario is law, data, assumption, counted by value; the rules have a page of their own."""
    items = []
    for kind in ("law", "data", "assumption"):
        n = sum(row[2] == w.term(kind) for row in rows)
        items.append(
            (w.term(kind), w.number(n), w("{p} of the {n} values", p=w.percent(n / max(len(rows), 1), 0), n=len(rows)))
        )
    panels.figures(items)


show(shell.view())
