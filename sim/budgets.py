"""The county's budget for the subsidy: how much a year has, and how much of it each release brings."""

from __future__ import annotations

import numpy as np

from sim import clock
from sim.households.state import YEARLY
from sim.lending.loans import OPEN
from sim.settlements import Release, releases_of
from sim.subsidy import rate_on_reference, subsidy_terms
from sim.units import FEN_PER_YUAN, I64, PPM, share_of
from sim.world import Setup, World


def releases(setup: Setup, entitled: I64, common: int) -> dict[int, int]:
    """Cash of each year's budget by release day, where what falls due is known beforehand."""
    fiscal = setup.scenario.fiscal
    out: dict[int, int] = {}
    years = clock.year_of(setup.settlements)
    planned = releases_of(setup, common)
    due = {int(y): int(entitled[years == y].sum()) for y in np.unique(clock.year_of(setup.month_ends))}
    n_settled = {y: int((years == y).sum()) for y in due}
    share_left = dict.fromkeys(due, 0.0)
    for release in planned:
        share_left[clock.date_of(release.planned).year] += release.share
    for release in planned:
        year = clock.date_of(release.planned).year
        budget = set_beforehand(setup, entitled, year)
        if budget is not None:
            fen, total = budget, 1.0
        elif setup.scenario.opening.kind == "warm-up":
            # a year cut in two by the information date has one budget, and its arrears are carried over
            whole = int(due[year] * fiscal.budget_share)
            fen, total = whole * setup.rules.subsidy.settlements_per_year // max(n_settled[year], 1), 1.0
        else:  # no arrears are known: the rest of the year pays its own way
            fen, total = int(due[year] * fiscal.budget_share), share_left[year]
        if total > 0 and release.arrives <= setup.last_day:
            out[release.arrives] = out.get(release.arrives, 0) + int(share_of(fen, round(release.share / total * PPM)))
    return {} if fiscal.pays_on_time else out


def release_month(setup: Setup, world: World, coming: list[Release], out: dict[int, int]) -> None:
    """Cash of the coming month's releases where households are simulated: nobody knows what the year will bring."""
    if coming and not setup.scenario.fiscal.pays_on_time:
        for release in coming:
            if release.arrives <= setup.last_day:
                year = clock.date_of(release.planned).year
                out[release.arrives] += round(budget_of(setup, world, year) * release.share)


def budget_of(setup: Setup, world: World, year: int) -> float:
    """A year's budget as it stands today, where households are simulated [fen]."""
    assert world.community is not None
    budget = set_beforehand(setup, world.community.entitled, year)
    if budget is not None:
        return budget
    return int(world.community.out.by_lender[:, YEARLY].sum()) * setup.scenario.fiscal.budget_share


def set_beforehand(setup: Setup, entitled: I64, year: int) -> int | None:
    """The budget of a year that is fixed before it begins [fen]; None where it follows what the year entitles to.

    Last year's entitlement is that of its settlements, before the information date as the opening state has it. An
    opening that knows of none counts a year's subsidised interest on its open loans; where nothing was lent the
    first year's budget is a plan, and exact.

    Parameters
    ----------
    entitled : (settlements, n_lenders) int64 [fen]
        Filled for the years before.
    """
    fiscal = setup.scenario.fiscal
    if fiscal.budget_basis == "fixed_yuan":
        return (fiscal.budget_yuan or 0) * FEN_PER_YUAN
    if fiscal.budget_basis == "this_years_entitlement":
        return None
    rows = clock.year_of(setup.settlements) == year - 1
    fen = int(entitled[rows].sum())
    if clock.date_of(setup.first_day).timetuple()[:3] > (year - 1, 1, 1):  # not all of last year is in the history
        known = dict(setup.opening.entitled)
        if known:
            fen += known.get(year - 1, 0)
        elif (setup.opening.loans.status == OPEN).any():
            fen = _on_open_loans(setup)
        else:
            return None
    return int(fen * fiscal.budget_share)


def _on_open_loans(setup: Setup) -> int:
    """A year's subsidised interest on the loans open on the information date [fen]."""
    terms, loans = subsidy_terms(setup.rules), setup.opening.loans
    yearly = np.minimum(loans.balance, terms.ceiling) * rate_on_reference(
        terms, loans.rate_ppm, loans.start, setup.first_day
    )
    return int((yearly // PPM)[loans.status == OPEN].sum())
