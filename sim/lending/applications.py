"""The stream of loan applications, and the made-up portfolio."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim import clock
from sim.clock import Calendar
from sim.law import Rules
from sim.lending.loans import Loans
from sim.scenario import Scenario
from sim.season import by_month, signing_days
from sim.streams import cdf, entity_id, stream_key, uniforms
from sim.units import FEN_PER_YUAN, I64, Array


@dataclass(frozen=True)
class Applications:
    """What is fixed about the applications before any history is drawn: who applies in which month."""

    id: I64
    month: I64
    lender: I64
    principal_fen: I64  # the possible sizes
    principal_cdf: Array
    term_months: I64
    term_cdf: Array
    township_cdf: Array
    keys: tuple[np.uint64, np.uint64]
    is_per_history: bool


def rate_ppm(rules: Rules, rates: dict[str, Any], start: Array, term_months: Array) -> I64:
    """Contract rate of loans by day of signing and term [1e-6 per year]; fixed for the contract."""
    out = np.empty(start.shape, dtype=np.int64)
    for is_long, table in ((False, rules.loan.rate_up_to_one_year), (True, rules.loan.rate_over_one_year)):
        rows = (term_months > 12) == is_long
        days, values = rates[table]
        out[rows] = values[np.maximum(np.searchsorted(days, start[rows], side="right") - 1, 0)]
    return out


def applications(
    scenario: Scenario, rules: Rules, limits_fen: list[int], from_day: int, to_day: int, seed: int,
    stream: str = "application",
) -> Applications:  # fmt: skip
    """Applications from ``from_day`` to ``to_day``.

    The yearly flow is the one whose steady stock is ``demand_over_limit`` times each lender's limit; it
    is spread over the months by the scenario's seasonal shares, so loans come and mature in batches: those of the
    months in which loans are made.
    """
    lending = scenario.lending
    sizes = np.array(list(lending.principal_yuan), dtype=np.int64) * FEN_PER_YUAN
    terms = np.array(list(lending.term_months), dtype=np.int64)
    size_p, term_p = (
        np.array(list(lending.principal_yuan.values())),
        np.array(list(lending.term_months.values())),
    )
    first, last = clock.month_of(np.array([from_day, to_day]))
    months = np.arange(first, last + 1)
    season = by_month(scenario, rules)
    ids: list[int] = []
    at: list[int] = []
    by: list[int] = []
    for index, lender in enumerate(scenario.lenders):
        stock = lending.demand_over_limit * limits_fen[index]
        per_year = stock / (sizes @ size_p) / (terms @ term_p) * 12
        due = np.cumsum(per_year * season[months % 12])
        counts = np.diff(np.floor(due + 0.5), prepend=0).astype(int)
        for month, count in zip(months, counts, strict=True):
            # the two parts of a month that is cut in two hold other loans
            part = from_day if month == first and from_day > clock.first_day_of_month(month) else ""
            ids += _ids(stream, lender.key, int(month), part, int(count))
            at += [int(month)] * count
            by += [index] * count
    shares = np.array(scenario.township_shares())
    return Applications(
        np.array(ids, dtype=np.int64), np.array(at, dtype=np.int64), np.array(by, dtype=np.int64),
        sizes, cdf(size_p), terms, cdf(term_p), cdf(shares),
        (stream_key(seed, "application.size_and_term"), stream_key(seed, "application.day_and_township")),
        lending.drawn == "per_history",
    )  # fmt: skip


@functools.lru_cache(maxsize=4096)
def _ids(stream: str, lender: str, month: int, part: int | str, count: int) -> tuple[int, ...]:
    """Ids of a month's applications at a lender; the same in every setup that has as many."""
    return tuple(entity_id(stream, lender, month, part, k) for k in range(count))


def draw_applications(
    apps: Applications, replication: int, rules: Rules, rates: dict[str, Any], calendar: Calendar,
    from_day: int, to_day: int,
) -> Loans:  # fmt: skip
    """The applications of one history as loans, in order of day and id, on working days within the span."""
    rep = replication if apps.is_per_history else 0
    size_u, term_u = uniforms(apps.keys[0], rep, apps.month, apps.id)
    day_u, place_u = uniforms(apps.keys[1], rep, apps.month, apps.id)
    first = clock.first_day_of_month(apps.month)
    length = clock.first_day_of_month(apps.month + 1) - first
    start = signing_days(rules, calendar, first + (day_u * length).astype(np.int64))
    term = apps.term_months[np.searchsorted(apps.term_cdf, term_u)]
    order = np.lexsort((apps.id, start))
    order = order[(start[order] >= from_day) & (start[order] <= to_day)]
    return Loans.make(
        apps.id.size,
        id=apps.id,
        household=apps.id,
        lender=apps.lender,
        township=np.searchsorted(apps.township_cdf, place_u),
        balance=apps.principal_fen[np.searchsorted(apps.principal_cdf, size_u)],
        start=start,
        due=clock.add_months(start, term),
        rate_ppm=rate_ppm(rules, rates, start, term),
    ).take(order)


def draw_portfolio(scenario: Scenario, classes: dict[tuple[int, int], int], replication: int, seed: int) -> Loans:
    """The made-up portfolio: households with one or more loans each, all of a group alike."""
    key = stream_key(seed, "portfolio.loans_per_household")
    rep = replication if scenario.opening.portfolio_drawn == "per_history" else 0
    townships = [t.key for t in scenario.townships]
    lenders = [lender.key for lender in scenario.lenders]
    parts = []
    for index, group in enumerate(scenario.opening.portfolio):
        households = _group_households(index, group.households)
        numbers = np.array(list(group.loans_per_household), dtype=np.int64)
        u = uniforms(key, rep, 0, households)[0]
        k = numbers[np.searchsorted(cdf(np.array(list(group.loans_per_household.values()))), u)]
        owner = np.repeat(households, k)
        ordinal = np.arange(owner.size) - np.repeat(np.cumsum(k) - k, k)
        start = clock.day_of(group.originated_on)
        by_number = np.zeros(int(numbers.max()) + 1, dtype=np.int64)
        for number in numbers:
            by_number[number] = classes[(index, int(number))]
        parts.append(
            Loans.make(
                owner.size,
                id=(owner ^ (ordinal << 40)) & np.int64(0x7FFFFFFFFFFFFFFF),
                household=owner,
                lender=lenders.index(group.lender),
                township=townships.index(group.township),
                balance=group.principal_yuan * FEN_PER_YUAN,
                start=start,
                due=int(clock.add_months(np.array([start]), group.term_months)[0]),
                rate_ppm=0,
                p_class=np.repeat(by_number[k], k),
            )
        )
    return Loans.concat(parts).by_household()


_HOUSEHOLDS: dict[tuple[int, int], I64] = {}


def _group_households(index: int, n: int) -> I64:
    """Ids of a portfolio group's households (made once; they do not depend on the history)."""
    if (index, n) not in _HOUSEHOLDS:
        ids = np.array([entity_id("portfolio", index, k) for k in range(n)], dtype=np.int64)
        _HOUSEHOLDS[(index, n)] = ids
    return _HOUSEHOLDS[(index, n)]
