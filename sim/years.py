"""The years from the sized one on, and who was refused a loan: what only histories to the full horizon can say."""

from __future__ import annotations

import numpy as np

from sim import clock
from sim.fund.need import need
from sim.lending.granting import REFUSALS, TO_MULTIPLE, TOP_UPS, top_ups
from sim.lending.granting_kernel import over
from sim.outcomes import shadow_flows, year_span
from sim.units import PPM, Bool
from sim.world import Setup, World

N_YEARS = 4  # the sized one and three more; the horizon reaches beyond them


def by_year(setup: Setup, world: World, n_years: int = N_YEARS) -> dict[str, int]:
    """Need and net payments of each year by sub-account, on an account that never queues [fen].

    ``need_y1_0_fen`` is the most that sub-account 0 is ever short of in the year after the sized one, counted
    from its 1 January; ``net_y1_0_fen`` what it has lost by its end. A balance on 1 January, with whatever is
    refilled or topped up, is short exactly if the year's need exceeds it, and ends the year smaller by the net
    payments; a negative one is the queue that next year's money pays first. Beyond the usual four years the table also
    says what falls due by the term of the loan (`by_term`) and what is lent (`lent_by_year`).
    """
    year = setup.scenario.sized_year
    spans = [year_span(y) for y in range(year, year + n_years)]
    first = spans[0][0]
    payments, receipts = shadow_flows(setup, world, first, spans[-1][1])
    out: dict[str, int] = {}
    for k, (begin, end) in enumerate(spans):
        days = slice(begin - first, end - first + 1)
        net = (payments[days] - receipts[days]).sum(axis=0)
        for i, fen in enumerate(need(payments[days], receipts[days])):
            out[f"need_y{k}_{i}_fen"], out[f"net_y{k}_{i}_fen"] = int(fen), int(net[i])
    if n_years > N_YEARS:
        out |= by_term(setup, world, n_years) | lent_by_year(setup, world, n_years)
    return out | _top_ups(setup, world, spans[:N_YEARS])


def by_term(setup: Setup, world: World, n_years: int) -> dict[str, int]:
    """The fund's part of approved claims that fall due in each year, by the term of the loan in months [fen].

    A term is that of the scenario nearest to the time from signing to the date, a renewal's year left out.
    """
    claims, loans = world.claims, world.loans
    terms = np.array(sorted(setup.scenario.lending.term_months))
    months = clock.month_of(loans.due[claims.row]) - clock.month_of(loans.start[claims.row])
    nearest = np.abs(months[:, None] - terms).argmin(axis=1)
    year = clock.year_of(claims.due) - setup.scenario.sized_year
    counts = (claims.due >= 0) & (claims.recovered_on > claims.due)
    return {
        f"due_y{k}_term_{term}_fen": int(claims.fund_part[counts & (year == k) & (nearest == j)].sum())
        for k in range(n_years)
        for j, term in enumerate(terms.tolist())
    }


def lent_by_year(setup: Setup, world: World, n_years: int) -> dict[str, int]:
    """Principal lent in each year from the sized one on [fen]."""
    year = clock.year_of(world.loans.start) - setup.scenario.sized_year
    return {f"lent_y{k}_fen": int(world.loans.balance[year == k].sum()) for k in range(n_years)}


def _top_ups(setup: Setup, world: World, spans: list[tuple[int, int]]) -> dict[str, int]:
    """What the county paid into each account by year, and up to where a rule that follows the book brought it [fen]."""
    out = {f"top_up_y{k}_{i}_fen": 0 for k in range(N_YEARS) for i in range(setup.account_fen.size)}
    paid = [*world.flows.top_ups]
    if setup.first_day == setup.year_start and setup.opening.fund_fen:  # the history begins with the set size
        carried = np.array(setup.opening.fund_fen, dtype=np.int64)
        carried = carried if carried.size == setup.account_fen.size else np.array([carried.sum()])
        paid += [(setup.first_day, i, max(int(fen), 0)) for i, fen in enumerate(setup.account_fen - carried)]
    for day, i, fen in paid:
        k = clock.date_of(day).year - setup.scenario.sized_year
        if 0 <= k < N_YEARS:
            out[f"top_up_y{k}_{i}_fen"] += fen
    if TOP_UPS.index(setup.rules.fund.top_up) < TO_MULTIPLE:
        return out
    counted = world.counted if world.community is None else world.community.counted
    multiple = round(setup.rules.fund.leverage * PPM)
    for day, fen in zip(top_ups(setup.rules, setup.first_day, setup.last_day, setup.year_start), counted, strict=True):
        aim = np.bincount(setup.account_of, weights=[over(x, multiple) for x in fen.tolist()])
        k = clock.date_of(day).year - setup.scenario.sized_year
        if 0 < k < N_YEARS:
            out |= {f"top_up_to_y{k}_{i}_fen": int(x) for i, x in enumerate(aim)}
    return out


def cut_off(setup: Setup, world: World) -> dict[str, int]:
    """Applications of the sized year that the rules left without a loan, by lender; months in which they did.

    Where the pack has rules beside the multiple, by rule as well, and the months in which each lender was stopped. Where
    households are simulated applications are counted among the refusals of `welfare`.
    """
    stops = _stopped_months(setup, world)
    if world.community is not None or not setup.lends:
        return stops
    refused = _refused(setup, world)
    start = world.demand.start[refused]
    months = np.unique(clock.month_of(start))
    out = {"cut_off_months": int(months.size), "cut_off_fen": int(world.demand.balance[refused].sum())}
    lenders = np.bincount(world.demand.lender[refused], minlength=setup.set_fen.size)
    if setup.granting.stop.is_on or setup.granting.quota >= 0:
        why = world.refusal[refused]
        out |= {f"cut_off_by_{name}_count": int((why == reason).sum()) for name, reason in REFUSALS.items()}
    return out | {f"cut_off_{i}_count": int(n) for i, n in enumerate(lenders)} | stops


def _stopped_months(setup: Setup, world: World) -> dict[str, int]:
    """Months of the sized year in which a rule allowed a lender no new loans."""
    if not setup.granting.stop.is_on:
        return {}
    month = setup.first_month + np.arange(world.stops.shape[0])
    of_year = month // 12 == setup.scenario.sized_year - 1970
    return {f"stopped_months_{i}_count": int(n) for i, n in enumerate(world.stops[of_year].sum(axis=0))}


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
