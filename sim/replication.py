"""One history: builds a world, runs its institutions over real dates, and hands back what happened.

Households decide by kernel, institutions are SimPy processes; they meet here and in the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sim import clock
from sim.clock import Calendar, Slot, until
from sim.errors import ConservationError, InputError
from sim.fiscal.office import CLAIM as CLAIM_FILE
from sim.fiscal.office import LIST, Desk, Lists, office
from sim.fiscal.subsidy import entitlement, settlement_days
from sim.fiscal.treasury import finance_bureau
from sim.fund import claims as fund_claims
from sim.fund.account import Flows, deposit_interest, fund_accounts
from sim.fund.claims import FAR, Claims
from sim.fund.meetings import leading_group
from sim.households import kernels, reduced_form
from sim.households.reduced_form import DEFAULTED, ReducedForm
from sim.law import Rules, load_rates
from sim.law.pack import load_calendar
from sim.ledger import Ledger
from sim.lending.applications import (
    Applications,
    applications,
    day_in_year,
    draw_applications,
    draw_portfolio,
    grant,
)
from sim.lending.lender import lender
from sim.lending.loans import NEVER, PAID, REFUSED, Loans
from sim.opening import MAX_STACK, OpeningState
from sim.scenario import Scenario
from sim.shocks.paths import Paths, draw_paths
from sim.streams import entity_id
from sim.units import FEN_PER_YUAN, I64, PPM, Bool, share_of


@dataclass(frozen=True)
class Setup:
    """What all histories of one arm share. Built once per process."""

    scenario: Scenario
    rules: Rules
    calendar: Calendar
    rates: dict[str, Any]
    seed: int
    opening: OpeningState
    last_day: int
    first_month: int
    month_ends: I64
    township_ids: I64
    p_classes: dict[tuple[int, int], int]
    form: ReducedForm
    apps: Applications | None
    set_fen: I64
    limit_fen: I64
    account_of: I64
    account_fen: I64
    meetings: I64
    credits: list[tuple[int, int, int]]
    settlements: I64
    law_from: int

    @property
    def first_day(self) -> int:
        """The information date."""
        return self.opening.day


@dataclass(frozen=True)
class Fates:
    """What became of each loan of the book; see `reduced_form.fates_reference`."""

    fate: I64
    missed: I64
    repaid: I64
    cause: I64
    renewed: I64

    def take(self, rows: Any) -> Fates:
        """Some of the loans."""
        return Fates(self.fate[rows], self.missed[rows], self.repaid[rows], self.cause[rows], self.renewed[rows])


@dataclass
class World:
    """Everything that happened in one history."""

    replication: int
    paths: Paths
    demand: Loans
    demand_fates: Fates
    granted: Bool
    loans: Loans
    fates: Fates
    claims: Claims
    lists: Lists
    entitled: I64
    flows: Flows
    ledger: Ledger
    desk: Desk
    records: list[dict[str, int]]
    n_events: int


def prepare(scenario: Scenario, seed: int, opening: OpeningState, last_day: int) -> Setup:
    """Read law, calendar and rates, and compute everything that no history changes.

    Parameters
    ----------
    scenario : Scenario
    seed : int
        Seed of the study; every draw's address starts with it.
    opening : OpeningState
    last_day : int [day]
        Horizon.
    """
    rules, calendar, rates = scenario.law(), load_calendar(), load_rates()
    first = opening.day
    months = clock.month_of(np.array([first, last_day]))
    set_fen = np.array([y * FEN_PER_YUAN for y in scenario.sub_accounts_yuan().values()], dtype=np.int64)
    if (set_fen <= 0).any():
        raise InputError(scenario.name, "lenders.sub_account_yuan", 0, "more than 0 yuan for every lender")
    limit = np.floor(set_fen * rules.fund.leverage).astype(np.int64)
    ring = rules.fund.ring_fenced
    account_of = np.arange(set_fen.size) if ring else np.zeros(set_fen.size, dtype=np.int64)
    account_fen = set_fen if ring else np.array([set_fen.sum()])
    classes, specs = _classes(scenario)
    apps = None
    if scenario.lending.new_loans and scenario.opening.kind != "portfolio":
        apps = applications(scenario, [int(x) for x in limit], first, last_day, seed)
    per_year = rules.subsidy.settlements_per_year
    return Setup(
        scenario, rules, calendar, rates, seed, opening, last_day, int(months[0]),
        clock.last_day_of_month(np.arange(months[0], months[1] + 1)),
        np.array([entity_id("township", t.key) for t in scenario.townships], dtype=np.int64),
        classes, reduced_form.prepare(scenario.defaults, specs, rules.loan.renewals_max, seed), apps,
        set_fen, limit, account_of, account_fen,
        calendar.dates_each_year(tuple(rules.claim.meetings), first, last_day),
        deposit_interest(rules, rates, [int(x) for x in account_fen], first, last_day),
        settlement_days(per_year, rules.subsidy.settlement_day, first, last_day),
        clock.day_of(min(v.from_date for v in scenario.pack().parameters["fund.share"].values)),
    )  # fmt: skip


def _classes(scenario: Scenario) -> tuple[dict[tuple[int, int], int], list[tuple[float | None, int]]]:
    """Default classes: by loans in the household, or by portfolio group and loans."""
    if scenario.opening.kind != "portfolio":
        return {(0, k): k - 1 for k in range(1, MAX_STACK + 1)}, [(None, k) for k in range(1, MAX_STACK + 1)]
    keys = [(g, k) for g, group in enumerate(scenario.opening.portfolio) for k in group.loans_per_household]
    specs = [(scenario.opening.portfolio[g].p_default, k) for g, k in keys]
    return {key: row for row, key in enumerate(keys)}, list(specs)


def simulate(setup: Setup, replication: int, *, keep_journal: bool = False) -> World:
    """Run one history.

    Raises
    ------
    ConservationError
        If the ledger does not balance to the fen at the end.
    """
    scenario, rules = setup.scenario, setup.rules
    n_months = setup.month_ends.size
    paths = draw_paths(scenario.defaults, scenario.opening.drought, setup.township_ids, setup.first_month,
                       n_months, replication, setup.seed)  # fmt: skip
    opening = setup.opening.loans
    if scenario.opening.kind == "portfolio":
        opening = draw_portfolio(scenario, setup.p_classes, replication, setup.seed)
    demand = opening
    if setup.apps is not None:
        new = draw_applications(
            setup.apps, replication, rules, setup.rates, setup.calendar, setup.first_day, setup.last_day
        )
        demand = Loans.concat([opening, new])
    fates = draw_fates(setup, demand, paths, replication)
    granted = np.ones(len(demand), dtype=np.bool_)
    if setup.apps is not None:
        granted[len(opening) :] = _granted(setup, demand, fates, len(opening), setup.limit_fen, replication)
    rows = np.flatnonzero(granted)
    loans, fates_of_loans = demand.take(rows), fates.take(rows)
    claims = build_claims(setup, loans, fates_of_loans, replication)
    world = World(replication, paths, demand, fates, granted, loans, fates_of_loans, claims, Lists.empty(),
                  np.zeros((0, 0), np.int64), Flows(), _ledger(setup, loans, keep_journal),
                  Desk(0.0, setup.calendar.working_days_through), [], 0)  # fmt: skip
    _run_institutions(setup, world)
    _check(setup, world)
    return world


def draw_fates(setup: Setup, loans: Loans, paths: Paths, replication: int) -> Fates:
    """What becomes of each loan in this history (compiled kernel)."""
    rules = setup.rules
    out = kernels.fates(
        loans.household, loans.id, loans.start, loans.due, clock.month_of(loans.due) - setup.first_month,
        loans.township, loans.p_class, loans.status, loans.cause, np.maximum(setup.first_day - loans.due, 0),
        setup.first_day, rules.claim.wait_days, rules.claim.called_after_death_days, setup.first_month,
        setup.month_ends, replication, paths.factor, paths.is_hit, paths.is_late, paths.lag,
        *reduced_form.arguments(setup.form),
    )  # fmt: skip
    return Fates(*out)


def released_on(setup: Setup, loans: Loans, fates: Fates, replication: int) -> I64:
    """Day on which each loan's principal leaves the guaranteed book, no clerk holding anything up.

    Repaid, paid by the fund, refused, or collected, whichever comes first.
    """
    out = fates.repaid.copy()
    rows = np.flatnonzero(fates.fate == DEFAULTED)
    claims = build_claims(setup, loans, fates, replication, rows)
    meeting, due = unhindered(setup, claims)
    end = np.where(claims.is_refused, meeting, due)
    out[claims.row] = np.minimum(np.where(claims.decided != NEVER, claims.due, end), claims.recovered_on)
    return out


def unhindered(setup: Setup, claims: Claims) -> tuple[I64, I64]:
    """Meeting and payment day of claims that no clerk holds up."""
    waits = np.where(claims.has_objection, setup.rules.claim.objection_waits_meetings, 0)
    return fund_claims.payment_due(setup.rules, setup.calendar, claims.notice_ends, setup.meetings, waits)


def _granted(setup: Setup, demand: Loans, fates: Fates, n_opening: int, limit: I64, replication: int) -> Bool:
    covered = np.minimum(demand.balance, setup.rules.claim.covered_principal_yuan * FEN_PER_YUAN)
    release = released_on(setup, demand, fates, replication)
    held = np.flatnonzero(demand.status[:n_opening] != PAID)
    new = slice(n_opening, None)
    out: Bool = grant(
        demand.lender[new], demand.start[new], covered[new], release[new], setup.first_day, release[held],
        covered[held], demand.lender[held], limit, setup.last_day,
    )  # fmt: skip
    return out


def build_claims(setup: Setup, loans: Loans, fates: Fates, replication: int, rows: I64 | None = None) -> Claims:
    """The claims of defaulted loans, in order of day 90 and loan id, with everything but the decisions."""
    rules, calendar, defaults = setup.rules, setup.calendar, setup.scenario.defaults
    if rows is None:
        rows = np.flatnonzero((fates.fate == DEFAULTED) & (fates.missed + rules.claim.wait_days <= setup.last_day))
    rows = rows[np.lexsort((loans.id[rows], fates.missed[rows]))]
    missed, cause, ids = fates.missed[rows], fates.cause[rows], loans.id[rows]
    entitled, filed, signed, ends = fund_claims.chain(
        rules, calendar, np.minimum(missed, setup.last_day + 400), cause, defaults.court_days
    )
    known_filed = loans.filed[rows] != NEVER
    filed = np.where(known_filed, loans.filed[rows], filed)
    signed_again, ends_again = fund_claims.after_filing(rules, calendar, filed)
    signed, ends = np.where(known_filed, signed_again, signed), np.where(known_filed, ends_again, ends)
    amount = fund_claims.claim_amount(rules, loans.balance[rows], loans.rate_ppm[rows], missed, filed)
    fund_part, bank_part = fund_claims.split(rules, amount)
    refused, objection, recovery_u = fund_claims.decide(defaults, rules, ids, cause, replication, setup.seed)
    approved, paid_on = loans.approved[rows], loans.paid[rows]
    is_known = approved != NEVER
    known_from = np.where(loans.start[rows] < setup.first_day, np.maximum(entitled, setup.first_day), entitled)
    recovered = fund_claims.recovery_day(defaults, cause, entitled, known_from, recovery_u)
    never = np.full(rows.size, NEVER, dtype=np.int64)
    due = never.copy()
    going = np.flatnonzero(approved >= 0)
    due[going] = calendar.add_working_days(approved[going], rules.claim.payment_working_days)
    return Claims(
        rows, loans.lender[rows], cause, loans.balance[rows], missed, entitled, filed, signed, ends, amount,
        fund_part, bank_part, (refused & ~is_known) | (approved == REFUSED) | (entitled < setup.law_from),
        objection & ~is_known, np.maximum(recovered, known_from),
        np.where(is_known, np.maximum(approved, 0), NEVER), np.where(is_known, np.maximum(approved, 0), NEVER), due,
        np.where(paid_on >= 0, fund_part, 0), never.copy(), np.where(paid_on >= 0, paid_on, NEVER),
    )  # fmt: skip


# --- institutions ------------------------------------------------------------------------------------


def _ledger(setup: Setup, loans: Loans, keep_journal: bool) -> Ledger:
    """Accounts with their opening balances; `before` is the counterpart of what was there already."""
    ledger = Ledger(journal=[] if keep_journal else None)
    for account in ("before", "county", "county_owes", "banks", "households", "debt"):
        ledger.open(account)
    ledger.open("subsidy_cash", guarded=True)
    for index, fen in enumerate(setup.account_fen):
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


def _run_institutions(setup: Setup, world: World) -> None:
    scenario, rules, calendar = setup.scenario, setup.rules, setup.calendar
    ledger, claims, first, last = world.ledger, world.claims, setup.first_day, setup.last_day
    direct = rules.subsidy.paid_to == "bank"
    env = clock.start(first)
    world.entitled, lines = _entitlement(setup, world)
    world.lists = _lists(setup, world.entitled, lines)
    base = calendar.working_days_through(first - 1)
    clerks = scenario.office
    world.desk = Desk(
        clerks.clerks * clerks.share_of_working_days * clerks.minutes_per_day,
        lambda day: calendar.working_days_through(int(day) - 1) - base,
    )
    _fill_desk(setup, world)
    payment_days = _days_of_month(setup, scenario.fiscal.payment_day)
    meetings = [int(d) for d in setup.meetings]
    env.process(
        office(env, world.desk, calendar, rules, world.lists, claims.reviewed, sorted({*payment_days, *meetings}))
    )
    env.process(leading_group(env, rules, calendar, claims, setup.meetings))
    env.process(finance_bureau(env, ledger, world.lists, _releases(setup, world.entitled), payment_days, direct))
    years = range(clock.date_of(first).year, clock.date_of(last).year + 1)
    backstop = {day_in_year(y, rules.fund.backstop_on) for y in years}
    pays = calendar.add_working_days(setup.meetings, rules.claim.payment_working_days)
    days = {int(d) for d in (*pays, *setup.month_ends)} | {d for d, *_ in setup.credits} | backstop | {first}
    days = {d for d in days if first <= d <= last}
    env.process(
        fund_accounts(env, ledger, rules, claims, setup.account_of, setup.credits, sorted(days), backstop, world.flows)
    )
    lent, repaid = _monthly(setup, world)
    for index in range(setup.set_fen.size):
        due = {int(d): int(f) for d, f in zip(setup.settlements, world.entitled[:, index], strict=True)}
        env.process(lender(env, ledger, index, setup.month_ends, lent[index], repaid[index], due, direct))
    env.process(_recorder(env, setup, world))
    env.run(until=last + 1)
    world.n_events = env._eid if isinstance(env._eid, int) else next(env._eid)


def _recorder(env: Any, setup: Setup, world: World) -> Any:
    """Balances at the end of each month."""
    claims, lists = world.claims, world.lists
    for end in setup.month_ends:
        yield from until(env, int(end), Slot.RECORDS)
        waiting = (
            (claims.due != NEVER) & (claims.due <= end) & (claims.paid < claims.fund_part) & (claims.recovered_on > end)
        )
        unpaid = sum(a - p for a, p, day in zip(lists.amount, lists.paid, lists.period_end, strict=True) if day <= end)
        row = {f"fund_{i}_fen": world.ledger.balances[f"fund:{i}"] for i in range(setup.account_fen.size)}
        world.records.append({
            **row,
            "claims_waiting_fen": int((claims.fund_part - claims.paid)[waiting].sum()),
            "subsidy_unpaid_fen": unpaid,
            "subsidy_cash_fen": world.ledger.balances["subsidy_cash"],
        })  # fmt: skip


def _entitlement(setup: Setup, world: World) -> tuple[I64, I64]:
    rules, loans, fates = setup.rules, world.loans, world.fates
    principal = np.minimum(loans.balance, rules.subsidy.ceiling_yuan * FEN_PER_YUAN)
    rate = share_of(loans.rate_ppm, round(rules.subsidy.share * PPM))
    stop = np.where(fates.renewed == 1, fates.missed, np.minimum(fates.missed, loans.due))
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
    arrives = calendar.add_working_days(setup.settlements, rules.subsidy.check_working_days)
    for j, day in enumerate(setup.settlements):
        for index in range(setup.set_fen.size):
            fen, n = int(entitled[j, index]), int(lines[j, index])
            if fen == 0:
                continue
            wrong = int(share_of(fen, round(errors * PPM)))
            lists.add(int(day), index, fen - wrong, n, int(arrives[j]))
            if wrong:
                again = int(arrives[j + 1]) if j + 1 < arrives.size else FAR
                lists.add(int(day), index, wrong, round(n * errors), again)
    return lists


def _fill_desk(setup: Setup, world: World) -> None:
    """Put every file on the desk's calendar: subsidy lists, and claims not collected before they arrive."""
    first, last, clerks = setup.first_day, setup.last_day, setup.scenario.office
    for i in range(len(world.lists)):
        if world.lists.confirmed[i] < 0 and world.lists.arrives[i] <= last:
            minutes = world.lists.lines[i] * clerks.minutes_per_line
            world.desk.submit(max(world.lists.arrives[i], first), LIST, minutes, (LIST, i))
    claims = world.claims
    coming = (claims.decided == NEVER) & (claims.signed <= last) & (claims.recovered_on > claims.signed)
    for k in np.flatnonzero(coming):
        world.desk.submit(max(int(claims.signed[k]), first), CLAIM_FILE, clerks.minutes_per_claim, (CLAIM_FILE, int(k)))


def _releases(setup: Setup, entitled: I64) -> dict[int, int]:
    """Cash of each year's appropriation by release day; the year's budget follows what falls due in it."""
    fiscal = setup.scenario.fiscal
    out: dict[int, int] = {}
    years = clock.year_of(setup.settlements)
    for year in np.unique(clock.year_of(setup.month_ends)):
        budget = int(entitled[years == year].sum() * fiscal.budget_share)
        for month_day, share in zip(fiscal.release_days, fiscal.cash_by_quarter, strict=True):
            day = day_in_year(int(year), month_day)
            if setup.first_day <= day <= setup.last_day:
                out[day] = out.get(day, 0) + int(share_of(budget, round(share * PPM)))
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


def _check(setup: Setup, world: World) -> None:
    """Nothing lost: the ledger is zero in total, and its books equal the loans that are still owed."""
    world.ledger.check()
    loans, fates, claims = world.loans, world.fates, world.claims
    owed = np.where((fates.repaid >= 0) & (fates.repaid <= setup.last_day), 0, loans.balance)
    back = claims.recovered_on <= setup.last_day
    owed[claims.row[back]] = 0
    book = sum(fen for name, fen in world.ledger.balances.items() if name.startswith("book:"))
    if book != int(owed.sum()) or book != -world.ledger.balances["debt"]:
        raise ConservationError(f"books hold {book} fen, loans owed are {int(owed.sum())} fen")
    paid = int(claims.paid.sum()) - sum(f for *_, f in world.flows.backstop)
    already = int(np.where(world.loans.paid[claims.row] >= 0, claims.fund_part, 0).sum())
    funds = sum(fen for name, fen in world.ledger.balances.items() if name.startswith("fund:"))
    credits = sum(fen for _, _, fen in setup.credits)
    returns = sum(fund for _, _, fund, _ in world.flows.returns)
    if funds != int(setup.account_fen.sum()) + credits + returns - (paid - already):
        raise ConservationError("fund balance differs from opening + interest + returns - payments")
