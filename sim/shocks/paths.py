"""What happens to everybody at once: drought years, late-subsidy years, county and township factors.

All of it is exogenous: drawn by address from the seed, the same in every policy arm.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from sim.livelihoods import Weather
from sim.scenario import Defaults, Drought
from sim.streams import ar1, normal_inverse, stream_key, uniform_pair, uniforms
from sim.units import F64, I64, Array


@dataclass(frozen=True)
class Paths:
    """Common shocks of one history.

    Attributes
    ----------
    factor : (n_months, n_townships) float64
        Common part of the ability to repay, county and township together; low is bad.
    is_hit : (n_months, n_townships) uint8
        Township in drought in that month's drought year.
    is_dry : (n_years,) uint8
        Drought years, from the one that holds the first month.
    is_late : (n_months,) uint8
        Month of a year with late subsidy.
    lag : (n_months,) int64 [months]
        How late, 0 when in time.
    """

    factor: F64
    is_hit: Array
    is_dry: Array
    is_late: Array
    lag: I64


def stationary_dry(p_normal_to_dry: float, p_dry_to_dry: float) -> float:
    """Long-run share of dry years of the two-state chain."""
    return p_normal_to_dry / (1 - p_dry_to_dry + p_normal_to_dry)


def drought_years(
    chain: Drought | Weather, opening_drought: str, months: I64, replication: int, seed: int,
    known: Mapping[int, bool] | None = None,
) -> tuple[I64, Array]:  # fmt: skip
    """Drought year of each month, and which of these years are dry: the same years for both ways to default.

    Parameters
    ----------
    chain : Drought or Weather
        Month in which the year starts and the two probabilities.
    opening_drought : {"long_run", "normal", "dry"}
        State of the year that holds the first month.
    months : (n_months,) int64
        In order, since January 1970.
    replication, seed : int
    known : mapping of drought year to state, optional
        Years that are not drawn; those after them follow from them.

    Returns
    -------
    year : (n_months,) int64
        Number of the drought year: the calendar year in which it ends.
    is_dry : (n_years,) uint8
        From the year that holds the first month.
    """
    known = known or {}
    year = drought_year_of(months, chain.year_starts_month)
    years = np.arange(year[0], year[-1] + 1)
    u = uniforms(stream_key(seed, "drought.year"), replication, years, np.zeros(years.size, np.int64))[0]
    long_run = stationary_dry(chain.p_normal_to_dry, chain.p_dry_to_dry)
    opening = {"dry": True, "normal": False}.get(opening_drought, bool(u[0] < long_run))
    is_dry = np.zeros(years.size, dtype=np.uint8)
    is_dry[0] = known.get(int(years[0]), opening)
    for k in range(1, years.size):
        drawn = u[k] < (chain.p_dry_to_dry if is_dry[k - 1] else chain.p_normal_to_dry)
        is_dry[k] = known.get(int(years[k]), bool(drawn))
    return year, is_dry


def drought_year_of(months: I64, year_starts_month: int) -> I64:
    """Number of each month's drought year.

    A year that starts in November 2017 carries the number 2018, like the harvest it hits.
    """
    start = year_starts_month - 1
    return (months - start) // 12 if start == 0 else (months - start) // 12 + 1


def draw_paths(
    defaults: Defaults, opening_drought: str, township_ids: I64, first_month: int, n_months: int,
    replication: int, seed: int,
) -> Paths:  # fmt: skip
    """Draw the common shocks of one history.

    Parameters
    ----------
    defaults : Defaults
    opening_drought : {"long_run", "normal", "dry"}
        State of the drought year that holds the first month; "long_run" draws it from the chain's
        long-run share.
    township_ids : (n_townships,) int64
        Stable ids, so that adding a township changes no other township's weather.
    first_month, n_months : int
        Months since January 1970.
    replication, seed : int
    """
    months = first_month + np.arange(n_months)
    n_townships = township_ids.size
    factor = _factors(defaults, township_ids, months, replication, seed)
    is_hit = np.zeros((n_months, n_townships), dtype=np.uint8)
    is_dry = np.zeros(0, dtype=np.uint8)
    drought = defaults.drought
    if drought is not None and drought.on:
        year, is_dry = drought_years(drought, opening_drought, months, replication, seed)
        years = np.arange(year[0], year[-1] + 1)
        grid = np.repeat(years, n_townships), np.tile(township_ids, years.size)
        hit_u = uniforms(stream_key(seed, "drought.township"), replication, *grid)[0]
        hit = is_dry[:, None] & (hit_u.reshape(years.size, n_townships) < drought.p_township_hit)
        is_hit = hit.astype(np.uint8)[year - year[0]]
    is_late = np.zeros(n_months, dtype=np.uint8)
    lag = np.zeros(n_months, dtype=np.int64)
    late = defaults.late_subsidy
    if late is not None and late.on:
        year = months // 12
        years = np.unique(year)
        zero = np.zeros(years.size, np.int64)
        late_u, lag_u = uniforms(stream_key(seed, "subsidy.late_year"), replication, years, zero)
        is_late_year = late_u < late.p_late_year
        lag_year = np.zeros(years.size, dtype=np.int64)
        if late.lag_p is not None:
            # geometric on 1, 2, ...: smallest l with 1 - (1-p)^l >= u
            lag_year = np.array([_geometric(u, late.lag_p) for u in lag_u], dtype=np.int64)
        is_late = is_late_year.astype(np.uint8)[year - year[0]]
        lag = np.where(is_late_year, lag_year, 0)[year - year[0]]
    return Paths(factor, is_hit, is_dry, is_late, lag)


def _geometric(u: float, p: float) -> int:
    tail, lag = 1.0 - p, 1
    while 1.0 - tail < u and lag < 600:
        tail *= 1.0 - p
        lag += 1
    return lag


def common_and_own(
    county: np.uint64, township: np.uint64, township_ids: I64, months: I64, replication: int, persistence: float
) -> tuple[F64, F64]:
    """Stationary AR(1) paths of variance one: the county's (n_months, 1) and the townships' (n_months, n_townships).

    Parameters
    ----------
    county, township : uint64
        Keys of the two streams.
    """
    noise = np.empty((months.size, 1 + township_ids.size))
    _normals(county, np.zeros(1, np.int64), months, replication, noise[:, :1])
    _normals(township, township_ids, months, replication, noise[:, 1:])
    ar1(noise, persistence)
    return noise[:, :1], noise[:, 1:]


@njit(cache=True, error_model="numpy")
def _normals(key: Any, ids: Any, months: Any, replication: Any, out: Any) -> None:
    """Independent standard normals by month and id."""
    for k in range(months.size):
        for j in range(ids.size):
            out[k, j] = normal_inverse(uniform_pair(key, replication, months[k], ids[j])[0])


def _factors(defaults: Defaults, township_ids: I64, months: I64, replication: int, seed: int) -> F64:
    """Stationary AR(1) factors, variance one each, weighted and added up."""
    f = defaults.factor
    out = np.zeros((months.size, township_ids.size))
    for weight, purpose, ids in (
        (math.sqrt(f.county_variance), "factor.county", np.zeros(1, np.int64)),
        (math.sqrt(f.township_variance), "factor.township", township_ids),
    ):
        if weight == 0.0:
            continue
        noise = np.empty((months.size, ids.size))
        _normals(stream_key(seed, purpose), ids, months, replication, noise)
        ar1(noise, f.persistence_per_month)
        out += weight * noise
    return out
