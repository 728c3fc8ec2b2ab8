"""Trap 1: the subsidy stops at maturity, not when a default is recognised; a rule of 2011 takes all of it from late payers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import sim
from sim import clock, entitlements, receivables
from sim.arms import horizon
from sim.households.reduced_form import CURED, DEFAULTED
from sim.households.state import BAD, OVERDUE
from sim.replication import prepare, simulate
from sim.units import interest
from sim.warmup import opening_state
from sim.world import Setup, World

RULES_OF_2011 = {
    "rules.subsidy.share": 0.5, "rules.subsidy.paid_when": "at_repayment", "rules.subsidy.late_loses": "all",
}  # fmt: skip


# --- loans with a given chance of default ------------------------------------------------------------------


def check_that_it_stops_at_maturity(setup: Setup, world: World) -> None:
    """All that fell due, counted per loan up to its date and no further."""
    loans, fates = world.loans, world.fates
    assert (fates.fate == DEFAULTED).sum() > 20
    stop = np.where(fates.renewed == 1, fates.missed, np.minimum(fates.missed, loans.due))
    total = 0
    for start, stop_day, balance, rate in zip(
        loans.start.tolist(), stop.tolist(), loans.balance.tolist(), loans.rate_ppm.tolist(), strict=True
    ):
        begin = setup.opening.last_settlement
        for end in setup.settlements.tolist():
            days = min(stop_day, end) - max(start, begin)
            total += interest(min(balance, 5_000_000), rate, days, 360) if days > 0 else 0
            begin = end
    assert world.entitled.sum() == total


def test_a_loan_that_is_not_repaid_has_no_subsidy_from_its_date_on(tight_setup: Any, tight_worlds: list[Any]) -> None:
    for world in tight_worlds:
        check_that_it_stops_at_maturity(tight_setup, world)


def test_the_check_sees_a_subsidy_that_goes_on_to_the_default(
    tight_setup: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trap itself: interest is subsidised until day 90, when the default is recognised."""
    real = entitlements._stops

    def on(setup: Any, world: Any, s: Any) -> Any:
        return real(setup, world, s) + np.where(world.fates.fate == DEFAULTED, 90, 0)

    monkeypatch.setattr(entitlements, "_stops", on)
    world = simulate(tight_setup, 0)
    with pytest.raises(AssertionError):
        check_that_it_stops_at_maturity(tight_setup, world)


def late_history(tight: Any, changes: dict[str, Any]) -> tuple[Setup, World]:
    scenario = tight.with_changes(changes)
    setup = prepare(scenario, 11, opening_state(scenario), horizon(scenario))
    return setup, simulate(setup, 0)


def check_that_late_payers_lose_all(setup: Setup, world: World) -> None:
    """No list holds anything of a late loan, and its borrower has paid the whole interest."""
    loans, fates = world.loans, world.fates
    back = (fates.fate != DEFAULTED) & (fates.repaid >= setup.first_day) & (fates.repaid <= setup.settlements[-1])
    late = back & (fates.fate == CURED)
    assert late.sum() > 5
    stop = np.where(fates.renewed == 1, fates.missed, np.minimum(fates.missed, loans.due))
    whole = interest(loans.balance, loans.rate_ppm, np.maximum(stop - loans.start, 0), 360)
    half = interest(loans.balance, (loans.rate_ppm + 1) // 2, np.maximum(stop - loans.start, 0), 360)
    assert world.entitled.sum() == half[back & ~late].sum()
    months = clock.month_of(setup.settlements[-1:])[0] - setup.first_month
    in_month = clock.month_of(np.maximum(fates.repaid, 0)) - setup.first_month
    paid = (whole - np.where(late, 0, half))[back & (in_month < months)]
    assert world.interest[:, :months].sum() == paid.sum()


def test_under_the_rules_of_2011_late_payers_lose_all_of_it(tight: Any) -> None:
    check_that_late_payers_lose_all(*late_history(tight, RULES_OF_2011))


def test_the_check_sees_late_payers_that_keep_what_arose_before_their_date(tight: Any) -> None:
    with pytest.raises(AssertionError):
        check_that_late_payers_lose_all(
            *late_history(tight, {**RULES_OF_2011, "rules.subsidy.late_loses": "from_missed_date"})
        )


# --- households that decide --------------------------------------------------------------------------------


def settled_of_late_households(changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the settlements of a history add for households that have missed their date [fen], one each."""
    scenario = sim.scenario("x-county-households").with_changes(
        {"livelihoods.households": 400, "uncertain": [], "defaults.anchor": "high", **changes}
    )
    opening = opening_state(scenario)
    real, seen = receivables.settle_households, []

    def settle(p: Any, r: Any, t: Any, day: int, is_listed: int, charges: Any, amount: Any) -> Any:
        late, carried = (p.status == OVERDUE) | (p.status == BAD), p.carry.copy()
        out = real(p, r, t, day, is_listed, charges, amount)
        seen.extend((amount - carried)[late].tolist())
        return out

    monkeypatch.setattr(receivables, "settle_households", settle)
    simulate(prepare(scenario, 3, opening, clock.day_of(scenario.information_on) + 364), 0)
    return seen


def test_a_household_that_missed_its_date_gathers_no_subsidy(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = settled_of_late_households({}, monkeypatch)
    assert len(seen) > 20
    assert not any(seen)


def test_the_check_sees_a_household_whose_subsidy_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under rules that pay until day 90 late households do gather subsidy: the check above looks where it should."""
    assert any(settled_of_late_households({"rules.subsidy.stops_at": "day_90"}, monkeypatch))
