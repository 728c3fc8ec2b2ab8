"""The budget of a year: from what it will bring, from last year, or a fixed sum; and the pot that the fund shares."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from sim import arrears, clock, outcomes
from sim.budgets import releases, set_beforehand
from sim.community import begin
from sim.county import CountyCash
from sim.replication import prepare, simulate
from sim.scenario import Scenario
from sim.units import FEN_PER_YUAN
from sim.warmup import opening_state

END = clock.day_of(dt.date(2019, 12, 31))


def by_year(cash: dict[int, int]) -> dict[int, int]:
    """What is released in each year."""
    out: dict[int, int] = {}
    for day, fen in cash.items():
        out[clock.date_of(day).year] = out.get(clock.date_of(day).year, 0) + fen
    return out


def test_a_budget_of_last_year_is_what_fell_due_in_it(small: Any, opening: Any) -> None:
    setup = prepare(
        small.with_changes({"fiscal.budget_basis": "last_year", "fiscal.budget_share": 0.5}), 11, opening, END
    )
    world = simulate(setup, 0)
    before = dict(opening.entitled)[2017]
    of_2018 = int(world.entitled[clock.year_of(setup.settlements) == 2018].sum())
    released = by_year(releases(setup, world.entitled, 0))
    for year, due in ((2018, before), (2019, of_2018)):
        assert released[year] == pytest.approx(due * 0.5, abs=4)  # four roundings


def test_a_fixed_budget_is_that_sum_every_year(small: Any, opening: Any) -> None:
    setup = prepare(
        small.with_changes({"fiscal.budget_basis": "fixed_yuan", "fiscal.budget_yuan": 123_456}), 11, opening, END
    )
    assert by_year(releases(setup, np.zeros((24, 2), np.int64), 0)) == {2018: 12_345_600, 2019: 12_345_600}


def test_an_opening_that_knows_no_last_year_counts_its_open_loans(small: Any, opening: Any) -> None:
    from dataclasses import replace

    scenario = small.with_changes({"fiscal.budget_basis": "last_year"})
    setup = prepare(scenario, 11, replace(opening, entitled=()), END)
    loans = opening.loans
    yearly = sum(
        min(b, 50_000 * FEN_PER_YUAN) * r // 1_000_000
        for b, r, status in zip(loans.balance.tolist(), loans.rate_ppm.tolist(), loans.status.tolist(), strict=True)
        if status == 0
    )
    assert set_beforehand(setup, np.zeros((24, 2), np.int64), 2018) == yearly
    empty = prepare(scenario, 11, opening_state(scenario.with_changes({"opening.kind": "empty"})), END)
    assert set_beforehand(empty, np.zeros((24, 2), np.int64), 2018) is None


def test_growth_leaves_a_budget_of_last_year_short(small: Any) -> None:
    """In a warm-up the book grows: the plan follows it, last year's figure runs behind."""
    unpaid = {}
    for basis in ("this_years_entitlement", "last_year"):
        state = opening_state(small.with_changes({"fiscal.budget_basis": basis}))
        unpaid[basis] = sum(fen for _, _, fen, *_ in state.lists)
    assert unpaid["last_year"] > 2 * unpaid["this_years_entitlement"] > 0


def test_households_have_the_same_budget_rules() -> None:
    scenario = Scenario.load("x-county-households", {
        "livelihoods.households": 120, "fiscal.budget_basis": "fixed_yuan", "fiscal.budget_yuan": 40_000, "uncertain": [],
        "opening.warm_up_months": 24,
    })  # fmt: skip
    setup = prepare(scenario, 3, opening_state(scenario), clock.day_of(dt.date(2018, 12, 31)))
    world = simulate(setup, 0, keep_journal=True)
    released = [dict(p.legs)["subsidy_cash"] for p in world.ledger.journal or [] if p.what == "budget release"]
    assert released == [400_000, 600_000, 1_000_000, 2_000_000]
    assert begin(setup, 0, 0).entitled.sum() == 0  # a year's budget needs no knowledge of what falls due in it


def test_what_the_fund_takes_the_releases_of_the_year_give_up() -> None:
    county, day = CountyCash.of(0.5), clock.day_of(dt.date(2018, 1, 1))
    assert county.to_fund(day, 1_000) == (1_000, 0)
    assert [county.released(day + 40, 300), county.released(day + 130, 300), county.released(day + 220, 300)] == [
        0,
        100,
        300,
    ]
    assert county.to_fund(day + 300, 1_000) == (1_000, 0)
    assert county.released(day + 400, 300) == 300  # a new year, a new budget


def test_unpaid_subsidy_takes_its_part_of_the_top_up() -> None:
    county, day = CountyCash.of(0.5), clock.day_of(dt.date(2018, 1, 1))
    assert county.to_fund(day, 1_000, 600) == (700, 300)
    assert county.released(day, 400) == 50  # what did go to the fund
    assert CountyCash.of(0.0).to_fund(day, 1_000, 600) == (1_000, 0)


def test_one_pot_for_fund_and_subsidy(tight: Any) -> None:
    """The fund is topped up in January: without arrears the subsidy gives something up, with arrears the fund does."""
    early = {"information_on": dt.date(2017, 7, 1)}

    def topped_up_and_released(changes: dict[str, Any]) -> tuple[int, int]:
        setup = prepare(tight.with_changes(early | changes), 11, opening, END)
        world = simulate(setup, 1, keep_journal=True)  # checks that no money is lost
        cash = [(p.day, dict(p.legs)["subsidy_cash"]) for p in world.ledger.journal or [] if p.what == "budget release"]
        return sum(fen for *_, fen in world.flows.top_ups), sum(
            fen for day, fen in cash if clock.date_of(day).year == 2018
        )

    opening = opening_state(tight.with_changes(early))
    apart, one_pot = (topped_up_and_released({"fiscal.crowding_out": share}) for share in (0.0, 0.3))
    assert one_pot[0] == apart[0] > 0
    assert apart[1] - one_pot[1] >= 0.3 * apart[0] - 2  # by the top-up, and by what is paid later as backstop
    late = {"fiscal.budget_share": 0.8}
    opening = opening_state(tight.with_changes({**early, **late}))
    apart, one_pot = (topped_up_and_released({**late, "fiscal.crowding_out": share}) for share in (0.0, 0.3))
    assert one_pot[0] < apart[0]


def test_the_table_of_arrears_closes(tight_setup: Any, tight_worlds: list[Any]) -> None:
    """Unpaid at a year's end = unpaid a year before + fell due - paid; by age as in the history's own figures."""
    for world in tight_worlds:
        table = arrears.by_year(tight_setup, world)
        assert table["year"].tolist() == [2018, 2019, 2020, 2021, 2022]
        ages = [name for name in table if name.startswith("subsidy_unpaid_")]
        unpaid = sum(table[name] for name in ages)
        before = sum(fen for _, _, fen, *_ in tight_setup.opening.lists)
        flow = table["subsidy_due_fen"] - table["subsidy_paid_fen"]
        assert (unpaid == before + np.cumsum(flow)).all()
        row = outcomes.summary(tight_setup, world)
        assert [row[name] for name in ages] == [int(table[name][0]) for name in ages]
        assert row["interest_paid_fen"] == table["interest_paid_fen"][0]


def test_a_sum_belongs_to_a_fixed_budget_and_to_no_other(small: Any, refuses: Any) -> None:
    for changes in ({"fiscal.budget_yuan": 5}, {"fiscal.budget_basis": "fixed_yuan"}):
        refuses(lambda changes=changes: small.with_changes(changes), "fiscal.budget_yuan", "fixed_yuan")
