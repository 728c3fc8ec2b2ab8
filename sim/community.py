"""Households in the course of one history: what they decide each month meets lenders, lists and claims here.

What the reduced form knows beforehand (who repays, what is lent, what is due) is filled in month by month,
in a slot before the institution that reads it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sim import appetite, clock, extension, firms, missed_interest, payouts, receivables, stopping
from sim.booked import book_of
from sim.budgets import release_month
from sim.clock import Calendar, Slot, until
from sim.community_kernel import (
    BALANCE,
    CAUSE,
    CLASS,
    ID,
    LENDER,
    N_COUNTS,
    STATUS,
    enter,
    lend,
    release,
    year_end,
)
from sim.errors import InputError
from sim.filing import build_claims, lending_limit
from sim.fund.claims import Claims, covered
from sim.fund.claims_kernel import AMOUNT, ENTITLED, RECOVERED_ON, REFUSED, ROW, new_claims
from sim.fund.days import latest_missed
from sim.households import groups
from sim.households.book import Community, FirmsNow, Households, OpeningBook
from sim.households.firms import Covering, prepare_firms, term_of, yearly_subsidy
from sim.households.groups import ties
from sim.households.groups_kernel import help_members, remember
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
    Terms,
    livelihoods_of,
    new_people,
    terms_of,
)
from sim.insurance import insure
from sim.law import Rules
from sim.lending.applications import rate_ppm
from sim.lending.granting import NO_RULE, Room
from sim.lending.loans import CLAIM, NEVER, PAID, Loans
from sim.lending.screening import admitted
from sim.livelihoods import Livelihoods
from sim.opening import OpeningState
from sim.scenario import Scenario
from sim.season import signing_days
from sim.settlements import Release, submit_claims
from sim.shocks.disease import Herds, Outbreaks, draw_outbreaks, price_of_animals
from sim.shocks.prices import draw_prices
from sim.shocks.replay import Replay, read_replay, refuse_outside
from sim.shocks.space import Places, places_of
from sim.shocks.weather import Sky, draw_weather
from sim.streams import stream_key, uniforms
from sim.subsidy import AT_REPAYMENT, rate_on_reference, subsidised_reference
from sim.subsidy import YEARLY as YEARLY_LIST
from sim.units import F64, FEN_PER_YUAN, I64, PPM
from sim.world import Setup, World

FAR = NEVER_DAY
_NEVER_WILLING = 1e6
_MEMORY = 365  # days for which people remember what the fund paid


def prepare_households(
    scenario: Scenario, rules: Rules, calendar: Calendar, rates: dict[str, Any], opening: OpeningState, last_day: int,
    seed: int,
) -> Households:  # fmt: skip
    """The register, the terms of the monthly step and the calendar in arrays: what no history changes."""
    live = livelihoods_of(scenario)
    behaviour = live.behaviour[scenario.defaults.anchor or "central"]
    register, terms = register_of(scenario, rules), terms_of(scenario, rules, seed)
    first_month, last_month = (int(m) for m in clock.month_of(np.array([opening.day, last_day])))
    people = opening.people
    if people is None:
        people = new_people(register, live, first_month, seed)
        bad_since = latest_missed(rules, calendar, _month_end(opening.day))
        _enter_loans(scenario, register, people, opening, rules, terms, bad_since)
    elif people.cash.size != register.id.size:
        raise InputError(
            scenario.name, "livelihoods.households", register.id.size, f"{people.cash.size}, as in the opening state"
        )
    elif opening.debts != debts_sha256(register):
        # arrears on debts that the households of this scenario do not have
        people = people._replace(debt_arrears=np.zeros_like(people.debt_arrears))
    register = _at_their_lenders(scenario, register, people, opening.loans)
    screening, wrongly = scenario.lending.screening, np.zeros(register.id.size, dtype=np.bool_)
    if screening is not None:
        listed = admitted(screening, register.may_borrow, register.id, live.register_seed)
        wrongly = (listed == 1) & (register.may_borrow == 0)
        register = register._replace(may_borrow=listed)
    _, circle = np.unique(register.group if live.peers == "group" else register.village, return_inverse=True)
    circle = circle.astype(np.int64)
    longest = max(*scenario.lending.term_months, 0 if live.firms is None else term_of(rules))
    months = np.arange(first_month, last_month + longest + 3)
    days = np.arange(clock.first_day_of_month(months[:1])[0], clock.last_day_of_month(np.array([last_month]))[0] + 1)
    period, payment, bullet, brings = (terms.products[:, k] for k in range(4))
    service = np.where(brings > 0, payment - bullet, payment) * 12 // np.maximum(period, 1)
    service = np.append(service, 0)[register.debt_product] if live.stacking_on else np.zeros_like(register.debt_product)
    replay = _replay(scenario, first_month, last_month)
    starts = clock.first_day_of_month(np.arange(first_month, last_month + 1))
    one_year, longer = (rate_ppm(rules, rates, days, np.full(days.size, months)) for months in (12, 13))
    by_day = (one_year, longer, _signing_days(rules, calendar, days))
    months_of_days = starts[1:] - starts[0]
    firm_rate = np.split(_firm_rate(rules, rates, days), months_of_days)
    covering = prepare_firms(scenario, rules, register, terms, _plan(scenario, rules), firm_rate, first_month, seed)
    covering = _with_their_loans(scenario, rules, covering, opening)
    if covering is not None:
        wrongly = np.append(wrongly, np.zeros(covering.of.size, dtype=np.bool_))
        if covering.each_fen and not rules.firm.household_borrows_too:
            register = register._replace(may_borrow=np.where(covering.firm >= 0, 0, register.may_borrow))
    return Households(
        register, terms, people,
        _opening_book(rules, register, terms, people, circle, opening, len(scenario.lenders), covering),
        circle, int(circle.max()) + 1, service,
        replay, _places(scenario), np.ones(register.id.size),
        list(zip(*(np.split(table, months_of_days) for table in by_day), strict=True)),
        clock.first_day_of_month(months),
        tuple(stream_key(seed, p) for p in ("lender.screening", "household.project", "lender.appetite", "firm.channel")),
        wrongly, np.zeros(register.id.size), covering, _never_pays(live, behaviour.evaders, register),
        ties(scenario, live.groups, register, seed),
    )  # fmt: skip


def _never_pays(live: Livelihoods, share: float, register: Register) -> F64:
    """Log odds so high that a household never wants to pay, for those who are such; the same in every history."""
    u = uniforms(stream_key(live.register_seed, "register.evader"), 0, 0, register.id)[0]
    return np.where(u < share, _NEVER_WILLING, 0.0)


def _plan(scenario: Scenario, rules: Rules) -> I64:
    """Each township's plan: its share of the yearly quota, or of what lenders may guarantee [fen]."""
    quota = rules.loan.quota_yuan_per_year
    whole = sum(scenario.sub_accounts_yuan().values()) * rules.fund.leverage if quota is None else quota
    return np.array([round(whole * share * FEN_PER_YUAN) for share in scenario.township_shares()], dtype=np.int64)


def _firm_rate(rules: Rules, rates: dict[str, Any], days: I64) -> I64:
    """Contract rate of a firm's loan by day of signing [1e-6 a year]."""
    if rules.firm.rate is None:
        return rate_ppm(rules, rates, days, np.full(days.size, term_of(rules)))
    since, values = rates[rules.firm.rate]
    out: I64 = values[np.maximum(np.searchsorted(since, days, side="right") - 1, 0)]
    return out


def _with_their_loans(
    scenario: Scenario, rules: Rules, covering: Covering | None, opening: OpeningState
) -> Covering | None:
    """Firms as the opening state left them; as new ones where it has none."""
    if opening.firms is None:
        return covering
    n = covering.of.size if covering is not None else 0
    if covering is None or opening.firms.cash.size != n:
        allowed = f"firms that cover {opening.firms.cash.size} households, as in the opening state"
        raise InputError(scenario.name, "livelihoods.firms", n, allowed)
    return replace(covering, start=opening.firms)


def _opening_book(
    rules: Rules, register: Register, terms: Terms, people: People, circle: I64, opening: OpeningState, n_lenders: int,
    covering: Covering | None,
) -> OpeningBook:  # fmt: skip
    """Loans of the information date, what became of them so far, and what people have heard by then."""
    loans, first = opening.loans, opening.day
    held = np.flatnonzero(people.loan >= 0)
    row = people.loan[held]
    owner = np.zeros(len(loans), dtype=np.int64)
    owner[row] = held
    is_bad, is_late = loans.status >= CLAIM, loans.due < first
    is_bad[row] |= people.status[held] == BAD
    if covering is not None:
        parts = np.flatnonzero(covering.start.loan >= 0)
        of_parts = covering.start.loan[parts]
        owner[of_parts] = parts + register.id.size
        is_bad[of_parts] |= covering.start.status[parts] == BAD
    book = np.stack([getattr(loans, name) for name in Loans.__dataclass_fields__])
    if opening.people is None:  # the table knows nothing of other debts
        book[CLASS, row] = (register.debt_product[held] >= 0).sum(axis=1)
    fates = np.stack([
        np.where(is_bad, DEFAULTED, np.where(is_late, CURED, REPAID)), loans.due,
        np.where(is_bad, NEVER, np.where(is_late, FAR, loans.due)), np.where(is_bad, loans.cause, NEVER),
        np.zeros(len(loans), dtype=np.int64),
    ])  # fmt: skip
    has, is_open = people.status != NONE, people.status == OPEN
    out = Out.empty(register.id.size, n_lenders, int(circle.max()) + 1)
    rate = rate_on_reference(terms.subsidy, people.rate_ppm, people.start, first)
    yearly = np.minimum(people.principal, terms.subsidy.ceiling) * rate / PPM
    out.by_lender[:, YEARLY] = np.bincount(register.lender[is_open], weights=yearly[is_open], minlength=n_lenders)
    if covering is not None:
        out.by_lender[:, YEARLY] += yearly_subsidy(covering, covering.start, first, n_lenders)
    late = (people.status >= OVERDUE) & (first - people.due <= _MEMORY)
    out.borrowers[:] = np.bincount(circle[has], minlength=out.borrowers.size)
    out.bad[:] = np.bincount(circle[late], minlength=out.bad.size)
    used = np.bincount(
        loans.lender, weights=np.where(loans.status == PAID, 0, covered(rules, loans.balance)), minlength=n_lenders
    )
    ago, paid = (first - loans.paid) // 31, np.where(loans.paid >= 0, loans.balance * rules.loss.fund_share, 0)
    belief = [int(paid[ago == k].sum()) for k in range(11, -1, -1)]
    return OpeningBook(
        book, fates, owner, np.flatnonzero(is_bad & (loans.cause < 0)), used.astype(np.int64), out, belief
    )


def _signing_days(rules: Rules, calendar: Calendar, days: I64) -> I64:
    """First working day on or after each day, or the last one of its month: an application stays in its month.

    Within the window in which loans are made; beyond every month where the month has no such day.
    """
    after = signing_days(rules, calendar, days)
    month = clock.month_of(days)
    out = after.copy()
    for k in np.flatnonzero(clock.month_of(after) != month):
        out[k] = after[(month == month[k]) & (clock.month_of(after) == month)].max(initial=NEVER)
    out[out == NEVER] = FAR
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


def _places(scenario: Scenario) -> Places | None:
    """Squares of the weather's grid around each township, where distance counts."""
    reach = livelihoods_of(scenario).weather.reach_km
    return None if reach is None else places_of(np.array([t.at_km for t in scenario.townships], dtype=float), reach)


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
    scenario: Scenario, register: Register, people: People, opening: OpeningState, rules: Rules, terms: Terms,
    bad_since: int,
) -> None:  # fmt: skip
    """Households of a loan table: they owe what the table says, and have it in their project while it runs."""
    loans = opening.loans
    held = np.flatnonzero(loans.status != PAID)
    if held.size == 0:
        return
    where = Path(str(scenario.opening.file)).name
    check_borrowers(where, register, loans.household, loans.start, loans.due, rules)
    at = np.searchsorted(register.id, loans.household[held])  # the register is in order of id
    twice = np.flatnonzero(np.bincount(at, minlength=register.id.size) > 1)
    if twice.size:
        allowed = "one open loan under the fund for each household where households are simulated"
        raise InputError(where, "household_id", int(register.id[twice[0]]), allowed)
    people.loan[at], people.principal[at], people.rate_ppm[at] = held, loans.balance[held], loans.rate_ppm[held]
    people.start[at], people.due[at] = loans.start[held], loans.due[held]
    settled = np.minimum(loans.due[held], opening.day)  # no arrears of subsidy are known
    start = loans.start[held]
    people.accrued_to[at] = start if terms.subsidy.paid_when == AT_REPAYMENT else settled
    if terms.subsidy.paid_when == YEARLY_LIST:
        people.withheld[at] = subsidised_reference(
            terms.subsidy, loans.balance[held], loans.rate_ppm[held], start, start, settled
        )
    status = np.array([OPEN, OVERDUE, BAD])[np.minimum(loans.status[held], CLAIM)]
    status[(status == OVERDUE) & (loans.due[held] <= bad_since)] = BAD  # no month's end is left before day 90
    people.status[at] = status
    people.capital[at] = np.where(status == OPEN, loans.balance[held], 0)
    people.ordinal[at] = 1
    people.wait_until[at[status == BAD]] = NEVER_DAY


def common_luck(setup: Setup, n_months: int, common: int) -> tuple[Sky, F64, Outbreaks | None]:
    """Weather, prices (n_months, n_townships), and diseases where there are any, of one history."""
    assert setup.households is not None
    live = livelihoods_of(setup.scenario)
    behaviour = live.behaviour[setup.scenario.defaults.anchor or "central"]
    sky = draw_weather(
        live.weather, live.crops, setup.scenario.opening.drought, setup.township_ids, setup.first_month, n_months,
        common, setup.seed, setup.households.replay, setup.households.places,
    )  # fmt: skip
    price = draw_prices(behaviour, setup.township_ids, setup.first_month, n_months, common, setup.seed)
    if not live.diseases:
        return sky, price, None
    outbreaks = draw_outbreaks(
        live.diseases, setup.township_ids, setup.first_month, n_months, common, setup.seed
    )  # fmt: skip
    return sky, price * price_of_animals(live.diseases, outbreaks)[:, None], outbreaks


def begin(setup: Setup, replication: int, common: int) -> Community:
    """The households and the book on the information date, with the weather and the prices of one history."""
    h = setup.households
    assert h is not None
    n_months = setup.month_ends.size
    sky, price, outbreaks = common_luck(setup, n_months, common)
    herds = None
    if outbreaks is not None:
        herds = Herds(
            livelihoods_of(setup.scenario).diseases, outbreaks, h.register.id, h.register.township, setup.first_month,
            replication, setup.seed,
        )  # fmt: skip
    n_lenders, start = setup.set_fen.size, h.opening
    n, shortest = start.owner.size, min(setup.scenario.lending.term_months)
    room = n + h.register.id.size * (n_months // shortest + 2)
    if h.firms is not None:
        room += h.firms.of.size * (n_months // min(h.firms.term_months, shortest) + 2)
    book, fates = (np.empty((len(known), room), dtype=np.int64) for known in (start.book, start.fates))
    book[:, :n], fates[:, :n] = start.book, start.fates
    fates[CAUSE, start.no_cause] = _causes(setup, start.no_cause, sky, replication)
    owner = np.zeros(room, dtype=np.int64)
    owner[:n] = start.owner
    lent, repaid, interest = np.zeros((3, n_lenders, n_months), dtype=np.int64)
    pays_first = int(setup.rules.subsidy.paid_to == "household")
    out = Out(*(a.copy() for a in start.out))
    parts = None
    if h.firms is not None:
        of_parts = Out.empty(h.firms.of.size, n_lenders, 0)._replace(by_lender=out.by_lender)  # one with the households
        parts = FirmsNow(h.firms.start.copy(), of_parts, np.zeros(N_COUNTS, dtype=np.int64),
                         np.full(h.firms.of.size, NEVER_DAY, dtype=np.int64))  # fmt: skip
    return Community(
        h.start.copy(), out, sky, price, herds, book, fates, owner, n, lent, repaid, interest,
        np.zeros((setup.settlements.size, n_lenders), dtype=np.int64), start.used.copy(),
        np.zeros(n_lenders, dtype=np.int64), np.full(1, _quota_left(setup)), np.zeros(n_lenders, dtype=np.int64),
        np.ones(n_lenders, dtype=np.int64), np.full(n_lenders, pays_first, dtype=np.int64),
        np.zeros(N_COUNTS, dtype=np.int64), np.full(h.register.id.size, NEVER_DAY, dtype=np.int64), belief=list(start.belief),
        went_bad=np.empty(h.wrongly_admitted.size, dtype=np.int64), released=np.zeros(room, dtype=np.bool_), firms=parts,
    )  # fmt: skip


def _quota_left(setup: Setup) -> int:
    """What the year of the information date still allows: the quota less what was lent in it before and is still there."""
    if setup.granting.quota < 0:
        return NO_RULE
    loans, new_year = setup.opening.loans, clock.day_of(dt.date(clock.date_of(setup.first_day).year, 1, 1))
    return max(setup.granting.quota - int(loans.balance[loans.start >= new_year].sum()), 0)


def _causes(setup: Setup, rows: I64, sky: Sky, replication: int) -> I64:
    """Causes of loans that have gone bad for no known one, by the shares and at the address of the reduced form."""
    loans = setup.opening.loans
    u = uniforms(setup.form.keys[1], replication, 0, loans.id[rows])[0]
    hit = (sky.recent[0] >= SEVERE).astype(np.int64)[loans.township[rows]]
    return (u[:, None] >= setup.form.cause_cdf[hit, :-1]).sum(axis=1)


def known_claims(setup: Setup, community: Community, replication: int) -> Claims:
    """Claims of the loans that have gone bad before the information date."""
    loans, fates = book_of(community)
    rows = np.flatnonzero(fates.fate == DEFAULTED)
    claims = build_claims(setup, loans, fates, replication, rows)
    assert setup.households is not None
    claims.is_refused |= setup.households.wrongly_admitted[community.owner[claims.row]] & (claims.decided == NEVER)
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
    _stop(setup, world, 0, setup.first_day - 1)
    coming: dict[int, list[Release]] = {}
    months = clock.month_of(np.array([one.arrives for one in planned], dtype=np.int64)) - setup.first_month
    for month, one in zip(months.tolist(), planned, strict=True):
        coming.setdefault(month, []).append(one)
    release_month(setup, world, coming.get(0, []), releases)
    for day, k, is_month_end in _actions(setup):
        if is_month_end:
            yield from until(env, day, Slot.HOUSEHOLD_MONTH)
            receivables.refund(world, day)
            _month(setup, world, k, day)
            release_month(setup, world, coming.get(k + 1, []), releases)
        else:
            yield from until(env, day, Slot.BUDGET_RELEASE)
            receivables.settle(setup, world, k, day)


def _actions(setup: Setup) -> list[tuple[int, int, bool]]:
    """Settlements and month ends in order: (day, number, is a month's end)."""
    days = [(d, k, False) for k, d in enumerate(setup.settlements.tolist())]
    return sorted(days + [(d, k, True) for k, d in enumerate(setup.month_ends.tolist())])


def _month(setup: Setup, world: World, k: int, end: int) -> None:
    c, h = world.community, setup.households
    assert c is not None and h is not None
    month, first = setup.first_month + k, int(h.month_starts[k])
    rate_short, rate_long, working = h.days[k]
    late_months, owed = receivables.unpaid(setup, world, end)
    payouts.relief(setup, world, k, end)
    payouts.index(setup, world, k, end)
    extension.extend(setup, world, k, end)
    herd = _strike(c, k) if c.herds is not None else h.whole_herd
    now = Now(
        world.replication, month, end, _over_by(setup, k), first, float(c.sky.crop_sold[month % 12]),
        c.sky.crop_lost[k], c.sky.severity[k], c.sky.recent[k], c.price[k], _belief(world, end),
        late_months, c.is_open, c.out.bad.copy(), c.out.borrowers.copy(), h.circle,
        rate_short, rate_long, working, h.month_starts[k:], herd, h.whole_herd, h.never_pays,
    )  # fmt: skip
    now = firms.strike(setup, world, now, k)
    if h.ties is not None:
        live = livelihoods_of(setup.scenario).groups
        assert live is not None
        now = now._replace(will=groups.shaken(live, h.ties, h.register, c.people, now, h.never_pays))
    c.look(now)
    step(c.people, h.register, h.terms, now, c.out)
    c.look(now)
    _help(setup, world, now, k)
    paid_by_firms = firms.pay(setup, world, now)
    missed_interest.go_bad(setup, world, now)
    cover, freed = setup.claim_terms.cover, np.zeros((setup.set_fen.size, 31), dtype=np.int64)
    n_bad = enter(c.people, h.register, c.out, c.book, c.fates, end, cover, first, freed, c.went_bad,
                  setup.rules.loan.lockout_after_late)  # fmt: skip
    if h.firms is not None and c.firms is not None:
        n_bad += enter(c.firms.people, h.firms.register, c.firms.out, c.book, c.fates, end, cover, first, freed,
                       c.went_bad[n_bad:], setup.rules.loan.lockout_after_late)  # fmt: skip
    if n_bad:
        _file_claims(setup, world, c.went_bad[:n_bad], end)
        if not setup.rules.has_cover:  # no multiple to hold: the lender has its money, or bears the loss
            bad = c.went_bad[:n_bad]
            np.add.at(freed[:, 0], c.book[LENDER, bad], covered(setup.rules, c.book[BALANCE, bad]))
            c.released[: len(world.claims)] = True
    claims = world.claims
    release(claims.lender, claims.principal, claims.paid, claims.fund_part, claims.paid_on, claims.is_refused, claims.decided,
            claims.recovered_on, c.released[: len(claims)], first, end, cover, freed)  # fmt: skip
    room = _room(setup, world, month, freed)
    if setup.scenario.lending.new_loans:
        _lend(setup, world, k, now, room)
    else:
        c.used -= room.freed.sum(axis=1)
    relapse = livelihoods_of(setup.scenario).relapse_after_months
    if relapse > 0:
        p = c.people
        remember(p.income_year, h.register.persons, h.terms.poverty_line, relapse, month % 12, p.income_12, p.poor_months,
                 p.relapses)  # fmt: skip
    if month % 12 == 11:
        c.lives[k] = (c.people.months_short.copy(), c.people.relapses.copy())
        c.years[k] = np.append(year_end(c.people, h.register, h.terms, h.service_fen), c.counts)
    t, paid = c.out.totals.tolist(), c.out.by_lender
    c.repaid[:, k] += paid[:, PRINCIPAL]  # to what insurance has paid off
    c.interest[:, k] = paid[:, INTEREST] + paid[:, EXTRA]
    net = t[INCOME] - t[SPENT] + t[BORROWED] - t[PAID_BACK] - t[OTHERS] + t[SOLD] - sum(c.lent[:, k].tolist())
    net += paid_by_firms
    world.ledger.post(end, "households' month", ("households", net), ("economy", -net))
    receivables.lenders_react(setup, world, owed)
    _stop(setup, world, k + 1, end)


def _help(setup: Setup, world: World, now: Now, k: int) -> None:
    """Groups pay for members who have missed their date; cash moves between households, and to the lenders."""
    c, h = world.community, setup.households
    assert c is not None and h is not None
    if h.ties is None:
        return
    c.given = np.empty(h.register.id.size, dtype=np.int64)
    p, at = c.people, c.watched
    before = (int(p.cash[at]), int(p.informal[at])) if at >= 0 else (0, 0)
    help_members(p, h.register, h.terms, h.ties, now, c.out, c.given)
    if at >= 0:
        given = int(c.given[at])
        own = before[0] - int(p.cash[at]) + min(given, 0)
        c.watched_group[k] = given, own, int(p.informal[at]) - before[1]
    gave = c.given > 0
    if gave.any():
        c.helped.append((k, int(gave.sum()), int(c.given[gave].sum())))


def _lend(setup: Setup, world: World, k: int, now: Now, room: Room) -> None:
    """The month's new loans: firms are decided on at its beginning, on what is free then, and households day by day."""
    c, h = world.community, setup.households
    assert c is not None and h is not None

    def granted(people: People, register: Register, terms: Terms, out: Out, service: I64, by_firm: F64, of: Room, counts: I64) -> None:  # fmt: skip
        c.n = lend(
            people, register, terms, out, c.book, c.fates, c.owner, c.n, world.replication, now.month, now.first_day,
            now.month_end, setup.first_day, setup.claim_terms.cover, h.keys, service, by_firm, c.is_open, c.cautions[k],
            of, c.lent[:, k], counts,
        )  # fmt: skip

    if h.firms is not None and c.firms is not None:
        f, n = h.firms, c.n
        firms.ask(setup, world, now, k)
        nothing = np.zeros_like(f.register.debt_product)
        at_first = room._replace(freed=np.zeros_like(room.freed))
        granted(
            c.firms.people, f.register, f.terms, c.firms.out, nothing, np.zeros(f.of.size), at_first, c.firms.counts
        )
        firms.own(setup, world, n)
    granted(c.people, h.register, h.terms, c.out, h.service_fen, firms.channel(setup, world), room, c.counts)


def _stop(setup: Setup, world: World, k: int, day: int) -> None:
    """At the end of a day: may each lender lend in month number k, and how cautious is it?"""
    c = world.community
    assert c is not None
    c.cautions.append(appetite.caution(setup, world, day))
    if setup.granting.stop.is_on and k < setup.month_ends.size:
        stopping.decide(setup, world, day)
        world.stops[k] = c.is_stopped


def _room(setup: Setup, world: World, month: int, freed: I64) -> Room:
    """What may still be lent this month."""
    c = world.community
    assert c is not None
    if month % 12 == 0:
        c.quota_left[:] = setup.granting.quota
    if setup.rules.fund.leverage_on == "cumulative":
        c.counts_on += int(freed.sum())
        freed = np.zeros_like(freed)
    return Room(c.used, lending_limit(setup, world), freed, c.is_stopped, c.quota_left, c.refused)


def _strike(c: Community, k: int) -> F64:
    """What is left of each herd this month; a disease takes the project of those who keep animals in it."""
    assert c.herds is not None
    herd, projects = c.herds.month(k)
    for rows, mortality in projects:
        c.people.capital[rows] -= (c.people.capital[rows] * mortality).astype(np.int64)
    return herd


def _over_by(setup: Setup, k: int) -> int:
    """Until which day a waiting time must be over for no month's end to be left: the next month's, also beyond the horizon.

    Households count calendar days; a waiting time of working days is put into them.
    """
    if k + 1 < setup.month_ends.size:
        end = int(setup.month_ends[k + 1])
    else:
        end = int(clock.last_day_of_month(np.array([setup.first_month + k + 1]))[0])
    return latest_missed(setup.rules, setup.calendar, end) + setup.rules.claim.wait_days


def _month_end(day: int) -> int:
    return int(clock.last_day_of_month(clock.month_of(np.array([day])))[0])


def _file_claims(setup: Setup, world: World, rows: I64, end: int) -> None:
    """Claims of loans that have just gone bad: their dates lie ahead, day 90 first.

    Where the wait is shorter than a month, a loan goes bad on a day of the month whose end is only now: nothing is
    collected before it is known.
    """
    c, h = world.community, setup.households
    assert c is not None and h is not None
    new = np.empty((15, rows.size), dtype=np.int64)
    new_claims(rows, c.book, c.fates, setup.claim_terms, world.replication, new)
    new[RECOVERED_ON] = np.maximum(new[RECOVERED_ON], end + 1)
    who = c.owner[new[ROW]]
    new[REFUSED] |= h.wrongly_admitted[who]
    _expect(c, who, new[RECOVERED_ON], new[AMOUNT])
    inside = sum(day <= setup.last_day for day in new[ENTITLED].tolist())
    if inside:
        n_before = len(world.claims)
        world.claims.append(new[:, :inside])
        insure(setup, world.claims, c.book[ID][new[ROW, :inside]], world.replication, n_before)
        submit_claims(setup, world, n_before)


def _expect_recovery(c: Community, claims: Claims) -> None:
    """Who owes will pay on the day on which collection succeeds."""
    _expect(c, c.owner[claims.row], claims.recovered_on, claims.amount)


def _expect(c: Community, who: I64, on: I64, fen: I64) -> None:
    own = who < c.people.cash.size
    c.people.recover_on[who[own]], c.people.recover_fen[who[own]] = on[own], fen[own]
    if c.firms is not None:
        part = who[~own] - c.people.cash.size
        c.firms.people.recover_on[part], c.firms.people.recover_fen[part] = on[~own], fen[~own]


def _belief(world: World, end: int) -> float:
    """What the fund paid in the last year, as a share of the book."""
    c = world.community
    assert c is not None
    payments = world.flows.payments
    c.belief.append(sum(fen for _, _, fen in payments[c.n_fund_payments_seen :]))
    c.n_fund_payments_seen = len(payments)
    outstanding = sum(c.used.tolist()) - c.counts_on
    return sum(c.belief[-12:]) / outstanding if outstanding > 0 else 0.0
