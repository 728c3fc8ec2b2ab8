"""A household's month: the plain twin, the compiled step and its body give the same bits; what a month may not do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sim
from sim import clock
from sim.households import month_kernel
from sim.households.month import settle_reference, step_reference
from sim.households.register import MAX_DEBTS, Register
from sim.households.state import (
    APPLIES,
    BAD,
    BORROWED,
    COLLECTED,
    CURED,
    DEAD,
    EXTRA,
    INCOME,
    INTEREST,
    MISSED,
    NEVER_DAY,
    NONE,
    OPEN,
    OTHERS,
    OVERDUE,
    PAID_BACK,
    PRINCIPAL,
    REPAID,
    SOLD,
    SPENT,
    WAS_CALLED,
    WAS_RENEWED,
    WELL,
    WENT_BAD,
    Now,
    Out,
    People,
    Terms,
    terms_of,
)
from sim.subsidy import AT_REPAYMENT
from sim.subsidy import YEARLY as YEARLY_LIST

FIRST_MONTH, TOWNSHIPS, LENDERS, CIRCLES = 575, 4, 2, 7  # December 2017, so that January comes second
STEPS = {"compiled": month_kernel.step, "plain": step_reference}
SETTLES = {"compiled": month_kernel.settle, "plain": settle_reference}
both = pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)


@pytest.fixture(scope="module")
def terms() -> Terms:
    """The county's terms, with so much misfortune and so little will that everything happens to somebody."""
    scenario = sim.scenario("x-county-households")
    plain = terms_of(scenario, scenario.law(), 7)
    return plain._replace(
        death=plain.death * 20, illness=0.1, expense=0.1, failure=0.1, strategic=-2.0, heirs=0.5, cure=0.3,
        apply=np.minimum(plain.apply * 3, 1.0), unpaid_subsidy=0.3,
    )  # fmt: skip


DAY = int(clock.first_day_of_month(np.array([FIRST_MONTH]))[0])
STEPS_DOWN = {
    "from_day": np.array([-NEVER_DAY, DAY - 200, DAY + 100]), "share_ppm": np.array([1_000_000, 700_000, 0]),
    "most_ppm": np.array([1_000_000, 1_000_000, 50_000]),
}  # fmt: skip
VARIANTS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "renewals": {"renews": 0.6},
    "subsidy goes on to day 90": {"subsidy": {"extra_days": 90}},
    "part of the interest, low ceiling": {
        "day_count": 365,
        "subsidy": {"share_ppm": np.array([333_333]), "ceiling": 1_234_567, "day_count": 365},
    },
    "a fixed rate for twelve months": {"subsidy": {"most_ppm": np.array([40_000]), "months": 12}},
    "a share that falls, old loans keep theirs": {"subsidy": {**STEPS_DOWN, "by_signing": 1}},
    "a share that falls, and a last day": {"subsidy": {**STEPS_DOWN, "end": DAY + 240}},
    "settled at repayment, late loans lose all": {
        "renews": 0.3,
        "subsidy": {"share_ppm": np.array([500_000]), "paid_when": AT_REPAYMENT, "late_loses_all": 1},
    },
    "settled at repayment, paid first": {"subsidy": {"paid_when": AT_REPAYMENT, "pays_first": 1, "extra_days": 90}},
    "settled yearly, paid first": {"subsidy": {"paid_when": YEARLY_LIST, "pays_first": 1, "late_loses_all": 1}},
    "settled yearly, the bank waits": {"subsidy": {"paid_when": YEARLY_LIST, "late_loses_all": 1, "months": 12}},
    "no other debts": {"stacking": 0},
    "no products": {"products": np.zeros((0, 5), dtype=np.int64)},
    "nobody calls": {"calls": 0},
    "short waits": {"wait_days": 7, "call_days": 0},
    "sold for nothing in a drought": {"distress": 4.0},
    "neighbours do not matter": {"peer": 0.0},
    "the age counts at maturity": {"age_at_maturity": 1, "age_below": 50},
}


def changed(terms: Terms, changes: dict[str, Any]) -> Terms:
    """Terms with some values replaced, those of the subsidy by name too."""
    subsidy = terms.subsidy._replace(**changes.get("subsidy", {}))
    return terms._replace(**{**changes, "subsidy": subsidy})


def register(draw: np.random.Generator, n: int, products: np.ndarray) -> Register:
    """Households of every kind: no income, one person, a child or a centenarian who borrows, up to three debts."""
    income = draw.integers(0, 4_000_000, (4, n)) * draw.integers(0, 2, (4, n))
    persons = draw.integers(1, 8, n)
    debts = np.full((n, MAX_DEBTS), -1)
    months = np.full((n, MAX_DEBTS), -1)
    for i in range(n):
        if len(products):
            held = draw.permutation(len(products))[: draw.integers(0, MAX_DEBTS + 1)]
            held = sorted(held, key=lambda k: (-products[k, 4], k))
            debts[i, : len(held)] = held
            months[i, : len(held)] = draw.integers(0, products[held, 0])
    out = Register(
        np.sort(draw.integers(0, 2**63 - 1, n)), draw.integers(0, TOWNSHIPS, n), np.zeros(n), np.zeros(n),
        draw.integers(0, LENDERS, n), persons, draw.integers(1, persons + 1),
        FIRST_MONTH - 12 * draw.integers(-1, 105, n) - draw.integers(0, 12, n), draw.integers(0, 2, n), np.zeros(n),
        draw.integers(1, 6, n), (draw.random(n) < 0.8).astype(int), *income, draw.integers(0, 1_000_001, n),
        draw.integers(0, 3_000_000, n), debts, months,
    )  # fmt: skip
    return Register(*(np.ascontiguousarray(a, dtype=np.int64) for a in out))


def people(draw: np.random.Generator, n: int, month: int) -> People:
    """Households in any state, also such as no history has led to."""
    end = int(clock.last_day_of_month(np.array([month]))[0])

    def some(share: float, low: int, high: int) -> np.ndarray:
        return draw.integers(low, high, n) * (draw.random(n) < share)

    status = draw.choice([NONE, OPEN, OPEN, OPEN, OVERDUE, BAD], n)
    due = end + draw.integers(-120, 500, n)
    start = due - draw.choice([365, 730, 1096], n)
    out = People(
        some(0.9, 0, 10 ** draw.integers(1, 9)), some(0.5, 0, 5_000_000), some(0.8, 0, 5_000_000),
        draw.integers(300_000, 3_000_000, n), draw.integers(300_000, 3_000_000, n), draw.choice([WELL, WELL, WELL, 1, DEAD], n),
        np.arange(n), status, draw.integers(1_000_000, 5_000_001, n), draw.integers(30_000, 150_000, n), start, due,
        some(0.5, 0, 256), np.minimum(due, end) - draw.integers(0, 200, n), some(0.3, 0, 90_000),
        np.arange(n) % 7 * 5_000, some(0.3, 0, 90_000), some(0.2, 0, 90_000), some(0.2, 0, 90_000), np.where(status == BAD, end + draw.integers(-40, 90, n), NEVER_DAY),
        draw.integers(0, 6_000_000, n), draw.integers(0, 5, n), month + draw.integers(-12, 12, n), some(0.3, 0, 40),
        some(0.9, 0, 9_000_000), draw.integers(0, 6_000_000, (n, MAX_DEBTS)) * (draw.random((n, MAX_DEBTS)) < 0.2),
        draw.integers(0, 3_000_000, (n, 12)), draw.integers(-1, 4, n), np.zeros(n),
    )  # fmt: skip
    return People(*(np.ascontiguousarray(a, dtype=np.int64) for a in out))


def now(draw: np.random.Generator, n: int, month: int, circle: np.ndarray, out: Out) -> Now:
    """A month with any weather and any prices."""
    starts = clock.first_day_of_month(np.arange(month, month + 60))
    days = np.arange(starts[0], starts[1])
    sold = float(draw.choice([0.0, draw.random()]))
    sick = np.random.Generator(np.random.PCG64(month))
    working = np.minimum.accumulate(np.where(draw.random(days.size) < 0.7, days, days[-1] + 2)[::-1])[::-1]
    return Now(
        int(draw.integers(0, 2**32)), month, int(days[-1]), int(starts[2]) - 1, int(days[0]), sold,
        sold * draw.random(TOWNSHIPS), draw.random(TOWNSHIPS) * draw.integers(0, 2, TOWNSHIPS), draw.random(TOWNSHIPS),
        draw.random(TOWNSHIPS) * 3, float(draw.random()), draw.random(LENDERS) * 9, draw.integers(0, 2, LENDERS),
        out.bad.copy(), out.borrowers.copy(), circle, draw.integers(30_000, 60_000, days.size),
        draw.integers(30_000, 60_000, days.size), working, starts, np.where(sick.random(n) < 0.3, sick.random(n), 1.0),
        np.where(sick.random(n) < 0.3, sick.random(n), 1.0), np.where(sick.random(n) < 0.3, 4 * sick.random(n), 0.0),
    )  # fmt: skip


class County:
    """A register, its people and their months, all from one seed."""

    def __init__(self, seed: int, n: int, terms: Terms, month: int = FIRST_MONTH) -> None:
        draw = np.random.Generator(np.random.PCG64(seed))
        self.terms, self.month, self.n, self.draw = terms, month, n, draw
        self.register = register(draw, n, terms.products)
        self.people = people(draw, n, month)
        self.circle = draw.integers(0, CIRCLES, n)
        self.out = Out.empty(n, LENDERS, CIRCLES)
        self.out.borrowers[:] = draw.integers(0, 9, CIRCLES)
        self.out.bad[:] = draw.integers(0, 9, CIRCLES)

    def months(self, count: int) -> Iterator[Now]:
        """One after the other; every third is followed by a settlement in `after`."""
        for month in range(self.month, self.month + count):
            yield now(self.draw, self.n, month, self.circle, self.out)

    def after(self, p: People, out: Out, when: Now) -> None:
        """What institutions do between two months, much simplified."""
        at = np.flatnonzero(out.event & APPLIES)
        p.status[at], p.principal[at], p.capital[at] = OPEN, out.principal[at], out.principal[at]
        p.start[at], p.accrued_to[at], p.due[at] = out.start[at], out.start[at], out.due[at]
        p.rate_ppm[at], p.marks[at] = out.rate_ppm[at], 0
        at = np.flatnonzero(out.event & WENT_BAD)
        p.recover_on[at], p.recover_fen[at] = when.month_end + 60 + at % 100, p.principal[at]
        p.refund[:] = np.where(np.arange(p.cash.size) % 5 == when.month % 5, 12_345, 0)


def copy_of(out: Out) -> Out:
    return Out(*(a.copy() for a in out))


def same(a: tuple[Any, ...], b: tuple[Any, ...]) -> None:
    for name, x, y in zip([*People._fields, *Out._fields], a, b, strict=True):
        assert x.dtype == y.dtype == np.int64
        assert x.tobytes() == y.tobytes(), name


def run_both(county: County, count: int, fast: Callable[..., None], settle: Callable[..., Any]) -> list[Out]:
    """Months by a compiled function (or its body) and by the plain twin, equal at every step."""
    a, b = county.people.copy(), county.people.copy()
    x, y = county.out, copy_of(county.out)
    seen = []
    for k, when in enumerate(county.months(count)):
        fast(a, county.register, county.terms, when, x)
        step_reference(b, county.register, county.terms, when, y)
        same((*a, *x), (*b, *y))
        seen.append(copy_of(x))
        for p, out in ((a, x), (b, y)):
            county.after(p, out, when)
        if k % 3 == 2:
            charges = np.array([k % 2, 1])
            amounts = np.full(county.n, -1), np.full(county.n, -1)
            one = settle(a, county.register, county.terms, when.month_end - 10, k % 2, charges, amounts[0])
            two = settle_reference(b, county.register, county.terms, when.month_end - 10, k % 2, charges, amounts[1])
            for u, v in (*zip(one, two, strict=True), amounts):
                assert u.dtype == v.dtype == np.int64
                assert u.tobytes() == v.tobytes()
            same((*a, *x), (*b, *y))
    return seen


# --- the twins -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", VARIANTS)
def test_three_twins_give_the_same_bits(name: str, terms: Terms) -> None:
    t = changed(terms, VARIANTS[name])
    for seed in range(3):
        run_both(County(seed, 400, t), 14, month_kernel.step, month_kernel.settle)
    run_both(County(9, 40, t), 6, month_kernel.step.py_func, month_kernel.settle.py_func)


@given(st.integers(0, 2**32), st.integers(400, 900), st.sampled_from(sorted(VARIANTS)), st.integers(1, 40))
def test_twins_agree_from_any_state(terms: Terms, seed: int, month: int, name: str, n: int) -> None:
    run_both(County(seed, n, changed(terms, VARIANTS[name]), month), 2, month_kernel.step, month_kernel.settle)


def test_the_bodies_of_the_helpers_are_the_helpers() -> None:
    """The step's body calls compiled helpers; these are theirs, without compiling, without a warning."""
    four, key = month_kernel._four, np.uint64(2**64 - 5)
    for entity in (0, 1, 2**63 - 1):
        args = key, np.int64(entity), 577, 4_000_000_000
        assert four(*args) == four.py_func(*args)
        assert 0 < min(four(*args)) < max(four(*args)) < 1
    table = np.linspace(0, 2, 1025) ** 2
    for u in (2.0**-33, 0.3, 1 - 2.0**-33):
        assert month_kernel._luck(table, u) == month_kernel._luck.py_func(table, u)
    assert month_kernel._interest(5_000_000, 43_500, 90, 360) == month_kernel._interest.py_func(
        5_000_000, 43_500, 90, 360
    )


def test_the_months_compared_show_everything(terms: Terms) -> None:
    seen = run_both(County(0, 400, terms._replace(renews=0.6)), 14, month_kernel.step, month_kernel.settle)
    events = np.bitwise_or.reduce([np.bitwise_or.reduce(out.event) for out in seen])
    assert events == REPAID | CURED | MISSED | WENT_BAD | APPLIES | WAS_CALLED | WAS_RENEWED
    causes = np.concatenate([out.cause[out.event & WENT_BAD > 0] for out in seen])
    assert set(causes.tolist()) == {0, 1, 2, 3}
    assert (sum(out.totals for out in seen) > 0).all()
    assert (sum(out.by_lender for out in seen) > 0).all()
    assert (sum(out.bad for out in seen) > 0).all()


@pytest.mark.parametrize(
    ("field", "moved"),
    [
        ("spent_share", 0.8001),
        ("cure", 0.32),
        ("failure_loss", 0.701),
        ("age_below", 70),
        ("age_at_maturity", 1),
        ("rating", -0.4),
    ],
)
def test_twins_would_be_seen_to_differ(field: str, moved: float, terms: Terms) -> None:
    def other(p: People, r: Register, t: Terms, when: Now, out: Out) -> None:
        month_kernel.step(p, r, t._replace(**{field: moved}), when, out)

    with pytest.raises(AssertionError):
        for seed in range(3):
            run_both(County(seed, 400, terms), 14, other, month_kernel.settle)


# --- what a month may not do ---------------------------------------------------------------------------


def walk(county: County, step: Callable[..., None], count: int) -> Iterator[tuple[People, People, Now, Out]]:
    """(before, after, month, what happened) of each month; after it, the institutions have their turn."""
    p = county.people.copy()
    for when in county.months(count):
        before = p.copy()
        step(p, county.register, county.terms, when, county.out)
        yield before, p, when, county.out
        county.after(p, county.out, when)


@both
@pytest.mark.parametrize("name", VARIANTS)
def test_no_fen_is_made_or_lost(step: Callable[..., None], name: str, terms: Terms) -> None:
    for before, after, _, out in walk(County(3, 300, changed(terms, VARIANTS[name])), step, 14):
        t, paid = out.totals, out.by_lender.sum(axis=0)
        comes_in = t[INCOME] + t[BORROWED] + t[SOLD] + before.refund.sum()
        goes_out = t[SPENT] + t[PAID_BACK] + t[OTHERS] + t[COLLECTED] + paid[INTEREST] + paid[EXTRA] + paid[PRINCIPAL]
        assert after.cash.sum() - before.cash.sum() == comes_in - goes_out


@both
def test_nothing_is_negative(step: Callable[..., None], terms: Terms) -> None:
    for name in ("renewals", "sold for nothing in a drought"):
        for _, after, _, out in walk(County(4, 300, changed(terms, VARIANTS[name])), step, 14):
            for field in ("cash", "informal", "capital", "arrears", "interest_due", "carry", "debt_arrears", "refund"):
                assert getattr(after, field).min() >= 0, field
            assert out.totals.min() >= 0
            assert out.by_lender.min() >= 0


@both
def test_principal_is_paid_by_those_who_repay(step: Callable[..., None], terms: Terms) -> None:
    for before, after, _, out in walk(County(5, 400, terms), step, 14):
        paid = out.event & (REPAID | CURED) != 0
        assert out.by_lender[:, PRINCIPAL].sum() == before.principal[paid].sum()
        assert (after.status[paid] == NONE).all()
        back = (before.status == BAD) & (after.status == NONE)
        assert out.totals[COLLECTED] == before.recover_fen[back].sum()
        assert out.borrowers.sum() == (after.status != NONE).sum()
        assert not (out.event[before.status == BAD] & ~APPLIES).any()
        exclusive = sum((out.event & bit != 0).astype(int) for bit in (REPAID | CURED, MISSED, WAS_RENEWED))
        assert exclusive.max() == 1


@both
def test_drought_does_not_touch_wages_and_transfers(step: Callable[..., None], terms: Terms) -> None:
    """The first month of households that live on these alone, nothing in a project: the same to the bit."""
    county = County(6, 300, terms._replace(stacking=0))
    nothing = np.zeros_like(county.register.crop_fen)
    landless = county.register._replace(crop_fen=nothing, livestock_fen=nothing)
    when = next(county.months(1))._replace(crop_sold=0.4)
    wet = when._replace(crop_lost=np.zeros(TOWNSHIPS), severity=np.zeros(TOWNSHIPS), recent=np.zeros(TOWNSHIPS))
    dry = when._replace(crop_lost=np.full(TOWNSHIPS, 0.4), severity=np.ones(TOWNSHIPS), recent=np.ones(TOWNSHIPS))
    p = county.people
    p.capital[:] = 0
    differs = []
    for r in (landless, county.register):
        ends = []
        for weather in (wet, dry):
            after, out = p.copy(), copy_of(county.out)
            step(after, r, county.terms, weather, out)
            ends.append((*after, *out[:1], *out[2:]))  # all but the cause that is written down
        differs.append([a.tobytes() != b.tobytes() for a, b in zip(*ends, strict=True)])
    assert not any(differs[0])
    assert any(differs[1])


@both
def test_drought_in_a_township_stays_there(step: Callable[..., None], terms: Terms) -> None:
    county = County(7, 300, terms._replace(peer=0.0))
    elsewhere = county.register.township != 2
    wet, dry = county.people.copy(), county.people.copy()
    x, y = county.out, copy_of(county.out)
    for when in county.months(12):
        hit = [a.copy() for a in (when.crop_lost, when.severity, when.recent)]
        for a, value in zip(hit, (when.crop_sold, 1.0, 1.0), strict=True):
            a[2] = value
        step(wet, county.register, county.terms, when, x)
        step(dry, county.register, county.terms, when._replace(crop_lost=hit[0], severity=hit[1], recent=hit[2]), y)
        for a, b in zip((*wet, *x[:6]), (*dry, *y[:6]), strict=True):
            assert a[elsewhere].tobytes() == b[elsewhere].tobytes()
        for p, out in ((wet, x), (dry, y)):
            county.after(p, out, when)
    assert dry.cash[~elsewhere].sum() < wet.cash[~elsewhere].sum()


@both
def test_a_household_does_not_depend_on_the_others(step: Callable[..., None], terms: Terms) -> None:
    """In another order, or with only some of the others, where neighbours do not matter."""
    county = County(8, 300, terms._replace(peer=0.0))
    order = np.random.Generator(np.random.PCG64(1)).permutation(300)
    for rows in (order, np.sort(order[:120])):
        for when in county.months(3):
            whole, out = county.people.copy(), copy_of(county.out)
            step(whole, county.register, county.terms, when, out)
            some = People(*(np.ascontiguousarray(a[rows]) for a in county.people))
            part = Out.empty(rows.size, LENDERS, CIRCLES)
            step(some, Register(*(np.ascontiguousarray(a[rows]) for a in county.register)), county.terms,
                 when._replace(circle=county.circle[rows], herd=when.herd[rows], wage=when.wage[rows], will=when.will[rows]), part)  # fmt: skip
            for a, b in zip((*whole, *out[:6]), (*some, *part[:6]), strict=True):
                assert a[rows].tobytes() == b.tobytes()


@both
def test_a_debt_that_its_project_pays_needs_no_money(step: Callable[..., None], terms: Terms) -> None:
    """Also of a household that has less than it lives on, and whose kin advance nothing."""
    products = np.array([[12, 1_000, 500, 0, 0]])
    county = County(2, 50, terms._replace(products=products, informal_months=0.0, failure=0.0))
    county.register.debt_product[:], county.register.debt_month[:] = -1, -1
    county.register.debt_product[:, 0], county.register.debt_month[:, 0] = 0, county.month % 12
    p = county.people
    for a in (p.cash, p.capital, p.refund, p.interest_due, p.arrears, p.status, p.debt_arrears):
        a[:] = 0
    for a in (
        county.register.crop_fen,
        county.register.livestock_fen,
        county.register.wage_fen,
        county.register.transfer_fen,
    ):
        a[:] = 0
    when = next(county.months(1))
    for price, unpaid in ((2.0, 0), (1.99, 1_000)):
        after = p.copy()
        step(after, county.register, county.terms, when._replace(price=np.full(TOWNSHIPS, price)), county.out)
        assert (after.debt_arrears[:, 0] == unpaid).all()


# --- settlements ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("settle", SETTLES.values(), ids=SETTLES)
def test_subsidised_interest_by_days(settle: Callable[..., Any], terms: Terms) -> None:
    county = County(1, 4, changed(terms, {"subsidy": {"extra_days": 90, "ceiling": 3_000_000}}))
    p, r = county.people, county.register
    p.status[:] = OPEN, OPEN, OVERDUE, NONE
    p.marks[:], p.principal[:], p.rate_ppm[:], p.carry[:] = 0, 5_000_000, 36_000, (0, 7, 0, 11)
    p.accrued_to[:], p.due[:], p.interest_due[:] = 1000, (2000, 1010, 1010, 1010), 0
    r.lender[:] = 0, 0, 1, 1
    amount = np.empty(4, dtype=np.int64)
    totals, lines = settle(p, r, county.terms, 1090, 1, np.array([0, 1]), amount)
    a_day = 3_000_000 * 36_000 // 1_000_000 // 360  # 300 fen
    assert amount.tolist() == [90 * a_day, 10 * a_day + 7, 90 * a_day, 11]
    assert totals.tolist() == [100 * a_day + 7, 90 * a_day + 11]
    assert lines.tolist() == [2, 2]
    above = 2_000_000 * 36_000 // 1_000_000 // 360  # nobody subsidises what is above the ceiling
    assert p.interest_due.tolist() == [90 * above, 10 * above, 90 * a_day, 11]
    again = settle(p, r, county.terms, 1090, 1, np.array([0, 1]), amount)
    assert not amount.any()
    assert not again[0].any()
