"""One history: conservation, repeatability, what fixes what, and the order in which money moves."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from sim import clock, entitlements, outcomes
from sim.errors import ConservationError, InputError
from sim.filing import courses
from sim.fund.claims import NEVER
from sim.ledger import Ledger
from sim.lending.loans import PAID
from sim.replication import prepare, simulate
from sim.warmup import opening_state

END = clock.day_of(dt.date(2018, 12, 31))


def test_a_history_is_the_same_every_time(setup: Any, worlds: list[Any]) -> None:
    again = simulate(setup, 3)
    assert outcomes.summary(setup, again) == outcomes.summary(setup, worlds[3])
    assert again.ledger.balances == worlds[3].ledger.balances
    assert again.claims.recovered_on.tolist() == worlds[3].claims.recovered_on.tolist()


def test_histories_and_seeds_differ(small: Any, opening: Any, setup: Any, worlds: list[Any]) -> None:
    assert len({w.ledger.balances["book:0"] for w in worlds}) > 1
    other = prepare(small, 12, opening, END)
    assert simulate(other, 0).claims.row.tolist() != worlds[0].claims.row.tolist() or (
        simulate(other, 0).ledger.balances != worlds[0].ledger.balances
    )


def test_every_posting_of_a_history_adds_up_and_no_account_is_overdrawn(tight_setup: Any) -> None:
    world = simulate(tight_setup, 1, keep_journal=True)
    balances: dict[str, int] = {}
    last_day = 0
    for posting in world.ledger.journal or []:
        assert sum(fen for _, fen in posting.legs) == 0
        assert posting.day >= last_day  # money moves in order of time
        last_day = posting.day
        for account, fen in posting.legs:
            assert isinstance(fen, int)
            balances[account] = balances.get(account, 0) + fen
            if account.startswith("fund:") or account == "subsidy_cash":
                assert balances[account] >= 0
    assert {k: v for k, v in world.ledger.balances.items() if v} == {k: v for k, v in balances.items() if v}
    assert len(world.ledger.journal or []) == world.ledger.n_postings


def test_a_journal_changes_nothing(tight_setup: Any, tight_worlds: list[Any]) -> None:
    assert simulate(tight_setup, 1, keep_journal=True).ledger.balances == tight_worlds[1].ledger.balances


def test_money_that_vanishes_stops_the_history(setup: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    post = Ledger.post

    def leaky(self: Ledger, day: int, what: str, *legs: tuple[str, int]) -> None:
        post(self, day, what, *legs)
        if what == "principal repaid":
            self.balances["cash:0"] -= 1

    monkeypatch.setattr(Ledger, "post", leaky)
    with pytest.raises(ConservationError, match="ledger is out by"):
        simulate(setup, 0)


def test_a_loan_left_out_of_the_books_stops_the_history(setup: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real = entitlements._monthly

    def forgetful(setup: Any, world: Any) -> Any:
        lent, repaid = real(setup, world)
        lent[0, 3] += 100
        return lent, repaid

    monkeypatch.setattr(entitlements, "_monthly", forgetful)
    with pytest.raises(ConservationError, match="loans owed"):
        simulate(setup, 0)


def test_a_payment_that_is_not_booked_stops_the_history(tight_setup: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from sim.fund import account

    monkeypatch.setattr(account, "_book_payment", lambda claims, i, day, fen: None)
    with pytest.raises(ConservationError, match=r"fund balance differs|would be overdrawn|books hold"):
        for r in range(4):
            simulate(tight_setup, r)


def test_dates_of_claims_are_in_order(tight_setup: Any, tight_worlds: list[Any]) -> None:
    for world in tight_worlds:
        c = world.claims
        assert (c.entitled == c.missed + 90).all()
        new = c.decided > tight_setup.first_day
        assert (c.filed <= c.arrives)[new].all()
        assert (c.arrives < c.ready_on)[new].all()
        assert (c.ready_on <= c.decided)[new].all()
        assert (c.reviewed <= c.decided)[new].all()
        assert np.isin(c.decided[new], tight_setup.meetings).all()
        assert (c.due[new & ~c.is_refused] > c.decided[new & ~c.is_refused]).all()
        assert (c.due[c.is_refused] == NEVER).all()
        assert (np.lexsort((world.loans.id[c.row], c.missed)) == np.arange(len(c))).all()
        assert (c.amount == c.fund_part + c.bank_part).all()
        assert (c.paid <= c.fund_part).all()


def test_payments_fall_on_their_days_where_there_is_money(setup: Any, worlds: list[Any]) -> None:
    paid = [(i, day, w) for w in worlds for i, day, _ in w.flows.payments]
    assert paid
    for i, day, world in paid:
        assert day == world.claims.due[i]


def test_the_backstop_ends_every_wait_on_the_first_of_march(tight_setup: Any, tight_worlds: list[Any]) -> None:
    seen = 0
    for world in tight_worlds:
        for i, day, fen in world.flows.backstop:
            assert (clock.date_of(day).month, clock.date_of(day).day) == (3, 1)
            assert clock.date_of(world.claims.due[i]).year < clock.date_of(day).year
            assert world.claims.paid[i] == world.claims.fund_part[i]
            seen += fen
    assert seen > 0


def test_nothing_upstream_reads_the_balance(
    tight: Any, tight_setup: Any, tight_worlds: list[Any], lenders: Any
) -> None:
    """Ten times the money and a tenth of the multiple: the same applicants, loans, fates and claims."""
    rich = tight.with_changes({"lenders": lenders(600_000, 200_000), "rules.fund.leverage": 10})
    setup = prepare(rich, tight_setup.seed, tight_setup.opening, tight_setup.last_day)
    for world in tight_worlds[:2]:
        other = simulate(setup, world.replication)
        assert other.loans.id.tolist() == world.loans.id.tolist()
        assert other.fates.fate.tolist() == world.fates.fate.tolist()
        for name in ("missed", "filed", "decided", "due", "amount", "fund_part", "recovered_on"):
            assert getattr(other.claims, name).tolist() == getattr(world.claims, name).tolist()


def test_lending_stays_within_the_limit(setup: Any, worlds: list[Any]) -> None:
    """Outstanding covered principal, lender by lender, every day, by the dates that no clerk holds up."""
    for world in worlds:
        release = courses(setup, world.loans, world.fates, world.replication).release
        held = world.loans.status != PAID
        for day in range(setup.first_day, setup.last_day + 1, 7):
            out = held & (world.loans.start <= day) & (release > day)
            used = np.bincount(world.loans.lender[out], weights=world.loans.balance[out], minlength=2)
            assert (used <= setup.limit_fen).all()


def test_a_pooled_fund_has_one_account(small: Any, opening: Any) -> None:
    pooled = prepare(small.with_changes({"rules.fund.ring_fenced": False}), 1, opening, END)
    row = outcomes.summary(pooled, simulate(pooled, 0))
    assert pooled.account_fen.tolist() == [80_000_000]
    assert row["need_fen"] == row["need_pooled_fen"] == row["need_free_split_fen"]


def test_the_household_can_be_paid_instead_of_the_bank(small: Any, opening: Any, setup: Any, worlds: list[Any]) -> None:
    other = prepare(small.with_changes({"rules.subsidy.paid_to": "household"}), setup.seed, opening, END)
    a, b = outcomes.summary(setup, worlds[0]), outcomes.summary(other, simulate(other, 0))
    assert {k for k in a if a[k] != b[k]} <= {"n_events", "interest_paid_fen"}


def test_nothing_to_lend_and_nothing_lent(small: Any, opening: Any) -> None:
    for scenario, state in (
        (small.change(lending__demand_over_limit=0), opening),
        (small.change(lending__new_loans=False), opening),
        (
            small.change(lending__new_loans=False, opening__kind="empty"),
            opening_state(small.change(opening__kind="empty")),
        ),
    ):
        setup = prepare(scenario, 1, state, END)
        world = simulate(setup, 0)
        assert world.loans.id.tolist() == state.loans.id.tolist()
        assert outcomes.summary(setup, world)["due_count"] >= 0


def test_a_portfolio_runs_through_the_same_rules(small: Any) -> None:
    group = {"township": "t01", "lender": "rcc", "households": 400, "principal_yuan": 10_000, "p_default": 0.2,
             "originated_on": dt.date(2015, 3, 1), "term_months": 36}  # fmt: skip
    scenario = small.with_changes(
        {"opening.kind": "portfolio", "opening.portfolio": [group], "defaults.death_calls_loan": False}
    )
    setup = prepare(scenario, 1, opening_state(scenario), END)
    rows = [outcomes.summary(setup, simulate(setup, r)) for r in range(10)]
    assert {r["due_count"] for r in rows} == {400}
    assert 40 < np.mean([r["defaulted_count"] for r in rows]) < 160


def test_an_account_without_money_is_refused(small: Any, opening: Any, lenders: Any) -> None:
    with pytest.raises(InputError, match=r"small: lenders\.sub_account_yuan: found 0; allowed: more than 0 yuan"):
        prepare(small.with_changes({"lenders": lenders(0, 5)}), 1, opening, END)


def test_a_claim_approved_just_before_the_information_date_is_paid_on_its_day(
    setup: Any, opening: Any, small: Any
) -> None:
    """Information on 1 November 2017 would do; here the queue of the opening is moved to a meeting of 28 December."""
    from dataclasses import replace

    loans = opening.loans
    at = np.flatnonzero(loans.status == 0)[:3]
    status, approved, due = loans.status.copy(), loans.approved.copy(), loans.due.copy()
    filed, cause = loans.filed.copy(), loans.cause.copy()
    status[at], approved[at], due[at] = 2, opening.day - 4, opening.day - 200
    filed[at], cause[at] = opening.day - 80, 0
    moved = loans.replace(status=status, approved=approved, due=due, filed=filed, cause=cause)
    one = prepare(small, 1, replace(opening, loans=moved), END)
    world = simulate(one, 0)
    days = [
        (int(world.claims.due[i]), day)
        for i, day, _ in world.flows.payments
        if world.claims.decided[i] == opening.day - 4
    ]
    assert days
    assert all(due == day for due, day in days)
