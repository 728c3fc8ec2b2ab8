"""Simulated households: luck by address, nobody's neighbour, delay that never helps, money to the fen, compiled twins."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sim
from sim import clock, community, community_kernel, firms, outcomes, receivables
from sim.community_kernel import enter, lend, release, year_end
from sim.errors import ConservationError
from sim.experiment import Arm, run_arms
from sim.filing import build_claims
from sim.fund import claims_kernel
from sim.fund.claims import FIELDS, NEVER, Claims
from sim.fund.claims_kernel import new_claims
from sim.households import reduced_form, state
from sim.households.month_kernel import step
from sim.households.register import MAX_DEBTS
from sim.households.state import BAD, Now, Out, People, people_frame
from sim.lending.loans import Loans
from sim.livelihoods import CATEGORIES, SOURCES_OF_INCOME
from sim.replication import prepare, simulate
from sim.store import BATCH, RunFolder
from sim.warmup import opening_state
from sim.world import Fates, Setup, World

SEED = 11
END_OF_2019 = clock.day_of(dt.date(2019, 12, 31))
HOUSEHOLDS = 600
BEHAVIOUR = "livelihoods.behaviour.central"
# Everything by which one household, a lender or the fund acts on another household is off; the cap is far away.
UNCOUPLED: dict[str, Any] = {
    "livelihoods.peers": "none",
    f"{BEHAVIOUR}.belief_logit": 0.0,
    f"{BEHAVIOUR}.unpaid_subsidy_logit": 0.0,
    "lending.waits_above_quarters": 1e9,
    "lending.debits_above_quarters": 1e9,
}
# Short loans and hard times, so that in two years of few households everything happens.
HARD: dict[str, Any] = {
    "opening.drought": "dry",
    "lending.term_months": {6: 0.4, 12: 0.4, 24: 0.2},
    "livelihoods.months_between_loans": 3.0,
    "livelihoods.illness_per_year": 0.1,
    "livelihoods.mortality_multiple": 6.0,
    f"{BEHAVIOUR}.price_sd": 0.5,
    f"{BEHAVIOUR}.strategic_logit": -3.5,
    f"{BEHAVIOUR}.misuse": 0.05,
    f"{BEHAVIOUR}.project_failure_per_year": 0.05,
}
LATE: dict[str, Any] = {
    "fiscal.budget_share": 0.3,
    "fiscal.cash_by_quarter": [0.0, 0.0, 0.2, 0.8],
    "fiscal.upper_level_share": 0.3,
    "fiscal.upper_level_days_late": 90,
}
PAYS_FIRST = {"rules.subsidy.paid_to": "household"}
FIRMS: dict[str, Any] = {
    "livelihoods.firms": {
        "per_township": 3, "covers": 0.4, "income_share": 0.6, "failures_per_year": 0.3, "drought_logit": 2.0,
        "price_logit": 2.0, "disease_logit": 2.0, "replaced_after_months": 6, "uses_household_loans": 0.5,
    },
    "rules.firm.yuan_per_household": 20_000, "rules.firm.household_borrows_too": True,
}  # fmt: skip
SWITCHES = [("livelihoods.weather.on", False), ("fiscal.pays_on_time", True), ("livelihoods.stacking_on", False)]


def lenders(rcc_yuan: int, psbc_yuan: int) -> list[dict[str, Any]]:
    """Both lenders with the given sub-accounts."""
    pairs = (("rcc", rcc_yuan), ("psbc", psbc_yuan))
    return [{"key": key, "label": {"zh": key, "en": key}, "sub_account_yuan": yuan} for key, yuan in pairs]


def county(changes: dict[str, Any], *, townships: int = 3) -> sim.Scenario:
    """A county of few households without loans on 1 January 2018."""
    base = sim.scenario("x-county-households")
    places = [t.model_dump() for t in base.townships[:townships]]
    return base.with_changes(
        {"livelihoods.households": HOUSEHOLDS, "townships": places, "opening.kind": "empty", **HARD, **changes}, "few"
    )


def history(scenario: sim.Scenario, replication: int = 0, last_day: int = END_OF_2019) -> tuple[Setup, World]:
    """One history of 24 months from nothing."""
    setup = prepare(scenario, SEED, opening_state(scenario), last_day)
    return setup, simulate(setup, replication)


def end_of(setup: Setup, world: World) -> pd.DataFrame:
    """All columns of the households at the end, by household; the loan by its id in place of its row."""
    assert world.community is not None and setup.households is not None
    people = world.community.people
    loan = np.where(people.loan >= 0, world.loans.id[np.maximum(people.loan, 0)], -1)
    return people_frame(people._replace(loan=loan)).set_index(setup.households.register.id)


def differ(a: pd.DataFrame, b: pd.DataFrame) -> pd.Series:
    """Which of the households that both histories have differ in some column, to the bit."""
    common = a.index.intersection(b.index)
    return (a.loc[common] != b.loc[common]).any(axis=1)


def same_columns(a: Any, b: Any, names: tuple[str, ...] | None = None) -> bool:
    """Are the arrays of two named tuples the same to the bit?"""
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in names or a._fields)


# --- same luck ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("field", "value"), SWITCHES)
def test_a_switch_leaves_the_luck_of_everything_else(field: str, value: bool) -> None:
    """Weather, prices, register, the state of the first day and the addresses of every draw; couplings on."""
    (a, x), (b, y) = (history(county({**LATE, **PAYS_FIRST, **c}), 1, a_year_on()) for c in ({}, {field: value}))
    assert x.community is not None and y.community is not None and a.households is not None and b.households is not None
    assert x.community.sky.index.tobytes() == y.community.sky.index.tobytes()
    assert x.community.sky.is_dry.tobytes() == y.community.sky.is_dry.tobytes()
    assert x.community.price.tobytes() == y.community.price.tobytes()
    assert same_columns(a.households.register, b.households.register)
    assert same_columns(a.households.start, b.households.start)
    assert same_columns(a.households.terms, b.households.terms, ("keys", "harvest_luck", "wage_luck", "month_luck"))
    assert a.households.keys == b.households.keys
    if "weather" not in field:
        assert x.community.sky.crop_lost.tobytes() == y.community.sky.crop_lost.tobytes()
    assert differ(end_of(a, x), end_of(b, y)).any()  # the switch does something


MECHANISMS: dict[str, dict[str, Any]] = {
    "firms": FIRMS,
    "groups": {"livelihoods.groups": {"helps": 1.0, "infects_logit": 3.0}},
    "extension": {"livelihoods.weather.extension": {"from_severity": 0.05, "months": 6}, "rules.loan.extension_months": 6},
    "relief": {"livelihoods.weather.relief": {"from_severity": 0.05, "yuan_per_head": 100, "after_months": 1}},
    "evaders": {f"{BEHAVIOUR}.evaders": 0.2},
    "relapses counted": {"livelihoods.relapse_after_months": 1},
    "missed interest": {"rules.claim.counts_from": "interest"},
    "disease": {"livelihoods.diseases": [{
        "key": "pigs", "label": {"zh": "pigs", "en": "pigs"}, "outbreaks_per_year": 0.5, "spreads_per_month": 0.2, "lasts_months": 6,
        "herds_struck": 0.5, "mortality": 0.5, "restock_months": 12, "price_change": -0.2, "in_projects": 0.5,
    }]},
    "screening": {"lending.screening": {"false_admission": 0.2, "false_refusal": 0.2}},
    "caution": {"lending.appetite": {"bad_loans_above": 0.0, "bad_loans_cut": 0.5, "fund_below": 1.0, "fund_cut": 0.5}},
    "insured loans": {"insurance": {"loans": {
        "insured_share": 0.5, "loss_share": 0.8, "premium_percent": 1.2, "paid_by": {"household": 1.0}, "pays_after_days": 45,
        "drawn_seed": 7,
    }}},
    "weather cover": {"insurance": {"index": {
        "insured_share": 0.6, "months": [1, 2, 3, 4], "trigger": -0.2, "exhausted_at": -2.0, "sum_insured_yuan": 800, "premium_percent": 6.0,
        "paid_by": {"household": 1.0}, "pays_to": "household", "pays_after_months": 1, "drawn_seed": 7,
    }}},
    "the town borrows": {"rules.loan.borrower_of_record": "township"},
    "debts seen": {"livelihoods.others_seen": 1.0},
    "officers' load": {"lending.monitoring": {"officers": {"rcc": 1, "psbc": 1}, "loans_per_officer": 5.0, "refused_if_unwatched": 0.9}},
    "collectors who wait": {
        "rules.collection.fee_by_class": {"substandard": 0.015, "doubtful": 0.1}, "rules.collection.class_counts_at": "recovery_date",
        "defaults.recovery.waits_for_fee": 1.0, "defaults.recovery.first_year": 0.9,
    },
    "prices": {f"{BEHAVIOUR}.price_sd": 0.2},
    "age at maturity": {"rules.loan.age_counts_at": "maturity"},
}  # fmt: skip


@pytest.mark.parametrize("name", MECHANISMS)
def test_a_mechanism_leaves_the_luck_of_everything_else(name: str) -> None:
    """Switched on, it moves no address: weather, prices, register, first day and keys are the same bits, whatever happens."""
    base = {**LATE, **PAYS_FIRST}
    later = name in {"caution", "officers' load", "collectors who wait"}
    last = END_OF_2019 if later else a_year_on()  # nothing is bad in a book's first year
    (a, x), (b, y) = (history(county({**base, **c}), 1, last) for c in ({}, MECHANISMS[name]))
    assert x.community is not None and y.community is not None and a.households is not None and b.households is not None
    assert x.community.sky.index.tobytes() == y.community.sky.index.tobytes()
    assert x.community.sky.is_dry.tobytes() == y.community.sky.is_dry.tobytes()
    assert x.community.sky.crop_lost.tobytes() == y.community.sky.crop_lost.tobytes()
    if name == "prices":  # the same luck, on a smaller scale
        assert np.allclose(*(_standard(w.community.price, sd) for w, sd in ((x, 0.5), (y, 0.2))), rtol=0, atol=1e-12)
    elif name != "disease":  # which moves prices by name
        assert x.community.price.tobytes() == y.community.price.tobytes()
    assert same_columns(a.households.register, b.households.register, _apart("may_borrow", a.households.register))
    assert same_columns(a.households.start, b.households.start)
    assert same_columns(a.households.terms, b.households.terms, ("keys", "harvest_luck", "wage_luck", "month_luck"))
    assert a.households.keys == b.households.keys
    first = x.community.people.ordinal * y.community.people.ordinal == 1  # one loan in each: the same one
    # who gets a loan, and what is left of it
    moved = {"firms", "screening", "caution", "insured loans", "debts seen", "age at maturity"}
    if name not in moved:
        early = first & (x.community.people.start == y.community.people.start)
        assert early.sum() > 50
        assert np.array_equal(x.community.people.rate_ppm[early], y.community.people.rate_ppm[early])
    assert differ(end_of(a, x), end_of(b, y)).any() or name in ("the town borrows", "missed interest")  # not here


def _standard(price: np.ndarray, sd: float) -> np.ndarray:
    """Prices as standard normals."""
    return (np.log(price) + sd**2 / 2) / sd


def _apart(name: str, table: Any) -> tuple[str, ...]:
    return tuple(field for field in table._fields if field != name)


def a_year_on() -> int:
    """End of 2018."""
    return clock.day_of(dt.date(2018, 12, 31))


def arms(field: str, value: bool, more: dict[str, Any], townships: int = 3) -> tuple[Setup, World, pd.Series]:
    """The arm with everything on, and which households end differently when one driver is off; couplings off."""
    on, off = (history(county({**UNCOUPLED, **more, **c}, townships=townships)) for c in ({}, {field: value}))
    return (*on, differ(end_of(*on), end_of(*off)))


def test_without_drought_nothing_changes_where_there_was_none() -> None:
    """Townships whose index never fell to where losses begin, on that side of the field or the price."""
    steep = {"livelihoods.weather.loss_at": [[-1.7, 0.0], [-2.5, 0.6]], "livelihoods.weather.between_townships": 0.1}
    setup, world, is_other = arms("livelihoods.weather.on", False, steep, townships=12)
    assert world.community is not None and setup.households is not None
    sky = world.community.sky
    was_dry = ((sky.severity > 0) | (sky.crop_lost > 0)).any(axis=0)[setup.households.register.township]
    assert 50 < was_dry.sum() < HOUSEHOLDS - 50
    assert not is_other[~was_dry].any()
    assert is_other[was_dry].mean() > 0.9


def test_without_drought_irrigated_crops_alone_earn_the_same() -> None:
    """Households that live off irrigated crops and wages and have no project are untouched in any drought."""
    crops = {
        "livelihoods.rain_fed_share": 0.0, "livelihoods.income_shares": {"crop": 0.6, "livestock": 0.0, "wage": 0.4, "transfer": 0.0},
        "livelihoods.weather.loss_at": [[0.5, 0.0], [0.0, 0.6]],
    }  # fmt: skip
    _, world, is_other = arms("livelihoods.weather.on", False, crops)
    assert world.community is not None
    assert (world.community.sky.severity > 0.5).any()
    has_borrowed = world.community.people.ordinal > 0
    assert not is_other[~has_borrowed].any()
    assert (~has_borrowed).sum() > 50
    assert is_other[has_borrowed].any()


def test_money_in_time_changes_nobody_where_the_lender_waits_for_it() -> None:
    _, world, is_other = arms("fiscal.pays_on_time", True, LATE)
    assert min(world.lists.paid) == 0  # some of it is late indeed
    assert not is_other.any()


def test_money_in_time_changes_only_borrowers_where_they_pay_first() -> None:
    _, world, is_other = arms("fiscal.pays_on_time", True, {**LATE, **PAYS_FIRST})
    assert world.community is not None
    has_borrowed = world.community.people.ordinal > 0
    assert not is_other[~has_borrowed].any()
    assert is_other[has_borrowed].mean() > 0.5


def test_other_debts_switched_off_change_only_those_who_have_some() -> None:
    setup, _, is_other = arms("livelihoods.stacking_on", False, {})
    assert setup.households is not None
    has_debts = setup.households.register.debt_product[:, 0] >= 0
    assert not is_other[~has_debts].any()
    assert is_other[has_debts].all()


def test_firms_change_only_those_they_cover() -> None:
    """Their draws are their own: who is not covered lives to the bit as where there are no firms."""
    (a, x), (b, y) = (history(county({**UNCOUPLED, **c})) for c in (FIRMS, {}))
    assert a.households is not None and a.households.firms is not None and b.households is not None
    assert x.community is not None and y.community is not None
    assert x.community.sky.index.tobytes() == y.community.sky.index.tobytes()
    assert x.community.price.tobytes() == y.community.price.tobytes()
    assert same_columns(a.households.register, b.households.register)
    is_other, is_covered = differ(end_of(a, x), end_of(b, y)), a.households.firms.firm >= 0
    assert not is_other[~is_covered].any()
    assert is_other[is_covered].mean() > 0.5
    assert firms.of_firms(a, x).sum() > 50


def test_with_firms_a_hundred_households_more_change_nobody_else() -> None:
    one, more = (
        history(s, 2) for s in (county({**UNCOUPLED, **FIRMS}), with_more(county({**UNCOUPLED, **FIRMS}), 100))
    )
    assert not differ(end_of(*one), end_of(*more)).any()


# --- a month by itself -------------------------------------------------------------------------------

Month = tuple[People, Now]


@pytest.fixture(scope="module")
def busy() -> Setup:
    """Couplings on, subsidy late, a cap that binds."""
    changes = {**LATE, "lenders": lenders(500_000, 400_000), f"{BEHAVIOUR}.unpaid_subsidy_logit": 0.3}
    scenario = county(changes)
    return prepare(scenario, SEED, opening_state(scenario), END_OF_2019)


@pytest.fixture(scope="module")
def months(busy: Setup) -> list[Month]:
    """The households and what they see on the mornings of 72 months, in three histories."""
    seen: list[Month] = []

    def keep(p: People, r: Any, t: Any, now: Now, out: Out) -> None:
        seen.append((p.copy(), Now(*(a.copy() if isinstance(a, np.ndarray) else a for a in now))))
        step(p, r, t, now, out)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(community, "step", keep)
        for replication in range(3):
            simulate(busy, replication)
    return seen


def stepped(setup: Setup, people: People, now: Now, rows: Any = slice(None)) -> tuple[People, Out]:
    """One month of some households, in the given order."""
    h = setup.households
    assert h is not None
    some = People(*(np.ascontiguousarray(a[rows]) for a in people)).copy()
    register = type(h.register)(*(np.ascontiguousarray(a[rows]) for a in h.register))
    out = Out.empty(some.cash.size, setup.set_fen.size, h.n_circles)
    step(some, register, h.terms, now._replace(circle=np.ascontiguousarray(now.circle[rows])), out)
    return some, out


@settings(deadline=None, max_examples=40)
@given(k=st.integers(0, 71), seed=st.integers(0, 10**6), size=st.integers(1, HOUSEHOLDS))
def test_a_households_month_is_its_own(busy: Setup, months: list[Month], k: int, seed: int, size: int) -> None:
    """Some households in another order: what they see given, their month is the same, and what it adds up to."""
    people, now = months[k]
    rows = np.random.default_rng(seed).permutation(HOUSEHOLDS)[:size]
    (all_people, all_out), (some, out) = stepped(busy, people, now), stepped(busy, people, now, rows)
    assert same_columns(some, People(*(a[rows] for a in all_people)))
    names = ("event", "cause", "start", "due", "principal", "rate_ppm")
    assert all(np.array_equal(getattr(out, name), getattr(all_out, name)[rows]) for name in names)
    rest = np.setdiff1d(np.arange(HOUSEHOLDS), rows)
    if rest.size:
        _, others = stepped(busy, people, now, rest)
        for name in ("totals", "by_lender", "bad", "borrowers"):
            assert np.array_equal(getattr(out, name) + getattr(others, name), getattr(all_out, name))


# --- nobody's neighbour ------------------------------------------------------------------------------


def with_more(scenario: sim.Scenario, more: int) -> sim.Scenario:
    """The second township has so many households more."""
    places = [t.model_dump() for t in scenario.townships]
    places[1]["households"] = HOUSEHOLDS // len(places) + more
    return scenario.with_changes({"townships": places})


def facts(setup: Setup) -> pd.DataFrame:
    """The register by household; townships by key, villages and groups by their number inside."""
    assert setup.households is not None and setup.scenario.livelihoods is not None
    r, keys = setup.households.register, [t.key for t in setup.scenario.townships]
    per_township = setup.scenario.livelihoods.villages_per_township
    columns = r._asdict()
    product, month = columns.pop("debt_product"), columns.pop("debt_month")
    n_villages = per_township * len(keys)
    columns |= {
        "township": np.array(keys)[r.township],
        "village": r.village % per_township,
        "group": r.group // n_villages,
    }
    columns |= {f"debt_{j}": product[:, j] for j in range(MAX_DEBTS)}
    columns |= {f"debt_month_{j}": month[:, j] for j in range(MAX_DEBTS)}
    return pd.DataFrame(columns).set_index("id")


@pytest.fixture(scope="module")
def alone() -> tuple[Setup, World]:
    """The county whose households do not touch one another."""
    return history(county(UNCOUPLED), 2)


def test_a_hundred_households_more_change_nobody_else(alone: tuple[Setup, World]) -> None:
    other = history(with_more(county(UNCOUPLED), 100), 2)
    assert len(facts(other[0])) == HOUSEHOLDS + 100
    assert not differ(facts(alone[0]), facts(other[0])).any()
    assert not differ(end_of(*alone), end_of(*other)).any()
    assert (end_of(*alone)["ordinal"] > 1).sum() > 100  # something happened in the two years
    assert (end_of(*alone)["status"] == BAD).sum() > 10


def test_the_order_of_townships_changes_nobody(alone: tuple[Setup, World]) -> None:
    scenario = county(UNCOUPLED)
    other = history(scenario.with_changes({"townships": [scenario.townships[k].model_dump() for k in (2, 0, 1)]}), 2)
    assert not differ(facts(alone[0]), facts(other[0])).any()
    assert not differ(end_of(*alone), end_of(*other)).any()
    shares = alone[1].paths.is_hit
    assert np.array_equal(shares[:, [2, 0, 1]], other[1].paths.is_hit)


def test_the_order_of_a_table_changes_nobody(tmp_path: Path, alone: tuple[Setup, World]) -> None:
    assert alone[0].households is not None and alone[0].scenario.livelihoods is not None
    live, r = alone[0].scenario.livelihoods, alone[0].households.register
    frame = pd.DataFrame({
        "household_id": r.id, "township": [alone[0].scenario.townships[k].key for k in r.township],
        "village": r.village % live.villages_per_township + 1, "group": r.group + 1, "persons": r.persons, "workers": r.workers,
        "age": alone[0].scenario.sized_year - 1970 - (r.born + 11) // 12, "sex": np.where(r.is_man == 1, "m", "f"),
        "category": np.array(CATEGORIES)[r.category], "rating": r.rating,
        **{f"{source}_yuan": getattr(r, f"{source}_fen") / 100 for source in SOURCES_OF_INCOME},
        "rain_fed_share": r.rain_fed_ppm / 1e6, "savings_yuan": r.savings_fen / 100,
        "products": [";".join(live.products[k].key for k in held if k >= 0) for held in r.debt_product],
    })  # fmt: skip
    ends = []
    for seed in (1, 2):
        path = tmp_path / f"households-{seed}.csv"
        frame.sample(frac=1, random_state=seed).to_csv(path, index=False)
        ends.append(history(county({**UNCOUPLED, "livelihoods.file": str(path)}), 2))
    assert not differ(facts(ends[0][0]), facts(ends[1][0])).any()
    assert not differ(end_of(*ends[0]), end_of(*ends[1])).any()
    assert not differ(end_of(*ends[0]), end_of(*alone)).any()  # and it is the county that was drawn


@pytest.mark.parametrize(
    "coupling",
    [
        {"livelihoods.peers": "village"},
        {f"{BEHAVIOUR}.belief_logit": 300.0},
        {"lenders": lenders(400_000, 400_000)},
    ],
    ids=["neighbours", "belief", "cap"],
)  # fmt: skip
def test_with_a_coupling_on_others_are_felt(coupling: dict[str, Any]) -> None:
    """The statements above are not empty: each coupling alone carries a hundred households to somebody else."""
    scenario = county({**UNCOUPLED, f"{BEHAVIOUR}.peer_logit": 20.0, **coupling})
    assert differ(end_of(*history(scenario, 2)), end_of(*history(with_more(scenario, 100), 2))).any()


# --- delay never helps -------------------------------------------------------------------------------


def paid(out: Out) -> Any:
    """Who has paid the loan under the fund in the month."""
    return (out.event & (state.REPAID | state.CURED)) > 0


def test_a_longer_delay_never_turns_unpaid_into_paid(busy: Setup, months: list[Month]) -> None:
    """One month of one state under two delays, lender by lender; nothing else differs."""
    flips = 0
    rng = np.random.default_rng(5)
    for people, now in months:
        for _ in range(5):
            short = rng.exponential(6.0, busy.set_fen.size)
            long = short + rng.exponential(6.0, busy.set_fen.size) * (rng.random(busy.set_fen.size) < 0.7)
            _, a = stepped(busy, people, now._replace(late_months=short))
            _, b = stepped(busy, people, now._replace(late_months=long))
            assert not (paid(b) & ~paid(a)).any()
            went_bad = [(x.event & state.WENT_BAD) > 0 for x in (a, b)]
            assert not (went_bad[0] & ~went_bad[1]).any()
            flips += int((paid(a) & ~paid(b)).sum())
    assert flips > 20


@pytest.mark.parametrize("replication", range(4))
def test_money_in_time_never_makes_a_default(replication: int) -> None:
    """Whole histories, peers, belief and the lenders' reaction off; paid to the bank, feared by the household."""
    late, in_time = (
        history(county({**UNCOUPLED, **LATE, f"{BEHAVIOUR}.unpaid_subsidy_logit": 0.4, **c}), replication)
        for c in ({}, {"fiscal.pays_on_time": True})
    )
    defaulted = [set(w.loans.household[w.fates.fate == reduced_form.DEFAULTED].tolist()) for _, w in (late, in_time)]
    assert defaulted[1] < defaulted[0]
    bad = [set(w.loans.id[w.fates.fate == reduced_form.DEFAULTED].tolist()) for _, w in (late, in_time)]
    both = set(late[1].loans.id.tolist()) & set(in_time[1].loans.id.tolist())
    assert bad[1] & both < bad[0] & both


# --- to the fen --------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=12)
@given(
    seed=st.integers(0, 10**6), pays_first=st.booleans(), debits=st.sampled_from([0.5, 4.0]), budget=st.floats(0, 2),
    errors=st.floats(0, 1), settlements=st.sampled_from([1, 4, 12]), renewed=st.sampled_from([0.0, 0.5]),
    has_firms=st.booleans(),
)  # fmt: skip
def test_every_history_of_households_conserves_money(
    seed: int, pays_first: bool, debits: float, budget: float, errors: float, settlements: int, renewed: float,
    has_firms: bool,
) -> None:  # fmt: skip
    """`simulate` checks itself to the fen; here the books are closed once more from outside."""
    scenario = county({
        **LATE, "fiscal.budget_share": budget, "fiscal.file_errors": errors, "lending.debits_above_quarters": debits,
        "rules.subsidy.settlements_per_year": settlements, "rules.subsidy.paid_to": "household" if pays_first else "bank",
        "rules.loan.renewals_max": 1, "defaults.renewed_instead": renewed, **(FIRMS if has_firms else {}),
    })  # fmt: skip
    setup = prepare(scenario, seed, opening_state(scenario), a_year_on())
    world = simulate(setup, seed % 7)
    c, balances = world.community, world.ledger.balances
    assert c is not None
    assert sum(balances.values()) == 0
    assert balances["households"] == c.people.cash.sum()
    assert (c.people.cash >= 0).all() and (c.people.informal >= 0).all()
    owed = np.where((world.fates.repaid >= 0) & (world.fates.repaid <= setup.last_day), 0, world.loans.balance).sum()
    owed -= world.claims.principal[world.claims.recovered_on <= setup.last_day].sum()
    assert balances["book:0"] + balances["book:1"] == owed
    due = world.entitled.sum()
    assert balances["subsidy_due:0"] + balances["subsidy_due:1"] == due - sum(world.lists.paid)
    assert sum(world.lists.amount) == due
    outcomes.summary(setup, world)


TOTALS = ("INCOME", "SPENT", "BORROWED", "PAID_BACK", "OTHERS", "SOLD")
PAYMENTS = ("INTEREST", "EXTRA", "PRINCIPAL")


@pytest.mark.parametrize("leak", [*TOTALS, *PAYMENTS, "cash", "collected", "lent", "refund"])
def test_one_fen_that_leaks_is_noticed(leak: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def leaky_step(p: People, r: Any, t: Any, now: Now, out: Out) -> None:
        if leak == "collected":
            p.recover_fen[p.status == BAD] += 1
        step(p, r, t, now, out)
        if leak in TOTALS:
            out.totals[getattr(state, leak)] += now.month == FIFTH
        if leak in PAYMENTS:
            out.by_lender[1, getattr(state, leak)] += now.month == FIFTH
        if leak == "cash":
            p.cash[7] += now.month == FIFTH

    def leaky_lend(*arguments: Any) -> int:
        n = lend(*arguments)
        arguments[-2][0] += 1
        return int(n)

    real = receivables._parts

    def leaky_parts(running: Any, paid: int) -> Any:
        out = real(running, paid)
        out[np.flatnonzero(out)[:1]] -= 1
        return out

    scenario = county({**PAYS_FIRST, "defaults.recovery.first_year": 1.0})
    history(scenario)  # nothing leaks by itself
    monkeypatch.setattr(community, "step", leaky_step)
    if leak == "lent":
        monkeypatch.setattr(community, "lend", leaky_lend)
    if leak == "refund":
        monkeypatch.setattr(receivables, "_parts", leaky_parts)
    with pytest.raises(ConservationError, match=r"fen, (the ledger says|(its )?loans owed are)"):
        history(scenario)


FIFTH = (2018 - 1970) * 12 + 4


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=30).filter(any), st.lists(st.floats(0, 1), max_size=6))
def test_a_refund_in_parts_comes_to_the_whole(amounts: list[int], steps: list[float]) -> None:
    """Each payment of a list is shared to the fen; in the end everybody has what is due, nobody ever gives back."""
    running, whole = np.cumsum(np.array(amounts)), sum(amounts)
    levels = sorted({0, whole, *(int(x * whole) for x in steps)})
    got = np.zeros(len(amounts), dtype=np.int64)
    for before, after in pairwise(levels):
        part = receivables._parts(running, after) - receivables._parts(running, before)
        assert part.sum() == after - before
        got += part
        assert (np.abs(got - np.array(amounts) * (after / whole)) < 1.001).all()
    assert got.tolist() == amounts


@pytest.mark.parametrize("is_on_time", [False, True])
def test_who_pays_first_gets_the_list_back(is_on_time: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Charged at the settlement; refunded what was paid on the lists, all of it where the lists are paid in full."""
    charged, refunded = np.zeros(HOUSEHOLDS, np.int64), np.zeros(HOUSEHOLDS, np.int64)
    real_settle, real_refund = receivables.settle_households, receivables.refund

    def settle(p: Any, r: Any, t: Any, day: int, is_listed: int, charges: Any, amount: Any) -> Any:
        out = real_settle(p, r, t, day, is_listed, charges, amount)
        charged[:] += amount
        return out

    def refund(world: World, end: int) -> None:
        real_refund(world, end)
        assert world.community is not None
        refunded[:] += world.community.people.refund

    monkeypatch.setattr(receivables, "settle_households", settle)
    monkeypatch.setattr(receivables, "refund", refund)
    fiscal = {"fiscal.pays_on_time": True} if is_on_time else {"fiscal.budget_share": 0.6}
    setup, world = history(county({**PAYS_FIRST, "fiscal.file_errors": 0.3, **fiscal}))
    c, lists = world.community, world.lists
    assert c is not None
    assert charged.sum() == world.entitled.sum() > 0
    assert refunded.sum() == sum(lists.paid) == sum(c.refunded.values())
    assert [c.refunded.get(i, 0) for i in range(len(lists))] == lists.paid
    n_files = len(lists) // setup.set_fen.size  # a settlement makes two: the list, and what had errors
    if is_on_time:
        assert refunded.sum() == charged.sum()
        assert (np.abs(refunded - charged) < n_files).all()
    else:
        assert 0 < refunded.sum() < charged.sum()
        assert (refunded <= charged + n_files).all()


def test_paid_to_the_bank_no_household_is_charged_or_refunded() -> None:
    _, world = history(county({**LATE, "lending.debits_above_quarters": 1e9}))
    assert world.community is not None
    assert world.community.refunds == {} and not any(world.lists.to_household)
    assert (world.community.people.interest_due == 0).all() and world.entitled.sum() > 0


def test_a_lender_that_debits_passes_the_receivable_on() -> None:
    """Direct payment that stops: lists turn over to the households, and the books still close."""
    _, world = history(county({**LATE, "fiscal.budget_share": 0.0, "lending.debits_above_quarters": 1.0}))
    assert world.community is not None
    turned = world.lists.to_household
    assert any(turned) and not all(turned)
    assert world.community.interest.sum() > 0


# --- compiled twins ----------------------------------------------------------------------------------


def copied(arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arguments with arrays of their own, also inside named tuples."""

    def one(x: Any) -> Any:
        if isinstance(x, np.ndarray):
            return x.copy()
        return type(x)(*map(one, x)) if isinstance(x, tuple) and hasattr(x, "_fields") else x

    return tuple(map(one, arguments))


def flat(arguments: tuple[Any, ...]) -> Iterator[np.ndarray]:
    """All arrays of some arguments."""
    for x in arguments:
        if isinstance(x, np.ndarray):
            yield x
        elif isinstance(x, tuple):
            yield from flat(x)


def test_a_subsidy_that_has_ended_leaves_no_lender_waiting() -> None:
    """Old lists stay unpaid, but there is no quarter's interest to count them in: lending goes on, nobody is debited."""
    ended = {**LATE, "rules.subsidy.until": "2019-03-31", "fiscal.budget_share": 0.1}
    _, world = history(county(ended))
    c = world.community
    assert c is not None
    assert not c.out.by_lender[:, state.YEARLY].any()
    assert sum(world.lists.amount) > 2 * sum(world.lists.paid)
    assert c.is_open.all() and not c.charges.any()
    _, goes_on = history(county({**ended, "rules.subsidy.until": "2030-12-31"}))
    assert goes_on.community is not None and not goes_on.community.is_open.any()


@pytest.mark.parametrize("pays_first", [False, True])
def test_compiled_and_plain_institutions_agree(busy: Setup, pays_first: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call of a busy history is made twice, compiled and as written, and fills in the same."""
    calls: dict[str, int] = {}

    def twice(compiled: Any) -> Callable[..., Any]:
        def both(*arguments: Any) -> Any:
            mine = copied(arguments)
            out, expected = compiled(*arguments), compiled.py_func(*mine)
            assert np.array_equal(out, expected) or out is expected is None
            for a, b in zip(flat(arguments), flat(mine), strict=True):
                assert np.array_equal(a, b), compiled.py_func.__name__
            calls[compiled.py_func.__name__] = calls.get(compiled.py_func.__name__, 0) + 1
            return out

        return both

    for kernel in (enter, lend, release, year_end, new_claims):
        monkeypatch.setattr(community, kernel.py_func.__name__, twice(kernel))
    changes = {"livelihoods.over_indebted_ratio": 0.2, "rules.loan.renewals_max": 1, "defaults.renewed_instead": 0.3}
    scenario = busy.scenario.with_changes(changes | (PAYS_FIRST if pays_first else {}))
    _, world = history(scenario, 3)
    assert {k: n for k, n in calls.items() if k != "new_claims"} == {
        "enter": 24,
        "lend": 24,
        "release": 24,
        "year_end": 2,
    }
    assert calls["new_claims"] > 10
    c = world.community
    assert c is not None
    assert (c.counts[[community_kernel.APPLIED, community_kernel.OVER_INDEBTED, community_kernel.CAPPED]] > 0).all()
    assert pays_first or c.counts[community_kernel.LENDER_WAITS] > 0
    assert (world.fates.renewed == 1).any() and (world.claims.is_refused).any()
    assert c.released[: len(world.claims)].any()


@pytest.mark.parametrize("replication", range(8))
def test_lending_stays_inside_the_cap(replication: int) -> None:
    """Covered principal outstanding, counted from the book each day, is never lent above the multiple."""
    busy, world = history(county({"lenders": lenders(150_000, 100_000)}), replication)
    c, loans, claims = world.community, world.loans, world.claims
    assert c is not None and c.counts[community_kernel.CAPPED] > 0
    covered = np.minimum(loans.balance, busy.rules.claim.covered_principal_yuan * 100)
    gone = np.where(world.fates.repaid >= 0, world.fates.repaid, state.NEVER_DAY)
    settled = np.where((claims.paid >= claims.fund_part) & (claims.paid_on >= 0), claims.paid_on, state.NEVER_DAY)
    refused = np.where(claims.is_refused & (claims.decided >= 0), claims.decided, state.NEVER_DAY)
    gone[claims.row] = np.minimum(np.minimum(settled, refused), claims.recovered_on)
    tightest = []
    for day in np.unique(loans.start):
        held = (loans.start <= day) & (gone > day)
        used = np.bincount(loans.lender[held], weights=covered[held], minlength=busy.set_fen.size)
        lent = np.bincount(loans.lender[loans.start == day], minlength=busy.set_fen.size) > 0
        assert (used[lent] <= busy.limit_fen[lent]).all()
        tightest.append(used.max() / busy.limit_fen[used.argmax()])
    assert max(tightest) > 0.95


# --- claims ------------------------------------------------------------------------------------------

N_LOANS = 20_000
CHAINS: dict[str, dict[str, Any]] = {
    "as it stands": {},
    "other days": {
        "rules.claim.steps.file.days": 7,
        "rules.claim.steps.township.working_days": 9,
        "rules.claim.wait_days": 60,
    },
    "no township": {"rules.claim.steps.township.working_days": 0, "rules.claim.steps.notice.days": 0},
    "principal only": {"rules.claim.includes_interest": False},
    "contract rate": {
        "rules.claim.includes_penalty": False,
        "rules.loss.shares.fund": 0.55,
        "rules.loss.shares.bank": 0.45,
    },
    "small cover": {"rules.claim.covered_principal_yuan": 30_000, "rules.claim.cover_above_share": 0.37},
    "working days, windows": {
        "rules.claim.wait_unit": "working_days",
        "rules.claim.windows": ["03-01/04-15", "12-20/01-10"],
    },
    "long chain": {
        "rules.claim.steps.village": {"after": "entitled", "actor": "village", "working_days": 4},
        "rules.claim.steps.file.after": "village",
        "rules.claim.steps.city": {"after": ["review", "notice"], "actor": "city", "working_days": 6},
        "rules.claim.steps.county": {"after": "entitled", "actor": "county", "days": 60},
        "rules.claim.steps.meeting": {"after": ["city", "county"], "actor": "county", "rolling": True},
    },
    "others pay": {"rules.loss.shares": {"county": 0.31, "village": 0.2, "insurer": 0.27, "bank": 0.22}},
    "wilful never": {"rules.claim.wilful_default": "never", "defaults.negligence": 0.4, "defaults.objection": 0.3},
    "few causes": {"rules.claim.compensable_causes": ["death", "disaster"], "defaults.court_days": 33},
    "all come back": {"defaults.recovery": {"first_year": 1.0, "per_year_after": 0.5, "heirs": 1.0}},
    "none come back": {"defaults.recovery": {"first_year": 0.0, "per_year_after": 0.0, "heirs": 0.0}},
    "late ones": {"defaults.recovery": {"first_year": 0.1, "per_year_after": 0.4, "heirs": 0.2}},
}


def random_book(setup: Setup, seed: int) -> tuple[Loans, Fates]:
    """Loans of all kinds that have gone bad, in no order, with dates that are often the same."""
    rng, n = np.random.default_rng(seed), N_LOANS
    missed = setup.first_day + rng.integers(0, 400, n)
    loans = Loans.make(
        n, id=rng.permutation(2**62 + np.arange(n) * 977), household=rng.integers(0, 2**62, n), lender=rng.integers(0, 2, n),
        township=rng.integers(0, 3, n), balance=rng.integers(1, 8_000_000, n), start=missed - rng.integers(30, 900, n),
        due=missed, rate_ppm=rng.integers(20_000, 120_000, n),
    )  # fmt: skip
    cause = rng.integers(0, 4, n)
    return loans, Fates(np.full(n, reduced_form.DEFAULTED), missed, np.full(n, NEVER), cause, np.zeros(n, np.int64))


@pytest.mark.parametrize("chain", CHAINS)
def test_new_claims_are_those_of_the_arrays(chain: str) -> None:
    """20,000 loans of all causes: fifteen columns, to the bit, in order of day 90 and loan."""
    scenario = county(CHAINS[chain])
    setup = prepare(scenario, SEED, opening_state(scenario), a_year_on())
    assert setup.claim_terms.wait_days >= 60  # so that every day 90 lies behind the information date
    loans, fates = random_book(setup, 3)
    rows = np.random.default_rng(4).permutation(N_LOANS)[: N_LOANS - 77]
    book = np.stack([getattr(loans, f.name) for f in fields(Loans)])
    columns = np.stack([getattr(fates, f.name) for f in fields(Fates)])
    got = np.empty((15, rows.size), dtype=np.int64)
    new_claims(rows, book, columns, setup.claim_terms, 6, got)
    expected = build_claims(setup, loans, fates, 6, rows)
    for name, column in zip(CLAIM_COLUMNS, got, strict=True):
        assert np.array_equal(column, getattr(expected, name)), name
    assert (expected.recovered_on >= expected.entitled).all()


CLAIM_COLUMNS = [f.name for f in fields(Claims)][:15]


def test_rows_of_the_kernels_are_the_fields_they_stand_for() -> None:
    k = community_kernel
    loans, fates = [f.name for f in fields(Loans)], [f.name for f in fields(Fates)]
    book_rows = {"id": k.ID, "household": k.HOUSEHOLD, "lender": k.LENDER, "township": k.TOWNSHIP, "balance": k.BALANCE,
                 "start": k.START, "due": k.DUE, "rate_ppm": k.RATE, "p_class": k.CLASS, "status": k.STATUS,
                 "paid_fen": k.PAID_FEN}  # fmt: skip
    fate_rows = {
        "fate": k.FATE,
        "missed": k.MISSED_ON,
        "repaid": k.REPAID_ON,
        "cause": k.CAUSE,
        "renewed": k.WAS_EXTENDED,
    }
    assert {name: loans.index(name) for name in book_rows} == book_rows
    assert {name: fates.index(name) for name in fate_rows} == fate_rows
    assert len(fates) == len(fate_rows)
    assert (k.REPAID, k.CURED, k.DEFAULTED) == (reduced_form.REPAID, reduced_form.CURED, reduced_form.DEFAULTED)
    c = claims_kernel
    claim_rows = {"row": c.ROW, "entitled": c.ENTITLED, "amount": c.AMOUNT, "recovered_on": c.RECOVERED_ON}
    assert {name: CLAIM_COLUMNS.index(name) for name in claim_rows} == claim_rows
    assert list(reduced_form.CAUSES).index("death") == reduced_form.DEATH == 1


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 40), max_size=12), st.integers(0, 10**6), st.integers(0, 5))
def test_claims_that_grow_keep_what_was_written(make_claims: Any, sizes: list[int], seed: int, at_first: int) -> None:
    """Added in pieces, with stages written in between, as if they had all been there from the start."""
    rng = np.random.default_rng(seed)
    claims = make_claims(at_first, **{name: rng.integers(0, 99, at_first) for name in FIELDS}).take(slice(None))
    plain = {name: getattr(claims, name).copy() for name in FIELDS}
    for size in sizes:
        new = rng.integers(0, 10**12, (15, size))
        new[12:14] %= 2
        claims.append(new)
        later = {
            name: np.zeros(size, np.int64) if name in ("paid", "insurer_part") else np.full(size, NEVER)
            for name in FIELDS
        }
        later |= dict(zip(CLAIM_COLUMNS, new, strict=True))
        plain = {name: np.append(plain[name], later[name]) for name in FIELDS}
        i = int(rng.integers(len(claims)))
        for name in ("reviewed", "decided", "due", "paid", "first_wait", "paid_on"):
            getattr(claims, name)[i] = plain[name][i] = rng.integers(0, 99)
        for name in FIELDS:
            assert np.array_equal(getattr(claims, name), plain[name]), name
            assert getattr(claims, name).dtype == (np.bool_ if name in ("is_refused", "has_objection") else np.int64)
        assert len(claims) == plain["row"].size


# --- workers, chunks, resuming -----------------------------------------------------------------------


def test_batches_of_households_do_not_depend_on_workers_order_or_resuming(tmp_path: Path) -> None:
    scenario = county({"livelihoods.households": 200, **LATE, **PAYS_FIRST})
    opening = opening_state(scenario)
    arm = Arm("main", scenario, ("base",), clock.day_of(dt.date(2019, 1, 31)), True, True)

    def run(name: str, n: int, workers: int) -> dict[str, bytes]:
        folder = RunFolder.open(tmp_path / name, {"kind": "test"}, resume=True)
        run_arms([arm], n, 3, folder, {"base": opening}, workers=workers)
        assert folder.failures("main", n) == []
        return {str(p.relative_to(folder.path)): p.read_bytes() for p in folder.path.rglob("part-*.parquet")}

    whole = run("one", 2 * BATCH, 1)
    assert len(whole) == 12
    assert run("two", 2 * BATCH, 2) == whole
    assert len(run("begun", BATCH, 1)) == 6
    assert run("begun", 2 * BATCH, 1) == whole
    table = RunFolder.open(tmp_path / "one", {"kind": "test"}, resume=True).read("histories", "main", 2 * BATCH)
    setup = prepare(scenario, 3, opening, arm.last_day)
    for replication in (77, 3, 77):  # by itself, after another, and again
        row = outcomes.summary(setup, simulate(setup, replication))
        assert row == {name: table.loc[replication, name] for name in row}
