"""What each place's histories say of its measures: the model's counterparts of the printed figures."""

from __future__ import annotations

import numpy as np
import pandas as pd

import sim
from calibration.fit_problem import Problem
from sim.households.life_table import monthly_death_probability
from sim.households.register import register_of
from sim.livelihoods import OLDEST
from sim.shocks.paths import drought_years
from sim.units import F64, I64

_TWO_LARGEST = 2  # townships of Luoping with a figure of their own
_YEARS = 52  # of the list of droughts
_KNOWN = {
    "dehong": ("default_share",),
    "dehong-cash": ("subsidy_paid_share",),
    "mouding": ("default_share", "recovered_share", "reported_share"),
    "dayao": ("reported_share",),
    "luoping": ("overdue_share", "worst_township", "other_townships"),
    "bazhong": ("recovered_per_year",),
    "dehong-households": ("default_share", "subsidy_paid_share"),
    "mouding-households": ("default_share", "recovered_share"),
    "luoping-households": ("overdue_share", "worst_township", "other_townships"),
}


def of_place(place: str, results: sim.Results) -> dict[str, F64]:
    """The measures that are printed of a place, by history: ``place.measure`` -> (n,), in order of histories.

    Where the book is made by a warm-up also the number of loans due in the year, by the scenario's name.

    default_share : missed the date and unpaid on day 90, of principal due in the year.
    recovered_share : of that, back by the end of the year (0 where nothing defaulted).
    reported_share : all but what is booked as overdue at the end of the year, of principal due in it.
    overdue_share, worst_township, other_townships : what households have not paid at the end of the year, of principal
        due in it, in the county, its worst township, and all but the two largest.
    recovered_per_year : of the stock at the start of the year.
    subsidy_paid_share : of the fourth quarter's subsidy, within 90 days of its end.
    """
    h = results.histories().sort_values("replication").astype(float)
    due, bad = h["due_fen"].to_numpy(), h["defaulted_fen"].to_numpy()
    due, some = np.maximum(due, 1.0), np.maximum(bad, 1.0)
    unpaid = due - h["hidden_fen"].to_numpy() - h["households_repaid_fen"].to_numpy()
    late, entitled = (h[f"subsidy_{c}_q4_fen"].to_numpy() for c in ("unpaid_90d", "entitled"))
    found = {
        "default_share": bad / due,
        "recovered_share": np.where(bad > 0, np.clip(1 - unpaid / some, 0, 1), 0.0),
        "reported_share": h["reported_repaid_fen"].to_numpy() / due,
        "subsidy_paid_share": 1 - late / np.maximum(entitled, 1.0),
        "recovered_per_year": 1 - h["outstanding_fen"].to_numpy() / _opening_fen(results),
        **_by_township(results.townships(), len(h)),
    }
    out = {f"{place.partition('-')[0]}.{measure}": found[measure] for measure in _KNOWN[place]}
    if results.scenarios()[0].opening.kind == "warm-up":
        out[loans_column(place)] = h["due_count"].to_numpy()
    return out


def loans_column(place: str) -> str:
    """Column of a table that has the number of loans due in a place's year."""
    return f"{place}.loans"


def _opening_fen(results: sim.Results) -> int:
    """Principal on the book on the information date."""
    return int(pd.read_parquet(results.folder / "opening-base.parquet")["balance"].sum())


def _by_township(towns: pd.DataFrame, n: int) -> dict[str, F64]:
    t = towns.sort_values(["replication", "township"])
    due, repaid = (t[c].to_numpy(float).reshape(n, -1) for c in ("due_fen", "households_repaid_fen"))
    due = np.maximum(due, 1.0)
    unpaid = due - repaid
    others = slice(_TWO_LARGEST, None) if due.shape[1] > _TWO_LARGEST else slice(None)
    return {
        "overdue_share": unpaid.sum(axis=1) / due.sum(axis=1),
        "worst_township": (unpaid / due).max(axis=1),
        "other_townships": unpaid[:, others].sum(axis=1) / due[:, others].sum(axis=1),
    }


def of_province(problem: Problem, values: pd.DataFrame, rows: I64) -> dict[str, F64]:
    """Measures of no place, which follow from parameters without a history of institutions: ``yunnan.measure`` -> (n,)."""
    out = {"yunnan.dry_years": dry_years(problem, values, rows)}
    if problem.settings.mechanism == "household":
        out["yunnan.deaths_per_year"] = deaths_per_year(problem, values)
    return out


def deaths_per_year(problem: Problem, values: pd.DataFrame) -> F64:
    """Expected share of those who may borrow that dies or loses the ability to work in a year, by row.

    Ages and sexes are those of the first place's register in the sized year; the chances are the monthly ones of
    `sim.households.month`, for twelve months.
    """
    scenario = next(iter(problem.places.values()))
    live = scenario.livelihoods
    assert live is not None
    register = register_of(scenario, scenario.law())
    age = scenario.sized_year - 1970 - register.born // 12
    may = (register.may_borrow == 1) & (age >= 0) & (age <= OLDEST)

    def of(field: str, usual: float) -> F64:
        return values[field].to_numpy() if field in values else np.full(len(values), usual)

    multiples = of("livelihoods.mortality_multiple", live.mortality_multiple)
    more = of("livelihoods.lost_labour_per_death", live.lost_labour_per_death)
    out = np.empty(len(values))
    for k, (multiple, lost) in enumerate(zip(multiples, more, strict=True)):
        month = monthly_death_probability(float(multiple))[register.is_man[may], age[may]] * (1 + lost)
        out[k] = (1 - (1 - np.minimum(month, 1.0)) ** 12).mean()
    return out


def dry_years(problem: Problem, values: pd.DataFrame, rows: I64) -> F64:
    """Share of dry years in 52, drawn for each row from its own chain."""
    place = next(iter(problem.places.values()))
    where = "defaults.drought" if place.livelihoods is None else "livelihoods.weather"
    chain = place.defaults.drought if place.livelihoods is None else place.livelihoods.weather
    assert chain is not None
    out = np.empty(len(rows))
    months = np.arange(12 * _YEARS)
    for k, row in enumerate(rows):
        own = {f.rsplit(".", 1)[1]: float(values[f].iloc[k]) for f in values if f.startswith(f"{where}.p_")}
        of_row = chain.model_copy(update=own | {"year_starts_month": 1})
        out[k] = drought_years(of_row, "long_run", months, int(row), problem.settings.seed)[1].mean()
    return out
