"""A loan whose interest stays unpaid goes bad before its date, where the waiting time counts from a missed interest date."""

from __future__ import annotations

import numpy as np

from sim.households.month import fall_behind
from sim.households.register import Register
from sim.households.state import NEVER_DAY, OPEN, WAS_CALLED, Now, Out, People, Terms
from sim.units import I64
from sim.world import Setup, World


def go_bad(setup: Setup, world: World, now: Now) -> None:
    """After the households' month: loans whose interest has been unpaid for the waiting time go bad; firms' too.

    Interest that borrowers pay themselves is asked at each settlement; what is unpaid at the month's end was missed on the
    settlement day. Who pays all arrears begins anew. The missed interest date takes the place of the missed maturity in the
    claim. Subsidised interest that the county owes to the bank is never missed by a household. Of arrears that stand on the
    information date the last settlement is the missed date, for when they arose is not known.

    Where the township borrows nothing is claimed, and its bank has each loan back on the loan's own date: no date moves.

    Source: X county regulation, art. 19 names no day; this reading where ``claim.counts_from`` is ``interest``.
    """
    if setup.rules.claim.counts_from != "interest" or setup.rules.loan.borrower_of_record == "township":
        return
    c, h = world.community, setup.households
    assert c is not None and h is not None
    settled = setup.settlements[: np.searchsorted(setup.settlements, now.month_end, side="right")]
    day = int(settled[-1]) if settled.size else setup.first_day
    _go_bad(c.people, h.register, h.terms, now, c.out, c.interest_missed, day, True)
    if h.firms is not None and c.firms is not None:
        f, of_parts = h.firms, now._replace(herd=now.herd[h.firms.household])
        _go_bad(c.firms.people, f.register, f.terms, of_parts, c.firms.out, c.firms.interest_missed, day, False)


def _go_bad(p: People, r: Register, t: Terms, now: Now, out: Out, since: I64, day: int, has_neighbours: bool) -> None:
    """One kind of borrower.

    Parameters
    ----------
    since : (n,) int64 [day]
        Missed interest date of each borrower, `NEVER_DAY` for none. Kept up to date.
    day : int
        Settlement whose interest was asked last.
    """
    is_behind = (p.status == OPEN) & (p.arrears > 0)
    since[:] = np.where(is_behind, np.minimum(since, day), NEVER_DAY)
    who = is_behind & (since + t.wait_days <= now.over_by)
    if not who.any():
        return
    p.due[who] = since[who]
    out.event[who] |= WAS_CALLED
    fall_behind(p, r, t, now, out, who)
    if has_neighbours:
        np.add.at(out.bad, now.circle[who], 1)
    since[who] = NEVER_DAY
