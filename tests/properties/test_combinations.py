"""Rules and mechanisms at random, many at once: no combination loses a fen, stops a history or goes below nothing."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import numpy as np
import pytest

from sim import arrears, clock, margin, outcomes
from sim.households.reduced_form import REPAID
from sim.households.state import OPEN
from sim.replication import prepare, simulate
from sim.scenario import Scenario
from sim.units import interest
from sim.warmup import freeze, opening_state
from sim.world import Setup, World
from tests.properties import test_households as few

END = clock.day_of(dt.date(2020, 5, 31))
YEAR_2 = dt.date(2019, 1, 1)
LOANS = {
    "insured_share": 0.5, "loss_share": 0.8, "premium_percent": 1.0, "paid_by": {"household": 0.5, "county": 0.3, "bank": 0.2},
    "pays_after_days": 30, "drawn_seed": 5,
}  # fmt: skip
INDEX = {
    "insured_share": 0.5, "months": [11, 12, 1, 2], "trigger": -0.2, "exhausted_at": -2.0, "sum_insured_yuan": 3000,
    "premium_percent": 5.0, "paid_by": {"county": 0.5, "household": 0.5}, "pays_to": "bank", "pays_after_months": 1,
    "drawn_seed": 5,
}  # fmt: skip
SEVEN = {"province": 0.1, "city": 0.05, "county": 0.3, "township": 0.1, "village": 0.05, "insurer": 0.1,
         "guarantee_company": 0.1, "bank": 0.2}  # fmt: skip
LAW: dict[str, list[Any]] = {
    "loss.shares": [SEVEN, {"fund": 1.0, "bank": 0.0}, {"county": 0.5, "insurer": 0.5, "bank": 0.0}, {"bank": 1.0}],
    "claim.wait_unit": ["working_days"], "claim.wait_days": [0, 7, 30, 180], "claim.counts_from": ["interest"],
    "claim.windows": [["01-01/01-31"], ["12-20/01-10", "06-01/06-30"]], "claim.meetings": [["12-31"], ["01-01", "07-15"]],
    "claim.covered_principal_yuan": [20_000], "claim.cover_above_share": [0.5], "claim.includes_interest": [False],
    "claim.wilful_default": ["never"], "fund.leverage_on": ["cumulative"], "fund.leverage_base": ["current"],
    "fund.leverage": [1], "fund.top_up": ["to_set_size", "to_multiple", "to_demand"], "fund.top_up_on": ["03-01", "12-31"],
    "fund.payout_cap_share": [0.0, 0.2], "fund.ring_fenced": [False], "fund.backstop_on": ["01-01", "12-31"],
    "fund.insured_loans": ["fund_residual"], "stop.bad_loan_share": [0.0, 0.03], "stop.measured_on": ["county"],
    "stop.unpaid_claim_days": [0, 30], "stop.used_share": [0.5], "recovery.return_working_days": [0, 5],
    "recovery.split": ["fund_first"], "recovery.wilful": ["by_share"], "subsidy.share": [0.0, 0.5],
    "subsidy.settlements_per_year": [1, 2, 4, 6], "subsidy.settlement_day": [1, 28], "subsidy.stops_at": ["day_90"],
    "subsidy.paid_to": ["household"], "subsidy.ceiling_yuan": [10_000], "subsidy.fixed_rate": [3.0],
    "subsidy.months": [6, 12], "subsidy.until": ["2018-06-15", "2019-12-31"], "subsidy.paid_when": ["at_repayment", "yearly"],
    "subsidy.pays_above_ceiling": [True], "loan.lent_from": ["03-01", "11-15"], "loan.lent_until": ["06-30", "02-10"],
    "loan.quota_yuan_per_year": [0, 300_000], "loan.lockout_after_late": [True], "loan.age_counts_at": ["maturity"],
    "interest.day_count": [365], "loan.borrower_of_record": ["township"], "firm.household_borrows_too": [False],
}  # fmt: skip
BOTH: dict[str, list[Any]] = {
    "insurance": [{"loans": LOANS}, {"loans": LOANS, "index": INDEX}], "fiscal.budget_basis": ["last_year"],
    "fiscal.crowding_out": [0.5, 1.0], "fiscal.delay_months": [3, 12], "fiscal.upper_level_share": [0.5],
    "fiscal.upper_level_days_late": [90], "fiscal.file_errors": [0.0, 1.0], "fiscal.budget_share": [0.0, 2.0],
    "office.minutes_per_claim": [0, 5000],
    "lending.monitoring": [{"officers": {"rcc": 1, "psbc": 1}, "loans_per_officer": 5.0}],
}  # fmt: skip
OF_HOUSEHOLDS: dict[str, list[Any]] = {
    **{field: [value] for name in ("groups", "relief", "evaders", "screening", "caution", "disease", "relapses counted")
       for field, value in few.MECHANISMS[name].items()},
    "livelihoods.firms": [few.FIRMS["livelihoods.firms"]], "rules.firm.yuan_per_household": [20_000],
    "livelihoods.weather.extension": [{"from_severity": 0.05, "months": 6}], "livelihoods.peers": ["group", "none"],
    "livelihoods.stacking_on": [False], "lending.new_loans": [True, False], "lending.debits_above_quarters": [0.0],
}  # fmt: skip
SIZES = [(600_000, 200_000), (30_000, 10_000), (6_000_000, 2_000_000)]


def changes(luck: random.Random, has_households: bool) -> dict[str, Any]:
    """A third of all rules and mechanisms, each with one of its values."""
    table = {f"rules.{key}": values for key, values in LAW.items()} | BOTH | (OF_HOUSEHOLDS if has_households else {})
    out = {key: luck.choice(values) for key, values in table.items() if luck.random() < 1 / 3}
    if "livelihoods.weather.extension" in out:
        out |= {"rules.loan.extension_months": 6, "rules.loan.extension_subsidised": luck.random() < 0.5}
    if luck.random() < 1 / 3:
        out |= {"rules.loan.renewals_max": 1, "defaults.renewed_instead": 0.5}
    if not has_households and "index" in out.get("insurance", {}):
        out["insurance"] = {"loans": LOANS}
    if out.get("rules.loan.borrower_of_record") == "township":
        out.pop("insurance", None)
    return out | {"lenders": few.lenders(*luck.choice(SIZES))}


def check(setup: Setup, world: World) -> None:
    """The history has closed its books itself; every table can be made, and none of its amounts is below nothing."""
    row, months = outcomes.summary(setup, world), outcomes.months(setup, world)
    for name, value in {**row, **months}.items():
        if name.endswith(("_fen", "_count", "_days")):
            assert np.min(value) >= 0, name
    for table in (outcomes.townships, outcomes.defaults, margin.lender_years, arrears.by_year):
        assert table(setup, world)
    before = sum(fen for _, _, fen, *_ in setup.opening.lists)
    assert sum(world.lists.amount) == before + world.entitled.sum()  # what was entitled to stands on some list
    if setup.rules.fund.payout_cap_share is None and not (world.claims.first_wait >= 0).any():
        _the_real_account_is_the_shadow(setup, world)


def _the_real_account_is_the_shadow(setup: Setup, world: World) -> None:
    """Where nobody waits for money, what the fund pays and gets back in the year is what the need is read from."""
    first, last = outcomes.year_span(setup.scenario.sized_year)
    payments, receipts = outcomes.shadow_flows(setup, world, first, last)
    paid, received = np.zeros_like(payments), np.zeros_like(receipts)
    account, flows = setup.account_of[world.claims.lender], world.flows
    out = [(day, account[i], fen) for i, day, fen in (*flows.payments, *flows.backstop)]
    back = [(day, account[i], fund) for i, day, fund, _ in flows.returns] + setup.credits
    for table, moves in ((paid, out), (received, back)):
        for day, index, fen in moves:
            if first <= day <= last:
                table[day - first, index] += fen
    assert np.array_equal(paid, payments) and np.array_equal(received, receipts)


def start(scenario: Scenario, seed: int) -> tuple[Setup, World]:
    setup = prepare(scenario, seed, opening_state(scenario), END)
    return setup, simulate(setup, 0)


@pytest.mark.parametrize("seed", range(40))
def test_no_combination_of_rules_loses_a_fen(seed: int, small: Scenario) -> None:
    check(*start(small.with_changes({**changes(random.Random(seed), False), "defaults.anchor": "high"}), seed))


@pytest.mark.parametrize("seed", range(40))
def test_no_combination_of_mechanisms_loses_a_fen(seed: int) -> None:
    """Twenty-nine months of households from nothing; and frozen after the first year, and gone on with."""
    scenario = few.county({"livelihoods.households": 250, **changes(random.Random(seed), True)})
    check(*start(scenario, seed))
    setup = prepare(scenario, seed, opening_state(scenario), clock.day_of(YEAR_2) - 1)
    state = freeze(setup, simulate(setup, 0), clock.day_of(YEAR_2))
    later = prepare(scenario.with_changes({"information_on": YEAR_2, "sized_year": 2019}), seed, state, END)
    check(later, simulate(later, 1))


# --- interest ----------------------------------------------------------------------------------------

CALM: dict[str, Any] = {  # rich households who always want to pay, and lenders who never wait
    "livelihoods.households": 250, "livelihoods.income_per_head_yuan": 200_000, "livelihoods.mortality_multiple": 0.0,
    "livelihoods.lost_labour_per_death": 0.0, "livelihoods.peers": "none", f"{few.BEHAVIOUR}.strategic_logit": -100.0,
    f"{few.BEHAVIOUR}.rating_logit": 0.0, "lending.debits_above_quarters": 1e9, "lending.waits_above_quarters": 1e9,
}  # fmt: skip
FIRMS = {
    "livelihoods.firms": {**few.FIRMS["livelihoods.firms"], "can_fail": False},
    "rules.firm.yuan_per_household": 20_000,
    "rules.firm.term_months": 12,
}
PUT_OFF = {"livelihoods.weather.extension": {"from_severity": 0.05, "months": 6}, "rules.loan.extension_months": 6}
ROUNDING = 1000  # fen, over some thousand parts of interest


@pytest.mark.parametrize("seed", range(20))
def test_every_fen_of_interest_is_somebodys(seed: int) -> None:
    """Where all repay on their dates: what borrowers paid and the subsidy together are the contract interest."""
    luck = random.Random(seed)
    law = {key: values for key, values in LAW.items() if key.startswith(("subsidy.", "interest."))}
    some = {f"rules.{key}": luck.choice(values) for key, values in law.items() if luck.random() < 0.4}
    for mechanism in (FIRMS, {**PUT_OFF, "rules.loan.extension_subsidised": luck.random() < 0.5}):
        some |= mechanism if luck.random() < 0.5 else {}
    setup, world = start(few.county({**CALM, **some}), seed)
    loans, fates, c, rules = world.loans, world.fates, world.community, setup.rules
    assert c is not None
    kinds = [c.people] + ([c.firms.people] if c.firms is not None else [])
    upto = np.where(fates.missed <= setup.last_day, fates.missed, loans.start)  # of open loans as far as it was settled
    for people in kinds:
        runs = np.flatnonzero(people.status == OPEN)
        upto[people.loan[runs]] = people.accrued_to[runs]
    contract = interest(loans.balance, loans.rate_ppm, upto - loans.start, rules.interest.day_count).sum()
    paid = c.interest.sum() + sum(p.interest_due.sum() + p.arrears.sum() for p in kinds)
    waits = sum(p.carry.sum() + p.withheld.sum() for p in kinds)  # for a list
    pays_first, each = rules.subsidy.paid_to == "household", rules.subsidy.paid_when in (None, "each_settlement")
    paid += waits if pays_first and each else 0 if pays_first else waits + c.entitled.sum()
    late = int((fates.fate != REPAID).sum())
    assert len(loans) > 150 and late <= 3
    assert late or abs(int(paid) - int(contract)) <= ROUNDING
