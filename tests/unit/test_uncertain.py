"""Parameters that are not known: their distributions, their points, and what a history is given of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import sim
from sim import clock, parameters
from sim.arms import anchors_apart, arms_of, known, main_opening, openings_of, openings_of_main
from sim.experiment import Arm, run_arms, setup_of, tasks_of
from sim.outcomes import summary, year_span
from sim.provenance import tables_sha256
from sim.replication import prepare, simulate
from sim.sampling import Plan
from sim.store import RunFolder
from sim.uncertain import Uncertain
from sim.warmup import opening_state

RECOVERY = {"field": "defaults.recovery.first_year", "distribution": "uniform", "p05": 0.1, "p95": 0.5}
ANCHOR = {"field": "defaults.anchors.central", "distribution": "lognormal", "p05": 0.009, "p95": 0.07}


@pytest.mark.parametrize(
    ("distribution", "low", "middle", "high"),
    [("lognormal", 0.01, 0.02, 0.04), ("normal", 1.0, 2.0, 3.0), ("logit_normal", 0.2, 0.5, 0.8)],
)
def test_quantiles_stand_where_they_are_named(distribution: Any, low: float, middle: float, high: float) -> None:
    item = Uncertain(field="defaults.negligence", distribution=distribution, p05=low, p95=high)
    assert [item.value(u) for u in (0.05, 0.5, 0.95)] == pytest.approx([low, middle, high], rel=1e-9)


def test_a_uniform_distribution_ends_where_it_is_named() -> None:
    item = Uncertain.model_validate(RECOVERY)
    assert [item.value(u) for u in (0.0, 0.5, 1.0)] == pytest.approx([0.1, 0.3, 0.5])


def test_points_are_one_from_each_slice_and_the_same_for_a_seed(small: Any) -> None:
    drawn = small.with_changes({"uncertain": [RECOVERY, ANCHOR]})
    points = parameters.points(drawn, 5)
    assert len(points) == parameters.N_POINTS
    values = np.sort([p["defaults.recovery.first_year"] for p in points])
    slices = (np.arange(parameters.N_POINTS) + 0.5) / parameters.N_POINTS
    assert values == pytest.approx(0.1 + 0.4 * slices)
    assert parameters.points(drawn, 5) == points != parameters.points(drawn, 6)
    fewer = parameters.points(small.with_changes({"uncertain": [ANCHOR]}), 5)  # a field moves no other field's points
    assert [p["defaults.anchors.central"] for p in fewer] == [p["defaults.anchors.central"] for p in points]
    scores = parameters.positions(drawn, 5, 64)
    assert scores.shape == (64, 2)
    assert abs(np.corrcoef(scores.T)[0, 1]) < 0.4


def test_every_thousand_histories_have_a_fresh_hypercube(small: Any) -> None:
    """Two hypercubes together stand in more slices than one; a single field needs no second one, and the ninth is the first."""
    drawn = small.with_changes({"uncertain": [RECOVERY, ANCHOR]}, "drawn")
    one, two, most = (parameters.points(drawn, 5, n) for n in (1000, 1001, 200_000))
    assert (len(one), len(two), len(most)) == (64, 128, 512)
    assert most[:128] == two
    assert two[:64] == one
    values = np.sort([p["defaults.recovery.first_year"] for p in most])
    assert len(set(values)) == 512
    assert np.diff(values).max() < 4 * 0.4 / 512
    assert (
        parameters.of_history(drawn, 5, 1003).defaults.recovery
        == parameters.at(drawn, two[64 + 1003 % 64]).defaults.recovery
    )
    assert (
        parameters.of_history(drawn, 5, 8003).defaults.recovery
        == parameters.at(drawn, one[8003 % 64]).defaults.recovery
    )
    assert len(parameters.points(small.with_changes({"uncertain": [ANCHOR]}), 5, 5000)) == 64
    assert parameters.point_of(np.array([0, 63, 64, 999, 1000, 8000]), 512).tolist() == [0, 63, 0, 39, 64 + 40, 0]
    where = parameters.positions(drawn, 5, 1001)
    assert where.shape == (1001, 2)
    assert (where[0] == where[64]).all()
    assert not (where[1000] == where[1000 % 64]).any()


def test_fresh_hypercubes_leave_out_no_end_of_a_distribution(small: Any) -> None:
    """A lognormal's mean over the second and later hypercubes is the distribution's own, as a mean over seeds.

    Planted bug: the same place in every slice, a quarter of it in the second hypercube; the mean is 2 per cent too low."""
    drawn = small.with_changes({"uncertain": [RECOVERY, ANCHOR]}, "drawn")
    second = np.array([parameters.positions(drawn, seed, 1064)[1000:, 1] for seed in range(300)])
    means = np.exp(0.62 * second).mean(axis=1)
    assert abs(means.mean() - np.exp(0.62**2 / 2)) < 4 * means.std() / 300**0.5
    assert means.std() < 0.02


def test_histories_of_the_next_hypercube_have_its_points_and_openings(small: Any, tmp_path: Any) -> None:
    drawn = small.with_changes({"uncertain": [RECOVERY, ANCHOR]}, "drawn")
    main, end = arms_of(drawn, 7, 1100)[0], year_span(2018)[1]
    folder = RunFolder(tmp_path)
    folder.write_plan(Plan(np.array([3, 1003]), np.array([0, 0]), np.ones(1), None))
    openings = openings_of_main(drawn, main.points[:72])
    assert list(openings_of_main(drawn, main.points[:73], openings)) == ["point-0072"]
    arm = Arm("main", drawn, main.openings, end, False, points=main.points)
    task = next(
        tasks_of([arm], [(3, 1003)], folder, 7, openings | dict.fromkeys(main.openings[72:], openings["point-0003"]))
    )
    for r in (3, 1003):
        there = parameters.of_history(drawn, 7, r)
        alone = prepare(there, 7, opening_state(there), end)
        row, own = (summary(setup, simulate(setup, r)) for setup in (setup_of(task, r), alone))
        assert row == own
        assert main_opening(drawn, 7, r) == main.openings[3 if r == 3 else 64 + 1003 % 64]


def test_an_anchor_that_is_not_the_scenarios_own_is_not_drawn(small: Any) -> None:
    drawn = small.with_changes({"uncertain": [ANCHOR]})
    assert parameters.points(drawn.with_changes({"defaults.anchor": "high"}), 5) == []
    assert anchors_apart(drawn) == ["low", "central", "high"]
    assert anchors_apart(small) == ["low", "high"]


def test_behaviour_moves_between_the_sets() -> None:
    county = sim.scenario("x-county-households")
    drawn = county.with_changes({"uncertain": [{"field": "livelihoods.behaviour", "distribution": "between_sets"}]})
    points = parameters.points(drawn, 5)
    sds = [p["livelihoods.behaviour.central"]["price_sd"] for p in points]
    sets = county.livelihoods.behaviour  # type: ignore[union-attr]
    assert min(sds) == sets["low"].price_sd
    assert max(sds) == sets["high"].price_sd
    at = parameters.at(drawn, points[0])
    assert at.uncertain == []
    assert at.livelihoods.behaviour["central"].price_sd == pytest.approx(sds[0])  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("change", "field", "allowed"),
    [
        ({"p05": 0.5, "p95": 0.1}, "uncertain.0.p05", "p05 below p95"),
        ({"p95": None}, "uncertain.0.p05", "p05 below p95"),
        ({"distribution": "lognormal", "p05": -1.0}, "uncertain.0.p05", "more than 0"),
        ({"distribution": "logit_normal", "p95": 1.5}, "uncertain.0.p05", "between 0 and 1"),
        ({"field": "rules.loss.shares.fund"}, "uncertain.0.field", "rules are law"),
        ({"distribution": "between_sets"}, "uncertain.0.distribution", "livelihoods.behaviour"),
        ({"field": "defaults.recovry"}, "defaults.recovry", "one of"),
        ({"field": "defaults.recovery"}, "uncertain.field", "holds a number"),
    ],
)
def test_bad_distributions_are_refused(
    small: Any, refuses: Callable[..., Any], change: Any, field: str, allowed: str
) -> None:
    def read() -> None:
        parameters.points(small.with_changes({"uncertain": [{**RECOVERY, **change}]}), 1)

    refuses(read, field, allowed)


def test_a_history_has_the_parameters_of_its_point(small: Any, tmp_path: Any) -> None:
    """A run with drawn parameters is, history by history, the run of the scenario at the history's point."""
    drawn = small.with_changes({"uncertain": [RECOVERY, ANCHOR]}, "drawn")
    end = year_span(2018)[1]
    main, openings = arms_of(drawn, 7)[0], openings_of(drawn, 7)
    folder, alone = RunFolder(tmp_path / "drawn"), RunFolder(tmp_path / "alone")
    folder.path.mkdir()
    alone.path.mkdir()
    arm = Arm("main", drawn, main.openings, end, False, points=main.points)
    run_arms([arm], 6, 7, folder, openings, workers=1)
    rows = folder.read("histories", "main", 6).set_index("replication")
    for r in (0, 5):
        there = parameters.at(drawn, main.points[r])
        opening = openings[main.openings[r]]
        run_arms([Arm(f"at-{r}", there, ("base",), end, False)], 6, 7, alone, {"base": opening}, workers=1)
        alone.path.joinpath("opening-base.parquet").unlink()
        assert alone.read("histories", f"at-{r}", 6).set_index("replication").loc[r].equals(rows.loc[r])


def test_compare_keeps_what_the_other_scenario_sets_itself(small: Any, tmp_path: Any) -> None:
    drawn = small.with_changes({"uncertain": [RECOVERY, ANCHOR]}, "drawn")
    same = drawn.with_changes({}, "same")
    kept = drawn.with_changes({"defaults.recovery.first_year": 0.9}, "kept")
    results = sim.run([drawn, same, kept], n=60, seed=7, workers=1, out=tmp_path / "run")
    rows = {(r["scenario"], r["metric"]): r["difference"] for r in results.compare()}
    assert all(d.value == 0 for (name, _), d in rows.items() if name == "same")
    assert rows["kept", "payout_yuan"].value < 0
    assert rows["kept", "defaulted_yuan"].value == 0  # same anchor at every point, so the same defaults


def test_known_takes_every_parameter_as_known(small: Any) -> None:
    drawn = small.with_changes({"uncertain": [RECOVERY]})
    assert known(drawn).uncertain == []
    assert known(small) is small


def test_drawn_parameters_are_the_same_on_any_number_of_workers(small: Any, tmp_path: Any) -> None:
    drawn = small.with_changes({"uncertain": [RECOVERY]}, "drawn")
    one, two = (sim.size(drawn, replications=100, seed=7, workers=k, out=tmp_path / f"run-{k}").data for k in (1, 2))
    assert one == two
    assert one["uncertainty"]["parameters"] == ["defaults.recovery.first_year"]


def test_a_trace_tells_the_history_that_the_run_had(small: Any, tmp_path: Any) -> None:
    """Every defaulted loan of the history with the most of them is traced as one that missed the run's date for good."""
    drawn = small.with_changes({"uncertain": [RECOVERY, ANCHOR]}, "drawn")
    answer = sim.size(drawn, replications=60, seed=7, workers=1, out=tmp_path / "run")
    lost = RunFolder(answer.folder).read("defaults", "main", 60)
    replication = int(lost["replication"].value_counts().idxmax())
    for loan, missed in lost.loc[lost["replication"] == replication, ["loan", "missed"]].itertuples(index=False):
        steps = sim.trace_history(drawn, loan_id=int(loan), replication=replication, seed=7)
        assert clock.date_of(int(missed)) in {step.on for step in steps}
        assert not {"repaid", "repaid_late"} & {step.what for step in steps}


# --- what a calibration left -------------------------------------------------------------------------

DRAWS = "defaults.recovery.first_year,defaults.anchors.central\n" + "".join(
    f"{0.1 + 0.005 * k},{0.01 + 0.0005 * k}\n" for k in range(80)
)


def _with_draws(small: Any, folder: Any, text: str = DRAWS) -> Any:
    path = folder / "draws.csv"
    path.write_text(text, encoding="utf-8")
    return small.with_changes({"posterior": {"file": str(path)}, "uncertain": [RECOVERY]}, "drawn")


def test_draws_of_a_posterior_stay_together(small: Any, tmp_path: Any) -> None:
    """Each point is a row of the table, and a field of the table is not drawn by itself as well."""
    drawn = _with_draws(small, tmp_path)
    points = parameters.points(drawn, 5, 1001)
    assert len(points) == 128
    for k, point in enumerate(points):
        row = k % 80
        assert point["defaults.recovery.first_year"] == 0.1 + 0.005 * row
        assert point["defaults.anchors.central"] == 0.01 + 0.0005 * row
    assert parameters.drawn_fields(drawn) == ["defaults.recovery.first_year", "defaults.anchors.central"]
    where = parameters.positions(drawn, 5, 64)
    assert np.corrcoef(where.T)[0, 1] == pytest.approx(1.0)
    there = parameters.of_history(drawn, 5, 3)
    assert there.defaults.recovery.first_year == 0.1 + 0.005 * 3
    assert there.posterior is None
    assert known(drawn).posterior is None


def test_a_field_beside_the_posterior_is_still_drawn_by_itself(small: Any, tmp_path: Any) -> None:
    negligence = {"field": "defaults.negligence", "distribution": "uniform", "p05": 0.0, "p95": 0.1}
    drawn = _with_draws(small, tmp_path).with_changes({"uncertain": [negligence]})
    points = parameters.points(drawn, 5)
    assert points[7]["defaults.recovery.first_year"] == 0.1 + 0.005 * 7
    assert len({p["defaults.negligence"] for p in points}) == 64
    alone = small.with_changes({"uncertain": [negligence]})
    assert [p["defaults.negligence"] for p in points] == [p["defaults.negligence"] for p in parameters.points(alone, 5)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("defaults.recovery.first_yaer\n0.2\n", "first_year"),
        ("defaults.recovery.first_year\nmany\n", "a number in every row"),
        ("defaults.recovery.first_year\n", "at least one row"),
        ("defaults.timing\n1\n", "a field that holds a number"),
    ],
)
def test_a_table_of_draws_that_is_not_one(small: Any, tmp_path: Any, text: str, says: str) -> None:
    with pytest.raises(sim.InputError, match=says):
        parameters.points(_with_draws(small, tmp_path, text), 5)


def test_a_table_of_draws_that_is_not_there(small: Any) -> None:
    with pytest.raises(sim.InputError, match="a table of draws"):
        parameters.points(small.with_changes({"posterior": {"file": "/nowhere/draws.csv"}}), 5)


def test_the_draws_are_part_of_what_a_run_is(small: Any, tmp_path: Any) -> None:
    drawn = _with_draws(small, tmp_path)
    first = tables_sha256(drawn)["posterior.file"]
    _with_draws(small, tmp_path, DRAWS.replace("0.1,", "0.11,", 1))
    assert tables_sha256(drawn)["posterior.file"] not in (first, "")
