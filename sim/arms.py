"""The arms of a sizing run: which scenario, from which opening state, to which horizon."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from sim import clock
from sim.drivers import arm_name, present, subsets, switched
from sim.experiment import Arm, Redraws, turn_of
from sim.fund.days import entitled_on
from sim.law.pack import load_calendar
from sim.opening import OpeningState
from sim.outcomes import year_span
from sim.parameters import Changes, at, drawn_fields, point_of, points
from sim.scenario import Scenario
from sim.warmup import N_STATES, opening_state, opening_states, state_seed

ANCHORS = ("low", "central", "high")
OPENINGS = ("dry", "normal", "long_run")
LUCK: dict[Redraws, str] = {"households": "luck-of-households", "all luck": "all-luck"}


def horizon(scenario: Scenario) -> int:
    """End of the sized year plus the longest term plus 12 months [day].

    Source: by then the fund has paid on nearly all loans of the sized year.
    """
    terms = list(scenario.lending.term_months) + [g.term_months for g in scenario.opening.portfolio]
    last = year_span(scenario.sized_year)[1]
    return int(clock.last_day_of_month(clock.month_of(np.array([last])) + max(terms) + 12)[0])


def four_months_past(scenario: Scenario) -> int:
    """End of April after the sized year, or of the month in which the waiting time of its last maturity ends [day].

    Who of the year's loans is in default is then known.
    """
    last, rules = year_span(scenario.sized_year)[1], scenario.law()
    april = int(clock.last_day_of_month(clock.month_of(np.array([last])) + 4)[0])
    over = clock.month_of(entitled_on(rules, load_calendar(), np.array([last])))
    return max(april, int(clock.last_day_of_month(over)[0]))


def openings_of(scenario: Scenario, seed: int, n: int = 1) -> dict[str, OpeningState]:
    """Opening states by name: the scenario's own and, where it is synthesised by a warm-up, the others.

    A known book is the same whatever is assumed about defaults. A warm-up is not: its claims in the
    pipeline are made by the same assumption, so each anchor, and each point of uncertain parameters, has its
    own (ADR 0013).

    Parameters
    ----------
    n : int
        Histories for which there are points.
    """
    changes = points(scenario, seed, n)
    openings = {"base": opening_state(known(scenario)), **openings_of_main(scenario, changes)}
    if scenario.opening.kind != "warm-up":
        return openings
    openings |= {f"anchor-{a}": opening_state(_anchored(scenario, a)) for a in anchors_apart(scenario)}
    if scenario.opening.state == "stationary":
        return openings
    others = {f"state-{k:04d}": opening_at(scenario, change, k) for k, change in enumerate(changes)}
    return openings | (others or opening_states(scenario))


def openings_of_main(
    scenario: Scenario, changes: Sequence[Changes], there: Collection[str] = (), n: int | None = None
) -> dict[str, OpeningState]:
    """The opening states of the main arm's histories that are not there yet: one, or one for each point or state.

    Of points those alone at which one of the first ``n`` histories stands, where ``n`` is given.
    """
    names = main_openings(scenario, changes)
    if names == ("base",):
        return {} if "base" in there else {"base": opening_state(known(scenario))}
    if not changes:
        return opening_states(scenario)
    is_own_luck = scenario.opening.state == "stationary"
    reached = set(range(len(names)) if n is None else point_of(np.arange(n), len(names)).tolist())
    return {
        name: opening_at(scenario, changes[k], k if is_own_luck else None)
        for k, name in enumerate(names)
        if name not in there and k in reached
    }


def opening_at(scenario: Scenario, change: Changes, luck: int | None = None) -> OpeningState:
    """The opening state made at a point of uncertain parameters: from the scenario's own luck, or another one."""
    other = {} if luck is None else {"opening.warm_up_seed": state_seed(scenario, luck + 1)}
    return opening_state(at(scenario, change).with_changes(other))


def main_openings(scenario: Scenario, changes: Sequence[Changes]) -> tuple[str, ...]:
    """Names of the opening states of the main arm's histories."""
    if scenario.opening.kind != "warm-up":
        return ("base",)
    if changes:
        return tuple(f"point-{k:04d}" for k in range(len(changes)))
    return _states() if scenario.opening.state == "stationary" else ("base",)


def main_opening(scenario: Scenario, seed: int, replication: int) -> str:
    """Name of the opening state of one history of the main arm."""
    changes = points(scenario, seed, replication + 1)
    names = main_openings(scenario, changes)
    return names[turn_of(replication, len(names), len(changes))]


def arms_of(scenario: Scenario, seed: int, n: int = 1) -> list[Arm]:
    """The main arm to the full horizon; anchors, openings and other states to the end of the sized year.

    Arms with some of the drivers off go four months further: what they are asked for beside the need is who
    defaults. The list of defaulted loans is kept where the late subsidy is the only driver that is off. At an
    anchor every parameter is taken as known. ``n`` is the number of histories for which the arms have points.
    """
    end = year_span(scenario.sized_year)[1]
    is_warm_up = scenario.opening.kind == "warm-up"
    changes = tuple(points(scenario, seed, n))
    own = main_openings(scenario, changes)
    arms = [Arm("main", scenario, own, horizon(scenario), True, True, changes)]
    for anchor in anchors_apart(scenario):
        name = f"anchor-{anchor}"
        arms.append(Arm(name, _anchored(scenario, anchor), (name,) if is_warm_up else ("base",), end, False))
    if scenario.opening_drought_matters:
        for state in OPENINGS:
            if state != scenario.opening.drought:
                other = scenario.with_changes({"opening.drought": state})
                arms.append(Arm(f"opening-{state}", other, own, end, False, points=changes))
    if is_warm_up and scenario.opening.state == "known":
        states = tuple(f"state-{k:04d}" for k in range(len(changes))) if changes else _states()
        arms.append(Arm("stationary", scenario, states, end, False, points=changes))
    for redraws, name in LUCK.items():
        arms.append(Arm(name, scenario, own, end, False, points=changes, redraws=redraws))
    here = present(scenario)
    for on in subsets(here)[:-1]:
        is_without_late = set(here) - set(on) == {"late_subsidy"}
        arms.append(
            Arm(
                arm_name(scenario, on),
                switched(scenario, on),
                own,
                four_months_past(scenario),
                False,
                is_without_late,
                changes,
            )
        )
    return arms


def anchors_apart(scenario: Scenario) -> list[str]:
    """Anchors that have an arm of their own: all but the scenario's own, and that one too where it is drawn."""
    own = scenario.defaults.anchor
    there = ANCHORS if scenario.livelihoods is None else tuple(scenario.livelihoods.behaviour)
    apart = bool(drawn_fields(scenario))
    return [] if own is None else [a for a in ANCHORS if a in there and (a != own or apart)]


def known(scenario: Scenario) -> Scenario:
    """The scenario with every parameter taken as known, at its own value."""
    is_known = not scenario.uncertain and scenario.posterior is None
    return scenario if is_known else scenario.with_changes({"uncertain": [], "posterior": None})


def _states() -> tuple[str, ...]:
    return tuple(f"state-{k:02d}" for k in range(1, N_STATES + 1))


def _anchored(scenario: Scenario, anchor: str) -> Scenario:
    return known(scenario).with_changes({"defaults.anchor": anchor})
