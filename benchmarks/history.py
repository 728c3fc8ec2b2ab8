"""What one history costs, part by part, and the compiled kernel against its plain twin, in one run.

Histories are timed by the processor time of their one thread: other work on the machine is not theirs. Quote ratios and
medians: machines differ and are noisy. Run with `make bench`.
"""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import thread_time
from typing import Any

import numpy as np

import sim
from sim import clock, community, institutions, outcomes, reacting, receivables, replication
from sim.arms import horizon
from sim.households import kernels, reduced_form
from sim.ledger import Ledger
from sim.streams import stream_key, uniforms, uniforms_reference
from sim.warmup import opening_state
from sim.world import Setup

HISTORIES = 30
SPENT: dict[str, float] = defaultdict(float)
CALLS: dict[str, int] = defaultdict(int)


def timed(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, its time added to a part."""

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        begin = thread_time()
        try:
            return function(*args, **kwargs)
        finally:
            SPENT[part] += thread_time() - begin
            CALLS[part] += 1

    return wrapper


def cost_of_a_timer() -> tuple[float, float]:
    """Seconds that a timer adds inside and outside of what it times; in a tight loop, so rather too few."""
    SPENT.clear()
    nothing = timed("nothing", lambda: None)
    begin = thread_time()
    for _ in range(10_000):
        nothing()
    whole = thread_time() - begin
    return SPENT["nothing"] / 10_000, (whole - SPENT["nothing"]) / 10_000


@contextmanager
def instruments(places: list[tuple[Any, str, str]]) -> Iterator[None]:
    """Timers around functions: (owner, name, part of a history)."""
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
    places = [
        (replication, "draw_paths", "draws"), (replication, "draw_applications", "draws"),
        (replication, "draw_fates", "draws"), (replication, "grant_at", "lending limit"), (replication, "courses", "lending limit"),
        (institutions, "entitlement", "subsidy by loan"),
        (replication, "run_institutions", "institutions"), (Ledger, "post", "ledger"),
    ]  # fmt: skip
    with instruments(places):
        for r in range(1, HISTORIES + 1):
            begin = thread_time()
            world = replication.simulate(setup, r)
            simulated = thread_time()
            outcomes.summary(setup, world)
            outcomes.months(setup, world)
            outcomes.townships(setup, world)
            recorded = thread_time()
            reacting.sweep(setup, world)
            SPENT["records"] += recorded - simulated
            SPENT["21 fund sizes"] += thread_time() - recorded
            totals.append(thread_time() - begin)
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
    """Milliseconds of one history of 4,000 simulated households over 36 months.

    Parts outside the kernel are timed in a pass of their own: nearly 700 timed postings would add to it.
    """
    scenario = sim.Scenario.load("x-county-households", {"livelihoods.households": 4000})
    opening = opening_state(scenario)
    last = int(clock.last_day_of_month(clock.month_of(np.array([opening.day])) + 35)[0])
    setup = replication.prepare(scenario, 2027, opening, last)
    outcomes.summary(setup, replication.simulate(setup, 0))
    kernels_used = [
        (community, "step"), (community, "enter"), (community, "lend"), (community, "release"), (community, "year_end"),
        (community, "new_claims"), (receivables, "settle_households"),
    ]  # fmt: skip
    parts, events = _timed_histories(setup, [(owner, name, "kernel") for owner, name in kernels_used])
    inside, _ = _timed_histories(
        setup,
        [
            (community, "draw_weather", "weather and prices"),
            (community, "draw_prices", "weather and prices"),
            (Ledger, "post", "ledger"),
        ],
    )
    parts |= {part: inside[part] for part in ("weather and prices", "ledger")}
    parts["outside the kernel"] = [w - k for w, k in zip(parts["whole history"], parts["kernel"], strict=True)]
    rest = zip(*(parts[k] for k in ("outside the kernel", "weather and prices", "ledger", "records")), strict=True)
    parts["SimPy and institutions"] = [outside - sum(others) for outside, *others in rest]
    n = setup.households.register.id.size if setup.households is not None else 0
    print(
        f"{n:,} households, {setup.month_ends.size} months, {events} SimPy events at most ({HISTORIES} histories), medians and lowest tenths"
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
        print(f"  {part:24} {statistics.median(parts[part]):7.2f} {statistics.quantiles(parts[part], n=10)[0]:7.2f} ms")


MECHANISMS: dict[str, Any] = {
    "livelihoods.firms": {
        "per_township": 5, "covers": 0.2, "income_share": 0.5, "failures_per_year": 0.05, "drought_logit": 4.0,
        "price_logit": 2.0, "disease_logit": 2.0, "replaced_after_months": 12, "uses_household_loans": 0.3,
    },
    "livelihoods.groups": {"helps": 0.3, "infects_logit": 2.0},
    "livelihoods.relapse_after_months": 3,
    "livelihoods.weather.extension": {"from_severity": 0.25, "months": 6},
    "livelihoods.behaviour.central.evaders": 0.005,
    "rules.loan.extension_months": 6,
}  # fmt: skip


def mechanisms() -> None:
    """What firms, groups, extensions, relapses and evaders together add to a household-month, turn about in one run."""
    plain = sim.Scenario.load("x-county-households", {"livelihoods.households": 4000})
    opening = opening_state(plain)
    last = int(clock.last_day_of_month(clock.month_of(np.array([opening.day])) + 35)[0])
    setups = [replication.prepare(s, 2027, opening, last) for s in (plain, plain.with_changes(MECHANISMS))]
    for setup in setups:
        outcomes.summary(setup, replication.simulate(setup, 0))
    spent: list[list[float]] = [[], []]
    for r in range(1, HISTORIES + 1):
        for setup, seconds in zip(setups, spent, strict=True):
            begin = thread_time()
            outcomes.summary(setup, replication.simulate(setup, r))
            seconds.append(thread_time() - begin)
    size = 4000 * setups[0].month_ends.size
    without, with_all = (statistics.median(seconds) / size * 1e9 for seconds in spent)
    ratio = statistics.median(b / a for a, b in zip(*spent, strict=True))
    print(
        f"a household-month, whole history: {without:.0f} ns without, {with_all:.0f} ns with all mechanisms, ratio {ratio:.2f}"
    )


def _timed_histories(setup: Setup, places: list[tuple[Any, str, str]]) -> tuple[dict[str, list[float]], int]:
    """Milliseconds of each history by part, of its records and of the whole, and the most SimPy events."""
    parts: dict[str, list[float]] = defaultdict(list)
    events, (inside, outside) = 0, cost_of_a_timer()
    with instruments(places):
        for r in range(1, HISTORIES + 1):
            SPENT.clear()
            CALLS.clear()
            begin = thread_time()
            world = replication.simulate(setup, r)
            simulated = thread_time()
            outcomes.summary(setup, world)
            outcomes.townships(setup, world)
            end = thread_time()
            whole = end - begin - (inside + outside) * sum(CALLS.values())
            spent = {part: seconds - inside * CALLS[part] for part, seconds in SPENT.items()}
            for part, seconds in {**spent, "records": end - simulated, "whole history": whole}.items():
                parts[part].append(seconds * 1000)
            events = max(events, world.n_events)
    return parts, events


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
    mechanisms()
    twins()
