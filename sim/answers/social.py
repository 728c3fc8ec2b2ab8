"""Figures beside the money: why loans go bad, how old unpaid subsidy is, what the year means for households."""

from __future__ import annotations

from typing import Any

from sim.answers.sample import Sample
from sim.households.reduced_form import CAUSES
from sim.households.register import MAX_DEBTS
from sim.welfare import AGES

# the last two only where the pack has such a rule
APPLICATIONS = ("refused_over_indebted", "refused_lender_waits", "refused_lender_cautious", "refused_cap", "refused_stop",
                "refused_quota")  # fmt: skip


def social_figures(h: Sample) -> dict[str, Any]:
    """Mean shares over histories, each with its interval; households only where they are simulated."""
    return {
        "default_causes": {
            c: _ratio(h, [f"defaulted_{c}_count"], [f"defaulted_{k}_count" for k in CAUSES]) for c in CAUSES
        },
        "subsidy_unpaid_by_age_yuan": {
            f"{a}_{b}_days" if b < 10_000 else f"{a}_days_and_more": h.mean_yuan(
                f"subsidy_unpaid_{a}_{b}_days_fen"
            ).as_dict()
            for a, b in AGES
        },
        "households": _households(h),
    }


def _households(h: Sample) -> dict[str, Any]:
    if "households_count" not in h.frame:
        return {"value": None, "reason": "households are not simulated by the reduced form"}
    return {
        "over_indebted_share": _ratio(h, ["over_indebted_count"], ["borrowers_count"]),
        "poor_share": _ratio(h, ["poor_count"], ["households_count"]),
        "months_below_floor": _ratio(h, ["months_below_floor_count"], ["households_count"]),
        **{
            name: _ratio(h, [top], [bottom])
            for name, top, bottom in (
                ("below_floor_share", "below_floor_count", "households_count"),
                ("relapsed_share", "relapsed_count", "households_count"),
                ("group_helped_share", "group_helped_count", "due_count"),
                ("extended_share", "extended_fen", "due_fen"),
            )
            if top in h.frame
        },
        **{
            f"{name}_share": _ratio(h, [f"{name}_count"], ["applied_count"])
            for name in APPLICATIONS
            if f"{name}_count" in h.frame
        },
        "default_share_by_other_debts": {
            str(k): _ratio(h, [f"defaulted_debts_{k}_count"], [f"due_debts_{k}_count"]) for k in range(MAX_DEBTS + 1)
        },
        **_firms(h),
    }


def _firms(h: Sample) -> dict[str, Any]:
    """Firms that cover households, where there are any."""
    if "firms_count" not in h.frame:
        return {}
    return {
        "firms": {
            "failed_share": _ratio(h, ["firms_failed_count"], ["firms_count"]),
            "default_share": _ratio(h, ["firm_defaulted_fen"], ["firm_due_fen"]),
            "share_of_fund": _ratio(h, ["firm_fund_due_fen"], ["payout_fen"]),
            "used_share_of_defaults": _ratio(h, ["firm_used_defaulted_fen"], ["defaulted_fen"]),
        }
    }


def _ratio(h: Sample, top: list[str], bottom: list[str]) -> dict[str, Any]:
    """Mean of a ratio over the histories in which it is defined."""
    above, below = (h.frame[columns].sum(axis=1).to_numpy() for columns in (top, bottom))
    return h.mean_ratio(above, below).as_dict()
