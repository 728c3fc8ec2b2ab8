"""Rules: every value of the pack with the day it came into force and its article, or why it was assumed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import streamlit as st

import sim
from dashboard import panels, safe, shell
from dashboard.shell import View
from dashboard.words import Words
from sim.law import Pack
from sim.law.pack import Parameter


@shell.told
def show(v: View) -> None:
    """The page."""
    w = v.w
    panels.heading(w("Which rules does the model follow?"), w("Each value with its article; what the text leaves open is marked as an assumption."))  # fmt: skip
    names = sim.pack_names()
    used = v.answer.scenario.rules if v.answer is not None else names[0]
    packs = list(dict.fromkeys([used, *names]))
    left, middle, right = st.columns([3, 2, 3], vertical_alignment="bottom")
    with left:
        pack = sim.load_pack(
            panels.choice(w("Rule pack"), packs, lambda name: sim.load_pack(name).title[w.lang], "pack", used, w)
        )
    with middle:
        day = st.date_input(
            w("In force on"), _usual_day(v), min_value=dt.date(2010, 1, 1), max_value=dt.date(2035, 12, 31), key="on",
            format="YYYY-MM-DD",
        )  # fmt: skip
    with right:
        wanted = st.text_input(w("Search"), placeholder=w("name, value or article"), key="rule-search")
    assert isinstance(day, dt.date)
    _table(v, pack, day, wanted)


_NO_UNIT = ("text", "list", "yes_no", "date", "month_day", "month_days", "spans", "step", "day")  # kinds of value


def _usual_day(v: View) -> dt.date:
    return dt.date(int(v.answer.data["year"]), 1, 1) if v.answer is not None else dt.date.today()


def _table(v: View, pack: Pack, day: dt.date, wanted: str) -> None:
    w = v.w
    own = v.answer.scenario if v.answer is not None and v.answer.scenario.pack().id == pack.id else None  # a file's too
    changes = own.rule_changes if own is not None else {}
    steps = w.step_names({key: parameter.term for key, parameter in pack.parameters.items()})
    rows = [_row(p, day, w, changes, steps) for p in pack.parameters.values()]
    found = [row for row in rows if wanted.casefold() in " ".join(row).casefold()]
    assumed = sum(row[-1] == w.term("assumption") for row in rows)
    st.caption(
        w(
            "{shown} of {n} values; {assumed} are assumptions, the others are read in the text.",
            shown=len(found), n=len(rows), assumed=assumed,
        )
    )  # fmt: skip
    if not found:
        st.info(w("No rule matches the search. Try a shorter word."))
        return
    heads = [
        w("rule"),
        w("in the text"),
        w("in this scenario"),
        w("unit"),
        w("valid from"),
        w("article or reason"),
        w("kind"),
    ]
    marks = ["warn" if row[-1] != w.term("law") else "" for row in found]
    if changes:
        st.caption(w.n("{n} value is the county's own; it stands beside that of the text.", "{n} values are the county's own; they stand beside those of the text.", len(changes)))  # fmt: skip
    st.html(safe.table(heads, found, pack.title[w.lang], marks=marks))


def _row(parameter: Parameter, day: dt.date, w: Words, changes: dict[str, object], steps: dict[str, str]) -> list[str]:
    name, unit = parameter.label[w.lang], "" if parameter.unit in _NO_UNIT else w.unit(parameter.unit)
    own = _shown(changes[parameter.key], parameter, w, steps) if parameter.key in changes else ""
    values = [value for value in parameter.values if value.from_date <= day]
    if not values:
        return [name, "—", own, unit, w.date(parameter.values[0].from_date), w("not yet in force"), w("scenario") if own else ""]  # fmt: skip
    value = values[-1]
    kind = w("scenario") if own else w.term("law" if value.cite else "assumption")
    source = w.source(value.source)
    if parameter.term.not_simulated:
        source += " " + w("(not simulated: {why})", why=parameter.term.not_simulated[w.lang])
    return [
        name,
        _shown(value.value, parameter, w, steps),
        own or w("the same"),
        unit,
        w.date(value.from_date),
        source,
        kind,
    ]


def _shown(value: Any, parameter: Parameter, w: Words, steps: dict[str, str]) -> str:
    """A value in words; amounts with their thousands apart."""
    is_yuan = parameter.unit == "yuan" and isinstance(value, int)
    return w.number(value) if is_yuan else w.rule_value(value, parameter.term, steps)


show(shell.view())
