"""The leading group: what it decides at a meeting, what it puts off, what does not come before it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from sim import clock
from sim.fund.claims import NEVER, Claims
from sim.fund.meetings import leading_group
from sim.law import Rules, load_pack

MEETINGS = [clock.day_of(dt.date(2018, *md)) for md in ((1, 15), (4, 16), (7, 16), (10, 15))]


def hold(rules: Any, calendar: Any, claims: Claims) -> Claims:
    env = clock.start(MEETINGS[0] - 10)
    env.process(leading_group(env, rules, calendar, claims, np.array(MEETINGS)))
    env.run()
    return claims


def test_ready_claims_are_approved_and_paid_five_working_days_later(
    rules: Any, calendar: Any, make_claims: Any
) -> None:
    first = MEETINGS[0]
    claims = hold(rules, calendar, make_claims(3, ready_on=[first, first + 1, first - 9], reviewed=first - 1))
    assert claims.decided.tolist() == [first, MEETINGS[1], first]
    assert claims.due.tolist() == [first + 7, MEETINGS[1] + 7, first + 7]


def test_a_refused_claim_is_decided_and_never_due(rules: Any, calendar: Any, make_claims: Any) -> None:
    claims = hold(rules, calendar, make_claims(1, ready_on=0, reviewed=1, is_refused=True))
    assert claims.decided.tolist() == [MEETINGS[0]]
    assert claims.due.tolist() == [NEVER]


def test_an_objection_costs_one_meeting(rules: Any, calendar: Any, make_claims: Any) -> None:
    claims = hold(rules, calendar, make_claims(1, ready_on=0, reviewed=1, has_objection=True))
    assert claims.decided.tolist() == [MEETINGS[1]]


def test_a_file_still_with_the_clerks_waits(rules: Any, calendar: Any, make_claims: Any) -> None:
    claims = hold(rules, calendar, make_claims(3, ready_on=0, reviewed=[NEVER, MEETINGS[0] + 1, MEETINGS[0]]))
    assert claims.decided.tolist() == [NEVER, MEETINGS[1], MEETINGS[0]]


def test_a_loan_that_has_been_repaid_is_not_put_before_the_meeting(rules: Any, calendar: Any, make_claims: Any) -> None:
    claims = hold(rules, calendar, make_claims(2, ready_on=0, reviewed=1, recovered_on=[MEETINGS[0], MEETINGS[0] + 1]))
    assert claims.decided.tolist() == [NEVER, MEETINGS[0]]


def test_what_was_decided_before_is_left_alone(rules: Any, calendar: Any, make_claims: Any) -> None:
    claims = hold(rules, calendar, make_claims(1, ready_on=0, reviewed=1, decided=5, due=9))
    assert (claims.decided[0], claims.due[0]) == (5, 9)


def test_the_process_agrees_with_the_arithmetic_where_no_clerk_holds_up(
    rules: Any, calendar: Any, make_claims: Any
) -> None:
    from sim.fund.claims import FAR, payment_due

    ends = np.arange(MEETINGS[0] - 30, MEETINGS[3] + 5, 3)
    objection = np.arange(ends.size) % 3 == 0
    claims = hold(rules, calendar, make_claims(ends.size, ready_on=ends, reviewed=0, has_objection=objection))
    meeting, due = payment_due(rules, calendar, ends, np.array(MEETINGS), objection.astype(np.int64))
    assert (np.where(claims.decided == NEVER, FAR, claims.decided) == meeting).all()
    assert (np.where(claims.due == NEVER, FAR, claims.due) == due).all()


def test_a_review_that_leaves_no_time_for_the_steps_behind_it_waits(calendar: Any, make_claims: Any) -> None:
    behind = {"claim.steps.notice.after": "review", "claim.steps.meeting.after": "notice"}
    rules = Rules.view(load_pack("x-county"), dt.date(2018, 1, 1), behind)
    claims = hold(rules, calendar, make_claims(2, ready_on=0, reviewed=[MEETINGS[0] - 7, MEETINGS[0] - 6]))
    assert claims.decided.tolist() == MEETINGS[:2]
