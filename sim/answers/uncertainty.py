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
from sim.parameters import N_POINTS, drawn
from sim.scenario import Scenario
from sim.store import RunFolder
from sim.units import F64, FEN_PER_YUAN

_YUAN = 1 / FEN_PER_YUAN
_NEIGHBOURS = 5  # points of similar need that share a quantile: one point alone has too few histories


def uncertainty(folder: RunFolder, scenario: Scenario, n: int, assurance: float, seed: int) -> dict[str, Any]:
    """What the need's spread comes from, and the need at each of the parameters' points."""
    fields = [item.field for item in drawn(scenario)]
    return {
        "parameters": fields,
        "variance_shares": _variance_shares(folder, n, seed, are_drawn=bool(fields)),
        "need_over_parameters_yuan": _over_parameters(Sample.of(folder, "main", n), assurance, are_drawn=bool(fields)),
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
    return {name: _share(part / total).as_dict() for name, part in parts.items()}


def _share(x: F64) -> Estimate:
    return Estimate(float(x[0]), percentile_interval(x[1:]))


def _over_parameters(h: Sample, assurance: float, *, are_drawn: bool) -> dict[str, Any]:
    """Quantiles of the need's quantile over the points at which parameters stand."""
    if not are_drawn:
        return Estimate(None, reason="every parameter is taken as known").as_dict()
    if h.strata is not None:
        return Estimate(None, reason="histories chosen by strata: points have too unequal parts of them").as_dict()
    need, point = h["need_fen"], h["replication"] % N_POINTS
    needed = estimate.needed_histories(assurance)
    counts = np.bincount(point, minlength=N_POINTS)
    if counts.min() * _NEIGHBOURS < needed:
        least = -(-needed // _NEIGHBOURS) * N_POINTS
        return Estimate(None, reason=f"{least} or more histories are needed").as_dict()
    order = np.argsort(np.bincount(point, need, N_POINTS) / counts)
    by_rank = [np.flatnonzero(point == k) for k in order]
    values = []
    for rank in range(N_POINTS):
        low = min(max(rank - _NEIGHBOURS // 2, 0), N_POINTS - _NEIGHBOURS)
        near = np.concatenate(by_rank[low : low + _NEIGHBOURS])
        values.append(estimate.quantile(need[near], assurance).value or 0.0)
    ordered = np.sort(values) * _YUAN
    at = {
        f"p{round(100 * p):02d}": round(float(ordered[round(p * (N_POINTS - 1))]), 2)
        for p in (0.05, 0.25, 0.5, 0.75, 0.95)
    }
    return {**at, "points": N_POINTS, "histories_each": int(counts.min()) * _NEIGHBOURS}
