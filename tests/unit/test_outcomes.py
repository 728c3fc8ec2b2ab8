"""What a history says about its year, against slow recomputations from the list of claims."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sim import clock, outcomes
from sim.arms import horizon
from sim.booked import gone_on
from sim.errors import ConservationError
from sim.fund.claims import NEVER, return_of
from sim.fund.need import need
from sim.households.reduced_form import DEFAULTED
from sim.replication import prepare, simulate
from sim.warmup import opening_state
from sim.waterfall import WATERFALL

FIRST, LAST = outcomes.year_span(2018)


@pytest.fixture(params=["small", "tight"])
def histories(request: pytest.FixtureRequest) -> tuple[Any, list[Any]]:
    if request.param == "small":
        return request.getfixturevalue("setup"), request.getfixturevalue("worlds")
    return request.getfixturevalue("tight_setup"), request.getfixturevalue("tight_worlds")


def month_end(day: int) -> int:
    date = clock.date_of(day)
    first_of_next = dt.date(date.year + date.month // 12, date.month % 12 + 1, 1)
    return clock.day_of(first_of_next) - 1


def slow_need(setup: Any, world: Any) -> tuple[list[int], int]:
    """Day by day, claim by claim: what each sub-account, and all together, must hold on 1 January."""
    c = world.claims
    before = defaultdict(int, enumerate(world.loans.paid_fen[c.row].tolist()))
    for i, day, fen in (*world.flows.payments, *world.flows.backstop):
        if day < FIRST:
            before[i] += fen
    out, events = defaultdict(int), []
    for i in range(len(c)):
        if world.loans.paid[c.row[i]] >= 0:
            before[i] = int(c.fund_part[i])
        due, back = int(c.due[i]), int(c.recovered_on[i])
        if due == NEVER:
            continue
        account = int(setup.account_of[c.lender[i]])
        if due < FIRST and before[i] < c.fund_part[i] and back >= FIRST:
            events.append((FIRST, account, int(c.fund_part[i]) - before[i]))
        if FIRST <= due <= LAST and back > due:
            events.append((due, account, int(c.fund_part[i])))
        if back > due and FIRST <= month_end(min(back, LAST + 40)) <= LAST:
            fund, _ = return_of(setup.rules, int(c.cause[i]), int(c.amount[i]), int(c.fund_part[i]))
            events.append((month_end(back), account, -fund))
    events += [(day, account, -fen) for day, account, fen in setup.credits if FIRST <= day <= LAST]
    deepest = defaultdict(int)
    deepest_pooled, pooled = 0, 0
    for day in range(FIRST, LAST + 1):
        for when, account, fen in events:
            if when == day:
                out[account] += fen
                pooled += fen
        for account in out:
            deepest[account] = max(deepest[account], out[account])
        deepest_pooled = max(deepest_pooled, pooled)
    return [deepest[a] for a in range(setup.account_fen.size)], deepest_pooled


def test_need_against_a_walk_day_by_day(histories: tuple[Any, list[Any]]) -> None:
    setup, worlds = histories
    total = int(setup.account_fen.sum())
    seen = 0
    for world in worlds:
        row = outcomes.summary(setup, world)
        by_account, pooled = slow_need(setup, world)
        assert [row[f"need_{i}_fen"] for i in range(2)] == by_account
        assert row["need_pooled_fen"] == pooled
        assert row["need_free_split_fen"] == sum(by_account)
        gaps = [max(n - int(f), 0) for n, f in zip(by_account, setup.account_fen, strict=True)]
        assert [row[f"gap_{i}_fen"] for i in range(2)] == gaps
        assert row["gap_fen"] == sum(gaps)
        smallest = row["need_fen"]
        assert all(smallest * int(f) >= n * total for n, f in zip(by_account, setup.account_fen, strict=True))
        assert (
            any((smallest - 1) * int(f) < n * total for n, f in zip(by_account, setup.account_fen, strict=True))
            or smallest == 0
        )
        seen += sum(by_account)
    assert seen > 0


def test_the_slow_walk_would_notice_a_lost_claim(tight_setup: Any, tight_worlds: list[Any]) -> None:
    world = simulate(tight_setup, 0)
    exact = slow_need(tight_setup, world)
    at = np.flatnonzero(
        (world.claims.due >= FIRST) & (world.claims.due <= LAST) & (world.claims.recovered_on > world.claims.due)
    )
    world.claims.due[at[0]] = NEVER
    assert slow_need(tight_setup, world) != exact


def test_a_claim_collected_on_the_day_it_falls_due_is_not_paid(tight_setup: Any) -> None:
    world = simulate(tight_setup, 0)
    c = world.claims
    at = np.flatnonzero((c.due >= FIRST) & (c.due <= LAST) & (c.recovered_on > c.due))[:5]
    before = outcomes.shadow_flows(tight_setup, world, FIRST, LAST)[0].sum()
    c.recovered_on[at] = c.due[at]
    payments, receipts = outcomes.shadow_flows(tight_setup, world, FIRST, LAST)
    assert payments.sum() == before - c.fund_part[at].sum()
    by_account, _ = slow_need(tight_setup, world)
    assert need(payments, receipts).tolist() == by_account


def slow_waterfall(world: Any) -> dict[str, int]:
    """Each claim alive in the year put into one basket by its own dates."""
    c = world.claims
    parts = dict.fromkeys(WATERFALL, 0)
    claimable = 0
    for i in range(len(c)):
        already = int(c.fund_part[i]) if world.loans.paid[c.row[i]] >= 0 else int(world.loans.paid_fen[c.row[i]])
        paid_before = already + sum(
            f for j, d, f in (*world.flows.payments, *world.flows.backstop) if j == i and d < FIRST
        )
        paid = already + sum(f for j, d, f in (*world.flows.payments, *world.flows.backstop) if j == i and d <= LAST)
        decided = c.decided[i] if c.decided[i] != NEVER else 10**9
        if c.entitled[i] > LAST or c.recovered_on[i] < FIRST or paid_before >= c.fund_part[i]:
            continue
        if c.is_refused[i] and decided < FIRST:
            continue
        claimable += int(c.amount[i])
        refused_first = c.is_refused[i] and decided <= LAST and decided < c.recovered_on[i]
        if c.recovered_on[i] <= LAST and paid == 0 and not refused_first:
            parts["repaid_before_payment"] += int(c.amount[i])
        elif decided > LAST:
            parts["in_process"] += int(c.amount[i])
        elif c.is_refused[i]:
            parts["refused"] += int(c.amount[i])
        else:
            parts["bank"] += int(c.bank_part[i])
            parts["fund_paid"] += paid
            ended = "repaid_before_payment" if c.recovered_on[i] <= LAST else "fund_approved_waiting"
            parts[ended] += int(c.fund_part[i]) - paid
    return {"claimable": claimable, **parts}


def test_waterfall_against_a_sort_claim_by_claim(histories: tuple[Any, list[Any]]) -> None:
    setup, worlds = histories
    filled = set()
    for world in worlds:
        row, slow = outcomes.summary(setup, world), slow_waterfall(world)
        assert row["claimable_fen"] == slow.pop("claimable")
        assert {k: row[f"waterfall_{k}_fen"] for k in WATERFALL} == slow
        assert sum(slow.values()) == row["claimable_fen"]
        back = [(f, b) for _, day, f, b in world.flows.returns if FIRST <= day <= LAST]
        assert (
            (row["recovered_to_fund_fen"], row["recovered_to_bank_fen"]) == tuple(map(sum, zip(*back, strict=True)))
            if back
            else (0, 0)
        )
        assert (
            row["recovered_fen"]
            == row["recovered_to_fund_fen"] + row["recovered_to_bank_fen"] + row["recovered_to_insurer_fen"]
        )
        filled |= {k for k, fen in slow.items() if fen}
    assert filled >= {"in_process", "refused", "bank", "fund_paid"}


def test_a_waterfall_that_does_not_add_up_stops(setup: Any) -> None:
    with pytest.raises(ConservationError, match="waterfall adds up to"):
        for replication in range(5):
            world = simulate(setup, replication)
            world.claims.bank_part[:] += 1
            outcomes.summary(setup, world)


def test_default_shares_against_a_loop(histories: tuple[Any, list[Any]]) -> None:
    setup, worlds = histories
    for world in worlds:
        row = outcomes.summary(setup, world)
        due = bad = n_due = n_bad = 0
        for i in range(len(world.loans)):
            if world.loans.status[i] == 3 or not FIRST <= world.fates.missed[i] <= LAST:
                continue
            due, n_due = due + int(world.loans.balance[i]), n_due + 1
            if world.fates.fate[i] == DEFAULTED:
                bad, n_bad = bad + int(world.loans.balance[i]), n_bad + 1
        assert (row["due_fen"], row["due_count"]) == (due, n_due)
        assert (row["defaulted_fen"], row["defaulted_count"]) == (bad, n_bad)
        assert 0 <= row["compensable_fen"] <= bad
        assert row["hidden_fen"] == 0
        assert row["bad_fen"] <= row["overdue_fen"] <= row["outstanding_fen"]


def test_the_list_of_defaults_against_a_loop(small: Any) -> None:
    """Also where loans are renewed: one that was due in the year and defaults a year later is not on the list."""
    changes = {"rules.loan.renewals_max": 1, "defaults.renewed_instead": 0.5, "defaults.anchor": "high"}
    renewing = small.with_changes(changes)
    setup = prepare(renewing, 11, opening_state(renewing), horizon(renewing))
    seen = renewed = 0
    for world in (simulate(setup, r) for r in range(2)):
        loans, fates, table = world.loans, world.fates, outcomes.defaults(setup, world)
        expected = []
        for i in range(len(loans)):
            is_listed = fates.fate[i] == DEFAULTED and FIRST <= fates.missed[i] <= LAST and loans.status[i] != 3
            renewed += fates.fate[i] == DEFAULTED and FIRST <= loans.due[i] <= LAST < fates.missed[i]
            if is_listed:
                where = (loans.lender[i], loans.township[i], loans.balance[i], fates.missed[i], fates.cause[i])
                expected.append((loans.id[i], loans.household[i], *where, loans.start[i] < FIRST))
        names = ("loan", "household", "lender", "township", "balance_fen", "missed", "cause", "in_opening")
        assert list(zip(*(table[name] for name in names), strict=True)) == expected
        assert set(table["replication"]) == {world.replication}
        seen += len(expected)
    assert seen > 0 and renewed > 0


def test_months_agree_with_the_years_end(setup: Any, worlds: list[Any]) -> None:
    for world in worlds:
        row, table = outcomes.summary(setup, world), outcomes.months(setup, world)
        december = table["month"] == table["month"].max()
        for name in ("outstanding_fen", "overdue_fen", "bad_fen"):
            assert table[name][december].sum() == row[name]
        assert table["fund_fen"][december].tolist() == [world.ledger.balances[f"fund:{i}"] for i in (0, 1)]
        assert len({len(column) for column in table.values()}) == 1


def test_stock_is_counted_loan_by_loan(setup: Any, worlds: list[Any]) -> None:
    world = worlds[0]
    table = outcomes.months(setup, world)
    gone = gone_on(setup, world)
    for k, end in enumerate(setup.month_ends):
        held = (world.loans.start <= end) & (gone > end) & (world.loans.status != 3)
        for index in range(2):
            at = (table["month"] == setup.first_month + k) & (table["lender"] == index)
            assert table["outstanding_fen"][at].sum() == world.loans.balance[held & (world.loans.lender == index)].sum()


def test_dry_months_belong_to_their_drought_years(setup: Any, worlds: list[Any]) -> None:
    """A drought year begins in November: ten months of 2018 lie in the first one, two in the next."""
    for world in worlds:
        first, second = world.paths.is_dry[:2].tolist()
        assert outcomes.summary(setup, world)["dry_months"] == 10 * first + 2 * second
    off = replace(setup, scenario=setup.scenario.change(defaults__drought__on=False))
    assert outcomes.dry_months(off, worlds[0], 2018) == 0


LONGER_SAYS_MORE = {
    "runoff_need_fen", "compensable_fen", "n_events", "clerk_minutes", "oldest_wait_days", "wait_is_censored", "fiscal_debt_fen", "subsidy_entitled_fen",
    "subsidy_unpaid_90d_fen", "subsidy_entitled_q4_fen", "subsidy_unpaid_90d_q4_fen",
}  # fmt: skip


@pytest.mark.parametrize(
    "death_calls",
    [
        False,
        True,
    ],
)  # fmt: skip
def test_the_sized_year_does_not_depend_on_the_horizon(death_calls: bool, tight: Any, tight_setup: Any) -> None:
    scenario = tight.change(defaults__death_calls_loan=death_calls)
    long, short = (prepare(scenario, 11, tight_setup.opening, last) for last in (tight_setup.last_day, LAST))
    for r in range(4):
        a, b = (outcomes.summary(s, simulate(s, r)) for s in (long, short))
        assert {k for k in a if a[k] != b[k]} <= LONGER_SAYS_MORE


def test_fiscal_debt_of_the_year_does_not_depend_on_the_horizon(small: Any, opening: Any) -> None:
    poor = small.change(fiscal__budget_share=0.3)
    long, short = prepare(poor, 1, opening, horizon(poor)), prepare(poor, 1, opening, LAST)
    for r in range(3):
        a, b = (outcomes.summary(s, simulate(s, r))["fiscal_debt_fen"] for s in (long, short))
        assert a == b


def test_waiting_ends_when_the_loan_is_collected(tight_setup: Any) -> None:
    for r in range(10):
        world = simulate(tight_setup, r)
        c, row = world.claims, outcomes.summary(tight_setup, world)
        longest = 0
        for i in range(len(c)):
            if FIRST <= c.first_wait[i] <= LAST:
                paid = c.paid_on[i] if c.paid[i] >= c.fund_part[i] else tight_setup.last_day
                longest = max(longest, int(min(paid, c.recovered_on[i]) - c.first_wait[i]))
        assert row["oldest_wait_days"] == longest


def test_a_loan_refused_a_year_ago_is_off_the_books(tight_setup: Any, tight_worlds: list[Any]) -> None:
    """Refusals before 1 January 2018 are a year old on 31 December 2018, like those of the histories."""
    for world in tight_worlds:
        refused = world.loans.refused != -1
        assert refused.any()
        assert not (gone_on(tight_setup, world)[refused] > LAST).any()


def test_monthly_levels_against_a_count_at_each_month_end(tight_setup: Any, tight_worlds: list[Any]) -> None:
    """Waiting claims and unpaid subsidy, counted anew at every month's end from the payments made by then."""
    seen = 0
    for world in tight_worlds:
        table, k = outcomes.months(tight_setup, world), tight_setup.set_fen.size
        c, lists = world.claims, world.lists
        for m, end in enumerate(tight_setup.month_ends):
            paid = outcomes._paid_by(world, int(end))
            rows = (c.due != -1) & (c.due <= end) & (c.recovered_on > np.maximum(end, c.due))
            rows &= world.loans.paid[c.row] < 0
            assert table["claims_waiting_fen"][m * k] == int((c.fund_part - paid)[rows].sum())
            unpaid = sum(fen for fen, day in zip(lists.amount, lists.period_end, strict=True) if day <= end)
            unpaid -= sum(fen for _, day, fen in lists.payments if day <= end)
            assert table["subsidy_unpaid_fen"][m * k] == unpaid
            seen += int(rows.any())
    assert seen > 0
