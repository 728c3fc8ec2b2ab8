"""What a year brings a lender and what it costs it: arithmetic on what happened, by lender and year."""

from __future__ import annotations

import datetime as dt

import numpy as np

from sim import clock
from sim.booked import classes_at, gone_on, principal_by_lender
from sim.fund.account import rate_on
from sim.fund.claims import FAR, NEVER, WRITTEN_OFF_AFTER
from sim.households.reduced_form import CURED, REPAID
from sim.lending.classes import CLASSES, class_of, limits, provisions
from sim.lending.collection import fees
from sim.lending.loans import PAID
from sim.units import F64, I64, PPM, Array, Bool, interest, share_of
from sim.world import Setup, World


def lender_years(setup: Setup, world: World) -> dict[str, Array]:
    """One row a lender and full calendar year from the information date to the horizon; money in fen.

    ``margin`` = interest + late_interest + recovered - funding_cost - receivable_cost - provisions_added - losses
    - collection_fee. Definitions: docs/model.md, section 9.
    """
    first, last = clock.date_of(setup.first_day), clock.date_of(setup.last_day + 1)
    years = range(first.year + (first > dt.date(first.year, 1, 1)), last.year)
    tables = [_year(setup, world, year) for year in years]
    n = setup.set_fen.size
    return {
        "replication": np.full(n * len(tables), world.replication),
        "year": np.repeat(np.array(years, dtype=np.int64), n),
        "lender": np.tile(np.arange(n), len(tables)),
        **{f"{name}_fen": np.concatenate([t[name] for t in tables]) for name in (tables[0] if tables else {})},
    }


def _year(setup: Setup, world: World, year: int) -> dict[str, I64]:
    first, last = clock.day_of(dt.date(year, 1, 1)), clock.day_of(dt.date(year, 12, 31))
    rate = funding_rate(setup, first)
    waiting, of_days = _receivable(setup, world, first, last)
    held = classes_at(setup, world, last)
    before, after = (provisions(setup.rules, at) for at in (classes_at(setup, world, first - 1), held))
    out = {
        **_interest(setup, world, first, last),
        "recovered": _returned(setup, world, first, last),
        "funding_cost": _cost(setup, _held_days(setup, world, first, last), rate),
        "receivable_cost": _cost(setup, of_days, rate),
        "provisions_added": after - before,
        "losses": _losses(setup, world, first, last),
        "collection_fee": collection_fees(setup, world, first, last),
    }
    income = out["interest"] + out["late_interest"] + out["recovered"]
    costs = ("funding_cost", "receivable_cost", "provisions_added", "losses", "collection_fee")
    collected = collected_by_class(setup, world, first, last)
    return {
        **out,
        "margin": income - sum(out[name] for name in costs),
        "receivable": waiting,
        "provisions": after,
        **{f"booked_{name}": held[:, k] for k, name in enumerate(CLASSES)},
        **{f"collected_{name}": collected[:, k] for k, name in enumerate(CLASSES)},
    }


def funding_rate(setup: Setup, day: int) -> int:
    """What a lender pays for its money: relending for its share, deposits for the rest [1e-6 a year]."""
    funding = setup.scenario.lending.funding
    discount = round((setup.rules.loan.relending_discount_points or 0.0) * PPM / 100)
    relending = max(rate_on(setup.rates["relending_agriculture"], day) - discount, 0)
    deposits = rate_on(setup.rates["deposit_one_year"], day)
    return round(relending * funding.relending_share + deposits * (1 - funding.relending_share))


def _sums(setup: Setup, lender: I64, fen: Array) -> I64:
    out = np.bincount(lender, weights=np.asarray(fen, dtype=float), minlength=setup.set_fen.size)
    return np.round(out).astype(np.int64)


def _interest(setup: Setup, world: World, first: int, last: int) -> dict[str, I64]:
    """Contract interest of the year up to each loan's date, whoever pays it; late interest of loans cured in it."""
    loans, fates, count = world.loans, world.fates, setup.rules.interest.day_count
    days = np.clip(np.minimum(fates.missed, last + 1) - np.maximum(loans.start, first), 0, None)
    days = np.where(loans.status == PAID, 0, days)
    accrued = interest(loans.balance, loans.rate_ppm, days, count)
    cured = (fates.fate == CURED) & (fates.repaid >= first) & (fates.repaid <= last)
    rate = share_of(loans.rate_ppm, round(setup.rules.claim.penalty_multiplier * PPM))
    late = np.where(cured, interest(loans.balance, rate, np.maximum(fates.repaid - fates.missed, 0), count), 0)
    return {"interest": _sums(setup, loans.lender, accrued), "late_interest": _sums(setup, loans.lender, late)}


def _held_days(setup: Setup, world: World, first: int, last: int) -> F64:
    """Booked principal times the days on which it is booked, by lender [fen days]."""
    loans = world.loans
    begins, ends = np.maximum(loans.start, first), np.minimum(gone_on(setup, world), last + 1)
    days = np.where(loans.status == PAID, 0, np.maximum(ends - begins, 0))
    fen_days = np.bincount(loans.lender, weights=loans.balance.astype(float) * days, minlength=setup.set_fen.size)
    return fen_days.astype(np.float64)


def _cost(setup: Setup, fen_days: F64, rate_ppm: int) -> I64:
    return np.floor(fen_days * rate_ppm / PPM / setup.rules.interest.day_count + 0.5).astype(np.int64)


def _receivable(setup: Setup, world: World, first: int, last: int) -> tuple[I64, F64]:
    """Subsidy owed to each lender at the end [fen], and what it carried over the year [fen days]."""
    lists, n = world.lists, setup.set_fen.size
    moves = [
        (lists.period_end[i], lists.lender[i], lists.amount[i]) for i in range(len(lists)) if not lists.to_household[i]
    ]
    moves += [(day, lists.lender[i], -fen) for i, day, fen in lists.payments if not lists.to_household[i]]
    at, carried = np.zeros(n, dtype=np.int64), np.zeros(n)
    for day, lender, fen in moves:
        if day <= last:
            at[lender] += fen
            carried[lender] += float(fen) * (last + 1 - max(day, first))
    return at, carried


def _returned(setup: Setup, world: World, first: int, last: int) -> I64:
    """The lender's part of what came back after the fund had paid."""
    out = np.zeros(setup.set_fen.size, dtype=np.int64)
    for i, day, _, bank in world.flows.returns:
        if first <= day <= last:
            out[world.claims.lender[i]] += bank
    return out


def _losses(setup: Setup, world: World, first: int, last: int) -> I64:
    """The lender's own share of what leaves its book unpaid: its part beside the fund's, and refused claims written off."""
    c = world.claims
    paid = (c.paid >= c.fund_part) & (c.fund_part + c.insurer_part > 0) & (c.paid_on >= first) & (c.paid_on <= last)
    off = np.where(c.is_refused & (c.decided != NEVER), c.decided + WRITTEN_OFF_AFTER, FAR)
    off_now = (off >= first) & (off <= last) & (c.recovered_on > off)
    return _sums(setup, c.lender, np.where(paid, c.bank_part, np.where(off_now, c.amount, 0)))


# --- collection --------------------------------------------------------------------------------------


def collected_by_class(setup: Setup, world: World, first: int, last: int) -> I64:
    """Money collected after the date in a year, by lender and the class that counts, (n_lenders, 5) [fen].

    Claims with their interest, loans cured before day 90 by their principal. The class is that of the day on which
    the money comes in, or that of 1 January, by the pack. All zero where the pack has no classes.
    """
    n, days = setup.set_fen.size, limits(setup.rules)
    out = np.zeros((n, len(CLASSES)), dtype=np.int64)
    if days is None:
        return out
    loans, fates, claims = world.loans, world.fates, world.claims
    at_start = setup.rules.collection.class_counts_at == "start_of_year"
    cured = (fates.fate == CURED) & (fates.repaid >= first) & (fates.repaid <= last)
    back = (claims.recovered_on >= first) & (claims.recovered_on <= last)
    for lender, fen, missed, on in (
        (loans.lender[cured], loans.balance[cured], fates.missed[cured], fates.repaid[cured]),
        (claims.lender[back], claims.amount[back], claims.missed[back], claims.recovered_on[back]),
    ):
        seen = np.full(on.size, first) if at_start else on
        np.add.at(out, (lender, class_of(seen - missed, days)), fen)
    return out


def collection_fees(setup: Setup, world: World, first: int, last: int) -> I64:
    """What each lender pays its collectors for a year [fen]."""
    loans, fates = world.loans, world.fates
    stock = overdue_at(setup, world, first - 1)
    renewed = (fates.renewed == 1) & (loans.due >= first) & (loans.due <= last)
    revived = principal_by_lender(setup, loans, renewed)
    return fees(
        setup.rules,
        collected_by_class(setup, world, first, last),
        revived,
        principal_by_lender(setup, loans, stock),
    )


def overdue_at(setup: Setup, world: World, day: int) -> Bool:
    """Loans booked as overdue at the end of a day."""
    loans, fates = world.loans, world.fates
    out: Bool = (fates.missed < day) & (gone_on(setup, world) > day) & (loans.status != PAID) & (loans.start <= day)
    return out & (fates.fate != REPAID)
