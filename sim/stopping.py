"""Whether a rule stops new lending where households are simulated: read from books, accounts and claims as they stand."""

from __future__ import annotations

import numpy as np

from sim.booked import held_at, principal_by_lender, so_far
from sim.fund.claims import NEVER
from sim.lending.granting_kernel import must_stop
from sim.units import I64, Bool
from sim.world import Setup, World


def decide(setup: Setup, world: World, day: int) -> None:
    """Stop each lender, or let it lend again, at the end of a day. The reduced form does the same in `granting_kernel.grant`."""
    c, stop = world.community, setup.granting.stop
    assert c is not None
    outstanding, bad = _books(setup, world, day)
    is_unpaid, held, whole = _fund(setup, world, day)
    for b, a in enumerate(setup.account_of.tolist()):
        lender, account = (slice(None), slice(None)) if stop.is_county else (slice(b, b + 1), slice(a, a + 1))
        used = 1.0 - held[account].sum() / max(int(whole[account].sum()), 1)
        c.is_stopped[b] = must_stop(
            stop, bool(c.is_stopped[b]), bad[lender].sum(), outstanding[lender].sum(), bool(is_unpaid[account].any()), used
        )  # fmt: skip


def _books(setup: Setup, world: World, day: int) -> tuple[I64, I64]:
    """Outstanding and bad principal by lender [fen]."""
    held, _, bad = held_at(setup, world, day)
    loans, _ = so_far(world)
    return principal_by_lender(setup, loans, held), principal_by_lender(setup, loans, bad)


def _fund(setup: Setup, world: World, day: int) -> tuple[Bool, I64, I64]:
    """By account: has it left an approved claim unpaid for too long; what it holds, and its set size [fen]."""
    claims, n = world.claims, setup.account_fen.size
    waits = (claims.due != NEVER) & (claims.paid < claims.fund_part) & (claims.recovered_on > day)
    waits &= day - claims.due >= max(setup.granting.stop.unpaid_days, 0)
    is_unpaid = np.bincount(setup.account_of[claims.lender[waits]], minlength=n) > 0
    held = np.array([world.ledger.balances[f"fund:{i}"] for i in range(n)], dtype=np.int64)
    whole = np.bincount(setup.account_of, weights=world.set_fen, minlength=n).astype(np.int64)
    return is_unpaid, held, whole
