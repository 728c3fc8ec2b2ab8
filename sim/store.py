"""Run folders: one Parquet file a batch as it comes, and a manifest that says whether the run is complete."""

from __future__ import annotations

import functools
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sim.errors import IncompatibleRun, InputError, reason_of
from sim.estimate import Points, Strata
from sim.opening import OpeningState
from sim.parameters import shared
from sim.sampling import Plan
from sim.scenario import Scenario
from sim.units import I64, Bool

BATCH = 50  # histories in one file; fixed, so that a batch is the same file on any number of workers
_FAILED = b"riskfund.failed"
_AGAIN = "a readable file; the command that made the run makes it again"
_STALE = 3600  # seconds: no batch takes that long to write


@dataclass(frozen=True)
class RunFolder:
    """A run folder on disk."""

    path: Path

    @staticmethod
    def open(path: Path, identity: dict[str, Any], *, resume: bool) -> RunFolder:
        """Create the folder, or take up one that holds the same run.

        Raises
        ------
        IncompatibleRun
            The folder holds another run, or one that may not be resumed.
        InputError
            The folder holds something else.
        """
        folder = RunFolder(path)
        if path.exists() and not path.is_dir():
            raise InputError(str(path), "out", str(path), "a folder, not a file")
        if path.exists() and any(path.iterdir()):
            if not folder.manifest_path.is_file():
                raise InputError(str(path), "out", str(path), "a new folder, or one that holds a run")
            found = folder.manifest()
            plain = json.loads(json.dumps(identity))
            if found["identity"] != plain:
                changed = [k for k in plain if found["identity"].get(k) != plain[k]]
                raise IncompatibleRun(
                    f"{path}: holds another run (differs in {', '.join(changed)}); choose another folder"
                )
            if not resume:
                raise IncompatibleRun(f"{path}: holds this run already and resuming is off; choose another folder")
            folder.write_manifest(found)
            now = folder.manifest_path.stat().st_mtime
            for half in path.rglob("*.tmp"):  # another process may be writing its own right now
                if now - half.stat().st_mtime > _STALE:
                    shutil.rmtree(half) if half.is_dir() else half.unlink(missing_ok=True)
        else:
            try:
                path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise InputError(str(path), "out", reason_of(error), "a folder that can be written") from None
            folder.write_manifest({"identity": identity, "complete_to": 0})
        return folder

    def inside(self, name: str) -> RunFolder:
        """A folder for runs that only prepare this one."""
        folder = RunFolder(self.path / name)
        folder.path.mkdir(exist_ok=True)
        return folder

    @property
    def manifest_path(self) -> Path:
        """Where the manifest stands."""
        return self.path / "manifest.json"

    def manifest(self) -> dict[str, Any]:
        """The manifest.

        Raises
        ------
        InputError
        """
        try:
            out: dict[str, Any] = json.loads(self.manifest_path.read_text(encoding="utf-8"))
            if not isinstance(out["identity"], dict) or not isinstance(out["complete_to"], int):
                raise TypeError("identity or complete_to of another kind")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                str(self.path), "manifest.json", reason_of(error), "a run folder made by riskfund"
            ) from None
        return out

    def stored(self, kind: str, made_by: str, *needed: str) -> tuple[dict[str, Any], int]:
        """What a run of one kind was made with, and how many histories it has.

        Raises
        ------
        InputError
            A run of another kind, or a manifest in which something is missing.
        """
        manifest = self.manifest()
        identity = manifest["identity"]
        if identity.get("kind") != kind:
            raise InputError(str(self.path), "kind", identity.get("kind"), made_by)
        for name in (*needed, "seed", "opening_sha256"):
            if name not in identity:
                raise InputError(str(self.path), "manifest.json", name, _AGAIN)
        return identity, int(manifest["complete_to"])

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        """Replace the manifest in one step."""
        write_whole(self.manifest_path, json.dumps(manifest, indent=1, ensure_ascii=False).encode())

    def complete(self, n: int) -> None:
        """Note that the first n histories are there."""
        manifest = self.manifest()
        self.write_manifest({**manifest, "complete_to": max(manifest["complete_to"], n)})

    def write_list(self, name: str, frame: pd.DataFrame) -> None:
        """Write a list for people beside the manifest, in one step; spreadsheets want the mark at its start."""
        write_whole(self.path / name, frame.to_csv(index=False, lineterminator="\n").encode("utf-8-sig"))

    def part(self, table: str, arm: str, batch: int) -> Path:
        """File of one batch of one table of one arm."""
        return self.path / table / arm / f"part-{batch:05d}.parquet"

    def write_part(self, table: str, arm: str, batch: int, frame: pd.DataFrame, failed: list[dict[str, Any]]) -> None:
        """Write one batch in one step, with the failures among its histories."""
        path = self.part(table, arm, batch)
        path.parent.mkdir(parents=True, exist_ok=True)
        data = pa.Table.from_pandas(frame, preserve_index=False)
        meta = {**(data.schema.metadata or {}), _FAILED: json.dumps(failed).encode()}
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        pq.write_table(data.replace_schema_metadata(meta), temporary, compression="zstd")
        temporary.replace(path)

    def has_batch(self, arm: str, batch: int, tables: Sequence[str]) -> bool:
        """Is this batch of an arm done: all its tables there and readable?"""
        for table in tables:
            try:
                pq.read_metadata(self.part(table, arm, batch))
            except (OSError, pa.ArrowException):
                return False
        return True

    def read(self, table: str, arm: str, n: int) -> pd.DataFrame:
        """One table of one arm: the first ``n`` histories, in order; of arms beside the main one as many as there are.

        Raises
        ------
        InputError
            A file of the run is missing or broken.
        """
        n = self.held(arm, n)
        frames = [self._read_part(table, arm, b) for b in range(-(-n // BATCH))]
        frame = pd.concat([f for f in frames if len(f)] or frames, ignore_index=True)
        return frame[self._among_the_first(frame["replication"].to_numpy(), n)].reset_index(drop=True)

    def failures(self, arm: str, n: int) -> list[dict[str, Any]]:
        """Histories of an arm that failed, with their addresses."""
        out: list[dict[str, Any]] = []
        n = self.held(arm, n)
        for batch in range(-(-n // BATCH)):
            path = self.part("histories", arm, batch)
            try:
                meta = pq.read_schema(path).metadata or {}
            except (OSError, pa.ArrowException) as error:
                raise self._broken(path, error) from None
            out += json.loads(meta.get(_FAILED, b"[]"))
        kept = self._among_the_first(np.array([f["replication"] for f in out], dtype=np.int64), n)
        return [f for f, is_kept in zip(out, kept, strict=True) if is_kept]

    def held(self, arm: str, n: int) -> int:
        """Histories of an arm, at most n: where only the main arm went on, the others stopped earlier."""
        if arm == "main" or not self.manifest_path.is_file():
            return n
        return min(n, int(self.manifest().get("beside_to", n)))

    def _among_the_first(self, replications: I64, n: int) -> Bool:
        """Which histories are among the first n of the run."""
        plan = self.plan()
        return replications < n if plan is None else np.isin(replications, plan.replication[:n])

    def plan(self) -> Plan | None:
        """Which histories the run has, where they were chosen by strata; None where they are 0, 1, 2, ..."""
        path = self.path / "plan.parquet"
        if not path.is_file():
            return None
        try:
            return _plan(path, path.stat().st_mtime_ns)
        except (OSError, KeyError, pa.ArrowException) as error:
            raise self._broken(path, error) from None

    def write_plan(self, plan: Plan) -> None:
        """Keep the plan, in one step."""
        temporary = self.path / f"plan.{os.getpid()}.tmp"
        plan.frame().to_parquet(temporary)
        temporary.replace(self.path / "plan.parquet")

    def strata(self, replications: I64) -> Strata | None:
        """What histories of the run have in common: their strata, or points of uncertain parameters; None if nothing."""
        plan = self.plan()
        if plan is None:
            return Strata.alike(self._points(replications))
        return plan.strata(replications, self._points(plan.replication))

    def _points(self, replications: I64) -> Points | None:
        """At which points of uncertain parameters histories of the run stand; None where every parameter is known."""
        identity = self.manifest()["identity"] if self.manifest_path.is_file() else {}
        raw = identity.get("scenario") or next(iter(identity.get("scenarios", ())), None)
        if not raw or not (raw.get("uncertain") or raw.get("posterior")):
            return None
        return shared(_scenario(json.dumps(raw)), int(identity["seed"]), replications)

    def _read_part(self, table: str, arm: str, batch: int) -> pd.DataFrame:
        path = self.part(table, arm, batch)
        try:
            frame = _part(path, path.stat().st_mtime_ns)
        except (OSError, pa.ArrowException) as error:
            raise self._broken(path, error) from None
        if "replication" not in frame:
            raise self._broken(path, KeyError("no column replication"))
        return frame

    def _broken(self, path: Path, error: Exception) -> InputError:
        what = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        return InputError(
            str(self.path),
            path.relative_to(self.path).as_posix(),
            what,
            _AGAIN,
        )

    def check_opening(self, name: str, state: OpeningState) -> None:
        """Refuse a folder whose opening state of this name is another one; one that is not there yet is none.

        Raises
        ------
        IncompatibleRun
        """
        path = self.path / f"opening-{name}.parquet"
        if path.is_file() and OpeningState.load(path).sha256 != state.sha256:
            raise IncompatibleRun(f"{path}: is not the opening state of this run any more; choose another folder")

    def save_opening(self, name: str, state: OpeningState) -> Path:
        """Keep the opening state beside the histories that start from it, its households in a second file."""
        path = self.path / f"opening-{name}.parquet"
        if not path.is_file():
            state.save(path)
        return path


@functools.lru_cache(maxsize=8)
def _plan(path: Path, written: int) -> Plan:
    """A plan as it was written at a moment: every table of a run is read by it."""
    return Plan.from_frame(pd.read_parquet(path))


@functools.lru_cache(maxsize=8)
def _scenario(raw: str) -> Scenario:
    """The scenario of a run, read once."""
    return Scenario.from_dict(json.loads(raw), "manifest.json")


@functools.lru_cache(maxsize=256)
def _part(path: Path, written: int) -> pd.DataFrame:
    """A batch as it was written at a moment: an answer reads the main arm's histories several times."""
    return pd.read_parquet(path)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file of which nobody ever sees a half."""
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_bytes(data)
    temporary.replace(path)
