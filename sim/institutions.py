"""The institutions of one history as processes over real dates, and the files and cash that they handle."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim import clock
from sim.clock import Slot, until
from sim.fiscal.office import CLAIM as CLAIM_FILE
from sim.fiscal.office import LIST, Desk, Lists, office
from sim.fiscal.subsidy import entitlement, settlement_days
from sim.fiscal.treasury import CashInterest, finance_bureau
from sim.fund.account import fund_accounts, rate_on
from sim.fund.meetings import leading_group
from sim.households.reduced_form import DEFAULTED
from sim.ledger import Ledger
from sim.lending.applications import day_in_year
from sim.lending.lender import lender
from sim.lending.loans import NEVER, Loans
from sim.units import FEN_PER_YUAN, I64, PPM, share_of
from sim.world import Setup, World


def open_ledger(setup: Setup, loans: Loans, keep_journal: bool) -> Ledger:
    """Accounts with their opening balances; `before` is the counterpart of what was there already."""
    ledger = Ledger(journal=[] if keep_journal else None)
    for account in ("before", "county", "county_owes", "banks", "households", "debt"):
        ledger.open(account)
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


def _top_up(env: Any, setup: Setup, world: World) -> Any:
    """On 1 January of the sized year the county brings each account up to its set size."""
    yield from until(env, setup.year_start, Slot.BUDGET_RELEASE)
    for index, fen in enumerate(setup.account_fen):
        balance = world.ledger.balances[f"fund:{index}"]
        missing = max(int(fen) - balance, 0)
        world.ledger.post(
            setup.year_start, "topped up to the set size", ("county", -missing), (f"fund:{index}", missing)
        )
        world.flows.carried_over.append(balance)
        world.flows.top_up.append(missing)


def run_institutions(setup: Setup, world: World) -> None:
    scenario, rules, calendar = setup.scenario, setup.rules, setup.calendar
    ledger, claims, first, last = world.ledger, world.claims, setup.first_day, setup.last_day
    direct = rules.subsidy.paid_to == "bank"
    env = clock.start(first)
    world.entitled, lines = _entitlement(setup, world)
    world.lists = _lists(setup, world.entitled, lines)
    clerks = scenario.office
    minutes = clerks.clerks * clerks.share_of_working_days * clerks.minutes_per_day
    world.desk = Desk(minutes, calendar.working_days_before(first))
    _fill_desk(setup, world)
    payment_days = _days_of_month(setup, scenario.fiscal.payment_day)
    meetings = [int(d) for d in setup.meetings]
    env.process(
        office(env, world.desk, calendar, rules, world.lists, claims.reviewed, sorted({*payment_days, *meetings}))
    )
    env.process(leading_group(env, rules, calendar, claims, setup.meetings))
    cash_interest = _cash_interest(setup)
    world.flows.subsidy_interest = cash_interest.credited if cash_interest is not None else []
    releases = _releases(setup, world.entitled)
    env.process(finance_bureau(env, ledger, world.lists, releases, payment_days, direct, cash_interest))
    years = range(clock.date_of(first).year, clock.date_of(last).year + 1)
    backstop = {day_in_year(y, rules.fund.backstop_on) for y in years}
    pays = calendar.add_working_days(setup.meetings, rules.claim.payment_working_days)
    days = (
        {int(d) for d in (*pays, *setup.month_ends)}
        | {d for d, *_ in setup.credits}
        | backstop
        | {first, setup.year_start}
    )
    days |= {int(d) for d in claims.due if d >= first}  # approved before the history begins
    days = {d for d in days if first <= d <= last}
    env.process(
        fund_accounts(env, ledger, rules, claims, setup.account_of, setup.credits, sorted(days), backstop, world.flows)
    )
    lent, repaid = _monthly(setup, world)
    for index in range(setup.set_fen.size):
        due = {int(d): int(f) for d, f in zip(setup.settlements, world.entitled[:, index], strict=True)}
        env.process(lender(env, ledger, index, setup.month_ends, lent[index], repaid[index], due, direct))
    if setup.first_day < setup.year_start <= last:
        env.process(_top_up(env, setup, world))
    env.process(_recorder(env, setup, world))
    env.run(until=last + 1)
    world.n_events = next(env._eid)  # SimPy numbers its events; the next number is their count


def _recorder(env: Any, setup: Setup, world: World) -> Any:
    """Balances at the end of each month, in order of the fund's accounts, then the subsidy cash."""
    names = [*(f"fund:{i}" for i in range(setup.account_fen.size)), "subsidy_cash"]
    for end in setup.month_ends:
        yield from until(env, int(end), Slot.RECORDS)
        world.records.append([world.ledger.balances[name] for name in names])


def _entitlement(setup: Setup, world: World) -> tuple[I64, I64]:
    rules, loans, fates = setup.rules, world.loans, world.fates
    principal = np.minimum(loans.balance, rules.subsidy.ceiling_yuan * FEN_PER_YUAN)
    rate = share_of(loans.rate_ppm, round(rules.subsidy.share * PPM))
    stop = np.where(fates.renewed == 1, fates.missed, np.minimum(fates.missed, loans.due))
    if rules.subsidy.stops_at == "day_90":
        stop = np.where(fates.fate == DEFAULTED, fates.missed + rules.claim.wait_days, stop)
    out: tuple[I64, I64] = entitlement(
        loans.lender, principal, rate, loans.start, stop, setup.settlements, setup.opening.last_settlement,
        rules.interest.day_count, setup.set_fen.size,
    )  # fmt: skip
    return out


def _lists(setup: Setup, entitled: I64, lines: I64) -> Lists:
    """Files for the office: each settlement's list, and the part with errors one settlement later."""
    rules, calendar, errors = setup.rules, setup.calendar, setup.scenario.fiscal.file_errors
    lists = Lists.empty()
    for entry in setup.opening.lists:
        lists.add(*entry)
    following = settlement_days(
        rules.subsidy.settlements_per_year, rules.subsidy.settlement_day, setup.last_day + 1, setup.last_day + 400
    )
    files = np.append(setup.settlements, following[0])
    arrives = calendar.add_working_days(files, rules.subsidy.check_working_days)
    for j, day in enumerate(setup.settlements):
        for index in range(setup.set_fen.size):
            fen, n = int(entitled[j, index]), int(lines[j, index])
            if fen == 0:
                continue
            wrong = int(share_of(fen, round(errors * PPM)))
            lists.add(int(day), index, fen - wrong, n, int(arrives[j]))
            if wrong:
                lists.add(int(day), index, wrong, round(n * errors), int(arrives[j + 1]))
    return lists


def _fill_desk(setup: Setup, world: World) -> None:
    """Put every file on the desk's calendar: subsidy lists, and claims not collected before they arrive."""
    first, last, clerks = setup.first_day, setup.last_day, setup.scenario.office
    for i in range(len(world.lists)):
        if world.lists.confirmed[i] < 0 and world.lists.arrives[i] <= last:
            minutes = world.lists.lines[i] * clerks.minutes_per_line
            world.desk.submit(max(world.lists.arrives[i], first), LIST, minutes, (LIST, i))
    claims = world.claims
    coming = (
        (claims.decided == NEVER)
        & (claims.reviewed == NEVER)
        & (claims.signed <= last)
        & (claims.recovered_on > claims.signed)
    )
    for k in np.flatnonzero(coming):
        world.desk.submit(max(int(claims.signed[k]), first), CLAIM_FILE, clerks.minutes_per_claim, (CLAIM_FILE, int(k)))


def _cash_interest(setup: Setup) -> CashInterest | None:
    """Interest terms of the subsidy account: demand rate, credited each quarter on the settlement day."""
    if "subsidy" not in setup.rules.fund.interest_joins:
        return None
    quarters = settlement_days(
        4, setup.rules.subsidy.settlement_day, max(setup.first_day, setup.law_from), setup.last_day
    )
    rates = {int(day): rate_on(setup.rates["deposit_demand"], int(day)) for day in quarters}
    parts = [int(fen) for fen in setup.account_fen]
    return CashInterest(rates, parts, setup.first_day, setup.rules.interest.day_count)


def _releases(setup: Setup, entitled: I64) -> dict[int, int]:
    """Cash of each year's appropriation by release day; the year's budget follows what falls due in it."""
    fiscal = setup.scenario.fiscal
    out: dict[int, int] = {}
    years = clock.year_of(setup.settlements)
    for year in np.unique(clock.year_of(setup.month_ends)):
        budget = int(entitled[years == year].sum() * fiscal.budget_share)
        dated = [
            (day_in_year(int(year), d), s) for d, s in zip(fiscal.release_days, fiscal.cash_by_quarter, strict=True)
        ]
        days = [(day, share) for day, share in dated if day >= setup.first_day]
        if setup.scenario.opening.kind == "warm-up":
            # a year cut in two by the information date has one budget, and its arrears are carried over
            budget = budget * setup.rules.subsidy.settlements_per_year // max(int((years == year).sum()), 1)
            total = 1.0
        else:
            total = sum(share for _, share in days)  # no arrears are known: the rest of the year pays its own way
        for day, share in days:
            if day <= setup.last_day and total > 0:
                out[day] = out.get(day, 0) + int(share_of(budget, round(share / total * PPM)))
    return out


def _monthly(setup: Setup, world: World) -> tuple[I64, I64]:
    """Principal lent and repaid by lender and month [fen]."""
    loans, fates, n = world.loans, world.fates, setup.month_ends.size
    out = []
    for days, rows in (
        (loans.start, loans.start >= setup.first_day),
        (fates.repaid, (fates.repaid >= setup.first_day) & (fates.repaid <= setup.last_day)),
    ):
        at = loans.lender[rows] * n + clock.month_of(days[rows]) - setup.first_month
        total = np.bincount(at, weights=loans.balance[rows].astype(float), minlength=n * setup.set_fen.size)
        out.append(total.astype(np.int64).reshape(setup.set_fen.size, n))
    return out[0], out[1]


def _days_of_month(setup: Setup, day_of_month: int) -> list[int]:
    starts = clock.first_day_of_month(clock.month_of(setup.month_ends))
    days = [int(d) + day_of_month - 1 for d in starts]
    return [d for d in days if setup.first_day <= d <= setup.last_day]
