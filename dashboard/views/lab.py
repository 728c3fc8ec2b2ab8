"""Policy lab: how late the subsidy comes against how dry the year is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

import sim
from dashboard import commands, panels, safe, scenario_file, shell, work
from dashboard.figures import heat_table
from dashboard.figures.figure import Value
from dashboard.figures.measure import measure_of
from dashboard.library import Run
from dashboard.shell import View
from dashboard.words import Words
from dashboard.words.labels import N_

DROUGHTS = {"none": "none", "light": "light", "medium": "moderate", "heavy": "severe"}  # as pictures call them
NAMES = {
    "none": N_("no drought"),
    "light": N_("light drought"),
    "medium": N_("moderate drought"),
    "heavy": N_("severe drought"),
}
_FEELS_LATENESS = "x-county-late-subsidy-refund"
_LOOKS = (100, 200, 500)
_CELLS = 28  # seven latenesses by four droughts


@shell.told
def show(v: View) -> None:
    """The page."""
    w = v.w
    panels.heading(w("What if the subsidy comes months late in a dry year?"), w("Seven latenesses by four droughts, every cell on the same luck. A part of the grid can be read while the rest is at work."))  # fmt: skip
    grids = [run for run in v.every if run.kind == "grid"]
    below: Callable[[], None] | None = None
    if grids:
        below = _grid(v, grids)
    else:
        st.info(w("No grid has been made yet. Its cost stands below before it is started."))
    with st.expander(w("New grid"), expanded=not grids):
        _new(v)
    if below is not None:
        below()


def _grid(v: View, grids: list[Run]) -> Callable[[], None] | None:
    """Draw the chosen grid; returns what draws its table of differences, below what one may do next."""
    w = v.w
    left, right = st.columns([5, 3], vertical_alignment="bottom")
    with left:
        run = panels.stored_run(grids, w("Grid"), "grid", w, may_be_first=("ready", "unfinished", "running"))
    with right:
        metric = panels.choice(w("Figure to show"), sim.GRID_METRICS, w.label, "cell", sim.GRID_METRICS[0], w)
    if run.state in ("stale", "broken"):
        st.warning(safe.markdown(shell.why_not(run, w)))
        return None
    table = _cells(str(run.path), run.sha, _finished(run.path))
    mine = table[table["metric"] == metric]
    histories = int(mine["histories"].max()) if len(mine) else 0
    about = {"seed": run.seed, "replications": histories, "is_demonstration": run.is_demonstration}
    figure = heat_table([_cell(row) for row in mine[mine["is_done"]].to_dict("records")], w, metric=metric, about=about)
    panels.picture(figure, w, "heat", height=390)
    if histories:
        panels.few_histories(histories, w)
    if _is_flat(mine):
        st.info(
            w(
                "In this scenario lateness does not move this figure: its households do not feel when the subsidy comes, or it is counted before that shows."
            )
        )
    return partial(_against, mine, metric, w)


def _finished(path: Path) -> int:
    """Batches that are there: a grid at work is read again when there are more."""
    return sum(1 for _ in path.glob("histories/*/part-*.parquet"))


@st.cache_data(show_spinner=False, max_entries=6)
def _cells(path: str, sha: str, finished: int) -> pd.DataFrame:
    return sim.read_grid(Path(path))


def _cell(row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "late_months": row["lateness_months"],
        "drought": DROUGHTS.get(row["drought"], row["drought"]),
    }
    value = row["value"]
    if value is None or pd.isna(value):
        return found | {"value": None, "reason": "too few histories for this figure"}
    interval = None if pd.isna(row["low"]) or pd.isna(row["high"]) else [row["low"], row["high"]]
    return found | {"value": float(value), "ci95": interval}


def _is_flat(mine: pd.DataFrame) -> bool:
    """Is the figure the same at every lateness, whatever the drought?"""
    known = mine[mine["value"].notna()]
    spread = known.groupby("drought")["value"].agg(lambda x: x.max() - x.min())
    return len(known) > 1 and bool((spread == 0).all())


def _against(mine: pd.DataFrame, metric: str, w: Words) -> None:
    """What six months of lateness do in each drought, paired with the cell in time and without drought."""
    if "difference" not in mine or mine["difference"].notna().sum() == 0:
        return
    m = measure_of(metric, w)
    last = mine[mine["lateness_months"] == mine["lateness_months"].max()]
    rows = [
        [w(NAMES.get(row["drought"], row["drought"])), m.change(row["difference"]), panels.change_interval(m, Value(row["difference"], row["difference_low"], row["difference_high"]), w)]
        for row in last[last["difference"].notna()].to_dict("records")
    ]  # fmt: skip
    caption = w("{months} months late: difference to money in time and no drought, same luck", months=int(mine["lateness_months"].max()))  # fmt: skip
    st.html(safe.table([w("drought"), w("difference"), w.term("interval_95")], rows, caption, numbers=(1, 2)))


def _new(v: View) -> None:
    w = v.w
    scenario = panels.scenario(w("Scenario"), scenario_file.names(v.runs), "grid-scenario", w)
    loaded = sim.Scenario.load(scenario)
    if loaded.livelihoods is None:
        st.info(w(
            "This scenario gives how often loans go bad and simulates no household: lateness will move the subsidy that is unpaid after 90 days, but neither defaults nor the need. To see what lateness does to households, choose a scenario that simulates them, such as “{title}”.",
            title=safe.markdown(scenario_file.title(_FEELS_LATENESS, w.lang)),
        ))  # fmt: skip
    work.starts(
        v.jobs, "grid", w, "grid", sizes=_LOOKS, arms=_CELLS, how=commands.mechanism([loaded]),
        total=lambda n: commands.compare_total(_CELLS, n), begin=lambda n: commands.grid(v.jobs, scenario, n, w.lang),
        label=w("Make the grid"),
    )  # fmt: skip


show(shell.view())
