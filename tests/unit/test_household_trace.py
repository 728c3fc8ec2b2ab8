"""One household's story: its money adds up to the fen, its words exist, and it is the household that was asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim
from cli import show
from dashboard.words.labels import LABELS
from sim import community, household_trace, relived
from sim.household_trace import HouseholdStory
from sim.households import state
from sim.livelihoods import CATEGORIES
from sim.warmup import opening_state

Refuses = Callable[..., Any]
MISFORTUNE = {
    "defaults.anchor": "high",
    "defaults.renewed_instead": 0.3,
    "rules.loan.renewals_max": 1,
    "livelihoods.households": 800,
    "opening.warm_up_months": 48,  # nobody replaces those who die
    "livelihoods.mortality_multiple": 8,
    "livelihoods.illness_per_year": 0.2,
    "livelihoods.weather.p_normal_to_dry": 0.6,
    "livelihoods.behaviour.high.project_failure_per_year": 0.4,
    "livelihoods.behaviour.high.strategic_logit": -3.0,
    "livelihoods.behaviour.high.heirs_take_over": 0.3,
    "livelihoods.behaviour.high.misuse": 0.05,
    "lenders": [
        {"key": "rcc", "label": {"zh": "甲", "en": "A"}, "sub_account_yuan": 1_500_000},
        {"key": "psbc", "label": {"zh": "乙", "en": "B"}, "sub_account_yuan": 500_000},
    ],
}


@pytest.fixture(scope="module")
def county() -> sim.Scenario:
    """Eight hundred households to whom a great deal happens."""
    return sim.Scenario.load("x-county-late-subsidy-refund", MISFORTUNE)


@pytest.fixture(scope="module")
def told(county: sim.Scenario) -> Callable[..., HouseholdStory]:
    """Stories from one opening state, so that each costs one history."""
    opening = household_trace.opening_state(county)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(household_trace, "opening_state", lambda scenario: opening)
        patch.setattr(household_trace, "horizon", lambda scenario: opening.day + 2 * 365)
        known: dict[int | None, HouseholdStory] = {}

        def tell(household_id: int | None = None) -> HouseholdStory:
            if household_id not in known:
                known[household_id] = sim.trace_household(county, household_id, seed=5)
            return known[household_id]

        yield tell


@pytest.fixture(scope="module")
def stories(county: sim.Scenario, told: Any) -> list[HouseholdStory]:
    """Every fortieth household and those whose loans went wrong."""
    first = told()
    setup = household_trace.prepare(county, 5, household_trace.opening_state(county), household_trace.horizon(county))
    world = household_trace.simulate(setup, 0)
    ids = world.community.owner[world.claims.row]
    some = np.unique(np.concatenate([np.arange(0, setup.households.register.id.size, 40), ids[:16]]))
    return [first, *(told(int(i)) for i in setup.households.register.id[some])]


def test_cash_before_and_flows_are_cash_after(stories: list[HouseholdStory]) -> None:
    for story in stories:
        for m in story.months:
            comes = sum(m.income.values()) + m.refund + m.sold + m.borrowed + m.from_group
            goes = m.spent + m.interest + m.loan + m.others + m.collected + m.paid_back + m.to_group
            assert m.cash_before + comes - goes == m.cash_after, m
            assert m.informal_before + m.informal_interest + m.borrowed - m.paid_back == m.informal_after, m
            assert min(m.income.values()) >= 0 and m.informal_interest >= 0 and m.cash_after >= 0


def test_one_month_begins_with_what_the_last_one_left(stories: list[HouseholdStory]) -> None:
    for story in stories:
        assert story.months[0].cash_before == story.household["cash_fen"]
        for a, b in zip(story.months, story.months[1:], strict=False):
            assert (a.cash_after, a.informal_after) == (b.cash_before, b.informal_before)
            assert a.on < b.on


def test_refunds_of_a_month_are_told_with_their_delay(stories: list[HouseholdStory]) -> None:
    received = sum(m.refund for story in stories for m in story.months)
    told = sum(s.amounts["refund"] for story in stories for s in story.steps if s.what == "home.refund")
    assert received == told > 0
    assert all(s.amounts["days"] > 0 for story in stories for s in story.steps if s.what == "home.refund")


def test_what_a_household_had_on_the_date_decides_whether_it_paid(stories: list[HouseholdStory]) -> None:
    """Able and willing: paid. The story's own figures say so."""
    ends = {"repaid": True, "home.cannot": False, "renewed": False}
    seen = set()
    for story in stories:
        for step, following in zip(story.steps, story.steps[1:], strict=False):
            if step.what == "home.asked":
                a = step.amounts
                able = a["cash"] - a["floor"] + a["room"] >= a["asked"]
                seen.add(following.what)
                if following.what in ends:
                    assert able == ends[following.what], (step, following)
                if following.what == "home.cannot":
                    assert following.amounts["short"] == a["asked"] - (a["cash"] - a["floor"] + a["room"])
    assert seen == {*ends, "home.unwilling", "home.heirs_refuse"}


def test_applications_end_one_way(stories: list[HouseholdStory]) -> None:
    seen = set()
    for story in stories:
        for step, following in zip(story.steps, story.steps[1:], strict=False):
            if step.what == "home.applies":
                assert following.on >= step.on
                seen.add(following.what)
                if following.what == "made":
                    assert following.amounts["principal"] == step.amounts["principal"]
    assert "made" in seen
    assert seen <= {"made", "home.misused", "home.by_firm", *REFUSALS}


REFUSALS = {
    "home.refused_debts": {"livelihoods.others_seen": 1.0, "livelihoods.over_indebted_ratio": 0.01},
    "home.refused_waits": {"lending.waits_above_quarters": 0.0, "lending.debits_above_quarters": 0.5},
    "home.refused_cap": {"rules.fund.leverage": 0.1},
    "home.refused_stop": {"rules.stop.bad_loan_share": 0.0},
    "home.refused_quota": {"rules.loan.quota_yuan_per_year": 100_000},
    "home.refused_cautious": {"lending.appetite": {"bad_loans_above": 0.0, "bad_loans_cut": 0.7}},
}


@pytest.mark.parametrize("what", REFUSALS)
def test_why_an_application_was_refused(what: str, monkeypatch: Any) -> None:
    """The reasons of twelve households are among those that the history counted."""
    scenario = sim.Scenario.load("x-county-late-subsidy", {"livelihoods.households": 300, **REFUSALS[what]})
    opening = opening_state(scenario)
    monkeypatch.setattr(household_trace, "opening_state", lambda scenario: opening)
    monkeypatch.setattr(household_trace, "horizon", lambda scenario: opening.day + 365)
    setup = household_trace.prepare(scenario, 5, opening, opening.day + 365)
    counted = dict(zip(("applies", *REFUSALS), household_trace.simulate(setup, 0).community.counts, strict=True))
    told = [
        step.what
        for ident in setup.households.register.id[::25]
        for step in sim.trace_household(scenario, int(ident), seed=5).steps
    ]
    assert what in told
    assert {w for w in told if w in REFUSALS} <= {w for w, n in counted.items() if n}


def test_everything_that_is_told_has_words_in_both_languages(stories: list[HouseholdStory]) -> None:
    seen = set()
    for story in stories:
        assert [s.on for s in story.steps] == sorted(s.on for s in story.steps)
        for lang in ("zh", "en"):
            lines = [show.step_text(s, lang) for s in story.steps] + show.who(story.household, lang)
            assert not re.search(r"[{}]", "".join(lines))
            assert any(re.search(r"[一-鿿]", line) for line in lines) == (lang == "zh")
        seen |= {s.what for s in story.steps}
    assert {f"home.{w}" for w in ("year", "ill", "expense", "drought", "income_off", "project_lost", "borrows", "bad",
            "asked", "debt_paid", "debt_missed", "called", "died")} <= seen  # fmt: skip
    assert {"entitled", "filed", "approved", "paid"} <= seen


EVENTS: dict[str, Any] = {
    "livelihoods.households": 300, "opening.kind": "empty", "opening.drought": "dry", "livelihoods.months_between_loans": 3.0,
    "lending.term_months": {6: 0.5, 12: 0.5}, "livelihoods.weather.loss_at": [[0.5, 0.0], [0.0, 0.6]],
    "livelihoods.behaviour.central.price_sd": 0.6, "livelihoods.informal_limit_months": 2.0, "livelihoods.poverty_line_yuan": 5000,
    "livelihoods.firms": {
        "per_township": 2, "covers": 0.4, "income_share": 0.6, "failures_per_year": 0.4, "drought_logit": 0.0, "price_logit": 0.0,
        "disease_logit": 0.0, "replaced_after_months": 4, "uses_household_loans": 0.8,
    },
    "rules.firm.household_borrows_too": True, "rules.firm.yuan_per_household": 20_000, "rules.firm.term_months": 12,
    "livelihoods.groups": {"helps": 1.0, "infects_logit": 4.0}, "livelihoods.relapse_after_months": 3,
    "livelihoods.weather.extension": {"from_severity": 0.5, "months": 3}, "rules.loan.extension_months": 6,
    "livelihoods.behaviour.central.evaders": 0.05, "rules.subsidy.share": 0.5, "uncertain": [],
}  # fmt: skip
NEW = ("by_firm", "firm_failed", "firm_again", "firm_repays", "firm_owes", "group_pays", "pays_for_group", "put_off", "relapsed",
       "evades", "interest_own")  # fmt: skip


def test_firms_groups_extensions_relapses_and_evaders_are_told(monkeypatch: Any) -> None:
    """Of one or two households to whom each happened; each month still adds up, and is lived again to the bit."""
    scenario = sim.Scenario.load("x-county-households", EVENTS)
    opening = opening_state(scenario)
    monkeypatch.setattr(household_trace, "opening_state", lambda scenario: opening)
    monkeypatch.setattr(household_trace, "horizon", lambda scenario: opening.day + 540)
    real = community.help_members
    received, gave = [], []

    def help_members(p: Any, r: Any, t: Any, tie: Any, now: Any, out: Any, given: Any) -> None:
        real(p, r, t, tie, now, out, given)
        received.extend(np.flatnonzero(given > 0).tolist())
        gave.extend(np.flatnonzero(given < 0).tolist())

    setup = household_trace.prepare(scenario, 5, opening, opening.day + 540)
    with monkeypatch.context() as patch:
        patch.setattr(community, "help_members", help_members)
        c = household_trace.simulate(setup, 0).community
    n, marks = setup.households.register.id.size, c.people.marks
    owners = c.owner[[loan for _, loan, _, _ in c.put_off]]
    struck = {received[0], gave[0], int(owners[owners < n][0])}
    refused = (setup.households.never_pays > 0) & (marks & state.REFUSES != 0)
    for rows, count in ((marks & state.LOST, 2), (c.people.relapses, 1), (refused, 2)):
        struck.update(np.flatnonzero(rows)[:count].tolist())
    stories = [sim.trace_household(scenario, int(setup.households.register.id[row]), seed=5) for row in sorted(struck)]
    test_cash_before_and_flows_are_cash_after(stories)
    test_one_month_begins_with_what_the_last_one_left(stories)
    told = {step.what for story in stories for step in story.steps}
    assert {f"home.{what}" for what in NEW} <= told
    for lang in ("zh", "en"):
        assert not re.search(r"[{}]", "".join(show.step_text(s, lang) for story in stories for s in story.steps))


def test_texts_and_steps_are_the_same_list() -> None:
    """A step without words, or words for a step that nobody tells, fails here."""
    source = Path(household_trace.__file__).read_text(encoding="utf-8")
    words = {key.removeprefix("home.") for key in LABELS if key.startswith("home.")}
    calls = re.findall(r'self\._step\(\s*[\w.]+, "(\w+)"(?: if [^,]+? else "(\w+)")?', source)
    chosen = re.findall(r'what = "(\w+)" if .+ else "(\w+)"', source) + re.findall(
        r'in \(\("(\w+)", .+\("(\w+)"', source
    )
    assert words == {word for pair in calls + chosen for word in pair if word} | {"asked"}
    assert {f"flow.{name}" for name in show.FLOWS} == {key for key in LABELS if key.startswith("flow.")}
    assert {f"income.{name}" for name in relived.INCOMES} == {key for key in LABELS if key.startswith("income.")}
    assert {f"category.{name}" for name in CATEGORIES} <= LABELS.keys()


def test_by_default_a_loan_that_went_bad_and_was_paid(told: Any) -> None:
    whats = [s.what for s in told().steps]
    assert {"home.asked", "home.bad", "paid"} <= set(whats)
    assert told(told().household["id"]) == told()


def test_the_story_is_of_the_history_as_it_runs_without_it(county: sim.Scenario) -> None:
    opening = household_trace.opening_state(county)
    setup = household_trace.prepare(county, 5, opening, opening.day + 400)
    plain, watched = (household_trace.simulate(setup, 0, watch=w) for w in (-1, 17))
    assert plain.community.seen == [] and len(watched.community.seen) == 2 * setup.month_ends.size
    assert all(np.array_equal(a, b) for a, b in zip(plain.community.people, watched.community.people, strict=True))
    row = watched.community.seen[-1][1]
    assert row.health.shape == (1,) and row.debt_arrears.shape == (1, 3)


def test_an_excluded_household_has_a_story_without_a_loan(county: sim.Scenario, told: Any) -> None:
    setup = household_trace.prepare(county, 5, household_trace.opening_state(county), 17_900)
    register = setup.households.register
    ident = int(register.id[register.category == CATEGORIES.index("five_guarantee")][0])
    story = told(ident)
    assert story.household["may_borrow"] is False
    assert not {"made", "home.applies"} & {s.what for s in story.steps}
    assert all(m.loan == 0 for m in story.months)
    assert any("allow it no loan" in line for line in show.who(story.household, "en"))


def test_a_household_that_is_not_there(county: sim.Scenario, told: Any, small: Any, refuses: Refuses) -> None:
    for ident in (5, 2**64):
        error = refuses(lambda ident=ident: sim.trace_household(county, ident, seed=5), "household",
                        "a household of the register, for example", found=ident, where="command")  # fmt: skip
        example = int(re.findall(r"-?\d+$", error.allowed)[0])
    assert told(example).household["id"] == example
    refuses(lambda: sim.trace_household(county, replication=-1), "replication", "0 or more")
    refuses(lambda: sim.trace_household(small), "defaults.mechanism", "for example x-county-households", where="small")


def test_two_steps_that_differ_are_our_own_bug(county: sim.Scenario, told: Any, monkeypatch: Any) -> None:
    def other(p: Any, r: Any, t: Any, now: Any, out: Any) -> None:
        state_of(p, r, t, now, out)
        p.cash[:] += 1

    state_of = relived.step_reference
    monkeypatch.setattr(relived, "step_reference", other)
    with pytest.raises(sim.ConservationError, match="the two steps differ"):
        sim.trace_household(county, told().household["id"], seed=5)
