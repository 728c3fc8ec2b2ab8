"""`calibration.first_estimate`: exact on tables made by hand, and true on drawn ones."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import bdtr, bdtrc, ndtr, ndtri

from calibration.first_estimate import (
    anova_icc,
    clopper_pearson,
    factor_variance,
    first_estimate,
    icc_interval,
    joint_default,
)

ON = dt.date(2020, 1, 1)


def loans(*rows: dict[str, Any]) -> pd.DataFrame:
    """A canonical table; each row changes a loan of 10,000 yuan repaid on the day it matured."""
    base: dict[str, Any] = {
        **{"lender": "rcb", "township": "T1", "product": "microcredit", "principal_fen": 1_000_000},
        **{"balance_fen": 0, "originated_on": "2017-03-01", "matures_on": "2018-03-01"},
        **{"repaid_on": "2018-03-01", "overdue_since": None, "term_months": 12, "rate_ppm": 43_500},
        **{"filed_on": None},
    }
    out = pd.DataFrame([{"loan_id": i, "household_id": i, **base, **row} for i, row in enumerate(rows)])
    for name in ("originated_on", "matures_on", "repaid_on", "overdue_since", "filed_on"):
        out[name] = pd.to_datetime(out[name]).astype("datetime64[s]")
    return out


UNPAID = {"repaid_on": None, "balance_fen": 1_000_000}


@pytest.mark.parametrize(
    ("row", "defaulted"),
    [
        ({}, 0),
        (UNPAID, 1),
        ({"repaid_on": "2018-05-30"}, 0),  # day 90
        ({"repaid_on": "2018-05-31"}, 1),  # day 91
        ({"repaid_on": None}, 0),  # zero balance, day not told
        ({"repaid_on": None, "filed_on": "2018-08-01"}, 1),  # paid by the fund, not by the household
    ],
)
def test_default_is_unpaid_on_day_ninety(row: dict[str, Any], defaulted: int) -> None:
    share = first_estimate(loans(row, {}), ON).default
    assert share is not None
    assert (share.n, share.n_defaulted) == (2, defaulted)


def test_a_loan_counts_once_ninety_days_have_passed_since_it_matured() -> None:
    table = loans({"matures_on": "2019-10-03"}, {"matures_on": "2019-10-04"}, {})
    assert first_estimate(table, ON).n_matured == 2


def test_shares_are_exact_by_count_principal_vintage_and_township() -> None:
    table = loans(
        {**UNPAID, "principal_fen": 3_000_000},
        {},
        {"originated_on": "2016-07-01", "township": "T2"},
        {**UNPAID, "originated_on": "2016-07-01", "township": "T2"},
        {"originated_on": "2016-07-01", "township": "T2", "term_months": 24},
    )
    found = first_estimate(table, ON)
    assert found.default is not None
    assert (found.default.by_count, found.default.by_principal) == pytest.approx((2 / 5, 4 / 7))
    assert {year: (s.n_defaulted, s.n) for year, s in found.by_vintage.items()} == {
        2016: (1, 3),
        2017: (1, 2),
    }
    assert {name: (s.n_defaulted, s.n) for name, s in found.by_township.items()} == {
        "T1": (1, 2),
        "T2": (1, 3),
    }
    assert found.by_township["T1"].by_principal == 3 / 4
    assert found.term_mix == {12: 0.8, 24: 0.2}
    assert found.origination_month_mix == {3: 0.4, 7: 0.6}
    assert found.default.low < 0.4 < found.default.high
    assert found.default.principal_low < 4 / 7 < found.default.principal_high


def test_equal_principals_give_the_count_interval() -> None:
    share = first_estimate(loans(UNPAID, {}, {}, {}), ON).default
    assert share is not None
    assert (share.principal_low, share.principal_high) == pytest.approx((share.low, share.high))


def test_open_book() -> None:
    table = loans(
        {**UNPAID, "household_id": 7},
        {**UNPAID, "household_id": 7, "balance_fen": 500_000},
        {**UNPAID, "household_id": 8},
        {"household_id": 8},
    )
    found = first_estimate(table, ON)
    assert found.multi_loan_household_share == 0.5
    assert found.mean_exposure_fen == pytest.approx(2_500_000 / 3)
    assert found.mean_household_exposure_fen == 1_250_000
    assert first_estimate(loans({}), ON).mean_exposure_fen is None


def test_only_open_loans_cannot_tell_the_share() -> None:
    found = first_estimate(loans(*[UNPAID] * 40), ON)
    assert found.default is None and found.township_icc is None and found.by_vintage == {}
    assert found.reason is not None and "open loans only" in found.reason
    assert found.mean_exposure_fen == 1_000_000


def test_no_matured_loan() -> None:
    found = first_estimate(loans({"matures_on": "2019-12-01", "repaid_on": "2019-12-01"}), ON)
    assert found.default is None and found.is_weak
    assert found.reason is not None and "No loan had matured 90 days before 2020-01-01" in found.reason


def test_few_matured_loans_are_called_weak() -> None:
    weak, firm = first_estimate(loans(*[{}] * 29), ON), first_estimate(loans(*[{}] * 30), ON)
    assert weak.is_weak and "29 loans" in weak.notes[0]
    assert not firm.is_weak and firm.notes == ()
    assert "29 笔" in first_estimate(loans(*[{}] * 29), ON, lang="zh").notes[0]


def test_notes_say_what_the_share_rests_on() -> None:
    undated = first_estimate(loans(*[{"repaid_on": None}] * 3, *[{}] * 30), ON)
    assert "3 loans have a zero balance" in undated.notes[0]
    suspect = first_estimate(loans(*[{**UNPAID, "originated_on": "2016-01-01"}] * 5, *[{}] * 30), ON)
    assert "paid out in 2016 is unpaid" in suspect.notes[0]


def test_townships_must_be_three_and_differ() -> None:
    two = first_estimate(loans(UNPAID, {}, {"township": "T2"}), ON)
    assert two.township_icc is None and two.reason is not None and "Fewer than 3" in two.reason
    same = first_estimate(loans({}, {}, {"township": "T2"}, {"township": "T3"}), ON)
    assert same.township_icc is None and same.reason is not None and "same outcome" in same.reason


def test_json_holds_the_same_numbers() -> None:
    found = first_estimate(loans(UNPAID, {}, {}), ON)
    back = json.loads(found.to_json())
    assert back["on"] == "2020-01-01" and back["default"]["n_defaulted"] == 1


def test_order_of_rows_is_irrelevant() -> None:
    table = loans(*[{"township": f"T{i % 4}", **(UNPAID if i % 3 == 0 else {})} for i in range(40)])
    assert first_estimate(table, ON) == first_estimate(table.iloc[::-1], ON)


@pytest.mark.parametrize(("k", "n"), [(0, 30), (1, 30), (5, 50), (50, 50), (300, 10_000)])
def test_clopper_pearson_leaves_a_fortieth_on_either_side(k: int, n: int) -> None:
    low, high = clopper_pearson(k, n)
    assert low == 0.0 if k == 0 else bdtrc(k - 1, n, low) == pytest.approx(0.025)
    assert high == 1.0 if k == n else bdtr(k, n, high) == pytest.approx(0.025)


@pytest.mark.parametrize("rho", [0.0, 0.05, 0.3, 0.8])
@pytest.mark.parametrize("p", [0.01, 0.1, 0.6])
def test_joint_default_against_quadrature(p: float, rho: float) -> None:
    """Both default given the factor, averaged over the factor on a fine grid."""
    z = np.linspace(-9, 9, 20_001)
    given = ndtr((ndtri(p) - np.sqrt(rho) * z) / np.sqrt(1 - rho))
    wanted = np.sum(given**2 * np.exp(-z * z / 2)) * (z[1] - z[0]) / np.sqrt(2 * np.pi)
    assert joint_default(p, rho) == pytest.approx(wanted, rel=1e-8)


@pytest.mark.parametrize("rho", [0.001, 0.1, 0.5, 0.95])
@pytest.mark.parametrize("p", [0.005, 0.08, 0.5])
def test_factor_variance_inverts_the_identity(p: float, rho: float) -> None:
    icc = float(joint_default(p, rho) - p * p) / (p * (1 - p))
    assert factor_variance(p, icc) == pytest.approx(rho, rel=1e-6)


def test_factor_variance_at_the_ends() -> None:
    assert factor_variance(0.1, -0.01) == 0.0
    assert factor_variance(0.1, 0.0) == 0.0
    assert factor_variance(0.1, 1.0) == 1.0


def test_icc_by_hand() -> None:
    """Two townships of two loans, one all bad and one all good: between 1, within 0, so 1."""
    assert anova_icc(np.array([2.0, 2.0]), np.array([2.0, 0.0])) == pytest.approx(1.0)
    # one bad of two in each: between 0, within 1/2, so (0 - 1/2) / (0 + (2 - 1) / 2) = -1
    assert anova_icc(np.array([2.0, 2.0]), np.array([1.0, 1.0])) == pytest.approx(-1.0)
    # sizes 2, 4 with 2, 1 bad: p 1/2, between 3/4, within 3/16, typical size 8/3
    assert anova_icc(np.array([2.0, 4.0]), np.array([2.0, 1.0])) == pytest.approx(0.5625 / (0.75 + 5 / 3 * 0.1875))


def _drawn(n_tables: int, n_townships: int, p: float, rho: float) -> tuple[Any, Any]:
    rng = np.random.Generator(np.random.PCG64(20_190_630))
    sizes = rng.integers(20, 200, (n_tables, n_townships)).astype(float)
    factor = rng.standard_normal(sizes.shape)
    chance = ndtr((ndtri(p) - np.sqrt(rho) * factor) / np.sqrt(1 - rho))
    return sizes, rng.binomial(sizes.astype(int), chance).astype(float)


def test_icc_is_true_on_the_average() -> None:
    """60 tables of 400 townships; notices a bias of 7 % of the correlation (4.9 standard errors)."""
    p, rho = 0.1, 0.15
    true = float(joint_default(p, rho) - p * p) / (p * (1 - p))
    found = anova_icc(*_drawn(60, 400, p, rho))
    error = found.std(ddof=1) / np.sqrt(found.size)
    assert 4.9 * error < 0.07 * true
    assert abs(found.mean() - true) / error < 4.9


def test_factor_variance_recovers_the_truth_from_one_large_table() -> None:
    """1,000 townships; the factor variance 0.15 comes back within 0.04."""
    sizes, events = _drawn(1, 1000, 0.1, 0.15)
    icc = icc_interval(sizes[0], events[0])
    p = events.sum() / sizes.sum()
    assert factor_variance(p, icc.low) < 0.15 < factor_variance(p, icc.high)
    assert factor_variance(p, icc.value) == pytest.approx(0.15, abs=0.04)


def test_jackknife_interval_covers_most_of_the_time() -> None:
    """300 tables of 40 townships: a 95 % interval covers in 87 to 98 % (skew makes it a little narrow)."""
    p, rho = 0.1, 0.15
    true = float(joint_default(p, rho) - p * p) / (p * (1 - p))
    intervals = [icc_interval(s, e) for s, e in zip(*_drawn(300, 40, p, rho), strict=True)]
    covered = np.mean([i.low <= true <= i.high for i in intervals])
    assert 0.87 < covered < 0.98


def test_township_interval_is_wider_than_the_independent_one() -> None:
    table = loans(*[{"township": f"T{i % 5}", **(UNPAID if i % 5 == 0 else {})} for i in range(100)])
    found = first_estimate(table, ON)
    assert found.default is not None
    assert found.default_low_by_township is not None and found.default_high_by_township is not None
    assert found.default_low_by_township < found.default.low
    assert found.default_high_by_township > found.default.high
    assert found.township_factor_variance is not None and found.township_factor_variance.value == 1.0
