"""The leading group: at each joint meeting it decides the claims that are ready."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np
import simpy

from sim.clock import Calendar, Slot, until
from sim.fund.claims import NEVER, Claims
from sim.law import Rules
from sim.units import I64


def leading_group(
    env: simpy.Environment, rules: Rules, calendar: Calendar, claims: Claims, meetings: I64
) -> Generator[Any, Any, None]:
    """Approve or refuse, at each meeting, what has been through notice and review.

    A claim with an objection is put off by the number of meetings that the rules name. A loan that has
    been repaid in the meantime is not put before the meeting.

    Source: X county regulation, art. 14, 18, 20(3); refusals art. 21, causes art. 25.
    """
    put_off = np.zeros(0, dtype=np.int64)
    for day in meetings:
        yield from until(env, int(day), Slot.MEETING)
        new = claims.has_objection[put_off.size :]
        put_off = np.append(put_off, np.where(new, rules.claim.objection_waits_meetings, 0))
        ready = (claims.decided == NEVER) & (claims.notice_ends <= day) & (claims.recovered_on > day)
        ready &= (claims.reviewed != NEVER) & (claims.reviewed <= day)
        waiting = ready & (put_off > 0)
        put_off[waiting] -= 1
        decided = ready & ~waiting
        claims.decided[decided] = day
        approved = decided & ~claims.is_refused
        if approved.any():
            pays = calendar.add_working_days(np.array([day]), rules.claim.payment_working_days)[0]
            claims.due[approved] = pays
