"""What a record of rainfall says about drought: standardised index, two kinds of year, persistence, correlation.

The index is a standardised precipitation index: rain of so many months, of each calendar month for itself, through a
gamma distribution to a standard normal. Years are normal or dry by a hidden chain of two states, seen through the
mean index of the dry season; the values of the scenario underneath count as so many years of evidence beside the
record's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy
from scipy.special import expit, logit, ndtri

from sim.shocks.paths import drought_year_of
from sim.shocks.replay import DRY_SEASON
from sim.units import F64, I64

_FEWEST_WET = 8  # years with rain in a calendar month; fewer say nothing of its distribution
_FEWEST_MONTHS = 4  # of the dry season: fewer say nothing of the year
_DRIEST = 1e-4  # probability beyond which a gamma tail is not believed


@dataclass(frozen=True)
class Before:
    """What the scenario underneath says, and the years of evidence that it counts for."""

    p_normal_to_dry: float
    p_dry_to_dry: float
    depth: F64  # (12,) by how much a dry year lowers the index, January to December
    years: float


@dataclass(frozen=True)
class Chain:
    """Transition probabilities with standard errors, and how likely each year was dry."""

    p_normal_to_dry: float
    p_dry_to_dry: float
    se_normal_to_dry: float
    se_dry_to_dry: float
    years: I64
    p_dry: F64


@dataclass(frozen=True)
class DroughtFit:
    """All that was fitted; standard errors in the same units. None where the record cannot tell."""

    chain: Chain
    dry_shift: float
    season: list[float]
    persistence: float
    se_persistence: float
    between_townships: float | None
    reach_km: float | None


class NotTwoKinds(Exception):
    """The years of a record do not fall into normal and dry ones."""


def standardised(mm: F64, first_month: int, window: int) -> F64:
    """Standardised precipitation index.

    Parameters
    ----------
    mm : (n_months, n_townships) float64
        Rain of each month; NaN where there is none on record.
    first_month : int
        Months since January 1970.
    window : int
        Months whose rain is added up, the month itself the last of them.

    Returns
    -------
    (n_months, n_townships) float64
        NaN where a month of the window is missing or its calendar month knows too few wet years.
    """
    total = np.full(mm.shape, np.nan)
    total[window - 1 :] = np.lib.stride_tricks.sliding_window_view(mm, window, axis=0).sum(axis=-1)
    out = np.full(mm.shape, np.nan)
    for m in range(12):
        rows = np.flatnonzero((first_month + np.arange(len(mm))) % 12 == m)
        for j in range(mm.shape[1]):
            out[rows, j] = _standardised_month(total[rows, j])
    return out


def _standardised_month(x: F64) -> F64:
    known = ~np.isnan(x)
    wet = x[known & (x > 0)]
    if wet.size < _FEWEST_WET or np.ptp(wet) == 0:
        return np.full(x.shape, np.nan)
    shape, _, scale = scipy.stats.gamma.fit(wet, floc=0)
    dry = 1 - wet.size / known.sum()
    p = np.where(x > 0, dry + (1 - dry) * scipy.stats.gamma.cdf(x, shape, scale=scale), dry / 2)
    return np.where(known, ndtri(np.clip(p, _DRIEST, 1 - _DRIEST)), np.nan)


def fit(
    mm: F64, first_month: int, window: int, year_starts_month: int, before: Before, at_km: F64 | None
) -> DroughtFit:
    """Everything that the weather of a scenario asks for.

    Parameters
    ----------
    at_km : (n_townships, 2) float64, optional
        Where the townships lie; with three or more of them the reach of their weather is fitted as well.

    Raises
    ------
    NotTwoKinds
    """
    index = standardised(mm, first_month, window)
    months = first_month + np.arange(len(mm))
    year = drought_year_of(months, year_starts_month)
    chain = fit_chain(_seasons(index, months, year), int(year[0]), before)
    p = chain.p_dry[year - year[0]]
    normal, dry, sd = _kinds(index, months % 12, p)
    noise = (index - (normal + p[:, None] * (dry - normal))[np.arange(len(p))[:, None], 0]) / sd
    depth = _depth(normal, dry, sd, months, chain, before)
    persistence, se = _persistence(noise)
    between, reach = _between(noise, at_km)
    height = depth.max()
    season = np.clip(depth / height, 0, 1) if height > 0 else np.zeros(12)
    return DroughtFit(chain, -max(float(height), 0.0), season.tolist(), persistence, se, between, reach)


def _seasons(index: F64, months: I64, year: I64) -> F64:
    """Mean index of each drought year's dry season over the county; NaN where too few of its months are known."""
    county = np.array([row[~np.isnan(row)].mean() if (~np.isnan(row)).any() else np.nan for row in index])
    out = np.full(int(year[-1] - year[0]) + 1, np.nan)
    for k in range(out.size):
        of_year = county[(year == year[0] + k) & np.isin(months % 12, DRY_SEASON)]
        of_year = of_year[~np.isnan(of_year)]
        if of_year.size >= _FEWEST_MONTHS:
            out[k] = of_year.mean()
    return out


# --- the years ---------------------------------------------------------------------------------------


def fit_chain(season: F64, first_year: int, before: Before) -> Chain:
    """Most likely chain given the seasons and what was believed before; standard errors from the curvature.

    Parameters
    ----------
    season : (n_years,) float64
        Mean index of the dry season; NaN where it is not known.

    Raises
    ------
    NotTwoKinds
        The record alone (``before.years`` zero) does not tell two kinds of year apart.
    """
    known = season[~np.isnan(season)]
    middle, spread = np.median(known), known.std()
    gap = float(before.depth[list(DRY_SEASON)].mean())
    begin = [logit(_inside(before.p_normal_to_dry)), logit(_inside(before.p_dry_to_dry)), middle + 0.3 * spread]
    tries = [[*begin, np.log(g), np.log(0.7 * spread)] for g in (max(gap, 0.1), 2 * spread, 3 * spread)]

    def cost(theta: F64) -> float:
        return -_log_likelihood(theta, season) - _log_belief(theta, before, gap)

    best = min((scipy.optimize.minimize(cost, t, method="BFGS") for t in tries), key=lambda r: r.fun)
    curvature = _curvature(cost, best.x)
    a, b = best.x[:2]
    is_flat = not np.isfinite(curvature).all() or np.linalg.eigvalsh(curvature).min() <= 0
    if is_flat or (before.years == 0 and not _has_two_kinds(best.x, season)):
        raise NotTwoKinds
    covariance = np.linalg.inv(curvature)
    se = np.sqrt(np.diag(covariance)[:2]) * expit(np.array([a, b])) * expit(-np.array([a, b]))
    years = first_year + np.arange(season.size)
    return Chain(float(expit(a)), float(expit(b)), float(se[0]), float(se[1]), years, _smoothed(best.x, season))


def _has_two_kinds(theta: F64, season: F64) -> bool:
    """Do two kinds of year explain the seasons better than one, three more numbers counted (Schwarz 1978)?"""
    known = season[~np.isnan(season)]
    one = -known.size * (np.log(known.std()) + 0.5)
    return bool(2 * (_log_likelihood(theta, season) - one) > 3 * np.log(known.size))


def _inside(p: float) -> float:
    return min(max(p, 0.01), 0.99)


def _log_belief(theta: F64, before: Before, gap: float) -> float:
    """What the scenario underneath says, as if it had been counted in so many years."""
    if before.years == 0:
        return 0.0
    a, b = before.p_normal_to_dry, before.p_dry_to_dry
    dry = a / (1 - b + a) if a > 0 else 0.0
    out = 0.0
    for x, p, n in ((theta[0], a, before.years * (1 - dry)), (theta[1], b, before.years * dry)):
        out += n * (p * np.log(expit(x)) + (1 - p) * np.log(expit(-x)))
    return float(out - before.years * (theta[3] - np.log(max(gap, 0.1))) ** 2 / 2)


def _parts(theta: F64, season: F64) -> tuple[F64, F64, F64]:
    """Long-run shares of the states, transition matrix, and likelihood of each year in each state."""
    a, b, mean, log_gap, log_sd = theta
    p = expit(np.array([a, b]))
    matrix = np.array([[1 - p[0], p[0]], [1 - p[1], p[1]]])
    start = np.array([1 - p[1], p[0]]) / (1 - p[1] + p[0])
    z = (season[:, None] - np.array([mean, mean - np.exp(log_gap)])) / np.exp(log_sd)
    seen = np.exp(-z * z / 2) / np.exp(log_sd)
    return start, matrix, np.where(np.isnan(season)[:, None], 1.0, seen + 1e-300)


def _log_likelihood(theta: F64, season: F64) -> float:
    state, matrix, seen = _parts(theta, season)
    total = 0.0
    for k in range(season.size):
        state = (state if k == 0 else state @ matrix) * seen[k]
        whole = state.sum()
        total += np.log(whole)
        state = state / whole
    return float(total)


def _smoothed(theta: F64, season: F64) -> F64:
    """Chance that each year was dry, given all years."""
    start, matrix, seen = _parts(theta, season)
    n = season.size
    forward, back = np.empty((n, 2)), np.ones((n, 2))
    for k in range(n):
        row = (start if k == 0 else forward[k - 1] @ matrix) * seen[k]
        forward[k] = row / row.sum()
    for k in range(n - 2, -1, -1):
        row = matrix @ (seen[k + 1] * back[k + 1])
        back[k] = row / row.sum()
    both = forward * back
    return np.asarray(both[:, 1] / both.sum(axis=1))


def _curvature(f: Callable[[F64], float], at: F64, step: float = 1e-3) -> F64:
    """Second derivatives by central differences."""
    n = at.size
    e, out = np.eye(n) * step, np.empty((n, n))
    for i in range(n):
        for j in range(n):
            corners = f(at + e[i] + e[j]) - f(at + e[i] - e[j]) - f(at - e[i] + e[j]) + f(at - e[i] - e[j])
            out[i, j] = corners / (4 * step * step)
    return (out + out.T) / 2


# --- the months --------------------------------------------------------------------------------------


def _kinds(index: F64, calendar_month: I64, p_dry: F64) -> tuple[F64, F64, float]:
    """Mean index of a normal and of a dry year by month of the record (n_months, 1), and spread of normal months."""
    normal, dry = np.zeros((len(index), 1)), np.zeros((len(index), 1))
    known = ~np.isnan(index)
    filled = np.where(known, index, 0.0)
    for m in range(12):
        rows = calendar_month == m
        for out, weight in ((normal, 1 - p_dry), (dry, p_dry)):
            w = weight[rows, None] * known[rows]
            out[rows] = (w * filled[rows]).sum() / w.sum() if w.sum() > 1e-9 else 0.0
    w = (1 - p_dry)[:, None] * known
    return normal, dry, float(np.sqrt((w * (filled - normal) ** 2).sum() / w.sum()))


def _depth(normal: F64, dry: F64, sd: float, months: I64, chain: Chain, before: Before) -> F64:
    """By how much a dry year lowers the index, January to December: neighbouring months averaged, belief counted in."""
    own = np.zeros(12)
    for m in range(12):
        row = int(np.flatnonzero(months % 12 == m)[0])
        own[m] = (normal[row, 0] - dry[row, 0]) / sd
    own = np.roll(own, 1) / 4 + own / 2 + np.roll(own, -1) / 4
    a, b = before.p_normal_to_dry, before.p_dry_to_dry
    counted = before.years * (a / (1 - b + a) if a > 0 else 0.0)
    n_dry = chain.p_dry.sum()
    return np.asarray((n_dry * own + counted * before.depth) / max(n_dry + counted, 1e-9))


def _persistence(noise: F64) -> tuple[float, float]:
    """Correlation of a month with the one before, and its standard error as of one series."""
    x, y = noise[:-1].ravel(), noise[1:].ravel()
    known = ~(np.isnan(x) | np.isnan(y))
    r = float(np.corrcoef(x[known], y[known])[0, 1])
    n = max(known.sum() / noise.shape[1], 4)
    return min(max(r, 0.0), 0.99), float(np.sqrt((1 - r * r) / n))


def _between(noise: F64, at_km: F64 | None) -> tuple[float | None, float | None]:
    """Mean correlation of two townships; with their places what is left far apart, and the reach of the rest."""
    n = noise.shape[1]
    if n < 2:
        return None, None
    pairs = [(i, j) for i in range(n) for j in range(i)]
    r = []
    for i, j in pairs:
        known = ~np.isnan(noise[:, i] + noise[:, j])
        r.append(np.corrcoef(noise[known, i], noise[known, j])[0, 1])
    share = float(np.clip(np.mean(r), 0, 1))
    if at_km is None or n < 3:
        return share, None
    away = np.array([np.hypot(*(at_km[i] - at_km[j])) for i, j in pairs])

    def falls(d: F64, far: float, reach: float) -> F64:
        return np.asarray(far + (1 - far) * np.exp(-((d / reach) ** 2)))

    longest = float(away.max())
    begin, limits = (0.8 * share, longest / 2), ((0.0, longest / 50), (1.0, 5 * longest))
    (far, reach), _ = scipy.optimize.curve_fit(falls, away, np.array(r), p0=np.clip(begin, *limits), bounds=limits)
    return float(far), float(reach)
