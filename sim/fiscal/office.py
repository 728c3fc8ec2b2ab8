"""The office's few clerks: how long files wait is the result of the queue, never a parameter."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Protocol

import simpy

from sim.clock import Calendar, Slot, until
from sim.law import Rules
from sim.units import I64

CLAIM, LIST = 0, 1


@dataclass
class Desk:
    """A desk that works at a steady rate, claim files before subsidy lists, each in order of arrival.

    The clerks' minutes are pooled. Time is a day number; only working days carry minutes. A list that is
    interrupted by a claim file is taken up again where it was left.

    Attributes
    ----------
    minutes_per_day : float
        Clerks x share of working days x minutes a day.
    worked_before : callable
        Working days before a day (monotone); the identity for a desk that never rests.
    """

    minutes_per_day: float
    worked_before: Any
    busy_minutes: float = 0.0
    _now: float = 0.0
    _coming: list[tuple[float, int, int, float, Any]] = field(default_factory=list)
    _queues: tuple[deque[list[Any]], deque[list[Any]]] = field(default_factory=lambda: (deque(), deque()))
    _n: int = 0

    def submit(self, day: float, kind: int, minutes: float, item: Any) -> None:
        """A file arrives on a day (not before the day to which the desk has advanced)."""
        # a file takes at least a moment, so that it is finished on the day it came and not on the evening before
        heapq.heappush(self._coming, (self._clock(day), kind, self._n, max(minutes, 1e-6), item))
        self._n += 1

    def advance(self, day: float) -> list[tuple[float, Any]]:
        """Work until the end of a day.

        Returns
        -------
        list of (desk minute, item)
            What was finished, in order; divided by `minutes_per_day` the minute is a number of working days.
        """
        until = self._clock(day + 1)
        done: list[tuple[float, Any]] = []
        while True:
            queue = self._queues[CLAIM] or self._queues[LIST]
            next_arrival = self._coming[0][0] if self._coming else float("inf")
            if not queue:
                if next_arrival >= until:
                    break
                self._now = max(self._now, next_arrival)
                self._take_arrivals()
                continue
            head = queue[0]
            finish = self._now + head[0]
            stop = min(finish, next_arrival, until)
            self.busy_minutes += stop - self._now
            head[0] -= stop - self._now
            self._now = stop
            if stop == finish and finish <= until:
                queue.popleft()
                done.append((finish, head[1]))
            if next_arrival <= stop:
                self._take_arrivals()
            if stop >= until:
                break
        self._now = max(self._now, until)
        return done

    @property
    def n_waiting(self) -> int:
        """Files on the desk, the one in hand included."""
        return len(self._queues[CLAIM]) + len(self._queues[LIST])

    def _clock(self, day: float) -> float:
        """Desk minutes at the beginning of a day."""
        return float(self.worked_before(day)) * self.minutes_per_day

    def _take_arrivals(self) -> None:
        while self._coming and self._coming[0][0] <= self._now:
            _, kind, _, minutes, item = heapq.heappop(self._coming)
            self._queues[kind].append([minutes, item])


@dataclass
class Lists:
    """Subsidy lists as parallel lists, one entry a file: a settlement of a lender, or its corrected rest.

    Attributes
    ----------
    period_end, lender, amount [fen], lines, arrives [day], to_household
        Settlement, whose, how much, how many loan lines, the day on the office's desk, who gets the money.
    confirmed, paid [fen], paid_in_90 [fen]
        Day of the finance bureau's confirmation (NEVER until then), paid so far, and paid within 90 days
        of the period's end.
    payments : list of (file, day, fen)
    """

    period_end: list[int]
    lender: list[int]
    amount: list[int]
    lines: list[int]
    arrives: list[int]
    to_household: list[bool]
    confirmed: list[int]
    paid: list[int]
    paid_in_90: list[int]
    payments: list[tuple[int, int, int]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.amount)

    def add(
        self, period_end: int, lender: int, amount: int, lines: int, arrives: int, confirmed: int = -1,
        *, to_household: bool = False,
    ) -> None:  # fmt: skip
        """One more file, nothing paid yet."""
        self.period_end.append(period_end)
        self.lender.append(lender)
        self.amount.append(amount)
        self.lines.append(lines)
        self.arrives.append(arrives)
        self.to_household.append(to_household)
        self.confirmed.append(confirmed)
        self.paid.append(0)
        self.paid_in_90.append(0)

    @staticmethod
    def empty() -> Lists:
        """No file."""
        return Lists([], [], [], [], [], [], [], [], [])


class Files(Protocol):
    """Claims as the office sees them."""

    reviewed: I64


def office(
    env: simpy.Environment,
    desk: Desk,
    calendar: Calendar,
    rules: Rules,
    lists: Lists,
    claims: Files,
    days: list[int],
) -> Generator[Any, Any, None]:
    """The poverty-alleviation office: reviews lists and claim files in the order in which they came.

    The files' arrivals are on the desk's calendar before the start; here the office only reports, on the
    days on which somebody asks, what the clerks have finished.

    Parameters
    ----------
    claims : object with ``reviewed``, (n_claims,) int64 [day]
        Filled in. Their number may grow in the course of the history.
    days : list of int
        Days on which a meeting or a payment run looks at the results; the files finished by the evening
        before count.

    Source: X county regulation, art. 18, 20(3) (joint review), 27 (subsidy lists).
    """
    start = calendar.working_days_through(int(env.now) - 1)
    for day in days:
        yield from until(env, day, Slot.BUDGET_RELEASE)
        for minute, (kind, index) in desk.advance(day - 1):
            nth = start + max(math.ceil(minute / desk.minutes_per_day - 1e-9), 1)
            done = calendar.nth_working_day(nth)
            if kind == CLAIM:
                claims.reviewed[index] = done
            else:
                lists.confirmed[index] = calendar.nth_working_day(nth + rules.subsidy.confirm_working_days)
