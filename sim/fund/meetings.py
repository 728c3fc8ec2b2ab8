"""The leading group: at each joint meeting it decides the claims that are ready."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import Any

import simpy

from sim.clock import Calendar, Slot, until
from sim.fund.claims import Claims
from sim.fund.claims_kernel import ready
from sim.fund.days import latest_review, pay_days
from sim.law import Rules
from sim.units import I64


def leading_group(
    env: simpy.Environment, rules: Rules, calendar: Calendar, claims: Claims, meetings: I64
) -> Generator[Any, Any, None]:
    """Approve or refuse, at each meeting, what has been through all steps before it.

    A claim with an objection is put off by the number of meetings that the rules name. A loan that has
    been repaid in the meantime is not put before the meeting.

    Source: X county regulation, art. 14, 18, 20(3); refusals art. 21, causes art. 25.
    """
    put_off: Counter[int] = Counter()  # meetings that a claim has lost
    pays = pay_days(rules, calendar, meetings).tolist()
    for day, pay_day in zip(meetings.tolist(), pays, strict=True):
        yield from until(env, day, Slot.MEETING)
        reviewed_by = latest_review(rules, calendar, day)
        decided = ready(claims.decided, claims.reviewed, claims.ready_on, claims.recovered_on, day, reviewed_by)
        if claims.has_objection[decided].any():
            waits = claims.has_objection[decided] & [
                put_off[i] < rules.claim.objection_waits_meetings for i in decided.tolist()
            ]
            put_off.update(decided[waits].tolist())
            decided = decided[~waits]
        claims.decided[decided] = day
        claims.due[decided[~claims.is_refused[decided]]] = pay_day
