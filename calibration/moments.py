"""What each place's histories say of its measures: the model's counterparts of the printed figures."""

from __future__ import annotations

import numpy as np
import pandas as pd

import sim
from calibration.fit_problem import Problem
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
}


def of_place(place: str, results: sim.Results) -> dict[str, F64]:
    """The measures that are printed of a place, by history: ``place.measure`` -> (n,), in order of histories.

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
    return {f"{place.split('-')[0]}.{measure}": found[measure] for measure in _KNOWN[place]}


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


def dry_years(problem: Problem, values: pd.DataFrame, rows: I64) -> F64:
    """Share of dry years in 52, drawn for each row from its own chain."""
    chain = next(iter(problem.places.values())).defaults.drought
    assert chain is not None
    out = np.empty(len(rows))
    months = np.arange(12 * _YEARS)
    for k, row in enumerate(rows):
        own = {f.rsplit(".", 1)[1]: float(values[f].iloc[k]) for f in values if f.startswith("defaults.drought.p_")}
        of_row = chain.model_copy(update=own | {"year_starts_month": 1})
        out[k] = drought_years(of_row, "long_run", months, int(row), problem.settings.seed)[1].mean()
    return out
