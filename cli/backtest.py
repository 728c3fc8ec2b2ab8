"""The command `riskfund backtest`: a stored forecast against what happened, or a loan book against itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

import sim
from calibration.actuals import Backtest, Compared, backtest
from calibration.book_study import prior_of
from calibration.ledger import read_ledger
from calibration.rolling import Rolling, rolling
from calibration.scoring import FEWEST_PERIODS, Joint
from cli import show
from cli.book import called
from cli.options import Json, Lang, date_of, pairs_of
from dashboard.words import Words
from sim.errors import InputError
from sim.households.reduced_form import base_probability, long_run_compensable, long_run_default

_DOUBT = 0.05
_CONTRADICTED = 0.01


def command(
    what: Annotated[Path, typer.Argument(help="A run folder, or a bank's ledger (.csv, .xlsx).")],
    actuals: Annotated[Path | None, typer.Option("--actuals", help="With a run folder: what happened, .csv or .xlsx with item, value, township, quarter.")] = None,
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
    if json:
        show.print_json({"kind": "run", "actuals": actuals.name, **held.as_dict()})
    else:
        _stored(held, w)


def _stored(found: Backtest, w: Words) -> None:
    out = show.stdout()
    line = w(
        "{name}, {year}: {n} histories against what happened", name=found.scenario, year=found.year, n=found.n_histories
    )
    out.print(line, markup=False)
    names = _items(w)
    out.print(_compared_table([(names.get(c.item, c.item), c) for c in found.county], w))
    if found.townships:
        out.print(w("Share of loans in default, by township"), markup=False)
        out.print(_compared_table(list(found.townships.items()), w, is_share=True))
    if found.joint is not None:
        _joint(found.joint, w)
    if found.updated is not None and found.before is not None:
        line = w(
            "Long-run share of loans in default: before {a} to {b}, after {c} to {d} (nine in ten), middle {middle}",
            a=f"{found.before[0]:.1%}", b=f"{found.before[1]:.1%}", c=f"{found.updated.p05:.1%}", d=f"{found.updated.p95:.1%}",
            middle=f"{found.updated.p50:.1%}",
        )  # fmt: skip
        out.print(line, markup=False)
    out.print(w("One year is one observation: an interval hit or missed says little by itself."), markup=False)


def _compared_table(rows: list[tuple[str, Compared]], w: Words, *, is_share: bool = False) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in (w("quantity"), w("forecast"), w("nine in ten"), w("happened"), w("inside"), "PIT", "CRPS"):
        table.add_column(head, justify="left" if head == w("quantity") else "right")
    for name, c in rows:
        form = "{:.1%}" if is_share or c.item.startswith("default_share") else "{:,.0f}"
        low, mid, high, actual, score = (form.format(x) for x in (c.low, c.middle, c.high, c.actual, c.crps))
        inside = w("yes") if c.is_inside else w("no")
        table.add_row(name.replace("[", "\\["), mid, f"{low} – {high}", actual, inside, f"{c.pit:.2f}", score)
    return table


def _joint(j: Joint, w: Words) -> None:
    out = show.stdout()
    line = w(
        "{missed} of {n} outside their interval (chance of as many under the forecast: {p})",
        missed=j.missed, n=j.n, p=f"{j.p_missed:.2f}",
    )  # fmt: skip
    out.print(line, markup=False)
    line = w(
        "All together, dependence respected ({n} are worth about {k} independent ones): level p = {a}, spread p = {b}: {verdict}",
        n=j.n, k=f"{j.n_effective:.0f}", a=f"{j.p_level:.3f}", b=f"{j.p_spread:.3f}", verdict=_verdict(min(j.p_level, j.p_spread), w),
    )  # fmt: skip
    out.print(line, markup=False)


def _verdict(p: float, w: Words) -> str:
    if p < _CONTRADICTED:
        return w("contradicted by what happened")
    return w("in doubt") if p < _DOUBT else w("not contradicted")


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
        verdict=_verdict(min(found.p_level, found.p_spread), w),
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


def _items(w: Words) -> dict[str, Any]:
    return {
        "payout_yuan": w("payments due to banks, yuan"),
        "recovered_yuan": w("recovered, yuan"),
        "compensable_yuan": w("compensable principal, yuan"),
        "due_yuan": w("principal due, yuan"),
        "defaulted_yuan": w("principal in default, yuan"),
        "due_loans": w("loans due"),
        "defaulted_loans": w("loans in default"),
        "default_share_of_loans": w("share of loans in default"),
        "default_share_of_money": w("share of principal in default"),
    }
