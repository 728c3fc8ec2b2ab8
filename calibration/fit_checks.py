"""Can the fit be believed: known parameters found again, ranks, and targets left out one at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy
from scipy.special import ndtri

from calibration.fit_problem import Problem
from calibration.moments import loans_column
from calibration.posterior import ACCEPTED, Posterior, Summary, posterior, predicted, weighted_quantile
from calibration.target_list import Target
from sim.streams import entity_id, stream_key, uniforms
from sim.units import F64

BINS = 10  # of ranks
INTERVAL = (0.05, 0.95)
_BENCHMARK = 4000  # histories of the constant-rate model
DEFAULT_MEASURES = ("default_share", "reported_share", "overdue_share", "worst_township", "other_townships")


@dataclass(frozen=True)
class Recovery:
    """Rows with known parameters, each fitted as if it had been observed.

    Attributes
    ----------
    covered : (n_parameters,) float64
        Share of truths inside the interval of nine tenths.
    ranks : (n, n_parameters) float64
        Weight of the draws below the truth.
    halved_ranks : (n, n_parameters) float64
        The same with every posterior pressed together to half its width: a fault that the check must see.
    keeps : (n_parameters,) float64
        Mean spread of the posterior, in prior standard deviations.
    """

    n: int
    covered: F64
    ranks: F64
    halved_ranks: F64
    keeps: F64

    def p_values(self, ranks: F64) -> F64:
        """Chi-square test of even ranks, by parameter."""
        counts = np.array([np.histogram(r, bins=BINS, range=(0, 1))[0] for r in ranks.T])
        expected = len(ranks) / BINS
        return np.asarray(scipy.stats.chi2.sf(((counts - expected) ** 2 / expected).sum(axis=1), BINS - 1))


def recover_in_folds(scores: F64, figures: F64, held_out: int, folds: int) -> Recovery:
    """Fit each of the last rows from all rows but those of its own fold; one fold leaves out all of them together.

    Parameters
    ----------
    scores : (n_rows, n_parameters) float64
    figures : (n_rows, n_targets) float64
    held_out : int
        Rows that are fitted, the last ones.
    folds : int
        Parts of equal size into which they fall, in order.
    """
    rows = np.arange(len(scores))
    found = []
    for fold in np.split(rows[-held_out:], folds):
        rest = np.setdiff1d(rows, fold)
        found.append(recover(scores[rest], figures[rest], scores[fold], figures[fold]))
    covered, keeps = (np.mean([getattr(r, name) for r in found], axis=0) for name in ("covered", "keeps"))
    ranks, halved = (np.concatenate([getattr(r, name) for r in found]) for name in ("ranks", "halved_ranks"))
    return Recovery(held_out, covered, ranks, halved, keeps)


def recover(train_scores: F64, train: F64, test_scores: F64, test: F64, share: float = ACCEPTED) -> Recovery:
    """Fit every held-out row from the rows that are kept."""
    learnt = Summary.learn(train_scores, train)
    inside, ranks, halved, spreads = [], [], [], []
    for truth, figures in zip(test_scores, test, strict=True):
        found = posterior(train_scores, train, figures, learnt, share)
        low, high = found.quantile(INTERVAL)
        inside.append((low <= truth) & (truth <= high))
        middle = found.weight @ found.scores
        ranks.append(_rank(found.scores, found, truth))
        halved.append(_rank(middle + (found.scores - middle) / 2, found, truth))
        spreads.append(np.sqrt(found.weight @ (found.scores - middle) ** 2))
    return Recovery(len(test), np.mean(inside, axis=0), np.array(ranks), np.array(halved), np.mean(spreads, axis=0))


def _rank(draws: F64, found: Posterior, truth: F64) -> F64:
    return np.asarray(found.weight @ (draws < truth))


def inside_by_luck(n: int, share: float = 0.9) -> tuple[float, float]:
    """Where the covered share of n truths lies in 999 of 1,000 cases, if the intervals are right."""
    low, high = scipy.stats.binom.ppf([0.0005, 0.9995], n, share) / n
    return float(low), float(high)


@dataclass(frozen=True)
class LeftOut:
    """A target predicted from the others."""

    key: str
    low: float
    middle: float
    high: float
    log_score: float
    benchmark: float | None  # log score of the constant-rate model; none where it says nothing


def leave_one_out(problem: Problem, scores: F64, figures: F64, loans: dict[str, F64]) -> list[LeftOut]:
    """Each target predicted from a fit to the others, beside one rate of default for every place.

    Parameters
    ----------
    loans : dict of target's key -> (n_townships,) float64
        As `loans_of`.
    """
    values, errors = problem.scaled_targets()
    out = []
    for j, target in enumerate(problem.targets):
        others = np.arange(len(problem.targets)) != j
        draws, weight = predicted(scores, figures[:, others], figures[:, j], values[others])
        low, middle, high = weighted_quantile(draws, weight, (*INTERVAL[:1], 0.5, *INTERVAL[1:]))
        model = log_density(draws, weight, values[j], errors[j])
        rate = pooled_rate(problem, target, loans)
        bench = None
        if rate is not None:
            bench = log_density(
                _binomial(problem, target, loans[target.key], rate, errors[j]), None, values[j], errors[j]
            )
        ends = (_back(target, x) for x in (low, middle, high))
        out.append(LeftOut(target.key, next(ends), next(ends), next(ends), model, bench))
    return out


def log_density(draws: F64, weight: F64 | None, at: float, error: float) -> float:
    """Log of the density of the draws at a value, on the scale of the fit; smoothed by no less than a third of the error."""
    w = np.full(len(draws), 1 / len(draws)) if weight is None else weight
    rule = scipy.stats.gaussian_kde(draws, weights=w).covariance[0, 0] ** 0.5 if np.ptp(draws) > 0 else 0.0
    width = max(rule, error / 3)
    z = (at - draws) / width
    return float(np.log(max(float(w @ np.exp(-z * z / 2)) / (width * np.sqrt(2 * np.pi)), 1e-300)))


def _back(target: Target, x: float) -> float:
    return float(np.sin(np.clip(x, 0, np.pi / 2)) ** 2) if target.unit == "share" else float(np.exp(x))


def pooled_rate(problem: Problem, target: Target, loans: dict[str, F64]) -> float | None:
    """One rate of default from all other targets that are shares of default, weighted by loans."""
    if target.measure not in DEFAULT_MEASURES or is_paid_by_others(problem, target):
        return None
    found = [
        ((1 - t.value if t.measure == "reported_share" else t.value), loans[t.key].sum())
        for t in problem.targets
        if t.measure in DEFAULT_MEASURES and t.measure != "worst_township" and t.key != target.key
        and not is_paid_by_others(problem, t)
    ]  # fmt: skip
    rates, number = np.array(found).T
    return float(rates @ number / number.sum())


def is_paid_by_others(problem: Problem, target: Target) -> bool:
    """Is the figure full by the rules, whatever households do?"""
    place = problem.place_of(target)
    return (
        target.measure == "reported_share"
        and place is not None
        and problem.places[place].law().loan.borrower_of_record == "township"
    )


def loans_of(problem: Problem, table: pd.DataFrame) -> dict[str, F64]:
    """Number of loans by township behind each target that is a share of default: of the place's file, else as simulated."""
    out = {}
    for target in problem.targets:
        place = problem.place_of(target)
        if target.measure not in DEFAULT_MEASURES or place is None:
            continue
        scenario = problem.places[place]
        if scenario.opening.file is not None:
            loans = pd.read_csv(scenario.opening.file, comment="#")["loans"].to_numpy(float)
        else:
            loans = np.maximum(np.round(table[loans_column(place)].mean() * np.array(scenario.township_shares())), 1.0)
        out[target.key] = loans[2:] if target.measure == "other_townships" else loans
    return out


def _binomial(problem: Problem, target: Target, loans: F64, rate: float, error: float) -> F64:
    """The measure where every loan of every place fails by itself at one rate, with the target's error."""
    key = stream_key(problem.settings.seed, "calibration.benchmark")
    ids = np.arange(loans.size) + (entity_id("target", target.key) >> 8)
    u = np.array([uniforms(key, r, 0, ids)[0] for r in range(_BENCHMARK)])
    noise = uniforms(key, 0, 1, np.arange(_BENCHMARK))[0]
    counts = scipy.stats.binom.ppf(u, loans.astype(int), rate)
    if target.measure == "worst_township":
        share = (counts / loans).max(axis=1)
    elif is_paid_by_others(problem, target):
        share = np.ones(_BENCHMARK)
    else:
        share = counts.sum(axis=1) / loans.sum()
        share = 1 - share if target.measure == "reported_share" else share
    return np.asarray(target.scaled(share) + error * ndtri(noise))


def too_many_outside(n_outside: int, n: int) -> float:
    """Chance of so many targets outside an interval of nine tenths, if the model is right and targets are apart."""
    return float(scipy.stats.binomtest(n_outside, n, 0.1, alternative="greater").pvalue)
