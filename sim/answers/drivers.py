"""What each driver does to the need and to defaults, and who defaults only because money came late."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sim import clock, estimate
from sim.drivers import ORDER, absent, arm_name, described, present, set_name, subsets
from sim.errors import InputError
from sim.estimate import Estimate, Strata, Weighted
from sim.households.reduced_form import CAUSES
from sim.scenario import Scenario
from sim.store import RunFolder
from sim.units import FEN_PER_YUAN, Array, Bool

ONLY_BECAUSE_LATE = "only-because-late.csv"
_YUAN = 1 / FEN_PER_YUAN
_LOAN, _HOUSEHOLD = ["replication", "loan"], ["replication", "household"]
_COLUMNS = [*_LOAN, "household", "lender", "township", "balance_fen", "missed", "cause", "in_opening"]

Contrast = dict[tuple[str, ...], int]  # sets of drivers that are on, with their weights in a sum


@dataclass(frozen=True)
class _Metric:
    """A figure of one arm, and of a weighted sum of arms, from one value a history."""

    values: dict[str, Array]  # by arm
    level: Callable[[Array], Estimate]
    combination: Callable[[Weighted], Estimate]


def driver_figures(folder: RunFolder, scenario: Scenario, n: int, assurance: float, seed: int) -> dict[str, Any]:
    """Need and defaults with each set of drivers on, the paired effects, and the interaction.

    Histories that failed in any of these arms are left out of all of them.
    """
    here, missing = present(scenario), absent(scenario)
    arm_of = {on: arm_name(scenario, on) for on in subsets(described(scenario))}
    frames = paired(folder, set(arm_of.values()), n)
    metrics = _metrics(frames, assurance, seed, folder.strata(frames["main"].index.to_numpy()))
    levels = {
        arm: {name: m.level(m.values[arm]).as_dict() for name, m in metrics.items()}
        for arm in dict.fromkeys(arm_of.values())
    }
    return {
        "present": list(here),
        "absent": missing,
        "arms": {set_name(on): levels[arm] for on, arm in arm_of.items()},
        "effects": {name: _effects(metric, arm_of, here, missing) for name, metric in metrics.items()},
        "only_because_late": late_summary(folder, scenario, n),
    }


def paired(folder: RunFolder, arms: set[str], n: int) -> dict[str, pd.DataFrame]:
    """Histories of each arm, the same ones in the same order."""
    frames = {arm: folder.read("histories", arm, n).set_index("replication") for arm in sorted(arms)}
    common = frames["main"].index
    for frame in frames.values():
        common = common.intersection(frame.index)
    if common.empty:
        raise InputError(str(folder.path), "histories", 0, "at least one history that failed in no arm")
    return {arm: frame.loc[common] for arm, frame in frames.items()}


def _metrics(frames: dict[str, pd.DataFrame], assurance: float, seed: int, strata: Strata | None) -> dict[str, _Metric]:
    u = estimate.resampling(seed, len(frames["main"]))

    def quantile(x: Array) -> Estimate:
        return estimate.quantile_or_reason(x, assurance, strata).scaled(_YUAN, 2)

    def of_quantiles(arms: Weighted) -> Estimate:
        return estimate.paired_quantile_combination(arms, assurance, u, strata).scaled(_YUAN, 2)

    def mean_yuan(x: Array) -> Estimate:
        return estimate.mean(x, strata).scaled(_YUAN, 2)

    def of_means_yuan(arms: Weighted) -> Estimate:
        return estimate.paired_mean_combination(arms, strata).scaled(_YUAN, 2)

    def mean(x: Array) -> Estimate:
        return estimate.mean(x, strata)

    def of_means(arms: Weighted) -> Estimate:
        return estimate.paired_mean_combination(arms, strata)

    need = _columns(frames, "need_fen")
    households = _columns(frames, "defaulted_households")
    shares, known = default_shares(frames)

    def share(x: Array) -> Estimate:
        return _share(x, known, strata)

    def of_shares(arms: Weighted) -> Estimate:
        x = np.asarray(sum(weight * x for weight, x in arms))
        return estimate.mean_among(x, known, strata) if known.any() else share(x)

    return {
        "need_yuan": _Metric(need, quantile, of_quantiles),
        "need_mean_yuan": _Metric(need, mean_yuan, of_means_yuan),
        "default_share": _Metric(shares, share, of_shares),
        "defaulted_households": _Metric(households, mean, of_means),
    }


def _columns(frames: dict[str, pd.DataFrame], column: str) -> dict[str, Array]:
    return {arm: frame[column].to_numpy() for arm, frame in frames.items()}


def default_shares(frames: dict[str, pd.DataFrame]) -> tuple[dict[str, Array], Bool]:
    """Default share by history, and in which histories something falls due in every arm."""
    due, bad = _columns(frames, "due_fen"), _columns(frames, "defaulted_fen")
    known: Bool = np.all([x > 0 for x in due.values()], axis=0)
    return {arm: bad[arm] / np.maximum(due[arm], 1) for arm in frames}, known


def _share(x: Array, known: Bool, strata: Strata | None) -> Estimate:
    if not known.any():
        return Estimate(None, reason="nothing to divide by in the sized year")
    return estimate.mean_share(x, known, strata)


# --- effects -----------------------------------------------------------------------------------------


def contrasts(here: tuple[str, ...]) -> dict[str, dict[str, Contrast]]:
    """The effects as weighted sums of arms: of each driver (``off``, ``alone``) and of all together."""
    out: dict[str, dict[str, Contrast]] = {
        d: {"off": {here: 1, tuple(x for x in here if x != d): -1}, "alone": {(d,): 1, (): -1}} for d in here
    }
    if here:
        out["together"] = {"all": {here: 1, (): -1}}
    if len(here) > 1:
        # all - none - sum over d of (d alone - none); none last, so that equal floats cancel to the bit
        out["together"]["interaction"] = {here: 1, **{(d,): -1 for d in here}, (): len(here) - 1}
    return out


def _effects(
    metric: _Metric, arm_of: dict[tuple[str, ...], str], here: tuple[str, ...], missing: dict[str, str]
) -> dict[str, Any]:
    """Each effect with its interval, or the reason why there is none."""
    found = {
        name: {
            kind: metric.combination([(float(w), metric.values[arm_of[on]]) for on, w in sums.items()]).as_dict()
            for kind, sums in kinds.items()
        }
        for name, kinds in contrasts(here).items()
    }
    none = Estimate(None, reason="no driver of default is switched on").as_dict()
    few = Estimate(None, reason="fewer than two drivers: nothing to interact with").as_dict()
    lacking = {d: Estimate(None, reason=why).as_dict() for d, why in missing.items()}
    out = {
        d: found[d] if d in here else {"off": lacking[d], "alone": lacking[d]}
        for d in ORDER
        if d in here or d in missing
    }
    return out | {"all": none, "interaction": few} | found.get("together", {})


# --- who defaults only because money came late -------------------------------------------------------


def only_because_late(folder: RunFolder, scenario: Scenario, n: int) -> pd.DataFrame:
    """Loans that default in the sized year, but not in the same history with the late subsidy switched off.

    Returns
    -------
    DataFrame
        ``replication``, ``loan``, ``household`` (ids), ``lender``, ``township`` (keys), ``balance_yuan``,
        ``missed_on`` (date), ``cause``; ``in_opening``: lent before the information date, so that the loan is
        there in both arms (a later one may not have been granted in the other);
        ``household_defaults_anyway``: another loan of the household defaults even when money is in time.

    Raises
    ------
    InputError
        The scenario has no late subsidy that is switched on.
    """
    reason = absent(scenario).get("late_subsidy")
    if reason is not None:
        raise InputError(scenario.name, "late_subsidy", None, f"a late subsidy that is switched on ({reason})")
    late, in_time, _ = _defaults(folder, scenario, n)
    found = late[~_also_in(late, in_time, _LOAN)]
    lenders = np.array([lender.key for lender in scenario.lenders], dtype=object)
    townships = np.array([township.key for township in scenario.townships], dtype=object)
    return pd.DataFrame({
        **{name: found[name].to_numpy(np.int64) for name in (*_LOAN, "household")},
        "lender": lenders[found["lender"].to_numpy(np.int64)],
        "township": townships[found["township"].to_numpy(np.int64)],
        "balance_yuan": found["balance_fen"].to_numpy(np.int64) / FEN_PER_YUAN,
        "missed_on": [clock.date_of(int(day)) for day in found["missed"]],
        "cause": [CAUSES[int(c)] for c in found["cause"]],
        "in_opening": found["in_opening"].to_numpy(np.bool_),
        "household_defaults_anyway": _also_in(found, in_time, _HOUSEHOLD),
    })  # fmt: skip


def late_summary(folder: RunFolder, scenario: Scenario, n: int) -> dict[str, Any]:
    """Counts over all histories and means a history; the reverse stands beside them as a check."""
    reason = absent(scenario).get("late_subsidy")
    if reason is not None:
        return Estimate(None, reason=reason).as_dict()
    late, in_time, replications = _defaults(folder, scenario, n)
    strata = folder.strata(replications)
    loans = ~_also_in(late, in_time, _LOAN)
    households = late[~_also_in(late, in_time, _HOUSEHOLD)].drop_duplicates(_HOUSEHOLD)
    every, only = _by_history(late, replications), _by_history(late[loans], replications)
    reverse = in_time[~_also_in(in_time, late, _LOAN)]
    return {
        "loans": int(loans.sum()),
        "households": len(households),
        "loans_per_history": estimate.mean(only, strata).as_dict(),
        "households_per_history": estimate.mean(_by_history(households, replications), strata).as_dict(),
        "share_of_defaults": _share(only / np.maximum(every, 1), every > 0, strata).as_dict(),
        "only_in_time": {
            "loans": len(reverse),
            "loans_per_history": estimate.mean(_by_history(reverse, replications), strata).as_dict(),
        },
    }


def _defaults(folder: RunFolder, scenario: Scenario, n: int) -> tuple[pd.DataFrame, pd.DataFrame, Array]:
    """Defaulted loans of the main arm and of the one in which money is in time, and the histories that both have."""
    arms = ("main", arm_name(scenario, [d for d in described(scenario) if d != "late_subsidy"]))
    both = np.intersect1d(*(folder.read("histories", arm, n)["replication"].to_numpy() for arm in arms))
    tables = (folder.read("defaults", arm, n).reindex(columns=_COLUMNS) for arm in arms)
    late, in_time = (table[table["replication"].isin(both)] for table in tables)
    return late, in_time, both


def _also_in(left: pd.DataFrame, right: pd.DataFrame, key: list[str]) -> Bool:
    """Which rows of one table have their key in the other."""
    found: Bool = pd.MultiIndex.from_frame(left[key]).isin(pd.MultiIndex.from_frame(right[key]))
    return found


def _by_history(rows: pd.DataFrame, replications: Array) -> Array:
    """Number of rows in each history."""
    return rows.groupby("replication").size().reindex(replications, fill_value=0).to_numpy()
