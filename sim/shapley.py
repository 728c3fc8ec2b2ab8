"""Who is to blame for how much: the Shapley value of drivers that act together.

Every set of drivers has been simulated on the same random numbers. A driver's share of a figure is the mean, over all
orders in which the drivers can be switched on, of what it adds when its turn comes. The shares add up to the
difference between all and none, which effects of drivers alone or of drivers left out do not. What a driver adds is
always one arm less another, so a driver that changes nothing has a share of exactly 0.

Source: Shapley, Contributions to the Theory of Games II (1953); Owen, SIAM/ASA J. Uncertainty Quantification 2 (2014)
245-251; for tails Tasche, "Capital allocation to business units and sub-portfolios: the Euler principle" (2008).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from sim.errors import InputError
from sim.estimate import (
    Estimate,
    Strata,
    mass_of,
    masses,
    mean,
    percentile_interval,
    quantile_value,
    refuse_thin_tail,
    tail_value,
)
from sim.units import F64, Array

FEWEST_BAD_YEARS = 100  # histories beyond the quantile: below, intervals miss the true value too often

Arms = Mapping[Collection[str], Array]  # sets of drivers that are on, each with its (n,) histories
Metric = Callable[[F64, F64], F64]  # of (n,) values and their (..., n) masses (see `estimate.masses`): (...)


@dataclass(frozen=True)
class Attribution:
    """A figure's difference between all drivers and none, and how it splits.

    ``shares`` add up to ``total``; ``interaction`` is the part of the total that no driver makes alone.
    """

    total: Estimate
    shares: dict[str, Estimate]
    interaction: Estimate


def of_means(arms: Arms, strata: Strata | None = None) -> Attribution:
    """Shares of the mean, with normal intervals of the shares of each history (the mean is linear in them)."""
    return _attribution(_split(_checked(arms)), lambda x: mean(x, strata))


def of_quantiles(arms: Arms, a: float, resampling: F64, strata: Strata | None = None) -> Attribution:
    """Shares of the a-quantile; see `of_metric`."""
    return of_metric(arms, lambda x, mass: quantile_value(x, a, mass), resampling, strata)


def of_tail_means(arms: Arms, a: float, resampling: F64, strata: Strata | None = None) -> Attribution:
    """Shares of the tail mean; see `of_metric`. Without values where `estimate.tail_mean` has none.

    Where histories share uncertain parameters, intervals are those of the mean excess, as in `estimate.tail_mean`.
    """
    known = _checked(arms)
    refused = next((r for x in known.values() if (r := refuse_thin_tail(x, a, strata))), None)
    if refused is not None:
        return _attribution(_split(known), lambda _: refused)
    if strata is not None and strata.points is not None:
        at = {on: quantile_value(x, a, strata.mass) for on, x in known.items()}
        return of_means({on: q + np.maximum(known[on] - q, 0.0) / (1 - a) for on, q in at.items()}, strata)
    return of_metric(arms, lambda x, mass: tail_value(x, a, mass), resampling, strata)


def of_metric(arms: Arms, metric: Metric, resampling: F64, strata: Strata | None = None) -> Attribution:
    """Shares of any figure of an arm, with bootstrap intervals that resample histories in all arms alike.

    Parameters
    ----------
    arms : mapping of sets of drivers to (n,) float64
        All 2^k sets, histories in one order.
    metric : callable
        Figure of weighted values, in every resample at once.
    resampling : (n_resamples, n) float64
        Uniforms by address, from `estimate.resampling`.
    strata : Strata, optional
        Histories are then resampled within their strata.
    """
    known = _checked(arms)
    own, again = mass_of(known[frozenset()], strata), masses(resampling, strata)
    # the figure itself comes first, then its resamples
    figures = {on: np.append(metric(x, own), metric(x, again)) for on, x in known.items()}
    return _attribution(_split(figures), _first_and_the_rest)


def of_bad_years(arms: Arms, a: float, resampling: F64, strata: Strata | None = None) -> Attribution:
    """Mean shares of each history over the bad years: those in which all drivers together reach their a-quantile.

    The quantile is found again in every resample: where the bad years begin is part of the error. If many histories
    tie at the quantile, all of them are bad years. Where histories share uncertain parameters, it is put into the error to
    first order: a bad year more or less has the mean share of the years next to the quantile.
    """
    known = _checked(arms)
    full = known[max(known, key=len)]
    refused = refuse_thin_tail(full, a, strata, FEWEST_BAD_YEARS)
    if refused is not None:
        return _attribution(_split(known), lambda _: refused)
    if strata is not None and strata.points is not None:
        return _of_bad_years_at_points(known, full, a, strata)

    def bad(mass: F64) -> F64:
        q = np.asarray(quantile_value(full, a, mass))
        weight = mass * (full >= q[..., None])
        return weight / weight.sum(axis=-1, keepdims=True)

    weights = np.vstack([bad(mass_of(full, strata)), bad(masses(resampling, strata))])
    return _attribution(_split(known), lambda x: _first_and_the_rest(weights @ x))


def _of_bad_years_at_points(known: dict[frozenset[str], F64], full: F64, a: float, strata: Strata) -> Attribution:
    """Shares over the bad years as means over all, with the intervals of these."""
    q, mass, order = float(quantile_value(full, a, strata.mass)), strata.mass, np.argsort(full, kind="stable")
    below = np.cumsum(mass[order]) / full.size
    near = order[np.abs(below - a) <= min(1 - a, a) / 2]
    weight = (full >= q) * full.size / float(mass @ (full >= q))

    def figure(x: F64) -> Estimate:
        there = float(np.average(x[near], weights=mass[near]))
        return mean(weight * (x - there) + there, strata)

    return _attribution(_split(known), figure)


def _checked(arms: Arms) -> dict[frozenset[str], F64]:
    """The arms as floats by set, in the order in which the full set names the drivers."""
    drivers = max(arms, key=len, default=())
    ordered = tuple(drivers) if isinstance(drivers, tuple | list) else tuple(sorted(drivers))
    wanted = [frozenset(on) for k in range(len(ordered) + 1) for on in combinations(ordered, k)]
    given = {frozenset(on): np.asarray(x, dtype=float) for on, x in arms.items()}
    if not ordered or set(wanted) != set(given):
        raise InputError("arms", "drivers on", len(given), f"all {len(wanted)} sets of {list(ordered)}, at least one")
    if len({x.shape for x in given.values()}) > 1:
        raise InputError("arms", "histories", sorted({x.size for x in given.values()}), "the same histories in all")
    return {on: given[on] for on in wanted}


def _split(values: dict[frozenset[str], F64]) -> tuple[F64, dict[str, F64], F64]:
    """Total, shares and interaction of values of any shape, one array a set of drivers."""
    none, drivers = frozenset[str](), [d for on in values if len(on) == 1 for d in on]
    k, full = len(drivers), frozenset(drivers)
    total = values[full] - values[none]
    shares = {}
    for d in drivers:
        shares[d] = np.zeros_like(total)
        for on in values:
            if d not in on:
                # orders in which just the drivers of `on` come before d
                weight = math.factorial(len(on)) * math.factorial(k - len(on) - 1) / math.factorial(k)
                # differences first: equal arms cancel to the bit
                shares[d] += weight * (values[on | {d}] - values[on])
    alone = sum((values[frozenset({d})] - values[none] for d in drivers), np.zeros_like(total))
    return total, shares, total - alone


def _attribution(parts: tuple[F64, dict[str, F64], F64], figure: Callable[[F64], Estimate]) -> Attribution:
    total, shares, interaction = parts
    return Attribution(figure(total), {d: figure(x) for d, x in shares.items()}, figure(interaction))


def _first_and_the_rest(x: F64) -> Estimate:
    """A figure with the interval that its resamples give."""
    return Estimate(float(x[0]), percentile_interval(x[1:]))
