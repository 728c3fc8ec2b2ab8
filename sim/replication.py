"""One history: builds a world, runs its institutions over real dates, and hands back what happened.

Households decide by kernel, institutions are SimPy processes; they meet here and in the ledger.
"""

from __future__ import annotations

import datetime as dt

import numpy as np

from sim import clock, township
from sim.booked import book_of
from sim.community import begin, known_claims, prepare_households
from sim.errors import ConservationError, InputError
from sim.filing import build_claims, courses, paid_before
from sim.fiscal.office import Desk, Lists
from sim.fiscal.subsidy import settlement_days
from sim.fund.account import Flows, deposit_interest
from sim.fund.claims_kernel import claim_terms
from sim.fund.days import decision_days
from sim.households import kernels, reduced_form
from sim.institutions import open_ledger, opening_accounts, run_institutions
from sim.law import Rules, load_rates
from sim.law.pack import load_calendar
from sim.lending import granting
from sim.lending.applications import (
    applications,
    draw_applications,
    draw_portfolio,
)
from sim.lending.granting import LENT, Book, Granted
from sim.lending.granting_kernel import grant
from sim.lending.loans import PAID, Loans
from sim.lending.monitoring import loans_to_watch, negligence
from sim.opening import MAX_STACK, OpeningState
from sim.scenario import Scenario
from sim.settlements import arrival_days
from sim.shocks.paths import Paths, draw_paths
from sim.streams import entity_id
from sim.units import FEN_PER_YUAN, I64, PPM
from sim.world import Fates, Setup, World


def prepare(scenario: Scenario, seed: int, opening: OpeningState, last_day: int, stream: str = "application") -> Setup:
    """Read law, calendar and rates, and compute everything that no history changes.

    Parameters
    ----------
    scenario : Scenario
    seed : int
        Seed of the study; every draw's address starts with it.
    opening : OpeningState
    last_day : int [day]
        Horizon.
    stream : str
        Names the applications: those of a warm-up are other loans than those of a history.
    """
    rules, calendar, rates = scenario.law(), load_calendar(), load_rates()
    first = opening.day
    months = clock.month_of(np.array([first, last_day]))
    set_fen = np.array([y * FEN_PER_YUAN for y in scenario.sub_accounts_yuan().values()], dtype=np.int64)
    if rules.has_cover and (set_fen <= 0).any():
        raise InputError(scenario.name, "lenders.sub_account_yuan", 0, "more than 0 yuan for every lender")
    limit = limits(rules, set_fen)
    ring = rules.fund.ring_fenced
    account_of = np.arange(set_fen.size) if ring else np.zeros(set_fen.size, dtype=np.int64)
    account_fen = set_fen if ring else np.array([set_fen.sum()])
    classes, specs = _classes(scenario)
    check_lending(scenario, rules)
    law_from = clock.day_of(min(v.from_date for v in scenario.pack().parameters["loss.shares"].values))
    if scenario.is_outside_its_dates:
        law_from = 0  # as if they had always been in force: the book and its claims are another pack's
    apps = None
    if scenario.lending.new_loans and scenario.opening.kind != "portfolio" and scenario.livelihoods is None:
        apps = applications(scenario, rules, [int(x) for x in limit], first, last_day, seed, stream)
    settlements = settlement_days(rules.subsidy.settlements_per_year, rules.subsidy.settlement_day, first, last_day)
    watched = loans_to_watch(scenario, opening.loans.lender[_visited(opening)], limit)
    households = None
    if scenario.livelihoods is not None:
        households = prepare_households(scenario, rules, calendar, rates, opening, last_day, seed)
    credits = deposit_interest(rules, rates, [int(x) for x in account_fen], first, last_day, law_from)
    return Setup(
        scenario, rules, calendar, rates, seed, opening, last_day, int(months[0]),
        _path_months(scenario, opening, last_day) - int(months[0]),
        np.minimum(clock.last_day_of_month(np.arange(months[0], months[1] + 1)), last_day),
        np.array([entity_id("township", t.key) for t in scenario.townships], dtype=np.int64),
        classes, reduced_form.prepare(scenario.defaults, specs, rules.loan.renewals_max, seed), apps,
        set_fen, limit, account_of, account_fen,
        decision_days(rules, calendar, first, last_day),
        decision_days(rules, calendar, first, last_day + 5 * 366),
        credits,
        settlements, arrival_days(rules, calendar, settlements, last_day), law_from, households,
        claim_terms(rules, calendar, scenario.defaults, law_from, seed, negligence(scenario, watched)),
        granting.terms_of(rules, first, last_day, clock.day_of(dt.date(scenario.sized_year, 1, 1)), account_of, credits),
    )  # fmt: skip


def _visited(opening: OpeningState) -> I64:
    """Rows of the loans that an officer watches: those on the books, the parts of a firm's loan once."""
    rows = np.flatnonzero(opening.loans.status != PAID)
    if opening.firms is None:
        return rows
    parts = opening.firms.loan[opening.firms.loan >= 0]
    first, _ = opening.loans.contracts(parts)
    return np.setdiff1d(rows, np.delete(parts, first))


def limits(rules: Rules, set_fen: I64) -> I64:
    """Guaranteed principal that each lender may have outstanding: the multiple times its sub-account [fen]."""
    multiple = round(rules.fund.leverage * PPM)
    return np.array([int(fen) * multiple // PPM for fen in set_fen], dtype=np.int64)


def _path_months(scenario: Scenario, opening: OpeningState, last_day: int) -> int:
    """First month after every maturity, a renewal included."""
    terms = [*scenario.lending.term_months, *(g.term_months for g in scenario.opening.portfolio)]
    latest = clock.add_months(np.array([last_day]), max(terms) + 13)
    return int(clock.month_of(np.maximum(latest, opening.loans.due.max(initial=0)))[0]) + 1


def check_lending(scenario: Scenario, rules: Rules) -> None:
    """A scenario may not lend, renew, put off or insure what its pack forbids, or what can have no effect under it.

    Raises
    ------
    InputError
        Names the rule and its article.
    """
    for field, value, key, limit in (
        ("lending.principal_yuan", max(scenario.lending.principal_yuan), rules.loan.most_rule, rules.loan.most_yuan),
        ("lending.term_months", max(scenario.lending.term_months), "loan.term_max_months", rules.loan.term_max_months),
    ):
        if value > limit:
            raise InputError(scenario.name, field, value, f"at most {limit} ({key}, {rules.sources[key]})")
    put_off = scenario.livelihoods.weather.extension if scenario.livelihoods is not None else None
    most = rules.loan.extension_months
    if put_off is not None and (most is None or put_off.months > most):
        key = "loan.extension_months"
        allowed = (
            f"at most {most} ({key}, {rules.sources[key]})" if most else f"no extension: {rules.pack_id} has no {key}"
        )
        raise InputError(scenario.name, "livelihoods.weather.extension.months", put_off.months, allowed)
    key, renewed = "loan.renewals_max", scenario.defaults.renewed_instead
    is_switched_off = key in scenario.rule_changes  # who sets it to 0 means to switch renewals off
    if renewed > 0 and rules.loan.renewals_max == 0 and not is_switched_off:
        allowed = f"0: no renewals ({key}, {rules.sources[key]})"
        raise InputError(scenario.name, "defaults.renewed_instead", renewed, allowed)
    _check_insurance(scenario, rules)


def _check_insurance(scenario: Scenario, rules: Rules) -> None:
    """Where the township borrows, its bank has no loss to insure, and households owe the bank nothing.

    Raises
    ------
    InputError
    """
    insurance = scenario.insurance
    if insurance is None or rules.loan.borrower_of_record != "township":
        return
    why = f"where the township borrows (loan.borrower_of_record, {rules.sources['loan.borrower_of_record']})"
    if insurance.loans is not None:
        raise InputError(scenario.name, "insurance.loans", "given", f"no cover of loans {why}: its bank has no loss")
    if insurance.index is not None and insurance.index.pays_to == "bank":
        raise InputError(scenario.name, "insurance.index.pays_to", "bank", f"household {why}: it owes the bank nothing")


def _classes(scenario: Scenario) -> tuple[dict[tuple[int, int], int], list[tuple[float | None, int]]]:
    """Default classes: by loans in the household, or by portfolio group and loans."""
    if scenario.opening.kind != "portfolio":
        return {(0, k): k - 1 for k in range(1, MAX_STACK + 1)}, [(None, k) for k in range(1, MAX_STACK + 1)]
    keys = [(g, k) for g, group in enumerate(scenario.opening.portfolio) for k in group.loans_per_household]
    specs = [(scenario.opening.portfolio[g].p_default, k) for g, k in keys]
    return {key: row for row, key in enumerate(keys)}, list(specs)


def simulate(
    setup: Setup, replication: int, *, common: int | None = None, keep_journal: bool = False, watch: int = -1
) -> World:  # fmt: skip
    """Run one history.

    Parameters
    ----------
    common : int, optional
        History whose drought, prices, factors and fiscal luck this one has; its own by default.
    watch : int
        Row of a household of which the history keeps every month, where households are simulated.

    Raises
    ------
    ConservationError
        If the ledger does not balance to the fen at the end.
    """
    common = replication if common is None else common
    if setup.households is not None:
        return _simulate_households(setup, replication, common, keep_journal, watch)
    scenario, rules = setup.scenario, setup.rules
    paths = draw_paths(
        scenario.defaults, scenario.opening.drought, setup.township_ids, setup.first_month, setup.n_path_months,
        common, setup.seed,
    )  # fmt: skip
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
    granted = grant_at(setup, courses(setup, demand, fates, replication), setup.set_fen)
    rows = np.flatnonzero(granted.reason == LENT)
    loans, fates_of_loans = demand.take(rows), fates.take(rows)
    claims = build_claims(setup, loans, fates_of_loans, replication)
    world = World(replication, common, paths, demand, fates, granted.reason, loans, fates_of_loans, claims, Lists.empty(),
                  np.zeros((0, 0), np.int64), Flows(), open_ledger(setup, loans, keep_journal),
                  Desk(0.0, setup.calendar.working_days_through), [], 0, granted.stops, setup.set_fen.copy(),
                  granted.counted)  # fmt: skip
    run_institutions(setup, world)
    _check(setup, world)
    return world


def _simulate_households(setup: Setup, replication: int, common: int, keep_journal: bool, watch: int) -> World:
    """One history whose households decide month by month; book and claims grow as it goes."""
    community = begin(setup, replication, common)
    community.watched = watch
    loans, fates = book_of(community)
    claims = known_claims(setup, community, replication)
    sky = community.sky
    nothing = np.zeros(0)
    paths = Paths(nothing, (sky.severity > 0).astype(np.uint8), sky.is_dry, nothing, nothing.astype(np.int64))
    nobody = np.zeros((setup.month_ends.size, setup.set_fen.size), dtype=np.int64)
    world = World(replication, common, paths, loans, fates, np.zeros(len(loans), dtype=np.int64), loans, fates, claims, Lists.empty(),
                  np.zeros((0, 0), np.int64), Flows(), open_ledger(setup, loans, keep_journal),
                  Desk(0.0, setup.calendar.working_days_through), [], 0, nobody, setup.set_fen.copy(), nobody[:0],
                  community)  # fmt: skip
    run_institutions(setup, world)
    world.loans, world.fates = book_of(community)
    world.demand, world.demand_fates = world.loans, world.fates
    world.refusal = np.full(len(world.loans), LENT, dtype=np.int64)
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


def grant_at(setup: Setup, loans: Book, set_fen: I64, *, each_year_anew: bool = False) -> Granted:
    """Which loans of the demand are made at set sizes [fen]; the opening book is.

    ``each_year_anew``: the fund is brought to these sizes on each 1 January from the sized year on, whatever the rules say.
    """
    terms = setup.granting
    if each_year_anew:
        terms = granting.set_anew_each_year(terms, setup.year_start)
    n = len(setup.opening.loans) if setup.lends else loans.lender.size
    if setup.first_day < setup.year_start:
        cash = opening_accounts(setup)
    else:
        cash = np.bincount(setup.account_of, weights=set_fen).astype(np.int64)
    lent_before = loans.principal[:n][loans.start[:n] >= _new_year(setup.first_day)].sum()
    found = grant(terms, loans.take(slice(n, None)), loans.take(slice(n)), set_fen, cash, int(lent_before))
    return found._replace(reason=np.concatenate([np.full(n, LENT, dtype=np.int64), found.reason]))


def _new_year(day: int) -> int:
    return clock.day_of(dt.date(clock.date_of(day).year, 1, 1))


def _check(setup: Setup, world: World) -> None:
    """Nothing lost: the ledger is zero in total, and its books equal the loans that are still owed."""
    world.ledger.check()
    loans, fates, claims = world.loans, world.fates, world.claims
    owed = np.where((fates.repaid >= 0) & (fates.repaid <= setup.last_day), 0, loans.balance)
    back = claims.recovered_on <= setup.last_day
    owed[claims.row[back]] = 0
    for lender in range(setup.set_fen.size):
        held, of_loans = world.ledger.balances[f"book:{lender}"], int(owed[loans.lender == lender].sum())
        if held != of_loans:
            raise ConservationError(f"book of lender {lender} holds {held} fen, its loans owed are {of_loans} fen")
    book = sum(fen for name, fen in world.ledger.balances.items() if name.startswith("book:"))
    if book != int(owed.sum()) or book != -world.ledger.balances["debt"]:
        raise ConservationError(f"books hold {book} fen, loans owed are {int(owed.sum())} fen")
    if world.community is not None and world.ledger.balances["households"] != int(world.community.people.cash.sum()):
        cash, booked = int(world.community.people.cash.sum()), world.ledger.balances["households"]
        raise ConservationError(f"households hold {cash} fen, the ledger says {booked}")
    if setup.rules.loan.borrower_of_record == "township":
        township.check(setup, world)
    paid = int(claims.paid.sum()) - sum(f for *_, f in world.flows.backstop)
    already = int(paid_before(loans, claims).sum())
    funds = sum(fen for name, fen in world.ledger.balances.items() if name.startswith("fund:"))
    credits = sum(fen for _, _, fen in (*setup.credits, *world.flows.subsidy_interest))
    returns = sum(fund for _, _, fund, _ in world.flows.returns)
    begin = int(opening_accounts(setup).sum()) + sum(fen for *_, fen in world.flows.top_ups)
    if funds != begin + credits + returns - (paid - already):
        raise ConservationError("fund balance differs from opening + interest + returns - payments")
    flows = world.insurer
    earned = sum(entry[-1] for entry in flows.premiums) + sum(entry[-1] for entry in world.flows.insurer_returns)
    if world.ledger.balances.get("insurer", 0) != earned - sum(entry[-1] for entry in flows.claims) - sum(
        fen for _, fen in flows.payouts
    ):
        raise ConservationError("insurer's balance differs from premiums + returns - payments")
