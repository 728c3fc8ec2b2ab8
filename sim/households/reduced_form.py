"""Defaults with given probabilities: who does not pay, from when, and why.

The unit is the household with all its loans: once it fails, its other open loans fail with it. Ability
to repay is probit: x = factor(month, township) + sqrt(1 - v) * own luck, and a loan is unpaid when x is
at most the threshold of its probability. The plain twin `fates_reference` stands here, the compiled one
in `kernels.py`; both take the same arguments and give the same bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from sim.errors import InputError
from sim.scenario import Defaults, Effect
from sim.shocks.paths import stationary_dry
from sim.streams import normal_inverse_reference, stream_key, uniforms_reference
from sim.units import F64, I64, Array

CAUSES = ("inability", "death", "disaster", "wilful")
INABILITY, DEATH, DISASTER, WILFUL = range(4)
REPAID, CURED, DEFAULTED = 0, 1, 2


@dataclass(frozen=True)
class ReducedForm:
    """Everything the kernel needs that no history changes.

    Attributes
    ----------
    threshold : (n_classes, 2 hit, 2 late, 2) float64
        Probit threshold of default, and of missing the date at all (default or cured before day 90).
    own_weight : float
        Weight of the household's own luck.
    cause_cdf : (2 hit, 4) float64
    buffer_cdf : (n,) float64
        P(buffer <= b months) for b = 0, 1, ...; the rest of the households never run dry.
    renewed_class : int
        Row of `threshold` for loans that have been renewed once; they are not renewed again.
    """

    threshold: F64
    own_weight: float
    cause_cdf: F64
    buffer_cdf: F64
    p_missed_given_default: float
    is_monthly_hazard: bool
    death_calls_loan: bool
    renewed_instead: float
    p_default_after_renewal: float
    renewed_class: int
    p_base: float
    keys: Array  # ability, cause, timing, renewal, buffer


def prepare(defaults: Defaults, p_classes: list[tuple[float | None, int]], renewals_max: int, seed: int) -> ReducedForm:
    """Thresholds and tables for a list of (probability or None for the anchor, loans in the household)."""
    base = base_probability(defaults)
    # In the hazard reading the own luck is new every month, so a date missed is a default.
    miss = 1.0 if defaults.timing == "monthly_hazard" else 1 / (1 - defaults.cured_before_day_90)
    threshold = np.empty((len(p_classes) + 1, 2, 2, 2))
    # loans renewed once already: their own probability, whatever the year
    threshold[-1] = ndtri(min(max(defaults.p_default_after_renewal, 1e-300), 1 - 1e-12))
    for row, (p, k) in enumerate(p_classes):
        for hit in (0, 1):
            for late in (0, 1):
                t = _probit(defaults, base if p is None else p, k, hit, late)
                threshold[row, hit, late] = t, ndtri(min(ndtr(t) * miss, 1 - 1e-12))
    v = defaults.factor.county_variance + defaults.factor.township_variance
    subsidy = defaults.late_subsidy
    buffers = subsidy.buffer_months if subsidy is not None and subsidy.on else {}
    buffer = np.zeros(max(buffers, default=-1) + 1)
    for months, share in buffers.items():
        buffer[months] = share
    purposes = (
        "household.ability",
        "household.cause",
        "household.timing",
        "household.renewal",
        "household.buffer",
    )
    return ReducedForm(
        threshold, math.sqrt(1 - v), np.stack([np.cumsum(c) for c in _cause_shares(defaults)]), np.cumsum(buffer),
        1 / miss, defaults.timing == "monthly_hazard", defaults.death_calls_loan,
        defaults.renewed_instead if renewals_max > 0 else 0.0, defaults.p_default_after_renewal, len(p_classes), base,
        np.array([stream_key(seed, p) for p in purposes], dtype=np.uint64),
    )  # fmt: skip


def base_probability(defaults: Defaults) -> float:
    """Probability of default in a normal year, one loan, such that the long-run mean is the anchor.

    The anchor is the share of matured principal that becomes compensable: unpaid on day 90, a cause that
    counts, no ground of refusal. The long run mixes dry and normal, late and timely years. A driver that a
    scenario switches off, and a renewal that hides defaults, do not move the probability: their effect
    would be anchored away (ADR 0014).
    """
    if defaults.p_default is not None or defaults.anchor is None:
        return defaults.p_default or 0.0
    target = defaults.anchors[defaults.anchor]
    low, high = 0.0, 1.0
    for _ in range(200):
        mid = (low + high) / 2
        if mid in (low, high):  # neighbouring numbers: nothing lies between them
            break
        low, high = (mid, high) if long_run_compensable(defaults, mid) < target else (low, mid)
    if abs(long_run_compensable(defaults, low) - target) > 1e-9:
        raise InputError("scenario", f"defaults.anchors.{defaults.anchor}", target, "a share that can be reached")
    return low


def long_run_compensable(defaults: Defaults, p: float) -> float:
    """Long-run mean share of matured principal that becomes compensable at base probability p, no renewal."""
    accepted = np.array([defaults.inability_accepted, 1.0, 1.0, 1.0]) * (1 - defaults.negligence)
    shares = [float(c @ accepted) for c in _cause_shares(defaults)]
    return sum(w * q * shares[hit] for w, q, hit in _long_run_cells(defaults, p))


def long_run_default(defaults: Defaults, p: float) -> float:
    """Long-run mean probability of a (would-be) default at base probability p, one loan."""
    return sum(w * q for w, q, _ in _long_run_cells(defaults, p))


def _long_run_cells(defaults: Defaults, p: float) -> list[tuple[float, float, int]]:
    """(weight, default probability, hit) over drought and lateness in the long run, all drivers on."""
    d, late = defaults.drought, defaults.late_subsidy
    hit = stationary_dry(d.p_normal_to_dry, d.p_dry_to_dry) * d.p_township_hit if d is not None else 0.0
    p_late = late.p_late_year if late is not None else 0.0
    return [
        (w_hit * w_late, float(ndtr(_probit(defaults, p, 1, is_hit, is_late))), is_hit)
        for is_hit, w_hit in ((0, 1 - hit), (1, hit))
        for is_late, w_late in ((0, 1 - p_late), (1, p_late))
    ]


def _probit(defaults: Defaults, p: float, k: int, hit: int, late: int) -> float:
    stacking = defaults.stacking
    extra = (k - 1) if stacking.on else 0
    p = min(p * (1 + stacking.multiplier_per_loan * extra), 1.0)
    shift = stacking.probit_shift_per_loan * extra
    if hit and defaults.drought is not None:
        p, more = _apply_effect(p, defaults.drought.effect)
        shift += more
    if late and defaults.late_subsidy is not None:
        shift += defaults.late_subsidy.probit_shift
    return float(ndtri(min(max(p, 1e-300), 1 - 1e-12))) + shift if p > 0 else -1e9


def _apply_effect(p: float, effect: Effect) -> tuple[float, float]:
    if effect.kind == "multiplier":
        return min(p * effect.value, 1.0), 0.0
    return (effect.value, 0.0) if effect.kind == "probability" else (p, effect.value)


def _cause_shares(defaults: Defaults) -> tuple[F64, F64]:
    """Shares of the causes in a normal year, and in a hit township."""
    c = defaults.causes
    normal = np.array([c.inability, c.death, c.disaster, c.wilful])
    others = 1 - c.disaster
    hit = normal * ((1 - c.disaster_if_hit) / others if others > 0 else 0.0)
    hit[DISASTER] = c.disaster_if_hit
    return normal, hit


def fates_reference(
    household: I64, loan_id: I64, start: I64, due: I64, month: I64, township: I64, p_class: I64, status: I64,
    cause_in: I64, days_overdue: I64, information: int, wait: int, call_days: int, first_month: int,
    month_ends: I64, replication: int, factor: F64, is_hit: Array, is_late: Array, lag: I64, form: ReducedForm,
) -> tuple[I64, I64, I64, I64, I64]:  # fmt: skip
    """What becomes of each loan. Plain twin of `kernels.fates`.

    Parameters
    ----------
    household, loan_id, start, due, township, p_class, status, cause_in : (n,) int64
        Columns of `Loans`, ordered by household and maturity.
    month : (n,) int64
        Month of maturity, counted from the first month of the paths.
    days_overdue : (n,) int64 [days]
        On the information date, for OVERDUE loans.
    information, wait, call_days : int [day, days, days]
        Information date; claim waiting time; days from a death to the call of the loan.
    first_month : int; month_ends : (n_months,) int64 [day]
    factor, is_hit, is_late, lag
        From `shocks.draw_paths`.

    Returns
    -------
    fate : (n,) REPAID, CURED or DEFAULTED
    missed_on : (n,) int64 [day]
        The date that was missed (maturity, the day of the call, or the month's end); the maturity for
        loans that are paid in time.
    repaid_on : (n,) int64 [day], -1 where defaulted
    cause : (n,) index into CAUSES, -1 where not defaulted
    renewed : (n,) 0 or 1
    """
    n = household.size
    key_ability, key_cause, key_timing, key_renewal, key_buffer = form.keys
    last = factor.shape[0] - 1
    m = np.clip(month, 0, last)
    year = (first_month + m) // 12
    ability = normal_inverse_reference(uniforms_reference(key_ability, replication, year, household)[0])
    cause_u = uniforms_reference(key_cause, replication, 0, loan_id)[0]
    time_u, death_u = uniforms_reference(key_timing, replication, 0, loan_id)
    renew_u, again_u = uniforms_reference(key_renewal, replication, 0, loan_id)
    buffer_u = uniforms_reference(key_buffer, replication, year, household)[0]
    fate, repaid = np.zeros(n, np.int64), due.copy()
    missed, cause, renewed = due.copy(), np.full(n, -1, np.int64), np.zeros(n, np.int64)
    failed_on = failed_by = -1
    for i in range(n):
        if i == 0 or household[i] != household[i - 1]:
            failed_on = failed_by = -1
            hazard_on = _hazard_month(i, household, due, month, township, p_class, status, first_month,
                                      month_ends, replication, factor, is_hit, is_late, form)  # fmt: skip
        hit, late = int(is_hit[m[i], township[i]]), int(is_late[m[i]])
        when, is_default, is_with_household = due[i], False, False
        if status[i] >= 2:
            is_default = True
        elif status[i] == 1:
            still = 1.0 - days_overdue[i] / wait
            cures = (1.0 - form.p_missed_given_default) * still
            is_default = time_u[i] < form.p_missed_given_default / (form.p_missed_given_default + cures)
            if not is_default:
                fate[i], repaid[i] = (
                    CURED,
                    due[i] + days_overdue[i] + 1 + int(death_u[i] * (wait - 1 - days_overdue[i])),
                )
        elif form.is_monthly_hazard:
            if hazard_on >= 0 and hazard_on <= due[i]:
                is_default, when = True, hazard_on
        elif failed_on >= 0 and failed_on <= due[i]:
            is_default = is_with_household = True
        else:
            t_default, t_missed = form.threshold[p_class[i], hit, late]
            x = factor[m[i], township[i]] + form.own_weight * ability[i]
            is_default = x <= t_default
            if not is_default and lag[m[i]] > 0 and form.buffer_cdf.size > 0:
                is_default = buffer_u[i] < form.buffer_cdf[min(lag[m[i]] - 1, form.buffer_cdf.size - 1)]
            if not is_default and x <= t_missed:
                fate[i], repaid[i] = CURED, due[i] + 1 + int(time_u[i] * (wait - 1))
            if is_default and p_class[i] != form.renewed_class and renew_u[i] < form.renewed_instead:
                renewed[i] = 1
                missed[i] = repaid[i] = when = due[i] + 365
                is_default = again_u[i] < form.p_default_after_renewal
        if is_default:
            fate[i], repaid[i] = DEFAULTED, -1
            c = int(cause_in[i]) if cause_in[i] >= 0 else failed_by
            if c < 0:
                c = 0
                while c < 3 and cause_u[i] >= form.cause_cdf[hit, c]:
                    c += 1
            cause[i] = c
            if is_with_household and c == DEATH and form.death_calls_loan:
                when = max(failed_on, information, start[i])  # called with the loan that failed first
            elif c == DEATH and form.death_calls_loan and status[i] == 0 and when == due[i]:
                when = min(due[i], start[i] + int(death_u[i] * max(due[i] - start[i], 0)) + call_days)
                if when < information:  # called before the information date: it would not be open
                    fate[i], repaid[i], cause[i] = REPAID, due[i], -1
                    continue
            missed[i] = when
            if failed_on < 0 or when < failed_on:
                failed_on, failed_by = when, c
    return fate, missed, repaid, cause, renewed


def _hazard_month(
    i: int, household: I64, due: I64, month: I64, township: I64, p_class: I64, status: I64, first_month: int,
    month_ends: I64, replication: int, factor: F64, is_hit: Array, is_late: Array, form: ReducedForm,
) -> int:  # fmt: skip
    """Month's end at which the household that starts at row i fails, -1 if never (monthly hazard)."""
    if not form.is_monthly_hazard or status[i] != 0:
        return -1
    last = i
    while last + 1 < household.size and household[last + 1] == household[i]:
        last += 1
    for k in range(min(int(month[last]), month_ends.size)):
        u = uniforms_reference(form.keys[0], replication, first_month + k, household[i : i + 1])[0]
        x = factor[k, township[i]] + form.own_weight * normal_inverse_reference(u)[0]
        if x <= form.threshold[p_class[i], int(is_hit[k, township[i]]), int(is_late[k]), 0]:
            return int(month_ends[k])
    return -1


def arguments(form: ReducedForm) -> tuple[Any, ...]:
    """The form as plain values, for the compiled twin."""
    return (
        form.threshold, form.own_weight, form.cause_cdf, form.buffer_cdf, form.p_missed_given_default,
        form.is_monthly_hazard, form.death_calls_loan, form.renewed_instead, form.p_default_after_renewal,
        form.renewed_class, form.keys,
    )  # fmt: skip
