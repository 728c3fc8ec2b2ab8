"""The interest subsidy of one loan: its rate on a day, and its interest over a span of days, to the fen."""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from sim import clock
from sim.law import Rules
from sim.units import FEN_PER_YUAN, I64, PPM, Array, percent_to_ppm, share_of

NO_END = 10_000_000  # a day that never comes
NO_CEILING = 1 << 62  # above every principal [fen]
EACH_SETTLEMENT, AT_REPAYMENT, YEARLY = range(3)
_PAID_WHEN = {"each_settlement": EACH_SETTLEMENT, "at_repayment": AT_REPAYMENT, "yearly": YEARLY}


class SubsidyTerms(NamedTuple):
    """The rules of the subsidy as numbers, for compiled code.

    Attributes
    ----------
    from_day : (m,) int64 [day]
        Steps of the rate: each holds until the next begins. The first began before every loan.
    share_ppm, most_ppm : (m,) int64 [1e-6], [1e-6 a year]
        Share of the contract rate, and the rate at most. A fixed rate is the whole contract rate, at most so much.
    by_signing : int
        1: a loan keeps the step of the day on which it was signed. 0: each day of its interest has its own.
    months : int
        From the day of signing. 0: as long as the loan runs.
    end : int [day]
        First day whose interest is not subsidised.
    ceiling : int [fen]
        Principal that is subsidised, at most.
    day_count : int
    extra_days : int
        The subsidy goes on so many days after a missed date.
    paid_when : int
        EACH_SETTLEMENT; AT_REPAYMENT: all interest is settled with the principal; YEARLY: interest is settled as
        usual, and its subsidy stands on the last list of the year in which the loan is repaid.
    pays_first : int
        The household pays the subsidised interest too, and is paid the subsidy.
    late_loses_all : int
        A loan that is not repaid on its date has no subsidy at all.
    """

    from_day: I64
    share_ppm: I64
    most_ppm: I64
    by_signing: int
    months: int
    end: int
    ceiling: int
    day_count: int
    extra_days: int
    paid_when: int
    pays_first: int
    late_loses_all: int


def subsidy_terms(rules: Rules) -> SubsidyTerms:
    """The subsidy of every day, as the rules of one day have it or, where it follows dated values, as these do."""
    subsidy = rules.subsidy
    steps = _steps(rules) if subsidy.follows is not None else {-NO_END: (subsidy.share, subsidy.fixed_rate)}
    share = [round(share * PPM) if fixed is None else PPM for share, fixed in steps.values()]
    most = [PPM if fixed is None else percent_to_ppm(fixed) for _, fixed in steps.values()]
    return SubsidyTerms(
        np.array(list(steps), dtype=np.int64), np.array(share, dtype=np.int64), np.array(most, dtype=np.int64),
        int(subsidy.follows == "loan"), subsidy.months or 0, NO_END if subsidy.until is None else clock.day_of(dt.date.fromisoformat(subsidy.until)) + 1,
        NO_CEILING if subsidy.pays_above_ceiling else subsidy.ceiling_yuan * FEN_PER_YUAN, rules.interest.day_count,
        rules.claim.wait_days if subsidy.stops_at == "day_90" else 0,
        _PAID_WHEN[subsidy.paid_when or "each_settlement"], int(subsidy.paid_to == "household"), int(subsidy.late_loses == "all"),
    )  # fmt: skip


def _steps(rules: Rules) -> dict[int, tuple[float, float | None]]:
    """Share and fixed rate by the day from which they hold; the first values hold for whatever was lent before."""
    share, fixed = (rules.dated.get(f"subsidy.{name}", ()) for name in ("share", "fixed_rate"))
    days = sorted({date for date, _ in (*share, *fixed)})
    found = {}
    for at, date in enumerate(days):
        held = [next((v for since, v in reversed(values) if since <= date), None) for values in (share, fixed)]
        found[clock.day_of(date) if at else -NO_END] = (share[0][1] if held[0] is None else held[0], held[1])
    return found


# --- one loan, compiled, and the same for many loans in plain arrays ---------------------------------------


@njit(cache=True, error_model="numpy")
def subsidised(s: Any, principal: Any, rate_ppm: Any, start: Any, begin: Any, to: Any) -> Any:
    """Subsidy on the interest of the days from ``begin`` to the day before ``to`` [fen], rounded once, half up.

    Parameters
    ----------
    s : SubsidyTerms
    principal [fen], rate_ppm [1e-6 a year], start [day of signing]
    """
    end = min(to, _end(s, start))
    if end <= begin:
        return 0
    if s.by_signing == 1 or s.from_day.size == 1:
        rate_days = _rate(s, rate_ppm, start) * (end - begin)
    else:
        rate_days = 0
        for k in range(s.from_day.size):
            first = max(begin, s.from_day[k])
            last = min(end, s.from_day[k + 1]) if k + 1 < s.from_day.size else end
            if last > first:
                rate_days += _step_rate(s, rate_ppm, k) * (last - first)
    year = s.day_count * 1_000_000
    return (min(principal, s.ceiling) * rate_days + year // 2) // year


@njit(cache=True, error_model="numpy")
def rate_on(s: Any, rate_ppm: Any, start: Any, day: Any) -> Any:
    """Subsidised part of the contract rate on a day [1e-6 a year]."""
    if day >= _end(s, start):
        return 0
    return _rate(s, rate_ppm, start if s.by_signing == 1 else day)


@njit(cache=True, error_model="numpy")
def _rate(s: Any, rate_ppm: Any, day: Any) -> Any:
    k = s.from_day.size - 1
    while k > 0 and s.from_day[k] > day:
        k -= 1
    return _step_rate(s, rate_ppm, k)


@njit(cache=True, inline="always", error_model="numpy")
def _step_rate(s: Any, rate_ppm: Any, k: Any) -> Any:
    return min((rate_ppm * s.share_ppm[k] + 500_000) // 1_000_000, s.most_ppm[k])


@njit(cache=True, inline="always", error_model="numpy")
def _end(s: Any, start: Any) -> Any:
    """First day whose interest is not subsidised."""
    return s.end if s.months == 0 else min(s.end, anniversary(start, s.months))


@njit(cache=True, error_model="numpy")
def anniversary(day: Any, months: Any) -> Any:
    """The same day so many months on, or the last of its month: compiled twin of `clock.add_months`."""
    year, month, of_month = _civil(day)
    month += months - 1
    year, month = year + month // 12, month % 12 + 1
    return min(_day(year, month, of_month), _day(year + month // 12, month % 12 + 1, 1) - 1)


@njit(cache=True, error_model="numpy")
def _civil(day: Any) -> Any:
    """Year, month and day of month of a day number (Gregorian; years counted from March, in eras of 400 years)."""
    z = day + 719_468
    era = z // 146_097
    of_era = z - era * 146_097
    year_of_era = (of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    from_march = (5 * of_year + 2) // 153
    month = from_march + 3 if from_march < 10 else from_march - 9
    return year_of_era + era * 400 + (1 if month <= 2 else 0), month, of_year - (153 * from_march + 2) // 5 + 1


@njit(cache=True, error_model="numpy")
def _day(year: Any, month: Any, of_month: Any) -> Any:
    """Day number of a date; a day of the month that does not exist runs on into the next month."""
    y = year - (1 if month <= 2 else 0)
    era = y // 400
    year_of_era = y - era * 400
    of_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + of_month - 1
    return era * 146_097 + year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + of_year - 719_468


def subsidised_reference(
    s: SubsidyTerms, principal: Array, rate_ppm: Array, start: Array, begin: Array, to: Array
) -> I64:
    """Plain twin of `subsidised`, for many loans."""
    end = np.minimum(to, _end_reference(s, start))
    rate_days = np.zeros(np.broadcast(principal, end, begin).shape, dtype=np.int64)
    for k in range(s.from_day.size):
        step = np.minimum(share_of(rate_ppm, int(s.share_ppm[k])), s.most_ppm[k])
        last = s.from_day[k + 1] if k + 1 < s.from_day.size else NO_END
        if s.by_signing == 1:
            rate_days += np.where((start >= s.from_day[k]) & (start < last), step * np.maximum(end - begin, 0), 0)
        else:
            rate_days += step * np.maximum(np.minimum(end, last) - np.maximum(begin, s.from_day[k]), 0)
    year = s.day_count * PPM
    out: I64 = (np.minimum(principal, s.ceiling) * rate_days + year // 2) // year
    return out


def rate_on_reference(s: SubsidyTerms, rate_ppm: I64, start: I64, day: int) -> I64:
    """Plain twin of `rate_on`, for many loans."""
    k = np.searchsorted(s.from_day, start if s.by_signing == 1 else np.full_like(start, day), side="right") - 1
    rate = np.minimum((rate_ppm * s.share_ppm[k] + PPM // 2) // PPM, s.most_ppm[k])
    out: I64 = np.where(day < _end_reference(s, start), rate, 0)
    return out


def _end_reference(s: SubsidyTerms, start: Array) -> I64:
    ends = clock.add_months(start, s.months) if s.months else np.full_like(start, NO_END)
    out: I64 = np.minimum(ends, s.end)
    return out
