"""Estimates from histories, with their errors. The conventions of the project stand here and nowhere else.

Quantile: inf{x : F(x) >= a}, the ceil(a n)-th order statistic, no interpolation. Shortfall: need > size,
strictly. Intervals: 95 per cent, distribution-free for quantiles, exact binomial for probabilities.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import bdtr, betaincinv

from sim.errors import InputError, TooFewHistories
from sim.streams import stream_key, uniforms
from sim.units import F64, Array

Z95 = 1.959963984540054
Weighted = Sequence[tuple[float, Array]]  # arms with their weights in a sum


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 per cent interval for simulation error, and the upper figure for needs.

    ``value`` is None, with a ``reason``, where the figure does not exist.
    """

    value: float | None
    ci95: tuple[float, float] | None = None
    conservative: float | None = None
    reason: str | None = None

    def scaled(self, factor: float, digits: int | None = None) -> Estimate:
        """The same estimate in another unit."""

        def f(x: float | None) -> float | None:
            return None if x is None else round(x * factor, digits) if digits is not None else x * factor

        ci = None if self.ci95 is None else (f(self.ci95[0]) or 0.0, f(self.ci95[1]) or 0.0)
        return Estimate(f(self.value), ci, f(self.conservative), self.reason)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: no empty keys but `value`."""
        out: dict[str, Any] = {"value": self.value}
        if self.ci95 is not None:
            out["ci95"] = list(self.ci95)
        if self.conservative is not None:
            out["conservative"] = self.conservative
        if self.reason is not None:
            out["reason"] = self.reason
        return out


def check_assurance(assurance: float) -> None:
    """Refuse an assurance outside the open interval (0, 1)."""
    if not 0 < assurance < 1:
        raise InputError("command", "assurance", assurance, "a number between 0 and 1, both excluded, such as 0.95")


def quantile_rank(n: int, a: float) -> int:
    """Rank (from 1) of the order statistic that estimates the a-quantile."""
    return min(max(math.ceil(a * n - 1e-9), 1), n)


def interval_ranks(n: int, a: float, confidence: float = 0.95) -> tuple[int, int] | None:
    """Ranks (r, s) with P(X_(r) <= q_a <= X_(s)) >= confidence; None if the sample is too small.

    Source: X ~ Bin(n, a), P = P(r <= X <= s - 1).
    """
    tail = (1 - confidence) / 2
    r, s = _binomial_quantile(n, a, tail), _binomial_quantile(n, a, 1 - tail) + 1
    return (r, s) if r >= 1 and s <= n else None


def upper_rank(n: int, a: float, confidence: float = 0.95) -> int | None:
    """Rank of the one-sided upper order statistic for the a-quantile; None if it does not exist."""
    s = _binomial_quantile(n, a, confidence) + 1
    return s if s <= n else None


def needed_histories(a: float, confidence: float = 0.95) -> int:
    """Fewest histories for which the upper order statistic of the a-quantile exists (Wilks)."""
    return math.ceil(math.log(1 - confidence) / math.log(a))


def quantile(x: Array, a: float) -> Estimate:
    """a-quantile with its interval and conservative (one-sided 95 per cent upper) figure.

    Raises
    ------
    TooFewHistories
        The conservative figure does not exist for so few histories.
    """
    ordered = np.sort(np.asarray(x, dtype=float))
    n = ordered.size
    upper = upper_rank(n, a)
    if upper is None:
        raise TooFewHistories(
            f"replications: found {n}; allowed: {needed_histories(a)} or more for an assurance of {a:g} "
            "(the upper 95 per cent order statistic does not exist for fewer)"
        )
    ranks = interval_ranks(n, a)
    reason = (
        None if ranks is not None else "the sample is too small for a 95% interval: its upper end is the largest value"
    )
    low, high = ranks if ranks is not None else (max(_binomial_quantile(n, a, 0.025), 1), n)
    return Estimate(float(ordered[quantile_rank(n, a) - 1]), (float(ordered[low - 1]), float(ordered[high - 1])),
                    float(ordered[upper - 1]), reason)  # fmt: skip


def mean(x: Array) -> Estimate:
    """Mean with its normal 95 per cent interval."""
    x = np.asarray(x, dtype=float)
    if x.size < 2:
        return Estimate(float(x.mean()) if x.size else None, reason="fewer than two histories")
    half = Z95 * float(x.std(ddof=1)) / math.sqrt(x.size)
    return Estimate(float(x.mean()), (float(x.mean()) - half, float(x.mean()) + half))


def proportion(hits: int, n: int) -> Estimate:
    """Share of histories with its exact (Clopper-Pearson) 95 per cent interval."""
    low = 0.0 if hits == 0 else float(betaincinv(hits, n - hits + 1, 0.025))
    high = 1.0 if hits == n else float(betaincinv(hits + 1, n - hits, 0.975))
    return Estimate(hits / n, (low, high))


def upper_proportion(hits: int, n: int, confidence: float = 0.95) -> float:
    """One-sided upper bound of a share (exact binomial)."""
    return 1.0 if hits == n else float(betaincinv(hits + 1, n - hits, confidence))


def tail_mean(x: Array, a: float) -> float:
    """TVaR: quantile plus the mean excess over it, divided by 1 - a (Acerbi-Tasche)."""
    ordered = np.sort(np.asarray(x, dtype=float))
    q = ordered[quantile_rank(ordered.size, a) - 1]
    return float(q + np.maximum(ordered - q, 0).mean() / (1 - a))


def paired_mean_difference(base: Array, other: Array) -> Estimate:
    """Mean of the differences between two arms on the same random numbers."""
    return mean(np.asarray(other, dtype=float) - np.asarray(base, dtype=float))


def paired_mean_combination(arms: Weighted) -> Estimate:
    """Mean of a weighted sum of arms on the same random numbers, added up history by history."""
    return mean(np.asarray(sum(weight * np.asarray(x, dtype=float) for weight, x in arms)))


def paired_quantile_difference(base: Array, other: Array, a: float, resampling: F64) -> Estimate:
    """Difference of a-quantiles of two arms; see `paired_quantile_combination`."""
    return paired_quantile_combination([(1.0, other), (-1.0, base)], a, resampling)


def paired_quantile_combination(arms: Weighted, a: float, resampling: F64) -> Estimate:
    """Weighted sum of the arms' a-quantiles, with a bootstrap interval that resamples histories in all arms alike.

    Parameters
    ----------
    arms : sequence of (weight, (n,) float64)
        Histories of the arms in one order.
    a : float
    resampling : (n_resamples, n) float64
        Uniforms by address; the only use of randomness in an estimate.
    """
    n = np.asarray(arms[0][1]).size
    rank = quantile_rank(n, a) - 1
    rows = (resampling * n).astype(np.int64)
    value, again = 0.0, np.zeros(rows.shape[0])
    for weight, values in arms:
        x = np.asarray(values, dtype=float)
        value += weight * float(np.partition(x, rank)[rank])
        again += weight * np.partition(x[rows], rank, axis=1)[:, rank]
    again.sort()
    k = again.size
    return Estimate(value, (float(again[int(0.025 * k)]), float(again[int(0.975 * k)])))


def resampling(seed: int, n: int, n_resamples: int = 500) -> F64:
    """Uniforms for `paired_quantile_combination`, by address: (n_resamples, n)."""
    key = stream_key(seed, "estimate.resampling")
    ids = np.arange(n_resamples * n, dtype=np.int64)
    return uniforms(key, 0, 0, ids)[0].reshape(n_resamples, n)


def _binomial_quantile(n: int, p: float, q: float) -> int:
    """Smallest k with P(Bin(n, p) <= k) >= q."""
    low, high = 0, n
    while low < high:
        mid = (low + high) // 2
        low, high = (low, mid) if bdtr(mid, n, p) >= q else (mid + 1, high)
    return low


def rounded_up(yuan: float, half_width: float) -> float:
    """Up to a step that is not finer than the simulation error: 1, 2 or 5 times a power of ten of 10,000 yuan."""
    step = 10_000.0
    while step < half_width:
        for factor in (2, 2.5, 2):
            step *= factor
            if step >= half_width:
                break
    return math.ceil(yuan / step - 1e-9) * step
