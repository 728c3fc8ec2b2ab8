"""Run folders: one file a batch, one manifest, and a refusal to mix runs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sim
from dashboard.words import Words
from dashboard.words.reasons import error
from sim.errors import IncompatibleRun, InputError
from sim.sampling import Plan
from sim.store import BATCH, RunFolder

TABLES = ("histories", "townships")
IDENTITY: dict[str, Any] = {"kind": "study", "seed": 1, "names": ["a"]}


def frame(first: int, n: int = BATCH) -> pd.DataFrame:
    return pd.DataFrame({"replication": range(first, first + n), "x": range(n)})


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.open(tmp_path / "run", IDENTITY, resume=True)


def test_a_new_folder_is_incomplete(folder: RunFolder) -> None:
    assert folder.manifest() == {"identity": IDENTITY, "complete_to": 0}
    assert not folder.has_batch("main", 0, TABLES)


def test_the_same_run_is_taken_up_again(folder: RunFolder) -> None:
    for table in TABLES:
        folder.write_part(table, "main", 0, frame(0), [])
    again = RunFolder.open(folder.path, IDENTITY, resume=True)
    assert again.has_batch("main", 0, TABLES)
    assert not again.has_batch("main", 0, (*TABLES, "months"))
    assert not again.has_batch("main", 1, TABLES)
    again.part("townships", "main", 0).write_bytes(b"broken")
    assert not again.has_batch("main", 0, TABLES)


def test_another_run_is_refused_and_the_difference_named(folder: RunFolder) -> None:
    with pytest.raises(IncompatibleRun, match=r"holds another run \(differs in seed\); choose another folder"):
        RunFolder.open(folder.path, {**IDENTITY, "seed": 2}, resume=True)


def test_a_run_that_may_not_be_resumed_is_refused(folder: RunFolder) -> None:
    with pytest.raises(IncompatibleRun, match="resuming is off"):
        RunFolder.open(folder.path, IDENTITY, resume=False)


def test_a_folder_with_something_else_is_refused(tmp_path: Path, refuses: Any) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    refuses(lambda: RunFolder.open(tmp_path, IDENTITY, resume=True), "out", "a new folder, or one that holds a run")
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_broken_or_missing_manifest(folder: RunFolder, tmp_path: Path) -> None:
    folder.manifest_path.write_text("{")
    with pytest.raises(InputError, match=r"manifest\.json: found .*; allowed: a run folder made by riskfund"):
        folder.manifest()
    with pytest.raises(
        InputError, match="found 'no such file or folder'; allowed: a run folder made by riskfund"
    ) as caught:
        RunFolder(tmp_path / "nowhere").manifest()
    assert "Errno" not in str(caught.value) and "没有这个文件" in error(caught.value, Words("zh"))


def test_what_a_killed_process_left_behind_is_cleared(folder: RunFolder) -> None:
    part = folder.part("histories", "main", 0)
    part.parent.mkdir(parents=True)
    stale = part.with_suffix(".123.tmp")
    stale.write_bytes(b"half a file")
    opening = folder.path / "opening-base.123.tmp"
    opening.mkdir()
    (opening / "opening-base.parquet").write_bytes(b"half a file")
    os.utime(opening, (0, 0))
    fresh = part.with_suffix(".124.tmp")
    fresh.write_bytes(b"another process is writing this")
    os.utime(stale, (0, 0))
    assert not folder.has_batch("main", 0, TABLES)
    RunFolder.open(folder.path, IDENTITY, resume=True)
    assert not stale.exists() and not opening.exists() and fresh.exists()


def test_reading_is_in_order_and_only_what_was_asked_for(folder: RunFolder) -> None:
    folder.write_part("histories", "main", 1, frame(BATCH), [{"replication": 60}])
    folder.write_part("histories", "main", 0, frame(0), [{"replication": 7}])
    assert folder.read("histories", "main", 70)["replication"].tolist() == list(range(70))
    assert folder.read("histories", "main", 30)["replication"].tolist() == list(range(30))
    assert folder.failures("main", 100) == [{"replication": 7}, {"replication": 60}]
    assert folder.failures("main", 50) == [{"replication": 7}]


def test_a_batch_in_which_everything_failed(folder: RunFolder) -> None:
    empty = pd.DataFrame({"replication": pd.Series(dtype="int64")})
    folder.write_part("histories", "main", 0, empty, [])
    folder.write_part("histories", "main", 1, frame(BATCH), [])
    assert len(folder.read("histories", "main", 2 * BATCH)) == BATCH


def test_equal_batches_are_equal_bytes(folder: RunFolder) -> None:
    folder.write_part("histories", "main", 0, frame(0), [])
    first = folder.part("histories", "main", 0).read_bytes()
    folder.write_part("histories", "main", 0, frame(0), [])
    assert folder.part("histories", "main", 0).read_bytes() == first


def test_an_opening_is_kept_once(folder: RunFolder, opening: Any) -> None:
    path = folder.save_opening("base", opening)
    before = path.read_bytes()
    assert folder.save_opening("base", opening) == path
    assert path.read_bytes() == before
    assert not list(folder.path.rglob("*.tmp"))


def test_an_opening_is_whole_or_not_there(folder: RunFolder, opening: Any) -> None:
    """A state of two files leaves both under their names, and nothing half-written."""

    class TwoFiles:
        def save(self, path: Path) -> None:
            opening.save(path)
            path.with_name(f"{path.stem}-households.parquet").write_bytes(b"people")

    path = folder.save_opening("base", TwoFiles())  # type: ignore[arg-type]
    assert sorted(p.name for p in folder.path.iterdir()) == [
        "manifest.json",
        "opening-base-households.parquet",
        "opening-base.parquet",
    ]
    assert path.name == "opening-base.parquet"


def test_the_manifest_is_replaced_in_one_step(folder: RunFolder) -> None:
    folder.write_manifest({"identity": IDENTITY, "complete_to": 50})
    assert json.loads(folder.manifest_path.read_text())["complete_to"] == 50
    assert not list(folder.path.rglob("*.tmp"))


def test_a_list_for_people_stands_beside_the_manifest(folder: RunFolder) -> None:
    folder.write_list("list.csv", pd.DataFrame({"township": ["第一镇"], "loan": [2**62]}))
    data = (folder.path / "list.csv").read_bytes()
    assert data == "\ufefftownship,loan\n第一镇,4611686018427387904\n".encode()
    assert not list(folder.path.glob("*.tmp"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"identity": 1, "complete_to": 5}', "another kind"),
        ('{"identity": {"kind": "size"}, "complete_to": "5"}', "another kind"),
        ('{"identity": {"kind": "size", "seed": 1', "delimiter"),
        ('{"identity": {"kind": "size", "seed": 1, "opening_sha256": ""}, "complete_to": 5}', "scenario"),
    ],
)
def test_a_damaged_manifest_is_one_clear_line(tmp_path: Path, refuses: Any, text: str, said: str) -> None:
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    refuses(lambda: sim.read_answer(tmp_path), "manifest.json", "run", where=str(tmp_path))
    with pytest.raises(InputError, match=said):
        sim.read_answer(tmp_path)


@pytest.mark.parametrize("name", ["plan.parquet", "histories/main/part-00000.parquet"])
def test_a_truncated_file_is_one_clear_line(folder: RunFolder, refuses: Any, name: str) -> None:
    """With the file and what to do."""
    folder.write_part("histories", "main", 0, pd.DataFrame({"replication": np.arange(50), "x": np.ones(50)}), [])
    folder.write_plan(Plan(np.arange(50), np.zeros(50, dtype=np.int64), np.ones(1), None))
    path = folder.path / name
    path.write_bytes(path.read_bytes()[:100])
    refuses(lambda: folder.read("histories", "main", 50), name, "makes it again", where=str(folder.path))
