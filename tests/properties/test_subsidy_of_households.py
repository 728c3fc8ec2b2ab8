"""Ways of settling the subsidy where households decide: what they are asked for, and that nobody's luck changes."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

import sim
from sim import clock, receivables
from sim.households.state import OPEN
from sim.replication import prepare, simulate
from sim.warmup import opening_state
from sim.world import Setup, World

END = clock.day_of(dt.date(2019, 12, 31))
SMALL = {"livelihoods.households": 300, "uncertain": [], "opening.warm_up_months": 48}
QUARTERLY = {"rules.subsidy.settlements_per_year": 4}
WAYS: dict[str, dict[str, Any]] = {
    "twelve months": {**QUARTERLY, "rules.subsidy.months": 12, "rules.subsidy.fixed_rate": 5.0},
    "until the middle of the year": {"rules.subsidy.until": "2018-06-30"},
    "half at repayment": {
        **QUARTERLY, "rules.subsidy.share": 0.5, "rules.subsidy.paid_when": "at_repayment", "rules.subsidy.late_loses": "all",
    },
    "yearly after repayment": {**QUARTERLY, "rules.subsidy.paid_when": "yearly", "rules.subsidy.paid_to": "household"},
}  # fmt: skip


def history(changes: dict[str, Any], watch: int = -1) -> tuple[Setup, World]:
    scenario = sim.scenario("x-county-households").with_changes(SMALL | changes)
    base = sim.scenario("x-county-households").with_changes(SMALL)
    setup = prepare(scenario, 7, opening_state(base), END)  # the same opening: what differs is the history
    return setup, simulate(setup, 1, watch=watch)


@pytest.fixture(scope="module")
def base() -> tuple[Setup, World]:
    return history({})


@pytest.mark.parametrize("name", WAYS)
def test_the_books_close_and_nobodys_luck_changes(name: str, base: tuple[Setup, World]) -> None:
    setup, world = history(WAYS[name])
    balances, lists = world.ledger.balances, world.lists
    before = sum(fen for _, _, fen, *_ in setup.opening.lists)
    due = world.entitled.sum() + before
    assert sum(lists.amount) == due
    assert balances["subsidy_due:0"] + balances["subsidy_due:1"] == due - sum(lists.paid)
    assert world.interest.sum() > 0
    people, other = world.community.people, base[1].community.people  # type: ignore[union-attr]
    for what in ("harvest_ppm", "wage_ppm", "health"):
        assert getattr(people, what).tolist() == getattr(other, what).tolist()
    assert people.cash.tolist() != other.cash.tolist()


def test_from_month_13_on_the_household_pays_all_interest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing before, a quarter's whole contract interest after, and the cash is gone."""
    asked: list[tuple[int, int, int, int]] = []
    real = receivables.settle_households

    def settle(p: Any, r: Any, t: Any, day: int, is_listed: int, charges: Any, amount: Any) -> Any:
        before = p.accrued_to.copy()
        out = real(p, r, t, day, is_listed, charges, amount)
        ends = clock.add_months(p.start, 12)
        for i in np.flatnonzero((p.status == OPEN) & (p.due > day) & (t.subsidy.months == 12)):  # not in the warm-up
            days = max(day - max(int(before[i]), int(ends[i])), 0)
            whole = (int(p.principal[i]) * int(p.rate_ppm[i]) * days + 180_000_000) // 360_000_000
            asked.append((int(p.interest_due[i]), whole, days, day - int(before[i])))
        return out

    monkeypatch.setattr(receivables, "settle_households", settle)
    _, world = history({**QUARTERLY, "rules.subsidy.months": 12, "lending.debits_above_quarters": 1e9})
    shocked = [(due, whole) for due, whole, days, _ in asked if days]
    assert len(shocked) > 100
    assert [x for x in shocked if abs(x[0] - x[1]) > 1] == []
    assert all(due == 0 for due, _, days, _ in asked if not days)
    assert sum(days == length for _, _, days, length in asked) > 50  # whole quarters without subsidy
    assert world.interest.sum() > 0


def test_the_shock_costs_households_their_cash(base: tuple[Setup, World]) -> None:
    _, world = history({**QUARTERLY, "rules.subsidy.months": 12})
    c, other = world.community, base[1].community
    assert c is not None and other is not None
    assert (c.people.cash - c.people.informal).sum() < (other.people.cash - other.people.informal).sum()
