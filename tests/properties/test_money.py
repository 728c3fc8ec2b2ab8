"""What must always hold of money, whatever the book and the rules: made-up claims and whole histories."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim import clock, outcomes
from sim.fund.account import Flows, fund_accounts
from sim.fund.claims import FAR, return_of, split
from sim.fund.need import need, need_path
from sim.law.pack import load_calendar
from sim.ledger import Ledger
from sim.replication import prepare, simulate
from sim.units import interest, share_of
from tests.accounts import fund_ledger

FIRST = clock.day_of(dt.date(2018, 1, 1))
FEN = st.integers(0, 10**9)
modest = settings(deadline=None, max_examples=40)


# --- rounding ----------------------------------------------------------------------------------------


@modest
@given(st.integers(0, 10**11), st.integers(0, 1_000_000))
def test_a_share_and_its_rest_make_the_whole(fen: int, ppm: int) -> None:
    part = share_of(fen, ppm)
    assert 0 <= part <= fen
    assert abs(part * 1_000_000 - fen * ppm) <= 500_000


@modest
@given(st.integers(0, 10**9), st.integers(0, 360_000), st.integers(0, 2000), st.integers(0, 2000))
def test_interest_grows_with_days_and_splits_to_a_fen(fen: int, ppm: int, a: int, b: int) -> None:
    whole = interest(fen, ppm, a + b, 360)
    assert whole >= interest(fen, ppm, a, 360)
    assert abs(whole - interest(fen, ppm, a, 360) - interest(fen, ppm, b, 360)) <= 1


@modest
@given(st.integers(1, 10**10), st.integers(0, 10**10), st.integers(0, 3))
def test_recovered_money_is_shared_without_rest(rules: Any, recovered: int, paid: int, cause: int) -> None:
    fund, bank = return_of(rules, cause, recovered, paid)
    assert fund + bank == recovered
    assert 0 <= fund <= min(recovered, paid)


@modest
@given(st.integers(0, 10**10), st.integers(0, 100))
def test_a_higher_share_never_lowers_the_funds_part(rules: Any, fen: int, percent: int) -> None:
    def with_share(p: int) -> Any:
        return replace(rules, loss=replace(rules.loss, shares={"fund": p / 100, "bank": 1 - p / 100}))

    fund, bank = split(with_share(percent), fen)
    assert fund + bank == fen
    if percent < 100:
        assert split(with_share(percent + 1), fen)[0] >= fund


# --- need --------------------------------------------------------------------------------------------

flows = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=40)


@modest
@given(flows, st.integers(0, 200), st.integers(0, 50))
def test_more_money_never_raises_shortfall_or_gap(days: list[tuple[int, int]], size: int, more: int) -> None:
    payments, receipts = (np.array(x, dtype=np.int64)[:, None] for x in zip(*days, strict=True))
    needed = int(need(payments, receipts)[0])
    assert (needed > size + more) <= (needed > size)
    assert max(needed - size - more, 0) <= max(needed - size, 0)
    # the need is the smallest opening balance with which no day is short
    path = need_path(payments, receipts)[:, 0]
    assert (needed - path >= 0).all()
    assert needed == 0 or (needed - 1 - path < 0).any()


@modest
@given(st.lists(st.tuples(*[st.integers(0, 50)] * 4), min_size=1, max_size=30))
def test_pooling_never_needs_more(days: list[tuple[int, ...]]) -> None:
    table = np.array(days, dtype=np.int64)
    payments, receipts = table[:, :2], table[:, 2:]
    each = need(payments, receipts)
    assert int(need(payments.sum(axis=1), receipts.sum(axis=1))) <= each.sum()
    assert outcomes.required_total(each, np.array([3, 1])) >= each.sum()


# --- the real accounts -------------------------------------------------------------------------------

claim = st.tuples(
    st.integers(0, 120), st.integers(1, 60), st.integers(0, 1), st.one_of(st.none(), st.integers(-30, 300))
)


def pay(
    rules: Any, make_claims: Any, rows: list[Any], fund: tuple[int, int], credits: list[tuple[int, int, int]]
) -> tuple[Any, Ledger, Flows]:
    """Run the accounts over claims (due, fund's part, lender, days from due to collection)."""
    due, part, lender, back = zip(*rows, strict=True)
    due_days = np.array(due) + FIRST
    n = len(rows)
    recovered = [FAR if b is None else int(d) + b for d, b in zip(due_days, back, strict=True)]
    claims = make_claims(n, lender=lender, fund_part=part, bank_part=part, amount=2 * np.array(part), principal=part,
                         decided=due_days - 7, due=due_days, recovered_on=recovered)  # fmt: skip
    ledger, out = fund_ledger(FIRST, fund), Flows()
    days = sorted({*due_days.tolist(), *(d for d, *_ in credits), *(FIRST + d for d in range(0, 430, 5))}
                  | {int(clock.last_day_of_month(np.array([576 + k]))[0]) for k in range(14)})  # fmt: skip
    env = clock.start(FIRST)
    env.process(
        fund_accounts(
            env,
            ledger,
            rules,
            load_calendar(),
            claims,
            np.array([0, 1]),
            credits,
            days,
            {clock.day_of(dt.date(2019, 3, 1))},
            out,
        )
    )
    env.run()
    ledger.check()
    return claims, ledger, out


rows_of_claims = st.lists(claim, min_size=1, max_size=12)
credit_rows = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 1), st.integers(1, 60)), max_size=5)


@modest
@given(rows_of_claims, st.tuples(st.integers(0, 200), st.integers(0, 200)), credit_rows)
def test_accounts_lose_nothing(rules: Any, make_claims: Any, rows: Any, fund: tuple[int, int], credits: Any) -> None:
    credit = sorted((FIRST + d, i, f) for d, i, f in credits)
    claims, ledger, out = pay(rules, make_claims, rows, fund, credit)
    paid = sum(fen for _, _, fen in out.payments)
    back = sum(fund for _, _, fund, _ in out.returns)
    assert ledger.balances["fund:0"] + ledger.balances["fund:1"] == sum(fund) + sum(f for *_, f in credit) + back - paid
    assert claims.paid.sum() == paid + sum(fen for _, _, fen in out.backstop)
    assert (claims.paid <= claims.fund_part).all()
    assert all(fen > 0 for _, _, fen in out.payments)
    assert all(day >= claims.due[i] for i, day, _ in out.payments)


@modest
@given(rows_of_claims, st.tuples(st.integers(0, 200), st.integers(0, 200)), st.integers(1, 100))
def test_a_larger_opening_balance_never_pays_later(
    rules: Any, make_claims: Any, rows: Any, fund: tuple[int, int], more: int
) -> None:
    """With nothing collected in between: by every day, on every claim, at least as much has been paid."""
    rows = [(due, part, lender, None) for due, part, lender, _ in rows]
    small, _, small_flows = pay(rules, make_claims, rows, fund, [])
    large, _, large_flows = pay(rules, make_claims, rows, (fund[0] + more, fund[1]), [])
    for i in range(len(rows)):
        for day in range(FIRST, FIRST + 430, 5):
            by = [
                sum(f for j, d, f in x.payments + x.backstop if j == i and d <= day) for x in (small_flows, large_flows)
            ]
            assert by[1] >= by[0]
    assert ((large.first_wait == -1) | (small.first_wait != -1)).all()


@modest
@given(rows_of_claims, st.permutations(range(12)))
def test_the_order_in_which_claims_are_listed_matters_only_for_equal_meetings(
    rules: Any, make_claims: Any, rows: Any, order: Any
) -> None:
    """With enough money nobody waits, whatever the order."""
    order = [k for k in order if k < len(rows)]
    a, _, _ = pay(rules, make_claims, rows, (10_000, 10_000), [])
    b, _, _ = pay(rules, make_claims, [rows[k] for k in order], (10_000, 10_000), [])
    assert b.paid.tolist() == a.paid[order].tolist()
    assert (a.first_wait == -1).all()


# --- whole histories ---------------------------------------------------------------------------------


@settings(deadline=None, max_examples=15)
@given(
    st.integers(0, 10**6), st.sampled_from(["low", "central", "high"]), st.sampled_from([1, 4, 12]), st.booleans(), st.booleans(),
    st.sampled_from(["bank", "household"]), st.floats(0, 2), st.floats(0, 1), st.integers(1, 5),
)  # fmt: skip
def test_every_history_conserves_money(small: Any, opening: Any, seed: int, anchor: str, settlements: int, ring_fenced: bool, monthly: bool, paid_to: str, budget: float, errors: float, clerks: int) -> None:  # fmt: skip
    """`simulate` checks itself to the fen; here the books are closed once more from outside."""
    scenario = small.with_changes({
        "defaults.anchor": anchor, "rules.subsidy.settlements_per_year": settlements, "rules.fund.ring_fenced": ring_fenced,
        "rules.subsidy.paid_to": paid_to, "fiscal.budget_share": budget, "fiscal.file_errors": errors, "office.clerks": clerks,
        "defaults.timing": "monthly_hazard" if monthly else "maturity",
    })  # fmt: skip
    setup = prepare(scenario, seed, opening, clock.day_of(dt.date(2018, 12, 31)))
    world = simulate(setup, seed % 7)
    balances = world.ledger.balances
    assert sum(balances.values()) == 0
    owed = (
        world.loans.balance.sum()
        - world.loans.balance[(world.fates.repaid >= 0) & (world.fates.repaid <= setup.last_day)].sum()
    )
    owed -= world.claims.principal[world.claims.recovered_on <= setup.last_day].sum()
    assert balances["book:0"] + balances["book:1"] == owed
    due = world.entitled.sum() + sum(fen for _, _, fen, *_ in opening.lists)
    assert balances["subsidy_due:0"] + balances["subsidy_due:1"] == due - sum(world.lists.paid)
    assert sum(world.lists.amount) == due
    outcomes.summary(setup, world)


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 30), st.integers(50, 95))
def test_a_higher_fund_share_never_lowers_the_payout(
    tight: Any, tight_setup: Any, replication: int, percent: int
) -> None:
    """The approved claims of one history, under two shares."""
    world = simulate(tight_setup, replication)
    first, last = outcomes.year_span(2018)
    totals = []
    for p in (percent, percent + 5):
        rules = replace(
            tight_setup.rules, loss=replace(tight_setup.rules.loss, shares={"fund": p / 100, "bank": 1 - p / 100})
        )
        fund_part, bank_part = split(rules, world.claims.amount)
        claims = replace(
            world.claims,
            fund_part=fund_part,
            bank_part=bank_part,
            paid=np.where(world.loans.paid[world.claims.row] >= 0, fund_part, 0),
        )
        other = replace(world, claims=claims, flows=Flows())
        payments, _ = outcomes.shadow_flows(replace(tight_setup, rules=rules), other, first, last)
        totals.append(payments.sum(axis=0))
    assert (totals[1] >= totals[0]).all()
