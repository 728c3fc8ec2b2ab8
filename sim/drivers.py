"""Drivers of default that can be switched off one by one: drought, late subsidy, stacked loans; firms and groups.

The first three are asked of every scenario; failing firms and joint liability only of one that has them.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import reduce
from itertools import combinations
from typing import Any

from sim.scenario import Scenario

DRIVERS = ("drought", "late_subsidy", "stacking")
ORDER = (*DRIVERS, "firms", "groups")

# By mechanism: the field that switches each driver, and its value when the driver is off.
_SWITCHES: dict[str, dict[str, tuple[str, bool]]] = {
    "reduced-form": {
        "drought": ("defaults.drought.on", False),
        "late_subsidy": ("defaults.late_subsidy.on", False),
        "stacking": ("defaults.stacking.on", False),
    },
    "household": {
        "drought": ("livelihoods.weather.on", False),
        "late_subsidy": ("fiscal.pays_on_time", True),
        "stacking": ("livelihoods.stacking_on", False),
        "firms": ("livelihoods.firms.can_fail", False),
        "groups": ("livelihoods.groups.on", False),
    },
}


def described(scenario: Scenario) -> tuple[str, ...]:
    """Drivers that a scenario is asked about, in order."""
    live = scenario.livelihoods
    has = {"firms": live is not None and live.firms is not None, "groups": live is not None and live.groups is not None}
    return tuple(d for d in ORDER if has.get(d, True))


def present(scenario: Scenario) -> tuple[str, ...]:
    """Drivers that the scenario has and has switched on, in order."""
    missing = absent(scenario)
    return tuple(d for d in described(scenario) if d not in missing)


def absent(scenario: Scenario) -> dict[str, str]:
    """The other drivers, each with the reason why it cannot be switched off."""
    out = {} if scenario.defaults.mechanism == "household" else _not_described(scenario)
    for driver, (field, off) in _switches(scenario).items():
        if driver in described(scenario) and driver not in out and _value(scenario, field) == off:
            out[driver] = "switched off in the scenario"
    return out


def switched(scenario: Scenario, on: Collection[str]) -> Scenario:
    """A copy in which the present drivers that are not in ``on`` are switched off; nothing is switched on."""
    off = [d for d in present(scenario) if d not in on]
    return scenario.with_changes(dict(_switches(scenario)[d] for d in off))


def subsets(drivers: Collection[str]) -> list[tuple[str, ...]]:
    """All sets of drivers, from none to all of them, each in order."""
    ordered = [d for d in ORDER if d in drivers]
    return [on for k in range(len(ordered) + 1) for on in combinations(ordered, k)]


def set_name(on: Collection[str]) -> str:
    """Name of a set of drivers: those that are on."""
    return "+".join(d for d in ORDER if d in on) or "none"


def arm_name(scenario: Scenario, on: Collection[str]) -> str:
    """The arm in which, of the present drivers, just those of ``on`` act; the main arm has all of them."""
    here = present(scenario)
    acting = [d for d in here if d in on]
    return "main" if len(acting) == len(here) else f"drivers-{set_name(acting)}"


def _switches(scenario: Scenario) -> dict[str, tuple[str, bool]]:
    return _SWITCHES[scenario.defaults.mechanism]


def _not_described(scenario: Scenario) -> dict[str, str]:
    """Drivers that a reduced form does not describe."""
    out, stacking = {}, scenario.defaults.stacking
    if scenario.defaults.drought is None:
        out["drought"] = "the scenario has no drought"
    if scenario.defaults.late_subsidy is None:
        out["late_subsidy"] = "the scenario has no late subsidy"
    if stacking.multiplier_per_loan == 0 and stacking.probit_shift_per_loan == 0:
        out["stacking"] = "a further loan of a household changes no probability"
    return out


def _value(scenario: Scenario, field: str) -> Any:
    return reduce(getattr, field.split("."), scenario)
