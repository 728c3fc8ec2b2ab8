"""How a result was made: hashes that see every change and no clock."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import sim
from sim import provenance
from sim.errors import InputError, Interrupted, RiskfundError, TooFewHistories


def test_equal_inputs_have_equal_provenance(small: Any) -> None:
    one, two = (provenance.provenance(small, "opening", 7) for _ in range(2))
    assert one == two
    assert provenance.key_of(one) == provenance.key_of(two)
    assert len(provenance.key_of(one)) == 12
    json.dumps(one)


def test_every_input_is_seen(small: Any) -> None:
    base = provenance.provenance(small, "opening", 7)
    others = [
        provenance.provenance(small.change(defaults__negligence=0.051), "opening", 7),
        provenance.provenance(small.with_changes({"rules.claim.steps.file.days": 19}), "opening", 7),
        provenance.provenance(small, "another", 7),
        provenance.provenance(small, "opening", 8),
    ]
    assert len({provenance.key_of(p) for p in (base, *others)}) == 5


def test_the_pack_in_use_is_hashed(small: Any, pack_file: Any) -> None:
    same = small.with_changes({"rules": pack_file()})
    assert provenance.rules_sha256(same) == provenance.rules_sha256(small)
    other = small.with_changes({"rules": pack_file(('"after_court"\nassumption', '"never"\nassumption'))})
    assert provenance.rules_sha256(other) != provenance.rules_sha256(small)
    assert provenance.code_sha256() == provenance.code_sha256()
    assert sim.__version__ == provenance.VERSION


def test_tables_and_the_life_table_are_hashed_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    county = sim.scenario("x-county-households")
    table, weather = tmp_path / "households.csv", tmp_path / "drought.csv"
    for path in (table, weather):
        path.write_text("a", encoding="utf-8")
    named = county.with_changes({"livelihoods.file": str(table), "livelihoods.weather.replay": str(weather)})
    before = provenance.provenance(named, "opening", 7)
    assert set(before["tables_sha256"]) == {"livelihoods.file", "livelihoods.weather.replay"}
    for path in (table, weather):
        path.write_text("b", encoding="utf-8")
        assert provenance.key_of(provenance.provenance(named, "opening", 7)) != provenance.key_of(before)
        path.write_text("a", encoding="utf-8")
        assert provenance.provenance(named, "opening", 7) == before
    weather.unlink()  # a stored run can be read when its tables are gone
    assert provenance.tables_sha256(named)["livelihoods.weather.replay"] == ""
    assert provenance.tables_sha256(county) == {}

    life = tmp_path / "life-table.toml"
    life.write_text("other", encoding="utf-8")
    with_it, without = (provenance.rules_sha256(s) for s in (county, sim.scenario("x-county")))
    monkeypatch.setattr(provenance, "LIFE_TABLE", life)
    assert provenance.rules_sha256(county) != with_it
    assert provenance.rules_sha256(sim.scenario("x-county")) == without


def test_errors_on_purpose_have_their_exit_codes() -> None:
    codes = {InputError: 3, TooFewHistories: 5, sim.IncompatibleRun: 6, Interrupted: 130}
    for kind, code in codes.items():
        assert kind.exit_code == code
        assert issubclass(kind, RiskfundError)
    assert not issubclass(sim.ConservationError, RiskfundError)  # our own bug is not the user's to put right


def test_one_line_of_an_input_error() -> None:
    error = InputError("file.toml", "a.b", "hihg", "low or high", ["low", "high"])
    assert str(error) == "file.toml: a.b: found 'hihg'; allowed: low or high; nearest valid name: high"
    assert str(InputError("f", "x", 3, "0 to 2")) == "f: x: found 3; allowed: 0 to 2"
