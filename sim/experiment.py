"""Many histories of several arms, over any executor, streamed to a run folder; failures are isolated."""

from __future__ import annotations

import os
import signal
import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from sim import arrears, clock, margin, outcomes, parameters, reacting, years
from sim.errors import IncompatibleRun, InputError, Interrupted
from sim.opening import OpeningState
from sim.parameters import N_POINTS, Changes
from sim.replication import prepare, simulate
from sim.sampling import Plan
from sim.scenario import Scenario
from sim.store import BATCH, RunFolder
from sim.world import Setup, World

Redraws = Literal["nothing", "households", "all luck"]
_NO_FILE = ("", "")  # of an opening state that no history of the run starts from
_ANEW = 1_000_000  # number of a history's second luck, after its own

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Arm:
    """One scenario from its opening state to one horizon.

    Attributes
    ----------
    openings : tuple of str
        Names of opening states; see `turn_of` for that of a history. There is one of them, unless the opening is
        stationary or made by parameters that are uncertain.
    points : tuple of dict
        Changes of the scenario's fields where parameters are uncertain; see `parameters.point_of`.
    redraws : {"nothing", "households", "all luck"}
        What is drawn anew beside the main arm: the households' luck, or that which is common as well.
    is_main : bool
        Also keep the monthly table, the lenders' yearly one and the grid of fund sizes.
    keeps_defaults : bool
        Also keep the list of defaulted loans of the sized year.
    n_years : int
        Years from the sized one on of which the main tables tell the need; more than the usual four by term as well.
    """

    name: str
    scenario: Scenario
    openings: tuple[str, ...]
    last_day: int
    is_main: bool
    keeps_defaults: bool = False
    points: tuple[Changes, ...] = ()
    redraws: Redraws = "nothing"
    n_years: int = years.N_YEARS

    @property
    def tables(self) -> tuple[str, ...]:
        """Tables that each batch of the arm writes."""
        of_main = ("months", "arrears", "lenders")
        more = (*((table, self.is_main) for table in of_main), ("defaults", self.keeps_defaults))
        return ("histories", "townships", *(table for table, is_kept in more if is_kept))


@dataclass(frozen=True)
class Task:
    """One batch of one arm: plain values, so that any executor can carry it."""

    arm: str
    batch: int
    replications: tuple[int, ...]
    folder: str
    seed: int
    scenario: str  # JSON
    points: tuple[Changes, ...]
    openings: tuple[tuple[str, str], ...]  # file and hash
    last_day: int
    is_main: bool
    keeps_defaults: bool
    redraws: Redraws
    n_years: int


def run_arms(
    arms: list[Arm], n: int, seed: int, folder: RunFolder, openings: dict[str, OpeningState], *,
    workers: int | None = None, executor: Executor | None = None, progress: Progress | None = None,
) -> None:  # fmt: skip
    """Run ``n`` histories of each arm; batches that the folder holds are not run again.

    Parameters
    ----------
    arms : list of Arm
    n : int
        Histories of each arm.
    seed : int
    folder : RunFolder
    openings : dict of name -> OpeningState
    workers : int, optional
        Local processes; 1 stays in this process. Default: the number of cores.
    executor : concurrent.futures.Executor, optional
        Any other executor in their place (a cluster's, for example). It must see the same folder.
    progress : callable (done, total), optional

    Raises
    ------
    InputError
        No histories asked for, or no workers; more or fewer than the folder's plan can give.
    """
    check_amounts(n, workers)
    workers = workers or os.cpu_count() or 1
    batches = -(-n // BATCH)
    total = batches * len(arms) * BATCH
    plan = folder.plan()
    if plan is not None:
        plan.check(n)
    order = _order(plan, batches)
    tables = {arm.name: arm.tables for arm in arms}
    tasks = [
        task for task in tasks_of(arms, order, folder, seed, openings) if not folder.has_batch(task.arm, task.batch, tables[task.arm])
    ]  # fmt: skip
    effort = {arm.name: _effort(arm) for arm in arms}
    whole = batches * sum(effort.values())
    spent = whole - sum(effort[task.arm] for task in tasks)

    def done() -> int:
        """Histories of average effort, so that the share done is the share of the time."""
        return round(total * spent / whole)

    report = progress or (lambda done, total: None)
    report(done(), total)
    if not tasks:
        return
    own = None
    if executor is None and (workers == 1 or len(tasks) == 1):
        executor = _Here()
    elif executor is None:
        own = executor = ProcessPoolExecutor(
            min(workers, len(tasks)), mp_context=get_context("spawn"), initializer=_ignore_interrupt
        )
    try:
        queue = iter(tasks)
        pending: set[Future[None]] = set()
        pending_of: dict[Future[None], str] = {}
        while True:
            # a few tasks ahead, so that an interrupt does not wait for all of them
            for task in islice(queue, max(2 * workers - len(pending), 0)):
                future = executor.submit(work, task)
                pending.add(future)
                pending_of[future] = task.arm
            if not pending:
                break
            finished, pending = wait(pending, return_when=FIRST_COMPLETED)
            for future in finished:
                spent += effort[pending_of.pop(future)]
                future.result()
                report(done(), total)
    except KeyboardInterrupt:
        raise Interrupted(str(folder.path), done(), total) from None
    finally:
        if own is not None:
            own.shutdown(wait=True, cancel_futures=True)


def _effort(arm: Arm) -> float:
    """How long a history of the arm takes, in some unit: a start, its months, and the main arm's tables and sizes."""
    months = (arm.last_day - clock.day_of(arm.scenario.information_on)) / 30
    return (months + 12) * (1.4 if arm.is_main else 1.0)


def tasks_of(
    arms: list[Arm], order: list[tuple[int, ...]], folder: RunFolder, seed: int, openings: dict[str, OpeningState]
) -> Iterator[Task]:  # fmt: skip
    """Every batch of every arm; the opening states are kept in the folder first.

    Batch by batch through all arms; but arm by arm where an arm has many setups, one for each point of its parameters: a
    worker keeps those of one arm.
    """
    files = {name: (str(folder.save_opening(name, state)), state.sha256) for name, state in openings.items()}
    texts = {arm.name: arm.scenario.model_dump_json() for arm in arms}
    pairs = [(b, arm) for b in range(len(order)) for arm in arms]
    if any(arm.points for arm in arms):
        pairs = [(b, arm) for arm in arms for b in range(len(order))]
    for b, arm in pairs:
        yield Task(arm.name, b, order[b], str(folder.path), seed, texts[arm.name], arm.points,
                   tuple(files.get(o, _NO_FILE) for o in arm.openings), arm.last_day, arm.is_main, arm.keeps_defaults, arm.redraws, arm.n_years)  # fmt: skip


def _order(plan: Plan | None, batches: int) -> list[tuple[int, ...]]:
    """Histories of each batch."""
    rows = np.arange(batches * BATCH) if plan is None else plan.replication[: batches * BATCH]
    return [tuple(rows[b * BATCH : (b + 1) * BATCH].tolist()) for b in range(batches)]


def check_amounts(n: int, workers: int | None) -> None:
    """Refuse a run without histories or without workers, before anything is written.

    Raises
    ------
    InputError
    """
    for field, value in (("replications", n), ("workers", workers)):
        if value is not None and value < 1:
            raise InputError("command", field, value, "1 or more")


class _Here(Executor):
    """An executor that does the work at once, in this process."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def work(task: Task) -> None:
    """Run one batch and write its files. A history that fails is recorded with its address."""
    rows: list[dict[str, Any]] = []
    months: list[pd.DataFrame] = []
    unpaid: list[pd.DataFrame] = []
    lenders: list[pd.DataFrame] = []
    places: list[pd.DataFrame] = []
    defaults: list[pd.DataFrame] = []
    failed: list[dict[str, Any]] = []
    for replication in task.replications:
        setup = setup_of(task, replication)
        try:
            world = _simulate(task, setup, replication)
            row = outcomes.summary(setup, world) | {"replication": replication}
            places.append(pd.DataFrame(outcomes.townships(setup, world)))
            if task.is_main:
                row |= reacting.sweep(setup, world) | years.by_year(setup, world, task.n_years)
                row |= years.cut_off(setup, world) | years.cut_off_by_township(setup, world)
                months.append(pd.DataFrame(outcomes.months(setup, world)))
                unpaid.append(pd.DataFrame(arrears.by_year(setup, world)))
                lenders.append(pd.DataFrame(margin.lender_years(setup, world)))
            if task.keeps_defaults:
                defaults.append(pd.DataFrame(outcomes.defaults(setup, world)))
            rows.append(row)
        except (OSError, MemoryError):
            raise  # of the machine, not of this history: the batch is run again
        except Exception as error:
            failed.append({
                "arm": task.arm, "seed": task.seed, "replication": replication,
                "error": f"{type(error).__name__}: {error}", "where": traceback.format_exc(limit=-2),
            })  # fmt: skip
    folder = RunFolder(Path(task.folder))
    nothing = pd.DataFrame({"replication": pd.Series(dtype="int64")})
    if task.is_main:
        folder.write_part("months", task.arm, task.batch, pd.concat(months or [nothing], ignore_index=True), [])
        folder.write_part("arrears", task.arm, task.batch, pd.concat(unpaid or [nothing], ignore_index=True), [])
        folder.write_part("lenders", task.arm, task.batch, pd.concat(lenders or [nothing], ignore_index=True), [])
    if task.keeps_defaults:
        folder.write_part("defaults", task.arm, task.batch, pd.concat(defaults or [nothing], ignore_index=True), [])
    folder.write_part("townships", task.arm, task.batch, pd.concat(places or [nothing], ignore_index=True), [])
    folder.write_part("histories", task.arm, task.batch, pd.DataFrame(rows) if rows else nothing, failed)


_SETUPS: OrderedDict[tuple[Any, ...], Setup] = OrderedDict()  # the last ones used
_KEPT = N_POINTS + 16  # all points of one arm, and the setups of arms that have but one


def _simulate(task: Task, setup: Setup, replication: int) -> World:
    anew = replication + _ANEW
    if task.redraws == "nothing":
        return simulate(setup, replication)
    return simulate(setup, anew, common=replication if task.redraws == "households" else anew)


def turn_of(replication: int, n_openings: int, n_points: int) -> int:
    """Which of the opening states a history starts from: that of its point, or, without points, each in turn."""
    if n_points and n_openings > 1:
        return int(parameters.point_of(np.array(replication), n_openings))
    return replication % n_openings


def setup_of(task: Task, replication: int) -> Setup:
    """This process's setup for a history of an arm, kept by what it is made of."""
    n_points = len(task.points)
    path, sha256 = task.openings[turn_of(replication, len(task.openings), n_points)]
    change = task.points[turn_of(replication, n_points, n_points)] if task.points else None
    key = (task.seed, task.scenario, repr(change), sha256, task.last_day)
    if key in _SETUPS:
        _SETUPS.move_to_end(key)
    else:
        opening = _opening(path, sha256)
        if opening.sha256 != sha256:
            raise IncompatibleRun(f"{path}: is not the opening state of this run any more; choose another folder")
        scenario = Scenario.model_validate_json(task.scenario)
        if change is not None:
            scenario = parameters.at(scenario, change)
        _SETUPS[key] = prepare(scenario, task.seed, opening, task.last_day)
        if len(_SETUPS) > _KEPT:
            _SETUPS.popitem(last=False)
    return _SETUPS[key]


@lru_cache(maxsize=2)
def _opening(path: str, sha256: str) -> OpeningState:
    """An opening state as its file has it; the setups of many points start from one. The hash tells it from others there."""
    return OpeningState.load(Path(path))


def _ignore_interrupt() -> None:
    """Workers finish their batch when the user presses Ctrl-C; the parent decides."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
