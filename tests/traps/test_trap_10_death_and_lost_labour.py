"""Trap 10: death and lost labour are the ordinary claims.

They are certain to be accepted, their risk grows with age, the limit of age counts at signing, so that a loan of three
years runs on past it, and insured loans are not the fund's. Each check is shown a county that has fallen in.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

import sim
from sim import clock
from sim.households import state
from sim.households.life_table import load_life_table
from sim.households.reduced_form import CAUSES
from sim.insurance import is_insured, loan_cover
from sim.replication import prepare, simulate
from sim.warmup import opening_state
from sim.world import Setup, World

END = clock.day_of(dt.date(2021, 12, 31))
DEATH, INABILITY = CAUSES.index("death"), CAUSES.index("inability")
MULTIPLE, LOST_LABOUR = 6.0, 0.7  # of the life table's rate; lost labour for each death
BANDS = ((20, 45), (45, 55), (55, 65))
COVER = {
    "insured_share": 0.5, "loss_share": 0.8, "premium_percent": 1.2, "paid_by": {"county": 1.0}, "pays_after_days": 45,
    "drawn_seed": 7,
}  # fmt: skip


@lru_cache
def lived(*changes: tuple[str, Any]) -> tuple[Setup, World]:
    """Four years of 2,400 households in three townships, nothing lent before, more deaths than usual."""
    base = sim.scenario("x-county-households")
    scenario = base.with_changes({
        "uncertain": [], "livelihoods.households": 2400, "townships": [t.model_dump() for t in base.townships[:3]],
        "opening.kind": "empty", "livelihoods.mortality_multiple": MULTIPLE, "livelihoods.lost_labour_per_death": LOST_LABOUR,
        "defaults.negligence": 0.0, "livelihoods.behaviour.central.heirs_take_over": 0.3, **dict(changes),
    }, "old and young")  # fmt: skip
    setup = prepare(scenario, 11, opening_state(scenario), END)
    return setup, simulate(setup, 0)


def born(setup: Setup, world: World) -> np.ndarray:
    """Month of birth of each loan's borrower."""
    register = setup.households.register  # type: ignore[union-attr]
    return register.born[np.searchsorted(register.id, world.loans.household)]


def age(on: np.ndarray, born_in: np.ndarray) -> np.ndarray:
    return (clock.month_of(on) - born_in) // 12


# --- the ordinary claims -----------------------------------------------------------------------------


def test_every_claim_after_a_death_is_accepted(county: Any) -> None:
    """Reduced form, a lender without negligence: the fund takes all of them, and refuses a part of the others."""
    deaths = others = 0
    for _, world, _ in county({"defaults.negligence": 0.0}):
        cause = world.fates.cause[world.claims.row]
        assert not world.claims.is_refused[cause == DEATH].any()
        deaths += int((cause == DEATH).sum())
        others += int(world.claims.is_refused[cause == INABILITY].sum())
    assert deaths > 5 and others > 0


def test_a_pack_that_does_not_name_death_has_fallen_in(county: Any) -> None:
    for _, world, _ in county({"rules.claim.compensable_causes": ["disaster", "inability"]}):
        assert world.claims.is_refused[world.fates.cause[world.claims.row] == DEATH].all()


def accepted(*changes: tuple[str, Any]) -> np.ndarray:
    """Accepted claims by history (rows) and cause: mortality and families as shipped, the central set, eight histories."""
    base = sim.scenario("x-county-households").livelihoods
    assert base is not None
    as_shipped = {
        "livelihoods.households": base.households, "livelihoods.mortality_multiple": base.mortality_multiple,
        "livelihoods.behaviour.central.heirs_take_over": base.behaviour["central"].heirs_take_over,
    }  # fmt: skip
    setup, _ = lived(*as_shipped.items(), *changes)
    worlds = [simulate(setup, r) for r in range(8)]
    causes = [w.fates.cause[w.claims.row[~w.claims.is_refused]] for w in worlds]
    return np.stack([np.bincount(cause, minlength=len(CAUSES)) for cause in causes])


def test_deaths_and_lost_labour_are_the_claims_of_a_usual_year() -> None:
    """The other claims come in bad times: in the calmer half of histories, these are the most frequent ones."""
    found = accepted()
    assert (found[:, DEATH] > 0).all()
    calmer = found[np.argsort(found.sum(axis=1), kind="stable")[:4]].sum(axis=0)
    assert calmer.argmax() == DEATH
    spread = found.std(axis=0) / found.mean(axis=0)
    assert spread.argmin() == DEATH


def test_a_county_in_which_nobody_dies_has_fallen_in() -> None:
    """Or in which the loan is not called after a death, and the family pays as if nothing had happened."""
    assert accepted(("livelihoods.mortality_multiple", 0.0))[:, DEATH].sum() == 0
    assert accepted(("defaults.death_calls_loan", False))[:, DEATH].sum() == 0


# --- grows with age ----------------------------------------------------------------------------------


def struck_and_expected(setup: Setup, world: World) -> np.ndarray:
    """By band of age at the beginning: borrowers dead or unable to work after four years, and how many the table says."""
    register, table = setup.households.register, load_life_table().death  # type: ignore[union-attr]
    first = int(clock.month_of(np.array([setup.first_day]))[0])
    stays_well = np.ones(register.id.size)
    for month in range(first, first + setup.month_ends.size):
        yearly = MULTIPLE * table[register.is_man, (month - register.born) // 12]
        stays_well *= 1 - (1 + LOST_LABOUR) * (1 - (1 - yearly) ** (1 / 12))
    begins = (first - register.born) // 12
    struck = world.community.people.health != state.WELL  # type: ignore[union-attr]
    bands = [(begins >= low) & (begins < high) for low, high in BANDS]
    return np.array([(struck[b].sum(), (1 - stays_well[b]).sum(), b.sum()) for b in bands], dtype=float)


def follows_the_table(rows: np.ndarray) -> bool:
    """Each band within four standard errors of the table."""
    struck, expected, _ = rows.T
    return bool((np.abs(struck - expected) < 4 * np.sqrt(expected)).all())


def test_the_risk_grows_with_age_as_the_life_table_says() -> None:
    rows = struck_and_expected(*lived())
    share = rows[:, 0] / rows[:, 2]
    assert share[2] > 2 * share[1] > 4 * share[0]
    assert follows_the_table(rows)


def test_one_rate_for_every_age_has_fallen_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same number of deaths, whatever the age."""
    real = state.monthly_death_probability
    monkeypatch.setattr(
        state, "monthly_death_probability", lambda multiple: np.full_like(real(multiple), real(multiple)[1, 47])
    )
    rows = struck_and_expected(*lived(("livelihoods.register_seed", 20160701)))
    assert not follows_the_table(rows)


# --- younger than 65 at signing ----------------------------------------------------------------------


def test_the_limit_of_age_counts_at_signing_and_a_loan_runs_past_it() -> None:
    """Sixty-four and eleven months may sign for three years: the fund covers a borrower of sixty-seven."""
    setup, world = lived(("livelihoods.households", 7400))
    limit, cause = setup.rules.loan.age_below, world.fates.cause
    signed, due = (age(days, born(setup, world)) for days in (world.loans.start, world.loans.due))
    assert limit - 1 == signed.max()
    assert limit + 1 < due.max() <= limit + setup.rules.loan.term_max_months // 12
    claims = world.claims
    late = (age(claims.missed, born(setup, world)[claims.row]) >= limit) & (cause[claims.row] == DEATH)
    assert late.sum() > 3
    assert not claims.is_refused[late].any()


def test_where_the_age_counts_at_maturity_no_loan_runs_past_the_limit() -> None:
    setup, world = lived(("rules.loan.age_counts_at", "maturity"))
    limit, due = setup.rules.loan.age_below, age(world.loans.due, born(setup, world))
    assert limit - 1 == due.max()
    signed = age(world.loans.start, born(setup, world))
    assert signed[world.loans.due - world.loans.start > 1000].max() < limit - 2  # of loans for three years


def test_the_limit_is_the_packs_own() -> None:
    setup, world = lived(("rules.loan.age_below", 55))
    assert age(world.loans.start, born(setup, world)).max() == 54


# --- insured loans -----------------------------------------------------------------------------------


def insured_deaths(*changes: tuple[str, Any]) -> tuple[World, np.ndarray]:
    """Claims after a death, on insured loans."""
    setup, world = insured(*changes)
    cover = loan_cover(setup)
    assert cover is not None
    row = world.claims.row
    return world, is_insured(cover, world.loans.id[row]) & (world.fates.cause[row] == DEATH)


def insured(*changes: tuple[str, Any]) -> tuple[Setup, World]:
    base = lived()[0].scenario
    scenario = base.with_changes({"insurance": {"loans": COVER}, **dict(changes)}, "insured")
    setup = prepare(scenario, 11, opening_state(base), END)
    return setup, simulate(setup, 0)


def test_insured_loans_leave_the_fund() -> None:
    """Art. 22: the insurer and the bank bear a death on an insured loan, the fund nothing; it bears those of the others."""
    world, rows = insured_deaths()
    claims = world.claims
    assert rows.sum() > 10
    assert (claims.fund_part[rows] == 0).all() and (claims.insurer_part[rows] > 0).all()
    others = ~rows & (world.fates.cause[claims.row] == DEATH)
    assert (claims.fund_part[others] > 0).all() and not claims.insurer_part[others].any()


def test_a_fund_that_pays_beside_the_insurer_has_fallen_in() -> None:
    world, rows = insured_deaths(("rules.fund.insured_loans", "fund_residual"))
    assert (world.claims.fund_part[rows] > 0).all()
