"""Loans that would fall due in a township in drought are put off: a policy answer to a disaster, where the pack allows it."""

from __future__ import annotations

import numpy as np

from sim import clock
from sim.households.month import accrue, interest_until, is_asked_now
from sim.households.state import CALLED, EXTENDED, OPEN, UNSUBSIDISED, People, Terms, livelihoods_of
from sim.units import I64
from sim.world import Setup, World

_DUE, _MISSED_ON, _REPAID_ON = 6, 1, 2  # rows of the book, and of the fates


def extend(setup: Setup, world: World, k: int, end: int) -> None:
    """Before the households' month: open loans with a date in it, in townships in drought, once each; firms' too.

    The loan has the new date from then on, in every respect: interest at the contract rate runs on, and arrears, claim and the
    subsidy's end count from it. Where the pack does not subsidise an extension, interest after the old date is the
    borrower's. Called loans are not put off.
    """
    c, h = world.community, setup.households
    terms = livelihoods_of(setup.scenario).weather.extension
    assert c is not None and h is not None
    if terms is None or not (c.sky.severity[k] >= terms.from_severity).any():
        return
    is_dry = c.sky.severity[k] >= terms.from_severity
    _put_off(setup, world, c.people, h.terms, is_dry[h.register.township], terms.months, end)
    if h.firms is not None and c.firms is not None:
        f = h.firms
        _put_off(setup, world, c.firms.people, f.terms, is_dry[f.register.township], terms.months, end)


def _put_off(setup: Setup, world: World, p: People, t: Terms, is_dry: I64, months: int, end: int) -> None:
    c = world.community
    assert c is not None
    who = is_dry & (p.status == OPEN) & (p.due <= end) & (p.marks & (EXTENDED | CALLED) == 0)
    if not who.any():
        return
    old, row = p.due[who], p.loan[who]
    if not setup.rules.loan.extension_subsidised:
        own, subsidy = interest_until(p, t, p.due)
        p.arrears[:] += np.where(who, own + subsidy * is_asked_now(t), 0)
        accrue(p, t, who, subsidy, p.due)
        p.marks[who] |= UNSUBSIDISED
    p.marks[who] |= EXTENDED
    p.due[who] = clock.add_months(old, months)
    for table, at in ((c.book, _DUE), (c.fates, _MISSED_ON), (c.fates, _REPAID_ON)):
        table[at, row] = p.due[who]
    days = zip(row.tolist(), old.tolist(), p.due[who].tolist(), strict=True)
    c.put_off += [(end, loan, before, after) for loan, before, after in days]
