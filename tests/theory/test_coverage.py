"""Intervals hold what they promise: 1,000 macro-runs of every estimator on distributions with known truth.

A nominal 95 per cent interval must hold the truth in 92 to 98.5 per cent of the macro-runs (their own error is 0.7
points), and the conservative figure may be too small in at most 7. A quantile of whole numbers may hold more often.
The faults of the second half are put in on purpose: each must fail the check that its healthy twin passes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from coverage_beds import (
    SHARED,
    Bed,
    Coverage,
    coverage,
    drivers_bed,
    exponential,
    failing,
    one_factor,
    paired_lognormal,
    paired_one_factor,
    planned,
    shared_parameters,
    table,
)
from scipy.special import stdtrit

import sim.estimate.order
import sim.estimate.paired
import sim.estimate.strata
from sim import estimate, shapley
from sim.estimate import Estimate, Points, Strata
from sim.units import Array

pytestmark = pytest.mark.slow

RULES, ALIKE = SHARED

BEDS = [
    exponential(1_000, 0.95, tail=False),
    exponential(4_000, 0.95, tail=True),
    exponential(1_000, 0.95, tail=False, by="strata"),
    exponential(4_000, 0.95, tail=True, by="strata"),
    exponential(1_000, 0.95, tail=False, by="pool"),
    exponential(4_000, 0.95, tail=True, by="pool"),
    one_factor(1_000, 0.95, tail=False),
    one_factor(4_000, 0.95, tail=True),
    one_factor(2_000, 0.99, tail=False),
    one_factor(20_000, 0.99, tail=True),
    one_factor(1_000, 0.95, tail=False, by="strata"),
    one_factor(4_000, 0.95, tail=True, by="strata"),
    one_factor(2_000, 0.99, tail=False, by="strata"),
    paired_one_factor(1_000, 0.95),
    paired_one_factor(1_000, 0.95, by="strata"),
    paired_lognormal(1_000, 0.95),
    paired_lognormal(1_000, 0.95, by="strata"),
    paired_lognormal(1_000, 0.95, by="pool"),
    drivers_bed(1_000, 0.95, "mean"),
    drivers_bed(1_000, 0.95, "mean", by="strata"),
    drivers_bed(1_000, 0.95, "mean", by="pool"),
    drivers_bed(1_000, 0.95, "quantile"),
    drivers_bed(1_000, 0.95, "quantile", by="strata"),
    drivers_bed(1_000, 0.8, "tail mean"),
    drivers_bed(2_000, 0.95, "bad years"),
    drivers_bed(2_000, 0.95, "bad years", by="strata"),
    shared_parameters(1_000, 0.95, RULES),
    shared_parameters(1_000, 0.95, ALIKE),
    shared_parameters(2_000, 0.95, RULES, paired=True),
    shared_parameters(2_000, 0.95, ALIKE, paired=True),
    shared_parameters(4_000, 0.95, RULES),
    shared_parameters(8_000, 0.9, RULES, tail=True),
    shared_parameters(8_000, 0.9, ALIKE, tail=True),
    shared_parameters(8_000, 0.99, ALIKE),
    drivers_bed(2_000, 0.95, "mean", by=RULES),
    drivers_bed(2_000, 0.95, "mean", by=ALIKE),
    drivers_bed(2_000, 0.95, "quantile", by=RULES),
    drivers_bed(2_000, 0.95, "quantile", by=ALIKE),
    drivers_bed(4_000, 0.8, "tail mean", by=RULES),
    drivers_bed(4_000, 0.9, "bad years", by=RULES),
    planned(1_000, 0.95, "score"),
    planned(2_000, 0.99, "score"),
    planned(1_000, 0.95, "cells"),
    planned(1_000, 0.95, "score", by=RULES),
    planned(1_000, 0.95, "score", by=ALIKE),
    planned(2_000, 0.99, "score", by=ALIKE),
]


@pytest.fixture(scope="module")
def measured(request: pytest.FixtureRequest) -> Iterator[list[Coverage]]:
    """Rows of all beds so far; printed when the last one is done."""
    rows: list[Coverage] = []
    yield rows
    capture = request.config.pluginmanager.get_plugin("capturemanager")
    if rows:
        with nullcontext() if capture is None else capture.global_and_fixture_disabled():
            print("\n" + table(rows))


@pytest.mark.parametrize("bed", BEDS, ids=lambda bed: f"{bed.name}, n={bed.n}")
def test_intervals_hold_the_truth(bed: Bed, measured: list[Coverage]) -> None:
    """Planted bugs: the tests below, one by one."""
    rows = coverage(bed)
    measured.extend(rows)
    assert failing(rows) == []


# --- faults put in on purpose ------------------------------------------------------------------------


def notices(bed: Bed, *figures: str, runs: int = 200) -> None:
    """The bed's check fails for these figures."""
    assert set(figures) <= set(failing(coverage(bed, runs)))


def test_ranks_with_all_of_the_error_on_each_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug: 10 per cent on either side of the quantile's interval. Holds in four of five."""
    right = estimate.interval_ranks
    monkeypatch.setattr(sim.estimate.order, "interval_ranks", lambda n, a: right(n, a, 0.8))
    notices(exponential(4_000, 0.95, tail=False), "quantile")


def test_the_point_estimate_as_the_conservative_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug: the rank of the quantile for the upper rank. Too small every second time."""
    monkeypatch.setattr(sim.estimate.order, "upper_rank", lambda n, a: estimate.quantile_rank(n, a))
    notices(one_factor(1_000, 0.95, tail=False), "quantile, conservative")
    notices(exponential(1_000, 0.95, tail=False), "quantile, conservative")


def test_batching_a_tail_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug: 40 sections centred at their own mean. Each has five histories in its tail, and is too low."""

    def batched(x: Array, a: float, sections: int = 40) -> Estimate:
        parts = np.array([estimate.tail_value(x[k::sections], a) for k in range(sections)])
        half = float(stdtrit(sections - 1, 0.975)) * float(parts.std(ddof=1)) / math.sqrt(sections)
        return Estimate(float(parts.mean()), (float(parts.mean()) - half, float(parts.mean()) + half))

    monkeypatch.setattr(estimate, "tail_mean_by_sections", batched)
    notices(one_factor(4_000, 0.95, tail=True), "tail mean by sections")


def test_a_tail_mean_whose_quantile_is_taken_as_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug: Var(L | L > q) alone, without a (TVaR - q)^2."""

    def known(x: Array, a: float, strata: Strata | None = None) -> Estimate:
        value, beyond = float(estimate.tail_value(x, a)), x[x > estimate.quantile_value(x, a)]
        half = estimate.Z95 * float(beyond.std()) / math.sqrt(x.size * (1 - a))
        return Estimate(value, (value - half, value + half))

    monkeypatch.setattr(estimate, "tail_mean", known)
    notices(exponential(4_000, 0.95, tail=True), "tail mean")


def test_a_difference_that_is_not_paired(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bugs: the two arms' variances added up; each arm resampled on its own. Both hold nearly always."""

    def of_means(base: Array, other: Array, strata: Strata | None = None) -> Estimate:
        value = float(other.mean() - base.mean())
        half = estimate.Z95 * math.sqrt((base.var(ddof=1) + other.var(ddof=1)) / base.size)
        return Estimate(value, (value - half, value + half))

    def of_quantiles(base: Array, other: Array, a: float, u: Array, strata: Strata | None = None) -> Estimate:
        value = float(estimate.quantile_value(other, a) - estimate.quantile_value(base, a))
        again = estimate.quantile_value(other, a, estimate.masses(u))
        again = again - estimate.quantile_value(base, a, estimate.masses(1 - u))
        return Estimate(value, estimate.percentile_interval(again))

    monkeypatch.setattr(estimate, "paired_mean_difference", of_means)
    monkeypatch.setattr(estimate, "paired_quantile_difference", of_quantiles)
    notices(paired_lognormal(1_000, 0.95), "paired difference of means", "paired difference of quantiles")
    notices(paired_one_factor(1_000, 0.95), "paired difference of means")


def test_strata_whose_weights_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bugs: every history weighs the same in quantiles, tail means and resamples; and in means."""
    monkeypatch.setattr(Strata, "mass", property(lambda self: np.ones(self.n)))
    notices(exponential(4_000, 0.95, tail=True, by="strata"), "quantile", "tail mean")
    notices(paired_lognormal(1_000, 0.95, by="strata"), "paired difference of quantiles")
    notices(drivers_bed(1_000, 0.95, "quantile", by="strata"), "quantile: share of a", "quantile: share of b")
    monkeypatch.setattr(sim.estimate.strata, "_of_strata", lambda x, strata: (x.mean(), x.std() / x.size**0.5))
    notices(exponential(1_000, 0.95, tail=False, by="strata"), "mean")
    notices(drivers_bed(1_000, 0.95, "mean", by="strata"), "mean: share of a", "mean: total")


def test_weighted_histories_with_the_error_of_plain_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug: weights are right, but the variance is that over all histories, what lies between strata too."""

    def plain_error(x: Array, strata: Strata) -> tuple[float, float]:
        mean, x = right(x, strata)[0], np.asarray(x, dtype=float)
        return mean, math.sqrt(float((strata.mass**2 * (x - mean) ** 2).sum())) / strata.n

    right = sim.estimate.strata._of_strata
    monkeypatch.setattr(sim.estimate.strata, "_of_strata", plain_error)
    notices(exponential(4_000, 0.95, tail=True, by="strata"), "mean")


def test_counted_shares_taken_for_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug: the error of shares that were counted from a pool is left out."""

    def exact(x: Array, strata: Strata) -> tuple[float, float]:
        return right(x, replace(strata, pool=None))

    def exact_masses(u: Array, strata: Strata) -> Array:
        return estimate.masses(u, replace(strata, pool=None))

    right = sim.estimate.strata._of_strata
    monkeypatch.setattr(sim.estimate.strata, "_of_strata", exact)
    notices(exponential(4_000, 0.95, tail=True, by="pool"), "mean", "quantile", "quantile, conservative", "tail mean")


def test_histories_that_share_parameters_taken_for_as_many_counties(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bugs: every history counts as one with parameters of its own; all that a point does counts as luck."""
    with monkeypatch.context() as m:
        m.setattr(Points, "matter", property(lambda self: False))
        notices(shared_parameters(2_000, 0.95, ALIKE), "quantile", "quantile, conservative")
    monkeypatch.setattr(Points, "_curves", property(without_curves))
    notices(shared_parameters(2_000, 0.95, RULES), "quantile")


def test_a_mean_whose_points_err_too_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bugs: no error of the points; every point's residual for what it would be without the point, and normal."""
    with monkeypatch.context() as m:
        m.setattr(Points, "interval", lambda self, means: (0.0, 0.0))
        notices(shared_parameters(2_000, 0.95, ALIKE, paired=True), "mean", "paired difference of means")

    def fitted(self: Points, means: Array) -> tuple[float, float]:
        half = estimate.Z95 * math.sqrt(float((self._parts(means, 0.0) ** 2).sum()))
        return half, half

    monkeypatch.setattr(Points, "interval", fitted)
    notices(shared_parameters(8_000, 0.9, ALIKE, tail=True), "tail mean")


def without_curves(self: Points) -> tuple[Array, Array, Array]:
    """The basis of a plain mean: every point stands for itself, and no field is evened out."""
    counts = self._numbered[1]
    root = np.sqrt(counts / counts.mean())
    basis = (root / np.linalg.norm(root))[:, None]
    return basis, root, basis[:, 0] ** 2


def test_resampling_across_strata(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug: the bootstrap draws from all histories, so that resamples differ in what lies between strata."""

    def across(u: Array, strata: Strata) -> Array:
        out = estimate.masses(u) * strata.mass
        return out * (strata.n / out.sum(axis=1, keepdims=True))

    for module in (sim.estimate.paired, shapley):
        monkeypatch.setattr(module, "masses", across)
    notices(drivers_bed(1_000, 0.95, "quantile", by="strata"), "quantile: total")


def test_shares_of_one_order_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug: what a driver adds to all others, without the other orders. The shares miss the exact ones."""

    def last_in(values: dict[frozenset[str], Any]) -> tuple[Any, dict[str, Any], Any]:
        total, shares, interaction = split(values)
        full = frozenset(shares)
        return total, {d: values[full] - values[full - {d}] for d in shares}, interaction

    split = shapley._split
    monkeypatch.setattr(shapley, "_split", last_in)
    for kind in ("mean", "quantile"):
        notices(drivers_bed(1_000, 0.95, kind), f"{kind}: share of a", f"{kind}: share of b")


def test_shares_from_arms_that_are_resampled_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug: every arm has its own resamples. The intervals hold nearly always."""

    def apart(right: Callable[..., Any]) -> Callable[..., Any]:
        turn = iter(range(10_000_000))

        def of(x: Array, a: float, mass: Array) -> Array:
            return right(np.roll(x, 211 * next(turn)) if mass.ndim > 1 else x, a, mass)

        return of

    monkeypatch.setattr(shapley, "quantile_value", apart(estimate.quantile_value))
    notices(drivers_bed(1_000, 0.95, "quantile"), "quantile: share of a", "quantile: interaction")


def test_bad_years_that_begin_where_they_were_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted bug: the quantile of the bad years is not found again in the resamples."""

    def held_fast(x: Array, a: float, mass: Array) -> Array:
        return np.full(mass.shape[:-1], estimate.quantile_value(x, a))

    monkeypatch.setattr(shapley, "quantile_value", held_fast)
    notices(drivers_bed(2_000, 0.95, "bad years"), "bad years: total")
