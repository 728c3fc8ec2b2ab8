"""Claims of defaulted loans, with everything but the decisions, and when a loan leaves the book and the guarantee."""

from __future__ import annotations

import numpy as np

from sim.fund import claims as fund_claims
from sim.fund.account import handed_over_on
from sim.fund.claims import FAR, WRITTEN_OFF_AFTER, Claims
from sim.fund.claims_kernel import ROW, all_past_the_line, new_claims
from sim.fund.days import latest_missed, pay_days
from sim.households.reduced_form import DEFAULTED
from sim.insurance import insure
from sim.lending.granting import Book
from sim.lending.granting_kernel import times
from sim.lending.loans import NEVER, PAID, Loans
from sim.units import I64, PPM
from sim.world import Fates, Setup, World


def build_claims(setup: Setup, loans: Loans, fates: Fates, replication: int, rows: I64 | None = None) -> Claims:
    """The claims of defaulted loans, in order of day 90 and loan id, with everything but the decisions."""
    rules, calendar, defaults = setup.rules, setup.calendar, setup.scenario.defaults
    if rows is None:
        latest = latest_missed(rules, calendar, setup.last_day)
        rows = np.flatnonzero((fates.fate == DEFAULTED) & (fates.missed <= latest))
    rows = rows[np.lexsort((loans.id[rows], fates.missed[rows]))]
    missed, cause, ids = fates.missed[rows], fates.cause[rows], loans.id[rows]
    dated = np.minimum(missed, setup.last_day + 4 * 366)
    in_calendar = np.maximum(dated, calendar.first_day)  # older ones have been filed or never will be
    day_90, filed, _, _ = fund_claims.chain(rules, calendar, in_calendar, cause, defaults.court_days)
    entitled = day_90 - (in_calendar - dated)
    filed = np.where(loans.filed[rows] != NEVER, loans.filed[rows], filed)
    arrives, ready_on = fund_claims.after_filing(rules, calendar, day_90, filed)
    amount = fund_claims.claim_amount(rules, loans.balance[rows], loans.rate_ppm[rows], missed, filed)
    fund_part, bank_part = fund_claims.split(rules, amount)
    terms = setup.claim_terms
    refused, objection, recovery_u = fund_claims.decide(
        defaults, rules, ids, cause, replication, setup.seed, terms.negligence[loans.lender[rows]]
    )
    approved, refused_on, paid_on = loans.approved[rows], loans.refused[rows], loans.paid[rows]
    is_known = (approved != NEVER) | (refused_on != NEVER)
    decided = np.maximum(approved, refused_on)  # NEVER where neither
    known_from = np.where(loans.start[rows] < setup.first_day, np.maximum(entitled, setup.first_day), entitled)
    recovered = fund_claims.recovery_day(defaults, cause, entitled, known_from, recovery_u)
    recovered = all_past_the_line(ids, missed, recovered, replication, terms)
    never = np.full(rows.size, NEVER, dtype=np.int64)
    due = never.copy()
    going = np.flatnonzero(approved >= 0)
    due[going] = pay_days(rules, calendar, approved[going])
    out = Claims(
        rows, loans.lender[rows], cause, loans.balance[rows], missed, entitled, filed, arrives, ready_on, amount,
        fund_part, bank_part, (refused & ~is_known) | (refused_on != NEVER) | (entitled < setup.law_from),
        objection & ~is_known, np.maximum(recovered, known_from),
        np.where(is_known, decided, loans.reviewed[rows]), decided, due,
        np.where(paid_on >= 0, fund_part, loans.paid_fen[rows]), never.copy(), np.where(paid_on >= 0, paid_on, NEVER),
        np.zeros(rows.size, dtype=np.int64), never.copy(),
    )  # fmt: skip
    insure(setup, out, ids, replication)
    return out


def courses(setup: Setup, loans: Loans, fates: Fates, replication: int) -> Book:
    """What becomes of loans in the eyes of those who grant, no clerk holding anything up.

    Principal counts against the multiple until it is repaid, paid by the fund, refused, or collected, whichever comes
    first; for ever where the multiple is on all that was ever lent.
    """
    rules, n = setup.rules, len(loans)
    covered = fund_claims.covered(rules, loans.balance)
    release, gone, nothing = fates.repaid.copy(), fates.repaid.copy(), np.zeros(n, dtype=np.int64)
    bad_from, pays, back = (np.full(n, FAR, dtype=np.int64) for _ in range(3))
    part, returned = nothing, nothing.copy()
    rows = np.flatnonzero(fates.fate == DEFAULTED)
    claims = build_claims(setup, loans, fates, replication, rows)
    meeting, due = unhindered(setup, claims)
    due = np.where(claims.decided != NEVER, claims.due, due)
    ends = np.where(claims.is_refused, meeting if rules.has_cover else claims.missed, due)
    release[claims.row] = np.minimum(ends, claims.recovered_on)
    bad_from[claims.row] = claims.entitled
    refused_on = np.where(claims.decided != NEVER, claims.decided, meeting)
    written_off = np.where(claims.is_refused, refused_on + WRITTEN_OFF_AFTER if rules.has_cover else FAR, due)
    gone[claims.row] = np.minimum(written_off, claims.recovered_on)
    if rules.loan.borrower_of_record == "township":
        gone = np.minimum(gone, fates.missed)
    if setup.granting.reads_fund:
        asked = claims.fund_part - paid_before(loans, claims)
        is_paid = ~claims.is_refused & (claims.recovered_on > due) & (asked > 0)
        pays[claims.row], part[claims.row] = np.where(is_paid, due, FAR), asked
        days, fen = returns(setup, claims, due)
        back[claims.row], returned[claims.row] = days, fen
    is_paid_for = loans.status == PAID
    if rules.fund.leverage_on == "cumulative":
        release[:] = FAR
    return Book(
        loans.lender, loans.start, np.where(is_paid_for, 0, loans.balance), np.where(is_paid_for, 0, covered), release,
        bad_from, gone, pays, part, back, returned,
    )  # fmt: skip


def returns(setup: Setup, claims: Claims, due: I64) -> tuple[I64, I64]:
    """Day on which the fund gets back its part of what is collected after it has paid on day ``due``, FAR if never; how much."""
    comes = ~claims.is_refused & (claims.recovered_on > due) & (due != NEVER) & (claims.recovered_on < FAR)
    last = np.minimum(claims.recovered_on, setup.last_day + 40)
    day = np.where(comes, handed_over_on(setup.rules, setup.calendar, last), FAR)
    fen, left = np.zeros(len(claims), dtype=np.int64), claims.amount - claims.paid_by_insurer(FAR)
    for i in np.flatnonzero(comes & (claims.recovered_on <= setup.last_day)).tolist():
        cause, amount, part = (int(column[i]) for column in (claims.cause, left, claims.fund_part))
        fen[i] = fund_claims.return_of(setup.rules, cause, amount, part)[0]
    return day, fen


def paid_before(loans: Loans, claims: Claims) -> I64:
    """What was paid on each claim before the history begins [fen]."""
    out: I64 = np.where(loans.paid[claims.row] >= 0, claims.fund_part, loans.paid_fen[claims.row])
    return out


def unhindered(setup: Setup, claims: Claims) -> tuple[I64, I64]:
    """Meeting and payment day of claims that no clerk holds up."""
    waits = np.where(claims.has_objection, setup.rules.claim.objection_waits_meetings, 0)
    return fund_claims.payment_due(setup.rules, setup.calendar, claims.ready_on, setup.all_meetings, waits)


def claims_of(setup: Setup, world: World, rows: I64) -> Claims:
    """The claims of some defaulted loans in any order, also of those whose day 90 lies beyond the horizon."""
    at = np.full(len(world.loans), NEVER, dtype=np.int64)
    at[world.claims.row] = np.arange(len(world.claims))
    at = at[rows]
    missing = rows[at == NEVER]
    if missing.size == 0:
        return world.claims.take(at)
    c = world.community
    if c is None:
        return build_claims(setup, world.loans, world.fates, world.replication, rows)
    columns = np.empty((15, missing.size), dtype=np.int64)
    new_claims(missing, c.book, c.fates, setup.claim_terms, world.replication, columns)
    out = world.claims.take(at[at != NEVER])
    out.append(columns)
    insure(setup, out, c.book[0, columns[ROW]], world.replication, len(out) - missing.size)
    return out


def lending_limit(setup: Setup, world: World) -> I64:
    """What each lender may guarantee: the multiple of its set sub-account, or of what it holds less what is due."""
    multiple = round(setup.rules.fund.leverage * PPM)
    if setup.rules.fund.leverage_base == "set":
        return np.array([times(fen, multiple) for fen in world.set_fen.tolist()], dtype=np.int64)
    held = np.array([world.ledger.balances[f"fund:{i}"] for i in range(setup.account_fen.size)], dtype=np.int64)
    claims = world.claims
    waiting = (claims.due != NEVER) & (claims.paid < claims.fund_part)
    owed = np.bincount(setup.account_of[claims.lender[waiting]], weights=(claims.fund_part - claims.paid)[waiting],
                       minlength=held.size).astype(np.int64)  # fmt: skip
    whole = np.bincount(setup.account_of, weights=world.set_fen, minlength=held.size).astype(np.int64)
    out = [  # whole numbers: no 64-bit overflow
        max(int(free[k]), 0) * int(part) // max(int(whole[k]), 1) * multiple // PPM
        for free, k, part in ((held - owed, setup.account_of[i], world.set_fen[i]) for i in range(setup.set_fen.size))
    ]
    return np.array(out, dtype=np.int64)
