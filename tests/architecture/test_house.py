"""The house keeps its shape: public names, imports one way, law only in files, files of a readable length."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sim
from sim.law import load_pack, pack_names
from sim.law.rules import OPTIONAL, REQUIRED

ROOT = Path(sim.__file__).resolve().parents[1]
FILES = sorted((ROOT / "sim").rglob("*.py"))
NAMES = [str(p.relative_to(ROOT / "sim")) for p in FILES]

PUBLIC = [
    "ALLOCATIONS", "GRID_METRICS", "Answer", "ConservationError", "Estimate", "HouseholdMonth", "HouseholdStory", "IncompatibleRun", "InputError", "Pack", "Precision", "Results", "RiskfundError", "Rules",
    "SAMPLINGS", "Sampling", "Scenario", "Step", "TooFewHistories", "__version__", "as_if", "check_pairs", "for_year", "load_pack", "pack_names", "read_answer", "read_grid", "read_results", "run", "run_grid", "scenario",
    "scenario_names", "scenario_of", "seed_of", "size", "solve", "trace_history", "trace_household", "trace_unpaid", "what_differs",
]  # fmt: skip
# Institutions are processes, so these may know SimPy; households are arrays, so these few may know numba.
SIMPY = {
    "clock.py", "fiscal/office.py", "fiscal/treasury.py", "fund/account.py", "fund/meetings.py", "lending/lender.py",
}  # fmt: skip
NUMBA = {
    "streams.py", "households/kernels.py", "households/month_kernel.py", "households/groups_kernel.py", "households/firms_kernel.py", "community_kernel.py", "fund/claims_kernel.py", "lending/granting_kernel.py", "fiscal/subsidy.py", "subsidy.py", "reacting.py",
    "shocks/paths.py", "shocks/weather.py", "shocks/space.py",
    "provenance.py",  # only to name its version
}  # fmt: skip
LONG: dict[str, str] = {
    "scenario.py": "every model of a scenario file in one place; readers look fields up here",
    "community.py": "what simulated households do beside the institutions, from the opening to the last month",
    "households/month.py": "all that a household does in a month, in order; the place to read the rules",
    "households/month_kernel.py": "the same, compiled: its twin, line for line",
    "outcomes.py": "every quantity of a history and the tables that share their definitions",
}


def imports(path: Path) -> set[str]:
    """Top-level packages that a file imports."""
    out = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            out |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            out.add(node.module.split(".")[0])
    return out


def test_public_names_are_pinned() -> None:
    assert sorted(sim.__all__) == sorted(PUBLIC)
    assert all(getattr(sim, name) is not None for name in PUBLIC)


def test_public_functions_say_what_they_do() -> None:
    for name in PUBLIC:
        if name != "__version__":
            assert getattr(sim, name).__doc__, name


def test_imports_go_one_way() -> None:
    pytest.importorskip("importlinter")
    command = shutil.which("lint-imports", path=str(Path(sys.executable).parent)) or shutil.which("lint-imports")
    if command is None:
        pytest.skip("lint-imports is not installed")
    done = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("package", "allowed"), [("simpy", SIMPY), ("numba", NUMBA)])
def test_processes_and_kernels_stay_in_their_files(package: str, allowed: set[str]) -> None:
    found = {name for name, path in zip(NAMES, FILES, strict=True) if package in imports(path)}
    assert found == allowed


def test_the_model_knows_no_screen_and_no_command() -> None:
    outside = {"typer", "rich", "streamlit", "plotly", "openpyxl", "cli", "calibration", "random", "time"}
    for name, path in zip(NAMES, FILES, strict=True):
        assert not imports(path) & outside, name


def test_nothing_draws_but_by_address() -> None:
    for name, path in zip(NAMES, FILES, strict=True):
        text = path.read_text(encoding="utf-8")
        assert "np.random" not in text, name
        assert "default_rng" not in text, name


# --- law ---------------------------------------------------------------------------------------------


def read_outside_declarations(key: str) -> bool:
    """Does some line of the model use this rule, as ``rules.group.name`` or by its quoted key?"""
    group, name = key.split(".")
    use = re.compile(rf"\b{group}\.{name}\b")
    for path in FILES:
        lines = path.read_text(encoding="utf-8").splitlines()
        if any(use.search(line) and not re.fullmatch(rf'\s*"{group}\.{name}",', line) for line in lines):
            return True
    return False


@pytest.mark.parametrize("key", sorted(REQUIRED | OPTIONAL))
def test_every_rule_is_read_or_says_that_it_is_not(key: str) -> None:
    """A rule with one possible reading needs no line of code: the reading is the formula."""
    for pack in map(load_pack, pack_names()):
        parameter = pack.parameters.get(key)
        if parameter is None or len(parameter.term.readings) == 1:
            continue
        why = parameter.term.not_simulated.get("en", "")
        if not why or why.startswith("where no households"):
            assert read_outside_declarations(key), f"{pack.id}: {key} moves nothing and does not say so"


# Numbers of the shipped packs that would be easy to type into code. Small whole numbers (90, 7, 5, 360) stand for
# other things too and are left to the reader.
NUMBERS_OF_LAW = {0.7, 50_000, 5_000_000, 20_000_000, 15_000_000, 4_000_000, 16_000_000, 1.5, 4.75, 4.35, 6.15}
NOT_LAW = {
    ("scenario.py", 50_000): "a default loan size of scenarios that name none",
    ("grid.py", 1.5): "the strength of a heavy drought",
    ("trace.py", 50_000): "a default size of the made-up loan",
}


def numbers(path: Path) -> list[float]:
    """Numeric literals of a file, docstrings and comments left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and type(n.value) in (int, float)]


def test_no_number_of_law_in_code() -> None:
    found = {(name, n) for name, path in zip(NAMES, FILES, strict=True) for n in numbers(path) if n in NUMBERS_OF_LAW}
    assert found <= NOT_LAW.keys()


def test_the_search_for_numbers_of_law_would_find_one(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text('"""A share of 0.3."""\n\n\ndef fund_part(fen):\n    return fen * 0.7\n')
    assert numbers(path) == [0.7]


# --- size --------------------------------------------------------------------------------------------


def test_long_files_have_a_reason() -> None:
    long = {
        name
        for name, path in zip(NAMES, FILES, strict=True)
        if len(path.read_text(encoding="utf-8").splitlines()) > 400
    }
    assert long <= LONG.keys()


def test_files_say_what_they_are() -> None:
    for name, path in zip(NAMES, FILES, strict=True):
        text = path.read_text(encoding="utf-8")
        assert not text.strip() or ast.get_docstring(ast.parse(text)), name
