"""Several scenarios on the same random numbers: no-op differences are exactly zero, odd pairs are refused."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import sim
from sim.arms import arms_of, openings_of
from sim.errors import IncompatibleRun, InputError
from sim.experiment import run_arms
from sim.store import RunFolder


@pytest.fixture(scope="module")
def results(small: Any, tmp_path_factory: pytest.TempPathFactory) -> sim.Results:
    """The base, the base under another name, the base written out with its own values, and more defaults."""
    arms = [
        small,
        small.change("renamed"),
        small.change("no-op", defaults__anchor="central", fiscal__budget_share=1.0),
        small.change("high", defaults__anchor="high"),
    ]
    return sim.run(arms, n=100, seed=9, workers=1, out=tmp_path_factory.mktemp("study") / "run")


@pytest.mark.parametrize("name", ["renamed", "no-op"])
def test_a_change_that_changes_nothing_differs_by_exactly_zero(name: str, results: sim.Results) -> None:
    rows = [r for r in results.compare() if r["scenario"] == name]
    assert len(rows) == 12
    for row in rows:
        assert row["base"] == row["other"]
        assert row["difference"].value == 0.0
        assert row["difference"].ci95 == (0.0, 0.0)


def test_a_change_that_matters_is_seen(results: sim.Results) -> None:
    rows = {r["metric"]: r["difference"] for r in results.compare() if r["scenario"] == "high"}
    assert rows["default_share"].ci95[0] > 0
    assert rows["payout_yuan"].ci95[0] > 0


def test_any_arm_can_be_the_base(results: sim.Results) -> None:
    forward = {r["metric"]: r["difference"].value for r in results.compare() if r["scenario"] == "high"}
    back = {r["metric"]: r["difference"].value for r in results.compare("high") if r["scenario"] == results.names[0]}
    assert back == pytest.approx({k: -v for k, v in forward.items()})


def test_tables_of_a_study(results: sim.Results) -> None:
    h = results.histories("high")
    assert h["replication"].tolist() == list(range(100))
    places = results.townships("high")
    by_history = places.groupby("replication")["defaulted_fen"].sum()
    assert by_history.tolist() == h["defaulted_fen"].tolist()
    assert places.groupby("replication")["due_count"].sum().tolist() == h["due_count"].tolist()
    assert results.failures() == []


def test_an_unknown_arm_names_the_nearest(results: sim.Results, refuses: Any) -> None:
    refuses(lambda: results.histories("hihg"), "scenario", "one of", nearest="high")


def test_assurance_is_checked(results: sim.Results, refuses: Any) -> None:
    refuses(lambda: results.compare(assurance=1.0), "assurance", "between 0 and 1")


def test_a_stored_study_is_read_without_running(
    small: Any, results: sim.Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sim import experiment

    monkeypatch.setattr(experiment, "simulate", lambda *args: pytest.fail("ran again"))
    arms = [small, small.change("renamed"), small.change("no-op"), small.change("high", defaults__anchor="high")]
    again = sim.run(arms, n=100, seed=9, workers=1, out=results.folder)
    assert again.histories().equals(results.histories())
    with pytest.raises(IncompatibleRun, match="differs in"):
        sim.run(arms[:2], n=100, seed=9, workers=1, out=results.folder)


def test_equal_names_are_told_apart(small: Any, tmp_path: Path) -> None:
    results = sim.run([small, small, small], n=50, seed=9, workers=1, out=tmp_path / "run")
    assert results.names == ("small", "small-2", "small-3")


def _lenders(small: Any) -> list[dict[str, Any]]:
    return [d | {"key": d["key"] + "x", "sub_account_yuan": 1} for d in small.model_dump()["lenders"]]


GROUP = {"township": "t01", "lender": "rcc", "households": 5, "principal_yuan": 50_000, "p_default": 0.1,
         "originated_on": dt.date(2015, 1, 1), "term_months": 36}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"sized_year": 2019, "information_on": dt.date(2019, 1, 1)}, "sized_year is 2019, small has 2018"),
        ({"information_on": dt.date(2017, 12, 1)}, "information_on is 2017-12-01, small has 2018-01-01"),
        ({"lenders": _lenders}, "other lenders than small"),
        ({"townships": lambda s: s.model_dump()["townships"][:3]}, "other townships than small"),
        ({"opening.portfolio": [GROUP]}, "another portfolio than small"),
    ],
)
def test_scenarios_that_cannot_be_compared(changes: dict[str, Any], text: str, small: Any, tmp_path: Path) -> None:
    changes = {k: v(small) if callable(v) else v for k, v in changes.items()}
    with pytest.raises(IncompatibleRun, match=text):
        sim.run([small, small.with_changes(changes, "other")], n=50, workers=1, out=tmp_path / "run")


def test_nothing_to_run(small: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="scenarios: found 0; allowed: at least one"):
        sim.run([], n=50, workers=1, out=tmp_path / "run")
    with pytest.raises(InputError, match="replications: found 0"):
        sim.run(small, n=0, workers=1, out=tmp_path / "run")
    with pytest.raises(InputError, match="opening: found 'empty'; allowed: a book with loans"):
        sim.run(small.change(opening__kind="empty"), n=50, workers=1, out=tmp_path / "run")


def test_what_differs_names_fields(small: Any, tight: Any) -> None:
    differs = sim.what_differs(small, tight)
    assert differs["lenders.rcc.sub_account_yuan"] == (600_000, 60_000)
    assert differs["rules.fund.leverage"] == (10, 100)
    assert differs["defaults.anchor"] == ("central", "high")
    assert len(differs) == 4
    assert sim.what_differs(small, small.change("other")) == {}


@pytest.mark.parametrize(
    "uncertain", [[], [{"field": "defaults.negligence", "distribution": "uniform", "p05": 0.0, "p95": 0.3}]]
)
def test_a_study_starts_from_the_openings_of_a_sizing_run(small: Any, uncertain: Any, tmp_path: Path) -> None:
    """With a stationary opening each history has another warm-up: the same one as in `sim.size`."""
    other = small.with_changes({"opening.state": "stationary", "uncertain": uncertain}, "stationary")
    results = sim.run(other, n=60, seed=4, workers=1, out=tmp_path / "run")
    need = results.histories()["need_fen"]
    folder, main = RunFolder(tmp_path / "size"), replace(arms_of(other, 4)[0], is_main=False)
    folder.path.mkdir()
    run_arms([main], 60, 4, folder, openings_of(other, 4), workers=1)
    assert folder.read("histories", "main", 60)["need_fen"].equals(need)
    known = sim.run(small, n=60, seed=4, workers=1, out=tmp_path / "known").histories()["need_fen"]
    assert not known.equals(need)
