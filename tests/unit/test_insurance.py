"""The insurer: which loans it covers, what a claim becomes, who pays the premium, and that nothing else changes.

Loans are insured in both ways to default, weather in that of simulated households.
"""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sim
from sim import clock, filing, insurance, outcomes
from sim.answers.insurance import basis_correlation, insurance_figures, loss_ratio
from sim.answers.sample import Sample
from sim.fund.claims import FAR, NEVER
from sim.payouts import paid_share
from sim.replication import check_lending, prepare, simulate
from sim.warmup import opening_state

END = clock.day_of(dt.date(2019, 12, 31))
LOANS: dict[str, Any] = {
    "insured_share": 0.5, "loss_share": 0.8, "premium_percent": 1.2, "paid_by": {"household": 0.3, "county": 0.7},
    "pays_after_days": 45, "drawn_seed": 7,
}  # fmt: skip
INDEX: dict[str, Any] = {
    "insured_share": 0.6, "months": [11, 12, 1, 2, 3, 4], "trigger": -1.0, "exhausted_at": -2.5, "sum_insured_yuan": 800,
    "mu_per_head": 1.5, "premium_percent": 6.0, "paid_by": {"household": 0.2, "county": 0.8}, "pays_to": "household",
    "pays_after_months": 1, "drawn_seed": 7,
}  # fmt: skip
RESIDUAL = {"rules.fund.insured_loans": "fund_residual"}


def lenders() -> list[dict[str, Any]]:
    return [
        {"key": key, "label": {"zh": key, "en": key}, "sub_account_yuan": yuan}
        for key, yuan in (("rcc", 600_000), ("psbc", 200_000))
    ]


@lru_cache
def county(mechanism: str, loans: float = 0.0, index: str = "", residual: bool = False, drought: str = "dry") -> Any:
    """Setup and three histories of a small county."""
    changes: dict[str, Any] = {"uncertain": [], "opening.drought": drought}
    if mechanism == "household":
        base = sim.scenario("x-county-households")
        central = "livelihoods.behaviour.central"
        changes |= {
            "livelihoods.households": 500, "townships": [t.model_dump() for t in base.townships[:3]],
            "opening.kind": "empty", "lending.term_months": {6: 0.5, 12: 0.5}, "livelihoods.months_between_loans": 3.0,
            f"{central}.price_sd": 0.6, f"{central}.strategic_logit": -3.0,
        }  # fmt: skip
    else:
        base = sim.scenario("x-county")
        changes |= {"lenders": lenders(), "defaults.anchor": "high"}
    cover: dict[str, Any] = {}
    if loans:
        cover["loans"] = LOANS | {"insured_share": loans}
    if index:
        cover["index"] = INDEX | {"pays_to": index}
    changes |= {"insurance": cover} if cover else {}
    scenario = base.with_changes(changes | (RESIDUAL if residual else {}), "few")
    uninsured = scenario.with_changes(
        {"insurance": None, "rule_changes": {}}
    )  # one opening for all, as in a comparison
    setup = prepare(scenario, 11, opening_state(uninsured), END)
    return setup, [simulate(setup, r) for r in range(3)]


def rows(setup: Any, worlds: list[Any]) -> dict[str, np.ndarray]:
    summaries = [outcomes.summary(setup, w) for w in worlds]
    return {name: np.array([s[name] for s in summaries]) for name in summaries[0]}


both = pytest.mark.parametrize("mechanism", ["reduced-form", "household"])


# --- same luck, and nothing without cover ----------------------------------------------------------------


@both
def test_default_cover_is_nil_and_leaves_no_trace(mechanism: str) -> None:
    setup, worlds = county(mechanism)
    assert setup.scenario.insurance is None
    for w in worlds:
        assert "insurer" not in w.ledger.balances
        assert not w.claims.insurer_part.any()
        summary = outcomes.summary(setup, w)
        assert summary["waterfall_insurer_fen"] == summary["recovered_to_insurer_fen"] == 0
        assert not any("premium" in name for name in summary)


def test_insured_loans_change_no_fate_of_any_loan() -> None:
    """Applications, ids, fates, causes, findings and collections by the same luck, to the bit."""
    for residual in (False, True):
        for a, b in zip(county("reduced-form")[1], county("reduced-form", 0.5, residual=residual)[1], strict=True):
            assert np.array_equal(a.demand.id, b.demand.id)
            for name in ("fate", "missed", "repaid", "cause", "renewed"):
                assert np.array_equal(getattr(a.demand_fates, name), getattr(b.demand_fates, name)), name
            mine, other = {}, {}
            for w, out in ((a, mine), (b, other)):
                ids = w.loans.id[w.claims.row]
                out |= dict(zip(ids.tolist(), zip(w.claims.amount, w.claims.recovered_on, strict=True), strict=True))
            for key in mine.keys() & other.keys():
                assert mine[key] == other[key]


@pytest.mark.parametrize("index", ["", "household"])
def test_cover_leaves_the_luck_of_simulated_households(index: str) -> None:
    for a, b in zip(county("household")[1], county("household", 0.5, index)[1], strict=True):
        x, y = a.community, b.community
        for name in ("index", "severity", "crop_lost"):
            assert getattr(x.sky, name).tobytes() == getattr(y.sky, name).tobytes()
        assert x.price.tobytes() == y.price.tobytes()
        for name in ("harvest_ppm", "wage_ppm", "health"):
            assert np.array_equal(getattr(x.people, name), getattr(y.people, name))


# --- a claim on an insured loan ----------------------------------------------------------------------


@both
def test_insured_loans_leave_the_fund(mechanism: str) -> None:
    """The insurer pays four fifths, the bank bears the rest, the fund nothing; the uninsured are as they were."""
    setup, worlds = county(mechanism, 0.5)
    n = 0
    for w in worlds:
        c, ids = w.claims, w.loans.id[w.claims.row]
        insured = insurance.is_insured(setup.scenario.insurance.loans, ids)
        insured &= c.decided >= np.where(c.insurer_part > 0, 0, setup.first_day)  # not what the fund had settled
        out = insured & ~c.is_refused
        assert (c.fund_part[out] == 0).all() and (c.paid[insured] == 0).all()
        assert np.array_equal(c.insurer_part[out], (c.amount[out] * 8 + 5) // 10)
        assert np.array_equal(c.insurer_part + c.fund_part + c.bank_part, c.amount)
        assert (c.insurer_part[~out] == 0).all() and (c.insurer_on[~insured] == NEVER).all()
        late = clock.month_of(c.insurer_on[out]) - clock.month_of(c.filed[out] + 45)
        assert (late == 0).all()
        assert (c.insurer_on[out] >= c.filed[out] + 45).all()
        paid = {i for i, _, _ in w.insurer.claims}
        for i in np.flatnonzero(out & (c.insurer_on <= END)):
            assert (int(i) in paid) == (c.recovered_on[i] > c.insurer_on[i] and c.insurer_on[i] >= setup.first_day)
        n += len(paid)
    assert n > 5


@both
def test_the_fund_pays_its_share_of_what_the_insurer_leaves(mechanism: str) -> None:
    _, worlds = county(mechanism, 0.5, residual=True)
    n = 0
    for w in worlds:
        c = w.claims
        out = c.insurer_part > 0
        left = (c.amount - c.insurer_part)[out]
        assert np.array_equal(c.fund_part[out], (left * 7 + 5) // 10)
        assert np.array_equal(c.insurer_part + c.fund_part + c.bank_part, c.amount)
        n += int((c.paid[out] > 0).sum())
    assert n > 3


@both
@pytest.mark.parametrize("residual", [False, True])
def test_nothing_is_lost_and_the_insurers_column_is_real(mechanism: str, residual: bool) -> None:
    """`outcomes.summary` adds the waterfall up to the fen; the ledger's balance is premiums less payments."""
    setup, worlds = county(mechanism, 0.5, residual=residual)
    first, last = outcomes.year_span(2018)
    for w in worlds:
        summary = outcomes.summary(setup, w)
        assert summary["waterfall_insurer_fen"] >= summary["insurer_paid_loans_fen"]
        assert summary["insurer_paid_loans_fen"] == sum(f for _, day, f in w.insurer.claims if first <= day <= last)
        paid, kept = sum(f for *_, f in w.insurer.claims), sum(f for *_, f in w.flows.insurer_returns)
        assert w.ledger.balances["insurer"] == sum(f for *_, f in w.insurer.premiums) - paid + kept
        assert paid > 0


def test_what_is_collected_later_returns_by_the_parts() -> None:
    """To the insurer the part it paid, then to the fund its share of the rest."""
    seen = 0
    for residual in (False, True):
        _, worlds = county("reduced-form", 0.5, residual=residual)
        for w in worlds:
            c, legs = w.claims, {(i, day): fen for i, day, fen in w.flows.insurer_returns}
            for i, day, fund, bank in w.flows.returns:
                insurer = legs.get((i, day), 0)
                assert insurer + fund + bank == c.amount[i]
                assert insurer == (c.insurer_part[i] if c.insurer_on[i] < c.recovered_on[i] else 0)
                seen += insurer > 0
    assert seen > 3


def test_the_shadow_account_gets_back_what_the_real_one_does() -> None:
    """Where the fund shares what the insurer leaves, its returns are of that rest: claim by claim, and in every account."""
    seen = 0
    setup, worlds = county("reduced-form", 1.0, residual=True)
    for w in worlds:
        c = w.claims
        _, back = filing.returns(setup, c, c.due)
        for i, _, fund, _ in w.flows.returns:
            if c.paid[i] == c.fund_part[i] and c.due[i] < c.recovered_on[i] and c.due[i] >= setup.first_day:
                assert back[i] == fund
                seen += c.insurer_part[i] > 0
    assert seen > 0


@both
def test_full_cover_of_all_loans_empties_the_funds_need(mechanism: str) -> None:
    """In pairs: the need falls in no history to more than before, and all insured to (nearly) nothing."""
    none = rows(*county(mechanism, 1.0))
    assert (none["payout_fen"] == 0).all() and (none["need_fen"] == 0).all()
    runs = [county(mechanism), county(mechanism, 0.5, residual=True), county(mechanism, 0.5), county(mechanism, 1.0)]
    paid = [sum(f for w in worlds for *_, f in w.flows.payments) for _, worlds in runs]
    assert paid[0] > paid[1] > paid[2] > paid[3] == 0


# --- premiums ----------------------------------------------------------------------------------------


def test_premium_of_one_loan_by_hand() -> None:
    """50,000 yuan for 365 days at 1.2 per cent by days over 360: 608.33 yuan, 30 per cent of it the household's."""
    parts = insurance.shared(np.array([60_833]), LOANS["paid_by"])
    assert {k: int(v[0]) for k, v in parts.items()} == {"household": 18_250, "county": 42_583, "bank": 0}
    parts = insurance.shared(np.array([1, 2, 3]), {"household": 1 / 3, "county": 1 / 3, "bank": 1 / 3})
    assert np.array_equal(sum(parts.values()), [1, 2, 3])


@both
def test_premiums_are_those_of_the_loans_signed(mechanism: str) -> None:
    setup, worlds = county(mechanism, 0.5)
    for w in worlds:
        new = w.loans.start >= setup.first_day
        new &= insurance.is_insured(setup.scenario.insurance.loans, w.loans.id)
        days = (w.loans.due - w.loans.start)[new]
        # a called loan's date in the book is that of its contract still
        by_hand = (w.loans.balance[new] * 12_000 * days + 180_000_000) // 360_000_000
        assert sum(f for *_, f in w.insurer.premiums) == int(by_hand.sum()) > 0
        share = sum(f for _, _, payer, f in w.insurer.premiums if payer == "household") / by_hand.sum()
        assert share == pytest.approx(0.3, abs=1e-4)


# --- weather index -----------------------------------------------------------------------------------


def test_the_index_pays_from_its_trigger_to_its_end() -> None:
    cover = sim.scenario("x-county-households").with_changes({"insurance": {"index": INDEX}}).insurance.index
    assert cover is not None
    assert paid_share(cover, np.array([0.0, -1.0, -1.75, -2.5, -4.0])) == pytest.approx([0, 0, 0.5, 1, 1])


def test_a_dry_season_pays_every_insured_household_of_the_township() -> None:
    """By the township's mean index of November to April, at the end of May, by head and mu, whatever was lost."""
    setup, worlds = county("household", index="household")
    cover = setup.scenario.insurance.index
    r = setup.households.register
    bought = sum_insured = None
    for w in worlds:
        sky = w.community.sky
        season = np.concatenate([sky.past, sky.index])[22:28].mean(axis=0)  # November 2017 to April 2018
        share = np.clip((-1.0 - season) / 1.5, 0, 1)
        u = sim.streams.uniforms(sim.streams.stream_key(7, "insurance.index"), 0, 0, r.id)[0]
        bought, sum_insured = u < 0.6, r.persons * 120_000
        by_hand = np.where(bought, np.floor(sum_insured * share[r.township] + 0.5), 0)
        may = clock.day_of(dt.date(2018, 5, 31))
        assert sum(f for day, f in w.insurer.payouts if day == may) == by_hand.sum()
    assert bought is not None and 0.5 < bought.mean() < 0.7
    assert cover is not None and any(w.insurer.payouts for w in worlds)


def sample(columns: dict[str, np.ndarray]) -> Sample:
    return Sample(pd.DataFrame(columns), None)


def test_index_and_own_loss_part_which_is_the_basis_risk() -> None:
    """Correlated, for drought is in both; far below one, for fields and luck differ."""
    columns = rows(*county("household", index="household"))
    assert columns["basis_n"].min() > 100
    found = basis_correlation(sample(columns))
    assert found.value is not None and found.ci95 is not None
    assert 0.1 < found.value < 0.95


def test_the_correlation_is_that_of_all_households_together() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.random((2, 40, 25))
    y = 0.5 * x + y
    each = (np.full(40, 25.0), x.sum(1), y.sum(1), (x * x).sum(1), (y * y).sum(1), (x * y).sum(1))
    found = basis_correlation(sample(dict(zip((f"basis_{name}" for name in insurance.BASIS), each, strict=True))))
    r = float(np.corrcoef(x.ravel(), y.ravel())[0, 1])
    assert found.value == pytest.approx(r, abs=0.01)
    assert found.ci95 is not None
    by_theory = 1.96 * (1 - r * r) / np.sqrt(x.size)
    assert (found.ci95[1] - found.ci95[0]) / 2 == pytest.approx(by_theory, rel=0.4)


def test_loss_ratio_is_mean_payment_over_mean_premium() -> None:
    columns = rows(*county("household", 0.5, "household"))
    figures = insurance_figures(sample(columns))["insurance"]
    for kind in (insurance.LOANS, insurance.INDEX):
        paid, premium = columns[f"insurer_paid_{kind}_fen"].sum(), columns[f"premium_{kind}_fen"].sum()
        assert figures[kind]["loss_ratio"]["value"] == pytest.approx(paid / premium)
        assert figures[kind]["premium_yuan"]["value"] == pytest.approx(premium / 300, abs=0.01)
    by_payer = sum(columns[f"premium_by_{payer}_fen"].sum() for payer in insurance.PAYERS)
    assert by_payer == columns["premium_loans_fen"].sum() + columns["premium_index_fen"].sum()
    nothing = sample({"premium_loans_fen": np.zeros(2), "insurer_paid_loans_fen": np.zeros(2)})
    assert loss_ratio(nothing, "loans").value is None
    assert insurance_figures(sample(rows(*county("household")))) == {}


def test_a_payout_to_the_bank_lowers_the_loan_and_not_the_cash() -> None:
    """The same payout; what the bank keeps is off the principal of open loans, which end on their dates."""
    _, to_bank = county("household", index="bank")
    _, to_household = county("household", index="household")
    for a, b in zip(to_bank, to_household, strict=True):
        may = [f for day, f in b.insurer.payouts if day == clock.day_of(dt.date(2018, 5, 31))]
        assert [f for day, f in a.insurer.payouts if day == clock.day_of(dt.date(2018, 5, 31))] == may
    assert any((w.loans.balance % 1_000_000 != 0).any() for w in to_bank)
    assert all((w.loans.balance % 1_000_000 == 0).all() for w in to_household)
    assert all((w.loans.balance >= 100).all() for w in to_bank)


def test_no_weather_no_premium_and_no_payout() -> None:
    setup, _ = county("household", index="household")
    scenario = setup.scenario.with_changes({"livelihoods.weather.on": False})
    w = simulate(prepare(scenario, 11, opening_state(scenario), END), 0)
    assert not w.insurer.premiums and not w.insurer.payouts


# --- relief ------------------------------------------------------------------------------------------


def test_relief_reaches_all_households_of_hit_townships_once_a_drought_year_and_later() -> None:
    setup, without = county("household")
    terms = {"from_severity": 0.25, "yuan_per_head": 60, "after_months": 2}
    scenario = setup.scenario.with_changes({"livelihoods.weather.relief": terms})
    setup = prepare(scenario, 11, opening_state(scenario), END)
    r, paid = setup.households.register, 0
    for k in range(3):
        w = simulate(setup, k)
        sky = w.community.sky
        assert sky.index.tobytes() == without[k].community.sky.index.tobytes()
        for day, fen in w.relief:
            month = int(clock.month_of(np.array([day]))[0]) - setup.first_month
            hit = sky.relief[month]
            assert fen == int((r.persons[hit[r.township]] * 6000).sum())
            if month >= 2:
                assert (sky.severity[month - 2, hit] >= 0.25).all()
            paid += fen
        first_year = sky.relief[:10].sum(axis=0)  # to October 2018
        assert (first_year <= 1).all()
        assert w.ledger.balances["county"] < 0
        summary = outcomes.summary(setup, w)
        first, last = outcomes.year_span(2018)
        assert summary["drought_relief_fen"] == sum(f for day, f in w.relief if first <= day <= last)
    assert paid > 0


# --- bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field", "allowed"),
    [
        ({"insurance": {"loans": LOANS | {"paid_by": {"household": 0.5}}}}, "insurance.loans.paid_by", "add up to 1"),
        (
            {"insurance": {"loans": LOANS | {"loss_share": 1.2}}},
            "insurance.loans.loss_share",
            "less than or equal to 1",
        ),
        ({"insurance": {"index": INDEX | {"months": [11, 1]}}}, "insurance.index.months", "months in a row"),
        ({"insurance": {"index": INDEX | {"exhausted_at": -0.5}}}, "insurance.index.exhausted_at", "below the trigger"),
        ({"insurance": {"index": INDEX}}, "insurance.index", "households that are simulated"),
    ],
)
def test_bad_cover_is_refused_in_one_line(changes: Any, field: str, allowed: str, refuses: Any) -> None:
    refuses(lambda: sim.scenario("x-county").with_changes(changes), field, allowed)


@pytest.mark.parametrize(
    ("cover", "field", "allowed"),
    [
        ({"loans": LOANS}, "insurance.loans", "its bank has no loss"),
        ({"index": INDEX | {"pays_to": "bank"}}, "insurance.index.pays_to", "household where the township borrows"),
    ],
)
def test_cover_that_can_have_no_effect_where_the_township_borrows(
    cover: Any, field: str, allowed: str, refuses: Any
) -> None:
    """Premiums without cover, and money off a loan that the household does not owe the bank."""
    scenario = sim.scenario("mouding-groups").with_changes({"insurance": cover})
    error = refuses(lambda: check_lending(scenario, scenario.law()), field, allowed)
    assert "loan.borrower_of_record, Mouding town's report" in error.allowed
    fine = sim.scenario("mouding-groups").with_changes({"insurance": {"index": INDEX}})
    check_lending(fine, fine.law())


def test_what_the_fund_had_settled_before_stays_the_funds() -> None:
    """Cover that begins on the information date: claims decided and paid before keep their parts, insured or not."""
    setup, worlds = county("reduced-form", 1.0)
    for w in worlds:
        old = (w.claims.decided >= 0) & (w.claims.decided < setup.first_day)
        settled = old & ~w.claims.is_refused
        assert settled.any()
        assert (w.claims.fund_part[settled] > 0).all() and (w.claims.insurer_part[old] == 0).all()
        assert (w.claims.insurer_part[~old & ~w.claims.is_refused] > 0).all()


def test_frozen_state_knows_what_the_insurer_has_paid() -> None:
    """A warm-up with insured loans: claims that the insurer settled are over, none is paid twice, the ledger holds."""
    base = sim.scenario("x-county").with_changes(
        {
            "lenders": lenders(),
            "defaults.anchor": "high",
            "uncertain": [],
            "insurance": {"loans": LOANS | {"insured_share": 1.0}},
        }
    )
    setup = prepare(base, 11, opening_state(base), END)
    w = simulate(setup, 0)
    old = w.loans.paid[w.claims.row] >= 0
    assert old.any()
    assert not {i for i, _, _ in w.insurer.claims} & set(np.flatnonzero(old).tolist())
    assert (w.claims.insurer_on[old] < setup.first_day).all()
    assert outcomes.summary(setup, w)["need_fen"] == 0
    assert (w.claims.recovered_on[old] <= FAR).all()
