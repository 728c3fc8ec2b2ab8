"""What a household does in a month: the plain twin of `month_kernel`, same arguments, same bits.

In this order, each step a function below:

1. Life (`_live`): the borrower may die, lose the ability to work, or fall ill.
2. Income (`_earn`): crops when they are sold, livestock, wages, transfers, and what borrowed money earns.
3. Needs (`_consume`): the household eats, meets illness and large expenses, and borrows from kin if it must.
4. Subsidised interest that the lender asks of the household first (`_pay_interest`).
5. Debts that are paid before the loan under the fund (`_pay_debts`).
6. The loan under the fund (`_decide`): able and willing it is repaid, else renewed, late, or bad. Of a bad loan the
   lender may collect (`be_collected`).
7. The other debts (`_pay_debts` again); what is left over pays back kin (`_pay_kin`).
8. An application for a new loan (`_apply`).

Everything is counted at the end (`_count`). Whether an application is granted, and what a claim does, is decided by
institutions after the month (`sim/community.py`).

Arrays have one row for each household, (n,) int64, money in fen, days since January 1970. Draws are four uniforms of
32 bits at (purpose, replication, month or year, household), so no household's luck depends on another's. Values come
from the scenario (`Terms`), which names the source of each; the rules themselves are the model's assumptions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.households.reduced_form import DEATH, DISASTER, INABILITY, WILFUL
from sim.households.register import Register
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
    Now,
    Out,
    People,
    Terms,
)
from sim.streams import log_reference, philox_reference
from sim.subsidy import AT_REPAYMENT, EACH_SETTLEMENT, rate_on_reference, subsidised_reference
from sim.units import F64, I64, PPM, Array, Bool, interest

_PERIOD, _PAYMENT, _BULLET, _RETURN, _IS_FIRST = range(5)  # columns of Terms.products
_MEMORY = 365  # days for which neighbours remember a missed date


@dataclass
class Purse:
    """Money of each household in the course of the month. (n,) int64 [fen].

    ``floor`` is what it needs to live for a month and keeps back from creditors; ``limit`` is the most that kin and
    moneylenders advance; ``borrowed`` is what they advanced this month.
    """

    cash: I64
    informal: I64
    borrowed: I64
    floor: I64
    limit: I64
    usual: I64

    def room(self) -> I64:
        """What kin and moneylenders would still advance."""
        return np.maximum(self.limit - self.informal, 0)

    def pay(self, who: Bool, fen: I64) -> None:
        """Own money above the floor first, the rest from kin."""
        own = np.minimum(np.maximum(self.cash - self.floor, 0), fen)
        self.cash -= np.where(who, own, 0)
        self.borrow(np.where(who, fen - own, 0))

    def borrow(self, fen: I64) -> None:
        """Kin pay the creditor or hand over the money; the debt to them grows."""
        self.informal += fen
        self.borrowed += fen


def step_reference(people: People, register: Register, terms: Terms, now: Now, out: Out) -> None:
    """One month of every household. Plain twin of `month_kernel.step`.

    Parameters
    ----------
    people : People
        State at the end of the last month; becomes that of this month.
    register : Register
        Debts stand in order of payment, without gaps.
    terms : Terms
    now : Now
        Month, weather, prices, lenders and neighbours as they were at the end of the last month.
    out : Out
        What happened. Terms of a loan and causes are written only where there is one.
    """
    p, r, t = people, register, terms
    usual = _usual(r)
    floor, limit = _whole(r.persons * t.floor_fen + 0.5), _whole(t.informal_months * usual)
    purse = Purse(p.cash.copy(), p.informal.copy(), np.zeros_like(p.cash), floor, limit, usual)
    out.event[:] = 0
    out.totals[:] = 0
    out.by_lender[:] = 0
    luck_u, life_u, project_u, expense_u = _draw(t.keys[0], r.id, now.month, now.replication)
    if now.month % 12 == 0:
        _new_year(p, r, t, now)
    age = (now.month - r.born) // 12
    illness = _live(p, r, t, now, out, usual, age, life_u)
    purse.cash += _earn(p, r, t, now, out, luck_u, project_u)
    _consume(p, r, t, now, out, purse, illness, expense_u)
    _pay_interest(p, r, out, purse)
    _pay_debts(p, r, t, now, out, purse, is_first=1)
    owed_to_collector = (p.status == BAD) & (p.recover_on <= now.month_end)
    _decide(p, r, t, now, out, purse)
    be_collected(p, out, purse, owed_to_collector)
    _pay_debts(p, r, t, now, out, purse, is_first=0)
    _pay_kin(p, out, purse)
    _apply(p, r, t, now, out, usual, age)
    _count(p, r, t, now, out, purse)


# --- life ----------------------------------------------------------------------------------------------


def _new_year(p: People, r: Register, t: Terms, now: Now) -> None:
    """In January: luck of the year's harvest and of the year's wages, 1,000,000 is usual."""
    harvest_u, wage_u, _, _ = _draw(t.keys[1], r.id, now.month // 12, now.replication)
    p.harvest_ppm[:] = _whole(_luck(t.harvest_luck, harvest_u) * 1e6 + 0.5)
    p.wage_ppm[:] = _whole(_luck(t.wage_luck, wage_u) * 1e6 + 0.5)
    p.income_year[:] = 0


def _live(p: People, r: Register, t: Terms, now: Now, out: Out, usual: I64, age: I64, u: F64) -> I64:
    """The borrower dies (life table), loses the ability to work (in proportion), or falls ill.

    One draw decides, so the three exclude each other. Death and lost labour are for good, and where the scenario
    says so an open loan is called: due ``call_days`` after the month's end, unless it falls due before.

    Returns
    -------
    (n,) int64 [fen]
        Cost of an illness.
    """
    death = t.death[r.is_man, np.clip(age, 0, t.death.shape[1] - 1)]
    lost = death * (1.0 + t.lost_labour_per_death)
    is_well = p.health == WELL
    struck = is_well & (u < lost)
    p.health[:] = np.where(struck, np.where(u < death, DEAD, LOST_LABOUR), p.health)
    called = struck & (p.status == OPEN) & (t.calls == 1)
    p.marks[called] |= CALLED
    p.due[called] = np.minimum(p.due, now.month_end + t.call_days)[called]
    out.event[called] |= WAS_CALLED
    return np.where(is_well & (u >= lost) & (u < lost + t.illness), _whole(t.illness_months * usual), 0)


# --- income --------------------------------------------------------------------------------------------


def _earn(p: People, r: Register, t: Terms, now: Now, out: Out, luck_u: F64, project_u: F64) -> I64:
    """Money that comes in: income by source, rounded half up source by source, and subsidy paid to the household.

    - Crops are sold in the months of their sale, times the year's harvest. Of the part without irrigation drought
      takes what was lost while it grew. Half of the crop's worth is the labour of the workers who are left.
    - Livestock sells in its months, times the month's luck, the price and what disease has left of the herd; in a
      drought many sell, at a discount.
    - Wages, times the year's luck, fall with the worker who is lost, and with the firm that paid them. Neither wages nor
      transfers know a drought.
    - The project may fail in any month and lose a part of its capital. It returns a share of the capital a month,
      times the month's luck, once the loan is older than ``return_after_days``.
    - Other debts that make an income do so while nothing is unpaid on them.
    """
    month = now.month % 12
    labour = np.where(p.health != WELL, (r.workers - 1) / r.workers, 1.0)
    shock = _luck(t.month_luck, luck_u)
    sold = now.crop_sold - r.rain_fed_ppm * 1e-6 * now.crop_lost[r.township]
    income = _whole(r.crop_fen * (p.harvest_ppm * 1e-6) * sold * (0.5 + 0.5 * labour) + 0.5)
    discount, price = _discount(t, now)[r.township], now.price[r.township]
    income += _whole(r.livestock_fen * t.livestock[month] * shock * discount * price * now.herd + 0.5)
    income += _whole(r.wage_fen * t.wage[month] * (p.wage_ppm * 1e-6) * labour * now.wage + 0.5)
    income += _whole(r.transfer_fen * t.transfer[month] + 0.5)
    p.capital[:] -= np.where(project_u < t.failure, _whole(p.capital * t.failure_loss), 0)
    at_work = np.where(now.month_end - p.start > t.return_after_days, p.capital, 0)
    income += _whole(at_work * t.return_per_month * shock + 0.5)
    for product, _, unpaid in _slots(p, r, t):
        brings = _whole(t.products[product, _RETURN] / 12.0 * shock + 0.5)
        income += np.where((product >= 0) & (unpaid == 0), brings, 0)
    p.income_year[:] += income
    out.totals[INCOME] = income.sum()
    money = income + p.refund
    p.refund[:] = 0
    return money


def _discount(t: Terms, now: Now) -> F64:
    """Price of animals sold in distress over their price, by township; never below nothing."""
    return np.maximum(1.0 - t.distress * now.severity, 0.0)


# --- needs ---------------------------------------------------------------------------------------------


def _consume(p: People, r: Register, t: Terms, now: Now, out: Out, purse: Purse, illness: I64, expense_u: F64) -> None:
    """The month's spending, and what is borrowed from kin for it.

    Planned are a share of usual income, at least the floor, and a twentieth of savings beyond those that the
    household keeps, unless its loan is due or overdue. Illness and large expenses (weddings, funerals, school) come
    on top. Three quarters of the cash are spent on all this; what is essential (floor, illness, expense) is spent in
    any case. If that is more than the cash, kin advance it up to the limit, and the household goes without the rest:
    a month below the floor is counted. Debt to kin bears interest, which is added to it.
    """
    due_now = (p.status >= OPEN) & (p.status <= OVERDUE) & (p.due <= now.month_end)
    expense = np.where(expense_u < t.expense, _whole(t.expense_months * purse.usual), 0)
    planned = np.maximum(purse.floor, _whole(t.spent_share * purse.usual))
    excess = np.maximum(purse.cash - r.savings_fen - planned, 0)
    planned += np.where(due_now | (p.status == OVERDUE), 0, excess // 20)
    essential, need = purse.floor + illness + expense, planned + illness + expense
    spent = np.minimum(need, np.maximum(essential, purse.cash * 3 // 4))
    is_short = spent > purse.cash
    advanced = np.where(is_short, np.minimum(spent - purse.cash, purse.room()), 0)
    spent = np.where(is_short, purse.cash + advanced, spent)
    p.months_short[:] += is_short & (spent < purse.floor)
    growth = _whole(purse.informal * t.informal_rate + 0.5)
    purse.borrow(advanced)
    purse.cash += advanced - spent
    purse.informal += growth
    out.totals[SPENT] = spent.sum()


# --- debts ---------------------------------------------------------------------------------------------


def _pay_interest(p: People, r: Register, out: Out, purse: Purse) -> None:
    """Subsidised interest asked of the household, with what it did not pay of it before: all cash, then kin's.

    Where households pay first the subsidy is refunded to them; a lender that waits too long for it debits them.
    """
    asked = p.interest_due + p.arrears
    own = np.minimum(asked, purse.cash)
    more = np.minimum(asked - own, purse.room())
    purse.cash -= own
    purse.borrow(more)
    p.interest_due[:] = 0
    p.arrears[:] = asked - own - more
    np.add.at(out.by_lender[:, INTEREST], r.lender, own + more)


def _pay_debts(p: People, r: Register, t: Terms, now: Now, out: Out, purse: Purse, is_first: int) -> None:
    """Debts besides the loan under the fund, one after the other: those paid before it, or the others.

    A payment falls due in months that leave the register's remainder; what is unpaid stays due. The project behind a
    debt repaid at once brings back its money at today's price. The rest is paid in full, out of cash above the floor
    and what kin still advance, or not at all.
    """
    for product, month, unpaid in _slots(p, r, t):
        of = t.products[product]
        amount = unpaid + np.where(now.month % of[:, _PERIOD] == month, of[:, _PAYMENT], 0)
        asked = (product >= 0) & (of[:, _IS_FIRST] == is_first) & (amount > 0)
        required = np.maximum(amount - _whole(of[:, _BULLET] * now.price[r.township]), 0)
        able = (required == 0) | (purse.cash - purse.floor + purse.room() >= required)
        purse.pay(asked & able, required)
        out.totals[OTHERS] += required[asked & able].sum()
        unpaid[asked] = np.where(able, 0, amount)[asked]


def _slots(p: People, r: Register, t: Terms) -> list[tuple[I64, I64, I64]]:
    """Product, month of payment and arrears of each debt slot; nothing where stacking is off."""
    if t.stacking != 1 or t.products.shape[0] == 0:
        return []
    return [(r.debt_product[:, j], r.debt_month[:, j], p.debt_arrears[:, j]) for j in range(r.debt_product.shape[1])]


def _pay_kin(p: People, out: Out, purse: Purse) -> None:
    """Cash beyond a month's usual income goes back to kin and moneylenders."""
    back = np.minimum(purse.informal, np.maximum(purse.cash - purse.usual, 0))
    p.cash[:], p.informal[:] = purse.cash - back, purse.informal - back
    out.totals[PAID_BACK], out.totals[BORROWED] = back.sum(), purse.borrowed.sum()


# --- the loan under the fund ---------------------------------------------------------------------------


def _decide(p: People, r: Register, t: Terms, now: Now, out: Out, purse: Purse) -> None:
    """A loan that falls due this month, or is overdue.

    On the date the project is sold (`_sell`), the household makes up its mind (`_refuse`), and subsidy ends. Asked is
    the principal with interest that is unpaid or subsidised by nobody; once overdue also penalty interest from the missed date. It is paid in full
    from cash above the floor and what kin still advance (in arrears, with luck, kin help once more up to the limit),
    if the household is willing. If not, an open-handed lender renews a share of the loans, for a year and once, of
    households that would pay; the money from the sale stays in the project then. Other loans are overdue.

    A loan whose money a firm has used is repaid by the firm, whatever the household has or wants, and by nobody once
    the firm has failed.
    """
    due_now = (p.status >= OPEN) & (p.status <= OVERDUE) & (p.due <= now.month_end)
    is_open, is_late = due_now & (p.status == OPEN), due_now & (p.status == OVERDUE)
    price_u, will_u, heirs_u, last_u = _draw_some(t.keys[2], r.id, now.month, now.replication, due_now)
    sale = _sell(p, r, t, now, purse, is_open, price_u)
    _refuse(p, r, t, now, is_open, will_u, heirs_u)
    own, subsidy = interest_until(p, t, p.due)
    p.arrears[:] += np.where(is_open, own + subsidy * is_asked_now(t), 0)
    accrue(p, t, is_open, subsidy, p.due)
    overdue_rate = _whole(p.rate_ppm * t.penalty + 0.5)
    penalty = interest(p.principal, overdue_rate, now.month_end - p.due, t.day_count)
    asked = p.principal + p.arrears + np.where(is_late, penalty, 0)
    by_firm = is_open & (p.marks & (BY_FIRM | LOST) == BY_FIRM)
    sale += np.where(by_firm, asked, 0)
    room = purse.room() + np.where(is_late & (last_u < t.cure), purse.limit, 0)
    is_willing = p.marks & (REFUSES | LOST) == 0
    paid = by_firm | (due_now & is_willing & (purse.cash - purse.floor + room >= asked))
    can_renew = is_open & ~paid & (now.is_open[r.lender] == 1) & (p.marks & (RENEWED | CALLED | REFUSES) == 0)
    renewed = can_renew & (last_u < t.renews)
    purse.pay(paid & ~by_firm, asked)
    repay(p, r, t, now, out, paid, asked)
    kept = np.where(renewed, np.minimum(sale, np.maximum(purse.cash, 0)), 0)
    purse.cash -= kept
    p.capital[renewed] = kept[renewed]
    p.marks[renewed] |= RENEWED
    p.due[renewed] += 365
    out.event[renewed] |= WAS_RENEWED
    out.totals[SOLD] = (sale - kept).sum()
    fall_behind(p, r, t, now, out, due_now & ~paid & ~renewed)


def _sell(p: People, r: Register, t: Terms, now: Now, purse: Purse, is_open: Bool, u: F64) -> I64:
    """What the project brings at the township's price, with the drought's discount and the household's own luck."""
    worth = p.capital * now.price[r.township] * _discount(t, now)[r.township] * _luck(t.own_price, u)
    sale = np.where(is_open, _whole(worth + 0.5), 0)
    p.capital[is_open] = 0
    purse.cash += sale
    return sale


def _refuse(p: People, r: Register, t: Terms, now: Now, is_open: Bool, will_u: F64, heirs_u: F64) -> None:
    """Households that could pay and do not want to; heirs who do not go on with a called loan.

    Log odds of not wanting: a constant, the share of the circle's borrowers in arrears, what the fund paid of late
    (belief that it pays anyway), months by which promised subsidy is overdue, stars above three, and what is the
    household's or its group's own (``now.will``).
    """
    peers = t.peer * now.bad[now.circle] / np.maximum(now.borrowers[now.circle], 1)
    late = t.unpaid_subsidy * now.late_months[r.lender]
    odds = t.strategic + peers + t.belief * now.belief + late + t.rating * (r.rating - 3) + now.will
    is_unwilling = log_reference(will_u) - log_reference(1.0 - will_u) < odds
    is_own = is_open & (p.marks & BY_FIRM == 0)
    p.marks[is_own & (is_unwilling | ((p.marks & CALLED != 0) & (heirs_u >= t.heirs)))] |= REFUSES


def accrue(p: People, t: Terms, who: Bool, subsidy: I64, to: I64) -> None:
    """Subsidised interest up to a day waits for the next settlement, or is withheld until the loan is repaid."""
    waits = p.carry if t.subsidy.paid_when == EACH_SETTLEMENT else p.withheld
    waits[:] += np.where(who, subsidy, 0)
    p.accrued_to[who] = to[who]


def interest_until(p: People, t: Terms, to: I64) -> tuple[I64, I64]:
    """Interest up to a day that nobody subsidises (above the ceiling, beyond the share or the months), and subsidy."""
    days = np.maximum(to - p.accrued_to, 0)
    subsidy = _subsidy(p, t, to)
    return np.asarray(interest(p.principal, p.rate_ppm, days, t.day_count)) - subsidy, subsidy


def _subsidy(p: People, t: Terms, to: I64) -> I64:
    """Subsidy on the interest up to a day [fen]; nothing once a loan has been put off without."""
    subsidy = subsidised_reference(t.subsidy, p.principal, p.rate_ppm, p.start, p.accrued_to, to)
    return np.where(p.marks & UNSUBSIDISED == 0, subsidy, 0)


def is_asked_now(t: Terms) -> int:
    """1 where households pay the subsidised interest first though its subsidy is withheld: no list charges them later."""
    return int(t.subsidy.paid_when != EACH_SETTLEMENT and t.subsidy.pays_first == 1)


def repay(p: People, r: Register, t: Terms, now: Now, out: Out, paid: Bool, asked: I64) -> None:
    """The loan is paid, in time or late; a new one may be applied for next month.

    Where subsidy goes on for some days after a missed date, that of a late loan is entered here.
    """
    is_late = paid & (p.status == OVERDUE)
    np.add.at(out.by_lender[:, EXTRA], r.lender[paid], (asked - p.principal)[paid])
    np.add.at(out.by_lender[:, PRINCIPAL], r.lender[paid], p.principal[paid])
    out.event[paid] |= np.where(is_late, CURED, REPAID)[paid]
    if t.subsidy.extra_days > 0:
        to = np.minimum(now.month_end, p.due + t.subsidy.extra_days)
        p.carry[:] += np.where(is_late, _subsidy(p, t, to), 0)
    p.carry[paid] += p.withheld[paid]
    p.withheld[paid] = 0
    p.status[paid] = NONE
    p.arrears[paid] = 0
    p.marks[paid] = 0
    p.wait_until[paid] = now.month + 1


def fall_behind(p: People, r: Register, t: Terms, now: Now, out: Out, unpaid: Bool) -> None:
    """The date is missed, or the loan goes bad: in the month before its claim may be filed (day 90).

    A subsidy that is settled only once the loan is repaid is lost with it; where the rules say so already with the
    date, and what the lender would have had from the county is asked of the household.

    Cause: death or lost labour if the loan was called; else the household did not want to pay; else disaster, if a
    drought was severe within a year or disease has taken as much of the herd; else it could not pay. Who has a bad
    loan never applies again.
    """
    missed = unpaid & (p.status == OPEN)
    out.event[missed] |= MISSED
    p.status[unpaid] = OVERDUE
    bad = unpaid & (p.due + t.wait_days <= now.over_by)
    if t.subsidy.late_loses_all == 1:
        p.arrears[missed] += p.withheld[missed] * (1 - t.subsidy.pays_first)
        p.withheld[missed] = 0
    p.withheld[bad] = 0
    out.event[bad] |= WENT_BAD
    p.status[bad] = BAD
    p.wait_until[bad] = NEVER_DAY
    is_disaster = (now.recent[r.township] >= SEVERE) | (1.0 - now.herd >= SEVERE)
    of_will = np.where(p.marks & REFUSES != 0, WILFUL, np.where(is_disaster, DISASTER, INABILITY))
    out.cause[bad] = np.where(p.marks & CALLED != 0, DEATH, of_will)[bad]


def be_collected(p: People, out: Out, purse: Purse, who: Bool) -> None:
    """The lender collects a bad loan: from cash above the floor, and kin pay the rest whatever it is."""
    purse.pay(who, p.recover_fen)
    out.totals[COLLECTED] = p.recover_fen[who].sum()
    p.recover_on[who] = NEVER_DAY
    p.status[who] = NONE


# --- a new loan ----------------------------------------------------------------------------------------


def _apply(p: People, r: Register, t: Terms, now: Now, out: Out, usual: I64, age: I64) -> None:
    """Who is free, well and allowed to borrow applies with the season's chance, for a drawn size, term and day.

    The size is cut to the largest on offer that usual income allows, or the smallest. The loan starts on the first
    working day on or after a day of the month, and is due on the same day of the month ``term`` months later. Where the
    age counts at maturity, who would be too old by then gets no application in.
    """
    free = (p.status == NONE) & (p.health == WELL) & (r.may_borrow == 1)
    free &= (now.month >= p.wait_until) & (age < t.age_below)
    u = np.stack(_draw_some(t.keys[3], r.id, now.month, now.replication, free))
    at = np.flatnonzero(free & (u[0] < t.apply[now.month % 12]))
    _, size_u, term_u, day_u = u[:, at]
    months = t.terms[np.searchsorted(t.term_cdf, term_u, side="right")]
    if t.age_at_maturity == 1:
        young = (now.month + months - r.born[at]) // 12 < t.age_below
        at, months, size_u, day_u = at[young], months[young], size_u[young], day_u[young]
    largest = np.searchsorted(t.sizes, t.loan_to_income * 12.0 * usual[at], side="right") - 1
    size = np.minimum(np.searchsorted(t.size_cdf, size_u, side="right"), np.maximum(largest, 0))
    out.start[at] = now.working[_whole(day_u * now.working.size)]
    day = out.start[at] - now.first_day
    out.due[at] = np.minimum(now.month_starts[months] + day, now.month_starts[months + 1] - 1)
    out.principal[at] = t.sizes[size]
    signed = np.minimum(day, now.rate_short.size - 1)
    out.rate_ppm[at] = np.where(months <= 12, now.rate_short[signed], now.rate_long[signed])
    out.event[at] |= APPLIES


# --- counts and settlement -----------------------------------------------------------------------------


def _count(p: People, r: Register, t: Terms, now: Now, out: Out, purse: Purse) -> None:
    """By lender, a year's subsidised interest of open loans; by circle, borrowers and those in arrears of late."""
    covered = np.minimum(p.principal, t.subsidy.ceiling)
    yearly = covered * rate_on_reference(t.subsidy, p.rate_ppm, p.start, now.month_end) // PPM
    np.add.at(
        out.by_lender[:, YEARLY], r.lender, np.where((p.status == OPEN) & (p.marks & UNSUBSIDISED == 0), yearly, 0)
    )
    is_late = (p.status >= OVERDUE) & (now.month_end - p.due <= _MEMORY)
    out.borrowers[:] = np.bincount(now.circle[p.status != NONE], minlength=out.borrowers.size)
    out.bad[:] = np.bincount(now.circle[is_late], minlength=out.bad.size)


def settle_reference(
    people: People, register: Register, terms: Terms, day: int, is_listed: int, charges: I64, amount: I64
) -> tuple[I64, I64]:
    """Subsidised interest of each household up to a settlement day. Plain twin of `month_kernel.settle`.

    Up to the loan's date, or ``subsidy.extra_days`` beyond it once it is missed; with what waits of a closed loan.
    What nobody subsidises is asked of the household this month. Where the subsidy is settled at repayment nothing of
    a running loan is; where it is settled yearly the household pays at each settlement what it has to.

    Parameters
    ----------
    is_listed : int
        1: what waits is put on this settlement's list; 0: it goes on waiting.
    charges : (n_lenders,) int64
        1 where households are asked for the interest first.
    amount : (n,) int64 [fen]
        Filled.

    Returns
    -------
    totals : (n_lenders,) int64 [fen]
    lines : (n_lenders,) int64
        Households with interest.
    """
    p, r, t = people, register, terms
    is_each = t.subsidy.paid_when == EACH_SETTLEMENT
    to = np.minimum(day, p.due + np.where(p.status == OPEN, 0, t.subsidy.extra_days))
    runs = (p.status != NONE if is_each else p.status == OPEN) & (to > p.accrued_to)
    runs &= t.subsidy.paid_when != AT_REPAYMENT
    own, subsidy = interest_until(p, t, to)
    p.interest_due[:] += np.where(runs & (p.status == OPEN), own + subsidy * is_asked_now(t), 0)
    accrue(p, t, runs, subsidy, to)
    amount[:] = p.carry * is_listed
    p.carry[:] -= amount
    totals, lines = np.zeros(charges.size, dtype=np.int64), np.zeros(charges.size, dtype=np.int64)
    np.add.at(totals, r.lender, amount)
    np.add.at(lines, r.lender, (amount > 0).astype(np.int64))
    p.interest_due[:] += np.where((charges[r.lender] == 1) & is_each, amount, 0)
    return totals, lines


def remember_reference(p: People, r: Register, line: float, after_months: int, cal: int) -> None:
    """Income of twelve months, and who falls back below the line. Plain twin of `groups_kernel.remember`.

    A household relapses in the month in which its income of twelve months has been below the poverty line for
    ``after_months`` months in a row, having been above before.

    Parameters
    ----------
    line : float [fen a head and year]
    cal : int
        Calendar month just lived, 0 for January.
    """
    p.income_12[:, cal] = p.income_year - p.income_12[:, :cal].sum(axis=1)
    is_poor = p.income_12.sum(axis=1) < line * r.persons
    counts = is_poor & (p.poor_months >= 0)
    p.poor_months[:] = np.where(is_poor, p.poor_months + counts, 0)
    p.relapses[:] += counts & (p.poor_months == after_months)


# --- arithmetic ----------------------------------------------------------------------------------------


def _usual(r: Register) -> I64:
    """A month's usual income [fen]."""
    return (r.crop_fen + r.livestock_fen + r.wage_fen + r.transfer_fen) // 12


def _draw(key: np.uint64, ids: I64, when: int, replication: int) -> tuple[F64, F64, F64, F64]:
    """Four uniforms of 32 bits for each id, never 0 or 1."""
    e, low = ids.astype(np.uint64), np.uint64(0xFFFFFFFF)
    c2, c3 = np.full_like(e, when), np.full_like(e, replication)
    a, b, c, d = ((w.astype(float) + 0.5) / 2**32 for w in philox_reference(e & low, e >> np.uint64(32), c2, c3, key))
    return a, b, c, d


def _draw_some(key: np.uint64, ids: I64, when: int, replication: int, who: Bool) -> list[F64]:
    """The same for those who decide something; 0.5, which nobody reads, for the others."""
    out = [np.full(ids.size, 0.5) for _ in range(4)]
    for some, drawn in zip(out, _draw(key, ids[who], when, replication), strict=True):
        some[who] = drawn
    return out


def _luck(table: F64, u: F64) -> F64:
    """Quantile of each uniform, between two points of the table in proportion."""
    x = u * LUCK_POINTS
    k = x.astype(np.int64)
    return table[k] + (x - k) * (table[k + 1] - table[k])


def _whole(x: Array) -> I64:
    """The whole part."""
    return x.astype(np.int64)
