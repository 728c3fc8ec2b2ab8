"""The command `riskfund backtest`: a stored forecast against what happened, or a loan book against itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

import sim
from calibration.actuals import Backtest, backtest
from calibration.book_study import prior_of
from calibration.kept_backtest import keep as keep_with
from calibration.ledger import read_ledger
from calibration.rolling import Rolling, rolling
from calibration.scoring import FEWEST_PERIODS
from cli import show
from cli.book import called
from cli.options import Json, Lang, date_of, pairs_of
from dashboard import back_table
from dashboard.words import Words
from sim.errors import InputError
from sim.households.reduced_form import base_probability, long_run_compensable, long_run_default


def command(
    what: Annotated[Path, typer.Argument(help="A run folder, or a bank's ledger (.csv, .xlsx).")],
    actuals: Annotated[Path | None, typer.Option("--actuals", help="With a run folder: what happened, .csv or .xlsx with item, value, township, quarter.")] = None,
    keep: Annotated[bool, typer.Option("--keep", help="With a run folder: keep the back-test in it; pages and exports show it.")] = False,
    on: Annotated[str | None, typer.Option("--on", help="With a ledger: its information date, YYYY-MM-DD.")] = None,
    scenario: Annotated[str, typer.Option("--scenario", help="With a ledger: scenario whose lenders, rules and assumptions apply.")] = "x-county",
    lender: Annotated[list[str] | None, typer.Option("--lender", help="What the ledger calls a lender of the scenario, LENDER=NAME; repeatable.")] = None,
    column: Annotated[list[str] | None, typer.Option("--column", help="Which column is which field, FIELD=HEADING; repeatable.")] = None,
    replications: Annotated[int, typer.Option("--replications", "-n", help="With a ledger: histories of each year's forecast.", min=100, max=20000)] = 400,
    json: Json = False, lang: Lang = None,
) -> None:  # fmt: skip
    """What was forecast against what happened: intervals hit or missed, PIT, CRPS, tests that respect dependence.

    Example: riskfund backtest runs/x-county-2018-0123456789ab --actuals actuals.csv; riskfund backtest ledger.xlsx --on 2019-12-31
    """
    w = Words(str(lang))
    if what.suffix.lower() in (".csv", ".xlsx"):
        if on is None:
            raise InputError("command", "--on", "nothing", "the ledger's information date, YYYY-MM-DD")
        base = sim.scenario(scenario)
        given = pairs_of("lender", lender, "LENDER=NAME, for example rcc=农商行")
        rules = base.law()
        day = date_of("on", on)
        ledger = read_ledger(
            what, lenders=called(base, given), townships=None, on=day, ceiling_yuan=rules.loan.most_yuan,
            term_max_months=rules.loan.term_max_months, lang=w.lang,
            columns_given=dict(pairs_of("column", column, "FIELD=HEADING, for example balance=贷款结余")),
        )  # fmt: skip
        defaults, p = base.defaults, base_probability(base.defaults)
        prior = prior_of(base, long_run_compensable(defaults, p) / long_run_default(defaults, p) if p > 0 else 1.0)
        found = rolling(
            ledger.loans, day, rules.claim.wait_days, prior, defaults.factor.persistence_per_month, replications
        )
        if json:
            show.print_json({"kind": "rolling", "ledger": what.name, **found.as_dict()})
        else:
            _rolling(found, w)
        return
    if actuals is None:
        raise InputError("command", "--actuals", "nothing", "a table of what happened, .csv or .xlsx")
    held = backtest(what, actuals)
    if keep:
        keep_with(what, held, actuals.name)
    if json:
        show.print_json({"kind": "run", "actuals": actuals.name, **held.as_dict()})
    else:
        _stored(held, sim.scenario_of(what).township_names(w.lang), w)


def _stored(found: Backtest, names: dict[str, str], w: Words) -> None:
    out = show.stdout()
    line = w(
        "{name}, {year}: {n} histories against what happened", name=found.scenario, year=found.year, n=found.n_histories
    )
    out.print(line, markup=False)
    _table(back_table.county_rows(found, w), w)
    if found.townships:
        out.print(w("Share of loans in default, by township"), markup=False)
        _table(back_table.township_rows(found, names, w), w)
    for line in back_table.sentences(found, w):
        out.print(line, markup=False)


def _table(rows: list[list[str]], w: Words) -> None:
    table = Table(box=None, pad_edge=False)
    for k, head in enumerate(back_table.heads(w)):
        table.add_column(head, justify="right" if k else "left")
    for row in rows:
        table.add_row(*(text.replace("[", "\\[") for text in row))
    show.stdout().print(table)


def _rolling(found: Rolling, w: Words) -> None:
    out = show.stdout()
    table = Table(box=None, pad_edge=False)
    heads = (
        w("year"), w("loans known before"), w("households due"), w("forecast"), w("nine in ten"), w("happened"), "PIT",
        "CRPS", w("CRPS without common shocks"), w("p of the spread"),
    )  # fmt: skip
    for head in heads:
        table.add_column(head, justify="right")
    for o in found.origins:
        table.add_row(
            str(o.year), f"{o.n_known:,}", f"{o.households:,}", f"{o.forecast:.0f}", f"{o.low:.0f} – {o.high:.0f}", f"{o.actual:,}",
            f"{o.pit:.2f}", f"{o.crps:.1f}", f"{o.crps_plain:.1f}", f"{o.cells.p_spread:.3f}",
        )  # fmt: skip
    out.print(w("Households in default, forecast at each year's beginning from what was known then"), markup=False)
    out.print(table)
    n = sum(o.n_cells for o in found.origins)
    line = w(
        "All {n} townships and quarters, worth about {k} independent ones: level p = {a}, spread p = {b}: {verdict}",
        n=n, k=f"{found.n_effective:.0f}", a=f"{found.p_level:.3f}", b=f"{found.p_spread:.3f}",
        verdict=back_table.verdict(min(found.p_level, found.p_spread), w),
    )  # fmt: skip
    out.print(line, markup=False)
    line = w("County quarters outside their interval: {missed} of {n}", missed=found.quarters_missed, n=found.quarters)
    out.print(line, markup=False)
    if found.kupiec is None or found.christoffersen is None:
        line = w(
            "Fewer than {n} quarters: the tests of Kupiec and Christoffersen have no power and are not made.",
            n=FEWEST_PERIODS,
        )
        out.print(line, markup=False)
        return
    a, b = found.kupiec, found.christoffersen
    line = w(
        "Kupiec: ratio {a}, p = {b}; Christoffersen: ratio {c}, p = {d}. Both take quarters as independent, which they are not.",
        a=f"{a[0]:.2f}", b=f"{a[1]:.3f}", c=f"{b[0]:.2f}", d=f"{b[1]:.3f}",
    )  # fmt: skip
    out.print(line, markup=False)
