"""A lender: lends and collects through the month, and files its subsidy list at each settlement."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import simpy

from sim.clock import Slot, until
from sim.ledger import Ledger
from sim.units import I64


def lender(
    env: simpy.Environment, ledger: Ledger, index: int, month_ends: I64, lent: I64, repaid: I64,
    entitled: dict[int, int], paid_to_bank: bool,
) -> Generator[Any, Any, None]:  # fmt: skip
    """Book each month's lending and repayments on its last day, and the interest at each settlement.

    Parameters
    ----------
    month_ends : (n,) int64 [day]
    lent, repaid : (n,) int64 [fen]
        Principal of the month.
    entitled : dict of settlement day -> fen
        Subsidised interest of the period. Direct: the lender carries it as a receivable. Pay-first: the
        household pays it now and waits for the refund.

    Source: X county regulation, art. 13, 17, 27 (28 for pay-first).
    """
    book, cash = f"book:{index}", f"cash:{index}"
    settlements = sorted(entitled)
    position = 0
    for k, end in enumerate(month_ends):
        while position < len(settlements) and settlements[position] <= end:
            day = settlements[position]
            yield from until(env, day, Slot.LENDER_MONTH)
            fen = entitled[day]
            ledger.post(day, "subsidy falls due", (f"subsidy_due:{index}", fen), ("county_owes", -fen))
            if not paid_to_bank:
                ledger.post(day, "household pays interest first", ("households", -fen), (cash, fen))
            position += 1
        day = int(end)
        yield from until(env, day, Slot.LENDER_MONTH)
        fen = int(lent[k])
        ledger.post(day, "loans made", (cash, -fen), ("households", fen), (book, fen), ("debt", -fen))
        fen = int(repaid[k])
        ledger.post(day, "principal repaid", (cash, fen), ("households", -fen), (book, -fen), ("debt", fen))
