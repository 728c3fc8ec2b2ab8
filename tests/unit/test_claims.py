"""The claim: dates of its chain, its amount, who bears it, what is found, what comes back."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pytest

from sim import clock
from sim.fund.claims import (
    FAR,
    chain,
    claim_amount,
    cutoff_maturity,
    decide,
    payment_due,
    recovery_day,
    return_of,
    split,
)  # fmt: skip
from sim.law import Rules, load_pack
from sim.scenario import Defaults

INABILITY, DEATH, DISASTER, WILFUL = range(4)


def day(text: str) -> int:
    return clock.day_of(dt.date.fromisoformat(text))


def changed(**rules: Any) -> Rules:
    return Rules.view(load_pack("x-county"), dt.date(2018, 1, 1), {k.replace("__", "."): v for k, v in rules.items()})


def arr(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


# --- dates -------------------------------------------------------------------------------------------


def test_the_whole_chain_of_a_loan_that_matures_in_july_2017(rules: Rules, calendar: Any) -> None:
    entitled, filed, arrives, ends = chain(rules, calendar, arr(day("2017-07-15")), arr(INABILITY), 180)
    meetings = calendar.dates_each_year(tuple(rules.claim.meetings), day("2017-01-01"), day("2018-12-31"))
    meeting, due = payment_due(rules, calendar, ends, meetings, arr(0))
    dates = [str(clock.date_of(d[0])) for d in (entitled, filed, arrives, ends, meeting, due)]
    assert dates == ["2017-10-13", "2017-11-02", "2017-11-13", "2017-11-20", "2018-01-15", "2018-01-22"]


def test_a_december_meeting_pays_before_the_year_ends(calendar: Any) -> None:
    rules = changed(claim__meetings=["03-15", "06-15", "09-15", "12-15"])
    *_, ends = chain(rules, calendar, arr(day("2017-07-15")), arr(INABILITY), 180)
    meetings = calendar.dates_each_year(tuple(rules.claim.meetings), day("2017-01-01"), day("2018-12-31"))
    meeting, due = payment_due(rules, calendar, ends, meetings, arr(0))
    assert str(clock.date_of(meeting[0])) == "2017-12-15"
    assert str(clock.date_of(due[0])) == "2017-12-22"


@pytest.mark.parametrize(("reading", "wait"), [("after_court", 180), ("never", 0)])
def test_a_wilful_case_waits_for_the_court(reading: str, wait: int, calendar: Any) -> None:
    rules = changed(claim__wilful_default=reading)
    missed = arr(day("2017-07-15"), day("2017-07-15"))
    _, filed, _, _ = chain(rules, calendar, missed, arr(INABILITY, WILFUL), 180)
    assert filed[1] - filed[0] == wait


def test_a_notice_that_ends_on_the_day_of_a_meeting_is_in_time(rules: Rules, calendar: Any) -> None:
    meetings = arr(day("2018-01-15"), day("2018-04-16"))
    meeting, _ = payment_due(rules, calendar, arr(day("2018-01-15"), day("2018-01-16")), meetings, arr(0, 0))
    assert meeting.tolist() == [day("2018-01-15"), day("2018-04-16")]


def test_objections_lose_meetings_and_no_meeting_is_far_away(rules: Rules, calendar: Any) -> None:
    meetings = arr(day("2018-01-15"), day("2018-04-16"))
    meeting, due = payment_due(rules, calendar, arr(*[day("2018-01-02")] * 3), meetings, arr(0, 1, 2))
    assert meeting.tolist() == [day("2018-01-15"), day("2018-04-16"), FAR]
    assert due[2] == FAR


def test_cutoff_of_2017(rules: Rules, calendar: Any) -> None:
    """The last maturity whose claim is paid in 2017: 6 June; one day later waits for January."""
    cutoff = cutoff_maturity(rules, calendar, day("2017-12-31"))
    assert str(clock.date_of(cutoff)) == "2017-06-06"
    meetings = calendar.dates_each_year(tuple(rules.claim.meetings), day("2017-01-01"), day("2018-12-31"))
    *_, ends = chain(rules, calendar, arr(cutoff, cutoff + 1), arr(0, 0), 0)
    _, due = payment_due(rules, calendar, ends, meetings, arr(0, 0))
    assert due[0] <= day("2017-12-31") < due[1]


# --- money -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "claim", "fund", "bank"), [(90, 5_089_063, 3_562_344, 1_526_719), (110, 5_108_854, 3_576_198, 1_532_656)]
)
def test_worked_examples(days: int, claim: int, fund: int, bank: int, rules: Rules) -> None:
    amount = claim_amount(rules, 5_000_000, 47_500, 1000, 1000 + days)
    assert amount == claim
    assert split(rules, amount) == (fund, bank)


def test_switches_of_the_amount(rules: Rules) -> None:
    assert claim_amount(changed(claim__includes_penalty=False), 5_000_000, 47_500, 0, 110) == 5_000_000 + 72_569
    assert claim_amount(changed(claim__includes_interest=False), 5_000_000, 47_500, 0, 110) == 5_000_000
    assert claim_amount(changed(claim__penalty_multiplier=1.3), 5_000_000, 47_500, 0, 360) == 5_000_000 + 308_750
    assert claim_amount(changed(interest__day_count=365), 5_000_000, 47_500, 0, 365) == 5_000_000 + 356_250


def test_only_the_covered_principal_counts(rules: Rules) -> None:
    assert claim_amount(rules, 8_000_000, 47_500, 0, 110) == claim_amount(rules, 5_000_000, 47_500, 0, 110)
    amounts = claim_amount(rules, arr(8_000_000, 1_000_000), arr(47_500, 47_500), arr(0, 0), arr(110, 110))
    assert amounts.tolist() == [5_108_854, 1_021_771]


def test_a_file_before_the_missed_date_bears_no_interest(rules: Rules) -> None:
    assert claim_amount(rules, 5_000_000, 47_500, 100, 90) == 5_000_000


def test_recovered_money_returns_by_share(rules: Rules) -> None:
    assert return_of(rules, INABILITY, 1_000_000, 3_562_344) == (700_000, 300_000)
    assert return_of(rules, INABILITY, 1_000_000, 0) == (0, 1_000_000)
    assert return_of(rules, INABILITY, 1_000_000, 500_000) == (500_000, 500_000)


def test_money_from_a_wilful_defaulter_goes_to_the_fund_first(rules: Rules) -> None:
    assert return_of(rules, WILFUL, 1_000_000, 3_562_344) == (1_000_000, 0)
    assert return_of(rules, WILFUL, 4_000_000, 3_562_344) == (3_562_344, 437_656)
    assert return_of(changed(recovery__wilful="by_share"), WILFUL, 1_000_000, 3_562_344) == (700_000, 300_000)


# --- what the leading group finds --------------------------------------------------------------------

N = 40_000


def found(defaults: Defaults, rules: Rules, cause: int) -> tuple[float, float]:
    refused, objection, _ = decide(defaults, rules, np.arange(N), np.full(N, cause), 3, 1)
    return refused.mean(), objection.mean()


@pytest.mark.parametrize(("cause", "accepted"), [(INABILITY, 0.8), (DEATH, 1.0), (DISASTER, 1.0), (WILFUL, 1.0)])
def test_shares_of_refusals_and_objections(cause: int, accepted: float, rules: Rules) -> None:
    """40,000 claims: a bias of one point in a share would be seen."""
    refused, objection = found(Defaults(negligence=0.05, objection=0.02, inability_accepted=0.8), rules, cause)
    assert abs(refused - (1 - 0.95 * accepted)) < 4.9 * np.sqrt(0.25 / N)
    assert abs(objection - 0.02) < 4.9 * np.sqrt(0.02 / N)


def test_causes_that_are_not_compensable_are_refused() -> None:
    defaults = Defaults(negligence=0, objection=0, inability_accepted=1)
    assert found(defaults, changed(claim__compensable_causes=["death"]), DISASTER) == (1, 0)
    assert found(defaults, changed(claim__compensable_causes=["death"]), DEATH) == (0, 0)
    assert found(defaults, changed(claim__wilful_default="never"), WILFUL) == (1, 0)
    assert found(defaults, changed(), WILFUL) == (0, 0)


def test_a_finding_belongs_to_the_loan(rules: Rules) -> None:
    ids, defaults = np.arange(500), Defaults()
    order = np.random.Generator(np.random.PCG64(1)).permutation(500)
    for a, b in zip(
        decide(defaults, rules, ids, np.zeros(500, int), 3, 1), decide(defaults, rules, ids[order], np.zeros(500, int), 3, 1),
        strict=True,
    ):  # fmt: skip
        assert (a[order] == b).all()


# --- collection --------------------------------------------------------------------------------------


def recovered(cause: int, known_after: int = 0, n: int = N, **shares: float) -> np.ndarray:
    entitled = np.full(n, 17_000)
    u = (np.arange(n) + 0.5) / n
    d = Defaults.model_validate({"recovery": shares})
    return recovery_day(d, np.full(n, cause), entitled, entitled + known_after, u) - entitled


def test_a_quarter_comes_back_in_the_first_year_and_little_after() -> None:
    days = recovered(INABILITY)
    assert (days <= 365).mean() == pytest.approx(0.25, abs=1e-3)
    assert (days <= 183).mean() == pytest.approx(0.125, abs=1e-3)
    assert (days <= 365 + 730).mean() == pytest.approx(1 - 0.75 * 0.97**2, abs=1e-3)
    assert days.min() >= 1


def test_of_a_death_case_the_heirs_repay_within_the_year_or_never() -> None:
    days = recovered(DEATH)
    assert (days <= 365).mean() == pytest.approx(0.30, abs=1e-3)
    assert (days[days > 365] == FAR - 17_000).all()


@pytest.mark.parametrize("known", [100, 365, 800])
def test_collection_is_conditional_on_what_is_known(known: int) -> None:
    """Among claims not collected in the first days, the rest comes back as it would have without looking."""
    days, free = recovered(INABILITY, known), recovered(INABILITY)
    later = free[free > known + 1]
    assert days.min() >= known
    for horizon in (known + 200, known + 700):
        assert (days <= horizon).mean() == pytest.approx((later <= horizon).mean(), abs=5e-3)


def test_nothing_comes_back_where_nothing_is_expected() -> None:
    assert (recovered(INABILITY, first_year=0, per_year_after=0) == FAR - 17_000).all()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_everything_comes_back_in_the_first_year() -> None:
    assert (recovered(INABILITY, 500, first_year=1.0) >= 0).all()
