"""The policy lab: how late the subsidy is against how hard the drought, every cell on the same random numbers."""

from __future__ import annotations

from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim import estimate
from sim.answers.sample import Sample
from sim.arms import four_months_past, known
from sim.errors import InputError
from sim.experiment import Arm, Progress, check_amounts, run_arms
from sim.households.reduced_form import base_probability
from sim.provenance import key_of, provenance
from sim.scenario import Scenario
from sim.sizing import refuse_early
from sim.store import BATCH, RunFolder
from sim.units import FEN_PER_YUAN
from sim.warmup import opening_state

LATENESS = tuple(range(7))  # months by which every release of cash for the subsidy comes later
DROUGHTS = {"none": None, "light": 0.5, "medium": 1.0, "heavy": 1.5}  # times the scenario's own dry year
METRICS = ("need_yuan", "default_share", "payout_yuan", "shortfall_chance", "subsidy_unpaid_share_90d")


def run_grid(
    scenario: Scenario, n: int = 500, *, seed: int = 2027, workers: int | None = None, out: Path | None = None,
    runs: Path = Path("runs"), resume: bool = True, executor: Executor | None = None, progress: Progress | None = None,
) -> Path:  # fmt: skip
    """Run the 28 cells into a folder that resumes; cells that are finished can be read before all are.

    From the information date on the year is dry, with half, once or one and a half times the strength that the scenario gives
    a dry year, or there is no drought; releases of cash come 0 to 6 months later than the scenario says. All cells
    start from the scenario's own opening, and parameters are taken as known.

    Raises
    ------
    InputError
        A scenario whose drought is replayed or not described.
    """
    check_amounts(n, workers)
    base = known(scenario)
    cells = {name_of(late, drought): _cell(base, late, drought) for drought in DROUGHTS for late in LATENESS}
    opening = opening_state(base)
    refuse_early(base, opening)
    identity = {**provenance(base, opening.sha256, seed), "kind": "grid", "batch": BATCH,
                "scenario": base.model_dump(mode="json")}  # fmt: skip
    folder = RunFolder.open(out or runs / f"grid-{base.name}-{key_of(identity)}", identity, resume=resume)
    last = four_months_past(base)
    arms = [Arm(name, cell, ("base",), last, False) for name, cell in cells.items()]
    run_arms(arms, n, seed, folder, {"base": opening}, workers=workers, executor=executor, progress=progress)
    folder.complete(n)
    return folder.path


def read_grid(path: Path, n: int | None = None, assurance: float = 0.95) -> pd.DataFrame:
    """The cells of a grid folder, those that are not finished without a value.

    Parameters
    ----------
    n : int, optional
        Histories of each cell; by default those of the finished grid, else the whole batches that every begun cell has.

    Returns
    -------
    DataFrame
        ``lateness_months``, ``drought``, ``metric``, ``value``, ``low``, ``high`` (95 per cent, simulation error),
        ``difference``, ``difference_low``, ``difference_high`` to the cell without delay and drought on the same
        histories, ``histories``, ``is_done``.

    Raises
    ------
    InputError
        Not a grid.
    """
    folder = RunFolder(path)
    manifest = folder.manifest()
    if manifest["identity"].get("kind") != "grid":
        kind = manifest["identity"].get("kind")
        raise InputError(str(path), "kind", kind, "a folder made by `riskfund grid`")
    done = {name: _finished(folder, name) for late in LATENESS for name in (name_of(late, d) for d in DROUGHTS)}
    wanted = n or manifest["complete_to"] or min((k for k in done.values() if k), default=0)
    base = name_of(0, "none")
    have = {name for name, k in done.items() if wanted and k >= wanted}
    needed = estimate.needed_histories(assurance)
    seed = int(manifest["identity"]["seed"])
    samples = {name: Sample.of(folder, name, wanted) for name in have}
    rows = []
    for drought in DROUGHTS:
        for late in LATENESS:
            name = name_of(late, drought)
            for metric in METRICS:
                at: dict[str, Any] = {"lateness_months": late, "drought": drought, "metric": metric,
                                      "histories": wanted, "is_done": name in have}  # fmt: skip
                is_thin = metric == "need_yuan" and wanted < needed
                if name in have and not is_thin:
                    against = samples.get(base)
                    at |= _figures(samples[name], against, metric, assurance, seed)
                rows.append(at)
    columns = ["value", "low", "high", "difference", "difference_low", "difference_high"]
    return pd.DataFrame(rows).reindex(
        columns=["lateness_months", "drought", "metric", *columns, "histories", "is_done"]
    )


def name_of(late: int, drought: str) -> str:
    """Name of a cell's arm."""
    return f"late-{late}-drought-{drought}"


def _finished(folder: RunFolder, name: str) -> int:
    """Histories of a cell in whole batches from the first on."""
    batch = 0
    while folder.has_batch(name, batch, ("histories", "townships")):
        batch += 1
    return batch * BATCH


def _figures(cell: Sample, base: Sample | None, metric: str, assurance: float, seed: int) -> dict[str, Any]:
    x = _values(cell, metric)
    is_chance = metric == "shortfall_chance"
    level = (estimate.quantile(x, assurance) if metric == "need_yuan"
             else estimate.weighted_share(x > 0) if is_chance else estimate.mean(x))  # fmt: skip
    low, high = level.ci95 or (None, None)
    out = {"value": level.value, "low": low, "high": high}
    if base is None:
        return out
    both = np.intersect1d(cell["replication"], base["replication"])
    a, b = (_values(s, metric)[np.isin(s["replication"], both)] for s in (base, cell))
    if metric == "need_yuan":
        found = estimate.paired_quantile_difference(a, b, assurance, estimate.resampling(seed, both.size))
    elif is_chance and cell is not base:
        found = estimate.paired_chance_difference(a > 0, b > 0)
    else:
        found = estimate.paired_mean_difference(a, b)
    low, high = found.ci95 or (None, None)
    return out | {"difference": found.value, "difference_low": low, "difference_high": high}


def _values(s: Sample, metric: str) -> Any:
    if metric == "shortfall_chance":
        return (s["gap_fen"] > 0).astype(float)
    if metric in ("need_yuan", "payout_yuan"):
        return s[metric.replace("_yuan", "_fen")] / FEN_PER_YUAN
    top, bottom = {
        "default_share": ("defaulted_fen", "due_fen"),
        "subsidy_unpaid_share_90d": ("subsidy_unpaid_90d_fen", "subsidy_entitled_fen"),
    }[metric]
    return s[top] / np.maximum(s[bottom], 1)


def _cell(base: Scenario, late: int, drought: str) -> Scenario:
    changes: dict[str, Any] = {"fiscal.delay_months": base.fiscal.delay_months + late}
    strength = DROUGHTS[drought]
    if base.livelihoods is not None:
        weather = base.livelihoods.weather
        if weather.replay is not None:
            raise InputError(
                base.name, "livelihoods.weather.replay", weather.replay, "a scenario whose drought is drawn"
            )
        changes |= {"livelihoods.weather.on": strength is not None}
        if strength is not None:
            changes |= {"livelihoods.weather.dry_shift": weather.dry_shift * strength}
    else:
        effect = base.defaults.drought.effect if base.defaults.drought is not None else None
        if effect is None:
            raise InputError(base.name, "defaults.drought", None, "a scenario that describes a drought")
        changes |= {"defaults.drought.on": strength is not None}
        if strength is not None and effect.kind == "multiplier":
            changes |= {"defaults.drought.effect.value": effect.value**strength}
        elif strength is not None and effect.kind == "probit_shift":
            changes |= {"defaults.drought.effect.value": effect.value * strength}
        elif strength not in (None, 1.0):
            raise InputError(base.name, "defaults.drought.effect.kind", effect.kind, "multiplier or probit_shift")
        # the strength of a dry year must not move the normal one: the base probability stays that of the scenario
        changes |= _same_probability(base)
    if strength is not None:
        changes["opening.drought"] = "dry"
    return base.with_changes(changes, name_of(late, drought))


def _same_probability(base: Scenario) -> dict[str, Any]:
    if base.defaults.anchor is None:
        return {}
    return {"defaults.anchor": None, "defaults.p_default": base_probability(base.defaults)}
