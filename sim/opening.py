"""The state on the information date, from which every history of a sizing run starts."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim import clock
from sim.clock import Calendar
from sim.errors import InputError
from sim.fund.claims import after_filing, payment_due
from sim.households.reduced_form import base_probability, long_run_default
from sim.law import Rules
from sim.lending.applications import rate_ppm
from sim.lending.loans import CLAIM, NEVER, OPEN, OVERDUE, Loans
from sim.scenario import Scenario
from sim.streams import entity_id, stream_key, uniforms
from sim.units import FEN_PER_YUAN, I64, Array

MAX_STACK = 5  # households with more open loans than this share one default class
RENEWED = MAX_STACK  # default class of loans that have been renewed once


@dataclass(frozen=True)
class OpeningState:
    """Loans by stage, balances and unpaid subsidy on the information date.

    Attributes
    ----------
    day : int
        Information date, before anything happens on it.
    loans : Loans
        Open, overdue, in the claim's chain, or paid by the fund and not yet recovered.
    fund_fen : tuple of int
        Money in each sub-account, carried over.
    subsidy_cash_fen : int
    lists : tuple of (period_end, lender, unpaid fen, lines, arrives, confirmed)
        Subsidy lists not fully paid.
    last_settlement : int [day]
        Interest is settled up to this day.
    """

    day: int
    loans: Loans
    fund_fen: tuple[int, ...]
    subsidy_cash_fen: int = 0
    lists: tuple[tuple[int, int, int, int, int, int], ...] = field(default=())
    last_settlement: int = -1

    @property
    def sha256(self) -> str:
        """Hash of the whole state."""
        digest = hashlib.sha256()
        for column, values in asdict(self.loans).items():
            digest.update(column.encode())
            digest.update(np.ascontiguousarray(values).tobytes())
        rest = [self.day, self.fund_fen, self.subsidy_cash_fen, self.lists, self.last_settlement]
        digest.update(json.dumps(rest).encode())
        return digest.hexdigest()

    def save(self, path: Path) -> None:
        """Write as a Parquet file; the balances travel in its metadata."""
        frame = self.loans.frame()
        frame.attrs["state"] = json.dumps(
            [self.day, self.fund_fen, self.subsidy_cash_fen, self.lists, self.last_settlement]
        )
        frame.to_parquet(path)

    @staticmethod
    def load(path: Path) -> OpeningState:
        """Read what `save` wrote."""
        frame = pd.read_parquet(path)
        day, fund, cash, lists, settled = json.loads(frame.attrs["state"])
        return OpeningState(day, Loans.from_frame(frame), tuple(fund), cash, tuple(map(tuple, lists)), settled)


def stack_classes(loans: Loans) -> I64:
    """Default class of each loan from the number of open loans of its household (0 for one loan)."""
    _, inverse, counts = np.unique(loans.household, return_inverse=True, return_counts=True)
    return np.minimum(counts[inverse], MAX_STACK).astype(np.int64) - 1


def empty(scenario: Scenario, day: int) -> OpeningState:
    """Nothing lent yet; sub-accounts at the balance that the scenario names, else full."""
    accounts = scenario.sub_accounts_yuan()
    known = scenario.opening.balance_yuan or {}
    for key in known:
        if key not in accounts:
            raise InputError(scenario.name, "opening.balance_yuan", key, f"one of {list(accounts)}", accounts)
    fund = tuple(known.get(key, yuan) * FEN_PER_YUAN for key, yuan in accounts.items())
    return OpeningState(day, Loans.make(0, **dict.fromkeys(_EMPTY, np.zeros(0, np.int64))), fund, 0, (), day)


_EMPTY = ("id", "household", "lender", "township", "balance", "start", "due", "rate_ppm")


def from_table(scenario: Scenario, rules: Rules, calendar: Calendar) -> OpeningState:
    """The loan book that `riskfund data import` made from a bank's ledger.

    Raises
    ------
    InputError
        Unknown lender or township, balance above principal, nothing open on the information date.
    """
    path = Path(str(scenario.opening.file))
    try:
        frame = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise InputError(path.name, "file", str(error), "a book.csv made by `riskfund data import`") from None
    if frame.empty:
        raise InputError(path.name, "rows", 0, "at least one loan")
    needed = [
        "loan_id",
        "household_id",
        "lender",
        "township",
        "principal_fen",
        "balance_fen",
        "originated_on",
        "matures_on",
        "rate_ppm",
    ]
    for column in needed:
        if column not in frame:
            raise InputError(path.name, column, None, f"columns {needed}", list(frame.columns))
    over = np.flatnonzero(frame["balance_fen"].to_numpy() > frame["principal_fen"].to_numpy())
    if over.size:
        value = int(frame["balance_fen"].iloc[over[0]])
        raise InputError(path.name, f"row {over[0] + 2}, balance_fen", value, "at most the principal")
    day = clock.day_of(scenario.information_on)
    due = _days(frame["matures_on"])
    since = _days(frame["overdue_since"]) if "overdue_since" in frame else np.full(due.size, NEVER)
    loans = Loans.make(
        len(frame),
        id=frame["loan_id"].to_numpy(),
        household=frame["household_id"].to_numpy(),
        lender=_index(path.name, frame, "lender", [lender.key for lender in scenario.lenders]),
        township=_index(path.name, frame, "township", [t.key for t in scenario.townships]),
        balance=frame["balance_fen"].to_numpy(),
        start=_days(frame["originated_on"]),
        due=np.where(due < day, np.maximum(due, since), due),
        rate_ppm=frame["rate_ppm"].to_numpy(),
        filed=_days(frame["filed_on"]) if "filed_on" in frame else NEVER,
    )
    loans = loans.take(np.flatnonzero((loans.balance > 0) & (loans.start < day)))
    if len(loans) == 0:
        raise InputError(path.name, "balance_fen", 0, f"at least one loan open on {scenario.information_on}")
    return _staged(scenario, rules, calendar, loans, day)


def from_townships(scenario: Scenario, rules: Rules, calendar: Calendar, rates: dict[str, Any]) -> OpeningState:
    """A book synthesised from totals by township: number of loans, balance, overdue loans where known.

    Sizes, ages and days overdue are drawn once with the warm-up seed; the totals are met to the fen.
    Overdue loans of townships without a figure share out what the county total leaves. Where the rules
    allow a renewal, the steady share of loans renewed once is among them, due within the year.
    """
    path = Path(str(scenario.opening.file))
    frame = pd.read_csv(path, comment="#")
    day, seed = clock.day_of(scenario.information_on), scenario.opening.warm_up_seed
    keys = [t.key for t in scenario.townships]
    index = _index(path.name, frame, "township", keys)
    counts, balances = (
        frame["loans"].to_numpy(np.int64),
        np.round(frame["balance_10k_yuan"].to_numpy() * 1e6).astype(np.int64),
    )
    overdue_n, overdue_fen = _spread_overdue(frame, counts, seed)
    renewed_share = _renewed_share(scenario, rules)
    parts, again = [], []
    for k, n in enumerate(counts):
        ids = np.array([entity_id("townships", keys[index[k]], i) for i in range(n)], dtype=np.int64)
        size_u, dpd_u = uniforms(stream_key(seed, "opening.size"), 0, 0, ids)
        term_u, age_u = uniforms(stream_key(seed, "opening.age"), 0, 0, ids)
        late = np.arange(n) < overdue_n[k]
        weight = 0.6 + 0.8 * size_u
        balance = np.where(
            late,
            _exact_parts(weight, late, overdue_fen[k]),
            _exact_parts(weight, ~late, balances[k] - overdue_fen[k]),
        )
        term, months_ago = _ages(scenario, day, term_u, age_u)
        start = np.minimum(clock.add_months(np.full(n, day), -months_ago) - 1 - (age_u * 27).astype(np.int64), day - 1)
        due = clock.add_months(start, term)
        renewed = ~late & (uniforms(stream_key(seed, "opening.renewed"), 0, 0, ids)[0] < renewed_share)
        due = np.where(renewed, day + (dpd_u * 365).astype(np.int64), due)
        again.append(renewed)
        due = np.where(late, day - 1 - (dpd_u * 365).astype(np.int64), np.maximum(due, day))
        start = np.where(late, clock.add_months(due, -term), start)
        parts.append(Loans.make(n, id=ids, household=ids, lender=0, township=index[k], balance=balance, start=start,
                                due=due, rate_ppm=rate_ppm(rules, rates, start, term)))  # fmt: skip
    return _staged(scenario, rules, calendar, Loans.concat(parts), day, np.concatenate(again))


def _renewed_share(scenario: Scenario, rules: Rules) -> float:
    """Share of open loans that have been renewed once, in a book that has been steady."""
    if rules.loan.renewals_max == 0:
        return 0.0
    terms = scenario.lending.term_months
    years = sum(months * share for months, share in terms.items()) / 12
    p = long_run_default(scenario.defaults, base_probability(scenario.defaults))
    return p * scenario.defaults.renewed_instead / (years + p * scenario.defaults.renewed_instead)


def _ages(scenario: Scenario, day: int, term_u: Array, age_u: Array) -> tuple[I64, I64]:
    """Term and months since origination of loans open on a day, in a book that has been steady."""
    terms = np.array(list(scenario.lending.term_months), dtype=np.int64)
    weight = np.array(list(scenario.lending.term_months.values())) * terms  # a long loan is open longer
    term = terms[np.searchsorted(np.cumsum(weight) / weight.sum(), term_u)]
    by_month = np.array(scenario.lending.by_month)
    this_month = int(clock.month_of(np.array([day]))[0])
    ago = np.empty(term.size, dtype=np.int64)
    for t in terms:
        rows = term == t
        share = by_month[(this_month - 1 - np.arange(t)) % 12]
        ago[rows] = np.searchsorted(np.cumsum(share) / share.sum(), age_u[rows])
    return term, ago


def _spread_overdue(frame: pd.DataFrame, counts: I64, seed: int) -> tuple[I64, I64]:
    """Overdue loans and money by township; what is known only in total is drawn in proportion to loans."""
    n = frame["overdue_loans"].to_numpy(float)
    fen = frame["overdue_10k_yuan"].to_numpy(float) * 1e6
    known = ~np.isnan(n)
    rest_n = int(frame["overdue_loans_total"].iloc[0]) - int(n[known].sum())
    rest_fen = round(float(frame["overdue_10k_yuan_total"].iloc[0]) * 1e6) - round(float(fen[known].sum()))
    share = np.where(known, 0, counts)
    u = uniforms(stream_key(seed, "opening.overdue"), 0, 0, np.arange(rest_n))[0]
    hit = np.searchsorted(np.cumsum(share) / share.sum(), u)
    drawn = np.bincount(hit, minlength=counts.size)
    out_n = np.where(known, np.nan_to_num(n), drawn).astype(np.int64)
    money = np.round(np.where(known, np.nan_to_num(fen), 0)).astype(np.int64)
    money[~known] = _exact_parts(drawn[~known].astype(float), drawn[~known] > 0, rest_fen)
    return out_n, money


def _exact_parts(weight: Array, rows: Array, total: int) -> I64:
    """``total`` shared out over the chosen rows in proportion to weights, adding up exactly."""
    out = np.zeros(weight.size, dtype=np.int64)
    if rows.any():
        cumulative = np.floor(np.cumsum(weight[rows]) / weight[rows].sum() * total + 0.5).astype(np.int64)
        out[rows] = np.diff(cumulative, prepend=0)
    return out


def _staged(
    scenario: Scenario, rules: Rules, calendar: Calendar, loans: Loans, day: int, again: Array | None = None
) -> OpeningState:
    """Stage of each loan by its days overdue; claims that should have been paid long ago are filed now."""
    overdue = day - loans.due
    status = np.select([overdue <= 0, overdue < rules.claim.wait_days], [OPEN, OVERDUE], CLAIM)
    filed = np.where(loans.filed != NEVER, loans.filed, loans.due + rules.claim.wait_days + rules.claim.file_days)
    _, ends = after_filing(rules, calendar, filed)
    meetings = calendar.dates_each_year(tuple(rules.claim.meetings), int(filed.min()) - 1, day + 1000)
    _, pays = payment_due(rules, calendar, ends, meetings, np.zeros(filed.size, np.int64))
    filed = np.where((status == CLAIM) & (pays < day), day, np.where(status == CLAIM, filed, NEVER))
    loans = loans.replace(status=status.astype(np.int64), filed=filed.astype(np.int64))
    classes = stack_classes(loans)
    if again is not None:
        classes = np.where(again, RENEWED, classes)
    loans = loans.replace(p_class=classes).by_household()
    state = empty(scenario, day)
    return replace(state, loans=loans, last_settlement=day)


def _days(column: pd.Series) -> I64:
    days = pd.to_datetime(column, errors="coerce").to_numpy("datetime64[D]")
    return np.where(np.isnat(days), NEVER, days.astype(np.int64)).astype(np.int64)


def _index(where: str, frame: pd.DataFrame, column: str, keys: list[str]) -> I64:
    codes = pd.Categorical(frame[column], categories=keys).codes.astype(np.int64)
    unknown = np.flatnonzero(codes < 0)
    if unknown.size:
        raise InputError(
            where, f"row {unknown[0] + 2}, {column}", frame[column].iloc[unknown[0]], f"one of {keys}", keys
        )
    return codes


def date_text(day: int) -> str:
    """A day number as an ISO date."""
    return clock.date_of(day).isoformat()


def long_before(scenario: Scenario) -> dt.date:
    """First day of the warm-up: longest term plus 12 months before the information date."""
    months = max(scenario.lending.term_months) + 12
    day = clock.add_months(np.array([clock.day_of(scenario.information_on)]), -months)
    return clock.date_of(int(day[0]))
