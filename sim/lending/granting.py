"""Which applications are granted: multiple, quota and stop of lending, day by day, compiled.

What the fund does to lending (a multiple on its balance, a stop while claims wait) follows from its account, kept here on
the dates that hold if no clerk is late. Stopping is one function for both mechanisms.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from sim import clock
from sim.clock import day_in_year
from sim.law import Rules
from sim.units import FEN_PER_YUAN, I64, PPM, Bool

LENT, CAPPED, STOPPED, QUOTA_USED = range(4)  # why an application was refused
REFUSALS = {"multiple": CAPPED, "stop": STOPPED, "quota": QUOTA_USED}
NO_RULE = -1
TOP_UPS = ("none", "to_set_size", "to_multiple", "to_demand")
NONE, TO_SET_SIZE, TO_MULTIPLE, TO_DEMAND = range(4)


class Stop(NamedTuple):
    """When new lending stops, and when it begins again; `NO_RULE` where the pack has no such rule."""

    bad: float  # share of bad loans above which it stops
    resume: float  # share down to which it stays stopped
    unpaid_days: int
    used: float  # share of the set size that is gone
    is_county: bool  # measured over all lenders, and all stop together

    @property
    def is_on(self) -> bool:
        """Is there any such rule?"""
        return self.bad >= 0 or self.unpaid_days >= 0 or self.used >= 0

    @property
    def reads_fund(self) -> bool:
        """Does it depend on the fund's account?"""
        return self.unpaid_days >= 0 or self.used >= 0


class Book(NamedTuple):
    """Loans as granting sees them, (n,) int64 each: what is lent, and what becomes of it if no clerk holds it up.

    Attributes
    ----------
    lender, start
    principal, covered : [fen]
        All of it, and what the fund guarantees.
    release : [day]
        The covered principal no longer counts against the multiple.
    bad_from, gone : [day]
        It counts as bad; it has left the lender's book.
    pays, part : [day, fen]
        The fund pays its part.
    back, returned : [day, fen]
        What the fund gets back of it.
    """

    lender: I64
    start: I64
    principal: I64
    covered: I64
    release: I64
    bad_from: I64
    gone: I64
    pays: I64
    part: I64
    back: I64
    returned: I64

    def take(self, rows: Any) -> Book:
        """Some of the loans."""
        return Book(*(column[rows] for column in self))


class Terms(NamedTuple):
    """What no history changes: rules and calendar of granting, by day from the information date to the horizon."""

    first_day: int
    month: I64  # (n_days,) number of the month
    is_month_end: Bool
    is_new_year: Bool
    top_up: I64  # (n_days,) rule by which the fund is topped up on the day
    is_backstop: Bool
    credits: I64  # (n_accounts, n_days) deposit interest [fen]
    account_of: I64  # (n_lenders,)
    multiple_ppm: int
    on_balance: bool  # the multiple is on what the fund holds, not on its set size
    quota: int  # [fen a year]
    payout_cap_ppm: int
    stop: Stop
    reads_fund: bool  # lending depends on the fund's account


class Room(NamedTuple):
    """What the lenders may still lend, of one history; brought up to date by whoever grants.

    Attributes
    ----------
    used : (n_lenders,) int64 [fen]
        Covered principal that counts against the multiple.
    limit : (n_lenders,) int64 [fen]
    freed : (n_lenders, 31) int64 [fen]
        Covered principal that leaves the book, by day of the month.
    is_stopped : (n_lenders,) int64
    quota_left : (1,) int64 [fen]
    refused : (n_lenders,) int64 [fen]
        Covered principal that found no room under the multiple since the last top-up.
    """

    used: I64
    limit: I64
    freed: I64
    is_stopped: I64
    quota_left: I64
    refused: I64


class Granted(NamedTuple):
    """Why each application was refused (or LENT); who was stopped, by month; what counted on each top-up day."""

    reason: I64  # (n,)
    stops: I64  # (n_months, n_lenders)
    counted: I64  # (n top-ups, n_lenders) [fen]


def stop_of(rules: Rules) -> Stop:
    """The rules on stopping as numbers."""
    s = rules.stop
    bad = NO_RULE if s.bad_loan_share is None else s.bad_loan_share
    return Stop(
        float(bad), float(bad if s.resume_share is None else s.resume_share),
        NO_RULE if s.unpaid_claim_days is None else s.unpaid_claim_days,
        float(NO_RULE if s.used_share is None else s.used_share), s.measured_on == "county",
    )  # fmt: skip


def quota_fen(rules: Rules) -> int:
    """New lending that a year allows in the county [fen], `NO_RULE` without a quota."""
    yuan = rules.loan.quota_yuan_per_year
    return NO_RULE if yuan is None else yuan * FEN_PER_YUAN


def terms_of(
    rules: Rules, first: int, last: int, sizing: int, account_of: I64, credits: list[tuple[int, int, int]]
) -> Terms:  # fmt: skip
    """Read what no history changes; ``sizing`` is 1 January of the sized year."""
    days = np.arange(first, last + 1)
    month, stop = clock.month_of(days), stop_of(rules)
    top_up = np.zeros(days.size, dtype=np.int64)
    for day, rule in top_ups(rules, first, last, sizing).items():
        top_up[day - first] = rule
    on_balance = rules.fund.leverage_base == "current"
    reads_fund = on_balance or stop.unpaid_days >= 0 or stop.used >= 0
    interest = np.zeros((int(account_of.max()) + 1, days.size if reads_fund else 0), dtype=np.int64)
    for day, account, fen in credits if reads_fund else []:
        interest[account, day - first] += fen
    cap = rules.fund.payout_cap_share
    return Terms(
        first, month - month[0], np.append(np.diff(month) > 0, True), _each_year("01-01", days), top_up,
        _each_year(rules.fund.backstop_on, days), interest, account_of, round(rules.fund.leverage * PPM), on_balance,
        quota_fen(rules), NO_RULE if cap is None else round(cap * PPM), stop, reads_fund,
    )  # fmt: skip


def top_ups(rules: Rules, first: int, last: int, sizing: int) -> dict[int, int]:
    """Days after the information date on which the fund is topped up, and the rule by which it is.

    On 1 January of the sized year it is brought to the size that is in question; by the pack's rule on its day in every
    other year.
    """
    rule = TOP_UPS.index(rules.fund.top_up)
    years = range(clock.date_of(first).year, clock.date_of(last).year + 1)
    days = {day_in_year(y, rules.fund.top_up_on): rule for y in years if rule != NONE} | {sizing: TO_SET_SIZE}
    return {day: days[day] for day in sorted(days) if first < day <= last}


def set_anew_each_year(t: Terms, sizing: int) -> Terms:
    """The same, but the fund is brought to its set size on each 1 January from the sized year on."""
    from_then = np.arange(t.month.size) >= sizing - t.first_day
    return t._replace(top_up=np.where(from_then, np.where(t.is_new_year, TO_SET_SIZE, NONE), t.top_up))


def _each_year(month_day: str, days: I64) -> Bool:
    years = range(clock.date_of(int(days[0])).year, clock.date_of(int(days[-1])).year + 1)
    return np.isin(days, [day_in_year(y, month_day) for y in years])


@njit(cache=True)
def times(fen: Any, ppm: Any) -> Any:
    """A multiple of an amount, rounded down to the fen, in parts so that nothing overflows."""
    return fen // PPM * ppm + fen % PPM * ppm // PPM


@njit(cache=True)
def over(fen: Any, ppm: Any) -> Any:
    """The smallest amount whose multiple reaches ``fen``."""
    return fen // ppm * PPM + (fen % ppm * PPM + ppm - 1) // ppm


@njit(cache=True)
def must_stop(s: Any, was_stopped: Any, bad: Any, outstanding: Any, is_unpaid: Any, used: Any) -> Any:
    """Does new lending stop, or stay stopped?

    Parameters
    ----------
    s : Stop
    was_stopped : bool
    bad, outstanding : int [fen]
        Bad loans and all loans on the lender's book.
    is_unpaid : bool
        The fund has left an approved claim unpaid for as long as the rule says.
    used : float
        Share of its set size that the fund does not hold.
    """
    line = s.resume if was_stopped else s.bad
    by_bad = s.bad >= 0 and bad > line * outstanding
    return by_bad or (s.unpaid_days >= 0 and is_unpaid) or (s.used >= 0 and used >= s.used)


@njit(cache=True)
def _decide(
    t: Any, day: Any, stopped: Any, bad: Any, outstanding: Any, pays: Any, early: Any, queue: Any, cash: Any, set_now: Any
) -> None:  # fmt: skip
    """Stop each lender, or let it lend again, at the end of a day; -1 is the evening before the information date."""
    n_lenders = stopped.size
    is_unpaid, whole = np.zeros(cash.size, dtype=np.bool_), np.zeros(cash.size, dtype=np.int64)
    if t.stop.unpaid_days >= 0:
        for a in range(cash.size):
            is_unpaid[a] = queue[a] > pays[a, day + 2 : day + early + 1].sum()  # first in, first out
    for b in range(n_lenders):
        whole[t.account_of[b]] += set_now[b]
    for b in range(n_lenders):
        a = t.account_of[b]
        if t.stop.is_county:
            used = 1.0 - cash.sum() / max(whole.sum(), 1)
            stopped[b] = must_stop(t.stop, stopped[b] == 1, bad.sum(), outstanding.sum(), is_unpaid.any(), used)
        else:
            used = 1.0 - cash[a] / max(whole[a], 1)
            stopped[b] = must_stop(t.stop, stopped[b] == 1, bad[b], outstanding[b], is_unpaid[a], used)


@njit(cache=True, inline="always")
def _expect(t: Any, book: Any, i: Any, after: Any, stock: Any, bad: Any, pays: Any, comes: Any, early: Any) -> None:
    """Enter what a loan will do to the lender's book and to the fund, nothing of it before day number ``after``."""
    n_days, b = t.month.size, book.lender[i]
    if t.stop.bad >= 0:
        begins = min(max(book.start[i] - t.first_day, 0), n_days - 1)
        gone = max(book.gone[i] - t.first_day, begins)
        turns = max(book.bad_from[i] - t.first_day, begins)
        stock[b, t.month[begins]] += book.principal[i]
        if gone < n_days:
            stock[b, t.month[gone]] -= book.principal[i]
        if turns < min(gone, n_days):
            bad[b, t.month[turns]] += book.principal[i]
            if gone < n_days:
                bad[b, t.month[gone]] -= book.principal[i]
    if t.reads_fund:
        a, due, back = t.account_of[b], book.pays[i] - t.first_day, book.back[i] - t.first_day
        if due < n_days:
            pays[a, max(due, after - early, -early) + early] += book.part[i]
        if 0 <= back < n_days:
            comes[a, max(back, after)] += book.returned[i]


@njit(cache=True)
def _limits(t: Any, cash: Any, queue: Any, set_now: Any, limit: Any) -> None:
    """What each lender may guarantee: the multiple of its set size, or of its part of what the fund holds."""
    for b in range(set_now.size):
        base = set_now[b]
        if t.on_balance:
            a, whole = t.account_of[b], 0
            for other in range(set_now.size):
                whole += set_now[other] if t.account_of[other] == a else 0
            base = max(cash[a] - queue[a], 0)
            if whole != set_now[b]:
                base = int(base * (set_now[b] / max(whole, 1)))
        limit[b] = times(base, t.multiple_ppm)


@njit(cache=True)
def _top_up(t: Any, day: Any, used: Any, refused: Any, set_now: Any, cash: Any) -> Any:
    """Bring the fund's accounts up by the rule of the day; what counts against the multiple, by lender."""
    counted = used.copy()
    if t.top_up[day] == TO_DEMAND:
        counted += refused
    aim = np.zeros(cash.size, dtype=np.int64)
    for b in range(used.size):
        asked = over(counted[b], t.multiple_ppm)
        if t.top_up[day] == TO_DEMAND:
            set_now[b] = asked
        aim[t.account_of[b]] += asked if t.top_up[day] == TO_MULTIPLE else set_now[b]
    for a in range(cash.size):
        cash[a] = max(cash[a], aim[a])
    refused[:] = 0
    return counted


@njit(cache=True)
def grant(t: Any, new: Any, held: Any, set_fen: Any, cash: Any, lent_before: Any) -> Any:
    """Lend in order of application while the rules allow it.

    Parameters
    ----------
    t : Terms
    new : Book
        Applications in order of day.
    held : Book
        The opening book.
    set_fen : (n_lenders,) int64 [fen]
        Set sizes.
    cash : (n_accounts,) int64 [fen]
        What the fund's accounts hold at the beginning.
    lent_before : int [fen]
        Lent from 1 January to the information date.

    Returns
    -------
    Granted
        What a lender frees on a day can be lent on that day. A stop is decided at a month's end and holds for the next.

    Source: X county regulation, art. 13; outstanding principal, lender by lender.
    """
    n_days, n_lenders, n_accounts = t.month.size, set_fen.size, cash.size
    n_months, early = t.month[n_days - 1] + 1, t.stop.unpaid_days + 1 if t.stop.unpaid_days >= 0 else 0
    can_stop = t.stop.bad >= 0 or t.stop.unpaid_days >= 0 or t.stop.used >= 0
    freed = np.zeros((n_lenders, n_days + 1), dtype=np.int64)
    stock, bad = np.zeros((n_lenders, n_months), dtype=np.int64), np.zeros((n_lenders, n_months), dtype=np.int64)
    pays, comes = np.zeros((n_accounts, (n_days if t.reads_fund else 0) + early), dtype=np.int64), t.credits.copy()
    used, refused, stopped = (
        np.zeros(n_lenders, dtype=np.int64), np.zeros(n_lenders, dtype=np.int64), np.zeros(n_lenders, dtype=np.int64)
    )  # fmt: skip
    outstanding, is_bad = np.zeros(n_lenders, dtype=np.int64), np.zeros(n_lenders, dtype=np.int64)
    set_now, cash = set_fen.copy(), cash.copy()
    looks_ahead = can_stop or t.reads_fund
    lender, covered, release, first_day, reads_fund = held.lender, held.covered, held.release, t.first_day, t.reads_fund
    for i in range(lender.size):
        b = lender[i]
        used[b] += covered[i]
        freed[b, min(max(release[i] - first_day, 0), n_days)] += covered[i]
        if looks_ahead:
            _expect(t, held, i, 0, stock, bad, pays, comes, early)
            if held.gone[i] >= first_day:
                outstanding[b] += held.principal[i]
                is_bad[b] += held.principal[i] if held.bad_from[i] < first_day else 0
    queue, of_year = pays[:, :early].sum(axis=1), np.zeros(n_accounts, dtype=np.int64)
    room = times(cash, t.payout_cap_ppm)
    reason, stops = np.zeros(new.start.size, dtype=np.int64), np.zeros((n_months, n_lenders), dtype=np.int64)
    counted, n_top_ups = np.zeros(((t.top_up > NONE).sum(), n_lenders), dtype=np.int64), 0
    if can_stop:
        _decide(t, -1, stopped, is_bad, outstanding, pays, early, queue, cash, set_now)
    outstanding[:], is_bad[:] = 0, 0  # counted again, from the months
    lender, start, covered, release, principal = new.lender, new.start, new.covered, new.release, new.principal
    is_new_year, top_up, quota, limit = t.is_new_year, t.top_up, t.quota, np.zeros(n_lenders, dtype=np.int64)
    _limits(t, cash, queue, set_now, limit)
    lent, i = lent_before, 0
    for day in range(n_days):
        if is_new_year[day]:
            lent = 0
            of_year[:] = 0
        if top_up[day] > NONE:
            counted[n_top_ups] = _top_up(t, day, used, refused, set_now, cash)
            n_top_ups += 1
            _limits(t, cash, queue, set_now, limit)
        if reads_fund:
            if t.is_new_year[day]:
                room = times(cash, t.payout_cap_ppm)
            for a in range(n_accounts):
                due = pays[a, day + early]
                cash[a], queue[a], of_year[a] = cash[a] + comes[a, day], queue[a] + due, of_year[a] + due
                paid = min(cash[a], queue[a])
                if t.payout_cap_ppm >= 0:
                    paid = min(paid, room[a])
                cash[a], queue[a], room[a] = cash[a] - paid, queue[a] - paid, room[a] - paid
                if t.is_backstop[day]:
                    queue[a] = min(queue[a], of_year[a])  # the county pays what fell due before the year
            _limits(t, cash, queue, set_now, limit)
        for b in range(n_lenders):
            used[b] -= freed[b, day]
        while i < start.size and start[i] - first_day <= day:
            b = lender[i]
            if stopped[b] == 1:
                reason[i] = STOPPED
            elif quota >= 0 and lent + principal[i] > quota:
                reason[i] = QUOTA_USED
            elif used[b] + covered[i] > limit[b]:
                reason[i] = CAPPED
                refused[b] += covered[i]
            else:
                used[b] += covered[i]
                lent += principal[i]
                freed[b, min(max(release[i] - first_day, day + 1), n_days)] += covered[i]
                if looks_ahead:
                    _expect(t, new, i, day + 1, stock, bad, pays, comes, early)
            i += 1
        if can_stop:
            stops[t.month[day]] = stopped
            if t.is_month_end[day]:
                outstanding += stock[:, t.month[day]]
                is_bad += bad[:, t.month[day]]
                _decide(t, day, stopped, is_bad, outstanding, pays, early, queue, cash, set_now)
    return Granted(reason, stops, counted)
