"""A sized county whose names a spreadsheet would run, with its exports; and runs in every state in which a page may find them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import sim
from dashboard import scenario_file
from dashboard.export import FORMATS, export
from sim.scenario import Scenario

PAYLOADS = ("=1+1", "+1+1", "-1+1", "@SUM(1+1)", "\t=1+1", "\r=1+1", "\0=1+1")
NASTY = '=HYPERLINK("http://x","<script>alert(\'x\')</script>")'


def _named(key: str, text: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "label": {"zh": text, "en": text}, **more}


@pytest.fixture(scope="session")
def nasty(small: Scenario) -> Scenario:
    """The small county with such names."""
    names = [*PAYLOADS, "\n=1+1", NASTY, "＝1+1", " =1+1", "plain"]
    townships = [_named(f"t{k:02d}", name) for k, name in enumerate(names)]
    lenders = [_named("rcc", "=1+1|cmd", sub_account_yuan=600_000), _named("psbc", NASTY, sub_account_yuan=200_000)]
    changes = {"townships": townships, "lenders": lenders, "title": {"zh": NASTY, "en": NASTY}}
    return small.with_changes(changes, "=cmd")


@pytest.fixture(scope="session")
def sized(nasty: Scenario, tmp_path_factory: pytest.TempPathFactory) -> sim.Answer:
    """Its answer from 80 histories."""
    return sim.size(nasty, replications=80, seed=7, workers=1, out=tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="session", params=["zh", "en"])
def lang(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def files(sized: sim.Answer, lang: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """All exports in one language, by the end of their names."""
    made = export(sized, FORMATS, lang, tmp_path_factory.mktemp(f"exports-{lang}"))
    stem = f"{sized.data['provenance']['result_number']}-95-{lang}"
    return {path.name.removeprefix(stem): path for path in made}


# --- pages ---------------------------------------------------------------------------------------------

N = 60


@pytest.fixture(scope="session")
def small_file(small: sim.Scenario, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small county as a file that a command takes; its title looks like a page's code."""
    titled = small.with_changes({"title": {"zh": "<script>alert(1)</script> **县**", "en": "<b>county</b> $x$"}})
    return scenario_file.save_whole(tmp_path_factory.mktemp("scenario") / "small.toml", titled)


@pytest.fixture(scope="session")
def shelf(small_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder with a sized run and a study."""
    runs = tmp_path_factory.mktemp("shelf") / "runs"
    loaded = sim.Scenario.load(str(small_file))
    sim.size(loaded, replications=N, workers=1, out=runs / "sized")
    dry = loaded.with_changes({"opening.drought": "dry"}, "dry")
    same = loaded.with_changes({}, "same")
    sim.run([loaded, dry, same], N, workers=1, out=runs / "study")
    return runs


@pytest.fixture
def shelves(shelf: Path, tmp_path: Path) -> Callable[[str], Path]:
    """The shelf in a state: ready, empty, stale, broken, half."""

    def make(state: str) -> Path:
        runs = tmp_path / "runs"
        runs.mkdir(exist_ok=True)
        if state == "empty":
            return runs
        for path in shelf.iterdir():
            if path.is_dir() and not path.name.startswith("."):
                shutil.copytree(path, runs / path.name)
        for path in runs.glob("*/manifest.json"):
            _spoil(path, state)
        return runs

    return make


def _spoil(path: Path, state: str) -> None:
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if state == "stale":
        manifest["identity"]["code_sha256"] = "0" * 64
    if state == "half":
        manifest["complete_to"] = 0
    path.write_text("{" if state == "broken" else json.dumps(manifest), encoding="utf-8")
