"""Builds the opening state: by a warm-up under the base policy, from totals, or from a loan table."""

from __future__ import annotations

import numpy as np

from sim import clock, opening
from sim.budgets import budget_of, set_beforehand
from sim.community import debts_sha256
from sim.fund.claims import WRITTEN_OFF_AFTER
from sim.households.reduced_form import DEFAULTED
from sim.households.state import NEVER_DAY, NONE, People
from sim.law import load_rates
from sim.law.pack import load_calendar
from sim.lending.loans import CLAIM, NEVER, OPEN, OVERDUE, PAID, Loans
from sim.opening import OpeningState
from sim.replication import prepare, simulate
from sim.scenario import Scenario
from sim.settlements import releases_of
from sim.world import Setup, World


def opening_state(scenario: Scenario) -> OpeningState:
    """The state on the information date, the same for every history and every arm.

    A warm-up starts from nothing, longest term plus 12 months earlier, and runs one history with its own
    seed under the scenario's own rules and lending.
    """
    scenario = before(scenario)
    rules, calendar = scenario.law(), load_calendar()
    day = clock.day_of(scenario.information_on)
    kind = scenario.opening.kind
    if kind == "table":
        return opening.from_table(scenario, rules, calendar)
    if kind == "townships":
        return opening.from_townships(scenario, rules, calendar, load_rates())
    if kind == "arrears":
        return opening.from_arrears(scenario, rules, calendar, load_rates())
    if kind in ("empty", "portfolio"):
        return opening.empty(scenario, day)
    # the state of the weather on the information date says nothing about that of years before
    past = scenario.with_changes({"opening.drought": "long_run"})
    start = opening.empty(past, clock.day_of(opening.long_before(past)))
    setup = prepare(past, scenario.opening.warm_up_seed, start, day - 1, "warm-up application")
    return freeze(setup, simulate(setup, 0), day)


def before(scenario: Scenario) -> Scenario:
    """The scenario under the rules and the lending of the one that made its book (`opening.made_by`), if it names one."""
    if scenario.opening.made_by is None:
        return scenario
    past = Scenario.load(scenario.opening.made_by)
    changes = {"rules": past.rules, "rule_changes": past.rule_changes, "lending": past.lending,
               "as_if": past.as_if or scenario.information_on}  # fmt: skip
    return scenario.model_copy(update=changes)


N_STATES = 20


def opening_states(scenario: Scenario) -> dict[str, OpeningState]:
    """Opening states as they might as well have been: warm-ups with other seeds.

    A county whose book is not known has no known state; these show how much the need depends on the one
    that was drawn.
    """
    return {
        f"state-{k:02d}": opening_state(scenario.with_changes({"opening.warm_up_seed": state_seed(scenario, k)}))
        for k in range(1, N_STATES + 1)
    }


def state_seed(scenario: Scenario, k: int) -> int:
    """Seed of the k-th other warm-up."""
    return scenario.opening.warm_up_seed * 1000 + k


def freeze(setup: Setup, world: World, day: int) -> OpeningState:
    """The state of a world on the morning of ``day``, its future forgotten."""
    loans, fates, claims = world.loans, world.fates, world.claims
    status = np.full(len(loans), OPEN)
    status[fates.missed < day] = OVERDUE
    gone = (fates.repaid >= 0) & (fates.repaid < day)
    again = (fates.renewed == 1) & (loans.due < day)  # renewed at the first maturity, due a second time
    is_called = (fates.missed < loans.due) & (world.community is not None)  # the household knows of the call
    due = np.where((fates.missed < day) | again | is_called, fates.missed, loans.due)
    cause, filed, reviewed, approved, refused, paid = (np.full(len(loans), NEVER, dtype=np.int64) for _ in range(6))
    paid_fen = np.zeros(len(loans), dtype=np.int64)
    if world.community is not None:  # decided at the month's end before, also where day 90 lies ahead
        cause = np.where(fates.fate == DEFAULTED, fates.cause, NEVER)
    known = claims.entitled < day
    row = claims.row[known]
    status[row] = CLAIM
    cause[row] = claims.cause[known]
    filed[row] = np.where(claims.filed < day, claims.filed, NEVER)[known]
    decided = np.where(claims.decided < day, claims.decided, NEVER)
    approved[row] = np.where(claims.is_refused, NEVER, decided)[known]
    refused[row] = np.where(claims.is_refused, decided, NEVER)[known]
    reviewed[row] = np.where(claims.reviewed < day, claims.reviewed, NEVER)[known]
    paid_fen[row] = claims.paid[known]
    is_paid = (claims.paid >= claims.fund_part) & (claims.paid_on < day)
    status[claims.row[is_paid]] = PAID
    paid[claims.row[is_paid]] = claims.paid_on[is_paid]
    gone[claims.row[claims.recovered_on < day]] = True
    written_off = claims.is_refused & (decided != NEVER) & (decided + WRITTEN_OFF_AFTER < day)
    gone[claims.row[written_off]] = True
    kept = loans.replace(
        status=status,
        due=due,
        cause=cause,
        filed=filed,
        reviewed=reviewed,
        approved=approved,
        refused=refused,
        paid=paid,
        paid_fen=paid_fen,
    )
    rows = np.flatnonzero(~gone)
    kept, again = kept.take(rows), again[rows]
    if world.community is None:
        kept = kept.replace(p_class=np.where(again, opening.RENEWED, opening.stack_classes(kept)))
    kept = kept.by_household()
    lists = world.lists
    unpaid = tuple(
        (lists.period_end[i], lists.lender[i], lists.amount[i] - lists.paid[i], lists.lines[i], lists.arrives[i], lists.confirmed[i],
         int(lists.to_household[i]))
        for i in range(len(lists))
        if lists.paid[i] < lists.amount[i]
    )  # fmt: skip
    balances = world.ledger.balances
    fund = tuple(balances[f"fund:{i}"] for i in range(setup.account_fen.size))
    settled = int(setup.settlements[-1]) if setup.settlements.size else setup.first_day
    c = world.community
    people = _people(world, c.people, kept) if c is not None else None
    if people is not None:
        people.months_short[:] = 0  # counted from the information date
    firms = _people(world, c.firms.people, kept) if c is not None and c.firms is not None else None
    debts = debts_sha256(setup.households.register) if setup.households is not None else ""
    return OpeningState(
        day, kept, fund, balances["subsidy_cash"], unpaid, settled, people, _on_the_road(setup, world, day), debts,
        _entitled(setup, world), firms,
    )  # fmt: skip


def _entitled(setup: Setup, world: World) -> tuple[tuple[int, int], ...]:
    """Subsidy that fell due in each year of the world."""
    years = clock.year_of(setup.settlements)
    return tuple((year, int(world.entitled[years == year].sum())) for year in np.unique(years).tolist())


def _on_the_road(setup: Setup, world: World, day: int) -> tuple[tuple[int, int], ...]:
    """Upper-level money that was due and has not arrived: its last possible day, and how much."""
    coming = [r for r in releases_of(setup, world.common) if r.arrives >= day]
    return tuple((r.latest, round(_budget(setup, world, day, clock.date_of(r.planned).year) * r.share)) for r in coming)


def _budget(setup: Setup, world: World, day: int, year: int) -> float:
    """A year's budget as it stands on a day: where it is not set beforehand, by the twelve months before."""
    if world.community is not None:
        return budget_of(setup, world, year)
    budget = set_beforehand(setup, world.entitled, year)
    if budget is not None:
        return budget
    return float(world.entitled[setup.settlements > day - 366].sum()) * setup.scenario.fiscal.budget_share


def _people(world: World, people: People, kept: Loans) -> People:
    """Households, or parts of firms, with their loans where these stand in the frozen book."""
    people = people.copy()
    has = np.flatnonzero(people.loan >= 0)
    ids = world.loans.id[people.loan[has]]
    order = np.argsort(kept.id)
    at = np.minimum(np.searchsorted(kept.id[order], ids), max(len(kept) - 1, 0))
    found = order[at] if len(kept) else np.zeros(has.size, dtype=np.int64)
    people.loan[has] = np.where(kept.id[found] == ids, found, -1) if len(kept) else -1
    written_off = (people.status != NONE) & (people.loan < 0)
    people.status[written_off], people.recover_on[written_off] = NONE, NEVER_DAY
    return people
