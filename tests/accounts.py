"""The fund's accounts as tests of payments need them."""

from __future__ import annotations

from collections.abc import Sequence

from sim.ledger import Ledger


def fund_ledger(day: int, fund_fen: Sequence[int]) -> Ledger:
    """A ledger of two lenders whose fund accounts hold the given amounts [fen] on a day."""
    ledger = Ledger()
    lenders = (f"{name}:{i}" for name in ("cash", "book") for i in (0, 1))
    for name in ("before", "county", "banks", "households", "debt", *lenders):
        ledger.open(name)
    for i, fen in enumerate(fund_fen):
        ledger.open(f"fund:{i}", guarded=True)
        ledger.post(day, "set up", (f"fund:{i}", fen), ("before", -fen))
    return ledger
