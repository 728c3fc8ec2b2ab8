"""Histories that share uncertain parameters: how wrong a mean over them is.

All histories at one point of the parameters are bad together where the point is bad, so that a thousand histories at 64
points say less than a thousand at as many points. But the points are a Latin hypercube: what one field does alone is evened out
over its slices. What is left is how fields act together, and the histories' own luck: the spread of the points' means about
the sum of smooth curves, one of each field.

Source: Stein, Technometrics 29 (1987) 143-151, and Owen, J. Royal Statistical Society B 54 (1992) 541-551 (variance over
a Latin hypercube: that of the residual from the additive part); MacKinnon & White, J. Econometrics 29 (1985) 305-325 (HC2).
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


@dataclass(frozen=True, eq=False)
class Points:
    """At which point of the uncertain parameters each history stands.

    Attributes
    ----------
    of : (n,) int64
        Point of each history, a row of ``at``.
    at : (n_points, n_fields) float64
        The points, as normal scores.
    """

    of: I64
    at: F64

    @cached_property
    def _numbered(self) -> tuple[I64, I64, F64]:
        """Points that have histories: their number in each history, how many there are, where they stand."""
        there, of, counts = np.unique(self.of, return_inverse=True, return_counts=True)
        return of, counts, self.at[there]

    @property
    def matter(self) -> bool:
        """Do histories share points, and are there enough of them to see what they do?"""
        counts = self._numbered[1]
        return self.of.size >= _EACH * counts.size and counts.size > _SPARE * (1 + self.at.shape[1])

    @cached_property
    def _curves(self) -> tuple[F64, F64, F64]:
        """Orthonormal terms of the curves in the points' weights, roots of the weights, and each point's leverage."""
        _, counts, at = self._numbered
        degree = max(d for d in range(1, _DEGREE + 1) if d == 1 or _SPARE * (1 + d * at.shape[1]) <= counts.size)
        terms = np.column_stack([np.ones(counts.size), *(at**d for d in range(1, degree + 1))])
        root = np.sqrt(counts / counts.mean())
        basis = np.linalg.qr(terms * root[:, None])[0]
        return basis, root, np.minimum((basis**2).sum(axis=1), 0.99)

    @cached_property
    def _factor(self) -> F64:
        """What each point's residual counts in an error: its weight, its leverage, and that few points tell the error."""
        _, counts, _ = self._numbered
        basis, _, leverage = self._curves
        few = float(stdtrit(counts.size - basis.shape[1], 0.975)) / Z95
        return few * counts / counts.sum() / np.sqrt(1 - leverage)

    def error(self, x: Array) -> float:
        """Standard error of the mean of one value a history."""
        of, counts, _ = self._numbered
        basis, root, _ = self._curves
        y = root * np.bincount(of, x) / counts
        left = (y - basis @ (basis.T @ y)) / root
        return math.sqrt(float(((self._factor * left) ** 2).sum()))

    def masses(self, resampling: F64) -> F64:
        """Resamples of the points: what they do to a mean spreads as `error` says.

        Each point's histories come about twice or not at all, such that what one field does alone stays evened out; a few
        come a little less often than not at all.
        Source: Wolter, Introduction to Variance Estimation (2nd ed., 2007), ch. 3 (balanced half-samples).

        Parameters
        ----------
        resampling : (n_resamples, n) float64
            Uniforms; the first of each row are used.

        Returns
        -------
        (n_resamples, n) float64
            Of sum n in each resample.
        """
        of, counts, _ = self._numbered
        basis, root, _ = self._curves
        v = np.where(resampling[:, : counts.size] < 0.5, -1.0, 1.0) * self._factor / root
        more = (v - (v @ basis) @ basis.T) * root
        return np.asarray((1 + more * counts.sum() / counts)[:, of])

    def only(self, kept: Bool) -> Points:
        """The points of some of the histories."""
        return Points(self.of[kept], self.at)
