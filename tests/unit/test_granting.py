"""Granting: the multiple, its base and what counts against it, quota, stop and resume, top-ups, against plain counting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim.lending.granting import (
    CAPPED,
    LENT,
    QUOTA_USED,
    STOPPED,
    TO_DEMAND,
    TO_MULTIPLE,
    TO_SET_SIZE,
    Book,
    Stop,
    Terms,
)
from sim.lending.granting_kernel import grant, must_stop, over, times
from tests.granting import FAR, MONTH, NO_STOP, YEAR, book, terms

BOTH = pytest.mark.parametrize("kernel", [grant, grant.py_func], ids=["compiled", "body"])
N_DAYS = 120
LENDERS = np.array([100_000, 100_000])


class Plain:
    """The rules by their definitions: every day adds up again what has been lent so far."""

    def __init__(self, t: Terms, new: Book, held: Book, set_fen: Any, cash: Any) -> None:
        self.t, self.new, self.held, self.lent = t, new, held, [(held, i, 0) for i in range(held.lender.size)]
        self.set_fen, self.cash, self.queue = list(set_fen), list(cash), []  # queue: (day due, account, fen)
        self.room = [0, 0]
        self.stopped, self.refused, self.of_year = [False, False], [0, 0], 0
        self.counted: list[list[int]] = []

    def used(self, b: int, day: int) -> int:
        """Covered principal of a lender that has not been released by a day, first thing in the morning."""
        rows = [(k.covered[i], max(k.release[i], after)) for k, i, after in self.lent if k.lender[i] == b]
        return int(sum(fen for fen, release in rows if release > day))

    def books(self, b: int, day: int) -> tuple[int, int]:
        rows = [(k, i) for k, i, _ in self.lent if k.lender[i] == b and k.start[i] <= day < k.gone[i]]
        return sum(int(k.principal[i]) for k, i in rows if k.bad_from[i] <= day), sum(
            int(k.principal[i]) for k, i in rows
        )

    def decide(self, day: int) -> None:
        numbers = [self.books(b, day) for b in (0, 1)]
        old = [any(a == b and day - due >= self.t.stop.unpaid_days for due, a, _ in self.queue) for b in (0, 1)]
        used = [1 - self.cash[b] / max(self.set_fen[b], 1) for b in (0, 1)]
        if self.t.stop.is_county:
            numbers = [(numbers[0][0] + numbers[1][0], numbers[0][1] + numbers[1][1])] * 2
            old, used = [any(old)] * 2, [1 - sum(self.cash) / max(sum(self.set_fen), 1)] * 2
        for b in (0, 1):
            bad, out = numbers[b]
            self.stopped[b] = bool(must_stop.py_func(self.t.stop, self.stopped[b], bad, out, old[b], used[b]))

    def pay(self, day: int) -> None:
        for k, i, _ in self.lent:
            if max(k.pays[i], 0) == day and k.part[i]:
                self.queue.append((int(k.pays[i]), int(k.lender[i]), int(k.part[i])))
            self.cash[k.lender[i]] += int(k.returned[i]) if k.back[i] == day else 0
        self.queue.sort()
        left = []
        for due, a, fen in self.queue:
            paid = min(fen, self.cash[a], self.room[a] if self.t.payout_cap_ppm >= 0 else fen)
            self.cash[a], self.room[a] = self.cash[a] - paid, self.room[a] - paid
            if fen > paid:
                left.append((due, a, fen - paid))
        if self.t.is_backstop[day]:
            left = [x for x in left if x[0] >= day // YEAR * YEAR]
        self.queue = left

    def limit(self, b: int) -> int:
        owed = sum(fen for _, a, fen in self.queue if a == b)
        return (max(self.cash[b] - owed, 0) if self.t.on_balance else self.set_fen[b]) * self.t.multiple_ppm // 10**6

    def run(self) -> tuple[list[int], list[list[int]]]:
        t, new, reasons, stops, lent, i = self.t, self.new, [], [], 0, 0
        self.queue = sorted(
            (int(k.pays[j]), int(k.lender[j]), int(k.part[j])) for k, j, _ in self.lent if k.pays[j] < 0
        )
        self.decide(-1)
        self.queue = []
        self.room = [c * t.payout_cap_ppm // 10**6 for c in self.cash]
        for day in range(N_DAYS):
            if t.is_new_year[day]:
                lent = 0
            if t.top_up[day]:
                self.top_up(int(t.top_up[day]), day)
            if t.is_new_year[day]:
                self.room = [c * t.payout_cap_ppm // 10**6 for c in self.cash]
            self.pay(day)
            if day % MONTH == 0:
                stops.append([int(x) for x in self.stopped])
            while i < new.start.size and new.start[i] == day:
                b = int(new.lender[i])
                if self.stopped[b]:
                    reasons.append(STOPPED)
                elif 0 <= t.quota < lent + new.principal[i]:
                    reasons.append(QUOTA_USED)
                elif self.used(b, day) + new.covered[i] > self.limit(b):
                    reasons.append(CAPPED)
                    self.refused[b] += int(new.covered[i])
                else:
                    reasons.append(LENT)
                    lent += int(new.principal[i])
                    self.lent.append((new, i, day + 1))
                i += 1
            if t.is_month_end[day]:
                self.decide(day)
        return reasons, stops

    def top_up(self, rule: int, day: int) -> None:
        used = [self.used(b, day - 1) for b in (0, 1)]
        used = [u + r for u, r in zip(used, self.refused, strict=True)] if rule == TO_DEMAND else used
        self.counted.append(used)
        asked = [-(-u * 10**6 // self.t.multiple_ppm) for u in used]
        if rule == TO_DEMAND:
            self.set_fen = asked
        aim = asked if rule == TO_MULTIPLE else self.set_fen
        self.cash = [max(c, x) for c, x in zip(self.cash, aim, strict=True)]
        self.refused = [0, 0]


def made_up(seed: int, n: int, first: int) -> Book:
    """Loans of which some go bad, are claimed, paid and recovered."""
    draw = np.random.Generator(np.random.PCG64(seed))
    start = np.sort(draw.integers(first, N_DAYS if first == 0 else 0, n))
    principal = draw.integers(1, 9, n) * 100
    fails = draw.random(n) < 0.4
    missed = start + draw.integers(1, 30, n)
    due = missed + draw.integers(10, 25, n)
    back = np.where(draw.random(n) < 0.4, due + draw.integers(1, 30, n), FAR)
    end = np.where(fails, due, np.maximum(missed, 1))
    return Book(
        draw.integers(0, 2, n), start, principal, np.minimum(principal, 600), end, np.where(fails, missed + 9, FAR), end,
        np.where(fails, due, FAR), principal * 7 // 10, np.where(fails, back, FAR), principal // 2,
    )  # fmt: skip


def yearly(rule: int) -> Any:
    day = np.arange(N_DAYS)
    return np.where((day % YEAR == 0) & (day > 0), rule, 0)


RULES: dict[str, dict[str, Any]] = {
    "multiple": {},
    "on balance": {"on_balance": True},
    "quota": {"quota": 9_000},
    "bad loans": {"stop": NO_STOP._replace(bad=0.25, resume=0.15)},
    "bad loans of the county": {"stop": NO_STOP._replace(bad=0.25, resume=0.25, is_county=True)},
    "unpaid claims": {"stop": NO_STOP._replace(unpaid_days=12), "small": True},
    "unpaid at all": {"stop": NO_STOP._replace(unpaid_days=0), "small": True},
    "fund used up": {"stop": NO_STOP._replace(used=0.5)},
    "fund of the county used up": {"stop": NO_STOP._replace(used=0.5, is_county=True)},
    "all at once": {
        "on_balance": True, "quota": 20_000, "stop": Stop(0.3, 0.2, 25, 0.9, False), "top_up": yearly(TO_SET_SIZE),
        "payout_cap_ppm": 300_000,
    },
    "refilled": {"on_balance": True, "top_up": yearly(TO_SET_SIZE)},
    "to the multiple": {"on_balance": True, "top_up": yearly(TO_MULTIPLE)},
    "to demand": {"top_up": yearly(TO_DEMAND)},
    "to demand, on balance": {"on_balance": True, "top_up": yearly(TO_DEMAND)},
    "capped payments": {"stop": NO_STOP._replace(unpaid_days=20), "payout_cap_ppm": 100_000, "small": True},
    "backstop": {"stop": NO_STOP._replace(unpaid_days=15), "is_backstop": np.arange(N_DAYS) % YEAR == 5, "small": True},
}  # fmt: skip
BITES = {  # what each of them must refuse somewhere, so that the comparison is of something
    "quota": QUOTA_USED, "bad loans": STOPPED, "bad loans of the county": STOPPED, "unpaid claims": STOPPED,
    "unpaid at all": STOPPED, "fund used up": STOPPED, "fund of the county used up": STOPPED, "capped payments": STOPPED, "backstop": STOPPED,
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("seed", range(3))
def test_grant_against_plain_counting(seed: int, name: str) -> None:
    rules = dict(RULES[name])
    set_fen, cash = np.array([4_000, 2_500]), np.array([4_000, 2_500])
    if rules.pop("small", False):
        set_fen, cash = set_fen * 10, cash // 4
    t, new, held = terms(N_DAYS, **rules), made_up(seed, 120, 0), made_up(seed + 100, 20, -40)
    found = grant(t, new, held, set_fen, cash, 0)
    plain = Plain(t, new, held, set_fen, cash)
    reasons, stops = plain.run()
    assert found.reason.tolist() == reasons
    if t.stop.is_on:
        assert found.stops.tolist() == stops
    assert found.counted.tolist() == plain.counted
    assert LENT in reasons
    assert BITES.get(name, CAPPED) in reasons


@BOTH
def test_both_forms_of_the_kernel_agree(kernel: Any) -> None:
    t = terms(N_DAYS, **RULES["all at once"])
    out = kernel(t, made_up(1, 60, 0), made_up(2, 20, -40), np.array([4_000, 2_500]), np.array([4_000, 2_500]), 0)
    again = grant(t, made_up(1, 60, 0), made_up(2, 20, -40), np.array([4_000, 2_500]), np.array([4_000, 2_500]), 0)
    assert [a.tolist() for a in out] == [a.tolist() for a in again]
    assert {LENT, STOPPED} <= set(out.reason.tolist())


def granted(
    lender: list[int], start: list[int], covered: list[int], limit: list[int], held: tuple[list[int], list[int]] = ([], []), **rules: Any
) -> list[bool]:  # fmt: skip
    """Applications that run past the end; ``held`` is (release, covered) of the first lender's opening book."""
    new = book(len(start), lender=lender, start=start, principal=covered, release=90, gone=90)
    old = book(len(held[0]), release=held[0], gone=held[0], principal=held[1])
    limit = [*limit, 0][:2]
    return [
        x == LENT for x in grant(terms(100, **rules), new, old, np.array(limit), np.array(limit), 0).reason.tolist()
    ]


def test_the_cap_is_reached_and_not_passed() -> None:
    assert granted([0, 0, 0], [5, 5, 6], [60, 40, 1], [100]) == [True, True, False]


def test_what_is_freed_on_a_day_is_lent_on_that_day() -> None:
    assert granted([0], [29], [100], [100], ([30], [100])) == [False]
    assert granted([0], [30], [100], [100], ([30], [100])) == [True]


def test_each_lender_has_its_own_cap() -> None:
    assert granted([0, 1, 0, 1], [1, 1, 2, 2], [50] * 4, [50, 100]) == [True, True, False, True]


def test_a_book_above_the_cap_stops_lending_until_it_has_run_down() -> None:
    assert granted([0] * 3, [9, 19, 29], [50] * 3, [150], ([10, 20, 30], [80] * 3)) == [False, False, True]


def test_a_quota_is_the_countys_and_begins_anew_each_year() -> None:
    assert granted([0, 1, 0, 1], [1, 2, 3, 41], [60, 60, 40, 60], [900, 900], quota=100) == [True, False, True, True]


def test_lending_stops_above_the_line_and_resumes_at_another() -> None:
    """A loan of 100 goes bad on day 15 beside 900 that are well: a tenth. Half of it is written down on days 35 and 55."""
    held = book(3, principal=[50, 50, 900], bad_from=[15, 15, FAR], gone=[35, 55, FAR])
    new = book(7, start=[5, 15, 25, 35, 45, 55, 65])

    def reasons(bad: float, resume: float) -> list[int]:
        t = terms(100, stop=NO_STOP._replace(bad=bad, resume=resume))
        return grant(t, new, held, LENDERS, LENDERS, 0).reason.tolist()  # type: ignore[no-any-return]

    assert reasons(0.10, 0.10) == [LENT] * 7  # above the line, not on it
    assert reasons(0.09, 0.09) == [LENT, LENT, STOPPED, STOPPED, LENT, LENT, LENT]
    assert reasons(0.09, 0.01) == [LENT, LENT, STOPPED, STOPPED, STOPPED, STOPPED, LENT]
    assert reasons(1.0, 1.0) == [LENT] * 7


def test_a_bad_book_of_the_information_date_stops_lending_from_the_first_day() -> None:
    held = book(2, principal=[10, 90], bad_from=[-5, FAR], start=-50)
    t = terms(100, stop=NO_STOP._replace(bad=0.05, resume=0.05))
    assert grant(t, book(1, start=0), held, LENDERS, LENDERS, 0).reason.tolist() == [STOPPED]


def test_what_was_lent_before_in_the_year_counts_against_the_quota() -> None:
    t = terms(100, quota=100)
    reasons = grant(
        t._replace(is_new_year=np.zeros(100, dtype=np.bool_)),
        book(2, start=1, principal=30),
        book(0),
        LENDERS,
        LENDERS,
        50,
    ).reason
    assert reasons.tolist() == [LENT, QUOTA_USED]


def test_multiples_without_overflow() -> None:
    for fen in (0, 1, 999_999, 10**13 + 7):
        for ppm in (1_000_000, 10_000_000, 3_333_333):
            assert times(fen, ppm) == fen * ppm // 10**6
            assert over(fen, ppm) == -(-fen * 10**6 // ppm)
