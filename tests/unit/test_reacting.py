"""Lending that follows the fund's size: the grid against the history itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim import reacting
from sim.arms import horizon
from sim.filing import courses
from sim.lending.loans import PAID
from sim.replication import prepare, simulate
from sim.warmup import opening_state


@pytest.fixture(scope="module")
def swept(small: Any, opening: Any) -> tuple[Any, list[tuple[Any, dict[str, int]]]]:
    setup = prepare(small, 11, opening, horizon(small))
    worlds = [simulate(setup, r) for r in range(4)]
    return setup, [(w, reacting.sweep(setup, w)) for w in worlds]


def test_the_grid_runs_from_zero_to_twice_the_fund(swept: Any) -> None:
    grid = reacting.grid_fen(swept[0])
    assert (grid[0], grid[10], grid[20], grid.size) == (0, 80_000_000, 160_000_000, 21)


def test_at_the_set_size_the_grid_lends_what_the_history_lent(swept: Any) -> None:
    setup, results = swept
    for world, out in results:
        lent = world.loans.balance[world.loans.start >= setup.first_day].sum()
        assert out["reacts_credit_10_fen"] == lent


def test_more_money_lends_more_up_to_the_demand(swept: Any) -> None:
    for world, out in swept[1]:
        credit = [out[f"reacts_credit_{k:02d}_fen"] for k in range(21)]
        assert credit == sorted(credit)
        assert credit[0] == 0
        assert credit[20] <= world.demand.balance.sum()


def test_without_money_every_claim_is_a_shortfall(swept: Any) -> None:
    for _, out in swept[1]:
        assert out["reacts_need_00_fen"] > 0
        assert out["reacts_need_20_fen"] <= 2 * 80_000_000


def test_the_stock_is_what_is_lent_and_not_what_might_be(swept: Any) -> None:
    """Within a loan of the limit where the limit binds; the same at every size at which nobody is turned away."""
    setup, results = swept
    for world, out in results:
        stock = [out[f"reacts_stock_{k:02d}_fen"] for k in range(21)]
        assert stock[0] == 0  # the opening's loans are gone by the last year
        for k in (2, 5):
            limit = 10 * int(reacting.grid_fen(setup)[k])
            assert limit - 2 * 5_000_000 < stock[k] <= limit
        assert stock[20] < 0.8 * 10 * reacting.grid_fen(setup)[20]
        covered = np.minimum(world.loans.balance, 5_000_000)
        release = courses(setup, world.loans, world.fates, world.replication).release
        days = range(setup.last_day - 365, setup.last_day + 1)
        by_hand = max(
            covered[(world.loans.start <= d) & (release > d) & (world.loans.status != PAID)].sum() for d in days
        )
        assert stock[10] == by_hand


@pytest.mark.parametrize("kernel", [reacting._most_missing, reacting._most_missing.py_func], ids=["compiled", "body"])
def test_the_worst_year_by_hand(kernel: Any) -> None:
    """Two years of five days on one account. The second year starts from the size again."""
    starts, interest = np.array([0, 5, 10]), np.zeros((1, 10), np.int64)

    def most(days: list[int], fen: list[int], back: int = 99, granted: bool = True) -> int:
        n = len(days)
        return int(kernel(np.zeros(n, np.int64), np.array([granted] * n), np.array(days), np.array(fen),
                          np.array([back] * n), np.array([4] * n), interest, starts)[0])  # fmt: skip

    assert most([1, 3], [5, 5]) == 10
    assert most([1, 3], [5, 6]) == 11
    assert most([3, 6], [8, 8]) == 8
    assert most([3, 6], [8, 11]) == 11
    assert most([1, 3], [5, 6], back=2) == 5  # 4 of each come back on day 2
    assert most([1, 3], [5, 6], granted=False) == 0


@pytest.mark.parametrize("ring_fenced", [True, False])
def test_a_large_fund_is_not_short(ring_fenced: bool, small: Any, lenders: Any) -> None:
    """40 million yuan for a book of 200 loans: from the second point of the grid on, no history is short."""
    changes = {
        "lenders": lenders(30_000_000, 10_000_000),
        "lending.demand_over_limit": 0.02,
        "rules.fund.ring_fenced": ring_fenced,
    }
    large = small.with_changes(changes)
    setup = prepare(large, 1, opening_state(large), horizon(large))
    out = reacting.sweep(setup, simulate(setup, 0))
    assert max(out[f"reacts_need_{k:02d}_fen"] for k in range(2, 21)) <= reacting.grid_fen(setup)[2]


def test_limits_of_the_grid_are_those_of_the_history(
    small: Any, opening: Any, lenders: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[list[int]] = []
    real = reacting.grant_at
    monkeypatch.setattr(
        reacting, "grant_at", lambda s, b, parts, **more: seen.append(parts.tolist()) or real(s, b, parts, **more)
    )
    for rcc, psbc in (
        (600_000, 200_000),
        (700_000, 600_000),
        (123_457, 654_321),
        (1_000_003, 2_999_999),
        (150_000, 400_000),
    ):
        setup = prepare(small.with_changes({"lenders": lenders(rcc, psbc)}), 1, opening, opening.day + 364)
        seen.clear()
        reacting.sweep(setup, simulate(setup, 0))
        assert seen[10] == setup.set_fen.tolist()
