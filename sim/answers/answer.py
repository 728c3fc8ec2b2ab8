"""Every figure of the answer, read from stored histories: values, intervals, and reasons where there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from sim import clock, estimate
from sim.answers.drivers import driver_figures, only_because_late
from sim.answers.social import social_figures
from sim.arms import ANCHORS, OPENINGS, arms_of, horizon
from sim.errors import InputError
from sim.estimate import Estimate
from sim.fund.claims import cutoff_maturity
from sim.law.pack import load_calendar
from sim.opening import OpeningState
from sim.outcomes import WATERFALL, year_span
from sim.provenance import PROVENANCE, key_of
from sim.reacting import N_GRID
from sim.scenario import Scenario
from sim.store import RunFolder
from sim.units import FEN_PER_YUAN, PPM

_YUAN = 1 / FEN_PER_YUAN


@dataclass(frozen=True)
class Answer:
    """A sized fund: the contract of `riskfund size --json`, and the folder that it was read from."""

    data: dict[str, Any]
    scenario: Scenario
    folder: Path
    failures: tuple[dict[str, Any], ...]

    def histories(self, arm: str = "main") -> pd.DataFrame:
        """One row a history of an arm: money in fen."""
        return RunFolder(self.folder).read("histories", arm, self.data["replications"])

    def only_because_late(self) -> pd.DataFrame:
        """Loans that default only because the subsidy came late; see `drivers.only_because_late`."""
        return only_because_late(RunFolder(self.folder), self.scenario, self.data["replications"])


def answer(folder: RunFolder, scenario: Scenario, opening: OpeningState, n: int, assurance: float) -> Answer:
    """Every figure of the contract from stored histories."""
    identity = folder.manifest()["identity"]
    seed = int(identity["seed"])
    arms = arms_of(scenario)
    failures = tuple(f for arm in arms for f in folder.failures(arm.name, n))
    h = folder.read("histories", "main", n)
    if h.empty:
        raise InputError(
            str(folder.path),
            "histories",
            0,
            f"at least one history that did not fail; the first: {failures[0]['error'] if failures else ''}",
        )

    def need(column: str, frame: pd.DataFrame = h) -> Estimate:
        return estimate.quantile(frame[column].to_numpy(), assurance).scaled(_YUAN, 2)

    rules = scenario.law()
    accounts = scenario.sub_accounts_yuan()
    fund_yuan = sum(accounts.values())
    head = need("need_fen")
    cutoff = clock.date_of(cutoff_maturity(rules, load_calendar(), year_span(scenario.sized_year)[1])).isoformat()
    if head.value == 0:
        nil = f"no claim falls due in the year in these histories; loans that mature after {cutoff} are paid from a later year's fund"
        head = replace(head, reason=nil)
    gap = h["gap_fen"].to_numpy()
    short = gap > 0
    data: dict[str, Any] = {
        "scenario": scenario.name,
        "year": scenario.sized_year,
        "information_on": scenario.information_on.isoformat(),
        "assurance": assurance,
        "replications": n,
        "failed": len(failures),
        "seed": seed,
        "is_demonstration": scenario.is_demonstration,
        "fund_yuan": fund_yuan,
        "carried_over_yuan": round(_carried(h, "carried_over_fen", rules.fund.rolls_over), 2),
        "cutoff_maturity_on": cutoff,
        "need_yuan": head.as_dict(),
        "need_yuan_free_split": need("need_free_split_fen").as_dict(),
        "need_yuan_pooled": need("need_pooled_fen").as_dict(),
        "ring_fencing_price_yuan": _price(h, assurance, seed),
        "runoff_need_yuan": need("runoff_need_fen").as_dict(),
        "need_yuan_lending_reacts": lending_reacts(h, assurance, fund_yuan),
        "need_by_anchor": _arm_needs(folder, scenario, n, ANCHORS, "anchor", scenario.defaults.anchor, need),
        "need_by_opening": _arm_needs(folder, scenario, n, OPENINGS, "opening", scenario.opening.drought, need),
        "need_yuan_stationary_opening": _stationary(folder, scenario, n, need),
        "advice": _advice(h, head),
        "top_up_yuan": _top_up(head, [_carried(h, "carried_over_fen", rules.fund.rolls_over)], [1.0]),
        "top_up_by_account_yuan": _top_up(head, *_accounts(h, scenario)),
        "shortfall_chance": estimate.proportion(int(short.sum()), len(h)).as_dict(),
        "mean_gap_if_short_yuan": _if_short(gap, short, _YUAN),
        "oldest_wait_days_if_short": _oldest_wait(h, short),
        "exhausting_share_of_maturities": _exhausting(h, fund_yuan, rules.fund.share),
        "by_lender": _by_lender(h, accounts, rules.fund.ring_fenced, need, assurance),
        **_shares(h),
        **social_figures(h),
        "waterfall": _means(h, ["claimable_fen", *(f"waterfall_{name}_fen" for name in WATERFALL)]),
        "recoveries": _means(h, [f"recovered{part}_fen" for part in ("", "_to_fund", "_to_bank", "_to_insurer")]),
        "clerk_utilisation": _utilisation(h, scenario),
        "drivers": driver_figures(folder, scenario, n, assurance, seed),
        "provenance": {**{k: identity[k] for k in PROVENANCE}, "result_number": f"RF-{scenario.sized_year}-{key_of(identity)[:6].upper()}"},
    }  # fmt: skip
    return Answer(data, scenario, folder.path, failures)


def _arm_needs(
    folder: RunFolder,
    scenario: Scenario,
    n: int,
    states: tuple[str, ...],
    prefix: str,
    own: str | None,
    need: Any,
) -> dict[str, Any]:
    if own is None or (prefix == "opening" and not scenario.opening_drought_matters):
        reason = (
            "default probabilities are given, no anchor is used"
            if prefix == "anchor"
            else "the scenario has no drought"
        )
        return {state: Estimate(None, reason=reason).as_dict() for state in states}
    out = {}
    for state in states:
        if prefix == "anchor" and scenario.livelihoods is not None and state not in scenario.livelihoods.behaviour:
            out[state] = Estimate(None, reason="the scenario has no set of behaviour of this name").as_dict()
            continue
        frame = folder.read("histories", "main" if state == own else f"{prefix}-{state}", n)
        out[state] = need("need_fen", frame).as_dict()
    return out


def _stationary(folder: RunFolder, scenario: Scenario, n: int, need: Any) -> dict[str, Any]:
    """Need when the opening state is drawn as well: it says how much the one warm-up matters."""
    if scenario.opening.kind != "warm-up":
        return Estimate(None, reason="the opening state comes from data").as_dict()
    arm = "main" if scenario.opening.state == "stationary" else "stationary"
    out: dict[str, Any] = need("need_fen", folder.read("histories", arm, n)).as_dict()
    return out


def _price(h: pd.DataFrame, assurance: float, seed: int) -> dict[str, Any]:
    """Headline less pooled, same histories."""
    u = estimate.resampling(seed, len(h))
    price = estimate.paired_quantile_difference(h["need_pooled_fen"].to_numpy(), h["need_fen"].to_numpy(), assurance, u)
    return price.scaled(_YUAN, 2).as_dict()


def _advice(h: pd.DataFrame, need: Estimate) -> dict[str, Any]:
    """The conservative figure rounded up to a step not finer than the simulation error, and how often it is short."""
    low, high = need.ci95 or (0.0, 0.0)
    yuan = estimate.rounded_up(need.conservative or 0.0, (high - low) / 2)
    hits = int((h["need_fen"].to_numpy() > yuan * FEN_PER_YUAN).sum())
    return {"fund_yuan": yuan, "shortfall_chance": estimate.proportion(hits, len(h)).as_dict()}


def _carried(h: pd.DataFrame, column: str, rolls_over: bool) -> float:
    """Mean balance carried into the year [yuan]; nothing where the pack lets none roll over."""
    return float(h[column].mean()) * _YUAN if rolls_over else 0.0


def _accounts(h: pd.DataFrame, scenario: Scenario) -> tuple[list[float], list[float]]:
    """Carried over by sub-account [yuan], and each one's part of the total."""
    rules, sizes = scenario.law(), list(scenario.sub_accounts_yuan().values())
    parts = [size / sum(sizes) for size in sizes] if rules.fund.ring_fenced else [1.0]
    return [_carried(h, f"carried_over_{i}_fen", rules.fund.rolls_over) for i in range(len(parts))], parts


def _top_up(need: Estimate, carried_yuan: list[float], parts: list[float]) -> dict[str, Any]:
    """Need less the balance carried over, not below zero; recoveries are inside the need already.

    With several accounts, what one has too much does not help another that has too little.
    """

    def less(x: float | None) -> float:
        return round(sum(max((x or 0.0) * p - c, 0.0) for c, p in zip(carried_yuan, parts, strict=True)), 2)

    ci = need.ci95 or (0.0, 0.0)
    return Estimate(less(need.value), (less(ci[0]), less(ci[1])), less(need.conservative)).as_dict()


def _exhausting(h: pd.DataFrame, fund_yuan: int, share: float) -> dict[str, Any]:
    """Share of the year's maturities whose loss would use up the set size."""
    due = h["due_fen"].to_numpy(float)
    if share == 0 or not (due > 0).any():
        return Estimate(None, reason="nothing to divide by in the sized year").as_dict()
    return estimate.mean(fund_yuan * FEN_PER_YUAN / (share * due[due > 0])).as_dict()


def _if_short(x: Any, short: Any, factor: float) -> dict[str, Any]:
    if not short.any():
        return Estimate(None, reason="no history was short").as_dict()
    return estimate.mean(x[short]).scaled(factor, 2).as_dict()


def _oldest_wait(h: pd.DataFrame, short: Any) -> dict[str, Any]:
    """Mean of the oldest claim's wait; waits that the horizon cuts off count as long as they were seen."""
    out = _if_short(h["oldest_wait_days"].to_numpy(), short, 1.0)
    if short.any():
        out["censored_share"] = float(h["wait_is_censored"].to_numpy()[short].mean())
    return out


def _by_lender(
    h: pd.DataFrame, accounts: dict[str, int], is_ring_fenced: bool, need: Any, assurance: float
) -> dict[str, Any]:
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
            "need_yuan": need(f"need_{i}_fen").as_dict(),
            "shortfall_chance": estimate.proportion(int((h[f"gap_{i}_fen"] > 0).sum()), len(h)).as_dict(),
        }
        for i, key in enumerate(accounts)
    }


def _shares(h: pd.DataFrame) -> dict[str, Any]:
    def share(top: str, bottom: str) -> dict[str, Any]:
        known = h[bottom] > 0
        if not known.any():
            return Estimate(None, reason="nothing to divide by in the sized year").as_dict()
        return estimate.mean((h[top] / h[bottom])[known].to_numpy()).as_dict()

    return {
        "default_share": share("defaulted_fen", "due_fen"),
        "default_share_by_count": share("defaulted_count", "due_count"),
        "compensable_share": share("compensable_fen", "due_fen"),
        "overdue_share_reported": share("overdue_fen", "outstanding_fen"),
        "bad_loan_ratio_reported": share("bad_fen", "outstanding_fen"),
        "hidden_default_share": share("hidden_fen", "due_fen"),
        "fiscal_debt_yuan": estimate.mean(h["fiscal_debt_fen"].to_numpy()).scaled(_YUAN, 2).as_dict(),
        "subsidy_unpaid_share_90d": share("subsidy_unpaid_90d_fen", "subsidy_entitled_fen"),
        "subsidy_unpaid_share_90d_q4": share("subsidy_unpaid_90d_q4_fen", "subsidy_entitled_q4_fen"),
    }


def _means(h: pd.DataFrame, columns: list[str]) -> dict[str, Any]:
    """Means over histories of a table whose rows add up in every history [yuan]."""
    names = {c: c.removeprefix("waterfall_").removesuffix("_fen") for c in columns}
    return {f"{names[c]}_yuan": estimate.mean(h[c].to_numpy()).scaled(_YUAN, 2).as_dict() for c in columns}


def _utilisation(h: pd.DataFrame, scenario: Scenario) -> dict[str, Any]:
    """Busy share of the clerks' minutes over the whole history."""
    calendar, o = load_calendar(), scenario.office
    first = clock.day_of(scenario.information_on)
    days = calendar.working_days_through(horizon(scenario)) - calendar.working_days_through(first - 1)
    minutes = days * o.clerks * o.share_of_working_days * o.minutes_per_day
    return estimate.mean(h["clerk_minutes"].to_numpy() / minutes).as_dict()


def lending_reacts(h: pd.DataFrame, assurance: float, fund_yuan: int) -> dict[str, Any]:
    """Smallest size on the grid such that it and every larger one is short in at most 1 - a of histories.

    Need is not monotone in the size when lending follows it, so the whole grid is checked.
    """
    n = len(h)
    sizes = [2 * fund_yuan * k / (N_GRID - 1) for k in range(N_GRID)]
    hits = [int(h[f"reacts_short_{k:02d}"].sum()) for k in range(N_GRID)]
    credit = [float(h[f"reacts_credit_{k:02d}_fen"].mean()) * _YUAN for k in range(N_GRID)]
    ppm = round((1 - assurance) * PPM)

    def smallest(is_fine: list[bool]) -> float | None:
        best = None
        for k in reversed(range(N_GRID)):
            if not is_fine[k]:
                break
            best = sizes[k]
        return best

    bounds = [estimate.proportion(x, n).ci95 or (0.0, 1.0) for x in hits]
    value = smallest([x * PPM <= ppm * n for x in hits])
    low = smallest([b[0] <= 1 - assurance for b in bounds])
    high = smallest([b[1] <= 1 - assurance for b in bounds])
    # a size counts only with all larger ones, so the largest bounds what can be reached
    out: dict[str, Any] = {"value": value, "highest_reachable_assurance": 1 - hits[-1] / n}
    if value is None:
        out["reason"] = "no size on the grid from zero to twice the fund is enough, it and all larger ones"
    else:
        k = sizes.index(value)
        out["ci95"] = [low if low is not None else value, high if high is not None else sizes[-1]]
        upper = smallest([estimate.upper_proportion(x, n) <= 1 - assurance for x in hits])
        out["conservative"] = upper if upper is not None else sizes[-1]
        out["credit_granted_yuan"] = round(credit[k], 2)
        out["short_share"] = hits[k] / n
    out["grid"] = [
        {"fund_yuan": s, "short_share": x / n, "credit_granted_yuan": round(c, 2)}
        for s, x, c in zip(sizes, hits, credit, strict=True)
    ]
    return out
