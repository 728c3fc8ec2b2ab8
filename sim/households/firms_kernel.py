"""Firms in a month, compiled: the twins of `firms.fail_reference` and `firms.pay_reference`, same bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from sim.households.reduced_form import DEATH, DISASTER, INABILITY, WILFUL
from sim.households.state import (
    BAD,
    CALLED,
    EXTRA,
    FAILED,
    INTEREST,
    LOST,
    MISSED,
    NEVER_DAY,
    NONE,
    OPEN,
    OVERDUE,
    PRINCIPAL,
    REFUSES,
    REPAID,
    SEVERE,
    UNSUBSIDISED,
    WENT_BAD,
    WORKS,
    YEARLY,
)
from sim.streams import log_scalar, uniform_pair
from sim.subsidy import EACH_SETTLEMENT, rate_on, subsidised
from sim.units import PPM


@njit(cache=True, error_model="numpy")
def fail(
    ids: Any, place: Any, first: Any, household: Any, key: Any, odds: Any, can_fail: Any, out_for: Any, severity: Any,
    price: Any, herd: Any, month: Any, replication: Any, health: Any, again: Any, status: Any, marks: Any,
) -> Any:  # fmt: skip
    """See `firms.fail_reference`; ``health`` to ``marks`` are columns of the parts' `People`."""
    n, fails = ids.size, np.zeros(ids.size, np.bool_)
    usual, of_drought, of_price, of_disease = odds
    for i in range(n):
        begin, end = first[i], first[i + 1] if i + 1 < n else household.size
        works = health[begin] == WORKS
        if not works and month >= again[begin]:
            health[begin:end] = WORKS
        if not (works and can_fail):
            continue
        kept = 0.0
        for j in range(begin, end):
            kept += herd[household[j]]
        lost = 1.0 - kept / (end - begin)
        log_odds = usual + of_drought * severity[place[i]]
        log_odds += of_price * max(1.0 - price[place[i]], 0.0) + of_disease * lost
        u = uniform_pair(key, replication, month, ids[i])[0]
        if log_scalar(u) - log_scalar(1.0 - u) < log_odds:
            fails[i] = True
            for j in range(begin, end):
                health[j] = FAILED
                again[j] = month + out_for
                if status[j] == OPEN:
                    marks[j] |= LOST
    return fails


@njit(cache=True, error_model="numpy")
def pay(
    p: Any, lender: Any, place: Any, household: Any, s: Any, wait_days: Any, recent: Any, herd: Any, month: Any, month_end: Any,
    over_by: Any, out: Any,
) -> Any:  # fmt: skip
    """See `firms.pay_reference`."""
    is_each, year = s.paid_when == EACH_SETTLEMENT, s.day_count * PPM
    paid = collected = 0
    for i in range(lender.size):
        event, of = 0, lender[i]
        is_sound = p.marks[i] & LOST == 0
        p.arrears[i] += p.interest_due[i]
        p.interest_due[i] = 0
        if is_sound:
            out.by_lender[of, INTEREST] += p.arrears[i]
            paid += p.arrears[i]
            p.arrears[i] = 0
        if p.status[i] == BAD:
            if p.recover_on[i] <= month_end:
                collected += p.recover_fen[i]
                p.recover_on[i] = NEVER_DAY
                p.status[i] = NONE
                p.wait_until[i] = month + 1
        elif p.status[i] != NONE and p.due[i] <= month_end:
            is_open = p.status[i] == OPEN
            if is_open:
                days = max(p.due[i] - p.accrued_to[i], 0)
                fen = subsidised(s, p.principal[i], p.rate_ppm[i], p.start[i], p.accrued_to[i], p.due[i])
                fen = fen if p.marks[i] & UNSUBSIDISED == 0 else 0
                p.arrears[i] += (p.principal[i] * p.rate_ppm[i] * days + year // 2) // year - fen
                if is_each:
                    p.carry[i] += fen
                else:
                    p.withheld[i] += fen
                    p.arrears[i] += fen if s.pays_first == 1 else 0
                p.accrued_to[i] = p.due[i]
            if is_open and is_sound:
                out.by_lender[of, EXTRA] += p.arrears[i]
                out.by_lender[of, PRINCIPAL] += p.principal[i]
                paid += p.arrears[i] + p.principal[i]
                event = REPAID
                p.carry[i] += p.withheld[i]
                p.withheld[i] = p.arrears[i] = p.marks[i] = 0
                p.status[i] = NONE
                p.wait_until[i] = month + 1
            else:
                if is_open:
                    event = MISSED
                    p.status[i] = OVERDUE
                    if s.late_loses_all == 1:
                        p.arrears[i] += p.withheld[i] * (1 - s.pays_first)
                        p.withheld[i] = 0
                if p.due[i] + wait_days <= over_by:
                    event |= WENT_BAD
                    p.status[i] = BAD
                    p.withheld[i] = 0
                    p.wait_until[i] = NEVER_DAY
                    if p.marks[i] & CALLED != 0:
                        out.cause[i] = DEATH
                    elif p.marks[i] & REFUSES != 0:
                        out.cause[i] = WILFUL
                    elif recent[place[i]] >= SEVERE or 1.0 - herd[household[i]] >= SEVERE:
                        out.cause[i] = DISASTER
                    else:
                        out.cause[i] = INABILITY
        out.event[i] = event
        if p.status[i] == OPEN and p.marks[i] & UNSUBSIDISED == 0:
            yearly = min(p.principal[i], s.ceiling) * rate_on(s, p.rate_ppm[i], p.start[i], month_end) // PPM
            out.by_lender[of, YEARLY] += yearly
    return paid, collected
