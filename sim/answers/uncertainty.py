"""Three uncertainties told apart: next year's luck, parameters that are not known, and the error of simulating.

The need is the quantile over the first two together. Its interval is the third and shrinks with more histories; the
others do not.

Source: Sobol, Mathematical Modelling and Computational Experiment 1 (1993) 407-414, and Saltelli et al., Computer
Physics Communications 181 (2010) 259-270 (covariances of runs that share some of their inputs).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim import estimate
from sim.answers.sample import Sample
from sim.arms import LUCK
from sim.estimate import Estimate, mass_of, masses, percentile_interval
from sim.parameters import drawn_fields, n_points, point_of
from sim.scenario import Scenario
from sim.store import RunFolder
from sim.units import F64, FEN_PER_YUAN, I64

_YUAN = 1 / FEN_PER_YUAN
_NEIGHBOURS = 5  # points of similar need that share a quantile, or more: one point alone has too few histories
_GROUPS = 12  # of them that do not overlap; with fewer there is no distribution to speak of
_TRUSTED = 0.5  # part of the spread over points that must be parameters: below, most of what is told would be luck
_OUTSIDE = (
    0.02  # by so much a part of the variance may lie outside 0 to 1 and is taken to the end: 0% is printed anyway
)
_TELLING = 0.1  # half-width of a part of the variance that is worth printing


def uncertainty(folder: RunFolder, scenario: Scenario, n: int, assurance: float, seed: int) -> dict[str, Any]:
    """What the need's spread comes from, and the need at each of the parameters' points."""
    fields = drawn_fields(scenario)
    return {
        "parameters": fields,
        "variance_shares": _variance_shares(folder, n, seed, are_drawn=bool(fields)),
        "need_over_parameters_yuan": _over_parameters(Sample.of(folder, "main", n), assurance, n_points(scenario, n)),
    }


def _variance_shares(folder: RunFolder, n: int, seed: int, *, are_drawn: bool) -> dict[str, Any]:
    """Parts of the need's variance over histories: common luck, households' own luck, parameters.

    Histories are run again with the households' luck drawn anew, and with all luck drawn anew. The covariance
    with the first run is the variance of what the two have in common.
    """
    arms = {arm: folder.read("histories", arm, n).set_index("replication") for arm in ("main", *LUCK.values())}
    common = arms["main"].index
    for frame in arms.values():
        common = common.intersection(frame.index)
    own, households_anew, all_anew = (frame.loc[common, "need_fen"].to_numpy(float) for frame in arms.values())
    strata = folder.strata(common.to_numpy())
    resampled = masses(estimate.resampling(seed, common.size), strata)
    weights = np.vstack([mass_of(own, strata), resampled]) / common.size

    def covariance(x: F64, y: F64) -> F64:
        return weights @ (x * y) - (weights @ x) * (weights @ y)

    total, of_common = covariance(own, own), covariance(own, households_anew)
    of_parameters = covariance(own, all_anew) if are_drawn else np.zeros(total.size)
    if not total[0] > 0:
        reason = "the need is the same in every history"
        return {key: Estimate(None, reason=reason).as_dict() for key in ("systemic", "household_luck", "parameters")}
    parts = {
        "systemic": of_common - of_parameters,
        "household_luck": total - of_common,
        "parameters": of_parameters,
    }
    return {name: part.as_dict() for name, part in _told_apart(parts, total, common.size).items()}


def _told_apart(parts: dict[str, F64], total: F64, n: int) -> dict[str, Estimate]:
    """Each part of the variance with its interval; none of them where one lies outside what a part can be.

    A part that comes out below nothing, or above all there is, makes the others wrong by as much: they add up to one.
    """
    found = {name: Estimate(float(x[0]), percentile_interval(x[1:])) for name, x in
             ((name, part / total) for name, part in parts.items())}  # fmt: skip
    if any(not -_OUTSIDE <= (e.value or 0.0) <= 1 + _OUTSIDE for e in found.values()):
        needed = max(estimate.histories_for(e, n, _TELLING) for e in found.values())
        reason = f"too few histories to tell the parts of the variance apart: about {max(needed, 2 * n)} are needed"
        return dict.fromkeys(found, Estimate(None, reason=reason))

    def within(x: float | None) -> float:
        return min(max(x or 0.0, 0.0), 1.0)

    return {name: Estimate(within(e.value), (within((e.ci95 or (0, 1))[0]), within((e.ci95 or (0, 1))[1])))
            for name, e in found.items()}  # fmt: skip


def _over_parameters(h: Sample, assurance: float, n_points: int) -> dict[str, Any]:
    """Quantiles, over the points at which parameters stand, of the need's quantile at a point.

    A point's mean need is drawn towards the mean of all by what its histories' luck adds to the spread of such means, so that
    the spread which is left is that of the parameters. What quantile goes with a mean is told by groups of neighbours in mean
    need, by a straight line: one point alone has too few histories.

    Source: Ghosh, JASA 87 (1992) 533-540 (estimates whose spread is that of what they estimate).
    """
    if n_points == 0:
        return Estimate(None, reason="every parameter is taken as known").as_dict()
    if h.strata is not None and h.strata.are_chosen:
        return Estimate(None, reason="histories chosen by strata: points have too unequal parts of them").as_dict()
    need, needed = h["need_fen"].astype(float), estimate.needed_histories(assurance)
    _, point = np.unique(point_of(h["replication"], n_points), return_inverse=True)
    counts = np.bincount(point)
    near = max(_NEIGHBOURS, -(-needed // int(counts.min())))
    least = max(_GROUPS * needed, 2 * n_points)
    if len(h) < least or near * _GROUPS > counts.size:
        least = max(least, (-(-needed // (n_points // _GROUPS)) + 1) * n_points)  # points have one more or less
        reason = f"{least} or more histories are needed for groups of them to have their quantiles"
        return Estimate(None, reason=reason).as_dict()
    means = np.bincount(point, need) / counts
    of_parameters = _of_parameters(need, point, counts, means)
    if of_parameters < _TRUSTED:
        more = len(h) * (1 - of_parameters) / max(of_parameters, 0.02)
        reason = f"parameters move the need too little to tell it from simulation error: {int(more)} or more histories are needed"
        return Estimate(None, reason=reason).as_dict()
    order = np.argsort(means)
    histories = [np.flatnonzero(point == k) for k in order]
    groups = [need[np.concatenate(histories[low : low + near])] for low in range(counts.size - near + 1)]
    slope, start = np.polyfit(
        [float(x.mean()) for x in groups], [float(estimate.quantile_value(x, assurance)) for x in groups], 1
    )
    told = need.mean() + np.sqrt(of_parameters) * (means - need.mean())
    ordered = np.sort(np.maximum(start + slope * told, 0.0)) * _YUAN
    at = {
        f"p{round(100 * p):02d}": round(float(ordered[round(p * (ordered.size - 1))]), 2)
        for p in (0.05, 0.25, 0.5, 0.75, 0.95)
    }
    return {**at, "points": counts.size, "histories_each": int(counts.min()) * near}


def _of_parameters(need: F64, point: I64, counts: I64, means: F64) -> float:
    """Part of the spread of the points' mean needs that is not the luck of their histories: analysis of variance."""
    within = float(((need - means[point]) ** 2).sum()) / (need.size - counts.size)
    between = float(counts @ (means - need.mean()) ** 2) / (counts.size - 1)
    return max(1 - within / between, 0.0) if between > 0 else 0.0
