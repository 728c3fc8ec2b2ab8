"""One pack on one day, typed: the only way in which the model reads law.

A field with a default is a rule that a pack may leave out: the default says that there is no such rule.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

from sim.errors import InputError
from sim.law.chain import BANK, Chain, read_chain
from sim.law.consistency import check_together
from sim.law.pack import Pack, Value
from sim.law.vocabulary import term_of, vocabulary
from sim.units import PPM

PUBLIC = ("province", "city", "county", "township", "village", "fund")  # who pays out of public money
STEPS = "claim.steps"


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
    lent_from: str | None = None
    lent_until: str | None = None
    quota_yuan_per_year: int | None = None
    lockout_after_late: bool = False
    extension_months: int | None = None
    extension_subsidised: bool = False
    borrower_of_record: str = "household"
    extra_ceiling_yuan: int | None = None
    admits: list[str] | None = None
    lending_floor_yuan_per_year: int | None = None

    @property
    def most_yuan(self) -> int:
        """The most that one household may be lent [yuan], extra lending included."""
        return max(self.ceiling_yuan, self.extra_ceiling_yuan or 0)

    @property
    def most_rule(self) -> str:
        """The rule that sets it."""
        return "loan.extra_ceiling_yuan" if self.most_yuan > self.ceiling_yuan else "loan.ceiling_yuan"


@dataclass(frozen=True)
class FundRules:
    """The fund's money, its sub-accounts, its share of a loss, what happens when it is short."""

    ring_fenced: bool
    leverage: float
    leverage_base: str
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
    leverage_on: str = "outstanding"
    top_up: str = "none"
    top_up_on: str = "01-01"
    payout_cap_share: float | None = None


@dataclass(frozen=True)
class LossRules:
    """Who bears an approved loss, and whose part the fund's account pays."""

    shares: dict[str, float]
    through_fund: list[str] | None = None

    @cached_property
    def parts(self) -> tuple[tuple[str, int], ...]:
        """Bearers and their shares [1e-6] in the order in which fen are given out: through the fund, direct, the bank."""
        public = [b for b in self.shares if b in PUBLIC] if self.through_fund is None else self.through_fund
        order = sorted(self.shares, key=lambda b: (b == BANK, b not in public))
        bounds = [round(sum(self.shares[b] for b in order[:k]) * PPM) for k in range(len(order) + 1)]
        return tuple((b, high - low) for b, (low, high) in zip(order, pairwise(bounds), strict=True))

    @cached_property
    def through(self) -> tuple[tuple[str, int], ...]:
        """Those whose part the fund's account pays."""
        named = PUBLIC if self.through_fund is None else self.through_fund
        return tuple((bearer, ppm) for bearer, ppm in self.parts if bearer in named)

    @cached_property
    def direct(self) -> tuple[tuple[str, int], ...]:
        """Those who pay their part themselves, the bank left out."""
        return tuple(part for part in self.parts if part not in self.through and part[0] != BANK)

    @property
    def fund_share(self) -> float:
        """Part of a loss that the fund's account pays."""
        return sum(self.shares[bearer] for bearer, _ in self.through)

    @cached_property
    def fund_ppm(self) -> int:
        """Part of a loss that the fund's account pays [1e-6]."""
        return sum(ppm for _, ppm in self.through)

    @cached_property
    def direct_ppm(self) -> int:
        """Part of a loss that others than the fund and the bank pay [1e-6]."""
        return sum(ppm for _, ppm in self.direct)


@dataclass(frozen=True)
class ClaimRules:
    """From a missed maturity to the payment by the fund."""

    wait_days: int
    counts_from: str
    steps: Chain
    covered_principal_yuan: int
    includes_interest: bool
    includes_penalty: bool
    penalty_multiplier: float
    compensable_causes: list[str]
    wilful_default: str
    called_after_death_days: int
    objection_waits_meetings: int
    wait_unit: str = "days"
    meetings: list[str] = field(default_factory=list)
    windows: list[str] = field(default_factory=list)
    cover_above_share: float = 0.0


@dataclass(frozen=True)
class RecoveryRules:
    """Who gets money that comes back after the fund has paid."""

    split: str
    wilful: str
    returned_at: str
    return_working_days: int | None = None


@dataclass(frozen=True)
class StopRules:
    """When new lending stops, and when it begins again."""

    bad_loan_share: float | None = None
    measured_on: str = "lender"
    resume_share: float | None = None
    unpaid_claim_days: int | None = None
    used_share: float | None = None


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
    fixed_rate: float | None = None
    months: int | None = None
    follows: str | None = None
    until: str | None = None
    late_loses: str | None = None
    paid_when: str | None = None
    pays_above_ceiling: bool = False


@dataclass(frozen=True)
class InterestRules:
    """Conventions of interest arithmetic."""

    day_count: int


@dataclass(frozen=True)
class ClassRules:
    """Five classes of loans by days overdue, and what is set aside for each."""

    special_mention_days: int | None = None
    substandard_days: int | None = None
    doubtful_days: int | None = None
    loss_days: int | None = None
    restructured_at_least: str = "by_days"
    observation_days: int = 0
    provisions: dict[str, float] = field(default_factory=dict)

    @property
    def limits(self) -> list[int] | None:
        """Days overdue from which each class after the first begins; None where the pack has no classes."""
        days = [self.special_mention_days, self.substandard_days, self.doubtful_days, self.loss_days]
        given = [day for day in days if day is not None]
        return given if len(given) == len(days) else None


@dataclass(frozen=True)
class CollectionRules:
    """What collectors are paid: a share of what they bring in, by the class of the loan."""

    fee_by_class: dict[str, float] = field(default_factory=dict)
    class_counts_at: str = "start_of_year"
    target_share: float = 0.0
    bonus_share: float = 0.0


@dataclass(frozen=True)
class FirmRules:
    """What a firm, co-operative or big grower may borrow for the households that it covers."""

    yuan_per_household: int | None = None
    ceiling_yuan: int | None = None
    share_of_plan: float | None = None
    term_months: int | None = None
    rate: str | None = None
    subsidised: bool = False
    household_borrows_too: bool = False


_GROUPS: dict[str, Any] = {
    "loan": LoanRules,
    "fund": FundRules,
    "loss": LossRules,
    "claim": ClaimRules,
    "recovery": RecoveryRules,
    "subsidy": SubsidyRules,
    "interest": InterestRules,
    "stop": StopRules,
    "classes": ClassRules,
    "collection": CollectionRules,
    "firm": FirmRules,
}

FOLLOWED = ("subsidy.share", "subsidy.fixed_rate")  # read at every date, where the subsidy follows period or loan


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
    loss: LossRules
    claim: ClaimRules
    recovery: RecoveryRules
    subsidy: SubsidyRules
    interest: InterestRules
    stop: StopRules
    classes: ClassRules
    collection: CollectionRules
    firm: FirmRules
    sources: dict[str, str]
    since: dict[str, dt.date]
    dated: dict[str, tuple[tuple[dt.date, Any], ...]] = field(default_factory=dict)

    @property
    def has_cover(self) -> bool:
        """Does anybody bear a part of a lender's losses? Where the township borrows, the lender has none."""
        borne = self.loss.fund_ppm + self.loss.direct_ppm
        return borne > 0 and self.loan.borrower_of_record == "household"

    @staticmethod
    def view(pack: Pack, on: dt.date, changes: dict[str, Any] | None = None, needs_all: bool = True) -> Rules:
        """Read the pack on a day.

        Parameters
        ----------
        pack : Pack
        on : date
        changes : dict, optional
            Values that a scenario sets in place of the pack's, by key.
        needs_all : bool
            What the pack leaves open must be among the changes; else it is read as left out.

        Raises
        ------
        InputError
            Missing or unknown rule, value out of range, shares that do not add up to one.
        """
        values = in_force(pack, on, changes)
        for key, value in values.items():
            if value.open and needs_all:
                allowed = f"a value set by the scenario, since {pack.id} leaves it open: {value.open}"
                raise InputError("scenario", f"rules.{key}", None, allowed)
        values = {key: value for key, value in values.items() if not value.open}
        for key in vocabulary():
            if key in REQUIRED and key != STEPS and key not in values:
                parameter = pack.parameters.get(key)
                if parameter is not None:
                    parameter.on(on, pack.where)
                others = [k for k in vocabulary() if k in REQUIRED - pack.parameters.keys() - {key, STEPS}]
                more = f"; also missing: {', '.join(others)}" if others else ""
                raise InputError(pack.where, key, None, f"this rule is missing from the pack{more}")
        typed: dict[str, Any] = {key: value.value for key, value in values.items()}
        steps = {key.removeprefix(f"{STEPS}."): value for key, value in typed.items() if key.startswith(f"{STEPS}.")}
        typed[STEPS] = read_chain(pack.where, STEPS, steps)
        groups = {
            group: kind(**{f.name: typed[key] for f in fields(kind) if (key := f"{group}.{f.name}") in typed})
            for group, kind in _GROUPS.items()
        }
        dated = {key: tuple((v.from_date, v.value) for v in pack.parameters[key].values)
                 for key in FOLLOWED if key in pack.parameters}  # fmt: skip
        dated |= {key: ((on, value),) for key, value in (changes or {}).items() if key in FOLLOWED}
        rules = Rules(pack.id, on, **groups, sources={key: value.source for key, value in values.items()},
                      since={key: value.from_date for key, value in values.items()}, dated=dated)  # fmt: skip
        check_together(pack.where, rules)
        return rules


def in_force(pack: Pack, on: dt.date, changes: dict[str, Any] | None = None) -> dict[str, Value]:
    """A pack's values on a day by key, with what a scenario sets in their place.

    A change names a rule (``claim.wait_days``), or one entry of a value that is a table (``claim.steps.file.days``).

    Raises
    ------
    InputError
    """
    found = {key: parameter.known_on(on) for key, parameter in pack.parameters.items()}
    values = {key: value for key, value in found.items() if value is not None}
    for key, given in (changes or {}).items():
        rule, entry, value = key, "", given
        if term_of(key) is None:
            rule, _, entry = key.rpartition(".")
            old = values[rule].value if rule in values else None
            if not isinstance(old, dict):
                raise InputError(
                    "scenario", f"rules.{key}", key, "a rule that the model knows", {*vocabulary(), *values}
                )
            value = {**old, entry: given}
        term = term_of(rule)
        assert term is not None
        term.check("scenario", f"rules.{rule}", value)
        values[rule] = Value(on, value, "", "set by the scenario")
    return values


def first_day(pack: Pack) -> dt.date:
    """Day from which on a pack has all the values that it needs."""
    needed = [p.values[0].from_date for key, p in pack.parameters.items() if key in REQUIRED]
    return max(needed) if needed else dt.date.min


def check_pack(pack: Pack) -> None:
    """Read a pack on each day on which one of its values changes.

    Raises
    ------
    InputError
    """
    first = first_day(pack)
    changes = {v.from_date for p in pack.parameters.values() for v in p.values if v.from_date >= first}
    for day in sorted(changes | {first}):
        Rules.view(pack, day, needs_all=False)


def value_in(values: dict[str, Value], key: str) -> Value | None:
    """The value of a key among those in force; of one entry of a table with the table's source."""
    if key in values:
        return values[key]
    rule, _, entry = key.rpartition(".")
    table = values[rule].value if rule in values else None
    return replace(values[rule], value=table[entry]) if isinstance(table, dict) and entry in table else None
