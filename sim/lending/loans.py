"""The loan book as arrays: one row a loan, grouped by household and ordered by maturity within it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from sim.units import I64, Array

OPEN, OVERDUE, CLAIM, PAID = 0, 1, 2, 3  # status on the information date
NEVER = -1


@dataclass(frozen=True)
class Loans:
    """Loans as arrays of equal length (n,), int64.

    Attributes
    ----------
    id, household
        Stable ids, made from what the loan and the household are.
    lender, township
        Index into the scenario's lists.
    balance : [fen]
        Outstanding principal.
    start, due : [day]
        First day and maturity.
    rate_ppm : [1e-6 per year]
        Contract rate.
    p_class
        Row of the default-probability table.
    status
        OPEN, OVERDUE (matured, not yet day 90), CLAIM (day 90 passed) or PAID (by the fund).
    cause
        Index into `households.reduced_form.CAUSES` where known, else NEVER.
    filed, reviewed, approved, refused, paid : [day]
        Stages of the claim that were reached before the information date, else NEVER.
    paid_fen : [fen]
        Paid in part by the fund before the information date.
    """

    id: I64
    household: I64
    lender: I64
    township: I64
    balance: I64
    start: I64
    due: I64
    rate_ppm: I64
    p_class: I64
    status: I64
    cause: I64
    filed: I64
    approved: I64
    refused: I64
    reviewed: I64
    paid: I64
    paid_fen: I64

    def __len__(self) -> int:
        return int(self.id.size)

    @staticmethod
    def make(n: int, **columns: Array | int) -> Loans:
        """Loans from the given columns; the stages default to NEVER, status to OPEN, class to 0."""
        defaults: dict[str, Any] = {"p_class": 0, "status": OPEN, "paid_fen": 0} | dict.fromkeys(
            ("cause", "filed", "approved", "refused", "reviewed", "paid"), NEVER
        )
        return Loans(
            **{
                f.name: np.ascontiguousarray(
                    np.broadcast_to(np.asarray(columns.get(f.name, defaults.get(f.name)), dtype=np.int64), (n,))
                )
                for f in fields(Loans)
            }
        )

    def take(self, rows: Array) -> Loans:
        """Some of the loans, in the given order."""
        return Loans(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def replace(self, **columns: Array) -> Loans:
        """The same loans with some columns replaced."""
        return Loans(**{f.name: columns.get(f.name, getattr(self, f.name)) for f in fields(self)})

    def contracts(self, rows: Array) -> tuple[I64, I64]:
        """Which of some loans are parts of one contract: a household, or a firm with a row for each quota, signs once a day.

        Returns
        -------
        first : (contracts,) int64
            Place in ``rows`` of the first part of each.
        of : (len(rows),) int64
            Contract of each.
        """
        signed = np.stack([self.household[rows], self.start[rows]])
        _, first, of = np.unique(signed, axis=1, return_index=True, return_inverse=True)
        return first, of.reshape(-1)

    @staticmethod
    def concat(parts: list[Loans]) -> Loans:
        """Several books one after the other."""
        return Loans(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Loans)})

    def by_household(self) -> Loans:
        """Ordered by household, then maturity, then id (the order that the default kernel expects)."""
        return self.take(np.lexsort((self.id, self.due, self.household)))

    def frame(self) -> pd.DataFrame:
        """As a table."""
        return pd.DataFrame({f.name: getattr(self, f.name) for f in fields(self)})

    @staticmethod
    def from_frame(frame: pd.DataFrame) -> Loans:
        """From a table with the same columns."""
        return Loans(**{f.name: frame[f.name].to_numpy(np.int64) for f in fields(Loans)})
