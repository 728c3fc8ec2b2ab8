"""Members who pay for a member, compiled: the twin of `groups.help_reference`, same arguments, same bits."""

from __future__ import annotations

from typing import Any

from numba import njit

from sim.households.state import BORROWED, CURED, EXTRA, LOST, NONE, OVERDUE, PRINCIPAL, REFUSES, UNSUBSIDISED, WENT_BAD
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
def remember(p: Any, r: Any, line: Any, after_months: Any, cal: Any) -> None:
    """Twelve months' income of each household, and who falls back below the line; see `month.remember_reference`."""
    for i in range(p.cash.size):
        before = 0
        for k in range(cal):
            before += p.income_12[i, k]
        p.income_12[i, cal] = p.income_year[i] - before
        total = 0
        for k in range(12):
            total += p.income_12[i, k]
        if total >= line * r.persons[i]:
            p.poor_months[i] = 0
        elif p.poor_months[i] >= 0:
            p.poor_months[i] += 1
            if p.poor_months[i] == after_months:
                p.relapses[i] += 1
