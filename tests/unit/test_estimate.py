"""Estimates: order statistics, exact intervals, paired differences, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta, binom

from sim import estimate
from sim.errors import InputError, TooFewHistories
from sim.estimate import Estimate


def test_the_quantile_is_an_order_statistic() -> None:
    x = np.arange(1, 101)[::-1]
    assert estimate.quantile(x, 0.95).value == 95
    assert estimate.quantile(np.arange(1, 202), 0.95).value == 191
    assert [estimate.quantile_rank(20, a) for a in (0.05, 0.95, 0.951, 0.999)] == [1, 19, 20, 20]


@pytest.mark.parametrize("n", [59, 100, 500, 2000])
@pytest.mark.parametrize("a", [0.5, 0.9, 0.95])
def test_ranks_cover_what_they_promise(n: int, a: float) -> None:
    ranks = estimate.interval_ranks(n, a)
    if ranks is not None:
        r, s = ranks
        covered = binom.cdf(s - 1, n, a) - binom.cdf(r - 1, n, a)
        assert covered >= 0.95
        assert covered < 0.99
    upper = estimate.upper_rank(n, a)
    assert upper is not None
    assert binom.cdf(upper - 1, n, a) >= 0.95 > binom.cdf(upper - 2, n, a)


@pytest.mark.parametrize(("a", "n"), [(0.95, 59), (0.99, 299), (0.9, 29)])
def test_fewest_histories(a: float, n: int) -> None:
    assert estimate.needed_histories(a) == n
    assert estimate.upper_rank(n, a) == n
    assert estimate.upper_rank(n - 1, a) is None
    with pytest.raises(TooFewHistories, match=rf"found {n - 1}; allowed: {n} or more for an assurance of {a:g}"):
        estimate.quantile(np.zeros(n - 1), a)


@pytest.mark.parametrize(("hits", "n"), [(0, 50), (1, 50), (25, 50), (50, 50)])
def test_exact_interval_of_a_share(hits: int, n: int) -> None:
    got = estimate.proportion(hits, n)
    assert got.value == hits / n
    low = 0.0 if hits == 0 else beta.ppf(0.025, hits, n - hits + 1)
    high = 1.0 if hits == n else beta.ppf(0.975, hits + 1, n - hits)
    assert got.ci95 == pytest.approx((low, high))


def test_mean_and_its_interval() -> None:
    got = estimate.mean(np.array([1.0, 2.0, 3.0, 4.0]))
    half = 1.959964 * np.sqrt(5 / 3 / 4)
    assert (got.value, got.ci95) == (2.5, pytest.approx((2.5 - half, 2.5 + half), abs=1e-5))
    assert estimate.mean(np.array([3.0])) == Estimate(3.0, reason="fewer than two histories")
    assert estimate.mean(np.zeros(0)).value is None


def test_tail_mean() -> None:
    x = np.arange(1, 101)
    assert estimate.tail_mean(x, 0.95) == pytest.approx(np.mean([96, 97, 98, 99, 100]))


def test_paired_differences() -> None:
    base = np.arange(200.0)
    u = estimate.resampling(1, 200)
    assert u.shape == (500, 200)
    assert (u == estimate.resampling(1, 200)).all()
    same = estimate.paired_quantile_difference(base, base, 0.95, u)
    assert (same.value, same.ci95) == (0.0, (0.0, 0.0))
    shifted = estimate.paired_quantile_difference(base, base + 7, 0.95, u)
    assert (shifted.value, shifted.ci95) == (7.0, (7.0, 7.0))
    assert estimate.paired_mean_difference(base, base + 7).ci95 == (7.0, 7.0)
    other = base[::-1].copy()
    free = estimate.paired_quantile_difference(base, other, 0.5, u)
    assert free.ci95 is not None
    assert free.ci95[0] < 0 < free.ci95[1]


def test_weighted_sums_of_arms() -> None:
    rng = np.random.default_rng(1)
    base, u = rng.normal(size=200), estimate.resampling(1, 200)
    zero = [(1.0, base), (-1.0, base + 2), (-1.0, base + 3), (1.0, base + 5)]
    assert estimate.paired_quantile_combination(zero, 0.95, u).value == pytest.approx(0, abs=1e-12)
    assert estimate.paired_mean_combination(zero).ci95 == pytest.approx((0, 0), abs=1e-12)
    # one arm alone, by hand: the order statistic, and the 2.5 and 97.5 per cent points of its resamples
    one = estimate.paired_quantile_combination([(2.0, base)], 0.9, u)
    again = sorted(2 * np.sort(base[(row * 200).astype(int)])[179] for row in u)
    assert (one.value, one.ci95) == (2 * np.sort(base)[179], (again[12], again[487]))
    other = rng.normal(size=200)
    difference = estimate.paired_mean_difference(base, other)
    assert estimate.paired_mean_combination([(1.0, other), (-1.0, base)]) == difference


@pytest.mark.parametrize("a", [0, 1, -0.1, 1.5, float("nan")])
def test_an_assurance_is_between_zero_and_one(a: float) -> None:
    with pytest.raises(InputError, match=r"command: assurance: found .*; allowed: a number between 0 and 1"):
        estimate.check_assurance(a)


def test_units_and_json() -> None:
    e = Estimate(12_345.0, (10_000.0, 20_000.0), 30_000.0)
    assert e.scaled(0.01, 2).as_dict() == {"value": 123.45, "ci95": [100.0, 200.0], "conservative": 300.0}
    assert Estimate(None, reason="none").scaled(0.01).as_dict() == {"value": None, "reason": "none"}
