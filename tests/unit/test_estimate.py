"""Estimates: order statistics, exact intervals, tail means, paired differences, strata, and what they refuse."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import beta, binom, t

from sim import estimate
from sim.errors import InputError, TooFewHistories
from sim.estimate import Estimate, Strata
from sim.estimate.paired import _counted_again


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


# --- tail means --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "a", "tail_mean"),
    [
        (np.arange(1, 101), 0.95, 98.0),
        (np.arange(1, 11), 0.85, 9 + 0.1 / 0.15),  # a n is not whole: not E[L | L > q] = 10
        (np.array([0] * 90 + [5] * 9 + [50]), 0.95, 14.0),  # ties at the quantile
        (np.array([7] * 10), 0.5, 7.0),
    ],
)
def test_tail_value_of_fixed_numbers(x: np.ndarray, a: float, tail_mean: float) -> None:
    assert estimate.tail_value(x, a) == pytest.approx(tail_mean, abs=1e-12)
    assert estimate.tail_value(x, a, np.ones(x.size)) == pytest.approx(tail_mean, abs=1e-12)


def test_tail_mean_of_exponential_needs() -> None:
    """Figures of Exp(1): VaR99 4.605170, TVaR99 5.605170; n times the variance (1 + a)/(1 - a) = 199."""
    n = 100_000
    x = -np.log1p(-(np.arange(n) + 0.5) / n)
    got = estimate.tail_mean(x, 0.99)
    assert estimate.quantile(x, 0.99).value == pytest.approx(4.605170, abs=1e-3)
    assert got.value == pytest.approx(5.605170, abs=1e-3)
    assert estimate.half_width(got) == pytest.approx(1.959964 * np.sqrt(199 / n), rel=0.01)


def test_interval_of_a_tail_mean_by_hand() -> None:
    """The variance as Manistre and Hancock write it: [Var(L | L > q) + a (TVaR - q)^2] / (1 - a)."""
    x, a = np.random.default_rng(3).lognormal(size=8_000), 0.95
    q, got = estimate.quantile_value(x, a), estimate.tail_mean(x, a)
    assert got.value is not None
    variance = (x[x > q].var() + a * (got.value - q) ** 2) / (1 - a)
    assert estimate.half_width(got) == pytest.approx(1.959964 * np.sqrt(variance / x.size), rel=1e-3)


def test_tail_mean_by_sections_by_hand() -> None:
    x = np.random.default_rng(4).exponential(size=4_000)
    got = estimate.tail_mean_by_sections(x, 0.95)
    parts = np.array([estimate.tail_value(x[k::20], 0.95) for k in range(20)])
    assert got.value == estimate.tail_value(x, 0.95)
    half = t.ppf(0.975, 19) * np.sqrt(((parts - got.value) ** 2).sum() / 19 / 20)
    assert got.ci95 == pytest.approx((got.value - half, got.value + half))


@pytest.mark.parametrize(("a", "n"), [(0.95, 4_000), (0.99, 20_000), (0.9, 2_000)])
def test_a_thin_tail_has_no_mean(a: float, n: int) -> None:
    x = np.random.default_rng(5).exponential(size=n)
    reason = f"too few histories in the tail: {n} or more are needed for 200 beyond the quantile"
    for figure in (estimate.tail_mean, estimate.tail_mean_by_sections):
        assert figure(x, a).value is not None
        assert figure(x[1:], a) == Estimate(None, reason=reason)


# --- paired arms -------------------------------------------------------------------------------------


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


def test_a_difference_of_chances_is_read_from_the_histories_that_disagree() -> None:
    base, other = np.zeros(2000, dtype=bool), np.zeros(2000, dtype=bool)
    never = estimate.paired_chance_difference(base, other)
    assert never.value == 0
    assert never.ci95 == pytest.approx((-0.00184273, 0.00184273), abs=1e-8)  # 1 - 0.025 ** (1 / 2000)
    base[:40], other[10:60] = True, True  # 10 only in the base, 20 only in the other
    found = estimate.paired_chance_difference(base, other)
    assert found.value == pytest.approx(0.005)
    assert found.ci95 is not None
    normal = 1.96 * math.sqrt((30 / 2000 - 0.005**2) / 2000)  # of the mean of the differences
    assert 0.8 < (found.ci95[1] - found.ci95[0]) / (2 * normal) < 1.3


def test_the_interval_of_a_difference_of_chances_covers() -> None:
    rng = np.random.default_rng(5)
    hits = 0
    for _ in range(1000):
        u = rng.random(400)
        low, high = estimate.paired_chance_difference(u < 0.01, (u < 0.004) | (u > 0.98)).ci95 or (0, 0)
        hits += low <= 0.014 <= high
    assert 0.93 <= hits / 1000 <= 0.995


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


# --- how many histories ------------------------------------------------------------------------------


def test_histories_for_a_wanted_half_width() -> None:
    figure = Estimate(10.0, (8.0, 12.0))
    assert estimate.half_width(figure) == 2.0
    assert [estimate.histories_for(figure, 500, w) for w in (2.0, 1.0, 4.0, 0.3)] == [500, 2_000, 125, 22_223]
    assert estimate.histories_for(Estimate(0.0, (0.0, 0.0)), 500, 1.0) == 500
    assert estimate.half_width(Estimate(None, reason="none")) is None
    with pytest.raises(InputError, match=r"estimate: ci95: found None; allowed: an interval to predict from \(none\)"):
        estimate.histories_for(Estimate(None, reason="none"), 500, 1.0)
    with pytest.raises(InputError, match="half-width: found 0; allowed: a number above 0"):
        estimate.histories_for(figure, 500, 0)


def test_the_prediction_is_what_it_takes() -> None:
    x = np.random.default_rng(6).normal(size=10_000)
    few = estimate.mean(x[:500])
    n = estimate.histories_for(few, 500, 0.05)
    assert estimate.half_width(estimate.mean(x[:n])) == pytest.approx(0.05, rel=0.1)


# --- strata ------------------------------------------------------------------------------------------

# three good years for each bad one in the world, as many of both in the sample
X = np.array([1.0, 9.0, 2.0, 7.0, 2.0, 8.0, 3.0, 8.0])
HALVES = Strata(np.arange(8) % 2, np.array([0.75, 0.25]))


def test_weights_of_strata() -> None:
    assert HALVES.counts.tolist() == [4, 4]
    assert HALVES.mass.tolist() == [1.5, 0.5] * 4
    assert estimate.largest_weight_share(HALVES) == 0.1875
    assert estimate.effective_sample_size(HALVES) == 64 / (4 * 1.5**2 + 4 * 0.5**2)
    plain = Strata(np.zeros(8, dtype=int), np.array([1.0]))
    assert (estimate.largest_weight_share(plain), estimate.effective_sample_size(plain)) == (1 / 8, 8)
    kept = HALVES.only(np.arange(8) >= 2)
    assert (kept.n, kept.counts.tolist(), kept.mass.tolist()) == (6, [3, 3], [1.5, 0.5] * 3)
    assert estimate.mass_of(X, None).tolist() == [1.0] * 8


@pytest.mark.parametrize(
    ("of", "share", "pool", "message"),
    [
        ([0, 1], [0.5, 0.3, 0.2], None, r"share: found 3; allowed: no more strata than histories \(2\)"),
        ([0, 0, 2, 2], [0.5, 0.3, 0.2], None, "of: found 0; allowed: two or more histories in stratum 1"),
        ([0, 0, 1], [0.5, 0.5], None, "of: found 1; allowed: two or more histories in stratum 1"),
        ([0, 0, 1, 1], [0.5, 0.4], None, "share: found 0.9; allowed: probabilities above 0 that sum to 1"),
        ([0, 0, 1, 1], [1.0, 0.0], None, "share: found 1.0; allowed: probabilities above 0 that sum to 1"),
        ([0, 0, 1, 2], [0.5, 0.5], None, "of: found 2; allowed: numbers of strata from 0 to 1"),
        ([0, 0, -1, 1], [0.5, 0.5], None, "of: found -1; allowed: numbers of strata from 0 to 1"),
        ([0, 0, 1, 1], [0.5, 0.5], 0, "pool: found 0; allowed: the number of draws"),
    ],
)
def test_strata_that_are_refused(of: list[int], share: list[float], pool: int | None, message: str) -> None:
    with pytest.raises(InputError, match=f"^strata: {message}"):
        Strata(np.array(of), np.array(share), pool)


def test_histories_and_strata_must_match() -> None:
    with pytest.raises(InputError, match="strata: of: found 8; allowed: one stratum for each of the 7 histories"):
        estimate.mean(X[1:], HALVES)


def test_stratified_mean_by_hand() -> None:
    got = estimate.mean(X, HALVES)
    variance = 0.75**2 * np.var([1, 2, 2, 3], ddof=1) / 4 + 0.25**2 * np.var([9, 7, 8, 8], ddof=1) / 4
    assert got.value == 0.75 * 2 + 0.25 * 8
    assert estimate.half_width(got) == pytest.approx(1.959964 * np.sqrt(variance))
    counted = Strata(HALVES.of, HALVES.share, pool=100)
    variance += (0.75 * (2 - 3.5) ** 2 + 0.25 * (8 - 3.5) ** 2) / 100
    assert estimate.half_width(estimate.mean(X, counted)) == pytest.approx(1.959964 * np.sqrt(variance))


def test_stratified_quantile_of_fixed_numbers() -> None:
    """Masses 1.5 for 1, 2, 2, 3 and .5 for 7, 8, 8, 9: F is .1875, .5625, .75 and .8125, .9375, 1."""
    values = {0.1875: 1, 0.2: 2, 0.5625: 2, 0.57: 3, 0.75: 3, 0.76: 7, 0.8125: 7, 0.82: 8, 0.94: 9}
    for a, value in values.items():
        assert estimate.quantile_value(X, a, HALVES.mass) == value
    rows = np.stack([HALVES.mass, np.ones(8)])
    assert estimate.quantile_value(X, 0.6, rows).tolist() == [3, 7]
    # (x - 3)+ of 4, 5, 5, 6 with mass .5 each, of eight, over 1 - .6
    assert estimate.tail_value(X, 0.6, HALVES.mass) == pytest.approx(3 + 10 / 8 / 0.4)


def test_stratified_share() -> None:
    assert estimate.weighted_share(X > 2.5) == estimate.proportion(5, 8)
    got = estimate.weighted_share(X > 2.5, HALVES)
    assert got.value == 0.75 * 0.25 + 0.25
    assert got.ci95 is not None
    assert 0 < got.ci95[0] < got.value < got.ci95[1] < 1
    none, every = estimate.weighted_share(X > 9, HALVES), estimate.weighted_share(X > 0, HALVES)
    n = 1 / 0.1875  # as if all histories weighed as much as the heaviest
    assert none.ci95 == pytest.approx((0, 1 - 0.025 ** (1 / n)))
    assert every.ci95 == pytest.approx((0.025 ** (1 / n), 1))
    assert estimate.weighted_share(X > 5, HALVES) == Estimate(0.25, (0.25, 0.25))  # the strata decide


def test_mean_among_some_histories() -> None:
    hit = X > 1.5
    assert estimate.mean_among(X, hit) == estimate.mean(X[hit])
    got = estimate.mean_among(X, hit, HALVES)
    assert got.value == pytest.approx((1.5 * 7 + 0.5 * 32) / (1.5 * 3 + 0.5 * 4))
    assert got.ci95 is not None
    assert estimate.mean_among(X, X > 9, HALVES) == Estimate(None, reason="fewer than two histories")
    same = estimate.mean_among(np.full(8, 5.0), hit, HALVES)
    assert (same.value, same.ci95) == (5.0, (5.0, 5.0))


def test_the_interval_of_a_mean_share_stays_among_shares() -> None:
    x, every = np.array([0.0, 0.0, 0.0, 0.9]), np.full(4, True)
    plain, got = estimate.mean_among(x, every), estimate.mean_share(x, every)
    assert plain.ci95 is not None and plain.ci95[0] < 0
    assert (got.value, got.ci95) == (plain.value, (0.0, plain.ci95[1]))
    top = estimate.mean_share(1 - x, every).ci95
    assert top is not None and top[1] == 1.0
    assert estimate.mean_share(x - 0.5, every) == estimate.mean_among(x - 0.5, every)  # not a share


def test_one_stratum_is_nearly_none() -> None:
    rng = np.random.default_rng(7)
    x, n = rng.lognormal(size=4_000), 4_000
    y, one = x * rng.lognormal(0.1, 0.2, n), Strata(np.zeros(n, dtype=int), np.array([1.0]))
    u = estimate.resampling(1, n, 100)
    for figure in (estimate.mean, lambda x, s=None: estimate.tail_mean(x, 0.95, s)):
        assert figure(x, one).ci95 == pytest.approx(figure(x).ci95, rel=1e-9)
    plain, stratified = estimate.quantile(x, 0.95), estimate.quantile(x, 0.95, one)
    assert plain.value == stratified.value
    assert stratified.ci95 == pytest.approx(plain.ci95, rel=0.01)
    assert stratified.conservative == pytest.approx(plain.conservative, rel=0.01)
    assert estimate.weighted_share(x > 3, one).ci95 == pytest.approx(estimate.weighted_share(x > 3).ci95, rel=1e-3)
    assert (estimate.masses(u, one) == estimate.masses(u)).all()
    a, b = (estimate.paired_quantile_difference(x, y, 0.95, u, s) for s in (None, one))
    assert a == b


def test_resamples_stay_in_their_strata() -> None:
    of = np.array([0, 1, 1, 0, 1, 2, 2, 0, 1, 2])
    strata = Strata(of, np.array([0.6, 0.3, 0.1]))
    u = estimate.resampling(1, 10, 2_000)
    again = estimate.masses(u, strata)
    for s, share in enumerate(strata.share):
        assert again[:, of == s].sum(axis=1) == pytest.approx(10 * share)
    assert again.mean(axis=0) == pytest.approx(strata.mass, rel=0.1)
    # shares that were counted from a pool are counted again: they vary as a multinomial does
    counted = estimate.masses(u, Strata(of, strata.share, pool=400))
    shares = np.stack([counted[:, of == s].sum(axis=1) / 10 for s in range(3)])
    assert shares.sum(axis=0) == pytest.approx(1)
    assert shares.mean(axis=1) == pytest.approx(strata.share, abs=0.002)
    cov = (np.diag(strata.share) - np.outer(strata.share, strata.share)) / 400
    assert np.cov(shares) == pytest.approx(cov, abs=5e-5)


def test_counting_again_is_the_binomial_inverse() -> None:
    u = np.linspace(0.001, 0.999, 97)
    got = _counted_again(np.array([0.3, 0.7]), 40, np.stack([u, u], axis=1))
    assert (got[:, 0] * 40).round(9).tolist() == binom.ppf(u, 40, 0.3).tolist()


def test_plain_masses_count_what_was_drawn() -> None:
    u = estimate.resampling(2, 50, 20)
    again = estimate.masses(u)
    assert [row.tolist() for row in again] == [np.bincount((r * 50).astype(int), minlength=50).tolist() for r in u]


def test_a_stratified_quantile_is_never_below_what_its_histories_can_bear() -> None:
    rng = np.random.default_rng(8)
    x = rng.exponential(size=400)
    strata = Strata(np.arange(400) % 2, np.array([0.97, 0.03]))  # nearly all of the tail on a few heavy histories
    got = estimate.quantile(x, 0.95, strata)
    assert got.value is not None and got.ci95 is not None and got.conservative is not None
    assert got.ci95[0] <= got.value <= got.conservative <= got.ci95[1]
    with pytest.raises(TooFewHistories, match="found 40; allowed: 59 or more"):
        estimate.quantile(x[:40], 0.95, strata.only(np.arange(400) < 40))
    heavy = Strata(np.arange(100) % 4, np.array([0.9, 0.05, 0.03, 0.02]))
    with pytest.raises(TooFewHistories, match=r"found 100; allowed: \d+ or more for an assurance of 0.98"):
        estimate.quantile(np.where(np.arange(100) == 0, 9.0, x[:100] / 9), 0.98, heavy)


def test_a_thin_tail_of_heavy_histories_has_no_mean() -> None:
    """4,000 histories are enough if they weigh the same, and too few if the tail hangs on heavy ones."""
    x = np.random.default_rng(9).exponential(size=4_000)
    half = np.arange(4_000) % 2
    assert estimate.tail_mean(x, 0.95, Strata(half, np.array([0.5, 0.5]))).value is not None
    reason = estimate.tail_mean(x, 0.95, Strata(half, np.array([0.95, 0.05]))).reason
    assert reason is not None
    assert reason.startswith("too few histories in the tail: ")


def test_stratified_differences() -> None:
    strata = Strata(np.arange(400) % 4, np.array([0.55, 0.25, 0.15, 0.05]))
    x, u = np.random.default_rng(10).normal(size=400), estimate.resampling(1, 400)
    assert estimate.paired_mean_difference(x, x + 7, strata).ci95 == pytest.approx((7, 7))
    shifted = estimate.paired_quantile_difference(x, x + 7, 0.9, u, strata)
    assert (shifted.value, shifted.ci95) == (pytest.approx(7), pytest.approx((7, 7)))
    same = estimate.paired_quantile_difference(x, x, 0.9, u, strata)
    assert (same.value, same.ci95) == (0.0, (0.0, 0.0))
    one = estimate.paired_quantile_combination([(2.0, x)], 0.9, u, strata)
    assert one.value == 2 * estimate.quantile(x, 0.9, strata).value
