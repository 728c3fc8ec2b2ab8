"""The claim's chain as data: which shapes are read, which are refused and why, and the days that follow from them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sim import clock
from sim.arms import horizon
from sim.errors import InputError
from sim.fund.claims import chain, payment_due
from sim.fund.days import decision_days, entitled_on, latest_missed, latest_review, pay_days
from sim.law import Rules, load_pack
from sim.law.chain import Chain, read_chain
from sim.replication import prepare, simulate
from sim.scenario import Scenario
from sim.trace import trace_unpaid
from sim.warmup import opening_state

Refuses = Callable[..., InputError]
FILE = {"after": "entitled", "actor": "bank", "days": 20}
MEETING = {"after": "file", "actor": "leading_group", "meeting": True}


def rules(**changes: Any) -> Rules:
    keys = {key.replace("__", "."): value for key, value in changes.items()}
    return Rules.view(load_pack("x-county"), dt.date(2018, 1, 1), keys)


def day(text: str) -> int:
    return clock.day_of(dt.date.fromisoformat(text))


def read(**steps: Any) -> Chain:
    return read_chain("own.toml", "claim.steps", steps)


# --- shapes ------------------------------------------------------------------------------------------


def test_steps_are_put_in_order_wherever_they_stand() -> None:
    found = read(
        pay={"after": "decide", "actor": "finance", "days": 3}, decide={"after": ["check"], "actor": "county", "rolling": True},
        check={"after": ["seen", "told"], "actor": "office", "queue": True}, file={**FILE, "after": "village"},
        told={"after": "file", "actor": "public", "days": 7}, seen={"after": "file", "actor": "township", "working_days": 2},
        village={"after": "entitled", "actor": "village", "days": 5},
    )  # fmt: skip
    assert [s.name for s in found.before] == ["village", "file", "told", "seen", "check"]
    assert (found.decision.name, [s.name for s in found.after]) == ("decide", ["pay"])
    assert found.queue is not None and found.queue.name == "check" and found.behind_queue == ()


QUEUE = {"after": "file", "actor": "office", "queue": True}
SHAPES: list[tuple[str, dict[str, Any], str, str]] = [
    ("no decision", {"file": FILE}, "claim.steps", "exactly one decision"),
    ("two decisions", {"file": FILE, "a": MEETING, "b": {**MEETING, "after": "a"}}, "claim.steps", "exactly one decision"),
    ("no application", {"file": {**FILE, "actor": "village"}, "meeting": MEETING}, "claim.steps", "exactly one step of the bank"),
    ("bank after the decision", {"v": {**FILE, "actor": "village"}, "meeting": {**MEETING, "after": "v"}, "file": {**FILE, "after": "meeting"}}, "claim.steps", "exactly one step of the bank"),
    ("two queues", {"file": FILE, "a": QUEUE, "b": {**QUEUE, "after": "a"}, "meeting": {**MEETING, "after": "b"}}, "claim.steps", "at most one queue"),
    ("queue after the decision", {"file": FILE, "meeting": MEETING, "q": {**QUEUE, "after": "meeting"}}, "claim.steps.q.after", "before the decision"),
    ("queue before the bank", {"q": {**QUEUE, "after": "entitled"}, "file": {**FILE, "after": "q"}, "meeting": MEETING}, "claim.steps.file.after", "waits for no queue"),
    ("loop", {"file": {**FILE, "after": "b"}, "b": {"after": "file", "actor": "township", "days": 1}, "meeting": {**MEETING, "after": "b"}}, "claim.steps", "in a loop"),
    ("after itself", {"file": {**FILE, "after": "file"}, "meeting": MEETING}, "claim.steps", "in a loop"),
    ("unknown step", {"file": FILE, "meeting": {**MEETING, "after": "fill"}}, "claim.steps.meeting.after", "a step of this pack"),
    ("loose end", {"file": FILE, "notice": {"after": "file", "actor": "public", "days": 7}, "meeting": MEETING}, "claim.steps.notice", "the decision waits for"),
]  # fmt: skip


def test_a_loop_is_named_without_what_comes_behind_it(refuses: Refuses) -> None:
    sign = {"after": ["file", "notice"], "actor": "township", "days": 7}
    notice = {"after": "sign", "actor": "public", "days": 7}
    steps = {"file": FILE, "sign": sign, "notice": notice, "meeting": {**MEETING, "after": "notice"}}
    refuses(lambda: read(**steps), "claim.steps", "in a loop", found=["sign", "notice"])


@pytest.mark.parametrize(("steps", "field", "allowed"), [s[1:] for s in SHAPES], ids=[s[0] for s in SHAPES])
def test_refused_shape(steps: dict[str, Any], field: str, allowed: str, refuses: Refuses) -> None:
    refuses(lambda: read(**steps), field, allowed, where="own.toml")


STEPS: list[tuple[dict[str, Any], str, str]] = [
    ({**FILE, "actor": "bnak"}, "claim.steps.file.actor", "one of ['bank'"),
    ({**FILE, "working_days": 3}, "claim.steps.file", "exactly one of"),
    ({"after": "entitled", "actor": "bank"}, "claim.steps.file", "exactly one of"),
    ({**FILE, "dais": 3}, "claim.steps.file.dais", "one of"),
    ({**FILE, "days": -1}, "claim.steps.file.days", "a whole number of days"),
    ({**FILE, "days": True}, "claim.steps.file.days", "a whole number of days"),
    ({**FILE, "after": []}, "claim.steps.file.after", "waits for"),
    ({**FILE, "at_most_days": 10}, "claim.steps.file.days", "at most 10, the deadline"),
    ({**FILE, "at_most_working_days": 30}, "claim.steps.file.at_most_working_days", "in the unit of the step"),
    ({"after": "entitled", "actor": "bank", "queue": False}, "claim.steps.file.queue", "true"),
]


@pytest.mark.parametrize(("step", "field", "allowed"), STEPS)
def test_refused_step(step: dict[str, Any], field: str, allowed: str, refuses: Refuses) -> None:
    refuses(lambda: rules(**{"claim.steps.file": step}), f"rules.{field}", allowed)


def test_a_duration_within_its_deadline_is_read() -> None:
    assert rules(**{"claim.steps.file.at_most_days": 20}).claim.steps.application.days == 20


# --- days --------------------------------------------------------------------------------------------


def dates(r: Rules, calendar: Any, missed: str) -> list[str]:
    nothing = np.zeros(1, np.int64)
    found = chain(r, calendar, np.array([day(missed)]), nothing, 0)
    days = decision_days(r, calendar, day(missed), day(missed) + 1000)
    return [str(clock.date_of(int(d[0]))) for d in (*found, *payment_due(r, calendar, found[3], days, nothing))]


def test_a_waiting_time_of_working_days(calendar: Any) -> None:
    r = rules(claim__wait_unit="working_days", claim__wait_days=30)
    missed = np.arange(day("2018-01-01"), day("2018-12-31"))
    entitled = entitled_on(r, calendar, missed)
    assert (entitled == calendar.add_working_days(missed, 30)).all()
    for today in range(day("2018-04-01"), day("2018-05-20")):  # Qingming, May Day and worked weekends among them
        assert latest_missed(r, calendar, today) == missed[entitled <= today][-1]
    assert latest_missed(rules(), calendar, 1000) == 910


def test_a_claim_outside_its_window_waits_for_the_next(calendar: Any) -> None:
    r = rules(claim__windows=["03-01/03-31"])
    assert dates(r, calendar, "2017-07-15")[:2] == ["2017-10-13", "2018-03-01"]
    assert dates(r, calendar, "2017-11-20")[1] == "2018-03-10"  # ready inside
    turn = rules(claim__windows=["12-15/01-15"])
    assert dates(turn, calendar, "2017-09-20")[1] == "2018-01-08"
    assert dates(turn, calendar, "2017-09-30")[1] == "2018-12-15"


def test_a_rolling_decision_is_taken_on_the_next_working_day(calendar: Any) -> None:
    change = {"claim.steps.meeting": {"after": ["notice", "review"], "actor": "county", "rolling": True}}
    assert dates(rules(**change), calendar, "2017-07-15")[4:] == ["2017-11-20", "2017-11-27"]
    assert (
        dates(rules(**change, **{"claim.steps.notice.days": 5}), calendar, "2017-07-15")[4] == "2017-11-20"
    )  # a Sunday


def test_steps_behind_the_clerks_and_after_the_decision(calendar: Any) -> None:
    r = rules(**{
        "claim.steps.notice.after": "review", "claim.steps.meeting.after": "notice",
        "claim.steps.province": {"after": "meeting", "actor": "province", "days": 10}, "claim.steps.payment.after": "province",
    })  # fmt: skip
    assert [s.name for s in r.claim.steps.behind_queue] == ["notice"]
    assert latest_review(r, calendar, day("2018-01-15")) == day("2018-01-08")
    assert latest_review(rules(), calendar, day("2018-01-15")) == day("2018-01-15")
    meeting = np.array([day("2018-01-15")])
    assert (pay_days(r, calendar, meeting) == calendar.add_working_days(meeting + 10, 5)).all()


@pytest.mark.parametrize("change", [
    {"rules.claim.steps.meeting": {"after": ["notice", "review"], "actor": "county", "rolling": True}},
    {"rules.claim.steps.notice.after": "review", "rules.claim.steps.meeting.after": "notice"},
    {"rules.claim.windows": ["03-01/03-31", "09-01/09-30"], "rules.claim.wait_unit": "working_days", "rules.claim.wait_days": 30},
    {"rules.claim.steps.review": {"after": "township", "actor": "county", "days": 3}},
], ids=["rolling", "notice after the clerks", "windows", "no queue"])  # fmt: skip
def test_a_history_keeps_to_any_chain(small: Scenario, change: dict[str, Any]) -> None:
    """Every claim that was decided went through each step in order, and money is conserved (checked in the history)."""
    scenario = small.with_changes(change)
    setup = prepare(scenario, 11, opening_state(scenario), horizon(scenario))
    c = simulate(setup, 0).claims
    decided = np.flatnonzero((c.decided > setup.first_day) & (c.filed >= setup.first_day))
    assert decided.size > 5
    steps = setup.rules.claim.steps
    assert (c.arrives[decided] >= c.filed[decided]).all() and (c.decided[decided] >= c.ready_on[decided]).all()
    assert (c.reviewed[decided] >= c.arrives[decided]).all()
    latest = [latest_review(setup.rules, setup.calendar, int(d)) for d in c.decided[decided]]
    assert (c.reviewed[decided] <= latest).all()
    if steps.decision.kind == "rolling":
        waits = c.decided[decided] - np.maximum(c.ready_on, c.reviewed)[decided]
        assert np.median(waits) < 4
    paid = decided[c.due[decided] > 0]
    assert (c.due[paid] == pay_days(setup.rules, setup.calendar, c.decided[paid])).all()


def test_the_trace_tells_every_step_with_its_source() -> None:
    change = {
        "rules.claim.steps.village": {"after": "entitled", "actor": "village", "days": 5}, "rules.claim.steps.file.after": "village",
        "rules.claim.steps.province": {"after": "meeting", "actor": "province", "working_days": 9}, "rules.claim.steps.payment.after": "province",
    }  # fmt: skip
    steps = trace_unpaid(Scenario.load("x-county", change), dt.date(2017, 7, 15))
    told = [s.rule.removeprefix("claim.steps.") for s in steps if s.rule.startswith("claim.steps.")]
    assert told == ["village", "file", "township", "review", "notice", "province", "payment"]
    assert all(s.source for s in steps)
    assert [s.on for s in steps] == sorted(s.on for s in steps)
