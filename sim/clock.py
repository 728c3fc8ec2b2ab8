"""Real dates as day numbers, China's working days, and the one order of things within a day.

A day is an integer: days since 1 January 1970. Within a day institutions act in the order of `Slot`;
the simulation clock reads day + slot/100, so two things on one day never race.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
import simpy

from sim.errors import InputError
from sim.units import I64, Array

_EPOCH = dt.date(1970, 1, 1).toordinal()


class Slot(IntEnum):
    """Order of events within one day (ADR 0004)."""

    BUDGET_RELEASE = 1
    MEETING = 2
    PAYMENT = 3
    HOUSEHOLD_MONTH = 4
    LENDER_MONTH = 5
    CLAIMS = 6
    RECORDS = 7


def day_of(date: dt.date) -> int:
    """Date to day number."""
    return date.toordinal() - _EPOCH


def date_of(day: int) -> dt.date:
    """Day number to date."""
    return dt.date.fromordinal(int(day) + _EPOCH)


def day_in_year(year: int, month_day: str) -> int:
    """Day number of ``"03-01"`` in a year."""
    month, day = (int(part) for part in month_day.split("-"))
    return day_of(dt.date(year, month, day))


def month_of(days: Array) -> I64:
    """Day numbers to month numbers (months since January 1970)."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def year_of(days: Array) -> I64:
    """Day numbers to calendar years."""
    return days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970


def first_day_of_month(months: Array) -> I64:
    """Month numbers to the day number of their first day."""
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def last_day_of_month(months: Array) -> I64:
    """Month numbers to the day number of their last day."""
    return first_day_of_month(np.asarray(months) + 1) - 1


def add_months(days: Array, n: Array | int) -> I64:
    """The same day n months on; the last day of the month where that day does not exist.

    Terms run by anniversary: year to year, month to month, day to day.
    """
    days = np.asarray(days, dtype=np.int64)
    months = month_of(days)
    target = months + n
    return np.minimum(first_day_of_month(target) + (days - first_day_of_month(months)), last_day_of_month(target))


@dataclass(frozen=True)
class Calendar:
    """China's working days over a span of years.

    Attributes
    ----------
    first_day : int
        Day number of index 0.
    is_working : (n_days,) bool
        Working day or not, adjusted holidays and working weekends included.
    published_to : int
        Last year whose calendar was published; later years are an assumption.
    """

    first_day: int
    is_working: Array
    published_to: int

    def _index(self, days: Array) -> I64:
        """Index of each day in the calendar.

        Raises
        ------
        InputError
            A day outside the calendar: it must not be looked up from the far end.
        """
        at = np.asarray(days, dtype=np.int64) - self.first_day
        if at.size and (at.min() < 0 or at.max() >= self.is_working.size):
            day = self.first_day + int(at.min() if at.min() < 0 else at.max())
            last = date_of(self.first_day + self.is_working.size - 1)
            raise InputError(
                "calendar", "date", date_of(day).isoformat(), f"a date from {date_of(self.first_day)} to {last}"
            )
        return at

    @cached_property
    def _working(self) -> I64:
        return np.flatnonzero(self.is_working).astype(np.int64) + self.first_day

    @cached_property
    def _count(self) -> I64:
        """Working days up to and including each day."""
        return np.cumsum(self.is_working).astype(np.int64)

    def add_working_days(self, days: Array, n: int) -> I64:
        """The n-th working day after each day (n >= 1); n = 0 leaves the day as it is."""
        days = np.asarray(days, dtype=np.int64)
        if n == 0:
            return days
        return self._working[self._count[self._index(days)] + n - 1]

    def working_days(self, from_day: int, to_day: int) -> I64:
        """The working days of a span."""
        return self._working[(self._working >= from_day) & (self._working <= to_day)]

    def on_or_after(self, days: Array) -> I64:
        """Each day itself if it is a working day, else the next one."""
        days = np.asarray(days, dtype=np.int64)
        at = self._index(days)
        return self._working[self._count[at] - self.is_working[at]]

    @property
    def tables(self) -> tuple[I64, I64]:
        """Working days in order, and the number of them up to and including each day of the calendar."""
        return self._working, self._count

    def working_days_before(self, first: int) -> Callable[[float], int]:
        """A function: working days from ``first`` up to the day before a given day (one day at a time, fast)."""
        counts, offset = self._count_list, self.first_day
        base = counts[first - 1 - offset]

        def count(day: float) -> int:
            at = int(day) - 1 - offset
            return counts[at] - base if at >= 0 else int(self._index(np.array([at + offset]))[0])

        return count

    @cached_property
    def _count_list(self) -> list[int]:
        out: list[int] = self._count.tolist()
        return out

    def working_days_through(self, day: int) -> int:
        """Number of working days from the calendar's start to ``day`` inclusive."""
        return int(self._count[self._index(np.array([day]))[0]])

    def nth_working_day(self, n: int) -> int:
        """The n-th working day of the calendar (n >= 1)."""
        return int(self._working[n - 1])

    def dates_each_year(self, month_days: tuple[str, ...], from_day: int, to_day: int) -> I64:
        """Yearly dates such as ``"01-15"``, each moved to a working day, within [from_day, to_day]."""
        out = []
        for year in range(date_of(from_day).year - 1, date_of(to_day).year + 1):
            for text in month_days:
                month, day = (int(part) for part in text.split("-"))
                out.append(day_of(dt.date(year, month, day)))
        moved = np.unique(self.on_or_after(np.array(sorted(out), dtype=np.int64)))
        return moved[(moved >= from_day) & (moved <= to_day)]


def start(day: int) -> simpy.Environment:
    """A simulation environment whose clock starts at the beginning of ``day``."""
    return simpy.Environment(initial_time=float(day))


def until(env: simpy.Environment, day: int, slot: Slot) -> tuple[simpy.Event, ...]:
    """What to wait for until ``slot`` of ``day``, with ``yield from``: nothing if that moment has come."""
    delay = day + slot / 100 - env.now
    return (env.timeout(delay),) if delay > 0 else ()
