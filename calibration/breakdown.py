"""One ledger from many sides: default by group, cure and recovery, renewals, and curves of time."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy

from calibration.first_estimate import LEVEL, MIN_MATURED, clopper_pearson
from sim.units import F64

RENEWAL_DAYS = 7  # between the day a loan was due or paid and the day the next one was paid out
RENEWAL_AMOUNT = 0.10  # by which the amounts may differ
_CURVE_DAYS = (1, 30, 90, 180, 365, 730, 1095, 1460)
_FIRST_YEAR = pd.Timedelta(days=365)


@dataclass(frozen=True)
class Count:
    """k of n, with the share's 95 % interval; ``n_effective`` is what the interval counts n for."""

    k: int
    n: int
    share: float
    low: float
    high: float
    n_effective: float


@dataclass(frozen=True)
class Curve:
    """A Kaplan-Meier curve: share for which it has not happened yet, by days, with its 95 % interval."""

    n: int
    n_events: int
    days: tuple[int, ...]
    share: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Breakdown:
    """What the ledger shows; None where it cannot.

    Attributes
    ----------
    by : dict of str to dict of str to Count
        Default by vintage, term (age at maturity), quarter of maturity, township, product, lender and number of loans
        that the household held on the day the loan was due.
    cured_before_wait : Count or None
        Of loans not paid on the day they were due, those paid before the wait was over.
    recovered_first_year : Count or None
        Of loans in default for a year or longer, those paid off within that year. Counts of loans; part payments do not
        count.
    renewed : Count
        Of loans paid off around the day they were due, those followed within days by a new loan of about the amount.
    default_of_tested : Count or None
        Default among loans that were not renewed so: what the share would be if a renewal were no proof of repayment.
    time_to_default : Curve or None
        Days from paying out to default.
    time_to_payment : Curve or None
        Days from maturity to payment of loans that were not paid in time.
    recovered_principal_share : float or None [1]
        Of principal owed at default, what payments brought back within a year; only where payments are told.
    """

    by: dict[str, dict[str, Count]]
    cured_before_wait: Count | None
    recovered_first_year: Count | None
    renewed: Count
    default_of_tested: Count | None
    time_to_default: Curve | None
    time_to_payment: Curve | None
    recovered_principal_share: float | None = None


def outcomes(loans: Any, on: Any, wait_days: int) -> Any:
    """Loans with a known outcome, and ``defaulted``: unpaid ``wait_days`` after maturity.

    Parameters
    ----------
    loans : DataFrame
        Columns `calibration.ledger.CANONICAL`.
    on : date
    wait_days : int [days]
    """
    wait = pd.Timedelta(days=wait_days)
    matured = loans[loans["matures_on"] + wait <= pd.Timestamp(on)]
    in_time = (matured["repaid_on"] <= matured["matures_on"] + wait) | undated(matured)
    return matured.assign(defaulted=~in_time.astype(bool))


def undated(loans: Any) -> Any:
    """(n,) bool: nothing is owed any more, but the day of payment is not told."""
    return loans["repaid_on"].isna() & (loans["balance_fen"] == 0) & loans["filed_on"].isna()


def breakdown(loans: Any, on: Any, wait_days: int, icc: float) -> Breakdown:
    """Look at the ledger from every side.

    Parameters
    ----------
    loans, on, wait_days
        See `outcomes`.
    icc : float [1]
        Correlation of two loans of one township; widens the intervals of groups.
    """
    today, wait = pd.Timestamp(on), pd.Timedelta(days=wait_days)
    matured = outcomes(loans, on, wait_days)
    next_loan = renewals(loans)
    paid_around = loans["repaid_on"].notna() & (loans["repaid_on"] <= loans["matures_on"] + wait)
    tested = matured[~matured.index.isin(next_loan.index)]
    return Breakdown(
        _groups(matured, loans, icc),
        _cured(matured),
        _recovered(matured, today, wait),
        _count(loans.index.isin(next_loan.index)[paid_around.to_numpy()], loans.loc[paid_around, "township"], icc),
        _count(tested["defaulted"].to_numpy(), tested["township"], icc) if len(tested) else None,
        _time_to_default(loans, today, wait),
        _time_to_payment(loans, today),
    )


# --- groups ------------------------------------------------------------------------------------------


def _groups(matured: Any, loans: Any, icc: float) -> dict[str, dict[str, Count]]:
    if len(matured) == 0:
        return {}
    keys: dict[str, Callable[[], Any]] = {
        "vintage": lambda: matured["originated_on"].dt.year,
        "term": lambda: (matured["term_months"] + 11) // 12 * 12,
        "season": lambda: matured["matures_on"].dt.quarter,
        "township": lambda: matured["township"],
        "product": lambda: matured["product"],
        "lender": lambda: matured["lender"],
        "loans_held": lambda: loans_held(matured, loans).clip(upper=3),
    }
    return {
        name: {
            str(value): _count(part["defaulted"].to_numpy(), part["township"], icc)
            for value, part in matured.groupby(key().to_numpy(), sort=True)
        }
        for name, key in keys.items()
    }


def loans_held(these: Any, loans: Any) -> Any:
    """(n,) int: loans of its household, itself among them, that ran on the day before each loan was due."""
    ends = loans["repaid_on"].where(loans["repaid_on"].notna(), pd.Timestamp("2200-01-01"))
    ends = ends.where(~undated(loans), loans["matures_on"])  # day not told: taken as paid when due
    every = loans[["household_id", "loan_id", "originated_on"]].assign(ends=ends)
    pairs = these[["household_id", "loan_id", "matures_on"]].merge(every, on="household_id", suffixes=("", "_other"))
    day = pairs["matures_on"] - pd.Timedelta(days=1)
    ran = (pairs["originated_on"] <= day) & (pairs["ends"] > day) & (pairs["loan_id"] != pairs["loan_id_other"])
    others = ran.groupby(pairs["loan_id"]).sum()
    return 1 + these["loan_id"].map(others).fillna(0).astype(int)


def _count(happened: Any, township: Any, icc: float) -> Count:
    """A share whose interval allows for what loans of one township have in common."""
    happened = np.asarray(happened, dtype=bool)
    n, k = happened.size, int(happened.sum())
    if n == 0:
        return Count(0, 0, 0.0, 0.0, 1.0, 0.0)
    sizes = pd.Series(np.asarray(township)).value_counts().to_numpy(float)
    design = 1 + (float((sizes**2).sum() / n) - 1) * max(icc, 0.0)
    effective = n / max(design, 1.0)
    return Count(k, n, k / n, *clopper_pearson(k / n * effective, effective, LEVEL), effective)


def _cured(matured: Any) -> Count | None:
    """Only where the ledger tells days of payment."""
    late = matured[matured["defaulted"] | (matured["repaid_on"] > matured["matures_on"])]
    if matured["repaid_on"].isna().all() or len(late) == 0:
        return None
    return _count(~late["defaulted"].to_numpy(), late["township"], 0.0)


def _recovered(matured: Any, today: Any, wait: Any) -> Count | None:
    bad = matured[matured["defaulted"] & (matured["matures_on"] + wait + _FIRST_YEAR <= today)]
    if matured["repaid_on"].isna().all() or len(bad) == 0:
        return None
    back = bad["repaid_on"] <= bad["matures_on"] + wait + _FIRST_YEAR
    return _count(back.to_numpy(), bad["township"], 0.0)


# --- renewals ----------------------------------------------------------------------------------------


def renewals(loans: Any) -> Any:
    """Loans that a new one of about the amount followed at once, and the new one's number.

    The household and the lender are the same, the old loan was paid off, and the new one was paid out within
    `RENEWAL_DAYS` of the payment or, where the day is not told, of the maturity. Each new loan follows one old one.

    Returns
    -------
    Series of int64
        New loan's ``loan_id`` by the old one's index.
    """
    gone = loans[loans["repaid_on"].notna() | undated(loans)]
    ended = gone["repaid_on"].where(gone["repaid_on"].notna(), gone["matures_on"])
    near = (ended - gone["matures_on"]).abs() <= pd.Timedelta(days=90)
    old = gone.assign(ended=ended, at=gone.index)[near]
    columns = ["household_id", "lender", "loan_id", "principal_fen"]
    pairs = old[[*columns, "ended", "at"]].merge(
        loans[[*columns, "originated_on"]], on=["household_id", "lender"], suffixes=("", "_new")
    )
    wait = (pairs["originated_on"] - pairs["ended"]).dt.days
    off = (pairs["principal_fen_new"] / pairs["principal_fen"] - 1).abs()
    fits = (pairs["loan_id"] != pairs["loan_id_new"]) & wait.between(0, RENEWAL_DAYS) & (off <= RENEWAL_AMOUNT + 1e-9)
    found = pairs.assign(wait=wait, off=off)[fits].sort_values(["wait", "off", "loan_id"])
    found = found.drop_duplicates("loan_id_new").drop_duplicates("at")
    return found.set_index("at")["loan_id_new"]


# --- time --------------------------------------------------------------------------------------------


def _time_to_default(loans: Any, today: Any, wait: Any) -> Curve | None:
    known = ~undated(loans) | (loans["matures_on"] + wait <= today)
    held = loans[known]
    day_bad = held["matures_on"] + wait
    paid = held["repaid_on"].where(held["repaid_on"].notna(), held["matures_on"].where(undated(held)))
    is_bad = (day_bad <= today) & ~(paid <= day_bad)
    end = day_bad.where(is_bad, paid.where(paid.notna(), today))
    return _curve((end - held["originated_on"]).dt.days.to_numpy(float), is_bad.to_numpy(bool))


def _time_to_payment(loans: Any, today: Any) -> Curve | None:
    """Of loans that were still unpaid on the day they were due."""
    if loans["repaid_on"].isna().all():
        return None
    late = loans[(loans["matures_on"] < today) & ~(loans["repaid_on"] <= loans["matures_on"]) & ~undated(loans)]
    paid = late["repaid_on"].notna()
    end = late["repaid_on"].where(paid, today)
    return _curve((end - late["matures_on"]).dt.days.to_numpy(float), paid.to_numpy(bool))


def _curve(days: F64, happened: Any) -> Curve | None:
    """Kaplan and Meier's curve; its interval is Greenwood's on the scale of log(-log)."""
    if days.size < MIN_MATURED or not happened.any():
        return None
    curve = scipy.stats.ecdf(scipy.stats.CensoredData(uncensored=days[happened], right=days[~happened])).sf
    with warnings.catch_warnings():  # undefined before the first event and after the last, where 0 and 1 are read
        warnings.simplefilter("ignore", RuntimeWarning)
        band = curve.confidence_interval(LEVEL, method="log-log")
    at = [d for d in _CURVE_DAYS if d <= days.max()]
    place = np.searchsorted(curve.quantiles, at, side="right") - 1

    def read(values: F64, before: float) -> tuple[float, ...]:
        found = np.where(place >= 0, values[np.maximum(place, 0)], before)
        return tuple(float(x) for x in np.where(np.isnan(found), before, found))

    share = read(curve.probabilities, 1.0)
    return Curve(days.size, int(happened.sum()), tuple(at), share, read(band.low.probabilities, 0.0),
                 read(band.high.probabilities, 1.0))  # fmt: skip
