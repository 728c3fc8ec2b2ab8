"""`calibration.book_model`, `breakdown` and `book_study`: known truths come back, and little data are said to be little."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr, ndtri

import sim
from calibration import book_model as module
from calibration.book_model import Prior, book_model
from calibration.book_scenario import scenario_text
from calibration.book_study import study
from calibration.breakdown import _curve, breakdown, loans_held, outcomes, renewals
from calibration.first_estimate import first_estimate
from calibration.importer import import_ledger
from calibration.ledger import read_ledger
from calibration.quality import ledger_warnings
from sim.errors import InputError
from tests.make_ledger import CEILING_YUAN, LENDERS, ON, TERM_MAX, TOWNSHIPS, make_ledger, write_csv
from tests.unit.test_first_estimate import UNPAID, loans

PRIOR = Prior((0.009, 0.07), (0.02, 0.08), (0.015, 0.25))
RULES: dict[str, Any] = {
    **{"lenders": LENDERS, "townships": TOWNSHIPS, "on": ON},
    **{"ceiling_yuan": CEILING_YUAN, "term_max_months": TERM_MAX},
}


def draw_prior(rng: np.random.Generator) -> tuple[float, float, float, float]:
    """Level, county and township variance, persistence."""
    z = rng.standard_normal(3)
    level, at = module._probit_prior(PRIOR.p_default)
    (county, c), (township, t) = (module._log_prior(x) for x in (PRIOR.county_variance, PRIOR.township_variance))
    return (
        *(
            float(ndtr(level + at * z[0])),
            float(np.exp(county + c * z[1])),
            min(0.5, float(np.exp(township + t * z[2]))),
        ),
        float(rng.choice(module._PERSISTENCE)),
    )


def county(seed: int, n: int, truth: tuple[float, float, float, float] | None = None) -> tuple[Any, Any]:
    """Matured loans of a made-up county of 8 townships over 2 years, and what is true of it."""
    rng = np.random.Generator(np.random.PCG64(seed))
    p, c, t, persistence = truth or draw_prior(rng)
    town, month = rng.integers(0, 8, n), rng.integers(0, 24, n)
    factor = np.sqrt(c) * _fading(rng, 1, persistence) + np.sqrt(t) * _fading(rng, 8, persistence)
    latent = factor[month, town] + np.sqrt(1 - c - t) * rng.standard_normal(n)
    ends = pd.to_datetime([f"{2016 + m // 12}-{m % 12 + 1:02d}-15" for m in month])
    frame = pd.DataFrame({
        **{"loan_id": np.arange(n), "household_id": np.arange(n), "township": town, "matures_on": ends},
        "defaulted": latent < ndtri(p),
    })  # fmt: skip
    return frame, (p, c, t)


def _fading(rng: np.random.Generator, k: int, persistence: float) -> Any:
    noise = rng.standard_normal((24, k))
    for i in range(1, 24):
        noise[i] = persistence * noise[i - 1] + np.sqrt(1 - persistence**2) * noise[i]
    return noise


def hits(found: Any, truth: Any) -> tuple[bool, ...]:
    return tuple(
        of.covers(x)
        for of, x in zip((found.p_default, found.county_variance, found.township_variance), truth, strict=True)
    )


def test_nine_intervals_in_ten_hold_the_truth() -> None:
    """24 counties drawn from the prior: 0.9 less 3 standard errors; counts taken six times hold fewer."""
    held = np.mean([hits(book_model(f, PRIOR), truth) for f, truth in (county(s, 1500) for s in range(24))], axis=0)
    assert (held > 0.7).all() and held.mean() > 0.8


def test_rare_defaults_in_unlike_townships() -> None:
    """Where the jackknife on the analysis of variance holds the truth in 70 per cent of tables."""
    truth = (0.03, 0.04, 0.3, 0.95)
    prior = Prior(PRIOR.p_default, PRIOR.county_variance, (0.05, 0.6))
    held = [book_model(county(s, 1500, truth)[0], prior).township_variance.covers(0.3) for s in range(15)]
    assert np.mean(held) > 0.7


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_messy_ledger_tells_its_truth(tmp_path: Path, seed: int) -> None:
    made = make_ledger(6000, seed=seed)
    read = read_ledger(write_csv(made.frame, tmp_path / "ledger.csv"), **RULES)
    found = study(read.loans, ON, sim.scenario("x-county"), first_estimate(read.loans, ON))
    assert found.model.p_default.covers(made.p_default)
    assert found.model.township_variance.covers(made.township_variance)
    assert not found.is_prior_driven and found.model.township_variance.learned > 0.2


def test_without_data_the_prior_stands() -> None:
    found = book_model(county(1, 50)[0].iloc[:0], PRIOR)
    assert found.p_default.p50 == pytest.approx(0.0262, rel=0.05) and found.p_default.learned == 0
    assert found.p_default.p05 <= 0.009 and found.p_default.p95 >= 0.07  # the wide part of the prior
    assert (found.county_variance.p05, found.county_variance.p95) == pytest.approx((0.02, 0.08), rel=0.1)
    assert (found.township_variance.p05, found.township_variance.p95) == pytest.approx((0.015, 0.25), rel=0.1)


def test_data_far_from_the_prior_win() -> None:
    found = book_model(county(5, 4000, (0.25, 0.02, 0.02, 0.9))[0], PRIOR)
    assert found.p_default.covers(0.25)


def test_loans_of_one_household_count_once() -> None:
    frame, _ = county(3, 300)
    twice = pd.concat([frame, frame.assign(loan_id=frame["loan_id"] + 300)], ignore_index=True)
    a, b = book_model(frame, PRIOR), book_model(twice, PRIOR)
    assert b.n_loans == 600 and b.n_households == pytest.approx(300)
    assert (a.p_default.p05, a.p_default.p95) == pytest.approx((b.p_default.p05, b.p_default.p95))


# --- the study and its scenario ---------------------------------------------------------------------


def test_few_loans_give_a_wide_answer_that_says_so(tmp_path: Path) -> None:
    table = loans(*[{"township": f"T{i % 4}", **(UNPAID if i == 0 else {})} for i in range(20)])
    on, base = dt.date(2020, 1, 1), sim.scenario("x-county")
    found = study(table, on, base, first_estimate(table, on))
    assert found.is_prior_driven and "Only 20 loans" in found.notes[0]
    assert found.anchor.p95 / found.anchor.p05 > 4
    assert "只有 20 笔" in study(table, on, base, first_estimate(table, on), "zh").notes[0]
    text = scenario_text(base, on, ["T0", "T1", "T2", "T3"], "a.csv", {}, {}, found)
    assert "estimated from ledger" not in text  # an assumption is not called data


def test_open_loans_alone_say_nothing_of_default() -> None:
    on, base = dt.date(2020, 1, 1), sim.scenario("x-county")
    table = loans(*[UNPAID] * 60)
    found = study(table, on, base, first_estimate(table, on))
    assert found.is_prior_driven and found.breakdown.by == {} and found.model.n_loans == 0


def test_the_scenario_holds_the_estimates(tmp_path: Path) -> None:
    made, base = make_ledger(3000), sim.scenario("x-county")
    source = write_csv(made.frame, tmp_path / "ledger.csv")
    lenders = {"rcc": [*LENDERS["rcb"]], "psbc": [*LENDERS["psbc"], *LENDERS["abc"]]}
    report = import_ledger(source, tmp_path / "book", **{**RULES, "lenders": lenders, "townships": None}, base=base)
    assert report.study is not None
    towns = sorted(pd.read_csv(tmp_path / "book" / "book.csv")["township"].unique())
    text = scenario_text(base, ON, towns, "ledger.csv", {}, {}, report.study)
    path = tmp_path / "book" / "scenario.toml"
    path.write_text(text, encoding="utf-8")
    made_of = sim.Scenario.load(str(path))
    anchor = next(item for item in made_of.uncertain if item.field == "defaults.anchors.central")
    assert anchor.p05 == pytest.approx(report.study.anchor.p05, rel=1e-3)
    assert made_of.defaults.anchors["central"] == pytest.approx(report.study.anchor.p50, rel=1e-3)
    assert made_of.defaults.factor.township_variance == pytest.approx(
        report.study.model.township_variance.p50, rel=1e-3
    )
    assert set(made_of.lending.term_months) == {12, 24, 36}
    kept = {item.field for item in base.uncertain} - {item.field for item in made_of.uncertain}
    assert kept == set()


def test_twenty_thousand_rows_in_under_a_minute_and_every_bad_one_listed(tmp_path: Path) -> None:
    made = make_ledger(20_000, seed=9)
    source = write_csv(made.frame, tmp_path / "ledger.csv", "gb18030")
    began = time.process_time()
    import_ledger(source, tmp_path / "book", **RULES, base=sim.scenario("x-county"))
    assert time.process_time() - began < 60
    listed = pd.read_csv(tmp_path / "book" / "rejected_rows.csv", encoding="utf-8-sig")
    assert set(zip(listed["row"], listed["column"], strict=True)) == made.bad and len(listed) == len(made.bad) == 400


def test_where_townships_are_taken_as_written_the_misspelt_ones_are_pointed_out(tmp_path: Path) -> None:
    """One misspelling in 25 rows of 20,000: nothing refuses it, so the report must show each."""
    made = make_ledger(20_000, seed=9)
    rules = {**RULES, "townships": None}
    ledger = read_ledger(write_csv(made.frame, tmp_path / "ledger.csv"), **rules)
    shown = {x.row for x in ledger_warnings(ledger, ON, has_free_townships=True) if x.code == "name"}
    assert shown == {row for row, column in made.bad if column == "所在乡镇"} and len(shown) == 25


# --- the ledger from many sides ---------------------------------------------------------------------


def test_groups_are_counted_exactly() -> None:
    table = loans(
        {**UNPAID, "household_id": 7},
        {"household_id": 7, "product": "other"},
        {"originated_on": "2016-07-01", "matures_on": "2018-07-01", "repaid_on": "2018-07-01", "term_months": 24},
    )
    seen = breakdown(table, dt.date(2020, 1, 1), 90, 0.0).by
    assert {k: (c.k, c.n) for k, c in seen["vintage"].items()} == {"2016": (0, 1), "2017": (1, 2)}
    assert {k: (c.k, c.n) for k, c in seen["term"].items()} == {"12": (1, 2), "24": (0, 1)}
    assert {k: (c.k, c.n) for k, c in seen["season"].items()} == {"1": (1, 2), "3": (0, 1)}
    assert {k: (c.k, c.n) for k, c in seen["loans_held"].items()} == {"1": (0, 1), "2": (1, 2)}
    assert {k: (c.k, c.n) for k, c in seen["product"].items()} == {"microcredit": (1, 2), "other": (0, 1)}


def test_loans_held_counts_those_that_ran() -> None:
    table = loans(
        {"household_id": 1},
        {
            "household_id": 1,
            "originated_on": "2018-03-01",
            "matures_on": "2019-03-01",
            "repaid_on": None,
        },  # begins later
        {"household_id": 1, "originated_on": "2016-03-01", "repaid_on": "2018-02-27"},  # gone before
        {"household_id": 1, "originated_on": "2017-06-01", "matures_on": "2018-09-01", "repaid_on": "2018-09-01"},
    )
    assert list(loans_held(table.iloc[:1], table)) == [2]


def test_cure_and_recovery() -> None:
    table = loans(
        *[{"repaid_on": "2018-04-01"}] * 3,  # day 31
        *[{"repaid_on": "2018-09-01"}] * 2,  # in default, back within the year
        *[UNPAID] * 5,
        *[{}] * 10,
    )
    seen = breakdown(table, dt.date(2020, 1, 1), 90, 0.0)
    assert seen.cured_before_wait is not None and seen.recovered_first_year is not None
    assert (seen.cured_before_wait.k, seen.cured_before_wait.n) == (3, 10)
    assert (seen.recovered_first_year.k, seen.recovered_first_year.n) == (2, 7)


@pytest.mark.parametrize(
    ("new", "is_renewal"),
    [
        ({}, True),
        ({"originated_on": "2018-03-08"}, True),
        ({"originated_on": "2018-03-09"}, False),
        ({"originated_on": "2018-02-27"}, False),
        ({"principal_fen": 1_100_000}, True),
        ({"principal_fen": 1_110_000}, False),
        ({"household_id": 2}, False),
        ({"lender": "abc"}, False),
    ],
)
def test_a_renewal_is_told_by_day_and_amount(new: dict[str, Any], is_renewal: bool) -> None:
    follows = {"household_id": 1, "originated_on": "2018-03-02", "matures_on": "2021-03-01", "repaid_on": None}
    table = loans({"household_id": 1}, {**follows, "balance_fen": 1_000_000, **new})
    found = renewals(table)
    assert len(found) == is_renewal
    if is_renewal:
        assert found.to_dict() == {0: 1}
        seen = breakdown(table, dt.date(2020, 1, 1), 90, 0.0)
        assert (seen.renewed.k, seen.renewed.n) == (1, 1)
        assert seen.default_of_tested is None


def test_the_curve_is_kaplan_and_meiers() -> None:
    rng = np.random.Generator(np.random.PCG64(4))
    days, happened = rng.integers(0, 800, 200).astype(float), rng.random(200) < 0.6
    found = _curve(days, happened)
    assert found is not None
    for at, share in zip(found.days, found.share, strict=True):
        product = 1.0
        for day in np.unique(days[happened & (days <= at)]):
            product *= 1 - ((days == day) & happened).sum() / (days >= day).sum()
        assert share == pytest.approx(product)
    assert all(a <= b <= c for a, b, c in zip(found.low, found.share, found.high, strict=True))


def test_outcomes_match_the_first_estimate() -> None:
    table = loans(UNPAID, {}, {"repaid_on": None}, {"repaid_on": None, "filed_on": "2018-08-01"})
    assert list(outcomes(table, dt.date(2020, 1, 1), 90)["defaulted"]) == [True, False, False, True]


# --- columns that a person names --------------------------------------------------------------------


def test_a_column_is_named_by_hand_and_suggested(tmp_path: Path) -> None:
    frame = make_ledger(60).frame.rename(columns={"承贷银行": "网点", "结清日期": "结清时间"})
    source = write_csv(frame, tmp_path / "ledger.csv")
    with pytest.raises(InputError, match="lender"):
        read_ledger(source, **RULES)
    found = read_ledger(source, **RULES, columns_given={"lender": "网点"})
    assert "结清时间" in found.ignored_columns and found.suggestions["结清时间"] == "repaid_on"
    both = read_ledger(source, **RULES, columns_given={"lender": "网点", "repaid_on": "结清时间"})
    assert both.loans["repaid_on"].notna().sum() > found.loans["repaid_on"].notna().sum() == 0


@pytest.mark.parametrize(
    ("given", "word"), [({"bank": "网点"}, "lender"), ({"lender": "支行"}, "承贷银行"), ({"lender": ""}, "承贷银行")]
)
def test_a_column_that_is_not_there(tmp_path: Path, given: dict[str, str], word: str) -> None:
    source = write_csv(make_ledger(40).frame, tmp_path / "ledger.csv")
    with pytest.raises(InputError, match=word):
        read_ledger(source, **RULES, columns_given=given)
