"""The state on the information date: from a loan table, from totals, from a warm-up; kept and read back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sim
from sim import clock
from sim.lending.loans import CLAIM, NEVER, OPEN, OVERDUE, PAID
from sim.opening import MAX_STACK, OpeningState, long_before, stack_classes
from sim.replication import prepare, simulate
from sim.scenario import SCENARIOS, Scenario
from sim.warmup import WRITTEN_OFF_AFTER, freeze, opening_state

ON = clock.day_of(dt.date(2018, 1, 1))
Refuses = Callable[..., Any]


def row(i: int, matures: str, **more: Any) -> dict[str, Any]:
    base = {
        "loan_id": i, "household_id": 100 + i, "lender": "rcc", "township": "t01", "principal_fen": 5_000_000,
        "balance_fen": 5_000_000, "originated_on": "2016-07-01", "matures_on": matures, "rate_ppm": 47_500,
    }  # fmt: skip
    return base | more


@pytest.fixture
def from_rows(small: Scenario, tmp_path: Path) -> Callable[[list[dict[str, Any]]], OpeningState]:
    def make(rows: list[dict[str, Any]]) -> OpeningState:
        path = tmp_path / "book.csv"
        pd.DataFrame(rows).to_csv(path, index=False)
        return opening_state(small.with_changes({"opening.kind": "table", "opening.file": str(path)}))

    return make


# --- table -------------------------------------------------------------------------------------------


def test_stages_by_days_overdue(from_rows: Any) -> None:
    """On 1 January 2018: due today is open; 1 and 89 days are overdue; day 90 is a claim."""
    dates = ["2018-01-01", "2017-12-31", "2017-10-04", "2017-10-03", "2019-07-01"]
    loans = from_rows([row(i, d) for i, d in enumerate(dates)]).loans
    status = dict(zip(loans.id.tolist(), loans.status.tolist(), strict=True))
    assert status == {0: OPEN, 1: OVERDUE, 2: OVERDUE, 3: CLAIM, 4: OPEN}


def test_a_claim_that_should_have_been_paid_long_ago_is_filed_now(from_rows: Any) -> None:
    """Day 90 in May 2017 would have been paid in 2017; day 90 in November 2017 is on its ordinary way."""
    loans = from_rows([row(1, "2017-02-01"), row(2, "2017-09-01"), row(3, "2019-01-01")]).loans
    filed = dict(zip(loans.id.tolist(), loans.filed.tolist(), strict=True))
    assert filed == {1: ON, 2: clock.day_of(dt.date(2017, 9, 1)) + 110, 3: NEVER}


def test_known_filing_dates_are_kept(from_rows: Any) -> None:
    loans = from_rows([row(1, "2017-09-01", filed_on="2017-12-05"), row(2, "2019-01-01", filed_on="")]).loans
    assert loans.filed[0] == clock.day_of(dt.date(2017, 12, 5))


def test_an_extension_moves_the_day_from_which_a_loan_is_overdue(from_rows: Any) -> None:
    loans = from_rows([row(1, "2017-06-01", overdue_since="2017-12-01"), row(2, "2019-01-01", overdue_since="")]).loans
    assert (loans.status.tolist(), loans.due[0]) == ([OVERDUE, OPEN], clock.day_of(dt.date(2017, 12, 1)))


def test_repaid_loans_are_left_out(from_rows: Any) -> None:
    assert from_rows([row(1, "2019-01-01"), row(2, "2019-01-01", balance_fen=0)]).loans.id.tolist() == [1]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"originated_on": "2018-01-01"}, "originated_on"),
        ({"originated_on": "2017-06-01", "matures_on": "2017-05-01"}, "matures_on"),
        ({"rate_ppm": 4.75}, "rate_ppm"),
        ({"rate_ppm": 400_000}, "rate_ppm"),
        ({"filed_on": "2017-12-01"}, "filed_on"),
        ({"filed_on": "2018-02-01"}, "filed_on"),
        ({"overdue_since": "2018-02-01"}, "overdue_since"),
        ({"household_id": ""}, "household_id"),
        ({"loan_id": "A7"}, "loan_id"),
        ({"balance_fen": 9e18, "principal_fen": 9e18}, "principal_fen"),
    ],
    ids=lambda x: str(x),
)
def test_rows_that_cannot_be(change: dict[str, Any], field: str, from_rows: Any, refuses: Refuses) -> None:
    refuses(lambda: from_rows([row(1, "2019-01-01"), row(2, "2019-01-01", **change)]), f"row 3, {field}", "")


def test_stacked_households_have_their_class(from_rows: Any) -> None:
    rows = [row(i, "2019-01-01", household_id=h) for i, h in enumerate([5, 7, 7, *[9] * 8])]
    loans = from_rows(rows).loans
    by_household = {int(h): int(c) for h, c in zip(loans.household, loans.p_class, strict=True)}
    assert by_household == {5: 0, 7: 1, 9: MAX_STACK - 1}
    assert (stack_classes(loans) == loans.p_class).all()


def test_order_of_rows_is_irrelevant(from_rows: Any) -> None:
    draw = np.random.Generator(np.random.PCG64(1))
    rows = [
        row(i, f"201{draw.integers(7, 10)}-0{draw.integers(1, 10)}-15", household_id=int(draw.integers(30)))
        for i in range(60)
    ]
    shuffled = [rows[i] for i in draw.permutation(60)]
    assert from_rows(rows).sha256 == from_rows(shuffled).sha256


@pytest.mark.parametrize(
    ("change", "field", "allowed", "nearest"),
    [
        ({"lender": "rc"}, "row 2, lender", "one of ['rcc', 'psbc']", "rcc"),
        ({"township": "t1"}, "row 2, township", "one of", "t12"),
        ({"balance_fen": 5_000_001}, "row 2, balance_fen", "at most the principal", None),
        ({"balance_fen": 0}, "balance_fen", "at least one loan open on 2018-01-01", None),
    ],
)
def test_refused_table(
    change: dict[str, Any], field: str, allowed: str, nearest: str | None, from_rows: Any, refuses: Refuses
) -> None:
    more = {} if nearest is None or nearest == "t12" else {"nearest": nearest}
    refuses(lambda: from_rows([row(1, "2019-01-01", **change)]), field, allowed, where="book.csv", **more)


def test_a_missing_column_is_named(from_rows: Any, refuses: Refuses) -> None:
    rows = [{k: v for k, v in row(1, "2019-01-01").items() if k != "rate_ppm"}]
    refuses(lambda: from_rows(rows), "rate_ppm", "columns [")


def test_a_table_without_rows_or_file(small: Scenario, tmp_path: Path, refuses: Refuses) -> None:
    path = tmp_path / "book.csv"
    scenario = small.with_changes({"opening.kind": "table", "opening.file": str(path)})
    refuses(lambda: opening_state(scenario), "file", "riskfund data import", where="book.csv")
    path.write_text("")
    refuses(lambda: opening_state(scenario), "file", "riskfund data import", where="book.csv")
    path.write_text("loan_id\n")
    refuses(lambda: opening_state(scenario), "rows", "at least one row", where="book.csv")


@pytest.mark.parametrize("column", ["matures_on", "originated_on"])
def test_an_unreadable_date_is_refused(column: str, from_rows: Any, refuses: Refuses) -> None:
    refuses(lambda: from_rows([row(1, "2019-01-01", **{column: "soon"})]), f"row 2, {column}", "a date")


def test_a_loan_stands_once(from_rows: Any) -> None:
    with pytest.raises(sim.InputError):
        from_rows([row(1, "2019-01-01"), row(1, "2019-01-01")])


# --- totals by township ------------------------------------------------------------------------------

TOTALS = """# a comment
township,loans,balance_10k_yuan,overdue_loans,overdue_10k_yuan,overdue_loans_total,overdue_10k_yuan_total
t01,40,180.55,3,10.01,9,30.17
t02,25,99.99,,,,
t03,10,50.00,,,,
"""


def from_totals(small: Scenario, tmp_path: Path, text: str = TOTALS, **changes: Any) -> OpeningState:
    path = tmp_path / "totals.csv"
    path.write_text(text)
    return opening_state(small.with_changes({"opening.kind": "townships", "opening.file": str(path), **changes}))


def test_totals_are_met_to_the_fen(small: Scenario, tmp_path: Path) -> None:
    loans = from_totals(small, tmp_path).loans
    late = loans.due < ON
    for township, count, fen in ((0, 40, 180_550_000), (1, 25, 99_990_000), (2, 10, 50_000_000)):
        rows = loans.township == township
        assert rows.sum() == count
        assert loans.balance[rows].sum() == fen
    assert late.sum() == 9
    assert loans.balance[late].sum() == 30_170_000
    assert loans.balance[late & (loans.township == 0)].sum() == 10_010_000
    assert (late & (loans.township == 0)).sum() == 3
    assert (loans.start < ON).all()
    assert (loans.balance > 0).all()
    assert (loans.start < loans.due).all()
    assert set(loans.status[~late]) == {OPEN}
    assert set(loans.status[late]) <= {OVERDUE, CLAIM}


def test_a_synthetic_book_has_its_own_seed(small: Scenario, tmp_path: Path) -> None:
    one, two = from_totals(small, tmp_path), from_totals(small, tmp_path)
    other = from_totals(small, tmp_path, **{"opening.warm_up_seed": 5})
    assert one.sha256 == two.sha256 != other.sha256
    assert one.loans.balance.sum() == other.loans.balance.sum()


def test_the_real_county_is_met_to_the_fen() -> None:
    if not (SCENARIOS / "luoping-2023.toml").is_file():
        pytest.skip("not shipped")
    scenario = sim.scenario("luoping-2023")
    state = opening_state(scenario)
    loans = state.loans
    assert len(loans) == 1048
    frame = pd.read_csv(SCENARIOS / "luoping-2023.csv", comment="#")
    by_township = np.bincount(loans.township, weights=loans.balance).astype(np.int64)
    keys = [t.key for t in scenario.townships]
    exact = [round(frame.set_index("township").loc[k, "balance_10k_yuan"] * 1e6) for k in keys]
    assert by_township.tolist() == exact
    assert np.bincount(loans.township).tolist() == [int(frame.set_index("township").loc[k, "loans"]) for k in keys]
    late = loans.due < state.day
    assert (late.sum(), loans.balance[late].sum()) == (75, 235_150_000)


def test_an_unknown_township_is_refused(small: Scenario, tmp_path: Path, refuses: Refuses) -> None:
    refuses(
        lambda: from_totals(small, tmp_path, TOTALS.replace("t03", "t33")), "row 5, township", "one of", found="t33"
    )


@pytest.mark.parametrize(
    "text",
    [
        None,
        TOTALS.replace("overdue_loans_total", "overdue_total"),
        TOTALS.replace("t03,10,", "t03,ten,"),
        TOTALS.replace("t01,40,180.55,3,", "t01,2,180.55,3,"),
    ],
    ids=["no file", "no column", "not a number", "more overdue than loans"],
)
def test_refused_totals(text: str | None, small: Scenario, tmp_path: Path) -> None:
    with pytest.raises(sim.InputError):
        if text is None:
            opening_state(small.with_changes({"opening.kind": "townships", "opening.file": str(tmp_path / "no.csv")}))
        else:
            from_totals(small, tmp_path, text)


# --- warm-up -----------------------------------------------------------------------------------------


def test_the_warm_up_begins_longest_term_and_a_year_earlier(small: Scenario) -> None:
    assert long_before(small) == dt.date(2014, 1, 1)


def test_a_warmed_up_book(small: Scenario, opening: OpeningState) -> None:
    loans = opening.loans
    held = loans.status != PAID
    limit = np.array([600_000_000, 200_000_000])
    used = np.bincount(loans.lender[held], weights=loans.balance[held])
    assert (used <= limit).all()
    assert (used > 0.75 * limit).all()
    assert (loans.start < ON).all()
    assert (loans.due[loans.status == OPEN] >= ON).all()
    assert (loans.due[loans.status != OPEN] < ON).all()
    assert (loans.cause[loans.status == CLAIM] >= 0).all()
    assert opening.sha256 == opening_state(small).sha256


def test_what_the_frozen_state_remembers(tight: Scenario) -> None:
    """Each loan's stage against the warm-up history itself, one that leaves loans of every stage."""
    tight = tight.with_changes({"opening.warm_up_seed": 20160701})
    from sim import opening as opening_module

    start = opening_module.empty(tight, clock.day_of(long_before(tight)))
    setup = prepare(tight, tight.opening.warm_up_seed, start, ON - 1)
    world = simulate(setup, 0)
    state = freeze(setup, world, ON)
    claims = {int(world.loans.id[r]): i for i, r in enumerate(world.claims.row)}
    fates = {int(i): k for k, i in enumerate(world.loans.id)}
    kept = set(state.loans.id.tolist())
    for loan, k in fates.items():
        claim, c = claims.get(loan), world.claims
        gone = 0 <= world.fates.repaid[k] < ON
        if claim is not None and c.entitled[claim] < ON:
            gone |= c.recovered_on[claim] < ON
            gone |= bool(c.is_refused[claim]) and 0 < c.decided[claim] < ON - WRITTEN_OFF_AFTER
        assert (loan in kept) == (not gone)
    for k, loan in enumerate(state.loans.id.tolist()):
        stage, claim, c = state.loans.status[k], claims.get(loan), world.claims
        if stage in (CLAIM, PAID):
            assert claim is not None
            assert c.entitled[claim] < ON
            assert (stage == PAID) == (c.paid[claim] >= c.fund_part[claim] and c.paid_on[claim] < ON)
            if state.loans.refused[k] != NEVER:
                assert c.is_refused[claim]
    assert {OPEN, OVERDUE, CLAIM, PAID} == set(state.loans.status.tolist())
    assert state.fund_fen == tuple(world.ledger.balances[f"fund:{i}"] for i in (0, 1))


def test_an_approved_claim_that_waits_keeps_its_place(tight_setup: Any) -> None:
    loans = tight_setup.opening.loans
    queue = (loans.status == CLAIM) & (loans.approved >= 0)
    assert queue.any()
    assert (loans.approved[queue] < ON).all()


def test_a_start_from_nothing(small: Scenario) -> None:
    state = opening_state(small.with_changes({"opening.kind": "empty"}))
    assert (len(state.loans), state.fund_fen, state.day) == (0, (60_000_000, 20_000_000), ON)


def test_a_renewed_book_balances(small: Scenario) -> None:
    """Loans renewed before the information date come due a second time."""
    renewed = small.with_changes(
        {"rules.loan.renewals_max": 1, "defaults.renewed_instead": 0.6, "defaults.anchor": "high"}
    )
    state = opening_state(renewed)
    assert (state.loans.due[state.loans.status == OPEN] >= ON).all()
    assert (state.loans.p_class == MAX_STACK).any()
    simulate(prepare(renewed, 1, state, ON + 364), 0)


@pytest.mark.parametrize("date", [dt.date(2017, 9, 30), dt.date(2017, 10, 15)], ids=str)
def test_an_information_date_within_a_month(date: dt.date, small: Scenario) -> None:
    state = opening_state(small.with_changes({"information_on": date}))
    assert state.day == clock.day_of(date)


# --- kept and read back ------------------------------------------------------------------------------


def test_saved_and_read_back(opening: OpeningState, tight_setup: Any, tmp_path: Path) -> None:
    for k, state in enumerate((opening, tight_setup.opening)):
        path = tmp_path / f"{k}.parquet"
        state.save(path)
        again = OpeningState.load(path)
        assert again.sha256 == state.sha256
        assert again.lists == state.lists
        assert again.loans.frame().equals(state.loans.frame())


def test_the_hash_sees_everything(opening: OpeningState) -> None:
    from dataclasses import replace

    balance = opening.loans.balance.copy()
    balance[0] += 1
    others = [
        replace(opening, loans=opening.loans.replace(balance=balance)),
        replace(opening, day=opening.day + 1),
        replace(opening, subsidy_cash_fen=opening.subsidy_cash_fen + 1),
        replace(opening, fund_fen=(0, 0)),
        replace(opening, lists=()),
        replace(opening, last_settlement=0),
    ]
    assert len({opening.sha256, *(o.sha256 for o in others)}) == 7
