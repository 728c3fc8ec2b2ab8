"""Tail means: what a year costs on average, of the worst 1 - a of years."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import stdtrit

from sim.estimate.figure import Estimate
from sim.estimate.means import mean
from sim.estimate.order import quantile_value, worth_of
from sim.estimate.strata import Strata, mass_of
from sim.units import F64, Array

FEWEST_BEYOND = 200  # histories beyond the quantile: below, intervals miss the true value too often


def tail_mean(x: Array, a: float, strata: Strata | None = None) -> Estimate:
    """Tail mean (TVaR, expected shortfall) with its plug-in 95 per cent interval.

    The quantile's own error cancels to first order, so the interval is that of the mean excess over it: n times the
    variance is [Var(L | L > q) + a (TVaR - q)^2] / (1 - a).
    Source: Acerbi & Tasche, J. Banking & Finance 26 (2002) 1487-1503 (definition); Manistre & Hancock, North American
    Actuarial Journal 9(2) (2005) 129-156 (variance).
    """
    x = np.asarray(x, dtype=float)
    refused = refuse_thin_tail(x, a, strata)
    if refused is not None:
        return refused
    q = float(quantile_value(x, a, None if strata is None else strata.mass))
    excess = mean(np.maximum(x - q, 0.0) / (1 - a), strata)
    assert excess.value is not None and excess.ci95 is not None
    return Estimate(q + excess.value, (q + excess.ci95[0], q + excess.ci95[1]))


def tail_mean_by_sections(x: Array, a: float, sections: int = 20) -> Estimate:
    """Tail mean with an interval from sections of the histories: every 20th one, from the first, the second, ...

    The spread of the sections is taken about the tail mean of all histories, not about the sections' own mean: a short
    section's tail mean is biased, and a centre made of sections would move the interval with it.
    Source: Nakayama, ACM TOMACS 24 (2014) 19; Dong & Nakayama, "A tutorial on quantile estimation via Monte Carlo",
    in Monte Carlo and Quasi-Monte Carlo Methods 2018 (Springer, 2020).
    """
    x = np.asarray(x, dtype=float)
    refused = refuse_thin_tail(x, a, None)
    if refused is not None:
        return refused
    value = float(tail_value(x, a))
    parts = np.array([tail_value(x[k::sections], a) for k in range(sections)])
    error = math.sqrt(float(((parts - value) ** 2).sum()) / (sections - 1) / sections)
    half = float(stdtrit(sections - 1, 0.975)) * error
    return Estimate(value, (value - half, value + half))


def tail_value(x: Array, a: float, mass: F64 | None = None) -> F64:
    """Quantile plus the mean excess over it, divided by 1 - a; without an interval, so of any sample.

    Parameters and result as in `order.quantile_value`. It is not E[L | L > q]: the two differ where a n is not whole
    or histories tie.
    """
    x = np.asarray(x, dtype=float)
    q = np.asarray(quantile_value(x, a, mass))
    excess = np.maximum(x - q[..., None], 0.0)
    total = excess.sum(axis=-1) if mass is None else (excess * mass).sum(axis=-1)
    return q + total / (x.size * (1 - a))


def refuse_thin_tail(x: Array, a: float, strata: Strata | None, fewest: int = FEWEST_BEYOND) -> Estimate | None:
    """No value, and how many histories it takes, where fewer than the fewest lie beyond the quantile.

    With strata, and where histories share uncertain parameters, they are counted as the equally weighted ones that would
    be as precise.
    """
    n = np.asarray(x).size
    beyond = n * (1 - a)
    if strata is not None and strata.are_chosen:
        order = np.argsort(x, kind="stable")
        mass = mass_of(x, strata)[order]
        tail = mass[np.cumsum(mass) > a * n + 1e-9]
        beyond = float(tail.sum() ** 2 / (tail**2).sum()) if tail.size else 0.0
    if strata is not None and strata.points is not None:
        beyond = min(beyond, worth_of(np.asarray(x, dtype=float), a, strata) * (1 - a))
    if beyond >= fewest - 1e-9:
        return None
    needed = math.ceil(n * fewest / beyond - 1e-6) if beyond else math.ceil(fewest / (1 - a))
    return Estimate(
        None,
        reason=f"too few histories in the tail: {needed} or more are needed for {fewest} beyond the quantile",
    )
