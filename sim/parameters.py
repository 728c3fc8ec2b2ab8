"""Parameters that are not known: the points at which a run stands them, one for each history in turn.

A history takes the same point in every arm, so that pairs stay pairs. The points are Latin hypercubes: of each field,
one value from each of as many slices of equal probability. Every so many histories go on to a fresh hypercube, whose values
stand elsewhere in their slices, so that the luck of how fields meet in one shrinks with more histories as all other luck
does. A single field meets none and needs one hypercube.

What a calibration left (`Scenario.posterior`) is drawn jointly: the first rows of its table, one a point.

Source: Qian, JASA 107 (2012) 393-399 (Latin hypercubes whose slices are Latin hypercubes).
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy
from scipy.special import ndtri

from sim.errors import InputError
from sim.estimate import Points
from sim.reading import check_path
from sim.scenario import Scenario
from sim.streams import entity_id, stream_key, uniforms
from sim.uncertain import BEHAVIOUR, SETS, Z05, Uncertain
from sim.units import F64, I64

N_POINTS = 64  # of a hypercube
BLOCK = 1000  # histories that share a hypercube; whole batches
MOST_CUBES = 8  # then the first one comes again: openings and setups of more would cost more than they tell
Changes = dict[str, Any]


def drawn(scenario: Scenario) -> list[Uncertain]:
    """The fields that act in the scenario and are uncertain each for itself."""
    together = () if scenario.posterior is None else tuple(_table(scenario).columns)
    return [item for item in scenario.uncertain if item.field not in together and _acts(scenario, item.field)]


def drawn_together(scenario: Scenario) -> pd.DataFrame:
    """Draws of the fields that act in the scenario and are drawn jointly: (n_draws, n_fields); no column without.

    Raises
    ------
    InputError
        No such table, a column that is no field of numbers, a cell that is no number.
    """
    if scenario.posterior is None:
        return pd.DataFrame()
    table = _table(scenario)
    return table[[field for field in table if _acts(scenario, str(field))]]


def drawn_fields(scenario: Scenario) -> list[str]:
    """All fields that are not the same in every history."""
    return [*(item.field for item in drawn(scenario)), *map(str, drawn_together(scenario).columns)]


def points(scenario: Scenario, seed: int, n: int = 1) -> list[Changes]:
    """Changes of fields at each point of the first n histories; no point where every parameter is taken as known.

    Raises
    ------
    InputError
        A field that the scenario does not have, or a value that it does not allow.
    """
    items, together = drawn(scenario), drawn_together(scenario)
    n_fields = len(items) + together.shape[1]
    if n_fields == 0:
        return []
    out: list[Changes] = [{} for _ in range(N_POINTS * _cubes(n_fields, n))]
    for item in items:
        for change, u in zip(out, _slices(item.field, seed, len(out) // N_POINTS), strict=True):
            change.update(_at(scenario, item, float(u)))
    rows = together.to_dict("records")
    for k, change in enumerate(out):  # last: of a set of behaviour they take the place of single values
        change.update(rows[k % len(rows)] if rows else {})
    return out


def n_points(scenario: Scenario, n: int) -> int:
    """Points of the first n histories; 0 where every parameter is taken as known."""
    fields = drawn_fields(scenario)
    return N_POINTS * _cubes(len(fields), n) if fields else 0


def point_of(replications: I64, n_points: int) -> I64:
    """Number of each history's point, among the points of at least as many histories; 0 where there is none."""
    cube = replications // BLOCK % MOST_CUBES
    return np.asarray((N_POINTS * cube + replications % N_POINTS) % max(n_points, 1))


def positions(scenario: Scenario, seed: int, n: int) -> F64:
    """Where each of the first n histories stands in the distribution of each field, as normal scores: (n, n_fields)."""
    if not drawn_fields(scenario):
        return np.zeros((n, 0))
    scores = _scores(scenario, seed, n)
    return np.asarray(scores[point_of(np.arange(n), len(scores))])


def shared(scenario: Scenario, seed: int, replications: I64) -> Points | None:
    """Which histories stand at the same point; None where every parameter is taken as known."""
    if not drawn_fields(scenario) or replications.size == 0:
        return None
    scores = _scores(scenario, seed, int(replications.max()) + 1)
    return Points(point_of(replications, len(scores)), scores)


def _scores(scenario: Scenario, seed: int, n: int) -> F64:
    """Where each point of the first n histories stands in the distribution of each field, as normal scores."""
    items, together = drawn(scenario), drawn_together(scenario)
    cubes = _cubes(len(items) + together.shape[1], n)
    at = np.arange(N_POINTS * cubes) % max(len(together), 1)
    ranks = [(scipy.stats.rankdata(together[field]) - 0.5)[at] / len(together) for field in together]
    return np.asarray(ndtri(np.column_stack([*(_slices(item.field, seed, cubes) for item in items), *ranks])))


def _cubes(n_fields: int, n: int) -> int:
    """Hypercubes that the first n histories go through."""
    return 1 if n_fields == 1 else min(-(-n // BLOCK), MOST_CUBES)


def at(scenario: Scenario, change: Changes) -> Scenario:
    """The scenario at one point: nothing is uncertain there."""
    return scenario.with_changes({**change, "uncertain": [], "posterior": None})


def of_history(scenario: Scenario, seed: int, replication: int) -> Scenario:
    """The scenario as one history of a run has it: at the history's point, or itself where every parameter is known."""
    changes = points(scenario, seed, replication + 1)
    return at(scenario, changes[int(point_of(np.array(replication), len(changes)))]) if changes else scenario


def value_of(scenario: Scenario, field: str) -> Any:
    """The value of a dotted field; None where a section is missing."""
    value: Any = scenario
    for part in field.split("."):
        value = value.get(part) if isinstance(value, dict) else getattr(value, part, None)
    return value


def _table(scenario: Scenario) -> pd.DataFrame:
    """The draws as their file has them."""
    assert scenario.posterior is not None
    path = Path(scenario.posterior.file)
    if not path.is_file():
        raise InputError(scenario.name, "posterior.file", path.name, "a table of draws (.csv), one column a field")
    return _read(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=16)
def _read(path: Path, changed: int) -> pd.DataFrame:
    try:
        text = pd.read_csv(path, comment="#", dtype=str)
    except ValueError as error:  # Pandas' own errors are ValueErrors
        raise InputError(path.name, "file", str(error), "a table of draws (.csv), one column a field") from None
    if text.empty:
        raise InputError(path.name, "rows", 0, "at least one row")
    table = pd.DataFrame(index=text.index)
    for field in map(str, text):
        check_path(Scenario, field, path.name)
        try:
            table[field] = [float(cell) for cell in text[field]]  # to the last bit, as it was written
        except ValueError as error:
            raise InputError(path.name, field, str(error).partition(": ")[2], "a number in every row") from None
        if not np.isfinite(table[field]).all():
            raise InputError(path.name, field, "an empty cell", "a number in every row")
    return table


def _acts(scenario: Scenario, field: str) -> bool:
    """Does the field matter in this scenario? An anchor that is not the scenario's own does not."""
    check_path(Scenario, field, scenario.name)
    *section, last = field.split(".")
    if len(section) == 3 and ".".join(section[:2]) == BEHAVIOUR and scenario.livelihoods is not None:
        return bool(section[2] == (scenario.defaults.anchor or "central"))
    if section == ["defaults", "anchors"]:
        return scenario.defaults.mechanism == "reduced-form" and scenario.defaults.anchor == last
    if field == BEHAVIOUR:
        return scenario.livelihoods is not None and scenario.defaults.anchor == "central"
    now = value_of(scenario, field)
    if not isinstance(now, int | float):
        raise InputError(scenario.name, "uncertain.field", field, "a field that holds a number in this scenario")
    return True


def _slices(field: str, seed: int, cubes: int) -> F64:
    """A value of each slice as a probability, hypercube after hypercube, in orders drawn by address.

    The first hypercube has the middles of the slices. The others stand evenly spread in each slice (van der Corput) from a
    drawn place on: a fixed one would leave out the far ends of every distribution, in all hypercubes alike, and with them
    a part of the mean.
    """
    key, at = stream_key(seed, "parameters"), np.arange(cubes * N_POINTS)
    luck, place, *_ = uniforms(key, 0, at, np.full(at.size, entity_id("parameter", field)))
    slices = np.argsort(np.argsort(luck.reshape(cubes, N_POINTS)))
    even = np.array([int(f"{c + 1:b}"[::-1], 2) / 2 ** (c + 1).bit_length() for c in range(cubes)])
    within = (even[:, None] + place[:N_POINTS][slices]) % 1.0
    within[0] = 0.5
    return np.asarray((slices + within) / N_POINTS).ravel()


def _at(scenario: Scenario, item: Uncertain, u: float) -> Changes:
    value = item.value(u)
    if item.field != BEHAVIOUR:
        return {item.field: value}
    assert scenario.livelihoods is not None
    sets = scenario.livelihoods.behaviour
    missing = [name for name in SETS if name not in sets]
    if missing:
        raise InputError(scenario.name, BEHAVIOUR, sorted(sets), f"the sets {list(SETS)} to draw between")
    tables = [sets[name].model_dump() for name in SETS]  # type: ignore[index]
    z = float(np.clip(value, -Z05, Z05))  # beyond the outer sets nothing is known
    between = {k: float(np.interp(z, [-Z05, 0.0, Z05], [t[k] for t in tables])) for k in tables[0]}
    return {f"{BEHAVIOUR}.central": between}
