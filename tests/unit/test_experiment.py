"""Many histories: failures are isolated with their address, batches are the same however they are run."""

from __future__ import annotations

import shutil
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import pytest

import sim
from sim import experiment
from sim.errors import InputError
from sim.experiment import Arm, run_arms
from sim.store import BATCH, RunFolder


def fill(
    path: Path, small: Any, opening: Any, last_day: int, n: int, *, is_main: bool = False, **how: Any
) -> RunFolder:
    folder = RunFolder.open(path, {"kind": "test"}, resume=True)
    run_arms(
        [Arm("main", small, ("base",), last_day, is_main, is_main)],
        n,
        3,
        folder,
        {"base": opening},
        **{"workers": 1, **how},
    )
    return folder


def parts(folder: RunFolder) -> dict[str, bytes]:
    return {str(p.relative_to(folder.path)): p.read_bytes() for p in sorted(folder.path.rglob("part-*.parquet"))}


class LastFirst(Executor):
    """Runs what it was given in the opposite order, when the last result is asked for."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Future[Any], Any, Any]] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.waiting.append((future, fn, args))
        if len(self.waiting) == 2:
            for f, call, arguments in reversed(self.waiting):
                f.set_result(call(*arguments))
            self.waiting = []
        return future


def test_a_history_that_fails_is_recorded_with_its_address(
    tmp_path: Path, small: Any, opening: Any, setup: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = experiment.simulate

    def fragile(setup: Any, replication: int) -> Any:
        if replication == 17:
            raise ZeroDivisionError("a bug in history 17")
        return real(setup, replication)

    monkeypatch.setattr(experiment, "simulate", fragile)
    folder = fill(tmp_path / "run", small, opening, setup.last_day, BATCH)
    (failed,) = folder.failures("main", BATCH)
    assert (failed["arm"], failed["seed"], failed["replication"]) == ("main", 3, 17)
    assert failed["error"] == "ZeroDivisionError: a bug in history 17"
    assert "fragile" in failed["where"]
    assert folder.read("histories", "main", BATCH)["replication"].tolist() == [r for r in range(BATCH) if r != 17]


def test_a_study_leaves_failed_histories_out_of_both_arms(
    tmp_path: Path, small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = experiment.simulate

    def fragile(setup: Any, replication: int) -> Any:
        if replication == 5 and setup.scenario.name == "second":
            raise ValueError("no")
        return real(setup, replication)

    monkeypatch.setattr(experiment, "simulate", fragile)
    results = sim.run([small, small.change("second")], n=60, seed=3, workers=1, out=tmp_path / "run")
    assert [f["replication"] for f in results.failures()] == [5]
    assert all(r["difference"].value == 0 for r in results.compare())


def test_batches_do_not_depend_on_order_number_or_resuming(
    tmp_path: Path, small: Any, opening: Any, setup: Any
) -> None:
    whole = parts(fill(tmp_path / "whole", small, opening, setup.last_day, 2 * BATCH, is_main=True))
    assert len(whole) == 12
    other = parts(
        fill(
            tmp_path / "other", small, opening, setup.last_day, 2 * BATCH, is_main=True, executor=LastFirst(), workers=2
        )
    )
    assert other == whole
    begun = fill(tmp_path / "begun", small, opening, setup.last_day, BATCH, is_main=True)
    assert len(parts(begun)) == 6
    assert parts(fill(tmp_path / "begun", small, opening, setup.last_day, 2 * BATCH, is_main=True)) == whole


def test_finished_batches_are_not_run_again(
    tmp_path: Path, small: Any, opening: Any, setup: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "run", small, opening, setup.last_day, BATCH)
    monkeypatch.setattr(experiment, "simulate", lambda *args: pytest.fail("ran again"))
    seen: list[tuple[int, int]] = []
    fill(
        tmp_path / "run", small, opening, setup.last_day, BATCH, progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(BATCH, BATCH)]


def test_progress_counts_histories(tmp_path: Path, small: Any, opening: Any, setup: Any) -> None:
    seen: list[tuple[int, int]] = []
    fill(
        tmp_path / "run",
        small,
        opening,
        setup.last_day,
        BATCH + 1,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(0, 2 * BATCH), (BATCH, 2 * BATCH), (2 * BATCH, 2 * BATCH)]


@pytest.mark.parametrize(("n", "workers", "field"), [(0, 1, "replications"), (10, 0, "workers"), (10, -1, "workers")])
def test_nothing_to_do_is_refused(n: int, workers: int, field: str, tmp_path: Path, small: Any, opening: Any) -> None:
    with pytest.raises(InputError, match=f"command: {field}: found .*; allowed: 1 or more"):
        fill(tmp_path / "run", small, opening, 17_900, n, workers=workers)


def test_a_folder_made_anew_is_run_anew(tmp_path: Path, small: Any) -> None:
    """Two different runs one after the other in one folder, within one process."""
    out = tmp_path / "run"
    sim.run(small, n=BATCH, seed=3, workers=1, out=out)
    shutil.rmtree(out)
    high = small.change(defaults__anchor="high")
    again = sim.run(high, n=BATCH, seed=3, workers=1, out=out).histories()
    fresh = sim.run(high, n=BATCH, seed=3, workers=1, out=tmp_path / "fresh").histories()
    assert again.equals(fresh)
