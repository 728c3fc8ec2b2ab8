"""Targets of the calibration: printed figures with what they count, how exact they are, and those that are kept out."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError, model_validator

from sim.errors import InputError
from sim.law.pack import read_toml
from sim.reading import Model, Text, as_input_error, refuse

FOLDER = Path(__file__).parent / "targets"
SHARES = (
    "default_share", "recovered_share", "reported_share", "recovered_per_year", "subsidy_paid_share", "overdue_share",
    "worst_township", "other_townships", "dry_years", "business_income", "transfer_income", "deaths_per_year",
)  # fmt: skip
MEASURES = (*SHARES, "income_per_head")
_TWO_FIGURES_AGREE = 3.0  # standard errors of their difference
_ROUNDING = 0.005  # of a printed figure against its own numerator and denominator, relative

Mechanism = Literal["reduced-form", "household"]


class Target(Model):
    """A moment with its value, and how exact it is as a measure of what the model gives.

    ``standard_error`` is that of definition, rounding and reading; the luck of the place's own loans is drawn by
    the model, with as many loans, and is not in it.
    """

    key: Annotated[str, Field(pattern=r"^[a-z0-9_]+\.[a-z0-9_]+$")]
    measure: str
    place: str
    label: Text
    value: Annotated[float, Field(ge=0)]
    standard_error: Annotated[float, Field(gt=0)]
    judged: Text
    date: dt.date
    source: str
    layer: Literal["true", "booked", "reported"]
    by: Literal["amount", "count"]
    kind: Literal["cumulative", "flow", "stock", "share"]
    mechanisms: Annotated[list[Mechanism], Field(min_length=1)]
    numerator: Annotated[float, Field(ge=0)] | None = None
    denominator: Annotated[float, Field(gt=0)] | None = None
    unit: Literal["share", "yuan"] = "share"

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.measure not in MEASURES:
            refuse("measure", self.measure, f"one of {list(MEASURES)}")
        if (self.measure in SHARES) != (self.unit == "share"):
            refuse("unit", self.unit, f"{'share' if self.measure in SHARES else 'yuan'} for {self.measure}")
        if self.unit == "share" and self.value > 1:
            refuse("value", f"{self.value}", "a share between 0 and 1")
        if (self.numerator is None) != (self.denominator is None):
            refuse("numerator", f"{self.numerator}", "numerator and denominator together, or neither")
        if self.numerator is not None and self.denominator is not None:
            ratio = self.numerator / self.denominator
            if abs(ratio - self.value) > _ROUNDING * max(ratio, self.value):
                refuse("value", f"{self.value}", f"{ratio:.5g}, which {self.numerator:g} of {self.denominator:g} give")
        return self

    def scaled(self, x: Any) -> Any:
        """A value on the scale on which errors are even: arcsine of the root for shares, logarithm for amounts."""
        x = np.asarray(x, dtype=float)
        return np.arcsin(np.sqrt(np.clip(x, 0, 1))) if self.unit == "share" else np.log(np.maximum(x, 1e-9))

    @property
    def scaled_error(self) -> float:
        """The standard error on that scale, as a mean of its two sides."""
        top = 1.0 if self.unit == "share" else math.inf
        low, high = max(self.value - self.standard_error, 0.0), min(self.value + self.standard_error, top)
        spans = (self.value - low + high - self.value) / self.standard_error
        return float((self.scaled(high) - self.scaled(low)) / spans)


class KeptOut(Model):
    """A figure that is no target, and why."""

    what: Text
    value: str
    reason: Text


@dataclass(frozen=True)
class Targets:
    """What the model is held against, and what it is not."""

    targets: tuple[Target, ...]
    kept_out: tuple[KeptOut, ...]

    def of(self, mechanism: str) -> tuple[Target, ...]:
        """The targets of one mechanism, in order of files and lines."""
        return tuple(t for t in self.targets if mechanism in t.mechanisms)


def read_targets(folder: Path = FOLDER) -> Targets:
    """Read every file of a folder.

    Raises
    ------
    InputError
        No file; a field that is missing or not allowed; a value that its own parts do not give; two figures of one
        quantity, with how far they are apart.
    """
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise InputError(str(folder), "targets", 0, "a folder with at least one .toml file of targets")
    targets: list[Target] = []
    kept_out: list[KeptOut] = []
    seen: dict[tuple[str, str], tuple[Path, Target]] = {}
    for path in files:
        raw = read_toml(path)
        unknown = sorted(set(raw) - {"target", "kept_out"})
        if unknown:
            raise InputError(path.name, unknown[0], unknown[0], "tables [[target]] and [[kept_out]]")
        for target in _parsed(path, raw.get("target", []), Target):
            _refuse_second(path, target, seen)
            targets.append(target)
        kept_out += _parsed(path, raw.get("kept_out", []), KeptOut)
    return Targets(tuple(targets), tuple(kept_out))


def _parsed(path: Path, rows: Any, model: Any) -> list[Any]:
    try:
        return TypeAdapter(list[model]).validate_python(rows)
    except ValidationError as error:
        raise as_input_error(model, error, path.name) from None


def _refuse_second(path: Path, target: Target, seen: dict[tuple[str, str], tuple[Path, Target]]) -> None:
    """One quantity has one figure: a second one is a contradiction, or is counted twice."""
    at = (target.place, target.measure)
    if at in seen:
        where, first = seen[at]
        apart = abs(first.value - target.value) / math.hypot(first.standard_error, target.standard_error)
        what = f"{target.measure} of {target.place}"
        if apart > _TWO_FIGURES_AGREE:
            raise InputError(
                path.name, target.key, target.value,
                f"no figure that contradicts {first.key} in {where.name} ({first.value}, {apart:.1f} standard errors away): "
                f"{what} has one value; choose a reading and put the other under [[kept_out]] with the reason",
            )  # fmt: skip
        raise InputError(
            path.name, target.key, target.value,
            f"one figure for {what}: {first.key} in {where.name} is one already, and a second would count it twice",
        )  # fmt: skip
    seen[at] = (path, target)
