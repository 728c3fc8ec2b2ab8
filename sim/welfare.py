"""What the sized year meant for simulated households, and how defaults fall on causes and on debts."""

from __future__ import annotations

import numpy as np

from sim import clock, firms
from sim.community_kernel import (
    APPLIED,
    CAPPED,
    LENDER_CAUTIOUS,
    LENDER_WAITS,
    N_COUNTS,
    OVER_INDEBTED,
    QUOTA_USED,
    STOPPED,
)
from sim.households.reduced_form import CAUSES
from sim.households.register import MAX_DEBTS
from sim.units import I64, Bool
from sim.world import Setup, World

AGES = ((0, 90), (91, 180), (181, 365), (366, 100_000))  # days since the end of the period


def by_cause(world: World, bad: Bool) -> dict[str, int | float]:
    """Defaulted loans by cause."""
    counts = np.bincount(world.fates.cause[bad], minlength=len(CAUSES))
    return {f"defaulted_{name}_count": int(n) for name, n in zip(CAUSES, counts, strict=True)}


def unpaid_by_age(left: I64, age: I64) -> dict[str, int | float]:
    """Unpaid subsidy of each list [fen] by days since the end of its period."""
    return {f"subsidy_unpaid_{a}_{b}_days_fen": int(left[(age >= a) & (age <= b)].sum()) for a, b in AGES}


def households(setup: Setup, world: World, due: Bool, bad: Bool, last: int) -> dict[str, int | float]:
    """Shares of households at the end of the year, applications of the year, defaults by other debts."""
    c = world.community
    if c is None:
        return {}
    assert setup.households is not None
    k = int(clock.month_of(np.array([last]))[0]) - setup.first_month
    end, before = c.years[k], c.years.get(k - 12, np.zeros(4 + N_COUNTS, dtype=np.int64))
    out: dict[str, int | float] = {
        "households_count": int(c.people.cash.size),
        "borrowers_count": int(end[0]),
        "over_indebted_count": int(end[1]),
        "poor_count": int(end[2]),
        "months_below_floor_count": int(end[3] - before[3]),
    }
    short, relapses = c.lives[k]
    short_before, relapses_before = c.lives.get(
        k - 12, (setup.households.start.months_short, setup.households.start.relapses)
    )
    assert setup.scenario.livelihoods is not None
    if setup.scenario.livelihoods.relapse_after_months > 0:
        out["below_floor_count"] = int((short > short_before).sum())
        out["relapsed_count"] = int((relapses > relapses_before).sum())
    if setup.households.ties is not None:
        helped = [x for x in c.helped if k - 12 < x[0] <= k]
        out |= {"group_helped_count": sum(n for _, n, _ in helped), "group_given_fen": sum(fen for _, _, fen in helped)}
    if setup.scenario.livelihoods.weather.extension is not None:
        of_year = [row for day, row, _, _ in c.put_off if clock.date_of(day).year == clock.date_of(last).year]
        out["extended_fen"] = int(world.loans.balance[of_year].sum())
    reasons = [("applied", APPLIED), ("refused_over_indebted", OVER_INDEBTED), ("refused_lender_waits", LENDER_WAITS),
               ("refused_cap", CAPPED), ("refused_lender_cautious", LENDER_CAUTIOUS)]  # fmt: skip
    reasons += [("refused_stop", STOPPED)] if setup.granting.stop.is_on else []
    reasons += [("refused_quota", QUOTA_USED)] if setup.granting.quota >= 0 else []
    for name, at in reasons:
        out[f"{name}_count"] = int(end[4 + at] - before[4 + at])
    debts, own = np.minimum(world.loans.p_class, MAX_DEBTS), ~firms.of_firms(setup, world)
    of_due, of_bad = (np.bincount(debts[rows & own], minlength=MAX_DEBTS + 1).tolist() for rows in (due, bad))
    for n in range(MAX_DEBTS + 1):
        out |= {f"due_debts_{n}_count": of_due[n], f"defaulted_debts_{n}_count": of_bad[n]}
    return out
