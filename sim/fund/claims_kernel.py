"""Claims, compiled: who is ready, who is unpaid, and new ones.

`new_claims` is the twin of the array functions in `fund.claims` for loans that have just gone bad.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from sim.clock import Calendar
from sim.fund.claims import _DEATH, _INABILITY, _WILFUL, FAR, NEVER, claim_keys, is_compensable
from sim.law import Rules
from sim.scenario import Defaults
from sim.streams import log_scalar, uniform_pair
from sim.units import FEN_PER_YUAN, I64, PPM, Array, Bool

ROW, ENTITLED, AMOUNT, RECOVERED_ON = 0, 5, 9, 14  # rows of what `new_claims` fills in


class ClaimTerms(NamedTuple):
    """The rules of a claim as numbers, and the working days."""

    wait_days: int
    file_days: int
    court_days: int
    township_days: int
    notice_days: int
    covered: int
    rate_multiple_ppm: int  # 0: no interest in the claim
    share_ppm: int
    day_count: int
    law_from: int
    negligence: float
    objection: float
    accepted: float
    is_compensable: Bool  # by cause
    first_year: float
    per_year: float
    heirs: float
    keys: Array
    working: I64
    n_working: I64  # working days up to each day
    first_day: int  # of the calendar


def claim_terms(rules: Rules, calendar: Calendar, defaults: Defaults, law_from: int, seed: int) -> ClaimTerms:
    """Read what no claim changes."""
    c, multiple = rules.claim, rules.claim.penalty_multiplier if rules.claim.includes_penalty else 1.0
    working, count = calendar.tables
    return ClaimTerms(
        c.wait_days, c.file_days, defaults.court_days if c.wilful_default == "after_court" else 0,
        c.township_working_days, c.notice_days, c.covered_principal_yuan * FEN_PER_YUAN,
        round(multiple * PPM) if c.includes_interest else 0, round(rules.fund.share * PPM), rules.interest.day_count,
        law_from, defaults.negligence, defaults.objection, defaults.inability_accepted,
        is_compensable(rules, np.arange(4)), defaults.recovery.first_year, defaults.recovery.per_year_after,
        defaults.recovery.heirs,
        claim_keys(seed), working, count, calendar.first_day,
    )  # fmt: skip


@njit(cache=True)
def ready(decided: Any, reviewed: Any, notice_ends: Any, recovered_on: Any, day: Any) -> Any:
    """Rows of claims that a meeting can decide: through notice and review, not collected in the meantime."""
    rows, n = np.empty(decided.size, np.int64), 0
    for i in range(decided.size):
        is_reviewed = reviewed[i] != NEVER and reviewed[i] <= day
        if decided[i] == NEVER and is_reviewed and notice_ends[i] <= day and recovered_on[i] > day:
            rows[n] = i
            n += 1
    return rows[:n]


@njit(cache=True)
def unpaid(due: Any, paid: Any, fund_part: Any, recovered_on: Any, due_by: Any, day: Any, handed_over: Any) -> Any:
    """Rows of claims due and not paid in full; not those collected before the fund has paid any of them."""
    rows, n = np.empty(due.size, np.int64), 0
    for i in range(due.size):
        is_waiting = due[i] != NEVER and due[i] <= due_by and paid[i] < fund_part[i]
        if is_waiting and (recovered_on[i] > day or (recovered_on[i] > handed_over and paid[i] > 0)):
            rows[n] = i
            n += 1
    return rows[:n]


@njit(cache=True, error_model="numpy")
def new_claims(rows: Any, book: Any, fates: Any, t: Any, replication: Any, out: Any) -> None:
    """Claims of loans that will not be paid by day 90, in order of day 90 and loan id.

    Parameters
    ----------
    rows : (n,) int64
        Rows of the book, in any order.
    book, fates : (columns, capacity) int64
        As in `community_kernel`.
    t : ClaimTerms
    out : (15, n) int64
        Filled in: row, lender, cause, principal, missed, entitled, filed, signed, notice_ends, amount,
        fund_part, bank_part, is_refused, has_objection, recovered_on.
    """
    order = rows[np.argsort(book[0][rows])]
    order = order[np.argsort(fates[1][order], kind="mergesort")]
    for k in range(order.size):
        row = order[k]
        entity, cause, missed, principal = book[0, row], fates[3, row], fates[1, row], book[4, row]
        entitled = missed + t.wait_days
        filed = entitled + t.file_days + (t.court_days if cause == _WILFUL else 0)
        signed = filed
        if t.township_days > 0:
            signed = t.working[t.n_working[filed - t.first_day] + t.township_days - 1]
        covered = min(principal, t.covered)
        amount = covered
        if t.rate_multiple_ppm > 0:
            rate = (book[7, row] * t.rate_multiple_ppm + 500_000) // 1_000_000
            year = t.day_count * 1_000_000
            amount += (covered * rate * max(filed - missed, 0) + year // 2) // year
        fund = (amount * t.share_ppm + 500_000) // 1_000_000
        negligence_u, objection_u = uniform_pair(t.keys[0], replication, 0, entity)
        accept_u, u = uniform_pair(t.keys[1], replication, 0, entity)
        refused = negligence_u < t.negligence or (cause == _INABILITY and accept_u >= t.accepted)
        refused = refused or not t.is_compensable[cause] or entitled < t.law_from
        first = t.heirs if cause == _DEATH else t.first_year
        later = 0.0 if cause == _DEATH else t.per_year
        days = FAR
        if u < first:
            days = int(u / first * 365.0)
        elif later > 0.0 and first < 1.0:
            days = int(min((1.0 + log_scalar((1.0 - u) / (1.0 - first)) / log_scalar(1.0 - later)) * 365.0, float(FAR)))
        out[0, k], out[1, k], out[2, k], out[3, k], out[4, k] = row, book[2, row], cause, principal, missed
        out[5, k], out[6, k], out[7, k], out[8, k] = entitled, filed, signed, signed + t.notice_days
        out[9, k], out[10, k], out[11, k] = amount, fund, amount - fund
        out[12, k], out[13, k] = int(refused), int(objection_u < t.objection)
        out[14, k] = min(entitled + 1 + days, FAR)
