"""The runs of a folder as the pages see them: which there are, whether they can be read, and what they say."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

import sim
from dashboard.jobs import Jobs
from dashboard.words import Words
from sim.answers.outlook import account_parts
from sim.answers.sample import Sample
from sim.errors import RiskfundError
from sim.provenance import VERSION, code_sha256, rules_sha256
from sim.scenario import Scenario
from sim.sizing import finished_histories
from sim.store import RunFolder
from sim.study import Results
from sim.units import F64

KINDS = ("size", "study", "grid")


@dataclass(frozen=True)
class Run:
    """One run folder.

    Parameters
    ----------
    kind : str
        "size", "study" or "grid"; "" where the folder cannot be read.
    state : {"ready", "running", "unfinished", "stale", "broken"}
    n : int
        Finished histories.
    sha : str
        Of the manifest: what was read from it holds as long as it is the same.
    changed : str
        Of a stale run: "version", "code_sha256" or "rules_sha256".
    problem : str
        Of a broken run: what is wrong, in English.
    """

    path: Path
    kind: str
    scenario: str
    title: dict[str, str]
    year: int
    n: int
    seed: int
    made: dt.datetime
    sha: str
    state: str
    is_demonstration: bool = True
    changed: str = ""
    problem: str = ""

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.path.name

    def label(self, w: Words) -> str:
        """As a list shows it."""
        title = (self.title.get(w.lang) or self.scenario) if self.scenario else self.name
        if self.state == "broken":
            return w("{title}: cannot be read", title=title)
        number = [w("{n} histories", n=w.number(self.n))] if self.n else []  # none are told before the end
        return " · ".join([title, str(self.year), *number, f"{self.made:%m-%d %H:%M}"])


def runs_in(folder: Path, jobs: Jobs | None = None) -> list[Run]:
    """Runs of a folder, the newest first; a folder in which nothing has been run is empty."""
    if not folder.is_dir():
        return []
    busy = {job.out for job in jobs.all() if job.is_open} if jobs is not None else set()
    found = [described(path, is_busy=str(path) in busy) for path in folder.iterdir() if _is_run(path)]
    return sorted(found, key=lambda run: run.made, reverse=True)


def _is_run(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".") and (path / "manifest.json").exists()


def described(path: Path, *, is_busy: bool = False) -> Run:
    """What a run folder is; it never fails."""
    manifest = path / "manifest.json"
    try:
        raw, made = manifest.read_bytes(), dt.datetime.fromtimestamp(manifest.stat().st_mtime)
    except OSError as error:
        return Run(path, "", "", {}, 0, 0, 0, dt.datetime.fromtimestamp(0), "", "broken", problem=str(error))
    run = _read(str(path), raw, made)
    if is_busy and run.state in ("ready", "unfinished", "stale"):
        return _with(run, "running")
    return run


def _read(path: str, raw: bytes, made: dt.datetime) -> Run:
    sha = hashlib.sha256(raw).hexdigest()
    about = _about(path, sha, raw)
    return Run(Path(path), made=made, sha=sha, **about)


@st.cache_data(show_spinner=False, max_entries=500)
def _about(path: str, sha: str, _raw: bytes) -> dict[str, Any]:
    """What a manifest says, read once."""
    nothing = {"kind": "", "scenario": "", "title": {}, "year": 0, "n": 0, "seed": 0, "state": "broken"}
    try:
        manifest = json.loads(_raw.decode("utf-8"))
        identity = manifest["identity"]
        kind = str(identity["kind"])
        first = identity["scenario"] if kind == "size" else identity.get("scenario") or identity["scenarios"][0]
        scenario = Scenario.from_dict(first, path)
    except RiskfundError as error:
        return {**nothing, "problem": str(error)}
    except (ValueError, KeyError, TypeError, IndexError) as error:
        return {**nothing, "problem": f"manifest.json: {type(error).__name__}: {error}"}
    about = {
        "kind": kind if kind in KINDS else "", "scenario": scenario.name, "title": scenario.title.model_dump(),
        "is_demonstration": scenario.is_demonstration, "year": scenario.sized_year,
        "n": int(manifest.get("complete_to", 0)), "seed": int(identity.get("seed", 0)),
    }  # fmt: skip
    if kind == "study":
        about["title"] = _study_title(identity)
    changed = _changed(identity, scenario)
    return {**about, "changed": changed, "state": "stale" if changed else "ready" if about["n"] else "unfinished"}


def _study_title(identity: dict[str, Any]) -> dict[str, str]:
    scenarios = identity["scenarios"]
    titles = [s.get("title") or {} for s in scenarios]
    names = identity.get("names") or [s["name"] for s in scenarios]
    are_apart = len({t.get("en") for t in titles}) == len(titles)
    return {
        lang: " / ".join((t.get(lang) if are_apart else "") or n for t, n in zip(titles, names, strict=True))
        for lang in ("zh", "en")
    }


def _changed(identity: dict[str, Any], scenario: Scenario) -> str:
    """What is another today than when the run was made, "" where nothing is."""
    try:
        rules = rules_sha256(scenario)
    except OSError:
        rules = ""
    today = {"version": VERSION, "code_sha256": code_sha256(), "rules_sha256": rules}
    return next((what for what, value in today.items() if identity.get(what) != value), "")


def _with(run: Run, state: str) -> Run:
    return Run(**{**run.__dict__, "state": state})


# --- what runs say -----------------------------------------------------------------------------------


def answer_of(run: Run, assurance: float = 0.95) -> sim.Answer:
    """The answer of a run; of an unfinished one the draft that its finished histories give.

    Raises
    ------
    RiskfundError
    """
    n = run.n or draft_histories(run)
    return _answer(str(run.path), run.sha, assurance, n if run.n == 0 else None)


def draft_histories(run: Run) -> int:
    """Histories that all arms of an unfinished run have."""
    try:
        return finished_histories(run.path)
    except RiskfundError:
        return 0


@st.cache_data(show_spinner=False, max_entries=24)
def _answer(path: str, sha: str, assurance: float, n: int | None) -> sim.Answer:
    return sim.read_answer(Path(path), assurance, n)


@dataclass(frozen=True)
class Stored:
    """Histories of the main arm, kept in memory and never changed: sliders read them."""

    sample: Sample
    parts: F64


def stored(answer: sim.Answer, sha: str) -> Stored:
    """Histories of an answer's main arm; every page and session shares one copy."""
    return _stored(str(answer.folder), sha, answer.data["replications"], answer.scenario)


@st.cache_resource(show_spinner=False, max_entries=6)
def _stored(path: str, sha: str, n: int, _scenario: Scenario) -> Stored:
    return Stored(Sample.of(RunFolder(Path(path)), "main", n), account_parts(_scenario))


@st.cache_data(show_spinner=False, max_entries=6)
def _table(path: str, sha: str, table: str, n: int) -> pd.DataFrame:
    return RunFolder(Path(path)).read(table, "main", n)


def table_of(answer: sim.Answer, sha: str, table: str) -> pd.DataFrame:
    """Months or townships of the main arm."""
    return _table(str(answer.folder), sha, table, answer.data["replications"])


def results_of(run: Run) -> Results:
    """A stored study.

    Raises
    ------
    RiskfundError
    """
    return sim.read_results(run.path)


@st.cache_data(show_spinner=False, max_entries=24)
def differences_of(path: str, sha: str, assurance: float) -> list[dict[str, Any]]:
    """Paired differences of a study to its first scenario."""
    return sim.read_results(path).compare(assurance=assurance)
