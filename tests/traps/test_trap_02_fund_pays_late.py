"""Trap 2: the fund does not pay at default.

Ninety days, file, signature, notice, quarterly meeting: maturities after about early June are a matter of next
year's money, a 36-month loan of July is paid three and a half years later, and a county that starts with an empty
book pays nothing for as long.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

import sim
from sim import clock
from sim.fund.claims import cutoff_maturity
from sim.households.reduced_form import DEFAULTED
from sim.law.pack import load_calendar
from sim.lending.loans import CLAIM, PAID
from sim.opening import OpeningState
from sim.outcomes import summary
from sim.replication import prepare, simulate
from sim.warmup import opening_state

END_OF_2018 = clock.day_of(dt.date(2018, 12, 31))
AT_ONCE = {
    f"rules.claim.{key}": 0
    for key in (
        "wait_days",
        "steps.file.days",
        "steps.township.working_days",
        "steps.notice.days",
        "steps.payment.working_days",
    )
} | {"rules.claim.meetings": [f"{month:02d}-{day:02d}" for month in range(1, 13) for day in range(1, 29)]}


def last_maturity_of(scenario: sim.Scenario) -> dt.date:
    return clock.date_of(cutoff_maturity(scenario.law(), load_calendar(), END_OF_2018))


def is_early_june(day: dt.date) -> bool:
    return dt.date(2018, 5, 25) <= day <= dt.date(2018, 6, 15)


def test_maturities_after_early_june_hit_next_years_fund() -> None:
    assert is_early_june(last_maturity_of(sim.scenario("x-county")))


def test_a_fund_that_pays_at_default_has_fallen_in() -> None:
    """Without waits and with a meeting every day the year's last maturities would be paid within the year."""
    trapped = sim.scenario("x-county").with_changes(AT_ONCE)
    assert not is_early_june(last_maturity_of(trapped))
    assert last_maturity_of(trapped) > dt.date(2018, 12, 20)


def test_a_loan_of_july_for_three_years_is_paid_in_the_january_after() -> None:
    steps = sim.trace_unpaid(sim.scenario("x-county"), dt.date(2018, 7, 15), term_months=36)
    days = {s.what: s.on for s in steps} | {s.rule.rsplit(".")[-1]: s.on for s in steps if s.what == "done"}
    assert days["made"] == dt.date(2015, 7, 15)
    assert days["entitled"] == days["matured"] + dt.timedelta(90)
    assert days["made"] < days["matured"] < days["entitled"] < days["filed"] < days["township"] < days["notice"]
    assert days["notice"] <= days["approved"] < days["paid"]
    assert (days["paid"].year, days["paid"].month) == (2019, 1)


def test_no_claim_of_any_history_is_paid_before_its_meeting(setup: Any, worlds: list[Any]) -> None:
    """Of loans that matured within the history; those of the opening book had their waits before it."""
    n, meetings = 0, set(setup.meetings.tolist())
    for w in worlds:
        c = w.claims
        for i, day, _ in w.flows.payments:
            if c.missed[i] >= setup.first_day:
                assert c.missed[i] + 90 <= c.entitled[i] < c.filed[i] < c.arrives[i] < c.ready_on[i]
                assert c.ready_on[i] <= c.decided[i] < day
                assert c.decided[i] in meetings
                assert day - c.missed[i] >= 90 + 20 + 7
                n += 1
    assert n > 0


# --- the book is never empty -------------------------------------------------------------------------


def is_full(opening: OpeningState) -> bool:
    """Loans, loans past day 90 whose claims are on their way, and claims paid whose money may come back."""
    status = opening.loans.status
    return len(opening.loans) > 0 and bool((status == CLAIM).any() and (status == PAID).any())


def test_histories_start_from_a_full_book() -> None:
    assert is_full(opening_state(sim.scenario("x-county")))


def test_a_third_or_more_of_the_years_payouts_are_of_loans_that_matured_the_year_before(
    setup: Any, worlds: list[Any]
) -> None:
    """About half of them, the last maturities that count being of early June."""
    old = new = 0
    for w in worlds:
        c = w.claims
        paid = (c.due >= setup.year_start) & (c.due <= END_OF_2018) & (c.recovered_on > c.due)
        before = c.missed < setup.year_start
        old += int(c.fund_part[paid & before].sum())
        new += int(c.fund_part[paid & ~before].sum())
    assert 0.33 < old / (old + new) < 0.9


def test_an_empty_book_has_fallen_in(small: Any) -> None:
    """It pays nothing in its first year, whoever defaults, and sizing refuses it."""
    empty = small.with_changes({"opening.kind": "empty", "defaults.anchor": "high"})
    state = opening_state(empty)
    assert not is_full(state)
    setup = prepare(empty, 11, state, END_OF_2018)
    assert all(summary(setup, simulate(setup, r))["payout_fen"] == 0 for r in range(3))
    with pytest.raises(sim.InputError):
        sim.size(empty, replications=100, workers=1)


def test_the_first_payment_on_a_book_of_three_year_loans_comes_after_three_and_a_half_years(small: Any) -> None:
    years = small.with_changes({"opening.kind": "empty", "defaults.anchor": "high", "lending.term_months": {36: 1.0},
                                "defaults.death_calls_loan": False})  # fmt: skip
    setup = prepare(years, 11, opening_state(years), clock.day_of(dt.date(2022, 12, 31)))
    w = simulate(setup, 0)
    assert (w.fates.fate == DEFAULTED).any()
    first = min(day for _, day, _ in w.flows.payments)
    months = int(np.diff(clock.month_of(np.array([setup.first_day, first])))[0])
    assert months >= 40
