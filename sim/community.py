"""Households in the course of one history: what they decide each month meets lenders, lists and claims here.

What the reduced form knows beforehand (who repays, what is lent, what is due) is filled in month by month,
in a slot before the institution that reads it.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np

from sim import clock
from sim.clock import Calendar, Slot, until
from sim.errors import InputError
from sim.filing import build_claims
from sim.households.book import Community, Households
from sim.households.month_kernel import settle, step
from sim.households.reduced_form import CURED, DEFAULTED, REPAID
from sim.households.register import Register, check_borrowers, register_of
from sim.households.state import (
    APPLIES,
    BAD,
    BORROWED,
    EXTRA,
    INCOME,
    INTEREST,
    MISSED,
    MISUSED,
    NEVER_DAY,
    NONE,
    OPEN,
    OTHERS,
    OVERDUE,
    PAID_BACK,
    PRINCIPAL,
    SOLD,
    SPENT,
    WAS_CALLED,
    WAS_RENEWED,
    WENT_BAD,
    YEARLY,
    Now,
    Out,
    People,
    livelihoods_of,
    new_people,
    terms_of,
)
from sim.households.state import CURED as PAID_LATE
from sim.households.state import REPAID as PAID_IN_TIME
from sim.law import Rules
from sim.lending.applications import grant, rate_ppm
from sim.lending.loans import CLAIM, NEVER, PAID, Loans
from sim.opening import OpeningState
from sim.scenario import Scenario
from sim.settlements import file_lists, release_dates, submit_claims, submit_lists
from sim.shocks.prices import draw_prices
from sim.shocks.replay import read_replay
from sim.shocks.weather import draw_weather
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
        people = _with_loans(scenario, register, people, opening.loans)
    elif people.cash.size != register.id.size:
        raise InputError(
            scenario.name, "livelihoods.households", register.id.size, f"{people.cash.size}, as in the opening state"
        )
    _, circle = np.unique(register.group if live.peers == "group" else register.village, return_inverse=True)
    months = np.arange(first_month, last_month + max(scenario.lending.term_months) + 3)
    days = np.arange(clock.first_day_of_month(months[:1])[0], clock.last_day_of_month(np.array([last_month]))[0] + 1)
    period, payment, bullet, brings = (terms.products[:, k] for k in range(4))
    service = np.where(brings > 0, payment - bullet, payment) * 12 // np.maximum(period, 1)
    service = np.append(service, 0)[register.debt_product] if live.stacking_on else np.zeros_like(register.debt_product)
    keys = [t.key for t in scenario.townships]
    return Households(
        register, terms, people, circle.astype(np.int64), int(circle.max()) + 1, service,
        read_replay(live.weather.replay, keys) if live.weather.replay else None,
        rate_ppm(rules, rates, days, np.full(days.size, 12)), rate_ppm(rules, rates, days, np.full(days.size, 13)),
        calendar.on_or_after(days), clock.first_day_of_month(months),
        (stream_key(seed, "lender.screening"), stream_key(seed, "household.project")),
    )  # fmt: skip


def _with_loans(scenario: Scenario, register: Register, people: People, loans: Loans) -> People:
    """Households of a loan table: they owe what the table says, and have it in their project while it runs."""
    held = np.flatnonzero(loans.status != PAID)
    if held.size == 0:
        return people
    check_borrowers(Path(str(scenario.opening.file)).name, register, loans.household)
    ids = register.id
    order = np.argsort(ids)
    at = order[np.searchsorted(ids[order], loans.household[held])]
    twice = np.flatnonzero(np.bincount(at, minlength=ids.size) > 1)
    if twice.size:
        allowed = "one open loan under the fund for each household where households are simulated"
        raise InputError(scenario.name, "opening.file", int(ids[twice[0]]), allowed)
    _put(people, at, held, loans, BAD)
    return people


def _put(people: People, at: I64, rows: I64, loans: Loans, bad: int) -> None:
    """Enter loans of the book on their households."""
    people.loan[at], people.principal[at], people.rate_ppm[at] = rows, loans.balance[rows], loans.rate_ppm[rows]
    people.start[at], people.due[at], people.accrued_to[at] = loans.start[rows], loans.due[rows], loans.due[rows]
    status = np.array([OPEN, OVERDUE, bad])[np.minimum(loans.status[rows], CLAIM)]
    people.status[at] = status
    people.capital[at] = np.where(status == OPEN, loans.balance[rows], 0)
    people.ordinal[at] = 1
    people.wait_until[at[status == bad]] = NEVER_DAY


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
    recent = sky.severity.copy()
    for k in range(1, min(12, n_months)):
        np.maximum(recent[k:], sky.severity[:-k], out=recent[k:])
    loans, n_lenders = setup.opening.loans, setup.set_fen.size
    n, shortest = len(loans), min(setup.scenario.lending.term_months)
    room = n + h.register.id.size * (n_months // shortest + 2)
    book = {name: np.empty(room, dtype=np.int64) for name in Loans.__dataclass_fields__}
    for name, column in book.items():
        column[:n] = getattr(loans, name)
    fates = {name: np.empty(room, dtype=np.int64) for name in Fates.__dataclass_fields__}
    people = h.start.copy()
    is_bad = loans.status >= CLAIM
    owner = np.zeros(room, dtype=np.int64)
    held = np.flatnonzero(people.loan >= 0)
    owner[people.loan[held]] = held
    is_bad[people.loan[held]] |= people.status[held] == BAD
    fates["fate"][:n] = np.where(is_bad, DEFAULTED, np.where(loans.due < setup.first_day, CURED, REPAID))
    fates["missed"][:n] = loans.due
    fates["repaid"][:n] = np.where(is_bad, NEVER, np.where(loans.due < setup.first_day, FAR, loans.due))
    fates["cause"][:n] = np.where(is_bad, np.maximum(loans.cause, 0), NEVER)
    fates["renewed"][:n] = 0
    n_debts = np.zeros(room, dtype=np.int64)
    n_debts[:n] = loans.p_class
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
        people, out, sky, price, recent, book, fates, owner, n_debts, n, lent, repaid, interest,
        np.zeros((setup.settlements.size, n_lenders), dtype=np.int64),
        np.bincount(loans.lender, weights=np.where(loans.status == PAID, 0, covered), minlength=n_lenders).astype(np.int64),
        np.ones(n_lenders, dtype=np.int64), np.full(n_lenders, int(pays_first), dtype=np.int64), belief=belief,
    )  # fmt: skip


def loans_of(community: Community) -> Loans:
    """The book so far."""
    return Loans(**{name: column[: community.n] for name, column in community.book.items()})


def fates_of(community: Community) -> Fates:
    """What became of the loans so far."""
    return Fates(**{name: column[: community.n] for name, column in community.fates.items()})


def known_claims(setup: Setup, community: Community, replication: int) -> Any:
    """Claims of the loans that have gone bad before the information date."""
    fates = fates_of(community)
    rows = np.flatnonzero(fates.fate == DEFAULTED)
    claims = build_claims(setup, loans_of(community), fates, replication, rows)
    _expect_recovery(community, claims)
    return claims


def households(env: Any, setup: Setup, world: World, releases: dict[int, int]) -> Generator[Any, Any, None]:
    """The households' month, on its last day: they pay or not; lenders grant; what went bad becomes a claim.

    Parameters
    ----------
    releases : dict of day -> fen
        Cash of each release day, filled in at the end of the month before from the book of that day.
    """
    c = world.community
    assert c is not None
    _promised(setup, world)
    dates = release_dates(setup, world.replication)
    _budget(setup, world, dates, setup.first_day - 1, releases)
    for day, k, is_month_end in _actions(setup):
        if is_month_end:
            yield from until(env, day, Slot.HOUSEHOLD_MONTH)
            _refund(world)
            _month(setup, world, k, day)
            _budget(setup, world, dates, day, releases)
        else:
            yield from until(env, day, Slot.BUDGET_RELEASE)
            _settle(setup, world, k, day)


def _actions(setup: Setup) -> list[tuple[int, int, bool]]:
    """Settlements and month ends in order: (day, number, is a month's end)."""
    days = [(int(d), k, False) for k, d in enumerate(setup.settlements)]
    return sorted(days + [(int(d), k, True) for k, d in enumerate(setup.month_ends)])


def _month(setup: Setup, world: World, k: int, end: int) -> None:
    c, h = world.community, setup.households
    assert c is not None and h is not None
    month = setup.first_month + k
    first = int(h.month_starts[k])
    day0 = first - int(h.month_starts[0])
    length = int(h.month_starts[k + 1]) - first
    now = Now(
        world.replication, month, end, _next_end(setup, k, end), first, float(c.sky.crop_sold[month % 12]),
        c.sky.crop_lost[k], c.sky.severity[k], c.recent[k], c.price[k], _belief(world, end),
        _late_months(setup, world, end), c.is_open, c.out.bad.copy(), c.out.borrowers.copy(), h.circle,
        h.rate_short[day0 : day0 + length], h.rate_long[day0 : day0 + length], h.working[day0 : day0 + length],
        h.month_starts[k:],
    )  # fmt: skip
    step(c.people, h.register, h.terms, now, c.out)
    freed = _book(setup, world, k, end)
    invested = _lend(setup, world, k, end, freed)
    t, paid = c.out.totals, c.out.by_lender
    c.repaid[:, k] = paid[:, PRINCIPAL]
    c.interest[:, k] = paid[:, INTEREST] + paid[:, EXTRA]
    net = int(t[INCOME] - t[SPENT] + t[BORROWED] - t[PAID_BACK] - t[OTHERS] + t[SOLD]) - invested
    world.ledger.post(end, "households' month", ("households", net), ("economy", -net))
    _lenders_react(setup, world, end)


def _next_end(setup: Setup, k: int, end: int) -> int:
    """Last day of the following month, also beyond the horizon."""
    if k + 1 < setup.month_ends.size:
        return int(setup.month_ends[k + 1])
    return int(clock.last_day_of_month(np.array([setup.first_month + k + 1]))[0])


def _book(setup: Setup, world: World, k: int, end: int) -> list[tuple[int, int, int]]:
    """Enter what happened on the loans; file the claims. Returns (lender, day, covered) that were repaid."""
    c = world.community
    assert c is not None
    p, f = c.people, c.fates
    hit = np.flatnonzero(c.out.event)
    event, row = c.out.event[hit], p.loan[hit]
    for bit in (WAS_CALLED, WAS_RENEWED):
        some = event & bit != 0
        if some.any():
            f["missed"][row[some]] = f["repaid"][row[some]] = p.due[hit[some]]
            if bit == WAS_RENEWED:
                f["renewed"][row[some]] = 1
    missed = row[event & MISSED != 0]
    f["fate"][missed], f["repaid"][missed] = CURED, FAR
    late = row[event & PAID_LATE != 0]
    f["repaid"][late] = end
    done = np.concatenate([row[event & PAID_IN_TIME != 0], late])
    bad = event & WENT_BAD != 0
    if bad.any():
        rows = row[bad]
        f["fate"][rows], f["repaid"][rows], f["cause"][rows] = DEFAULTED, NEVER, c.out.cause[hit[bad]]
        _file_claims(setup, world, rows)
    covered = _covered(setup, c.book["balance"][done])
    return list(
        zip(c.book["lender"][done].tolist(), np.minimum(f["repaid"][done], end).tolist(), covered.tolist(), strict=True)
    )


def _file_claims(setup: Setup, world: World, rows: I64) -> None:
    """Claims of loans that have just gone bad: their dates lie ahead, day 90 first."""
    c = world.community
    assert c is not None
    loans = Loans(**{name: column[rows] for name, column in c.book.items()})
    fates = Fates(**{name: column[rows] for name, column in c.fates.items()})
    new = build_claims(setup, loans, fates, world.replication, np.arange(rows.size))
    inside = new.entitled <= setup.last_day
    new.row = rows[new.row]
    _expect_recovery(c, new)
    if inside.any():
        begin_at = len(world.claims)
        world.claims.append(new, inside)
        submit_claims(setup, world, begin_at)


def _expect_recovery(c: Community, claims: Any) -> None:
    """The household will pay on the day on which collection succeeds."""
    who = c.owner[claims.row]
    c.people.recover_on[who] = claims.recovered_on
    c.people.recover_fen[who] = claims.amount


def _lend(setup: Setup, world: World, k: int, end: int, freed: list[tuple[int, int, int]]) -> int:
    """Grant the month's applications in order of day; returns the money that left the households at once [fen]."""
    c, h = world.community, setup.households
    assert c is not None and h is not None
    n_lenders = setup.set_fen.size
    freed += _claims_released(world, end)
    at = np.flatnonzero(c.out.event & APPLIES)
    if not setup.scenario.lending.new_loans:
        at = at[:0]
    start, ids = c.out.start[at], h.register.id[at]
    at = at[np.lexsort((ids, start))]
    at = at[(c.out.start[at] >= setup.first_day) & (c.out.start[at] <= end)]
    ids, month = h.register.id[at], setup.first_month + k
    c.counts["applied"] += at.size
    misuse_u, lot_u = uniforms(h.keys[1], world.replication, month, ids)
    lender = h.register.lender[at]
    seen = np.stack(
        [uniforms(h.keys[0], world.replication, 4 * month + j, ids)[0] for j in range(h.service_fen.shape[1])], axis=1
    )
    service = np.where(seen < h.terms.others_seen, h.service_fen[at], 0).sum(axis=1)
    too_much = service > h.terms.over_indebted * _income(h, at)
    waits = (c.is_open[lender] == 0) & (lot_u < 0.5)
    c.counts["over_indebted"] += int(too_much.sum())
    c.counts["lender_waits"] += int((waits & ~too_much).sum())
    c.people.wait_until[at[too_much]] = month + 6
    keep = ~too_much & ~waits
    at, lender, misuse_u = at[keep], lender[keep], misuse_u[keep]
    covered = _covered(setup, c.out.principal[at])
    back = np.array(freed, dtype=np.int64).reshape(-1, 3)
    rest = c.used - np.bincount(back[:, 0], weights=back[:, 2], minlength=n_lenders).astype(np.int64)
    first, never = int(h.month_starts[k]), np.full(at.size, FAR)
    granted = grant(
        lender, c.out.start[at], covered, never, first, np.append(np.full(n_lenders, FAR), back[:, 1]),
        np.append(rest, back[:, 2]), np.append(np.arange(n_lenders), back[:, 0]), _limit(setup, world), end,
        np.zeros(at.size, np.int64), np.zeros(n_lenders + len(back), np.int64),
    )  # fmt: skip
    c.counts["capped"] += int((~granted).sum())
    at, lender = at[granted], lender[granted]
    c.used = rest + np.bincount(lender, weights=covered[granted], minlength=n_lenders).astype(np.int64)
    return _sign(setup, world, k, at, lender, misuse_u[granted] < h.terms.misuse)


def _sign(setup: Setup, world: World, k: int, at: I64, lender: I64, is_misused: Any) -> int:
    """Enter granted loans in the book and on the households; the money goes into the project or is spent."""
    c, h = world.community, setup.households
    assert c is not None and h is not None
    p, out, rows = c.people, c.out, np.arange(c.n, c.n + at.size)
    p.ordinal[at] += 1
    n_debts = (h.register.debt_product[at] >= 0).sum(axis=1) if h.terms.stacking else np.zeros(at.size, np.int64)
    columns = {
        "id": (h.register.id[at] ^ (p.ordinal[at] << 40)) & np.int64(0x7FFFFFFFFFFFFFFF), "household": h.register.id[at],
        "lender": lender, "township": h.register.township[at], "balance": out.principal[at], "start": out.start[at],
        "due": out.due[at], "rate_ppm": out.rate_ppm[at], "p_class": n_debts, "status": 0, "paid_fen": 0,
    }  # fmt: skip
    for name, column in c.book.items():
        column[rows] = columns.get(name, NEVER)
    for name, value in (
        ("fate", REPAID),
        ("missed", out.due[at]),
        ("repaid", out.due[at]),
        ("cause", NEVER),
        ("renewed", 0),
    ):
        c.fates[name][rows] = value
    c.owner[rows], c.n_debts[rows] = at, n_debts
    c.n += at.size
    p.loan[at], p.status[at], p.principal[at], p.rate_ppm[at] = rows, OPEN, out.principal[at], out.rate_ppm[at]
    p.start[at], p.due[at], p.accrued_to[at] = out.start[at], out.due[at], out.start[at]
    p.marks[at] = np.where(is_misused, MISUSED, 0)
    p.capital[at] = np.where(is_misused, 0, out.principal[at])
    yearly = _covered(setup, out.principal[at]) * out.rate_ppm[at] * (setup.rules.subsidy.share / PPM)
    out.by_lender[:, YEARLY] += np.bincount(lender, weights=yearly, minlength=c.lent.shape[0]).astype(np.int64)
    c.lent[:, k] = np.bincount(lender, weights=out.principal[at], minlength=c.lent.shape[0]).astype(np.int64)
    return int(out.principal[at].sum())


def _income(h: Households, at: I64) -> I64:
    r = h.register
    return r.crop_fen[at] + r.livestock_fen[at] + r.wage_fen[at] + r.transfer_fen[at]


def _covered(setup: Setup, fen: I64) -> I64:
    return np.minimum(fen, setup.rules.claim.covered_principal_yuan * FEN_PER_YUAN)


def _claims_released(world: World, end: int) -> list[tuple[int, int, int]]:
    """Principal that left the guaranteed book by payment, refusal or collection since the last month's end."""
    c, claims = world.community, world.claims
    assert c is not None
    if len(claims) > c.released.size:
        c.released = np.append(c.released, c.book["status"][claims.row[c.released.size :]] == PAID)
    day = np.where((claims.paid >= claims.fund_part) & (claims.paid_on != NEVER), claims.paid_on, FAR)
    day = np.minimum(day, np.where(claims.is_refused & (claims.decided != NEVER), claims.decided, FAR))
    day = np.minimum(day, claims.recovered_on)
    now = np.flatnonzero((day <= end) & ~c.released)
    c.released[now] = True
    fen = c.book["balance"][claims.row[now]]
    return list(zip(claims.lender[now].tolist(), day[now].tolist(), fen.tolist(), strict=True))


def _limit(setup: Setup, world: World) -> I64:
    """What each lender may guarantee: the multiple of its set sub-account, or of what it holds less what is due."""
    if setup.rules.fund.leverage_base == "set":
        return setup.limit_fen
    held = np.array([world.ledger.balances[f"fund:{i}"] for i in range(setup.account_fen.size)], dtype=np.int64)
    claims = world.claims
    waiting = (claims.due != NEVER) & (claims.paid < claims.fund_part)
    owed = np.bincount(setup.account_of[claims.lender[waiting]], weights=(claims.fund_part - claims.paid)[waiting],
                       minlength=held.size).astype(np.int64)  # fmt: skip
    per_lender = (held - owed)[setup.account_of] * setup.set_fen // setup.account_fen[setup.account_of]
    return np.maximum(per_lender, 0) * round(setup.rules.fund.leverage * PPM) // PPM


# --- subsidy -------------------------------------------------------------------------------------------


def _settle(setup: Setup, world: World, j: int, day: int) -> None:
    """Interest of the period; the lists go to the office, and households are charged where they pay first."""
    c, h = world.community, setup.households
    assert c is not None and h is not None
    amount = np.empty(h.register.id.size, dtype=np.int64)
    totals, lines = settle(c.people, h.register, h.terms, day, c.charges, amount)
    c.entitled[j] = totals
    begin_at = len(world.lists)
    file_lists(setup, world.lists, j, totals, lines, c.charges == 1)
    for i in range(begin_at, len(world.lists)):
        lender = world.lists.lender[i]
        if c.charges[lender] == 1:
            c.refunds[i] = np.cumsum(np.where(h.register.lender == lender, amount, 0))
    submit_lists(setup, world, begin_at)


def _promised(setup: Setup, world: World) -> None:
    """Whose refund the lists carried over are: nobody recorded it, so it is shared by the principal of open loans."""
    c, h = world.community, setup.households
    assert c is not None and h is not None
    for i in range(len(world.lists)):
        if world.lists.to_household[i]:
            whose = h.register.lender == world.lists.lender[i]
            weight = np.where(whose & (c.people.status == OPEN), c.people.principal, 0)
            c.refunds[i] = np.cumsum(weight if weight.any() else whose.astype(np.int64))


def _refund(world: World) -> None:
    """Subsidy that the bureau paid to households this month, each its part of the list, to the fen."""
    c, lists = world.community, world.lists
    assert c is not None
    for i, _, fen in lists.payments[c.n_payments_seen :]:
        if i in c.refunds:
            running, before = c.refunds[i], c.refunded.get(i, 0)
            shares = [
                np.diff(running.astype(object) * paid // int(running[-1]), prepend=0) for paid in (before, before + fen)
            ]
            c.people.refund[:] += (shares[1] - shares[0]).astype(np.int64)
            c.refunded[i] = before + fen
    c.n_payments_seen = len(lists.payments)


def _late_months(setup: Setup, world: World, end: int) -> Any:
    """Months by which each lender's oldest unpaid list is overdue, beyond the days of grace."""
    c, lists = world.community, world.lists
    assert c is not None
    c.unpaid = [i for i in (*c.unpaid, *range(c.n_lists_seen, len(lists))) if lists.paid[i] < lists.amount[i]]
    c.n_lists_seen = len(lists)
    oldest = np.full(setup.set_fen.size, end, dtype=float)
    for i in c.unpaid:
        oldest[lists.lender[i]] = min(oldest[lists.lender[i]], lists.period_end[i])
    grace = livelihoods_of(setup.scenario).subsidy_grace_months
    return np.maximum((end - oldest) / 30.4375 - grace, 0.0)


def _lenders_react(setup: Setup, world: World, end: int) -> None:
    """A lender that carries too much unpaid subsidy stops renewals and halves lending, then debits households."""
    c, lending = world.community, setup.scenario.lending
    assert c is not None
    if setup.rules.subsidy.paid_to == "household":
        return
    for lender in range(setup.set_fen.size):
        quarter = int(c.out.by_lender[lender, YEARLY]) / 4
        owed = world.ledger.balances[f"subsidy_due:{lender}"]
        c.is_open[lender] = int(owed <= lending.waits_above_quarters * quarter)
        c.charges[lender] = int(owed > lending.debits_above_quarters * quarter)


def _belief(world: World, end: int) -> float:
    """What the fund paid in the last year, as a share of the book."""
    c = world.community
    assert c is not None
    payments = world.flows.payments
    c.belief.append(sum(fen for _, _, fen in payments[c.n_fund_payments_seen :]))
    c.n_fund_payments_seen = len(payments)
    outstanding = int(c.used.sum())
    return sum(c.belief[-12:]) / outstanding if outstanding > 0 else 0.0


def _budget(setup: Setup, world: World, dates: list[tuple[int, float]], end: int, releases: dict[int, int]) -> None:
    """Cash of the releases of the coming month, from the yearly interest of the book as it stands."""
    c = world.community
    assert c is not None
    if setup.scenario.fiscal.pays_on_time:
        return
    limit = int(clock.last_day_of_month(clock.month_of(np.array([end + 1])))[0])
    coming = [(day, share) for day, share in dates if end < day <= limit]
    if coming:
        yearly = int(c.out.by_lender[:, YEARLY].sum())
        for day, share in coming:
            releases[day] = releases.get(day, 0) + int(yearly * setup.scenario.fiscal.budget_share * share)
