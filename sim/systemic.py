"""What hits the whole county in a history, in a few numbers, without simulating it.

Drought, prices, late money and the common factor are drawn by address before anybody decides, so they can be read
for a hundred thousand histories in the time that a few thousand take to run.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from sim import clock
from sim.community import common_luck
from sim.fund.claims import covered, cutoff_maturity
from sim.lending.applications import draw_portfolio
from sim.lending.loans import OPEN, Loans
from sim.livelihoods import Livelihoods
from sim.outcomes import year_span
from sim.scenario import Drought
from sim.settlements import releases_of
from sim.shocks.paths import draw_paths, drought_year_of, stationary_dry
from sim.units import F64, I64, Array
from sim.world import Setup


class Systemic(NamedTuple):
    """One history's common luck over the loans whose claims fall due in the sized year.

    Attributes
    ----------
    is_dry, is_late : float
        1 if a dry year, or late money, touches the months in which these loans mature; else 0.
    severity : float [1]
        Part of their principal that drought hits; where households are simulated, how hard it has hit them.
    lateness : float [months]
        How late the subsidy is, on average.
    price, past_price, dear : float
        Log price of what projects sell in the month of maturity, and on average until then; what must be sold to pay a
        given sum, the inverse of the price. 0 in the reduced form.
    expected : float [fen]
        Principal expected in default, given all that is common; 0 where households are simulated.
    """

    is_dry: float
    is_late: float
    severity: float
    lateness: float
    price: float
    past_price: float
    dear: float
    expected: float


class Exposed(NamedTuple):
    """The opening's open loans whose claims fall due in the sized year, added up by month, township and class.

    Attributes
    ----------
    month, township, p_class : (n_cells,) int64
        Month of maturity from the first month of the paths.
    fen : (n_cells,) float64 [fen]
        Covered principal.
    """

    month: I64
    township: I64
    p_class: I64
    fen: F64


def exposed(setup: Setup) -> Exposed:
    """What a bad year can hit; see `Exposed`."""
    first, last = year_span(setup.scenario.sized_year)
    loans = setup.opening.loans
    if setup.scenario.opening.kind == "portfolio":
        loans = draw_portfolio(setup.scenario, setup.p_classes, 0, setup.seed)
    early, late = (cutoff_maturity(setup.rules, setup.calendar, day) for day in (first - 1, last))
    rows = np.flatnonzero((loans.status == OPEN) & (loans.due > early) & (loans.due <= late))
    return _cells(setup, loans.take(rows))


def _cells(setup: Setup, loans: Loans) -> Exposed:
    principal = covered(setup.rules, loans.balance)
    where = np.column_stack([clock.month_of(loans.due) - setup.first_month, loans.township, loans.p_class])
    cells, at = np.unique(where, axis=0, return_inverse=True)
    return Exposed(
        cells[:, 0], cells[:, 1], cells[:, 2], np.bincount(at.ravel(), principal, cells.shape[0]).astype(float)
    )


def systemic(setup: Setup, at: Exposed, replication: int) -> Systemic:
    """The common luck of one history."""
    if at.fen.size == 0:
        return Systemic(*[0.0] * len(Systemic._fields))
    if setup.scenario.livelihoods is not None:
        return _of_households(setup, setup.scenario.livelihoods, at, replication)
    return _of_reduced_form(setup, at, replication)


def _of_reduced_form(setup: Setup, at: Exposed, replication: int) -> Systemic:
    paths = draw_paths(
        setup.scenario.defaults, setup.scenario.opening.drought, setup.township_ids, setup.first_month,
        int(at.month.max()) + 1, replication, setup.seed,
    )  # fmt: skip
    form, part = setup.form, at.fen / at.fen.sum()
    hit, late = paths.is_hit[at.month, at.township], paths.is_late[at.month]
    threshold = form.threshold[at.p_class, hit, late, 0]
    p = ndtr((threshold - paths.factor[at.month, at.township]) / form.own_weight)
    if form.buffer_cdf.size > 0:
        lag = paths.lag[at.month]
        runs_dry = np.where(lag > 0, form.buffer_cdf[np.clip(lag, 1, form.buffer_cdf.size) - 1], 0.0)
        p = 1 - (1 - p) * (1 - runs_dry)
    drought = setup.scenario.defaults.drought
    is_dry = drought is not None and drought.on and _touches(setup, drought.year_starts_month, at, paths.is_dry)
    return Systemic(float(is_dry), float(late.any()), float(part @ hit), float(part @ paths.lag[at.month]), 0.0, 0.0, 0.0,
                    float(at.fen @ p))  # fmt: skip


def _of_households(setup: Setup, live: Livelihoods, at: Exposed, replication: int) -> Systemic:
    n_months, part = int(at.month.max()) + 1, at.fen / at.fen.sum()
    sky, price, _ = common_luck(setup, n_months, replication)
    log, until = np.log(price), np.arange(1, n_months + 1)[:, None]
    severity = float(part @ sky.recent[at.month, at.township])
    waits = [r.arrives - r.planned for r in releases_of(setup, replication)]
    lateness = sum(waits) / max(len(waits), 1) / 30
    is_dry = live.weather.on and _touches(setup, live.weather.year_starts_month, at, sky.is_dry)
    now = log[at.month, at.township]
    return Systemic(float(is_dry), float(lateness > 0), severity, lateness, float(part @ now),
                    float(part @ (np.cumsum(log, axis=0) / until)[at.month, at.township]), float(part @ np.exp(-now)), 0.0)  # fmt: skip


def _touches(setup: Setup, year_starts_month: int, at: Exposed, is_dry: Array) -> bool:
    """Is one of the drought years in which the loans mature dry?"""
    first = drought_year_of(np.array([setup.first_month]), year_starts_month)[0]
    return bool(is_dry[drought_year_of(setup.first_month + at.month, year_starts_month) - first].any())


def chances_of_flags(setup: Setup) -> F64 | None:
    """Exact chances that a history is neither dry nor late, late, dry, or both; None where the lateness has none."""
    at, defaults, live = exposed(setup), setup.scenario.defaults, setup.scenario.livelihoods
    if at.fen.size == 0 or live is not None:
        return None
    months, drought, late = setup.first_month + at.month, defaults.drought, defaults.late_subsidy
    p_dry = p_late = 0.0
    if drought is not None and drought.on:
        first = drought_year_of(np.array([setup.first_month]), drought.year_starts_month)[0]
        p_dry = _any_dry(
            drought, setup.scenario.opening.drought, drought_year_of(months, drought.year_starts_month) - first
        )
    if late is not None and late.on:
        p_late = 1 - (1 - late.p_late_year) ** np.unique(months // 12).size
    return np.array([(1 - p_dry) * (1 - p_late), (1 - p_dry) * p_late, p_dry * (1 - p_late), p_dry * p_late])


def _any_dry(chain: Drought, opening: str, years: I64) -> float:
    """Chance that one of these years of the chain is dry; year 0 is that of the opening."""
    p = {"dry": 1.0, "normal": 0.0}.get(opening, stationary_dry(chain.p_normal_to_dry, chain.p_dry_to_dry))
    normal, dry = 1 - p, p  # so far none of the years was dry
    for year in range(int(years.max()) + 1):
        if year > 0:
            normal, dry = (
                normal * (1 - chain.p_normal_to_dry) + dry * (1 - chain.p_dry_to_dry),
                normal * chain.p_normal_to_dry + dry * chain.p_dry_to_dry,
            )
        if year in years:
            dry = 0.0
    return 1 - normal - dry
