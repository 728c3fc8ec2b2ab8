"""A township that borrows from the bank and lends on: it repays on the date, and the county pays what households did not.

The books of `lending.lender` are then the township's own, with its households. Behind them stands the bank's loan to
the township, which is never overdue; what households leave unpaid becomes a debt of the county.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import numpy as np

from sim.booked import principal_by_lender, so_far
from sim.clock import Slot, until
from sim.errors import ConservationError
from sim.households.reduced_form import CURED, REPAID
from sim.lending.loans import PAID
from sim.world import Setup, World


def open_accounts(setup: Setup, world: World) -> None:
    """The bank's loans to the township: of each household's loan that has not come to its date."""
    world.ledger.open("town_debt")
    ahead = (world.fates.missed >= setup.first_day) & (world.loans.start < setup.first_day)
    for index, fen in enumerate(principal_by_lender(setup, world.loans, ahead).tolist()):
        for name in ("bank", "bank_book"):
            world.ledger.open(f"{name}:{index}")
        world.ledger.post(setup.first_day, "owed by the township", (f"bank_book:{index}", fen), ("town_debt", -fen))


def township(env: Any, setup: Setup, world: World) -> Generator[Any, Any, None]:
    """Month by month: the bank lends what households are lent, and has it back on the date.

    Households repay the township. What they have not paid by the date the county pays; what they pay later goes to the
    county.
    """
    begin = setup.first_day
    for end in setup.month_ends.tolist():
        yield from until(env, end, Slot.LENDER_MONTH)
        loans, fates = so_far(world)
        claims = world.claims
        made = (loans.start >= begin) & (loans.start <= end)
        due = (fates.missed >= begin) & (fates.missed <= end) & (loans.status != PAID)
        late = (fates.fate == CURED) & (fates.repaid >= begin) & (fates.repaid <= end)
        lent, owed, missing, returned = (
            principal_by_lender(setup, loans, rows) for rows in (made, due, due & (fates.fate != REPAID), late)
        )
        back = (claims.recovered_on >= begin) & (claims.recovered_on <= end)
        np.add.at(returned, claims.lender[back], claims.amount[back])
        for i, (new, fen, short, later) in enumerate(
            zip(lent.tolist(), owed.tolist(), missing.tolist(), returned.tolist(), strict=True)
        ):
            bank, book, town = f"bank:{i}", f"bank_book:{i}", f"cash:{i}"
            world.ledger.post(end, "lent to the township", (bank, -new), (town, new), (book, new), ("town_debt", -new))
            world.ledger.post(
                end, "township repays", (bank, fen), (town, short - fen), ("county", -short), (book, -fen), ("town_debt", fen)
            )  # fmt: skip
            world.ledger.post(end, "paid later by households", (town, -later), ("county", later))
        begin = end + 1


def check(setup: Setup, world: World) -> None:
    """The bank's loans to the township are those of households that have not come to their date.

    Raises
    ------
    ConservationError
    """
    ahead = (world.fates.missed > setup.last_day) & (world.loans.start <= setup.last_day)
    for index, fen in enumerate(principal_by_lender(setup, world.loans, ahead).tolist()):
        held = world.ledger.balances[f"bank_book:{index}"]
        if held != fen:
            raise ConservationError(f"the bank's loans to the township are {held} fen, those not due {fen} fen")
