"""One pack on one day, typed: the only way in which the model reads law."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, fields
from typing import Any

from sim.errors import InputError
from sim.law.pack import Pack, Value, check_options, check_value


@dataclass(frozen=True)
class LoanRules:
    """Who may borrow, how much, for how long, at what rate."""

    age_below: int
    age_counts_at: str
    excludes: list[str]
    ceiling_yuan: int
    term_max_months: int
    rate_up_to_one_year: str
    rate_over_one_year: str
    renewals_max: int
    filing_working_days: int


@dataclass(frozen=True)
class FundRules:
    """The fund's money, its sub-accounts, its share of a loss, what happens when it is short."""

    ring_fenced: bool
    leverage: float
    leverage_base: str
    share: float
    bank_share: float
    insured_loans: str
    term_deposit_share: float
    interest_joins: list[str]
    rolls_over: bool
    backstop_on: str
    queue_order: str


@dataclass(frozen=True)
class ClaimRules:
    """From a missed maturity to the payment by the fund."""

    wait_days: int
    counts_from: str
    file_days: int
    township_working_days: int
    notice_days: int
    meetings: list[str]
    payment_working_days: int
    covered_principal_yuan: int
    includes_interest: bool
    includes_penalty: bool
    penalty_multiplier: float
    compensable_causes: list[str]
    wilful_default: str
    called_after_death_days: int
    objection_waits_meetings: int


@dataclass(frozen=True)
class RecoveryRules:
    """Who gets money that comes back after the fund has paid."""

    split: str
    wilful: str
    returned_at: str


@dataclass(frozen=True)
class SubsidyRules:
    """The interest subsidy: how much, when settled, when it stops, who is paid."""

    share: float
    settlements_per_year: int
    settlement_day: int
    stops_at: str
    paid_to: str
    ceiling_yuan: int
    check_working_days: int
    confirm_working_days: int


@dataclass(frozen=True)
class InterestRules:
    """Conventions of interest arithmetic."""

    day_count: int


_GROUPS: dict[str, Any] = {
    "loan": LoanRules,
    "fund": FundRules,
    "claim": ClaimRules,
    "recovery": RecoveryRules,
    "subsidy": SubsidyRules,
    "interest": InterestRules,
}
# Facts of a pack that only some counties print; read by name where they exist.
OPTIONAL = {
    "loan.five_star_share",
    "loan.three_star_share",
    "loan.relending_discount_points",
    "fund.size_yuan",
    "fund.from_upper_level_yuan",
    "fund.from_county_yuan",
    "fund.sub_accounts_yuan",
}
REQUIRED = {f"{group}.{f.name}" for group, kind in _GROUPS.items() for f in fields(kind)}


@dataclass(frozen=True)
class Rules:
    """Typed view of one pack on one day, with the scenario's own changes applied."""

    pack_id: str
    on: dt.date
    loan: LoanRules
    fund: FundRules
    claim: ClaimRules
    recovery: RecoveryRules
    subsidy: SubsidyRules
    interest: InterestRules
    set_sub_accounts_yuan: dict[str, int]
    sources: dict[str, str]

    @staticmethod
    def view(pack: Pack, on: dt.date, changes: dict[str, Any] | None = None) -> Rules:
        """Read the pack on a day.

        Parameters
        ----------
        pack : Pack
        on : date
        changes : dict, optional
            Values that a scenario sets in place of the pack's, by key.

        Raises
        ------
        InputError
            Missing or unknown rule, value out of range, shares that do not add up to one.
        """
        known = REQUIRED | OPTIONAL
        for key in pack.parameters:
            if key not in known:
                raise InputError(pack.where, key, key, "a rule that the model knows", known)
        for key in sorted(REQUIRED):
            if key not in pack.parameters:
                raise InputError(pack.where, key, None, "this rule is missing from the pack")
        values: dict[str, Value] = {key: p.on(on, pack.where) for key, p in pack.parameters.items()}
        for key, value in (changes or {}).items():
            values[key] = _changed(pack, key, value, on)
        groups = {
            group: kind(**{f.name: values[f"{group}.{f.name}"].value for f in fields(kind)})
            for group, kind in _GROUPS.items()
        }
        accounts = values["fund.sub_accounts_yuan"].value if "fund.sub_accounts_yuan" in values else {}
        sources = {key: value.source for key, value in values.items()}
        rules = Rules(pack.id, on, **groups, set_sub_accounts_yuan=dict(accounts), sources=sources)
        _check_sums(pack, rules, {k: v.value for k, v in values.items()})
        return rules


def _changed(pack: Pack, key: str, value: Any, on: dt.date) -> Value:
    if key not in pack.parameters:
        raise InputError("scenario", f"rules.{key}", key, f"a rule of pack {pack.id}", pack.parameters)
    parameter = pack.parameters[key]
    check_value("scenario", f"rules.{key}", parameter.unit, value)
    check_options("scenario", f"rules.{key}", parameter.options, value)
    return Value(on, value, "", "set by the scenario")


def _check_sums(pack: Pack, rules: Rules, values: dict[str, Any]) -> None:
    total = rules.fund.share + rules.fund.bank_share
    if abs(total - 1) > 1e-9:
        raise InputError(pack.where, "fund.share + fund.bank_share", total, "shares that add up to 1")
    size = values.get("fund.size_yuan")
    if size is not None:
        for name, parts in (
            ("fund.from_upper_level_yuan + fund.from_county_yuan",
             values.get("fund.from_upper_level_yuan", 0) + values.get("fund.from_county_yuan", 0)),
            ("fund.sub_accounts_yuan", sum(rules.set_sub_accounts_yuan.values())),
        ):  # fmt: skip
            if parts != size:
                raise InputError(pack.where, name, parts, f"parts that add up to fund.size_yuan = {size}")
    if not rules.claim.meetings:
        raise InputError(pack.where, "claim.meetings", [], "at least one meeting a year")
    if 12 % max(rules.subsidy.settlements_per_year, 1) or rules.subsidy.settlements_per_year < 1:
        raise InputError(
            pack.where, "subsidy.settlements_per_year", rules.subsidy.settlements_per_year, "1, 2, 4, 6 or 12"
        )
