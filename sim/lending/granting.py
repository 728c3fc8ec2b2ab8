"""Granting: the rules and the calendar that it goes by, what it knows of a loan, and what it answers.

What is done with them stands in `granting_kernel`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from sim import clock
from sim.clock import day_in_year
from sim.law import Rules
from sim.units import FEN_PER_YUAN, I64, PPM, Bool

LENT, CAPPED, STOPPED, QUOTA_USED = range(4)  # why an application was refused
REFUSALS = {"multiple": CAPPED, "stop": STOPPED, "quota": QUOTA_USED}
NO_RULE = -1
TOP_UPS = ("none", "to_set_size", "to_multiple", "to_demand")
NONE, TO_SET_SIZE, TO_MULTIPLE, TO_DEMAND = range(4)


class Stop(NamedTuple):
    """When new lending stops, and when it begins again; `NO_RULE` where the pack has no such rule."""

    bad: float  # share of bad loans above which it stops
    resume: float  # share down to which it stays stopped
    unpaid_days: int
    used: float  # share of the set size that is gone
    is_county: bool  # measured over all lenders, and all stop together

    @property
    def is_on(self) -> bool:
        """Is there any such rule?"""
        return self.bad >= 0 or self.unpaid_days >= 0 or self.used >= 0

    @property
    def reads_fund(self) -> bool:
        """Does it depend on the fund's account?"""
        return self.unpaid_days >= 0 or self.used >= 0


class Book(NamedTuple):
    """Loans as granting sees them, (n,) int64 each: what is lent, and what becomes of it if no clerk holds it up.

    Attributes
    ----------
    lender, start
    principal, covered : [fen]
        All of it, and what the fund guarantees.
    release : [day]
        The covered principal no longer counts against the multiple.
    bad_from, gone : [day]
        It counts as bad; it has left the lender's book.
    pays, part : [day, fen]
        The fund pays its part.
    back, returned : [day, fen]
        What the fund gets back of it.
    """

    lender: I64
    start: I64
    principal: I64
    covered: I64
    release: I64
    bad_from: I64
    gone: I64
    pays: I64
    part: I64
    back: I64
    returned: I64

    def take(self, rows: Any) -> Book:
        """Some of the loans."""
        return Book(*(column[rows] for column in self))


class Terms(NamedTuple):
    """What no history changes: rules and calendar of granting, by day from the information date to the horizon."""

    first_day: int
    month: I64  # (n_days,) number of the month
    is_month_end: Bool
    is_new_year: Bool
    top_up: I64  # (n_days,) rule by which the fund is topped up on the day
    is_backstop: Bool
    credits: I64  # (n_accounts, n_days) deposit interest [fen]
    account_of: I64  # (n_lenders,)
    multiple_ppm: int
    on_balance: bool  # the multiple is on what the fund holds, not on its set size
    quota: int  # [fen a year]
    payout_cap_ppm: int
    stop: Stop
    reads_fund: bool  # lending depends on the fund's account


class Room(NamedTuple):
    """What the lenders may still lend, of one history; brought up to date by whoever grants.

    Attributes
    ----------
    used : (n_lenders,) int64 [fen]
        Covered principal that counts against the multiple.
    limit : (n_lenders,) int64 [fen]
    freed : (n_lenders, 31) int64 [fen]
        Covered principal that leaves the book, by day of the month.
    is_stopped : (n_lenders,) int64
    quota_left : (1,) int64 [fen]
    refused : (n_lenders,) int64 [fen]
        Covered principal that found no room under the multiple since the last top-up.
    """

    used: I64
    limit: I64
    freed: I64
    is_stopped: I64
    quota_left: I64
    refused: I64


class Granted(NamedTuple):
    """Why each application was refused (or LENT); who was stopped, by month; what counted on each top-up day."""

    reason: I64  # (n,)
    stops: I64  # (n_months, n_lenders)
    counted: I64  # (n top-ups, n_lenders) [fen]


def stop_of(rules: Rules) -> Stop:
    """The rules on stopping as numbers."""
    s = rules.stop
    bad = NO_RULE if s.bad_loan_share is None else s.bad_loan_share
    return Stop(
        float(bad), float(bad if s.resume_share is None else s.resume_share),
        NO_RULE if s.unpaid_claim_days is None else s.unpaid_claim_days,
        float(NO_RULE if s.used_share is None else s.used_share), rules.stop.measured_on == "county",
    )  # fmt: skip


def quota_fen(rules: Rules) -> int:
    """New lending that a year allows in the county [fen], `NO_RULE` without a quota."""
    yuan = rules.loan.quota_yuan_per_year
    return NO_RULE if yuan is None else yuan * FEN_PER_YUAN


def terms_of(
    rules: Rules, first: int, last: int, sizing: int, account_of: I64, credits: list[tuple[int, int, int]]
) -> Terms:  # fmt: skip
    """Read what no history changes; ``sizing`` is 1 January of the sized year."""
    days = np.arange(first, last + 1)
    month, stop = clock.month_of(days), stop_of(rules)
    top_up = np.zeros(days.size, dtype=np.int64)
    for day, rule in top_ups(rules, first, last, sizing).items():
        top_up[day - first] = rule
    on_balance = rules.fund.leverage_base == "current"
    reads_fund = on_balance or stop.unpaid_days >= 0 or stop.used >= 0
    interest = np.zeros((int(account_of.max()) + 1, days.size if reads_fund else 0), dtype=np.int64)
    for day, account, fen in credits if reads_fund else []:
        interest[account, day - first] += fen
    cap = rules.fund.payout_cap_share
    return Terms(
        first, month - month[0], np.append(np.diff(month) > 0, True), _each_year("01-01", days), top_up,
        _each_year(rules.fund.backstop_on, days), interest, account_of, round(rules.fund.leverage * PPM), on_balance,
        quota_fen(rules), NO_RULE if cap is None else round(cap * PPM), stop, reads_fund,
    )  # fmt: skip


def top_ups(rules: Rules, first: int, last: int, sizing: int) -> dict[int, int]:
    """Days after the information date on which the fund is topped up, and the rule by which it is.

    On 1 January of the sized year it is brought to the size that is in question; by the pack's rule on its day in every
    other year.
    """
    rule = TOP_UPS.index(rules.fund.top_up)
    years = range(clock.date_of(first).year, clock.date_of(last).year + 1)
    days = {day_in_year(y, rules.fund.top_up_on): rule for y in years if rule != NONE} | {sizing: TO_SET_SIZE}
    return {day: days[day] for day in sorted(days) if first < day <= last}


def set_anew_each_year(t: Terms, sizing: int) -> Terms:
    """The same, but the fund is brought to its set size on each 1 January from the sized year on."""
    from_then = np.arange(t.month.size) >= sizing - t.first_day
    return t._replace(top_up=np.where(from_then, np.where(t.is_new_year, TO_SET_SIZE, NONE), t.top_up))


def _each_year(month_day: str, days: I64) -> Bool:
    years = range(clock.date_of(int(days[0])).year, clock.date_of(int(days[-1])).year + 1)
    return np.isin(days, [day_in_year(y, month_day) for y in years])
