"""What `riskfund grid` prints: the policy lab as a table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from rich.table import Table

import sim
from cli import show
from dashboard.words import Words


def grid(path: Path, metric: str, w: Words) -> None:
    """One row a strength of drought, one column a delay; cells that are not run say so."""
    cells = sim.read_grid(path)
    cells = cells[cells["metric"] == metric].set_index(["drought", "lateness_months"])
    names = {
        "none": w("no drought"),
        "light": w("light drought"),
        "medium": w("medium drought"),
        "heavy": w("heavy drought"),
    }
    table = Table(title=w("{figure}, by drought and by months that the subsidy comes later", figure=_title(metric, w)))
    table.add_column("")
    for late in sorted(set(cells.index.get_level_values(1))):
        table.add_column(w.n("{n} month", "{n} months", int(late)), justify="right")
    for drought, name in names.items():
        rows = cells.loc[drought]
        table.add_row(name, *(_cell(rows.loc[late], metric, w) for late in rows.index))
    show.stdout().print(table)
    histories = int(cells["histories"].max())
    show.stdout().print(w("{n} histories a cell, the same luck in all; 95% interval of simulation error below each figure.",
                          n=w.number(histories, 0)), markup=False)  # fmt: skip


def _title(metric: str, w: Words) -> str:
    return {
        "need_yuan": w("Need in 19 of 20 years"),
        "default_share": w("Unpaid on day 90, share of what was due"),
        "payout_yuan": w("Paid by the fund in the year"),
        "shortfall_chance": w("Chance that the set fund is short"),
        "subsidy_unpaid_share_90d": w("Subsidy unpaid after 90 days, share of what was owed"),
    }[metric]


def _cell(row: pd.Series[float], metric: str, w: Words) -> str:
    if not row["is_done"]:
        return w("not run")
    if pd.isna(row["value"]):
        return "—"
    shown = w.money if metric.endswith("_yuan") else w.percent
    return f"{shown(row['value'])}\n{shown(row['low'])} – {shown(row['high'])}"
