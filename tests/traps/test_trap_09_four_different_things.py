"""Trap 9: a bank's bad loans, its arrears, compensable loss and fiscal debt are four different things."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sim import outcomes
from sim.replication import prepare, simulate
from sim.warmup import opening_state

TOWN = {"rules.loan.borrower_of_record": "township"}


def test_four_keys_and_no_two_of_them_alike(county: Any) -> None:
    rows = [row for *_, row in county()]
    overdue, bad, defaulted, compensable = (
        sum(r[k] for r in rows) for k in ("overdue_fen", "bad_fen", "defaulted_fen", "compensable_fen")
    )
    assert overdue > bad  # not every loan in arrears is bad
    assert defaulted > compensable  # art. 21 and 25 refuse some
    assert len({overdue, bad, defaulted, compensable}) == 4
    by_count = sum(r["defaulted_count"] for r in rows) / sum(r["due_count"] for r in rows)
    assert by_count != defaulted / sum(r["due_fen"] for r in rows)


def test_a_towns_bad_loan_is_a_debt_of_the_county_and_nobodys_claim(county: Any) -> None:
    for _, world, row in county(TOWN):
        assert row["defaulted_fen"] > 0
        assert row["bad_fen"] == row["compensable_fen"] == row["need_fen"] == row["claimable_fen"] == 0
        assert world.flows.payments == []
        assert row["town_debt_fen"] > 0
        assert row["fiscal_debt_fen"] >= row["town_debt_fen"]
    assert all(row["town_debt_fen"] == 0 for *_, row in county())


def test_what_households_pay_later_goes_back_to_the_county(county: Any) -> None:
    """Half of it comes back within the year: the debt is what is left, with interest."""
    none, half = (
        sum(row["town_debt_fen"] for *_, row in county({**TOWN, "defaults.recovery.first_year": share, "defaults.recovery.heirs": share}))
        for share in (0.0, 0.9)
    )  # fmt: skip
    assert 0 < half < 0.8 * none


def test_an_old_book_is_nearly_all_bad_and_says_nothing_about_a_hazard(small: Any, tmp_path: Path) -> None:
    """Totals by days overdue, nothing lent for years, no fund: the ratio of a book that has run off."""
    table = tmp_path / "old.csv"
    table.write_text(
        "days_from,days_to,loans,balance_10k_yuan\n-360,-1,60,6.5\n361,7300,3000,326.1\n", encoding="utf-8"
    )
    lender = {"key": "bank", "label": {"zh": "bank", "en": "bank"}, "sub_account_yuan": 0}
    old = small.with_changes({
        "lenders": [lender], "opening.kind": "arrears", "opening.file": str(table), "lending.new_loans": False,
        "rules.loss.shares": {"bank": 1.0}, "defaults.recovery.per_year_after": 0.023,
        "defaults.causes": {"inability": 0.75, "death": 0.0, "disaster": 0.15, "wilful": 0.10, "disaster_if_hit": 0.55},
    }, "old")  # fmt: skip
    opening = opening_state(old)
    assert opening.loans.balance.sum() == 332_600_000 and len(opening.loans) == 3060
    setup = prepare(old, 3, opening, outcomes.year_span(2019)[1])
    for r in range(3):
        world = simulate(setup, r)
        row = outcomes.summary(setup, world)
        assert row["bad_fen"] / row["outstanding_fen"] > 0.97
        assert row["defaulted_fen"] < 0.2 * row["due_fen"]
        assert row["compensable_fen"] == row["need_fen"] == row["claimable_fen"] == row["fiscal_debt_fen"] == 0
        back = world.claims.recovered_on <= outcomes.year_span(2018)[1]
        assert 0.015 < back.sum() / len(world.claims) < 0.031
