"""Means and probabilities."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy.special import betaincinv

from sim.estimate.figure import Z95, Estimate
from sim.estimate.strata import Strata, largest_weight_share, mass_of, stratified_interval, stratified_mean
from sim.units import Array, Bool


def mean(x: Array, strata: Strata | None = None) -> Estimate:
    """Mean with its 95 per cent interval: normal, and lopsided where histories share uncertain parameters."""
    x = np.asarray(x, dtype=float)
    if strata is not None:
        value, low, high = stratified_interval(x, strata)
        return Estimate(value, (low, high))
    if x.size < 2:
        return Estimate(float(x.mean()) if x.size else None, reason="fewer than two histories")
    half = Z95 * float(x.std(ddof=1)) / math.sqrt(x.size)
    return Estimate(float(x.mean()), (float(x.mean()) - half, float(x.mean()) + half))


def mean_among(x: Array, hit: Bool, strata: Strata | None = None) -> Estimate:
    """Mean of x over the histories that ``hit`` names, with its 95 per cent interval.

    With strata it is a ratio of two means; its error is that of the residuals (Cochran 1977, 6.11).
    """
    x, hit = np.asarray(x, dtype=float), np.asarray(hit, dtype=bool)
    if strata is None:
        return mean(x[hit])
    weight = mass_of(x, strata) * hit
    if hit.sum() < 2:
        return Estimate(float(x[hit][0]) if hit.any() else None, reason="fewer than two histories")
    value = float(weight[hit] @ x[hit] / weight.sum())
    none, low, high = stratified_interval(np.where(hit, x - value, 0.0) * (x.size / weight.sum()), strata)
    return Estimate(value, (value + low - none, value + high - none))


def mean_share(x: Array, hit: Bool, strata: Strata | None = None) -> Estimate:
    """`mean_among` of shares: where all of them lie in [0, 1] their mean does, so the interval is cut there."""
    found = mean_among(x, hit, strata)
    known = np.asarray(x, dtype=float)[np.asarray(hit, dtype=bool)]
    if found.ci95 is None or not ((known >= 0) & (known <= 1)).all():
        return found
    return replace(found, ci95=(max(found.ci95[0], 0.0), min(found.ci95[1], 1.0)))


def proportion(hits: int, n: int) -> Estimate:
    """Share of histories with its exact (Clopper-Pearson) 95 per cent interval."""
    low = 0.0 if hits == 0 else float(betaincinv(hits, n - hits + 1, 0.025))
    high = 1.0 if hits == n else float(betaincinv(hits + 1, n - hits, 0.975))
    return Estimate(hits / n, (low, high))


def upper_proportion(hits: int, n: int, confidence: float = 0.95) -> float:
    """One-sided upper bound of a share (exact binomial)."""
    return 1.0 if hits == n else float(betaincinv(hits + 1, n - hits, confidence))


def weighted_share(hit: Bool, strata: Strata | None = None) -> Estimate:
    """Probability of what ``hit`` marks; without strata `proportion`.

    With strata the exact interval is read at the number of plain histories that would be as precise. If all histories
    agree, that number is one over the largest weight: the heaviest stratum is where a rare event could hide.
    Source: Korn & Graubard, Survey Methodology 24 (1998) 193-201.
    """
    hit = np.asarray(hit, dtype=bool)
    if strata is None:
        return proportion(int(hit.sum()), hit.size)
    value, n = _worth(hit, strata)
    if n is None:
        return Estimate(value, (value, value))
    hits = value * n
    low = 0.0 if not hit.any() else float(betaincinv(hits, n - hits + 1, 0.025))
    high = 1.0 if hit.all() else float(betaincinv(hits + 1, n - hits, 0.975))
    return Estimate(value, (low, high))


def upper_share(hit: Bool, strata: Strata | None = None, confidence: float = 0.95) -> float:
    """One-sided upper bound of what `weighted_share` estimates."""
    hit = np.asarray(hit, dtype=bool)
    if strata is None:
        return upper_proportion(int(hit.sum()), hit.size, confidence)
    value, n = _worth(hit, strata)
    return value if n is None else 1.0 if hit.all() else float(betaincinv(value * n + 1, n - value * n, confidence))


def _worth(hit: Bool, strata: Strata) -> tuple[float, float | None]:
    """A probability, and the number of plain histories that would tell it as well; None if it is known exactly."""
    value, error = stratified_mean(hit, strata)
    if not hit.any() or hit.all():
        return float(hit.all()), 1 / largest_weight_share(strata)
    # without an error the stratum decides, and the shares are exact
    if error == 0:
        return value, None
    worth = value * (1 - value) / error**2
    return value, worth if strata.are_chosen else min(worth, hit.size)
