"""The office's desk: claim files before lists, interruption, days off, and who reads the results."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import simpy

from sim import clock
from sim.fiscal.office import CLAIM, LIST, Desk, Lists, office


def slow_desk(files: list[tuple[int, int, int]]) -> dict[int, int]:
    """Minute by minute: claims first, each kind in order of arrival. Files are (arrives, kind, minutes)."""
    left = {i: minutes for i, (_, _, minutes) in enumerate(files)}
    done: dict[int, int] = {}
    minute = 0
    while left:
        waiting = [(files[i][1], files[i][0], i) for i in left if files[i][0] <= minute]
        minute += 1
        if waiting:
            i = min(waiting)[2]
            left[i] -= 1
            if left[i] == 0:
                done[i] = minute
                del left[i]
    return done


@pytest.mark.parametrize("seed", range(8))
def test_a_desk_that_never_rests_against_a_minute_by_minute_walk(seed: int) -> None:
    draw = np.random.Generator(np.random.PCG64(seed))
    files = sorted((int(a), int(k), int(m)) for a, k, m in zip(
        draw.integers(0, 120, 40), draw.integers(0, 2, 40), draw.integers(1, 8, 40), strict=True))  # fmt: skip
    desk = Desk(1.0, lambda day: day)
    for i, (arrives, kind, minutes) in enumerate(files):
        desk.submit(arrives, kind, minutes, i)
    found: dict[int, float] = {}
    for day in (3, 40, 41, 90, 400):  # asked now and then, as the institutions do
        found |= {item: minute for minute, item in desk.advance(day)}
    assert found == slow_desk(files)
    assert desk.busy_minutes == sum(m for _, _, m in files)
    assert desk.n_waiting == 0


class Clerk:
    """The same desk as a pre-emptive SimPy resource of one clerk, with minutes as the unit of time."""

    def __init__(self) -> None:
        self.env = simpy.Environment()
        self.clerk = simpy.PreemptiveResource(self.env, capacity=1)
        self.done: dict[int, Fraction] = {}

    def file(self, i: int, arrives: Fraction, kind: int, minutes: Fraction) -> Iterator[Any]:
        """One file: a claim takes the clerk from a list, which keeps its place and what was done of it."""
        yield self.env.timeout(arrives)
        came = self.env.now
        while minutes > 0:
            with self.clerk.request(priority=(kind, came, i), preempt=True) as mine:
                begun = None
                try:
                    yield mine
                    begun = self.env.now
                    yield self.env.timeout(minutes)
                    minutes = Fraction(0)
                except simpy.Interrupt:
                    if begun is not None:
                        minutes -= self.env.now - begun
        self.done[i] = self.env.now


@pytest.mark.parametrize("seed", range(12))
def test_a_desk_is_a_preemptive_resource_of_simpy(seed: int) -> None:
    """On random files both finish each file on the same minute, in eighths, so that no rounding hides a difference."""
    draw = np.random.Generator(np.random.PCG64(seed))
    files = [
        (int(a), int(k), int(m)) for a, k, m in zip(
            np.sort(draw.integers(0, 60, 80)), draw.integers(0, 2, 80), draw.integers(1, 30, 80), strict=True)
    ]  # fmt: skip
    clerk, desk = Clerk(), Desk(3.0, lambda day: day)  # three minutes a day
    for i, (arrives, kind, eighths) in enumerate(files):
        clerk.env.process(clerk.file(i, Fraction(arrives * 3), kind, Fraction(eighths, 8)))
        desk.submit(arrives, kind, eighths / 8, i)
    clerk.env.run()
    found = {item: Fraction(minute) for day in (9, 10, 33, 200) for minute, item in desk.advance(day)}
    assert found == clerk.done


def test_a_claim_interrupts_a_list_which_is_taken_up_again() -> None:
    desk = Desk(100.0, lambda day: day)
    desk.submit(0, LIST, 150, "list")
    desk.submit(1, CLAIM, 90, "claim")
    assert desk.advance(0) == []
    assert desk.advance(5) == [(190, "claim"), (240, "list")]


def test_claims_go_first_then_each_kind_in_order_of_arrival() -> None:
    desk = Desk(10.0, lambda day: day)
    for k, (day, kind) in enumerate(((0, LIST), (0, CLAIM), (0, LIST), (0, CLAIM))):
        desk.submit(day, kind, 5, k)
    assert [item for _, item in desk.advance(9)] == [1, 3, 0, 2]


def test_no_work_on_days_off() -> None:
    open_days = [1, 1, 0, 0, 1, 1]  # a weekend on days 2 and 3
    desk = Desk(60.0, lambda day: sum(open_days[: int(day)]))
    desk.submit(0, LIST, 150, "list")
    desk.submit(2, CLAIM, 30, "claim")  # arrives on the weekend
    assert desk.advance(1) == []
    assert desk.advance(3) == []
    assert desk.busy_minutes == 120
    assert desk.advance(5) == [(150, "claim"), (180, "list")]


def test_a_file_without_work_is_done_at_once() -> None:
    desk = Desk(60.0, lambda day: day)
    desk.submit(2, LIST, 0, "empty")
    assert desk.advance(1) == []
    assert desk.advance(2) == [(pytest.approx(120), "empty")]


def run_office(
    rules: Any, calendar: Any, files: list[tuple[int, int, float, int]], days: list[int], per_day: float
) -> tuple[Any, Any]:
    first = clock.day_of(dt.date(2018, 1, 1))
    base = calendar.working_days_through(first - 1)
    desk = Desk(per_day, lambda day: calendar.working_days_through(int(day) - 1) - base)
    lists, reviewed = Lists.empty(), np.full(9, -1, dtype=np.int64)
    for day, kind, minutes, index in files:
        desk.submit(day, kind, minutes, (kind, index))
        if kind == LIST:
            lists.add(day, 0, 100, 1, day)
    env = clock.start(first)
    env.process(office(env, desk, calendar, rules, lists, SimpleNamespace(reviewed=reviewed), days))
    env.run()
    return lists, reviewed


def test_a_review_is_dated_by_the_working_day_on_which_it_ends(rules: Any, calendar: Any) -> None:
    """240 minutes a day from Tuesday 2 January 2018: files of 240, 241 and 480 minutes."""
    tuesday = clock.day_of(dt.date(2018, 1, 2))
    for minutes, done in ((240, "2018-01-02"), (241, "2018-01-03"), (960, "2018-01-05"), (1200, "2018-01-08")):
        _, reviewed = run_office(rules, calendar, [(tuesday, CLAIM, minutes, 0)], [tuesday + 20], 240)
        assert str(clock.date_of(reviewed[0])) == done


def test_finance_confirms_ten_working_days_after_the_list_was_checked(rules: Any, calendar: Any) -> None:
    tuesday = clock.day_of(dt.date(2018, 1, 2))
    lists, _ = run_office(rules, calendar, [(tuesday, LIST, 10, 0)], [tuesday + 1], 240)
    assert str(clock.date_of(lists.confirmed[0])) == "2018-01-16"


def test_only_what_was_finished_by_the_evening_before_is_seen(rules: Any, calendar: Any) -> None:
    tuesday = clock.day_of(dt.date(2018, 1, 2))
    file = [(tuesday, CLAIM, 240.0, 0)]
    assert run_office(rules, calendar, file, [tuesday], 240)[1][0] == -1
    assert run_office(rules, calendar, file, [tuesday + 1], 240)[1][0] == tuesday


def test_a_file_that_takes_no_time_is_not_done_before_it_came(rules: Any, calendar: Any) -> None:
    tuesday = clock.day_of(dt.date(2018, 1, 2))
    _, reviewed = run_office(rules, calendar, [(tuesday, CLAIM, 0.0, 0)], [tuesday + 20], 240)
    assert reviewed[0] >= tuesday
