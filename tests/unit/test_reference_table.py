"""Counties simulated at drawn parameters: bit for bit the same however made, and what a problem may not say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from calibration.fit_problem import Problem, read_problem
from calibration.identification import identify
from calibration.reference_table import make_table, read_table, simulate_rows
from sim.errors import IncompatibleRun, InputError, Interrupted

TEXT = """
mechanism = "reduced-form"
places = ["bazhong"]
rows = 100
held_out = 50
seed = 7
targets = ["bazhong.recovered_per_year", "yunnan.dry_years"]

[[parameter]]
field = "defaults.anchors.central"
distribution = "lognormal"
p05 = 0.004
p95 = 0.08
carries = true

[[parameter]]
field = "defaults.recovery.per_year_after"
distribution = "logit_normal"
p05 = 0.005
p95 = 0.10
carries = true
"""


@pytest.fixture(scope="module")
def problem(tmp_path_factory: Any) -> Problem:
    path = tmp_path_factory.mktemp("problem") / "small.toml"
    path.write_text(TEXT, encoding="utf-8")
    return read_problem(str(path))


def test_an_interrupted_table_goes_on_to_the_same_bits(problem: Problem, tmp_path: Path) -> None:
    whole = make_table(problem, tmp_path / "whole", workers=1)

    def stop(done: int, total: int) -> None:
        if done == 50:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        make_table(problem, tmp_path / "half", workers=1, progress=stop)
    with pytest.raises(InputError, match="1 of 2 parts are missing"):
        read_table(problem, tmp_path / "half")
    resumed = make_table(problem, tmp_path / "half", workers=1)
    assert list(whole["row"]) == list(range(100))
    for part in ("part-0000.parquet", "part-0001.parquet"):
        assert (tmp_path / "whole" / part).read_bytes() == (tmp_path / "half" / part).read_bytes()
    pd.testing.assert_frame_equal(whole, resumed, check_exact=True)
    spread = whole["bazhong.recovered_per_year"]
    assert spread.nunique() > 80
    assert np.corrcoef(whole["defaults.recovery.per_year_after"], spread)[0, 1] > 0.8
    with pytest.raises(IncompatibleRun, match="resuming is off"):
        make_table(problem, tmp_path / "half", workers=1, resume=False)


def test_a_row_hangs_on_its_number_and_the_luck_alone(problem: Problem) -> None:
    rows = np.arange(50)
    scores = problem.prior_scores(rows)
    a = simulate_rows(problem, scores, rows, "table")
    again = simulate_rows(problem, scores, rows, "table")
    other = simulate_rows(problem, scores, rows, "other luck")
    pd.testing.assert_frame_equal(a, again, check_exact=True)
    assert (a["bazhong.recovered_per_year"] != other["bazhong.recovered_per_year"]).mean() > 0.8
    assert (problem.prior_scores(rows[10:20]) == scores[10:20]).all()


def test_what_a_place_cannot_tell_is_named_before_any_fit(problem: Problem) -> None:
    """What Bazhong collects tells the yearly recovery of old debts, and nothing of the rate of default."""
    found = identify(problem)
    assert found.identified == [False, True]
    assert found.rank == 1
    assert found.keeps[0] == pytest.approx(1.0, abs=0.02)
    assert list(found.untold()[0]) == ["defaults.anchors.central"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('places = ["bazhong"]', 'places = ["bazong"]', "nearest valid name: bazhong"),
        ("rows = 100", "rows = 120", "multiple of 50"),
        ("held_out = 50", "held_out = 100", "less than the 100 rows"),
        ('"bazhong.recovered_per_year",', '"bazhong.recovered",', "nearest valid name: bazhong.recovered_per_year"),
        ("p05 = 0.004", "p05 = 0.4", "p05 below p95"),
    ],
)
def test_what_a_problem_may_not_say(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(TEXT.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=says):
        read_problem(str(path))


def test_the_shipped_problem_is_met_by_its_places() -> None:
    shipped = read_problem("seed")
    assert {t.place for t in shipped.targets} - {"yunnan"} <= set(shipped.places)
    assert all(p.is_file() for s in shipped.places.values() for p in s.tables().values())
