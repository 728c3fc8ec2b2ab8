"""How good a loan book is: what was left out, what looks wrong and was kept, what is not told."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from calibration.breakdown import renewals
from calibration.ledger import Ledger
from calibration.quality_text import WARNINGS

_SHOWN_ROWS = 20
_FEW, _MANY, _RARER = 2, 20, 30  # loans under a misspelt name, under the right one, and how many times as many
_TOLD: dict[str, Callable[[Any], Any]] = {
    "repaid_on": lambda x: x["repaid_on"].notna(),
    "overdue_since": lambda x: x["overdue_since"].notna(),
    "filed_on": lambda x: x["filed_on"].notna(),
    "rate": lambda x: x["rate_ppm"] > 0,
    "township": lambda x: x["township"] != "unknown",
}


@dataclass(frozen=True)
class Warned:
    """Rows that were kept and should be looked at.

    Attributes
    ----------
    code : str
        Key of `calibration.quality_text.WARNINGS`.
    file : str
    row : int
        Row of the file.
    """

    code: str
    file: str
    row: int


@dataclass(frozen=True)
class Quality:
    """The data-quality report.

    Attributes
    ----------
    files : list of dict
        ``name``, ``on``, ``rows``, ``good``, ``left_out`` of each file read.
    left_out : dict of str to int
        Number of problems by reason; each stands in rejected_rows.csv.
    warnings : dict of str to dict
        By code: ``n`` and the first rows; each stands in warnings.csv.
    told : dict of str to float [1]
        Share of good loans for which a field is told; meaningful with `absent_fields`.
    absent_fields, dropped_columns, ignored_columns : list of str
    suggestions : dict of str to str
    first_lent, last_lent : str
    n_closed_by_absence : int
        Loans that a later ledger does not have any more.
    transitions : list of dict
        See `calibration.snapshots.Snapshots`.
    listed : list of Warned
        Every row of the warnings.
    """

    files: list[dict[str, Any]]
    left_out: dict[str, int]
    warnings: dict[str, dict[str, Any]]
    told: dict[str, float]
    absent_fields: list[str]
    dropped_columns: list[str]
    ignored_columns: list[str]
    suggestions: dict[str, str]
    first_lent: str
    last_lent: str
    n_closed_by_absence: int = 0
    transitions: list[dict[str, Any]] = field(default_factory=list)
    listed: list[Warned] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, the words of each warning in both languages; the full list is a file of its own."""
        out = asdict(self)
        del out["listed"]
        for code, found in out["warnings"].items():
            found |= WARNINGS[code]
        return out


def ledger_warnings(ledger: Ledger, on: date, has_free_townships: bool) -> list[Warned]:
    """What looks wrong in good rows.

    Parameters
    ----------
    ledger : Ledger
    on : date
        Day of the ledger.
    has_free_townships : bool
        Townships were taken as they are written; a rare name that is nearly a frequent one is suspect.
    """
    loans = ledger.loans
    names = ["household_id", "lender", "originated_on", "principal_fen"]
    masks = {
        "matured_open": (loans["matures_on"] < pd.Timestamp(on))
        & (loans["balance_fen"] > 0)
        & loans["overdue_since"].isna(),
        "lent_twice": loans.duplicated(names, keep="first") if "household_id" not in ledger.absent_fields else None,
        "renewed": loans.index.isin(renewals(loans).index),
        "name": loans["township"].isin(_misspelt(loans["township"])) if has_free_townships else None,
    }
    return [
        Warned(code, ledger.source_name, int(row))
        for code, mask in masks.items()
        if mask is not None
        for row in np.asarray(ledger.rows)[np.asarray(mask, dtype=bool)]
    ]


def _misspelt(names: Any) -> set[str]:
    """Names of one or two loans, or of far fewer than another one has, that are nearly that one."""
    counts = {str(name): int(n) for name, n in names.value_counts().items()}
    many = [name for name, n in counts.items() if n >= _MANY]
    at_most = max(_FEW, max(counts.values(), default=0) // _RARER)
    rare = [name for name, n in counts.items() if n <= at_most]

    def is_suspect(name: str) -> bool:
        near = difflib.get_close_matches(name, [m for m in many if m != name], 3, 0.6)
        return any(counts[name] <= max(_FEW, counts[m] // _RARER) for m in near)

    return {name for name in rare[:500] if is_suspect(name)}


def quality(
    ledger: Ledger, files: list[dict[str, Any]], problems: Any, warned: list[Warned], dropped: list[str],
    transitions: Any = None, n_gone: int = 0,
) -> Quality:  # fmt: skip
    """Put the report together.

    Parameters
    ----------
    ledger : Ledger
        The newest.
    files : list of dict
    problems : DataFrame
        Of all files.
    warned : list of Warned
    dropped : list of str
        Headings of personal columns in any file.
    transitions : DataFrame, optional
    n_gone : int
    """
    by_code: dict[str, list[Warned]] = {}
    for item in warned:
        by_code.setdefault(item.code, []).append(item)
    loans = ledger.loans
    return Quality(
        files,
        dict(Counter(problems["reason"]).most_common()),
        {code: {"n": len(rows), "rows": [(x.file, x.row) for x in rows[:_SHOWN_ROWS]]} for code, rows in by_code.items()},
        {name: float(is_told(loans).mean()) if len(loans) else 0.0 for name, is_told in _TOLD.items()},
        ledger.absent_fields, dropped, ledger.ignored_columns, ledger.suggestions,
        loans["originated_on"].min().date().isoformat(), loans["originated_on"].max().date().isoformat(),
        n_gone, [] if transitions is None else transitions.to_dict(orient="records"),
    )  # fmt: skip
