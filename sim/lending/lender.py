"""A lender: lends and collects through the month, and files its subsidy list at each settlement."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import simpy

from sim.clock import Slot, until
from sim.ledger import Ledger
from sim.units import I64


def lender(
    env: simpy.Environment, ledger: Ledger, index: int, month_ends: I64, lent: I64, repaid: I64, interest: I64,
    settlements: I64, entitled: I64,
) -> Generator[Any, Any, None]:  # fmt: skip
    """Book each month's lending and repayments on its last day, and the interest at each settlement.

    Parameters
    ----------
    month_ends : (n,) int64 [day]
    lent, repaid, interest : (n,) int64 [fen]
        Principal of the month, and interest that households pay themselves. Read on the day.
    settlements : (k,) int64 [day]
    entitled : (k,) int64 [fen]
        Subsidised interest of each period, a receivable until the county pays it: to the lender, or to the
        household that has paid first. Read on the day.

    Source: X county regulation, art. 13, 17, 27 (28 for pay-first).
    """
    book, cash, due = f"book:{index}", f"cash:{index}", f"subsidy_due:{index}"
    settled, position = settlements.tolist(), 0
    for k, day in enumerate(month_ends.tolist()):
        while position < len(settled) and settled[position] <= day:
            yield from until(env, settled[position], Slot.LENDER_MONTH)
            fen = int(entitled[position])
            ledger.post(settled[position], "subsidy falls due", (due, fen), ("county_owes", -fen))
            position += 1
        yield from until(env, day, Slot.LENDER_MONTH)
        fen = int(lent[k])
        ledger.post(day, "loans made", (cash, -fen), ("households", fen), (book, fen), ("debt", -fen))
        fen = int(repaid[k])
        ledger.post(day, "principal repaid", (cash, fen), ("households", -fen), (book, -fen), ("debt", fen))
        if interest[k]:
            fen = int(interest[k])
            ledger.post(day, "interest paid by households", ("households", -fen), (cash, fen))
