"""Chance of dying by sex and age, from the few ages of a life table that were read."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sim.errors import InputError
from sim.law.pack import LIFE_TABLE, read_toml
from sim.livelihoods import OLDEST
from sim.units import F64

_AGES = np.arange(OLDEST + 1, dtype=np.float64)
_SEXES = ("female", "male")  # in the order of `Register.is_man`


class LifeTable(NamedTuple):
    """Yearly rates at each age from 0 to 90.

    Attributes
    ----------
    death : (2, 91) float64
        By sex (0 female, 1 male).
    illness : (91,) float64
        Six critical illnesses, men.
    """

    death: F64
    illness: F64


@functools.cache
def load_life_table(path: Path = LIFE_TABLE) -> LifeTable:
    """Read the shipped table.

    Raises
    ------
    InputError
        No value, ages out of order or range, a rate that is none, a value without citation.
    """
    raw = read_toml(path)
    death = np.stack([_by_age(path.name, raw, "death", sex) for sex in _SEXES])
    return LifeTable(death, _by_age(path.name, raw, "illness", "male"))


def monthly_death_probability(multiple: float) -> F64:
    """Chance of dying within a month, at ``multiple`` times the table's yearly rates (capped at 1).

    Returns
    -------
    (2, 91) float64 [1]
        By sex (0 female, 1 male) and age in whole years.
    """
    return np.asarray(1 - (1 - np.minimum(multiple * load_life_table().death, 1.0)) ** (1 / 12))


def _by_age(where: str, raw: dict[str, Any], what: str, sex: str) -> F64:
    """Yearly rate at each age: log-linear between the ages read, the first's value before, the last slope after."""
    values = raw.get(what, {}).get("values", [])
    if len(values) < 2:
        raise InputError(where, f"{what}.values", len(values), "two or more ages, each as [[...values]]")
    for value in values:
        if not value.get("cite"):
            raise InputError(where, f"{what}.cite", value.get("cite"), "the table from which the value was read")
        if type(value.get("age")) is not int or not 0 <= value["age"] <= OLDEST:
            raise InputError(where, f"{what}.age", value.get("age"), f"a whole number from 0 to {OLDEST}")
        if not isinstance(value.get(sex), int | float) or not 0 < value[sex] < 1000:
            raise InputError(where, f"{what}.{sex}", value.get(sex), "a rate per 1,000 above 0 and below 1,000")
    age = np.array([value["age"] for value in values], dtype=np.float64)
    if (np.diff(age) <= 0).any():
        raise InputError(where, f"{what}.age", age.astype(int).tolist(), "ages in ascending order")
    log = np.log([value[sex] / 1000 for value in values])
    slope = (log[-1] - log[-2]) / (age[-1] - age[-2])
    line = np.interp(_AGES, age, log) + slope * np.maximum(_AGES - age[-1], 0)
    return np.minimum(np.exp(line), 1.0)
