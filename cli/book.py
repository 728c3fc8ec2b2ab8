"""From a bank's ledger to a scenario file that sizes the fund on it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pandas as pd

import sim
from calibration.importer import SCENARIO, import_ledger
from sim.errors import InputError


def import_book(
    file: Path, out: Path, base: sim.Scenario, on: dt.date, known_townships: bool, lang: str,
    sub_accounts: dict[str, int], balances: dict[str, int],
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

    Raises
    ------
    InputError
    """
    keys = [x.key for x in base.lenders]
    for key in {**sub_accounts, **balances}:
        if key not in keys:
            raise InputError("command", "sub-account", key, f"one of {keys}", keys)
    rules = base.law()
    report = import_ledger(
        file, out,
        lenders={x.key: (x.key, x.label.zh, x.label.en) for x in base.lenders},
        townships={x.key: (x.key, x.label.zh, x.label.en) for x in base.townships} if known_townships else None,
        on=on, ceiling_yuan=rules.loan.most_yuan, term_max_months=rules.loan.term_max_months,
        wait_days=rules.claim.wait_days, lang=lang,
    )  # fmt: skip
    scenario_file = out / SCENARIO
    townships = None if known_townships else sorted(pd.read_csv(out / "book.csv")["township"].astype(str).unique())
    scenario_file.write_text(
        _scenario_text(base, on, townships, report.source_name, sub_accounts, balances), encoding="utf-8"
    )
    return {
        "n_rows": report.n_rows, "n_loans": report.n_loans, "n_open": report.n_open, "n_rejected_rows": report.n_rejected_rows,
        "n_problems": report.n_problems, "dropped_columns": report.dropped_columns, "ignored_columns": report.ignored_columns,
        "absent_fields": report.absent_fields, "summary": report.summary, "source_sha256": report.sha256,
        "estimate": json.loads(report.estimate.to_json()), "out": str(out), "scenario_file": str(scenario_file),
    }  # fmt: skip


def _scenario_text(
    base: sim.Scenario, on: dt.date, townships: list[str] | None, ledger: str, sub_accounts: dict[str, int],
    balances: dict[str, int],
) -> str:  # fmt: skip
    """A scenario file that people can read and edit."""
    year = on.year if (on.month, on.day) == (1, 1) else on.year + 1
    has_own_fund = set(sub_accounts) == {x.key for x in base.lenders}
    lines = [
        f"# Made from {ledger}. Everything that the ledger does not say comes from {base.name}.",
        f"extends = {_quote(base.name)}",
        f"name = {_quote(f'book-{year}')}",
        f"title = {{ zh = {_quote(f'本县贷款台账 {on}')}, en = {_quote(f'own loan book of {on}')} }}",
        "# true until the sub-account of every lender is the county's own",
        f"is_demonstration = {'false' if has_own_fund else 'true'}",
        f"sized_year = {year}",
        f"information_on = {on}",
    ]
    if sub_accounts:
        lenders = ", ".join(
            f"{{ key = {_quote(x.key)}, label = {{ zh = {_quote(x.label.zh)}, en = {_quote(x.label.en)} }}"
            + (f", sub_account_yuan = {sub_accounts[x.key]} }}" if x.key in sub_accounts else " }")
            for x in base.lenders
        )
        lines.append(f"lenders = [{lenders}]")
    if townships is not None:
        entries = ", ".join(
            f"{{ key = {_quote(t)}, label = {{ zh = {_quote(t)}, en = {_quote(t)} }} }}" for t in townships
        )
        lines.append(f"townships = [{entries}]")
    lines += ["", "[opening]", 'kind = "table"', 'file = "book.csv"']
    if balances:
        lines.append("balance_yuan = { " + ", ".join(f"{key} = {yuan}" for key, yuan in balances.items()) + " }")
    data = ["opening", "townships", "information_on", "sized_year", *(["lenders"] if has_own_fund else [])]
    lines += _source(data, "data", f"ledger {ledger}")
    lines += _source(
        ["defaults", "lending", "fiscal", "office", "rules", "lenders"], "assumption", f"taken over from {base.name}"
    )
    return "\n".join(lines) + "\n"


def _source(fields: list[str], kind: str, note: str) -> list[str]:
    return ["", "[[sources]]", f"fields = {json.dumps(fields)}", f'kind = "{kind}"', f"note = {_quote(note)}"]


def _quote(text: str) -> str:
    """A JSON string is a TOML basic string."""
    return json.dumps(text, ensure_ascii=False)
