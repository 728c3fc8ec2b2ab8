"""Evidence: why the answer may be believed, and how far."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

import sim
from calibration.stored_fit import StoredFit
from calibration.target_list import read_targets
from dashboard import backtest, details, fit_table, library, panels, safe, shell
from dashboard.figures import calibration_dots, default_by_debts, subsidy_ageing, township_map, truth_and_report
from dashboard.shell import View
from dashboard.words import Words
from dashboard.words.labels import N_
from sim.parameters import drawn_together

VALIDATION = Path(__file__).parents[2] / "docs" / "validation.md"
_HEADING = re.compile(r"## (D\d+)\.")
_CELLS = re.compile(r"(?<!\\) \| ")
# What each group of exact checks is about, by its number on the page of the documents.
GROUPS = {
    "D1": N_("random numbers"), "D2": N_("definitions and dates"), "D3": N_("independent loans"),
    "D4": N_("one common factor"), "D5": N_("county and township factors"), "D6": N_("drought"),
    "D7": N_("the fund's layer and its smallest size"), "D8": N_("stacked loans"), "D9": N_("late subsidy"),
    "D10": N_("defaults month by month"), "D11": N_("first time that the balance is used up"),
    "D12": N_("the clerks' desk"), "D13": N_("intervals and estimators"),
}  # fmt: skip


@shell.told
def show(v: View) -> None:
    """The page."""
    w = v.w
    scenario = v.answer.scenario if v.answer is not None else sim.scenario(panels.DEMONSTRATION)
    panels.heading(w("Why believe it, and how far?"), w("What is law, what was measured, what was assumed; and what the program was held against."))  # fmt: skip
    _kinds(scenario, w)
    panels.tabs(f"evidence-parts-{w.lang}", [
        (w("Sources"), lambda: _sources(scenario, w)), (w("What is not known"), lambda: _unknown(v, scenario)),
        (w("Level of defaults"), lambda: _anchors(v, scenario)), (w("What is reported"), lambda: _reported(v)),
        (w("Model and targets"), lambda: _model(v, scenario)), (w("Calibration"), lambda: _fit(v, scenario)),
        (w("Forecast and fact"), lambda: backtest.panel(v)), (w("Checks of the program"), lambda: _checks(w)),
    ])  # fmt: skip


def _sources(scenario: sim.Scenario, w: Words) -> None:
    rows = [[w.listed([w.field(f) for f in s.fields]), w.term(s.kind), w.reason(s.note)] for s in scenario.sources]
    st.html(safe.table([w("fields"), w("kind"), w("source")], rows, w("Where the values come from")))


def _kinds(scenario: sim.Scenario, w: Words) -> None:
    """Sources counted by kind: each stands for one group of values; the page of county data counts single values."""
    kinds: list[str] = [s.kind for s in scenario.sources]
    said = {
        "law": w("read in a text that is cited"), "data": w("counted or measured"),
        "assumption": w("taken, with the reason"),
    }  # fmt: skip
    panels.figures([(w.term(k), w.n("{n} source", "{n} sources", kinds.count(k)), text) for k, text in said.items()])
    st.caption(w("Counted here: sources, one for each group of values (single values are counted on the page of county data, rules on their own page)."))  # fmt: skip
    if "data" not in kinds:
        panels.card(w("Nothing of this scenario was measured in the county itself: no default, no claim. The answer says what follows from the rules and the assumptions, not what was observed."))  # fmt: skip


def _unknown(v: View, scenario: sim.Scenario) -> None:
    """Parameters with their distributions, and what of the spread they make."""
    w = v.w
    together = drawn_together(scenario)
    if not scenario.uncertain and together.empty:
        st.info(
            w("Every parameter of this scenario is taken as known; the range of the answer is next year's luck alone.")
        )
    else:
        kinds = {"lognormal": w("lognormal"), "logit_normal": w("logit-normal"), "uniform": w("uniform"), "between_sets": w("between the sets of behaviour"), "normal": w("normal")}  # fmt: skip
        rows = [
            [w.field(u.field), kinds.get(u.distribution, u.distribution), _between(u, w), w.reason(u.note or "")]
            for u in scenario.uncertain
            if u.field not in together
        ]
        rows += [
            [
                w.field(f),
                w("drawn together"),
                w.interval(tuple(together[f].quantile([0.05, 0.95])), partial(_value, w, f)),
                w("from a calibration"),
            ]
            for f in map(str, together)
        ]
        heads = [w("field"), w("distribution"), w("nine in ten between"), w("reason")]
        st.html(safe.table(heads, rows, w("Parameters that are drawn anew in every history"), numbers=(2,)))
    if v.answer is None:
        return
    found = v.answer.data["uncertainty"]["variance_shares"]
    rows = [[w.label(k), w.value(x, w.percent), w.interval(x.get("ci95"), w.percent)] for k, x in found.items()]
    st.html(safe.table([w("part"), w("share"), w.term("interval_95")], rows, w("Where the spread of the need comes from"), numbers=(1, 2)))  # fmt: skip


def _between(u: Any, w: Words) -> str:
    if u.p05 is None or u.p95 is None:
        return "—"
    return w.interval((u.p05, u.p95), lambda x: w.field_value(u.field, float(f"{x:.3g}")))


def _value(w: Words, field: str, x: float) -> str:
    return w.field_value(field, float(f"{x:.3g}"))


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


def _reported(v: View) -> None:
    """Reported figures look better than what happened: by how much, in this county and under these rules."""
    w = v.w
    if v.answer is None:
        st.info(w("There is no result to hold against anything yet."))
        return
    panels.picture(truth_and_report(v.answer.data, w), w, "truth", height=330)
    for block in (details.report(v.answer, w), details.subsidy(v.answer, w)):
        panels.block(block, w)


# --- the model beside what is known ------------------------------------------------------------------


def _model(v: View, scenario: sim.Scenario) -> None:
    """Targets against the model where there are any; where defaults arise, and with how many other debts."""
    w = v.w
    if v.answer is None or v.run is None:
        st.info(w("There is no result to hold against anything yet."))
        return
    rows = targets(v.answer, w)
    if rows:
        panels.picture(calibration_dots(rows, w, about=v.answer.data), w, "targets", height=260)
        st.caption(w("The target is a mean over years, the model's figure that of the sized year."))
    else:
        st.info(w("No target: nothing of this scenario's defaults was counted in the county, so there is nothing that the model could be held against. A loan book with known outcomes, read with `riskfund data import`, gives the first one."))  # fmt: skip
    table = library.table_of(v.answer, v.run.sha, "townships")
    kept = library.stored(v.answer, v.run.sha)
    towns = list(scenario.township_names(w.lang).values())
    places = township_map(table, towns, w, about=v.answer.data, strata=kept.sample.strata)
    if scenario.livelihoods is None:
        panels.picture(places, w, "places", height=460)
        st.caption(w("Default by number of other debts is not shown: this scenario is given its default probabilities and follows no households, so that it knows of no other debts."))  # fmt: skip
    else:
        left, right = st.columns(2, gap="medium")
        with left:
            panels.picture(places, w, "places", height=460)
        with right:
            panels.picture(default_by_debts(v.answer.data, w), w, "debts", height=460)
    panels.picture(subsidy_ageing(v.answer.data, w), w, "ageing", height=320)


def targets(answer: sim.Answer, w: Words) -> list[dict[str, Any]]:
    """What was counted in the county and the model gives as well: today the share of defaults, where it is its own."""
    d = answer.scenario.defaults
    field = f"defaults.anchors.{d.anchor}"
    source = answer.scenario.source_of(field)
    if d.anchor is None or source is None or source.kind != "data":
        return []
    drawn = next((u for u in answer.scenario.uncertain if u.field == field), None)
    model = answer.data["compensable_share"]
    low, high = model.get("ci95") or (None, None)
    return [{
        "name": w("defaulted principal, share of principal due"), "unit": "share", "target": d.anchors[d.anchor],
        "low": drawn.p05 if drawn else None, "high": drawn.p95 if drawn else None,
        "model": model["value"], "model_low": low, "model_high": high,
    }]  # fmt: skip


# --- the fit to printed figures ---------------------------------------------------------------------


def _fit(v: View, scenario: sim.Scenario) -> None:
    """The stored fits, that of the scenario's way to default first; and the figures that are no targets."""
    w, fits = v.w, fit_table.shipped()
    if not fits:
        st.info(w("No fit is stored. `riskfund calibrate` makes one."))
        return
    for fit in sorted(fits, key=lambda fit: fit.made["mechanism"] != scenario.defaults.mechanism):
        _one_fit(fit, w)
    with st.expander(w("Figures that are no targets, and why")):
        rows = [[k.what.get(w.lang), k.value, k.reason.get(w.lang)] for k in read_targets().kept_out]
        st.html(safe.table([w("figure"), w("printed"), w("why")], rows, w("Figures that are no targets, and why")))


def _one_fit(fit: StoredFit, w: Words) -> None:
    """A stored fit: what it says, targets beside the model, parameters, targets left out."""
    panels.part(fit_table.title(fit, w))
    for text in fit_table.sentences(fit, w):
        st.write(text)
    dots = fit_table.dots(fit, w)
    panels.picture(
        calibration_dots(dots, w), w, f"fit-{fit.name}", height=170 + 38 * len(dots)
    )  # two lines of words a row
    st.html(
        safe.table(
            fit_table.target_heads(w),
            fit_table.target_rows(fit, w),
            w("Targets and the fitted model"),
            numbers=(2, 3, 4, 5, 6, 7),
        )
    )
    st.html(
        safe.table(
            fit_table.parameter_heads(w), fit_table.parameter_rows(fit, w), w("Parameters"), numbers=(1, 2, 3, 5, 6)
        )
    )
    st.html(
        safe.table(
            fit_table.left_out_heads(w),
            fit_table.left_out_rows(fit, w),
            w("Targets left out one at a time"),
            numbers=(1, 2, 3, 4, 5),
        )
    )
    st.caption(
        w(
            "The scenarios do not use this fit unless they are told to: `{command}`.",
            command=fit_table.command(fit),
        )
    )


# --- checks of the program ---------------------------------------------------------------------------


def _checks(w: Words) -> None:
    """The exact checks by group, and each of them for those who want to see it."""
    groups = checks()
    if not groups:
        st.info(w("No table of checks is there yet. `make theory-full` runs them and writes docs/validation.md."))
        return
    n, good = sum(len(g) for g in groups.values()), sum(_agrees(row) for g in groups.values() for row in g)
    st.write(w("{good} of {n} checks agree with an answer that is known exactly without simulation; each has also noticed a fault that was planted to try it.", good=good, n=n))  # fmt: skip
    rows = [
        [w(GROUPS.get(key, key)), len(group), sum(_agrees(row) for row in group), sum(row[3] != "not random" for row in group)]
        for key, group in groups.items()
    ]  # fmt: skip
    heads = [w("what is checked"), w("checks"), w("agree"), w("of them with simulated histories")]
    st.html(safe.table(heads, rows, w("Checks against exact answers, by group"), numbers=(1, 2, 3)))
    with st.expander(w("Each check (in English, as the page docs/validation.md has it)")):
        heads = [w("check"), w("exact"), w("simulated"), w("accepted"), w("verdict"), w("planted faults that it noticed")]  # fmt: skip
        st.html(safe.table(heads, [row for group in groups.values() for row in group], w("All checks")))


def checks() -> dict[str, list[list[str]]]:
    """Rows of the page of the documents by group; empty where the page is not there."""
    if not VALIDATION.is_file():
        return {}
    out: dict[str, list[list[str]]] = {}
    group = ""
    for line in VALIDATION.read_text(encoding="utf-8").splitlines():
        heading = _HEADING.match(line)
        group = heading.group(1) if heading else group
        cells = [cell.replace("\\|", "|") for cell in _CELLS.split(line.strip().strip("|").strip())]
        if line.startswith("| ") and len(cells) == 6 and cells[0] != "check":
            out.setdefault(group, []).append(cells)
    return out


def _agrees(row: list[str]) -> bool:
    return row[4].startswith("agrees")


show(shell.view())
