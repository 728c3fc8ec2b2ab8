"""From a bank's ledger to a scenario file that sizes the fund on it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pandas as pd

import sim
from calibration.importer import SCENARIO, import_ledger


def import_book(
    file: Path, out: Path, base: sim.Scenario, on: dt.date | None, known_townships: bool, lang: str
) -> dict[str, Any]:
    """Import a ledger and write ``scenario.toml`` beside the book.

    Parameters
    ----------
    file, out : Path
    base : Scenario
        Its lenders, rules and assumptions apply; its townships only with ``known_townships``.
    on : date, optional
        Information date; the base's by default.

    Raises
    ------
    InputError
    """
    on = on or base.information_on
    rules = base.law()
    report = import_ledger(
        file, out,
        lenders={x.key: (x.key, x.label.zh, x.label.en) for x in base.lenders},
        townships={x.key: (x.key, x.label.zh, x.label.en) for x in base.townships} if known_townships else None,
        on=on, ceiling_yuan=rules.loan.ceiling_yuan, term_max_months=rules.loan.term_max_months,
        wait_days=rules.claim.wait_days, lang=lang,
    )  # fmt: skip
    scenario_file = out / SCENARIO
    townships = None if known_townships else sorted(pd.read_csv(out / "book.csv")["township"].astype(str).unique())
    scenario_file.write_text(_scenario_text(base, on, townships, report.source_name), encoding="utf-8")
    return {
        "n_rows": report.n_rows, "n_loans": report.n_loans, "n_open": report.n_open, "n_rejected_rows": report.n_rejected_rows,
        "n_problems": report.n_problems, "dropped_columns": report.dropped_columns, "ignored_columns": report.ignored_columns,
        "absent_fields": report.absent_fields, "summary": report.summary, "source_sha256": report.sha256,
        "estimate": json.loads(report.estimate.to_json()), "out": str(out), "scenario_file": str(scenario_file),
    }  # fmt: skip


def _scenario_text(base: sim.Scenario, on: dt.date, townships: list[str] | None, source: str) -> str:
    year = on.year if (on.month, on.day) == (1, 1) else on.year + 1
    quote = json.dumps  # a JSON string is a TOML basic string
    lines = [
        f"# Made from {source}. Everything that the ledger does not say comes from {base.name}.",
        f"extends = {quote(base.name)}",
        f"name = {quote('book-' + str(year))}",
        f"title = {{ zh = {quote(f'本县贷款台账 {on}')}, en = {quote(f'own loan book of {on}')} }}",
        "is_demonstration = false",
        f"sized_year = {year}",
        f"information_on = {on}",
    ]
    if townships is not None:
        entries = ", ".join(
            f"{{ key = {quote(t)}, label = {{ zh = {quote(t)}, en = {quote(t)} }} }}" for t in townships
        )
        lines.append(f"townships = [{entries}]")
    lines += ["", "[opening]", 'kind = "table"', 'file = "book.csv"', "",
              "[[sources]]", 'fields = ["opening", "townships", "information_on"]', 'kind = "data"', f"note = {quote('ledger ' + source)}", ""]  # fmt: skip
    lines += [
        "[[sources]]",
        'fields = ["defaults", "lending", "fiscal", "office"]',
        'kind = "assumption"',
        f"note = {quote('taken over from ' + base.name)}",
        "",
    ]
    return "\n".join(lines)
