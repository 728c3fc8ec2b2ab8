"""Freezing a world forgets its future and nothing of its past."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from sim import clock, outcomes
from sim.arms import horizon
from sim.lending.loans import NEVER
from sim.reacting import sweep
from sim.replication import prepare, simulate
from sim.scenario import Scenario
from sim.warmup import freeze

NEW_YEAR = clock.day_of(dt.date(2018, 1, 1))


def test_the_queue_is_the_same_before_and_after(tight: Any, tight_setup: Any) -> None:
    """What the fund still owed on the evening before is owed on the morning after, part payments counted."""
    seen = 0
    for replication in range(6):
        setup = prepare(tight, 7, tight_setup.opening, NEW_YEAR + 364)
        world = simulate(setup, replication)
        c = world.claims
        waiting = (c.due != NEVER) & (c.due <= setup.last_day) & (c.recovered_on > setup.last_day)
        owed = int((c.fund_part - c.paid)[waiting].sum())
        state = freeze(setup, world, setup.last_day + 1)
        again = simulate(prepare(tight, 8, state, setup.last_day + 30), 0)
        d = again.claims
        brought = (d.due != NEVER) & (d.due <= setup.last_day)
        paid = outcomes._paid_by(again, setup.last_day)
        assert int((d.fund_part - paid)[brought & (again.loans.paid[d.row] < 0)].sum()) == owed
        seen += owed
    assert seen > 0


def test_what_the_clerks_have_read_is_not_read_again(tight: Any, tight_setup: Any) -> None:
    setup = prepare(tight, 7, tight_setup.opening, NEW_YEAR + 150)
    world = simulate(setup, 1)
    state = freeze(setup, world, setup.last_day + 1)
    read = world.claims.reviewed != NEVER
    ids = world.loans.id[world.claims.row[read & (world.claims.decided == NEVER)]]
    kept = np.isin(state.loans.id, ids)
    assert kept.any() and (state.loans.reviewed[kept] != NEVER).all()


def test_a_made_up_portfolio_stays_lent_at_every_size_of_the_fund() -> None:
    """Its loans are no applications: at size zero the fund is short, it does not lend less."""
    scenario = Scenario.load("x-county", {
        "opening.kind": "portfolio", "defaults.anchor": None,
        "opening.portfolio": [{
            "township": "t01", "lender": "rcc", "households": 300, "principal_yuan": 50_000, "p_default": 0.2,
            "originated_on": dt.date(2016, 3, 1), "term_months": 24,
        }],
    })  # fmt: skip
    from sim.opening import empty

    setup = prepare(scenario, 1, empty(scenario, NEW_YEAR), horizon(scenario))
    row = sweep(setup, simulate(setup, 0))
    assert row["reacts_need_00_fen"] > 0 and row["reacts_credit_20_fen"] == 0
