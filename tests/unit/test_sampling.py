"""Histories chosen by strata: the order in which they come, their weights, and the runs that are made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sim
from sim import planning, sampling
from sim.arms import four_months_past, horizon
from sim.outcomes import summary
from sim.replication import prepare, simulate
from sim.sampling import Plan
from sim.store import RunFolder
from sim.systemic import chances_of_flags, exposed, systemic
from sim.warmup import opening_state

STRATUM = np.array([0, 0, 1, 0, 0, 2, 0, 1, 0, 2, 0, 0])


def test_strata_take_turns_until_they_are_empty() -> None:
    plan = sampling.plan(STRATUM)
    assert plan.replication.tolist() == [0, 2, 5, 1, 7, 9, 3, 4, 6, 8, 10, 11]
    assert plan.stratum[:6].tolist() == [0, 1, 2, 0, 1, 2]
    assert plan.share == pytest.approx([8 / 12, 2 / 12, 2 / 12])
    assert plan.pool == 12


def test_quotas_decide_who_comes_more_often() -> None:
    stratum = np.repeat([0, 1], 50)
    plan = sampling.plan(stratum, np.array([3.0, 1.0]))
    assert np.bincount(plan.stratum[:4]).tolist() == [2, 2]  # two of each before quotas count
    assert np.bincount(plan.stratum[:40]).tolist() == [30, 10]
    assert sorted(plan.replication.tolist()) == list(range(100))


def test_weights_undo_the_choice() -> None:
    plan = sampling.plan(STRATUM)
    strata = plan.strata(plan.replication[:6])
    assert strata.mass @ np.ones(6) == pytest.approx(6)
    assert strata.mass[strata.of == 0].sum() / 6 == pytest.approx(8 / 12)


def test_a_plan_survives_its_file(tmp_path: Any) -> None:
    plan = sampling.plan(STRATUM, np.array([1.0, 2.0, 3.0]))
    plan.frame().to_parquet(tmp_path / "plan.parquet")
    again = Plan.from_frame(pd.read_parquet(tmp_path / "plan.parquet"))
    assert again.replication.tolist() == plan.replication.tolist()
    assert again.share.tolist() == plan.share.tolist()


def test_more_strata_than_histories_are_refused(refuses: Callable[..., Any]) -> None:
    refuses(lambda: sampling.plan(STRATUM).check(5), "replications", "6 or more: two for each of the 3 strata")
    refuses(lambda: sampling.plan(STRATUM).check(13), "replications", "at most 12")
    refuses(lambda: sampling.plan(np.array([0, 0, 0, 0, 1])).check(5), "pool", "fewer than two histories left")
    refuses(lambda: sim.Sampling("cells", "equal", 500).check(501), "replications", "at most 500 with sampling cells")
    refuses(lambda: sim.Sampling("score", "equal", 500).check(101), "replications", "at most 100 with sampling score")
    assert sim.Sampling().check(10**6) is None


def test_scores_are_cut_into_ever_rarer_slices() -> None:
    stratum = sampling.by_score(np.arange(10_000.0))
    sizes = np.bincount(stratum)
    assert sizes.sum() == 10_000
    assert sizes[0] == 5_000
    assert sizes[-1] == 50
    assert (np.diff(stratum) >= 0).all()


def test_cells_are_severity_by_lateness_and_flags_are_four() -> None:
    u = np.linspace(0, 1, 1000, endpoint=False)
    pool = pd.DataFrame({
        "is_dry": (u > 0.8).astype(float), "is_late": (np.arange(1000) % 4 == 0).astype(float),
        "severity": np.maximum(u - 0.8, 0), "lateness": np.arange(1000) % 4 * 1.0,
    })  # fmt: skip
    assert np.bincount(sampling.flags(pool)).tolist() == [600, 201, 150, 49]
    v = np.linspace(0, 1, 10_000, endpoint=False)
    late = np.arange(10_000) % 5 * 1.0
    cells = sampling.by_cells(pd.DataFrame({"severity": np.maximum(v - 0.8, 0), "lateness": late}))
    assert cells.max() + 1 >= 8
    assert np.bincount(cells).min() >= sampling.FEWEST


def test_what_was_learnt_orders_histories_as_their_need() -> None:
    rng = np.arange(2000)
    luck = np.sin(rng * 0.7), np.cos(rng * 1.3)
    pool = pd.DataFrame({
        "severity": luck[0], "lateness": 0.0, "price": luck[1], "past_price": 0.0, "dear": 1.0, "expected": 0.0,
    })  # fmt: skip
    truth = np.exp(0.5 * luck[0] - luck[1] ** 2)
    need = pd.Series(np.round(1e8 * truth[:300]).astype(np.int64), index=rng[:300])
    score = planning.learn(pool, need, np.zeros((2000, 0)))
    assert np.corrcoef(np.argsort(np.argsort(score.mean)), np.argsort(np.argsort(truth)))[0, 1] > 0.99
    quotas = score.quotas(sampling.by_score(score.mean), 0.99)
    share = np.bincount(sampling.by_score(score.mean)) / 2000
    assert (quotas / share)[-1] > 3 * (quotas / share)[0]  # bad years are run more often than others


@pytest.fixture(scope="module")
def plain(small: Any, tmp_path_factory: pytest.TempPathFactory) -> sim.Answer:
    """400 plain histories of the small county."""
    return sim.size(small, replications=400, seed=3, workers=1, out=tmp_path_factory.mktemp("plain") / "run")


@pytest.mark.parametrize(("kind", "allocation"), [("flags", "equal"), ("cells", "neyman"), ("score", "neyman")])
def test_a_run_by_strata_is_the_plain_one_on_other_histories(
    plain: sim.Answer, small: Any, tmp_path: Any, kind: Any, allocation: Any
) -> None:
    """Each history is bit for bit the one that a plain run has at its number; need and mean agree within their errors."""
    how = sim.Sampling(kind, allocation, 1500)
    chosen = sim.size(small, replications=120, seed=3, workers=1, out=tmp_path / "chosen", sampling=how)
    a, b = plain.histories().set_index("replication"), chosen.histories().set_index("replication")
    both = a.index.intersection(b.index)
    assert (len(both) > 20) == (kind != "score")  # the first 400 fit the score and are not among its histories
    assert a.loc[both].equals(b.loc[both])
    setup, r = prepare(small, 3, opening_state(small), horizon(small)), int(b.index[-1])
    assert summary(setup, simulate(setup, r))["need_fen"] == b.loc[r, "need_fen"]
    said = chosen.data["sampling"]
    assert said["kind"] == kind
    assert said["strata"] >= 2
    assert 0 < said["effective_sample_size"] <= 120
    assert 1 / 120 <= said["largest_weight_share"] < 1
    assert plain.data["sampling"] == {"kind": "plain", "effective_sample_size": 400, "largest_weight_share": 1 / 400}
    for figure in ("compensable_share", "default_share"):
        x, y = plain.data[figure], chosen.data[figure]
        error = np.hypot(*((z["ci95"][1] - z["ci95"][0]) / 3.92 for z in (x, y)))
        assert abs(x["value"] - y["value"]) < 4.9 * error
    again = sim.read_answer(chosen.folder)
    assert again.data == chosen.data


def test_pairs_stay_pairs(small: Any, tmp_path: Any) -> None:
    """A policy that changes nothing differs by exactly zero on chosen histories as well."""
    results = sim.run([small, small.with_changes({}, "same")], n=120, seed=3, workers=1, out=tmp_path / "run",
                      sampling=sim.Sampling("flags", "equal", 400))  # fmt: skip
    assert [row["difference"].value for row in results.compare()] == [0.0] * len(results.compare())


def test_what_fitted_the_score_is_not_run_again(small: Any, tmp_path: Any) -> None:
    """The histories from which the score was learnt look better by it than they are: neither sample nor shares have them."""
    how = sim.Sampling("score", "neyman", 1500)
    results = sim.run(small, n=60, seed=3, workers=1, out=tmp_path / "run", sampling=how)
    plan = RunFolder(results.folder).plan()
    assert plan is not None
    assert results.histories()["replication"].min() >= sampling.SCORED
    assert sorted(plan.replication.tolist()) == list(range(sampling.SCORED, 1500))
    assert plan.pool == 1500 - sampling.SCORED
    assert plan.share.sum() == pytest.approx(1)


def test_the_shares_of_flags_are_exact_where_chances_are_known(small: Any, tmp_path: Any) -> None:
    """The chain of dry years from its long-run share: what 20,000 histories count lies around it."""
    small = small.with_changes({"opening.drought": "long_run"})
    setup = prepare(small, 3, opening_state(small), four_months_past(small))
    at = exposed(setup)
    pool = pd.DataFrame([systemic(setup, at, r) for r in range(4000)])
    counted = np.bincount(sampling.flags(pool), minlength=4) / 4000
    exact = chances_of_flags(setup)
    assert exact is not None
    assert exact.sum() == pytest.approx(1)
    assert np.abs(counted - exact).max() < 4.9 * np.sqrt(exact.max() * (1 - exact.max()) / 4000)
    results = sim.run(
        small, n=60, seed=3, workers=1, out=tmp_path / "run", sampling=sim.Sampling("flags", "equal", 500)
    )
    plan = RunFolder(results.folder).plan()
    assert plan is not None
    assert plan.pool is None
    assert plan.share == pytest.approx(exact[exact > 0])


def test_no_stratum_is_too_small_for_two_histories() -> None:
    """One very late history in the worst class of severity: a stratum of its own would refuse every run.

    Planted bug: cells as they fall."""
    severity = np.r_[np.zeros(900), np.linspace(0.1, 1.0, 100)]
    lateness = np.zeros(1000)
    lateness[[0, 1, 2, 3, 4, 5, 999]] = 1.0
    stratum = sampling.by_cells(pd.DataFrame({"severity": severity, "lateness": lateness}))
    assert np.bincount(stratum).min() >= sampling.FEWEST
    assert stratum[999] != stratum[0]  # still the worst class
    assert len(set(stratum[900:])) >= 5
