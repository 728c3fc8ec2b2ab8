"""A county whose households often do not pay, in the reduced form, under the forms of lending that hide it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sim import outcomes
from sim.replication import prepare, simulate
from sim.scenario import Scenario
from sim.world import Setup, World

N = 6
History = tuple[Setup, World, dict[str, Any]]


@pytest.fixture(scope="session")
def county(small: Scenario, opening: Any) -> Callable[..., list[History]]:
    """Histories of the small county under changes, all from one opening and on the same luck."""

    def run(changes: dict[str, Any] | None = None) -> list[History]:
        many = {"defaults.anchor": "high", "defaults.cured_before_day_90": 0.0, "defaults.death_calls_loan": False}
        scenario = small.with_changes({**many, **(changes or {})}, "county")
        setup = prepare(scenario, 7, opening, END)
        worlds = [simulate(setup, r) for r in range(N)]
        return [(setup, world, outcomes.summary(setup, world)) for world in worlds]

    return run


END = outcomes.year_span(2019)[1]
