"""Parameters given the targets, from a table of simulated counties: rejection with regression adjustment.

Everything happens in normal scores of what was believed before, so that no draw leaves its range, and on the scale on
which errors of targets are even. The simulated figures carry the targets' own errors, drawn by address.

Source: Beaumont, Zhang, Balding, Genetics 162 (2002) 2025-2035 (local linear adjustment); Fearnhead, Prangle, JRSS B 74
(2012) 419-474 (a posterior mean, predicted by regression, as the one summary of each parameter).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtri

from calibration.fit_problem import Problem
from calibration.target_list import Target
from sim.streams import entity_id, stream_key, uniforms
from sim.units import F64, I64

ACCEPTED = 0.25  # of the rows of the table
_MOST_LEVERAGE = 0.9


@dataclass(frozen=True)
class Posterior:
    """Weighted draws.

    Attributes
    ----------
    scores : (k, n_parameters) float64
        Normal scores in what was believed before.
    weight : (k,) float64
        Adds up to 1.
    rows : (k,) int64
        Rows of the table that they were made of.
    """

    scores: F64
    weight: F64
    rows: I64

    def quantile(self, p: Sequence[float]) -> F64:
        """Weighted quantiles of each parameter's score: (n_p, n_parameters)."""
        return np.column_stack([weighted_quantile(x, self.weight, p) for x in self.scores.T])

    def resampled(self, n: int, seed: int) -> F64:
        """n draws of equal weight, in a random order: systematic resampling, the start and order drawn by address."""
        u = uniforms(stream_key(seed, "calibration.resample"), 0, 0, np.arange(n + 1))[0]
        at = np.searchsorted(np.cumsum(self.weight), (np.arange(n) + u[0]) / n * (1 - 1e-12))
        return np.asarray(self.scores[np.minimum(at, len(self.weight) - 1)][np.argsort(u[1:])])


def weighted_quantile(x: F64, weight: F64, p: Sequence[float]) -> F64:
    """Quantiles of weighted values, between them by straight lines."""
    order = np.argsort(x, kind="stable")
    middle = np.cumsum(weight[order]) - weight[order] / 2
    return np.asarray(np.interp(p, middle / weight.sum(), x[order]))


def simulated(problem: Problem, table: pd.DataFrame, targets: Sequence[Target], luck: str = "table") -> F64:
    """The simulated figures with the targets' own errors, scaled: (n_rows, n_targets)."""
    key = stream_key(problem.settings.seed, f"calibration.error.{luck}")
    rows = table["row"].to_numpy()
    out = np.empty((len(table), len(targets)))
    for j, target in enumerate(targets):
        ids = np.full(len(rows), entity_id("target", target.key))
        out[:, j] = target.scaled(table[target.key]) + target.scaled_error * ndtri(uniforms(key, 0, rows, ids)[0])
    return out


def scores_of(problem: Problem, table: pd.DataFrame) -> F64:
    """Normal scores of the rows' parameters, drawn again by their addresses."""
    return problem.prior_scores(table["row"].to_numpy())


@dataclass(frozen=True)
class Summary:
    """Regression of the parameters' scores on figures and their squares: what a set of figures says of each."""

    middle: F64
    spread: F64
    slope: F64  # (1 + 2 n_targets, n_parameters)
    unit: F64  # spread of the predictions

    @staticmethod
    def learn(scores: F64, figures: F64) -> Summary:
        """Least squares over all rows."""
        middle, spread = figures.mean(axis=0), np.maximum(figures.std(axis=0), 1e-12)
        x = _squares((figures - middle) / spread)
        slope = np.asarray(np.linalg.lstsq(x, scores, rcond=None)[0], dtype=np.float64)
        return Summary(middle, spread, slope, np.maximum((x @ slope).std(axis=0), 1e-9))

    def __call__(self, figures: F64) -> F64:
        """Predicted scores in units of their own spread: (n, n_parameters)."""
        return np.asarray(_squares((np.atleast_2d(figures) - self.middle) / self.spread) @ self.slope / self.unit)


def _squares(x: F64) -> F64:
    x = np.clip(x, -6, 6)
    return np.column_stack([np.ones(len(x)), x, x * x])


def posterior(
    scores: F64, figures: F64, observed: F64, summary: Summary | None = None, share: float = ACCEPTED
) -> Posterior:
    """Draws of the parameters given observed figures.

    Parameters
    ----------
    scores : (n_rows, n_parameters) float64
    figures : (n_rows, n_targets) float64
        Scaled, with errors.
    observed : (n_targets,) float64
        Scaled.
    summary : Summary, optional
        Learnt from the same rows, where many sets of figures are fitted.
    share : float
        Of the rows that are accepted.
    """
    learnt = summary or Summary.learn(scores, figures)
    rows, weight, x = _nearest(learnt(figures), learnt(observed)[0], share)
    return Posterior(_adjusted(x, scores[rows], weight), weight / weight.sum(), rows)


def _nearest(t: F64, at: F64, share: float) -> tuple[I64, F64, F64]:
    """The nearest rows, their Epanechnikov weights, and how far off they are with a leading 1."""
    off = t - at
    distance = np.sqrt((off * off).sum(axis=1))
    k = max(int(share * len(t)), 4 * (t.shape[1] + 1))
    rows = np.argsort(distance, kind="stable")[:k]
    weight = 1 - (distance[rows] / (distance[rows[-1]] * (1 + 1e-9))) ** 2
    return rows, weight, np.column_stack([np.ones(k), off[rows]])


def _adjusted(x: F64, y: F64, weight: F64) -> F64:
    """Values moved to where the offsets are nought, by weighted least squares.

    What is left of a value is what is left by a line fitted without it (its residual over one less its leverage), for a
    line follows its own points too closely.
    """
    weighted = x * weight[:, None]
    gram = weighted.T @ x
    is_full = np.linalg.matrix_rank(gram, hermitian=True) == len(
        gram
    )  # few figures may say one thing of many parameters
    inverse = np.linalg.inv(gram) if is_full else np.linalg.pinv(gram, hermitian=True)
    slope = inverse @ (weighted.T @ y)
    leverage = weight * np.einsum("ij,jk,ik->i", x, inverse, x)
    left = (y - x @ slope) / (1 - np.minimum(leverage, _MOST_LEVERAGE))[:, None]
    return np.asarray(slope[0] + left)


def predicted(scores: F64, figures: F64, other: F64, observed: F64, share: float = ACCEPTED) -> tuple[F64, F64]:
    """Values and weights of a figure that is left out, given the others: adjusted like a parameter."""
    learnt = Summary.learn(np.column_stack([scores, other]), figures)
    rows, weight, x = _nearest(learnt(figures), learnt(observed)[0], share)
    return _adjusted(x, other[rows][:, None], weight)[:, 0], weight / weight.sum()
