"""Sizing read backwards: a budget is given, and the question is what it can promise."""

from __future__ import annotations

from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from sim.answers.outlook import backwards, check_budget
from sim.answers.sample import Sample
from sim.estimate import check_assurance, quantile
from sim.experiment import Progress
from sim.scenario import Scenario
from sim.sizing import size
from sim.store import RunFolder
from sim.study import run
from sim.units import FEN_PER_YUAN

_STEPS = 5  # ceilings that are tried, up to the pack's own
COVER = "rules.claim.covered_principal_yuan"


def solve(
    scenario: Scenario, budget_yuan: float, *, assurance: float = 0.95, replications: int = 2000, seed: int = 2027,
    workers: int | None = None, runs: Path = Path("runs"), executor: Executor | None = None, progress: Progress | None = None,
) -> dict[str, Any]:  # fmt: skip
    """What a budget buys: its assurance, the largest multiple of it, and the highest ceiling of cover of one loan.

    Parameters
    ----------
    budget_yuan : float
        Money in the fund on 1 January of the sized year, split over the lenders as the fund is.
    assurance : float
        What the multiple and the ceiling are to keep.

    Raises
    ------
    InputError, TooFewHistories
    """
    check_assurance(assurance)
    check_budget(budget_yuan)
    running: dict[str, Any] = {"workers": workers, "executor": executor, "progress": progress}
    sized = size(scenario, assurance=assurance, replications=replications, seed=seed, runs=runs, **running)
    out = backwards(Sample.of(RunFolder(sized.folder), "main", replications), scenario, budget_yuan, assurance)
    return out | {"highest_ceiling": _ceiling(scenario, budget_yuan, assurance, replications, seed, runs, running)}


def _ceiling(
    scenario: Scenario, budget_yuan: float, assurance: float, n: int, seed: int, runs: Path, running: dict[str, Any]
) -> dict[str, Any]:  # fmt: skip
    """The highest ceiling of cover whose conservative need, on the same luck and the same book, the budget covers."""
    own = scenario.law().claim.covered_principal_yuan
    tried = [own * k // _STEPS for k in range(_STEPS, 0, -1)]
    arms = [scenario, *(scenario.with_changes({COVER: yuan}, f"{scenario.name}-cover-{yuan}") for yuan in tried[1:])]
    results = run(arms, n, seed=seed, runs=runs, **running)
    histories = [results.histories(name) for name in results.names]
    strata = [RunFolder(results.folder).strata(frame["replication"].to_numpy()) for frame in histories]
    needs = [
        quantile(frame["need_fen"].to_numpy(), assurance, alike).scaled(1 / FEN_PER_YUAN, 2)
        for frame, alike in zip(histories, strata, strict=True)
    ]

    def highest(bounds: list[float]) -> int | None:
        return next((yuan for yuan, need in zip(tried, bounds, strict=True) if need <= budget_yuan), None)

    ends = [need.ci95 or (0.0, float("inf")) for need in needs]
    best = highest([float("inf") if need.conservative is None else need.conservative for need in needs])
    out: dict[str, Any] = {
        "covered_principal_yuan": best,
        "tried": [
            {"covered_principal_yuan": yuan, "need_yuan": need.as_dict()}
            for yuan, need in zip(tried, needs, strict=True)
        ],
    }
    if best is None:
        return out | {"reason": f"even cover of {tried[-1]:,} yuan a loan needs more"}
    return out | {"ci95": [highest([high for _, high in ends]) or 0, highest([low for low, _ in ends])]}
