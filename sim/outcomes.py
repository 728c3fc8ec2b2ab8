"""What one history says about the sized year: every quantity by its exact meaning (docs/model.md, section 9)."""

from __future__ import annotations

import datetime as dt

import numpy as np

from sim import clock, insurance, reporting, welfare
from sim.booked import class_columns, gone_on, stock
from sim.filing import claims_of, paid_before, returns, unhindered
from sim.fund.claims import FAR, NEVER
from sim.fund.days import entitled_on
from sim.fund.need import by_day, need
from sim.households.reduced_form import DEFAULTED
from sim.lending.loans import PAID
from sim.shocks.paths import drought_year_of
from sim.units import I64, Array, Bool
from sim.waterfall import waterfall
from sim.world import Setup, World


def year_span(year: int) -> tuple[int, int]:
    """First and last day of a calendar year."""
    return clock.day_of(dt.date(year, 1, 1)), clock.day_of(dt.date(year, 12, 31))


def summary(setup: Setup, world: World) -> dict[str, int | float]:
    """One row for the table of histories: integers are fen, days or counts; floats are shares."""
    year = setup.scenario.sized_year
    first, last = year_span(year)
    row: dict[str, int | float] = {"replication": world.replication}
    flows, paid = shadow_flows(setup, world, first, last), _paid_by(world, last)
    by_account = need(*flows)
    row |= _need(setup, world, flows, by_account, last, paid)
    row |= _short(setup, world, by_account, first, last)
    row |= reporting.default_shares(setup, world, first, last)
    row |= reporting.books(setup, world, last)
    row |= reporting.report(setup, world, first, last)
    row |= _subsidy(setup, world, first, last, paid)
    row |= waterfall(setup, world, first, last, _paid_by(world, first - 1), paid)
    row |= insurance.summary(setup, world, first, last)
    live = setup.scenario.livelihoods
    if live is not None and live.weather.relief is not None:
        row["drought_relief_fen"] = sum(fen for day, fen in world.relief if first <= day <= last)
    carried = world.flows.carried_over or setup.opening.fund_fen
    row |= {f"carried_over_{i}_fen": int(fen) for i, fen in enumerate(carried)}
    row["carried_over_fen"] = int(sum(carried))
    row["n_events"] = world.n_events
    row["clerk_minutes"] = world.desk.busy_minutes
    row["dry_opening"] = int(world.paths.is_dry[0]) if world.paths.is_dry.size else 0
    row["dry_months"] = dry_months(setup, world, year)
    return row


def dry_months(setup: Setup, world: World, year: int) -> int:
    """Months of a calendar year that lie in a dry drought year; 0 where drought is off or not in the scenario."""
    live, reduced = setup.scenario.livelihoods, setup.scenario.defaults.drought
    drought, is_dry = (reduced if live is None else live.weather), world.paths.is_dry
    if drought is None or not drought.on or not is_dry.size:
        return 0
    months = 12 * (year - 1970) + np.arange(12)
    begin = drought_year_of(np.array([setup.first_month]), drought.year_starts_month)[0]
    at = drought_year_of(months, drought.year_starts_month) - begin
    return int(is_dry[at[(at >= 0) & (at < is_dry.size)]].sum())


# --- need --------------------------------------------------------------------------------------------


def shadow_flows(setup: Setup, world: World, first: int, last: int) -> tuple[I64, I64]:
    """Payments due and receipts of [first, last] by day and sub-account, on an account that never queues.

    Payments: the fund's part of every approved claim on the day it falls due, if not collected before; the
    approved queue of earlier days counts on the first day with what is still unpaid of it. Receipts:
    the fund's part of recoveries on the day they are handed over, and deposit interest. Both (n_days, n_accounts) [fen].
    """
    claims, n, k = world.claims, last - first + 1, setup.account_fen.size
    account = setup.account_of[claims.lender]
    due_now = (claims.due >= first) & (claims.due <= last) & (claims.recovered_on > claims.due)
    paid_before = _paid_by(world, first - 1)
    queue = (
        (claims.due != NEVER) & (claims.due < first) & (paid_before < claims.fund_part) & (claims.recovered_on >= first)
    )
    amount = np.where(queue, claims.fund_part - paid_before, claims.fund_part)
    rows = due_now | queue
    payments = by_day(claims.due[rows], account[rows], amount[rows], first, n, k)
    credit_day, returned = returns(setup, claims, claims.due)
    rows = (credit_day >= first) & (credit_day <= last)
    receipts = by_day(credit_day[rows], account[rows], returned[rows], first, n, k)
    for day, index, fen in setup.credits:
        if first <= day <= last:
            receipts[day - first, index] += fen
    return payments, receipts


def _paid_by(world: World, day: int) -> I64:
    """Paid on each claim by the end of a day [fen]: before the history, by the fund, or by the county."""
    claims = world.claims
    out = paid_before(world.loans, claims)
    for i, when, fen in (*world.flows.payments, *world.flows.backstop):
        if when <= day:
            out[i] += fen
    return out


def required_total(need_fen: I64, set_fen: I64) -> int:
    """Smallest total that, split as the pack splits it, leaves no sub-account short (rounded up to the fen); 0 without."""
    total = int(set_fen.sum())
    return max(-(-int(n) * total // int(s)) if s else 0 for n, s in zip(need_fen, set_fen, strict=True))


def _need(
    setup: Setup, world: World, flows: tuple[I64, I64], by_account: I64, last: int, paid: I64
) -> dict[str, int | float]:
    payments, receipts = flows
    out: dict[str, int | float] = {f"need_{i}_fen": int(n) for i, n in enumerate(by_account)}
    out["need_fen"] = required_total(by_account, setup.account_fen)
    out["need_free_split_fen"] = int(by_account.sum())
    out["need_pooled_fen"] = int(need(payments.sum(axis=1), receipts.sum(axis=1)))
    out["payout_fen"] = int(payments.sum())
    out["runoff_need_fen"] = _runoff(setup, world, last, paid)
    return out


def _runoff(setup: Setup, world: World, last: int, paid: I64) -> int:
    """All that the fund will ever pay on the book of 31 December, the unpaid queue included [fen].

    Claims that fall due beyond the horizon are dated by the calendar, no clerk holding them up.
    """
    loans, fates, claims = world.loans, world.fates, world.claims
    rows = np.flatnonzero((fates.fate == DEFAULTED) & (loans.start <= last) & (loans.status != PAID))
    every = claims_of(setup, world, rows)
    _, due = unhindered(setup, every)
    known = np.full(len(loans), NEVER, dtype=np.int64)
    known[claims.row] = claims.due
    due = np.where(known[every.row] != NEVER, known[every.row], due)
    later = (due > last) & (due < FAR) & (every.recovered_on > due) & ~every.is_refused
    waiting = (claims.due != NEVER) & (claims.due <= last) & (claims.recovered_on > last)
    return int(every.fund_part[later].sum()) + int((claims.fund_part - paid)[waiting].sum())


def _short(setup: Setup, world: World, by_account: I64, first: int, last: int) -> dict[str, int | float]:
    """Gap on the shadow account, and the longest wait for want of money on the real one."""
    gaps = np.maximum(by_account - setup.account_fen, 0)
    waits, censored, _ = _waits(setup, world, world.claims.first_wait, first, last)
    return {
        "gap_fen": int(gaps.sum()),
        "oldest_wait_days": int(waits.max(initial=0)),
        "wait_is_censored": int(censored),
        **{f"gap_{i}_fen": int(g) for i, g in enumerate(gaps)},
        **_capped(setup, world, first, last),
    }


def _capped(setup: Setup, world: World, first: int, last: int) -> dict[str, int | float]:
    """Claims that the yearly cap on payments held back: the fund's parts that waited in the year, and the longest wait."""
    if setup.rules.fund.payout_cap_share is None:
        return {}
    since = np.full(len(world.claims), NEVER, dtype=np.int64)
    since[list(world.flows.capped_from)] = list(world.flows.capped_from.values())
    waits, censored, rows = _waits(setup, world, since, first, last)
    return {
        "capped_count": int(rows.sum()),
        "capped_fen": int(world.claims.fund_part[rows].sum()),
        "capped_wait_days": int(waits.max(initial=0)),
        "capped_wait_is_censored": int(censored),
    }


def _waits(setup: Setup, world: World, since: I64, first: int, last: int) -> tuple[I64, bool, Bool]:
    """Days that claims of the year have waited from the day ``since`` on, is one still unpaid at the horizon; which claims."""
    claims = world.claims
    waited = (since != NEVER) & (since <= last)
    is_paid = claims.paid >= claims.fund_part
    done = np.minimum(np.where(is_paid, claims.paid_on, setup.last_day), np.maximum(claims.recovered_on, since))
    waited &= done >= first  # also those that have waited since before the year
    censored = waited & ~is_paid & (claims.recovered_on > setup.last_day)
    return (done - since)[waited], bool(censored.any()), waited


# --- subsidy -----------------------------------------------------------------------------------------


def _subsidy(setup: Setup, world: World, first: int, last: int, paid: I64) -> dict[str, int | float]:
    lists, claims = world.lists, world.claims
    end = np.array(lists.period_end, dtype=np.int64)
    amount = np.array(lists.amount, dtype=np.int64)
    unpaid_90 = amount - np.array(lists.paid_in_90, dtype=np.int64)
    of_year = (end >= first) & (end <= last) & (end + 90 <= setup.last_day)
    fourth = of_year & (end >= clock.day_of(dt.date(setup.scenario.sized_year, 10, 1)))
    waiting = (claims.due != NEVER) & (claims.due <= last) & (claims.recovered_on > last)
    queue = int((claims.fund_part - paid)[waiting].sum())
    open_at_end = amount.copy()
    for i, day, fen in lists.payments:
        if day <= last:
            open_at_end[i] -= fen
    old, of_town = end + 90 <= last, reporting.town_debt(setup, world, last)
    of_sized_year = clock.year_of(setup.month_ends) == setup.scenario.sized_year
    return {
        "subsidy_entitled_fen": int(amount[of_year].sum()),
        "subsidy_unpaid_90d_fen": int(unpaid_90[of_year].sum()),
        "subsidy_entitled_q4_fen": int(amount[fourth].sum()),
        "subsidy_unpaid_90d_q4_fen": int(unpaid_90[fourth].sum()),
        "fiscal_debt_fen": queue + int(open_at_end[old].sum()) + of_town,
        "town_debt_fen": of_town,
        "interest_paid_fen": int(world.interest[:, of_sized_year].sum()),
        **welfare.unpaid_by_age(open_at_end, last - end),
    }


# --- tables ------------------------------------------------------------------------------------------


def months(setup: Setup, world: World) -> dict[str, Array]:
    """Month by month and lender by lender: balances, book and arrears at month's end [fen]."""
    loans, fates = world.loans, world.fates
    n, k = setup.month_ends.size, setup.set_fen.size
    gone = gone_on(setup, world)
    alive = np.flatnonzero(loans.status != PAID)
    held = stock(loans.start[alive], gone[alive], loans.lender[alive], loans.balance[alive], setup)
    overdue = stock(
        np.minimum(fates.missed + 1, gone)[alive],
        gone[alive],
        loans.lender[alive],
        loans.balance[alive],
        setup,
    )
    missed = np.minimum(fates.missed, setup.last_day + 1)  # what comes later is in no month
    bad_from = np.minimum(entitled_on(setup.rules, setup.calendar, missed), gone)
    bad = stock(bad_from[alive], gone[alive], loans.lender[alive], loans.balance[alive], setup)
    accounts = np.array(world.records, dtype=np.int64)[:, setup.account_of]
    waiting, unpaid = _waiting(setup, world), _subsidy_unpaid(setup, world)
    return {
        "replication": np.full(n * k, world.replication),
        "month": np.repeat(setup.first_month + np.arange(n), k),
        "lender": np.tile(np.arange(k), n),
        "fund_fen": accounts.ravel(),
        "outstanding_fen": held.ravel(),
        "overdue_fen": overdue.ravel(),
        "bad_fen": bad.ravel(),
        "claims_waiting_fen": np.repeat(waiting, k),
        "subsidy_unpaid_fen": np.repeat(unpaid, k),
        **reporting.month_columns(setup, world),
        **class_columns(setup, world),
    }


def _waiting(setup: Setup, world: World) -> I64:
    """Fund parts due and unpaid at each month's end [fen]."""
    claims, flows = world.claims, world.flows
    rows = np.flatnonzero((claims.due != NEVER) & (world.loans.paid[claims.row] < 0))
    asked = claims.fund_part - paid_before(world.loans, claims)
    events = [(int(claims.due[i]), int(asked[i])) for i in rows if claims.recovered_on[i] > claims.due[i]]
    events += [(day, -fen) for _, day, fen in (*flows.payments, *flows.backstop)]
    # a debtor who pays while the claim waits ends the wait for what is left
    left = claims.fund_part - _paid_by(world, setup.last_day)
    events += [
        (int(claims.recovered_on[i]), -int(left[i]))
        for i in rows
        if claims.due[i] < claims.recovered_on[i] <= setup.last_day and left[i] > 0
    ]
    return _level(setup, events)


def _subsidy_unpaid(setup: Setup, world: World) -> I64:
    """Subsidy of past settlements that is unpaid at each month's end [fen]."""
    lists = world.lists
    events = list(zip(lists.period_end, lists.amount, strict=True))
    return _level(setup, events + [(day, -fen) for _, day, fen in lists.payments])


def _level(setup: Setup, events: list[tuple[int, int]]) -> I64:
    """Running sum of dated amounts at each month's end [fen]."""
    days = np.array([day for day, _ in events], dtype=np.int64)
    fen = np.array([amount for _, amount in events], dtype=np.int64)
    order = np.argsort(days, kind="stable")
    total = np.concatenate([[0], np.cumsum(fen[order])])
    return total[np.searchsorted(days[order], setup.month_ends, side="right")]


def townships(setup: Setup, world: World) -> dict[str, Array]:
    """The sized year by township: loans due, defaulted, principal [fen]."""
    first, last = year_span(setup.scenario.sized_year)
    loans, fates = world.loans, world.fates
    due, _, bad = reporting.due_in(loans, fates, first, last)
    n = len(setup.scenario.townships)

    def count(rows: Bool) -> Array:
        return np.bincount(loans.township[rows], minlength=n).astype(np.int64)

    def total(fen: I64) -> Array:
        return np.bincount(loans.township, weights=fen.astype(float), minlength=n).astype(np.int64)

    repaid = reporting.repayment(setup, world, first, last)
    return {
        "replication": np.full(n, world.replication),
        "township": np.arange(n),
        "due_count": count(due),
        "defaulted_count": count(bad),
        "due_fen": total(np.where(due, loans.balance, 0)),
        "defaulted_fen": total(np.where(bad, loans.balance, 0)),
        **{name: total(repaid[name]) for name in ("households_repaid_fen", "reported_repaid_fen")},
    }


def defaults(setup: Setup, world: World) -> dict[str, Array]:
    """The defaulted loans of the sized year, one row each.

    ``loan`` and ``household`` are ids, ``lender`` and ``township`` index the scenario's lists, ``missed`` is the
    day, ``cause`` an index into `CAUSES`. ``in_opening``: lent before the information date, so that the loan is
    there in every arm that starts from this opening.
    """
    loans, fates = world.loans, world.fates
    at = np.flatnonzero(reporting.due_in(loans, fates, *year_span(setup.scenario.sized_year))[2])
    return {
        "replication": np.full(at.size, world.replication),
        "loan": loans.id[at],
        "household": loans.household[at],
        "lender": loans.lender[at],
        "township": loans.township[at],
        "balance_fen": loans.balance[at],
        "missed": fates.missed[at],
        "cause": fates.cause[at],
        "in_opening": loans.start[at] < setup.first_day,
    }
