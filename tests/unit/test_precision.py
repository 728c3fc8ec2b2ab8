"""The precision dial."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import sim
from sim import parameters
from sim.answers.answer import headline, lasting_half_width
from sim.errors import TooFewHistories
from sim.estimate import Estimate
from sim.precision import MOST, Precision
from sim.store import RunFolder

RECOVERY = {"field": "defaults.recovery.first_year", "distribution": "uniform", "p05": 0.1, "p95": 0.5}
FIGURE = Estimate(1_000_000.0, (900_000.0, 1_100_000.0))


def test_parts_and_yuan() -> None:
    assert Precision.of("2%").wanted(FIGURE) == 20_000
    assert Precision.of("500000").wanted(FIGURE) == 500_000


@pytest.mark.parametrize("text", ["0", "0%", "-1%", "100%", "two", "%", "nan", "inf%"])
def test_what_is_no_precision_is_refused(refuses: Callable[..., Any], text: str) -> None:
    refuses(lambda: Precision.of(text), "precision", "", where="command")


def test_histories_are_added_in_whole_batches_as_the_root_says() -> None:
    assert Precision.of("10%").histories_more(FIGURE, 2000) == 0
    assert Precision.of("5%").histories_more(Estimate(1e6, (929_000.0, 1_071_000.0)), 2000) == 2050  # 4,033 in all
    assert Precision.of("1%").histories_more(FIGURE, 1000) == 2000  # a rough interval may not send for a hundredfold


def test_what_no_run_could_reach_is_said() -> None:
    with pytest.raises(TooFewHistories, match=f"{MOST:,} at most"):
        Precision.of("0.1%").histories_more(FIGURE, 2000)
    with pytest.raises(TooFewHistories, match="name it in yuan"):
        Precision.of("2%").histories_more(Estimate(0.0, (0.0, 10.0)), 2000)


def test_what_more_histories_at_the_same_parameters_leave() -> None:
    """Half-width 100,000, of which 60,000 stay: 80,000 shrink with the root of n."""
    assert Precision.of("100000").histories_more(FIGURE, 9000, 60_000.0) == 0
    # to 75,000: 45,000 of the 80,000, so (80 / 45)^2 as many, 28,445 instead of 16,000; at most three times as many at once
    assert Precision.of("75000").histories_more(FIGURE, 9000, 60_000.0) == 18_000
    assert Precision.of("90000").histories_more(FIGURE, 9000, 60_000.0) == 3_800  # (80 / 67.1)^2 as many
    for wanted in ("60000", "59000", "61000"):
        with pytest.raises(TooFewHistories, match=r"leave about 60,000 yuan of it: .*; allowed: above 62,354 yuan"):
            Precision.of(wanted).histories_more(FIGURE, 9000, 60_000.0)


def test_new_points_leave_nothing(small: Any, tmp_path: Any) -> None:
    """Where fields are uncertain and hypercubes are left, and where nothing is uncertain, more histories help as ever."""
    answer = sim.size(small, replications=150, seed=3, workers=1, out=tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    assert lasting_half_width(headline(folder, 150, 0.95), folder, small, 150, 0.95) == 0.0
    assert answer.data["replications"] == 150
    two = small.with_changes({"uncertain": [RECOVERY, {**RECOVERY, "field": "defaults.negligence"}]})
    assert parameters.n_points(two, 7_000) == 448 and parameters.n_points(two, MOST) == 512


def test_a_run_ends_within_the_precision_it_names(small: Any, tmp_path: Any) -> None:
    wanted = Precision.of("12%")
    answer = sim.size(small, replications=100, seed=3, workers=1, out=tmp_path / "run", precision=wanted)
    need = answer.data["need_yuan"]
    assert (need["ci95"][1] - need["ci95"][0]) / 2 <= 0.12 * need["value"]
    assert answer.data["replications"] > 100
    assert answer.data["replications"] % 50 == 0
    assert answer.data["replications_beside"] == 100  # what stands beside the headline stays at the first look
    assert sim.read_answer(answer.folder).data == answer.data
    again = sim.size(small, replications=100, seed=3, workers=1, out=tmp_path / "run", precision=wanted)
    assert again.data == answer.data
