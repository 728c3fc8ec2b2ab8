"""Households in the course of one history: what they decide each month meets lenders, lists and claims here.

What the reduced form knows beforehand (who repays, what is lent, what is due) is filled in month by month,
in a slot before the institution that reads it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np

from sim import clock, receivables
from sim.clock import Calendar, Slot, until
from sim.community_kernel import CLASS, STATUS, enter, lend, release, year_end
from sim.errors import InputError
from sim.filing import build_claims
from sim.fund.claims import Claims
from sim.fund.claims_kernel import AMOUNT, ENTITLED, RECOVERED_ON, ROW, new_claims
from sim.households.book import Community, Households
from sim.households.month_kernel import step
from sim.households.reduced_form import CURED, DEFAULTED, REPAID
from sim.households.register import Register, check_borrowers, register_of
from sim.households.state import (
    BAD,
    BORROWED,
    EXTRA,
    INCOME,
    INTEREST,
    NEVER_DAY,
    NONE,
    OPEN,
    OTHERS,
    OVERDUE,
    PAID_BACK,
    PRINCIPAL,
    SEVERE,
    SOLD,
    SPENT,
    YEARLY,
    Now,
    Out,
    People,
    livelihoods_of,
    new_people,
    terms_of,
)
from sim.law import Rules
from sim.lending.applications import rate_ppm
from sim.lending.loans import CLAIM, NEVER, PAID, Loans
from sim.opening import OpeningState
from sim.scenario import Scenario
from sim.settlements import Release, submit_claims
from sim.shocks.prices import draw_prices
from sim.shocks.replay import Replay, read_replay, refuse_outside
from sim.shocks.weather import Sky, draw_weather
from sim.streams import stream_key, uniforms
from sim.units import FEN_PER_YUAN, I64, PPM
from sim.world import Fates, Setup, World

FAR = NEVER_DAY
_MEMORY = 365  # days for which people remember what the fund paid


def prepare_households(
    scenario: Scenario, rules: Rules, calendar: Calendar, rates: dict[str, Any], opening: OpeningState, last_day: int,
    seed: int,
) -> Households:  # fmt: skip
    """The register, the terms of the monthly step and the calendar in arrays: what no history changes."""
    live = livelihoods_of(scenario)
    register, terms = register_of(scenario, rules), terms_of(scenario, rules, seed)
    first_month, last_month = (int(m) for m in clock.month_of(np.array([opening.day, last_day])))
    people = opening.people
    if people is None:
        people = new_people(register, live, first_month, seed)
        _enter_loans(scenario, register, people, opening, rules.claim.wait_days)
    elif people.cash.size != register.id.size:
        raise InputError(
            scenario.name, "livelihoods.households", register.id.size, f"{people.cash.size}, as in the opening state"
        )
    elif opening.debts != debts_sha256(register):
        # arrears on debts that the households of this scenario do not have
        people = people._replace(debt_arrears=np.zeros_like(people.debt_arrears))
    register = _at_their_lenders(scenario, register, people, opening.loans)
    _, circle = np.unique(register.group if live.peers == "group" else register.village, return_inverse=True)
    months = np.arange(first_month, last_month + max(scenario.lending.term_months) + 3)
    days = np.arange(clock.first_day_of_month(months[:1])[0], clock.last_day_of_month(np.array([last_month]))[0] + 1)
    period, payment, bullet, brings = (terms.products[:, k] for k in range(4))
    service = np.where(brings > 0, payment - bullet, payment) * 12 // np.maximum(period, 1)
    service = np.append(service, 0)[register.debt_product] if live.stacking_on else np.zeros_like(register.debt_product)
    replay = _replay(scenario, first_month, last_month)
    starts = clock.first_day_of_month(np.arange(first_month, last_month + 1))
    one_year, longer = (rate_ppm(rules, rates, days, np.full(days.size, months)) for months in (12, 13))
    by_day = (one_year, longer, _signing_days(calendar, days))
    return Households(
        register, terms, people, circle.astype(np.int64), int(circle.max()) + 1, service,
        replay,
        list(zip(*(np.split(table, starts[1:] - starts[0]) for table in by_day), strict=True)),
        clock.first_day_of_month(months),
        (stream_key(seed, "lender.screening"), stream_key(seed, "household.project")),
    )  # fmt: skip


def _signing_days(calendar: Calendar, days: I64) -> I64:
    """First working day on or after each day, or the last one of its month: an application stays in its month."""
    after = calendar.on_or_after(days)
    month = clock.month_of(days)
    out = after.copy()
    for k in np.flatnonzero(clock.month_of(after) != month):
        out[k] = after[(month == month[k]) & (clock.month_of(after) == month)].max()
    return out


def _replay(scenario: Scenario, first_month: int, last_month: int) -> Replay | None:
    """The drought table; it must fall into the run, to whose horizon a shorter arm need not go, not into the warm-up."""
    weather = livelihoods_of(scenario).weather
    if weather.replay is None:
        return None
    replay = read_replay(weather.replay, [t.key for t in scenario.townships])
    if first_month >= int(clock.month_of(np.array([clock.day_of(scenario.information_on)]))[0]):
        end = (scenario.sized_year - 1970) * 12 + 11 + max(scenario.lending.term_months) + 12
        refuse_outside(scenario.name, replay, weather.replay_years, first_month, max(last_month, end))
    return replay


def _at_their_lenders(scenario: Scenario, register: Register, people: People, loans: Loans) -> Register:
    """The register with each borrower at the lender of its loan, whatever shares of the lenders it was drawn with."""
    has = np.flatnonzero(people.loan >= 0)
    row = people.loan[has]
    for what, mine, of_loan in (
        ("household", register.id, loans.household),
        ("township", register.township, loans.township),
    ):
        other = np.flatnonzero(mine[has] != of_loan[row])
        if other.size:
            allowed = (
                f"{int(of_loan[row[other[0]]])}, as on the loan of household {int(loans.household[row[other[0]]])}"
            )
            raise InputError(scenario.name, f"register.{what}", int(mine[has[other[0]]]), allowed)
    lender = register.lender.copy()
    lender[has] = loans.lender[row]
    return register._replace(lender=lender)


def debts_sha256(register: Register) -> str:
    """Hash of who has which debts."""
    return hashlib.sha256(register.debt_product.tobytes()).hexdigest()


def _enter_loans(
    scenario: Scenario, register: Register, people: People, opening: OpeningState, wait_days: int
) -> None:  # fmt: skip
    """Households of a loan table: they owe what the table says, and have it in their project while it runs."""
    loans = opening.loans
    held = np.flatnonzero(loans.status != PAID)
    if held.size == 0:
        return
    where = Path(str(scenario.opening.file)).name
    check_borrowers(where, register, loans.household)
    at = np.searchsorted(register.id, loans.household[held])  # the register is in order of id
    twice = np.flatnonzero(np.bincount(at, minlength=register.id.size) > 1)
    if twice.size:
        allowed = "one open loan under the fund for each household where households are simulated"
        raise InputError(where, "household_id", int(register.id[twice[0]]), allowed)
    people.loan[at], people.principal[at], people.rate_ppm[at] = held, loans.balance[held], loans.rate_ppm[held]
    people.start[at], people.due[at] = loans.start[held], loans.due[held]
    people.accrued_to[at] = np.minimum(loans.due[held], opening.day)  # no arrears of subsidy are known
    status = np.array([OPEN, OVERDUE, BAD])[np.minimum(loans.status[held], CLAIM)]
    # no month's end is left before day 90
    last_chance = int(clock.last_day_of_month(clock.month_of(np.array([opening.day])))[0])
    status[(status == OVERDUE) & (loans.due[held] + wait_days <= last_chance)] = BAD
    people.status[at] = status
    people.capital[at] = np.where(status == OPEN, loans.balance[held], 0)
    people.ordinal[at] = 1
    people.wait_until[at[status == BAD]] = NEVER_DAY


def begin(setup: Setup, replication: int) -> Community:
    """The households and the book on the information date, with the weather and the prices of one history."""
    h = setup.households
    assert h is not None
    live, n_months = livelihoods_of(setup.scenario), setup.month_ends.size
    sky = draw_weather(
        live.weather, live.crops, setup.scenario.opening.drought, setup.township_ids, setup.first_month, n_months,
        replication, setup.seed, h.replay,
    )  # fmt: skip
    behaviour = live.behaviour[setup.scenario.defaults.anchor or "central"]
    price = draw_prices(behaviour, setup.township_ids, setup.first_month, n_months, replication, setup.seed)
    loans, n_lenders = setup.opening.loans, setup.set_fen.size
    n, shortest = len(loans), min(setup.scenario.lending.term_months)
    room = n + h.register.id.size * (n_months // shortest + 2)
    names, columns = list(Loans.__dataclass_fields__), list(Fates.__dataclass_fields__)
    book, fates = np.empty((len(names), room), dtype=np.int64), np.empty((len(columns), room), dtype=np.int64)
    for name, column in zip(names, book, strict=True):
        column[:n] = getattr(loans, name)
    people = h.start.copy()
    is_bad = loans.status >= CLAIM
    owner = np.zeros(room, dtype=np.int64)
    held = np.flatnonzero(people.loan >= 0)
    owner[people.loan[held]] = held
    is_bad[people.loan[held]] |= people.status[held] == BAD
    is_late = loans.due < setup.first_day
    if setup.opening.people is None:  # the table knows nothing of other debts
        book[CLASS, people.loan[held]] = (h.register.debt_product[held] >= 0).sum(axis=1)
    known: dict[str, Any] = {
        "fate": np.where(is_bad, DEFAULTED, np.where(is_late, CURED, REPAID)), "missed": loans.due,
        "repaid": np.where(is_bad, NEVER, np.where(is_late, FAR, loans.due)),
        "cause": np.where(is_bad, _causes(setup, loans, sky, replication), NEVER), "renewed": 0,
    }  # fmt: skip
    for name, row in zip(columns, fates, strict=True):
        row[:n] = known[name]
    covered = _covered(setup, loans.balance)
    out = Out.empty(h.register.id.size, n_lenders, h.n_circles)
    has = people.status != NONE
    is_open = people.status == OPEN
    yearly = np.minimum(people.principal, h.terms.subsidy_ceiling) * people.rate_ppm * setup.rules.subsidy.share / PPM
    out.by_lender[:, YEARLY] = np.bincount(h.register.lender[is_open], weights=yearly[is_open], minlength=n_lenders)
    late = has & (people.status >= OVERDUE) & (setup.first_day - people.due <= _MEMORY)
    out.borrowers[:] = np.bincount(h.circle[has], minlength=h.n_circles)
    out.bad[:] = np.bincount(h.circle[late], minlength=h.n_circles)
    lent, repaid, interest = (np.zeros((n_lenders, n_months), dtype=np.int64) for _ in range(3))
    pays_first = setup.rules.subsidy.paid_to == "household"
    share = setup.rules.fund.share
    ago, paid = (setup.first_day - loans.paid) // 31, np.where(loans.paid >= 0, loans.balance * share, 0)
    belief = [int(paid[ago == k].sum()) for k in range(11, -1, -1)]
    return Community(
        people, out, sky, price, book, fates, owner, n, lent, repaid, interest,
        np.zeros((setup.settlements.size, n_lenders), dtype=np.int64),
        np.bincount(loans.lender, weights=np.where(loans.status == PAID, 0, covered), minlength=n_lenders).astype(np.int64),
        np.ones(n_lenders, dtype=np.int64), np.full(n_lenders, int(pays_first), dtype=np.int64), belief=belief,
        went_bad=np.empty(h.register.id.size, dtype=np.int64), released=np.zeros(room, dtype=np.bool_),
    )  # fmt: skip


def _causes(setup: Setup, loans: Loans, sky: Sky, replication: int) -> I64:
    """Causes of loans that have gone bad; where none is known, by the shares and at the address of the reduced form."""
    u = uniforms(setup.form.keys[1], replication, 0, loans.id)[0]
    hit = (sky.recent[0] >= SEVERE).astype(np.int64)[loans.township]
    drawn = (u[:, None] >= setup.form.cause_cdf[hit, :-1]).sum(axis=1)
    return np.where(loans.cause >= 0, loans.cause, drawn)


def loans_of(community: Community) -> Loans:
    """The book so far."""
    return Loans(*(column[: community.n] for column in community.book))


def fates_of(community: Community) -> Fates:
    """What became of the loans so far."""
    return Fates(*(column[: community.n] for column in community.fates))


def known_claims(setup: Setup, community: Community, replication: int) -> Claims:
    """Claims of the loans that have gone bad before the information date."""
    fates = fates_of(community)
    rows = np.flatnonzero(fates.fate == DEFAULTED)
    claims = build_claims(setup, loans_of(community), fates, replication, rows)
    community.released[: len(claims)] = community.book[STATUS][claims.row] == PAID
    _expect_recovery(community, claims)
    return claims


def households(
    env: Any, setup: Setup, world: World, planned: list[Release], releases: dict[int, int]
) -> Generator[Any, Any, None]:
    """The households' month, on its last day: they pay or not; lenders grant; what went bad becomes a claim.

    Parameters
    ----------
    planned : list of Release
    releases : dict of day -> fen
        Cash of each release day, filled in at the end of the month before from the book of that day.
    """
    c = world.community
    assert c is not None
    receivables.promised(setup, world)
    coming: dict[int, list[Release]] = {}
    for one in planned:
        month = int(clock.month_of(np.array([one.arrives]))[0]) - setup.first_month
        coming.setdefault(month, []).append(one)
    receivables.budget(setup, world, coming.get(0, []), releases)
    for day, k, is_month_end in _actions(setup):
        if is_month_end:
            yield from until(env, day, Slot.HOUSEHOLD_MONTH)
            receivables.refund(world)
            _month(setup, world, k, day)
            receivables.budget(setup, world, coming.get(k + 1, []), releases)
        else:
            yield from until(env, day, Slot.BUDGET_RELEASE)
            receivables.settle(setup, world, k, day)


def _actions(setup: Setup) -> list[tuple[int, int, bool]]:
    """Settlements and month ends in order: (day, number, is a month's end)."""
    days = [(int(d), k, False) for k, d in enumerate(setup.settlements)]
    return sorted(days + [(int(d), k, True) for k, d in enumerate(setup.month_ends)])


def _month(setup: Setup, world: World, k: int, end: int) -> None:
    c, h = world.community, setup.households
    assert c is not None and h is not None
    month, first = setup.first_month + k, int(h.month_starts[k])
    rate_short, rate_long, working = h.days[k]
    now = Now(
        world.replication, month, end, _next_end(setup, k, end), first, float(c.sky.crop_sold[month % 12]),
        c.sky.crop_lost[k], c.sky.severity[k], c.sky.recent[k], c.price[k], _belief(world, end),
        receivables.late_months(setup, world, end), c.is_open, c.out.bad.copy(), c.out.borrowers.copy(), h.circle,
        rate_short, rate_long, working, h.month_starts[k:],
    )  # fmt: skip
    c.look(now)
    step(c.people, h.register, h.terms, now, c.out)
    c.look(now)
    freed = np.zeros((setup.set_fen.size, 31), dtype=np.int64)
    n_bad = enter(
        c.people, h.register, c.out, c.book, c.fates, end, setup.claim_terms.covered, first, freed, c.went_bad
    )
    if n_bad:
        _file_claims(setup, world, c.went_bad[:n_bad])
    claims = world.claims
    release(claims.lender, claims.principal, claims.paid, claims.fund_part, claims.paid_on, claims.is_refused, claims.decided,
            claims.recovered_on, c.released[: len(claims)], first, end, setup.claim_terms.covered, freed)  # fmt: skip
    if setup.scenario.lending.new_loans:
        c.n = lend(
            c.people, h.register, h.terms, c.out, c.book, c.fates, c.owner, c.n, world.replication, month, first, end,
            setup.first_day, setup.claim_terms.covered, h.keys, h.service_fen, c.is_open, c.used, _limit(setup, world), freed,
            c.lent[:, k], c.counts,
        )  # fmt: skip
    invested = int(c.lent[:, k].sum())
    if month % 12 == 11:
        c.years[k] = np.append(year_end(c.people, h.register, h.terms, h.service_fen), c.counts)
    t, paid = c.out.totals, c.out.by_lender
    c.repaid[:, k] = paid[:, PRINCIPAL]
    c.interest[:, k] = paid[:, INTEREST] + paid[:, EXTRA]
    net = int(t[INCOME] - t[SPENT] + t[BORROWED] - t[PAID_BACK] - t[OTHERS] + t[SOLD]) - invested
    world.ledger.post(end, "households' month", ("households", net), ("economy", -net))
    receivables.lenders_react(setup, world, end)


def _next_end(setup: Setup, k: int, end: int) -> int:
    """Last day of the following month, also beyond the horizon."""
    if k + 1 < setup.month_ends.size:
        return int(setup.month_ends[k + 1])
    return int(clock.last_day_of_month(np.array([setup.first_month + k + 1]))[0])


def _file_claims(setup: Setup, world: World, rows: I64) -> None:
    """Claims of loans that have just gone bad: their dates lie ahead, day 90 first."""
    c = world.community
    assert c is not None
    new = np.empty((15, rows.size), dtype=np.int64)
    new_claims(rows, c.book, c.fates, setup.claim_terms, world.replication, new)
    who = c.owner[new[ROW]]
    c.people.recover_on[who], c.people.recover_fen[who] = new[RECOVERED_ON], new[AMOUNT]
    inside = sum(day <= setup.last_day for day in new[ENTITLED].tolist())
    if inside:
        n_before = len(world.claims)
        world.claims.append(new[:, :inside])
        submit_claims(setup, world, n_before)


def _expect_recovery(c: Community, claims: Claims) -> None:
    """The household will pay on the day on which collection succeeds."""
    who = c.owner[claims.row]
    c.people.recover_on[who] = claims.recovered_on
    c.people.recover_fen[who] = claims.amount


def _covered(setup: Setup, fen: I64) -> I64:
    return np.minimum(fen, setup.rules.claim.covered_principal_yuan * FEN_PER_YUAN)


def _limit(setup: Setup, world: World) -> I64:
    """What each lender may guarantee: the multiple of its set sub-account, or of what it holds less what is due."""
    if setup.rules.fund.leverage_base == "set":
        return setup.limit_fen
    held = np.array([world.ledger.balances[f"fund:{i}"] for i in range(setup.account_fen.size)], dtype=np.int64)
    claims = world.claims
    waiting = (claims.due != NEVER) & (claims.paid < claims.fund_part)
    owed = np.bincount(setup.account_of[claims.lender[waiting]], weights=(claims.fund_part - claims.paid)[waiting],
                       minlength=held.size).astype(np.int64)  # fmt: skip
    multiple = round(setup.rules.fund.leverage * PPM)
    out = [  # whole numbers: no 64-bit overflow
        max(int(free[k]), 0) * int(part) // int(setup.account_fen[k]) * multiple // PPM
        for free, k, part in ((held - owed, setup.account_of[i], setup.set_fen[i]) for i in range(setup.set_fen.size))
    ]
    return np.array(out, dtype=np.int64)


def _belief(world: World, end: int) -> float:
    """What the fund paid in the last year, as a share of the book."""
    c = world.community
    assert c is not None
    payments = world.flows.payments
    c.belief.append(sum(fen for _, _, fen in payments[c.n_fund_payments_seen :]))
    c.n_fund_payments_seen = len(payments)
    outstanding = int(c.used.sum())
    return sum(c.belief[-12:]) / outstanding if outstanding > 0 else 0.0
