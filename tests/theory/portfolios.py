"""Made-up counties whose loss distribution is known exactly: the scenarios behind `acceptance.toml`.

Every county is bare: no new loans, no deposit interest, no interest in a claim, no refusal, no cure, no
recovery, and clerks who need no time. What is left is one thing at a time: a factor, a drought, a late
subsidy, stacked loans, a monthly hazard. All loans mature on 15 January of the sized year, so that every
claim is paid within it (the monthly hazard: 15 January of the next year, so that it meets twelve months).
"""

from __future__ import annotations

from typing import Any

import sim

SIZED_YEAR = 2018
UNIT_YUAN = 10_000  # unit of the exposures of O8
LOAN_YUAN = 50_000  # of which the fund bears 35,000
AMPLE_YUAN = 1_000_000_000  # a sub-account that never runs short

Groups = list[dict[str, Any]]


def county(
    name: str, groups: Groups, *, townships: int = 1, fund_yuan: int = AMPLE_YUAN, covered_yuan: int = LOAN_YUAN,
    **defaults: Any,
) -> sim.Scenario:  # fmt: skip
    """A bare county.

    Parameters
    ----------
    name : str
    groups : list of dict
        From `group`.
    townships : int
    fund_yuan : int [yuan]
        The one lender's sub-account.
    covered_yuan : int [yuan]
        Most principal of one loan that the fund covers.
    defaults
        What is not bare: sections of the scenario's ``defaults``.
    """
    return sim.Scenario.from_dict({
        "name": name,
        "title": text(name),
        "rules": "x-county",
        "rule_changes": {
            "claim.includes_interest": False,
            "claim.covered_principal_yuan": covered_yuan,
            "fund.interest_joins": ["subsidy"],
        },
        "sized_year": SIZED_YEAR,
        "information_on": f"{SIZED_YEAR}-01-01",
        "lenders": [{"key": "bank", "label": text("bank"), "sub_account_yuan": fund_yuan}],
        "townships": [{"key": place(k), "label": text(place(k))} for k in range(townships)],
        "opening": {"kind": "portfolio", "portfolio": groups, "portfolio_drawn": "per_history", "drought": "long_run"},
        "lending": {"new_loans": False},
        "defaults": {**_bare(), **defaults},
        "fiscal": {"file_errors": 0.0},
        "office": {"minutes_per_claim": 0.0, "minutes_per_line": 0.0},
    })  # fmt: skip


def group(
    households: int, p: float, *, township: int = 0, principal_yuan: int = LOAN_YUAN, term_months: int = 24,
    loans: dict[int, float] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Households that borrow alike: number, default probability, principal [yuan], term [months]."""
    return {
        "township": place(township),
        "lender": "bank",
        "households": households,
        "loans_per_household": loans or {1: 1.0},
        "principal_yuan": principal_yuan,
        "p_default": p,
        "originated_on": f"{SIZED_YEAR - 2}-01-15",
        "term_months": term_months,
    }


def place(k: int) -> str:
    """Key of a township."""
    return f"t{k:02d}"


def text(s: str) -> dict[str, str]:
    """The same words in both languages."""
    return {"zh": s, "en": s}


def _bare() -> dict[str, Any]:
    return {
        "anchor": None,
        "causes": {"inability": 1.0, "death": 0.0, "disaster": 0.0, "wilful": 0.0, "disaster_if_hit": 0.0},
        "inability_accepted": 1.0,
        "negligence": 0.0,
        "objection": 0.0,
        "cured_before_day_90": 0.0,
        "death_calls_loan": False,
        "court_days": 0,
        "recovery": {"first_year": 0.0, "per_year_after": 0.0, "heirs": 0.0},
    }


# --- the oracles' counties ---------------------------------------------------------------------------


def independent(p: float = 0.02) -> sim.Scenario:
    """O1 and both arms of O16: 1,000 independent loans."""
    return county("independent", [group(1000, p)])


def one_factor(n: int = 1000, *, fund_yuan: int = AMPLE_YUAN, rho: float = 0.12) -> sim.Scenario:
    """O2, with O7's fund layer: n loans of 2 per cent under one county factor."""
    return county(f"one-factor-{fund_yuan}", [group(n, 0.02)], fund_yuan=fund_yuan, factor={"county_variance": rho})


def two_townships() -> sim.Scenario:
    """O5: a county factor of variance .08 and township factors of variance .12."""
    groups = [group(600, 0.015, township=0), group(400, 0.03, township=1)]
    return county("two-townships", groups, townships=2, factor={"county_variance": 0.08, "township_variance": 0.12})


def drought_county() -> sim.Scenario:
    """O6: drought in 15 per cent of years, 8 townships hit with .6 each, 1.2 per cent becomes 9 per cent."""
    groups = [group(125, 0.012, township=k) for k in range(8)]
    return county("drought", groups, townships=8, drought=drought(0.6, {"kind": "probability", "value": 0.09}))


def drought(p_hit: float, effect: dict[str, Any], *, on: bool = True) -> dict[str, Any]:
    """Independent years, dry with probability .15."""
    return {
        "p_normal_to_dry": 0.15,
        "p_dry_to_dry": 0.15,
        "p_township_hit": p_hit,
        "effect": effect,
        "on": on,
    }


def sizes(rho: float) -> sim.Scenario:
    """O8: loans of 1, 3, 5, 10 and 20 units, 1.2 and 4.5 per cent."""
    rows = zip((1, 3, 5, 10, 20), (120, 200, 250, 150, 80), (30, 50, 60, 40, 20), strict=True)
    groups = [
        group(count, p, principal_yuan=units * UNIT_YUAN)
        for units, safe, risky in rows
        for count, p in ((safe, 0.012), (risky, 0.045))
    ]
    return county("sizes", groups, covered_yuan=20 * UNIT_YUAN, factor={"county_variance": rho})


STACKED = {1: 0.6, 2: 0.3, 3: 0.1}


def stacked() -> sim.Scenario:
    """O9: households with up to three loans, each further loan adding half of 2 per cent."""
    return county("stacked", [group(600, 0.02, loans=STACKED)], stacking={"multiplier_per_loan": 0.5})


def late_subsidy() -> sim.Scenario:
    """O10: a late year in four, a lag in months, and households whose buffer may be shorter."""
    late = {"p_late_year": 0.25, "lag_p": 0.35, "buffer_months": {0: 0.02, 1: 0.05, 2: 0.08, 3: 0.10}}
    return county("late-subsidy", [group(800, 0.0)], late_subsidy=late)


def hazard(n: int = 1000) -> sim.Scenario:
    """O11: monthly hazard .18 per cent under a county factor with persistence .9, twelve months."""
    return county(
        f"hazard-{n}", [group(n, 0.0018, term_months=36)], timing="monthly_hazard",
        factor={"county_variance": 0.12, "persistence_per_month": 0.9},
    )  # fmt: skip


def factorial(stack: bool) -> list[sim.Scenario]:
    """O17: arms without and with drought, without and with late subsidy; loans stacked or not.

    Arms of one study must share a portfolio, so the two states of stacking are two studies of one seed.
    Names are ``D0S0`` to ``D1S1``.
    """
    groups = [group(100, 0.015, township=k, loans=STACKED if stack else None) for k in range(6)]
    return [
        county(
            f"D{dry:d}S{late:d}", groups, townships=6,
            drought=drought(0.6, {"kind": "probit_shift", "value": 0.8}, on=dry),
            late_subsidy={"p_late_year": 0.25, "probit_shift": 0.45, "on": late},
            stacking={"probit_shift_per_loan": 0.25},
        )
        for dry in (False, True) for late in (False, True)
    ]  # fmt: skip
