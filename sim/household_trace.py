"""One household of a simulated history, month by month: what happened to it, what it did, and why.

The history is run by the ordinary code, which keeps what the household had before and after each month's step; the
rest is asked of that month lived again (`sim.relived`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim import clock, firms, receivables
from sim.arms import horizon
from sim.community_kernel import LENDER_CAUTIOUS, LENDER_WAITS, OVER_INDEBTED
from sim.errors import ConservationError, InputError
from sim.households import state
from sim.households.book import Households
from sim.households.reduced_form import CAUSES
from sim.households.register import Register
from sim.households.state import Now, Out, People, livelihoods_of
from sim.livelihoods import CATEGORIES
from sim.parameters import of_history
from sim.relived import DEBTS, PROJECT, HouseholdMonth, Relived
from sim.replication import prepare, simulate
from sim.scenario import Scenario
from sim.trace import Step, claim_steps, made_step
from sim.units import PPM
from sim.warmup import opening_state
from sim.world import Setup, World

BY_THE_MONTH = ("livestock", PROJECT, DEBTS)  # luck of the month; of crops and wages there is luck of the year
FAR_OFF = 0.5  # a source is told when it differs from usual by this share of itself
WORTH_TELLING = 0.05  # and a difference by this share of the month's usual income
_RICH = 10**13  # fen: enough to spend whatever is needed


@dataclass(frozen=True)
class HouseholdStory:
    """Who a household is, its months, and what is worth telling, in order of date."""

    household: dict[str, Any]
    months: list[HouseholdMonth]
    steps: list[Step]


def trace_household(
    scenario: Scenario, household_id: int | None = None, replication: int = 0, seed: int = 2027
) -> HouseholdStory:
    """A household of one simulated history.

    Parameters
    ----------
    household_id : int, optional
        By default the first household whose loan went bad in this history and was paid by the fund.

    Raises
    ------
    InputError
        No such household, or a scenario that simulates none.
    """
    if replication < 0:
        raise InputError("command", "replication", replication, "0 or more")
    if scenario.livelihoods is None:
        allowed = "a scenario with defaults.mechanism household, for example x-county-households"
        raise InputError(scenario.name, "defaults.mechanism", scenario.defaults.mechanism, allowed)
    there = of_history(scenario, seed, replication)  # the run's own history, its parameters too
    setup = prepare(there, seed, opening_state(there), horizon(there))
    assert setup.households is not None
    row = _row_of(setup, setup.households.register, household_id, replication)
    world = simulate(setup, replication, watch=row)
    assert world.community is not None
    teller = _Teller(setup, world, setup.households, row)
    months: list[HouseholdMonth] = []
    steps: list[Step] = []
    for k in range(0, len(world.community.seen), 2):
        month, told = teller.month(k)
        months.append(month)
        steps += told
    steps += teller.loans()  # on one day after what the household did
    return HouseholdStory(teller.who(), months, sorted(steps, key=lambda s: s.on))


def _row_of(setup: Setup, register: Register, household_id: int | None, replication: int) -> int:
    """Row of a household in the register; without an id it takes a run of the history to find one."""
    if household_id is None:
        world = simulate(setup, replication)
        claims = world.claims
        paid = np.flatnonzero((claims.paid > 0) & (claims.due >= setup.first_day))
        paid = paid[~firms.of_firms(setup, world)[claims.row[paid]]]
        here = paid[claims.missed[paid] >= setup.first_day]  # rather one that went bad in this history
        paid = here if here.size else paid
        if paid.size == 0:
            allowed = f"a household's id, for example {int(register.id[0])}; the fund paid on no loan of this history"
            raise InputError("command", "household", None, allowed)
        household_id = int(world.loans.household[claims.row[paid[0]]])
    found = np.flatnonzero(register.id == household_id) if abs(household_id) < 2**63 else np.zeros(0, np.int64)
    if found.size == 0:
        allowed = f"a household of the register, for example {int(register.id[0])}"
        raise InputError("command", "household", household_id, allowed)
    return int(found[0])


class _Teller(Relived):
    """Tells the months of one household."""

    def __init__(self, setup: Setup, world: World, households: Households, row: int) -> None:
        super().__init__(setup, households, row)
        assert world.community is not None
        self.world, self.community = world, world.community
        self.watched = world.community.watched_group
        self.rules, self.county = setup.rules, livelihoods_of(setup.scenario)

    # --- who it is

    def who(self) -> dict[str, Any]:
        """What the register says, in plain values; money in fen."""
        r, scenario = self.register, self.setup.scenario
        month = clock.month_of(np.array([self.setup.first_day]))[0]
        debts = [(int(k), int(m)) for k, m in zip(r.debt_product[0], r.debt_month[0], strict=True) if k >= 0]
        first = self.community.seen[0][1]
        return {
            "id": int(r.id[0]),
            "township": scenario.townships[int(r.township[0])].label,
            "village": int(r.village[0]) % self.county.villages_per_township + 1,
            "lender": scenario.lenders[self.lender].label,
            "persons": int(r.persons[0]), "workers": int(r.workers[0]),
            "age": int(month - r.born[0]) // 12, "is_man": bool(r.is_man[0]),
            "category": CATEGORIES[int(r.category[0])], "rating": int(r.rating[0]), "may_borrow": bool(r.may_borrow[0]),
            "income_fen": self.usual_year(),
            "rain_fed_ppm": int(r.rain_fed_ppm[0]),
            "savings_fen": int(r.savings_fen[0]), "cash_fen": int(first.cash[0]), "informal_fen": int(first.informal[0]),
            "other_debts": [self._debt(k, m) for k, m in debts] if self.county.stacking_on else [],
        }  # fmt: skip

    def _debt(self, product: int, month: int) -> dict[str, Any]:
        period, payment = (int(x) for x in self.terms.products[product, :2])
        label = self.county.products[product].label
        return {"product": label, "payment_fen": payment, "every_months": period, "calendar_month": month % 12 + 1}

    # --- loans

    def loans(self) -> Iterator[Step]:
        """Loans and claims of the household; subsidy that reached it."""
        world, claims = self.world, self.world.claims
        for row in np.flatnonzero(world.loans.household == self.register.id[0]):
            yield made_step(self.rules, world.loans, int(row))
            for i in np.flatnonzero(claims.row == row):
                yield from claim_steps(self.setup, world.flows, claims, int(i), int(world.loans.start[row]))
        for file, day, fen in receivables.refunds_of(world, self.row):
            days = day - world.lists.period_end[file]
            yield self._step(day, "refund", "subsidy.paid_to", refund=fen, days=days)

    # --- a month

    def month(self, k: int) -> tuple[HouseholdMonth, list[Step]]:
        """The month whose beginning is the k-th thing seen."""
        (now, before), (_, after), (_, later) = (*self.community.seen[k : k + 2], self._seen_after(k + 1))
        own = slice(self.row, self.row + 1)
        now = now._replace(circle=now.circle[own], herd=now.herd[own], wage=now.wage[own], will=now.will[own])
        lived, out = self.live(before, now)
        if any(not np.array_equal(a, b) for a, b in zip(lived, after, strict=True)):
            raise ConservationError(f"household {self.register.id[0]}, month {now.month}: the two steps differ")
        money = self.with_group(self.money(before, after, now, out), now)
        steps = [*self._life(before, after, now, out), *self._income(before, after, now, money)]
        steps += self._firm(before, after, now)
        steps += self._needs(before, after, now, money)
        steps += self._interest(before, after, now, money)
        steps += self._other_debts(before, after, now)
        steps += self._loan(before, after, now, out)
        steps += self._group(now, money)
        steps += self._put_off(now)
        if after.status[0] == state.OPEN and later.status[0] == state.BAD:
            days = now.month_end - int(later.due[0])
            steps.append(self._step(now.month_end, "interest_went_bad", "claim.counts_from", days=days))
        if later.relapses[0] > after.relapses[0]:
            steps.append(self._step(now.month_end, "relapsed", months=self.county.relapse_after_months))
        steps += self._application(after, later, now, out)
        return money, steps

    def _seen_after(self, k: int) -> tuple[Any, People]:
        if k + 1 < len(self.community.seen):
            return self.community.seen[k + 1]
        return None, People(*(a[self.row : self.row + 1] for a in self.community.people))

    # --- what is worth telling

    def _life(self, before: People, after: People, now: Now, out: Out) -> Iterator[Step]:
        if after.health[0] != before.health[0]:
            yield self._step(now.month_end, "died" if after.health[0] == state.DEAD else "lost_labour")
        if out.event[0] & state.WAS_CALLED:
            days = int(after.due[0]) - now.month_end
            yield self._step(now.month_end, "called", "claim.called_after_death_days", days=days)
        rich = before._replace(cash=np.full(1, _RICH, dtype=np.int64))
        spends = int(self.live(rich, now)[1].totals[state.SPENT])
        t = self.terms
        for what, without in (("ill", t._replace(illness=0.0)), ("expense", t._replace(expense=0.0))):
            cost = spends - int(self.live(rich, now, without)[1].totals[state.SPENT])
            if cost > 0:
                yield self._step(now.month_end, what, cost=cost)
        never = before._replace(due=np.full(1, state.NEVER_DAY, dtype=np.int64))
        lost = int(before.capital[0] - self.live(never, now, self.terms._replace(calls=0))[0].capital[0])
        if lost > 0:
            yield self._step(now.month_end, "project_lost", lost=lost)

    def _firm(self, before: People, after: People, now: Now) -> Iterator[Step]:
        """The firm that covers the household: it fails, another takes its place, and what that does to a loan it uses."""
        f, state_now = self.households.firms, self.community.firms
        if f is None or state_now is None or f.firm[self.row] < 0:
            return
        k, firm = now.month - self.setup.first_month, int(f.firm[self.row])
        begins = [at for at, i in state_now.failed if i == firm]
        live = self.county.firms
        assert live is not None
        if k in begins:
            wages = int(self.usual_year()["wage"] * live.income_share / 12)
            yield self._step(now.month_end, "firm_failed", wages=wages)
        if k in [at + live.replaced_after_months for at in begins]:
            yield self._step(now.month_end, "firm_again")

    def _income(self, before: People, after: People, now: Now, money: HouseholdMonth) -> Iterator[Step]:
        if now.month % 12 == 0:
            harvest, wage = int(after.harvest_ppm[0]), int(after.wage_ppm[0])
            yield self._step(now.month_end, "year", harvest_ppm=harvest, wage_ppm=wage)
        little = WORTH_TELLING * self.usual_month
        wet = now._replace(crop_lost=np.zeros_like(now.crop_lost))
        full = self.income_from("crop", before, wet, self.terms)
        lost = full - money.income["crop"]
        if lost > little:
            yield self._step(now.month_end, "drought", lost=lost, share_ppm=lost * PPM // full)
        for source in BY_THE_MONTH:
            found, usual = money.income[source], money.usual[source]
            if abs(found - usual) > max(FAR_OFF * usual, little):
                names = {"source": f"income.{source}"}
                yield self._step(now.month_end, "income_off", names=names, income=found, usual=usual)

    def _needs(self, before: People, after: People, now: Now, money: HouseholdMonth) -> Iterator[Step]:
        if after.months_short[0] > before.months_short[0]:
            yield self._step(now.month_end, "short", spent=money.spent, floor=self.floor())
        if money.borrowed > 0:
            yield self._step(now.month_end, "borrows", borrowed=money.borrowed, informal=money.informal_after)

    def _interest(self, before: People, after: People, now: Now, money: HouseholdMonth) -> Iterator[Step]:
        pays_first = self.rules.subsidy.paid_to == "household"
        if money.interest > 0:
            if not pays_first and self._is_debited(now):
                yield self._step(now.month_end, "interest_debited", "subsidy.paid_to", interest=money.interest)
            else:
                what = "interest_first" if pays_first else "interest_own"
                yield self._step(now.month_end, what, "subsidy.paid_to", interest=money.interest)
        if after.arrears[0] > before.arrears[0]:
            yield self._step(now.month_end, "interest_unpaid", arrears=int(after.arrears[0]))

    def _is_debited(self, now: Now) -> bool:
        """Did the lender turn over a list of this month to its households?"""
        lists = self.world.lists
        files = zip(lists.to_household, lists.lender, lists.period_end, strict=True)
        return any(
            whose and lender == self.lender and now.first_day <= day <= now.month_end for whose, lender, day in files
        )

    def _group(self, now: Now, money: HouseholdMonth) -> Iterator[Step]:
        """What the household's group paid for it, or it for another."""
        if money.from_group > 0:
            yield self._step(now.month_end, "group_pays", given=money.from_group)
        if money.to_group > 0:
            yield self._step(now.month_end, "pays_for_group", given=money.to_group)

    def _put_off(self, now: Now) -> Iterator[Step]:
        """Its loan's date was put off in a drought."""
        for day, row, old, new in self.community.put_off:
            if day == now.month_end and self.world.loans.household[row] == self.register.id[0]:
                yield self._step(old, "put_off", "loan.extension_months", days=new - old)

    def _other_debts(self, before: People, after: People, now: Now) -> Iterator[Step]:
        if self.terms.stacking != 1:
            return
        r = self.register
        for j, product in enumerate(r.debt_product[0].tolist()):
            if product < 0:
                return
            due = int(before.debt_arrears[0, j])
            if now.month % self.terms.products[product, 0] == r.debt_month[0, j]:
                due += int(self.terms.products[product, 1])
            elif after.debt_arrears[0, j] == due:
                continue  # nothing new
            what = "debt_missed" if after.debt_arrears[0, j] > 0 else "debt_paid"
            yield self._step(now.month_end, what, names={"debt": self.county.products[product].label}, due=due)

    def _loan(self, before: People, after: People, now: Now, out: Out) -> Iterator[Step]:
        """The loan under the fund: what was asked on its date, what there was, and how it went on."""
        event = int(out.event[0])
        principal = int(before.principal[0])
        if event & (state.REPAID | state.MISSED | state.WAS_RENEWED):
            yield from self._maturity(before, after, now, event)
        if event & state.CURED:
            asked = int(out.by_lender[self.lender, state.PRINCIPAL] + out.by_lender[self.lender, state.EXTRA])
            yield self._step(now.month_end, "cured", "claim.penalty_multiplier", asked=asked, principal=principal)
        if event & state.WENT_BAD:
            names = {"cause": f"cause.{CAUSES[int(out.cause[0])]}"}
            yield self._step(now.month_end, "bad", "claim.wait_days", names=names, principal=principal)
        if out.totals[state.COLLECTED] > 0:
            yield self._step(now.month_end, "collected", recovered=int(out.totals[state.COLLECTED]))

    def _maturity(self, before: People, after: People, now: Now, event: int) -> Iterator[Step]:
        due = int(before.due[0] if event & state.WAS_RENEWED else after.due[0])
        has = self.at_maturity(before, now)
        is_by_firm = before.marks[0] & state.BY_FIRM
        if not is_by_firm:
            yield Step(clock.date_of(due), "home.asked", amounts=has)
        if event & state.REPAID and is_by_firm:
            yield self._step(due, "firm_repays", principal=int(before.principal[0]))
        elif event & state.REPAID:
            yield Step(clock.date_of(due), "repaid", amounts={"principal": int(before.principal[0])})
        elif event & state.WAS_RENEWED:
            source = self.rules.sources.get("loan.renewals_max", "")
            yield Step(clock.date_of(due), "renewed", "loan.renewals_max", source)
        elif after.marks[0] & state.LOST:
            yield self._step(due, "firm_owes", asked=has["asked"])
        elif after.marks[0] & state.REFUSES == 0:
            short = has["asked"] - (has["cash"] - has["floor"] + has["room"])
            yield self._step(due, "cannot", short=short)
        else:
            willing_heirs, _ = self.live(before, now, self.terms._replace(heirs=1.0))
            alone, _ = self.live(before, now._replace(will=np.zeros_like(now.will)), self.terms._replace(heirs=1.0))
            if alone.marks[0] & state.REFUSES or not willing_heirs.marks[0] & state.REFUSES:
                yield self._step(due, "unwilling" if willing_heirs.marks[0] & state.REFUSES else "heirs_refuse")
            else:
                what = "evades" if self.households.never_pays[self.row] > 0 else "unwilling_with_group"
                yield self._step(due, what)

    def _application(self, after: People, later: People, now: Now, out: Out) -> Iterator[Step]:
        start = int(out.start[0])
        if not out.event[0] & state.APPLIES or not self.setup.first_day <= start <= now.month_end:
            return
        if not self.setup.scenario.lending.new_loans:
            return
        yield self._step(start, "applies", principal=int(out.principal[0]))
        if later.ordinal[0] > after.ordinal[0]:
            if later.marks[0] & state.MISUSED:
                yield self._step(start, "misused")
            if later.marks[0] & state.BY_FIRM:
                yield self._step(start, "by_firm")
            return
        counts = self.apply_alone(after, now, out, self.community.cautions[now.month - self.setup.first_month])
        if self.world.stops[now.month - self.setup.first_month, self.lender]:
            yield self._step(start, "refused_stop", self._stopping_rule())
        elif counts[OVER_INDEBTED]:
            yield self._step(start, "refused_debts", months=int(later.wait_until[0]) - now.month)
        elif counts[LENDER_WAITS]:
            yield self._step(start, "refused_waits")
        elif counts[LENDER_CAUTIOUS]:
            yield self._step(start, "refused_cautious")
        elif self._quota_is_used(start, int(out.principal[0])):
            yield self._step(start, "refused_quota", "loan.quota_yuan_per_year")
        else:
            yield self._step(start, "refused_cap", "fund.leverage")

    def _stopping_rule(self) -> str:
        """The first of the pack's rules that stop lending."""
        keys = ("stop.bad_loan_share", "stop.unpaid_claim_days", "stop.used_share")
        return next(key for key in keys if key in self.rules.sources)

    def _quota_is_used(self, day: int, principal: int) -> bool:
        """Would a loan have passed the year's quota, after all that was lent in the year by that day?"""
        quota, loans = self.setup.granting.quota, self.world.loans
        of_year = (loans.start >= clock.day_in_year(clock.date_of(day).year, "01-01")) & (loans.start <= day)
        return 0 <= quota < int(loans.balance[of_year].sum()) + principal

    def _step(self, day: int, what: str, rule: str = "", names: dict[str, Any] | None = None, **amounts: int) -> Step:
        source = self.rules.sources.get(rule, "")
        return Step(clock.date_of(day), f"home.{what}", rule, source, amounts, names or {})
