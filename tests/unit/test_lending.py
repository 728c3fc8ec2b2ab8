"""Applications, made-up portfolios, and the lender's bookings."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from sim import clock
from sim.ledger import Ledger
from sim.lending.applications import applications, draw_applications, draw_portfolio, rate_ppm
from sim.lending.lender import lender
from sim.lending.loans import NEVER, OPEN, Loans
from sim.scenario import Scenario

FIRST, LAST = clock.day_of(dt.date(2018, 1, 1)), clock.day_of(dt.date(2019, 12, 31))
LIMITS = [600_000_000, 200_000_000]


# --- applications ------------------------------------------------------------------------------------


def test_applications_of_a_year_hold_the_steady_stock(small: Scenario) -> None:
    apps = applications(small, small.law(), LIMITS, FIRST, LAST, 1)
    lending = small.lending
    mean_size = sum(y * 100 * s for y, s in lending.principal_yuan.items())
    mean_term = sum(t * s for t, s in lending.term_months.items())
    for index, limit in enumerate(LIMITS):
        per_year = 0.9 * limit / mean_size / mean_term * 12
        assert abs((apps.lender == index).sum() - 2 * per_year) <= 1
    assert np.unique(apps.id).size == apps.id.size
    march = (apps.month % 12 == 2).sum() / apps.id.size
    assert march == pytest.approx(0.14, abs=0.02)


def test_an_application_depends_on_no_other_lender_and_no_later_month(small: Scenario) -> None:
    base = applications(small, small.law(), LIMITS, FIRST, LAST, 1)
    longer = applications(small, small.law(), LIMITS, FIRST, LAST + 366, 1)
    bigger = applications(small, small.law(), [LIMITS[0], 2 * LIMITS[1]], FIRST, LAST, 1)
    assert set(base.id) < set(longer.id)
    assert set(base.id[base.lender == 0]) == set(bigger.id[bigger.lender == 0])
    assert set(base.id) < set(bigger.id)


def test_drawn_applications(small: Scenario, rules: Any, rates: Any, calendar: Any) -> None:
    apps = applications(small, small.law(), [x * 20 for x in LIMITS], FIRST, LAST, 1)
    loans = draw_applications(apps, 3, rules, rates, calendar, FIRST, LAST)
    assert (np.diff(loans.start) >= 0).all()
    assert (calendar.is_working[loans.start - calendar.first_day]).all()
    assert loans.start.min() >= FIRST
    assert loans.start.max() <= LAST
    assert (loans.status == OPEN).all()
    terms = clock.month_of(loans.due) - clock.month_of(loans.start)
    n = len(loans)
    for value, share in small.lending.term_months.items():
        assert abs((terms == value).mean() - share) < 4.9 * np.sqrt(share * (1 - share) / n)
    for value, share in small.lending.principal_yuan.items():
        assert abs((loans.balance == value * 100).mean() - share) < 4.9 * np.sqrt(share * (1 - share) / n)
    places = np.bincount(loans.township, minlength=12) / n
    assert np.abs(places - 1 / 12).max() < 4.9 * np.sqrt(0.0764 / n)
    other = draw_applications(apps, 4, rules, rates, calendar, FIRST, LAST)
    assert other.frame().to_csv() != loans.frame().to_csv()


def test_a_book_drawn_once_is_the_same_in_every_history(small: Scenario, rules: Any, rates: Any, calendar: Any) -> None:
    apps = applications(small.change(lending__drawn="once"), small.law(), LIMITS, FIRST, LAST, 1)
    a, b = (draw_applications(apps, r, rules, rates, calendar, FIRST, LAST).frame() for r in (0, 9))
    assert a.equals(b)


def test_a_month_cut_in_two_gives_different_loans(small: Scenario, rules: Any, rates: Any, calendar: Any) -> None:
    """The warm-up ends, and the histories begin, within one month; their draws differ by seed only."""
    cut = clock.day_of(dt.date(2018, 3, 15))
    big = [x * 20 for x in LIMITS]
    before = draw_applications(
        applications(small, small.law(), big, FIRST, cut - 1, 1), 0, rules, rates, calendar, FIRST, cut - 1
    )
    after = draw_applications(applications(small, small.law(), big, cut, LAST, 2), 0, rules, rates, calendar, cut, LAST)
    assert not set(before.id) & set(after.id)


def test_rates_by_term_and_day(rules: Any, rates: Any) -> None:
    start = np.array([clock.day_of(dt.date(2015, 10, d)) for d in (23, 24, 23, 24)])
    assert rate_ppm(rules, rates, start, np.array([12, 12, 13, 36])).tolist() == [46_000, 43_500, 50_000, 47_500]
    early = np.array([clock.day_of(dt.date(day, 1, 1)) for day in (2000, 1985)])
    first = int(rates["benchmark_one_year"][1][0])
    assert rate_ppm(rules, rates, early, np.array([12, 12])).tolist() == [
        58_500,
        first,
    ]  # the first row holds before it too


# --- portfolio ---------------------------------------------------------------------------------------


def portfolio(small: Scenario, drawn: str = "per_history") -> Scenario:
    groups = [
        {"township": t, "lender": bank, "households": 300, "loans_per_household": k, "principal_yuan": yuan, "p_default": 0.1,
         "originated_on": dt.date(2015, 3, 31), "term_months": 36}
        for t, bank, k, yuan in (("t03", "psbc", {1: 0.5, 3: 0.5}, 30_000), ("t05", "rcc", {1: 1.0}, 50_000))
    ]  # fmt: skip
    return small.with_changes(
        {"opening.kind": "portfolio", "opening.portfolio": groups, "opening.portfolio_drawn": drawn}
    )


CLASSES = {(0, 1): 0, (0, 3): 1, (1, 1): 2}


def test_a_portfolio_is_what_its_groups_say(small: Scenario) -> None:
    loans = draw_portfolio(portfolio(small), CLASSES, 0, 1)
    first = loans.lender == 1
    assert set(loans.township[first]) == {2}
    assert set(loans.balance[first]) == {3_000_000}
    assert set(loans.balance[~first]) == {5_000_000}
    assert (loans.due == clock.day_of(dt.date(2018, 3, 31))).all()
    households, counts = np.unique(loans.household, return_counts=True)
    assert households.size == 600
    assert np.unique(loans.id).size == len(loans)
    of_loan = counts[np.searchsorted(households, loans.household)]
    assert (loans.p_class == np.where(first, (of_loan == 3).astype(int), 2)).all()
    assert abs((counts == 3).sum() - 150) < 4.9 * np.sqrt(75)
    assert (np.diff(loans.household) >= 0).all()


def test_a_portfolio_can_be_drawn_once(small: Scenario) -> None:
    once = [draw_portfolio(portfolio(small, "once"), CLASSES, r, 1).frame() for r in (0, 5)]
    assert once[0].equals(once[1])
    each = [draw_portfolio(portfolio(small), CLASSES, r, 1).frame() for r in (0, 5)]
    assert not each[0].equals(each[1])


# --- loans as arrays ---------------------------------------------------------------------------------


def test_loans_as_arrays() -> None:
    loans = Loans.make(
        3, id=[7, 8, 9], household=[2, 1, 2], lender=0, township=0, balance=5, start=0, due=[30, 20, 10], rate_ppm=1
    )
    assert (loans.cause == NEVER).all()
    assert loans.by_household().id.tolist() == [8, 9, 7]
    assert loans.take(np.array([2, 0])).id.tolist() == [9, 7]
    assert Loans.from_frame(loans.frame()).frame().equals(loans.frame())
    both = Loans.concat([loans, loans.replace(balance=np.array([1, 1, 1]))])
    assert len(both) == 6
    assert both.balance.sum() == 18


# --- the lender's bookings ---------------------------------------------------------------------------


@pytest.mark.parametrize("paid_to_bank", [True, False])
def test_a_lender_books_months_and_settlements(paid_to_bank: bool) -> None:
    ledger = Ledger(journal=[])
    for account in ("cash:0", "book:0", "subsidy_due:0", "county_owes", "households", "debt"):
        ledger.open(account)
    ends = clock.last_day_of_month(np.array([576, 577]))
    env = clock.start(FIRST)
    interest = np.zeros(2, dtype=np.int64) if paid_to_bank else np.array([70, 30])
    env.process(lender(env, ledger, 0, ends, np.array([500, 0]), np.array([0, 200]), interest,
                       np.array([FIRST + 19, FIRST + 50]), np.array([70, 30])))  # fmt: skip
    env.run()
    ledger.check()
    assert ledger.balances["book:0"] == 300 == -ledger.balances["debt"]
    assert ledger.balances["subsidy_due:0"] == 100 == -ledger.balances["county_owes"]
    interest_first = 0 if paid_to_bank else 100
    assert ledger.balances["cash:0"] == -300 + interest_first
    assert ledger.balances["households"] == 300 - interest_first
    days = [p.day for p in ledger.journal or [] if p.what == "subsidy falls due"]
    assert days == [FIRST + 19, FIRST + 50]
