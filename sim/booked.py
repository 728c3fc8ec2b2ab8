"""What a lender has on its books, from what is known on a day: the second of three layers, after the truth."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from sim import clock
from sim.fund.claims import FAR, NEVER, WRITTEN_OFF_AFTER
from sim.fund.days import latest_missed
from sim.households.book import Community
from sim.households.reduced_form import DEFAULTED
from sim.lending.classes import CLASSES, class_of, limits, observed_class
from sim.lending.loans import OPEN, PAID, Loans
from sim.opening import RENEWED
from sim.units import F64, I64, Bool
from sim.world import Fates, Setup, World

EXTENDED_DAYS = 365  # by which a renewal puts the date off


def book_of(c: Community) -> tuple[Loans, Fates]:
    """The loans of simulated households so far, and what has become of them."""
    return Loans(*(column[: c.n] for column in c.book)), Fates(*(column[: c.n] for column in c.fates))


def so_far(world: World) -> tuple[Loans, Fates]:
    """The loans made up to now and what has become of them; of the reduced form, also what will."""
    return (world.loans, world.fates) if world.community is None else book_of(world.community)


def gone_on(setup: Setup, world: World) -> I64:
    """Day on which each loan leaves the lender's book: repaid, paid by the fund, collected, written off.

    Where the township is the borrower of record, the lender has its money on the date, whoever paid.
    """
    _, fates = so_far(world)
    claims = world.claims
    out = np.where(fates.fate == DEFAULTED, FAR, fates.repaid)
    settled = np.where(
        (claims.paid >= claims.fund_part) & (claims.fund_part + claims.insurer_part > 0) & (claims.paid_on != NEVER),
        claims.paid_on,
        FAR,
    )
    refused = np.where(claims.is_refused & (claims.decided != NEVER), claims.decided + WRITTEN_OFF_AFTER, FAR)
    out[claims.row] = np.minimum(np.minimum(settled, refused), claims.recovered_on)
    if setup.rules.loan.borrower_of_record == "township":
        out = np.minimum(out, fates.missed)
    return out


def held_at(setup: Setup, world: World, day: int) -> tuple[Bool, Bool, Bool]:
    """Loans on the lenders' books at the end of a day; those of them that are overdue; those that count as bad.

    Renewed loans are current, and what the fund has paid is gone. Only what is known on the day is read.
    """
    loans, fates = so_far(world)
    held = (loans.start <= day) & (gone_on(setup, world) > day) & (loans.status != PAID)
    bad_since = latest_missed(setup.rules, setup.calendar, day)
    return held, held & (fates.missed < day), held & (fates.missed <= bad_since)


def bad_ratio(setup: Setup, world: World, day: int) -> F64:
    """Reported bad-loan ratio of each lender at the end of a day, (n_lenders,).

    Booked principal that is ``claim.wait_days`` or more overdue over booked principal; 0 where nothing is lent.
    """
    held, _, bad = held_at(setup, world, day)
    top, bottom = (principal_by_lender(setup, so_far(world)[0], rows) for rows in (bad, held))
    return top / np.maximum(bottom, 1)


def principal_by_lender(setup: Setup, loans: Loans, rows: Bool) -> I64:
    """Balance of some of the loans by lender [fen]."""
    n = setup.set_fen.size
    return np.bincount(loans.lender[rows], weights=loans.balance[rows].astype(float), minlength=n).astype(np.int64)


def renewed_on(world: World) -> I64:
    """Day on which each loan was renewed instead of defaulting, FAR where it was not."""
    loans, fates = so_far(world)
    before = (loans.p_class == RENEWED) & (loans.status == OPEN) & (world.community is None)
    return np.where((fates.renewed == 1) | before, fates.missed - EXTENDED_DAYS, FAR)


def stock(enters: I64, leaves: I64, column: I64, fen: I64, setup: Setup) -> I64:
    """Stock at each month's end from days of entry and leaving, (n_months, n_lenders) [fen]."""
    n, k = setup.month_ends.size, setup.set_fen.size
    out = np.zeros((n + 1) * k)
    for days, sign in ((enters, 1.0), (leaves, -1.0)):
        at = np.clip(clock.month_of(np.clip(days, setup.first_day, setup.last_day + 32)) - setup.first_month, 0, n)
        out += sign * np.bincount(at * k + column, weights=fen.astype(float), minlength=(n + 1) * k)
    return np.cumsum(out.reshape(n + 1, k), axis=0)[:n].astype(np.int64)


def by_class(setup: Setup, world: World) -> I64 | None:
    """Booked principal by class at each month's end, (n_months, n_lenders, 5) [fen]; None without classes.

    By days overdue; a loan renewed in distress stays at least in the class that the pack names until its
    observation is over.
    """
    days = limits(setup.rules)
    if days is None:
        return None
    alive = np.flatnonzero(world.loans.status != PAID)
    loans, fates = world.loans.take(alive), world.fates.take(alive)
    gone, renewed = gone_on(setup, world)[alive], renewed_on(world)[alive]
    floor, watched = observed_class(setup.rules), renewed + setup.rules.classes.observation_days
    worse = [stock(loans.start, gone, loans.lender, loans.balance, setup)]  # in this class or a worse one
    for k, limit in enumerate(days.tolist(), 1):
        by_days = np.minimum(fates.missed + limit, gone)
        held = stock(by_days, gone, loans.lender, loans.balance, setup)
        if k <= floor:
            begins, ends = np.minimum(renewed, by_days), np.minimum(watched, by_days)
            held += stock(begins, ends, loans.lender, loans.balance, setup)
        worse.append(held)
    worse.append(np.zeros_like(worse[0]))
    return np.stack([a - b for a, b in pairwise(worse)], axis=-1)


def classes_at(setup: Setup, world: World, day: int) -> I64:
    """Booked principal by class at the end of one day, (n_lenders, 5) [fen]; all zero without classes."""
    days, n = limits(setup.rules), setup.set_fen.size
    out = np.zeros((n, len(CLASSES)), dtype=np.int64)
    if days is None:
        return out
    loans, fates, renewed = world.loans, world.fates, renewed_on(world)
    held = (loans.start <= day) & (gone_on(setup, world) > day) & (loans.status != PAID)
    is_watched = (renewed <= day) & (day < renewed + setup.rules.classes.observation_days)
    of = np.maximum(class_of(day - fates.missed, days), np.where(is_watched, observed_class(setup.rules), 0))
    np.add.at(out, (loans.lender[held], of[held]), loans.balance[held])
    return out


def class_columns(setup: Setup, world: World) -> dict[str, I64]:
    """The same as columns of the monthly table."""
    held = by_class(setup, world)
    return {} if held is None else {f"{name}_fen": held[:, :, k].ravel() for k, name in enumerate(CLASSES)}
