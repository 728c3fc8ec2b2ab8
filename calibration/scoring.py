"""A forecast held against what happened: intervals, probability integral transform, CRPS, and tests that respect dependence.

A forecast is a sample of histories, one row each; its columns happen together, so what is tested on several columns is
compared with the same statistic of the forecast's own histories, each in turn taken for what happened. Townships of one
county are never taken for independent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy
from scipy.special import xlogy

from sim.units import F64

INTERVAL = 0.90
FEWEST_PERIODS = 20  # for the tests of Kupiec and Christoffersen; fewer have no power


@dataclass(frozen=True)
class Joint:
    """Several quantities of one forecast, tested together.

    Attributes
    ----------
    n : int
    n_effective : float
        How many independent quantities would leave the mean of the transforms as uncertain.
    missed : int
        Outside their interval of nine tenths.
    p_missed, p_level, p_spread : float [1]
        Chance, under the forecast, of as many misses or more; of a mean as far off (two-sided); of transforms as far
        out at the ends (spread too narrow: small) or as close to the middle (two-sided).
    """

    n: int
    n_effective: float
    missed: int
    p_missed: float
    p_level: float
    p_spread: float


def pit(sample: F64, actual: F64, u: Any = 0.5) -> F64:
    """Where what happened lies in the forecast: chance of less, plus a share u of the chance of the same.

    Parameters
    ----------
    sample : (n_histories, k) float64
    actual : (k,) float64
    u : float or (k,) float64 [1]
        Uniform numbers make the transform uniform for counts as well; one half is its middle.
    """
    below, same = (sample < actual).mean(axis=0), (sample == actual).mean(axis=0)
    return np.asarray(below + u * same)


def interval(sample: F64, level: float = INTERVAL) -> tuple[F64, F64]:
    """Ends of the middle interval: (k,) each."""
    low, high = np.quantile(sample, [(1 - level) / 2, (1 + level) / 2], axis=0, method="inverted_cdf")
    return low, high


def crps(sample: F64, actual: F64) -> F64:
    """Continuous ranked probability score of a sample, in the quantity's unit: (k,) float64; smaller is better.

    Source: Gneiting and Raftery, JASA 102 (2007), eq. 21: E|X - y| - E|X - X'| / 2.
    """
    x = np.sort(sample, axis=0)
    n = len(x)
    weight = (2 * np.arange(1, n + 1) - n - 1)[:, None]
    return np.asarray(np.abs(x - actual).mean(axis=0) - (weight * x).sum(axis=0) / n**2)


def together(sample: F64, actual: F64) -> Joint:
    """Test columns that happen together, with critical values from the forecast itself.

    Parameters
    ----------
    sample : (n_histories, k) float64
    actual : (k,) float64
    """
    ranks = _ranks(sample)
    own = pit(sample, actual)
    low, high = interval(sample)
    missed = int(((actual < low) | (actual > high)).sum())
    every_missed = ((sample < low) | (sample > high)).sum(axis=1)
    level, spread = own.mean(), ((2 * own - 1) ** 2).mean()
    every_level, every_spread = ranks.mean(axis=1), ((2 * ranks - 1) ** 2).mean(axis=1)
    variance = ranks.var(axis=0).mean()
    of_mean = every_level.var()
    effective = float(np.clip(variance / of_mean, 1.0, ranks.shape[1])) if of_mean > 0 else 1.0
    return Joint(
        actual.size, effective, missed, _upper(every_missed, missed),
        _two_sided(every_level, level), _two_sided(every_spread, spread),
    )  # fmt: skip


def _ranks(sample: F64) -> F64:
    """Middle transform of each history in the sample of all: (n_histories, k)."""
    return np.asarray((scipy.stats.rankdata(sample, axis=0, method="average") - 0.5) / len(sample))


def _upper(every: Any, own: float) -> float:
    return float((1 + (every >= own - 1e-12).sum()) / (len(every) + 1))


def _two_sided(every: Any, own: float) -> float:
    low, high = _upper(-every, -own), _upper(every, own)
    return min(1.0, 2 * min(low, high))


def kupiec(misses: int, n: int, expected: float) -> tuple[float, float]:
    """Likelihood ratio and p-value that misses come as often as they should; periods are taken as independent.

    Source: Kupiec, Journal of Derivatives 3 (1995), proportion of failures.
    """
    share = misses / n
    ratio = 2 * (_log_likelihood(misses, n, share) - _log_likelihood(misses, n, expected))
    return float(ratio), float(scipy.stats.chi2.sf(ratio, 1))


def christoffersen(missed: Any) -> tuple[float, float]:
    """Likelihood ratio and p-value that a miss does not follow a miss more often than a hit.

    Parameters
    ----------
    missed : (n,) bool
        In order of time.

    Source: Christoffersen, International Economic Review 39 (1998), test of independence.
    """
    m = np.asarray(missed, dtype=bool)
    before, after = m[:-1], m[1:]
    return independence(*(int(((before == a) & (after == b)).sum()) for a in (False, True) for b in (False, True)))


def independence(n00: int, n01: int, n10: int, n11: int) -> tuple[float, float]:
    """Christoffersen's ratio from the counts of hit-hit, hit-miss, miss-hit and miss-miss."""
    total = n00 + n01 + n10 + n11
    one = _log_likelihood(n01 + n11, total, (n01 + n11) / total)
    two = _log_likelihood(n01, n00 + n01, n01 / max(n00 + n01, 1)) + _log_likelihood(
        n11, n10 + n11, n11 / max(n10 + n11, 1)
    )
    ratio = max(2 * (two - one), 0.0)
    return float(ratio), float(scipy.stats.chi2.sf(ratio, 1))


def _log_likelihood(k: int, n: int, p: float) -> float:
    return float(xlogy(k, p) + xlogy(n - k, 1 - p)) if 0 < p < 1 else (0.0 if k == n * p else -math.inf)
