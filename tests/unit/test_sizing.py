"""The answer: what it holds, what it is made of, and what is refused."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim
from sim import clock
from sim.answers.fund import lending_reacts
from sim.answers.sample import Sample
from sim.arms import arms_of, horizon
from sim.errors import InputError, TooFewHistories
from sim.sizing import for_year
from sim.store import RunFolder


@pytest.fixture(scope="module")
def answer(tight: Any, tmp_path_factory: pytest.TempPathFactory) -> sim.Answer:
    """60 histories of the county that is short of money."""
    return sim.size(tight, replications=60, seed=5, workers=1, out=tmp_path_factory.mktemp("size") / "run")


def test_figures_come_from_the_histories(answer: sim.Answer) -> None:
    d, h = answer.data, answer.histories()
    assert len(h) == 60 == d["replications"]
    assert d["need_yuan"]["value"] == np.sort(h["need_fen"])[56] / 100
    assert d["need_yuan_free_split"]["value"] == np.sort(h["need_free_split_fen"])[56] / 100
    assert d["need_yuan"]["conservative"] == h["need_fen"].max() / 100
    assert d["need_yuan_pooled"]["value"] <= d["need_yuan_free_split"]["value"] <= d["need_yuan"]["value"]
    assert d["fund_yuan"] == 80_000
    assert d["cutoff_maturity_on"] < "2018-07-01"
    json.dumps(d)


def test_need_never_falls_short_of_any_account(answer: sim.Answer) -> None:
    h = answer.histories()
    for i, share in ((0, 0.75), (1, 0.25)):
        assert (h["need_fen"] * share + 1 >= h[f"need_{i}_fen"]).all()
    assert ((h["gap_fen"] > 0) == (h["need_fen"] > 8_000_000)).all()


def test_every_estimate_has_an_interval_or_a_reason(answer: sim.Answer) -> None:
    def walk(value: Any, path: str) -> None:
        if isinstance(value, dict):
            if "value" in value and path not in ("need_yuan_lending_reacts",):
                assert "ci95" in value or "reason" in value, path
                if "ci95" in value and value["value"] is not None:
                    assert value["ci95"][0] <= value["value"] <= value["ci95"][1], path
            for key, item in value.items():
                walk(item, f"{path}.{key}".lstrip("."))

    walk(answer.data, "")


def test_a_stored_answer_is_read_at_any_assurance(answer: sim.Answer) -> None:
    again = sim.read_answer(answer.folder)
    assert again.data == answer.data
    lower = sim.read_answer(answer.folder, assurance=0.8)
    assert lower.data["need_yuan"]["value"] == np.sort(answer.histories()["need_fen"])[47] / 100


def test_refused_readings(answer: sim.Answer, small: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"finished histories: found 60; allowed: a run with 500 finished histories"):
        sim.read_answer(answer.folder, replications=500)
    with pytest.raises(InputError, match="assurance"):
        sim.read_answer(answer.folder, assurance=2)
    with pytest.raises(TooFewHistories):
        sim.read_answer(answer.folder, assurance=0.99)
    with pytest.raises(InputError, match=r"manifest\.json"):
        sim.read_answer(tmp_path)
    other = RunFolder.open(tmp_path / "s", {"kind": "study"}, resume=True)
    with pytest.raises(InputError, match=r"kind: found 'study'; allowed: a run made by `riskfund size`"):
        sim.read_answer(other.path)
    begun = RunFolder.open(tmp_path / "b", {"kind": "size"}, resume=True)
    with pytest.raises(InputError, match=r"manifest\.json: found 'scenario'; allowed: a readable file"):
        sim.read_answer(begun.path)  # begun, and not told of what


def test_refused_sizes(small: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"assurance: found 1\.0"):
        sim.size(small, assurance=1.0, out=tmp_path / "r")
    with pytest.raises(InputError, match="replications: found 0"):
        sim.size(small, replications=0, out=tmp_path / "r")
    with pytest.raises(TooFewHistories, match="found 58; allowed: 59 or more"):
        sim.size(small, replications=58, out=tmp_path / "r")
    with pytest.raises(InputError, match="opening: found 'empty'; allowed: a book with loans"):
        sim.size(small.change(opening__kind="empty"), replications=59, out=tmp_path / "r")
    with pytest.raises(InputError, match=r"lenders\.sub_account_yuan: found 0"):
        nothing = [x | {"sub_account_yuan": 0} for x in small.model_dump()["lenders"]]
        sim.size(small.with_changes({"lenders": nothing}), replications=59, out=tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_another_year_moves_the_information_date(small: Any) -> None:
    moved = for_year(small, 2020)
    assert (moved.sized_year, moved.information_on) == (2020, dt.date(2020, 1, 1))
    assert for_year(small, None) is small is for_year(small, 2018)


def test_a_book_of_one_date_cannot_move(small: Any, refuses: Any) -> None:
    fixed = small.with_changes({"opening.kind": "table", "opening.file": "x.csv"})
    refuses(lambda: for_year(fixed, 2020), "year", "2018: the loan book of small is of 2018-01-01", found=2020)


def test_horizon_is_the_longest_term_and_a_year_past_the_sized_year(small: Any) -> None:
    assert clock.date_of(horizon(small)) == dt.date(2022, 12, 31)


def test_arms_stand_beside_the_main_one(small: Any) -> None:
    names = [a.name for a in arms_of(small, 1)]
    luck = ["luck-of-households", "all-luck"]
    beside = ["anchor-low", "anchor-high", "opening-dry", "opening-normal", "stationary"]
    assert names == ["main", *beside, *luck, "drivers-none"]
    no_drought = small.model_dump(mode="python")
    no_drought["defaults"] |= {"drought": None, "anchor": None, "p_default": 0.02}
    assert [a.name for a in arms_of(sim.Scenario.from_dict(no_drought), 1)] == ["main", "stationary", *luck]


def test_lending_that_reacts_checks_every_larger_size() -> None:
    """Enough at 20 per cent of the grid but not at 40: the answer lies above the last failure."""
    import pandas as pd

    n = 100
    hits = [100, 100, 4, 4, 100, *[4] * 16]
    frame = pd.DataFrame(
        {f"reacts_need_{k:02d}_fen": np.where(np.arange(n) < hits[k], 10**9, 0) for k in range(21)}
        | {f"reacts_credit_{k:02d}_fen": k for k in range(21)}
    )
    got = lending_reacts(Sample(frame, None), 0.95, 1_000)
    assert (got["value"], got["short_share"]) == (500, 0.04)
    frame["reacts_need_20_fen"] = 10**9
    never = lending_reacts(Sample(frame, None), 0.95, 1_000)
    assert never["value"] is None
    assert "no size on the grid" in never["reason"]
    assert never["highest_reachable_assurance"] == 0.0  # the largest size is always short
