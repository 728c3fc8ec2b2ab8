"""One simulated year of the run, lived again: what lenders and the office would have reported month by month.

The year is the one in the middle of all by its need. The run keeps no list of loans of each history; but a history is the
same whenever it is run, so this one is run once more, and its need is checked against the stored one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dashboard.export.report import Report
from sim import clock
from sim.arms import horizon, main_opening
from sim.errors import IncompatibleRun
from sim.lending.loans import PAID
from sim.opening import OpeningState
from sim.outcomes import months as month_table
from sim.outcomes import summary, year_span
from sim.parameters import of_history
from sim.replication import prepare, simulate
from sim.units import F64, FEN_PER_YUAN, I64, Array
from sim.world import Setup, World


@dataclass(frozen=True)
class Year:
    """What is reported of one simulated year, all in yuan, by month or quarter and lender.

    Attributes
    ----------
    history : int
        Number of the history.
    issued, issued_count, outstanding, overdue, bad, fund, compensated : (13, n_lenders)
        Row 0 is the state on 31 December before, and nothing of what flows.
    entitled, paid, paid_old, unpaid, unpaid_90 : (5, n_lenders)
        Interest subsidy: what a quarter entitles to, what is paid in it and how much of that for earlier quarters,
        what is unpaid at its end, and for more than 90 days. Row 0 is the state before.
    """

    history: int
    issued: F64
    issued_count: F64
    outstanding: F64
    overdue: F64
    bad: F64
    fund: F64
    compensated: F64
    entitled: F64
    paid: F64
    paid_old: F64
    unpaid: F64
    unpaid_90: F64


def year_in_the_middle(r: Report) -> Year:
    """The median history by its need.

    Raises
    ------
    IncompatibleRun
        The model gives another history today than the one that was stored.
    """
    scenario, seed = r.answer.scenario, int(r.data["seed"])
    row = r.sample.frame.iloc[(len(r.sample) - 1) // 2]
    history = int(row["replication"])
    opening = OpeningState.load(r.answer.folder / f"opening-{main_opening(scenario, seed, history)}.parquet")
    setup = prepare(of_history(scenario, seed, history), seed, opening, horizon(scenario))
    world = simulate(setup, history)
    found = int(summary(setup, world)["need_fen"])
    if found != int(row["need_fen"]):
        raise IncompatibleRun(f"{r.answer.folder}: history {history} needs {found} fen today, {int(row['need_fen'])} were stored; size the scenario again")  # fmt: skip
    return _year(setup, world, history)


def _year(setup: Setup, world: World, history: int) -> Year:
    n, first_day = setup.set_fen.size, year_span(setup.scenario.sized_year)[0]
    january = int(clock.month_of(np.array([first_day]))[0])
    table = pd.DataFrame(month_table(setup, world))
    stocks = {
        name: _stock(table, name, january, n) for name in ("outstanding_fen", "overdue_fen", "bad_fen", "fund_fen")
    }
    if setup.account_fen.size < n:  # one account for all lenders: it stands in the first one's column
        stocks["fund_fen"][:, 1:] = 0.0
    loans, claims = world.loans, world.claims
    if np.isnan(stocks["outstanding_fen"][0]).any():  # the run begins on 1 January, with the book of the day before
        kept = (loans.start < first_day) & (loans.status != PAID)
        stocks["outstanding_fen"][0] = _sum(loans.lender[kept], loans.balance[kept], n) / FEN_PER_YUAN
    new = np.flatnonzero((loans.start >= first_day) & (loans.status != PAID))
    lender_of_claim = loans.lender[claims.row]
    paid = [(day, int(lender_of_claim[i]), fen) for i, day, fen in (*world.flows.payments, *world.flows.backstop)]
    starts = list(zip(loans.start[new].tolist(), loans.lender[new].tolist(), loans.balance[new].tolist(), strict=True))
    quarters = _quarters(setup, world)
    return Year(
        history, _flow(starts, january, n), _flow([(d, i, FEN_PER_YUAN) for d, i, _ in starts], january, n),
        stocks["outstanding_fen"], stocks["overdue_fen"], stocks["bad_fen"], stocks["fund_fen"], _flow(paid, january, n), *quarters,
    )  # fmt: skip


def _stock(table: pd.DataFrame, name: str, january: int, n: int) -> F64:
    """A stock at the ends of December before and of the twelve months [yuan]; not known where the run begins later."""
    wide = table.pivot_table(index="month", columns="lender", values=name, aggfunc="sum")
    wide = wide.reindex(index=range(january - 1, january + 12), columns=range(n))
    found: F64 = wide.to_numpy(float) / FEN_PER_YUAN
    return found


def _flow(dated: Iterable[tuple[int, int, int]], january: int, n: int) -> F64:
    """Sums by month and lender of dated amounts [yuan]."""
    out = np.zeros((13, n))
    for day, lender, fen in dated:
        month = int(clock.month_of(np.array([day]))[0]) - january + 1
        if 1 <= month <= 12:
            out[month, lender] += fen / FEN_PER_YUAN
    return out


def _quarters(setup: Setup, world: World) -> tuple[F64, F64, F64, F64, F64]:
    """The subsidy by quarter and lender [yuan]."""
    lists, n, year = world.lists, setup.set_fen.size, setup.scenario.sized_year
    end: I64 = np.array(lists.period_end, dtype=np.int64)
    lender: I64 = np.array(lists.lender, dtype=np.int64)
    amount: I64 = np.array(lists.amount, dtype=np.int64)
    payments: I64 = np.array(lists.payments, dtype=np.int64).reshape(-1, 3)
    ends = [
        int(clock.last_day_of_month(clock.month_of(np.array([year_span(year)[0]])) + k)[0]) for k in (-1, 2, 5, 8, 11)
    ]
    out = np.zeros((5, 5, n))
    for q, last in enumerate(ends):
        first = ends[q - 1] + 1 if q else -(10**9)
        mine, cash = (end >= first) & (end <= last), (payments[:, 1] >= first) & (payments[:, 1] <= last)
        of = payments[cash, 0]
        if q:
            out[0, q] = _sum(lender[mine], amount[mine], n)
            out[1, q] = _sum(lender[of], payments[cash, 2], n)
            old = end[of] < first
            out[2, q] = _sum(lender[of][old], payments[cash, 2][old], n)
        open_now = amount - _sum(payments[payments[:, 1] <= last, 0], payments[payments[:, 1] <= last, 2], amount.size)
        due = end <= last
        out[3, q] = _sum(lender[due], open_now[due], n)
        late = end + 90 <= last
        out[4, q] = _sum(lender[late], open_now[late], n)
    out /= FEN_PER_YUAN
    return out[0], out[1], out[2], out[3], out[4]


def _sum(index: Array, fen: Array, n: int) -> F64:
    return np.bincount(index, weights=fen.astype(float), minlength=n).astype(np.float64)
