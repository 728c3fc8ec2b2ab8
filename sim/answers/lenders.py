"""What the sized year brings each lender, and how truth, books and report differ."""

from __future__ import annotations

from typing import Any

from sim.answers.sample import Sample
from sim.estimate import Estimate
from sim.scenario import Scenario
from sim.store import RunFolder


def truth_and_report(h: Sample) -> dict[str, Any]:
    """Repayment as households made it beside repayment as it is reported, and what lies between them."""
    shares = {
        "repaid_on_date_share": ("paid_on_date_fen", "due_fen"),
        "repaid_by_households_share": ("households_repaid_fen", "due_fen"),
        "repayment_rate_reported": ("reported_repaid_fen", "due_fen"),
        "county_paid_share": ("county_paid_fen", "due_fen"),
        "renewed_booked_share": ("renewed_booked_fen", "outstanding_fen"),
        "lent_share_of_stock": ("lent_fen", "outstanding_fen"),
    }
    out = {name: h.ratio(top, bottom).as_dict() for name, (top, bottom) in shares.items()}
    return out | {"town_debt_yuan": h.mean_yuan("town_debt_fen").as_dict()}


def lender_figures(folder: RunFolder, scenario: Scenario, n: int) -> dict[str, Any]:
    """Means of the sized year by lender, from the yearly table of lenders."""
    frame = folder.read("lenders", "main", n)
    year = frame[frame["year"] == scenario.sized_year] if "year" in frame else frame
    if year.empty:
        return {
            lender.key: Estimate(None, reason="this run keeps no years of lenders").as_dict()
            for lender in scenario.lenders
        }
    out: dict[str, Any] = {}
    for index, lender in enumerate(scenario.lenders):
        part = year[year["lender"] == index].reset_index(drop=True)
        sample = Sample(part, folder.strata(part["replication"].to_numpy()))
        columns = [c for c in part if c.endswith("_fen")]
        out[lender.key] = {f"{c.removesuffix('_fen')}_yuan": sample.mean_yuan(c).as_dict() for c in columns}
    return out
