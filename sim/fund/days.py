"""Days of the pack's chain: waiting time, filing windows, steps one after the other, decisions, payment."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import reduce

import numpy as np

from sim.clock import Calendar, date_of, day_of
from sim.law import Rules
from sim.law.chain import ClaimStep
from sim.units import I64, Array


def entitled_on(rules: Rules, calendar: Calendar, missed: Array) -> I64:
    """Day on which the waiting time after a missed date is over ("day 90").

    Source: X county regulation, art. 19.
    """
    if rules.claim.wait_unit == "days":
        return np.asarray(missed + rules.claim.wait_days)
    return calendar.add_working_days(missed, rules.claim.wait_days)


def latest_missed(rules: Rules, calendar: Calendar, day: int) -> int:
    """The latest missed date whose waiting time is over by a day."""
    if rules.claim.wait_unit == "days" or rules.claim.wait_days == 0:
        return day - rules.claim.wait_days
    n = calendar.working_days_through(day) - rules.claim.wait_days
    return calendar.nth_working_day(n + 1) - 1


def walk(steps: Iterable[ClaimStep], at: dict[str, I64], calendar: Calendar) -> None:
    """Day on which each step is over, entered in ``at``; those that stand there already are taken as they are."""
    for step in steps:
        if step.name not in at:
            begins = begin(step, at)
            at[step.name] = calendar.add_working_days(begins, step.days) if step.is_working else begins + step.days


def begin(step: ClaimStep, at: dict[str, I64]) -> I64:
    """Day on which all is over that a step waits for, as far as its days are known."""
    days: I64 = reduce(np.maximum, (at[name] for name in step.after if name in at))
    return days


def filing_days(rules: Rules, calendar: Calendar) -> I64:
    """Days on which the bank may file, in order; none where it may on any day."""
    n, first = calendar.is_working.size, calendar.first_day
    if not rules.claim.windows:
        return np.empty(0, dtype=np.int64)
    is_open = np.zeros(n, dtype=np.bool_)
    for year in range(date_of(first).year - 1, date_of(first + n - 1).year + 1):
        for span in rules.claim.windows:
            low, high = (day_of(dt.date(year, *map(int, text.split("-")))) for text in span.split("/"))
            if high < low:  # over the turn of the year
                high = day_of(dt.date(year + 1, *map(int, span.split("/")[1].split("-"))))
            is_open[max(low - first, 0) : max(high + 1 - first, 0)] = True
    return np.flatnonzero(is_open) + first


def latest_review(rules: Rules, calendar: Calendar, day: int) -> int:
    """The latest day of the clerks' review with which a claim can be decided on a day."""
    steps = rules.claim.steps
    behind = steps.behind_queue
    if steps.queue is None or not behind:
        return day
    reviewed = day
    while True:
        at = {steps.queue.name: np.array([reviewed])}
        walk(behind, at, calendar)
        if begin(steps.decision, at)[0] <= day:
            return reviewed
        reviewed -= 1


def decision_days(rules: Rules, calendar: Calendar, from_day: int, to_day: int) -> I64:
    """Days on which claims are decided: the meetings, or each working day."""
    if rules.claim.steps.decision.kind == "meeting":
        return calendar.dates_each_year(tuple(rules.claim.meetings), from_day, to_day)
    every = calendar.tables[0]
    return every[(every >= from_day) & (every <= to_day)]


def pay_days(rules: Rules, calendar: Calendar, decided: Array) -> I64:
    """Day on which the payment of an approved claim falls due."""
    steps = rules.claim.steps
    at = {steps.decision.name: np.asarray(decided)}
    walk(steps.after, at, calendar)
    return reduce(np.maximum, at.values())
