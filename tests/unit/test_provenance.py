"""How a result was made: hashes that see every change and no clock."""

from __future__ import annotations

import json
from typing import Any

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
        provenance.provenance(small.with_changes({"rules.claim.file_days": 19}), "opening", 7),
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
