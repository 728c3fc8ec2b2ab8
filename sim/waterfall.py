"""Where the year's claimable losses stand on 31 December, who bears them, and who got back what was recovered."""

from __future__ import annotations

import numpy as np

from sim.errors import ConservationError
from sim.fund.claims import FAR, NEVER, apportion
from sim.law import Rules
from sim.law.chain import BANK
from sim.units import I64
from sim.world import Setup, World

WATERFALL = (
    "repaid_before_payment",
    "in_process",
    "refused",
    "insurer",
    "others",
    "bank",
    "fund_paid",
    "fund_approved_waiting",
)
RECOVERED_TO = ("fund", "bank", "insurer", "others")
BORNE = ("borne", "waiting", "returned")


def bearers(rules: Rules) -> tuple[str, ...]:
    """Who bears a loss under the rules, in the order of the table."""
    return tuple(bearer for bearer, _ in rules.loss.parts)


def waterfall(
    setup: Setup, world: World, first: int, last: int, paid_before: I64, paid: I64
) -> dict[str, int | float]:  # fmt: skip
    """Claims alive in the year by where they stand on 31 December, by bearer, and the recoveries of the year [fen].

    Parameters
    ----------
    paid_before, paid : (n_claims,) int64 [fen]
        By the fund or the county on each claim, before the year and by its end.

    Returns
    -------
    dict
        ``waterfall_X_fen`` for X in `WATERFALL`, together ``claimable_fen``. For each bearer what it has borne of
        approved claims (``borne``), what of its part waits for the fund's money (``waiting``), and what came back to it
        in the year (``returned``): what is borne and waits adds up to the approved part of the waterfall.

    Raises
    ------
    ConservationError
        If the parts do not add up to the whole, to the fen.
    """
    claims, loss = world.claims, setup.rules.loss
    decided = (claims.decided != NEVER) & (claims.decided <= last)
    is_settled = (claims.fund_part > 0) | (claims.paid_on < first)  # else an insurer's alone, on the day it pays
    over_before = (claims.recovered_on < first) | ((paid_before >= claims.fund_part) & is_settled)
    insured = claims.paid_by_insurer(last)
    over_before |= claims.is_refused & (claims.decided != NEVER) & (claims.decided < first)
    alive = (claims.entitled <= last) & ~over_before & (setup.rules.has_cover | (claims.insurer_part > 0))
    repaid = (
        alive
        & (claims.recovered_on <= last)
        & (paid + insured == 0)
        & ~(claims.is_refused & decided & (claims.decided < claims.recovered_on))
    )
    refused = alive & ~repaid & decided & claims.is_refused
    approved = alive & ~repaid & decided & ~claims.is_refused
    in_process = alive & ~repaid & ~refused & ~approved
    rest = np.where(approved, claims.fund_part - paid, 0)
    ended = approved & (claims.recovered_on <= last)  # the debtor paid while the claim waited for the rest
    direct = apportion(claims.direct_part[approved], loss.direct)
    borne = {
        **apportion(paid[approved], loss.through),
        **direct,
        BANK: claims.bank_part[approved],
    }
    waiting = apportion(rest[approved & ~ended], loss.through)
    to_insurer = int(direct["insurer"].sum()) if "insurer" in direct else 0
    by_cover = int(insured[alive].sum())  # of insured loans, whatever the pack's shares
    left, promised = claims.amount - insured, np.where(approved, claims.insurer_part - insured, 0)
    is_back = in_process & (claims.recovered_on <= last)  # collected between the insurer's payment and the fund's
    parts = {
        "repaid_before_payment": int(
            claims.amount[repaid].sum() + left[is_back].sum() + (rest + promised)[ended].sum()
        ),
        "in_process": int(left[in_process & ~is_back].sum() + promised[~ended].sum()),
        "refused": int(left[refused].sum()),
        "insurer": to_insurer + by_cover,
        "others": sum(int(fen.sum()) for fen in direct.values()) - to_insurer,
        "bank": int(claims.bank_part[approved].sum()),
        "fund_paid": int(paid[approved].sum()),
        "fund_approved_waiting": int(rest[~ended].sum()),
    }
    claimable = int(claims.amount[alive].sum())
    if sum(parts.values()) != claimable:
        raise ConservationError(f"waterfall adds up to {sum(parts.values())}, claimable is {claimable}")
    back = _returned(setup, world, first, last)
    table = {
        f"{what}_{bearer}_fen": int(found[bearer].sum()) if bearer in found else 0
        for bearer in bearers(setup.rules)
        for what, found in zip(BORNE, (borne, waiting, back), strict=True)
    }
    through = sum(table[f"borne_{bearer}_fen"] + table[f"waiting_{bearer}_fen"] for bearer in bearers(setup.rules))
    if through + by_cover != claimable - sum(
        parts[name] for name in ("repaid_before_payment", "in_process", "refused")
    ):
        raise ConservationError(f"bearers bear {through} of approved claims")
    fund = sum(int(back[bearer].sum()) for bearer, _ in loss.through)
    of_cover = sum(fen for _, day, fen in world.flows.insurer_returns if first <= day <= last)
    insurer = of_cover + (int(back["insurer"].sum()) if "insurer" in direct else 0)
    bank, total = int(back[BANK].sum()), of_cover + sum(int(fen.sum()) for fen in back.values())
    return {
        "claimable_fen": claimable,
        **{f"waterfall_{name}_fen": fen for name, fen in parts.items()},
        "recovered_fen": total,
        "recovered_to_fund_fen": fund,
        "recovered_to_bank_fen": bank,
        "recovered_to_insurer_fen": insurer,
        "recovered_to_others_fen": total - fund - bank - insurer,
        **table,
    }


def _returned(setup: Setup, world: World, first: int, last: int) -> dict[str, I64]:
    """What came back to each bearer in a span of days, by return [fen]."""
    found = [(i, fund, bank) for i, day, fund, bank in world.flows.returns if first <= day <= last]
    rows, fund, bank = (np.array(column, dtype=np.int64) for column in zip(*found, strict=True)) if found else (
        np.zeros(0, dtype=np.int64),) * 3  # fmt: skip
    loss = setup.rules.loss
    direct = (world.claims.amount - world.claims.paid_by_insurer(FAR))[rows] - fund - bank
    return {**apportion(fund, loss.through), **apportion(direct, loss.direct), BANK: bank}
