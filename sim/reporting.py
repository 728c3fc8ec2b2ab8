"""Truth and report: what happened to households, what lenders book, what a town and its county report of it.

Renewal, county money on the date and fast new lending make the third look better than the first. The three are kept
apart here and set side by side in the answer (docs/model.md, section 9).
"""

from __future__ import annotations

import numpy as np

from sim import clock, firms, welfare
from sim.booked import gone_on, held_at, renewed_on, so_far
from sim.filing import claims_of
from sim.fund.claims import FAR, covered
from sim.households.reduced_form import DEFAULTED, REPAID
from sim.lending.loans import PAID, Loans
from sim.units import I64, Array, Bool, interest
from sim.world import Fates, Setup, World


def due_in(loans: Loans, fates: Fates, first: int, last: int) -> tuple[Bool, Bool, Bool]:
    """Loans whose date falls into the span (matured, called, or renewed), those renewed in it, those that defaulted.

    Defaulted loans miss their date in the span and are still unpaid on day 90.
    """
    missed = (fates.missed >= first) & (fates.missed <= last) & (loans.status != PAID)
    renewed = (fates.renewed == 1) & (loans.due >= first) & (loans.due <= last) & (loans.status != PAID)
    return missed | renewed, renewed, missed & (fates.fate == DEFAULTED)


# --- truth: households -------------------------------------------------------------------------------


def default_shares(setup: Setup, world: World, first: int, last: int) -> dict[str, int | float]:
    """Loans due in the span and what became of them, by day 90."""
    loans, fates = world.loans, world.fates
    due, hidden, bad = due_in(loans, fates, first, last)
    claims = claims_of(setup, world, np.flatnonzero(bad))
    principal = covered(setup.rules, claims.principal)
    return {
        "due_fen": int(loans.balance[due].sum()),
        "due_count": int(due.sum()),
        "defaulted_fen": int(loans.balance[bad].sum()),
        "defaulted_count": int(bad.sum()),
        "defaulted_households": len(set(loans.household[bad].tolist())),
        "compensable_fen": int(principal[~claims.is_refused].sum()),
        "hidden_fen": int(loans.balance[hidden].sum()),
        **welfare.by_cause(world, bad),
        **welfare.households(setup, world, due, bad, last),
        **firms.summary(setup, world, due, bad, first, last),
    }


def household_paid_on(world: World) -> I64:
    """Day on which the household itself has paid, or was collected from; FAR if it never does."""
    _, fates = so_far(world)
    out = np.where(fates.fate == DEFAULTED, FAR, fates.repaid)
    out[world.claims.row] = np.minimum(out[world.claims.row], world.claims.recovered_on)
    return out


# --- books: lenders ----------------------------------------------------------------------------------


def books(setup: Setup, world: World, last: int) -> dict[str, int | float]:
    """What the lenders have on their books at the end of a day."""
    loans = world.loans
    held, overdue, bad = held_at(setup, world, last)
    return {
        "outstanding_fen": int(loans.balance[held].sum()),
        "overdue_fen": int(loans.balance[overdue].sum()),
        "bad_fen": int(loans.balance[bad].sum()),
        "renewed_booked_fen": int(loans.balance[held & (renewed_on(world) <= last) & ~overdue].sum()),
    }


# --- report: town and county -------------------------------------------------------------------------


def report(setup: Setup, world: World, first: int, last: int) -> dict[str, int | float]:
    """Repayment of what fell due in the span, as households made it and as it is reported on its last day."""
    loans = world.loans
    lent = (loans.start >= first) & (loans.start <= last)
    out: dict[str, int | float] = {"lent_fen": int(loans.balance[lent].sum())}
    return out | {name: int(fen.sum()) for name, fen in repayment(setup, world, first, last).items()}


def repayment(setup: Setup, world: World, first: int, last: int) -> dict[str, I64]:
    """Principal due in the span, loan by loan [fen].

    ``paid_on_date``: by the household, on its date. ``households_repaid``: by the household, collection included,
    by the last day. ``county_paid``: on the date by the county, which was the household's to pay.
    ``reported_repaid``: all but what is booked as overdue on the last day, so what was renewed, paid by the county,
    paid by the fund or written off is reported as repaid.
    """
    loans, fates = world.loans, world.fates
    due, renewed, _ = due_in(loans, fates, first, last)
    own = due & ~renewed & (household_paid_on(world) <= last)
    overdue = due & ~renewed & (gone_on(setup, world) > last)
    by_county = due & ~renewed & (fates.fate != REPAID) & is_town_borrower(setup)
    rows = {
        "paid_on_date": due & ~renewed & (fates.fate == REPAID),
        "households_repaid": own,
        "county_paid": by_county,
        "reported_repaid": due & ~overdue,
    }
    return {f"{name}_fen": np.where(mask, loans.balance, 0) for name, mask in rows.items()}


def is_town_borrower(setup: Setup) -> bool:
    """Does the township borrow and repay, and lend on to households?"""
    return setup.rules.loan.borrower_of_record == "township"


def town_debt(setup: Setup, world: World, last: int) -> int:
    """What the county has paid to lenders for households and has not got back, with interest [fen].

    Interest at the contract rate from the date, on what is still open.
    """
    if not is_town_borrower(setup):
        return 0
    loans, fates = world.loans, world.fates
    still = (fates.fate != REPAID) & (fates.missed <= last) & (household_paid_on(world) > last) & (loans.status != PAID)
    days = np.maximum(last - fates.missed[still], 0)
    owed = interest(loans.balance[still], loans.rate_ppm[still], days, setup.rules.interest.day_count)
    return int(loans.balance[still].sum() + owed.sum())


def month_columns(setup: Setup, world: World) -> dict[str, Array]:
    """Month by month and lender by lender: lent, and what is reported as collected, by who really paid [fen].

    ``collected_fen`` came from households, ``renewed_fen`` from nobody, ``county_paid_fen`` from the county: a report
    of full collection adds the three.
    """
    loans, fates, n, k = world.loans, world.fates, setup.month_ends.size, setup.set_fen.size
    alive = loans.status != PAID
    late = alive & (fates.fate != REPAID) & is_town_borrower(setup)
    out = {}
    for name, days, rows in (
        ("lent", loans.start, alive),
        ("collected", household_paid_on(world), alive),
        ("renewed", loans.due, alive & (fates.renewed == 1)),
        ("county_paid", fates.missed, late),
    ):
        at = rows & (days >= setup.first_day) & (days <= setup.last_day)
        cell = (clock.month_of(days[at]) - setup.first_month) * k + loans.lender[at]
        total = np.bincount(cell, weights=loans.balance[at].astype(float), minlength=n * k)
        out[f"{name}_fen"] = total.astype(np.int64)
    return out
