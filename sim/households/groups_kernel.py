"""Members who pay for a member, compiled: the twin of `groups.help_reference`, same arguments, same bits."""

from __future__ import annotations

from typing import Any

from numba import njit

from sim.households.state import (
    BORROWED,
    CURED,
    EXTRA,
    LOST,
    NONE,
    OVERDUE,
    PRINCIPAL,
    REFUSES,
    SEVERE,
    UNSUBSIDISED,
    WENT_BAD,
)
from sim.streams import uniform_pair
from sim.subsidy import subsidised
from sim.units import PPM

_MEMORY = 365  # days for which neighbours remember a missed date


@njit(cache=True, error_model="numpy")
def _above_floor(p: Any, r: Any, t: Any, i: Any) -> Any:
    return max(p.cash[i] - int(r.persons[i] * t.floor_fen + 0.5), 0)


@njit(cache=True, error_model="numpy")
def help_members(p: Any, r: Any, t: Any, tie: Any, now: Any, out: Any, given: Any) -> None:
    """See `groups.help_reference`."""
    given[:] = 0
    year = t.day_count * PPM
    for i in range(p.cash.size):
        if p.status[i] != OVERDUE or p.marks[i] & (REFUSES | LOST) != 0 or out.event[i] & WENT_BAD != 0:
            continue
        usual = (r.crop_fen[i] + r.livestock_fen[i] + r.wage_fen[i] + r.transfer_fen[i]) // 12
        rate = int(p.rate_ppm[i] * t.penalty + 0.5)
        late = (p.principal[i] * rate * (now.month_end - p.due[i]) + year // 2) // year
        asked = p.principal[i] + p.arrears[i] + late
        own = min(_above_floor(p, r, t, i), asked)
        kin = min(max(int(t.informal_months * usual) - p.informal[i], 0), asked - own)
        short = asked - own - kin
        spare = 0
        for turn in range(2):  # first what they could give, then what they give
            left = short
            for m in range(tie.members.shape[1]):
                j = tie.members[i, m]
                if j < 0:
                    break
                if (
                    p.status[j] < OVERDUE
                    and uniform_pair(tie.key, now.replication, p.start[i], r.id[j] ^ r.id[i])[0] < tie.helps
                ):
                    fen = min(_above_floor(p, r, t, j), left)
                    left -= fen
                    if turn == 1:
                        p.cash[j] -= fen
                        given[j] -= fen
            spare = short - left
            if spare < short:
                break
        if spare < short:
            continue
        given[i] += short
        p.cash[i] -= own
        p.informal[i] += kin
        out.totals[BORROWED] += kin
        lender = r.lender[i]
        out.by_lender[lender, EXTRA] += asked - p.principal[i]
        out.by_lender[lender, PRINCIPAL] += p.principal[i]
        out.event[i] |= CURED
        out.borrowers[now.circle[i]] -= 1
        out.bad[now.circle[i]] -= int(now.month_end - p.due[i] <= _MEMORY)
        if t.subsidy.extra_days > 0 and p.marks[i] & UNSUBSIDISED == 0:
            to = min(now.month_end, p.due[i] + t.subsidy.extra_days)
            p.carry[i] += subsidised(t.subsidy, p.principal[i], p.rate_ppm[i], p.start[i], p.accrued_to[i], to)
        p.carry[i] += p.withheld[i]
        p.withheld[i] = 0
        p.status[i] = NONE
        p.arrears[i] = 0
        p.marks[i] = 0
        p.wait_until[i] = now.month + 1


@njit(cache=True, error_model="numpy")
def shake(status: Any, members: Any, place: Any, recent: Any, herd: Any, logit: Any, will: Any) -> None:
    """Add to ``will``, (n,), what a group that is shaken in a bad time adds; see `groups.shaken_reference`."""
    for i in range(status.size):
        if recent[place[i]] >= SEVERE or 1.0 - herd[i] >= SEVERE:
            late = others = 0
            for m in range(members.shape[1]):
                j = members[i, m]
                if j < 0:
                    break
                others += 1
                late += status[j] >= OVERDUE
            if late > 0:
                will[i] += logit * (late / others)


@njit(cache=True, error_model="numpy")
def remember(
    income_year: Any, persons: Any, line: Any, after_months: Any, cal: Any, income_12: Any, poor_months: Any, relapses: Any
) -> None:  # fmt: skip
    """Twelve months' income of each household, and who falls back below the line; see `month.remember_reference`."""
    for i in range(income_year.size):
        before = after = 0
        for k in range(cal):
            before += income_12[i, k]
        for k in range(cal + 1, 12):
            after += income_12[i, k]
        income_12[i, cal] = income_year[i] - before
        if income_year[i] + after >= line * persons[i]:
            poor_months[i] = 0
        elif poor_months[i] >= 0:
            poor_months[i] += 1
            if poor_months[i] == after_months:
                relapses[i] += 1
