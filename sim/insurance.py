"""Loan insurance: which loans are insured, what the insurer bears of a claim, its premiums and payments.

Source: X county regulation, art. 22: insured loans are the insurer's, not the fund's (`fund.insured_loans`).
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import numpy as np

from sim import clock
from sim.clock import Slot, until
from sim.cover import LoanCover
from sim.fund.claims import NEVER, Claims, claim_keys, split
from sim.lending.loans import Loans
from sim.streams import stream_key, uniforms
from sim.units import I64, PPM, Array, Bool, interest, percent_to_ppm, share_of
from sim.world import Setup, World

LOANS, INDEX = "loans", "index"  # kinds of cover
PAYERS = ("household", "county", "bank")
BASIS = ("n", "index", "loss", "index_index", "loss_loss", "index_loss")  # sums over households and seasons


def loan_cover(setup: Setup) -> LoanCover | None:
    """The terms on which loans are insured; None where none is."""
    insurance = setup.scenario.insurance
    return None if insurance is None else insurance.loans


def is_insured(cover: LoanCover, loan_id: I64) -> Bool:
    """Which loans are insured: a fact of the loan, the same in every history."""
    return uniforms(stream_key(cover.drawn_seed, "insurance.loan"), 0, 0, loan_id)[0] < cover.insured_share


def insure(setup: Setup, claims: Claims, loan_id: I64, replication: int, begin: int = 0) -> None:
    """Let the insurer bear its part of the claims on insured loans, from number ``begin`` on, in place.

    It pays on the last day of the month in which ``pays_after_days`` after the bank's application end, and refuses
    for the bank's negligence alone. Where insured loans leave the fund the claim is over with that; else the fund
    shares what is left with the bank, on its own way.

    Parameters
    ----------
    loan_id : (len(claims) - begin,) int64
    """
    cover = loan_cover(setup)
    if cover is None:
        return
    which = np.flatnonzero(is_insured(cover, loan_id))
    on = clock.last_day_of_month(clock.month_of(claims.filed[begin + which] + cover.pays_after_days))
    leaves = setup.rules.fund.insured_loans == "leave_fund"
    decided = claims.decided[begin + which]
    # what the fund had decided before the history begins stays the fund's: the loan was not insured then
    mine = (decided == NEVER) | (decided == on) | (not leaves)
    at, on, is_known = begin + which[mine], on[mine], (decided != NEVER)[mine]
    on = np.where(is_known, on, np.maximum(on, setup.month_ends[0]))
    found = uniforms(claim_keys(setup.seed)[0], replication, 0, loan_id[which[mine]])[0]
    # of known claims no payment falls due where they were refused
    refused = np.where(is_known, claims.due[at] == NEVER, found < setup.claim_terms.negligence[claims.lender[at]])
    bears = at[~refused]
    claims.insurer_part[bears] = share_of(claims.amount[bears], round(cover.loss_share * PPM))
    claims.insurer_on[bears] = on[~refused]
    left = claims.amount[bears] - claims.insurer_part[bears]
    if not leaves:
        claims.fund_part[bears], claims.bank_part[bears] = split(setup.rules, left)
        paid_before = bears[claims.paid_on[bears] != NEVER]
        claims.paid[paid_before] = claims.fund_part[paid_before]
        return
    claims.fund_part[bears], claims.bank_part[bears], claims.paid[bears] = 0, left, 0
    claims.is_refused[at], claims.has_objection[at] = refused, False
    claims.reviewed[at], claims.decided[at] = on, on
    claims.due[at], claims.paid_on[at] = NEVER, NEVER
    claims.due[bears], claims.paid_on[bears] = on[~refused], on[~refused]


def insurer(env: Any, setup: Setup, world: World) -> Generator[Any, Any, None]:
    """On each month's last day: premiums of the loans signed in it, then what is due on claims."""
    cover = loan_cover(setup)
    if cover is None:
        return
    before, n_seen = setup.first_day - 1, 0
    for day in setup.month_ends.tolist():
        yield from until(env, day, Slot.CLAIMS)
        n_seen = _charge(setup, world, cover, before, day, n_seen)
        _pay(world, before, day)
        before = day


def _charge(setup: Setup, world: World, cover: LoanCover, before: int, day: int, n_seen: int) -> int:
    """Premiums for the whole term of loans signed since the month before; the household's part is kept from its loan."""
    c = world.community
    loans = world.loans if c is None else Loans(*(column[: c.n] for column in c.book))
    rows = n_seen + np.flatnonzero((loans.start[n_seen:] > before) & (loans.start[n_seen:] <= day))
    rows = rows[is_insured(cover, loans.id[rows])]
    days, rate = loans.due[rows] - loans.start[rows], percent_to_ppm(cover.premium_percent)
    premium = interest(loans.balance[rows], rate, days, setup.rules.interest.day_count)
    parts = shared(premium, cover.paid_by)
    if c is not None:
        own = c.owner[rows] < c.people.capital.size  # the others are firms'
        owner = c.owner[rows[own]]
        c.people.capital[owner] = np.maximum(c.people.capital[owner] - parts["household"][own], 0)
    by_bank = np.bincount(loans.lender[rows], weights=parts["bank"], minlength=setup.set_fen.size).astype(np.int64)
    # what simulated households borrow has gone into their projects by now
    households = "households" if c is None else "economy"
    collect(world, day, LOANS, households, int(parts["household"].sum()), int(parts["county"].sum()), by_bank)
    return 0 if c is None else c.n


def shared(premium: I64, paid_by: Mapping[Any, float]) -> dict[str, I64]:
    """Each payer's part of each premium [fen]; what rounding leaves is the last one's."""
    out, done, share = {}, np.zeros_like(premium), 0.0
    for payer in PAYERS:
        share += paid_by.get(payer, 0.0)
        upto = share_of(premium, min(round(share * PPM), PPM))
        out[payer], done = upto - done, upto
    return out


def collect(
    world: World, day: int, kind: str, households: str, of_households: int, of_county: int, by_bank: I64
) -> None:
    """Post the premiums of a month: from the account of households, the county, and each bank."""
    legs = [(households, -of_households), ("county", -of_county)]
    legs += [(f"cash:{k}", -fen) for k, fen in enumerate(by_bank.tolist())]
    total = of_households + of_county + int(by_bank.sum())
    if total:
        world.ledger.post(day, "premiums", *legs, ("insurer", total))
        amounts = (of_households, of_county, int(by_bank.sum()))
        world.insurer.premiums += [(day, kind, p, fen) for p, fen in zip(PAYERS, amounts, strict=True) if fen]


def _pay(world: World, before: int, day: int) -> None:
    """What has come due since the month before, on claims that were not collected until then."""
    claims = world.claims
    paid = claims.paid_by_insurer(day) - claims.paid_by_insurer(before)
    for i in np.flatnonzero(paid).tolist():
        fen = paid.item(i)
        world.ledger.post(day, "insurer pays", ("insurer", -fen), (f"cash:{claims.lender.item(i)}", fen))
        world.insurer.claims.append((i, day, fen))


def summary(setup: Setup, world: World, first: int, last: int) -> dict[str, int | float]:
    """Premiums and payments of the year by kind of cover, and how far the index stood for what was lost [fen, 1].

    The sums ``basis_...`` over insured households and seasons give the correlation of index and own loss.
    """
    flows, insurance = world.insurer, setup.scenario.insurance
    if insurance is None:
        return {}
    of_year = [(kind, payer, fen) for day, kind, payer, fen in flows.premiums if first <= day <= last]
    out: dict[str, int | float] = {}
    paid = {
        LOANS: sum(fen for _, day, fen in flows.claims if first <= day <= last),
        INDEX: sum(fen for day, fen in flows.payouts if first <= day <= last),
    }
    for kind, fen in paid.items():
        out[f"premium_{kind}_fen"] = sum(f for k, _, f in of_year if k == kind)
        out[f"insurer_paid_{kind}_fen"] = fen
    out |= {f"premium_by_{payer}_fen": sum(f for _, p, f in of_year if p == payer) for payer in PAYERS}
    if insurance.index is not None:
        seasons = [(x, y) for day, x, y in flows.seasons if first <= day <= last]
        x, y = (np.concatenate([s[k] for s in seasons] or [np.zeros(0)]) for k in range(2))
        sums = (x.size, x.sum(), y.sum(), (x * x).sum(), (y * y).sum(), (x * y).sum())
        out |= {f"basis_{name}": float(s) for name, s in zip(BASIS, sums, strict=True)}
    return out


def correlation(sums: Array) -> Array:
    """Correlation of what the index paid and what households lost; one would be no basis risk.

    Parameters
    ----------
    sums : (6, ...) float64
        In the order of `BASIS`.

    Returns
    -------
    (...) float64 [1]
        NaN where nothing varies.
    """
    n, x, y, xx, yy, xy = sums
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((n * xy - x * y) / np.sqrt((n * xx - x * x) * (n * yy - y * y)))
