"""Small committed runs. A change of any figure needs a "Results changed" line in CHANGELOG.md.

To accept new figures: `python tests/golden/test_golden.py` rewrites the files.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

import sim

HERE = Path(__file__).parent
RUNS: dict[str, tuple[int, dict[str, Any]]] = {  # histories, and changes that make a county small
    "x-county": (100, {}),
    "luoping-2023": (100, {}),
    "x-county-all-three": (60, {"livelihoods.households": 600, "rules.subsidy.paid_to": "household"}),
}


def figures(name: str, runs: Path) -> dict[str, Any]:
    """The answer of a small run, without the hashes that any edit of the source changes."""
    n, changes = RUNS[name]
    scenario = sim.Scenario.load(name, changes)
    data = dict(sim.size(scenario, replications=n, seed=2027, workers=1, runs=runs).data)
    del data["provenance"]
    return json.loads(json.dumps(data))


@pytest.mark.parametrize("name", RUNS)
def test_figures_are_those_of_the_committed_run(name: str, tmp_path: Path) -> None:
    expected = json.loads((HERE / f"{name}.json").read_text(encoding="utf-8"))
    found = figures(name, tmp_path)
    assert set(found) == set(expected)
    for key, value in expected.items():
        assert found[key] == approximately(value), key


def approximately(value: Any) -> Any:
    """Equal up to the last digits, which another machine's library may round differently."""
    if isinstance(value, dict):
        return {k: approximately(v) for k, v in value.items()}
    if isinstance(value, list):
        return [approximately(v) for v in value]
    return pytest.approx(value, rel=1e-9) if isinstance(value, float) else value


if __name__ == "__main__":
    for name in RUNS:
        with tempfile.TemporaryDirectory() as folder:
            text = json.dumps(figures(name, Path(folder)), indent=1, ensure_ascii=False)
            (HERE / f"{name}.json").write_text(text + "\n", encoding="utf-8")
