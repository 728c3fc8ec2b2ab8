"""The reference table: counties simulated at parameters drawn from what was believed before, row by row, kept in parts.

Row i is drawn by the address (seed, i) and simulated on luck of its own, so a part is the same file whoever makes it, and
an interrupted table goes on to the same one.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd

import sim
from calibration.fit_problem import CHUNK, Problem, read_problem
from calibration.moments import of_place, of_province
from sim.errors import IncompatibleRun, InputError, Interrupted
from sim.provenance import code_sha256
from sim.streams import entity_id
from sim.units import F64, I64

Progress = Callable[[int, int], None]
_MANIFEST = "table.json"
_MOST_SEED = 1_000_000_000  # of a warm-up: those of a table are other ones in each of its parts


def simulate_rows(
    problem: Problem, scores: F64, rows: I64, luck: str, only: tuple[str, ...] | None = None
) -> pd.DataFrame:
    """Simulate every place at each row's parameters, through the public entry point: one history a row and place.

    Parameters
    ----------
    scores : (n, n_parameters) float64
        Normal scores of the parameters; n is at most `CHUNK`.
    rows : (n,) int64
        Numbers of the rows.
    luck : str
        Names the luck: rows of the same name and number have the same.
    only : tuple of str, optional
        Places to simulate; default: all.

    Returns
    -------
    DataFrame
        A column for each parameter (its field) and each measure (``place.measure``).
    """
    values = problem.values(scores)
    out = {"row": rows, **{f: values[f].to_numpy() for f in values}}
    seed = entity_id("calibration", problem.name, problem.settings.seed, luck, int(rows[0])) >> 8
    with tempfile.TemporaryDirectory(prefix="riskfund-") as folder:
        draws = Path(folder) / "draws.csv"
        padded = np.resize(np.arange(len(rows)), CHUNK)  # whole batches
        values.iloc[padded].to_csv(draws, index=False)
        for place, scenario in problem.places.items():
            if only is not None and place not in only:
                continue
            past = {"opening.warm_up_seed": seed % _MOST_SEED} if scenario.opening.kind == "warm-up" else {}
            at_rows = scenario.with_changes({"posterior": {"file": str(draws)}, **past})
            results = sim.run(at_rows, CHUNK, seed=seed, workers=1, out=Path(folder) / place)
            if results.failures():
                raise RuntimeError(f"{place}: {results.failures()[0]}")
            out |= {key: found[: len(rows)] for key, found in of_place(place, results).items()}
    if only is None:
        out |= of_province(problem, values, rows)
    return pd.DataFrame(out)


def make_table(
    problem: Problem, folder: Path, *, workers: int | None = None, resume: bool = True, progress: Progress | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Simulate the rows that the folder does not hold yet, and read the whole table.

    Raises
    ------
    IncompatibleRun
        The folder holds a table of another problem, or one made by other code.
    Interrupted
    """
    open_folder(problem, folder, resume=resume)
    parts = problem.settings.rows // CHUNK
    todo = [k for k in range(parts) if not _part(folder, k).is_file()]
    report = progress or (lambda done, total: None)
    done = parts - len(todo)
    report(done * CHUNK, parts * CHUNK)
    workers = workers or os.cpu_count() or 1
    try:
        if workers == 1 or len(todo) <= 1:
            for k in todo:
                _make_part(problem, folder, k)
                done += 1
                report(done * CHUNK, parts * CHUNK)
        else:
            with ProcessPoolExecutor(
                min(workers, len(todo)), mp_context=get_context("spawn"), initializer=_quiet
            ) as pool:
                waiting = [pool.submit(_make_part_of, str(problem.file), str(folder), k) for k in todo]
                try:
                    for future in as_completed(waiting):
                        future.result()
                        done += 1
                        report(done * CHUNK, parts * CHUNK)
                except KeyboardInterrupt:
                    pool.shutdown(wait=True, cancel_futures=True)
                    raise
    except KeyboardInterrupt:
        raise Interrupted(str(folder), done * CHUNK, parts * CHUNK) from None
    return read_table(problem, folder)


def read_table(problem: Problem, folder: Path) -> pd.DataFrame:
    """All rows of a finished table.

    Raises
    ------
    InputError
        Some of its parts are missing.
    """
    open_folder(problem, folder, resume=True)
    paths = [_part(folder, k) for k in range(problem.settings.rows // CHUNK)]
    missing = sum(not p.is_file() for p in paths)
    if missing:
        allowed = (
            f"a finished table; {missing} of {len(paths)} parts are missing, riskfund calibrate {problem.name} goes on"
        )
        raise InputError(str(folder), "parts", len(paths) - missing, allowed)
    return pd.concat([pd.read_parquet(p) for p in paths], ignore_index=True)


def open_folder(problem: Problem, folder: Path, *, resume: bool) -> None:
    """Make the folder of a table, or take up one that holds the same.

    Raises
    ------
    IncompatibleRun, InputError
    """
    identity = {
        "problem": problem.name,
        "problem_sha256": problem.sha256,
        "code_sha256": code_sha256(),
        "rules_sha256": problem.rules,
        "chunk": CHUNK,
    }
    path = folder / _MANIFEST
    if path.is_file():
        found = json.loads(path.read_text(encoding="utf-8"))
        changed = [k for k in identity if found.get(k) != identity[k]]
        if changed:
            raise IncompatibleRun(
                f"{folder}: holds another table (differs in {', '.join(changed)}); choose another folder"
            )
        if not resume:
            raise IncompatibleRun(f"{folder}: holds this table already and resuming is off; choose another folder")
        return
    if folder.exists() and any(folder.iterdir()):
        raise InputError(str(folder), "out", str(folder), "a new folder, or one that holds a table of a calibration")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(identity, indent=1) + "\n", encoding="utf-8")


def _part(folder: Path, k: int) -> Path:
    return folder / f"part-{k:04d}.parquet"


def _make_part(problem: Problem, folder: Path, k: int) -> None:
    rows = np.arange(k * CHUNK, (k + 1) * CHUNK)
    frame = simulate_rows(problem, problem.prior_scores(rows), rows, "table")
    half = _part(folder, k).with_suffix(f".{os.getpid()}.tmp")
    frame.to_parquet(half, index=False)
    half.replace(_part(folder, k))


def _make_part_of(source: str, folder: str, k: int) -> None:
    _make_part(read_problem(source), Path(folder), k)


def _quiet() -> None:
    """Workers finish their part when the user presses Ctrl-C; the parent decides."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
