"""One month of every household, compiled: the twin of `month.step_reference`, same arguments, same bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from sim.households.state import (
    APPLIES,
    BAD,
    CALLED,
    CURED,
    DEAD,
    LOST_LABOUR,
    LUCK_POINTS,
    MISSED,
    NEVER_DAY,
    NONE,
    OPEN,
    OVERDUE,
    REFUSES,
    RENEWED,
    REPAID,
    SEVERE,
    WAS_CALLED,
    WAS_RENEWED,
    WENT_BAD,
)
from sim.streams import log_scalar, philox

_LOW, _32 = np.uint64(0xFFFFFFFF), np.uint64(32)
_STEP = 1.0 / 4294967296.0


@njit(cache=True, inline="always", error_model="numpy")
def _four(key: Any, entity: Any, when: Any, replication: Any) -> Any:
    """Four uniforms of 32 bits for one address, never 0 or 1."""
    e = np.uint64(entity)
    a, b, c, d = philox(e & _LOW, e >> _32, np.uint64(when) & _LOW, np.uint64(replication) & _LOW, key)
    return (float(a) + 0.5) * _STEP, (float(b) + 0.5) * _STEP, (float(c) + 0.5) * _STEP, (float(d) + 0.5) * _STEP


@njit(cache=True, inline="always", error_model="numpy")
def _luck(table: Any, u: Any) -> Any:
    x = u * LUCK_POINTS
    k = int(x)
    return table[k] + (x - k) * (table[k + 1] - table[k])


@njit(cache=True, inline="always", error_model="numpy")
def _interest(principal: Any, rate_ppm: Any, days: Any, day_count: Any) -> Any:
    year = day_count * 1_000_000
    return (principal * rate_ppm * days + year // 2) // year


@njit(cache=True, error_model="numpy")
def step(p: Any, r: Any, t: Any, now: Any, out: Any) -> None:
    """See `month.step_reference`."""
    month, month_end = now.month, now.month_end
    cal = month % 12
    rep = now.replication
    key_month, key_year, key_decision, key_application = t.keys[0], t.keys[1], t.keys[2], t.keys[3]
    year = month // 12
    out.totals[:] = 0
    out.by_lender[:] = 0
    out.bad[:] = 0
    out.borrowers[:] = 0
    for i in range(r.id.size):
        event = 0
        place, lender, entity = r.township[i], r.lender[i], r.id[i]
        usual = (r.crop_fen[i] + r.livestock_fen[i] + r.wage_fen[i] + r.transfer_fen[i]) // 12
        floor = int(r.persons[i] * t.floor_fen + 0.5)
        limit = int(t.informal_months * usual)
        u0, u1, u2, u3 = _four(key_month, entity, month, rep)
        if cal == 0:
            y0, y1, _, _ = _four(key_year, entity, year, rep)
            p.harvest_ppm[i] = int(_luck(t.harvest_luck, y0) * 1e6 + 0.5)
            p.wage_ppm[i] = int(_luck(t.wage_luck, y1) * 1e6 + 0.5)
            p.income_year[i] = 0
        status, due = p.status[i], p.due[i]
        cash, informal = p.cash[i], p.informal[i]

        # --- life: death, lost labour, illness
        illness = 0
        if p.health[i] == 0:
            age = min(max((month - r.born[i]) // 12, 0), t.death.shape[1] - 1)
            death = t.death[r.is_man[i], age]
            lost = death * (1.0 + t.lost_labour_per_death)
            if u1 < lost:
                p.health[i] = DEAD if u1 < death else LOST_LABOUR
                if status == OPEN and t.calls == 1:
                    p.marks[i] |= CALLED
                    due = min(due, month_end + t.call_days)
                    p.due[i] = due
                    event |= WAS_CALLED
            elif u1 < lost + t.illness:
                illness = int(t.illness_months * usual)

        # --- income: drought on the rain-fed crop in the months of its sale, distress on livestock, nothing on wages
        labour = 1.0
        if p.health[i] > 0:
            labour = (r.workers[i] - 1) / r.workers[i]
        shock = _luck(t.month_luck, u0)
        discount = 1.0 - t.distress * now.severity[place]
        sold = now.crop_sold - r.rain_fed_ppm[i] * 1e-6 * now.crop_lost[place]
        income = int(r.crop_fen[i] * (p.harvest_ppm[i] * 1e-6) * sold * (0.5 + 0.5 * labour) + 0.5)
        income += int(r.livestock_fen[i] * t.livestock[cal] * shock * discount * now.price[place] + 0.5)
        income += int(r.wage_fen[i] * t.wage[cal] * (p.wage_ppm[i] * 1e-6) * labour + 0.5)
        income += int(r.transfer_fen[i] * t.transfer[cal] + 0.5)
        if p.capital[i] > 0:
            if u2 < t.failure:
                p.capital[i] -= int(p.capital[i] * t.failure_loss)
            if month_end - p.start[i] > t.return_after_days:
                income += int(p.capital[i] * t.return_per_month * shock + 0.5)
        if t.stacking == 1:
            for j in range(r.debt_product.shape[1]):
                product = r.debt_product[i, j]
                if product >= 0 and p.debt_arrears[i, j] == 0:
                    income += int(t.products[product, 3] / 12.0 * shock + 0.5)
        p.income_year[i] += income
        cash += income + p.refund[i]
        p.refund[i] = 0

        # --- needs
        expense = 0
        if u3 < t.expense:
            expense = int(t.expense_months * usual)
        planned = max(floor, int(t.spent_share * usual))
        excess = cash - r.savings_fen[i] - planned
        if excess > 0 and status != OVERDUE and not (status == OPEN and due <= month_end):
            planned += excess // 20
        essential = floor + illness + expense
        need = planned + illness + expense
        spent = min(need, max(essential, cash * 3 // 4))
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
        p.interest_due[i] = 0
        if asked > 0:
            own = min(asked, cash)
            more = min(asked - own, max(limit - informal, 0))
            cash -= own
            informal += more
            borrowed += more
            p.arrears[i] = asked - own - more
            out.by_lender[lender, 0] += own + more

        # --- debts that are paid before the loan under the fund
        others = 0
        if t.stacking == 1:
            for j in range(r.debt_product.shape[1]):
                product = r.debt_product[i, j]
                if product >= 0 and t.products[product, 4] == 1:
                    amount = p.debt_arrears[i, j]
                    if (month - r.debt_month[i, j]) % t.products[product, 0] == 0:
                        amount += t.products[product, 1]
                    if amount > 0:
                        required = max(amount - int(t.products[product, 2] * now.price[place]), 0)
                        if cash - floor + max(limit - informal, 0) >= required:
                            own = min(max(cash - floor, 0), required)
                            cash -= own
                            informal += required - own
                            borrowed += required - own
                            others += required
                            amount = 0
                        p.debt_arrears[i, j] = amount

        # --- the loan under the fund
        sale = 0
        if OPEN <= status <= OVERDUE and due <= month_end:
            d0, d1, d2, d3 = _four(key_decision, entity, month, rep)
            asked = p.principal[i] + p.arrears[i]
            if status == OPEN:
                sale = int(p.capital[i] * now.price[place] * discount * _luck(t.own_price, d0) + 0.5)
                p.capital[i] = 0
                cash += sale
                odds = (
                    t.strategic
                    + t.peer * now.bad[now.circle[i]] / max(now.borrowers[now.circle[i]], 1)
                    + t.belief * now.belief
                    + t.unpaid_subsidy * now.late_months[lender]
                    + t.rating * (r.rating[i] - 3)
                )
                if log_scalar(d1) - log_scalar(1.0 - d1) < odds or (p.marks[i] & CALLED > 0 and d2 >= t.heirs):
                    p.marks[i] |= REFUSES
                to = min(due, month_end)
                covered = min(p.principal[i], t.subsidy_ceiling)
                rate = (p.rate_ppm[i] * t.subsidy_share_ppm + 500_000) // 1_000_000
                p.carry[i] += _interest(covered, rate, max(to - p.accrued_to[i], 0), t.day_count)
                p.accrued_to[i] = to
            else:
                rate = int(p.rate_ppm[i] * t.penalty + 0.5)
                asked += _interest(p.principal[i], rate, month_end - due, t.day_count)
            room = max(limit - informal, 0)
            if status == OVERDUE and d3 < t.cure:
                room += limit  # kin help once more
            if p.marks[i] & REFUSES == 0 and cash - floor + room >= asked:
                own = min(max(cash - floor, 0), asked)
                cash -= own
                informal += asked - own
                borrowed += asked - own
                out.by_lender[lender, 1] += asked - p.principal[i]
                out.by_lender[lender, 2] += p.principal[i]
                event |= REPAID if status == OPEN else CURED
                if status == OVERDUE and t.subsidy_extra_days > 0:
                    covered = min(p.principal[i], t.subsidy_ceiling)
                    rate = (p.rate_ppm[i] * t.subsidy_share_ppm + 500_000) // 1_000_000
                    to = min(month_end, due + t.subsidy_extra_days)
                    p.carry[i] += _interest(covered, rate, max(to - p.accrued_to[i], 0), t.day_count)
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
                if due + t.wait_days <= now.next_end:
                    event |= WENT_BAD
                    p.status[i] = BAD
                    p.wait_until[i] = NEVER_DAY
                    if p.marks[i] & CALLED > 0:
                        out.cause[i] = 1
                    elif p.marks[i] & REFUSES > 0:
                        out.cause[i] = 3
                    elif now.recent[place] >= SEVERE:
                        out.cause[i] = 2
                    else:
                        out.cause[i] = 0
        elif status == BAD and p.recover_on[i] <= month_end:
            own = min(max(cash - floor, 0), p.recover_fen[i])
            cash -= own
            informal += p.recover_fen[i] - own
            borrowed += p.recover_fen[i] - own
            out.totals[5] += p.recover_fen[i]
            p.recover_on[i] = NEVER_DAY
            p.status[i] = NONE

        # --- the other debts
        if t.stacking == 1:
            for j in range(r.debt_product.shape[1]):
                product = r.debt_product[i, j]
                if product >= 0 and t.products[product, 4] == 0:
                    amount = p.debt_arrears[i, j]
                    if (month - r.debt_month[i, j]) % t.products[product, 0] == 0:
                        amount += t.products[product, 1]
                    if amount > 0:
                        required = max(amount - int(t.products[product, 2] * now.price[place]), 0)
                        if cash - floor + max(limit - informal, 0) >= required:
                            own = min(max(cash - floor, 0), required)
                            cash -= own
                            informal += required - own
                            borrowed += required - own
                            others += required
                            amount = 0
                        p.debt_arrears[i, j] = amount
        back = min(informal, max(cash - usual, 0))
        p.cash[i] = cash - back
        p.informal[i] = informal - back

        # --- a new loan
        if (
            p.status[i] == NONE
            and p.health[i] == 0
            and r.may_borrow[i] == 1
            and month >= p.wait_until[i]
            and (month - r.born[i]) // 12 < t.age_below
        ):
            a0, a1, a2, a3 = _four(key_application, entity, month, rep)
            if a0 < t.apply[cal]:
                size = 0
                while a1 >= t.size_cdf[size]:
                    size += 1
                while size > 0 and t.sizes[size] > t.loan_to_income * 12.0 * usual:
                    size -= 1
                term = 0
                while a2 >= t.term_cdf[term]:
                    term += 1
                start = now.working[int(a3 * now.working.size)]
                day = start - now.first_day
                ahead = t.terms[term]
                first = now.month_starts[ahead]
                out.start[i] = start
                out.due[i] = min(first + day, now.month_starts[ahead + 1] - 1)
                out.principal[i] = t.sizes[size]
                at = min(day, now.rate_short.size - 1)
                out.rate_ppm[i] = now.rate_short[at] if ahead <= 12 else now.rate_long[at]
                event |= APPLIES

        out.event[i] = event
        out.totals[0] += income
        out.totals[1] += spent
        out.totals[2] += borrowed
        out.totals[3] += back
        out.totals[4] += others
        out.totals[6] += sale
        if p.status[i] == OPEN:
            covered = min(p.principal[i], t.subsidy_ceiling)
            out.by_lender[lender, 3] += (
                covered * ((p.rate_ppm[i] * t.subsidy_share_ppm + 500_000) // 1_000_000) // 1_000_000
            )
        if p.status[i] != NONE:
            out.borrowers[now.circle[i]] += 1
            if p.status[i] >= OVERDUE and month_end - p.due[i] <= 365:
                out.bad[now.circle[i]] += 1


@njit(cache=True, error_model="numpy")
def settle(p: Any, r: Any, t: Any, day: Any, charges: Any, amount: Any) -> Any:
    """Subsidised interest of each household up to a settlement day; the plain twin is `month.settle_reference`."""
    n_lenders = charges.size
    totals, lines = np.zeros(n_lenders, np.int64), np.zeros(n_lenders, np.int64)
    for i in range(r.id.size):
        fen = p.carry[i]
        p.carry[i] = 0
        if p.status[i] != NONE:
            extra = 0 if p.status[i] == OPEN else t.subsidy_extra_days
            to = min(day, p.due[i] + extra)
            if to > p.accrued_to[i]:
                covered = min(p.principal[i], t.subsidy_ceiling)
                rate = (p.rate_ppm[i] * t.subsidy_share_ppm + 500_000) // 1_000_000
                fen += _interest(covered, rate, to - p.accrued_to[i], t.day_count)
                p.accrued_to[i] = to
        amount[i] = fen
        if fen > 0:
            lender = r.lender[i]
            totals[lender] += fen
            lines[lender] += 1
            if charges[lender] == 1:
                p.interest_due[i] += fen
    return totals, lines
