"""What is told of the three uncertainties is not simulation error in disguise, or it is refused in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sim
from sim import parameters
from sim.answers import outlook, uncertainty
from sim.answers.sample import Sample
from sim.parameters import point_of
from sim.store import BATCH, RunFolder

A = 0.95


def histories(n: int, effect: float, n_points: int = 64, seed: int = 1) -> Sample:
    """Lognormal needs of 100 yuan in the middle year: ``effect`` is the standard deviation of what a point does to the log."""
    rng = np.random.default_rng(seed)
    at = effect * rng.standard_normal(n_points)[point_of(np.arange(n), n_points)]
    need = np.exp(at + 0.6 * rng.standard_normal(n)) * 10_000
    return Sample(pd.DataFrame({"replication": np.arange(n), "need_fen": need.astype(np.int64)}), None)


@pytest.mark.parametrize("seed", range(6))
def test_parameters_that_move_nothing_have_no_distribution(seed: int) -> None:
    """Planted bug: every point's histories taken at their word, which makes a spread of luck alone."""
    found = uncertainty._over_parameters(histories(2000, 0.0, 128, seed), A, 128)
    assert found["value"] is None
    assert found["reason"].startswith("parameters move the need too little to tell it from simulation error")


def test_the_spread_over_parameters_is_that_of_the_parameters() -> None:
    """Needs exp(0.25 t + 0.6 z): 5 and 95 per cent of the points lie a factor exp(0.82) apart, as a mean of many counties.

    Planted bug: no shrinkage; the spread is a fifth too wide."""
    wide = []
    for seed in range(20):
        found = uncertainty._over_parameters(histories(1000, 0.25, 64, seed), A, 64)
        wide.append(np.log(found["p95"] / found["p05"]) if "p95" in found else np.nan)
    assert np.isnan(wide).sum() < 3
    assert np.nanmean(wide) == pytest.approx(2 * 1.645 * 0.25, rel=0.08)


def test_points_of_two_hypercubes_are_not_taken_for_one() -> None:
    """Point 3 of the first thousand histories has other parameters than point 3 of the second.

    Planted bug: the remainder of the history's number by 64 as its point."""
    n, n_points = 2000, 128
    at = np.linspace(-1, 1, n_points)[point_of(np.arange(n), n_points)]
    at = np.where(np.arange(n) < 1000, at, -at[np.arange(n) % 1000])
    need = (np.exp(2 * at) * 1e6).astype(np.int64)
    found = uncertainty._over_parameters(
        Sample(pd.DataFrame({"replication": np.arange(n), "need_fen": need}), None), A, 128
    )
    assert found["points"] == 128
    assert found["p95"] > 2 * found["p05"]


@pytest.mark.parametrize(("n", "a", "n_points"), [(600, 0.95, 64), (2000, 0.99, 128), (60, 0.95, 64)])
def test_groups_of_points_need_histories(n: int, a: float, n_points: int) -> None:
    found = uncertainty._over_parameters(histories(n, 0.5, n_points), a, n_points)
    needed = int(found["reason"].split()[0])
    assert found["reason"].endswith("or more histories are needed for groups of them to have their quantiles")
    assert needed > n
    assert "p05" in uncertainty._over_parameters(histories(needed, 0.5, n_points), a, n_points)


class Folder:
    """Arms of given needs."""

    def __init__(self, **arms: Any) -> None:
        self.arms = arms

    def read(self, table: str, arm: str, n: int) -> pd.DataFrame:
        return pd.DataFrame({"replication": np.arange(n), "need_fen": self.arms[arm.replace("-", "_")]})

    def strata(self, replications: Any) -> None:
        return None


def test_a_part_of_the_variance_is_between_nothing_and_all() -> None:
    """All luck drawn anew agrees better than the households' alone: the county's part would be below nothing."""
    rng = np.random.default_rng(4)
    own, luck = (rng.standard_normal(100) for _ in range(2))
    arms = {"main": own, "luck_of_households": 0.5 * own + luck, "all_luck": own}
    found = uncertainty._variance_shares(Folder(**arms), 100, 1, are_drawn=True)  # type: ignore[arg-type]
    for part in found.values():
        assert part["value"] is None
        assert part["reason"].startswith("too few histories to tell the parts of the variance apart: about ")
    same = {"main": own, "luck_of_households": own, "all_luck": own}
    for part in uncertainty._variance_shares(Folder(**same), 100, 1, are_drawn=True).values():  # type: ignore[arg-type]
        assert 0 <= part["ci95"][0] <= part["value"] <= part["ci95"][1] <= 1


def test_two_bad_years_have_an_exact_interval_or_none() -> None:
    """20 bad years of 400, 5 of them before another: Clopper-Pearson; of 4 bad years none."""
    n = 400
    need = np.zeros((4, n), dtype=np.int64)
    need[0, :20] = 200_00
    need[1, :5] = 200_00
    columns = {f"{what}_y{k}_0_fen": need[k] for what in ("need", "net") for k in range(4)}
    h = Sample(pd.DataFrame({"replication": np.arange(n), "need_fen": need[0], **columns}), None)
    found = outlook.years(h, np.ones(1), 100.0, 2018)["bad_year_then_bad_year"]
    assert found["value"] == 0.25
    assert found["ci95"] == pytest.approx([0.08657, 0.49105], abs=1e-4)
    few = Sample(h.frame.iloc[np.r_[:4, 20:99]].reset_index(drop=True), None)
    told = outlook.years(few, np.ones(1), 100.0, 2018)["bad_year_then_bad_year"]
    assert told["reason"] == "fewer than 10 such histories: no interval"
    assert "ci95" not in told


def test_a_stored_run_knows_which_histories_share_parameters(tmp_path: Path) -> None:
    """Read from the folder alone: the need's interval is that of points, no longer that of as many counties.

    Planted bug: histories without a plan are taken for independent."""
    county, n = sim.scenario("x-county"), 1000
    identity = {"kind": "size", "seed": 5, "opening_sha256": "0", "scenario": county.model_dump(mode="json")}
    folder = RunFolder.open(tmp_path / "run", identity, resume=True)
    scores = parameters.positions(county, 5, n)
    luck = np.random.default_rng(1).standard_normal(n)
    need = (np.exp(0.35 * scores.sum(axis=1) + 0.3 * luck) * 1e8).astype(np.int64)
    frame = pd.DataFrame({"replication": np.arange(n), "need_fen": need})
    for batch in range(n // BATCH):
        folder.write_part("histories", "main", batch, frame[batch * BATCH : (batch + 1) * BATCH], [])
    h = Sample.of(folder, "main", n)
    assert h.is_plain
    assert h.describe() == {"kind": "plain", "effective_sample_size": n, "largest_weight_share": 1 / n}
    told, naive = h.quantile_yuan("need_fen", A), Sample(frame, None).quantile_yuan("need_fen", A)
    assert told.value == naive.value
    assert (told.conservative or 0) > (naive.conservative or 0)
    widths = [e.ci95[1] - e.ci95[0] for e in (told, naive) if e.ci95]
    assert widths[0] > 1.3 * widths[1]
    short = h["need_fen"] > 3e8
    assert h.upper_chance(short) > Sample(frame, None).upper_chance(short)
    assert len(h.mean_among(h["need_fen"], short).ci95 or ()) == 2
