"""Examples in the documents run, and the commands that they name exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import BaseModel

import sim

ROOT = Path(__file__).parents[2]


def test_the_readmes_python_example_runs(tmp_path: Path) -> None:
    """The example as printed, with fewer histories."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert code is not None
    file = tmp_path / "study.py"
    file.write_text(code.group(1).replace("2000", "60"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(file)], cwd=tmp_path, capture_output=True, encoding="utf-8", timeout=300,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "need_yuan" in done.stdout


@pytest.mark.parametrize("name", ["README.md", "README.zh.md"])
def test_commands_of_the_readme_exist(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    commands = set(re.findall(r"(?:^|`|bin/)riskfund ([a-z]+)", text, re.MULTILINE)) - {"data", "rules"}
    help_text = subprocess.run(
        [sys.executable, "-m", "cli.main", "--help"], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=120
    ).stdout
    assert commands and all(re.search(rf"\b{c}\b", help_text) for c in commands), commands


def test_every_field_of_a_shipped_scenario_has_a_source() -> None:
    """Law, data or assumption: a value that says none of the three fails here."""
    for name in sim.scenario_names():
        scenario = sim.scenario(name)
        free = {"name", "title", "note", "is_demonstration", "sources", "rule_changes"}
        for field in set(type(scenario).model_fields) - free:
            value = getattr(scenario, field)
            inner = [f"{field}.{k}" for k in type(value).model_fields] if isinstance(value, BaseModel) else [field]
            assert value is None or all(scenario.source_of(f) for f in inner), (name, field)


def test_links_between_documents_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("scenarios/*.md")]:
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), (page, target)
