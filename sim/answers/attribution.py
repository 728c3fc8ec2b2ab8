"""How much of the need each driver of default makes: Shapley shares of all sets of drivers on the same luck."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from sim import estimate, shapley
from sim.answers.drivers import default_shares, late_summary, paired
from sim.drivers import ORDER, absent, arm_name, present, subsets
from sim.estimate import Estimate
from sim.scenario import Scenario
from sim.shapley import Attribution
from sim.store import RunFolder
from sim.units import FEN_PER_YUAN, Array

_YUAN = 1 / FEN_PER_YUAN


def attribution(folder: RunFolder, scenario: Scenario, n: int, assurance: float, seed: int) -> dict[str, Any]:
    """Shares of the mean, the quantile and the tail mean of the need, of its bad years, and of defaults.

    Histories that failed in any of the arms are left out of all of them.
    """
    here, missing = present(scenario), absent(scenario)
    if not here:
        reason = "no driver of default is switched on: " + "; ".join(f"{d}: {why}" for d, why in missing.items())
        return {"drivers": [], "absent": missing, "reason": reason}
    arm_of = {on: arm_name(scenario, on) for on in subsets(here)}
    frames = paired(folder, set(arm_of.values()), n)
    strata = folder.strata(frames["main"].index.to_numpy())
    u = estimate.resampling(seed, len(frames["main"]))
    need: dict[Collection[str], Array] = {
        on: frames[arm]["need_fen"].to_numpy(float) * _YUAN for on, arm in arm_of.items()
    }
    shares, known = default_shares(frames)
    defaults: dict[Collection[str], Array] = {on: np.where(known, shares[arm], 0.0) for on, arm in arm_of.items()}
    return {
        "drivers": list(here),
        "absent": missing,
        "assurance": assurance,
        "need_mean_yuan": _as_dict(shapley.of_means(need, strata), 2),
        "need_yuan": _as_dict(shapley.of_quantiles(need, assurance, u, strata), 2),
        "need_tail_mean_yuan": _as_dict(shapley.of_tail_means(need, assurance, u, strata), 2),
        "bad_years_yuan": _as_dict(shapley.of_bad_years(need, assurance, u, strata), 2),
        "default_share": _as_dict(shapley.of_means(defaults, strata)),
        "default_share_quantile": _as_dict(shapley.of_quantiles(defaults, assurance, u, strata)),
        "levels_yuan": {"+".join(on) or "none": _level(x, assurance, strata) for on, x in need.items()},
        "only_because_late": late_summary(folder, scenario, n),
    }


def _level(x: Array, assurance: float, strata: Any) -> dict[str, Any]:
    return {
        "mean": estimate.mean(x, strata).scaled(1, 2).as_dict(),
        "need": estimate.quantile_or_reason(x, assurance, strata).scaled(1, 2).as_dict(),
        "tail_mean": estimate.tail_mean(x, assurance, strata).scaled(1, 2).as_dict(),
    }


def _as_dict(found: Attribution, digits: int | None = None) -> dict[str, Any]:
    def figure(x: Estimate) -> dict[str, Any]:
        return x.scaled(1, digits).as_dict() if digits is not None else x.as_dict()

    return {
        "total": figure(found.total),
        "shares": {d: figure(found.shares[d]) for d in ORDER if d in found.shares},
        "interaction": figure(found.interaction),
    }
