"""Trap 7: renewals hide default, reported repayment is an administrative number, fast new lending dilutes arrears."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sim import clock, outcomes, reporting

FIRST, LAST = outcomes.year_span(2018)
RENEWED = {"rules.loan.renewals_max": 1, "defaults.renewed_instead": 1.0}
TOWN = {"rules.loan.borrower_of_record": "township"}


def total(histories: Any, key: str) -> int:
    return sum(row[key] for *_, row in histories)


def test_renewal_reports_full_repayment_and_hides_every_default(county: Any) -> None:
    """A drought spring in which everything that falls due is reported as collected, and lent again."""
    dry = {"defaults.drought.p_normal_to_dry": 1.0, "defaults.drought.p_dry_to_dry": 1.0}
    honest, hidden = county(dry), county({**dry, **RENEWED})
    due = total(hidden, "due_fen")
    assert total(hidden, "reported_repaid_fen") == due == total(honest, "due_fen")
    assert total(hidden, "households_repaid_fen") < 0.95 * due
    assert total(hidden, "hidden_fen") == due - total(hidden, "households_repaid_fen")
    assert total(honest, "hidden_fen") == 0
    assert total(honest, "reported_repaid_fen") < due
    from_nobody = 0
    for setup, world, _ in hidden:
        months = outcomes.months(setup, world)
        spring = (months["month"] % 12 == 3) & (months["month"] // 12 == 2018 - 1970)
        loans = world.loans
        falls_due = (clock.month_of(loans.due) == months["month"][spring][0]) & (loans.status != 3)
        reported = months["collected_fen"][spring].sum() + months["renewed_fen"][spring].sum()
        assert reported == loans.balance[falls_due].sum()
        from_nobody += int(months["renewed_fen"][spring].sum())
        assert months["lent_fen"][spring].sum() > 0
    assert from_nobody > 0


def test_hidden_defaults_come_back_at_the_second_maturity(county: Any) -> None:
    """Half of them, with the share that is given."""
    back = hidden = 0
    for _, world, _ in county({**RENEWED, "defaults.anchor": None, "defaults.p_default": 0.3}):
        again = (world.fates.renewed == 1) & (world.fates.missed <= LAST + 365)
        hidden += int(again.sum())
        back += int((again & (world.fates.fate == 2)).sum())
    assert hidden > 100
    assert back / hidden == pytest.approx(0.5, abs=4 * np.sqrt(0.25 / hidden))


def test_a_town_that_repays_the_bank_reports_a_hundred_per_cent(county: Any) -> None:
    household, town = county(), county(TOWN)
    for (_, _, honest), (setup, world, row) in zip(household, town, strict=True):
        assert row["reported_repaid_fen"] == row["due_fen"]
        assert row["overdue_fen"] == row["bad_fen"] == 0
        assert row["county_paid_fen"] == row["due_fen"] - row["paid_on_date_fen"]
        # of the household nothing has changed
        same = ("due_fen", "defaulted_fen", "paid_on_date_fen", "households_repaid_fen")
        assert [row[k] for k in same] == [honest[k] for k in same]
        by_town = outcomes.townships(setup, world)
        assert (by_town["reported_repaid_fen"] == by_town["due_fen"]).all()
        assert by_town["households_repaid_fen"].sum() == row["households_repaid_fen"] < row["due_fen"]
    assert total(town, "county_paid_fen") > 0


def test_new_lending_dilutes_the_overdue_share_and_changes_no_default(county: Any) -> None:
    lending, still = county(), county({"lending.new_loans": False})
    for (_, _, fast), (_, _, none) in zip(lending, still, strict=True):
        assert fast["overdue_fen"] == none["overdue_fen"]
        assert fast["defaulted_fen"] == none["defaulted_fen"]
        assert fast["due_fen"] == none["due_fen"]
    diluted, bare = (total(h, "overdue_fen") / total(h, "outstanding_fen") for h in (lending, still))
    assert 0 < diluted < 0.8 * bare


def test_what_the_fund_has_paid_is_reported_as_repaid(county: Any) -> None:
    for setup, world, row in county():
        columns = reporting.repayment(setup, world, FIRST, LAST)
        c = world.claims
        paid = (c.paid >= c.fund_part) & (c.paid_on >= FIRST) & (c.paid_on <= LAST) & (c.missed >= FIRST)
        assert (columns["reported_repaid_fen"][c.row[paid]] > 0).all()
        assert row["reported_repaid_fen"] >= row["households_repaid_fen"]
