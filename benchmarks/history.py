"""What one history costs, part by part, and the compiled kernel against its plain twin, in one run.

Quote ratios and medians: machines differ and are noisy. Run with `make bench`.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import sim
from sim import clock, community, institutions, outcomes, reacting, receivables, replication
from sim.arms import horizon
from sim.households import kernels, reduced_form
from sim.ledger import Ledger
from sim.streams import stream_key, uniforms, uniforms_reference
from sim.warmup import opening_state

HISTORIES = 30
SPENT: dict[str, float] = defaultdict(float)


def timed(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, its time added to a part."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        begin = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            SPENT[part] += time.perf_counter() - begin

    return wrapper


@contextmanager
def instruments() -> Iterator[None]:
    """Timers around the parts of a history."""
    places = [
        (replication, "draw_paths", "draws"), (replication, "draw_applications", "draws"),
        (replication, "draw_fates", "draws"), (replication, "granted_at", "lending limit"), (replication, "releases", "lending limit"),
        (institutions, "entitlement", "subsidy by loan"),
        (replication, "run_institutions", "institutions"), (Ledger, "post", "ledger"),
    ]  # fmt: skip
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in places]
    for owner, name, part in places:
        setattr(owner, name, timed(part, getattr(owner, name)))
    try:
        yield
    finally:
        for owner, name, function in before:
            setattr(owner, name, function)


def history() -> None:
    """Milliseconds of one history of about 4,000 loans over 60 months."""
    scenario = sim.Scenario.load("x-county", {"lending.demand_over_limit": 0.78})
    opening = opening_state(scenario)
    setup = replication.prepare(scenario, 2027, opening, horizon(scenario))
    world = replication.simulate(setup, 0)
    reacting.sweep(setup, world)
    outcomes.summary(setup, world)
    totals, events = [], []
    with instruments():
        for r in range(1, HISTORIES + 1):
            begin = time.perf_counter()
            world = replication.simulate(setup, r)
            simulated = time.perf_counter()
            outcomes.summary(setup, world)
            outcomes.months(setup, world)
            outcomes.townships(setup, world)
            recorded = time.perf_counter()
            reacting.sweep(setup, world)
            SPENT["records"] += recorded - simulated
            SPENT["21 fund sizes"] += time.perf_counter() - recorded
            totals.append(time.perf_counter() - begin)
            events.append(world.n_events)
    months = setup.month_ends.size
    print(
        f"book of {len(opening.loans):,} loans, {months} months, {max(events)} SimPy events at most ({HISTORIES} histories)"
    )
    SPENT["SimPy and institutions"] = SPENT.pop("institutions") - SPENT["ledger"] - SPENT["subsidy by loan"]
    for part in (
        "draws",
        "lending limit",
        "subsidy by loan",
        "SimPy and institutions",
        "ledger",
        "records",
        "21 fund sizes",
    ):
        print(f"  {part:24} {SPENT[part] / HISTORIES * 1000:7.2f} ms")
    print(f"  {'whole history, median':24} {statistics.median(totals) * 1000:7.2f} ms")


def household_history() -> None:
    """Milliseconds of one history of 4,000 simulated households over 36 months."""
    scenario = sim.Scenario.load("x-county-households", {"livelihoods.households": 4000})
    opening = opening_state(scenario)
    last = int(clock.last_day_of_month(clock.month_of(np.array([opening.day])) + 35)[0])
    setup = replication.prepare(scenario, 2027, opening, last)
    outcomes.summary(setup, replication.simulate(setup, 0))
    kernels_used = [
        (community, "step"), (community, "enter"), (community, "lend"), (community, "release"), (community, "year_end"),
        (community, "new_claims"), (receivables, "settle_households"),
    ]  # fmt: skip
    places = [(owner, name, "kernel") for owner, name in kernels_used]
    places += [
        (community, "draw_weather", "weather and prices"),
        (community, "draw_prices", "weather and prices"),
        (Ledger, "post", "ledger"),
    ]
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in places]
    for owner, name, part in places:
        setattr(owner, name, timed(part, getattr(owner, name)))
    parts: dict[str, list[float]] = defaultdict(list)
    events = 0
    for r in range(1, HISTORIES + 1):
        SPENT.clear()
        begin = time.perf_counter()
        world = replication.simulate(setup, r)
        simulated = time.perf_counter()
        outcomes.summary(setup, world)
        outcomes.townships(setup, world)
        SPENT["records"] = time.perf_counter() - simulated
        whole = time.perf_counter() - begin
        SPENT["SimPy and institutions"] = (
            simulated - begin - sum(SPENT[k] for k in ("kernel", "weather and prices", "ledger"))
        )
        for part, seconds in {**SPENT, "outside the kernel": whole - SPENT["kernel"], "whole history": whole}.items():
            parts[part].append(seconds * 1000)
        events = max(events, world.n_events)
    for owner, name, function in before:
        setattr(owner, name, function)
    n = setup.households.register.id.size if setup.households is not None else 0
    print(
        f"{n:,} households, {setup.month_ends.size} months, {events} SimPy events at most ({HISTORIES} histories), medians"
    )
    for part in (
        "kernel",
        "weather and prices",
        "SimPy and institutions",
        "ledger",
        "records",
        "outside the kernel",
        "whole history",
    ):
        print(f"  {part:24} {statistics.median(parts[part]):7.2f} ms")


def twins() -> None:
    """Compiled code against its plain twin on the same draws: medians of nine pairs."""
    scenario = sim.scenario("x-county")
    opening = opening_state(scenario)
    setup = replication.prepare(scenario, 2027, opening, horizon(scenario))
    loans = opening.loans
    paths = replication.draw_paths(
        scenario.defaults, "long_run", setup.township_ids, setup.first_month, setup.month_ends.size, 1, 2027
    )
    common = (
        loans.household, loans.id, loans.start, loans.due, clock.month_of(loans.due) - setup.first_month, loans.township,
        loans.p_class, loans.status, loans.cause, np.maximum(setup.first_day - loans.due, 0), setup.first_day, 90, 30,
        setup.first_month, setup.month_ends, 1, paths.factor, paths.is_hit, paths.is_late, paths.lag,
    )  # fmt: skip
    key, ids = stream_key(1, "benchmark"), np.arange(200_000)
    pairs = {
        "fates of loans": (
            lambda: kernels.fates(*common, *reduced_form.arguments(setup.form)),
            lambda: reduced_form.fates_reference(*common, setup.form), len(loans), "loan",
        ),
        "Philox, two uniforms": (lambda: uniforms(key, 1, 1, ids), lambda: uniforms_reference(key, 1, 1, ids), ids.size, "address"),
    }  # fmt: skip
    for name, (fast, plain, n, unit) in pairs.items():
        a, b = [], []
        for _ in range(9):
            a.append(_seconds(fast))
            b.append(_seconds(plain))
        ratio = statistics.median(y / x for x, y in zip(a, b, strict=True))
        print(
            f"{name:24} compiled {statistics.median(a) / n * 1e9:7.1f} ns a {unit}, plain {statistics.median(b) / n * 1e9:8.1f}, ratio {ratio:.0f}"
        )


def _seconds(function: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


if __name__ == "__main__":
    history()
    household_history()
    twins()
