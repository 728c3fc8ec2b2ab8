"""What makes a lender cautious, and how much of its new lending it then gives up."""

from __future__ import annotations

import numpy as np

from sim.booked import bad_ratio
from sim.units import F64
from sim.world import Setup, World


def caution(setup: Setup, world: World, day: int) -> F64:
    """Share of the next month's applications that each lender turns away, from what it knows at the end of a day.

    A reported bad-loan ratio above one line, and a sub-account below another, each cut lending by their share; both
    together leave the product of what each leaves.
    """
    rule, n = setup.scenario.lending.appetite, setup.set_fen.size
    if rule is None:
        return np.zeros(n)
    many_bad = bad_ratio(setup, world, day) > rule.bad_loans_above
    balances = world.ledger.balances
    held = np.array([balances[f"fund:{account}"] for account in setup.account_of], dtype=np.int64)
    whole = np.bincount(setup.account_of, weights=world.set_fen, minlength=setup.account_fen.size)
    is_low = held < rule.fund_below * whole[setup.account_of]
    return 1 - (1 - many_bad * rule.bad_loans_cut) * (1 - is_low * rule.fund_cut)
