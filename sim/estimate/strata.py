"""Histories that were not drawn alike: the strata they come from, their weights, and errors that respect both.

Strata cut the exogenous common draws (drought, lags, factors), never what a county does with them, so a history
has the same stratum in every arm. More histories are run where bad years come from; a known share of each stratum
puts the weights right.

Source: Cochran, Sampling Techniques (3rd ed., 1977), 5.3 (stratified variance) and 12.2 (shares counted from a
first, larger sample); Kish, Survey Sampling (1965) (effective sample size).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim.errors import InputError
from sim.estimate.figure import Z95
from sim.estimate.points import Points
from sim.units import F64, I64, Array, Bool


@dataclass(frozen=True, eq=False)
class Strata:
    """Which stratum each history was drawn from, and how likely the strata are.

    Parameters
    ----------
    of : (n,) int64
        Stratum of each history, from 0.
    share : (n_strata,) float64 [1]
        Probability of each stratum; their sum is one.
    pool : int, optional
        Number of draws that ``share`` was counted from; None if it is exact.
    points : Points, optional
        Where histories share uncertain parameters. Those that were all drawn alike have strata for their sake alone; see
        `alike`.

    Raises
    ------
    InputError
        Shares that are no probabilities, or a stratum with fewer than two histories: one shows no spread.
    """

    of: I64
    share: F64
    pool: int | None = None
    points: Points | None = None

    @staticmethod
    def alike(points: Points | None) -> Strata | None:
        """Histories that all weigh the same: nothing to say of them, unless several share uncertain parameters."""
        if points is None or not points.matter:
            return None
        return Strata(np.zeros(points.of.size, dtype=np.int64), np.ones(1), points=points)

    def __post_init__(self) -> None:
        of, share = np.asarray(self.of, dtype=np.int64), np.asarray(self.share, dtype=float)
        object.__setattr__(self, "of", of)
        object.__setattr__(self, "share", share)
        if share.size > of.size:
            raise InputError("strata", "share", share.size, f"no more strata than histories ({of.size})")
        if not (share > 0).all() or abs(math.fsum(share) - 1) > 1e-9:
            raise InputError("strata", "share", math.fsum(share), "probabilities above 0 that sum to 1")
        if of.min() < 0 or of.max() >= share.size:
            bad = int(of.min() if of.min() < 0 else of.max())
            raise InputError("strata", "of", bad, f"numbers of strata from 0 to {share.size - 1}")
        if self.pool is not None and self.pool < 1:
            raise InputError("strata", "pool", self.pool, "the number of draws that the shares were counted from")
        fewest = int(self.counts.argmin())
        if self.counts[fewest] < 2:
            raise InputError("strata", "of", int(self.counts[fewest]), f"two or more histories in stratum {fewest}")

    @property
    def are_chosen(self) -> bool:
        """Were the histories drawn unlike, so that they weigh unlike?"""
        return self.points is None or self.points.pool is not None

    @property
    def n(self) -> int:
        """Number of histories."""
        return self.of.size

    @property
    def counts(self) -> I64:
        """Histories of each stratum: (n_strata,) int64."""
        return np.bincount(self.of, minlength=self.share.size)

    @property
    def mass(self) -> F64:
        """How many equally likely histories each one stands for: (n,) float64, of sum n."""
        return (self.n * self.share / self.counts)[self.of]

    def only(self, kept: Bool) -> Strata:
        """The strata of some of the histories, such as those that failed in no arm."""
        return Strata(self.of[kept], self.share, self.pool, None if self.points is None else self.points.only(kept))


def mass_of(x: Array, strata: Strata | None) -> F64:
    """How many equally likely histories each value stands for; ones without strata."""
    n = np.asarray(x).shape[-1]
    if strata is None:
        return np.ones(n)
    if strata.n != n:
        raise InputError("strata", "of", strata.n, f"one stratum for each of the {n} histories")
    return strata.mass


def effective_sample_size(strata: Strata) -> float:
    """Equally weighted histories that would give a mean as precise, were the strata all alike."""
    return float(strata.mass.sum() ** 2 / (strata.mass**2).sum())


def largest_weight_share(strata: Strata) -> float:
    """Part of all weight that the heaviest history has; 1/n if all weigh the same."""
    return float(strata.mass.max() / strata.mass.sum())


def stratified_mean(x: Array, strata: Strata) -> tuple[float, float]:
    """Mean and its standard error.

    The error is that within strata, and, where the shares were counted, what their error adds between strata. Where
    histories share uncertain parameters it is that of the points, if it is larger.
    """
    mean, error = _of_strata(x, strata)
    return mean, error if strata.points is None else max(error, strata.points.error(_at_points(x, strata)))


def stratified_interval(x: Array, strata: Strata) -> tuple[float, float, float]:
    """Mean, and the ends of its 95 per cent interval: a normal one, or that of the points if it is longer."""
    mean, error = _of_strata(x, strata)
    low = high = Z95 * error
    if strata.points is not None:
        below, above = strata.points.interval(_at_points(x, strata))
        if below + above > low + high:
            low, high = below, above
    return mean, mean - low, mean + high


def _of_strata(x: Array, strata: Strata) -> tuple[float, float]:
    """Mean and its standard error, were all parameters known."""
    x = np.asarray(x, dtype=float)
    mass_of(x, strata)  # lengths agree
    n, share = strata.counts, strata.share
    means = np.bincount(strata.of, x) / n
    spread = np.bincount(strata.of, (x - means[strata.of]) ** 2) / (n - 1)
    mean = float(share @ means)
    variance = float(share**2 @ (spread / n))
    if strata.pool is not None:
        variance += float(share @ (means - mean) ** 2) / strata.pool
    return mean, math.sqrt(variance)


def _at_points(x: Array, strata: Strata) -> F64:
    assert strata.points is not None
    return strata.points.means(np.asarray(x, dtype=float), strata.of, strata.share)
