"""Looks at the pool of a run that is sampled by strata, runs its pilots, and writes down which histories it has."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from sim import estimate, parameters, sampling
from sim.errors import InputError
from sim.experiment import Arm, Task, run_arms, setup_of, tasks_of
from sim.opening import OpeningState
from sim.outcomes import year_span
from sim.sampling import PILOT, SCORED, Plan, Sampling
from sim.store import RunFolder
from sim.systemic import Exposed, Systemic, chances_of_flags, exposed, systemic
from sim.units import F64, I64


def plan_run(
    folder: RunFolder, arm: Arm, how: Sampling, assurance: float, seed: int, openings: dict[str, OpeningState], **running: Any
) -> None:  # fmt: skip
    """Write the plan of a run into its folder, unless it is there.

    Parameters
    ----------
    arm : Arm
        The main arm: what makes its bad years decides for all.
    how : Sampling
    assurance : float
        Neyman allocation aims at the quantile of the need at this assurance.
    running
        ``workers``, ``executor`` and ``progress`` as in `experiment.run_arms`.
    """
    if how.kind == "plain" or _is_planned(folder):
        return
    pilot = replace(arm, last_day=year_span(arm.scenario.sized_year)[1], is_main=False, keeps_defaults=False)
    task = next(tasks_of([pilot], [()], folder, seed, openings))
    pool = look(task, how.pool)
    if how.kind == "score":
        learning = folder.inside("pilot-score")
        run_arms([pilot], SCORED, seed, learning, openings, **running)
        need = learning.read("histories", arm.name, SCORED).set_index("replication")["need_fen"]
        score = learn(pool, need, parameters.positions(arm.scenario, seed, how.pool)).after(SCORED)
        stratum = sampling.by_score(score.mean)
        quota = score.quotas(stratum, assurance) if how.allocation == "neyman" else None
        folder.write_plan(sampling.plan(stratum, quota, replications=np.arange(SCORED, how.pool)))
        return
    plan = _by_flags(task, pool) if how.kind == "flags" else sampling.plan(sampling.by_cells(pool))
    if how.allocation == "neyman":
        plan = _tried(folder, pilot, plan, assurance, seed, openings, **running)
    folder.write_plan(plan)


def _is_planned(folder: RunFolder) -> bool:
    """Is there a plan that can be read? A damaged one is made again, the same."""
    try:
        return folder.plan() is not None
    except InputError:
        return False


def _by_flags(task: Task, pool: pd.DataFrame) -> Plan:
    """Strata by dry and late year, with their exact shares where these are known."""
    cells, stratum = np.unique(sampling.flags(pool), return_inverse=True)
    starts = np.unique(parameters.point_of(np.arange(len(pool)), len(task.points)), return_index=True)[1]
    known = [c for r in starts if (c := chances_of_flags(setup_of(task, int(r)))) is not None]
    if len(known) < starts.size:
        return sampling.plan(stratum)
    share = np.mean(known, axis=0)[cells]
    return sampling.plan(stratum, share=share if abs(share.sum() - 1) < 1e-9 else None)


def _tried(
    folder: RunFolder, pilot: Arm, plan: Plan, assurance: float, seed: int, openings: dict[str, OpeningState], **running: Any
) -> Plan:  # fmt: skip
    """The plan by what each stratum's size and spread ask for, which a few histories of each have told."""
    tried = folder.inside("pilot-strata")
    tried.write_plan(plan)
    n = PILOT * plan.share.size
    run_arms([pilot], n, seed, tried, openings, **running)
    need = tried.read("histories", pilot.name, n).set_index("replication")["need_fen"]
    return aimed(plan, need, assurance)


def aimed(plan: Plan, need: pd.Series[Any], assurance: float) -> Plan:
    """A plan whose strata have the histories that their size and spread ask for.

    Parameters
    ----------
    need : Series
        By history: some of each stratum that were tried.
    """
    strata = plan.strata(need.index.to_numpy())
    bad = need.to_numpy() > float(estimate.quantile_value(need.to_numpy(float), assurance, strata.mass))
    # a half added on both sides: a stratum without a bad history in the pilot may have one
    p = (np.bincount(strata.of, bad, plan.share.size) + 0.5) / (strata.counts + 1)
    quota = np.asarray(plan.share * np.sqrt(p * (1 - p)))
    at = np.argsort(plan.replication)
    return sampling.plan(plan.stratum[at], quota, share=plan.share, pool=plan.pool)


def look(task: Task, pool: int) -> pd.DataFrame:
    """Common luck of the first histories, one row each, in order."""
    at: dict[int, Exposed] = {}
    rows: list[Systemic | None] = [None] * pool
    for replication in np.argsort(parameters.point_of(np.arange(pool), len(task.points)), kind="stable").tolist():
        setup = setup_of(task, replication)
        if id(setup) not in at:
            at = {id(setup): exposed(setup)}  # those of a point come one after another: a setup is made once
        rows[replication] = systemic(setup, at[id(setup)], replication)
    return pd.DataFrame(rows, columns=list(Systemic._fields))


@dataclass(frozen=True)
class Score:
    """What common luck says about the need of each history of the pool: log(1 + need / mean), normal around ``mean``.

    Attributes
    ----------
    mean : (pool,) float64
    sd : float
        What is left to the households' luck, and to what the score does not see.
    """

    mean: F64
    sd: float

    def after(self, n: int) -> Score:
        """That of the pool without its first n histories: they fitted it, so what it says of them is too good."""
        return Score(self.mean[n:], self.sd)

    def quotas(self, stratum: I64, assurance: float) -> F64:
        """What each stratum's size and spread ask for, aiming at the quantile at an assurance: (n_strata,)."""
        low, high = float(self.mean.min()) - 9 * self.sd, float(self.mean.max()) + 9 * self.sd
        for _ in range(60):  # where the chance of more is one less the assurance
            q = (low + high) / 2
            is_high = float(ndtr((self.mean - q) / self.sd).mean()) < 1 - assurance
            low, high = (low, q) if is_high else (q, high)
        sizes = np.bincount(stratum)
        p = np.bincount(stratum, ndtr((self.mean - q) / self.sd)) / sizes
        return np.asarray(sizes * np.sqrt(p * (1 - p)) + 1e-3 * sizes)  # none is left out: the model may be wrong


def learn(pool: pd.DataFrame, need: pd.Series[int], positions: F64) -> Score:
    """Need as a quadratic of common luck, fitted to the histories that were run.

    Parameters
    ----------
    pool : DataFrame
        Columns of `systemic.Systemic`, one row a history.
    need : Series [fen]
        By history.
    positions : (pool, n_parameters) float64
        Normal scores of each history's uncertain parameters.
    """
    luck = np.column_stack([pool[["severity", "lateness", "price", "past_price", "dear"]], np.log1p(pool["expected"])])
    luck = np.column_stack([luck, positions])
    spread = luck.std(axis=0)
    x = ((luck - luck.mean(axis=0)) / np.where(spread > 0, spread, 1.0))[:, spread > 0]
    terms = np.column_stack([np.ones(len(x)), x, x**2])
    run: I64 = need.index.to_numpy()
    found = np.log1p(need.to_numpy(float) / max(float(need.mean()), 1.0))
    weights, *_ = np.linalg.lstsq(terms[run], found, rcond=1e-6)
    left = found - terms[run] @ weights
    return Score(
        np.asarray(terms @ weights), max(float(np.sqrt(left @ left / max(run.size - terms.shape[1], 1))), 1e-9)
    )
