"""Firms that cover households: whom they cover, what they may borrow, when they fail, and who is hit."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any, NamedTuple

import numpy as np
import pytest

import sim
from sim import clock, firms, outcomes, reporting
from sim.fund.claims import NEVER
from sim.households import firms as firms_of
from sim.households.reduced_form import DEFAULTED, DISASTER, REPAID
from sim.households.register import register_of
from sim.households.state import (
    BAD,
    BY_FIRM,
    CALLED,
    FAILED,
    LOST,
    MISSED,
    NONE,
    OPEN,
    REFUSES,
    UNSUBSIDISED,
    WENT_BAD,
    WORKS,
    Out,
)
from sim.households.state import REPAID as REPAID_EVENT
from sim.lending.loans import PAID
from sim.replication import prepare, simulate
from sim.units import F64, I64
from sim.warmup import opening_state
from sim.world import Setup, World

END = clock.day_of(dt.date(2019, 12, 31))
FIRMS: dict[str, Any] = {
    "per_township": 3, "covers": 0.4, "income_share": 0.6, "failures_per_year": 0.3, "drought_logit": 0.0,
    "price_logit": 0.0, "disease_logit": 0.0, "replaced_after_months": 6, "uses_household_loans": 0.0,
}  # fmt: skip
LAW = {"rules.firm.yuan_per_household": 20_000, "rules.firm.term_months": 12, "rules.firm.subsidised": True}
NO_LAW = {"rules": "national-2021"}  # a pack in which firms do not borrow


def county(changes: dict[str, Any]) -> sim.Scenario:
    """A county of 600 households with nothing lent, and short loans."""
    base = sim.scenario("x-county-households")
    return base.with_changes({
        "livelihoods.households": 600, "townships": [t.model_dump() for t in base.townships[:3]], "opening.kind": "empty",
        "lending.term_months": {6: 0.5, 12: 0.5}, "livelihoods.months_between_loans": 3.0, "livelihoods.firms": FIRMS,
        **LAW, **changes,
    })  # fmt: skip


def history(scenario: sim.Scenario, replication: int = 0, last: int = END) -> tuple[Setup, World]:
    setup = prepare(scenario, 5, opening_state(scenario), last)
    return setup, simulate(setup, replication)


@pytest.fixture(scope="module")
def busy() -> tuple[Setup, World]:
    return history(county({}))


def test_a_firms_loans_have_one_fate(busy: tuple[Setup, World]) -> None:
    """Signed on one day they are repaid on one date or all go bad; a failed firm's are in the claims' chain."""
    setup, world = busy
    loans, fates, is_firms = world.loans, world.fates, firms.of_firms(*busy)
    assert is_firms.sum() > 100
    lots = np.stack([loans.household[is_firms], loans.start[is_firms]])
    _, lot = np.unique(lots, axis=1, return_inverse=True)
    fate, missed = fates.fate[is_firms], fates.missed[is_firms]
    for k in range(int(lot.max()) + 1):
        mine = lot.reshape(-1) == k
        assert np.unique(missed[mine]).size == 1
        assert np.unique(fate[mine]).size == 1
    assert {REPAID, DEFAULTED} <= set(fate.tolist())
    bad = np.flatnonzero(is_firms & (fates.fate == DEFAULTED))
    assert np.isin(bad[fates.missed[bad] + 120 <= setup.last_day], world.claims.row).all()
    assert (world.claims.fund_part[is_firms[world.claims.row]] > 0).all()


def test_no_firm_borrows_more_than_its_households_its_ceiling_and_the_plan() -> None:
    changes = {"rules.firm.ceiling_yuan": 130_000, "rules.firm.share_of_plan": 0.003}
    setup, world = history(county(changes))
    h = setup.households
    assert h is not None and h.firms is not None
    loans, is_firms = world.loans, firms.of_firms(setup, world)
    gone = np.where(world.fates.fate == REPAID, world.fates.repaid, END + 1)
    gone[world.claims.row] = np.minimum(gone[world.claims.row], world.claims.recovered_on)
    plan = h.firms.plan_fen
    assert plan.tolist() == [20_000_000] * 3  # 0.003 of a third of what both lenders may guarantee
    held, of_firm = [], []
    for day in np.unique(loans.start[is_firms]):
        here = is_firms & (loans.start <= day) & (gone > day)
        held.append(np.bincount(loans.township[here], weights=loans.balance[here], minlength=3) / plan)
        of_firm.append(np.unique(loans.household[here], return_counts=True)[1].max())
    assert 0.5 < np.max(held) <= 1
    assert max(of_firm) == 6  # six times 20,000 yuan are below 130,000, seven are not


def test_who_is_covered_does_not_borrow_unless_the_rules_let_it(busy: tuple[Setup, World]) -> None:
    setup, world = busy
    assert setup.households is not None and setup.households.firms is not None and world.community is not None
    is_covered = setup.households.firms.firm >= 0
    assert 0.3 < is_covered.mean() < 0.5
    assert not (world.community.people.ordinal[is_covered] > 0).any()
    _, too = history(county({"rules.firm.household_borrows_too": True}))
    assert too.community is not None
    assert (too.community.people.ordinal[is_covered] > 0).any()


def test_a_failure_stops_the_wages_of_all_it_covers_and_of_nobody_else() -> None:
    """Income of the first months with and without failures: the same draws, so only covered households differ."""
    at, seen = clock.day_of(dt.date(2018, 6, 30)), []
    for can_fail in (True, False):
        setup, world = history(
            county({"livelihoods.firms": {**FIRMS, "failures_per_year": 0.9, "can_fail": can_fail}}), 0, at
        )
        assert world.community is not None
        seen.append((setup, world, world.community.people.income_year))
    (setup, world, hit), (_, calm, usual) = seen
    assert setup.households is not None and setup.households.firms is not None
    assert world.community is not None and world.community.firms is not None
    assert calm.community is not None and calm.community.firms is not None and calm.community.firms.failed == []
    firm, failed = setup.households.firms.firm, {i for _, i in world.community.firms.failed}
    struck = np.isin(firm, list(failed))
    assert struck.sum() > 50
    assert np.array_equal(hit[~struck], usual[~struck])
    has_wages = setup.households.register.wage_fen > 0
    assert (hit < usual)[struck & has_wages].all()


def test_loans_that_firms_use_go_bad_together() -> None:
    """Where firms cannot fail none of them is lost; where they do, every one that falls due after the failure is."""
    firm = {**FIRMS, "uses_household_loans": 1.0, "failures_per_year": 0.5}
    setup, world = history(county({"livelihoods.firms": firm, **_absent()}))
    c, h = world.community, setup.households
    assert c is not None and h is not None and h.firms is not None and c.firms is not None
    assert not firms.of_firms(setup, world).any()
    lost = np.flatnonzero(c.people.marks & LOST)
    assert lost.size >= 10
    assert (c.people.marks[lost] & BY_FIRM != 0).all()
    past = lost[c.people.due[lost] + 120 <= END]
    assert past.size >= 5 and np.isin(c.people.status[past], [BAD, NONE]).all()  # none: collected since
    assert (world.fates.fate[c.people.loan[past]] == DEFAULTED).all()
    year = outcomes.year_span(2019)
    due, _, bad = reporting.due_in(world.loans, world.fates, *year)
    row = firms.summary(setup, world, due, bad, *year)
    assert row["firm_due_fen"] == 0
    assert row["firm_used_defaulted_fen"] > 0
    _, calm = history(county({"livelihoods.firms": {**firm, "can_fail": False}, **_absent()}))
    assert calm.community is not None
    held = calm.community.people.marks & BY_FIRM != 0
    assert held.sum() > 20
    assert not (calm.community.people.status[held] > 1).any()


def test_money_of_households_goes_to_no_firm_that_failed(busy: tuple[Setup, World]) -> None:
    setup, world = history(county({"livelihoods.firms": {**FIRMS, "uses_household_loans": 0.7}}))
    assert setup.households is not None and setup.households.firms is not None
    assert world.community is not None and world.community.firms is not None
    f, people = setup.households.firms, world.community.firms.people
    people.health[:] = np.where(f.of == 0, FAILED, WORKS)
    expected = np.select([f.firm < 0, f.firm == 0], [0.0, 0.0], 0.7)
    assert (f.firm == 0).sum() > 10 and np.array_equal(firms.channel(setup, world), expected)


@pytest.mark.parametrize("besides", [False, True])
def test_the_quota_of_who_has_a_loan_is_used(besides: bool, busy: tuple[Setup, World]) -> None:
    """Never for the firm as well, unless the rules let a household borrow beside it."""
    setup, world = busy
    assert setup.households is not None and setup.households.firms is not None
    assert world.community is not None and world.community.firms is not None
    f, people = setup.households.firms, world.community.firms.people.copy()
    people.health[:], people.status[:], people.principal[:], people.wait_until[:] = WORKS, NONE, 0, 0
    status = world.community.people.status.copy()
    status[:] = np.where(np.arange(status.size) % 2 == 0, OPEN, NONE)
    terms = f.terms._replace(apply=np.ones_like(f.terms.apply))
    out = Out.empty(f.of.size, 2, 0)
    starts = 31 * np.arange(f.term_months + 2)
    now: Any = Signing(setup.first_month, 0, 0, np.arange(20), starts)
    firms_of.apply(dataclasses.replace(f, terms=terms), people, now, out, status, besides, 0)
    asked = out.principal > 0
    assert asked.sum() > 50
    assert (status[f.household[asked]] == OPEN).any() == besides


def test_a_years_figures_are_of_that_year_and_of_firms() -> None:
    """Beside the firms' own loans, households' loans go bad that a firm had used."""
    firm = {**FIRMS, "uses_household_loans": 0.5}
    setup, world = history(county({"rules.firm.household_borrows_too": True, "livelihoods.firms": firm}))
    assert setup.households is not None and setup.households.firms is not None
    assert world.community is not None and world.community.firms is not None
    claims, failed = world.claims, 0
    of_firm = np.isin(world.loans.household[claims.row], setup.households.firms.id)
    for year in (2018, 2019):
        first, last = outcomes.year_span(year)
        due, _, bad = reporting.due_in(world.loans, world.fates, first, last)
        found = firms.summary(setup, world, due, bad, first, last)
        assert found["firms_failed_count"] > 0
        failed += int(found["firms_failed_count"])
        payable = (claims.due >= first) & (claims.due <= last) & (claims.recovered_on > claims.due)
        assert found["firm_fund_due_fen"] == claims.fund_part[payable & of_firm].sum()
    assert failed == len(world.community.firms.failed)
    assert 0 < claims.fund_part[payable & of_firm].sum() < claims.fund_part[payable].sum()


def _absent() -> dict[str, Any]:
    """Rules in which the quota stays with the households."""
    return {"rules.firm.household_borrows_too": True, "rules.firm.yuan_per_household": 0}


def test_drought_makes_firms_fail_and_their_claims_a_disaster() -> None:
    dry = {"opening.drought": "dry", "livelihoods.weather.loss_at": [[0.5, 0.0], [0.0, 0.6]]}
    counts = {}
    for logit in (0.0, 12.0):
        firm = {**FIRMS, "failures_per_year": 0.05, "drought_logit": logit}
        setup, world = history(county({"livelihoods.firms": firm, **dry}), 1)
        assert world.community is not None and world.community.firms is not None
        counts[logit] = len(world.community.firms.failed)
    assert counts[12.0] > 2 * counts[0.0]
    bad = firms.of_firms(setup, world) & (world.fates.fate == DEFAULTED)
    assert (world.fates.cause[bad] == DISASTER).mean() > 0.5


def test_a_low_price_and_disease_make_firms_fail_and_a_high_price_does_not() -> None:
    """One draw a firm and month: more of them fall below the odds, and all that failed in a usual month are among them."""
    firm = {**FIRMS, "price_logit": 3.0, "disease_logit": 5.0}
    scenario = county({"livelihoods.firms": firm})
    setup, world = history(scenario, last=clock.day_of(scenario.information_on) + 40)
    h, c = setup.households, world.community
    assert h is not None and h.firms is not None and c is not None and c.firms is not None
    f, live = h.firms, scenario.livelihoods.firms  # type: ignore[union-attr]
    assert live is not None
    people = c.firms.people
    none, some = np.ones(f.firm.size), np.full(f.firm.size, 0.6)

    def failing(price: float, herd: F64) -> set[tuple[int, int]]:
        found = set()
        for month in range(600, 900):
            now: Any = Calm(month, np.zeros(3), np.full(3, price), herd)
            fails = firms_of.fail(f, live, people.copy(), now, 0)
            found |= {(month, i) for i in np.flatnonzero(fails).tolist()}
        return found

    usual, high, low, disease = failing(1.0, none), failing(1.4, none), failing(0.6, none), failing(1.0, some)
    assert usual == high
    assert usual < low and len(low) > 1.5 * len(usual)
    assert usual < disease and len(disease) > 2.5 * len(usual)


class Calm(NamedTuple):
    """What a firm's failure reads of a month."""

    month: int
    severity: F64
    price: F64
    herd: F64


class Signing(NamedTuple):
    """What a firm's application reads of a month."""

    month: int
    first_day: int
    replication: int
    working: I64
    month_starts: I64


class Month(NamedTuple):
    """What firms read of a month."""

    month: int
    month_end: int
    over_by: int
    severity: F64
    recent: F64
    price: F64
    herd: F64


SUBSIDIES: dict[str, dict[str, Any]] = {
    "each settlement": {},
    "households first": {"rules.subsidy.paid_to": "household"},
    "at repayment": {"rules.subsidy.paid_when": "at_repayment"},
    "at repayment, households first": {"rules.subsidy.paid_when": "at_repayment", "rules.subsidy.paid_to": "household"},
    "late loses all": {"rules.subsidy.paid_when": "at_repayment", "rules.subsidy.late_loses": "all"},
    "some months, below a ceiling": {"rules.subsidy.months": 6, "rules.subsidy.ceiling_yuan": 12_000},
}


@pytest.mark.parametrize("name", SUBSIDIES)
def test_the_compiled_months_of_firms_are_their_plain_twins(name: str) -> None:
    """Random parts, in every state a loan can have, through months with drought, disease and low prices: same bits."""
    firm = {**FIRMS, "failures_per_year": 0.3, "drought_logit": 4.0, "price_logit": 2.0, "disease_logit": 3.0}
    scenario = county({"livelihoods.firms": firm, **SUBSIDIES[name]})
    setup, world = history(scenario, last=clock.day_of(scenario.information_on) + 40)
    h, c = setup.households, world.community
    assert h is not None and h.firms is not None and c is not None and c.firms is not None
    f, live, draw = h.firms, scenario.livelihoods.firms, np.random.default_rng(3)  # type: ignore[union-attr]
    assert live is not None
    n, today = f.of.size, clock.day_of(scenario.information_on)
    first = c.firms.people
    first.status[:] = draw.integers(0, 4, n)
    first.start[:] = today - draw.integers(1, 700, n)
    first.due[:] = today + draw.integers(-100, 300, n)
    first.accrued_to[:] = np.minimum(first.start + draw.integers(0, 300, n), first.due)
    first.principal[:], first.rate_ppm[:] = draw.integers(1, 3_000_000, n), 43_500
    first.marks[:] = draw.choice([0, 0, 0, LOST, UNSUBSIDISED, REFUSES, CALLED], n)
    first.interest_due[:], first.arrears[:], first.withheld[:], first.carry[:] = draw.integers(0, 9_999, (4, n))
    first.recover_on[:], first.recover_fen[:] = today + draw.integers(0, 300, n), draw.integers(0, 9_999, n)
    outs = [Out.empty(n, 2, 0), Out.empty(n, 2, 0)]
    people, events = [first.copy(), first.copy()], 0
    for k in range(12):
        now: Any = Month(
            setup.first_month + k, today + 30 * k, today + 30 * k + 60, draw.uniform(0, 0.6, 3), draw.uniform(0, 0.5, 3),
            draw.uniform(0.6, 1.3, 3), draw.uniform(0.6, 1.0, f.firm.size),
        )  # fmt: skip
        fails = [
            twin(f, live, p, now, 4) for twin, p in zip((firms_of.fail, firms_of.fail_reference), people, strict=True)
        ]
        paid = [
            twin(f, p, now, o) for twin, p, o in zip((firms_of.pay, firms_of.pay_reference), people, outs, strict=True)
        ]
        assert fails[0].tolist() == fails[1].tolist()
        assert paid[0] == paid[1]
        for which in (people, outs):
            for field, a, b in zip(which[0]._fields, *which, strict=True):
                assert a.tobytes() == b.tobytes(), (name, k, field)
        events |= int(np.bitwise_or.reduce(outs[0].event))
    assert events == REPAID_EVENT | MISSED | WENT_BAD and (people[0].health != first.health).any()
    for month in range(setup.first_month + 12, setup.first_month + 300):  # failures are rare
        now = Month(month, 0, 0, np.zeros(3), np.zeros(3), np.ones(3), draw.uniform(0.2, 1.0, f.firm.size))
        fails = [
            twin(f, live, p, now, 4) for twin, p in zip((firms_of.fail, firms_of.fail_reference), people, strict=True)
        ]
        assert fails[0].tolist() == fails[1].tolist(), month


def test_who_may_not_borrow_is_covered_by_no_firm(busy: tuple[Setup, World]) -> None:
    register = register_of(county({}), county({}).law())
    firm = firms_of.cover(county({}), county({}).livelihoods.firms, register, 3)[2]  # type: ignore[union-attr,arg-type]
    assert (register.may_borrow == 0).sum() > 5
    assert (firm[register.may_borrow == 0] == -1).all() and (firm[register.may_borrow == 1] >= 0).any()


@pytest.mark.parametrize("paid_to", ["bank", "household"])
def test_subsidy_of_firms_stands_on_the_lists_and_money_is_kept(paid_to: str) -> None:
    """`simulate` closes the books to the fen; subsidised parts add lines and money, unsubsidised ones do not."""
    due = []
    for is_subsidised in (True, False):
        _, world = history(county({"rules.firm.subsidised": is_subsidised, "rules.subsidy.paid_to": paid_to}))
        assert world.community is not None
        assert world.ledger.balances["households"] == world.community.people.cash.sum()
        due.append(int(world.entitled.sum()))
    assert due[0] > 1.2 * due[1] > 0


def test_a_firms_loan_is_one_file_and_one_line_for_the_clerks() -> None:
    """However many quotas it uses: with firms that all fail the desk works one file for each loan, and a line each before."""
    per_file, per_line = 60.0, 1.0
    office = {"office.minutes_per_claim": per_file, "office.minutes_per_line": 0.0, "office.clerks": 50}
    sure = {"livelihoods.firms": {**FIRMS, "failures_per_year": 0.9, "covers": 1.0, "per_township": 8}}
    setup, world = history(county(sure | office))
    signed = {(int(world.loans.household[i]), int(world.loans.start[i])) for i in world.claims.row}
    reviewed = world.claims.reviewed != NEVER
    done = {(int(world.loans.household[i]), int(world.loans.start[i])) for i in world.claims.row[reviewed]}
    assert len(done) > 5 and len(world.claims) > 5 * len(signed)
    assert world.desk.busy_minutes == pytest.approx(per_file * len(done), abs=0.01)
    setup, world = history(county(sure | {"office.minutes_per_claim": 0.0, "office.minutes_per_line": per_line}))
    assert setup.households is not None and setup.households.firms is not None
    n_firms = setup.households.firms.id.size
    assert 0 < max(world.lists.lines) <= n_firms < (world.loans.balance > 0).sum() / 10


def test_an_officer_watches_a_firms_loan_once() -> None:
    scenario = county({
        "opening.kind": "warm-up", "opening.warm_up_months": 30, "livelihoods.households": 300,
        "lending.monitoring": {"officers": {"rcc": 1, "psbc": 1}, "loans_per_officer": 20, "refused_if_unwatched": 1.0},
        "defaults.negligence": 0.0,
    })  # fmt: skip
    setup, _ = history(scenario)
    loans, firms_open = setup.opening.loans, setup.opening.firms
    assert firms_open is not None
    is_firms = np.zeros(len(loans), dtype=bool)
    is_firms[firms_open.loan[firms_open.loan >= 0]] = True
    on_books = loans.status != PAID
    for index, refused in enumerate(setup.claim_terms.negligence):
        mine = on_books & (loans.lender == index)
        once = {(int(loans.household[i]), int(loans.start[i])) for i in np.flatnonzero(mine & is_firms)}
        n = int((mine & ~is_firms).sum()) + len(once)
        assert n < mine.sum() and refused == pytest.approx(max(1 - 20 / n, 0.0))


def test_firms_of_a_warm_up_go_on() -> None:
    """A county whose opening has firms with loans, some of them bad: the next history begins with them."""
    scenario = county({"opening.kind": "warm-up", "opening.warm_up_months": 30, "livelihoods.households": 300})
    opening = opening_state(scenario)
    assert opening.firms is not None and (opening.firms.loan >= 0).any()
    setup, world = history(scenario)
    assert setup.households is not None and setup.households.firms is not None
    before = firms.of_firms(setup, world)[: len(opening.loans)]
    assert before.sum() == np.count_nonzero(opening.firms.loan >= 0)
    other = scenario.with_changes({"livelihoods.firms.covers": 0.2})
    with pytest.raises(sim.InputError, match=r"livelihoods.firms.*as in the opening state"):
        prepare(other, 5, opening, END)
