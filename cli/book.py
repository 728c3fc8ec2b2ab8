"""The command `riskfund data`: from a bank's ledger to a scenario file that sizes the fund on it."""

from __future__ import annotations

import datetime as dt
import json as js
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

import sim
from calibration.book_model import HALF_TOLD
from calibration.book_scenario import scenario_text
from calibration.importer import SCENARIO, import_ledger
from calibration.lender_names import names_of
from cli import show
from cli.options import Json, Lang, amounts_of, date_of, pairs_of
from dashboard.words import Words
from sim.errors import InputError

app = typer.Typer(no_args_is_help=True, help="A county's own loan book.")


@app.callback()
def _group() -> None:
    """A county's own loan book."""


@app.command("import")
def data_import(
    file: Annotated[Path, typer.Argument(help="The bank's ledger: .csv or .xlsx, Chinese or English headings.")],
    out: Annotated[Path, typer.Option("--out", help="New folder for the book and the report.")],
    on: Annotated[str, typer.Option("--on", help="Information date of the ledger, YYYY-MM-DD.")],
    scenario: Annotated[str, typer.Option("--scenario", help="Scenario whose lenders, rules and assumptions apply.")] = "x-county",
    lender: Annotated[list[str] | None, typer.Option("--lender", help="What the ledger calls a lender of the scenario, LENDER=NAME; repeatable.")] = None,
    column: Annotated[list[str] | None, typer.Option("--column", help="Which column is which field, FIELD=HEADING; repeatable.")] = None,
    payments: Annotated[Path | None, typer.Option("--payments", help="A table of payments: loan number, day, principal; may be the same workbook.")] = None,
    earlier: Annotated[list[str] | None, typer.Option("--earlier", help="A ledger of an earlier date, FILE=YYYY-MM-DD; repeatable. Loans are matched by number.")] = None,
    sub_account: Annotated[list[str] | None, typer.Option("--sub-account", help="The fund's set size at a lender, LENDER=YUAN; repeat for each.")] = None,
    balance: Annotated[list[str] | None, typer.Option("--balance", help="What is in that account now, LENDER=YUAN; repeat for each.")] = None,
    known_townships: Annotated[bool, typer.Option("--known-townships", help="Refuse townships that the scenario does not list.")] = False,
    json: Json = False, lang: Lang = None,
) -> None:  # fmt: skip
    """Read a loan ledger: bad rows are listed, names and ID numbers are dropped, estimates and a scenario file are written.

    Example: riskfund data import ledger.xlsx --out book --on 2019-12-31
    """
    report = import_book(
        file, out, sim.scenario(scenario), date_of("on", on), known_townships, str(lang),
        amounts_of("sub-account", sub_account), amounts_of("balance", balance),
        lenders=pairs_of("lender", lender, "LENDER=NAME, for example rcc=农商行"),
        columns=dict(pairs_of("column", column, "FIELD=HEADING, for example balance=贷款结余")), payments=payments,
        earlier=[_dated(item) for item in earlier or []],
    )  # fmt: skip
    if json:
        show.print_json(report)
        return
    w = Words(str(lang))
    show.stdout().print(report["summary"], markup=False)
    for heading, field in report["suggestions"].items():
        line = w("Not used: {heading}. If it is {field}, add --column {field}={heading}.", heading=heading, field=field)
        show.stdout().print(line, markup=False)
    _estimates(report, w)
    n = sum(found["n"] for found in report["quality"]["warnings"].values())
    page = out / f"report.{w.lang}.html"
    if n:
        line = w("{n} rows were kept but should be looked at: {path}", n=w.number(n), path=page)
    else:
        line = w("Report on the data and the estimates: {path}", path=page)
    show.stdout().print(line, markup=False)
    if not sub_account:
        show.stdout().print(
            w(
                "Note: no sub-accounts were given, those of {base} are used and the result is marked as a demonstration. Add --sub-account LENDER=YUAN.",
                base=scenario,
            )
        )
    show.stdout().print(w("Next: riskfund size {path}", path=report["scenario_file"]), markup=False)


def _dated(item: str) -> tuple[Path, dt.date]:
    path, _, day = item.rpartition("=")
    if not path:
        raise InputError("command", "earlier", item, "FILE=YYYY-MM-DD")
    return Path(path), date_of("earlier", day)


def _estimates(report: dict[str, Any], w: Words) -> None:
    found = report["parameters"]
    rows = [
        (w("loans in default, long run"), found["model"]["p_default"], True),
        (w("matured principal that becomes compensable"), found["anchor"], True),
        (w("how far townships differ (variance share)"), found["model"]["township_variance"], False),
        (w("how far years differ (variance share)"), found["model"]["county_variance"], False),
    ]
    if found["recovery_first_year"] is not None:
        rows.append((w("recovered within the first year"), found["recovery_first_year"], True))
    for name, of, is_share in rows:
        low, mid, high = (f"{of[k]:.1%}" if is_share else f"{of[k]:.3f}" for k in ("p05", "p50", "p95"))
        line = w("{name}: {middle}, nine in ten between {low} and {high}", name=name, middle=mid, low=low, high=high)
        if of["learned"] < HALF_TOLD:
            line = w("{said}; leans on what the scenario assumes: the ledger takes away only {share} of the spread", said=line, share=w.percent(of["learned"], 0))  # fmt: skip
        show.stdout().print(line, markup=False)
    for note in [*report["estimate"]["notes"], *found["notes"]]:
        show.stdout().print(note, markup=False)


def _known_lenders(base: sim.Scenario, named: Iterable[str]) -> None:
    keys = [x.key for x in base.lenders]
    for key in named:
        if key not in keys:
            raise InputError("command", "lender", key, f"one of {keys}", keys)


def called(base: sim.Scenario, given: list[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """What a ledger may call each lender: key, labels, usual names of banks, and the names that were given."""
    _known_lenders(base, [key for key, _ in given])
    names = names_of(base.lenders)
    for key, name in given:
        names[key] = (*names[key], name)
    return names


def import_book(
    file: Path, out: Path, base: sim.Scenario, on: dt.date, known_townships: bool, lang: str,
    sub_accounts: dict[str, int], balances: dict[str, int], *, lenders: list[tuple[str, str]] | None = None,
    columns: dict[str, str] | None = None, payments: Path | None = None, earlier: list[tuple[Path, dt.date]] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Import a ledger and write ``scenario.toml`` beside the book.

    Parameters
    ----------
    file, out : Path
    base : Scenario
        Its lenders, rules and assumptions apply; its townships only with ``known_townships``.
    on : date
        Information date.
    sub_accounts, balances : dict of lender -> yuan
        The fund's set size, and what it holds on that day; the base's where empty.
    lenders : list of (lender, name), optional
        What the ledger calls the base's lenders, beside their own labels.
    columns : dict of field -> heading, optional
    payments : Path, optional
    earlier : list of (path, date), optional

    Raises
    ------
    InputError
    """
    _known_lenders(base, [*sub_accounts, *balances])
    rules = base.law()
    report = import_ledger(
        file, out,
        lenders=called(base, lenders or []),
        townships={x.key: (x.key, x.label.zh, x.label.en) for x in base.townships} if known_townships else None,
        on=on, ceiling_yuan=rules.loan.most_yuan, term_max_months=rules.loan.term_max_months,
        wait_days=rules.claim.wait_days, lang=lang, base=base, columns=columns,
        payments=payments, earlier=earlier or (),
    )  # fmt: skip
    scenario_file = out / SCENARIO
    townships = None if known_townships else sorted(pd.read_csv(out / "book.csv")["township"].astype(str).unique())
    scenario_file.write_text(
        scenario_text(base, on, townships, report.source_name, sub_accounts, balances, report.study), encoding="utf-8"
    )
    return {
        "n_rows": report.n_rows, "n_loans": report.n_loans, "n_open": report.n_open, "n_rejected_rows": report.n_rejected_rows,
        "n_problems": report.n_problems, "dropped_columns": report.dropped_columns, "ignored_columns": report.ignored_columns,
        "absent_fields": report.absent_fields, "suggestions": report.suggestions, "summary": report.summary,
        "source_sha256": report.sha256, "estimate": js.loads(report.estimate.to_json()),
        "quality": report.quality.as_dict() if report.quality is not None else None,
        "parameters": report.study.as_dict() if report.study is not None else None, "out": str(out),
        "scenario_file": str(scenario_file),
    }  # fmt: skip
