"""Entitlement to the interest subsidy: settlement by settlement, until maturity, to the fen."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from sim import clock
from sim.fiscal.subsidy import entitlement, settlement_days
from sim.law import Rules, load_pack
from sim.subsidy import (
    EACH_SETTLEMENT,
    SubsidyTerms,
    anniversary,
    rate_on,
    rate_on_reference,
    subsidised,
    subsidised_reference,
    subsidy_terms,
)
from sim.units import interest


def day(text: str) -> int:
    return clock.day_of(dt.date.fromisoformat(text))


WHOLE = SubsidyTerms(np.array([-10_000_000]), np.array([1_000_000]), np.array([1_000_000]), 0, 0, 10_000_000, 10**12, 360,
                     0, EACH_SETTLEMENT, 0, 0)  # fmt: skip
STEPS = WHOLE._replace(
    from_day=np.array([-10_000_000, day("2017-11-11"), day("2018-03-01")]),
    share_ppm=np.array([1_000_000, 700_000, 1_000_000]), most_ppm=np.array([1_000_000, 1_000_000, 30_000]),
)  # fmt: skip
RULES = {
    "all of it": WHOLE,
    "a low ceiling, 365 days": WHOLE._replace(ceiling=2_500_000, day_count=365),
    "first seven months": WHOLE._replace(months=7),
    "a fixed rate": WHOLE._replace(most_ppm=np.array([45_000])),
    "steps by period": STEPS,
    "steps by loan, a last day": STEPS._replace(by_signing=1, end=day("2018-05-05")),
}


def rate_of(s: SubsidyTerms, rate: int, start: int, at: int) -> int:
    """Subsidised rate on one day, read off the rules."""
    if at >= s.end or (s.months and at >= int(clock.add_months(np.array([start]), s.months)[0])):
        return 0
    k = max(k for k, since in enumerate(s.from_day.tolist()) if since <= (start if s.by_signing else at))
    return min((rate * int(s.share_ppm[k]) + 500_000) // 1_000_000, int(s.most_ppm[k]))


def slow(
    lender: Any, principal: Any, rate: Any, start: Any, stop: Any, ends: Any, first: int, s: SubsidyTerms, n: int
) -> list[Any]:
    """Count the days one by one: a day belongs to the period whose settlement comes after it."""
    amounts, own, lines = np.zeros((3, len(ends), n), np.int64)
    for b, p, r, since, e in zip(
        lender.tolist(), principal.tolist(), rate.tolist(), start.tolist(), stop.tolist(), strict=True
    ):
        for j, end in enumerate(ends.tolist()):
            days = [d for d in range(first if j == 0 else ends[j - 1], end) if since <= d < e]
            fen = interest(min(p, s.ceiling), sum(rate_of(s, r, since, d) for d in days), 1, s.day_count)
            amounts[j, b] += fen
            own[j, b] += interest(p, r, len(days), s.day_count) - fen
            lines[j, b] += fen > 0
    return [amounts, own, lines]


@pytest.mark.parametrize("kernel", [entitlement, entitlement.py_func], ids=["compiled", "body"])
@pytest.mark.parametrize("name", RULES)
def test_against_a_count_day_by_day(name: str, kernel: Any) -> None:
    draw = np.random.Generator(np.random.PCG64(len(name)))
    ends = settlement_days(12, 20, day("2018-01-01"), day("2018-12-31"))
    start = day("2017-06-01") + draw.integers(0, 500, 40)
    args = (draw.integers(0, 2, 40), draw.integers(1, 6, 40) * 1_000_000, draw.choice([43_500, 47_500], 40), start,
            start + draw.integers(0, 400, 40), ends, day("2017-12-20"), RULES[name], 2)  # fmt: skip
    for got, exact in zip(kernel(*args), slow(*args), strict=True):
        assert got.tolist() == exact.tolist()


@pytest.mark.parametrize("name", RULES)
def test_the_plain_twins_say_the_same(name: str) -> None:
    s, draw = RULES[name], np.random.Generator(np.random.PCG64(5))
    start = day("2017-06-01") + draw.integers(0, 500, 60)
    begin = start + draw.integers(0, 300, 60)
    args = (
        draw.integers(1, 6, 60) * 1_000_000,
        draw.choice([43_500, 47_500], 60),
        start,
        begin,
        begin + draw.integers(-9, 400, 60),
    )
    one_by_one = list(zip(*(a.tolist() for a in args), strict=True))
    assert subsidised_reference(s, *args).tolist() == [subsidised(s, *each) for each in one_by_one]
    assert subsidised_reference(s, *args).tolist() == [subsidised.py_func(s, *each) for each in one_by_one]
    at = day("2018-03-01")
    rates = [rate_on(s, rate, since, at) for _, rate, since, *_ in one_by_one]
    assert rate_on_reference(s, args[1], start, at).tolist() == rates
    assert rates == [rate_of(s, rate, since, at) for _, rate, since, *_ in one_by_one]


def test_anniversaries_are_those_of_the_calendar() -> None:
    days = np.arange(day("1995-01-01"), day("2005-03-01"), 3)
    for months in (1, 11, 12, 36):
        expected = clock.add_months(days, months).tolist()
        assert [anniversary(d, months) for d in days.tolist()] == expected
        assert [anniversary.py_func(d, months) for d in days[::97].tolist()] == expected[::97]


def single(start: str, stop: str, ends: list[str], first: str) -> list[int]:
    one = np.array([0])
    amounts, _, _ = entitlement(one, np.array([5_000_000]), np.array([47_500]), np.array([day(start)]), np.array([day(stop)]),
                                np.array([day(e) for e in ends]), day(first), WHOLE, 1)  # fmt: skip
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


# --- from a pack ---------------------------------------------------------------------------------------------


NEXT = "[[subsidy.settlements_per_year.values]]"


def declining(pack_file: Any, more: str = "") -> Any:
    """X county's pack with a share that falls to 70 per cent in 2018 and to nothing in 2020."""
    later = """[[subsidy.share.values]]
from = 2018-07-01
value = 0.7
assumption = "made up"
[[subsidy.share.values]]
from = 2020-01-01
value = 0.0
assumption = "made up"

"""
    return load_pack(pack_file((NEXT, later + NEXT), (NEXT, more + NEXT)))  # fmt: skip


FOLLOWS = """[[subsidy.follows.values]]
from = 2016-07-01
value = "{}"
assumption = "made up"

"""


def test_a_share_that_falls_is_followed_by_period_or_by_loan(pack_file: Any) -> None:
    """A loan of March 2018 in August 2018: 70 per cent by period, all of it by loan; without either, that of the day."""
    march, august = day("2018-03-01"), day("2018-08-01")
    for follows, of_march, of_august in (("period", 30_000, 21_000), ("loan", 30_000, 30_000)):
        s = subsidy_terms(Rules.view(declining(pack_file, FOLLOWS.format(follows)), dt.date(2018, 1, 1)))
        assert s.share_ppm.tolist() == [1_000_000, 700_000, 0]
        assert s.from_day.tolist()[1:] == [day("2018-07-01"), day("2020-01-01")]
        assert rate_on(s, 30_000, march, march + 9) == of_march
        assert rate_on(s, 30_000, march, august) == of_august
        assert rate_on(s, 30_000, august, august) == 21_000
    plain = declining(pack_file)
    for on, share in ((dt.date(2018, 1, 1), 1_000_000), (dt.date(2019, 1, 1), 700_000)):
        s = subsidy_terms(Rules.view(plain, on))
        assert (s.share_ppm.tolist(), s.from_day.size) == ([share], 1)


def test_a_share_set_by_the_scenario_holds_on_every_day(pack_file: Any) -> None:
    pack = declining(pack_file, FOLLOWS.format("period"))
    s = subsidy_terms(Rules.view(pack, dt.date(2018, 1, 1), {"subsidy.share": 0.4}))
    assert s.share_ppm.tolist() == [400_000]


def test_a_fixed_rate_takes_the_place_of_the_share(pack_file: Any) -> None:
    pack = declining(pack_file, FOLLOWS.format("period"))
    s = subsidy_terms(Rules.view(pack, dt.date(2018, 1, 1), {"subsidy.fixed_rate": 5.0}))
    assert rate_on(s, 61_500, day("2018-02-01"), day("2018-03-01")) == 50_000  # at most the fixed rate
    assert rate_on(s, 43_500, day("2018-02-01"), day("2021-03-01")) == 43_500  # at most the contract's


def test_what_was_paid_cannot_be_lost(pack_file: Any, refuses: Any) -> None:
    pack = load_pack("x-county")
    refuses(
        lambda: Rules.view(pack, dt.date(2018, 1, 1), {"subsidy.late_loses": "all"}),
        "subsidy.paid_when",
        "at_repayment",
    )


def test_a_last_day_is_a_date(refuses: Any) -> None:
    pack = load_pack("x-county")
    s = subsidy_terms(Rules.view(pack, dt.date(2018, 1, 1), {"subsidy.until": "2018-06-30"}))
    assert [rate_on(s, 30_000, 0, day("2018-06-30") + k) for k in (0, 1)] == [30_000, 0]
    for bad in ("30 June", 20180630, "2018-06-31"):
        refuses(
            lambda bad=bad: Rules.view(pack, dt.date(2018, 1, 1), {"subsidy.until": bad}),
            "rules.subsidy.until",
            "2025-12-31",
        )
