"""Trap 6: loans are made in batches, so they fall due in walls, and defaults stand where the walls stand.

A county that lends the same every month has fallen into the trap; the checks are shown such a county too.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

import sim
from sim import clock
from sim.households.reduced_form import DEFAULTED
from sim.replication import prepare, simulate
from sim.warmup import opening_state

END = clock.day_of(dt.date(2020, 12, 31))
EVEN = [1 / 12] * 12
BY_JUNE = [0.05, 0.10, 0.20, 0.25, 0.20, 0.20, 0, 0, 0, 0, 0, 0]  # all of a year's loans out by 30 June
IN_APRIL = [0, 0, 0, 1.0, 0, 0, 0, 0, 0, 0, 0, 0]


@lru_cache
def months_of(lenders: Any, by_month: tuple[float, ...] | None, terms: tuple[tuple[int, float], ...] = ()) -> Any:
    """Principal that falls due, and that defaults, by calendar month; three histories of three years [fen]."""
    changes: dict[str, Any] = {"lenders": lenders(600_000, 200_000), "uncertain": [], "defaults.anchor": "high"}
    changes |= {"lending.by_month": list(by_month)} if by_month else {}
    changes |= {"lending.term_months": dict(terms)} if terms else {}
    scenario = sim.scenario("x-county").with_changes(changes, "small")
    setup = prepare(scenario, 11, opening_state(scenario), END)
    due, bad = np.zeros(12), np.zeros(12)
    for r in range(3):
        w = simulate(setup, r)
        inside = (w.loans.due >= setup.first_day) & (w.loans.due <= END)
        failed = inside & (w.fates.fate == DEFAULTED)
        for out, rows in ((due, inside), (bad, failed)):
            out += np.bincount(clock.month_of(w.loans.due[rows]) % 12, weights=w.loans.balance[rows], minlength=12)
    return due / due.sum(), bad / bad.sum()


def is_a_wall(share: np.ndarray) -> bool:
    """Three months in a row hold more than a third, and the fullest month at least twice the emptiest."""
    in_a_row = max(np.roll(share, -k)[:3].sum() for k in range(12))
    return bool(in_a_row > 0.34 and share.max() > 2 * share.min())


def test_maturities_of_the_county_stand_in_spring(lenders: Any) -> None:
    due, bad = months_of(lenders, None)
    assert is_a_wall(due)
    assert set(np.argsort(due)[-3:].tolist()) <= {1, 2, 3, 4, 5}
    assert np.corrcoef(due, bad)[0, 1] > 0.5  # defaults concentrate where the loans fall due


def test_even_lending_has_fallen_in(lenders: Any) -> None:
    due, _ = months_of(lenders, tuple(EVEN))
    assert not is_a_wall(due)


@pytest.mark.parametrize(("season", "months"), [(BY_JUNE, range(6)), (IN_APRIL, [3])])
def test_loans_made_by_june_mature_by_june(season: list[float], months: Any, lenders: Any) -> None:
    """One-year loans of a county that lends in one batch: nothing falls due in the rest of the year.

    But for loans of the season's last weekend, which are signed on the next working day.
    """
    due, bad = months_of(lenders, tuple(season), ((12, 1.0),))
    assert due[list(months)].sum() > 0.9
    assert bad[list(months)].sum() > 0.90  # a loan called after a death falls due before its date
    assert is_a_wall(due)


def test_a_wall_after_june_is_next_years_money(lenders: Any) -> None:
    """The same loans out by June or in autumn: the fund pays on them in the year of maturity, or in the next."""
    paid = []
    for season in (BY_JUNE, BY_JUNE[6:] + BY_JUNE[:6]):
        changes = {"lenders": lenders(600_000, 200_000), "uncertain": [], "defaults.anchor": "high",
                   "lending.by_month": season, "lending.term_months": {12: 1.0}}  # fmt: skip
        scenario = sim.scenario("x-county").with_changes(changes, "small")
        setup = prepare(scenario, 11, opening_state(scenario), END)
        same = total = 0
        for r in range(4):
            c = simulate(setup, r).claims
            known = (c.due > 0) & (c.missed >= setup.first_day) & (c.missed <= END - 366)
            same += int((clock.year_of(c.due[known]) == clock.year_of(c.missed[known])).sum())
            total += int(known.sum())
        paid.append(same / total)
    assert paid[0] > 0.5
    assert paid[1] < 0.1  # loans called after a death


@pytest.mark.parametrize("name", sim.scenario_names())
def test_no_shipped_scenario_lends_evenly(name: str) -> None:
    season = sim.scenario(name).lending.by_month
    assert max(season) >= 1.5 / 12, f"{name} lends the same every month"
