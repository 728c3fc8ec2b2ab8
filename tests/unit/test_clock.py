"""Dates, anniversaries, working days, and the order of things within a day."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from dateutil.relativedelta import relativedelta

from sim import clock
from sim.clock import Slot


def day(text: str) -> int:
    return clock.day_of(dt.date.fromisoformat(text))


def test_day_numbers_count_from_1970() -> None:
    assert clock.day_of(dt.date(1970, 1, 1)) == 0
    assert clock.date_of(day("2018-01-15")) == dt.date(2018, 1, 15)


def test_months_and_years_agree_with_the_calendar() -> None:
    days = np.arange(day("2011-12-30"), day("2021-03-02"))
    dates = [clock.date_of(d) for d in days]
    months = clock.month_of(days)
    assert months.tolist() == [(d.year - 1970) * 12 + d.month - 1 for d in dates]
    assert clock.year_of(days).tolist() == [d.year for d in dates]
    assert [clock.date_of(d) for d in clock.first_day_of_month(months)] == [d.replace(day=1) for d in dates]
    last = [d.replace(day=1) + relativedelta(months=1, days=-1) for d in dates]
    assert [clock.date_of(d) for d in clock.last_day_of_month(months)] == last


@pytest.mark.parametrize(
    ("start", "n", "end"),
    [
        ("2017-01-31", 1, "2017-02-28"),
        ("2016-01-31", 1, "2016-02-29"),
        ("2016-02-29", 12, "2017-02-28"),
        ("2016-02-29", 48, "2020-02-29"),
        ("2017-07-15", 36, "2020-07-15"),
        ("2018-03-31", -1, "2018-02-28"),
        ("2017-12-31", 2, "2018-02-28"),
    ],
)
def test_terms_run_by_anniversary_and_stop_at_the_month_end(start: str, n: int, end: str) -> None:
    assert clock.add_months(np.array([day(start)]), n)[0] == day(end)


def test_anniversaries_agree_with_a_second_implementation() -> None:
    draw = random.Random(7)
    for _ in range(500):
        start, n = dt.date(2008, 1, 1) + dt.timedelta(draw.randrange(9000)), draw.randrange(-60, 61)
        got = clock.date_of(clock.add_months(np.array([clock.day_of(start)]), n)[0])
        assert got == start + relativedelta(months=n)


def test_working_days_agree_with_a_second_source(calendar: clock.Calendar) -> None:
    """Every day of the published years against the package `chinesecalendar`."""
    other = pytest.importorskip("chinese_calendar")
    assert calendar.published_to == 2026
    differ = [
        date
        for date in (clock.date_of(d) for d in range(day("2012-01-01"), day("2026-12-31") + 1))
        if bool(calendar.is_working[clock.day_of(date) - calendar.first_day]) != other.is_workday(date)
    ]
    assert differ == []


def test_a_weekend_can_be_worked_and_a_weekday_off(calendar: clock.Calendar) -> None:
    assert dt.date(2017, 9, 30).weekday() == 5
    assert calendar.on_or_after(np.array([day("2017-09-30")]))[0] == day("2017-09-30")
    assert calendar.on_or_after(np.array([day("2017-10-01")]))[0] == day("2017-10-09")
    assert calendar.add_working_days(np.array([day("2017-09-29")]), 2)[0] == day("2017-10-09")


def test_unpublished_years_have_only_the_fixed_holidays_off(calendar: clock.Calendar) -> None:
    assert calendar.on_or_after(np.array([day("2030-10-01")]))[0] == day("2030-10-08")
    assert calendar.on_or_after(np.array([day("2030-02-04")]))[0] == day("2030-02-04")  # Spring Festival Monday


def test_nth_working_day_against_a_plain_walk(calendar: clock.Calendar) -> None:
    draw = random.Random(3)
    for _ in range(200):
        start, n = draw.randrange(day("2013-01-01"), day("2030-01-01")), draw.randrange(1, 25)
        left, walk = n, start
        while left:
            walk += 1
            left -= int(calendar.is_working[walk - calendar.first_day])
        assert calendar.add_working_days(np.array([start]), n)[0] == walk
    starts = np.arange(day("2018-02-10"), day("2018-02-25"))
    assert (calendar.add_working_days(starts, 0) == starts).all()


def test_counting_working_days_and_finding_them_are_inverse(calendar: clock.Calendar) -> None:
    for text in ("2016-02-06", "2018-12-29", "2026-06-01"):
        if calendar.is_working[day(text) - calendar.first_day]:
            assert calendar.nth_working_day(calendar.working_days_through(day(text))) == day(text)


def test_yearly_dates_move_to_a_working_day(calendar: clock.Calendar) -> None:
    meetings = calendar.dates_each_year(("01-15", "04-15", "07-15", "10-15"), day("2017-01-01"), day("2018-06-30"))
    assert [str(clock.date_of(d)) for d in meetings] == [
        "2017-01-16", "2017-04-17", "2017-07-17", "2017-10-16", "2018-01-15", "2018-04-16",
    ]  # fmt: skip


def test_a_yearly_date_may_move_into_the_next_year(calendar: clock.Calendar) -> None:
    moved = calendar.dates_each_year(("12-31",), day("2018-01-01"), day("2018-06-30"))
    assert [str(clock.date_of(d)) for d in moved] == ["2018-01-02"]


def test_a_day_outside_the_calendar_is_not_answered(calendar: clock.Calendar) -> None:
    try:
        found = calendar.on_or_after(np.array([day("2011-06-01")]))[0]
    except Exception:
        return
    assert found == day("2011-06-01")


def test_order_of_things_within_a_day() -> None:
    assert [slot.name for slot in sorted(Slot)] == [
        "BUDGET_RELEASE", "MEETING", "PAYMENT", "HOUSEHOLD_MONTH", "LENDER_MONTH", "CLAIMS", "RECORDS",
    ]  # fmt: skip


def test_processes_of_one_day_run_in_the_order_of_the_slots() -> None:
    today = day("2018-01-15")
    env = clock.start(today - 400)
    seen: list[Slot] = []

    def act(slot: Slot, via: int) -> object:
        yield from clock.until(env, via, Slot.PAYMENT)  # arrive from different moments
        yield from clock.until(env, today, slot)
        seen.append(slot)

    for k, slot in enumerate(reversed(Slot)):
        env.process(act(slot, today - 17 * k - 1))
    env.run(until=today + 1)
    assert seen == list(Slot)


def test_waiting_for_a_moment_that_has_come_takes_no_time() -> None:
    env = clock.start(100)
    assert clock.until(env, 99, Slot.RECORDS) == ()

    def waits() -> Iterator[Any]:
        yield from clock.until(env, 99, Slot.RECORDS)
        yield from clock.until(env, 101, Slot.RECORDS)

    env.process(waits())
    env.run()
    assert env.now == 101 + Slot.RECORDS / 100
