"""What `riskfund explain` and `riskfund solve` print."""

from __future__ import annotations

from typing import Any

from rich.table import Table

import sim
from cli import show
from dashboard import fit_table
from dashboard.words import Words

METRICS = (
    "need_mean_yuan",
    "need_yuan",
    "need_tail_mean_yuan",
    "bad_years_yuan",
    "default_share",
    "default_share_quantile",
)


def attribution(data: dict[str, Any], scenario: sim.Scenario, w: Words) -> None:
    """Shapley shares by driver, a row a figure; then who defaults only because money came late."""
    out = show.stdout()
    for line in fit_table.taken_over(scenario, w):
        out.print(line, markup=False)
    if not data["drivers"]:
        out.print(w.reason(data["reason"]), markup=False)
        return
    titles = {
        "need_mean_yuan": w("Mean need"),
        "need_yuan": w("Need in {share} of years", share=w.percent(data["assurance"], 0)),
        "need_tail_mean_yuan": w("Mean need of the years beyond it"),
        "bad_years_yuan": w("Need in the bad years"),
        "default_share": w("Unpaid on day 90, share of what was due"),
        "default_share_quantile": w("The same in {share} of years", share=w.percent(data["assurance"], 0)),
    }
    table = Table(title=w("What makes the need of {scenario}: shares that add up to the total", scenario=scenario.name))
    table.add_column(w("figure"), overflow="fold")
    for driver in data["drivers"]:
        table.add_column(w.term(driver), justify="right", overflow="fold")
    table.add_column(w("together"), justify="right", overflow="fold")
    table.add_column(w("of it only jointly"), justify="right", overflow="fold")
    for metric in METRICS:
        found = data[metric]
        cells = [*(found["shares"][d] for d in data["drivers"]), found["total"], found["interaction"]]
        table.add_row(titles[metric], *(_cell(cell, metric, w) for cell in cells))
    out.print(table)
    late = data["only_because_late"]
    if "households" in late:
        n = w.number(late["households_per_history"]["value"], 1)
        out.print(w("Households that default only because the subsidy came late: {n} a year.", n=n), markup=False)


def solution(data: dict[str, Any], w: Words) -> None:
    """What a budget buys, in sentences."""
    out = show.stdout()
    chance = data["assurance"]
    out.print(
        w("A fund of {budget} is enough in {share} of equally likely years (simulation error {low} to {high}).",
          budget=w.money(data["budget_yuan"]), share=w.percent(chance["value"]), low=w.percent(chance["ci95"][0]),
          high=w.percent(chance["ci95"][1])), markup=False,
    )  # fmt: skip
    best = data["largest_multiple"]
    if "multiple" in best:
        out.print(
            w("At the wanted assurance it carries guaranteed loans of {volume}, {multiple} times the budget.",
              volume=w.money(best["guaranteed_principal_yuan"]), multiple=w.number(best["multiple"], 1)), markup=False,
        )  # fmt: skip
    else:
        out.print(w.reason(best["reason"]), markup=False)
    ceiling = data["highest_ceiling"]
    if ceiling["covered_principal_yuan"] is not None:
        words = w(
            "The highest cover of one loan that keeps the assurance is {yuan}.",
            yuan=w.money(ceiling["covered_principal_yuan"]),
        )
        out.print(words, markup=False)
    else:
        out.print(w.reason(ceiling["reason"]), markup=False)


def _cell(figure: dict[str, Any], metric: str, w: Words) -> str:
    if figure["value"] is None:
        return "—"
    is_money = metric.endswith("_yuan")
    text = w.money(figure["value"]) if is_money else w.percent(figure["value"], 2)
    low, high = figure.get("ci95", (None, None))
    if low is None:
        return text
    ends = (w.money(low), w.money(high)) if is_money else (w.percent(low, 2), w.percent(high, 2))
    return f"{text}\n({ends[0]} – {ends[1]})"
