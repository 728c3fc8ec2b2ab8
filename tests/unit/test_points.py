"""Histories that share uncertain parameters: what a point adds to an error, by hand and against independent twins."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import t

from sim import estimate, sampling, shapley
from sim.estimate import Estimate, Points, Strata
from sim.estimate.strata import stratified_interval, stratified_mean
from sim.units import F64, Bool

RNG = np.random.default_rng(4)
AT = ndtri((np.argsort(RNG.random((2, 64))).T + 0.5) / 64)  # two fields
N = 1280
OF = np.arange(N) % 64
X = np.exp(AT[OF] @ [0.6, 0.3] + 0.3 * RNG.standard_normal(N))
POINTS = Points(OF, AT)
ALIKE = Strata(np.zeros(N, dtype=np.int64), np.ones(1), points=POINTS)


def design() -> F64:
    """The curves of both fields: constant, and three powers of each."""
    return np.column_stack([np.ones(64), *(AT**d for d in (1, 2, 3))])


def test_the_error_of_a_mean_leaves_out_each_point_in_turn() -> None:
    """The twin fits the curves again without each point, and adds up how far each is from what the others say of it."""
    means = np.bincount(OF, X) / np.bincount(OF)
    apart = np.array([
        means[k] - design()[k] @ np.linalg.lstsq(np.delete(design(), k, 0), np.delete(means, k), rcond=None)[0]
        for k in range(64)
    ]) / 64  # fmt: skip
    square = (apart**2).sum()
    freedom = min(3 * square**2 / (apart**4).sum() - 2, 64 - 7)
    # Hall's transformation takes the ends to the quantiles of t
    g, (mean, low, high) = (apart**3).sum() / square**1.5, stratified_interval(X, ALIKE)
    for end in (low, high):
        u = (mean - end) / math.sqrt(square)
        told = u + g * u**2 / 3 + g**2 * u**3 / 27 + g / 6
        assert abs(told) == pytest.approx(t.ppf(0.975, freedom), rel=1e-9)
    assert (high - mean > mean - low) == (g > 0)


def test_a_share_has_the_error_of_half_the_leverage() -> None:
    """HC2: the point's residual by the root of one less its leverage."""
    hit = X > 2.3
    means = np.bincount(OF, hit) / 20
    hat = design() @ np.linalg.pinv(design())
    parts = (means - hat @ means) / np.sqrt(1 - np.diag(hat)) / 64
    few = t.ppf(0.975, 64 - 7) / estimate.Z95
    assert POINTS.error(means) == pytest.approx(few * math.sqrt((parts**2).sum()), rel=1e-9)


def length(e: Estimate) -> float:
    """Of an interval that there is."""
    assert e.ci95 is not None
    return e.ci95[1] - e.ci95[0]


def at_points(x: F64, strata: Strata) -> F64:
    """What each point has of the mean."""
    assert strata.points is not None
    return strata.points.means(x, strata.of, strata.share)


def error_of(x: F64, strata: Strata) -> float:
    """That of a share, by its points."""
    assert strata.points is not None
    return strata.points.error(at_points(x, strata))


def chosen(kept: Bool) -> Strata:
    """A pool of four strata by luck and parameters, of which some histories were run."""
    stratum = np.searchsorted(np.quantile(X, [0.5, 0.8, 0.95]), X)
    plan = sampling.plan(stratum)
    return plan.strata(np.flatnonzero(kept), Points(OF[plan.replication], AT))


def test_a_whole_pool_chosen_by_strata_is_as_sure_as_histories_that_were_not() -> None:
    """All of the pool was run: strata are nothing but names."""
    strata = chosen(np.ones(N, dtype=bool))
    assert at_points(X, strata) == pytest.approx(np.bincount(OF, X) / 20, rel=1e-12)
    assert stratified_interval(X, strata) == pytest.approx(stratified_interval(X, ALIKE), rel=1e-9)
    u = estimate.resampling(1, N, 50)
    assert estimate.masses(u, strata) == pytest.approx(estimate.masses(u, ALIKE), abs=1e-9)


def test_chosen_histories_carry_the_error_of_their_points() -> None:
    """More than the strata's own; half-samples of the points spread a chance by as much."""
    strata = chosen(np.arange(N) % 3 == 0)
    known = Strata(strata.of, strata.share, strata.pool)
    x = X[np.arange(N) % 3 == 0]
    assert not ALIKE.are_chosen and strata.are_chosen and known.are_chosen
    assert stratified_mean(x, strata)[0] == stratified_mean(x, known)[0]
    hit = x > 2.0
    error = stratified_mean(hit, strata)[1]
    assert error > 1.2 * stratified_mean(hit, known)[1]
    again = estimate.masses(estimate.resampling(1, x.size, 4000), strata) @ hit / x.size
    assert again.std() == pytest.approx(error_of(hit.astype(float), strata), rel=0.05)
    assert again.mean() == pytest.approx(stratified_mean(hit, strata)[0], abs=3 * error / math.sqrt(4000))
    assert length(estimate.quantile(x, 0.9, strata)) > length(estimate.quantile(x, 0.9, known))
    wide, narrow = estimate.tail_mean(x, 0.5, strata), estimate.tail_mean(x, 0.5, known)
    assert wide.value == narrow.value and length(wide) > 1.1 * length(narrow)


def test_what_more_histories_at_the_same_points_leave() -> None:
    """As the error of thirty times as many; nothing where a point has its histories' luck alone, and where all is known."""
    hit = X > 2.3
    of = np.arange(30 * N) % 64
    more = np.exp(AT[of] @ [0.6, 0.3] + 0.3 * RNG.standard_normal(of.size))
    share = np.bincount(of, more > 2.3) / np.bincount(of)
    assert POINTS.lasting(hit) == pytest.approx(Points(of, AT).error(share), rel=0.25)
    assert POINTS.lasting(hit) < 0.95 * error_of(hit.astype(float), ALIKE)
    a = float(np.mean(~hit))
    assert estimate.lasting_part(X, a, ALIKE) == pytest.approx(
        POINTS.lasting(~hit) / stratified_mean(~hit, ALIKE)[1], rel=0.1
    )
    assert estimate.lasting_part(RNG.random(N), 0.9, ALIKE) < 0.6
    assert estimate.lasting_part(X, a, None) == 0.0


def test_shares_of_tails_add_up_over_points() -> None:
    """Tail means and bad years of points: the figures are the plain ones, a driver that does nothing gets exactly nothing."""
    arms: shapley.Arms = {frozenset(on): X * (1.3 if "a" in on else 1.0) for on in ("", "a", "b", "ab")}
    u = estimate.resampling(1, N, 50)
    plain = {
        "tail": (shapley.of_tail_means(arms, 0.5, u, ALIKE), shapley.of_tail_means(arms, 0.5, u)),
        "bad": (shapley.of_bad_years(arms, 0.6, u, ALIKE), shapley.of_bad_years(arms, 0.6, u)),
    }
    for shared, alone in plain.values():
        assert shared.total.value == pytest.approx(alone.total.value, rel=1e-12)
        assert sum(s.value or 0.0 for s in shared.shares.values()) == pytest.approx(shared.total.value, rel=1e-12)
        assert shared.shares["b"] == Estimate(0.0, (0.0, 0.0))
        assert length(shared.total) > 0
