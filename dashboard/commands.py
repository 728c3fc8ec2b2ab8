"""The commands that pages start: the ones that people type, so that a page and a terminal give the same run."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import sim
from dashboard.jobs import Job, Jobs
from sim.arms import arms_of
from sim.comparable import check_comparable
from sim.provenance import code_sha256, scenario_sha256
from sim.store import BATCH

SEED = 2027


def size(
    jobs: Jobs,
    scenario: str,
    n: int,
    lang: str,
    *,
    title: dict[str, str] | None = None,
    out: Path | None = None,
    seed: int = SEED,
) -> Job:
    """Size a scenario, by name or file."""
    loaded = sim.Scenario.load(scenario)
    folder = out or jobs.runs / f"{loaded.name}-{loaded.sized_year}-{_key('size', [loaded])}"
    words = ["size", scenario, *_common(n, folder, lang, seed)]
    name = title or loaded.title.model_dump()
    return jobs.submit("size", name, mechanism([loaded]), _command(words), folder, n, size_total(loaded, n))


def compare(jobs: Jobs, scenarios: Sequence[str], n: int, lang: str) -> Job:
    """Compare scenarios with the first one."""
    loaded = [sim.Scenario.load(name) for name in scenarios]
    for other in loaded[1:]:
        check_comparable(loaded[0], other)
    folder = jobs.runs / f"study-{loaded[0].name}-{_key('compare', loaded)}"
    words = ["compare", *scenarios, *_common(n, folder, lang)]
    title = {each: " / ".join(s.title.get(each) for s in loaded) for each in ("zh", "en")}
    return jobs.submit("compare", title, mechanism(loaded), _command(words), folder, n, compare_total(len(loaded), n))


def grid(jobs: Jobs, scenario: str, n: int, lang: str) -> Job:
    """The policy lab's grid of a scenario."""
    loaded = sim.Scenario.load(scenario)
    folder = jobs.runs / f"grid-{loaded.name}-{_key('grid', [loaded])}"
    words = ["grid", scenario, *_common(n, folder, lang)]
    total = compare_total(28, n)  # seven latenesses by four droughts
    return jobs.submit("grid", loaded.title.model_dump(), mechanism([loaded]), _command(words), folder, n, total)


def size_total(scenario: sim.Scenario, n: int) -> int:
    """Histories of all arms of a sizing run."""
    return len(arms_of(scenario, SEED)) * _in_batches(n)


def compare_total(arms: int, n: int) -> int:
    """Histories of all scenarios of a study."""
    return arms * _in_batches(n)


def mechanism(scenarios: Sequence[sim.Scenario]) -> str:
    """The slowest mechanism of default among them."""
    return "household" if any(s.livelihoods is not None for s in scenarios) else "reduced-form"


def as_typed(job: Job) -> str:
    """The command as one types it."""
    skipped = {"--progress", "json", "--json"}
    words = ["riskfund", *(word for word in job.command[3:] if word not in skipped)]
    return " ".join(json.dumps(word, ensure_ascii=False) if " " in word else word for word in words)


def _common(n: int, folder: Path, lang: str, seed: int = SEED) -> list[str]:
    return [
        "--replications", str(n), "--seed", str(seed), "--out", str(folder), "--progress", "json", "--json", "--lang", lang
    ]  # fmt: skip


def _command(words: list[str]) -> list[str]:
    return [sys.executable, "-m", "cli.main", *words]


def _in_batches(n: int) -> int:
    return -(-n // BATCH) * BATCH


def _key(kind: str, scenarios: Sequence[sim.Scenario]) -> str:
    """Names a folder by content, so that the same run asked for again goes on in it."""
    parts = [kind, str(SEED), code_sha256(), *(scenario_sha256(s) for s in scenarios)]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]
