"""A loan book held against itself: fitted on what was known at the end of one year, it forecasts the next, by township and quarter."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy
from scipy.special import ndtr, ndtri

from calibration.book_model import BookModel, Prior, book_model
from calibration.breakdown import outcomes
from calibration.first_estimate import MIN_MATURED
from calibration.scoring import FEWEST_PERIODS, INTERVAL, Joint, christoffersen, crps, interval, kupiec, pit, together
from sim.errors import InputError
from sim.shocks.paths import common_and_own
from sim.streams import entity_id, stream_key, uniforms
from sim.uncertain import Uncertain
from sim.units import F64, I64

_SEED = 2027


@dataclass(frozen=True)
class Panel:
    """Households with a loan due, by township and quarter.

    Attributes
    ----------
    township : (k,) int64
    quarter : (k,) int64
        Quarters since year 0.
    n, bad : (k,) int64
        Households with loans due, and those that left one unpaid.
    """

    township: I64
    quarter: I64
    n: I64
    bad: I64


@dataclass(frozen=True)
class Law:
    """Parameters of each history of a forecast: (n_histories,) each.

    Attributes
    ----------
    level : float64 [probit]
    county, township : float64 [1]
        Variance shares.
    persistence : float
        Of the factors, a month.
    """

    level: F64
    county: F64
    township: F64
    persistence: float


@dataclass(frozen=True)
class Origin:
    """One year forecast from the end of the year before.

    Attributes
    ----------
    year : int
    n_known : int
        Loans that the fit had.
    n_cells : int
    households, actual : int
    forecast, low, high : float
        Of the county's number of households in default.
    pit, crps, crps_plain : float
        Of that number; ``crps_plain`` is the score of a forecast without common factors at the middle of the fit.
    cells : Joint
        All townships and quarters together.
    mean_crps, mean_crps_plain : float
        Over cells.
    """

    year: int
    n_known: int
    n_cells: int
    households: int
    actual: int
    forecast: float
    low: float
    high: float
    pit: float
    crps: float
    crps_plain: float
    cells: Joint
    mean_crps: float
    mean_crps_plain: float


@dataclass(frozen=True)
class Rolling:
    """The rolling back-test.

    Attributes
    ----------
    origins : tuple of Origin
    quarters : int
        Quarters whose county total was held against its interval.
    quarters_missed : int
    kupiec, christoffersen : (ratio, p) or None
        None below 20 quarters: no power.
    p_spread, p_level : float [1]
        Of all cells of all years; years are taken as independent given the fit.
    n_effective : float
        Independent cells that these are worth.
    """

    origins: tuple[Origin, ...]
    quarters: int
    quarters_missed: int
    kupiec: tuple[float, float] | None
    christoffersen: tuple[float, float] | None
    p_level: float
    p_spread: float
    n_effective: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def panel_of(matured: Any) -> Panel:
    """Count households by township and quarter of maturity.

    Parameters
    ----------
    matured : DataFrame
        From `calibration.breakdown.outcomes`.
    """
    quarter = matured["matures_on"].dt.year * 4 + matured["matures_on"].dt.quarter - 1
    homes = matured.assign(quarter=quarter).groupby(["township", "quarter", "household_id"])["defaulted"].any()
    counted = homes.groupby(["township", "quarter"]).agg(["size", "sum"]).reset_index()
    names = np.array([entity_id("township", name) for name in counted["township"]], dtype=np.int64)
    return Panel(names, *(counted[c].to_numpy(dtype=np.int64) for c in ("quarter", "size", "sum")))


def law_of(model: BookModel, n: int, persistence: float, seed: int = _SEED) -> Law:
    """Parameters for n histories, drawn from a posterior as a scenario draws its uncertain fields."""
    fields = ("p_default", "county_variance", "township_variance")
    forms = ("logit_normal", "lognormal", "lognormal")
    drawn = []
    for name, form in zip(fields, forms, strict=True):
        of = getattr(model, name)
        item = Uncertain(field=name, distribution=form, p05=of.p05, p95=of.p95)  # type: ignore[arg-type]
        u = uniforms(stream_key(seed, "backtest.parameters"), 0, np.arange(n), np.full(n, entity_id(name)))[0]
        drawn.append(np.array([item.value(float(x)) for x in u]))
    return Law(ndtri(drawn[0]), np.minimum(drawn[1], 0.3), np.minimum(drawn[2], 0.6), persistence)


def forecast(panel: Panel, law: Law, seed: int = _SEED) -> I64:
    """Households in default in each cell of each history, by the reduced form: (n_histories, k) int64.

    Factors of county and townships are drawn month by month as in the simulation and read in the middle of a quarter.
    """
    out = np.empty((law.level.size, panel.n.size), dtype=np.int64)
    first = int(panel.quarter.min()) * 3
    months = np.arange(first, int(panel.quarter.max()) * 3 + 3)
    ids, place = np.unique(panel.township, return_inverse=True)
    at = panel.quarter * 3 + 1 - first
    cells = np.array([entity_id(int(t), int(q)) for t, q in zip(panel.township, panel.quarter, strict=True)])
    keys = [stream_key(seed, f"backtest.{name}") for name in ("county", "township", "count")]
    for h in range(law.level.size):
        common, own = common_and_own(keys[0], keys[1], ids.astype(np.int64), months, h, law.persistence)
        x = np.sqrt(law.county[h]) * common[at, 0] + np.sqrt(law.township[h]) * own[at, place]
        p = ndtr((law.level[h] - x) / np.sqrt(1 - law.county[h] - law.township[h]))
        u = uniforms(keys[2], h, 0, cells)[0]
        out[h] = scipy.stats.binom.ppf(u, panel.n, p)
    return out


def rolling(
    loans: Any, on: dt.date, wait_days: int, prior: Prior, persistence: float, n_histories: int = 400
) -> Rolling:
    """Forecast every year that has 30 loans known before it and loans due in it, from what was known at its beginning.

    Parameters
    ----------
    loans : DataFrame
        Columns `calibration.ledger.CANONICAL`.
    on : date
    wait_days : int [days]
    prior : Prior
    persistence : float
        Of the factors, a month.

    Raises
    ------
    InputError
        No such year.
    """
    matured = outcomes(loans, on, wait_days)
    origins, samples, actuals, totals = [], [], [], []
    for year in sorted(matured["matures_on"].dt.year.unique()):
        start = pd.Timestamp(year=int(year), month=1, day=1)
        known = matured[matured["matures_on"] + pd.Timedelta(days=wait_days) <= start]
        due = matured[(matured["matures_on"].dt.year == year) & (matured["originated_on"] < start)]
        if len(known) < MIN_MATURED or len(due) == 0:
            continue
        panel = panel_of(due)
        model = book_model(known, prior)
        sample = forecast(panel, law_of(model, n_histories, persistence))
        none = np.zeros(n_histories)
        plain = Law(np.full(n_histories, ndtri(model.p_default.p50)), none, none, persistence)
        origins.append(_origin(int(year), len(known), panel, sample, forecast(panel, plain)))
        samples.append(sample)
        actuals.append(panel.bad)
        totals += _quarters(panel, sample)
    if not origins:
        allowed = f"a year that has {MIN_MATURED} loans with a known outcome before it and loans due in it"
        raise InputError("ledger", "matures_on", f"{len(matured)} loans with a known outcome", allowed)
    every = together(np.concatenate(samples, axis=1), np.concatenate(actuals))
    missed = np.array(totals, dtype=bool)
    has_power = missed.size >= FEWEST_PERIODS
    return Rolling(
        tuple(origins), missed.size, int(missed.sum()),
        kupiec(int(missed.sum()), missed.size, 1 - INTERVAL) if has_power else None,
        christoffersen(missed) if has_power else None, every.p_level, every.p_spread, every.n_effective,
    )  # fmt: skip


def _origin(year: int, n_known: int, panel: Panel, sample: Any, plain: Any) -> Origin:
    total, actual = sample.sum(axis=1, keepdims=True).astype(float), np.array([float(panel.bad.sum())])
    low, high = interval(total)
    bad = panel.bad.astype(float)
    return Origin(
        year, n_known, panel.n.size, int(panel.n.sum()), int(panel.bad.sum()), float(total.mean()), float(low[0]),
        float(high[0]), float(pit(total, actual)[0]), float(crps(total, actual)[0]),
        float(crps(plain.sum(axis=1, keepdims=True), actual)[0]), together(sample, bad),
        float(crps(sample, bad).mean()), float(crps(plain, bad).mean()),
    )  # fmt: skip


def _quarters(panel: Panel, sample: Any) -> list[bool]:
    """Was the county's total of each quarter outside its interval?"""
    out = []
    for quarter in np.unique(panel.quarter):
        rows = panel.quarter == quarter
        low, high = interval(sample[:, rows].sum(axis=1, keepdims=True))
        out.append(bool(not low[0] <= panel.bad[rows].sum() <= high[0]))
    return out
