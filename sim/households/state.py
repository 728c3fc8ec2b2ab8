"""What a household is at the end of a month, and the terms on which it decides: plain arrays for both twins."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import ndtri

from sim.households.life_table import monthly_death_probability
from sim.households.register import Register
from sim.law import Rules
from sim.livelihoods import Livelihoods
from sim.scenario import Scenario
from sim.season import by_month
from sim.streams import cdf, stream_key, uniforms
from sim.subsidy import SubsidyTerms, subsidy_terms
from sim.units import F64, FEN_PER_YUAN, I64, PPM, Array, percent_to_ppm

NONE, OPEN, OVERDUE, BAD = 0, 1, 2, 3  # the loan under the fund: none, running, missed its date, past day 90
WELL, LOST_LABOUR, DEAD = 0, 1, 2
WORKS, FAILED = 0, 1  # `People.health` of a part of a firm's quota
# marks on a household's present loan; BY_FIRM: a firm has the money and repays it, LOST: that firm has failed
# EXTENDED: its date was put off in a drought; UNSUBSIDISED: and nobody subsidises what has arisen since
REFUSES, MISUSED, CALLED, RENEWED, BY_FIRM, LOST, EXTENDED, UNSUBSIDISED = 1, 2, 4, 8, 16, 32, 64, 128
# what happened in the month
REPAID, CURED, MISSED, WENT_BAD, APPLIES, WAS_CALLED, WAS_RENEWED = 1, 2, 4, 8, 16, 32, 64
INCOME, SPENT, BORROWED, PAID_BACK, OTHERS, COLLECTED, SOLD = range(7)  # totals of a month
# paid to a lender: interest first, interest with the principal, principal; subsidised interest of its open loans in a year
INTEREST, EXTRA, PRINCIPAL, YEARLY = range(4)
NEVER_DAY = 10_000_000
LUCK_POINTS = 1024
SEVERE = 0.25  # drought that would cost a quarter of a crop: a default in the year after it is put down to disaster


class People(NamedTuple):
    """What changes in a household. (n,) int64; money in fen.

    Attributes
    ----------
    cash, informal, capital
        Savings, debt to kin and moneylenders, money in the project that the loan pays for.
    harvest_ppm, wage_ppm
        Luck of the year, 1,000,000 is usual.
    health
        WELL, LOST_LABOUR or DEAD: of the person who borrows.
    loan, status, principal, rate_ppm, start, due, marks
        The loan under the fund: its row in the history's book (-1 none), where it stands, its terms, the
        day that was or will be missed, and REFUSES, MISUSED, CALLED, RENEWED, BY_FIRM, LOST, EXTENDED, UNSUBSIDISED.
    accrued_to, carry, withheld : [day, fen]
        Subsidised interest is settled up to this day; that of a closed loan waits for the next settlement; that
        of a running loan whose subsidy is settled only once it is repaid.
    interest_due, arrears, refund : [fen]
        Interest the household must pay this month, what it has not paid, subsidy it gets this month.
    recover_on, recover_fen : [day, fen]
        When the lender collects a bad loan, and how much.
    ordinal, wait_until : [count, month]
        Loans so far; first month in which it may apply again.
    months_short, income_year
        Months below the floor so far; income since January [fen].
    debt_arrears : (n, MAX_DEBTS) [fen]
        Unpaid on the debts besides the loan under the fund.
    income_12 : (n, 12) [fen]
        Income of the last January, February, ..., where relapses into poverty are counted.
    poor_months, relapses : [count]
        Months in a row for which the income of twelve months has been below the line, -1 before it was ever above; how
        often that became a relapse.
    """

    cash: I64
    informal: I64
    capital: I64
    harvest_ppm: I64
    wage_ppm: I64
    health: I64
    loan: I64
    status: I64
    principal: I64
    rate_ppm: I64
    start: I64
    due: I64
    marks: I64
    accrued_to: I64
    carry: I64
    withheld: I64
    interest_due: I64
    arrears: I64
    refund: I64
    recover_on: I64
    recover_fen: I64
    ordinal: I64
    wait_until: I64
    months_short: I64
    income_year: I64
    debt_arrears: I64
    income_12: I64
    poor_months: I64
    relapses: I64

    def copy(self) -> People:
        """Arrays of its own."""
        return People(*(a.copy() for a in self))


class Terms(NamedTuple):
    """What the scenario and the rules say, as numbers. Tables of luck have LUCK_POINTS + 1 quantiles, mean one."""

    harvest_luck: F64
    wage_luck: F64
    month_luck: F64
    own_price: F64
    death: F64  # (2 sex, ages) a month
    lost_labour_per_death: float
    illness: float
    illness_months: float
    expense: float
    expense_months: float
    floor_fen: float  # a person and month
    spent_share: float
    informal_months: float
    informal_rate: float
    livestock: F64  # (12,)
    wage: F64
    transfer: F64
    return_per_month: float
    return_after_days: int
    failure: float
    failure_loss: float
    distress: float  # price discount for each unit of severity
    misuse: float
    strategic: float
    peer: float
    belief: float
    unpaid_subsidy: float
    rating: float
    heirs: float
    cure: float
    apply: F64  # (12,) chance in a month
    loan_to_income: float  # largest loan over a year's usual income
    sizes: I64  # [fen], ascending
    size_cdf: F64
    terms: I64  # [months]
    term_cdf: F64
    age_below: int
    age_at_maturity: int  # 1: the age counts on the day on which the loan falls due
    call_days: int
    calls: int  # the loan is called after death or lost labour
    wait_days: int
    renews: float  # share of would-be defaulters renewed instead
    penalty: float  # overdue rate over the contract rate
    day_count: int
    subsidy: SubsidyTerms
    products: I64  # (n, 5): period [months], payment, part that the project must bring back, yearly return, is first
    stacking: int
    others_seen: float
    over_indebted: float
    poverty_line: float  # [fen a head and year]
    keys: Array  # month, year, decision, application


class Now(NamedTuple):
    """What is the same for everybody, a township, a circle or a lender in one month."""

    replication: int
    month: int
    month_end: int
    over_by: int  # who is not paid on a date whose waiting time is over by then has no month's end left
    first_day: int  # of the month
    crop_sold: float
    crop_lost: F64  # (townships,)
    severity: F64
    recent: F64  # worst severity of the last twelve months
    price: F64
    belief: float
    late_months: F64  # (lenders,) beyond the days of grace
    is_open: I64  # (lenders,) renews, and grants every application
    bad: I64  # (circles,) neighbours in arrears, and borrowers
    borrowers: I64
    circle: I64  # (n,) village or group of each household
    rate_short: I64  # (days of the month,) contract rate by day of signing
    rate_long: I64
    working: I64  # (days,) first working day on or after
    month_starts: I64  # (many,) first day of this month and those that follow
    herd: F64  # (n,) part of its usual herd that a household has
    wage: F64  # (n,) part of its usual wages that its employers still pay
    will: F64  # (n,) added log odds of not wanting to pay: a shaken group, or a household that never means to


class Out(NamedTuple):
    """What the step writes: filled anew every month.

    Attributes
    ----------
    event, cause : (n,) int64
        Bits of what happened; cause of loans that went bad.
    start, due, principal, rate_ppm : (n,) int64
        Terms of the loan a household applies for.
    totals : (7,) int64 [fen]
        INCOME, SPENT, BORROWED, PAID_BACK, OTHERS, COLLECTED, SOLD.
    by_lender : (n_lenders, 4) int64 [fen]
        INTEREST, EXTRA, PRINCIPAL, YEARLY.
    bad, borrowers : (n_circles,) int64
        Neighbours in arrears, and borrowers, at the end of the month.
    """

    event: I64
    cause: I64
    start: I64
    due: I64
    principal: I64
    rate_ppm: I64
    totals: I64
    by_lender: I64
    bad: I64
    borrowers: I64

    @staticmethod
    def empty(n: int, n_lenders: int, n_circles: int) -> Out:
        """Zeros."""
        rows = [np.zeros(n, dtype=np.int64) for _ in range(6)]
        event, cause, start, due, principal, rate_ppm = rows
        bad, borrowers = (np.zeros(n_circles, dtype=np.int64) for _ in range(2))
        totals, by_lender = np.zeros(7, np.int64), np.zeros((n_lenders, 4), np.int64)
        return Out(event, cause, start, due, principal, rate_ppm, totals, by_lender, bad, borrowers)


def terms_of(scenario: Scenario, rules: Rules, seed: int) -> Terms:
    """The numbers that both twins of the monthly step read."""
    live = livelihoods_of(scenario)
    b = live.behaviour[scenario.defaults.anchor or "central"]
    lending = scenario.lending
    monthly = np.minimum(by_month(scenario, rules) * 12 / live.months_between_loans, 1.0)
    products = np.array(
        [
            [
                12 if p.repays == "instalments" else p.term_months,
                _payment(p.principal_yuan, p.term_months, p.rate_percent, p.repays == "instalments"),
                p.principal_yuan * FEN_PER_YUAN if p.repays == "bullet" else 0,
                round(p.return_per_year * p.principal_yuan * FEN_PER_YUAN),
                int(p.is_paid_first),
            ]
            for p in live.products
        ],
        dtype=np.int64,
    ).reshape(-1, 5)
    purposes = ("household.month", "household.year", "household.decision", "household.application")
    return Terms(
        luck(live.crop_sd), luck(live.wage_sd), luck(live.month_sd), luck(b.own_price_sd),
        monthly_death_probability(live.mortality_multiple), live.lost_labour_per_death,
        _a_month(live.illness_per_year), live.illness_cost_months, _a_month(live.expense_per_year), live.expense_months,
        live.floor_per_head_yuan * FEN_PER_YUAN / 12, live.spent_share, live.informal_limit_months,
        live.informal_rate_per_month, np.array(live.livestock_by_month), np.array(live.wage_by_month),
        np.array(live.transfer_by_month), live.return_per_year / 12, live.return_after_months * 30,
        _a_month(b.project_failure_per_year), b.failure_loss,
        live.weather.distress_discount / 0.25 if live.weather.on else 0.0, b.misuse, b.strategic_logit,
        b.peer_logit if live.peers != "none" else 0.0, b.belief_logit, b.unpaid_subsidy_logit, b.rating_logit,
        b.heirs_take_over, b.cure_effort, monthly, live.loan_to_income,
        np.array(sorted(lending.principal_yuan), dtype=np.int64) * FEN_PER_YUAN,
        cdf(np.array([lending.principal_yuan[y] for y in sorted(lending.principal_yuan)])),
        np.array(list(lending.term_months), dtype=np.int64), cdf(np.array(list(lending.term_months.values()))),
        rules.loan.age_below, int(rules.loan.age_counts_at == "maturity"), rules.claim.called_after_death_days, int(scenario.defaults.death_calls_loan),
        rules.claim.wait_days, scenario.defaults.renewed_instead if rules.loan.renewals_max > 0 else 0.0,
        rules.claim.penalty_multiplier, rules.interest.day_count, subsidy_terms(rules),
        products, int(live.stacking_on), live.others_seen, live.over_indebted_ratio,
        live.poverty_line_yuan * FEN_PER_YUAN,
        np.array([stream_key(seed, p) for p in purposes], dtype=np.uint64),
    )  # fmt: skip


def livelihoods_of(scenario: Scenario) -> Livelihoods:
    """The section on households, which is there where the mechanism is `household`."""
    assert scenario.livelihoods is not None
    return scenario.livelihoods


def luck(sd: float) -> F64:
    """Quantiles of a lognormal with mean one, at 0, 1/LUCK_POINTS, ..., 1; the ends stand half a step inside.

    Between them luck is interpolated: its sampling is by inverse transform, its tails end at 3.3 sigma.
    """
    u = np.clip(np.arange(LUCK_POINTS + 1) / LUCK_POINTS, 0.5 / LUCK_POINTS, 1 - 0.5 / LUCK_POINTS)
    q = np.exp(sd * ndtri(u))
    mean = (q[:-1] + q[1:]).sum() / 2 / LUCK_POINTS
    return q / mean


def new_people(register: Register, live: Livelihoods, first_month: int, seed: int) -> People:
    """Households before the programme: savings as they keep them, nothing owed, applying in turn.

    First applications are spread over three years, so that a warm-up does not lend everything in one spring.
    """
    n = register.id.size
    u = uniforms(stream_key(seed, "household.first_application"), 0, 0, register.id)[0]
    zero = np.zeros(n, dtype=np.int64)
    out = {name: zero.copy() for name in People._fields if name not in _WIDE}
    out["poor_months"] -= 1
    out["cash"] = register.savings_fen.copy()
    for name in ("harvest_ppm", "wage_ppm"):
        out[name] = np.full(n, PPM, dtype=np.int64)
    out["loan"] = np.full(n, -1, dtype=np.int64)
    out["recover_on"] = np.full(n, NEVER_DAY, dtype=np.int64)
    out["wait_until"] = first_month + (u * 36).astype(np.int64)
    arrears, income = np.zeros(register.debt_product.shape, np.int64), np.zeros((n, 12), np.int64)
    return People(**out, debt_arrears=arrears, income_12=income)


_WIDE = ("debt_arrears", "income_12")  # of more than one column


def people_frame(people: People) -> pd.DataFrame:
    """As a table; arrears on other debts and the income of twelve months are columns of their own."""
    columns = people._asdict()
    wide = {name: columns.pop(name) for name in _WIDE}
    more = {f"{name}_{j}": table[:, j] for name, table in wide.items() for j in range(table.shape[1])}
    return pd.DataFrame({**columns, **more})


def people_of(frame: pd.DataFrame) -> People:
    """From a table made by `people_frame`."""
    wide = {
        name: np.ascontiguousarray(frame[[c for c in frame if str(c).startswith(f"{name}_")]].to_numpy(np.int64))
        for name in _WIDE
    }
    return People(**{name: frame[name].to_numpy(np.int64) for name in People._fields if name not in _WIDE}, **wide)


def _payment(principal_yuan: int, term_months: int, rate_percent: float, by_instalments: bool) -> int:
    """What falls due at once [fen]: an equal yearly part with interest on the mean balance, or all at the end."""
    years, rate = term_months / 12, percent_to_ppm(rate_percent) / PPM
    if by_instalments:
        return round(principal_yuan * (1 / years + rate / 2) * FEN_PER_YUAN)
    return round(principal_yuan * (1 + rate * years) * FEN_PER_YUAN)


def _a_month(yearly: float) -> float:
    return 1 - (1 - yearly) ** (1 / 12)
