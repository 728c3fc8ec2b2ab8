"""`riskfund calibrate`: the stored fit is told; a small problem of one's own is fitted, stored and taken over."""

from __future__ import annotations

import json
from pathlib import Path

from tests.end_to_end.test_commands import riskfund
from tests.unit.test_reference_table import TEXT


def test_the_stored_fit_is_told(tmp_path: Path) -> None:
    data = json.loads(riskfund(tmp_path, "calibrate", "seed", "--report", "--json").stdout)
    assert data["within"] >= 0.9 * data["of"]
    for row in data["targets"]:
        assert {"target", "model", "low", "high", "is_within", "deviation", "width", "layer"} <= set(row)
    assert "罗平" in riskfund(tmp_path, "calibrate", "seed", "--report", "--lang", "zh").stdout
    assert "nearest valid name: seed" in riskfund(tmp_path, "calibrate", "seeds", "--report", code=3).stderr
    assert list(tmp_path.iterdir()) == []


def test_a_problem_of_ones_own_is_fitted_and_taken_over(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(TEXT, encoding="utf-8")
    words = ("calibrate", "own.toml", "--out", "fit", "--workers", "1", "--quiet", "--json")
    data = json.loads(riskfund(tmp_path, *words).stdout)
    told = {p["field"]: p["is_identified"] for p in data["parameters"]}
    assert told == {"defaults.anchors.central": False, "defaults.recovery.per_year_after": True}
    first = (tmp_path / "fit" / "own.csv").read_bytes()
    (tmp_path / "fit" / "part-0001.parquet").unlink()
    riskfund(tmp_path, *words)
    assert (tmp_path / "fit" / "own.csv").read_bytes() == first
    riskfund(tmp_path, *words, "--resume", "no", code=6)
    none = riskfund(tmp_path, "size", "luoping-2023", "--posterior", "fit/none.toml", code=3)
    assert "a stored fit" in none.stderr
    assert not (tmp_path / "runs").exists()
