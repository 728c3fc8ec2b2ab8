"""The years from the sized one on, and who was refused a loan: what only histories to the full horizon can say."""

from __future__ import annotations

import numpy as np

from sim import clock
from sim.fund.need import need
from sim.outcomes import shadow_flows, year_span
from sim.units import Bool
from sim.world import Setup, World

N_YEARS = 4  # the sized one and three more; the horizon reaches beyond them


def by_year(setup: Setup, world: World) -> dict[str, int]:
    """Need and net payments of each year by sub-account, on an account that never queues [fen].

    ``need_y1_0_fen`` is the most that sub-account 0 is ever short of in the year after the sized one, counted
    from its 1 January; ``net_y1_0_fen`` what it has lost by its end. A balance on 1 January, with whatever is
    refilled or topped up, is short exactly if the year's need exceeds it, and ends the year smaller by the net
    payments; a negative one is the queue that next year's money pays first.
    """
    year = setup.scenario.sized_year
    spans = [year_span(y) for y in range(year, year + N_YEARS)]
    first = spans[0][0]
    payments, receipts = shadow_flows(setup, world, first, spans[-1][1])
    out: dict[str, int] = {}
    for k, (begin, end) in enumerate(spans):
        days = slice(begin - first, end - first + 1)
        net = (payments[days] - receipts[days]).sum(axis=0)
        for i, fen in enumerate(need(payments[days], receipts[days])):
            out[f"need_y{k}_{i}_fen"], out[f"net_y{k}_{i}_fen"] = int(fen), int(net[i])
    return out


def cut_off(setup: Setup, world: World) -> dict[str, int]:
    """Applications of the sized year that the multiple left without a loan, by lender; months in which it did.

    Where households are simulated these are counted among the refusals of `welfare`.
    """
    if world.community is not None or not setup.lends:
        return {}
    refused = _refused(setup, world)
    start = world.demand.start[refused]
    months = np.unique(clock.month_of(start))
    out = {"cut_off_months": int(months.size), "cut_off_fen": int(world.demand.balance[refused].sum())}
    lenders = np.bincount(world.demand.lender[refused], minlength=setup.set_fen.size)
    return out | {f"cut_off_{i}_count": int(n) for i, n in enumerate(lenders)}


def cut_off_by_township(setup: Setup, world: World) -> dict[str, int]:
    """The same applications by township: one column each."""
    if world.community is not None or not setup.lends:
        return {}
    n = len(setup.scenario.townships)
    counts = np.bincount(world.demand.township[_refused(setup, world)], minlength=n)
    return {f"cut_off_township_{k}_count": int(c) for k, c in enumerate(counts)}


def _refused(setup: Setup, world: World) -> Bool:
    first, last = year_span(setup.scenario.sized_year)
    return ~world.granted & (world.demand.start >= first) & (world.demand.start <= last)
