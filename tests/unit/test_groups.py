"""Joint liability, extension in a drought, relapse into poverty, evaders: twins to the bit, money to the fen, off is off."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import sim
from sim import clock, outcomes, welfare
from sim.extension import extend
from sim.fund.claims import NEVER
from sim.households.groups import Ties, help_reference, shaken, shaken_reference, ties
from sim.households.groups_kernel import help_members, remember
from sim.households.month import remember_reference
from sim.households.reduced_form import CURED, DEFAULTED, WILFUL
from sim.households.register import Register
from sim.households.state import (
    BAD,
    EXTENDED,
    NONE,
    OPEN,
    OVERDUE,
    REFUSES,
    SEVERE,
    UNSUBSIDISED,
    Out,
    People,
    Terms,
    terms_of,
)
from sim.livelihoods import Groups
from sim.streams import stream_key
from tests.unit.test_firms import END, FIRMS, county, history
from tests.unit.test_month import County

GROUPS = {"helps": 0.7, "infects_logit": 3.0}
NO_FIRMS: dict[str, Any] = {"livelihoods.firms": None}
HARD = {
    "livelihoods.behaviour.central.price_sd": 0.6, "livelihoods.behaviour.central.project_failure_per_year": 0.1,
    "livelihoods.informal_limit_months": 2.0, "livelihoods.savings_months": 6.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def terms() -> Terms:
    scenario = sim.scenario("x-county-households")
    return terms_of(scenario, scenario.law(), 7)


def random_groups(seed: int, n: int, helps: float) -> Ties:
    """Everybody in groups of one to five."""
    draw = np.random.default_rng(seed)
    members = np.full((n, 4), -1, dtype=np.int64)
    row = 0
    while row < n:
        group = np.arange(row, min(row + int(draw.integers(1, 6)), n))
        for i in group:
            members[i, : group.size - 1] = group[group != i]
        row += group.size
    return Ties(members, helps, stream_key(9, "group.help"))


def copies(*many: Any) -> list[Any]:
    return [type(one)(*(a.copy() for a in one)) for one in many]


@pytest.mark.parametrize("helps", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("extra_days", [0, 90])
def test_the_twins_of_help_give_the_same_bits(terms: Terms, helps: float, extra_days: int) -> None:
    paid = 0
    for seed in range(6):
        t = terms._replace(subsidy=terms.subsidy._replace(extra_days=extra_days))
        some = County(seed, 300, t)
        (now,), tie = list(some.months(1)), random_groups(seed, 300, helps)
        (p, x), (q, y) = copies(some.people, some.out), copies(some.people, some.out)
        a, b = np.full(300, -1), np.full(300, -1)
        help_members(p, some.register, t, tie, now, x, a)
        help_reference(q, some.register, t, tie, now, y, b)
        for name, one, other in zip([*People._fields, *Out._fields], (*p, *x), (*q, *y), strict=True):
            assert one.tobytes() == other.tobytes(), name
        assert a.tobytes() == b.tobytes()
        assert a.sum() == 0  # what one gives another has
        late = (some.people.status == OVERDUE) & (p.status == NONE)
        paid += int(late.sum())
        floor = (some.register.persons * t.floor_fen + 0.5).astype(np.int64)
        gave = a < 0
        assert (p.cash[gave] >= np.minimum(floor, some.people.cash)[gave]).all()
        lender = x.by_lender.sum() - some.out.by_lender.sum()
        kin = p.informal.sum() - some.people.informal.sum()
        assert lender == some.people.cash.sum() - p.cash.sum() + kin  # all that left households reached lenders
    assert paid > (20 if helps > 0 else 0) - 1


def test_a_group_of_three_worked_by_hand(terms: Terms) -> None:
    """10,000 yuan a month late at 4.75 per cent: 59.38 penalty interest. Own cash and kin first, then members in order of id."""
    some = County(0, 3, terms)
    (now,) = list(some.months(1))
    r, tie = some.register, Ties(np.array([[1, 2], [0, 2], [0, 1]]), 1.0, stream_key(9, "group.help"))
    floor = (r.persons * terms.floor_fen + 0.5).astype(np.int64)
    usual = (r.crop_fen + r.livestock_fen + r.wage_fen + r.transfer_fen) // 12
    some.people.status[:], some.people.marks[:], some.out.event[:] = (OVERDUE, NONE, NONE), 0, 0
    some.people.principal[0], some.people.arrears[0], some.people.rate_ppm[0] = 1_000_000, 0, 47_500
    some.people.due[0] = now.month_end - 30
    some.people.cash[:] = floor + np.array([100_000, 600_000, 700_000])
    some.people.informal[0] = int(terms.informal_months * usual[0]) - 200_000

    def helped(**changes: Any) -> tuple[list[int], int]:
        found = []
        for twin in (help_members, help_reference):
            (p, out), given = copies(some.people, some.out), np.zeros(3, dtype=np.int64)
            for name, (row, value) in changes.items():
                getattr(p, name)[row] = value
            twin(p, r, terms, tie, now, out, given)
            found.append((given.tolist(), int(p.status[0])))
        assert found[0] == found[1]
        return found[0]

    assert helped() == ([705_938, -600_000, -105_938], NONE)
    assert helped(informal=(0, some.people.informal[0] - 200_000)) == ([505_938, -505_938, 0], NONE)
    nothing = ([0, 0, 0], OVERDUE)
    assert helped(status=(1, OVERDUE)) == nothing  # who is in arrears gives nothing: 7,000 are less than 7,059.38
    assert helped(marks=(0, REFUSES)) == nothing
    assert helped(cash=(1, floor[1] + 5_937)) == nothing  # a fen is missing: a part would not save the loan


def remember_now(p: People, register: Register, line: float, cal: int) -> None:
    """The compiled twin, with the columns it reads; a relapse after three months."""
    remember(p.income_year, register.persons, line, 3, cal, p.income_12, p.poor_months, p.relapses)


def test_the_twins_of_memory_and_who_relapses(terms: Terms) -> None:
    """A household above the line, then below it for three months, relapses once, in the third; who never was above does not."""
    some = County(3, 200, terms)
    a, b = some.people.copy(), some.people.copy()
    for month in range(30):
        income = np.random.default_rng(month).integers(0, 900_000, 200)
        for p in (a, b):
            p.income_year[:] = income + (p.income_year if month % 12 else 0)
        remember_now(a, some.register, 300_000.0, month % 12)
        remember_reference(b, some.register, 300_000.0, 3, month % 12)
        for name in ("income_12", "poor_months", "relapses"):
            assert getattr(a, name).tobytes() == getattr(b, name).tobytes(), name
    one = People(*(x[:2].copy() for x in some.people))
    register = type(some.register)(*(x[:2].copy() for x in some.register))
    register.persons[:] = 1
    one.income_12[:], one.income_year[:], one.relapses[:], one.poor_months[:] = 0, 0, 0, -1
    seen = []
    for month in range(24):
        earns = np.array([100 if month < 13 else 10, 10])
        one.income_year[:] = earns + (one.income_year if month % 12 else 0)
        remember_now(one, register, 1000.0, month % 12)
        seen.append(one.relapses.copy())
    assert np.array(seen)[:, 1].tolist() == [0] * 24
    # 12 x 100 is above; each poor month takes 90 away: the third brings twelve months to 930, the fifth is the third below
    assert [int(x[0]) for x in seen].index(1) == 13 + 4
    assert seen[-1][0] == 1


def test_no_effect_on_the_will_in_good_times(terms: Terms) -> None:
    some = County(4, 100, terms)
    (now,) = list(some.months(1))
    calm = now._replace(recent=np.zeros_like(now.recent), herd=np.ones(100))
    live, tie = Groups(helps=0.3, infects_logit=3.0), random_groups(4, 100, 0.3)
    none, own = np.zeros(100), np.random.default_rng(0).normal(size=100)
    assert not shaken(live, tie, some.register, some.people, calm, none).any()
    assert (shaken(live, tie, some.register, some.people, calm, own) == own).all()
    bad = calm._replace(recent=np.full_like(now.recent, SEVERE))
    found = shaken(live, tie, some.register, some.people, bad, none)
    mixed = calm._replace(herd=np.where(np.arange(100) % 3 == 0, 1.0 - SEVERE, 1.0), recent=now.recent.copy())
    mixed.recent[0] = SEVERE
    for when in (calm, bad, mixed):
        two = [twin(live, tie, some.register, some.people, when, own) for twin in (shaken, shaken_reference)]
        assert two[0].tobytes() == two[1].tobytes()
    late = some.people.status >= OVERDUE
    for i in range(100):
        others = tie.members[i][tie.members[i] >= 0]
        assert found[i] == pytest.approx(3.0 * late[others].mean() if others.size else 0.0)
    assert found.max() > 0


def test_groups_are_those_of_the_register_and_not_too_large() -> None:
    scenario = county(NO_FIRMS | {"livelihoods.groups": GROUPS})
    setup, _ = history(scenario, last=clock.day_of(scenario.information_on) + 40)
    assert setup.households is not None and setup.households.ties is not None
    group, members = setup.households.register.group, setup.households.ties.members
    for i in range(0, group.size, 17):
        assert set(members[i][members[i] >= 0].tolist()) == set(np.flatnonzero(group == group[i]).tolist()) - {i}
    large = setup.households.register._replace(group=np.zeros_like(group))
    with pytest.raises(sim.InputError, match="groups of at most 10 households"):
        ties(scenario, Groups(infects_logit=0.0), large, 5)


@pytest.fixture(scope="module")
def lonely() -> Any:
    return history(county(NO_FIRMS | HARD), 1)


def test_groups_that_help_turn_defaults_into_late_payments_and_keep_every_fen(lonely: Any) -> None:
    """`simulate` closes the books; the same draws, so whoever is helped would have been late."""
    _, alone = lonely
    setup, world = history(county(NO_FIRMS | HARD | {"livelihoods.groups": {"helps": 1.0, "infects_logit": 0.0}}), 1)
    c = world.community
    assert c is not None and sum(n for _, n, _ in c.helped) > 5
    assert world.ledger.balances["households"] == c.people.cash.sum()
    assert (world.fates.fate == DEFAULTED).sum() < (alone.fates.fate == DEFAULTED).sum()
    assert (world.fates.fate == CURED).sum() > (alone.fates.fate == CURED).sum()
    year = {k for k, end in enumerate(setup.month_ends.tolist()) if clock.date_of(end).year == 2018}
    row = outcomes.summary(setup, world)
    assert row["group_given_fen"] == sum(fen for k, _, fen in c.helped if k in year) > 0


@pytest.mark.parametrize(
    "off",
    [
        {"livelihoods.groups": {**GROUPS, "on": False}},
        {"livelihoods.groups": {"helps": 0.0, "infects_logit": 0.0}},
        {"livelihoods.relapse_after_months": 3},
        {"livelihoods.behaviour.central.evaders": 0.0},
        {"livelihoods.weather.extension": {"from_severity": 1.0, "months": 6}, "rules.loan.extension_months": 6},
    ],
    ids=["groups off", "groups that do nothing", "relapse counted", "no evaders", "no drought to extend in"],
)
def test_what_does_nothing_changes_nothing(off: dict[str, Any], lonely: Any) -> None:
    _, alone = lonely
    _, world = history(county(NO_FIRMS | HARD | off), 1)
    assert alone.community is not None and world.community is not None
    for name in People._fields:
        if name not in ("income_12", "poor_months", "relapses"):
            assert getattr(world.community.people, name).tobytes() == getattr(alone.community.people, name).tobytes(), (
                name
            )
    assert world.loans.id.tobytes() == alone.loans.id.tobytes()
    assert world.ledger.balances == alone.ledger.balances


def test_evaders_never_pay_and_their_claims_are_wilful(lonely: Any) -> None:
    """An evader's loan goes bad with cause wilful; nobody else's fate changes but through neighbours and belief."""
    quiet = {"livelihoods.peers": "none", "livelihoods.behaviour.central.belief_logit": 0.0}
    _, alone = history(county(NO_FIRMS | HARD | quiet), 1)
    setup, world = history(county(NO_FIRMS | HARD | quiet | {"livelihoods.behaviour.central.evaders": 0.15}), 1)
    h, c = setup.households, world.community
    assert h is not None and c is not None and alone.community is not None
    evades = h.never_pays > 0
    assert 0.1 < evades.mean() < 0.2
    bad = np.flatnonzero(world.fates.fate == DEFAULTED)
    theirs = bad[evades[c.owner[bad]] & (world.fates.missed[bad] == world.loans.due[bad])]  # not called by a death
    assert theirs.size > 10
    assert (world.fates.cause[theirs] == WILFUL).all()
    assert (c.people.status[evades & (c.people.due + 120 < END) & (c.people.loan >= 0)] != OVERDUE).all()
    assert c.people.cash[~evades].tobytes() == alone.community.people.cash[~evades].tobytes()
    claims = world.claims
    waits = claims.decided[(claims.cause == WILFUL) & (claims.decided != NEVER)]
    assert waits.size == 0 or waits.min() > setup.first_day + 180  # after the court's step


PUT_OFF: dict[str, Any] = {
    "livelihoods.weather.extension": {"from_severity": 0.3, "months": 6}, "rules.loan.extension_months": 6,
}  # fmt: skip
DRY = {"opening.drought": "dry", "livelihoods.weather.loss_at": [[0.5, 0.0], [0.0, 0.6]]}


@pytest.mark.parametrize("is_subsidised", [True, False])
def test_dates_are_put_off_in_a_drought_and_everything_counts_from_the_new_one(is_subsidised: bool) -> None:
    extension = PUT_OFF | {"rules.loan.extension_subsidised": is_subsidised}
    base = NO_FIRMS | HARD | DRY | {"livelihoods.mortality_multiple": 8.0}
    (_, before), (setup, world) = (history(county(base | e), 2) for e in ({}, extension))
    c = world.community
    assert c is not None and before.community is not None
    assert len(c.put_off) > 20 and len({loan for _, loan, _, _ in c.put_off}) == len(c.put_off)
    b = before.loans
    contract = dict(zip(zip(b.id.tolist(), b.start.tolist(), strict=True), b.due.tolist(), strict=True))
    ends, called = setup.month_ends.tolist(), 0
    for end, loan, old, new in c.put_off:
        assert old <= end and clock.month_of(np.array([old]))[0] == clock.month_of(np.array([end]))[0]
        assert c.sky.severity[ends.index(end), world.loans.township[loan]] >= 0.3
        signed = int(world.loans.id[loan]), int(world.loans.start[loan])
        assert old == contract.get(signed, old)  # a called loan keeps the day of its call
        assert new == int(clock.add_months(np.array([old]), 6)[0])
        assert world.loans.due[loan] == new
        called += int(world.fates.missed[loan] < new)  # by a death, before the new date
        at = np.flatnonzero(world.claims.row == loan)
        assert (world.claims.entitled[at] >= new + 90).all() or world.fates.missed[loan] < new
    assert called < 0.1 * len(c.put_off)
    running = c.people.marks & EXTENDED != 0
    assert running.any()
    assert ((c.people.marks & UNSUBSIDISED != 0) == (running & (not is_subsidised)))[running].all()
    assert world.ledger.balances["households"] == c.people.cash.sum()
    assert "extended_fen" in outcomes.summary(setup, world)
    if not is_subsidised:  # interest of the extension is the household's
        assert c.interest.sum() > before.community.interest.sum()


def test_only_the_townships_in_drought_put_dates_off() -> None:
    """A dry and two wet townships: loans of all three fall due, those of the dry one are put off."""
    setup, world = history(county(NO_FIRMS | DRY | PUT_OFF), 2)
    c, h = world.community, setup.households
    assert c is not None and h is not None
    k = int(np.flatnonzero(c.sky.severity.max(axis=1) >= 0.3)[0])
    c.sky.severity[k] = np.where(np.arange(3) == 1, 0.5, 0.1)
    c.people.due[c.people.status == OPEN] = setup.month_ends[k]
    c.people.marks[:] = 0
    c.put_off.clear()
    extend(setup, world, k, int(setup.month_ends[k]))
    assert len(c.put_off) > 20
    assert {int(world.loans.township[loan]) for _, loan, _, _ in c.put_off} == {1}


def test_firms_dates_are_put_off_too() -> None:
    setup, world = history(county(DRY | PUT_OFF | {"livelihoods.firms": {**FIRMS, "failures_per_year": 0.0}}), 2)
    c = world.community
    assert c is not None and setup.households is not None
    of_firms = [loan for _, loan, _, _ in c.put_off if c.owner[loan] >= setup.households.register.id.size]
    assert len(of_firms) > 10
    assert (c.owner[of_firms] >= setup.households.register.id.size).all()


def test_the_county_pays_up_to_the_old_date_and_not_beyond_where_an_extension_is_not_subsidised() -> None:
    """Subsidy of every loan, from signing to its end or the last settlement, is what the lists hold, but for roundings."""
    setup, world = history(county(NO_FIRMS | DRY | PUT_OFF), 2)
    c, loans = world.community, world.loans
    assert c is not None
    stop, last = np.minimum(world.fates.missed, loans.due), int(setup.settlements[-1])
    for _, loan, old, _ in c.put_off:
        stop[loan] = min(old, world.fates.missed[loan])
    counted = clock.month_of(loans.start) < clock.month_of(np.array([last]))[0]
    days = np.maximum(np.minimum(stop, last) - loans.start, 0)[counted]
    due = (loans.balance[counted] * loans.rate_ppm[counted] * days / (360 * 1e6)).sum()
    assert len(c.put_off) > 20
    assert c.entitled.sum() == pytest.approx(due, rel=0.002)


def test_an_extension_that_the_pack_does_not_allow_is_refused() -> None:
    asked = {"livelihoods.weather.extension": {"from_severity": 0.3, "months": 6}}
    with pytest.raises(sim.InputError, match=r"extension.months.*x-county has no loan.extension_months"):
        history(county(NO_FIRMS | asked))
    with pytest.raises(sim.InputError, match=r"at most 3 \(loan.extension_months"):
        history(county(NO_FIRMS | asked | {"rules.loan.extension_months": 3}))


def test_figures_of_people_are_shares() -> None:
    setup, world = history(
        county(NO_FIRMS | HARD | {"livelihoods.relapse_after_months": 3, "livelihoods.groups": GROUPS}), 1
    )
    row = outcomes.summary(setup, world)
    assert 0 < row["below_floor_count"] <= row["months_below_floor_count"]
    assert 0 <= row["relapsed_count"] <= row["households_count"]
    c = world.community
    assert c is not None and (c.people.status == BAD).any()
    ends = [clock.date_of(end) for end in setup.month_ends.tolist()]
    second = next(k for k, end in enumerate(ends) if (end.year, end.month) == (2019, 12))
    last = outcomes.year_span(2019)[1]
    assert welfare.households(setup, world, *_nobody(world), last)["relapsed_count"] > 0
    c.lives[second - 12] = c.lives[second]  # as if all of it had been the year before
    assert welfare.households(setup, world, *_nobody(world), last)["relapsed_count"] == 0


def _nobody(world: Any) -> tuple[np.ndarray, np.ndarray]:
    """No loan fell due, none went bad."""
    none = np.zeros(len(world.loans), dtype=np.bool_)
    return none, none
