"""Every figure of the answer, read from stored histories: values, intervals, and reasons where there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from sim import clock, estimate, parameters
from sim.answers import fund
from sim.answers.attribution import attribution
from sim.answers.drivers import driver_figures, only_because_late
from sim.answers.insurance import insurance_figures
from sim.answers.lenders import lender_figures, truth_and_report
from sim.answers.outlook import account_parts, at_size, backwards, outlook
from sim.answers.sample import Sample
from sim.answers.social import social_figures
from sim.answers.uncertainty import uncertainty
from sim.arms import ANCHORS, OPENINGS, anchors_apart, arms_of, horizon
from sim.errors import InputError
from sim.estimate import Estimate
from sim.fund.claims import cutoff_maturity
from sim.law import Rules
from sim.law.pack import load_calendar
from sim.opening import OpeningState
from sim.outcomes import year_span
from sim.precision import MOST
from sim.provenance import PROVENANCE, key_of
from sim.scenario import Scenario
from sim.store import RunFolder
from sim.units import FEN_PER_YUAN
from sim.waterfall import BORNE, RECOVERED_TO, WATERFALL, bearers

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

    def attribution(self) -> dict[str, Any]:
        """How much of the need each driver of default makes; see `attribution.attribution`."""
        d = self.data
        return attribution(RunFolder(self.folder), self.scenario, d["replications"], d["assurance"], d["seed"])

    def backwards(self, budget_yuan: float) -> dict[str, Any]:
        """What a budget buys; see `outlook.backwards`."""
        h = Sample.of(RunFolder(self.folder), "main", self.data["replications"])
        return backwards(h, self.scenario, budget_yuan, self.data["assurance"])

    def only_because_late(self) -> pd.DataFrame:
        """Loans that default only because the subsidy came late; see `drivers.only_because_late`."""
        return only_because_late(RunFolder(self.folder), self.scenario, self.data["replications"])


def answer(folder: RunFolder, scenario: Scenario, opening: OpeningState, n: int, assurance: float) -> Answer:
    """Every figure of the contract from stored histories."""
    identity = folder.manifest()["identity"]
    seed = int(identity["seed"])
    failures = tuple(f for arm in arms_of(scenario, seed) for f in folder.failures(arm.name, n))
    h = Sample.of(folder, "main", n)
    if len(h) == 0:
        first = failures[0]["error"] if failures else ""
        raise InputError(
            str(folder.path), "histories", 0, f"at least one history that did not fail; the first: {first}"
        )
    rules, accounts = scenario.law(), scenario.sub_accounts_yuan()
    fund_yuan, carried_yuan = sum(accounts.values()), fund.carried(h, "carried_over_fen", rules.fund.rolls_over)
    cutoff = clock.date_of(cutoff_maturity(rules, load_calendar(), year_span(scenario.sized_year)[1])).isoformat()
    head = headline(folder, n, assurance)
    if head.value == 0:
        nil = f"no claim falls due in the year in these histories; loans that mature after {cutoff} are paid from a later year's fund"
        head = replace(head, reason=nil)
    short = h["gap_fen"] > 0
    advice = fund.advice(h, head)
    advice["mean_gap_if_short_yuan"] = at_size(h, account_parts(scenario), advice["fund_yuan"])[
        "mean_gap_if_short_yuan"
    ]

    def need(column: str) -> dict[str, Any]:
        return h.quantile_yuan(column, assurance).as_dict()

    def needs(states: tuple[str, ...], prefix: str, own: str | None) -> dict[str, Any]:
        return _arm_needs(folder, scenario, n, states, prefix, own, assurance)

    data: dict[str, Any] = {
        "scenario": scenario.name,
        "year": scenario.sized_year,
        "information_on": scenario.information_on.isoformat(),
        "assurance": assurance,
        "replications": n,
        "replications_beside": folder.held("beside", n),
        "failed": len(failures),
        "seed": seed,
        "is_demonstration": scenario.is_demonstration,
        **as_if(scenario),
        **fund.no_cover(h, rules, assurance),
        "sampling": {"kind": "plain", **dict(zip(("kind", "allocation", "pool"), identity.get("sampling", ()), strict=False)), **h.describe()},
        "fund_yuan": fund_yuan,
        "carried_over_yuan": round(carried_yuan, 2),
        "cutoff_maturity_on": cutoff,
        "need_yuan": head.as_dict(),
        "need_tail_mean_yuan": h.tail_mean_yuan("need_fen", assurance).as_dict(),
        "need_yuan_free_split": need("need_free_split_fen"),
        "need_yuan_pooled": need("need_pooled_fen"),
        "ring_fencing_price_yuan": fund.ring_fencing_price(h, assurance, seed),
        "runoff_need_yuan": need("runoff_need_fen"),
        "need_yuan_lending_reacts": fund.lending_reacts(h, assurance, fund_yuan),
        "need_by_anchor": needs(ANCHORS, "anchor", scenario.defaults.anchor),
        "need_by_opening": needs(OPENINGS, "opening", scenario.opening.drought),
        "need_yuan_stationary_opening": _stationary(folder, scenario, n, assurance),
        "advice": advice,
        "top_up_yuan": fund.top_up(head, [carried_yuan], [1.0]),
        "top_up_by_account_yuan": fund.top_up(head, *fund.carried_by_account(h, scenario)),
        "shortfall_chance": h.chance(short).as_dict(),
        "mean_gap_if_short_yuan": fund.if_short(h, h["gap_fen"], short, _YUAN),
        "oldest_wait_days_if_short": fund.oldest_wait(h, short),
        "exhausting_share_of_maturities": fund.exhausting(h, fund_yuan, rules.loss.fund_share),
        "by_lender": fund.by_lender(h, accounts, rules.fund.ring_fenced, assurance),
        **_shares(h),
        "truth_and_report": truth_and_report(h),
        "lenders": lender_figures(folder, scenario, n),
        **social_figures(h),
        **insurance_figures(h),
        "waterfall": _means(h, ["claimable_fen", *(f"waterfall_{name}_fen" for name in WATERFALL)]),
        "recoveries": _means(h, [f"recovered{part}_fen" for part in ("", *(f"_to_{x}" for x in RECOVERED_TO))]),
        "bearers": _bearers(h, rules),
        "clerk_utilisation": _utilisation(h, scenario),
        **outlook(folder, scenario, n, advice["fund_yuan"]),
        "uncertainty": uncertainty(folder, scenario, n, assurance, seed),
        "drivers": driver_figures(folder, scenario, n, assurance, seed),
        "provenance": {**{k: identity[k] for k in PROVENANCE}, "result_number": f"RF-{scenario.sized_year}-{key_of(identity)[:6].upper()}"},
    }  # fmt: skip
    return Answer(data, scenario, folder.path, failures)


def as_if(scenario: Scenario) -> dict[str, Any]:
    """The mark of a result whose rule pack is outside its dates: which pack, and as of which day it was read."""
    if not scenario.is_outside_its_dates:
        return {}
    pack = scenario.pack()
    return {"as_if": {"on": scenario.rules_on().isoformat(), "pack": pack.id, "title": pack.title}}


def headline(folder: RunFolder, n: int, assurance: float) -> Estimate:
    """The need at an assurance, over next year's luck and over uncertain parameters [yuan].

    Raises
    ------
    TooFewHistories
    """
    h = Sample.of(folder, "main", n)
    return estimate.quantile(h["need_fen"], assurance, h.strata).scaled(_YUAN, 2)


def lasting_half_width(head: Estimate, folder: RunFolder, scenario: Scenario, n: int, assurance: float) -> float:
    """Half-width of the headline's interval that histories beyond the first n leave [yuan]; 0 while there are new points."""
    if parameters.n_points(scenario, MOST) > parameters.n_points(scenario, n):
        return 0.0
    h = Sample.of(folder, "main", n)
    return (estimate.half_width(head) or 0.0) * estimate.lasting_part(h["need_fen"], assurance, h.strata)


def _arm_needs(
    folder: RunFolder, scenario: Scenario, n: int, states: tuple[str, ...], prefix: str, own: str | None, assurance: float
) -> dict[str, Any]:  # fmt: skip
    if own is None or (prefix == "opening" and not scenario.opening_drought_matters):
        reason = (
            "default probabilities are given, no anchor is used"
            if prefix == "anchor"
            else "the scenario has no drought"
        )
        return {state: Estimate(None, reason=reason).as_dict() for state in states}
    apart = anchors_apart(scenario) if prefix == "anchor" else [state for state in states if state != own]
    out = {}
    for state in states:
        if state != own and state not in apart:
            out[state] = Estimate(None, reason="the scenario has no set of behaviour of this name").as_dict()
            continue
        arm = Sample.of(folder, f"{prefix}-{state}" if state in apart else "main", n)
        out[state] = arm.quantile_yuan("need_fen", assurance).as_dict()
    return out


def _stationary(folder: RunFolder, scenario: Scenario, n: int, assurance: float) -> dict[str, Any]:
    """Need when the opening state is drawn as well: it says how much the one warm-up matters."""
    if scenario.opening.kind != "warm-up":
        return Estimate(None, reason="the opening state comes from data").as_dict()
    arm = "main" if scenario.opening.state == "stationary" else "stationary"
    return Sample.of(folder, arm, n).quantile_yuan("need_fen", assurance).as_dict()


def _shares(h: Sample) -> dict[str, Any]:
    ratios = {
        "default_share": ("defaulted_fen", "due_fen"),
        "default_share_by_count": ("defaulted_count", "due_count"),
        "compensable_share": ("compensable_fen", "due_fen"),
        "overdue_share_reported": ("overdue_fen", "outstanding_fen"),
        "bad_loan_ratio_reported": ("bad_fen", "outstanding_fen"),
        "hidden_default_share": ("hidden_fen", "due_fen"),
        "subsidy_unpaid_share_90d": ("subsidy_unpaid_90d_fen", "subsidy_entitled_fen"),
        "subsidy_unpaid_share_90d_q4": ("subsidy_unpaid_90d_q4_fen", "subsidy_entitled_q4_fen"),
    }
    out = {name: h.ratio(top, bottom).as_dict() for name, (top, bottom) in ratios.items()}
    return out | {"fiscal_debt_yuan": h.mean_yuan("fiscal_debt_fen").as_dict()}


def _means(h: Sample, columns: list[str]) -> dict[str, Any]:
    """Means over histories of a table whose rows add up in every history [yuan]."""
    names = {c: c.removeprefix("waterfall_").removesuffix("_fen") for c in columns}
    return {f"{names[c]}_yuan": h.mean_yuan(c).as_dict() for c in columns}


def _bearers(h: Sample, rules: Rules) -> dict[str, Any]:
    """Who bears the year's approved losses: share, whether the fund pays its part, and three amounts [yuan]."""
    through = {bearer for bearer, _ in rules.loss.through}
    return {
        bearer: {
            "share": rules.loss.shares[bearer],
            "through_fund": bearer in through,
            **{f"{what}_yuan": h.mean_yuan(f"{what}_{bearer}_fen").as_dict() for what in BORNE},
        }
        for bearer in bearers(rules)
    }


def _utilisation(h: Sample, scenario: Scenario) -> dict[str, Any]:
    """Busy share of the clerks' minutes over the whole history."""
    calendar, o = load_calendar(), scenario.office
    first = clock.day_of(scenario.information_on)
    days = calendar.working_days_through(horizon(scenario)) - calendar.working_days_through(first - 1)
    minutes = days * o.clerks * o.share_of_working_days * o.minutes_per_day
    return h.mean(h["clerk_minutes"] / minutes).as_dict()
