"""The arms of a sizing run: which scenario, from which opening state, to which horizon."""

from __future__ import annotations

import numpy as np

from sim import clock
from sim.drivers import arm_name, present, subsets, switched
from sim.experiment import Arm
from sim.opening import OpeningState
from sim.outcomes import year_span
from sim.scenario import Scenario
from sim.warmup import N_STATES, opening_state, opening_states

ANCHORS = ("low", "central", "high")
OPENINGS = ("dry", "normal", "long_run")


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
    last = year_span(scenario.sized_year)[1]
    april = int(clock.last_day_of_month(clock.month_of(np.array([last])) + 4)[0])
    over = clock.month_of(np.array([last + scenario.law().claim.wait_days]))
    return max(april, int(clock.last_day_of_month(over)[0]))


def openings_of(scenario: Scenario) -> dict[str, OpeningState]:
    """Opening states by name: the scenario's own and, where it is synthesised by a warm-up, the others.

    A known book is the same whatever is assumed about defaults. A warm-up is not: its claims in the
    pipeline are made by the same assumption, so each anchor has its own (ADR 0013).
    """
    openings = {"base": opening_state(scenario)}
    if scenario.opening.kind == "warm-up":
        openings |= {f"anchor-{a}": opening_state(_anchored(scenario, a)) for a in _other_anchors(scenario)}
        openings |= opening_states(scenario)
    return openings


def arms_of(scenario: Scenario) -> list[Arm]:
    """The main arm to the full horizon; anchors, openings and other states to the end of the sized year.

    Arms with some of the drivers off go four months further: what they are asked for beside the need is who
    defaults. The list of defaulted loans is kept where the late subsidy is the only driver that is off.
    """
    end = year_span(scenario.sized_year)[1]
    is_warm_up = scenario.opening.kind == "warm-up"
    states = tuple(f"state-{k:02d}" for k in range(1, N_STATES + 1))
    own = states if is_warm_up and scenario.opening.state == "stationary" else ("base",)
    arms = [Arm("main", scenario, own, horizon(scenario), True, True)]
    for anchor in _other_anchors(scenario):
        name = f"anchor-{anchor}"
        arms.append(Arm(name, _anchored(scenario, anchor), (name,) if is_warm_up else own, end, False))
    if scenario.opening_drought_matters:
        for state in OPENINGS:
            if state != scenario.opening.drought:
                arms.append(Arm(f"opening-{state}", scenario.with_changes({"opening.drought": state}), own, end, False))
    if is_warm_up and scenario.opening.state == "known":
        arms.append(Arm("stationary", scenario, states, end, False))
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
            )
        )
    return arms


def _other_anchors(scenario: Scenario) -> list[str]:
    own = scenario.defaults.anchor
    known = ANCHORS if scenario.livelihoods is None else tuple(scenario.livelihoods.behaviour)
    return [] if own is None else [a for a in ANCHORS if a != own and a in known]


def _anchored(scenario: Scenario, anchor: str) -> Scenario:
    return scenario.with_changes({"defaults.anchor": anchor})
