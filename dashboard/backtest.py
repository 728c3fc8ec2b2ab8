"""The part of the evidence page where last year's forecast is held against what happened."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

import streamlit as st

import sim
from calibration import actuals
from calibration.actuals import Backtest
from calibration.kept_backtest import keep, kept
from dashboard import back_table, panels, safe
from dashboard.export.text import guarded
from dashboard.figures import forecast_and_fact
from dashboard.library import Run
from dashboard.shell import View
from dashboard.words import Words
from sim.errors import RiskfundError


def panel(v: View) -> None:
    """A table of what happened goes in; the forecast of the chosen run beside it comes out."""
    w, run = v.w, v.run
    if run is None or run.state not in ("ready", "stale"):
        st.info(w("There is no finished result to hold against anything yet."))
        return
    st.write(w("Once the year is over: bring what happened, one row a figure (.csv or .xlsx). A row without a value is left out; nothing of the table is kept but the comparison."))  # fmt: skip
    left, right = st.columns([2, 6], vertical_alignment="center")
    with left:
        st.download_button(
            w("Empty table"), data=lambda: template(run, w), mime="text/csv", file_name=f"{w('what happened')} {run.year}.csv",
            on_click="ignore", key="actuals-template", width="stretch",
        )  # fmt: skip
    with right:
        found = st.file_uploader(w("What happened"), key="actuals-file", label_visibility="collapsed")
    if found is None:
        stored = kept(run.path)
        if stored is None:
            st.info(w("Nothing has been held against this result yet."))
        else:
            _show(v, run, *stored)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / (Path(found.name).name or "actuals.csv")
        path.write_bytes(found.getvalue())
        try:
            held = actuals.backtest(run.path, path)
        except RiskfundError as error:
            st.error(safe.markdown(w.error(error)))
            return
    if st.button(w("Keep it with the result: pages and exports then show it"), key="actuals-keep"):
        keep(run.path, held, path.name)
        st.success(w("Kept. It stays until another one takes its place."))
    _show(v, run, path.name, held)


def template(run: Run, w: Words) -> bytes:
    """A table without values: every figure of the county, then each township's loans."""
    towns = sim.scenario_of(run.path).township_names(w.lang).values()
    at = 0 if w.lang == "zh" else -1
    heads = ["项目", "乡镇", "季度", "数值"] if w.lang == "zh" else ["item", "township", "quarter", "value"]
    lines = [(names[at], "") for names in actuals.ITEMS.values()]
    lines += [(actuals.ITEMS[item][at], town) for town in towns for item in ("due_loans", "defaulted_loans")]
    out = io.StringIO()
    csv.writer(out).writerows([heads, *([item, guarded(town), "", ""] for item, town in lines)])
    return out.getvalue().encode("utf-8-sig")


def _show(v: View, run: Run, source: str, found: Backtest) -> None:
    w = v.w
    names = sim.scenario_of(run.path).township_names(w.lang)
    st.caption(safe.markdown(back_table.source(found, source, w)))  # fmt: skip
    for text in back_table.sentences(found, w):
        st.write(safe.markdown(text))
    rows = back_table.picture_rows(found, names, w)
    about = {"seed": run.seed, "replications": found.n_histories, "is_demonstration": run.is_demonstration}
    panels.picture(forecast_and_fact(rows, w, about=about), w, "backtest", height=150 + 46 * len(rows))
    heads = back_table.heads(w)
    for caption, body in (
        (w("Forecast and fact"), back_table.county_rows(found, w)),
        (w("Share of loans in default, by township"), back_table.township_rows(found, names, w)),
    ):
        if body:
            st.html(safe.table(heads, body, caption, numbers=(1, 2, 3, 5, 6)))
    st.caption(back_table.explained(w))
