"""A waiting time that counts from a missed interest date: loans go bad before their date, and only those."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim import clock
from sim.households.reduced_form import DEATH, DEFAULTED, WILFUL
from sim.households.state import NEVER_DAY, OPEN
from tests.unit.test_firms import FIRMS, county, history

POOR: dict[str, Any] = {
    "livelihoods.firms": None, "rules.subsidy.share": 0.0, "livelihoods.savings_months": 0.3,
    "livelihoods.informal_limit_months": 0.5, "livelihoods.floor_per_head_yuan": 4000,
}  # fmt: skip
FROM_INTEREST = {"rules.claim.counts_from": "interest"}


@pytest.fixture(scope="module")
def both() -> Any:
    return history(county(POOR), 1), history(county(POOR | FROM_INTEREST), 1)


def early(world: Any) -> np.ndarray:
    """Bad loans that were missed before their date, not called by a death."""
    bad = np.flatnonzero(world.fates.fate == DEFAULTED)
    return bad[(world.fates.missed[bad] < world.loans.due[bad]) & (world.fates.cause[bad] != DEATH)]


def test_unpaid_interest_makes_a_loan_bad_before_its_date(both: Any) -> None:
    (_, from_maturity), (setup, world) = both
    assert early(from_maturity).size == 0
    rows = early(world)
    assert rows.size > 20
    assert np.isin(world.fates.missed[rows], setup.settlements).all()  # on the day on which the interest was asked
    assert (world.fates.cause[rows] != WILFUL).all()
    at = np.flatnonzero(np.isin(world.claims.row, rows))
    assert at.size == rows.size
    days = world.claims.entitled[at] - world.fates.missed[world.claims.row[at]]
    assert (days == 90).all()
    assert world.ledger.balances["households"] == world.community.people.cash.sum()


def test_no_loan_stays_open_whose_interest_is_unpaid_for_the_waiting_time(both: Any) -> None:
    _, (setup, world) = both
    c = world.community
    is_behind = (c.people.status == OPEN) & (c.people.arrears > 0)
    assert is_behind.any()
    assert (c.interest_missed[is_behind] > setup.last_day - 93).all()
    assert (c.interest_missed[~is_behind] == NEVER_DAY).all()


def test_who_pays_its_arrears_begins_anew(both: Any) -> None:
    """Most of those who miss a settlement pay before the waiting time is over, and are late once more: nobody is counted on."""
    _, (_, world) = both
    long_wait = history(county(POOR | FROM_INTEREST | {"rules.claim.wait_days": 200}), 1)[1]
    assert 0 < early(long_wait).size < early(world).size


def test_subsidised_interest_is_missed_by_nobody() -> None:
    paid = {"rules.subsidy.share": 1.0}
    (_, one), (_, other) = (history(county(POOR | paid | more), 1) for more in ({}, FROM_INTEREST))
    assert early(other).size == 0
    assert one.community is not None and other.community is not None
    assert one.community.people.cash.tobytes() == other.community.people.cash.tobytes()
    assert one.ledger.balances == other.ledger.balances


def test_a_failed_firms_loans_go_bad_with_its_first_missed_interest() -> None:
    firm = {"livelihoods.firms": {**FIRMS, "failures_per_year": 0.5}, "rules.firm.subsidised": False}
    setup, world = history(county(firm | FROM_INTEREST), 0)
    rows = early(world)
    c = world.community
    assert c is not None and c.firms is not None and setup.households is not None
    parts = rows[c.owner[rows] >= setup.households.register.id.size]
    assert parts.size > 20
    failed_on = {int(setup.month_ends[k]) for k, _ in c.firms.failed}
    months = {int(clock.month_of(np.array([day]))[0]) for day in failed_on}
    assert set(clock.month_of(world.fates.missed[parts]).tolist()) <= months | {m + 1 for m in months}
