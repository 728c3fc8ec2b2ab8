"""Where households meet lenders, compiled: what happened is entered in the book, and applications are granted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from sim.fund.claims_kernel import covered_fen
from sim.households import state
from sim.households.reduced_form import CURED, DEFAULTED, REPAID
from sim.households.state import APPLIES, BY_FIRM, MISSED, MISUSED, NONE, OPEN, WAS_CALLED, WAS_RENEWED, WENT_BAD
from sim.streams import uniform_pair
from sim.subsidy import rate_on

_IN_TIME, _LATE = state.REPAID, state.CURED
# rows of the book and of the fates: the first columns of `Loans`, and those of `Fates`
ID, HOUSEHOLD, LENDER, TOWNSHIP, BALANCE, START, DUE, RATE, CLASS, STATUS = range(10)
FATE, MISSED_ON, REPAID_ON, CAUSE, WAS_EXTENDED = range(5)
PAID_FEN = 16
FAR = state.NEVER_DAY
N_COUNTS = 7
APPLIED, OVER_INDEBTED, LENDER_WAITS, CAPPED, STOPPED, QUOTA_USED, LENDER_CAUTIOUS = range(N_COUNTS)


@njit(cache=True, error_model="numpy")
def enter(
    p: Any, r: Any, out: Any, book: Any, fates: Any, end: Any, cover: Any, first: Any, freed: Any, went_bad: Any,
    locks_out: Any,
) -> Any:  # fmt: skip
    """Enter the month's events on the loans.

    Parameters
    ----------
    p, r, out : People, Register, Out
    book : (columns of `Loans`, capacity) int64; fates : (columns of `Fates`, capacity) int64
        Filled in.
    end, first : int [day]
        Last and first day of the month.
    cover : see `claims_kernel.ClaimTerms`
        Principal of a loan that the fund covers.
    freed : (n_lenders, 31) int64 [fen]
        Covered principal repaid, by day of the month. Added to.
    went_bad : (n,) int64
        Rows of loans that will not be paid by day 90. Filled in.
    locks_out : bool
        Who was late once does not get another loan.

    Returns
    -------
    int
        How many went bad.
    """
    n_bad = 0
    for i in range(r.id.size):
        event = out.event[i] & ~APPLIES
        if event == 0:
            continue
        row = p.loan[i]
        if event & (WAS_CALLED | WAS_RENEWED) != 0:
            fates[MISSED_ON, row] = p.due[i]
            fates[REPAID_ON, row] = p.due[i]
            if event & WAS_RENEWED != 0:
                fates[WAS_EXTENDED, row] = 1
        if event & MISSED != 0:
            fates[FATE, row] = CURED
            fates[REPAID_ON, row] = FAR
        if event & _LATE != 0:
            fates[REPAID_ON, row] = end
            if locks_out:
                p.wait_until[i] = FAR
        if event & (_IN_TIME | _LATE) != 0:
            day = min(max(fates[REPAID_ON, row], first), end) - first
            freed[r.lender[i], day] += covered_fen(book[BALANCE, row], cover)
        if event & WENT_BAD != 0:
            fates[FATE, row] = DEFAULTED
            fates[REPAID_ON, row] = -1
            fates[CAUSE, row] = out.cause[i]
            went_bad[n_bad] = row
            n_bad += 1
    return n_bad


@njit(cache=True, error_model="numpy")
def lend(
    p: Any, r: Any, t: Any, out: Any, book: Any, fates: Any, owner: Any, n: Any, replication: Any, month: Any, first: Any,
    end: Any, information: Any, cover: Any, keys: Any, service: Any, by_firm: Any, is_open: Any, caution: Any, room: Any,
    lent: Any, counts: Any,
) -> Any:  # fmt: skip
    """Grant the month's applications in order of day, then id, while each lender's multiple and the year's quota last.

    A lender that a rule has stopped looks at nobody. A lender refuses who owes too much by the debts that it happens
    to see; one that waits for too much subsidy refuses half, a cautious one its share; the rest is refused when quota
    or cap is reached.

    Parameters
    ----------
    n : int
        Loans in the book so far; new ones are entered behind them, on their household too.
    keys : (4,) uint64
        Screening; luck of the money and the lender's lot; lot of a cautious lender; whether a firm gets the money.
    service : (n, MAX_DEBTS) int64 [fen a year]
    by_firm : (n,) float64
        Chance that the money goes to the firm that covers the household.
    caution : (n_lenders,) float64
        Share that the lender turns away.
    room : lending.granting.Room
        As at the month's beginning; brought to its end. What is free on a day can be lent on it.
    lent : (n_lenders,) int64 [fen]
        Added to.
    counts : (N_COUNTS,) int64
        APPLIED and, by reason, refused. Added to.

    Returns
    -------
    int
        Loans in the book.
    """
    at = np.flatnonzero(out.event & APPLIES)
    at = at[np.argsort(out.start[at], kind="mergesort")]  # the register is in order of id
    day = -1
    for i in at:
        start = out.start[i]
        if start < information or start > end:
            continue
        counts[APPLIED] += 1
        lender, entity = r.lender[i], r.id[i]
        while day < start - first:
            day += 1
            for b in range(room.used.size):
                room.used[b] -= room.freed[b, day]
        if room.is_stopped[lender] == 1:
            counts[STOPPED] += 1
            continue
        seen = 0
        for j in range(service.shape[1]):
            if service[i, j] > 0 and uniform_pair(keys[0], replication, 4 * month + j, entity)[0] < t.others_seen:
                seen += service[i, j]
        income = r.crop_fen[i] + r.livestock_fen[i] + r.wage_fen[i] + r.transfer_fen[i]
        if seen > t.over_indebted * income:
            counts[OVER_INDEBTED] += 1
            p.wait_until[i] = month + 6
            continue
        misuse, lot = uniform_pair(keys[1], replication, month, entity)
        if is_open[lender] == 0 and lot < 0.5:
            counts[LENDER_WAITS] += 1
            continue
        if caution[lender] > 0.0 and uniform_pair(keys[2], replication, month, entity)[0] < caution[lender]:
            counts[LENDER_CAUTIOUS] += 1
            continue
        principal = out.principal[i]
        covered = covered_fen(principal, cover)
        if room.quota_left[0] >= 0 and principal > room.quota_left[0]:
            counts[QUOTA_USED] += 1
            continue
        if room.used[lender] + covered > room.limit[lender]:
            counts[CAPPED] += 1
            room.refused[lender] += covered
            continue
        if room.quota_left[0] >= 0:
            room.quota_left[0] -= principal
        room.used[lender] += covered
        lent[lender] += principal
        p.ordinal[i] += 1
        debts = 0
        if t.stacking == 1:
            for j in range(r.debt_product.shape[1]):
                debts += r.debt_product[i, j] >= 0
        book[:, n] = -1
        book[ID, n] = (entity ^ (p.ordinal[i] << 40)) & 0x7FFFFFFFFFFFFFFF
        book[HOUSEHOLD, n], book[LENDER, n], book[TOWNSHIP, n] = entity, lender, r.township[i]
        book[BALANCE, n], book[START, n], book[DUE, n] = principal, start, out.due[i]
        book[RATE, n], book[CLASS, n], book[STATUS, n], book[PAID_FEN, n] = out.rate_ppm[i], debts, 0, 0
        fates[FATE, n], fates[MISSED_ON, n], fates[REPAID_ON, n] = REPAID, out.due[i], out.due[i]
        fates[CAUSE, n], fates[WAS_EXTENDED, n] = -1, 0
        owner[n] = i
        p.loan[i], p.status[i], p.principal[i], p.rate_ppm[i] = n, OPEN, principal, out.rate_ppm[i]
        p.start[i], p.due[i], p.accrued_to[i] = start, out.due[i], start
        if misuse < t.misuse:
            p.marks[i], p.capital[i] = MISUSED, 0
        elif by_firm[i] > 0.0 and uniform_pair(keys[3], replication, month, entity)[0] < by_firm[i]:
            p.marks[i], p.capital[i] = BY_FIRM, 0
        else:
            p.marks[i], p.capital[i] = 0, principal
        rate = rate_on(t.subsidy, out.rate_ppm[i], start, start)
        out.by_lender[lender, 3] += min(principal, t.subsidy.ceiling) * rate // 1_000_000
        n += 1
    while day < end - first:
        day += 1
        for b in range(room.used.size):
            room.used[b] -= room.freed[b, day]
    return n


@njit(cache=True, error_model="numpy")
def release(
    lender: Any, principal: Any, paid: Any, fund_part: Any, paid_on: Any, is_refused: Any, decided: Any, recovered_on: Any,
    is_released: Any, first: Any, end: Any, cover: Any, freed: Any,
) -> None:  # fmt: skip
    """Principal of claims that leaves the guaranteed book in a month: paid by the fund, refused, or collected.

    Parameters
    ----------
    lender ... recovered_on : (n,)
        Columns of `Claims`.
    is_released : (n,) bool
        Has left already. Filled in.
    freed : (n_lenders, 31) int64 [fen]
        By day of the month. Added to.
    """
    for i in range(lender.size):
        if not is_released[i]:
            day = recovered_on[i]
            if paid[i] >= fund_part[i] and paid_on[i] >= 0:
                day = min(day, paid_on[i])
            if is_refused[i] and decided[i] >= 0:
                day = min(day, decided[i])
            if day <= end:
                is_released[i] = True
                freed[lender[i], max(day, first) - first] += covered_fen(principal[i], cover)


@njit(cache=True, error_model="numpy")
def year_end(p: Any, r: Any, t: Any, service: Any) -> Any:
    """Counts at the end of December.

    Returns
    -------
    borrowers, over_indebted, poor, months_short : int
        Households with a loan; those of them whose yearly debt service (other debts, their arrears, interest to
        kin) is above the line; households whose income of the year is below the poverty line; months below the
        floor so far.
    """
    borrowers, over, poor, short = 0, 0, 0, 0
    for i in range(r.id.size):
        if p.status[i] != NONE:
            borrowers += 1
            due = int(p.informal[i] * t.informal_rate * 12.0)
            for j in range(service.shape[1]):
                if service[i, j] > 0:
                    due += service[i, j] + p.debt_arrears[i, j]
            income = r.crop_fen[i] + r.livestock_fen[i] + r.wage_fen[i] + r.transfer_fen[i]
            over += due > t.over_indebted * income
        poor += p.income_year[i] < t.poverty_line * r.persons[i]
        short += p.months_short[i]
    return borrowers, over, poor, short
