"""Scenarios: what is simulated, for whom, under which rules. The only reader of scenarios/*.toml."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from sim.clock import add_months, date_of, day_of
from sim.cover import Insurance
from sim.errors import InputError
from sim.law import Pack, Rules, Value, load_pack
from sim.law.pack import read_toml
from sim.law.rules import first_day, in_force
from sim.law.vocabulary import check_value
from sim.livelihoods import Livelihoods
from sim.reading import (
    Model,
    PositiveInt,
    Share,
    Text,
    Yuan,
    adds_up,
    as_input_error,
    check_path,
    merge,
    nested,
    refuse,
)
from sim.uncertain import Posterior, Uncertain

SCENARIOS = Path(__file__).resolve().parents[1] / "scenarios"
FILES = ("opening.file", "livelihoods.file", "livelihoods.weather.replay", "posterior.file")  # tables beside a scenario


class Lender(Model):
    """A bank with its ring-fenced part of the fund."""

    key: str
    label: Text
    sub_account_yuan: Yuan | None = None  # None: the pack's amount


class Township(Model):
    """A township and its share of the county's loans (equal shares where none is given)."""

    key: str
    label: Text
    share: Share | None = None
    households: PositiveInt | None = None  # in the register; default: by share
    at_km: tuple[float, float] | None = None  # where it lies: east and north of any one point


class Funding(Model):
    """Where a lender's own money comes from: the rest is deposits at the one-year rate."""

    relending_share: Share = 0.0


class Monitoring(Model):
    """How many loans the officers can watch; claims on the others are refused more often."""

    officers: dict[str, PositiveInt]  # by lender
    loans_per_officer: Annotated[float, Field(gt=0)] = 185.0
    refused_if_unwatched: Share = 0.2


class Appetite(Model):
    """What makes a lender cautious: it turns away a share of the applications of the month that follows."""

    bad_loans_above: Share = 1.0  # reported bad-loan ratio
    bad_loans_cut: Share = 0.0
    fund_below: Share = 0.0  # what its sub-account holds, as a share of the set size
    fund_cut: Share = 0.0


class Screening(Model):
    """Errors of the list of those who may borrow, where households are simulated."""

    false_admission: Share = 0.0  # of households that the rules exclude
    false_refusal: Share = 0.0  # of households that may borrow


class Lending(Model):
    """The stream of loan applications, and the book it builds up."""

    new_loans: bool = True
    demand_over_limit: Annotated[float, Field(ge=0, le=10)] = 0.9
    principal_yuan: dict[PositiveInt, Share] = Field(default_factory=lambda: {50_000: 1.0})
    term_months: dict[PositiveInt, Share] = Field(default_factory=lambda: {12: 0.3, 24: 0.2, 36: 0.5})
    by_month: list[Share] = Field(default_factory=lambda: [1 / 12] * 12)
    drawn: Literal["per_history", "once"] = "per_history"
    # where households are simulated: unpaid subsidy above so many quarters' interest stops renewals and
    # halves new lending; above so many the lender debits the households
    waits_above_quarters: Annotated[float, Field(ge=0)] = 2.0
    debits_above_quarters: Annotated[float, Field(ge=0)] = 4.0
    funding: Funding = Funding()
    monitoring: Monitoring | None = None
    appetite: Appetite | None = None
    screening: Screening | None = None

    @model_validator(mode="after")
    def _sums(self) -> Self:
        adds_up("principal_yuan", self.principal_yuan.values())
        adds_up("term_months", self.term_months.values())
        adds_up("by_month", self.by_month)
        if len(self.by_month) != 12:
            refuse("by_month", f"{len(self.by_month)} shares", "twelve shares, January to December")
        return self


class PortfolioGroup(Model):
    """Households of one township that borrow alike: a made-up book, for studies and exact checks."""

    township: str
    lender: str
    households: Annotated[int, Field(ge=1)]
    loans_per_household: dict[int, Share] = Field(default_factory=lambda: {1: 1.0})
    principal_yuan: Annotated[int, Field(gt=0)]
    p_default: Share
    originated_on: dt.date
    term_months: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _sums(self) -> Self:
        adds_up("loans_per_household", self.loans_per_household.values())
        if min(self.loans_per_household) < 1:
            refuse("loans_per_household", f"{min(self.loans_per_household)}", "numbers of loans from 1")
        return self


class Opening(Model):
    """Where the state on the information date comes from."""

    kind: Literal["warm-up", "townships", "arrears", "table", "portfolio", "empty"] = "warm-up"
    # table: a book made by `riskfund data import`; townships, arrears: totals by township, by days overdue
    file: str | None = None
    warm_up_seed: int = 20160701
    warm_up_months: Annotated[int, Field(ge=1, le=144)] | None = None  # default: longest term plus 12
    made_by: str | None = None  # scenario under whose rules and lending the warm-up runs; default: this one's
    state: Literal["known", "stationary"] = "known"  # stationary: one of many warm-ups for each history
    balance_yuan: dict[str, Yuan] | None = None  # carried over by sub-account; default: the set size
    drought: Literal["long_run", "normal", "dry"] = "long_run"
    portfolio: list[PortfolioGroup] = Field(default_factory=list)
    portfolio_drawn: Literal["per_history", "once"] = "once"


class Factor(Model):
    """Common factors behind the ability to repay (probit, variance shares of one)."""

    county_variance: Share = 0.0
    township_variance: Share = 0.0
    persistence_per_month: Share = 1.0


class Effect(Model):
    """What an event does to a default probability."""

    kind: Literal["multiplier", "probability", "probit_shift"]
    value: Annotated[float, Field(allow_inf_nan=False)]

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        if self.kind == "multiplier" and self.value < 0:
            refuse("value", f"{self.value}", "a multiplier of 0 or more")
        if self.kind == "probability" and not 0 <= self.value <= 1:
            refuse("value", f"{self.value}", "a probability between 0 and 1")
        return self


class Drought(Model):
    """Two-state drought year; a township is hit in a dry year with a given probability."""

    p_normal_to_dry: Share
    p_dry_to_dry: Share
    p_township_hit: Share
    effect: Effect
    year_starts_month: Annotated[int, Field(ge=1, le=12)] = 1
    on: bool = True


class LateSubsidy(Model):
    """Years in which the subsidy comes late, and what that does to households."""

    p_late_year: Share
    probit_shift: float = 0.0
    lag_p: Annotated[float, Field(gt=0, le=1)] | None = None  # lag in months: P(l) = p (1-p)^(l-1)
    buffer_months: dict[Annotated[int, Field(ge=0)], Share] = Field(default_factory=dict)  # the rest never runs dry
    on: bool = True

    @model_validator(mode="after")
    def _buffers(self) -> Self:
        if sum(self.buffer_months.values()) > 1 + 1e-9:
            refuse("buffer_months", f"sum {sum(self.buffer_months.values()):.6g}", "shares that add up to 1 or less")
        return self


class Stacking(Model):
    """What every further loan of a household does to its default probability."""

    multiplier_per_loan: Annotated[float, Field(ge=0)] = 0.0  # p (1 + m (K - 1))
    probit_shift_per_loan: float = 0.0
    on: bool = True


class Causes(Model):
    """Why loans go bad: shares in a normal year; in a hit township disaster takes `disaster_if_hit`."""

    inability: Share = 0.50
    death: Share = 0.25
    disaster: Share = 0.15
    wilful: Share = 0.10
    disaster_if_hit: Share = 0.55

    @model_validator(mode="after")
    def _sums(self) -> Self:
        adds_up("causes", (self.inability, self.death, self.disaster, self.wilful))
        return self


class Recovery(Model):
    """Money that comes back after day 90."""

    first_year: Share = 0.25
    per_year_after: Share = 0.03
    heirs: Share = 0.30
    # where collectors are paid more once a loan is doubtful: share of the money below that line held back until past
    # it, and the days past it over which it then comes in
    waits_for_fee: Share = 0.0
    waits_past_line_days: Annotated[int, Field(ge=1, le=365)] = 30


class Defaults(Model):
    """The reduced form: who does not pay, why, and what comes back."""

    mechanism: Literal["reduced-form", "household"] = "reduced-form"
    timing: Literal["maturity", "monthly_hazard"] = "maturity"
    anchor: Literal["low", "central", "high"] | None = "central"
    anchors: dict[Literal["low", "central", "high"], Share] = Field(
        default_factory=lambda: {"low": 0.009, "central": 0.025, "high": 0.07}  # type: ignore[arg-type]
    )
    p_default: Share | None = None  # instead of an anchor: probability in a normal year, one loan
    factor: Factor = Factor()
    drought: Drought | None = None
    late_subsidy: LateSubsidy | None = None
    stacking: Stacking = Stacking()
    causes: Causes = Causes()
    inability_accepted: Share = 0.80
    negligence: Share = 0.05
    objection: Share = 0.02
    court_days: Annotated[int, Field(ge=0)] = 180
    death_calls_loan: bool = True
    cured_before_day_90: Annotated[float, Field(ge=0, lt=1)] = 0.5
    recovery: Recovery = Recovery()
    renewed_instead: Share = 0.0
    p_default_after_renewal: Share = 0.5


class Fiscal(Model):
    """The county's cash for the subsidy."""

    budget_share: Annotated[float, Field(ge=0, le=10)] = 1.0
    cash_by_quarter: list[Share] = Field(default_factory=lambda: [0.10, 0.15, 0.25, 0.50])
    release_days: list[str] = Field(default_factory=lambda: ["02-10", "05-10", "08-10", "11-10"])
    delay_months: Annotated[int, Field(ge=0, le=12)] = 0  # by which every release comes later than its day
    payment_day: Annotated[int, Field(ge=1, le=28)] = 25
    file_errors: Share = 0.04
    pays_on_time: bool = False  # every list is paid on its settlement day: what lateness is measured against
    upper_level_share: Share = 0.0  # of the budget that comes from above, each part up to so many days late
    upper_level_days_late: Annotated[int, Field(ge=0, le=365)] = 0
    # a budget that is set before its year knows last year's entitlement (times budget_share), or is a fixed sum
    budget_basis: Literal["this_years_entitlement", "last_year", "fixed_yuan"] = "this_years_entitlement"
    budget_yuan: Yuan | None = None
    crowding_out: Share = 0.0  # of what the fund or unpaid subsidy takes of the county's money, the other does not get

    @model_validator(mode="after")
    def _sums(self) -> Self:
        adds_up("cash_by_quarter", self.cash_by_quarter)
        if (self.budget_yuan is not None) != (self.budget_basis == "fixed_yuan"):
            refuse("budget_yuan", f"{self.budget_yuan}", "a sum exactly where fiscal.budget_basis is fixed_yuan")
        for text in self.release_days:
            try:
                check_value("", "", "month_day", text)
            except InputError as error:
                refuse("release_days", text, error.allowed)
        if len(self.cash_by_quarter) != 4 or len(self.release_days) != 4:
            refuse("cash_by_quarter", "other than four", "four shares and four release days")
        return self


class Office(Model):
    """The office's few clerks."""

    clerks: Annotated[int, Field(ge=1)] = 3
    share_of_working_days: Annotated[float, Field(gt=0, le=1)] = 0.40
    minutes_per_day: Annotated[int, Field(ge=1)] = 480
    minutes_per_line: Annotated[float, Field(ge=0)] = 2.0
    minutes_per_claim: Annotated[float, Field(ge=0)] = 90.0


class Source(Model):
    """Where some of the file's values come from."""

    fields: list[str]
    kind: Literal["law", "data", "assumption"]
    note: str


class Scenario(Model):
    """One complete scenario."""

    name: Annotated[str, Field(pattern=r"^[^./\\:*?\"<>|\x00-\x1f][^/\\:*?\"<>|\x00-\x1f]{0,79}$")]  # names a folder
    title: Text
    note: Text | None = None
    is_demonstration: bool = True
    rules: str
    rule_changes: dict[str, Any] = Field(default_factory=dict)
    as_if: dt.date | None = (
        None  # a pack outside its dates is read as of this day, or the nearest on which it was in force
    )
    sized_year: Annotated[int, Field(ge=2006, le=2035)]
    information_on: dt.date
    lenders: Annotated[list[Lender], Field(min_length=1)]
    townships: Annotated[list[Township], Field(min_length=1)]
    opening: Opening = Opening()
    lending: Lending = Lending()
    defaults: Defaults = Defaults()
    livelihoods: Livelihoods | None = None
    insurance: Insurance | None = None
    fiscal: Fiscal = Fiscal()
    office: Office = Office()
    uncertain: list[Uncertain] = Field(default_factory=list)
    posterior: Posterior | None = None
    sources: list[Source] = Field(default_factory=list)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        adds_up("townships.share", self.township_shares())
        if self.information_on > dt.date(self.sized_year, 1, 1):
            refuse("information_on", f"{self.information_on}", "1 January of the sized year or earlier")
        if self.information_on.year < self.sized_year - 1:
            refuse("information_on", f"{self.information_on}", "within the year before the sized year")
        for what, keys in (("lenders", self.lenders), ("townships", self.townships)):
            names = [k.key for k in keys]
            if len(set(names)) != len(names):
                refuse(f"{what}.key", f"{names}", "each key once")
        if self.lending.monitoring is not None:
            named = sorted(self.lending.monitoring.officers)
            if named != sorted(lender.key for lender in self.lenders):
                refuse("lending.monitoring.officers", f"{named}", f"{sorted(k.key for k in self.lenders)}, each once")
        for name, why in (
            ("screening", "loans have no category"),
            ("appetite", "lending is decided before the institutions run"),
        ):
            if getattr(self.lending, name) is not None and self.livelihoods is None:
                refuse(f"lending.{name}", "given", f"nothing where no households are simulated: {why}")
        fields = [item.field for item in self.uncertain]
        if len(set(fields)) != len(fields):
            refuse("uncertain.field", f"{fields}", "each field once")
        d = self.defaults
        if (d.mechanism == "household") != (self.livelihoods is not None):
            refuse(
                "livelihoods",
                f"{'given' if self.livelihoods else None}",
                "a section exactly where defaults.mechanism is household",
            )
        if self.insurance is not None and self.insurance.index is not None and self.livelihoods is None:
            refuse(
                "insurance.index",
                "given",
                "households that are simulated (defaults.mechanism): it pays them by their township's weather",
            )
        if self.livelihoods is not None:
            if self.livelihoods.weather.reach_km is not None and any(t.at_km is None for t in self.townships):
                refuse(
                    "livelihoods.weather.reach_km",
                    f"{self.livelihoods.weather.reach_km}",
                    "a place (at_km) for every township, else no reach",
                )
            if d.anchor is None or d.anchor not in self.livelihoods.behaviour:
                refuse(
                    "defaults.anchor",
                    f"{d.anchor}",
                    f"one of the sets {sorted(self.livelihoods.behaviour)} of livelihoods.behaviour",
                )
            if self.opening.kind == "warm-up" and self.information_on.day != 1:
                refuse(
                    "information_on", f"{self.information_on}", "the first of a month: households live by whole months"
                )
            if self.opening.kind in ("portfolio", "townships", "arrears"):
                refuse("opening.kind", self.opening.kind, "warm-up, table or empty where households are simulated")
        if (d.anchor is None) == (d.p_default is None) and self.opening.kind != "portfolio":
            refuse("defaults.p_default", "both or neither", "exactly one of defaults.anchor and defaults.p_default")
        if d.factor.county_variance + d.factor.township_variance >= 1:
            refuse("defaults.factor", "sum of 1 or more", "variance shares that leave room for the household")
        if self.opening.kind in ("table", "townships", "arrears") and not self.opening.file:
            refuse("opening.file", "None", f"a file for opening kind {self.opening.kind}")
        if self.opening.kind == "portfolio" and not self.opening.portfolio:
            refuse("opening.portfolio", "0 groups", "at least one group of households")
        for group in self.opening.portfolio:
            if group.originated_on >= self.information_on:
                refuse("opening.portfolio.originated_on", f"{group.originated_on}", "a day before the information date")
            if (
                not self.information_on
                <= _months_after(group.originated_on, group.term_months)
                <= dt.date(2040, 12, 31)
            ):
                refuse(
                    "opening.portfolio.term_months",
                    f"{group.term_months}",
                    "a maturity from the information date to 2040",
                )
            if group.township not in [t.key for t in self.townships]:
                refuse("opening.portfolio.township", f"{group.township}", "a township of this file")
            if group.lender not in [lender.key for lender in self.lenders]:
                refuse("opening.portfolio.lender", f"{group.lender}", "a lender of this file")
        return self

    # --- reading ---------------------------------------------------------------------------------

    @staticmethod
    def load(name: str, changes: Mapping[str, Any] | None = None) -> Scenario:
        """Read a shipped scenario by name or a file by path, with changes applied.

        Parameters
        ----------
        name : str
            ``"x-county"`` or a path ending in ``.toml``.
        changes : mapping, optional
            Dotted field -> value, for example ``{"defaults.anchor": "high"}``; ``rules.`` fields change
            a value of the rule pack, for example ``{"rules.claim.steps.file.days": 10}``.

        Raises
        ------
        InputError
        """
        raw, where = _read(name)
        return Scenario.from_dict(_apply(raw, changes or {}, where), where)

    @staticmethod
    def from_dict(raw: Mapping[str, Any], where: str = "scenario") -> Scenario:
        """Build a scenario from nested dicts, with one clear line when a value is not allowed."""
        try:
            return Scenario.model_validate(raw)
        except ValidationError as error:
            raise as_input_error(Scenario, error, where) from None

    def change(self, name: str | None = None, **changes: Any) -> Scenario:
        """A copy with changed fields, ``__`` standing for the dot: ``defaults__anchor="high"``."""
        return self.with_changes({k.replace("__", "."): v for k, v in changes.items()}, name)

    def with_changes(self, changes: Mapping[str, Any], name: str | None = None) -> Scenario:
        """A copy with dotted fields changed."""
        raw = _apply(self.model_dump(mode="python"), changes, self.name)
        return Scenario.from_dict({**raw, "name": name or self.name}, self.name)

    # --- law -------------------------------------------------------------------------------------

    def pack(self) -> Pack:
        """The rule pack named by the scenario."""
        return load_pack(self.rules)

    def law(self) -> Rules:
        """The rules on 1 January of the sized year, the scenario's changes applied."""
        return Rules.view(self.pack(), self.rules_on(), self.rule_changes)

    def rule_values(self) -> dict[str, Value]:
        """Each rule in force on 1 January of the sized year by key, the scenario's changes among them."""
        return in_force(self.pack(), self.rules_on(), self.rule_changes)

    def rules_on(self) -> dt.date:
        """Day of which the rules are: 1 January of the sized year, or that of ``as_if`` where the pack is outside its dates.

        Raises
        ------
        InputError
            The pack is not in force in the whole sized year, and nothing says as of which day it is to be read.
        """
        pack, new_year = self.pack(), dt.date(self.sized_year, 1, 1)
        if not self.is_outside_its_dates:
            return new_year
        first, last = first_day(pack), pack.until
        if self.as_if is None:
            dates = f"{first} to {last}" if last else f"{first} on"
            raise InputError(
                self.name, "sized_year", self.sized_year,
                f"a year in all of which {pack.id} is in force ({dates}), or --as-if DATE, which marks the result",
            )  # fmt: skip
        return max(first, self.as_if if last is None else min(self.as_if, last))

    @property
    def is_outside_its_dates(self) -> bool:
        """Is the pack out of force on 1 January of the sized year or before it ends?"""
        pack = self.pack()
        late = pack.until is not None and pack.until < dt.date(self.sized_year, 12, 31)
        return late or first_day(pack) > dt.date(self.sized_year, 1, 1)

    def sub_accounts_yuan(self) -> dict[str, int]:
        """Set size of each lender's sub-account [yuan]."""
        of_pack = self.law().fund.sub_accounts_yuan
        out = {}
        for lender in self.lenders:
            yuan = lender.sub_account_yuan if lender.sub_account_yuan is not None else of_pack.get(lender.key)
            if yuan is None:
                raise InputError(
                    self.name, f"lenders.{lender.key}.sub_account_yuan", None,
                    "whole yuan, since the rule pack names no sub-account for this lender", of_pack,
                )  # fmt: skip
            out[lender.key] = yuan
        return out

    def with_fund(self, total_yuan: int) -> Scenario:
        """A copy with another set size, split over the lenders as before (whole yuan, the rest to the last)."""
        accounts = self.sub_accounts_yuan()
        parts = [total_yuan * yuan // sum(accounts.values()) for yuan in accounts.values()]
        parts[-1] += total_yuan - sum(parts)
        lenders = [
            {**lender.model_dump(), "sub_account_yuan": part} for lender, part in zip(self.lenders, parts, strict=True)
        ]
        return self.with_changes({"lenders": lenders})

    @property
    def opening_drought_matters(self) -> bool:
        """Is the drought of the opening year drawn, so that a dry and a normal opening can be told apart?"""
        if self.livelihoods is not None:
            return self.livelihoods.weather.on and self.livelihoods.weather.replay is None
        return self.defaults.drought is not None

    def tables(self) -> dict[str, Path]:
        """Tables that the scenario names, by field."""
        live = self.livelihoods
        named = (
            self.opening.file,
            live.file if live else None,
            live.weather.replay if live else None,
            self.posterior.file if self.posterior else None,
        )
        return {field: Path(file) for field, file in zip(FILES, named, strict=True) if file}

    def township_names(self, lang: str) -> dict[str, str]:
        """Each township's name in a language, by its key."""
        return {t.key: t.label.get(lang) for t in self.townships}

    def township_shares(self) -> list[float]:
        """Each township's share of the county's loans."""
        given = [t.share for t in self.townships]
        if all(share is None for share in given):
            return [1 / len(given)] * len(given)
        return [share or 0.0 for share in given]

    def source_of(self, field: str) -> Source | None:
        """The entry of `sources` that covers a field."""
        for source in self.sources:
            for prefix in source.fields:
                if field == prefix or field.startswith(prefix + "."):
                    return source
        return None


def _months_after(date: dt.date, months: int) -> dt.date:
    return date_of(int(add_months(np.array([day_of(date)]), min(months, 1200))[0]))


def scenario_names() -> list[str]:
    """Scenarios shipped with the project."""
    return sorted(p.stem for p in SCENARIOS.glob("*.toml"))


def _read(name: str, below: tuple[str, ...] = ()) -> tuple[dict[str, Any], str]:
    """A scenario file as nested tables, what it extends laid underneath; paths in it made absolute."""
    path = Path(name) if name.endswith(".toml") else SCENARIOS / f"{name}.toml"
    if not path.is_file():
        raise InputError("scenarios", "name", name, "a shipped scenario or a .toml file", scenario_names())
    if str(path.resolve()) in below:
        raise InputError(path.name, "extends", name, "a file that does not extend this one")
    raw = read_toml(path)
    raw.setdefault("name", path.stem)
    base = raw.pop("extends", None)
    for field in FILES:
        *groups, key = field.split(".")
        table: Any = raw
        for group in groups:
            table = table.get(group) if isinstance(table, dict) else None
        if isinstance(table, dict) and isinstance(table.get(key), str) and table[key]:
            table[key] = str((path.parent / table[key]).resolve())
    if str(raw.get("rules", "")).endswith(".toml"):
        raw["rules"] = str((path.parent / raw["rules"]).resolve())
    if base is not None:
        if not isinstance(base, str):
            raise InputError(path.name, "extends", base, "the name or file of a scenario")
        named = str(path.parent / base) if base.endswith(".toml") else base
        under = _read(named, (*below, str(path.resolve())))[0]
        raw = merge(_without_pack(under, raw.get("rules")), raw)
    return raw, path.name


def _without_pack(raw: dict[str, Any], rules: Any) -> dict[str, Any]:
    """A scenario's tables under another rule pack: what it says of where its own pack comes from holds no longer."""
    if rules in (None, raw.get("rules")) or not isinstance(raw.get("sources"), list):
        return raw
    note = "each value with its article or assumption in the rule pack"  # the accounts of the lenders too
    sources = [
        {**source, "note": note} if isinstance(source, dict) and "rules" in str(source.get("fields")) else source
        for source in raw["sources"]
    ]
    return {**raw, "sources": sources}


def _apply(raw: dict[str, Any], changes: Mapping[str, Any], where: str) -> dict[str, Any]:
    for dotted, value in changes.items():
        if dotted.startswith("rules."):
            raw = merge(raw, {"rule_changes": {dotted.removeprefix("rules."): value}})
        else:
            check_path(Scenario, dotted, where)
            raw = _without_pack(raw, value) if dotted == "rules" else raw
            raw = merge(raw, nested(dotted, value))
    return raw
