"""Drought by township and month, and what it takes from the crops that grow in it.

The index is standard normal in a normal year. A drought year, the same one as in `sim.shocks.paths`, lowers
it in the dry season. A harvest loses by the mean index of the months in which that crop grew, and the
household misses the money in the months in which it is sold, in no others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from sim.livelihoods import Crop, Weather
from sim.shocks.paths import common_and_own, drought_year_of, drought_years, stationary_dry
from sim.shocks.replay import Replay
from sim.shocks.space import Places, averaged
from sim.streams import stream_key, uniforms
from sim.units import F64, I64, Array, Bool

LEAD = 24  # months drawn before the first one: what is sold in it may have been sown 22 months earlier
REMEMBERED = 12  # months in which a drought counts as the cause of a default
FELT = 4  # months of drought that a crop in the field remembers


@dataclass(frozen=True)
class Sky:
    """Drought of one history.

    Attributes
    ----------
    index : (n_months, n_townships) float64
        Standard normal in a normal year; negative is dry.
    is_dry : (n_years,) uint8
        Drought years, from the one that holds the first month.
    severity : (n_months, n_townships) float64 [1]
        What the drought of the last four months, this one included, would cost a crop in the field.
    recent : (n_months, n_townships) float64 [1]
        Worst severity of the last twelve months, this one included, also of months before the history.
    crop_sold : (12,) float64 [1]
        Part of a year's crop income that is sold in each calendar month when there is no drought.
    crop_lost : (n_months, n_townships) float64 [1]
        Part of a year's crop income, of fields without irrigation, that is missing among the month's sales.
    relief : (n_months, n_townships) bool
        The county pays relief to the township's households at the month's end.
    past : (LEAD, n_townships) float64
        The index of the months before.
    """

    index: F64
    is_dry: Array
    severity: F64
    recent: F64
    crop_sold: F64
    crop_lost: F64
    relief: Bool
    past: F64


def draw_weather(
    weather: Weather, crops: list[Crop], opening_drought: str, township_ids: I64, first_month: int, n_months: int,
    replication: int, seed: int, replay: Replay | None = None, places: Places | None = None,
) -> Sky:  # fmt: skip
    """Draw the drought of one history.

    Parameters
    ----------
    weather : Weather
        With ``on = False`` nothing is lost; the index is drawn all the same.
    crops : list of Crop
    opening_drought : {"long_run", "normal", "dry"}
        State of the drought year that holds the first month. The years before it, which matter to crops that
        were sown then, are each dry with the chain's long-run share.
    township_ids : (n_townships,) int64
        Stable ids, so that adding a township changes no other township's weather.
    first_month, n_months : int
        Months since January 1970.
    replication, seed : int
    replay : Replay, optional
        The table that ``weather.replay`` names, from `read_replay` with the townships in the same order. Its
        months replace the drawn index, its dry and normal years the drawn ones; later years follow from them.
    places : Places, optional
        Where the townships lie, if the scenario gives ``reach_km``; else all townships are alike to each other.
    """
    if (replay is None) != (weather.replay is None):
        raise ValueError("weather.replay names a table: read_replay reads it, once for all histories")
    months = np.arange(first_month - LEAD, first_month + n_months)
    year, is_dry = _regimes(weather, opening_drought, months, replication, seed, replay)
    shift = np.array(weather.season)[months % 12] * weather.dry_shift * is_dry[year - year[0]]
    county, own = _noise(weather, township_ids, months, replication, seed, places)
    index = shift[:, None] + county[:, None] + own
    if replay is not None:
        at, row = replay.rows(months, weather.replay_years)
        index[at] = replay.index[row] if replay.is_by_township else replay.index[row] + own[at]

    sold_of = np.zeros((len(crops), 12))
    for k, crop in enumerate(crops):
        for month, share in crop.sold.items():
            sold_of[k, month - 1] = crop.income_share * share
    severity = np.zeros((months.size, township_ids.size))
    lost = np.zeros((n_months, township_ids.size))
    if weather.on:
        severity = loss(weather, _mean_of_last(index, FELT))
        at = np.arange(LEAD, months.size)
        for k, crop in enumerate(crops):
            harvest = at - (months[at] - (crop.grows[-1] - 1)) % 12
            harvest_loss = loss(weather, _mean_of_last(index, len(crop.grows))[harvest])
            lost += sold_of[k, months[at] % 12][:, None] * harvest_loss
    recent, relief = _worst_of_last(severity, REMEMBERED)[LEAD:], _relief(weather, severity, year)[LEAD:]
    return Sky(
        index[LEAD:], is_dry[year[LEAD] - year[0] :], severity[LEAD:], recent, sold_of.sum(axis=0), lost, relief, index[:LEAD],
    )  # fmt: skip


def loss(weather: Weather, mean_index: F64) -> F64:
    """Part of a harvest that is lost, from the mean index of the crop's months: linear between the points of `loss_at`."""
    points = np.array(weather.loss_at)[::-1]
    return np.interp(mean_index, points[:, 0], points[:, 1])


def _regimes(
    weather: Weather, opening_drought: str, months: I64, replication: int, seed: int, replay: Replay | None
) -> tuple[I64, Array]:
    """Drought year of each month, and which are dry, from the year that holds the first month of the lead."""
    known = {} if replay is None else replay.dry_years(weather.year_starts_month, weather.replay_years)
    _, is_dry = drought_years(weather, opening_drought, months[LEAD:], replication, seed, known)
    year = drought_year_of(months, weather.year_starts_month)
    before = np.arange(year[0], year[LEAD])
    u = uniforms(stream_key(seed, "drought.before"), replication, before, np.zeros(before.size, np.int64))[0]
    drawn = u < stationary_dry(weather.p_normal_to_dry, weather.p_dry_to_dry)
    was_dry = [known.get(int(y), bool(dry)) for y, dry in zip(before, drawn, strict=True)]
    return year, np.concatenate([np.array(was_dry, dtype=np.uint8), is_dry])


def _relief(weather: Weather, severity: F64, year: I64) -> Bool:
    """Months in which relief is paid: so long after the first severe month of a drought year, township by township."""
    out = np.zeros(severity.shape, dtype=np.bool_)
    if weather.relief is not None:
        severe = severity >= weather.relief.from_severity
        for one in np.unique(year):
            rows = np.flatnonzero(year == one)
            first = rows[0] + severe[rows].argmax(axis=0) + weather.relief.after_months
            at = np.flatnonzero(severe[rows].any(axis=0) & (first < len(out)))
            out[first[at], at] = True
    return out


def _noise(
    weather: Weather, township_ids: I64, months: I64, replication: int, seed: int, places: Places | None
) -> tuple[F64, F64]:
    """Stationary AR(1) parts of the index: the county's (n_months,) and the townships' (n_months, n_townships)."""
    purpose, ids = ("township", township_ids) if places is None else ("square", places.squares)
    county, own = common_and_own(
        stream_key(seed, "weather.county"), stream_key(seed, f"weather.{purpose}"), ids, months, replication,
        weather.persistence_per_month,
    )  # fmt: skip
    if places is not None:
        own = averaged(own, places.of, places.weight)
    share = weather.between_townships
    return math.sqrt(share) * county[:, 0], math.sqrt(1 - share) * own


@njit(cache=True)
def _mean_of_last(index: Any, n: Any) -> Any:
    """Mean of each month and the n - 1 before it, added up in that order; the first n - 1 rows are incomplete."""
    total = index.copy()
    for row in range(1, index.shape[0]):
        for k in range(1, min(n, row + 1)):
            total[row] += index[row - k]
    return total / n


@njit(cache=True)
def _worst_of_last(severity: Any, n: Any) -> Any:
    """Largest of each month and the n - 1 before it."""
    worst = severity.copy()
    for row in range(1, severity.shape[0]):
        for k in range(1, min(n, row + 1)):
            worst[row] = np.maximum(worst[row], severity[row - k])
    return worst
