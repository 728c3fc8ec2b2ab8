"""Subsidy lists and claim files on their way to the office, and the days on which cash is released."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim import clock
from sim.clock import Calendar, day_in_year
from sim.fiscal.office import CLAIM as CLAIM_FILE
from sim.fiscal.office import LIST, Lists
from sim.fiscal.subsidy import settlement_days
from sim.law import Rules
from sim.lending.loans import NEVER, Loans
from sim.streams import stream_key, uniforms
from sim.units import F64, I64, PPM, Array, share_of
from sim.world import Setup, World


def arrival_days(rules: Rules, calendar: Calendar, settlements: I64, last_day: int) -> I64:
    """Day on which the list of each settlement, and of the one after the last, is on the office's desk."""
    subsidy = rules.subsidy
    following = settlement_days(subsidy.settlements_per_year, subsidy.settlement_day, last_day + 1, last_day + 400)
    return calendar.add_working_days(np.append(settlements, following[0]), subsidy.check_working_days)


def file_lists(setup: Setup, lists: Lists, j: int, entitled: I64, lines: I64, to_household: Array) -> None:
    """One settlement's files: each lender's list, and the part with errors that comes one settlement later.

    Parameters
    ----------
    j : int
        Number of the settlement.
    entitled, lines : (n_lenders,) int64 [fen, count]
    to_household : (n_lenders,) bool
        The money goes to households that have paid first.
    """
    errors, day = setup.scenario.fiscal.file_errors, int(setup.settlements[j])
    arrives, again = setup.arrivals[j : j + 2].tolist()
    each = zip(entitled.tolist(), lines.tolist(), to_household.tolist(), strict=True)
    for index, (fen, n, whose) in enumerate(each):
        if fen:
            wrong = share_of(fen, round(errors * PPM))
            lists.add(day, index, fen - wrong, n, arrives, to_household=whose)
            if wrong:
                lists.add(day, index, wrong, round(n * errors), again, to_household=whose)


def submit_lists(setup: Setup, world: World, begin: int) -> None:
    """Put the lists from number ``begin`` on on the desk's calendar."""
    lists, first, a_line = world.lists, setup.first_day, setup.scenario.office.minutes_per_line
    for i in range(begin, len(lists)):
        arrives = lists.arrives[i]
        if lists.confirmed[i] < 0 and arrives <= setup.last_day:
            world.desk.submit(max(arrives, first), LIST, lists.lines[i] * a_line, (LIST, i))


def submit_claims(setup: Setup, world: World, begin: int) -> None:
    """Put the claim files from number ``begin`` on on the desk's calendar, if not collected before they arrive.

    Where the rules know no clerks' review, a file passes on the day on which it would reach the desk.
    """
    if not setup.rules.has_cover:
        return
    claims, first = world.claims, setup.first_day
    is_new = (claims.decided[begin:] == NEVER) & (claims.reviewed[begin:] == NEVER)
    comes = (claims.arrives[begin:] <= setup.last_day) & (claims.recovered_on[begin:] > claims.arrives[begin:])
    which = begin + np.flatnonzero(is_new & comes)
    on_desk = np.maximum(claims.arrives[which], first)
    if setup.rules.claim.steps.queue is None:
        claims.reviewed[which] = on_desk
        return
    for k, day, minutes in zip(which.tolist(), on_desk.tolist(), _minutes(setup, world, which).tolist(), strict=True):
        world.desk.submit(day, CLAIM_FILE, minutes, (CLAIM_FILE, k))


def _minutes(setup: Setup, world: World, which: I64) -> F64:
    """Clerks' minutes for each of some claims: the parts of a firm's loan are one file between them."""
    rows, c, h = world.claims.row[which], world.community, setup.households
    out = np.full(rows.size, float(setup.scenario.office.minutes_per_claim))
    if c is not None and h is not None and h.firms is not None:
        parts = np.flatnonzero(c.owner[rows] >= h.firms.firm.size)
        _, of = Loans(*c.book).contracts(rows[parts])
        out[parts] /= np.bincount(of)[of]
    return out


@dataclass(frozen=True)
class Release:
    """One release of the year's budget.

    Attributes
    ----------
    planned, arrives, latest : int [day]
        All comes ``delay_months`` after its day; what is the upper level's up to ``upper_level_days_late`` days later still.
    share : float [1]
        Of the year's budget.
    """

    planned: int
    arrives: int
    latest: int
    share: float


def releases_of(setup: Setup, replication: int) -> list[Release]:
    """Releases planned within the history, in order of arrival; some arrive beyond it."""
    fiscal = setup.scenario.fiscal
    years = np.arange(clock.date_of(setup.first_day).year, clock.date_of(setup.last_day).year + 1)
    quarters = np.repeat(years * 4, 4) + np.tile(np.arange(4), years.size)
    u = _transfer_luck(setup, replication, quarters)
    own, spread, out = 1 - fiscal.upper_level_share, fiscal.upper_level_days_late, []
    for k, quarter in enumerate(quarters.tolist()):
        year, q = divmod(quarter, 4)
        day, share = day_in_year(year, fiscal.release_days[q]), fiscal.cash_by_quarter[q]
        if setup.first_day <= day <= setup.last_day:
            comes = int(clock.add_months(np.array([day]), fiscal.delay_months)[0]) if fiscal.delay_months else day
            out.append(Release(day, comes, comes, share * own))
            if own < 1:
                out.append(Release(day, comes + int(u[k] * (spread + 1)), comes + spread, share * (1 - own)))
    return sorted(out, key=lambda r: (r.arrives, r.planned))


def under_way(setup: Setup, replication: int) -> dict[int, int]:
    """Upper-level money that the opening state has on the road: day of arrival -> fen, spread over the days left."""
    transfers = setup.opening.transfers
    u = _transfer_luck(setup, replication, np.arange(-len(transfers), 0))
    out: dict[int, int] = {}
    for (latest, fen), luck in zip(transfers, u, strict=True):
        day = setup.first_day + int(luck * (latest - setup.first_day + 1))
        out[day] = out.get(day, 0) + fen
    return {day: fen for day, fen in out.items() if day <= setup.last_day}


def _transfer_luck(setup: Setup, replication: int, numbers: I64) -> F64:
    """Luck of transfers by number: year x 4 + quarter, and -1, -2, ... for those under way at the beginning."""
    key = stream_key(setup.seed, "fiscal.transfer")
    return uniforms(key, replication, numbers, np.zeros(numbers.size, np.int64))[0]
