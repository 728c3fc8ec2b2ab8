"""Firms in the course of a history: between the households they cover, the lenders' book and the lists of subsidy."""

from __future__ import annotations

import numpy as np

from sim.booked import so_far
from sim.households import firms
from sim.households.book import Community, FirmsNow
from sim.households.firms import Covering
from sim.households.state import BY_FIRM, FAILED, LOST, OPEN, WORKS, Now, livelihoods_of
from sim.units import F64, I64, Bool
from sim.world import Setup, World


def _known(setup: Setup, world: World) -> tuple[Community, Covering, FirmsNow] | None:
    c, h = world.community, setup.households
    if c is None or h is None or h.firms is None:
        return None
    assert c.firms is not None
    return c, h.firms, c.firms


def strike(setup: Setup, world: World, now: Now, k: int) -> Now:
    """Before the households' month: firms fail. What the month is then like for those whom they covered.

    A loan whose money a failing firm has used is lost: it will not be repaid on its date.
    """
    found = _known(setup, world)
    if found is None:
        return now
    c, f, state = found
    live = livelihoods_of(setup.scenario).firms
    assert live is not None
    fails = firms.fail(f, live, state.people, now, world.replication)
    if fails.any():
        state.failed += [(k, i) for i in np.flatnonzero(fails).tolist()]
        hit = np.flatnonzero((f.firm >= 0) & fails[f.firm])
        c.people.marks[hit[(c.people.status[hit] == OPEN) & (c.people.marks[hit] & BY_FIRM != 0)]] |= LOST
    is_down = state.people.health[f.first] == FAILED
    return now._replace(wage=_by_firm(f, np.where(is_down, 1.0 - live.income_share, 1.0), 1.0))


def _by_firm(f: Covering, of_firms: F64, of_others: float) -> F64:
    """A number of each firm, for each household, (n,)."""
    return np.append(of_firms, of_others)[f.firm]  # -1: no firm


def channel(setup: Setup, world: World) -> F64:
    """Chance that the money of a household's new loan goes to the firm that covers it, (n,)."""
    found, h = _known(setup, world), setup.households
    assert h is not None
    if found is None:
        return h.nobody
    _, f, state = found
    live = livelihoods_of(setup.scenario).firms
    assert live is not None
    works = state.people.health[f.first] == WORKS
    return _by_firm(f, np.where(works, live.uses_household_loans, 0.0), 0.0)


def pay(setup: Setup, world: World, now: Now) -> int:
    """After the households' month: what firms pay their lenders; returns the sum [fen]."""
    found = _known(setup, world)
    if found is None:
        return 0
    _, f, state = found
    return firms.pay(f, state.people, now, state.out)


def ask(setup: Setup, world: World, now: Now, k: int) -> None:
    """Firms apply for loans on the quota of households that have no loan of their own, or may have one beside it."""
    found = _known(setup, world)
    if found is None:
        return
    c, f, state = found
    firms.apply(f, state.people, now, state.out, c.people.status, setup.rules.firm.household_borrows_too, k)


def own(setup: Setup, world: World, n_before: int) -> None:
    """New loans of firms stand in the book under the firm's id; their owner is the part, behind the households."""
    found = _known(setup, world)
    if found is None:
        return
    c, f, _ = found
    part = c.owner[n_before : c.n].copy()
    c.book[1, n_before : c.n] = f.id[f.of[part]]
    c.owner[n_before : c.n] = part + f.firm.size


def of_firms(setup: Setup, world: World) -> Bool:
    """Which of the loans so far are firms'."""
    loans, _ = so_far(world)
    found = _known(setup, world)
    if found is None:
        return np.zeros(len(loans), dtype=np.bool_)
    c, f, _ = found
    return c.owner[: c.n] >= f.firm.size


def summary(setup: Setup, world: World, due: Bool, bad: Bool, first: int, last: int) -> dict[str, int | float]:
    """What firms were in the year: how many failed, what they had to repay, what is left to the fund [fen].

    ``firm_used_defaulted_fen``: households' loans that a firm has used and not repaid.
    """
    found = _known(setup, world)
    if found is None:
        return {}
    c, f, state = found
    ends, claims, firms_loans = setup.month_ends, world.claims, of_firms(setup, world)
    in_year = [int(ends[k]) for k, _ in state.failed if first <= ends[k] <= last]
    lost = c.people.loan[c.people.marks & LOST != 0]
    due_in_year = (claims.due >= first) & (claims.due <= last) & (claims.recovered_on > claims.due)
    fund: I64 = claims.fund_part[due_in_year & firms_loans[claims.row]]
    return {
        "firms_count": f.id.size,
        "firms_failed_count": len(in_year),
        "firm_due_fen": int(world.loans.balance[due & firms_loans].sum()),
        "firm_defaulted_fen": int(world.loans.balance[bad & firms_loans].sum()),
        "firm_fund_due_fen": int(fund.sum()),
        "firm_used_defaulted_fen": int(world.loans.balance[lost[bad[lost]]].sum()),
    }
