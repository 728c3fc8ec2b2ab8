"""Top-ups after the sized year, the yearly cap on payments, and how soon recoveries come back, in whole histories."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sim import clock, outcomes, years
from sim.arms import horizon
from sim.clock import day_in_year
from sim.filing import courses
from sim.fund.account import Flows, fund_accounts, hand_over_days
from sim.fund.claims import NEVER
from sim.law.pack import load_calendar
from sim.lending.granting_kernel import over
from sim.replication import prepare, simulate
from sim.warmup import opening_state
from tests.accounts import fund_ledger

NEW_YEARS = [day_in_year(y, "01-01") for y in range(2019, 2023)]
FIRST = day_in_year(2018, "01-01")


@pytest.fixture(scope="module")
def state(tight: Any) -> Any:
    return opening_state(tight)


def history(tight: Any, state: Any, replication: int = 1, journal: bool = False, **rules: Any) -> tuple[Any, Any]:
    changes = {f"rules.{key.replace('__', '.')}": value for key, value in rules.items()}
    scenario = tight.with_changes(changes)
    setup = prepare(scenario, 11, state, horizon(scenario))
    return setup, simulate(setup, replication, keep_journal=journal)


def balance_on(setup: Any, world: Any, day: int) -> list[int]:
    """Balances of the accounts on the evening before a day, from the journal."""
    out = dict.fromkeys(("fund:0", "fund:1"), 0)
    for posting in world.ledger.journal:
        for account, fen in posting.legs if posting.day < day else ():
            if account in out:
                out[account] += fen
    return list(out.values())


def test_without_a_rule_nothing_is_added_after_the_sized_year(tight: Any, state: Any) -> None:
    setup, world = history(tight, state)
    assert world.flows.top_ups == []
    row = years.by_year(setup, world)
    assert row["top_up_y0_0_fen"] == max(int(setup.account_fen[0]) - state.fund_fen[0], 0)
    assert all(row[f"top_up_y{k}_{i}_fen"] == 0 for k in (1, 2, 3) for i in (0, 1))
    named = history(tight, state, fund__top_up="none")[1]
    assert named.ledger.balances == world.ledger.balances


def test_a_refill_brings_what_is_missing_at_the_years_end(tight: Any, state: Any) -> None:
    setup, world = history(tight, state, journal=True, fund__top_up="to_set_size")
    assert {day for day, *_ in world.flows.top_ups} == set(NEW_YEARS)
    for day in NEW_YEARS:
        before = balance_on(setup, world, day)
        added = [fen for when, _, fen in world.flows.top_ups if when == day]
        assert added == [max(int(size) - fen, 0) for size, fen in zip(setup.account_fen, before, strict=True)]
    assert sum(fen for *_, fen in world.flows.top_ups) > 0
    row = years.by_year(setup, world)
    for i in (0, 1):
        assert row[f"top_up_y2_{i}_fen"] == sum(f for d, a, f in world.flows.top_ups if a == i and d == NEW_YEARS[1])


def test_the_county_pays_for_a_refill(tight: Any, state: Any) -> None:
    """What it adds is what it pays out of its own account beside the backstop, to the fen."""
    _, world = history(tight, state, fund__top_up="to_set_size")
    paid = sum(fen for *_, fen in world.flows.top_ups) + sum(fen for *_, fen in world.flows.backstop)
    bare = history(tight, state)[1]
    assert world.ledger.balances["county"] + paid == bare.ledger.balances["county"] + sum(
        f for *_, f in bare.flows.backstop
    )


def test_the_day_of_a_refill_is_the_packs(tight: Any, state: Any) -> None:
    _, world = history(tight, state, fund__top_up="to_set_size", fund__top_up_on="03-15")
    assert {day for day, *_ in world.flows.top_ups} == {day_in_year(y, "03-15") for y in range(2018, 2023)}


def test_a_top_up_is_no_receipt_of_the_need(tight: Any, state: Any) -> None:
    bare, refilled = (
        history(tight, state, **rule) for rule in ({}, {"fund__top_up": "to_set_size", "fund__top_up_on": "03-15"})
    )
    assert sum(fen for *_, fen in refilled[1].flows.top_ups if fen) > 0
    assert outcomes.summary(*refilled)["need_fen"] == outcomes.summary(*bare)["need_fen"]


def test_to_the_multiple_asks_for_the_book_over_the_multiple(tight: Any, state: Any) -> None:
    setup, world = history(tight, state, journal=True, fund__top_up="to_multiple")
    row = years.by_year(setup, world)
    multiple = 100_000_000  # 1:100 in parts per million
    for k, day in enumerate(NEW_YEARS[:3], 1):
        loans = courses(setup, world.loans, world.fates, world.replication)
        counts = (loans.start < day) & (loans.release >= day)
        used = np.bincount(loans.lender[counts], weights=loans.covered[counts], minlength=2)
        before, added = balance_on(setup, world, day), [f for d, _, f in world.flows.top_ups if d == day]
        for i in (0, 1):
            aim = over(int(used[i]), multiple)
            assert row[f"top_up_to_y{k}_{i}_fen"] == aim
            assert added[i] == max(aim - before[i], 0)


def test_to_demand_moves_the_set_size_and_the_limit(tight: Any, state: Any) -> None:
    """Demand above the limit: the refused of a year are in next year's size, and more is lent than without the rule."""
    eager = {"lending.demand_over_limit": 1.6}
    plain, grows = (history(tight.with_changes(eager), state, **rule) for rule in ({}, {"fund__top_up": "to_demand"}))
    assert grows[1].set_fen.sum() > plain[0].set_fen.sum()
    assert len(grows[1].loans) > len(plain[1].loans)
    assert plain[1].set_fen.tolist() == plain[0].set_fen.tolist()


def test_a_warm_up_refills_as_the_rules_say(small: Any) -> None:
    bad = {"defaults.anchor": "high"}
    rule = {"rules.fund.top_up": "to_set_size", "rules.fund.top_up_on": "11-01"}
    bare, refilled = (opening_state(small.with_changes({**bad, **c})) for c in ({}, rule))
    assert sum(refilled.fund_fen) > sum(bare.fund_fen)


# --- the cap on a year's payments -------------------------------------------------------------------------


def pays(rules: Any, claims: Any, fund_fen: list[int], days: list[str]) -> tuple[Any, Flows]:
    ledger, flows, env = fund_ledger(FIRST, fund_fen), Flows(), clock.start(FIRST)
    at = sorted(clock.day_of(dt.date.fromisoformat(d)) for d in days)
    env.process(fund_accounts(env, ledger, rules, load_calendar(), claims, np.array([0, 1]), [], at, set(), flows))
    env.run()
    ledger.check()
    return ledger, flows


def capped(rules: Any, share: float) -> Any:
    return replace(rules, fund=replace(rules.fund, payout_cap_share=share))


def test_a_fifth_of_the_years_first_balance_is_paid_and_the_rest_waits_for_the_next(
    rules: Any, make_claims: Any
) -> None:
    claims = make_claims(3, fund_part=15, decided=FIRST, due=[FIRST + 9, FIRST + 20, FIRST + 20])
    _, flows = pays(capped(rules, 0.2), claims, [100, 0], ["2018-01-01", "2018-01-10", "2018-01-21", "2019-01-01"])
    assert [(i, fen) for i, _, fen in flows.payments] == [(0, 15), (1, 5), (1, 10), (2, 6)]  # 20 of 100, then 16 of 80
    assert flows.capped_from == {1: FIRST + 20, 2: FIRST + 20}
    assert (claims.first_wait == NEVER).all()  # the money was there
    assert claims.paid.tolist() == [15, 15, 6]


def test_a_cap_of_one_caps_nothing(rules: Any, make_claims: Any) -> None:
    claims = make_claims(2, fund_part=60, decided=FIRST, due=FIRST + 9)
    _, flows = pays(capped(rules, 1.0), claims, [100, 0], ["2018-01-01", "2018-01-10"])
    assert claims.paid.tolist() == [60, 40]
    assert flows.capped_from == {}
    assert claims.first_wait.tolist() == [NEVER, FIRST + 9]


def test_a_cap_delays_cash_and_leaves_the_need_alone(small: Any, opening: Any) -> None:
    rows = []
    for changes in ({}, {"rules.fund.payout_cap_share": 0.02}):
        scenario = small.with_changes({"defaults.anchor": "high", **changes})
        setup = prepare(scenario, 11, opening, horizon(scenario))
        rows.append(outcomes.summary(setup, simulate(setup, 2)))
    free, tight_row = rows
    assert tight_row["need_fen"] == free["need_fen"]
    assert tight_row["waterfall_fund_paid_fen"] < free["waterfall_fund_paid_fen"]
    assert tight_row["capped_count"] > 0
    assert tight_row["capped_wait_days"] > 0
    assert "capped_count" not in free


# --- recoveries -------------------------------------------------------------------------------------------


def test_recoveries_come_back_within_the_working_days(rules: Any, make_claims: Any) -> None:
    """Collected on Sunday 21 January: at once, on Monday; in five working days, on Friday; without a rule, at the month's end."""
    at_once, soon = (replace(rules, recovery=replace(rules.recovery, return_working_days=n)) for n in (0, 5))
    days = [str(clock.date_of(d)) for d in range(FIRST, FIRST + 40)]
    found = []
    for r in (at_once, soon, rules):
        claims = make_claims(
            1, fund_part=70, amount=100, principal=95, decided=FIRST, due=FIRST + 9, recovered_on=FIRST + 20
        )
        found.append(pays(r, claims, [100, 0], days)[1].returns)
    assert found == [[(0, FIRST + n, 70, 30)] for n in (21, 25, 30)]


def test_no_day_of_collection_is_left_out(rules: Any) -> None:
    """Whatever the days, each collection up to the horizon is handed over once, and never before its day."""
    calendar = load_calendar()
    for n in (None, 0, 5, 30):
        r = replace(rules, recovery=replace(rules.recovery, return_working_days=n))
        days = np.arange(FIRST, FIRST + 100, 3)
        upto = [*hand_over_days(r, calendar, days).items()]
        assert upto[-1] == (days[-1], days[-1])
        assert [c for _, c in upto] == sorted(c for _, c in upto)
        assert all(c <= d for d, c in upto)


@pytest.mark.parametrize("days", [0, 5])
def test_the_need_counts_recoveries_when_they_are_handed_over(tight: Any, state: Any, days: int) -> None:
    """The shadow account's receipts fall on the days on which the real one is credited."""
    setup, world = history(tight, state, recovery__return_working_days=days)
    first, last = outcomes.year_span(2018)
    _, receipts = outcomes.shadow_flows(setup, world, first, last)
    interest = np.zeros_like(receipts)
    for day, i, fen in setup.credits:
        if first <= day <= last:
            interest[day - first, i] += fen
    returned = {day for _, day, fund, _ in world.flows.returns if first <= day <= last and fund}
    on_shadow = {first + int(d) for d in np.flatnonzero((receipts - interest).sum(axis=1))}
    assert returned
    assert returned <= on_shadow  # the real account may still have been waiting for money where the shadow had paid
    assert any(clock.date_of(d + 1).day != 1 for d in returned)
