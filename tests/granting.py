"""Made-up applications and rules of granting, for tests."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.lending.granting import NO_RULE, Book, Stop, Terms

FAR = 10_000
MONTH = 10  # days of a month in these tests
YEAR = 40
NO_STOP = Stop(float(NO_RULE), float(NO_RULE), NO_RULE, float(NO_RULE), False)


def terms(n_days: int, **changes: Any) -> Terms:
    """Two lenders with an account each, a multiple of one on set sizes, months of ten days and years of forty."""
    day = np.arange(n_days)
    t = Terms(
        0, day // MONTH, (day % MONTH == MONTH - 1) | (day == n_days - 1), day % YEAR == 0, 0 * day,
        np.zeros(n_days, dtype=np.bool_), np.zeros((2, 0), dtype=np.int64), np.array([0, 1]), 1_000_000, False, NO_RULE,
        NO_RULE, NO_STOP, False,
    )._replace(**changes)  # fmt: skip
    reads_fund = t.on_balance or t.stop.reads_fund
    credits = t.credits if t.credits.size or not reads_fund else np.zeros((2, n_days), dtype=np.int64)
    return t._replace(reads_fund=reads_fund, credits=credits)


def book(n: int, **columns: Any) -> Book:
    """Loans from a few columns; the others say that nothing happens."""
    out = {}
    for name in Book._fields:
        default = FAR if name in ("release", "bad_from", "gone", "pays", "back") else 0
        value = columns.get(name, columns.get("principal", default) if name == "covered" else default)
        out[name] = np.array(np.broadcast_to(np.asarray(value, dtype=np.int64), (n,)))
    return Book(**out)
