"""What must always hold of windows, quotas, stops and refills, whatever the dates and the book."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sim import clock
from sim.answers import outlook
from sim.answers.sample import Sample
from sim.clock import day_in_year
from sim.lending.granting import LENT, TO_SET_SIZE, Book
from sim.lending.granting_kernel import grant
from sim.season import by_month, open_days, signing_days
from tests.granting import NO_STOP, YEAR, terms
from tests.unit.test_granting import N_DAYS, made_up
from tests.unit.test_outlook import table

modest = settings(deadline=None, max_examples=60)
dates = st.dates(min_value=dt.date(2018, 1, 1), max_value=dt.date(2018, 12, 31))
seeds = st.integers(0, 10**6)
SET = np.array([4_000, 2_500])


@modest
@given(dates, dates, st.integers(2017, 2024), st.integers(0, 364), st.integers(1, 200))
def test_a_signing_day_lies_in_the_window(
    small: Any, calendar: Any, a: Any, b: Any, year: int, begin: int, n: int
) -> None:
    law = small.law()
    rules = replace(law, loan=replace(law.loan, lent_from=f"{a:%m-%d}", lent_until=f"{b:%m-%d}"))
    assume(open_days(rules, 2018).sum() >= 15)  # a week's holiday leaves some working day
    days = day_in_year(year, "01-01") + begin + np.arange(n)
    season, months = by_month(small, rules), clock.month_of(days) % 12
    assert season.sum() == np.float64(1.0) or abs(season.sum() - 1) < 1e-12
    asked = days[season[months] > 0]  # nobody applies in a closed month
    assume(asked.size)
    found = signing_days(rules, calendar, asked)
    for day in found.tolist():
        in_year = clock.date_of(day).year
        assert open_days(rules, in_year)[day - day_in_year(in_year, "01-01")]
        assert calendar.is_working[day - calendar.first_day]


def lend(seed: int, **rules: Any) -> tuple[Book, Any]:
    new = made_up(seed, 120, 0)
    return new, grant(terms(N_DAYS, **rules), new, made_up(seed + 1, 20, -40), SET, SET, 0)


@modest
@given(seeds, st.integers(0, 30_000))
def test_a_quota_is_never_exceeded(seed: int, quota: int) -> None:
    new, found = lend(seed, quota=quota)
    for year in range(N_DAYS // YEAR):
        of_year = (new.start // YEAR == year) & (found.reason == LENT)
        assert new.principal[of_year].sum() <= quota


@modest
@given(seeds, st.booleans())
def test_a_line_of_one_changes_nothing(seed: int, is_county: bool) -> None:
    _, free = lend(seed)
    _, ruled = lend(seed, stop=NO_STOP._replace(bad=1.0, resume=1.0, is_county=is_county))
    assert free.reason.tolist() == ruled.reason.tolist()


@modest
@given(seeds, st.floats(0, 1), st.floats(0, 1))
def test_nothing_is_lent_in_a_month_in_which_lending_is_stopped(seed: int, bad: float, part: float) -> None:
    new, found = lend(seed, stop=NO_STOP._replace(bad=bad, resume=bad * part))
    stopped = found.stops[new.start // 10, new.lender] == 1
    assert not (found.reason[stopped] == LENT).any()


@modest
@given(st.lists(st.tuples(*[st.integers(0, 90)] * 8), min_size=1, max_size=20), st.integers(0, 200))
def test_a_refill_never_raises_a_shortfall(rows: list[tuple[int, ...]], fund: int) -> None:
    """Lending held fixed: in no history and no year is a refilled fund short where one that nobody tops up is not."""
    columns = np.array(rows)
    names = {f"need_y{k}_0": columns[:, k] for k in range(4)}
    names |= {
        f"net_y{k}_0": columns[:, k] - columns[:, k + 4] // 2 for k in range(4)
    }  # less than was needed at the worst
    h: Sample = table(**{name: x.tolist() for name, x in names.items()}, need=columns[:, 0].tolist())
    found = outlook.years(h, np.ones(1), float(fund), 2018, "to_set_size")
    for y in map(str, range(2018, 2022)):
        assert found["by_rule"]["short_by_year"][y]["value"] <= found["no_top_up"]["short_by_year"][y]["value"]
    assert found["by_rule"] == found["refill"]
    assert "by_rule" not in outlook.years(h, np.ones(1), float(fund), 2018)


@modest
@given(seeds)
def test_a_refill_never_lends_less_where_the_multiple_is_on_the_balance(seed: int) -> None:
    """No loan but the applications differs: with nothing going bad among them, more balance is more room on every day."""
    new = made_up(seed, 120, 0)
    new = new._replace(
        pays=new.pays + 10_000, release=new.release + 10_000
    )  # applications stay on the book, nothing is claimed
    rows = []
    for rule in (0, TO_SET_SIZE):
        top_up = np.where((np.arange(N_DAYS) % YEAR == 0) & (np.arange(N_DAYS) > 0), rule, 0)
        t = terms(N_DAYS, on_balance=True, top_up=top_up)
        found = grant(
            t,
            new._replace(principal=0 * new.principal + 7, covered=0 * new.covered + 7),
            made_up(seed + 1, 20, -40),
            SET,
            SET,
            0,
        )
        rows.append([int((found.reason[new.lender == b] == LENT).sum()) for b in (0, 1)])
    assert rows[1][0] >= rows[0][0]
    assert rows[1][1] >= rows[0][1]
