"""How a result was made: versions and hashes, no wall-clock time, so that equal runs give equal bytes."""

from __future__ import annotations

import functools
import hashlib
import json
from importlib import metadata
from pathlib import Path
from typing import Any

import numba
import numpy as np

from sim.law.pack import CALENDARS, LIFE_TABLE, RULES
from sim.scenario import Scenario

VERSION = "0.1.0"
PROVENANCE = (
    "version",
    "code_sha256",
    "scenario_sha256",
    "rules_sha256",
    "tables_sha256",
    "opening_sha256",
    "seed",
    "numpy",
    "numba",
    "simpy",
)


@functools.cache
def code_sha256() -> str:
    """Hash of the model's own source."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        digest.update(path.relative_to(Path(__file__).parent).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def scenario_sha256(scenario: Scenario) -> str:
    """Hash of everything the scenario says."""
    return _hash(scenario.model_dump(mode="json"))


def rules_sha256(scenario: Scenario) -> str:
    """Hash of the pack, the rate tables, the calendar and, where households are simulated, the life table in use."""
    pack = Path(scenario.rules) if scenario.rules.endswith(".toml") else RULES / f"{scenario.rules}.toml"
    life = [LIFE_TABLE] if scenario.livelihoods is not None else []
    digest = hashlib.sha256()
    for path in (pack, RULES / "rates.toml", CALENDARS / "china.toml", *life):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def tables_sha256(scenario: Scenario) -> dict[str, str]:
    """Hash of each table that the scenario names, by field; "" for one that is not there (any more)."""
    return {
        field: hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for field, path in scenario.tables().items()
    }


def provenance(scenario: Scenario, opening_sha256: str, seed: int) -> dict[str, Any]:
    """Everything needed to make the same numbers again."""
    return {
        "version": VERSION,
        "code_sha256": code_sha256(),
        "scenario_sha256": scenario_sha256(scenario),
        "rules_sha256": rules_sha256(scenario),
        "tables_sha256": tables_sha256(scenario),
        "opening_sha256": opening_sha256,
        "seed": seed,
        "numpy": np.__version__,
        "numba": numba.__version__,
        "simpy": metadata.version("simpy"),
    }


def key_of(provenance: dict[str, Any]) -> str:
    """Short name of a result by its content."""
    return _hash(provenance)[:12]


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(_portable(value), sort_keys=True, default=str).encode()).hexdigest()


def _portable(value: Any) -> Any:
    """The same with files by their name alone: their content is hashed, and where they lie says nothing."""
    if isinstance(value, dict):
        return {key: _portable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_portable(item) for item in value]
    is_path = isinstance(value, str) and len(value) < 1000 and Path(value).is_absolute()
    return Path(value).name if is_path else value
