"""The institutions of one history as processes over real dates, and the files and cash that they handle."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim import clock, community, insurance, township
from sim.clock import Slot, day_in_year, until
from sim.county import CountyCash
from sim.entitlements import known_beforehand
from sim.fiscal.office import Desk, office
from sim.fiscal.subsidy import settlement_days
from sim.fiscal.treasury import CashInterest, finance_bureau
from sim.fund.account import fund_accounts, rate_on
from sim.fund.days import pay_days
from sim.fund.meetings import leading_group
from sim.ledger import Ledger
from sim.lending.granting import TO_DEMAND, TO_MULTIPLE, top_ups
from sim.lending.granting_kernel import over
from sim.lending.lender import lender
from sim.lending.loans import Loans
from sim.settlements import releases_of, submit_claims, submit_lists, under_way
from sim.units import I64, PPM
from sim.world import Setup, World


def open_ledger(setup: Setup, loans: Loans, keep_journal: bool) -> Ledger:
    """Accounts with their opening balances; `before` is the counterpart of what was there already."""
    ledger = Ledger(journal=[] if keep_journal else None)
    bearers = [f"bearer:{bearer}" for bearer, _ in setup.rules.loss.direct]
    for account in ("before", "county", "county_owes", "banks", "households", "debt", "economy", *bearers):
        ledger.open(account)
    if setup.households is not None:
        savings = int(setup.households.start.cash.sum())
        ledger.post(setup.first_day, "savings carried over", ("households", savings), ("before", -savings))
    if setup.scenario.insurance is not None:
        ledger.open("insurer")
    ledger.open("subsidy_cash", guarded=True)
    for index, fen in enumerate(opening_accounts(setup)):
        ledger.open(f"fund:{index}", guarded=True)
        ledger.post(setup.first_day, "fund set up", (f"fund:{index}", int(fen)), ("before", -int(fen)))
    ledger.post(setup.first_day, "cash carried over", ("subsidy_cash", setup.opening.subsidy_cash_fen),
                ("before", -setup.opening.subsidy_cash_fen))  # fmt: skip
    lent_before = np.bincount(loans.lender, weights=np.where(loans.start < setup.first_day, loans.balance, 0),
                              minlength=setup.set_fen.size).astype(np.int64)  # fmt: skip
    unpaid = [0] * setup.set_fen.size
    for _, index, fen, *_ in setup.opening.lists:
        unpaid[index] += fen
    for index, fen in enumerate(lent_before):
        for name in ("cash", "book", "subsidy_due"):
            ledger.open(f"{name}:{index}")
        ledger.post(setup.first_day, "book carried over", (f"book:{index}", int(fen)), ("debt", -int(fen)))
        ledger.post(
            setup.first_day,
            "subsidy unpaid",
            (f"subsidy_due:{index}", unpaid[index]),
            ("county_owes", -unpaid[index]),
        )
    return ledger


def opening_accounts(setup: Setup) -> I64:
    """What the fund's accounts hold at the beginning: the set size from 1 January of the sized year, else what is there."""
    if setup.first_day >= setup.year_start:
        return setup.account_fen
    held = np.array(setup.opening.fund_fen, dtype=np.int64)
    return held if held.size == setup.account_fen.size else np.array([held.sum()])


def _top_ups(env: Any, setup: Setup, world: World, days: dict[int, int]) -> Any:
    """The county brings each account up, on the days and by the rules of `granting.top_ups`, before anything is paid."""
    multiple = round(setup.rules.fund.leverage * PPM)
    for k, (day, rule) in enumerate(days.items()):
        yield from until(env, day, Slot.BUDGET_RELEASE)
        held = [world.ledger.balances[f"fund:{index}"] for index in range(setup.account_fen.size)]
        if day == setup.year_start:
            world.flows.carried_over = held
        counted = _counted(world, k, rule)
        asked = np.array([over(fen, multiple) for fen in counted.tolist()], dtype=np.int64)
        if rule == TO_DEMAND:
            world.set_fen[:] = asked
        aim = np.bincount(setup.account_of, weights=asked if rule == TO_MULTIPLE else world.set_fen).astype(np.int64)
        for index, fen in enumerate(aim.tolist()):
            missing = max(fen - held[index], 0)
            to_fund, to_subsidy = world.county.to_fund(day, missing, _subsidy_unpaid(world, day))
            world.ledger.post(day, "fund topped up", ("county", -missing), (f"fund:{index}", to_fund),
                              ("subsidy_cash", to_subsidy))  # fmt: skip
            world.flows.top_ups.append((day, index, to_fund))


def _subsidy_unpaid(world: World, day: int) -> int:
    """Subsidy of settlements before a day that is unpaid and for which there is no cash [fen]."""
    lists = world.lists
    rows = zip(lists.period_end, lists.amount, lists.paid, strict=True)
    owed = sum(amount - paid for end, amount, paid in rows if end < day)
    return max(owed - world.ledger.balances["subsidy_cash"], 0)


def _counted(world: World, k: int, rule: int) -> I64:
    """What counts against the multiple on the k-th day of a top-up; where the size follows demand, what was refused as well."""
    c = world.community
    if c is None:
        return world.counted[k]
    counted = c.used + c.refused if rule == TO_DEMAND else c.used.copy()
    c.refused[:] = 0
    c.counted.append(counted)
    return counted


def run_institutions(setup: Setup, world: World) -> None:
    scenario, rules, calendar = setup.scenario, setup.rules, setup.calendar
    ledger, claims, first, last = world.ledger, world.claims, setup.first_day, setup.last_day
    env = clock.start(first)
    world.county = CountyCash.of(scenario.fiscal.crowding_out)
    for entry in setup.opening.lists:
        world.lists.add(*entry[:6], to_household=bool(entry[6]))
    clerks = scenario.office
    minutes = clerks.clerks * clerks.share_of_working_days * clerks.minutes_per_day
    world.desk = Desk(minutes, calendar.working_days_before(first))
    releases: dict[int, int]
    if world.community is None:
        releases, (lent, repaid, interest) = known_beforehand(setup, world)
    else:
        c = world.community
        world.entitled, lent, repaid, interest = c.entitled, c.lent, c.repaid, c.interest
        planned = releases_of(setup, world.common)
        releases = {r.arrives: 0 for r in planned if r.arrives <= last}
        env.process(community.households(env, setup, world, planned, releases))
    world.interest = interest
    if not scenario.fiscal.pays_on_time:
        for day, fen in under_way(setup, world.common).items():
            releases[day] = releases.get(day, 0) + fen
    submit_lists(setup, world, 0)
    submit_claims(setup, world, 0)
    payment_days = _days_of_month(setup, scenario.fiscal.payment_day)
    meetings = [int(d) for d in setup.meetings]
    env.process(office(env, world.desk, calendar, rules, world.lists, claims, sorted({*payment_days, *meetings})))
    env.process(leading_group(env, rules, calendar, claims, setup.meetings))
    cash_interest = _cash_interest(setup)
    world.flows.subsidy_interest = cash_interest.credited if cash_interest is not None else []
    on_time = frozenset(int(d) for d in setup.settlements) if scenario.fiscal.pays_on_time else frozenset()
    env.process(finance_bureau(env, ledger, world.lists, releases, payment_days, cash_interest, on_time, world.county))
    years = range(clock.date_of(first).year, clock.date_of(last).year + 1)
    backstop = {day_in_year(y, rules.fund.backstop_on) for y in years}
    pays = pay_days(rules, calendar, setup.meetings)
    top_up_days = top_ups(rules, first, last, setup.year_start)
    days = (
        {int(d) for d in (*pays, *setup.month_ends)}
        | {d for d, *_ in setup.credits}
        | backstop
        | {first, setup.year_start, *top_up_days}
    )
    days |= {int(d) for d in claims.due if d >= first}  # approved before the history begins
    if rules.fund.payout_cap_share is not None:
        days |= {day_in_year(y, "01-01") for y in years}
    if rules.recovery.return_working_days is not None:
        days |= set(calendar.working_days(first, last).tolist())
    days = {d for d in days if first <= d <= last}
    env.process(
        fund_accounts(
            env,
            ledger,
            rules,
            calendar,
            claims,
            setup.account_of,
            setup.credits,
            sorted(days),
            backstop,
            world.flows,
            world.county,
        )
    )
    for index in range(setup.set_fen.size):
        env.process(lender(env, ledger, index, setup.month_ends, lent[index], repaid[index], interest[index],
                           setup.settlements, world.entitled[:, index]))  # fmt: skip
    if rules.loan.borrower_of_record == "township":
        township.open_accounts(setup, world)
        env.process(township.township(env, setup, world))
    if top_up_days:
        env.process(_top_ups(env, setup, world, top_up_days))
    if setup.scenario.insurance is not None:
        env.process(insurance.insurer(env, setup, world))
    env.process(_recorder(env, setup, world))
    env.run(until=last + 1)
    world.n_events = next(env._eid)  # SimPy numbers its events; the next number is their count


def _recorder(env: Any, setup: Setup, world: World) -> Any:
    """Balances at the end of each month, in order of the fund's accounts, then the subsidy cash."""
    names = [*(f"fund:{i}" for i in range(setup.account_fen.size)), "subsidy_cash"]
    for end in setup.month_ends:
        yield from until(env, int(end), Slot.RECORDS)
        world.records.append([world.ledger.balances[name] for name in names])


def _cash_interest(setup: Setup) -> CashInterest | None:
    """Interest terms of the subsidy account: demand rate, credited each quarter on the settlement day."""
    if "subsidy" not in setup.rules.fund.interest_joins or setup.account_fen.sum() == 0:
        return None
    quarters = settlement_days(
        4, setup.rules.subsidy.settlement_day, max(setup.first_day, setup.law_from), setup.last_day
    )
    rates = {int(day): rate_on(setup.rates["deposit_demand"], int(day)) for day in quarters}
    parts = [int(fen) for fen in setup.account_fen]
    return CashInterest(rates, parts, setup.first_day, setup.rules.interest.day_count)


def _days_of_month(setup: Setup, day_of_month: int) -> list[int]:
    starts = clock.first_day_of_month(clock.month_of(setup.month_ends))
    days = [int(d) + day_of_month - 1 for d in starts]
    return [d for d in days if setup.first_day <= d <= setup.last_day]
