"""The answer: what next year's fund must hold, how sure that is, and what stands behind it."""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim import clock, estimate
from sim.errors import InputError
from sim.estimate import Estimate
from sim.experiment import Arm, Progress, check_amounts, run_arms
from sim.fund.claims import cutoff_maturity
from sim.law.pack import load_calendar
from sim.opening import OpeningState
from sim.outcomes import WATERFALL, year_span
from sim.provenance import key_of, provenance
from sim.reacting import N_GRID
from sim.scenario import Scenario
from sim.store import BATCH, RunFolder
from sim.units import FEN_PER_YUAN, PPM
from sim.warmup import N_STATES, opening_state, opening_states

ANCHORS = ("low", "central", "high")
OPENINGS = ("dry", "normal", "long_run")
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


def size(
    scenario: Scenario, *, year: int | None = None, assurance: float = 0.95, replications: int = 2000,
    seed: int = 2027, workers: int | None = None, out: Path | None = None, runs: Path = Path("runs"),
    resume: bool = True, executor: Executor | None = None, progress: Progress | None = None,
) -> Answer:  # fmt: skip
    """Size the fund of a year.

    Parameters
    ----------
    scenario : Scenario
    year : int, optional
        Year to size; the scenario's by default. The information date moves with it.
    assurance : float
        Share of equally likely years in which the fund is to be enough.
    replications, seed, workers
        Histories per arm, seed, local processes.
    out : Path, optional
        Run folder. By default a folder in ``runs`` named by content, where an interrupted run resumes.
    resume : bool
        False refuses a folder that holds this run already.
    executor : concurrent.futures.Executor, optional
    progress : callable (done, total), optional

    Returns
    -------
    Answer

    Raises
    ------
    InputError, TooFewHistories, IncompatibleRun
    """
    estimate.check_assurance(assurance)
    check_amounts(replications, workers)
    needed = estimate.needed_histories(assurance)
    if replications < needed:
        estimate.quantile(np.zeros(replications), assurance)  # says how many it takes
    scenario = for_year(scenario, year)
    openings = openings_of(scenario)
    opening = openings["base"]
    refuse_empty(scenario, opening)
    identity = {**provenance(scenario, opening.sha256, seed), "kind": "size", "batch": BATCH,
                "scenario": scenario.model_dump(mode="json")}  # fmt: skip
    path = out or runs / f"{scenario.name}-{scenario.sized_year}-{key_of(identity)}"
    folder = RunFolder.open(path, identity, resume=resume)
    run_arms(
        arms_of(scenario),
        replications,
        seed,
        folder,
        openings,
        workers=workers,
        executor=executor,
        progress=progress,
    )
    manifest = folder.manifest()
    folder.write_manifest({**manifest, "complete_to": max(manifest["complete_to"], replications)})
    return answer(folder, scenario, opening, replications, seed, assurance)


def read_answer(path: Path, assurance: float = 0.95, replications: int | None = None) -> Answer:
    """The answer of a stored run, at any assurance, without simulating.

    Raises
    ------
    InputError
        Not a run folder, a run of another kind, or one that is not complete.
    """
    folder = RunFolder(path)
    manifest = folder.manifest()
    identity = manifest["identity"]
    if identity.get("kind") != "size":
        raise InputError(str(path), "kind", identity.get("kind"), "a run made by `riskfund size`")
    n = replications or manifest["complete_to"]
    if manifest["complete_to"] < max(n, 1):
        raise InputError(
            str(path),
            "complete_to",
            manifest["complete_to"],
            f"a run with {max(n, 1)} finished histories; resume it with `riskfund size`",
        )
    estimate.check_assurance(assurance)
    scenario = Scenario.from_dict(identity["scenario"], str(path))
    opening = OpeningState.load(path / "opening-base.parquet")
    return answer(folder, scenario, opening, n, int(identity["seed"]), assurance)


def for_year(scenario: Scenario, year: int | None) -> Scenario:
    """The scenario sized for another year; a loan table fixes its own date and cannot move."""
    if year is None or year == scenario.sized_year:
        return scenario
    if scenario.opening.kind in ("table", "townships", "portfolio"):
        raise InputError(
            "command",
            "year",
            year,
            f"{scenario.sized_year}: the loan book of {scenario.name} is of {scenario.information_on}",
        )
    moved = scenario.information_on.replace(year=scenario.information_on.year + year - scenario.sized_year)
    return scenario.with_changes({"sized_year": year, "information_on": moved})


def refuse_empty(scenario: Scenario, opening: OpeningState) -> None:
    """An empty book needs nothing next year; say why instead of printing a zero."""
    if scenario.opening.kind == "portfolio" or len(opening.loans) > 0:
        return
    shortest = min(scenario.lending.term_months)
    raise InputError(
        scenario.name, "opening", scenario.opening.kind,
        f"a book with loans: with nothing lent on {scenario.information_on} the need of {scenario.sized_year} is nil, because "
        f"the shortest loan runs {shortest} months and the fund pays about half a year after maturity",
    )  # fmt: skip


def horizon(scenario: Scenario) -> int:
    """End of the sized year plus the longest term plus 12 months [day].

    Source: by then the fund has paid on nearly all loans of the sized year.
    """
    terms = list(scenario.lending.term_months) + [g.term_months for g in scenario.opening.portfolio]
    last = year_span(scenario.sized_year)[1]
    return int(clock.last_day_of_month(clock.month_of(np.array([last])) + max(terms) + 12)[0])


def openings_of(scenario: Scenario) -> dict[str, OpeningState]:
    """Opening states by name: the scenario's own and, where it is synthesised by a warm-up, the others.

    A known book is the same whatever is assumed about defaults. A warm-up is not: its claims in the
    pipeline are made by the same assumption, so each anchor has its own (ADR 0013).
    """
    openings = {"base": opening_state(scenario)}
    if scenario.opening.kind == "warm-up":
        openings |= {f"anchor-{a}": opening_state(_anchored(scenario, a)) for a in _other_anchors(scenario)}
        openings |= opening_states(scenario)
    return openings


def arms_of(scenario: Scenario) -> list[Arm]:
    """The main arm to the full horizon; anchors, openings and other states to the end of the sized year."""
    end = year_span(scenario.sized_year)[1]
    is_warm_up = scenario.opening.kind == "warm-up"
    states = tuple(f"state-{k:02d}" for k in range(1, N_STATES + 1))
    own = states if is_warm_up and scenario.opening.state == "stationary" else ("base",)
    arms = [Arm("main", scenario, own, horizon(scenario), True)]
    for anchor in _other_anchors(scenario):
        name = f"anchor-{anchor}"
        arms.append(Arm(name, _anchored(scenario, anchor), (name,) if is_warm_up else own, end, False))
    if scenario.defaults.drought is not None:
        for state in OPENINGS:
            if state != scenario.opening.drought:
                arms.append(Arm(f"opening-{state}", scenario.with_changes({"opening.drought": state}), own, end, False))
    if is_warm_up and scenario.opening.state == "known":
        arms.append(Arm("stationary", scenario, states, end, False))
    return arms


def _other_anchors(scenario: Scenario) -> list[str]:
    own = scenario.defaults.anchor
    return [] if own is None else [a for a in ANCHORS if a != own]


def _anchored(scenario: Scenario, anchor: str) -> Scenario:
    return scenario.with_changes({"defaults.anchor": anchor})


# --- reading histories -------------------------------------------------------------------------------


def answer(folder: RunFolder, scenario: Scenario, opening: OpeningState, n: int, seed: int, assurance: float) -> Answer:
    """Every figure of the contract from stored histories."""
    arms = arms_of(scenario)
    failures = tuple(f for arm in arms for f in folder.failures(arm.name, n))
    h = folder.read("histories", "main", n)
    if h.empty:
        raise InputError(str(folder.path), "histories", 0, "at least one history that did not fail; see manifest")

    def need(column: str, frame: pd.DataFrame = h) -> Estimate:
        return estimate.quantile(frame[column].to_numpy(), assurance).scaled(_YUAN, 2)

    rules = scenario.law()
    accounts = scenario.sub_accounts_yuan()
    fund_yuan = sum(accounts.values())
    carried = sum(opening.fund_fen) * _YUAN if rules.fund.rolls_over else 0.0
    head = need("need_fen")
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
        "carried_over_yuan": round(carried, 2),
        "cutoff_maturity_on": clock.date_of(cutoff_maturity(rules, load_calendar(), year_span(scenario.sized_year)[1])).isoformat(),
        "need_yuan": head.as_dict(),
        "need_yuan_free_split": need("need_free_split_fen").as_dict(),
        "need_yuan_pooled": need("need_pooled_fen").as_dict(),
        "ring_fencing_price_yuan": _price(h, assurance, seed),
        "runoff_need_yuan": need("runoff_need_fen").as_dict(),
        "need_yuan_lending_reacts": lending_reacts(h, assurance, fund_yuan),
        "need_by_anchor": _arm_needs(folder, scenario, n, ANCHORS, "anchor", scenario.defaults.anchor, need),
        "need_by_opening": _arm_needs(folder, scenario, n, OPENINGS, "opening", scenario.opening.drought, need),
        "need_yuan_stationary_opening": _stationary(folder, scenario, n, need),
        "top_up_yuan": _top_up(head, carried),
        "shortfall_chance": estimate.proportion(int(short.sum()), len(h)).as_dict(),
        "mean_gap_if_short_yuan": _if_short(gap, short, _YUAN),
        "oldest_wait_days_if_short": _oldest_wait(h, short),
        "exhausting_share_of_maturities": estimate.mean(
            fund_yuan * FEN_PER_YUAN / (rules.fund.share * np.maximum(h["due_fen"].to_numpy(), 1))
        ).as_dict(),
        "by_lender": _by_lender(h, accounts, rules.fund.ring_fenced, need, assurance),
        **_shares(h),
        "waterfall": _means(h, ["claimable_fen", *(f"waterfall_{name}_fen" for name in WATERFALL)]),
        "recoveries": _means(h, [f"recovered{part}_fen" for part in ("", "_to_fund", "_to_bank", "_to_insurer")]),
        "clerk_utilisation": _utilisation(h, scenario),
        "drivers": {"value": None, "reason": "the causes are switched one by one once households are simulated"},
        "provenance": {**provenance(scenario, opening.sha256, seed), "result_number": f"RF-{scenario.sized_year}-{key_of(folder.manifest()['identity'])[:6].upper()}"},
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
    if own is None or (prefix == "opening" and scenario.defaults.drought is None):
        reason = (
            "default probabilities are given, no anchor is used"
            if prefix == "anchor"
            else "the scenario has no drought"
        )
        return {state: Estimate(None, reason=reason).as_dict() for state in states}
    out = {}
    for state in states:
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


def _top_up(need: Estimate, carried_yuan: float) -> dict[str, Any]:
    """Need less the balance carried over, not below zero; recoveries are inside the need already."""

    def less(x: float | None) -> float:
        return round(max((x or 0.0) - carried_yuan, 0.0), 2)

    ci = need.ci95 or (0.0, 0.0)
    return Estimate(less(need.value), (less(ci[0]), less(ci[1])), less(need.conservative)).as_dict()


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
    out: dict[str, Any] = {"value": value, "highest_reachable_assurance": 1 - min(hits) / n}
    if value is None:
        out["reason"] = "no size on the grid from zero to twice the fund is enough, it and all larger ones"
    else:
        k = sizes.index(value)
        out["ci95"] = [low if low is not None else value, high if high is not None else sizes[-1]]
        out["credit_granted_yuan"] = round(credit[k], 2)
        out["short_share"] = hits[k] / n
    out["grid"] = [
        {"fund_yuan": s, "short_share": x / n, "credit_granted_yuan": round(c, 2)}
        for s, x, c in zip(sizes, hits, credit, strict=True)
    ]
    return out
