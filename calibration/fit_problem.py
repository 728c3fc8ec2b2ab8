"""A problem of calibration: parameters with what was believed before data, places that are simulated, targets that are met."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field, ValidationError
from scipy.special import ndtr, ndtri

import sim
from calibration.target_list import Mechanism, Target, Targets, read_targets
from sim.errors import InputError
from sim.law.pack import read_toml
from sim.provenance import rules_sha256
from sim.reading import Model, Text, as_input_error
from sim.scenario import Scenario
from sim.streams import entity_id, stream_key, uniforms
from sim.uncertain import Uncertain
from sim.units import F64, I64

HERE = Path(__file__).parent
_FITTED = ("key", "measure", "place", "value", "standard_error", "layer", "by", "kind", "unit")
CHUNK = 50  # rows simulated together: the histories of one batch


class Parameter(Uncertain):
    """A parameter to be fitted. ``carries``: it describes any county, so that a scenario may take it over."""

    carries: bool


class NotUsed(Model):
    """A target of the mechanism that the problem leaves out, and why."""

    target: str
    why: Text


class Settings(Model):
    """The file of a problem."""

    mechanism: Mechanism
    places: Annotated[list[str], Field(min_length=1)]
    rows: Annotated[int, Field(gt=0, multiple_of=CHUNK)]
    held_out: Annotated[int, Field(gt=0, multiple_of=CHUNK)]
    folds: Annotated[int, Field(gt=0)] = 1  # of the held-out rows: each is fitted from all rows but its own fold's
    predictive: Annotated[int, Field(gt=0, multiple_of=CHUNK)] = 6 * CHUNK  # counties at draws of the posterior
    seed: int
    targets: list[str] | None = None  # default: all of the mechanism
    not_used: list[NotUsed] = Field(default_factory=list)
    parameter: Annotated[list[Parameter], Field(min_length=1)]


@dataclass(frozen=True)
class Problem:
    """A checked problem."""

    name: str
    settings: Settings
    targets: tuple[Target, ...]
    not_used: tuple[tuple[Target, Text], ...]
    places: dict[str, Scenario]
    file: Path

    @property
    def parameters(self) -> list[Parameter]:
        """What is fitted, in order."""
        return self.settings.parameter

    @property
    def fields(self) -> list[str]:
        """Fields of the parameters."""
        return [p.field for p in self.parameters]

    @property
    def sha256(self) -> str:
        """Hash of what makes the table: parameters, and the files of the places. The targets' values are not in it."""
        said = self.settings.model_dump(
            mode="json", exclude={"rows", "held_out", "folds", "predictive", "targets", "not_used"}
        )
        digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
        for place, scenario in self.places.items():
            for path in (HERE / "places" / f"{place}.toml", *scenario.tables().values()):
                digest.update(path.read_bytes())
        return digest.hexdigest()

    @property
    def targets_sha256(self) -> str:
        """Hash of what is fitted: the values of the targets and how exact they are, not what is said about them."""
        said = [t.model_dump(mode="json", include=set(_FITTED)) for t in self.targets]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def place_of(self, target: Target) -> str | None:
        """The place that is simulated for a target: the first of that name, or of that name and a dash; none for a province."""
        return next((name for name in self.places if name.partition("-")[0] == target.place), None)

    @property
    def rules(self) -> dict[str, str]:
        """Hash of the rules in use, by place."""
        return {place: rules_sha256(scenario) for place, scenario in self.places.items()}

    def prior_scores(self, rows: I64) -> F64:
        """Normal scores of the parameters in what was believed before: (n_rows, n_parameters), each by its address."""
        key = stream_key(self.settings.seed, "calibration.parameter")
        ids = np.array([entity_id("parameter", f) for f in self.fields])
        return np.array([ndtri(uniforms(key, int(r), 0, ids)[0]) for r in rows])

    def values(self, scores: F64) -> pd.DataFrame:
        """Parameters at normal scores: one column a field."""
        u = ndtr(scores)
        return pd.DataFrame({p.field: [p.value(float(x)) for x in u[:, j]] for j, p in enumerate(self.parameters)})

    def scaled_targets(self) -> tuple[F64, F64]:
        """Targets and their errors, each on the scale on which errors are even."""
        return np.array([float(t.scaled(t.value)) for t in self.targets]), np.array(
            [t.scaled_error for t in self.targets]
        )


def problem_names() -> list[str]:
    """Problems shipped with the project."""
    return sorted(p.stem for p in (HERE / "problems").glob("*.toml"))


def read_problem(name: str, *, targets: Targets | None = None) -> Problem:
    """A shipped problem by name, or a file by path.

    Raises
    ------
    InputError
    """
    path = Path(name) if name.endswith(".toml") else HERE / "problems" / f"{name}.toml"
    if not path.is_file():
        raise InputError("calibration", "problem", name, "a shipped problem or a .toml file", problem_names())
    try:
        settings = Settings.model_validate(read_toml(path))
    except ValidationError as error:
        raise as_input_error(Settings, error, path.name) from None
    if settings.held_out % settings.folds:
        raise InputError(path.name, "folds", settings.folds, f"a divisor of the {settings.held_out} held_out rows")
    if settings.held_out >= settings.rows:
        raise InputError(path.name, "held_out", settings.held_out, f"less than the {settings.rows} rows")
    found = targets or read_targets()
    of = {t.key: t for t in found.of(settings.mechanism)}
    left_out = [x.target for x in settings.not_used]
    for field, keys in (("targets", settings.targets or []), ("not_used", left_out)):
        for key in keys:
            if key not in of:
                raise InputError(path.name, field, key, f"targets of {settings.mechanism}: {sorted(of)}", of)
    named = settings.targets if settings.targets is not None else [key for key in of if key not in left_out]
    for key in set(named) & set(left_out):
        raise InputError(path.name, "not_used", key, "a target that is not fitted")
    chosen = tuple(of[key] for key in named)
    left = tuple((of[x.target], x.why) for x in settings.not_used)
    places = {}
    for place in settings.places:
        file = HERE / "places" / f"{place}.toml"
        if not file.is_file():
            known = sorted(p.stem for p in file.parent.glob("*.toml"))
            raise InputError(path.name, "places", place, f"one of {known}", known)
        places[place] = sim.scenario(str(file)).with_changes({"uncertain": []})
    return Problem(path.stem, settings, chosen, left, places, path)
