"""A paired run year by year, for people: a table for each scenario and figure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.table import Table

from cli import show
from dashboard.words import Words


def by_year(rows: list[dict[str, Any]], base: str, w: Words) -> None:
    """What a change does in each year: base, other, difference with its interval, in the figures of `Results.by_year`."""
    for name in dict.fromkeys(r["scenario"] for r in rows):
        for metric in dict.fromkeys(r["metric"] for r in rows):
            found = [r for r in rows if (r["scenario"], r["metric"]) == (name, metric)]
            show.stdout().print(_table(found, metric, base, name, w))


def _table(rows: Iterable[dict[str, Any]], metric: str, base: str, name: str, w: Words) -> Table:
    table = Table(title=_title(metric, w), title_justify="left")
    for head in (w("year"), base, name, w("difference"), w.term("interval_95")):
        table.add_column(head, justify="right")
    for r in rows:
        low, high = r["difference"].ci95
        cells = (w.money(r["base"]), w.money(r["other"]), w.money(r["difference"].value))
        table.add_row(str(r["year"]), *cells, f"{w.money(low)} – {w.money(high)}")
    return table


def _title(metric: str, w: Words) -> str:
    if metric.startswith("due_") and metric.endswith("_months_yuan"):
        return w("fund's part of claims falling due, loans of {months} months (mean)", months=metric.split("_")[1])
    return {
        "need_yuan": w("need of the year"),
        "due_yuan": w("fund's part of claims falling due (mean)"),
        "lent_yuan": w("new loans (mean)"),
    }[metric]
