"""The precision dial."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import sim
from sim.errors import TooFewHistories
from sim.estimate import Estimate
from sim.precision import MOST, Precision

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
