"""Subsidy of the reduced form under each way of settling it: every loan is counted once more, one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.households.reduced_form import DEFAULTED, REPAID
from sim.replication import prepare, simulate
from sim.subsidy import subsidised, subsidy_terms
from sim.units import interest
from sim.warmup import opening_state

HALF_AT_REPAYMENT = {
    "rules.subsidy.share": 0.5, "rules.subsidy.paid_when": "at_repayment", "rules.subsidy.late_loses": "all",
}  # fmt: skip
WAYS: dict[str, dict[str, Any]] = {
    "a fixed rate for twelve months": {"rules.subsidy.fixed_rate": 3.0, "rules.subsidy.months": 12},
    "half at repayment, late loans lose all": HALF_AT_REPAYMENT,
    "half at repayment": {"rules.subsidy.share": 0.5, "rules.subsidy.paid_when": "at_repayment"},
    "yearly, paid first": {"rules.subsidy.paid_when": "yearly", "rules.subsidy.paid_to": "household"},
    "yearly, the bank waits, late loans lose all": {
        "rules.subsidy.paid_when": "yearly",
        "rules.subsidy.late_loses": "all",
    },
}


@pytest.fixture(scope="module", params=WAYS, ids=str)
def one(request: pytest.FixtureRequest, tight: Any) -> tuple[Any, Any]:
    """A history of the county with many defaults, to its full horizon."""
    scenario = tight.with_changes(WAYS[request.param])
    setup = prepare(scenario, 11, opening_state(scenario), 18_992)
    return setup, simulate(setup, 2)


def test_subsidy_and_what_borrowers_pay_are_the_interest_of_every_loan(one: tuple[Any, Any]) -> None:
    """To the fen and loan by loan: subsidised or not, listed or lost, paid by the county or by the borrower."""
    setup, world = one
    s, ends = subsidy_terms(setup.rules), setup.settlements.tolist()
    entitled = np.zeros_like(world.entitled)
    paid = 0
    columns = (world.loans.lender, world.loans.balance, world.loans.rate_ppm, world.loans.start, world.loans.due,
               world.fates.fate, world.fates.missed, world.fates.repaid, world.fates.renewed)  # fmt: skip
    for lender, balance, rate, start, due, fate, missed, repaid, renewed in zip(
        *(c.tolist() for c in columns), strict=True
    ):
        stop = missed if renewed else min(missed, due)
        by_period = s.paid_when == 0
        if s.paid_when != 1:  # interest is settled period by period
            for j, end in enumerate(ends):
                begin, to = max(start, setup.opening.last_settlement if j == 0 else ends[j - 1]), min(stop, end)
                if to > begin:
                    fen = subsidised(s, balance, rate, start, begin, to)
                    paid += interest(balance, rate, to - begin, s.day_count) - fen * (1 - s.pays_first)
                    entitled[j, lender] += fen if by_period else 0
        if by_period or fate == DEFAULTED or not setup.first_day <= repaid <= setup.last_day:
            continue
        fen = subsidised(s, balance, rate, start, start, stop)
        is_lost = s.late_loses_all == 1 and fate != REPAID
        if s.paid_when == 1:
            paid += interest(balance, rate, max(stop - start, 0), s.day_count) - (0 if is_lost else fen)
        elif is_lost and not s.pays_first:
            paid += fen
        after = [j for j, end in enumerate(ends) if end >= repaid and (s.paid_when == 1 or j % 12 == 11)]
        if after and not is_lost:
            entitled[after[0], lender] += fen
    assert world.entitled.tolist() == entitled.tolist()
    assert world.interest.sum() == paid > 0
    assert sum(world.lists.amount) == entitled.sum() + sum(fen for _, _, fen, *_ in setup.opening.lists)


def test_what_late_loans_lose_the_borrowers_pay(tight: Any) -> None:
    """The same fates under both rules: what is not on the lists is paid by borrowers, to the fen."""
    opening = opening_state(tight.with_changes(HALF_AT_REPAYMENT))
    totals = []
    for changes in (HALF_AT_REPAYMENT, {**HALF_AT_REPAYMENT, "rules.subsidy.late_loses": "from_missed_date"}):
        setup = prepare(tight.with_changes(changes), 11, opening, 18_981)
        assert setup.settlements[-1] == setup.last_day  # every loan that is repaid still finds a list
        world = simulate(setup, 2)
        totals.append((int(world.entitled.sum()), int(world.interest.sum())))
    (lost, paid_more), (kept, paid_less) = totals
    assert kept - lost == paid_more - paid_less > 0
