"""Everything that a scenario takes from a loan book: estimates, what was assumed before them, and what they rest on."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from scipy.special import betaincinv, expit, logit

from calibration.book_model import BookModel, Prior, Range, book_model
from calibration.breakdown import Breakdown, breakdown, outcomes
from calibration.first_estimate import MIN_MATURED, FirstEstimate
from calibration.payments import recovered
from calibration.text import STUDY
from sim.households.reduced_form import base_probability, long_run_compensable, long_run_default
from sim.scenario import Scenario
from sim.uncertain import Z05, Uncertain

_COUNTY_RATIO, _TOWNSHIP_RATIO = 2.0, 4.0  # p95 over the middle, where the scenario underneath names no distribution
_COUNTY, _TOWNSHIP = 0.04, 0.06  # middles of these, where it has no factor at all
_RECENT = 730  # days: what is lent now is like what was lent in these
_FOR_MIX = 100  # loans that a mix of terms, months and sizes is read off
_LARGE_STEP = 5_000  # yuan
_RECOVERY = (0.12, 0.45)


@dataclass(frozen=True)
class BookStudy:
    """Estimates of one loan book, for the reduced form.

    Attributes
    ----------
    prior : Prior
    model : BookModel
    is_prior_driven : bool
        Fewer than 30 loans with a known outcome, or a ledger that cannot tell.
    compensable_share : float [1]
        Of defaulted principal, the part that the scenario underneath says becomes compensable.
    anchor : Range
        Long-run share of matured principal that becomes compensable.
    recovery_first_year : Range or None
    cured_before_day_90 : float or None
    mix : dict
        Fields of ``lending`` read off the loans of the last two years; empty where these are few.
    breakdown : Breakdown
    notes : tuple of str
        What a reader has to know, in the language that was asked for.
    """

    prior: Prior
    model: BookModel
    is_prior_driven: bool
    compensable_share: float
    anchor: Range
    recovery_first_year: Range | None
    cured_before_day_90: float | None
    mix: dict[str, Any]
    breakdown: Breakdown
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        out: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self), default=str))
        return out


def study(
    loans: Any, on: dt.date, base: Scenario, estimate: FirstEstimate, lang: str = "en", payments: Any = None
) -> BookStudy:
    """Estimate what the reduced form needs.

    Parameters
    ----------
    loans : DataFrame
        Columns `calibration.ledger.CANONICAL`.
    on : date
    base : Scenario
        Its uncertain fields are what is assumed before the data; its causes and refusals turn defaults into claims.
    estimate : FirstEstimate
        Of the same loans.
    lang : {"en", "zh"}
        Language of ``notes``.
    payments : DataFrame, optional
        `calibration.payments.Payments.frame`; then recovery is counted in money.
    """
    matured = outcomes(loans, on, estimate.wait_days)
    if estimate.default is None:  # a ledger of survivors says nothing of how many defaulted
        matured = matured.iloc[:0]
    defaults = base.defaults
    p = base_probability(defaults)
    share = long_run_compensable(defaults, p) / long_run_default(defaults, p) if p > 0 else 1.0
    prior = prior_of(base, share)
    model = book_model(matured, prior)
    icc = estimate.township_icc.value if estimate.township_icc is not None else 0.0
    seen = breakdown(loans, on, estimate.wait_days, icc)
    if estimate.default is None:
        seen = dataclasses.replace(seen, by={}, default_of_tested=None, time_to_default=None)
    if payments is not None:
        money = recovered(matured, payments, on, estimate.wait_days)
        if money is not None and money[0] > 0:
            seen = dataclasses.replace(seen, recovered_principal_share=money[1] / money[0])
    is_weak = len(matured) < MIN_MATURED
    cured = seen.cured_before_wait
    return BookStudy(
        prior, model, is_weak, share, _times(model.p_default, share), _recovery(seen, base),
        None if cured is None or cured.n < MIN_MATURED else min(cured.share, 0.9),
        _mix(loans, on, base), seen, tuple(_notes(model, seen, is_weak, estimate.wait_days, lang)),
    )  # fmt: skip


def notes_of(found: BookStudy, wait_days: int, lang: str) -> list[str]:
    """The notes in another language."""
    return _notes(found.model, found.breakdown, found.is_prior_driven, wait_days, lang)


def prior_of(base: Scenario, compensable_share: float) -> Prior:
    """What the scenario underneath assumes, as a prior of the share of loans that default."""
    anchor = base.defaults.anchor
    now = base.defaults.anchors[anchor] if anchor is not None else base.defaults.p_default or 0.02
    field = f"defaults.anchors.{anchor}" if anchor is not None else "defaults.p_default"
    low, high = _ends(base, field, now, 3.0)
    factor = base.defaults.factor
    return Prior(
        (min(low / compensable_share, 0.9), min(high / compensable_share, 0.95)),
        _ends(base, "defaults.factor.county_variance", factor.county_variance or _COUNTY, _COUNTY_RATIO),
        _ends(base, "defaults.factor.township_variance", factor.township_variance or _TOWNSHIP, _TOWNSHIP_RATIO),
    )


def _ends(base: Scenario, field: str, middle: float, ratio: float) -> tuple[float, float]:
    for item in base.uncertain:
        if item.field == field and item.p05 is not None and item.p95 is not None and item.p05 > 0:
            return item.p05, item.p95
    return middle / ratio, middle * ratio


def _times(found: Range, share: float) -> Range:
    return Range(found.p05 * share, found.p50 * share, found.p95 * share, found.learned)


def _recovery(seen: Breakdown, base: Scenario) -> Range | None:
    """Beta posterior; what the scenario underneath assumes counts for as many loans as its spread says."""
    counted = seen.recovered_first_year
    if counted is None:
        return None
    low, high = _RECOVERY
    for item in base.uncertain:
        if item.field == "defaults.recovery.first_year" and item.p05 is not None and item.p95 is not None:
            low, high = item.p05, item.p95
    middle = float(expit((logit(low) + logit(high)) / 2))
    spread = float(logit(high) - logit(low)) / (2 * Z05)
    weight = 1 / (spread**2 * middle * (1 - middle))  # of a Beta whose logit has about this spread
    # part payments count where they are told
    share = counted.share if seen.recovered_principal_share is None else seen.recovered_principal_share
    a = middle * weight + share * counted.n_effective
    b = (1 - middle) * weight + (1 - share) * counted.n_effective
    p05, p50, p95 = (float(betaincinv(a, b, q)) for q in (0.05, 0.5, 0.95))
    return Range(p05, p50, p95, counted.n_effective / (counted.n_effective + weight))


def _mix(loans: Any, on: dt.date, base: Scenario) -> dict[str, Any]:
    """Terms, months and sizes of loans lent in the last two years, as ``lending`` wants them."""
    recent = loans[loans["originated_on"] > pd.Timestamp(on) - pd.Timedelta(days=_RECENT)]
    if len(recent) < _FOR_MIX:
        return {}
    rules = base.law().loan
    longest = rules.term_max_months or 360
    terms = ((recent["term_months"] + 3) // 6 * 6).clip(6, longest)
    step = _LARGE_STEP * 100
    yuan = ((recent["principal_fen"] + step // 2) // step * _LARGE_STEP).clip(_LARGE_STEP, rules.most_yuan)
    month = recent["originated_on"].dt.month.value_counts(normalize=True).to_dict()
    return {
        "term_months": _shares(terms.value_counts(normalize=True).to_dict()),
        "principal_yuan": _shares(yuan.value_counts(normalize=True).to_dict()),
        "by_month": list(_shares({m: month.get(m, 0.0) for m in range(1, 13)}).values()),
    }


def _shares(found: Mapping[int, float]) -> dict[int, float]:
    """Shares with four digits that add up to one; what is rounded to nothing goes, but for months."""
    rounded = {int(k): round(float(v), 4) for k, v in sorted(found.items())}
    largest = max(rounded, key=lambda k: rounded[k])
    rounded[largest] = round(rounded[largest] + 1 - sum(rounded.values()), 4)
    return rounded


def uncertain_of(found: BookStudy, base: Scenario, source: str) -> list[Uncertain]:
    """The uncertain fields of the scenario: the base's, those that the ledger tells in their place."""
    anchor = base.defaults.anchor
    level = f"defaults.anchors.{anchor}" if anchor is not None else "defaults.p_default"
    of = found.anchor if anchor is not None else found.model.p_default
    n = found.model.n_loans
    own = [
        _item(level, "lognormal", of, source, n),
        _item("defaults.factor.township_variance", "lognormal", found.model.township_variance, source, n),
        _item("defaults.factor.county_variance", "lognormal", found.model.county_variance, source, n),
    ]
    if found.recovery_first_year is not None:
        counted = found.breakdown.recovered_first_year
        own.append(
            _item(
                "defaults.recovery.first_year",
                "logit_normal",
                found.recovery_first_year,
                source,
                counted.n if counted else 0,
            )
        )
    names = {item.field for item in own}
    return [*own, *(item for item in base.uncertain if item.field not in names)]


def _item(field: str, distribution: Any, found: Range, source: str, n: int) -> Uncertain:
    note = f"estimate from {source}: {n} loans; the ledger took away {found.learned:.0%} of the spread assumed before"
    p05, p95 = float(f"{found.p05:.4g}"), float(f"{found.p95:.4g}")
    return Uncertain(field=field, distribution=distribution, p05=p05, p95=p95, note=note)


def _notes(model: BookModel, seen: Breakdown, is_weak: bool, wait: int, lang: str) -> list[str]:
    notes = []
    if is_weak:
        notes.append(STUDY["prior"][lang].format(n=model.n_loans))
    if model.county_variance.learned < 0.2:
        notes.append(STUDY["county"][lang])
    if not is_weak and model.township_variance.learned < 0.2:
        notes.append(STUDY["township"][lang])
    renewed, tested = seen.renewed, seen.default_of_tested
    if renewed.k and renewed.share >= 0.02 and tested is not None and tested.n:
        notes.append(STUDY["renewed"][lang].format(k=renewed.k, share=renewed.share, tested=tested.share))
    if seen.cured_before_wait is None and not is_weak:
        notes.append(STUDY["no_days"][lang].format(wait=wait))
    return notes
