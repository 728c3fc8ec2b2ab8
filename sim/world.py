"""What the histories of one arm share, and everything that happens in one of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sim.clock import Calendar, day_of
from sim.county import CountyCash
from sim.fiscal.office import Desk, Lists
from sim.fund.account import Flows
from sim.fund.claims import Claims
from sim.fund.claims_kernel import ClaimTerms
from sim.households.book import Community, Households
from sim.households.reduced_form import ReducedForm
from sim.law import Rules
from sim.ledger import Ledger
from sim.lending.applications import Applications
from sim.lending.granting import LENT, Terms
from sim.lending.loans import Loans
from sim.opening import OpeningState
from sim.scenario import Scenario
from sim.shocks.paths import Paths
from sim.units import F64, I64, Bool


@dataclass(frozen=True)
class Setup:
    """What all histories of one arm share. Built once per process."""

    scenario: Scenario
    rules: Rules
    calendar: Calendar
    rates: dict[str, Any]
    seed: int
    opening: OpeningState
    last_day: int
    first_month: int
    n_path_months: int  # shocks are drawn for every maturity, also those beyond the horizon
    month_ends: I64  # the last one is the horizon, whether a month ends there or not
    township_ids: I64
    p_classes: dict[tuple[int, int], int]
    form: ReducedForm
    apps: Applications | None
    set_fen: I64
    limit_fen: I64
    account_of: I64
    account_fen: I64
    meetings: I64  # within the history
    all_meetings: I64  # five years further, for claims that fall due beyond it
    credits: list[tuple[int, int, int]]
    settlements: I64
    arrivals: I64  # of each settlement's list on the office's desk, and of the one after the last
    law_from: int
    households: Households | None  # where they are simulated
    claim_terms: ClaimTerms
    granting: Terms

    @property
    def year_start(self) -> int:
        """1 January of the sized year."""
        return day_of(dt.date(self.scenario.sized_year, 1, 1))

    @property
    def lends(self) -> bool:
        """Are new loans made, so that the lenders' multiple can bind?"""
        return self.apps is not None or (self.households is not None and self.scenario.lending.new_loans)

    @property
    def first_day(self) -> int:
        """The information date."""
        return self.opening.day


@dataclass(frozen=True)
class Fates:
    """What became of each loan of the book; see `reduced_form.fates_reference`."""

    fate: I64
    missed: I64
    repaid: I64
    cause: I64
    renewed: I64

    def take(self, rows: Any) -> Fates:
        """Some of the loans."""
        return Fates(self.fate[rows], self.missed[rows], self.repaid[rows], self.cause[rows], self.renewed[rows])


@dataclass
class InsurerFlows:
    """What moved between the insurer and the others, for the tables.

    Attributes
    ----------
    premiums : list of (day, kind, payer, fen)
        Kind: "loans" or "index".
    claims : list of (claim, day, fen)
        Paid on loans that are insured.
    payouts : list of (day, fen)
        Of the weather index.
    seasons : list of (day, what the index paid, what it should have made up for)
        Of each insured household, (n,) each [1]: parts of the sum insured, and of the season's crop income.
    """

    premiums: list[tuple[int, str, str, int]] = field(default_factory=list)
    claims: list[tuple[int, int, int]] = field(default_factory=list)
    payouts: list[tuple[int, int]] = field(default_factory=list)
    seasons: list[tuple[int, F64, F64]] = field(default_factory=list)


@dataclass
class World:
    """Everything that happened in one history.

    Its households' luck has the number ``replication``, what hits the whole county has ``common``: one and the same,
    except where the two are told apart.

    Attributes
    ----------
    demand, demand_fates : Loans, Fates
        Opening book and applications; ``refusal`` says why each was not lent, or LENT.
    stops : (n_months, n_lenders) int64
        1 where a lender made no new loans in a month because a rule stopped it.
    set_fen : (n_lenders,) int64 [fen]
        Set sizes, as the yearly adjustment leaves them.
    counted : (n top-ups, n_lenders) int64 [fen]
        What counted against the multiple on each day of a top-up, where granting knows it beforehand.
    """

    replication: int
    common: int
    paths: Paths
    demand: Loans
    demand_fates: Fates
    refusal: I64
    loans: Loans
    fates: Fates
    claims: Claims
    lists: Lists
    entitled: I64
    flows: Flows
    ledger: Ledger
    desk: Desk
    records: list[list[int]]  # by month: the fund's accounts, subsidy cash [fen]
    n_events: int
    stops: I64
    set_fen: I64
    counted: I64
    community: Community | None = None  # where households are simulated
    county: CountyCash = field(default_factory=lambda: CountyCash(0))
    interest: I64 = field(default_factory=lambda: np.zeros((0, 0), np.int64))  # that borrowers pay, by lender and month
    insurer: InsurerFlows = field(default_factory=InsurerFlows)
    relief: list[tuple[int, int]] = field(default_factory=list)  # (day, fen) to households of townships hit by drought

    @property
    def granted(self) -> Bool:
        """Which of the demand became loans."""
        return self.refusal == LENT
