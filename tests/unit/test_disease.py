"""Livestock disease: how often it comes, how it spreads, what it leaves of herds, projects and the price."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

import sim
from sim import clock
from sim.livelihoods import Disease
from sim.replication import prepare, simulate
from sim.shocks.disease import LEAD, Herds, draw_outbreaks, price_of_animals
from sim.warmup import opening_state

TOWNSHIPS = np.array([101, 202, 303, 404], dtype=np.int64)
JANUARY = (2018 - 1970) * 12
BLUE_EAR: dict[str, Any] = {
    "key": "blue_ear", "label": {"zh": "高致病性猪蓝耳病", "en": "blue-ear disease"}, "outbreaks_per_year": 0.10,
    "spreads_per_month": 0.3, "lasts_months": 4, "herds_struck": 1.0, "mortality": 0.10, "restock_months": 10,
    "price_change": 0.2, "in_projects": 0.4,
}  # fmt: skip
SWINE_FEVER = BLUE_EAR | {"key": "swine_fever", "herds_struck": 0.2, "mortality": 1.0, "price_change": 0.5}


def disease(**more: Any) -> Disease:
    return Disease.model_validate(BLUE_EAR | more)


def outbreaks(*diseases: Disease, n: int = 60, r: int = 0, townships: Any = TOWNSHIPS) -> Any:
    return draw_outbreaks(list(diseases), townships, JANUARY, n, r, 11)


def herds(one: Disease, found: Any, n: int = 3000) -> Herds:
    ids = np.arange(1, n + 1) * 7919
    return Herds([one], found, ids, np.arange(n) % 4, JANUARY, 0, 11)


def test_a_township_that_nobody_infects_has_as_many_outbreaks_as_the_scenario_says() -> None:
    """One month of illness, no spread: 0.10 a year. Notices 0.7 points of a year."""
    one = disease(spreads_per_month=0.0, lasts_months=1, outbreaks_per_year=0.10)
    begins = np.array([outbreaks(one, r=r).begins[0] for r in range(400)])
    p = 1 - 0.9 ** (1 / 12)
    assert abs(begins.mean() - p) < 4.9 * np.sqrt(p * (1 - p) / begins.size)


def test_disease_spreads_from_township_to_township() -> None:
    """Months with two outbreaks or more are many times as many as without contagion; bad times come together."""
    share = [
        np.mean([(outbreaks(disease(spreads_per_month=s), r=r).begins[0].sum(axis=1) > 1).mean() for r in range(200)])
        for s in (0.0, 0.6)
    ]
    assert share[1] > 5 * share[0] > 0


def test_a_township_has_it_once_at_a_time() -> None:
    one = disease(outbreaks_per_year=0.9, lasts_months=6)
    for r in range(50):
        for township in outbreaks(one, r=r).begins[0].T:
            assert (np.diff(np.flatnonzero(township)) >= 6).all()


def test_blue_ear_takes_a_tenth_of_each_herd_and_it_grows_again() -> None:
    """In the month of the outbreak 0.9; a tenth of a full stable comes back every month, so it is whole a month later."""
    one = disease(spreads_per_month=0.0, lasts_months=12)
    found = outbreaks(one)
    found.begins[:] = False
    found.begins[0, LEAD + 5, 1] = True
    left = herds(one, found)
    by_month = np.array([left.month(k)[0] for k in range(8)])
    struck = np.arange(3000) % 4 == 1
    assert (by_month[:, ~struck] == 1).all()
    assert by_month[5, struck] == pytest.approx(0.9)
    assert by_month[6, struck] == pytest.approx(1.0)
    assert (by_month[:5] == 1).all()


def test_swine_fever_empties_some_stables_and_leaves_the_others() -> None:
    one = Disease.model_validate(SWINE_FEVER | {"restock_months": 12})
    found = outbreaks(one)
    found.begins[:] = False
    found.begins[0, LEAD, :] = True
    left = herds(one, found)
    first, projects = left.month(0)
    assert set(np.unique(first)) == {0.0, 1.0}
    assert abs((first == 0).mean() - 0.2) < 4.9 * np.sqrt(0.16 / 3000)
    (rows, mortality), *_ = projects
    assert mortality == 1.0
    assert (first[rows] == 0).all()
    assert abs(rows.size / (first == 0).sum() - 0.4) < 4.9 * np.sqrt(0.24 / (first == 0).sum())
    assert left.month(1)[0][first == 0] == pytest.approx(1 / 12)


def test_the_price_moves_with_the_townships_that_have_it() -> None:
    one = disease(spreads_per_month=0.0)
    found = outbreaks(one)
    found.around[0] = 0.5
    assert price_of_animals([one], found) == pytest.approx(np.full(60, 1.1))


def test_another_disease_and_a_longer_history_change_no_outbreak() -> None:
    blue, fever = disease(), Disease.model_validate(SWINE_FEVER)
    alone, both, longer = outbreaks(blue), outbreaks(fever, blue), outbreaks(blue, n=90)
    assert (alone.begins[0] == both.begins[1]).all()
    assert (alone.begins[0] == longer.begins[0, : LEAD + 60]).all()


# --- in a county -------------------------------------------------------------------------------------


def county(diseases: list[dict[str, Any]]) -> Any:
    base = sim.scenario("x-county-households")
    changes = {
        "livelihoods.households": 500, "townships": [t.model_dump() for t in base.townships[:3]], "opening.kind": "empty",
        "uncertain": [], "livelihoods.diseases": diseases,
    }  # fmt: skip
    scenario = base.with_changes(changes, "few")
    setup = prepare(scenario, 11, opening_state(scenario), clock.day_of(dt.date(2018, 12, 31)))
    return setup, simulate(setup, 0)


def test_a_disease_that_never_comes_changes_nothing_to_the_bit() -> None:
    _, without = county([])
    _, never = county([BLUE_EAR | {"outbreaks_per_year": 0.0}])
    for a, b in zip(without.community.people, never.community.people, strict=True):
        assert np.array_equal(a, b)


def test_a_disease_costs_livestock_income_and_projects_and_no_other_luck() -> None:
    """Weather and the luck of people are the same to the bit; only animals, and prices by the factor, differ."""
    _, without = county([])
    _, struck = county(
        [SWINE_FEVER | {"outbreaks_per_year": 0.95, "herds_struck": 1.0, "price_change": 0.0, "in_projects": 1.0}]
    )
    a, b = without.community, struck.community
    assert a.sky.index.tobytes() == b.sky.index.tobytes()
    assert a.price.tobytes() == b.price.tobytes()
    for name in ("harvest_ppm", "wage_ppm", "health"):
        assert np.array_equal(getattr(a.people, name), getattr(b.people, name))
    assert b.people.income_year.sum() < 0.97 * a.people.income_year.sum()
    assert b.people.capital.sum() < a.people.capital.sum()


def test_a_bad_disease_is_refused_in_one_line(refuses: Any) -> None:
    base = sim.scenario("x-county-households")
    refuses(
        lambda: base.with_changes({"livelihoods.diseases": [BLUE_EAR, BLUE_EAR]}), "livelihoods.diseases.key", "once"
    )
    refuses(
        lambda: base.with_changes({"livelihoods.diseases": [BLUE_EAR | {"mortality": 1.5}]}),
        "livelihoods.diseases.0.mortality", "less than or equal to 1",
    )  # fmt: skip
