"""The interest subsidy: what each settlement entitles the lender to, loan by loan, to the fen."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
from numba import njit

from sim import clock
from sim.units import I64


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


@njit(cache=True)
def entitlement(
    lender: Any, principal: Any, rate_ppm: Any, start: Any, stop: Any, settlements: Any, first_from: int,
    day_count: int, n_lenders: int,
) -> Any:  # fmt: skip
    """Interest of each settlement period by lender, and the number of loan lines.

    Parameters
    ----------
    lender, principal [fen], rate_ppm [1e-6], start [day], stop [day] : (n,) int64
        Subsidised principal runs from ``start`` to ``stop``, the day of maturity or repayment, which no
        longer counts: the subsidy stops at maturity, not at the default.
    settlements : (k,) int64 [day]
        Period j runs from the settlement before (exclusive of nothing: day counted once) to settlement j.
    first_from : int [day]
        Begin of the first period.
    day_count : int

    Returns
    -------
    amounts : (k, n_lenders) int64 [fen]
        Each loan's interest is rounded half up to the fen before it is added.
    lines : (k, n_lenders) int64

    Source: X county regulation, art. 27.
    """
    k = settlements.size
    amounts = np.zeros((k, n_lenders), dtype=np.int64)
    lines = np.zeros((k, n_lenders), dtype=np.int64)
    year = day_count * 1_000_000
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
            days = min(stop[i], settlements[j]) - max(start[i], begin)
            if days > 0:
                amounts[j, lender[i]] += (principal[i] * rate_ppm[i] * days + year // 2) // year
                lines[j, lender[i]] += 1
    return amounts, lines
