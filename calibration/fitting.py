"""From a table of simulated counties to a fit: posterior, checks, the targets beside the model, and the file of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from calibration.fit_checks import INTERVAL, LeftOut, Recovery, leave_one_out, loans_of, recover_in_folds
from calibration.fit_problem import CHUNK, Problem
from calibration.identification import Identification
from calibration.posterior import Posterior, posterior, predicted, scores_of, simulated, weighted_quantile
from calibration.reference_table import simulate_rows
from calibration.target_list import Target
from sim.units import F64

DRAWS = 512  # kept of the posterior: as many as a run can use
_INDEPENDENT = 10 * CHUNK  # of the band without correlation
COUNTY_TOTAL, WORST, OTHERS = "luoping.overdue_share", "luoping.worst_township", "luoping.other_townships"


@dataclass(frozen=True)
class Row:
    """A target beside the model: middle and interval of nine tenths of what the fitted model would print, its error in."""

    target: Target
    model: float
    low: float
    high: float
    prior_low: float
    prior_high: float

    @property
    def deviation(self) -> float:
        """Of the model's middle from the target, relative."""
        return self.model / self.target.value - 1 if self.target.value else float("nan")

    @property
    def is_within(self) -> bool:
        """Does the target lie in the interval?"""
        return self.low <= self.target.value <= self.high

    @property
    def is_within_prior(self) -> bool:
        """Did it lie in the interval before the fit?"""
        return self.prior_low <= self.target.value <= self.prior_high


@dataclass(frozen=True)
class Band:
    """A share of Luoping given its county's total alone: interval of nine tenths with shared luck, and without.

    ``of``: "worst", the worst of 13 townships; "two_largest", the two largest together.
    """

    of: str
    observed: float
    low: float
    high: float
    independent_low: float
    independent_high: float


@dataclass(frozen=True)
class Fit:
    """All that a fit says."""

    problem: Problem
    rows: list[Row]
    posterior: Posterior
    identification: Identification
    recovery: Recovery
    left_out: list[LeftOut]
    bands: list[Band]

    def draws(self) -> pd.DataFrame:
        """Joint draws of the parameters that any county may take over."""
        values = self.problem.values(self.posterior.resampled(DRAWS, self.problem.settings.seed))
        return values[[p.field for p in self.problem.parameters if p.carries]]

    def parameters(self) -> list[dict[str, Any]]:
        """Each parameter: interval before and after, how much of the spread is left, and whether the targets tell it."""
        after = self.problem.values(self.posterior.quantile((*INTERVAL[:1], 0.5, *INTERVAL[1:])))
        before = self.problem.values(
            np.tile(np.array([[-1.6448536], [0.0], [1.6448536]]), len(self.problem.parameters))
        )
        w, z = self.posterior.weight, self.posterior.scores
        keeps = np.sqrt(w @ (z - w @ z) ** 2)
        p_rank, p_halved = (self.recovery.p_values(r) for r in (self.recovery.ranks, self.recovery.halved_ranks))
        return [
            {
                "field": p.field, "prior": _digits(before[p.field]), "posterior": _digits(after[p.field]),
                "keeps": round(float(keeps[j]), 3), "expected_to_keep": round(float(self.identification.keeps[j]), 3),
                "is_identified": self.identification.identified[j], "covered": round(float(self.recovery.covered[j]), 4),
                "p_ranks": _short(p_rank[j]), "p_ranks_halved": _short(p_halved[j]), "carries": p.carries, "note": p.note,
            }
            for j, p in enumerate(self.problem.parameters)
        ]  # fmt: skip


def fit(problem: Problem, table: pd.DataFrame, told: Identification) -> Fit:
    """Fit a problem's targets from its table.

    Parameters
    ----------
    told : Identification
        What the targets can tell, worked out before.
    """
    scores, figures = scores_of(problem, table), simulated(problem, table, problem.targets)
    recovery = recover_in_folds(scores, figures, problem.settings.held_out, problem.settings.folds)
    values, _ = problem.scaled_targets()
    found = posterior(scores, figures, values)
    rows = predictive(problem, found, figures)
    left_out = leave_one_out(problem, scores, figures, loans_of(problem, table))
    keys = [t.key for t in problem.targets]
    has_bands = problem.settings.mechanism == "reduced-form" and {COUNTY_TOTAL, WORST, OTHERS} <= set(keys)
    townships = bands(problem, table, scores) if has_bands else []
    return Fit(problem, rows, found, told, recovery, left_out, townships)


def predictive(problem: Problem, found: Posterior, prior_figures: F64) -> list[Row]:
    """Each target beside fresh counties at draws of the posterior; those farthest off first."""
    draws = found.resampled(problem.settings.predictive, problem.settings.seed)
    frames = [
        simulate_rows(problem, draws[k : k + CHUNK], np.arange(k, k + CHUNK), "predictive")
        for k in range(0, len(draws), CHUNK)
    ]
    figures = simulated(problem, pd.concat(frames, ignore_index=True), problem.targets, "predictive")
    out = []
    for j, target in enumerate(problem.targets):
        low, middle, high = np.quantile(figures[:, j], [INTERVAL[0], 0.5, INTERVAL[1]])
        before = np.quantile(prior_figures[:, j], INTERVAL)
        out.append(Row(target, *(unscaled(target, x) for x in (middle, low, high, *before))))
    errors = dict(zip([t.key for t in problem.targets], figures.std(axis=0), strict=True))
    return sorted(
        out,
        key=lambda r: -abs(float(r.target.scaled(r.model) - r.target.scaled(r.target.value))) / errors[r.target.key],
    )


def bands(problem: Problem, table: pd.DataFrame, scores: F64) -> list[Band]:
    """Luoping's townships given the county's total alone; with the model's shared luck, and where loans share none.

    The worst of 13 is mostly one of the smallest, with 17 loans: its share is wide by the luck of single loans. The two
    largest together have 394.
    """
    of = {t.key: t for t in problem.targets}
    total, worst, others = (of[key] for key in (COUNTY_TOTAL, WORST, OTHERS))
    at = np.array([float(total.scaled(total.value))])
    balance = pd.read_csv(str(problem.places["luoping"].opening.file), comment="#")["balance_10k_yuan"].to_numpy(float)
    whole, rest = balance.sum(), balance[2:].sum()

    def two_largest(county: Any, outside: Any) -> Any:
        return (county * whole - outside * rest) / (whole - rest)

    def found(rows: pd.DataFrame, z: F64) -> list[F64]:
        figures = simulated(problem, rows, [total])
        out = []
        for share in (rows[WORST], two_largest(rows[COUNTY_TOTAL], rows[OTHERS])):
            draws, weight = predicted(z, figures, worst.scaled(share.to_numpy()), at)
            out.append(np.array([unscaled(worst, x) for x in weighted_quantile(draws, weight, INTERVAL)]))
        return out

    own = {
        "defaults.factor.county_variance": 0.0,
        "defaults.factor.township_variance": 0.0,
        "defaults.drought.on": False,
    }
    apart = replace(
        problem,
        settings=problem.settings.model_copy(update={"parameter": problem.parameters[:1]}),
        places={"luoping": problem.places["luoping"].with_changes(own)},
    )
    rows = np.arange(_INDEPENDENT)
    z = apart.prior_scores(rows)
    frames = [
        simulate_rows(apart, z[k : k + CHUNK], rows[k : k + CHUNK], "independent", ("luoping",))
        for k in range(0, len(rows), CHUNK)
    ]
    shared, alone = found(table, scores), found(pd.concat(frames, ignore_index=True), z)
    observed = (worst.value, float(two_largest(total.value, others.value)))
    names = ("worst", "two_largest")
    return [
        Band(n, o, *map(float, s), *map(float, a)) for n, o, s, a in zip(names, observed, shared, alone, strict=True)
    ]


def unscaled(target: Target, x: float) -> float:
    """A value back from the scale of the fit."""
    return float(np.sin(np.clip(x, 0, np.pi / 2)) ** 2) if target.unit == "share" else float(np.exp(x))


def _digits(x: Any) -> list[float]:
    return [float(f"{v:.4g}") for v in x]


def _short(p: float) -> float:
    return float(f"{p:.3g}")
