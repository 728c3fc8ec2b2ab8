"""Quantiles: order statistics, their ranks, and their distribution-free intervals."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import bdtr

from sim.errors import TooFewHistories
from sim.estimate.figure import Estimate
from sim.estimate.strata import Strata, mass_of, stratified_mean
from sim.units import F64, Array

SHORT_ABOVE = "the sample is too small for a 95% interval: its upper end is the largest value"
SHORT_BELOW = "the sample is too small for a 95% interval: its lower end is the smallest value"
_ROUNDING = 1e-9  # of a history: a n that is whole on paper is whole here


def quantile_rank(n: int, a: float) -> int:
    """Rank (from 1) of the order statistic that estimates the a-quantile."""
    return min(max(math.ceil(a * n - _ROUNDING), 1), n)


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


def quantile(x: Array, a: float, strata: Strata | None = None) -> Estimate:
    """a-quantile with its interval and conservative (one-sided 95 per cent upper) figure.

    Raises
    ------
    TooFewHistories
        The conservative figure does not exist for so few histories.
    """
    x = np.asarray(x, dtype=float)
    n = x.size
    if upper_rank(n, a) is None:
        raise _too_few(n, needed_histories(a), a)
    worth = n if strata is None else worth_of(x, a, strata)
    upper = upper_rank(worth, a)
    if upper is None:
        raise _too_few(n, math.ceil(needed_histories(a) * n / worth), a)
    reason, ranks = None, interval_ranks(worth, a)
    if ranks is None:
        ranks = _binomial_quantile(worth, a, 0.025), _binomial_quantile(worth, a, 0.975) + 1
        reason = SHORT_ABOVE if ranks[1] > worth else SHORT_BELOW
    order, mass = np.argsort(x, kind="stable"), mass_of(x, strata)
    below = np.cumsum(mass[order])

    def at(histories: float) -> float:
        """The value up to which so many of all n equally likely histories lie."""
        return float(x[order][min(int((below < histories - _ROUNDING).sum()), n - 1)])

    low, high, upper_at = (rank * n / worth for rank in (*ranks, upper))
    if strata is None or not strata.are_chosen:  # whole histories, to the safe side
        low, high, upper_at = max(math.floor(low), 1), math.ceil(high), math.ceil(upper_at)
    value = quantile_value(x, a, None if strata is None else mass)
    return Estimate(float(value), (at(low), at(high)), at(upper_at), reason)


def quantile_or_reason(x: Array, a: float, strata: Strata | None = None) -> Estimate:
    """`quantile`; without a value, and with the number of histories it takes, where there is no conservative figure."""
    try:
        return quantile(x, a, strata)
    except TooFewHistories as error:
        return Estimate(None, reason=error.reason)


def worth_of(x: F64, a: float, strata: Strata) -> int:
    """Plain histories with parameters of their own that would tell F at the quantile as well as these, which share them.

    Not more than there are, unless they were chosen by strata.

    Source: Korn & Graubard, Survey Methodology 24 (1998) 193-201 (exact intervals at an effective number).
    """
    q = float(quantile_value(x, a, strata.mass))
    error = max(stratified_mean(x <= q, strata)[1], stratified_mean(x < q, strata)[1])
    if error == 0:
        return x.size
    worth = max(int(a * (1 - a) / error**2), 1)
    return worth if strata.are_chosen else min(worth, x.size)


def lasting_part(x: Array, a: float, strata: Strata | None) -> float:
    """Part of the length of a quantile's interval that more histories at the same uncertain parameters leave, from 0 to 1."""
    if strata is None or strata.points is None or strata.are_chosen:
        return 0.0
    hit = np.asarray(x, dtype=float) <= float(quantile_value(x, a))
    error = stratified_mean(hit, strata)[1]
    return min(strata.points.lasting(hit) / error, 1.0) if error > 0 else 0.0


def quantile_value(x: Array, a: float, mass: F64 | None = None) -> F64:
    """inf{x : F(x) >= a} of weighted values, in one sample or in many resamples of it.

    Parameters
    ----------
    x : (n,) float64
    a : float
    mass : (..., n) float64, optional
        How many equally likely histories each value stands for, of sum n in each sample; ones by default.

    Returns
    -------
    (...) float64
    """
    x = np.asarray(x, dtype=float)
    if mass is None:
        rank = quantile_rank(x.size, a) - 1
        return np.partition(x, rank)[rank]
    return _first_with(x, mass, a * x.size - _ROUNDING)


def _first_with(x: F64, mass: F64, wanted: float) -> F64:
    """Smallest value up to which the mass is at least the wanted one; the largest value if there is none."""
    order = np.argsort(x, kind="stable")
    below = (np.cumsum(np.take(mass, order, axis=-1), axis=-1) < wanted).sum(axis=-1)
    return x[order][np.minimum(below, x.size - 1)]


def _too_few(n: int, needed: int, a: float) -> TooFewHistories:
    return TooFewHistories(
        f"replications: found {n}; allowed: {needed} or more for an assurance of {a:g} "
        "(the upper 95 per cent order statistic does not exist for fewer)",
        f"{needed} or more histories are needed",
    )


def _binomial_quantile(n: int, p: float, q: float) -> int:
    """Smallest k with P(Bin(n, p) <= k) >= q."""
    low, high = 0, n
    while low < high:
        mid = (low + high) // 2
        low, high = (low, mid) if bdtr(mid, n, p) >= q else (mid + 1, high)
    return low
