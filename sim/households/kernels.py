"""Compiled twin of the plain references in this folder: same arguments, same bits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from sim.streams import normal_inverse, uniform_pair


@njit(cache=True, error_model="numpy")
def fates(
    household: Any, loan_id: Any, start: Any, due: Any, month: Any, township: Any, p_class: Any, status: Any,
    cause_in: Any, days_overdue: Any, information: Any, wait: Any, call_days: Any, first_month: Any,
    month_ends: Any, replication: Any, factor: Any, is_hit: Any, is_late: Any, lag: Any, threshold: Any,
    own_weight: Any, cause_cdf: Any, buffer_cdf: Any, p_missed_given_default: Any, is_monthly_hazard: Any,
    death_calls_loan: Any, renewed_instead: Any, p_default_after_renewal: Any, renewed_class: Any, keys: Any,
) -> Any:  # fmt: skip
    """See `reduced_form.fates_reference`; the form comes as plain values from `reduced_form.arguments`."""
    n = household.size
    last = factor.shape[0] - 1
    fate = np.zeros(n, np.int64)
    repaid = due.copy()
    missed = due.copy()
    cause = np.full(n, -1, np.int64)
    renewed = np.zeros(n, np.int64)
    failed_on = -1
    failed_by = -1
    hazard_on = -1
    for i in range(n):
        if i == 0 or household[i] != household[i - 1]:
            failed_on = -1
            failed_by = -1
            hazard_on = -1
            if is_monthly_hazard and status[i] == 0:
                end = i
                while end + 1 < n and household[end + 1] == household[i]:
                    end += 1
                for k in range(min(month[end], month_ends.size)):
                    u, _ = uniform_pair(keys[0], replication, first_month + k, household[i])
                    x = factor[k, township[i]] + own_weight * normal_inverse(u)
                    if x <= threshold[p_class[i], is_hit[k, township[i]], is_late[k], 0]:
                        hazard_on = month_ends[k]
                        break
        m = min(max(month[i], 0), last)
        hit = is_hit[m, township[i]]
        when = due[i]
        is_default = False
        is_with_household = False
        if status[i] >= 2:
            is_default = True
        elif status[i] == 1:
            u, v = uniform_pair(keys[2], replication, 0, loan_id[i])
            still = 1.0 - days_overdue[i] / wait
            cures = (1.0 - p_missed_given_default) * still
            is_default = u < p_missed_given_default / (p_missed_given_default + cures)
            if not is_default:
                fate[i] = 1
                repaid[i] = due[i] + days_overdue[i] + 1 + int(v * (wait - 1 - days_overdue[i]))
        elif is_monthly_hazard:
            if hazard_on >= 0 and hazard_on <= due[i]:
                is_default = True
                when = hazard_on
        elif failed_on >= 0 and failed_on <= due[i]:
            is_default = True
            is_with_household = True
        else:
            year = (first_month + m) // 12
            u, _ = uniform_pair(keys[0], replication, year, household[i])
            x = factor[m, township[i]] + own_weight * normal_inverse(u)
            late = is_late[m]
            is_default = x <= threshold[p_class[i], hit, late, 0]
            if not is_default and lag[m] > 0 and buffer_cdf.size > 0:
                u, _ = uniform_pair(keys[4], replication, year, household[i])
                is_default = u < buffer_cdf[min(lag[m] - 1, buffer_cdf.size - 1)]
            if not is_default and x <= threshold[p_class[i], hit, late, 1]:
                u, _ = uniform_pair(keys[2], replication, 0, loan_id[i])
                fate[i] = 1
                repaid[i] = due[i] + 1 + int(u * (wait - 1))
            if is_default and renewed_instead > 0.0 and p_class[i] != renewed_class:
                u, v = uniform_pair(keys[3], replication, 0, loan_id[i])
                if u < renewed_instead:
                    renewed[i] = 1
                    when = due[i] + 365
                    missed[i] = when
                    repaid[i] = when
                    is_default = v < p_default_after_renewal
        if is_default:
            fate[i] = 2
            repaid[i] = -1
            c = cause_in[i]
            if c < 0:
                c = failed_by
            if c < 0:
                u, _ = uniform_pair(keys[1], replication, 0, loan_id[i])
                c = 0
                while c < 3 and u >= cause_cdf[hit, c]:
                    c += 1
            cause[i] = c
            if is_with_household and c == 1 and death_calls_loan:
                when = max(failed_on, information, start[i])
            elif c == 1 and death_calls_loan and status[i] == 0 and when == due[i]:
                _, v = uniform_pair(keys[2], replication, 0, loan_id[i])
                when = min(due[i], start[i] + int(v * max(due[i] - start[i], 0)) + call_days)
                if when < information:
                    fate[i] = 0
                    repaid[i] = due[i]
                    cause[i] = -1
                    continue
            missed[i] = when
            if failed_on < 0 or when < failed_on:
                failed_on = when
                failed_by = c
    return fate, missed, repaid, cause, renewed
