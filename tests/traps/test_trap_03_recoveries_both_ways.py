"""Trap 3: the split works both ways. Recoveries go back by the shares of the risk; a wilful evader's go to the fund."""

from __future__ import annotations

from typing import Any

from sim import outcomes
from sim.fund.claims import return_of
from sim.fund.need import need
from sim.households.reduced_form import CAUSES, WILFUL

FIRST, LAST = outcomes.year_span(2018)


def returned(rules: Any, cause: int, amount: int, paid: int) -> int:
    """The fund's part, written down once more from the regulation."""
    part = amount if cause == WILFUL else (amount * 70 + 50) // 100
    return min(part, paid)


def test_every_recovery_of_a_history_goes_back_by_the_shares(county: Any) -> None:
    seen = dict.fromkeys(range(len(CAUSES)), 0)
    for setup, world, row in county({"defaults.recovery.first_year": 0.6}):
        to_fund = to_bank = 0
        for claim, day, fund, bank in world.flows.returns:
            cause, amount = int(world.claims.cause[claim]), int(world.claims.amount[claim])
            assert fund == returned(setup.rules, cause, amount, int(world.claims.paid[claim]))
            assert fund + bank == amount
            seen[cause] += 1
            if FIRST <= day <= LAST:
                to_fund, to_bank = to_fund + fund, to_bank + bank
        assert (row["recovered_to_fund_fen"], row["recovered_to_bank_fen"]) == (to_fund, to_bank)
    assert all(seen.values())


def test_a_wilful_evader_pays_the_fund_first(rules: Any) -> None:
    assert return_of(rules, WILFUL, 1_000_000, 3_500_000) == (1_000_000, 0)
    assert return_of(rules, WILFUL, 5_000_000, 3_500_000) == (3_500_000, 1_500_000)
    assert return_of(rules, 0, 1_000_000, 3_500_000) == (700_000, 300_000)


def test_forgetting_what_comes_back_overstates_the_need(county: Any) -> None:
    with_returns = without = 0
    for setup, world, row in county({"defaults.recovery.first_year": 0.6}):
        payments, receipts = outcomes.shadow_flows(setup, world, FIRST, LAST)
        assert row["need_free_split_fen"] == need(payments, receipts).sum()
        with_returns += int(need(payments, receipts).sum())
        without += int(need(payments, receipts * 0).sum())
    assert with_returns < without


def test_large_recoveries_would_understate_it(county: Any) -> None:
    """The rate printed for old debts against the one assumed for fresh ones: the need hangs on it."""
    few = sum(row["need_free_split_fen"] for *_, row in county({"defaults.recovery.first_year": 0.023}))
    many = sum(row["need_free_split_fen"] for *_, row in county({"defaults.recovery.first_year": 0.6}))
    assert few > 1.02 * many
