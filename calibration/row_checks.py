"""What must hold within one row of a loan ledger, for all rows at once."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

MAX_RATE_PPM = 240_000
_SMALLEST_RATE_PPM = 1_000
_TERM_TOLERANCE_MONTHS = 2


@dataclass(frozen=True)
class Check:
    """Rows that break one rule.

    Attributes
    ----------
    field : str
        Field the problem is listed under.
    mask : (n,) bool
    reason : str
        A key of `text.REASONS`.
    hints : (n,) str or None
        The nearest valid name of each row, "" where there is none.
    limit : str
        Name of the limit that the reason quotes.
    """

    field: str
    mask: Any
    reason: str
    hints: Any = None
    limit: str = ""


def name_key(name: str) -> str:
    """A name without spaces, case and full-width forms, for comparison."""
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


def check_rows(parsed: Any, fields: Collection[str], limits: Mapping[str, Any]) -> list[Check]:
    """Apply every rule; a comparison with an unreadable value (NaN) breaks none.

    Parameters
    ----------
    parsed : DataFrame
        Typed columns, NaN or NaT where a cell could not be read.
    fields : collection of str
        Fields the file has a column for.
    limits : mapping
        ``on`` (date), ``ceiling_yuan`` and ``term_max_months`` (None where there is none).

    Returns
    -------
    list of Check
    """
    checks = [
        *_amounts(parsed, fields, limits),
        *_dates(parsed, fields, limits),
        *_terms(parsed, fields, limits),
    ]
    if "rate" in fields:
        rate = parsed["rate_ppm"]
        checks.append(Check("rate", (rate < 0) | (rate > MAX_RATE_PPM), "rate_range"))
        checks.append(Check("rate", (rate > 0) & (rate < _SMALLEST_RATE_PPM), "rate_fraction"))
    if "loan_no" in parsed:  # two banks may number their loans alike
        key = parsed["lender"].fillna("").astype(str) + "\x1f" + parsed["loan_no"].fillna("").astype(str)
        field = "loan_id" if "loan_id" in fields else "contract_id"
        checks.append(Check(field, parsed["loan_no"].notna() & key.duplicated(), "duplicate"))
    return checks


def _amounts(parsed: Any, fields: Collection[str], limits: Mapping[str, Any]) -> list[Check]:
    principal = parsed["principal_fen"]
    checks = [Check("principal", principal <= 0, "not_positive")]
    if limits["ceiling_yuan"] is not None:
        is_above = principal > limits["ceiling_yuan"] * 100
        checks.append(Check("principal", is_above, "above_ceiling", limit="ceiling_yuan"))
    if "balance" not in fields:
        return checks
    balance = parsed["balance_fen"]
    checks.append(Check("balance", balance < 0, "negative"))
    checks.append(Check("balance", (principal > 0) & (balance > principal), "above_principal"))
    is_repaid = parsed["repaid_on"].notna() if "repaid_on" in fields else pd.Series(False, index=parsed.index)
    checks.append(Check("balance", is_repaid & (balance > 0), "repaid_open"))
    checks.append(Check("balance", parsed["is_balance_blank"] & ~is_repaid, "balance_unknown"))
    return checks


def _dates(parsed: Any, fields: Collection[str], limits: Mapping[str, Any]) -> list[Check]:
    on = pd.Timestamp(limits["on"])
    started = parsed["originated_on"]
    checks = [Check("originated_on", started > on, "after_on")]
    if "matures_on" in fields:
        checks.append(Check("matures_on", parsed["matures_on"] <= started, "matures_first"))
    for field in ("repaid_on", "overdue_since", "filed_on"):
        if field in fields:
            checks.append(Check(field, parsed[field] < started, "before_originated"))
            checks.append(Check(field, parsed[field] > on, "after_on"))
    return checks


def _terms(parsed: Any, fields: Collection[str], limits: Mapping[str, Any]) -> list[Check]:
    checks: list[Check] = []
    if "term" in fields:
        months = parsed["term_months"]
        checks.append(Check("term", months <= 0, "not_positive"))
    if "matures_on" in fields:
        started, ends = parsed["originated_on"].dt, parsed["matures_on"].dt
        between = (ends.year - started.year) * 12 + ends.month - started.month + (ends.day - started.day) / 30.4375
        if "term" in fields:
            is_off = (between > 0) & (months > 0) & ((months - between).abs() > _TERM_TOLERANCE_MONTHS)
            checks.append(Check("term", is_off, "term_mismatch"))
        else:
            months = between.round()
    if limits["term_max_months"] is not None:
        field = "term" if "term" in fields else "matures_on"
        is_long = months > limits["term_max_months"]
        checks.append(Check(field, is_long, "term_max", limit="term_max_months"))
    return checks
