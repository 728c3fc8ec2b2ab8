"""One month of every household, compiled: the twin of `month.step_reference`, same arguments, same bits.

Draws stand in loops of their own, where the compiler makes several at once; what seldom happens (something falls
due, a loan is applied for) stands behind one test. The rules are described in `month.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from sim.households.reduced_form import DEATH, DISASTER, INABILITY, WILFUL
from sim.households.state import (
    APPLIES,
    BAD,
    BORROWED,
    BY_FIRM,
    CALLED,
    COLLECTED,
    CURED,
    DEAD,
    EXTRA,
    INCOME,
    INTEREST,
    LOST,
    LOST_LABOUR,
    LUCK_POINTS,
    MISSED,
    NEVER_DAY,
    NONE,
    OPEN,
    OTHERS,
    OVERDUE,
    PAID_BACK,
    PRINCIPAL,
    REFUSES,
    RENEWED,
    REPAID,
    SEVERE,
    SOLD,
    SPENT,
    UNSUBSIDISED,
    WAS_CALLED,
    WAS_RENEWED,
    WELL,
    WENT_BAD,
    YEARLY,
)
from sim.streams import log_scalar, philox
from sim.subsidy import AT_REPAYMENT, EACH_SETTLEMENT, rate_on, subsidised
from sim.units import PPM

_LOW, _32 = np.uint64(0xFFFFFFFF), np.uint64(32)
_MEMORY = 365  # days for which neighbours remember a missed date
_STEP = 1.0 / 4294967296.0


@njit(cache=True, inline="always", error_model="numpy")
def _four(key: Any, entity: Any, when: Any, replication: Any) -> Any:
    """Four uniforms of 32 bits for one address, never 0 or 1."""
    e = np.uint64(entity)
    a, b, c, d = philox(e & _LOW, e >> _32, np.uint64(when) & _LOW, np.uint64(replication) & _LOW, key)
    return (
        (float(np.int64(a)) + 0.5) * _STEP,  # signed words turn into floats faster
        (float(np.int64(b)) + 0.5) * _STEP,
        (float(np.int64(c)) + 0.5) * _STEP,
        (float(np.int64(d)) + 0.5) * _STEP,
    )


@njit(cache=True, inline="always", error_model="numpy")
def _luck(table: Any, u: Any) -> Any:
    x = u * LUCK_POINTS
    k = int(x)
    return table[k] + (x - k) * (table[k + 1] - table[k])


@njit(cache=True, inline="always", error_model="numpy")
def _interest(principal: Any, rate_ppm: Any, days: Any, day_count: Any) -> Any:
    year = day_count * PPM
    return (principal * rate_ppm * days + year // 2) // year


@njit(cache=True, inline="always", error_model="numpy")
def _share(rate_ppm: Any, share_ppm: Any, most_ppm: Any) -> Any:
    return min((rate_ppm * share_ppm + PPM // 2) // PPM, most_ppm)


@njit(cache=True, error_model="numpy")
def _plain(s: Any, day: Any) -> Any:
    """Is one rate in force for every loan until a day? That rate's share and limit, and the ceiling: loops read these."""
    return s.from_day.size == 1 and s.months == 0 and day < s.end, s.share_ppm[0], s.most_ppm[0], s.ceiling


@njit(cache=True, inline="always", error_model="numpy")
def _usual(r: Any, i: Any) -> Any:
    return (r.crop_fen[i] + r.livestock_fen[i] + r.wage_fen[i] + r.transfer_fen[i]) // 12


@njit(cache=True, error_model="numpy")
def step(p: Any, r: Any, t: Any, now: Any, out: Any) -> None:
    """See `month.step_reference`."""
    n, month, month_end = r.id.size, now.month, now.month_end
    cal, rep = month % 12, now.replication
    key_month, key_year, key_decision, key_application = t.keys[0], t.keys[1], t.keys[2], t.keys[3]
    livestock_part, wage_part, transfer_part = t.livestock[cal], t.wage[cal], t.transfer[cal]
    discounts = np.maximum(1.0 - t.distress * now.severity, 0.0)
    brings, falls_in = t.products[:, 3] / 12.0, month % t.products[:, 0]
    slots = r.debt_product.shape[1] if t.stacking == 1 else 0
    subsidy, extra_days, is_each = t.subsidy, t.subsidy.extra_days, t.subsidy.paid_when == EACH_SETTLEMENT
    is_plain, share, most, ceiling = _plain(subsidy, month_end)
    out.by_lender[:] = 0
    out.bad[:] = 0
    out.borrowers[:] = 0
    total_income = total_spent = total_borrowed = total_back = total_others = total_collected = total_sold = 0
    may_apply, n_may_apply = np.empty(n, np.int64), 0
    u = np.empty((4, n))
    for i in range(n):
        u[0, i], u[1, i], u[2, i], u[3, i] = _four(key_month, r.id[i], month, rep)
    if cal == 0:
        for i in range(n):
            y0, y1, _, _ = _four(key_year, r.id[i], month // 12, rep)
            p.harvest_ppm[i] = int(_luck(t.harvest_luck, y0) * 1e6 + 0.5)
            p.wage_ppm[i] = int(_luck(t.wage_luck, y1) * 1e6 + 0.5)
            p.income_year[i] = 0

    for i in range(n):
        event = 0
        place, lender, usual = r.township[i], r.lender[i], _usual(r, i)
        floor = int(r.persons[i] * t.floor_fen + 0.5)
        limit = int(t.informal_months * usual)
        status, due, capital = p.status[i], p.due[i], p.capital[i]
        cash, informal = p.cash[i], p.informal[i]
        age = (month - r.born[i]) // 12

        # --- life: death, lost labour, illness
        illness = 0
        if p.health[i] == WELL:
            death = t.death[r.is_man[i], min(max(age, 0), t.death.shape[1] - 1)]
            lost = death * (1.0 + t.lost_labour_per_death)
            if u[1, i] < lost + t.illness:
                if u[1, i] >= lost:
                    illness = int(t.illness_months * usual)
                else:
                    p.health[i] = DEAD if u[1, i] < death else LOST_LABOUR
                    if status == OPEN and t.calls == 1:
                        p.marks[i] |= CALLED
                        due = min(due, month_end + t.call_days)
                        p.due[i] = due
                        event = WAS_CALLED

        # --- income: drought on the rain-fed crop in the months of its sale, distress on livestock, nothing on wages
        labour = 1.0
        if p.health[i] != WELL:
            labour = (r.workers[i] - 1) / r.workers[i]
        shock = _luck(t.month_luck, u[0, i])
        sold = now.crop_sold - r.rain_fed_ppm[i] * 1e-6 * now.crop_lost[place]
        income = int(r.crop_fen[i] * (p.harvest_ppm[i] * 1e-6) * sold * (0.5 + 0.5 * labour) + 0.5)
        animals = r.livestock_fen[i] * livestock_part * shock * discounts[place] * now.price[place]
        income += int(animals * now.herd[i] + 0.5)
        income += int(r.wage_fen[i] * wage_part * (p.wage_ppm[i] * 1e-6) * labour * now.wage[i] + 0.5)
        income += int(r.transfer_fen[i] * transfer_part + 0.5)
        if u[2, i] < t.failure:
            capital -= int(capital * t.failure_loss)
            p.capital[i] = capital
        at_work = capital if month_end - p.start[i] > t.return_after_days else 0
        income += int(at_work * t.return_per_month * shock + 0.5)
        owes = False
        for j in range(slots):
            product = r.debt_product[i, j]
            if product < 0:
                break
            unpaid = p.debt_arrears[i, j]
            if unpaid == 0:
                income += int(brings[product] * shock + 0.5)
            if unpaid > 0 or falls_in[product] == r.debt_month[i, j]:
                owes = True
        p.income_year[i] += income
        cash += income + p.refund[i]
        p.refund[i] = 0

        # --- needs
        expense = int(t.expense_months * usual) if u[3, i] < t.expense else 0
        planned = max(floor, int(t.spent_share * usual))
        is_due = (status >= OPEN) & (status <= OVERDUE) & (due <= month_end)
        excess = max(cash - r.savings_fen[i] - planned, 0)
        planned += 0 if is_due | (status == OVERDUE) else excess // 20
        need = planned + illness + expense
        spent = min(need, max(floor + illness + expense, cash * 3 // 4))
        borrowed = 0
        if spent > cash:
            borrowed = min(spent - cash, max(limit - informal, 0))
            spent = cash + borrowed
            if spent < floor:
                p.months_short[i] += 1
        cash += borrowed - spent
        informal += borrowed + int(informal * t.informal_rate + 0.5)

        # --- interest paid first, or debited by a lender that waits for the subsidy
        asked = p.interest_due[i] + p.arrears[i]
        if asked > 0:
            p.interest_due[i] = 0
            own = min(asked, cash)
            more = min(asked - own, max(limit - informal, 0))
            cash -= own
            informal += more
            borrowed += more
            p.arrears[i] = asked - own - more
            out.by_lender[lender, INTEREST] += own + more

        # --- debts that are paid before the loan under the fund, that loan, the other debts
        others = sale = 0
        if owes | is_due | ((status == BAD) & (p.recover_on[i] <= month_end)):
            j = 0
            for turn in range(2):  # debts stand in order of payment; the loan comes between
                while j < slots:
                    product = r.debt_product[i, j]
                    if product < 0 or (turn == 0 and t.products[product, 4] == 0):
                        break
                    amount = p.debt_arrears[i, j]
                    if falls_in[product] == r.debt_month[i, j]:
                        amount += t.products[product, 1]
                    if amount > 0:
                        required = max(amount - int(t.products[product, 2] * now.price[place]), 0)
                        if required == 0 or cash - floor + max(limit - informal, 0) >= required:
                            own = min(max(cash - floor, 0), required)
                            cash -= own
                            informal += required - own
                            borrowed += required - own
                            others += required
                            amount = 0
                        p.debt_arrears[i, j] = amount
                    j += 1
                if turn == 1:
                    break
                if is_due:
                    d0, d1, d2, d3 = _four(key_decision, r.id[i], month, rep)
                    asked = p.principal[i] + p.arrears[i]
                    by_firm = status == OPEN and p.marks[i] & (BY_FIRM | LOST) == BY_FIRM
                    if status == OPEN:
                        sale = int(capital * now.price[place] * discounts[place] * _luck(t.own_price, d0) + 0.5)
                        p.capital[i] = 0
                        cash += sale
                        odds = (
                            t.strategic
                            + t.peer * now.bad[now.circle[i]] / max(now.borrowers[now.circle[i]], 1)
                            + t.belief * now.belief
                            + t.unpaid_subsidy * now.late_months[lender]
                            + t.rating * (r.rating[i] - 3)
                            + now.will[i]
                        )
                        is_unwilling = log_scalar(d1) - log_scalar(1.0 - d1) < odds
                        if p.marks[i] & BY_FIRM == 0 and (is_unwilling or (p.marks[i] & CALLED > 0 and d2 >= t.heirs)):
                            p.marks[i] |= REFUSES
                        days = max(due - p.accrued_to[i], 0)
                        fen = subsidised(subsidy, p.principal[i], p.rate_ppm[i], p.start[i], p.accrued_to[i], due)
                        fen = fen if p.marks[i] & UNSUBSIDISED == 0 else 0
                        own = _interest(p.principal[i], p.rate_ppm[i], days, t.day_count) - fen
                        if is_each:
                            p.carry[i] += fen
                        else:
                            p.withheld[i] += fen
                            own += fen if subsidy.pays_first == 1 else 0
                        p.arrears[i] += own  # what nobody subsidises is asked with the principal
                        asked += own
                        sale += asked if by_firm else 0
                        p.accrued_to[i] = due
                    else:
                        rate = int(p.rate_ppm[i] * t.penalty + 0.5)
                        asked += _interest(p.principal[i], rate, month_end - due, t.day_count)
                    room = max(limit - informal, 0)
                    if status == OVERDUE and d3 < t.cure:
                        room += limit  # kin help once more
                    if by_firm or (p.marks[i] & (REFUSES | LOST) == 0 and cash - floor + room >= asked):
                        if not by_firm:
                            own = min(max(cash - floor, 0), asked)
                            cash -= own
                            informal += asked - own
                            borrowed += asked - own
                        out.by_lender[lender, EXTRA] += asked - p.principal[i]
                        out.by_lender[lender, PRINCIPAL] += p.principal[i]
                        event |= REPAID if status == OPEN else CURED
                        if status == OVERDUE and extra_days > 0 and p.marks[i] & UNSUBSIDISED == 0:
                            to = min(month_end, due + extra_days)
                            p.carry[i] += subsidised(
                                subsidy, p.principal[i], p.rate_ppm[i], p.start[i], p.accrued_to[i], to
                            )
                        p.carry[i] += p.withheld[i]
                        p.withheld[i] = 0
                        p.status[i] = NONE
                        p.arrears[i] = 0
                        p.marks[i] = 0
                        p.wait_until[i] = month + 1
                    elif (
                        status == OPEN
                        and t.renews > 0.0
                        and now.is_open[lender] == 1
                        and p.marks[i] & (RENEWED | CALLED | REFUSES) == 0
                        and d3 < t.renews
                    ):
                        event |= WAS_RENEWED
                        p.marks[i] |= RENEWED
                        p.due[i] = due + 365
                        p.capital[i] = min(sale, max(cash, 0))
                        cash -= p.capital[i]
                        sale -= p.capital[i]
                    else:
                        if status == OPEN:
                            event |= MISSED
                            p.status[i] = OVERDUE
                            if subsidy.late_loses_all == 1:
                                p.arrears[i] += p.withheld[i] if subsidy.pays_first == 0 else 0
                                p.withheld[i] = 0
                        if due + t.wait_days <= now.over_by:
                            event |= WENT_BAD
                            p.status[i] = BAD
                            p.wait_until[i] = NEVER_DAY
                            p.withheld[i] = 0
                            if p.marks[i] & CALLED > 0:
                                out.cause[i] = DEATH
                            elif p.marks[i] & REFUSES > 0:
                                out.cause[i] = WILFUL
                            elif now.recent[place] >= SEVERE or 1.0 - now.herd[i] >= SEVERE:
                                out.cause[i] = DISASTER
                            else:
                                out.cause[i] = INABILITY
                elif status == BAD and p.recover_on[i] <= month_end:
                    own = min(max(cash - floor, 0), p.recover_fen[i])
                    cash -= own
                    informal += p.recover_fen[i] - own
                    borrowed += p.recover_fen[i] - own
                    total_collected += p.recover_fen[i]
                    p.recover_on[i] = NEVER_DAY
                    p.status[i] = NONE
        back = min(informal, max(cash - usual, 0))
        p.cash[i] = cash - back
        p.informal[i] = informal - back

        # --- counts, and who may apply
        out.event[i] = event
        total_income += income
        total_spent += spent
        total_borrowed += borrowed
        total_back += back
        total_others += others
        total_sold += sale
        status = p.status[i]
        rate = (
            _share(p.rate_ppm[i], share, most) if is_plain else rate_on(subsidy, p.rate_ppm[i], p.start[i], month_end)
        )
        yearly = min(p.principal[i], ceiling) * rate // PPM
        out.by_lender[lender, YEARLY] += yearly if status == OPEN and p.marks[i] & UNSUBSIDISED == 0 else 0
        out.borrowers[now.circle[i]] += int(status != NONE)
        if status >= OVERDUE and month_end - p.due[i] <= _MEMORY:
            out.bad[now.circle[i]] += 1
        is_free = (status == NONE) & (month >= p.wait_until[i])
        may_apply[n_may_apply] = i
        n_may_apply += int(is_free & (p.health[i] == WELL) & (r.may_borrow[i] == 1) & (age < t.age_below))
    out.totals[INCOME] = total_income
    out.totals[SPENT] = total_spent
    out.totals[BORROWED] = total_borrowed
    out.totals[PAID_BACK] = total_back
    out.totals[OTHERS] = total_others
    out.totals[COLLECTED] = total_collected
    out.totals[SOLD] = total_sold

    # --- a new loan
    for k in range(n_may_apply):
        u[0, k], u[1, k], u[2, k], u[3, k] = _four(key_application, r.id[may_apply[k]], month, rep)
    for k in range(n_may_apply):
        if u[0, k] < t.apply[cal]:
            i = may_apply[k]
            usual = _usual(r, i)
            size = 0
            while u[1, k] >= t.size_cdf[size]:
                size += 1
            while size > 0 and t.sizes[size] > t.loan_to_income * 12.0 * usual:
                size -= 1
            term = 0
            while u[2, k] >= t.term_cdf[term]:
                term += 1
            if t.age_at_maturity == 1 and (month + t.terms[term] - r.born[i]) // 12 >= t.age_below:
                continue
            start = now.working[int(u[3, k] * now.working.size)]
            day = start - now.first_day
            ahead = t.terms[term]
            out.start[i] = start
            out.due[i] = min(now.month_starts[ahead] + day, now.month_starts[ahead + 1] - 1)
            out.principal[i] = t.sizes[size]
            at = min(day, now.rate_short.size - 1)
            out.rate_ppm[i] = now.rate_short[at] if ahead <= 12 else now.rate_long[at]
            out.event[i] |= APPLIES


@njit(cache=True, error_model="numpy")
def settle(p: Any, r: Any, t: Any, day: Any, is_listed: Any, charges: Any, amount: Any) -> Any:
    """Subsidised interest of each household up to a settlement day; the plain twin is `month.settle_reference`."""
    subsidy, n_lenders = t.subsidy, charges.size
    is_each, is_settled = subsidy.paid_when == EACH_SETTLEMENT, subsidy.paid_when != AT_REPAYMENT
    is_plain, share, most, ceiling = _plain(subsidy, day)
    totals, lines = np.zeros(n_lenders, np.int64), np.zeros(n_lenders, np.int64)
    for i in range(r.id.size):
        if is_settled and (p.status[i] == OPEN or (is_each and p.status[i] != NONE)):
            extra = 0 if p.status[i] == OPEN else subsidy.extra_days
            to = min(day, p.due[i] + extra)
            days = to - p.accrued_to[i]
            if days > 0:
                if is_plain:
                    rate = _share(p.rate_ppm[i], share, most)
                    fen = _interest(min(p.principal[i], ceiling), rate, days, t.day_count)
                else:
                    fen = subsidised(subsidy, p.principal[i], p.rate_ppm[i], p.start[i], p.accrued_to[i], to)
                fen = fen if p.marks[i] & UNSUBSIDISED == 0 else 0
                if is_each:
                    p.carry[i] += fen
                else:
                    p.withheld[i] += fen
                    p.interest_due[i] += fen if subsidy.pays_first == 1 else 0
                if p.status[i] == OPEN:
                    whole = _interest(p.principal[i], p.rate_ppm[i], days, t.day_count)
                    p.interest_due[i] += whole - fen  # what nobody subsidises
                p.accrued_to[i] = to
        fen = p.carry[i] if is_listed == 1 else 0
        p.carry[i] -= fen
        amount[i] = fen
        if fen > 0:
            lender = r.lender[i]
            totals[lender] += fen
            lines[lender] += 1
            if is_each and charges[lender] == 1:
                p.interest_due[i] += fen
    return totals, lines
