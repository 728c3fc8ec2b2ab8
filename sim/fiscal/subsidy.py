"""Settlements of the interest subsidy: their days, and what each entitles to, loan by loan."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from numba import njit

from sim import clock
from sim.subsidy import subsidised
from sim.units import I64, Array


def settlement_days(per_year: int, day_of_month: int, from_day: int, to_day: int) -> I64:
    """Settlement days within [from_day, to_day]: the given day of every 12/per_year-th month."""
    step = 12 // per_year
    first, last = clock.date_of(from_day), clock.date_of(to_day)
    days = [
        clock.day_of(dt.date(year, month, day_of_month))
        for year in range(first.year, last.year + 1)
        for month in range(step, 13, step)
    ]
    return np.array([d for d in days if from_day <= d <= to_day], dtype=np.int64)


def closes_year(settlements: Array) -> Array:
    """Which settlements are the last of their year."""
    return clock.month_of(settlements) % 12 == 11


@njit(cache=True)
def entitlement(
    lender: Any, principal: Any, rate_ppm: Any, start: Any, stop: Any, settlements: Any, first_from: int, s: Any,
    n_lenders: int,
) -> Any:  # fmt: skip
    """Interest of each settlement period by lender: subsidised, left to the household, and the number of lines.

    Parameters
    ----------
    lender, principal [fen], rate_ppm [1e-6], start [day], stop [day] : (n,) int64
        Interest runs from ``start`` to ``stop``, the day of maturity or repayment, which no longer counts: the
        subsidy stops at maturity, not at the default.
    settlements : (k,) int64 [day]
        Period j runs from the settlement before (exclusive of nothing: day counted once) to settlement j.
    first_from : int [day]
        Begin of the first period.
    s : SubsidyTerms

    Returns
    -------
    amounts, own : (k, n_lenders) int64 [fen]
        Each loan's interest is rounded half up to the fen before it is added.
    lines : (k, n_lenders) int64
        Loans with subsidised interest.

    Source: X county regulation, art. 27.
    """
    k = settlements.size
    amounts = np.zeros((k, n_lenders), dtype=np.int64)
    own = np.zeros((k, n_lenders), dtype=np.int64)
    lines = np.zeros((k, n_lenders), dtype=np.int64)
    year = s.day_count * 1_000_000
    for i in range(lender.size):
        low, high = 0, k
        while low < high:
            mid = (low + high) // 2
            if settlements[mid] <= start[i]:
                low = mid + 1
            else:
                high = mid
        for j in range(low, k):
            begin = settlements[j - 1] if j > 0 else first_from
            if begin >= stop[i]:
                break
            begin, end = max(start[i], begin), min(stop[i], settlements[j])
            if end > begin:
                fen = subsidised(s, principal[i], rate_ppm[i], start[i], begin, end)
                whole = (principal[i] * rate_ppm[i] * (end - begin) + year // 2) // year
                own[j, lender[i]] += whole - fen
                amounts[j, lender[i]] += fen
                lines[j, lender[i]] += fen > 0
    return amounts, own, lines
