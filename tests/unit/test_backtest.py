"""`calibration.scoring`, `rolling` and `actuals`: known numbers, and a true model held apart from a wrong one."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr, ndtri
from scipy.stats import kstest, norm

import sim
from calibration.actuals import backtest
from calibration.book_model import Prior
from calibration.rolling import Law, Panel, forecast, panel_of, rolling
from calibration.scoring import christoffersen, crps, independence, interval, kupiec, pit, together
from sim.errors import InputError
from sim.store import RunFolder

# --- scores ------------------------------------------------------------------------------------------


def test_kupiec_and_christoffersen_give_the_printed_ratios() -> None:
    assert kupiec(6, 250, 0.01)[0] == pytest.approx(3.5554, abs=1e-4)
    assert kupiec(6, 250, 0.01)[1] == pytest.approx(0.0594, abs=1e-4)
    assert kupiec(10, 250, 0.01)[0] == pytest.approx(12.9555, abs=1e-4)
    assert independence(237, 6, 5, 1)[0] == pytest.approx(2.13, abs=1e-4)
    assert kupiec(0, 100, 0.1)[0] == pytest.approx(-2 * 100 * np.log(0.9))
    assert christoffersen([False] * 30)[0] == 0.0


def test_christoffersen_sees_misses_that_come_in_runs() -> None:
    runs, spread = [True] * 6 + [False] * 54, ([True] + [False] * 9) * 6
    assert christoffersen(runs)[1] < 1e-4 < 0.05 < christoffersen(spread)[1]


@pytest.mark.parametrize(("y", "wanted"), [(0.0, 0.233695), (1.0, 0.602441)])
def test_crps_of_a_normal_forecast(y: float, wanted: float) -> None:
    sample = norm.ppf((np.arange(4000) + 0.5) / 4000)[:, None]
    assert crps(sample, np.array([y]))[0] == pytest.approx(wanted, abs=2e-4)


def test_crps_is_its_definition() -> None:
    rng = np.random.Generator(np.random.PCG64(1))
    x, y = rng.normal(size=(30, 2)), np.array([0.3, -1.0])
    wanted = [np.abs(x[:, j] - y[j]).mean() - np.abs(x[:, None, j] - x[None, :, j]).mean() / 2 for j in range(2)]
    assert crps(x, y) == pytest.approx(wanted)


def test_pit_shares_out_what_is_equal() -> None:
    sample = np.array([[0.0], [1.0], [1.0], [2.0]])
    assert pit(sample, np.array([1.0]))[0] == 0.5
    assert pit(sample, np.array([1.0]), u=0.0)[0] == 0.25 and pit(sample, np.array([1.0]), u=1.0)[0] == 0.75
    assert [float(x[0]) for x in interval(np.arange(100.0)[:, None])] == [4.0, 94.0]


def test_columns_that_move_as_one_are_worth_one() -> None:
    rng = np.random.Generator(np.random.PCG64(2))
    one = rng.normal(size=(500, 1))
    assert together(np.repeat(one, 10, axis=1), np.zeros(10)).n_effective == pytest.approx(1.0, abs=1e-6)
    assert together(rng.normal(size=(500, 10)), np.zeros(10)).n_effective > 7
    far = together(np.repeat(one, 10, axis=1), np.full(10, 1.5))  # ten misses that are one
    assert far.p_level > 0.05
    assert together(rng.normal(size=(500, 10)), np.full(10, 1.5)).p_level < 0.01


# --- a true model and a wrong one --------------------------------------------------------------------

P, COUNTY, TOWNSHIP, KEPT = 0.06, 0.04, 0.15, 0.95
N_PANELS = 150


def panels() -> tuple[Panel, Any]:
    """Eight townships over four quarters, 60 households each, 150 times: counts of households in default."""
    rng = np.random.Generator(np.random.PCG64(77))
    town, quarter = (x.ravel() for x in np.meshgrid(np.arange(8), np.arange(8072, 8076), indexing="ij"))
    panel = Panel(town, quarter, np.full(32, 60), np.zeros(32, dtype=np.int64))
    noise = rng.standard_normal((N_PANELS, 12, 9))
    for m in range(1, 12):
        noise[:, m] = KEPT * noise[:, m - 1] + np.sqrt(1 - KEPT**2) * noise[:, m]
    middle = noise[:, 1::3]  # (panels, quarters, county and townships)
    x = np.sqrt(COUNTY) * middle[..., :1] + np.sqrt(TOWNSHIP) * middle[..., 1:]
    p = ndtr((ndtri(P) - x) / np.sqrt(1 - COUNTY - TOWNSHIP))
    return panel, rng.binomial(60, np.moveaxis(p, 1, 2)).reshape(N_PANELS, 32)


def law(county: float, township: float, n: int = 500) -> Law:
    return Law(np.full(n, ndtri(P)), np.full(n, county), np.full(n, township), KEPT)


def test_the_true_model_has_uniform_transforms_and_the_uncorrelated_one_has_not() -> None:
    """One transform a panel, of the county's total, so that they are independent: Kolmogorov and Smirnov's test at 1e-3."""
    panel, happened = panels()
    u = np.random.Generator(np.random.PCG64(5)).random(N_PANELS)
    p = {}
    for name, of in (("true", law(COUNTY, TOWNSHIP)), ("uncorrelated", law(0.0, 0.0))):
        total = forecast(panel, of).sum(axis=1, keepdims=True).astype(float)
        found = [pit(total, np.array([float(x.sum())]), v)[0] for x, v in zip(happened, u, strict=True)]
        p[name] = kstest(found, "uniform").pvalue
    assert p["true"] > 1e-3
    assert p["uncorrelated"] < 1e-6


def test_townships_together_reject_the_wrong_model_and_seldom_the_true_one() -> None:
    """At 5 per cent the joint test rejects the truth in at most 11 per cent of 150 panels (3 errors above), the other nearly always."""
    panel, happened = panels()
    true, plain = (forecast(panel, law(c, t)).astype(float) for c, t in ((COUNTY, TOWNSHIP), (0.0, 0.0)))
    true_spread = np.array([together(true, x).p_spread for x in happened[:60]])
    plain_spread = np.array([together(plain, x).p_spread for x in happened[:60]])
    assert (true_spread < 0.05).mean() < 0.14
    assert (plain_spread < 0.05).mean() > 0.8
    # a binomial test that takes cells as independent would reject the truth far too often
    low, high = interval(true)
    assert ((happened < low) | (happened > high)).mean() < 0.10


# --- rolling -----------------------------------------------------------------------------------------


def book(seed: int, n: int = 4000) -> Any:
    """Loans of one year lent in 2014 to 2018, repaid or not by the reduced form."""
    rng = np.random.Generator(np.random.PCG64(seed))
    month, town = rng.integers(0, 60, n), rng.integers(0, 8, n)
    noise = rng.standard_normal((60, 9))
    for m in range(1, 60):
        noise[m] = KEPT * noise[m - 1] + np.sqrt(1 - KEPT**2) * noise[m]
    x = np.sqrt(COUNTY) * noise[month, 0] + np.sqrt(TOWNSHIP) * noise[month, 1 + town]
    bad = x + np.sqrt(1 - COUNTY - TOWNSHIP) * rng.standard_normal(n) < ndtri(P)
    lent = pd.to_datetime([f"{2014 + m // 12}-{m % 12 + 1:02d}-10" for m in month])
    due = lent + pd.DateOffset(years=1)
    return pd.DataFrame({
        **{"loan_id": np.arange(n), "household_id": np.arange(n), "lender": "rcc", "township": town.astype(str)},
        **{"product": "m", "principal_fen": 100, "balance_fen": np.where(bad, 100, 0), "originated_on": lent},
        **{"matures_on": due, "repaid_on": pd.Series(due).where(~bad), "overdue_since": pd.NaT, "filed_on": pd.NaT},
        **{"term_months": 12, "rate_ppm": 0},
    })  # fmt: skip


def test_a_book_forecasts_its_own_years() -> None:
    found = rolling(book(1), dt.date(2019, 12, 31), 90, Prior((0.009, 0.07), (0.02, 0.08), (0.015, 0.25)), KEPT, 150)
    assert [o.year for o in found.origins] == [2016, 2017, 2018, 2019]
    assert found.kupiec is None and found.quarters == 15  # what is due before October 2019 is known at its end
    assert found.p_spread > 0.01 and found.n_effective < 30
    assert all(o.crps > 0 and o.crps_plain > 0 and 0 < o.pit < 1 for o in found.origins)
    first = found.origins[0]
    assert first.low <= first.forecast <= first.high and first.n_cells == 32


def test_a_panel_counts_households() -> None:
    table = book(2, 200).assign(household_id=1, township="a", matures_on=pd.Timestamp("2016-02-01"), defaulted=True)
    panel = panel_of(table)
    assert panel.n.tolist() == [1] and panel.bad.tolist() == [1] and panel.quarter.tolist() == [8064]


def test_a_book_without_years_is_refused() -> None:
    with pytest.raises(InputError, match="30 loans"):
        rolling(book(3, 20), dt.date(2019, 12, 31), 90, Prior((0.009, 0.07), (0.02, 0.08), (0.015, 0.25)), KEPT)


# --- a stored run ------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder of 100 histories: history k pays k yuan, township t has k + t of 100 loans in default."""
    scenario = sim.scenario("x-county")
    identity = {"kind": "size", "scenario": json.loads(scenario.model_dump_json()), "code_sha256": "of another year"}
    folder = RunFolder.open(tmp_path / "run", identity, resume=True)
    for batch in (0, 1):
        k = np.arange(50) + 50 * batch
        money = {
            "payout_fen": k * 100,
            "due_count": 1000,
            "defaulted_count": k,
            "due_fen": 100_000,
            "defaulted_fen": k * 100,
        }
        folder.write_part("histories", "main", batch, pd.DataFrame({"replication": k, **money}), [])
        rows = pd.DataFrame({"replication": np.repeat(k, 12), "township": np.tile(np.arange(12), 50), "due_count": 200})
        rows["defaulted_count"] = rows["replication"] + rows["township"]
        folder.write_part("townships", "main", batch, rows, [])
    folder.complete(100)
    return folder.path


def table(tmp_path: Path, *rows: tuple[Any, ...]) -> Path:
    path = tmp_path / "actuals.csv"
    pd.DataFrame(rows, columns=["项目", "乡镇", "季度", "数值"]).to_csv(path, index=False, encoding="utf-8-sig")
    return path


def test_a_stored_run_is_held_against_what_happened(tmp_path: Path, run: Path) -> None:
    rows = [("代偿金额", "", "2018Q1", 20), ("代偿金额", "", "2018Q2", "30元")]
    for t in range(1, 13):
        rows += [("到期笔数", f"t{t:02d}", "", 200), ("违约笔数", f"t{t:02d}", "", 97 + t)]
    found = backtest(run, table(tmp_path, *rows))
    county = {c.item: c for c in found.county}
    assert county["payout_yuan"].actual == 50 and county["payout_yuan"].pit == pytest.approx(0.505)
    assert (county["payout_yuan"].low, county["payout_yuan"].high, county["payout_yuan"].is_inside) == (4, 94, True)
    assert county["defaulted_loans"].actual == sum(97 + t for t in range(1, 13))  # townships added up
    assert not county["defaulted_loans"].is_inside
    assert found.townships["t01"].actual == 0.49 and not found.townships["t01"].is_inside
    assert found.joint is not None and found.joint.n_effective == pytest.approx(1.0, abs=1e-6)
    assert found.joint.missed == 12 and found.joint.p_missed > 0.02  # twelve misses that are one
    assert found.updated is not None and found.before is not None
    assert found.updated.p05 > found.before[1]  # half of all loans in default: far above what was assumed
    assert json.loads(json.dumps(found.as_dict()))["n_histories"] == 100


@pytest.mark.parametrize(
    ("row", "word"),
    [
        (("代偿", "", "", 1), "row 2, item"),
        (("违约笔数", "无名乡", "", 1), "row 2, township"),
        (("违约笔数", "t01", "第五", 1), "row 2, quarter"),
        (("违约笔数", "t01", "1", "很多"), "row 2, value"),
        (("违约笔数", "t01", "1", -1), "row 2, value"),
    ],
)
def test_a_fault_in_the_actuals_is_named(tmp_path: Path, run: Path, row: tuple[Any, ...], word: str) -> None:
    with pytest.raises(InputError, match=word):
        backtest(run, table(tmp_path, row))


def test_what_is_told_twice_or_not_at_all(tmp_path: Path, run: Path) -> None:
    with pytest.raises(InputError, match="once"):
        backtest(run, table(tmp_path, ("代偿金额", "", "1", 1), ("代偿金额", "", "Q1", 2)))
    with pytest.raises(InputError, match="run folder"):
        backtest(tmp_path, table(tmp_path, ("代偿金额", "", "", 1)))
    RunFolder(run).write_manifest({**RunFolder(run).manifest(), "complete_to": 58})
    with pytest.raises(InputError, match="59"):
        backtest(run, table(tmp_path, ("代偿金额", "", "", 1)))
