"""What one loan table says by itself: default shares, how townships move together, and the loan mix."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import betaincinv, ndtr, ndtri, owens_t, stdtrit

from calibration.text import ESTIMATE
from sim.units import F64, Array

LEVEL = 0.95
MIN_MATURED = 30
_MIN_TOWNSHIPS = 3


@dataclass(frozen=True)
class Share:
    """Share of matured loans in default.

    Attributes
    ----------
    n, n_defaulted : int
    by_count, low, high : float [1]
        Share of loans with its exact 95 % interval.
    by_principal, principal_low, principal_high : float [1]
        Share of principal with its 95 % interval.

    The intervals take loans as independent: they say how well the share of these loans under this history
    is known, not how bad another history may be.
    """

    n: int
    n_defaulted: int
    by_count: float
    low: float
    high: float
    by_principal: float
    principal_low: float
    principal_high: float


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class FirstEstimate:
    """Facts of one loan table. A field is None where the table cannot tell; ``reason`` says why.

    Attributes
    ----------
    on : date
    wait_days : int [days]
        A loan unpaid this long after maturity is in default.
    n_loans, n_matured : int
        Loans in the table, and those with a known outcome.
    is_weak : bool
        Fewer than 30 known outcomes.
    default : Share or None
    default_low_by_township, default_high_by_township : float [1] or None
        Interval of the share of loans widened for what the loans of one township have in common.
    by_vintage : dict of int to Share
        By year paid out.
    by_township : dict of str to Share
    township_icc : Interval or None [1]
        Correlation of the outcomes of two loans of one township.
    township_factor_variance : Interval or None [1]
        Variance of the township's factor in a probit model whose latent variable has variance 1.
    multi_loan_household_share : float or None [1]
        Of households with an open loan, those with more than one.
    mean_exposure_fen, mean_household_exposure_fen : float or None [fen]
        Mean open balance of a loan, and of a household.
    term_mix, origination_month_mix : dict of int to float [1]
        Share of loans by term in months, and by calendar month paid out.
    reason : str or None
    notes : tuple of str
        Plain warnings about what the numbers rest on.
    """

    on: date
    wait_days: int
    n_loans: int
    n_matured: int
    is_weak: bool
    default: Share | None
    default_low_by_township: float | None
    default_high_by_township: float | None
    by_vintage: dict[int, Share]
    by_township: dict[str, Share]
    township_icc: Interval | None
    township_factor_variance: Interval | None
    multi_loan_household_share: float | None
    mean_exposure_fen: float | None
    mean_household_exposure_fen: float | None
    term_mix: dict[int, float]
    origination_month_mix: dict[int, float]
    reason: str | None
    notes: tuple[str, ...]

    def to_json(self) -> str:
        """The same facts as JSON text."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=2, default=str) + "\n"


def first_estimate(loans: Any, on: date, wait_days: int = 90, lang: str = "en") -> FirstEstimate:
    """Estimate the reduced-form facts from one loan table.

    A loan has a known outcome once ``wait_days`` have passed since maturity. It is in default if it was
    unpaid on that day: repaid later, or not repaid. A zero balance without a repayment date counts as
    repaid in time unless a claim was filed. Loans renewed under a new number count as repaid, as the
    ledger shows them.

    Parameters
    ----------
    loans : DataFrame
        Columns `calibration.ledger.CANONICAL`.
    on : date
        Day of the table.
    wait_days : int [days]
    lang : {"en", "zh"}
        Language of ``reason`` and ``notes``.

    Returns
    -------
    FirstEstimate
    """
    says = ESTIMATE
    today = pd.Timestamp(on)
    wait = pd.Timedelta(days=wait_days)
    matured = loans[loans["matures_on"] + wait <= today]
    undated = matured["repaid_on"].isna() & (matured["balance_fen"] == 0) & matured["filed_on"].isna()
    in_time = (matured["repaid_on"] <= matured["matures_on"] + wait) | undated
    matured = matured.assign(defaulted=~in_time.astype(bool))
    only_open = bool(loans["repaid_on"].isna().all() and (loans["balance_fen"] > 0).all())
    n = len(matured)
    is_weak = n < MIN_MATURED
    notes: list[str] = []
    reason = None
    if only_open:
        reason = says["survivors"][lang]
    elif n == 0:
        reason = says["none_matured"][lang].format(wait=wait_days, on=on)
    else:
        notes += _warnings(matured, int(undated.sum()), lang)
    if is_weak:
        notes.insert(0, says["weak"][lang].format(n=n))
    known = matured if reason is None else matured.iloc[:0]
    icc, factor, doubt = _township_part(known, lang)
    clustered = _clustered(known, icc)
    return FirstEstimate(
        *(on, wait_days, len(loans), n, is_weak),
        *(_share(known) if len(known) else None, *clustered),
        by_vintage={int(year): _share(part) for year, part in known.groupby(known["originated_on"].dt.year)},
        by_township={str(name): _share(part) for name, part in known.groupby("township")},
        township_icc=icc,
        township_factor_variance=factor,
        **_open_book(loans, today),
        term_mix=_mix(loans["term_months"]),
        origination_month_mix=_mix(loans["originated_on"].dt.month),
        reason=reason if reason is not None else doubt,
        notes=tuple(notes),
    )


def _warnings(matured: Any, n_undated: int, lang: str) -> list[str]:
    notes = []
    if n_undated:
        notes.append(ESTIMATE["undated"][lang].format(n=n_undated))
    by_year = matured.groupby(matured["originated_on"].dt.year)["defaulted"].agg(["all", "size"])
    suspect = [str(year) for year, row in by_year.iterrows() if row["all"] and row["size"] >= 5]
    if suspect:
        notes.append(ESTIMATE["all_unpaid"][lang].format(years=", ".join(suspect)))
    return notes


def _open_book(loans: Any, today: Any) -> dict[str, Any]:
    held = loans[(loans["balance_fen"] > 0) & (loans["originated_on"] <= today)]
    households = held.groupby("household_id")["balance_fen"]
    known = len(held) > 0
    return {
        "multi_loan_household_share": float((households.size() > 1).mean()) if known else None,
        "mean_exposure_fen": float(held["balance_fen"].mean()) if known else None,
        "mean_household_exposure_fen": float(households.sum().mean()) if known else None,
    }


def _mix(values: Any) -> dict[int, float]:
    shares = values.value_counts(normalize=True).sort_index()
    return {int(value): float(share) for value, share in shares.items()}


def _share(matured: Any) -> Share:
    defaulted = matured["defaulted"].to_numpy(dtype=bool)
    weight = matured["principal_fen"].to_numpy(dtype=float)
    n, k = defaulted.size, int(defaulted.sum())
    by_principal = float(weight[defaulted].sum() / weight.sum())
    effective = float(weight.sum() ** 2 / (weight**2).sum())
    count, principal = clopper_pearson(k, n), clopper_pearson(by_principal * effective, effective)
    return Share(n, k, k / n, *count, by_principal, *principal)


def clopper_pearson(k: float, n: float, level: float = LEVEL) -> tuple[float, float]:
    """Exact interval for a probability.

    Parameters
    ----------
    k, n : float
        Events and trials; an effective number of trials need not be whole.
    level : float [1]

    Returns
    -------
    low, high : float [1]

    Source: Clopper and Pearson, Biometrika 26 (1934); Korn and Graubard, Survey Methodology 24 (1998), for
    an effective number of trials, which keeps a sensible interval where no or every loan defaulted.
    """
    tail = (1 - level) / 2
    low = 0.0 if k <= 0 else float(betaincinv(k, n - k + 1, tail))
    high = 1.0 if k >= n else float(betaincinv(k + 1, n - k, 1 - tail))
    return low, high


# --- how the loans of one township move together ---------------------------------------------------


def _township_part(known: Any, lang: str) -> tuple[Interval | None, Interval | None, str | None]:
    if len(known) == 0:
        return None, None, None
    by_township = known.groupby("township")["defaulted"]
    sizes = by_township.size().to_numpy(dtype=float)
    events = by_township.sum().to_numpy(dtype=float)
    if sizes.size < _MIN_TOWNSHIPS or sizes.max() < 2:
        return None, None, ESTIMATE["few_townships"][lang]
    p = events.sum() / sizes.sum()
    if p in (0.0, 1.0):
        return None, None, ESTIMATE["same_outcome"][lang]
    icc = icc_interval(sizes, events)
    factor = [factor_variance(p, value) for value in (icc.value, icc.low, icc.high)]
    return icc, Interval(*factor), None


def _clustered(known: Any, icc: Interval | None) -> tuple[float | None, float | None]:
    if icc is None:
        return None, None
    sizes = known.groupby("township").size().to_numpy(dtype=float)
    n = sizes.sum()
    design = 1 + (float((sizes**2).sum() / n) - 1) * max(0.0, icc.value)
    p = float(known["defaulted"].mean())
    return clopper_pearson(p * n / design, n / design)


def anova_icc(sizes: F64, events: F64) -> Any:
    """Analysis-of-variance estimate of the intra-township correlation of a yes/no outcome.

    Parameters
    ----------
    sizes, events : (..., n_townships) float64
        Loans and defaults; townships of size 0 do not count. Leading axes are separate tables.

    Returns
    -------
    (...) float64 [1]
        May be slightly negative; 0 where the outcome never varies.

    Source: Ridout, Demetrio and Firth, Biometrics 55 (1999), eq. 2 (analysis-of-variance estimator).
    """
    between, within, typical = _mean_squares(sizes, events)
    whole = between + (typical - 1) * within
    return np.divide(between - within, whole, out=np.zeros_like(whole), where=whole > 0)


def _mean_squares(sizes: F64, events: F64) -> tuple[Any, Any, Any]:
    """Mean squares between and within townships, and the typical township size."""
    n = sizes.sum(axis=-1)
    groups = (sizes > 0).sum(axis=-1)
    p = events.sum(axis=-1) / n
    rate = np.divide(events, sizes, out=np.zeros_like(sizes), where=sizes > 0)
    between = (sizes * (rate - p[..., None]) ** 2).sum(axis=-1) / (groups - 1)
    within = (sizes * rate * (1 - rate)).sum(axis=-1) / np.maximum(n - groups, 1)
    return between, within, (n - (sizes**2).sum(axis=-1) / n) / (groups - 1)


def icc_interval(sizes: F64, events: F64) -> Interval:
    """Intra-township correlation with a jackknife interval over townships.

    Parameters
    ----------
    sizes, events : (n_townships,) float64
        At least three townships.

    Returns
    -------
    Interval
        Student's t with ``n_townships - 1`` degrees on the logarithm of F = between / within mean square,
        turned back into a correlation. It covers about 90 % rather than 95 % with 10 to 40 townships, and
        about 70 % where defaults are rare (3 %) and townships differ greatly (factor variance 0.3).

    Source: Tukey's jackknife on the scale Fisher chose for this correlation (Statistical Methods for
    Research Workers, section 40), where its distribution is less skewed.
    """
    k = sizes.size
    left_out = 1.0 - np.eye(k)
    value = float(anova_icc(sizes, events))
    reach = float(stdtrit(k - 1, (1 + LEVEL) / 2)) * np.sqrt((k - 1) / k)
    between, within, typical = _mean_squares(sizes, events)
    each_between, each_within, _ = _mean_squares(sizes * left_out, events * left_out)
    squares = np.concatenate([[between, within], each_between, each_within])
    if (squares > 0).all():
        log_f = np.log(each_between / each_within)
        half = reach * float(np.sqrt(((log_f - log_f.mean()) ** 2).sum()))
        f = between / within * np.exp(np.array([-half, half]))
        low, high = (f - 1) / (f + typical - 1)
    else:  # F is 0 or infinite somewhere: the plain scale is all there is
        each = anova_icc(sizes * left_out, events * left_out)
        half = reach * float(np.sqrt(((each - each.mean()) ** 2).sum()))
        low, high = value - half, value + half
    return Interval(value, max(-1.0, float(low)), min(1.0, float(high)))


def joint_default(p: float, rho: Array | float) -> Any:
    """Chance that both of two loans default when their latent normals have correlation ``rho``.

    Parameters
    ----------
    p : float [1]
        Default probability of each.
    rho : (...) float64 [1]
        In [0, 1].

    Source: Owen, Annals of Mathematical Statistics 27 (1956):
    Phi2(t, t; rho) = Phi(t) - 2 T(t, sqrt((1 - rho) / (1 + rho))).
    """
    t = ndtri(p)
    rho = np.asarray(rho, dtype=float)
    return ndtr(t) - 2 * owens_t(t, np.sqrt((1 - rho) / (1 + rho)))


def factor_variance(p: float, icc: float) -> float:
    """Variance of a shared probit factor that gives an intra-township correlation.

    Parameters
    ----------
    p : float [1]
        Default probability, in (0, 1).
    icc : float [1]
        Correlation of the two outcomes; at or below 0 gives 0, at or above 1 gives 1.

    Returns
    -------
    float [1]
        rho with Phi2(t, t; rho) = p^2 + icc p (1 - p), found by halving.
    """
    if icc <= 0:
        return 0.0
    if icc >= 1:
        return 1.0
    wanted = p * p + icc * p * (1 - p)
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if joint_default(p, middle) < wanted else (low, middle)
    return (low + high) / 2
