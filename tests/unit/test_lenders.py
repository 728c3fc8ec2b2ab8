"""Lenders: classes and provisions, margin, collection and its wages, load and refusals, caution, screening, the township."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim
from sim import booked, clock, margin, outcomes
from sim.errors import ConservationError
from sim.fund.claims_kernel import new_claims
from sim.lending import classes, collection, monitoring, screening
from sim.replication import prepare, simulate
from sim.scenario import Screening
from sim.units import interest
from sim.warmup import opening_state

FIRST, LAST = outcomes.year_span(2018)
FEES = {"normal": 0.01, "special_mention": 0.01, "substandard": 0.015, "doubtful": 0.1, "loss": 0.13, "revived": 0.01}
BANKS = {"rcc": 600_000, "psbc": 200_000}


def setup_of(scenario: Any, opening: Any, changes: dict[str, Any]) -> Any:
    return prepare(scenario.with_changes(changes, "changed"), 11, opening, LAST + 365)


# --- classes -----------------------------------------------------------------------------------------


def test_a_class_begins_on_its_day() -> None:
    limits = np.array([1, 91, 271, 361])
    days = np.array([-5, 0, 1, 90, 91, 270, 271, 360, 361, 9999])
    assert classes.class_of(days, limits).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_limits_are_dated_in_the_packs() -> None:
    days = {
        year: sim.load_pack("x-county").parameters["classes.doubtful_days"].on(dt.date(year, 12, 31)).value
        for year in (2018, 2023)
    }
    assert days == {2018: 181, 2023: 271}


@pytest.mark.parametrize("days", [[1, 91, 91, 361], [0, 91, 271, 361], [1, 271, 91, 361]])
def test_limits_that_do_not_grow_are_refused(small: Any, days: list[int], refuses: Any) -> None:
    names = ("special_mention", "substandard", "doubtful", "loss")
    changes = {f"rules.classes.{name}_days": day for name, day in zip(names, days, strict=True)}
    field = "classes.special_mention_days to classes.loss_days"
    refuses(lambda: small.with_changes(changes).law(), field, "days that grow", found=days)


@pytest.mark.parametrize("key", ["classes.provisions", "collection.fee_by_class"])
def test_a_table_by_class_knows_its_words(small: Any, key: str, refuses: Any) -> None:
    refuses(lambda: small.with_changes({f"rules.{key}": {"bad": 0.1}}).law(), f"rules.{key}", "one of", found="bad")
    wrong = small.with_changes({f"rules.{key}": {"loss": 1.5}})
    refuses(wrong.law, f"rules.{key}.loss", "a share between 0 and 1", found=1.5)


@pytest.mark.parametrize("watch", [0, 200, 400])
def test_the_monthly_classes_are_those_of_each_loan_on_the_last_day(small: Any, opening: Any, watch: int) -> None:
    """Also where renewed loans stay under observation; every class adds up to what is booked."""
    setup = setup_of(small, opening, {
        "rules.loan.renewals_max": 1, "defaults.renewed_instead": 0.5, "defaults.anchor": "high",
        "rules.classes.restructured_at_least": "substandard", "rules.classes.observation_days": watch,
    })  # fmt: skip
    seen = np.zeros(5, dtype=np.int64)
    for r in range(3):
        world = simulate(setup, r)
        held = booked.by_class(setup, world)
        months = outcomes.months(setup, world)
        assert held is not None
        assert held.sum(axis=2).ravel().tolist() == months["outstanding_fen"].tolist()
        for k, end in enumerate(setup.month_ends[:-1].tolist()):
            assert held[k].tolist() == booked.classes_at(setup, world, end).tolist()
        overdue = months["overdue_fen"].reshape(held.shape[:2])
        assert (held[:, :, 1:].sum(axis=2) >= overdue).all()
        assert (held[:, :, 1:].sum(axis=2) == overdue).all() == (watch == 0)
        seen += held.sum(axis=(0, 1))
    assert (seen > 0).all()


def test_provisions_are_shares_of_the_classes(rules: Any) -> None:
    assert classes.provisions(rules, np.array([[10_000, 1_000, 400, 200, 50]])).tolist() == [100 + 20 + 100 + 100 + 50]


def test_the_bad_loan_ratio_reads_nothing_that_comes_later(setup: Any, worlds: list[Any]) -> None:
    world, months = worlds[2], outcomes.months(setup, worlds[2])
    for k, end in enumerate(setup.month_ends[:-1].tolist()):
        rows = slice(2 * k, 2 * k + 2)
        expected = months["bad_fen"][rows] / months["outstanding_fen"][rows]
        assert booked.bad_ratio(setup, world, end).tolist() == expected.tolist()
    later = dataclasses.replace(world, claims=dataclasses.replace(world.claims))
    day = int(setup.month_ends[4])
    later.claims.recovered_on = np.where(world.claims.recovered_on > day, day + 1, world.claims.recovered_on)
    assert booked.bad_ratio(setup, later, day).tolist() == booked.bad_ratio(setup, world, day).tolist()


# --- margin ------------------------------------------------------------------------------------------


def test_a_year_of_a_lender_against_a_walk_loan_by_loan(tight_setup: Any, tight_worlds: list[Any]) -> None:
    setup = tight_setup
    for world in tight_worlds[:2]:
        table = margin.lender_years(setup, world)
        row = (table["year"] == 2018) & (table["lender"] == 0)
        gone, loans, fates = booked.gone_on(setup, world), world.loans, world.fates
        earned = carried = 0
        for i in np.flatnonzero((loans.lender == 0) & (loans.status != 3)).tolist():
            days = min(int(fates.missed[i]), LAST + 1) - max(int(loans.start[i]), FIRST)
            earned += int(interest(int(loans.balance[i]), int(loans.rate_ppm[i]), max(days, 0), 360))
            days = min(int(gone[i]), LAST + 1) - max(int(loans.start[i]), FIRST)
            carried += int(loans.balance[i]) * max(days, 0)
        assert table["interest_fen"][row] == earned
        assert table["funding_cost_fen"][row] == int(carried * 15_000 / 1_000_000 / 360 + 0.5)
        claims = world.claims
        own = 0
        for i in np.flatnonzero(claims.lender == 0).tolist():
            if claims.is_refused[i] and claims.decided[i] >= 0:
                off = int(claims.decided[i]) + 365
                own += int(claims.amount[i]) if FIRST <= off <= LAST and claims.recovered_on[i] > off else 0
            elif claims.paid[i] >= claims.fund_part[i] > 0 and FIRST <= claims.paid_on[i] <= LAST:
                own += int(claims.bank_part[i])
        assert table["losses_fen"][row] == own > 0
        plus = sum(table[f"{k}_fen"] for k in ("interest", "late_interest", "recovered"))
        minus = sum(
            table[f"{k}_fen"]
            for k in ("funding_cost", "receivable_cost", "provisions_added", "losses", "collection_fee")
        )
        assert (table["margin_fen"] == plus - minus).all()
        assert (table["provisions_fen"].reshape(-1, 2)[1:] - table["provisions_fen"].reshape(-1, 2)[:-1]).tolist() == (
            table["provisions_added_fen"].reshape(-1, 2)[1:].tolist()
        )


def test_the_receivable_and_what_it_costs_to_carry(setup: Any, worlds: list[Any]) -> None:
    for world in worlds[:3]:
        table = margin.lender_years(setup, world)
        assert table["receivable_fen"].tolist() == [world.ledger.balances[f"subsidy_due:{i}"] for i in range(2)]
        for lender in range(2):
            fen_days = 0
            for day in range(FIRST, LAST + 1):
                for i in range(len(world.lists)):
                    if world.lists.lender[i] == lender and world.lists.period_end[i] <= day:
                        fen_days += world.lists.amount[i]
                fen_days -= sum(f for i, d, f in world.lists.payments if d <= day and world.lists.lender[i] == lender)
            assert table["receivable_cost_fen"][lender] == int(fen_days * 15_000 / 1_000_000 / 360 + 0.5) > 0


def test_relending_is_cheaper_money(small: Any, opening: Any) -> None:
    """Agricultural relending less the discount of the regulation, against deposits."""
    some = setup_of(small, opening, {"lending.funding.relending_share": 1.0})
    assert margin.funding_rate(some, FIRST) == 27_500 - 10_000
    assert margin.funding_rate(setup_of(small, opening, {}), FIRST) == 15_000


# --- collection --------------------------------------------------------------------------------------


def test_fees_by_class_and_what_is_above_the_target(small: Any) -> None:
    law = small.with_changes({
        "rules.collection.fee_by_class": FEES, "rules.collection.target_share": 0.023, "rules.collection.bonus_share": 0.05,
    }).law()  # fmt: skip
    by_class = np.array([[0, 10_000, 20_000, 30_000, 40_000]])
    expected = 100 + 300 + 3_000 + 5_200 + 50 + round(0.05 * (100_000 - 23_000))
    assert collection.fees(law, by_class, np.array([5_000]), np.array([1_000_000])).tolist() == [expected]
    below = collection.fees(law, by_class, np.array([0]), np.array([100_000_000])).tolist()
    assert below == [100 + 300 + 3_000 + 5_200]


MANY = {"defaults.anchor": None, "defaults.p_default": 0.3, "defaults.recovery.first_year": 0.6}
PAID = {"rules.collection.fee_by_class": FEES, **MANY}
WAITS = {"defaults.recovery.waits_for_fee": 0.6, "rules.collection.class_counts_at": "recovery_date"}


def test_collectors_wait_for_the_doubtful_line_where_it_pays(small: Any, opening: Any) -> None:
    """Money that would come in between the two lines comes past the second; all other days stay."""
    plain, waiting = (setup_of(small, opening, {**PAID, **more}) for more in ({}, WAITS))
    delayed = between = 0
    for r in range(8):
        a, b = simulate(plain, r), simulate(waiting, r)
        ids = {int(b.loans.id[row]): k for k, row in enumerate(b.claims.row.tolist())}
        for k, row in enumerate(a.claims.row.tolist()):
            other = ids.get(int(a.loans.id[row]))
            if other is None:
                continue
            days = int(a.claims.recovered_on[k] - a.claims.missed[k])
            later = int(b.claims.recovered_on[other] - b.claims.missed[other])
            if 91 <= days < 181:
                between += 1
                delayed += later != days
                assert later == days or 181 <= later < 181 + 30
            else:
                assert later == days
        assert a.demand_fates.missed.tolist() == b.demand_fates.missed.tolist()
    assert between > 20
    assert delayed / between == pytest.approx(0.6, abs=0.25)


@pytest.mark.parametrize("counts_at", ["recovery_date", "start_of_year"])
def test_collected_money_by_the_class_that_counts(small: Any, opening: Any, counts_at: str) -> None:
    first, last = outcomes.year_span(2019)
    setup, overdue = setup_of(small, opening, {**PAID, "rules.collection.class_counts_at": counts_at}), 0
    for r in range(6):
        world = simulate(setup, r)
        expected = np.zeros((2, 5), dtype=np.int64)
        c, loans, fates = world.claims, world.loans, world.fates
        came = [(c.lender[k], c.amount[k], c.missed[k], c.recovered_on[k]) for k in range(len(c))]
        cured = np.flatnonzero(fates.fate == 1).tolist()
        came += [(loans.lender[i], loans.balance[i], fates.missed[i], fates.repaid[i]) for i in cured]
        for lender, fen, missed, day in came:
            if first <= day <= last:
                late = (day if counts_at == "recovery_date" else first) - missed
                expected[lender, sum(late >= limit for limit in (1, 91, 181, 361))] += fen
        found = margin.collected_by_class(setup, world, first, last)
        assert found.tolist() == expected.tolist()
        overdue += int(found[:, 1:].sum())
    assert overdue > 0


@pytest.mark.parametrize(
    "changes",
    [
        {"rules.collection.class_counts_at": "start_of_year"},
        {"rules.collection.fee_by_class": {"substandard": 0.1, "doubtful": 0.1}},
        {"rules.collection.fee_by_class": {}},
        {"defaults.recovery.waits_for_fee": 0.0},
    ],
)
def test_nobody_waits_where_it_does_not_pay(small: Any, opening: Any, changes: dict[str, Any]) -> None:
    base, other = (
        setup_of(small, opening, MANY),
        setup_of(small, opening, {**PAID, **WAITS, **changes}),
    )
    for r in range(2):
        assert simulate(base, r).claims.recovered_on.tolist() == simulate(other, r).claims.recovered_on.tolist()


def test_the_compiled_claims_wait_as_the_plain_ones(small: Any, opening: Any) -> None:
    setup = setup_of(small, opening, {**PAID, **WAITS, "lending.monitoring": {
        "officers": {"rcc": 1, "psbc": 3}, "loans_per_officer": 15, "refused_if_unwatched": 0.9,
    }})  # fmt: skip
    assert setup.claim_terms.negligence[0] > setup.claim_terms.negligence[1] + 0.2
    world = simulate(setup, 1)
    rows = world.claims.row[world.claims.missed >= setup.first_day]
    book = np.stack([getattr(world.loans, f.name) for f in dataclasses.fields(world.loans)])
    fates = np.stack([getattr(world.fates, f.name) for f in dataclasses.fields(world.fates)])
    out = np.empty((15, rows.size), dtype=np.int64)
    new_claims(rows, book, fates, setup.claim_terms, 1, out)
    at = {int(row): k for k, row in enumerate(world.claims.row.tolist())}
    for k, row in enumerate(out[0].tolist()):
        assert out[14, k] == world.claims.recovered_on[at[row]]
        assert bool(out[12, k]) == bool(world.claims.is_refused[at[row]])


# --- load and refused claims -------------------------------------------------------------------------


def test_negligence_grows_with_the_loans_of_an_officer(small: Any) -> None:
    capacity = {"officers": {"rcc": 10, "psbc": 10}, "loans_per_officer": 185, "refused_if_unwatched": 0.25}
    loaded = small.with_changes({"lending.monitoring": capacity})
    share = monitoring.negligence(loaded, np.array([1_850, 4_320]))
    assert share[0] == small.defaults.negligence == 0.05
    watched = 185 / 432
    assert share[1] == pytest.approx(watched * 0.05 + (1 - watched) * 0.25)
    assert (monitoring.negligence(small, np.array([1_850, 4_320])) == 0.05).all()


def test_load_refuses_claims_and_changes_nothing_else(small: Any, opening: Any) -> None:
    capacity = {"officers": {"rcc": 1, "psbc": 1}, "loans_per_officer": 20, "refused_if_unwatched": 0.5}
    high = {"defaults.anchor": "high"}
    calm, loaded = setup_of(small, opening, high), setup_of(small, opening, {**high, "lending.monitoring": capacity})
    more = 0
    for r in range(4):
        a, b = simulate(calm, r), simulate(loaded, r)
        for name in ("fate", "missed", "repaid", "cause"):
            assert getattr(a.demand_fates, name).tolist() == getattr(b.demand_fates, name).tolist()
        refused = {int(a.loans.id[row]) for row in a.claims.row[a.claims.is_refused]}
        now = {int(b.loans.id[row]) for row in b.claims.row[b.claims.is_refused]}
        both = {int(i) for i in a.loans.id[a.claims.row]} & {int(i) for i in b.loans.id[b.claims.row]}
        assert refused & both <= now
        more += len(now & both) - len(refused & both)
    assert more > 0


def test_officers_are_named_for_every_lender(small: Any, refuses: Any) -> None:
    wrong = {"lending.monitoring": {"officers": {"rcc": 3}}}
    refuses(lambda: small.with_changes(wrong), "lending.monitoring.officers", "psbc")


# --- households: screening and caution ---------------------------------------------------------------


@pytest.fixture(scope="module")
def villages(lenders: Any) -> Any:
    changes = {"livelihoods.households": 300, "lenders": lenders(600_000, 200_000), "uncertain": []}
    return sim.scenario("x-county-households").with_changes(changes, "villages")


@pytest.fixture(scope="module")
def villages_opening(villages: Any) -> Any:
    return opening_state(villages)


def test_errors_of_the_list_by_household() -> None:
    household = np.arange(1, 20_001)
    eligible = (household % 4 > 0).astype(np.int64)
    listed = screening.admitted(Screening(false_admission=0.3, false_refusal=0.1), eligible, household, 5)
    assert listed[eligible == 1].mean() == pytest.approx(0.9, abs=0.01)
    assert listed[eligible == 0].mean() == pytest.approx(0.3, abs=0.02)
    assert screening.admitted(Screening(), eligible, household, 5).tolist() == eligible.tolist()
    fewer = screening.admitted(Screening(false_refusal=0.05), eligible, household, 5)
    assert (fewer[listed * eligible == 1] == 1).all()


def test_wrongly_admitted_households_borrow_and_their_claims_are_refused(villages: Any) -> None:
    """They borrow from the first month of the warm-up on."""
    everybody = {"lending.screening": {"false_admission": 1.0}, "defaults.anchor": "high", "defaults.negligence": 0.0}
    listed = villages.with_changes(everybody)
    setup = setup_of(listed, opening_state(listed), {})
    wrongly = setup.households.wrongly_admitted
    assert 0 < wrongly.sum() < 0.1 * wrongly.size
    new = 0
    for r in range(8):
        world = simulate(setup, r)
        of_them = wrongly[world.community.owner[world.claims.row]]
        assert world.claims.is_refused[of_them].all()
        new += int((of_them & (world.claims.missed >= setup.first_day)).sum())
    assert new > 0


def test_who_is_left_off_the_list_gets_no_loan(villages: Any, villages_opening: Any) -> None:
    setup = setup_of(villages, villages_opening, {"lending.screening": {"false_refusal": 1.0}})
    world = simulate(setup, 0)
    assert world.community.lent.sum() == 0


CAUTIOUS = {"lending.appetite": {"bad_loans_above": 0.0, "bad_loans_cut": 1.0}}


def test_a_cautious_lender_turns_applications_away(villages: Any, villages_opening: Any) -> None:
    plain, cautious = (setup_of(villages, villages_opening, more) for more in ({}, CAUTIOUS))
    before, after = simulate(plain, 1), simulate(cautious, 1)
    a, b = (outcomes.summary(s, w) for s, w in ((plain, before), (cautious, after)))
    assert a["refused_lender_cautious_count"] == 0 < b["refused_lender_cautious_count"]
    assert b["lent_fen"] < a["lent_fen"]
    for k, cut in enumerate(after.community.cautions[:-1]):
        for lender in np.flatnonzero(cut == 1.0).tolist():
            assert after.community.lent[lender, k] == 0


def test_an_exhausted_account_cuts_lending(villages: Any, villages_opening: Any) -> None:
    setup = setup_of(villages, villages_opening, {"lending.appetite": {"fund_below": 1.0, "fund_cut": 0.5}})
    world = simulate(setup, 1)
    assert world.community.cautions[0].tolist() == [0.0, 0.0]  # full on the information date
    assert max(c.max() for c in world.community.cautions) == 0.5


def test_an_appetite_that_nothing_moves_changes_nothing(villages: Any, villages_opening: Any) -> None:
    never = {"lending.appetite": {"bad_loans_above": 1.0, "bad_loans_cut": 1.0, "fund_below": 0.0, "fund_cut": 1.0}}
    a, b = (simulate(setup_of(villages, villages_opening, more), 2) for more in ({}, never))
    assert a.ledger.balances == b.ledger.balances
    assert a.loans.id.tolist() == b.loans.id.tolist()


@pytest.mark.parametrize("section", [{"screening": {}}, {"appetite": {}}])
def test_what_needs_households_is_refused_without_them(small: Any, section: dict[str, Any], refuses: Any) -> None:
    name = next(iter(section))
    refuses(lambda: small.with_changes({f"lending.{name}": {}}), f"lending.{name}", "no households are simulated")


# --- the township as borrower of record --------------------------------------------------------------


TOWN = {"rules.loan.borrower_of_record": "township"}


def test_the_county_pays_on_the_date_and_gets_back_what_households_pay_later(
    villages: Any, villages_opening: Any
) -> None:
    """Every loan that came to its date is repaid to the bank; the county's account is what households did not pay."""
    setup = setup_of(villages, villages_opening, {**TOWN, "defaults.anchor": "high"})
    for r in range(2):
        world = simulate(setup, r, keep_journal=True)
        fates, loans, claims = world.fates, world.loans, world.claims
        due = (fates.missed >= setup.first_day) & (fates.missed <= setup.last_day)
        paid = {what: 0 for what in ("township repays", "paid later by households")}
        for posting in world.ledger.journal or []:
            if posting.what in paid:
                paid[posting.what] += sum(fen for account, fen in posting.legs if account == "county")
        assert paid["township repays"] == -int(loans.balance[due & (fates.fate != 0)].sum()) < 0
        late = (fates.fate == 1) & (fates.repaid <= setup.last_day)
        back = claims.recovered_on <= setup.last_day
        assert paid["paid later by households"] == int(loans.balance[late].sum() + claims.amount[back].sum())
        held = sum(world.ledger.balances[f"bank_book:{i}"] for i in range(2))
        assert held == int(loans.balance[fates.missed > setup.last_day].sum())


def test_a_lost_repayment_of_the_township_stops_the_history(small: Any, opening: Any, monkeypatch: Any) -> None:
    post = sim.ledger.Ledger.post

    def forgetful(self: Any, day: int, what: str, *legs: Any) -> None:
        if what != "township repays" or day < FIRST + 90:
            post(self, day, what, *legs)

    monkeypatch.setattr(sim.ledger.Ledger, "post", forgetful)
    with pytest.raises(ConservationError, match="loans to the township"):
        simulate(setup_of(small, opening, TOWN), 0)


# --- an old book -------------------------------------------------------------------------------------


HEAD = "days_from,days_to,loans,balance_10k_yuan\n"


@pytest.mark.parametrize(
    ("lines", "field", "allowed"),
    [
        ("1,90,10,5\n90,1,10,5\n", "row 3, days_to", "days_from or more"),
        ("-10,10,10,5\n", "row 2, days_from", "days before maturity or days overdue alone"),
        ("1,90,0,5\n", "row 2, loans", "a whole number"),
        ("1,90,10,0\n", "row 2, balance_10k_yuan", "a balance of its loans"),
    ],
)
def test_totals_by_days_overdue_that_cannot_be(
    small: Any, tmp_path: Path, lines: str, field: str, allowed: str, refuses: Any
) -> None:
    table = tmp_path / "old.csv"
    table.write_text(HEAD + lines, encoding="utf-8")
    old = small.with_changes({"opening.kind": "arrears", "opening.file": str(table)})
    refuses(lambda: opening_state(old), field, allowed)


def test_an_old_book_meets_its_totals(small: Any, tmp_path: Path) -> None:
    table = tmp_path / "old.csv"
    table.write_text(HEAD + "-365,-1,40,100\n1,89,10,5.5\n361,9000,70,7.61\n", encoding="utf-8")
    old = small.with_changes({"opening.kind": "arrears", "opening.file": str(table)})
    loans = opening_state(old).loans
    overdue = clock.day_of(old.information_on) - loans.due
    for low, high, n, fen in ((-365, -1, 40, 100_000_000), (1, 89, 10, 5_500_000), (361, 9000, 70, 7_610_000)):
        rows = (overdue >= low) & (overdue <= high)
        assert (int(rows.sum()), int(loans.balance[rows].sum())) == (n, fen)
    assert np.bincount(loans.status).tolist() == [40, 10, 70]
    assert (loans.start < loans.due).all()
