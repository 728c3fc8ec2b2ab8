"""Common shocks: two-state drought years, hit townships, late years, and autocorrelated factors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.scenario import Defaults
from sim.shocks.paths import draw_paths, stationary_dry

TOWNSHIPS = np.array([101, 202, 303, 404], dtype=np.int64)
DROUGHT = {
    "p_normal_to_dry": 0.14,
    "p_dry_to_dry": 0.45,
    "p_township_hit": 0.7,
    "effect": {"kind": "multiplier", "value": 2.5},
}
FACTOR = {"county_variance": 0.3, "township_variance": 0.2, "persistence_per_month": 0.8}
LATE = {"p_late_year": 0.4, "lag_p": 0.25}


def defaults(**more: Any) -> Defaults:
    return Defaults.model_validate({"drought": DROUGHT, "factor": FACTOR, "late_subsidy": LATE, **more})


def test_long_run_share_of_dry_years() -> None:
    """0.14 and 0.45: one year in five."""
    assert stationary_dry(0.14, 0.45) == pytest.approx(0.2029, abs=1e-4)
    chain = np.array([[0.86, 0.14], [0.55, 0.45]])
    assert np.linalg.matrix_power(chain, 60)[0, 1] == pytest.approx(stationary_dry(0.14, 0.45))


def test_dry_years_cluster_as_the_chain_says() -> None:
    """2,500 histories of three years: each share within 4.9 standard errors (6 points at most)."""
    years = np.array([draw_paths(defaults(), "long_run", TOWNSHIPS, 576, 36, r, 1).is_dry for r in range(2500)])
    assert years.shape[1] == 3
    assert abs(years.mean() - 0.2029) < 4.9 * np.sqrt(0.16 * 1.5 / years.size)
    before, after = years[:, :-1].ravel(), years[:, 1:].ravel()
    for state, p in ((0, 0.14), (1, 0.45)):
        rows = before == state
        assert abs(after[rows].mean() - p) < 4.9 * np.sqrt(p * (1 - p) / rows.sum())


@pytest.mark.parametrize(("opening", "first"), [("dry", 1), ("normal", 0)])
def test_the_first_year_can_be_given(opening: str, first: int) -> None:
    assert {int(draw_paths(defaults(), opening, TOWNSHIPS, 576, 12, r, 1).is_dry[0]) for r in range(50)} == {first}


def test_the_drought_year_starts_in_its_month() -> None:
    """A year from November: January to October 2018 hold one drought year, November 2018 the next."""
    d = defaults(drought={**DROUGHT, "year_starts_month": 11, "p_township_hit": 1.0})
    for r in range(40):
        paths = draw_paths(d, "long_run", TOWNSHIPS, 576, 24, r, 3)
        assert paths.is_dry.size == 3
        assert (paths.is_hit == np.repeat(paths.is_dry, [10, 12, 2])[:, None]).all()


def test_townships_are_hit_only_in_dry_years() -> None:
    hits, dry_months = [], 0
    for r in range(300):
        paths = draw_paths(defaults(), "long_run", TOWNSHIPS, 576, 24, r, 2)
        dry = np.repeat(paths.is_dry, 12)[:24] == 1
        assert not paths.is_hit[~dry].any()
        hits.append(paths.is_hit[dry][::12])
        dry_months += dry.sum()
    hit = np.concatenate(hits).ravel()
    assert abs(hit.mean() - 0.7) < 4.9 * np.sqrt(0.21 / hit.size)


def test_factors_have_the_variances_and_the_memory_that_were_asked_for() -> None:
    """3,000 histories: variance 0.5 (county 0.3 shared), correlation of neighbouring months 0.8."""
    x = np.array([draw_paths(defaults(), "long_run", TOWNSHIPS, 576, 3, r, 4).factor for r in range(3000)])
    se = 4.9 / np.sqrt(3000)
    assert np.abs(x.mean(axis=0)).max() < se
    assert np.abs(x.var(axis=0) - 0.5).max() < se
    assert abs((x[:, 0, 0] * x[:, 0, 1]).mean() - 0.3) < se
    assert abs((x[:, 0, 0] * x[:, 1, 0]).mean() - 0.8 * 0.5) < se
    assert abs((x[:, 0, 0] * x[:, 2, 0]).mean() - 0.64 * 0.5) < se


def test_full_persistence_keeps_one_factor_for_the_whole_history() -> None:
    d = defaults(factor={**FACTOR, "persistence_per_month": 1.0})
    factor = draw_paths(d, "long_run", TOWNSHIPS, 576, 12, 0, 4).factor
    assert (factor == factor[0]).all()


def test_late_years_and_their_lags() -> None:
    lags = []
    for r in range(1000):
        paths = draw_paths(defaults(), "long_run", TOWNSHIPS, 576, 24, r, 5)
        for year in (slice(0, 12), slice(12, 24)):
            assert np.unique(paths.is_late[year]).size == 1
            assert np.unique(paths.lag[year]).size == 1
            assert (paths.lag[year] > 0).all() == bool(paths.is_late[year][0])
            lags.append(paths.lag[year][0])
    lag = np.array(lags)
    late = lag[lag > 0]
    assert abs(late.size / lag.size - 0.4) < 4.9 * np.sqrt(0.24 / lag.size)
    assert abs(late.mean() - 4) < 4.9 * np.sqrt(12 / late.size)
    assert abs((late == 1).mean() - 0.25) < 4.9 * np.sqrt(0.19 / late.size)


@pytest.mark.parametrize("off", ["drought", "late_subsidy", "factor"])
def test_switching_a_driver_off_changes_no_other_draw(off: str) -> None:
    switched = {
        "drought": {"drought": {**DROUGHT, "on": False}},
        "late_subsidy": {"late_subsidy": {**LATE, "on": False}},
        "factor": {"factor": {}},
    }
    a, b = (draw_paths(d, "long_run", TOWNSHIPS, 576, 24, 7, 6) for d in (defaults(), defaults(**switched[off])))
    fields = {"drought": ("is_hit", "is_dry"), "late_subsidy": ("is_late", "lag"), "factor": ("factor",)}
    for name in ("factor", "is_hit", "is_dry", "is_late", "lag"):
        if name in fields[off]:
            assert not np.any(getattr(b, name))
        else:
            assert getattr(a, name).tobytes() == getattr(b, name).tobytes()


def test_a_new_township_or_a_longer_history_changes_no_weather() -> None:
    base = draw_paths(defaults(), "long_run", TOWNSHIPS, 576, 24, 7, 6)
    more = draw_paths(defaults(), "long_run", np.array([7, *TOWNSHIPS]), 576, 24, 7, 6)
    longer = draw_paths(defaults(), "long_run", TOWNSHIPS, 576, 60, 7, 6)
    for name in ("factor", "is_hit"):
        assert getattr(more, name)[:, 1:].tobytes() == getattr(base, name).tobytes()
        assert getattr(longer, name)[:24].tobytes() == getattr(base, name).tobytes()
    assert (longer.lag[:24] == base.lag).all()
