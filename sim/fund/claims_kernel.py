"""Claims, compiled: who is ready, who is unpaid, and new ones.

`new_claims` is the twin of the array functions in `fund.claims` for loans that have just gone bad.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from sim.clock import Calendar
from sim.fund.claims import _DEATH, _INABILITY, _WILFUL, FAR, NEVER, claim_keys, is_compensable
from sim.fund.days import filing_days
from sim.law import Rules
from sim.law.chain import START
from sim.lending.collection import gains_by_waiting
from sim.scenario import Defaults
from sim.streams import log_scalar, stream_key, uniform_pair
from sim.units import F64, FEN_PER_YUAN, I64, PPM, Array, Bool

ROW, ENTITLED, AMOUNT, REFUSED, RECOVERED_ON = 0, 5, 9, 12, 14  # rows of what `new_claims` fills in


class ClaimTerms(NamedTuple):
    """The rules of a claim as numbers, and the working days."""

    wait_days: int
    wait_is_working: bool
    court_days: int
    steps: I64  # of each step before the decision: how many days, and are they working days
    waits: Bool  # of each step, of the clerks' desk and of the decision: does it wait for day 90, for step 0, 1, ...
    application: int  # step of the bank
    open_days: I64  # on which it may file; none where it may on any
    cover: tuple[int, int]  # principal covered [fen], share of what is above it [1e-6]
    rate_multiple_ppm: int  # 0: no interest in the claim
    fund_ppm: int
    borne_ppm: int  # by all but the bank
    day_count: int
    law_from: int
    negligence: F64  # by lender
    objection: float
    accepted: float
    is_compensable: Bool  # by cause
    first_year: float
    per_year: float
    heirs: float
    held_back: float  # share of what would come in below the doubtful line that is held back until past it; 0: none
    line_from: int  # days overdue: substandard, doubtful
    line: int
    past_line: int
    wait_key: np.uint64
    keys: Array
    working: I64
    n_working: I64  # working days up to each day
    first_day: int  # of the calendar


def claim_terms(
    rules: Rules, calendar: Calendar, defaults: Defaults, law_from: int, seed: int, negligence: F64
) -> ClaimTerms:
    """Read what no claim changes; ``negligence`` (n_lenders,) is the chance of a refusal for it."""
    recovery, line_from, line = defaults.recovery, rules.classes.substandard_days or 0, rules.classes.doubtful_days or 0
    held_back = recovery.waits_for_fee if gains_by_waiting(rules) else 0.0
    c, multiple = rules.claim, rules.claim.penalty_multiplier if rules.claim.includes_penalty else 1.0
    working, count = calendar.tables
    chain, loss = c.steps, rules.loss
    names = [START, *(s.name for s in chain.before)]
    waits = [
        [name in s.after for name in names] for s in (*chain.before, chain.queue or chain.decision, chain.decision)
    ]
    steps = np.array([(s.days, s.is_working) for s in chain.before], dtype=np.int64)
    return ClaimTerms(
        c.wait_days, c.wait_unit == "working_days", defaults.court_days if c.wilful_default == "after_court" else 0,
        steps, np.array(waits), chain.before.index(chain.application), filing_days(rules, calendar),
        (c.covered_principal_yuan * FEN_PER_YUAN, round(c.cover_above_share * PPM)),
        round(multiple * PPM) if c.includes_interest else 0, loss.fund_ppm, loss.fund_ppm + loss.direct_ppm,
        rules.interest.day_count,
        law_from, negligence, defaults.objection, defaults.inability_accepted,
        is_compensable(rules, np.arange(4)), defaults.recovery.first_year, defaults.recovery.per_year_after,
        defaults.recovery.heirs, held_back, line_from, line, recovery.waits_past_line_days,
        stream_key(seed, "collection.waiting"), claim_keys(seed), working, count, calendar.first_day,
    )  # fmt: skip


@njit(cache=True)
def ready(decided: Any, reviewed: Any, ready_on: Any, recovered_on: Any, day: Any, reviewed_by: Any) -> Any:
    """Rows of claims that can be decided on a day: through all steps, not collected in the meantime.

    ``reviewed_by`` is the latest day of review that leaves time for the steps behind it.
    """
    rows, n = np.empty(decided.size, np.int64), 0
    for i in range(decided.size):
        is_reviewed = reviewed[i] != NEVER and reviewed[i] <= reviewed_by
        if decided[i] == NEVER and is_reviewed and ready_on[i] <= day and recovered_on[i] > day:
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


@njit(cache=True)
def covered_fen(principal: Any, cover: Any) -> Any:
    """Principal that the fund covers [fen]."""
    inside = min(principal, cover[0])
    return inside + ((principal - inside) * cover[1] + 500_000) // 1_000_000


@njit(cache=True)
def _later(day: Any, n: Any, is_working: Any, working: Any, n_working: Any, first_day: Any) -> Any:
    """The day n days, or n working days, after a day."""
    if not is_working:
        return day + n
    return working[n_working[day - first_day] + n - 1] if n > 0 else day


@njit(cache=True)
def _begin(waits: Any, over: Any, n: Any) -> Any:
    """Day on which all is over that a step waits for, among the first n ends."""
    day = -1
    for s in range(n):
        if waits[s]:
            day = max(day, over[s])
    return day


@njit(cache=True, error_model="numpy")
def past_the_line(loan: Any, missed: Any, recovered_on: Any, replication: Any, t: Any) -> Any:
    """Day on which money comes in that collectors may hold back until the loan is doubtful and pays them more."""
    if t.held_back > 0.0 and t.line_from <= recovered_on - missed < t.line:
        u, v = uniform_pair(t.wait_key, replication, 0, loan)
        if u < t.held_back:
            return missed + t.line + int(v * t.past_line)
    return recovered_on


@njit(cache=True, error_model="numpy")
def all_past_the_line(loan: Any, missed: Any, recovered_on: Any, replication: Any, t: Any) -> Any:
    """The same for many loans."""
    out = recovered_on.copy()
    for k in range(loan.size):
        out[k] = past_the_line(loan[k], missed[k], recovered_on[k], replication, t)
    return out


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
        Filled in: row, lender, cause, principal, missed, entitled, filed, arrives, ready_on, amount,
        fund_part, bank_part, is_refused, has_objection, recovered_on.
    """
    n_steps = t.steps.shape[0]
    over = np.empty(n_steps + 1, np.int64)  # day 90, then the end of each step
    order = rows[np.argsort(book[0][rows])]
    order = order[np.argsort(fates[1][order], kind="mergesort")]
    for k in range(order.size):
        row = order[k]
        entity, cause, missed, principal = book[0, row], fates[3, row], fates[1, row], book[4, row]
        entitled = _later(missed, t.wait_days, t.wait_is_working, t.working, t.n_working, t.first_day)
        over[0] = entitled
        for s in range(n_steps):
            begins = _begin(t.waits[s], over, s + 1)
            end = _later(begins, t.steps[s, 0], t.steps[s, 1] == 1, t.working, t.n_working, t.first_day)
            if s == t.application:
                end += t.court_days if cause == _WILFUL else 0
                if t.open_days.size > 0:
                    end = t.open_days[np.searchsorted(t.open_days, end)]
            over[s + 1] = end
        filed = over[t.application + 1]
        arrives, ready_on = _begin(t.waits[n_steps], over, n_steps + 1), _begin(t.waits[n_steps + 1], over, n_steps + 1)
        covered = covered_fen(principal, t.cover)
        amount = covered
        if t.rate_multiple_ppm > 0:
            rate = (book[7, row] * t.rate_multiple_ppm + 500_000) // 1_000_000
            year = t.day_count * 1_000_000
            amount += (covered * rate * max(filed - missed, 0) + year // 2) // year
        fund = (amount * t.fund_ppm + 500_000) // 1_000_000
        bank = amount - (amount * t.borne_ppm + 500_000) // 1_000_000
        negligence_u, objection_u = uniform_pair(t.keys[0], replication, 0, entity)
        accept_u, u = uniform_pair(t.keys[1], replication, 0, entity)
        refused = negligence_u < t.negligence[book[2, row]] or (cause == _INABILITY and accept_u >= t.accepted)
        refused = refused or not t.is_compensable[cause] or entitled < t.law_from
        first = t.heirs if cause == _DEATH else t.first_year
        later = 0.0 if cause == _DEATH else t.per_year
        days = FAR
        if u < first:
            days = int(u / first * 365.0)
        elif later > 0.0 and first < 1.0:
            days = int(min((1.0 + log_scalar((1.0 - u) / (1.0 - first)) / log_scalar(1.0 - later)) * 365.0, float(FAR)))
        out[0, k], out[1, k], out[2, k], out[3, k], out[4, k] = row, book[2, row], cause, principal, missed
        out[5, k], out[6, k], out[7, k], out[8, k] = entitled, filed, arrives, ready_on
        out[9, k], out[10, k], out[11, k] = amount, fund, bank
        out[12, k], out[13, k] = int(refused), int(objection_u < t.objection)
        out[14, k] = past_the_line(entity, missed, min(entitled + 1 + days, FAR), replication, t)
