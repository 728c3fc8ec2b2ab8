"""Windows, quotas, lockout and the stop of lending in whole histories, with both ways to default."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from sim import clock, outcomes, reacting, years
from sim.arms import horizon
from sim.booked import held_at
from sim.clock import day_in_year
from sim.community_kernel import STOPPED as STOPPED_COUNT
from sim.errors import InputError
from sim.households.reduced_form import CURED
from sim.lending.applications import applications, draw_applications
from sim.lending.granting import LENT, QUOTA_USED, STOPPED
from sim.opening import _ages
from sim.replication import prepare, simulate
from sim.season import by_month, open_days, signing_days
from sim.warmup import freeze, opening_state
from tests.properties import test_households as few_households

ALL_BY_JUNE = {"rules.loan.lent_until": "06-30"}
ACROSS = {"rules.loan.lent_from": "11-15", "rules.loan.lent_until": "02-10"}
PART = {"rules.loan.lent_from": "03-10", "rules.loan.lent_until": "05-20"}


def history(scenario: Any, opening: Any, replication: int = 0) -> tuple[Any, Any]:
    setup = prepare(scenario, 11, opening, horizon(scenario))
    return setup, simulate(setup, replication)


def few(changes: dict[str, Any]) -> Any:
    """600 households who borrow and default often."""
    return few_households.county(changes, townships=2)


def households(changes: dict[str, Any], replication: int = 0) -> tuple[Any, Any]:
    return few_households.history(few(changes), replication)


def is_open(rules: Any, days: Any) -> Any:
    return np.array(
        [open_days(rules, clock.date_of(d).year)[d - day_in_year(clock.date_of(d).year, "01-01")] for d in days]
    )


# --- windows ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [ALL_BY_JUNE, ACROSS, PART])
@pytest.mark.parametrize("mechanism", ["reduced-form", "household"])
def test_no_loan_begins_outside_the_window(small: Any, opening: Any, mechanism: str, window: Any) -> None:
    setup, world = households(window) if mechanism == "household" else history(small.with_changes(window), opening)
    new = world.loans.start[world.loans.start >= setup.first_day]
    assert new.size > 40
    assert is_open(setup.rules, new).all()
    assert setup.calendar.is_working[new - setup.calendar.first_day].all()


def test_a_years_applications_come_in_the_window(small: Any, opening: Any) -> None:
    """As many as without it, but all by 30 June; and their maturities are a wall in the first half of each year."""
    free, walled = (history(small.with_changes(w), opening)[1] for w in ({}, ALL_BY_JUNE))
    n_free, n_walled = (
        ((w.demand.start >= day_in_year(2019, "01-01")) & (w.demand.start < day_in_year(2020, "01-01"))).sum()
        for w in (free, walled)
    )
    assert abs(int(n_free) - int(n_walled)) <= 2
    due = {}
    for name, world in (("free", free), ("walled", walled)):
        new = world.loans.due[
            (world.loans.start >= day_in_year(2018, "01-01")) & (world.loans.due < day_in_year(2022, "01-01"))
        ]
        due[name] = np.bincount(clock.month_of(new) % 12, minlength=12)
    assert due["walled"][6:].sum() == 0  # terms are whole years
    assert due["free"][6:].sum() > 0.25 * due["free"].sum()


def test_a_window_spreads_a_month_that_is_open_in_part(small: Any, calendar: Any) -> None:
    """10 to 31 March has 22 of 31 days of its share; its days are spread over those, on working days."""
    scenario = small.with_changes(PART)
    rules = scenario.law()
    shares, season = np.array(scenario.lending.by_month), by_month(scenario, rules)
    assert season.sum() == pytest.approx(1)
    assert season[2] / season[3] == pytest.approx(shares[2] * 22 / 31 / shares[3])
    assert season[4] / season[3] == pytest.approx(shares[4] * 20 / 31 / shares[3])
    march = day_in_year(2018, "03-01") + np.arange(31)
    days = signing_days(rules, calendar, march)
    assert days.min() == day_in_year(2018, "03-12")  # the 10th is a Saturday
    assert (np.diff(days) >= 0).all()
    assert np.unique(days, return_counts=True)[1].max() <= 6  # no crowd on the first day: weekends and no more
    assert days.max() == day_in_year(2018, "04-02")
    may = signing_days(rules, calendar, day_in_year(2018, "05-01") + np.arange(31))
    assert may.max() == day_in_year(2018, "05-18")  # the 20th, the last day, is a Sunday


def test_without_a_window_a_day_is_moved_to_a_working_day_alone(small: Any, calendar: Any) -> None:
    days = day_in_year(2018, "02-10") + np.arange(40)
    assert signing_days(small.law(), calendar, days).tolist() == calendar.on_or_after(days).tolist()
    assert by_month(small, small.law()).tolist() == list(small.lending.by_month)


def test_a_window_without_applicants_is_refused(small: Any, opening: Any) -> None:
    only_june = [0.0] * 5 + [1.0] + [0.0] * 6
    with pytest.raises(InputError, match="by_month"):
        prepare(small.with_changes({"lending.by_month": only_june, **ACROSS}), 11, opening, opening.day + 364)


def test_a_window_moves_no_other_draw(small: Any, rules: Any, rates: Any, calendar: Any) -> None:
    """Applications of one month have the size, term and township that they have without the window."""
    scenario = small.with_changes(ALL_BY_JUNE)
    first, last = day_in_year(2018, "01-01"), day_in_year(2019, "12-31")
    limits = [10**10, 10**10]
    drawn = []
    for s in (small, scenario):
        loans = draw_applications(
            applications(s, s.law(), limits, first, last, 1), 3, s.law(), rates, calendar, first, last
        )
        drawn.append(
            {int(i): (int(b), int(t)) for i, b, t in zip(loans.id, loans.balance, loans.township, strict=True)}
        )
    common = drawn[0].keys() & drawn[1].keys()
    assert len(common) > 100
    assert all(drawn[0][i] == drawn[1][i] for i in common)


def test_a_book_from_totals_has_the_ages_of_the_window(small: Any) -> None:
    """On 30 September, with all lent by June, no open loan is younger than three months."""
    scenario = small.with_changes(ALL_BY_JUNE)
    u = (np.arange(500) + 0.5) / 500
    _, ago = _ages(scenario, day_in_year(2017, "09-30"), u, np.roll(u, 77))
    assert ago.min() >= 2
    assert _ages(small, day_in_year(2017, "09-30"), u, np.roll(u, 77))[1].min() == 0


# --- quotas -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mechanism", ["reduced-form", "household"])
def test_a_quota_is_never_exceeded_and_is_used(small: Any, opening: Any, mechanism: str) -> None:
    yuan = 300_000
    rule = {"rules.loan.quota_yuan_per_year": yuan}
    setup, world = households(rule) if mechanism == "household" else history(small.with_changes(rule), opening)
    loans = world.loans
    for year in (2018, 2019):
        of_year = (loans.start >= day_in_year(year, "01-01")) & (loans.start <= day_in_year(year, "12-31"))
        lent = int(loans.balance[of_year].sum())
        assert 0.8 * yuan * 100 < lent <= yuan * 100
    if mechanism == "reduced-form":
        assert QUOTA_USED in world.refusal
        row = years.cut_off(setup, world)
        assert row["cut_off_by_quota_count"] > 0
        by_rule = sum(row[f"cut_off_by_{name}_count"] for name in ("multiple", "stop", "quota"))
        assert by_rule == row["cut_off_0_count"] + row["cut_off_1_count"]
    else:
        assert outcomes.summary(setup, world)["refused_quota_count"] > 0


def test_a_large_quota_changes_nothing(small: Any, opening: Any) -> None:
    a, b = (history(small.with_changes(c), opening) for c in ({}, {"rules.loan.quota_yuan_per_year": 10**10}))
    assert outcomes.summary(*a) == outcomes.summary(*b)


def test_who_was_late_once_gets_no_other_loan() -> None:
    rule = {"rules.loan.lockout_after_late": True}
    free, locked = (households(c)[1] for c in ({}, rule))
    for world, happens in ((free, True), (locked, False)):
        late = {}
        for household, due, fate in zip(world.loans.household, world.loans.due, world.fates.fate, strict=True):
            if fate == CURED:
                late[household] = min(int(due), late.get(household, 10**9))
        again = [s > late[h] for h, s in zip(world.loans.household, world.loans.start, strict=True) if h in late]
        assert late
        assert any(again) is happens


# --- stop and resume --------------------------------------------------------------------------------------


HIGH = {"defaults.anchor": "high"}


@pytest.mark.parametrize("measured", ["lender", "county"])
def test_the_reduced_form_stops_where_the_booked_ratio_is_above_the_line(
    small: Any, opening: Any, measured: str
) -> None:
    """No clerk is late in granting, so the books of the history may differ by a meeting: months next to the line are left out."""
    line = 0.03
    rule = {**HIGH, "rules.stop.bad_loan_share": line, "rules.stop.measured_on": measured, "office.clerks": 50}
    setup, world = history(small.with_changes(rule), opening, 2)
    seen = []
    for k, end in enumerate(setup.month_ends[:-1].tolist()):
        held, _, bad = held_at(setup, world, end)
        out, gone = (
            np.bincount(world.loans.lender[x], weights=world.loans.balance[x], minlength=2) for x in (held, bad)
        )
        ratio = np.full(2, gone.sum() / out.sum()) if measured == "county" else gone / np.maximum(out, 1)
        for b in (0, 1):
            if abs(ratio[b] - line) > 0.005:
                seen.append((bool(world.stops[k + 1, b]), bool(ratio[b] > line)))
    agree = [a == b for a, b in seen]
    assert np.mean(agree) > 0.9
    assert {a for a, _ in seen} == {True, False}
    stopped = np.flatnonzero(world.refusal == STOPPED)
    months = clock.month_of(world.demand.start[stopped]) - setup.first_month
    assert world.stops[months, world.demand.lender[stopped]].all()
    assert not world.stops[clock.month_of(world.loans.start[world.loans.start >= setup.first_day]) - setup.first_month,
                           world.loans.lender[world.loans.start >= setup.first_day]].any()  # fmt: skip
    row = years.cut_off(setup, world)
    of_2018 = world.stops[:12].sum(axis=0)
    assert [row["stopped_months_0_count"], row["stopped_months_1_count"]] == of_2018.tolist()


@pytest.mark.parametrize("mechanism", ["reduced-form", "household"])
def test_a_line_of_one_stops_nobody(small: Any, opening: Any, mechanism: str) -> None:
    rule = {"rules.stop.bad_loan_share": 1.0}
    run = households if mechanism == "household" else lambda c: history(small.with_changes({**HIGH, **c}), opening)
    (a, world), (b, other) = run({}), run(rule)
    plain, with_rule = outcomes.summary(a, world), outcomes.summary(b, other)
    assert {k: with_rule[k] for k in plain} == plain
    assert not other.stops.any()


def test_a_household_lender_stops_by_its_own_books_and_resumes() -> None:
    rule = {"rules.stop.bad_loan_share": 0.04, "rules.stop.resume_share": 0.02}
    setup, world = households(rule)
    c = world.community
    assert c is not None
    assert 0 < world.stops.sum() < world.stops.size
    for k in range(setup.month_ends.size):
        for b in (0, 1):
            assert not (world.stops[k, b] and c.lent[b, k])
    assert c.counts[STOPPED_COUNT] > 0
    assert outcomes.summary(setup, world)["refused_stop_count"] <= c.counts[STOPPED_COUNT]
    assert years.cut_off(setup, world).keys() == {"stopped_months_0_count", "stopped_months_1_count"}


@pytest.mark.parametrize("mechanism", ["reduced-form", "household"])
@pytest.mark.parametrize("rule", [{"rules.stop.unpaid_claim_days": 30}, {"rules.stop.used_share": 0.5}])
def test_an_empty_fund_stops_lending(tight: Any, lenders: Any, mechanism: str, rule: Any) -> None:
    poor = {"lenders": lenders(30_000, 10_000), "rules.fund.leverage": 1_000}
    if mechanism == "household":
        setup, world = households({**poor, **rule})
        rich = households({"lenders": lenders(6_000_000, 2_000_000), **rule})[1]
    else:
        scenario = tight.with_changes({**poor, **rule})
        state = opening_state(tight)
        setup, world = history(scenario, state)
        ample = {"lenders": lenders(6_000_000, 2_000_000), "rules.fund.leverage": 5}
        rich = history(tight.with_changes({**ample, **rule}), state)[1]
    assert world.stops[-6:].any()
    assert not rich.stops[1:].any()  # a queue on the information date may stop the first month
    assert setup.granting.stop.is_on


# --- the multiple: on what, and of what -------------------------------------------------------------------


@pytest.mark.parametrize("mechanism", ["reduced-form", "household"])
def test_a_multiple_on_all_lending_is_used_up_for_good(small: Any, opening: Any, lenders: Any, mechanism: str) -> None:
    rule = {"rules.fund.leverage_on": "cumulative", "lenders": lenders(150_000, 50_000)}
    setup, world = (
        households(rule)
        if mechanism == "household"
        else history(small.with_changes({"rules.fund.leverage_on": "cumulative"}), opening)
    )
    covered = np.minimum(world.loans.balance, 5_000_000)
    kept = world.loans.status != 3
    ever = np.bincount(world.loans.lender[kept], weights=covered[kept], minlength=2)
    assert (ever <= setup.limit_fen).all()
    assert (ever > 0.9 * setup.limit_fen).all()
    last_year = world.loans.start >= setup.last_day - 365
    assert last_year.sum() == 0


def test_a_multiple_on_all_lending_that_never_binds_changes_nobody() -> None:
    """What the state's payments are measured against is what is outstanding: repaid loans do not dilute the belief."""
    wide = {"lenders": few_households.lenders(60_000_000, 20_000_000), f"{few_households.BEHAVIOUR}.belief_logit": 40.0}
    index = {
        "insured_share": 1.0, "months": [1, 2, 3], "trigger": -0.1, "exhausted_at": -1.0, "sum_insured_yuan": 4000,
        "premium_percent": 1.0, "paid_by": {"county": 1.0}, "pays_to": "bank", "pays_after_months": 1, "drawn_seed": 7,
    }  # fmt: skip
    for more in ({}, {"insurance": {"index": index}}):
        (a, x), (b, y) = (households({**wide, **more, **c}) for c in ({}, {"rules.fund.leverage_on": "cumulative"}))
        assert sum(fen for *_, fen in x.flows.payments) > 0
        assert y.community.counts_on > 0 == x.community.counts_on
        assert x.community.used.sum() == y.community.used.sum() - y.community.counts_on
        assert y.community.used.sum() == y.community.lent.sum()  # no payout frees any of it
        assert not few_households.differ(few_households.end_of(a, x), few_households.end_of(b, y)).any()


def test_a_book_that_is_only_collected_frees_what_it_guarantees() -> None:
    """Without new loans too, principal that is repaid is no longer outstanding."""
    old = {"livelihoods.households": 300}
    setup, world = households({**old, "lending.new_loans": False})
    c = world.community
    assert c is not None and c.n == 0 and not c.used.any()  # nothing was ever lent here
    state = freeze(*households(old), few_households.END_OF_2019 + 1)
    scenario = few({**old, "information_on": dt.date(2020, 1, 1), "sized_year": 2020, "lending.new_loans": False})
    setup = prepare(scenario, 11, state, clock.day_of(dt.date(2022, 6, 30)))
    c = simulate(setup, 0).community
    assert c is not None
    assert setup.households is not None
    assert 0 <= c.used.sum() < 0.2 * setup.households.opening.used.sum()


def test_a_refilled_balance_lends_again(tight: Any, lenders: Any) -> None:
    """The multiple is on what the fund holds: what it pays is lost to lending until it is topped up."""
    state = opening_state(tight)
    on_balance = {"rules.fund.leverage_base": "current"}
    spent, refilled = (
        history(tight.with_changes({**on_balance, **c}), state)[1] for c in ({}, {"rules.fund.top_up": "to_set_size"})
    )
    assert len(refilled.loans) > len(spent.loans)


# --- lending that follows the fund ------------------------------------------------------------------------


def test_the_grid_lends_by_the_rules(small: Any, opening: Any) -> None:
    plain, ruled = (
        history(small.with_changes({**HIGH, **c}), opening)
        for c in ({}, {"rules.stop.bad_loan_share": 0.05, "rules.loan.quota_yuan_per_year": 2_000_000})
    )
    free, bound = reacting.sweep(*plain), reacting.sweep(*ruled)
    lent = ruled[1].loans.balance[ruled[1].loans.start >= ruled[0].first_day].sum()
    assert bound["reacts_credit_10_fen"] == lent
    assert bound["reacts_credit_10_fen"] < free["reacts_credit_10_fen"]
    assert (ruled[1].refusal == LENT).sum() == len(ruled[1].loans)


def test_on_the_grid_each_year_begins_with_the_size(tight: Any) -> None:
    """Where the multiple is on the balance, the grid at the set size lends what a history that is refilled every year lends."""
    state, on_balance = opening_state(tight), {"rules.fund.leverage_base": "current"}
    lent = {}
    for name, rule in (("refilled", {"rules.fund.top_up": "to_set_size"}), ("left alone", {})):
        setup, world = history(tight.with_changes({**on_balance, **rule}), state)
        lent[name] = int(world.loans.balance[world.loans.start >= setup.first_day].sum())
        assert reacting.sweep(setup, world)["reacts_credit_10_fen"] == lent["refilled"]
    assert lent["left alone"] < lent["refilled"]
