"""Which applications are granted: multiple, quota and stop of lending, day by day, compiled.

What the fund does to lending (a multiple on its balance, a stop while claims wait) follows from its account, kept here on
the dates that hold if no clerk is late. Stopping is one function for both mechanisms.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from sim.lending.granting import (
    CAPPED,
    NONE,
    QUOTA_USED,
    STOPPED,
    TO_DEMAND,
    TO_MULTIPLE,
    Granted,
)
from sim.units import PPM


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
