"""Parameters that are not known: the points at which a run stands them, one for each history in turn.

History r takes point r modulo their number, in every arm alike, so that pairs stay pairs. The points are a
Latin hypercube: of each field, one value from each of as many slices of equal probability.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtri

from sim.errors import InputError
from sim.reading import check_path
from sim.scenario import Scenario
from sim.streams import entity_id, stream_key, uniforms
from sim.uncertain import BEHAVIOUR, SETS, Z05, Uncertain
from sim.units import F64

N_POINTS = 64
Changes = dict[str, Any]


def drawn(scenario: Scenario) -> list[Uncertain]:
    """The uncertain fields that act in the scenario."""
    return [item for item in scenario.uncertain if _acts(scenario, item)]


def points(scenario: Scenario, seed: int) -> list[Changes]:
    """Changes of fields at each point; no point where every parameter is taken as known.

    Raises
    ------
    InputError
        A field that the scenario does not have, or a value that it does not allow.
    """
    items = drawn(scenario)
    if not items:
        return []
    out: list[Changes] = [{} for _ in range(N_POINTS)]
    for item in items:
        for change, u in zip(out, _slices(item.field, seed), strict=True):
            change.update(_at(scenario, item, float(u)))
    return out


def positions(scenario: Scenario, seed: int) -> F64:
    """Where each point stands in the distribution of each field, as normal scores: (n_points, n_fields) float64."""
    items = drawn(scenario)
    return ndtri(np.column_stack([_slices(item.field, seed) for item in items])) if items else np.zeros((0, 0))


def at(scenario: Scenario, change: Changes) -> Scenario:
    """The scenario at one point: nothing is uncertain there."""
    return scenario.with_changes({**change, "uncertain": []})


def of_history(scenario: Scenario, seed: int, replication: int) -> Scenario:
    """The scenario as one history of a run has it: at the history's point, or itself where every parameter is known."""
    changes = points(scenario, seed)
    return at(scenario, changes[replication % len(changes)]) if changes else scenario


def value_of(scenario: Scenario, field: str) -> Any:
    """The value of a dotted field; None where a section is missing."""
    value: Any = scenario
    for part in field.split("."):
        value = value.get(part) if isinstance(value, dict) else getattr(value, part, None)
    return value


def _acts(scenario: Scenario, item: Uncertain) -> bool:
    """Does the field matter in this scenario? An anchor that is not the scenario's own does not."""
    check_path(Scenario, item.field, scenario.name)
    *section, last = item.field.split(".")
    if section == ["defaults", "anchors"]:
        return scenario.defaults.mechanism == "reduced-form" and scenario.defaults.anchor == last
    if item.field == BEHAVIOUR:
        return scenario.livelihoods is not None and scenario.defaults.anchor == "central"
    now = value_of(scenario, item.field)
    if not isinstance(now, int | float):
        raise InputError(scenario.name, "uncertain.field", item.field, "a field that holds a number in this scenario")
    return True


def _slices(field: str, seed: int) -> Any:
    """The middle of each slice, in an order drawn by address."""
    key = stream_key(seed, "parameters")
    luck = uniforms(key, 0, np.arange(N_POINTS), np.full(N_POINTS, entity_id("parameter", field)))[0]
    return (np.argsort(np.argsort(luck)) + 0.5) / N_POINTS


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
