"""What a loan book says of the reduced form: level of default and how loans move together, with what was assumed before.

Matured loans are counted by township and period. The latent ability of a cell is Gaussian, as in the simulation: a level,
a county factor and township factors that fade with the months between, and the household's own luck. The level and the
two variances get a posterior: the latent cells by Laplace's approximation at each point of a grid, the grid by summing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy
from scipy.linalg import cholesky, solve_triangular
from scipy.special import log_ndtr, logsumexp, ndtr, ndtri

from sim.uncertain import Z05
from sim.units import F64

_MOST_CELLS = 150  # of townships by periods; more are pooled into longer periods
_PERIODS = (3, 6, 12, 24, 48, 1200)  # months
_COUNTY = np.geomspace(0.004, 0.25, 5)
_TOWNSHIP = np.geomspace(0.003, 0.6, 8)
_PERSISTENCE = (0.9, 0.96, 0.998)  # a month; equally likely before
_FINE = (20, 32)
_WIDE = 3.0  # the wide part of the prior of the level: so many times as wide,
_WIDE_WEIGHT = 0.1  # and so likely. It takes over where the data lie far from what was assumed
_LEVELS = np.linspace(-4.5, 1.5, 501)  # probits
_STEPS = 60
HALF_TOLD = 0.5  # of the spread before the data: a figure of which less was told leans on what was assumed


@dataclass(frozen=True)
class Prior:
    """What is assumed before the ledger is read, as fifth and ninety-fifth per cent points.

    Attributes
    ----------
    p_default : (2,) float [1]
        Long-run share of loans in default; normal on the probit scale.
    county_variance, township_variance : (2,) float [1]
        Lognormal.
    """

    p_default: tuple[float, float]
    county_variance: tuple[float, float]
    township_variance: tuple[float, float]


@dataclass(frozen=True)
class Range:
    """Five, fifty and ninety-five per cent points, and how much of the prior's spread the data took away."""

    p05: float
    p50: float
    p95: float
    learned: float

    @property
    def leans_on_prior(self) -> bool:
        """Did the data take away less than half of what was not known before them?"""
        return self.learned < HALF_TOLD

    def covers(self, truth: float) -> bool:
        """Does the interval of nine tenths hold a value?"""
        return self.p05 <= truth <= self.p95


@dataclass(frozen=True)
class BookModel:
    """Posterior of the reduced form's parameters.

    Attributes
    ----------
    p_default, county_variance, township_variance : Range
    persistence_per_month : float [1]
        Posterior mean over the values that were tried.
    n_loans, n_households : float
        Matured loans, and what they count for once loans of one household in one cell are one.
    n_cells : int
    period_months : int
    """

    p_default: Range
    county_variance: Range
    township_variance: Range
    persistence_per_month: float
    n_loans: int
    n_households: float
    n_cells: int
    period_months: int


@dataclass(frozen=True)
class Cells:
    """Matured loans by township and period; n and k may be fractions where households hold several loans."""

    township: Any
    month: F64
    n: F64
    k: F64
    period_months: int


def cells_of(matured: Any) -> Cells:
    """Count matured loans by township and period of maturity.

    Parameters
    ----------
    matured : DataFrame
        ``township``, ``household_id``, ``matures_on``, ``defaulted``.
    """
    month = matured["matures_on"].dt.year.to_numpy() * 12 + matured["matures_on"].dt.month.to_numpy() - 1
    town = pd.factorize(matured["township"], sort=True)[0]
    for period in _PERIODS:
        keys = pd.DataFrame({"town": town, "period": month // period})
        if len(keys.drop_duplicates()) <= _MOST_CELLS or period == _PERIODS[-1]:
            break
    # A household that fails leaves all its loans unpaid: its loans of one cell count as one household.
    same = matured.groupby([town, keys["period"].to_numpy(), matured["household_id"].to_numpy()])["loan_id"]
    weight = 1.0 / same.transform("size").to_numpy()
    counted = pd.DataFrame({
        **{"town": town, "period": keys["period"].to_numpy(), "n": weight},
        **{"k": weight * matured["defaulted"].to_numpy(), "at": weight * month},
    }).groupby(["town", "period"], as_index=False).sum()  # fmt: skip
    n = counted["n"].to_numpy(float)
    at, k = counted["at"].to_numpy(float) / n, counted["k"].to_numpy(float)
    return Cells(counted["town"].to_numpy(), at, n, np.minimum(k, n), period)


def book_model(matured: Any, prior: Prior) -> BookModel:
    """The posterior; with no matured loan it is the prior.

    Parameters
    ----------
    matured : DataFrame
        Loans with a known outcome, columns of `calibration.ledger.CANONICAL` and ``defaulted`` (bool).
    """
    return posterior(cells_of(matured), prior, len(matured))


def posterior(cells: Cells, prior: Prior, n_loans: int) -> BookModel:
    """The posterior from counts.

    Parameters
    ----------
    cells : Cells
    n_loans : int
        Loans behind them.
    """
    evidence, level, spread = _over_grid(cells, prior)
    fine = [np.geomspace(grid[0], grid[-1], size) for grid, size in zip((_COUNTY, _TOWNSHIP), _FINE, strict=True)]
    weight = np.stack([_refined(x, fine) for x in evidence])
    weight += _log_normal(fine[0], prior.county_variance)[:, None] + _log_normal(fine[1], prior.township_variance)
    middle, sd = (np.stack([_refined(x, fine) for x in found]) for found in (level, spread))
    centre, width = _probit_prior(prior.p_default)
    # The cells were solved under the wide prior of the level alone: what was assumed comes in here.
    mixed = np.logaddexp(
        np.log(1 - _WIDE_WEIGHT) + _log_density(_LEVELS, centre, width),
        np.log(_WIDE_WEIGHT) + _log_density(_LEVELS, centre, _WIDE * width),
    )
    turned = mixed - _log_density(_LEVELS, centre, _WIDE * width)
    joint = weight[..., None] + _log_density(_LEVELS, middle[..., None], np.exp(sd)[..., None]) + turned
    joint = np.exp(joint - logsumexp(joint))
    of_level = joint.sum(axis=(0, 1, 2))
    return BookModel(
        _range(_LEVELS, of_level, _probit_prior(prior.p_default)[1], ndtr),
        _range(np.log(fine[0]), joint.sum(axis=(0, 2, 3)), _log_prior(prior.county_variance)[1], np.exp),
        _range(np.log(fine[1]), joint.sum(axis=(0, 1, 3)), _log_prior(prior.township_variance)[1], np.exp),
        float(np.array(_PERSISTENCE) @ joint.sum(axis=(1, 2, 3))),
        *(n_loans, float(cells.n.sum()), cells.n.size, cells.period_months),
    )


def _over_grid(cells: Cells, prior: Prior) -> tuple[list[F64], list[F64], list[F64]]:
    """Log evidence, and mean and log spread of the level, at each point of the grid; one table a persistence."""
    centre, width = _probit_prior(prior.p_default)
    apart = np.abs(cells.month[:, None] - cells.month[None, :])
    same = cells.township[:, None] == cells.township[None, :]
    shape = (len(_COUNTY), len(_TOWNSHIP))
    out: tuple[list[F64], list[F64], list[F64]] = ([], [], [])
    for persistence in _PERSISTENCE:
        fades = persistence**apart
        found = np.empty((3, *shape))
        for i, county in enumerate(_COUNTY):
            start = np.full(cells.n.size, centre)
            for j, township in enumerate(_TOWNSHIP):
                together = (county + township * same) * fades
                *found[:, i, j], start = _laplace(cells, centre, _WIDE * width, together, 1 - county - township, start)
        for table, kept in zip(found, out, strict=True):
            kept.append(table)
    return out


def _laplace(
    cells: Cells, centre: float, width: float, together: F64, own: float, start: F64
) -> tuple[float, float, float, F64]:
    """Log evidence, mean and log spread of the level, and the latent cells' mode.

    Source: Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), algorithm 3.1.
    """
    cov = together + width**2 + 1e-9 * np.eye(cells.n.size)
    latent, pull = start, np.zeros_like(start)
    for _ in range(_STEPS):
        loglik, slope, bend = _likelihood(cells, latent, own)
        root = np.sqrt(bend)
        lower = cholesky(np.eye(root.size) + root[:, None] * cov * root, lower=True)
        target = bend * (latent - centre) + slope
        half = solve_triangular(lower, root * (cov @ target), lower=True)
        pull = target - root * solve_triangular(lower, half, lower=True, trans="T")
        step = centre + cov @ pull - latent
        latent = latent + step * min(1.0, 2.0 / float(np.abs(step).max(initial=1e-300)))
        if np.abs(step).max(initial=0.0) < 1e-4:
            break
    loglik, _, bend = _likelihood(cells, latent, own)
    root = np.sqrt(bend)
    lower = cholesky(np.eye(root.size) + root[:, None] * cov * root, lower=True)
    value = -0.5 * float(pull @ (latent - centre)) + loglik - float(np.log(np.diag(lower)).sum())
    told = solve_triangular(lower, root, lower=True)
    variance = width**2 - width**4 * float(told @ told)
    return value, centre + width**2 * float(pull.sum()), 0.5 * float(np.log(max(variance, 1e-12))), latent


def _likelihood(cells: Cells, latent: F64, own: float) -> tuple[float, F64, F64]:
    """Log likelihood of the counts, its slope, and its bend with the sign turned."""
    x = latent / np.sqrt(own)
    bad, good = log_ndtr(x), log_ndtr(-x)
    log_density = -0.5 * x * x - 0.5 * np.log(2 * np.pi)
    up, down = np.exp(log_density - bad), np.exp(log_density - good)
    rest = cells.n - cells.k
    slope = (cells.k * up - rest * down) / np.sqrt(own)
    bend = (cells.k * up * (up + x) + rest * down * (down - x)) / own
    return float(cells.k @ bad + rest @ good), slope, np.maximum(bend, 1e-12)


def _refined(table: F64, fine: list[F64]) -> F64:
    """A smooth table on the coarse grid, read off on the fine one."""
    return np.asarray(
        scipy.interpolate.RectBivariateSpline(np.log(_COUNTY), np.log(_TOWNSHIP), table)(
            np.log(fine[0]), np.log(fine[1])
        )
    )


def _range(points: F64, weight: F64, prior_spread: float, turned: Any) -> Range:
    """Per cent points of a distribution on a grid, in the parameter's own scale."""
    edges = np.concatenate([[0.0], np.cumsum(weight)])
    step = points[1] - points[0]
    at = np.concatenate([points - step / 2, [points[-1] + step / 2]])
    p05, p50, p95 = (float(turned(np.interp(q, edges, at))) for q in (0.05, 0.5, 0.95))
    mean = float(weight @ points)
    spread = float(np.sqrt(weight @ (points - mean) ** 2))
    return Range(p05, p50, p95, max(0.0, 1 - spread / prior_spread))


def _probit_prior(ends: tuple[float, float]) -> tuple[float, float]:
    low, high = float(ndtri(ends[0])), float(ndtri(ends[1]))
    return (low + high) / 2, (high - low) / (2 * Z05)


def _log_prior(ends: tuple[float, float]) -> tuple[float, float]:
    low, high = float(np.log(ends[0])), float(np.log(ends[1]))
    return (low + high) / 2, (high - low) / (2 * Z05)


def _log_normal(points: F64, ends: tuple[float, float]) -> F64:
    return _log_density(np.log(points), *_log_prior(ends))


def _log_density(x: Any, mean: Any, sd: Any) -> Any:
    return -0.5 * ((x - mean) / sd) ** 2 - np.log(sd)
