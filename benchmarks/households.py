"""What a household's month costs: compiled, in plain NumPy, in Mesa, and at the limit; on the same states and draws.

The states are those of twelve months of one history of the shipped county with 5,000 households, so January and the
lending season are in it. Each engine does each of these months from the state in which the history had it; making
that state ready is not timed, and neither are Mesa's draws: they are made beforehand, which is to Mesa's favour. All
engines must end in the same state to the fen, with the same events, or nothing is printed.

The limit is a compiled loop that makes the same draws and reads and writes the same columns, with no logic.
Quote ratios and medians: machines differ and are noisy. Run with `make bench`.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mesa
import numpy as np
from numba import njit

import sim
from sim import community, replication
from sim.arms import horizon
from sim.households.month import _draw, step_reference
from sim.households.month_kernel import _four, step
from sim.households.register import Register
from sim.households.state import (
    APPLIES,
    BAD,
    BORROWED,
    CALLED,
    COLLECTED,
    CURED,
    DEAD,
    EXTRA,
    INCOME,
    INTEREST,
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
from sim.streams import log_scalar
from sim.units import PPM, interest, share_of
from sim.warmup import opening_state

HOUSEHOLDS, MONTHS, PAIRS = 5_000, 12, 9


@dataclass
class Month:
    """One month of the history: as it began, and as the compiled step ended it."""

    before: People
    now: Now
    last: Out
    after: People
    out: Out

    def fresh(self) -> tuple[People, Out]:
        """State and results of their own, as the month began."""
        return self.before.copy(), Out(*(a.copy() for a in self.last))


def record() -> tuple[Register, Terms, list[Month]]:
    """A year of a history, from its second month."""
    changes = {"livelihoods.households": HOUSEHOLDS}
    scenario = sim.scenario("x-county-households").with_changes(changes, "benchmark")
    setup = replication.prepare(scenario, 2027, opening_state(scenario), horizon(scenario))
    months: list[Month] = []

    def recording(p: People, r: Register, t: Terms, now: Now, out: Out) -> None:
        before, last = p.copy(), Out(*(a.copy() for a in out))
        step(p, r, t, now, out)
        months.append(Month(before, now, last, p.copy(), Out(*(a.copy() for a in out))))

    community.step = recording
    replication.simulate(setup, 0)
    community.step = step
    assert setup.households is not None
    return setup.households.register, setup.households.terms, months[1 : 1 + MONTHS]


# --- Mesa ----------------------------------------------------------------------------------------------


class Household(mesa.Agent):
    """A household with its facts and its state as attributes; the rules of `sim/households/month.py`."""

    def __init__(self, model: County, facts: dict[str, Any]) -> None:
        super().__init__(model)
        for name, value in facts.items():
            setattr(self, name, value)
        self.usual = (self.crop_fen + self.livestock_fen + self.wage_fen + self.transfer_fen) // 12
        self.floor = int(self.persons * model.terms.floor_fen + 0.5)
        self.limit = int(model.terms.informal_months * self.usual)

    def step(self) -> None:
        """One month."""
        m = self.model
        t = m.terms
        self.event = 0
        self.borrowed = 0
        u_luck, u_life, u_project, u_expense = self.u_month
        if m.calendar_month == 0:
            self.harvest_ppm = int(luck(t.harvest_luck, self.u_year[0]) * 1e6 + 0.5)
            self.wage_ppm = int(luck(t.wage_luck, self.u_year[1]) * 1e6 + 0.5)
            self.income_year = 0
        illness = self.live(u_life)
        self.earn(u_luck, u_project)
        self.consume(illness, u_expense)
        if self.interest_due or self.arrears:
            self.pay_interest()
        if t.stacking:
            self.pay_debts(1)
        if OPEN <= self.status <= OVERDUE and self.due <= m.now.month_end:
            self.decide()
        elif self.status == BAD and self.recover_on <= m.now.month_end:
            self.pay(self.recover_fen)
            m.totals[COLLECTED] += self.recover_fen
            self.recover_on = NEVER_DAY
            self.status = NONE
        if t.stacking:
            self.pay_debts(0)
        back = min(self.informal, max(self.cash - self.usual, 0))
        self.cash -= back
        self.informal -= back
        m.totals[PAID_BACK] += back
        m.totals[BORROWED] += self.borrowed
        if self.status == NONE and self.health == WELL and self.may_borrow and m.now.month >= self.wait_until:
            self.apply()
        self.count()

    def live(self, u: float) -> int:
        """Death, lost labour, or the cost of an illness."""
        if self.health != WELL:
            return 0
        m = self.model
        t = m.terms
        ages = t.death[self.is_man]
        death = ages[min(max((m.now.month - self.born) // 12, 0), len(ages) - 1)]
        lost = death * (1.0 + t.lost_labour_per_death)
        if u >= lost:
            return int(t.illness_months * self.usual) if u < lost + t.illness else 0
        self.health = DEAD if u < death else LOST_LABOUR
        if self.status == OPEN and t.calls == 1:
            self.marks |= CALLED
            self.due = min(self.due, m.now.month_end + t.call_days)
            self.event |= WAS_CALLED
        return 0

    def earn(self, u_luck: float, u_project: float) -> None:
        """Income by source, and a refund."""
        m = self.model
        t, now, month = m.terms, m.now, m.calendar_month
        labour = 1.0 if self.health == WELL else (self.workers - 1) / self.workers
        shock = luck(t.month_luck, u_luck)
        place = self.township
        sold = now.crop_sold - self.rain_fed_ppm * 1e-6 * now.crop_lost[place]
        income = int(self.crop_fen * (self.harvest_ppm * 1e-6) * sold * (0.5 + 0.5 * labour) + 0.5)
        animals = self.livestock_fen * t.livestock[month] * shock * m.discount[place] * now.price[place] * self.herd
        income += int(animals + 0.5)
        income += int(self.wage_fen * t.wage[month] * (self.wage_ppm * 1e-6) * labour + 0.5)
        income += int(self.transfer_fen * t.transfer[month] + 0.5)
        if self.capital > 0:
            if u_project < t.failure:
                self.capital -= int(self.capital * t.failure_loss)
            if now.month_end - self.start > t.return_after_days:
                income += int(self.capital * t.return_per_month * shock + 0.5)
        if t.stacking:
            for product, _, unpaid in self.debts:
                if unpaid == 0:
                    income += int(t.products[product][3] / 12.0 * shock + 0.5)
        self.income_year += income
        self.cash += income + self.refund
        self.refund = 0
        m.totals[INCOME] += income

    def consume(self, illness: int, u: float) -> None:
        """Spending, and what kin advance for it."""
        m = self.model
        t = m.terms
        expense = int(t.expense_months * self.usual) if u < t.expense else 0
        planned = max(self.floor, int(t.spent_share * self.usual))
        excess = self.cash - self.savings_fen - planned
        if excess > 0 and self.status != OVERDUE and not (self.status == OPEN and self.due <= m.now.month_end):
            planned += excess // 20
        essential = self.floor + illness + expense
        spent = min(planned + illness + expense, max(essential, self.cash * 3 // 4))
        advanced = 0
        if spent > self.cash:
            advanced = min(spent - self.cash, self.room())
            spent = self.cash + advanced
            if spent < self.floor:
                self.months_short += 1
        growth = int(self.informal * t.informal_rate + 0.5)
        self.cash += advanced - spent
        self.informal += advanced + growth
        self.borrowed += advanced
        m.totals[SPENT] += spent

    def room(self) -> int:
        """What kin would still advance."""
        return max(self.limit - self.informal, 0)

    def pay(self, fen: int) -> None:
        """Own money above the floor first, the rest from kin."""
        own = min(max(self.cash - self.floor, 0), fen)
        self.cash -= own
        self.informal += fen - own
        self.borrowed += fen - own

    def pay_interest(self) -> None:
        """Subsidised interest asked of the household."""
        asked = self.interest_due + self.arrears
        own = min(asked, self.cash)
        more = min(asked - own, self.room())
        self.cash -= own
        self.informal += more
        self.borrowed += more
        self.interest_due = 0
        self.arrears = asked - own - more
        self.model.by_lender[self.lender][INTEREST] += own + more

    def pay_debts(self, is_first: int) -> None:
        """Debts besides the loan under the fund."""
        m = self.model
        for debt in self.debts:
            product, month, amount = debt
            period, payment, bullet, _, first = m.terms.products[product]
            if first != is_first:
                continue
            if m.now.month % period == month:
                amount += payment
            if amount > 0:
                required = max(amount - int(bullet * m.now.price[self.township]), 0)
                if required == 0 or self.cash - self.floor + self.room() >= required:
                    self.pay(required)
                    m.totals[OTHERS] += required
                    amount = 0
                debt[2] = amount

    def decide(self) -> None:
        """The loan under the fund falls due or is overdue."""
        m = self.model
        t, now = m.terms, m.now
        u_price, u_will, u_heirs, u_last = self.u_decision
        was_open = self.status == OPEN
        asked = self.principal + self.arrears
        sale = 0
        if was_open:
            place = self.township
            sale = int(self.capital * now.price[place] * m.discount[place] * luck(t.own_price, u_price) + 0.5)
            self.capital = 0
            self.cash += sale
            odds = (
                t.strategic
                + t.peer * now.bad[self.circle] / max(now.borrowers[self.circle], 1)
                + t.belief * now.belief
                + t.unpaid_subsidy * now.late_months[self.lender]
                + t.rating * (self.rating - 3)
            )
            if log_scalar(u_will) - log_scalar(1.0 - u_will) < odds or (self.marks & CALLED and u_heirs >= t.heirs):
                self.marks |= REFUSES
            self.carry += self.subsidy(self.due)
            self.accrued_to = self.due
        else:
            rate = int(self.rate_ppm * t.penalty + 0.5)
            asked += interest(self.principal, rate, now.month_end - self.due, t.day_count)
        room = self.room()
        if not was_open and u_last < t.cure:
            room += self.limit
        if not self.marks & REFUSES and self.cash - self.floor + room >= asked:
            self.pay(asked)
            m.by_lender[self.lender][EXTRA] += asked - self.principal
            m.by_lender[self.lender][PRINCIPAL] += self.principal
            self.event |= REPAID if was_open else CURED
            if not was_open and t.subsidy.extra_days > 0:
                self.carry += self.subsidy(min(now.month_end, self.due + t.subsidy.extra_days))
            self.status = NONE
            self.arrears = 0
            self.marks = 0
            self.wait_until = now.month + 1
        elif (
            was_open
            and t.renews > 0.0
            and now.is_open[self.lender] == 1
            and not self.marks & (RENEWED | CALLED | REFUSES)
            and u_last < t.renews
        ):
            self.event |= WAS_RENEWED
            self.marks |= RENEWED
            self.due += 365
            self.capital = min(sale, max(self.cash, 0))
            self.cash -= self.capital
            sale -= self.capital
        else:
            if was_open:
                self.event |= MISSED
                self.status = OVERDUE
            if self.due + t.wait_days <= now.over_by:
                self.go_bad()
        m.totals[SOLD] += sale

    def subsidy(self, to: int) -> int:
        """Subsidised interest up to a day."""
        t = self.model.terms
        covered = min(self.principal, t.subsidy.ceiling)
        rate = share_of(self.rate_ppm, int(t.subsidy.share_ppm[-1]))
        return int(interest(covered, rate, max(to - self.accrued_to, 0), t.day_count))

    def go_bad(self) -> None:
        """With its cause."""
        self.event |= WENT_BAD
        self.status = BAD
        self.wait_until = NEVER_DAY
        if self.marks & CALLED:
            self.cause = 1
        elif self.marks & REFUSES:
            self.cause = 3
        else:
            is_disaster = self.model.now.recent[self.township] >= SEVERE or 1.0 - self.herd >= SEVERE
            self.cause = 2 if is_disaster else 0

    def apply(self) -> None:
        """For a new loan."""
        m = self.model
        t, now = m.terms, m.now
        u_applies, u_size, u_term, u_day = self.u_application
        if u_applies >= t.apply[m.calendar_month] or (now.month - self.born) // 12 >= t.age_below:
            return
        size = term = 0
        while u_size >= t.size_cdf[size]:
            size += 1
        while size > 0 and t.sizes[size] > t.loan_to_income * 12.0 * self.usual:
            size -= 1
        while u_term >= t.term_cdf[term]:
            term += 1
        start = now.working[int(u_day * len(now.working))]
        day, ahead = start - now.first_day, t.terms[term]
        rates = now.rate_short if ahead <= 12 else now.rate_long
        due = min(now.month_starts[ahead] + day, now.month_starts[ahead + 1] - 1)
        self.application = start, due, t.sizes[size], rates[min(day, len(rates) - 1)]
        self.event |= APPLIES

    def count(self) -> None:
        """For lenders and neighbours."""
        m = self.model
        if self.status == NONE:
            return
        m.borrowers[self.circle] += 1
        if self.status == OPEN:
            rate = share_of(self.rate_ppm, int(m.terms.subsidy.share_ppm[-1]))
            m.by_lender[self.lender][YEARLY] += min(self.principal, m.terms.subsidy.ceiling) * rate // PPM
        elif m.now.month_end - self.due <= 365:
            m.bad[self.circle] += 1


class County(mesa.Model):
    """The households, what is the same for all of them, and what is counted. Python's own numbers and lists."""

    def __init__(self, register: Register, terms: Terms, circle: np.ndarray) -> None:
        super().__init__(seed=1)
        self.terms = terms._replace(**plain(terms))
        facts = {name: values.tolist() for name, values in register._asdict().items() if values.ndim == 1}
        self.households = [
            Household(self, {**{name: values[i] for name, values in facts.items() if name != "id"}, "circle": c})
            for i, c in enumerate(circle.tolist())
        ]
        self.slots = [[k for k, product in enumerate(row) if product >= 0] for row in register.debt_product.tolist()]
        self.register = register

    def begin(self, month: Month) -> None:
        """State, weather and draws of a month (not timed)."""
        r, now, keys = self.register, month.now, self.terms.keys
        self.now, self.calendar_month = now._replace(**plain(now)), now.month % 12
        self.discount = np.maximum(1.0 - self.terms.distress * now.severity, 0.0).tolist()
        whens = (now.month, now.month // 12, now.month, now.month)
        draws = [
            list(zip(*(u.tolist() for u in _draw(np.uint64(key), r.id, when, now.replication)), strict=True))
            for key, when in zip(keys, whens, strict=True)
        ]
        state = {name: values.tolist() for name, values in month.before._asdict().items()}
        state["herd"] = now.herd.tolist()
        owed = state.pop("debt_arrears")
        products, months = r.debt_product.tolist(), r.debt_month.tolist()
        for i, agent in enumerate(self.households):
            for name, values in state.items():
                setattr(agent, name, values[i])
            agent.debts = [[products[i][j], months[i][j], owed[i][j]] for j in self.slots[i]]
            agent.u_month, agent.u_year, agent.u_decision, agent.u_application = (u[i] for u in draws)
        self.totals = [0] * month.out.totals.size
        self.by_lender = [[0] * 4 for _ in month.out.by_lender]
        self.bad, self.borrowers = [0] * month.out.bad.size, [0] * month.out.bad.size

    def step(self) -> None:
        """Every household's month."""
        self.agents.do("step")

    def check(self, month: Month) -> None:
        """Everything as the compiled step left it."""
        after, out = month.after._asdict(), month.out
        owed = after.pop("debt_arrears")
        for name, values in {**after, "event": out.event}.items():
            assert [getattr(a, name) for a in self.households] == values.tolist(), name
        for i, agent in enumerate(self.households):
            assert [debt[2] for debt in agent.debts] == [int(owed[i, j]) for j in self.slots[i]]
            if agent.event & APPLIES:
                assert agent.application == (out.start[i], out.due[i], out.principal[i], out.rate_ppm[i])
            if agent.event & WENT_BAD:
                assert agent.cause == out.cause[i]
        assert self.totals == out.totals.tolist()
        assert self.by_lender == out.by_lender.tolist()
        assert (self.bad, self.borrowers) == (out.bad.tolist(), out.borrowers.tolist())


def plain(values: Any) -> dict[str, Any]:
    """The arrays of a tuple as lists, the keys of streams aside."""
    return {k: v.tolist() for k, v in values._asdict().items() if isinstance(v, np.ndarray) and k != "keys"}


def luck(table: list[float], u: float) -> float:
    """Between two quantiles."""
    x = u * LUCK_POINTS
    k = int(x)
    return table[k] + (x - k) * (table[k + 1] - table[k])


# --- the limit -----------------------------------------------------------------------------------------


@njit(error_model="numpy")
def limit(p: Any, r: Any, t: Any, now: Any, out: Any, decides: Any, applies: Any, u: Any) -> None:
    """The same draws and the same columns, no logic."""
    rep, month = now.replication, now.month
    for i in range(r.id.size):
        u[0, i], u[1, i], u[2, i], u[3, i] = _four(t.keys[0], r.id[i], month, rep)
    if month % 12 == 0:
        for i in range(r.id.size):
            u[0, i], u[1, i], _, _ = _four(t.keys[1], r.id[i], month // 12, rep)
    for k in range(applies.size):
        u[0, k], u[1, k], u[2, k], u[3, k] = _four(t.keys[3], r.id[applies[k]], month, rep)
    for k in range(decides.size):
        u[0, k], u[1, k], u[2, k], u[3, k] = _four(t.keys[2], r.id[decides[k]], month, rep)
    for i in range(r.id.size):
        a = r.township[i] ^ r.lender[i] ^ r.persons[i] ^ r.workers[i] ^ r.born[i] ^ r.is_man[i] ^ r.may_borrow[i]
        a ^= r.crop_fen[i] ^ r.livestock_fen[i] ^ r.wage_fen[i] ^ r.transfer_fen[i] ^ r.rain_fed_ppm[i]
        a ^= r.savings_fen[i] ^ r.debt_product[i, 0] ^ now.circle[i]
        b = p.health[i] ^ p.status[i] ^ p.due[i] ^ p.start[i] ^ p.capital[i] ^ p.wait_until[i] ^ p.principal[i]
        b ^= p.rate_ppm[i] ^ p.interest_due[i] ^ p.arrears[i] ^ p.harvest_ppm[i] ^ p.wage_ppm[i]
        p.cash[i] ^= a
        p.informal[i] ^= b
        p.income_year[i] ^= a
        p.refund[i] ^= b
        out.event[i] = a ^ b


def draws_of(month: Month, r: Register, t: Terms) -> tuple[np.ndarray, np.ndarray]:
    """Rows of households that decide on a loan, and of those that may apply for one."""
    p, after, now = month.before, month.after, month.now
    decides = (p.status >= OPEN) & (p.status <= OVERDUE) & (after.due <= now.month_end)
    free = (after.status == NONE) & (after.health == WELL) & (r.may_borrow == 1) & (now.month >= after.wait_until)
    return np.flatnonzero(decides), np.flatnonzero(free & ((now.month - r.born) // 12 < t.age_below))


# --- the measurement -----------------------------------------------------------------------------------


def main() -> None:
    """Nine rounds, each engine once in every round."""
    r, t, months = record()
    county = County(r, t, months[0].now.circle)
    scratch = np.empty((4, r.id.size))
    rows = [draws_of(month, r, t) for month in months]

    def arrays(twin: Callable[..., None], is_checked: bool) -> float:
        spent = 0.0
        for month, more in zip(months, rows, strict=True):
            p, out = month.fresh()
            extra = () if is_checked else (*more, scratch)
            begin = time.perf_counter()
            twin(p, r, t, month.now, out, *extra)
            spent += time.perf_counter() - begin
            for a, b in zip((*p, *out), (*month.after, *month.out), strict=True) if is_checked else ():
                assert a.tobytes() == b.tobytes()
        return spent

    def agents() -> float:
        spent = 0.0
        for month in months:
            county.begin(month)
            begin = time.perf_counter()
            county.step()
            spent += time.perf_counter() - begin
            county.check(month)
        return spent

    engines: dict[str, Callable[[], float]] = {
        "compiled": lambda: arrays(step, True), "reference": lambda: arrays(step_reference, True), "Mesa": agents,
        "limit": lambda: arrays(limit, False),
    }  # fmt: skip
    arrays(limit, False)  # compiles
    spent: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(PAIRS):
        for name, engine in engines.items():
            spent[name].append(engine())
    unit = 1e9 / r.id.size / len(months)
    fast = spent["compiled"]
    ratio = {n: statistics.median(b / a for a, b in zip(fast, spent[n], strict=True)) for n in ("reference", "Mesa")}
    print(
        f"a household's month, {r.id.size:,} households, {len(months)} months: "
        f"compiled {statistics.median(fast) * unit:.0f} ns; reference {ratio['reference']:.1f} times; "
        f"Mesa {ratio['Mesa']:.0f} times; limit {statistics.median(spent['limit']) * unit:.0f} ns"
    )


if __name__ == "__main__":
    main()
