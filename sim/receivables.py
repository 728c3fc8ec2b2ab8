"""Subsidy that is owed: who is charged, who is refunded, how late it is, and what lenders do about it."""

from __future__ import annotations

import numpy as np

from sim.fiscal.subsidy import closes_year
from sim.households.month_kernel import settle as settle_households
from sim.households.state import OPEN, YEARLY, livelihoods_of
from sim.settlements import file_lists, submit_lists
from sim.subsidy import EACH_SETTLEMENT
from sim.subsidy import YEARLY as YEARLY_LIST
from sim.units import F64, I64
from sim.world import Setup, World


def settle(setup: Setup, world: World, j: int, day: int) -> None:
    """Interest of the period; the lists go to the office, and households are charged where they pay first."""
    c, h = world.community, setup.households
    assert c is not None and h is not None
    amount = np.empty(h.register.id.size, dtype=np.int64)
    is_listed = h.terms.subsidy.paid_when != YEARLY_LIST or closes_year(setup.settlements[j : j + 1])[0]
    totals, lines = settle_households(c.people, h.register, h.terms, day, int(is_listed), c.charges, amount)
    lender = h.register.lender
    if h.firms is not None and c.firms is not None:
        f, of_parts = h.firms, np.empty(h.firms.of.size, dtype=np.int64)
        more, _ = settle_households(c.firms.people, f.register, f.terms, day, int(is_listed), c.charges, of_parts)
        listed = np.unique(f.of[of_parts > 0])  # the parts of a firm's loan are one line
        totals = totals + more
        lines = lines + np.bincount(f.register.lender[f.first[listed]], minlength=lines.size)
        lender, amount = np.append(lender, f.register.lender), np.append(amount, of_parts)
    c.entitled[j] = totals
    begin_at = len(world.lists)
    file_lists(setup, world.lists, j, totals, lines, c.charges == 1)
    for i in range(begin_at, len(world.lists)):
        if world.lists.to_household[i]:
            c.refunds[i] = np.cumsum(np.where(lender == world.lists.lender[i], amount, 0))
    submit_lists(setup, world, begin_at)


def promised(setup: Setup, world: World) -> None:
    """Whose refund the lists carried over are: nobody recorded it, so it is shared by the principal of open loans."""
    c, h = world.community, setup.households
    assert c is not None and h is not None
    lender, status, principal = h.register.lender, c.people.status, c.people.principal
    if h.firms is not None and c.firms is not None:
        parts = (h.firms.register.lender, c.firms.people.status, c.firms.people.principal)
        pairs = zip((lender, status, principal), parts, strict=True)
        lender, status, principal = (np.append(a, b) for a, b in pairs)
    for i in range(len(world.lists)):
        if world.lists.to_household[i]:
            whose = lender == world.lists.lender[i]
            weight = np.where(whose & (status == OPEN), principal, 0)
            c.refunds[i] = np.cumsum(weight if weight.any() else whose.astype(np.int64))


def refund(world: World, end: int) -> None:
    """Subsidy that the bureau paid to borrowers by the month's end, each its part of the list, to the fen."""
    c, lists = world.community, world.lists
    assert c is not None
    n = c.people.refund.size
    for i, _, fen in lists.payments[c.n_payments_seen :]:
        if i in c.refunds:
            before = c.refunded.get(i, 0)
            new = _parts(c.refunds[i], before + fen) - _parts(c.refunds[i], before)
            c.people.refund[:] += new[:n]
            of_firms = int(new[n:].sum())
            if of_firms:
                world.ledger.post(end, "subsidy to firms", ("households", -of_firms), ("economy", of_firms))
            c.refunded[i] = before + fen
    c.n_payments_seen = len(lists.payments)


def refunds_of(world: World, row: int) -> list[tuple[int, int, int]]:
    """What one household was refunded in a history: (file, day, fen)."""
    c, lists = world.community, world.lists
    assert c is not None
    paid: dict[int, int] = {}
    out = []
    for i, day, fen in lists.payments[: c.n_payments_seen]:
        if i in c.refunds:
            before = paid.get(i, 0)
            part = int((_parts(c.refunds[i], before + fen) - _parts(c.refunds[i], before))[row])
            paid[i] = before + fen
            if part:
                out.append((i, day, part))
    return out


def _parts(running: I64, paid: int) -> I64:
    """Each household's part of what was paid so far, rounded so that the parts add up."""
    whole = int(running[-1])
    wide = running if paid < 2**62 // max(whole, 1) else running.astype(object)  # the product must fit 64 bits
    out: I64 = np.diff(wide * paid // whole, prepend=0).astype(np.int64)
    return out


def unpaid(setup: Setup, world: World, end: int) -> tuple[F64, list[int]]:
    """Months by which each lender's oldest unpaid list is overdue, beyond the days of grace, and what it waits for."""
    c, lists = world.community, world.lists
    assert c is not None
    paid, amount, n_lenders = lists.paid, lists.amount, setup.set_fen.size
    c.unpaid = [i for i in (*c.unpaid, *range(c.n_lists_seen, len(lists))) if paid[i] < amount[i]]
    c.n_lists_seen = len(lists)
    oldest, owed = [end] * n_lenders, [0] * n_lenders
    for i in c.unpaid:
        lender, day = lists.lender[i], lists.period_end[i]
        if day < oldest[lender]:
            oldest[lender] = day
        if not lists.to_household[i]:
            owed[lender] += amount[i] - paid[i]
    grace = livelihoods_of(setup.scenario).subsidy_grace_months
    return np.array([max((end - day) / 30.4375 - grace, 0.0) for day in oldest]), owed


def lenders_react(setup: Setup, world: World, owed: list[int]) -> None:
    """A lender that carries too much unpaid subsidy stops renewals and halves lending, then debits households.

    What is too much is counted in quarters of its subsidised interest: a lender that has no more of it does neither.
    """
    c, h, lending = world.community, setup.households, setup.scenario.lending
    assert c is not None and h is not None
    is_each = h.terms.subsidy.paid_when == EACH_SETTLEMENT
    if setup.rules.subsidy.paid_to == "household":
        return
    for lender, (fen, yearly) in enumerate(zip(owed, c.out.by_lender[:, YEARLY].tolist(), strict=True)):
        c.is_open[lender] = yearly == 0 or fen <= lending.waits_above_quarters * (yearly / 4)
        if is_each:  # else no list stands behind what is charged now
            c.charges[lender] = yearly > 0 and fen > lending.debits_above_quarters * (yearly / 4)
