"""What the fund needs and how often it is short: the figures of the fund in an answer."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim import estimate
from sim.answers.sample import Sample
from sim.estimate import Estimate
from sim.law import Rules
from sim.reacting import N_GRID
from sim.scenario import Scenario
from sim.units import FEN_PER_YUAN, Array, Bool

_YUAN = 1 / FEN_PER_YUAN


def ring_fencing_price(h: Sample, assurance: float, seed: int) -> dict[str, Any]:
    """Headline less pooled, same histories."""
    u = estimate.resampling(seed, len(h))
    price = estimate.paired_quantile_difference(h["need_pooled_fen"], h["need_fen"], assurance, u, h.strata)
    return price.scaled(_YUAN, 2).as_dict()


def advice(h: Sample, need: Estimate) -> dict[str, Any]:
    """The conservative figure rounded up to a step not finer than the simulation error, and how often it is short."""
    low, high = need.ci95 or (0.0, 0.0)
    yuan = estimate.rounded_up(need.conservative or 0.0, (high - low) / 2)
    return {"fund_yuan": yuan, "shortfall_chance": h.chance(h["need_fen"] > yuan * FEN_PER_YUAN).as_dict()}


def carried(h: Sample, column: str, rolls_over: bool) -> float:
    """Mean balance carried into the year [yuan]; nothing where the pack lets none roll over."""
    return float(h.mean(h[column]).value or 0.0) * _YUAN if rolls_over else 0.0


def carried_by_account(h: Sample, scenario: Scenario) -> tuple[list[float], list[float]]:
    """Carried over by sub-account [yuan], and each one's part of the total."""
    rules, sizes = scenario.law(), list(scenario.sub_accounts_yuan().values())
    parts = [size / sum(sizes) for size in sizes] if rules.fund.ring_fenced else [1.0]
    return [carried(h, f"carried_over_{i}_fen", rules.fund.rolls_over) for i in range(len(parts))], parts


def top_up(need: Estimate, carried_yuan: list[float], parts: list[float]) -> dict[str, Any]:
    """Need less the balance carried over, not below zero; recoveries are inside the need already.

    With several accounts, what one has too much does not help another that has too little.
    """

    def less(x: float | None) -> float:
        return round(sum(max((x or 0.0) * p - c, 0.0) for c, p in zip(carried_yuan, parts, strict=True)), 2)

    ci = need.ci95 or (0.0, 0.0)
    return Estimate(less(need.value), (less(ci[0]), less(ci[1])), less(need.conservative)).as_dict()


def no_cover(h: Sample, rules: Rules, assurance: float) -> dict[str, Any]:
    """Where the rules have nobody but the lender bear a loss: who does, and what the county pays where the township borrows."""
    if rules.has_cover:
        return {}
    if rules.loan.borrower_of_record != "township":
        return {"no_cover": {"who": "bank"}}
    return {"no_cover": {"who": "county", "county_pays_yuan": h.quantile_yuan("county_paid_fen", assurance).as_dict()}}


def exhausting(h: Sample, fund_yuan: int, share: float) -> dict[str, Any]:
    """Share of the year's maturities whose loss would use up the set size."""
    due = h["due_fen"].astype(float)
    if share == 0 or not (due > 0).any():
        return Estimate(None, reason="nothing to divide by in the sized year").as_dict()
    return h.mean_among(fund_yuan * FEN_PER_YUAN / (share * np.maximum(due, 1.0)), due > 0).as_dict()


def if_short(h: Sample, x: Array, short: Bool, factor: float) -> dict[str, Any]:
    """Mean over the histories that are short."""
    if not short.any():
        return Estimate(None, reason="no history was short").as_dict()
    return h.mean_among(x, short).scaled(factor, 2).as_dict()


def oldest_wait(h: Sample, short: Bool) -> dict[str, Any]:
    """Mean of the oldest claim's wait; waits that the horizon cuts off count as long as they were seen."""
    out = if_short(h, h["oldest_wait_days"], short, 1.0)
    if short.any():
        out["censored_share"] = h.mean_among(h["wait_is_censored"], short).value
    return out


def by_lender(h: Sample, accounts: dict[str, int], is_ring_fenced: bool, assurance: float) -> dict[str, Any]:
    """Each lender's own quantile and chance; quantiles of parts do not add up to the quantile of the whole."""
    if not is_ring_fenced:
        reason = "sub-accounts are pooled"
        return {
            key: {
                "need_yuan": {"value": None, "reason": reason},
                "shortfall_chance": {"value": None, "reason": reason},
            }
            for key in accounts
        }
    return {
        key: {
            "need_yuan": h.quantile_yuan(f"need_{i}_fen", assurance).as_dict(),
            "shortfall_chance": h.chance(h[f"gap_{i}_fen"] > 0).as_dict(),
        }
        for i, key in enumerate(accounts)
    }


def lending_reacts(h: Sample, assurance: float, fund_yuan: int) -> dict[str, Any]:
    """Smallest size on the grid such that it and every larger one is short in at most 1 - a of histories.

    Need is not monotone in the size when lending follows it, so the whole grid is checked.
    """
    sizes = [2 * fund_yuan * k / (N_GRID - 1) for k in range(N_GRID)]
    # a size counts as short with the grid's own rounding to the fen
    grid = [2 * fund_yuan * FEN_PER_YUAN * k // (N_GRID - 1) for k in range(N_GRID)]
    hits = [h[f"reacts_need_{k:02d}_fen"] > grid[k] for k in range(N_GRID)]
    chances = [h.chance(hit) for hit in hits]
    short = [chance.value or 0.0 for chance in chances]
    credit = [h.mean_yuan(f"reacts_credit_{k:02d}_fen").value or 0.0 for k in range(N_GRID)]
    allowed = 1 - assurance + 1e-9

    def smallest(is_fine: list[bool]) -> float | None:
        best = None
        for k in reversed(range(N_GRID)):
            if not is_fine[k]:
                break
            best = sizes[k]
        return best

    bounds = [chance.ci95 or (0.0, 1.0) for chance in chances]
    value = smallest([x <= allowed for x in short])
    # a size counts only with all larger ones, so the largest bounds what can be reached
    out: dict[str, Any] = {"value": value, "highest_reachable_assurance": 1 - short[-1]}
    if value is None:
        out["reason"] = "no size on the grid from zero to twice the fund is enough, it and all larger ones"
    else:
        k = sizes.index(value)
        low, high = smallest([b[0] <= allowed for b in bounds]), smallest([b[1] <= allowed for b in bounds])
        out["ci95"] = [low if low is not None else value, high if high is not None else sizes[-1]]
        upper = smallest([h.upper_chance(hit) <= allowed for hit in hits])
        out["conservative"] = upper if upper is not None else sizes[-1]
        out["credit_granted_yuan"] = round(credit[k], 2)
        out["short_share"] = short[k]
    out["grid"] = [
        {"fund_yuan": s, "short_share": x, "credit_granted_yuan": round(c, 2)}
        for s, x, c in zip(sizes, short, credit, strict=True)
    ]
    return out
