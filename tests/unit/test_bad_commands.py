"""What is refused before anything runs: one clear line, and the documented exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import sim
from cli.main import app
from sim.errors import IncompatibleRun, InputError


def stopped_by(*words: str) -> Exception:
    """The error that a command ends with."""
    found = CliRunner().invoke(app, [*words, "--lang", "en"])
    assert isinstance(found.exception, InputError | IncompatibleRun), found.output
    return found.exception


@pytest.mark.parametrize("budget", ["inf", "nan", "-1", "0", "1e30"])
def test_a_budget_is_a_sum_of_money(budget: str) -> None:
    """Planted bug: "above 0" alone lets infinity through."""
    assert "budget: found" in str(stopped_by("solve", "x-county", f"--budget={budget}"))


@pytest.mark.parametrize("assurance", ["0", "1", "-0.5", "1.5", "nan"])
@pytest.mark.parametrize(
    "command", [("size", "x-county"), ("solve", "x-county", "--budget", "1e6"), ("compare", "x-county", "x-county")]
)
def test_an_assurance_is_between_nothing_and_all(command: tuple[str, ...], assurance: str) -> None:
    assert "assurance: found" in str(stopped_by(*command, f"--assurance={assurance}"))


@pytest.mark.parametrize("precision", ["0", "0%", "-2%", "inf", "nan", "100%"])
def test_a_precision_is_above_nothing(precision: str) -> None:
    assert "precision: found" in str(stopped_by("size", "x-county", f"--precision={precision}"))


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """A folder that says what it was made with, and holds nothing."""
    identity = {
        "kind": "size",
        "seed": 5,
        "opening_sha256": "0",
        "scenario": sim.scenario("x-county").model_dump(mode="json"),
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"identity": identity, "complete_to": 100}), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("option", ["--seed=7", "--set=defaults.anchor=high", "--out=other", "--resume=no"])
def test_a_stored_run_is_explained_as_it_was_made(stored: Path, option: str) -> None:
    """Planted bug: the option is not looked at, and the stored seed answers in place of the one asked for."""
    assert "with a stored run: it is what it was made with" in str(stopped_by("explain", str(stored), option))


def test_more_histories_than_a_stored_run_has_are_refused(stored: Path) -> None:
    assert "a run with 200 finished histories" in str(stopped_by("explain", str(stored), "--replications=200"))


def test_a_stored_run_is_compared_on_its_own_seed(stored: Path, monkeypatch: Any) -> None:
    """Planted bug: the default seed in place of the run's."""
    asked: list[int] = []

    def run(*_: Any, seed: int, **__: Any) -> None:
        asked.append(seed)
        raise InputError("command", "run", seed, "nothing: it is only asked")

    monkeypatch.setattr(sim, "run", run)
    stopped_by("compare", str(stored), "x-county")
    assert asked == [5]
    assert "the seed of" in str(stopped_by("compare", str(stored), "x-county", "--seed=6"))
    assert asked == [5]


def test_a_checked_scenario_may_not_lend_what_its_pack_forbids(tmp_path: Path) -> None:
    """Planted bug: check looks at the file alone, and the six-year term is refused only when the run begins."""
    path = tmp_path / "six-years.toml"
    path.write_text('extends = "x-county"\n[lending.term_months]\n72 = 1.0\n', encoding="utf-8")
    assert "found 72; allowed: at most 36 (loan.term_max_months, X county regulation, art. 10)" in str(
        stopped_by("check", str(path))
    )
