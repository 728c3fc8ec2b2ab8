"""Histories that share uncertain parameters: how wrong a mean over them is.

All histories at one point of the parameters are bad together where the point is bad, so that a thousand histories at 64
points say less than a thousand at as many points. But the points are a Latin hypercube: what one field does alone is evened out
over its slices. What is left is how fields act together, and the histories' own luck: the spread of the points' means about
the sum of smooth curves, one of each field.

A mean's error is told by leaving out each point in turn (jackknife): the points with the worst parameters lie farthest out, pull
the curves most and spread most, and what the curves leave there is too small by the point's leverage. Few such points
decide, so that the error has few degrees of freedom; and a mean that has missed a bad one is low and looks precise, which the
third moment mends. A share is bounded, and spreads most in the middle: half of the leverage's correction is right for it.

Source: Stein, Technometrics 29 (1987) 143-151, and Owen, J. Royal Statistical Society B 54 (1992) 541-551 (variance over
a Latin hypercube: that of the residual from the additive part); MacKinnon & White, J. Econometrics 29 (1985) 305-325 (HC2,
HC3); Pan & Wall, Statistics in Medicine 21 (2002) 1429-1441 (degrees of freedom); Hall, J. Royal Statistical Society B 54
(1992) 221-228 (skewness); Cochran, Sampling Techniques (3rd ed., 1977), 12.2 (histories chosen from a pool).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import stdtrit

from sim.estimate.figure import Z95
from sim.units import F64, I64, Array, Bool

_DEGREE = 3  # of each field's curve
_SPARE = 3  # points for each term of the curves, at least
_EACH = 2  # histories for each point: with fewer, nearly every history has its own
_OF_SHARES, _OF_MEANS = 0.5, 1.0  # powers of one less a point's leverage: HC2, HC3


@dataclass(frozen=True, eq=False)
class Points:
    """At which point of the uncertain parameters each history stands.

    Attributes
    ----------
    of : (n,) int64
        Point of each history, a row of ``at``.
    at : (n_points, n_fields) float64
        The points, as normal scores.
    pool : (n_points, n_strata) int64, optional
        Where histories were chosen by strata: those that were looked at, by point and stratum.
    """

    of: I64
    at: F64
    pool: I64 | None = None

    @cached_property
    def _numbered(self) -> tuple[I64, I64, F64]:
        """Points that have histories: their number in each history, how many there are, where they stand."""
        if self.pool is None:
            there, of, counts = np.unique(self.of, return_inverse=True, return_counts=True)
            return of, counts, self.at[there]
        counts = self.pool.sum(axis=1)
        there = counts > 0
        return (np.cumsum(there) - 1)[self.of], counts[there], self.at[there]

    @property
    def matter(self) -> bool:
        """Do histories share points, and are there enough of them to see what they do?"""
        counts = self._numbered[1]
        return bool(counts.sum() >= _EACH * counts.size and counts.size > _SPARE * (1 + self.at.shape[1]))

    @cached_property
    def _curves(self) -> tuple[F64, F64, F64]:
        """Orthonormal terms of the curves in the points' weights, roots of the weights, and each point's leverage."""
        _, counts, at = self._numbered
        degree = max(d for d in range(1, _DEGREE + 1) if d == 1 or _SPARE * (1 + d * at.shape[1]) <= counts.size)
        terms = np.column_stack([np.ones(counts.size), *(at**d for d in range(1, degree + 1))])
        root = np.sqrt(counts / counts.mean())
        basis = np.linalg.qr(terms * root[:, None])[0]
        return basis, root, np.minimum((basis**2).sum(axis=1), 0.99)

    def _parts(self, means: F64, power: float) -> F64:
        """What each point adds to the error of the mean of all: what the curves leave, by its weight and its leverage."""
        counts = self._numbered[1]
        basis, root, leverage = self._curves
        y = root * means
        return np.asarray((y - basis @ (basis.T @ y)) / root * counts / counts.sum() / (1 - leverage) ** power)

    @property
    def _few(self) -> float:
        """That few points tell an error, as a factor of it."""
        _, counts, _ = self._numbered
        return float(stdtrit(counts.size - self._curves[0].shape[1], 0.975)) / Z95

    def means(self, x: Array, of: I64, share: F64) -> F64:
        """What each point has of a mean: that of its histories, or, where they were chosen by strata, what these tell of it.

        Parameters
        ----------
        x : (n,) float64
        of, share : (n,) int64, (n_strata,) float64
            As in `Strata`.

        Returns
        -------
        (n_points with histories,) float64
        """
        point, counts, _ = self._numbered
        if self.pool is None:
            return np.asarray(np.bincount(point, x) / counts)
        n = np.bincount(of, minlength=share.size)
        middle = np.bincount(of, x) / n
        within = np.bincount(point, (x - middle[of]) * (share / n)[of], counts.size)
        return np.asarray(self._mix @ middle + within * counts.sum() / counts)

    @cached_property
    def _mix(self) -> F64:
        """Shares of the strata at each point: (n_points with histories, n_strata)."""
        assert self.pool is not None
        there = self.pool[self.pool.sum(axis=1) > 0]
        return np.asarray(there / there.sum(axis=1, keepdims=True))

    def error(self, means: F64) -> float:
        """Standard error of a share, from `means` of one 0 or 1 a history."""
        return self._few * math.sqrt(float((self._parts(means, _OF_SHARES) ** 2).sum()))

    def lasting(self, x: Array) -> float:
        """Part of the standard error of a share that more histories at the same points leave, of histories all drawn alike.

        What is taken off is the histories' own luck: the spread of 0s and 1s around their point's share.
        """
        of, counts, _ = self._numbered
        share = np.bincount(of, x) / counts
        luck = share * (1 - share) / np.maximum(counts - 1, 1) * (counts / counts.sum()) ** 2
        return math.sqrt(max(self.error(share) ** 2 - self._few**2 * float(luck.sum()), 0.0))

    def interval(self, means: F64) -> tuple[float, float]:
        """How far a mean's 95 per cent interval reaches below and above it, from `means` of one value a history."""
        parts = self._parts(means, _OF_MEANS)
        square = float((parts**2).sum())
        if square == 0:
            return 0.0, 0.0
        most = parts.size - self._curves[0].shape[1]
        freedom = min(max(3 * square**2 / float((parts**4).sum()) - 2, 1.0), most)
        t, error = float(stdtrit(freedom, 0.975)), math.sqrt(square)
        skewness = float((parts**3).sum()) / error**3
        return error * _studentized(t, skewness), -error * _studentized(-t, skewness)

    def turns(self, resampling: F64) -> F64:
        """Resamples of the points: what each adds to or takes from its weight; they do to a share what `error` says.

        Each point's histories come about twice or not at all, such that what one field does alone stays evened out; a few
        come a little less often than not at all.
        Source: Wolter, Introduction to Variance Estimation (2nd ed., 2007), ch. 3 (balanced half-samples).

        Parameters
        ----------
        resampling : (n_resamples, n) float64
            Uniforms; the first of each row are used.

        Returns
        -------
        (n_resamples, n_points with histories) float64
        """
        _, counts, _ = self._numbered
        basis, root, leverage = self._curves
        weight = self._few * counts / counts.sum() / (1 - leverage) ** _OF_SHARES
        v = np.where(resampling[:, : counts.size] < 0.5, -1.0, 1.0) * weight / root
        return np.asarray((v - (v @ basis) @ basis.T) * root * counts.sum() / counts)

    def masses(self, resampling: F64, of: I64, share: F64) -> F64:
        """How often each history comes in each of the resamples: (n_resamples, n), ones on average.

        A stratum weighs more where points with more of it come more often than its own histories do.
        """
        point, counts, _ = self._numbered
        turns = self.turns(resampling)
        if self.pool is None:
            return np.asarray((1 + turns)[:, point])
        n = np.bincount(of, minlength=share.size)
        here = np.zeros((counts.size, share.size))
        np.add.at(here, (point, of), 1.0)
        between = turns @ (self._mix * (counts / counts.sum())[:, None] / share - here / n)
        return np.asarray(1 + turns[:, point] + between[:, of])

    def only(self, kept: Bool) -> Points:
        """The points of some of the histories."""
        return Points(self.of[kept], self.at, self.pool)


def _studentized(t: float, skewness: float) -> float:
    """The studentized error of a mean that is as likely as t is for one without skewness."""
    g = skewness
    return t if abs(g) < 1e-9 else 3 * (float(np.cbrt(1 + g * (t - g / 6))) - 1) / g
