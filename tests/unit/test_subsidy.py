"""Entitlement to the interest subsidy: settlement by settlement, until maturity, to the fen."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from sim import clock
from sim.fiscal.subsidy import entitlement, settlement_days
from sim.units import interest


def day(text: str) -> int:
    return clock.day_of(dt.date.fromisoformat(text))


def slow(
    lender: Any, principal: Any, rate: Any, start: Any, stop: Any, ends: Any, first: int, base: int, n: int
) -> tuple[Any, Any]:
    """Count the days one by one: a day belongs to the period whose settlement comes after it."""
    amounts, lines = np.zeros((len(ends), n), np.int64), np.zeros((len(ends), n), np.int64)
    for b, p, r, s, e in zip(lender, principal, rate, start, stop, strict=True):
        for j, end in enumerate(ends):
            begin = first if j == 0 else ends[j - 1]
            days = sum(1 for d in range(begin, end) if s <= d < e)
            if days:
                amounts[j, b] += interest(int(p), int(r), days, base)
                lines[j, b] += 1
    return amounts, lines


@pytest.mark.parametrize("kernel", [entitlement, entitlement.py_func], ids=["compiled", "body"])
@pytest.mark.parametrize("seed", range(3))
def test_against_a_count_day_by_day(seed: int, kernel: Any) -> None:
    draw = np.random.Generator(np.random.PCG64(seed))
    ends = settlement_days(12, 20, day("2018-01-01"), day("2018-12-31"))
    start = day("2017-06-01") + draw.integers(0, 500, 60)
    args = (draw.integers(0, 2, 60), draw.integers(1, 6, 60) * 1_000_000, draw.choice([43_500, 47_500], 60), start,
            start + draw.integers(0, 400, 60), ends, day("2017-12-20"), int(draw.choice([360, 365])), 2)  # fmt: skip
    for got, exact in zip(kernel(*args), slow(*args), strict=True):
        assert got.tolist() == exact.tolist()


def single(start: str, stop: str, ends: list[str], first: str) -> list[int]:
    one = np.array([0])
    amounts, _ = entitlement(one, np.array([5_000_000]), np.array([47_500]), np.array([day(start)]), np.array([day(stop)]),
                             np.array([day(e) for e in ends]), day(first), 360, 1)  # fmt: skip
    return [int(x) for x in amounts[:, 0]]


def test_it_stops_at_maturity() -> None:
    """50,000 yuan at 4.75 per cent: 6.5972 yuan a day; the day of maturity no longer counts."""
    got = single("2017-07-15", "2018-02-01", ["2018-01-20", "2018-02-20", "2018-03-20"], "2017-12-20")
    assert got == [round(31 * 659.7222), round(12 * 659.7222), 0]


def test_it_starts_with_the_loan_and_never_before_the_first_period() -> None:
    assert single("2018-01-10", "2019-01-10", ["2018-01-20"], "2017-12-20") == [round(10 * 659.7222)]
    assert single("2018-01-20", "2019-01-10", ["2018-01-20"], "2017-12-20") == [0]
    assert single("2015-01-01", "2019-01-10", ["2018-01-20"], "2018-01-01") == [round(19 * 659.7222)]


def test_periods_join_without_gap_or_overlap() -> None:
    ends = ["2018-03-20", "2018-06-20", "2018-09-20", "2018-12-20"]
    whole = single("2017-01-01", "2020-01-01", ["2018-12-20"], "2017-12-20")
    assert abs(sum(single("2017-01-01", "2020-01-01", ends, "2017-12-20")) - whole[0]) <= 2  # roundings only


@pytest.mark.parametrize(("per_year", "months"), [(12, 12), (4, 4), (2, 2), (1, 1)])
def test_settlement_days(per_year: int, months: int) -> None:
    days = settlement_days(per_year, 20, day("2018-01-01"), day("2018-12-31"))
    assert len(days) == months
    assert clock.date_of(days[-1]) == dt.date(2018, 12, 20)
    assert settlement_days(4, 20, day("2018-03-20"), day("2018-06-20")).tolist() == [
        day("2018-03-20"),
        day("2018-06-20"),
    ]
    assert settlement_days(4, 20, day("2018-03-21"), day("2018-06-19")).size == 0
