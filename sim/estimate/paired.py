"""Differences and sums of arms on the same random numbers: pairs history by history, resampled alike."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import bdtrik

from sim.estimate.figure import Estimate
from sim.estimate.means import mean, weighted_share
from sim.estimate.order import quantile_value
from sim.estimate.strata import Strata, mass_of
from sim.streams import stream_key, uniforms
from sim.units import F64, Array, Bool

Weighted = Sequence[tuple[float, Array]]  # arms with their weights in a sum


def paired_mean_difference(base: Array, other: Array, strata: Strata | None = None) -> Estimate:
    """Mean of the differences between two arms on the same random numbers."""
    return mean(np.asarray(other, dtype=float) - np.asarray(base, dtype=float), strata)


def paired_chance_difference(base: Bool, other: Bool, strata: Strata | None = None) -> Estimate:
    """Difference of two probabilities on the same random numbers, from the histories in which the arms disagree.

    The exact intervals of "only in the other" and "only in the base" are put together as if independent, so that arms
    which never disagree leave room for a rare history in which they would.
    Source: Zou & Donner, Statistics in Medicine 27 (2008) 1693-1702 (MOVER).
    """
    base, other = np.asarray(base, dtype=bool), np.asarray(other, dtype=bool)
    more, less = weighted_share(other & ~base, strata), weighted_share(base & ~other, strata)
    assert more.value is not None and more.ci95 and less.value is not None and less.ci95
    value = more.value - less.value
    return Estimate(
        value,
        (
            value - math.hypot(more.value - more.ci95[0], less.ci95[1] - less.value),
            value + math.hypot(more.ci95[1] - more.value, less.value - less.ci95[0]),
        ),
    )


def paired_mean_combination(arms: Weighted, strata: Strata | None = None) -> Estimate:
    """Mean of a weighted sum of arms on the same random numbers, added up history by history."""
    return mean(np.asarray(sum(weight * np.asarray(x, dtype=float) for weight, x in arms)), strata)


def paired_quantile_difference(
    base: Array, other: Array, a: float, resampling: F64, strata: Strata | None = None
) -> Estimate:
    """Difference of a-quantiles of two arms; see `paired_quantile_combination`."""
    return paired_quantile_combination([(1.0, other), (-1.0, base)], a, resampling, strata)


def paired_quantile_combination(arms: Weighted, a: float, resampling: F64, strata: Strata | None = None) -> Estimate:
    """Weighted sum of the arms' a-quantiles, with a bootstrap interval that resamples histories in all arms alike.

    Parameters
    ----------
    arms : sequence of (weight, (n,) float64)
        Histories of the arms in one order.
    a : float
    resampling : (n_resamples, n) float64
        Uniforms by address; the only use of randomness in an estimate.
    strata : Strata, optional
        Histories are then resampled within their strata.
    """
    own, again = mass_of(arms[0][1], strata), masses(resampling, strata)
    value, resampled = 0.0, np.zeros(again.shape[0])
    for weight, values in arms:
        value += weight * float(quantile_value(values, a, own))
        resampled += weight * quantile_value(values, a, again)
    return Estimate(value, percentile_interval(resampled))


def resampling(seed: int, n: int, n_resamples: int = 500) -> F64:
    """Uniforms for `masses`, by address: (n_resamples, n)."""
    key = stream_key(seed, "estimate.resampling")
    ids = np.arange(n_resamples * n, dtype=np.int64)
    return uniforms(key, 0, 0, ids)[0].reshape(n_resamples, n)


def masses(resampling: F64, strata: Strata | None = None) -> F64:
    """Bootstrap resamples, each as the number of equally likely histories that every history stands for in it.

    Histories are drawn with replacement, within strata where there are some. Shares that were counted from a pool are
    counted again from one. Where histories share uncertain parameters, points come more or less often, with all of theirs.

    Parameters
    ----------
    resampling : (n_resamples, n) float64
        Uniforms.
    strata : Strata, optional

    Returns
    -------
    (n_resamples, n) float64
        Of sum n on average; whole numbers without strata.
    """
    n = resampling.shape[1]
    if strata is None:
        return _times_drawn((resampling * n).astype(np.int64)).astype(float)
    if strata.points is not None:
        return strata.points.masses(resampling, strata.of, strata.share) * strata.mass
    own = mass_of(np.zeros(n), strata)
    by_stratum = np.argsort(strata.of, kind="stable")
    first, size = (np.cumsum(strata.counts) - strata.counts)[strata.of], strata.counts[strata.of]
    scaled = resampling * size
    # the whole part chooses a history of the same stratum; what is left over is uniform again
    times = _times_drawn(by_stratum[first + scaled.astype(np.int64)])
    if strata.pool is None:
        return times * own
    again = _counted_again(strata.share, strata.pool, scaled[:, : strata.share.size] % 1.0)
    return times * own * (again / strata.share)[:, strata.of]


def _times_drawn(drawn: Array) -> Array:
    """How often each of n histories is among the n drawn ones of every row."""
    k, n = drawn.shape
    return np.bincount((drawn + n * np.arange(k)[:, None]).ravel(), minlength=k * n).reshape(k, n)


def _counted_again(share: F64, pool: int, u: F64) -> F64:
    """Shares counted from another pool of the same size: multinomial, stratum after stratum, from (k, n_strata) uniforms."""
    left, rest = np.full(u.shape[0], float(pool)), 1.0
    out = np.zeros(u.shape)
    for s in range(share.size - 1):
        p = min(share[s] / rest, 1.0)
        out[:, s] = np.where(left > 0, np.clip(np.ceil(bdtrik(u[:, s], np.maximum(left, 1.0), p)), 0, left), 0)
        left, rest = left - out[:, s], rest - share[s]
    out[:, -1] = left
    return out / pool


def percentile_interval(resampled: F64) -> tuple[float, float]:
    """The 2.5 and 97.5 per cent points of a figure's resamples."""
    ordered = np.sort(resampled)
    k = ordered.size
    return float(ordered[int(0.025 * k)]), float(ordered[int(0.975 * k)])
