"""Sections of a scenario that describe households: who they are, what they earn, what they owe, how they decide."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sim.reading import Model, PositiveInt, Share, Text, Yuan, adds_up, refuse

Month = Annotated[int, Field(ge=1, le=12)]
NotNegative = Annotated[float, Field(ge=0)]
CATEGORIES = ("registered", "borderline", "five_guarantee", "in_need")
MAX_PRODUCTS = 6  # beside the loan under the fund
YOUNGEST, OLDEST = 18, 90  # of those who borrow [years]
SOURCES_OF_INCOME = ("crop", "livestock", "wage", "transfer")


class Crop(Model):
    """A crop: when it grows, when it is sold, and its part of a household's crop income."""

    key: str
    label: Text
    income_share: Share
    grows: Annotated[list[Month], Field(min_length=1, max_length=12)]  # in order; the last is the harvest
    sold: dict[Month, Share]

    @model_validator(mode="after")
    def _sums(self) -> Self:
        adds_up("sold", self.sold.values())
        for a, b in pairwise(self.grows):
            if b != a % 12 + 1:
                refuse("grows", f"{self.grows}", "months in a row, the harvest last")
        return self


class Relief(Model):
    """Money of the county for the households of a township in drought."""

    from_severity: Annotated[float, Field(gt=0, le=1)]  # what the drought of four months would cost a crop
    yuan_per_head: Yuan  # once in a drought year
    after_months: Annotated[int, Field(ge=0, le=12)]


class Extension(Model):
    """In a township in drought, loans that would fall due are put off, once each."""

    from_severity: Annotated[float, Field(gt=0, le=1)]  # what the drought of four months would cost a crop
    months: PositiveInt


class Weather(Model):
    """Drought index by township and month (standard normal in a normal year; negative is dry)."""

    on: bool = True
    p_normal_to_dry: Share
    p_dry_to_dry: Share
    year_starts_month: Month
    dry_shift: Annotated[float, Field(le=0)]  # what a dry year does to the index at the height of the season
    season: list[Share]
    persistence_per_month: Share
    between_townships: Share  # correlation of the index of two townships far apart
    reach_km: Annotated[float, Field(gt=0)] | None = None  # over which neighbours share more; None: distance is nothing
    loss_at: list[tuple[float, Share]]  # index and loss of a crop, from the driest-but-harmless down
    distress_discount: Share  # on livestock sold in a drought that costs 25 per cent of a crop
    relief: Relief | None = None
    extension: Extension | None = None
    replay: str | None = None  # table of a real drought: month, index (and township)
    replay_years: int = 0  # months of the table are moved by so many years

    @model_validator(mode="after")
    def _shape(self) -> Self:
        if len(self.season) != 12:
            refuse("season", f"{len(self.season)} shares", "twelve shares, January to December")
        at = self.loss_at
        if len(at) < 2 or at[0][1] != 0 or any(b[0] >= a[0] or b[1] < a[1] for a, b in pairwise(at)):
            refuse("loss_at", f"{self.loss_at}", "two or more points; no loss at the highest index, more at lower ones")
        return self


class Disease(Model):
    """A disease of livestock that comes to a township, spreads to others and kills a part of the herds."""

    key: str
    label: Text
    outbreaks_per_year: Annotated[float, Field(ge=0, lt=1)]  # chance that it is brought into a free township
    spreads_per_month: Share  # chance of being infected if all other townships are
    lasts_months: PositiveInt  # in a township, which is free afterwards
    herds_struck: Share  # of a township, when it breaks out there
    mortality: Share  # in a herd that is struck
    restock_months: PositiveInt  # from an empty stable to a full one
    price_change: Annotated[float, Field(gt=-1)]  # of the county's price when every township has it
    in_projects: Share  # projects that are animals: their capital dies with a herd that is struck


class Product(Model):
    """A debt that a household may have besides the loan under the fund."""

    key: str
    label: Text
    held_by: Share
    principal_yuan: PositiveInt
    term_months: PositiveInt
    rate_percent: Annotated[float, Field(ge=0, le=36)]
    repays: Literal["instalments", "bullet"]
    return_per_year: NotNegative  # income it makes, on the principal; 0: it makes none
    is_paid_first: bool = False  # before the loan under the fund, when both are due


class Behaviour(Model):
    """What is least known about households: one labelled set for each anchor."""

    misuse: Share  # loans spent on something else than the project
    project_failure_per_year: Share  # projects that lose a large part of their capital in a year
    failure_loss: Share  # that part
    price_sd: NotNegative  # log price of what a project sells: part common to a township
    county_price_share: Share  # of that variance, common to the county
    own_price_sd: NotNegative  # the household's own
    price_persistence_per_month: Share
    strategic_logit: float  # log odds of not wanting to pay when able, nobody else in arrears
    peer_logit: float  # times the share of the village's borrowers in arrears
    belief_logit: float  # times what the fund paid in twelve months over the covered principal outstanding
    unpaid_subsidy_logit: float  # times months by which the promised subsidy is overdue, after grace
    heirs_take_over: Share  # families that go on with the loan after death or lost labour of the borrower
    rating_logit: float  # times stars above three
    evaders: Share = 0.0  # households that never mean to repay
    cure_effort: Share  # chance in a month that a household in arrears can raise the money from kin


class Groups(Model):
    """Joint liability of the groups of the register: members pay for a member, and lose heart where one does not pay."""

    helps: Share = 0.3  # chance that one member stands by another
    infects_logit: NotNegative  # log odds of not wanting to pay if all others are in arrears, in bad times alone
    on: bool = True


class Firms(Model):
    """Firms, co-operatives and big growers that cover households: they employ them, and borrow on their quota."""

    per_township: PositiveInt
    covers: Share  # of the households that may borrow
    income_share: Share  # of a covered household's wages that the firm pays, dividends among them
    failures_per_year: Annotated[float, Field(ge=0, lt=1)]  # in years of no drought, usual prices and no disease
    drought_logit: NotNegative  # added log odds of a failure, times what the drought would cost a crop
    price_logit: NotNegative  # times the part by which the township's price is below the usual
    disease_logit: NotNegative  # times the part of the covered households' herds that disease has taken
    replaced_after_months: PositiveInt  # until another firm covers the households of a failed one
    uses_household_loans: Share = 0.0  # loans of covered households that go to the firm, which repays them
    can_fail: bool = True  # off: firms borrow and employ, and none fails


class Livelihoods(Model):
    """The county's households, from its marginals or from a table, and what happens to them in a month."""

    households: Annotated[int, Field(ge=1, le=1_000_000)]
    file: str | None = None  # a table of households in place of the marginals
    register_seed: int
    villages_per_township: PositiveInt
    group_size: PositiveInt
    size: dict[PositiveInt, Share]
    worker_share: Share  # of the household's persons, at least one
    age: dict[str, Share]
    men: Share  # of borrowers
    category: dict[Literal["registered", "borderline", "five_guarantee", "in_need"], Share]
    rating: dict[PositiveInt, Share]
    income_per_head_yuan: NotNegative
    income_sigma: Annotated[float, Field(ge=0, le=2)]
    income_shares: dict[Literal["crop", "livestock", "wage", "transfer"], Share]
    share_spread: Annotated[float, Field(ge=0, le=2)]  # log spread of a household's shares around them
    rain_fed_share: Share
    savings_months: NotNegative  # savings that households keep, in months of income
    savings_spread: Annotated[float, Field(ge=0, le=3)]
    floor_per_head_yuan: NotNegative  # subsistence, a year
    poverty_line_yuan: NotNegative
    spent_share: Share  # of usual income, when nothing happens
    informal_limit_months: NotNegative  # what kin and lenders advance, in months of income
    informal_rate_per_month: NotNegative
    months_between_loans: Annotated[float, Field(gt=0)]
    return_per_year: NotNegative  # of the project, on its capital
    return_after_months: Annotated[int, Field(ge=0)]
    crops: Annotated[list[Crop], Field(min_length=1)]
    livestock_by_month: list[Share]
    wage_by_month: list[Share]
    transfer_by_month: list[Share]
    crop_sd: NotNegative  # log spread of a household's harvest in a year
    wage_sd: NotNegative
    month_sd: NotNegative  # of what animals and trade bring in one month
    lost_labour_per_death: NotNegative
    mortality_multiple: NotNegative
    illness_per_year: Share
    illness_cost_months: NotNegative
    expense_per_year: Share  # weddings, funerals, school
    expense_months: NotNegative
    over_indebted_ratio: NotNegative  # debt service over income
    loan_to_income: NotNegative  # a lender lends at most so many years' usual income
    others_seen: Share  # chance that a lender sees a debt with somebody else
    peers: Literal["village", "group", "none"] = "village"
    stacking_on: bool = True
    subsidy_grace_months: Annotated[int, Field(ge=0)]
    products: list[Product] = Field(default_factory=list)
    weather: Weather
    diseases: list[Disease] = Field(default_factory=list)
    firms: Firms | None = None
    groups: Groups | None = None
    relapse_after_months: Annotated[int, Field(ge=0, le=24)] = (
        0  # months below the line that are a relapse; 0: not counted
    )
    behaviour: dict[Literal["low", "central", "high"], Behaviour]

    @model_validator(mode="after")
    def _sums(self) -> Self:
        for name in ("size", "age", "category", "rating", "income_shares"):
            adds_up(name, getattr(self, name).values())
        adds_up("crops.income_share", [c.income_share for c in self.crops])
        for name in ("livestock_by_month", "wage_by_month", "transfer_by_month"):
            adds_up(name, getattr(self, name))
            if len(getattr(self, name)) != 12:
                refuse(name, f"{len(getattr(self, name))} shares", "twelve shares, January to December")
        held: dict[int, str] = {}
        for band in self.age:
            low, _, high = band.partition("-")
            if not (low.isdecimal() and high.isdecimal() and YOUNGEST <= int(low) <= int(high) <= OLDEST):
                refuse("age", band, f'bands of years such as "30-39", from {YOUNGEST} to {OLDEST}')
            for year in range(int(low), int(high) + 1):
                if held.setdefault(year, band) != band:
                    refuse("age", f"{held[year]} and {band}", f"each year of age in one band; {year} is in two")
        for what, listed in (("products", self.products), ("diseases", self.diseases)):
            keys = [x.key for x in listed]
            if len(set(keys)) != len(keys):
                refuse(f"{what}.key", f"{keys}", "each key once")
        if len(self.products) > MAX_PRODUCTS:
            refuse(
                "products", f"{len(self.products)}", f"at most {MAX_PRODUCTS} products besides the loan under the fund"
            )
        return self
