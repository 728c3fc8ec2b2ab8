"""What size would do if lending followed it: the same history on a grid of fund sizes.

The applicants, their fates and the dates of their claims do not depend on the fund's size (each draw has
an address), so a size only decides who is granted a loan. Dates are those of claims that no clerk holds up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from sim import clock
from sim.filing import build_claims, courses, returns, unhindered
from sim.fund.claims import FAR, NEVER
from sim.households.reduced_form import DEFAULTED
from sim.lending.granting import LENT, Book
from sim.lending.loans import PAID, Loans
from sim.outcomes import required_total, year_span
from sim.replication import grant_at
from sim.units import I64, Array, Bool
from sim.world import Setup, World

N_GRID = 21


def grid_fen(setup: Setup) -> I64:
    """Total fund sizes from zero to twice the set size [fen]."""
    return (setup.set_fen.sum() * 2 * np.arange(N_GRID)) // (N_GRID - 1)


def parts_of(size_fen: int, set_fen: I64) -> I64:
    """A total split like the set sizes, rounded down to the fen (whole numbers: no 64-bit overflow)."""
    total = max(int(set_fen.sum()), 1)
    return np.array([size_fen * int(part) // total for part in set_fen], dtype=np.int64)


def sweep(setup: Setup, world: World) -> dict[str, int]:
    """For each size: the largest need of any year from the sized one to the horizon; credit granted; and the stock that it comes to.

    Each year starts from the size itself, for it is the leading group that sets it anew. Lending = min(demand, multiple x size), lender by lender.
    """
    demand, fates = world.demand, world.demand_fates
    loans = courses(setup, demand, fates, world.replication)
    rows = np.flatnonzero(fates.fate == DEFAULTED)
    claims = build_claims(setup, demand, fates, world.replication, rows)
    _, due = unhindered(setup, claims)
    due = np.where(claims.decided != NEVER, claims.due, due)
    pays = (due != NEVER) & (due < FAR) & (claims.recovered_on > due) & ~claims.is_refused
    first = year_span(setup.scenario.sized_year)[0]
    last_year = clock.date_of(setup.last_day).year
    starts = np.array([year_span(y)[0] - first for y in range(setup.scenario.sized_year, last_year + 2)])
    n_days = int(starts[-1])
    back, returned = returns(setup, claims, np.where(pays, due, NEVER))
    paid_already = demand.paid[claims.row] >= 0
    # the queue of the information date waits for the sized year's money; what falls due before that year is paid
    queued, before = due < setup.first_day, due < first
    pay_day = np.where(pays & ~paid_already & (queued | ~before), np.maximum(due - first, 0), FAR)
    interest = np.zeros((setup.account_fen.size, n_days), dtype=np.int64)
    for day, index, fen in setup.credits:
        if 0 <= day - first < n_days:
            interest[index, day - first] += fen
    new = slice(len(setup.opening.loans) if setup.lends else len(demand), None)
    out: dict[str, int] = {}
    sizes = grid_fen(setup)
    for g, size in enumerate(sizes):
        parts = parts_of(int(size), setup.set_fen)
        granted = grant_at(setup, loans, parts, each_year_anew=True).reason == LENT
        by_account = _most_missing(setup.account_of[claims.lender], granted[claims.row], pay_day, claims.fund_part,
                                   back - first, returned, interest, starts)  # fmt: skip
        out[f"reacts_need_{g:02d}_fen"] = required_total(by_account, setup.account_fen)
        out[f"reacts_credit_{g:02d}_fen"] = int(demand.balance[new][granted[new]].sum())
        out[f"reacts_stock_{g:02d}_fen"] = _stock(setup, demand, granted, loans)
    return out


def _stock(setup: Setup, demand: Loans, granted: Bool, loans: Book) -> int:
    """The most guaranteed principal of all lenders on a day of the horizon's last year [fen].

    By then the opening's loans, which no size takes back, are gone. What leaves on a day counts no more.
    """
    held, begin = granted & (demand.status != PAID), setup.last_day - 365
    change = np.zeros(367, dtype=np.int64)
    np.add.at(change, np.clip(demand.start[held] - begin, 0, 366), loans.covered[held])
    np.subtract.at(change, np.clip(np.maximum(loans.release, demand.start)[held] - begin, 0, 366), loans.covered[held])
    return int(np.cumsum(change[:-1]).max())


@njit(cache=True)
def _most_missing(
    account: Array, is_granted: Array, pay_day: Array, fund_part: Array, back_day: Array, returned: Array,
    interest: Array, starts: Array,
) -> Any:  # fmt: skip
    """The largest need of any year, by sub-account: (n_accounts,) [fen]."""
    n_days = starts[-1]
    flow = -interest
    for i in range(account.size):
        if is_granted[i]:
            if pay_day[i] < n_days:
                flow[account[i], pay_day[i]] += fund_part[i]
            if 0 <= back_day[i] < n_days:
                flow[account[i], back_day[i]] -= returned[i]
    most = np.zeros(flow.shape[0], dtype=np.int64)
    for a in range(flow.shape[0]):
        for y in range(starts.size - 1):
            missing = 0
            for day in range(starts[y], starts[y + 1]):
                missing += flow[a, day]
                most[a] = max(most[a], missing)
    return most
