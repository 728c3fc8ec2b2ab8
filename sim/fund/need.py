"""Fund need of a year: the most that a sub-account must hold, on a shadow account that never queues."""

from __future__ import annotations

import numpy as np

from sim.units import I64, Array


def need_path(payments: I64, receipts: I64) -> I64:
    """Money missing by the end of each day if the account had started empty.

    Parameters
    ----------
    payments, receipts : (n_days, ...) int64 [fen]
        Fund-share amounts due for payment, and recoveries and deposit interest credited, by day.

    Returns
    -------
    (n_days, ...) int64 [fen]
        Cumulative payments less cumulative receipts.
    """
    return np.cumsum(payments - receipts, axis=0)


def need(payments: I64, receipts: I64) -> I64:
    """Largest amount missing on any day, never negative: the opening balance that is just enough.

    Refill, top-up, backstop and transfers are not receipts. Returns one figure per account.
    """
    if payments.shape[0] == 0:
        return np.zeros(payments.shape[1:], dtype=np.int64)
    return np.maximum(need_path(payments, receipts).max(axis=0), 0)


def first_short_day(opening_fen: Array | int, top_ups: I64, payments: I64) -> int:
    """First day on which the balance falls below zero (strictly), -1 if it never does.

    Top-ups of a day arrive before that day's payments.
    """
    balance = opening_fen + np.cumsum(top_ups - payments)
    short = np.flatnonzero(balance < 0)
    return int(short[0]) if short.size else -1


def by_day(days: I64, columns: I64, amounts: I64, first_day: int, n_days: int, n_columns: int) -> I64:
    """Amounts summed by day and column, (n_days, n_columns) int64 [fen]; days outside are left out.

    Days before ``first_day`` count on the first day: what was due earlier is still to be paid.
    """
    at = np.maximum(days - first_day, 0)
    inside = at < n_days
    flat = at[inside] * n_columns + columns[inside]
    # bincount adds in floating point: exact below 2**53 fen, ninety trillion yuan
    total = np.bincount(flat, weights=amounts[inside].astype(float), minlength=n_days * n_columns)
    return total.astype(np.int64).reshape(n_days, n_columns)
