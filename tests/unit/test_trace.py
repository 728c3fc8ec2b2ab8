"""One loan's life in dates, rules and amounts."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

import sim
from dashboard.words.labels import LABELS

JULY = dt.date(2017, 7, 15)


def test_a_loan_that_matures_in_july_2017() -> None:
    steps = sim.trace_unpaid(sim.scenario("x-county"), JULY, recovered_yuan=10_000)
    assert [(str(s.on), s.what) for s in steps] == [
        ("2014-07-15", "made"), ("2017-07-15", "matured"), ("2017-07-15", "penalty"), ("2017-10-13", "entitled"),
        ("2017-11-02", "filed"), ("2017-11-13", "done"), ("2017-11-13", "done"), ("2017-11-20", "done"), ("2018-01-15", "approved"),
        ("2018-01-22", "done"), ("2018-01-22", "paid"), ("2018-01-22", "recovered"), ("2018-01-31", "handed_over"),
    ]  # fmt: skip
    by = {s.what: s for s in steps}
    assert by["made"].amounts == {"principal": 5_000_000, "rate_ppm": 61_500}  # the table of July 2014: 6.15
    assert by["recovered"].amounts == {"recovered": 1_000_000, "fund": 700_000, "bank": 300_000}
    assert by["paid"].source == "X county regulation, art. 22"
    assert all(s.source for s in steps)


def test_amounts_add_up() -> None:
    steps = {s.what: s for s in sim.trace_unpaid(sim.scenario("x-county"), JULY, rate_percent=4.75)}
    assert steps["filed"].amounts == {"claim": 5_108_854, "principal": 5_000_000, "interest": 108_854, "days": 110}
    assert steps["paid"].amounts == {"fund": 3_576_198, "bank": 1_532_656}


def test_unusual_terms_are_told_as_the_pack_has_them() -> None:
    """Waiting in working days, a window, part cover, a subsidy of 24 months, recoveries handed over within ten working days."""
    rules = {
        "loan.ceiling_yuan": 100_000, "claim.wait_days": 60, "claim.wait_unit": "working_days", "claim.windows": ["04-01/04-30"],
        "claim.cover_above_share": 0.6, "subsidy.months": 24, "recovery.return_working_days": 10,
    }  # fmt: skip
    scenario = sim.Scenario.load("x-county", {f"rules.{key}": value for key, value in rules.items()})
    steps = sim.trace_unpaid(scenario, JULY, principal_yuan=80_000, recovered_yuan=20_000)
    by = {s.what: s for s in steps}
    assert (str(by["subsidy_over"].on), by["subsidy_over"].rule) == ("2016-07-15", "subsidy.months")
    assert (by["matured_only"].rule, by["entitled_working"].amounts) == ("claim.counts_from", {"days": 60})
    assert (str(by["window"].on), str(by["filed_in_part"].on)) == ("2018-04-01", "2018-04-01")
    assert by["filed_in_part"].amounts["covered"] == 6_800_000  # 50,000 yuan and six tenths of 30,000
    assert (
        by["filed_in_part"].amounts["claim"] == 6_800_000 + 453_050
    )  # 6.15 per cent, half as much again, 260 days of 360
    assert (str(by["handed_over"].on), by["handed_over"].amounts) == ("2018-08-06", {"fund": 1_400_000})


@pytest.mark.parametrize(
    ("change", "over", "missed"),
    [
        ({"subsidy.months": 48}, None, "matured"),  # beyond the date: it ends with the loan
        ({"subsidy.months": 36}, None, "matured"),
        ({"subsidy.months": 12}, "2015-07-15", "matured_only"),
        ({"subsidy.until": "2017-12-31"}, None, "matured"),
        ({"subsidy.stops_at": "day_90"}, "2017-10-13", "matured_only"),
        ({"subsidy.stops_at": "day_90", "claim.wait_days": 60, "claim.wait_unit": "working_days"}, "entitled", "matured_only"),
    ],
)  # fmt: skip
def test_a_subsidy_ends_with_the_earliest_of_its_rules(change: dict[str, Any], over: str | None, missed: str) -> None:
    scenario = sim.Scenario.load("x-county", {f"rules.{key}": value for key, value in change.items()})
    by = {s.what: s for s in sim.trace_unpaid(scenario, JULY)}
    assert missed in by
    expected = by["entitled_working"].on.isoformat() if over == "entitled" else over
    assert (by["subsidy_over"].on.isoformat() if "subsidy_over" in by else None) == expected


def test_a_decision_without_a_meeting_names_none() -> None:
    steps = {"after": ["notice", "review"], "actor": "leading_group", "rolling": True}
    scenario = sim.Scenario.load("x-county", {"rules.claim.steps.meeting": steps})
    told = [s for s in sim.trace_unpaid(scenario, JULY) if "approved" in s.what]
    assert [s.what for s in told] == ["approved_without_meeting"]
    assert LABELS["step.approved_without_meeting"] != LABELS["step.approved"]


def test_a_made_up_loan_is_no_longer_than_the_pack_allows() -> None:
    steps = sim.trace_unpaid(sim.Scenario.load("x-county", {"rules.loan.term_max_months": 24}), JULY)
    assert str(steps[0].on) == "2015-07-15"


def test_a_wilful_case_waits_for_the_court_and_returns_to_the_fund_first() -> None:
    steps = {s.what: s for s in sim.trace_unpaid(sim.scenario("x-county"), JULY, cause="wilful", recovered_yuan=1_000)}
    assert steps["filed"].on == dt.date(2017, 11, 2) + dt.timedelta(180)
    assert steps["recovered"].amounts == {"recovered": 100_000, "fund": 100_000, "bank": 0}
    assert steps["recovered"].rule == "recovery.wilful"


@pytest.mark.parametrize(
    ("wrong", "field", "allowed"),
    [
        ({"cause": "deth"}, "cause", "one of"),
        ({"principal_yuan": 60_000}, "principal", "at most 50000 yuan (X county regulation, art. 10)"),
        ({"principal_yuan": 0}, "principal", "more than 0"),
        ({"term_months": 37}, "term", "at most 36 months (X county regulation, art. 10)"),
        ({"term_months": 0}, "term", "at most 36 months"),
    ],
)
def test_refused_loans(wrong: dict[str, Any], field: str, allowed: str, refuses: Any) -> None:
    refuses(lambda: sim.trace_unpaid(sim.scenario("x-county"), JULY, **wrong), field, allowed, where="command")


@pytest.mark.parametrize("year", [2005, 2041])
def test_refused_dates(year: int, refuses: Any) -> None:
    refuses(
        lambda: sim.trace_unpaid(sim.scenario("x-county"), dt.date(year, 7, 1)), "matures", "a date from 2006 to 2040"
    )


def test_the_nearest_cause_is_offered(refuses: Any) -> None:
    refuses(lambda: sim.trace_unpaid(sim.scenario("x-county"), JULY, cause="deth"), "cause", "one of", nearest="death")


def test_a_loan_of_a_history(tight: Any) -> None:
    steps = sim.trace_history(tight, seed=11)
    assert [s.on for s in steps] == sorted(s.on for s in steps)
    whats = [s.what for s in steps]
    assert whats[0] == "made"
    assert {"missed", "entitled", "filed", "approved", "paid"} <= set(whats)
    loan = steps[0].amounts["loan_id"]
    assert sim.trace_history(tight, seed=11, loan_id=loan) == steps


def test_every_loan_of_a_history_can_be_told(
    tight: Any, tight_setup: Any, tight_worlds: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sim import trace

    monkeypatch.setattr(trace, "opening_state", lambda scenario: tight_setup.opening)
    monkeypatch.setattr(trace, "prepare", lambda *args: tight_setup)
    monkeypatch.setattr(trace, "simulate", lambda setup, replication: tight_worlds[0])
    world = tight_worlds[0]
    endings = set()
    for loan in world.loans.id[:: max(len(world.loans) // 150, 1)]:
        steps = sim.trace_history(tight, seed=11, loan_id=int(loan))
        assert [s.on for s in steps] == sorted(s.on for s in steps)
        endings.add(steps[-1].what)
    assert {"repaid", "repaid_late"} <= endings


def test_an_unknown_loan_is_refused(tight: Any, refuses: Any) -> None:
    refuses(lambda: sim.trace_history(tight, loan_id=5), "loan", "a loan of history 0 with seed 2027", found=5)


def test_a_history_without_payment_says_so(small: Any, refuses: Any) -> None:
    fine = small.model_dump(mode="python")
    fine["defaults"] |= {"anchor": None, "p_default": 0.0}
    refuses(
        lambda: sim.trace_history(sim.Scenario.from_dict(fine)), "loan", "no loan of this history was paid by the fund"
    )


@pytest.mark.parametrize(
    ("change", "cause"),
    [({"rules.claim.compensable_causes": ["death"]}, "inability"), ({"rules.claim.wilful_default": "never"}, "wilful")],
)
def test_a_cause_that_is_not_compensable_is_not_paid(change: dict[str, Any], cause: str) -> None:
    steps = sim.trace_unpaid(sim.Scenario.load("x-county", change), JULY, cause=cause)
    assert "paid" not in [s.what for s in steps]
    assert f"rules.{steps[-1].rule}" in change  # the rule that refuses it stands beside the refusal
