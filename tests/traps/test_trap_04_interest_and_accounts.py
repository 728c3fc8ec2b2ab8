"""Trap 4: interest on the fund and on the subsidy account joins the fund; lenders' sub-accounts are not one pot.

The county brings the accounts up to their set size at the start of the sized year; what was there is not counted twice.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from sim import clock
from sim.outcomes import summary
from sim.replication import prepare, simulate
from sim.warmup import opening_state

END_OF_2018 = clock.day_of(dt.date(2018, 12, 31))


def grown(scenario: Any, opening: Any) -> tuple[int, int, int]:
    """Interest on the fund and on subsidy cash in a history [fen], and by how much both lifted the fund's balance."""
    setup = prepare(scenario, 11, opening, END_OF_2018)
    w = simulate(setup, 0, keep_journal=True)
    of_fund = of_cash = moved = 0
    for posting in w.ledger.journal:
        into = sum(fen for account, fen in posting.legs if account.startswith("fund:"))
        if posting.what == "deposit interest":
            of_fund += into
        elif posting.what == "interest on subsidy cash":
            of_cash += into
        if posting.what != "fund set up":
            moved += into
    held = sum(fen for account, fen in w.ledger.balances.items() if account.startswith("fund:"))
    begin = int(setup.account_fen.sum())
    assert held == begin + moved
    paid = sum(f for *_, f in w.flows.payments)
    back = sum(f for _, _, f, _ in w.flows.returns)
    return of_fund, of_cash, held - begin + paid - back


def test_both_interests_stay_in_the_fund(small: Any, opening: Any) -> None:
    """Four fifths at 1.5 per cent for the year and the rest at 0.35: about 1.27 per cent; that on cash is less."""
    of_fund, of_cash, lifted = grown(small, opening)
    assert lifted == of_fund + of_cash
    assert 0.010 < of_fund / 80_000_000 < 0.014
    assert 0 < of_cash < of_fund


@pytest.mark.parametrize(
    ("joins", "which"), [([], (False, False)), (["fund"], (True, False)), (["subsidy"], (False, True))]
)
def test_a_fund_whose_interest_goes_elsewhere_has_fallen_in(
    joins: list[str], which: tuple[bool, bool], small: Any, opening: Any
) -> None:
    """The rule is what moves it: named accounts join, others do not, and the balance shows it."""
    of_fund, of_cash, lifted = grown(small.with_changes({"rules.fund.interest_joins": joins}), opening)
    assert (of_fund > 0, of_cash > 0) == which
    assert lifted == of_fund + of_cash


def test_interest_lowers_the_need(small: Any, opening: Any) -> None:
    with_it, without = (
        prepare(small.with_changes({"rules.fund.interest_joins": joins}), 11, opening, END_OF_2018)
        for joins in (["fund", "subsidy"], [])
    )
    need = [[summary(s, simulate(s, r))["need_fen"] for r in range(6)] for s in (with_it, without)]
    assert (np.array(need[0]) <= np.array(need[1])).all()
    assert sum(need[0]) < sum(need[1])


# --- not one pot -------------------------------------------------------------------------------------


def test_two_accounts_need_more_than_one_pot(tight_setup: Any, tight_worlds: list[Any]) -> None:
    """The ring-fenced total is never below the pooled need, and above it in some history."""
    rows = [summary(tight_setup, w) for w in tight_worlds]
    assert all(r["need_fen"] >= r["need_pooled_fen"] for r in rows)
    assert any(r["need_fen"] > r["need_pooled_fen"] for r in rows)


def test_no_account_pays_for_the_other_lender(tight_setup: Any, tight_worlds: list[Any]) -> None:
    """A claim waits on its own lender's empty account while the other has money."""
    seen = False
    for w in tight_worlds:
        balances = np.array(w.records)[:, :2]
        waiting = w.claims.first_wait >= 0
        for lender in (0, 1):
            months = (
                clock.month_of(w.claims.first_wait[waiting & (w.claims.lender == lender)]) - tight_setup.first_month
            )
            months = months[months < len(balances)]
            seen |= bool((balances[months, 1 - lender] > 0).any())
        assert (balances >= 0).all()
    assert seen


def test_one_pot_has_fallen_in(tight: Any) -> None:
    """Where the pack pools the accounts there is one balance, and the price of ring-fencing is nothing."""
    pooled = tight.with_changes({"rules.fund.ring_fenced": False})
    setup = prepare(pooled, 11, opening_state(pooled), END_OF_2018)
    assert setup.account_fen.size == 1
    for r in range(3):
        row = summary(setup, simulate(setup, r))
        assert row["need_fen"] == row["need_pooled_fen"]


# --- refilled ----------------------------------------------------------------------------------------

NEW_YEAR = {year: clock.day_of(dt.date(year, 1, 1)) for year in (2018, 2019, 2020)}


def test_the_top_up_of_january_is_what_is_missing_and_no_more(small: Any) -> None:
    """From 30 September the accounts run with what they hold; on 1 January the county fills each to its set size."""
    earlier = small.with_changes({"information_on": "2017-09-30"})
    setup = prepare(earlier, 11, opening_state(earlier), END_OF_2018)
    w = simulate(setup, 0)
    carried, added = np.array(w.flows.carried_over), np.zeros(setup.account_fen.size, dtype=np.int64)
    for day, account, fen in w.flows.top_ups:
        assert day == NEW_YEAR[2018]
        added[account] += fen
    assert np.array_equal(added, np.maximum(setup.account_fen - carried, 0))
    assert added.sum() > 0
    assert summary(setup, w)["carried_over_fen"] == carried.sum()


def years_of(tight: Any, rule: str) -> tuple[np.ndarray, Any]:
    """Balances on the morning of 1 January 2019 and 2020 and after the top-up, and the history."""
    scenario = tight.with_changes({"rules.fund.top_up": rule})
    setup = prepare(scenario, 11, opening_state(scenario), clock.day_of(dt.date(2020, 6, 30)))
    w = simulate(setup, 0)
    at = [(dt.date(year, 1, 1).year - 1970) * 12 - 1 - setup.first_month for year in (2019, 2020)]
    return np.array(w.records)[at, :2], w


def test_year_end_stock_below_the_set_amount_is_refilled(tight: Any) -> None:
    """Each account up to its own set amount, at the start of next year, whatever the other one holds."""
    stock, w = years_of(tight, "to_set_size")
    added = np.zeros((2, 2), dtype=np.int64)
    for day, account, fen in w.flows.top_ups:
        if day != NEW_YEAR[2018]:
            added[[NEW_YEAR[2019], NEW_YEAR[2020]].index(day), account] += fen
    assert (stock < [6_000_000, 2_000_000]).any()
    assert np.array_equal(added, np.maximum(np.array([6_000_000, 2_000_000]) - stock, 0))


def test_a_refill_that_never_comes_has_fallen_in(tight: Any) -> None:
    _, w = years_of(tight, "none")
    assert not [day for day, *_ in w.flows.top_ups if day != NEW_YEAR[2018]]
