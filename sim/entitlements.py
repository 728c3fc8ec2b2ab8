"""Subsidy of the reduced form, whose loans' fates are known at the beginning: what falls due, and what borrowers pay."""

from __future__ import annotations

import numpy as np

from sim import clock
from sim.budgets import releases
from sim.fiscal.subsidy import closes_year, entitlement
from sim.fund.days import entitled_on
from sim.households.reduced_form import DEFAULTED, REPAID
from sim.settlements import file_lists
from sim.subsidy import AT_REPAYMENT, YEARLY, SubsidyTerms, subsidised_reference, subsidy_terms
from sim.units import I64, interest
from sim.world import Setup, World


def known_beforehand(setup: Setup, world: World) -> tuple[dict[int, int], tuple[I64, I64, I64]]:
    """Lists, releases and the lenders' months: principal lent and repaid, interest that borrowers pay."""
    s, shape = subsidy_terms(setup.rules), (setup.set_fen.size, setup.month_ends.size)
    lent, repaid = _monthly(setup, world)
    paid = np.zeros(shape, dtype=np.int64)
    settled_in = clock.month_of(setup.settlements) - setup.first_month
    if s.paid_when == AT_REPAYMENT:
        world.entitled, lines = _at_repayment(setup, world, s, paid)
    else:
        subsidy, own, lines = _by_settlement(setup, world, s)
        np.add.at(paid.T, settled_in, own + subsidy * s.pays_first)
        world.entitled = subsidy
        if s.paid_when == YEARLY:
            world.entitled, lines = _at_repayment(setup, world, s, paid)
    to_household = np.full(setup.set_fen.size, s.pays_first == 1)
    for j in range(setup.settlements.size):
        file_lists(setup, world.lists, j, world.entitled[j], lines[j], to_household)
    return releases(setup, world.entitled, world.common), (lent, repaid, paid)


def _stops(setup: Setup, world: World, s: SubsidyTerms) -> I64:
    """Day on which each loan's subsidised interest ends: its date, or day 90 of a default where it goes on."""
    loans, fates = world.loans, world.fates
    stop = np.where(fates.renewed == 1, fates.missed, np.minimum(fates.missed, loans.due))
    if s.extra_days > 0:
        bad = fates.fate == DEFAULTED
        stop[bad] = entitled_on(setup.rules, setup.calendar, fates.missed[bad])
    return stop


def _by_settlement(setup: Setup, world: World, s: SubsidyTerms) -> tuple[I64, I64, I64]:
    """Interest of each period and lender: subsidised, left to the borrowers, and the lines of the lists."""
    loans = world.loans
    out: tuple[I64, I64, I64] = entitlement(
        loans.lender, loans.balance, loans.rate_ppm, loans.start, _stops(setup, world, s), setup.settlements,
        setup.opening.last_settlement, s, setup.set_fen.size,
    )  # fmt: skip
    return out


def _at_repayment(setup: Setup, world: World, s: SubsidyTerms, paid: I64) -> tuple[I64, I64]:
    """Subsidy that stands on the first list, or the year's last, after its loan is repaid; a default has none.

    Where late loans lose all, these have none either, and the borrower pays what the county would have paid the lender.

    Parameters
    ----------
    paid : (n_lenders, n_months) int64 [fen]
        Interest that borrowers pay. Added to.
    """
    loans, fates = world.loans, world.fates
    back = np.flatnonzero(
        (fates.fate != DEFAULTED) & (fates.repaid >= setup.first_day) & (fates.repaid <= setup.last_day)
    )
    stop, start, balance, rate = (
        _stops(setup, world, s)[back],
        loans.start[back],
        loans.balance[back],
        loans.rate_ppm[back],
    )
    lender, repaid = loans.lender[back], fates.repaid[back]
    subsidy = subsidised_reference(s, balance, rate, start, start, stop)
    lost = (fates.fate[back] != REPAID) if s.late_loses_all == 1 else np.zeros(back.size, dtype=np.bool_)
    asked = np.where(lost, subsidy, 0) * (1 - s.pays_first)
    if s.paid_when == AT_REPAYMENT:
        whole = interest(balance, rate, np.maximum(stop - start, 0), s.day_count)
        asked = whole - np.where(lost | (s.pays_first == 1), 0, subsidy)
    np.add.at(paid, (lender, clock.month_of(repaid) - setup.first_month), asked)
    lists = (
        np.flatnonzero(closes_year(setup.settlements)) if s.paid_when == YEARLY else np.arange(setup.settlements.size)
    )
    at = np.searchsorted(setup.settlements[lists], repaid)
    on_list = ~lost & (at < lists.size) & (subsidy > 0)
    shape = (setup.settlements.size, setup.set_fen.size)
    amounts, lines = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    where = (lists[at[on_list]], lender[on_list])
    np.add.at(amounts, where, subsidy[on_list])
    np.add.at(lines, where, 1)
    return amounts, lines


def _monthly(setup: Setup, world: World) -> tuple[I64, I64]:
    """Principal lent and repaid by lender and month [fen]."""
    loans, fates, n = world.loans, world.fates, setup.month_ends.size
    out = []
    for days, rows in (
        (loans.start, loans.start >= setup.first_day),
        (fates.repaid, (fates.repaid >= setup.first_day) & (fates.repaid <= setup.last_day)),
    ):
        at = loans.lender[rows] * n + clock.month_of(days[rows]) - setup.first_month
        total = np.bincount(at, weights=loans.balance[rows].astype(float), minlength=n * setup.set_fen.size)
        out.append(total.astype(np.int64).reshape(setup.set_fen.size, n))
    return out[0], out[1]
