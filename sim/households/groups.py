"""Joint liability: members with cash pay for one who has missed the date; where one stays in arrears others' will falls.

After the household month, for each group of the register. Both effects are assumptions of a scenario: in Mouding the group is
liable and 20,000 yuan stayed unpaid all the same; removing liability changed no defaults in one trial of three years, and
strict liability made members default together in a bad time in another study.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.errors import InputError
from sim.households.groups_kernel import shake
from sim.households.month import repay
from sim.households.register import Register
from sim.households.state import BORROWED, LOST, OVERDUE, REFUSES, SEVERE, WENT_BAD, Now, Out, People, Terms
from sim.livelihoods import Groups
from sim.scenario import Scenario
from sim.streams import stream_key, uniforms_reference
from sim.units import F64, I64, Bool, interest

MOST = 10  # members of a group
_MEMORY = 365  # days for which neighbours remember a missed date


class Ties(NamedTuple):
    """Who is in a group with whom, and how likely one pays for another.

    Attributes
    ----------
    members : (n, most - 1) int64
        Rows of the other members of each household's group in order of id, -1 behind the last.
    helps : float
        Chance that a member stands by another for one of its loans.
    key
    """

    members: I64
    helps: float
    key: np.uint64


def ties(scenario: Scenario, groups: Groups | None, register: Register, seed: int) -> Ties | None:
    """Groups of a scenario; None where nobody is liable for another.

    Raises
    ------
    InputError
        A group of more than `MOST` households.
    """
    if groups is None or not groups.on:
        return None
    order = np.argsort(register.group, kind="stable")  # the register is in order of id
    _, first, size = np.unique(register.group[order], return_index=True, return_counts=True)
    if size.max() > MOST:
        where = f"{scenario.name}, group of household {int(register.id[order[first[size.argmax()]]])}"
        raise InputError(where, "livelihoods.groups", int(size.max()), f"groups of at most {MOST} households")
    members = np.full((register.id.size, int(size.max()) - 1), -1, dtype=np.int64)
    for begin, n in zip(first.tolist(), size.tolist(), strict=True):
        rows = order[begin : begin + n]
        for row in rows.tolist():
            members[row, : n - 1] = rows[rows != row]
    return Ties(members, groups.helps, stream_key(seed, "group.help"))


def shaken(live: Groups, tie: Ties, register: Register, people: People, now: Now, usual: F64) -> F64:
    """Log odds of not wanting to pay: ``usual``, (n,), and what a shaken group adds; nothing in good times.

    ``infects_logit`` times the share of the other members in arrears or bad, where a drought in the township was severe
    within a year or disease has taken as much of the household's herd.
    """
    will = usual.copy()
    shake(people.status, tie.members, register.township, now.recent, now.herd, live.infects_logit, will)
    return will


def shaken_reference(live: Groups, tie: Ties, register: Register, people: People, now: Now, usual: F64) -> F64:
    """Plain twin of `shaken`."""
    in_arrears = np.append(people.status >= OVERDUE, False)[tie.members].sum(axis=1)
    share = in_arrears / np.maximum((tie.members >= 0).sum(axis=1), 1)
    is_bad_time = (now.recent[register.township] >= SEVERE) | (1.0 - now.herd >= SEVERE)
    return usual + np.where(is_bad_time, live.infects_logit * share, 0.0)


def help_reference(p: People, r: Register, t: Terms, tie: Ties, now: Now, out: Out, given: I64) -> None:
    """Groups pay for members whose date is missed, in order of id. Plain twin of `groups_kernel.help`.

    It is repaid late then (CURED), at the month's end. Asked is what the loan asks with penalty interest to the month's end, less the member's own cash above the floor and what kin
    would still advance. A member who wants to pay is helped; one who refuses, or whose loan is bad by now, is not. The others
    who are not in arrears give from cash above their floor, in order of id, each with the chance ``helps`` drawn once for the two and
    the loan. They give only where together they can make up all that is missing: a part would not save the loan.

    Parameters
    ----------
    given : (n,) int64 [fen]
        Filled: what each has received (positive) or given (negative); adds up to nothing.
    """
    given[:] = 0
    floor = (r.persons * t.floor_fen + 0.5).astype(np.int64)
    usual = (r.crop_fen + r.livestock_fen + r.wage_fen + r.transfer_fen) // 12
    limit = (t.informal_months * usual).astype(np.int64)
    for i in np.flatnonzero(_asks(p, out)).tolist():
        who = np.arange(p.cash.size) == i
        rate = int(p.rate_ppm[i] * t.penalty + 0.5)
        asked = int(
            p.principal[i] + p.arrears[i] + interest(p.principal[i], rate, now.month_end - p.due[i], t.day_count)
        )
        own = min(max(int(p.cash[i] - floor[i]), 0), asked)
        kin = min(max(int(limit[i] - p.informal[i]), 0), asked - own)
        short = asked - own - kin
        rows = tie.members[i][tie.members[i] >= 0]
        u = uniforms_reference(tie.key, now.replication, np.full(rows.size, p.start[i]), r.id[rows] ^ r.id[i])[0]
        rows = rows[(u < tie.helps) & (p.status[rows] < OVERDUE)]
        spare = np.maximum(p.cash[rows] - floor[rows], 0)
        if short > spare.sum():
            continue
        gives = np.diff(np.minimum(np.cumsum(spare), short), prepend=0)
        p.cash[rows] -= gives
        given[rows] -= gives
        given[i] += short
        p.cash[i] -= own
        p.informal[i] += kin
        out.totals[BORROWED] += kin
        out.borrowers[now.circle[i]] -= 1
        out.bad[now.circle[i]] -= int(now.month_end - p.due[i] <= _MEMORY)
        repay(p, r, t, now, out, who, np.where(who, asked, 0))


def _asks(p: People, out: Out) -> Bool:
    """Late, willing, and not bad."""
    return (p.status == OVERDUE) & (p.marks & (REFUSES | LOST) == 0) & (out.event & WENT_BAD == 0)
