"""One pack on one day, typed: the only way in which the model reads law.

A field with a default is a rule that a pack may leave out: the default says that there is no such rule.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

from sim.errors import InputError
from sim.law.pack import Pack, Value
from sim.law.vocabulary import vocabulary


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
    five_star_share: float | None = None
    three_star_share: float | None = None
    relending_discount_points: float | None = None


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
    size_yuan: int | None = None
    from_upper_level_yuan: int | None = None
    from_county_yuan: int | None = None
    sub_accounts_yuan: dict[str, int] = field(default_factory=dict)


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


def _is_optional(f: Field[Any]) -> bool:
    return f.default is not MISSING or f.default_factory is not MISSING


OPTIONAL = {f"{group}.{f.name}" for group, kind in _GROUPS.items() for f in fields(kind) if _is_optional(f)}
REQUIRED = {f"{group}.{f.name}" for group, kind in _GROUPS.items() for f in fields(kind)} - OPTIONAL


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
        for key in vocabulary():
            if key in REQUIRED and key not in pack.parameters:
                raise InputError(pack.where, key, None, "this rule is missing from the pack")
        found = {key: p.on(on, pack.where) if key in REQUIRED else p.known_on(on) for key, p in pack.parameters.items()}
        values = {key: value for key, value in found.items() if value is not None}
        for key, value in (changes or {}).items():
            values[key] = _changed(key, value, on)
        groups = {
            group: kind(**{f.name: values[key].value for f in fields(kind) if (key := f"{group}.{f.name}") in values})
            for group, kind in _GROUPS.items()
        }
        rules = Rules(pack.id, on, **groups, sources={key: value.source for key, value in values.items()})
        _check_sums(pack, rules)
        return rules


def _changed(key: str, value: Any, on: dt.date) -> Value:
    terms = vocabulary()
    if key not in terms:
        raise InputError("scenario", f"rules.{key}", key, "a rule that the model knows", terms)
    terms[key].check("scenario", f"rules.{key}", value)
    return Value(on, value, "", "set by the scenario")


def _check_sums(pack: Pack, rules: Rules) -> None:
    total = rules.fund.share + rules.fund.bank_share
    if abs(total - 1) > 1e-9:
        raise InputError(pack.where, "fund.share + fund.bank_share", total, "shares that add up to 1")
    fund = rules.fund
    for name, parts in (
        ("fund.from_upper_level_yuan + fund.from_county_yuan", [fund.from_upper_level_yuan, fund.from_county_yuan]),
        ("fund.sub_accounts_yuan", [*fund.sub_accounts_yuan.values()]),
    ):
        total_yuan, given = fund.size_yuan, [part for part in parts if part is not None]
        if total_yuan is not None and given and sum(given) != total_yuan:
            raise InputError(pack.where, name, sum(given), f"parts that add up to fund.size_yuan = {total_yuan}")
    if not rules.claim.meetings:
        raise InputError(pack.where, "claim.meetings", [], "at least one meeting a year")
    if 12 % max(rules.subsidy.settlements_per_year, 1) or rules.subsidy.settlements_per_year < 1:
        raise InputError(
            pack.where, "subsidy.settlements_per_year", rules.subsidy.settlements_per_year, "1, 2, 4, 6 or 12"
        )
