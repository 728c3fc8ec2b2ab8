"""Sizing the fund of a year: run its arms into a folder, or read a folder that is there."""

from __future__ import annotations

from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np

from sim import clock, estimate
from sim.answers.answer import Answer, answer, headline, lasting_half_width
from sim.answers.drivers import ONLY_BECAUSE_LATE
from sim.arms import arms_of, horizon, known, openings_of, openings_of_main
from sim.drivers import present
from sim.errors import IncompatibleRun, InputError
from sim.experiment import Arm, Progress, check_amounts, run_arms
from sim.opening import OpeningState
from sim.planning import plan_run
from sim.precision import Precision
from sim.provenance import key_of, provenance
from sim.replication import prepare
from sim.sampling import Sampling
from sim.scenario import Scenario
from sim.store import BATCH, RunFolder
from sim.warmup import opening_state


def size(
    scenario: Scenario, *, year: int | None = None, assurance: float = 0.95, replications: int = 2000,
    seed: int = 2027, workers: int | None = None, out: Path | None = None, runs: Path = Path("runs"),
    resume: bool = True, executor: Executor | None = None, progress: Progress | None = None,
    sampling: Sampling | None = None, precision: Precision | None = None,
) -> Answer:  # fmt: skip
    """Size the fund of a year.

    Parameters
    ----------
    scenario : Scenario
    year : int, optional
        Year to size; the scenario's by default. The information date moves with it.
    assurance : float
        Share of equally likely years in which the fund is to be enough.
    replications, seed, workers
        Histories per arm, seed, local processes.
    out : Path, optional
        Run folder. By default a folder in ``runs`` named by content, where an interrupted run resumes.
    resume : bool
        False refuses a folder that holds this run already.
    executor : concurrent.futures.Executor, optional
    progress : callable (done, total), optional
    sampling : Sampling, optional
        Histories chosen by strata of common luck; by default all in order.
    precision : Precision, optional
        Histories are added until the need is as precise; ``replications`` are run before the first look.

    Returns
    -------
    Answer

    Raises
    ------
    InputError, TooFewHistories, IncompatibleRun
    """
    estimate.check_assurance(assurance)
    check_amounts(replications, workers)
    needed = estimate.needed_histories(assurance)
    if replications < needed:
        estimate.quantile(np.zeros(replications), assurance)  # says how many it takes
    scenario = for_year(scenario, year)
    opening = opening_state(known(scenario))
    refuse_early(scenario, opening)
    how = sampling or Sampling()
    how.check(replications)
    among = how.among(replications)
    openings = openings_of(scenario, seed, among)
    identity = {**provenance(scenario, opening.sha256, seed), "kind": "size", "batch": BATCH,
                "scenario": scenario.model_dump(mode="json"), **how.as_dict(assurance)}  # fmt: skip
    path = out or runs / f"{scenario.name}-{scenario.sized_year}-{key_of(identity)}"
    folder = RunFolder.open(path, identity, resume=resume)
    folder.check_opening("base", opening)
    arms = arms_of(scenario, seed, among)
    running: dict[str, Any] = {"workers": workers, "executor": executor, "progress": progress}
    plan_run(folder, arms[0], how, assurance, seed, openings, **running)
    n = _run(folder, scenario, arms, replications, assurance, seed, openings, how, precision, running)
    result = answer(folder, scenario, opening, n, assurance)
    if "late_subsidy" in present(scenario):
        folder.write_list(ONLY_BECAUSE_LATE, result.only_because_late())
    return result


def _run(
    folder: RunFolder, scenario: Scenario, arms: list[Arm], n: int, assurance: float, seed: int, openings: dict[str, OpeningState],
    how: Sampling, precision: Precision | None, running: dict[str, Any]
) -> int:  # fmt: skip
    """Run all arms, then the main one until the need is as precise as it is to be; its histories.

    The figures beside the headline stay those of the first look.
    """
    run_arms(arms, n, seed, folder, openings, **running)
    manifest = folder.manifest()
    if precision is not None or "beside_to" in manifest:
        folder.write_manifest({**manifest, "beside_to": max(manifest.get("beside_to", manifest["complete_to"]), n)})
    folder.complete(n)
    while precision is not None:
        head = headline(folder, n, assurance)
        more = precision.histories_more(head, n, lasting_half_width(head, folder, scenario, n, assurance))
        if more == 0:
            break
        n += more
        main = arms_of(scenario, seed, how.among(n))[0]
        openings |= openings_of_main(scenario, main.points, openings)
        run_arms([main], n, seed, folder, openings, **running)
        folder.complete(n)
    return n


def read_answer(path: Path | str, assurance: float = 0.95, replications: int | None = None) -> Answer:
    """The answer of a stored run, at any assurance, without simulating.

    Of an interrupted run a draft can be read, by naming as many histories as it has finished.

    Raises
    ------
    InputError
        Not a run folder, a run of another kind, or one that is not complete.
    """
    path = Path(path)
    folder = RunFolder(path)
    identity, complete = folder.stored("size", "a run made by `riskfund size`", "scenario")
    n = replications or complete
    is_draft = replications is not None and complete == 0  # of a run that was interrupted
    if not 1 <= n <= (finished_histories(path) if is_draft else complete):
        allowed = f"a run with {max(n, 1)} finished histories; the command that made it goes on from there"
        raise InputError(str(path), "finished histories", complete, allowed)
    estimate.check_assurance(assurance)
    scenario = Scenario.from_dict(identity["scenario"], str(path))
    opening = OpeningState.load(path / "opening-base.parquet")
    check_today(path, identity, scenario)
    if opening.sha256 != identity["opening_sha256"]:
        raise IncompatibleRun(f"{path}: opening-base.parquet is not the opening state of this run any more")
    return answer(folder, scenario, opening, n, assurance)


def finished_histories(path: Path) -> int:
    """Histories that every arm of a stored run has, of an interrupted run as well."""
    folder, identity = RunFolder(path), RunFolder(path).manifest()["identity"]
    if "scenario" not in identity:
        return 0
    arms = arms_of(Scenario.from_dict(identity["scenario"], str(path)), int(identity["seed"]))
    batch = 0
    while all(folder.has_batch(arm.name, batch, arm.tables) for arm in arms):
        batch += 1
    return batch * BATCH


def check_today(path: Path, identity: dict[str, Any], scenario: Scenario) -> None:
    """Refuse a stored run that today's code or rules would not make again.

    Raises
    ------
    IncompatibleRun
    """
    today = provenance(scenario, identity["opening_sha256"], int(identity["seed"]))
    for what in ("version", "code_sha256", "rules_sha256"):
        if identity.get(what) != today[what]:
            raise IncompatibleRun(
                f"{path}: {what} is another today than when this run was made; size the scenario again"
            )


def for_year(scenario: Scenario, year: int | None) -> Scenario:
    """The scenario sized for another year; a loan table fixes its own date and cannot move."""
    if year is None or year == scenario.sized_year:
        return scenario
    if scenario.opening.kind in ("table", "townships", "portfolio"):
        raise InputError(
            "command",
            "year",
            year,
            f"{scenario.sized_year}: the loan book of {scenario.name} is of {scenario.information_on}",
        )
    months = 12 * (year - scenario.sized_year)
    moved = clock.date_of(int(clock.add_months(np.array([clock.day_of(scenario.information_on)]), months)[0]))
    return scenario.with_changes({"sized_year": year, "information_on": moved})


def refuse_early(scenario: Scenario, opening: OpeningState) -> None:
    """Refuse what every history would refuse, before a folder is written."""
    refuse_empty(scenario, opening)
    if scenario.livelihoods is not None:
        prepare(scenario, 0, opening, horizon(scenario))


def refuse_empty(scenario: Scenario, opening: OpeningState) -> None:
    """An empty book needs nothing next year; say why instead of printing a zero."""
    if len(opening.loans) > 0 or (scenario.opening.kind == "portfolio" and scenario.opening.portfolio):
        return
    shortest = min(scenario.lending.term_months)
    raise InputError(
        scenario.name, "opening", scenario.opening.kind,
        f"a book with loans: with nothing lent on {scenario.information_on} the need of {scenario.sized_year} is nil, because "
        f"the shortest loan runs {shortest} months and the fund pays about half a year after maturity",
    )  # fmt: skip
