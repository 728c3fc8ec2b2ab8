"""The county finance bureau: cash for the subsidy comes on dates, and lists are paid while it lasts."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import simpy

from sim.clock import Slot, until
from sim.fiscal.office import Lists
from sim.ledger import Ledger


def finance_bureau(
    env: simpy.Environment, ledger: Ledger, lists: Lists, releases: dict[int, int], payment_days: list[int],
    paid_to_bank: bool,
) -> Generator[Any, Any, None]:  # fmt: skip
    """Release the budget by quarter and pay confirmed lists in order, in part when cash runs out.

    Parameters
    ----------
    releases : dict of day -> fen
        Cash limits of the year's appropriation; what is not spent is carried over.
    payment_days : list of int
    paid_to_bank : bool
        Direct to the bank, or refunded to the household that has paid first.

    Source: X county regulation, art. 5, 6 and 27; the split by quarter is an assumption.
    """
    for day in sorted({*releases, *payment_days}):
        if day in releases:
            yield from until(env, day, Slot.BUDGET_RELEASE)
            ledger.post(day, "budget release", ("county", -releases[day]), ("subsidy_cash", releases[day]))
        if day not in payment_days:
            continue
        yield from until(env, day, Slot.PAYMENT)
        ready = [i for i in range(len(lists)) if 0 <= lists.confirmed[i] <= day and lists.paid[i] < lists.amount[i]]
        for i in sorted(ready, key=lambda i: (lists.confirmed[i], i)):
            fen = min(lists.amount[i] - lists.paid[i], ledger.balances["subsidy_cash"])
            if fen <= 0:
                break
            lender = lists.lender[i]
            payee = f"cash:{lender}" if paid_to_bank else "households"
            ledger.post(day, "subsidy paid", ("subsidy_cash", -fen), (payee, fen),
                        (f"subsidy_due:{lender}", -fen), ("county_owes", fen))  # fmt: skip
            lists.paid[i] += fen
            if day <= lists.period_end[i] + 90:
                lists.paid_in_90[i] += fen
