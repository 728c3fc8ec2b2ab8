"""The state on the information date, from which every history of a sizing run starts."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim import clock, tables
from sim.clock import Calendar
from sim.errors import InputError
from sim.fund.claims import after_filing, chain, payment_due
from sim.fund.days import decision_days, latest_missed
from sim.households.reduced_form import base_probability, long_run_default
from sim.households.state import People, people_frame, people_of
from sim.law import Rules
from sim.lending.applications import rate_ppm
from sim.lending.loans import CLAIM, NEVER, OPEN, OVERDUE, Loans
from sim.scenario import Scenario
from sim.season import by_month
from sim.streams import cdf, entity_id, stream_key, uniforms
from sim.units import FEN_PER_YUAN, I64, Array

MAX_STACK = 5  # households with more open loans than this share one default class
HOUSEHOLDS, FIRMS = "households", "firms"  # files beside that of the loans
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
    lists : tuple of (period_end, lender, unpaid fen, lines, arrives, confirmed, 1 if owed to households)
        Subsidy lists not fully paid.
    transfers : tuple of (latest day, fen)
        Upper-level money for the subsidy that is on the road.
    debts : str
        Hash of the other debts of the households.
    entitled : tuple of (year, fen)
        Subsidy that fell due in each year before, where it is known.
    last_settlement : int [day]
        Interest is settled up to this day.
    people : People, optional
        Households, where they are simulated.
    firms : People, optional
        Parts of firms (`households.firms`), where there are any.
    """

    day: int
    loans: Loans
    fund_fen: tuple[int, ...]
    subsidy_cash_fen: int = 0
    lists: tuple[tuple[int, int, int, int, int, int, int], ...] = field(default=())
    last_settlement: int = -1
    people: People | None = None
    transfers: tuple[tuple[int, int], ...] = ()
    debts: str = ""
    entitled: tuple[tuple[int, int], ...] = ()
    firms: People | None = None

    @property
    def sha256(self) -> str:
        """Hash of the whole state."""
        digest = hashlib.sha256()
        columns = asdict(self.loans) | (self.people._asdict() if self.people is not None else {})
        if self.firms is not None:
            columns |= {f"firms.{name}": values for name, values in self.firms._asdict().items()}
        for column, values in columns.items():
            digest.update(column.encode())
            digest.update(np.ascontiguousarray(values).tobytes())
        digest.update(self._rest().encode())
        return digest.hexdigest()

    def _rest(self) -> str:
        """What is neither loans nor households, as text."""
        return json.dumps([
            self.day, self.fund_fen, self.subsidy_cash_fen, self.lists, self.last_settlement, self.transfers, self.debts,
            self.entitled,
        ])  # fmt: skip

    def save(self, path: Path) -> None:
        """Write as a Parquet file, the households beside it; the balances travel in its metadata.

        The file that says that the state is there comes last, and neither is ever seen half written.
        """
        for people, what in ((self.people, HOUSEHOLDS), (self.firms, FIRMS)):
            if people is not None:
                _write(people_frame(people), _beside(path, what))
        frame = self.loans.frame()
        frame.attrs["state"] = self._rest()
        _write(frame, path)

    @staticmethod
    def load(path: Path) -> OpeningState:
        """Read what `save` wrote."""
        try:
            frame = pd.read_parquet(path)
            day, fund, cash, lists, settled, transfers, debts, entitled = json.loads(frame.attrs["state"])
            people, firms = (
                people_of(pd.read_parquet(_beside(path, what))) if _beside(path, what).exists() else None
                for what in (HOUSEHOLDS, FIRMS)
            )
        except (OSError, KeyError, ValueError) as error:  # Arrow's own errors are ValueErrors
            raise InputError(
                str(path.parent), path.name, type(error).__name__, "the opening state of this run"
            ) from None
        return OpeningState(
            day,
            Loans.from_frame(frame),
            tuple(fund),
            cash,
            tuple(map(tuple, lists)),
            settled,
            people,
            tuple(map(tuple, transfers)),
            debts,
            tuple(map(tuple, entitled)),
            firms,
        )


def _write(frame: pd.DataFrame, path: Path) -> None:
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    frame.to_parquet(temporary)
    temporary.replace(path)


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f"{path.stem}-{what}.parquet")


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


_TABLE = (
    "loan_id", "household_id", "lender", "township", "principal_fen", "balance_fen", "originated_on", "matures_on", "rate_ppm",
)  # fmt: skip
_TOTALS = ("township", "loans", "balance_10k_yuan", "overdue_loans", "overdue_10k_yuan", "overdue_loans_total",
           "overdue_10k_yuan_total")  # fmt: skip


def from_table(scenario: Scenario, rules: Rules, calendar: Calendar) -> OpeningState:
    """The loan book that `riskfund data import` made from a bank's ledger.

    Raises
    ------
    InputError
        Unknown lender or township, balance above principal, nothing open on the information date.
    """
    path = Path(str(scenario.opening.file))
    where = path.name
    frame = tables.read_csv(path, _TABLE, "a book.csv made by `riskfund data import`")
    tables.refuse_row(where, frame, "loan_id", frame["loan_id"].duplicated().to_numpy(), "each loan once")
    principal, balance = (tables.numbers(where, frame, c, at_most=1e12) for c in ("principal_fen", "balance_fen"))
    tables.refuse_row(where, frame, "balance_fen", balance > principal, "at most the principal")
    rate = tables.numbers(where, frame, "rate_ppm", at_most=360_000)
    tables.refuse_row(
        where, frame, "rate_ppm", (rate > 0) & (rate < 1_000), "parts per million a year: 47500 for 4.75 per cent, or 0"
    )
    day, date = clock.day_of(scenario.information_on), scenario.information_on
    start, due = (tables.days(where, frame, c, empty=None) for c in ("originated_on", "matures_on"))
    tables.refuse_row(where, frame, "originated_on", start >= day, f"a day before the information date {date}")
    tables.refuse_row(where, frame, "matures_on", due <= start, "a day after originated_on")
    since, filed = (
        tables.days(where, frame, c, empty=NEVER) if c in frame else np.full(due.size, NEVER)
        for c in ("overdue_since", "filed_on")
    )
    tables.refuse_row(where, frame, "overdue_since", since >= day, f"a day before the information date {date}")
    tables.refuse_row(where, frame, "filed_on", filed >= day, f"a day before the information date {date}")
    tables.refuse_row(where, frame, "filed_on", (filed != NEVER) & (filed < due), "a day after the maturity")
    loans = Loans.make(
        len(frame),
        id=tables.ids(where, frame, "loan_id"),
        household=tables.ids(where, frame, "household_id"),
        lender=tables.index(where, frame, "lender", [lender.key for lender in scenario.lenders]),
        township=tables.index(where, frame, "township", [t.key for t in scenario.townships]),
        balance=balance.astype(np.int64),
        start=start,
        due=np.where(due < day, np.maximum(due, since), due),
        rate_ppm=rate.astype(np.int64),
        filed=filed,
    )
    loans = loans.take(np.flatnonzero(loans.balance > 0))
    if len(loans) == 0:
        raise InputError(where, "balance_fen", 0, f"at least one loan open on {scenario.information_on}")
    return _staged(scenario, rules, calendar, loans, day)


def from_townships(scenario: Scenario, rules: Rules, calendar: Calendar, rates: dict[str, Any]) -> OpeningState:
    """A book synthesised from totals by township: number of loans, balance, overdue loans where known.

    Sizes, ages and days overdue are drawn once with the warm-up seed; the totals are met to the fen.
    Overdue loans of townships without a figure share out what the county total leaves. Where the rules
    allow a renewal, the steady share of loans renewed once is among them, due within the year.
    """
    path = Path(str(scenario.opening.file))
    frame = tables.read_csv(path, _TOTALS, "a table of totals by township")
    day, seed = clock.day_of(scenario.information_on), scenario.opening.warm_up_seed
    keys = [t.key for t in scenario.townships]
    index = tables.index(path.name, frame, "township", keys)
    counts = tables.numbers(path.name, frame, "loans", at_least=1).astype(np.int64)
    balances = np.round(tables.numbers(path.name, frame, "balance_10k_yuan") * 1e6).astype(np.int64)
    overdue_n, overdue_fen = _spread_overdue(path.name, frame, counts, seed)
    tables.refuse_row(path.name, frame, "overdue_loans", overdue_n > counts, "at most the township's loans")
    tables.refuse_row(path.name, frame, "overdue_10k_yuan", overdue_fen > balances, "at most the township's balance")
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


def from_arrears(scenario: Scenario, rules: Rules, calendar: Calendar, rates: dict[str, Any]) -> OpeningState:
    """A book synthesised from totals by days overdue, as an old portfolio is known: number of loans and balance.

    Negative days are days before maturity. Sizes and days are drawn once with the warm-up seed, terms and townships by
    the scenario's shares; each line's total is met to the fen. All loans are the first lender's.
    """
    path = Path(str(scenario.opening.file))
    frame = tables.read_csv(path, _ARREARS, "a table of totals by days overdue")
    day, seed = clock.day_of(scenario.information_on), scenario.opening.warm_up_seed
    low, high = (
        tables.whole_numbers(path.name, frame, column, -_LONGEST, _LONGEST) for column in ("days_from", "days_to")
    )
    counts = tables.whole_numbers(path.name, frame, "loans", 1, 10_000_000)
    balances = np.round(tables.numbers(path.name, frame, "balance_10k_yuan") * 1e6).astype(np.int64)
    tables.refuse_row(path.name, frame, "days_to", high < low, "days_from or more")
    tables.refuse_row(
        path.name, frame, "days_from", (low <= 0) & (high > 0), "days before maturity or days overdue alone"
    )
    tables.refuse_row(path.name, frame, "balance_10k_yuan", balances < counts, "a balance of its loans")
    terms = np.array(list(scenario.lending.term_months), dtype=np.int64)
    parts = []
    for k, n in enumerate(counts.tolist()):
        ids = np.array([entity_id("arrears", int(low[k]), i) for i in range(n)], dtype=np.int64)
        size_u, day_u = uniforms(stream_key(seed, "arrears.size"), 0, 0, ids)
        term_u, place_u = uniforms(stream_key(seed, "arrears.place"), 0, 0, ids)
        due = day - (low[k] + (day_u * (high[k] - low[k] + 1)).astype(np.int64))
        term = terms[np.searchsorted(cdf(np.array(list(scenario.lending.term_months.values()))), term_u)]
        start = np.minimum(clock.add_months(due, -term), day - 1)
        township = np.searchsorted(cdf(np.array(scenario.township_shares())), place_u)
        balance = _exact_parts(0.6 + 0.8 * size_u, np.ones(n, dtype=np.bool_), int(balances[k]))
        parts.append(Loans.make(n, id=ids, household=ids, lender=0, township=township, balance=balance, start=start,
                                due=due, rate_ppm=rate_ppm(rules, rates, start, term)))  # fmt: skip
    return _staged(scenario, rules, calendar, Loans.concat(parts), day)


_ARREARS = ("days_from", "days_to", "loans", "balance_10k_yuan")
_LONGEST = 40 * 366  # days: loans of forty years are on some books


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
    season = by_month(scenario, scenario.law())
    this_month = int(clock.month_of(np.array([day]))[0])
    ago = np.empty(term.size, dtype=np.int64)
    for t in terms:
        rows = term == t
        share = season[(this_month - 1 - np.arange(t)) % 12]
        ago[rows] = np.searchsorted(np.cumsum(share) / share.sum(), age_u[rows])
    return term, ago


def _spread_overdue(where: str, frame: pd.DataFrame, counts: I64, seed: int) -> tuple[I64, I64]:
    """Overdue loans and money by township; what is known only in total is drawn in proportion to loans."""
    n, fen = (pd.to_numeric(frame[c], errors="coerce").to_numpy(float) for c in ("overdue_loans", "overdue_10k_yuan"))
    known = ~np.isnan(n)
    tables.refuse_row(
        where, frame, "overdue_loans", ~known & frame["overdue_loans"].notna().to_numpy(), "a number or nothing"
    )
    tables.refuse_row(where, frame, "overdue_10k_yuan", known & np.isnan(fen), "a number where overdue loans are given")
    total_n, total = (
        tables.numbers(where, frame.iloc[:1], c)[0] for c in ("overdue_loans_total", "overdue_10k_yuan_total")
    )
    money = np.round(np.where(known, np.nan_to_num(fen), 0) * 1e6).astype(np.int64)
    rest_n, rest_fen = int(total_n - np.nansum(n)), round(total * 1e6) - int(money.sum())
    if rest_n < 0 or rest_fen < 0 or (known.all() and (rest_n or rest_fen)):
        raise InputError(
            where,
            "overdue_loans_total",
            total_n,
            f"the {np.nansum(n):g} loans given, and more only where townships are left open",
        )
    share = np.where(known, 0, counts).astype(float)
    u = uniforms(stream_key(seed, "opening.overdue"), 0, 0, np.arange(rest_n))[0]
    hit = np.searchsorted(np.cumsum(share) / max(share.sum(), 1.0), u)
    drawn = np.bincount(hit, minlength=counts.size) if rest_n else np.zeros(counts.size, dtype=np.int64)
    money[~known] = _exact_parts(drawn[~known].astype(float), drawn[~known] > 0, rest_fen)
    return np.where(known, np.nan_to_num(n), drawn).astype(np.int64), money


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
    status = np.select([loans.due >= day, loans.due > latest_missed(rules, calendar, day)], [OPEN, OVERDUE], CLAIM)
    nothing = np.zeros(len(loans), np.int64)
    dated = np.maximum(loans.due, max(day - 1000, calendar.first_day))  # that long ago makes no difference
    entitled, filed, _, _ = chain(rules, calendar, dated, nothing, 0)
    filed = np.where(loans.filed != NEVER, loans.filed, filed)
    _, ready_on = after_filing(rules, calendar, entitled, filed)
    meetings = decision_days(rules, calendar, int(filed.min()) - 1, day + 1000)
    _, pays = payment_due(rules, calendar, ready_on, meetings, nothing)
    filed = np.where((status == CLAIM) & (pays < day), day, np.where(status == CLAIM, filed, NEVER))
    loans = loans.replace(status=status.astype(np.int64), filed=filed.astype(np.int64))
    classes = stack_classes(loans)
    if again is not None:
        classes = np.where(again, RENEWED, classes)
    loans = loans.replace(p_class=classes).by_household()
    state = empty(scenario, day)
    return replace(state, loans=loans, last_settlement=day)


def long_before(scenario: Scenario) -> dt.date:
    """First day of the warm-up: longest term plus 12 months before the information date, unless the scenario says more."""
    months = scenario.opening.warm_up_months or max(scenario.lending.term_months) + 12
    day = clock.add_months(np.array([clock.day_of(scenario.information_on)]), -months)
    return clock.date_of(int(day[0]))
