"""Evidence: why the answer may be believed, and how far."""

from __future__ import annotations

import re
from pathlib import Path

import streamlit as st

import sim
from dashboard import panels, safe, shell, work
from dashboard.shell import View
from dashboard.words import Words

VALIDATION = Path(__file__).parents[2] / "docs" / "validation.md"
_CELLS = re.compile(r"(?<!\\) \| ")


@shell.told
def show(v: View) -> None:
    """The page."""
    w = v.w
    scenario = v.answer.scenario if v.answer is not None else sim.scenario(work.DEMONSTRATION)
    panels.heading(w("Why believe it, and how far?"), w("What is law, what was measured, what was assumed; and what the program was held against."))  # fmt: skip
    _kinds(scenario, w)
    sources, unknown, anchors, checks = st.tabs(
        [w("Sources"), w("What is not known"), w("Anchors"), w("Checks of the program")]
    )
    with sources:
        rows = [[w.listed(s.fields), w.term(s.kind), w.reason(s.note)] for s in scenario.sources]
        st.html(safe.table([w("fields"), w("kind"), w("source")], rows, w("Where the values come from")))
    with unknown:
        _unknown(v, scenario)
    with anchors:
        _anchors(v, scenario)
    with checks:
        _checks(w)


def _kinds(scenario: sim.Scenario, w: Words) -> None:
    kinds: list[str] = [s.kind for s in scenario.sources for _ in s.fields]
    said = {
        "law": w("read in a text that is cited"), "data": w("counted or measured"),
        "assumption": w("taken, with the reason"),
    }  # fmt: skip
    panels.figures(
        [
            (w.term(k), w.n("{n} group of values", "{n} groups of values", kinds.count(k)), text)
            for k, text in said.items()
        ]
    )
    if "data" not in kinds:
        panels.card(w("Nothing of this scenario was measured in the county itself: no default, no claim. The answer says what follows from the rules and the assumptions, not what was observed."))  # fmt: skip


def _unknown(v: View, scenario: sim.Scenario) -> None:
    """Parameters with their distributions, and what of the spread they make."""
    w = v.w
    if not scenario.uncertain:
        st.info(
            w("Every parameter of this scenario is taken as known; the range of the answer is next year's luck alone.")
        )
    else:
        kinds = {"lognormal": w("lognormal"), "logit_normal": w("logit-normal"), "uniform": w("uniform"), "between_sets": w("between the sets of behaviour"), "normal": w("normal")}  # fmt: skip
        rows = [
            [u.field, kinds.get(u.distribution, u.distribution), w.interval((u.p05, u.p95), lambda x: f"{x:g}") if u.p05 is not None and u.p95 is not None else "—", w.reason(u.note or "")]
            for u in scenario.uncertain
        ]  # fmt: skip
        heads = [w("field"), w("distribution"), w("nine in ten between"), w("reason")]
        st.html(safe.table(heads, rows, w("Parameters that are drawn anew in every history"), numbers=(2,)))
    if v.answer is None:
        return
    found = v.answer.data["uncertainty"]["variance_shares"]
    rows = [[w.label(k), w.value(x, w.percent), w.interval(x.get("ci95"), w.percent)] for k, x in found.items()]
    st.html(safe.table([w("part"), w("share"), w.term("interval_95")], rows, w("Where the spread of the need comes from"), numbers=(1, 2)))  # fmt: skip


def _anchors(v: View, scenario: sim.Scenario) -> None:
    """What defaults are held to, and what the need would be at each."""
    w, d = v.w, scenario.defaults
    if d.anchor is None:
        st.info(w("Default probabilities are given in this scenario; no anchor is used."))
        return
    needs = v.answer.data["need_by_anchor"] if v.answer is not None else {}
    anchors = dict(d.anchors)
    rows = [
        [w.label(f"anchor.{name}"), w.percent(share), w.value(needs[name]) if name in needs else "—",
         w.interval(needs[name].get("ci95")) if name in needs else "—", w("used here") if name == d.anchor else ""]
        for name, share in anchors.items()
    ]  # fmt: skip
    heads = [w("anchor"), w("defaulted principal in the long run"), w("need"), w.term("interval_95"), ""]
    used = list(anchors).index(d.anchor) if d.anchor in anchors else -1
    st.html(safe.table(heads, rows, w("Anchors of the default level"), numbers=(1, 2, 3), strong=(used,)))
    if v.answer is None:
        return
    data = v.answer.data
    panels.figures([
        (w.label("compensable_share"), w.value(data["compensable_share"], w.percent), w.interval(data["compensable_share"].get("ci95"), w.percent)),
        (w.label("default_share"), w.value(data["default_share"], w.percent), w.interval(data["default_share"].get("ci95"), w.percent)),
    ])  # fmt: skip
    st.caption(
        w("The anchor is a mean over many years and parameters; the sized year has its own book and its own drought.")
    )


def _checks(w: Words) -> None:
    """The table of exact checks, as the page of the documents has it."""
    if not VALIDATION.is_file():
        st.info(w("No table of checks is there yet. `make theory-full` runs them and writes docs/validation.md."))
        return
    lines = [line for line in VALIDATION.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    table = [[cell.replace("\\|", "|") for cell in _CELLS.split(line.strip().strip("|").strip())] for line in lines]
    if not table:
        st.info(w("docs/validation.md holds no table."))
        return
    st.html(safe.table(table[0], [row for row in table[1:] if len(row) == len(table[0])], w("Each check against an answer that is known exactly; the last column names the planted fault that it noticed")))  # fmt: skip


show(shell.view())
