"""The problem of calibration whose places are simulated households: its targets, what it leaves out, how it is taken over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sim
from calibration.fit_checks import loans_of
from calibration.fit_problem import CHUNK, HERE, read_problem
from calibration.moments import deaths_per_year, dry_years, of_province
from calibration.reference_table import make_table
from calibration.target_list import read_targets
from sim import arms, parameters
from sim.errors import InputError
from sim.shocks.paths import stationary_dry

PRICE = "livelihoods.behaviour.central.price_sd"


def test_every_target_of_the_mechanism_is_fitted_or_has_a_reason() -> None:
    problem = read_problem("households")
    all_keys = {t.key for t in read_targets().of("household")}
    left = {t.key for t, why in problem.not_used if why.zh and why.en}
    assert {t.key for t in problem.targets} | left == all_keys
    assert not {t.key for t in problem.targets} & left
    assert all(scenario.defaults.mechanism == "household" for scenario in problem.places.values())
    assert {scenario.defaults.anchor for scenario in problem.places.values()} == {"central"}  # whose set is fitted
    for target in problem.targets:
        assert (problem.place_of(target) is None) == (target.place == "yunnan")
    known = {p for name in ("seed", "households") for p in read_problem(name).places}
    assert {p.stem for p in (HERE / "places").glob("*.toml")} == known


def test_measures_without_a_place_follow_the_parameters() -> None:
    problem = read_problem("households")
    multiple = np.array([0.875, 1.75, 3.5])
    at = pd.DataFrame({"livelihoods.mortality_multiple": multiple})
    dead = deaths_per_year(problem, at)
    assert dead[2] / dead[1] == pytest.approx(2, rel=0.03)  # rare: nearly in proportion
    assert 0.004 < dead[1] < 0.02
    usual = deaths_per_year(problem, pd.DataFrame({"x": [0.0]}))
    assert usual == pytest.approx(dead[1])  # the place's own value where it is not fitted
    live = next(iter(problem.places.values())).livelihoods
    assert live is not None
    often = pd.DataFrame({"livelihoods.weather.p_normal_to_dry": np.full(300, 0.3)})
    dry = dry_years(problem, often, np.arange(300))
    error = dry.std(ddof=1) / 300**0.5
    assert dry.mean() == pytest.approx(stationary_dry(0.3, live.weather.p_dry_to_dry), abs=4 * error)
    assert set(of_province(problem, often.iloc[:1], np.arange(1))) == {"yunnan.dry_years", "yunnan.deaths_per_year"}


def test_the_number_of_loans_is_as_simulated_where_no_file_tells_it() -> None:
    problem = read_problem("households")
    table = pd.DataFrame({f"{place}.loans": [900.0, 1100.0] for place in problem.places})
    found = loans_of(problem, table)
    assert found["luoping.overdue_share"].size == 13
    assert found["luoping.overdue_share"].sum() == pytest.approx(1000, abs=13)
    assert found["luoping.other_townships"].size == 11
    assert "yunnan.dry_years" not in found


def test_fitted_behaviour_goes_before_the_sets_and_acts_in_its_own_set_alone(tmp_path: Path) -> None:
    draws = tmp_path / "draws.csv"
    draws.write_text(f"{PRICE}\n0.111\n0.222\n", encoding="utf-8")
    county = sim.scenario("x-county-households").with_changes({"posterior": {"file": str(draws)}})
    points = parameters.points(county, 2027)
    at = [parameters.at(county, change).livelihoods for change in points[:3]]
    assert [live.behaviour["central"].price_sd for live in at if live] == [0.111, 0.222, 0.111]
    assert len({live.behaviour["central"].strategic_logit for live in at if live}) == 3  # drawn between the sets still
    low = county.with_changes({"defaults.anchor": "low"})
    assert parameters.drawn_fields(low) == []
    with pytest.raises(InputError, match="a field that holds a number in this scenario"):
        parameters.points(sim.scenario("x-county").with_changes({"posterior": {"file": str(draws)}}), 2027)


def test_a_small_run_makes_the_openings_it_starts_from_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    county = sim.scenario("x-county")
    changes = parameters.points(county, 2027)
    made: list[int] = []
    monkeypatch.setattr(arms, "opening_at", lambda scenario, change, luck=None: made.append(changes.index(change)))
    names = list(arms.openings_of_main(county, changes, (), 50))
    assert made == list(range(50))
    assert names == list(arms.main_openings(county, changes))[:50]
    assert len(arms.openings_of_main(county, changes)) == len(arms.openings_of_main(county, changes, (), 100)) == 64


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            'target = "mouding.reported_share"',
            'target = "mouding.reported"',
            "nearest valid name: mouding.reported_share",
        ),
        ('target = "mouding.reported_share"', 'target = "dehong.default_share"', "a target that is not fitted"),
    ],
)
def test_what_is_left_out_must_be_a_target_that_is_not_fitted(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = (HERE / "problems" / "households.toml").read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "bad.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=says):
        read_problem(str(path))


@pytest.mark.slow
def test_an_interrupted_table_of_households_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    """Two parts of one place, one of them lost and made again; every row has a past and a year of its own."""
    text = (HERE / "problems" / "households.toml").read_text(encoding="utf-8")
    head, _, parameters_ = text.partition("[[not_used]]")
    small = tmp_path / "small.toml"
    lines = []
    for line in head.splitlines():
        if line.startswith("places"):
            line = 'places = ["mouding-households"]'
        elif line.startswith("rows"):
            line = f"rows = {2 * CHUNK}"
        elif line.startswith("held_out"):
            line = f"held_out = {CHUNK}"
        elif line.startswith("folds"):
            line = "folds = 1"
        elif line.startswith("targets"):
            line = 'targets = ["mouding.default_share", "yunnan.dry_years"]'
        lines.append(line)
    small.write_text("\n".join(lines) + "\n[[parameter]]" + parameters_.partition("[[parameter]]")[2], encoding="utf-8")
    problem = read_problem(str(small))
    whole = make_table(problem, tmp_path / "table", workers=1)
    part = tmp_path / "table" / "part-0001.parquet"
    first = part.read_bytes()
    part.unlink()
    make_table(problem, tmp_path / "table", workers=1)
    assert part.read_bytes() == first
    assert whole["mouding-households.loans"].nunique() > CHUNK // 5
    assert whole["mouding.default_share"].nunique() > CHUNK // 2
