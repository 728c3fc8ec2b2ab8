"""When in the year loans are made: the season of applications, and the window that a rule leaves open."""

from __future__ import annotations

import numpy as np

from sim import clock
from sim.clock import Calendar, day_in_year
from sim.errors import InputError
from sim.law import Rules
from sim.scenario import Scenario
from sim.units import F64, I64, Bool


def open_days(rules: Rules, year: int) -> Bool:
    """The days of a year on which loans are made: (365 or 366,) bool."""
    first, days = day_in_year(year, "01-01"), day_in_year(year + 1, "01-01") - day_in_year(year, "01-01")
    begin, end = (
        day_in_year(year, text) - first for text in (rules.loan.lent_from or "01-01", rules.loan.lent_until or "12-31")
    )
    day = np.arange(days)
    return (begin <= day) & (day <= end) if begin <= end else (begin <= day) | (day <= end)


def by_month(scenario: Scenario, rules: Rules) -> F64:
    """Each month's share of a year's applications, (12,): what the closed months would ask for is asked while loans are made.

    A month that is open in part has that part of its share; all shares are then raised alike.

    Raises
    ------
    InputError
        Nobody applies while loans are made.
    """
    shares = np.array(scenario.lending.by_month)
    if not has_window(rules):
        return shares
    year, is_open = scenario.sized_year, open_days(rules, scenario.sized_year)
    month = clock.month_of(day_in_year(year, "01-01") + np.arange(is_open.size)) % 12
    shares = shares * np.bincount(month, weights=is_open) / np.bincount(month)
    if shares.sum() <= 0:
        window = (
            f"a window with applications in it (loan.lent_from {rules.loan.lent_from}, until {rules.loan.lent_until})"
        )
        raise InputError(scenario.name, "lending.by_month", scenario.lending.by_month, window)
    return shares / shares.sum()


def has_window(rules: Rules) -> bool:
    """Are loans made in a part of the year only?"""
    return rules.loan.lent_from is not None or rules.loan.lent_until is not None


def signing_days(rules: Rules, calendar: Calendar, days: I64) -> I64:
    """First working day on or after each day.

    With a window, a day of a month that is open in part is first moved into that part, in proportion, and a day whose
    next working day lies outside is moved back to the last one inside.
    """
    if not has_window(rules) or days.size == 0:
        return calendar.on_or_after(days)
    first = int(days.min()) - 31  # a month is looked at as a whole
    span = np.arange(first, int(days.max()) + 63)
    years = range(clock.date_of(first).year, clock.date_of(int(span[-1])).year + 1)
    is_open = np.concatenate([open_days(rules, y) for y in years])[first - day_in_year(years[0], "01-01") :][
        : span.size
    ]
    month, out = clock.month_of(span), days.copy()
    for m in np.unique(clock.month_of(days)):
        of_month, rows = span[(month == m) & is_open], clock.month_of(days) == m
        begin, length = (int(x) for x in (clock.first_day_of_month(np.array([m]))[0], (month == m).sum()))
        if 0 < of_month.size < length:
            out[rows] = of_month[(days[rows] - begin) * of_month.size // length]
    work = calendar.on_or_after(span)
    inside = np.flatnonzero(is_open & (work == span))
    after = work[out - first]
    strays = ~is_open[np.minimum(after - first, span.size - 1)]
    after[strays] = span[inside[np.maximum(np.searchsorted(inside, after[strays] - first) - 1, 0)]]
    return after
