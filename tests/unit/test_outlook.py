"""Sizes, years, months and budgets read from histories: small tables worked by hand, and a small run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import sim
from dashboard.words import Words
from sim.answers import outlook, uncertainty
from sim.answers.outlook import account_parts, at_size, backwards, frontier, paid_by, years
from sim.answers.sample import Sample
from sim.store import RunFolder

HALVES = np.array([0.5, 0.5])


def table(**columns: list[int]) -> Sample:
    """Histories from columns of yuan."""
    n = len(next(iter(columns.values())))
    frame = pd.DataFrame({f"{name}_fen": np.array(x) * 100 for name, x in columns.items()})
    return Sample(frame.assign(replication=np.arange(n)), None)


def test_one_size_by_hand() -> None:
    """Two halves of 100: the second sub-account needs 80 in the third history, 30 more than it has."""
    h = table(need_0=[10, 20, 30, 50], need_1=[0, 40, 80, 50], need=[20, 80, 160, 100])
    row = at_size(h, HALVES, 100.0)
    assert row["shortfall_chance"]["value"] == 0.25  # 50 out of 50 is enough
    assert row["mean_gap_yuan"]["value"] == 30 / 4
    assert row["mean_gap_if_short_yuan"]["value"] == 30
    assert row["idle_yuan"]["value"] == (40 + 50 + 30 + 10 + 20 + 0 + 0 + 0) / 4


def test_more_money_is_never_short_more_often(small_answer: sim.Answer) -> None:
    rows = small_answer.data["frontier"]["rows"]
    for key, falls in (("shortfall_chance", True), ("mean_gap_yuan", True), ("idle_yuan", False)):
        values = [row[key]["value"] for row in rows]
        assert values == sorted(values, reverse=falls)
    assert rows[0]["fund_yuan"] == 0
    assert rows[-1]["shortfall_chance"]["value"] == 0
    assert rows[0]["fund_yuan"] < small_answer.data["frontier"]["knee_yuan"] < rows[-1]["fund_yuan"]


def test_the_knee_is_farthest_from_the_line() -> None:
    """Nearly all needs are 10, one is 100: the knee stands at 10, however the grid falls."""
    h = table(need_0=[10] * 99 + [100], need=[10] * 99 + [100])
    assert frontier(h, np.ones(1))["knee_yuan"] == pytest.approx(10, abs=2.5)


def test_several_years_by_hand() -> None:
    """100 on hand; 60 a year in the first history, 30 in the second."""
    names = {f"{what}_y{k}_0": [60, 30] for what in ("need", "net") for k in range(4)}
    h = table(need=[60, 30], **names)
    found = years(h, np.ones(1), 100.0, 2018)
    assert [found["refill"]["short_by_year"][str(y)]["value"] for y in range(2018, 2022)] == [0, 0, 0, 0]
    assert [found["no_top_up"]["short_by_year"][str(y)]["value"] for y in range(2018, 2022)] == [0, 0.5, 0.5, 1.0]
    assert found["no_top_up"]["short_two_years_running"]["value"] == 0.5  # 2019 and 2020 in the first history
    assert found["refill"]["paid_in_yuan"]["2019"]["value"] == 45
    assert found["top_up_mean"]["paid_in_yuan"]["2020"]["value"] == 45


def test_the_years_by_the_packs_rule_by_hand() -> None:
    """100 on hand, 60 a year; the book asks for 90 in 2019, 20 in 2020 and 130 in 2021."""
    names = {f"{what}_y{k}_0": [60] for what in ("need", "net") for k in range(4)}
    aims = {f"top_up_to_y{k}_0": [aim] for k, aim in ((1, 90), (2, 20), (3, 130))}
    found = years(table(need=[60], **names, **aims), np.ones(1), 100.0, 2018, "to_multiple")["by_rule"]
    assert [found["paid_in_yuan"][str(y)]["value"] for y in (2019, 2020, 2021)] == [50, 0, 160]
    assert [found["short_by_year"][str(y)]["value"] for y in range(2018, 2022)] == [0, 0, 1, 0]


def test_the_several_years_start_as_the_sized_one(small_answer: sim.Answer) -> None:
    h = small_answer.histories()
    for account in (0, 1):
        assert (h[f"need_y0_{account}_fen"] == h[f"need_{account}_fen"]).all()
        assert (h[f"net_y0_{account}_fen"] <= h[f"need_y0_{account}_fen"]).all()


def test_refilled_every_year_a_fund_is_short_as_often_as_its_needs_exceed_it(small_answer: sim.Answer) -> None:
    h = Sample.of(RunFolder(small_answer.folder), "main", small_answer.data["replications"])
    parts = account_parts(small_answer.scenario)
    fund = 50_000.0
    found = years(h, parts, fund, 2018)["refill"]["short_by_year"]["2020"]["value"]
    need = np.column_stack([h["need_y2_0_fen"], h["need_y2_1_fen"]])
    assert found == (need > fund * 100 * parts).any(axis=1).mean()


def test_who_pays_by_hand() -> None:
    """Need 80 with 50 back by the end of the year: the banks wait for 30, next year's budget pays nothing."""
    h = table(need_0=[80, 10], need=[80, 10], net_y0_0=[30, 10])
    found = paid_by(h, np.ones(1), 50.0, {"county": 400_000, "village": 100_000})
    assert found["banks_wait_for_yuan"]["value"] == 30
    assert found["next_budget_pays_yuan"]["value"] == 0


def test_a_budget_read_backwards(small_answer: sim.Answer, refuses: Callable[..., Any]) -> None:
    need = small_answer.data["need_yuan"]["value"]
    found = small_answer.backwards(need)
    assert found["assurance"]["value"] >= 0.95
    assert small_answer.backwards(need - 0.01)["assurance"]["value"] < found["assurance"]["value"]
    refuses(lambda: small_answer.backwards(0), "budget", "above 0")
    assert small_answer.backwards(1e9)["largest_multiple"]["demand_limited"] is True


def lending(short: list[int], n: int = 200, demand: int = 12) -> Sample:
    """A size of k lends 100 k yuan up to a demand, and is short of a budget of 1,000 yuan in so many histories."""
    need = {f"reacts_need_{k:02d}": [2_000] * short[k] + [10] * (n - short[k]) for k in range(21)}
    lent = {f"reacts_{what}_{k:02d}": [100 * min(k, demand)] * n for k in range(21) for what in ("credit", "stock")}
    return table(need_0=[10] * n, need_1=[10] * n, need=[20] * n, **need, **lent)


def largest(h: Sample, scenario: Any) -> Any:
    return backwards(h, scenario, 1_000.0, 0.95)["largest_multiple"]


def test_the_largest_multiple_is_of_what_is_lent(small: Any) -> None:
    """All sizes are covered, but from the twelfth on nobody is turned away: more is not lent, whatever the limit."""
    got = largest(lending([0] * 21), small)
    assert (got["multiple"], got["guaranteed_principal_yuan"], got["demand_limited"]) == (1.2, 1_200, True)
    assert got["ci95"] == [1.2, 1.2]


def test_the_largest_multiple_stands_on_the_upper_chance(small: Any) -> None:
    """10 short of 200 are 5 per cent, but may be 8: not allowed. 3 may be 3.8 per cent, and at most 4.3 on both sides."""
    short = [0, 0, 1, 3, 4, 10, 10, 30, *[40] * 13]
    got = largest(lending(short), small)
    assert (got["multiple"], got["demand_limited"]) == (0.4, False)
    assert got["ci95"] == [0.3, 0.6]
    assert largest(lending([150] * 21), small)["reason"] == "even the smallest volume of the grid is short too often"
    assert largest(lending([0] * 21, demand=0), small)["reason"].startswith("nothing is lent")


def test_months_and_stops_of_a_run(small_answer: sim.Answer) -> None:
    chances = small_answer.data["lowest_month"]["chance_by_month"]
    assert list(chances) == [str(m) for m in range(1, 13)]
    assert sum(chances.values()) == pytest.approx(1)
    stops = small_answer.data["lending_stops"]
    by_lender = sum(x["value"] for x in stops["by_lender"].values())
    by_township = sum(x["value"] for x in stops["by_township"].values())
    assert stops["applications"]["value"] == pytest.approx(by_lender) == pytest.approx(by_township)


def test_the_needs_of_higher_assurances_are_refused_in_words(small_answer: sim.Answer) -> None:
    rows = {row["assurance"]: row for row in small_answer.data["need_by_assurance"]}
    assert rows[0.5]["value"] <= rows[0.9]["value"] <= rows[0.95]["value"]
    assert rows[0.95]["value"] == small_answer.data["need_yuan"]["value"]
    assert rows[0.99]["value"] is None
    assert rows[0.99]["reason"] == "299 or more histories are needed"


def test_an_answer_tells_what_the_packs_rules_do(small: Any, tmp_path: Any) -> None:
    """Top-up by rule, months stopped, applications by rule, claims held back by the cap: there where the pack has the rule."""
    rules = {
        "fund.top_up": "to_demand",
        "fund.payout_cap_share": 0.01,
        "stop.bad_loan_share": 0.03,
        "loan.quota_yuan_per_year": 2_000_000,
    }
    scenario = small.with_changes({"defaults.anchor": "high", **{f"rules.{k}": v for k, v in rules.items()}})
    data = sim.size(scenario, replications=60, seed=5, workers=1, out=tmp_path / "run").data
    assert set(data["years"]) >= {"by_rule", "refill"}
    stops = data["lending_stops"]
    assert 0 < stops["stopped_chance"]["value"] <= 1
    assert all(0 <= x["value"] <= 12 for x in stops["months_stopped"].values())
    assert stops["applications"]["value"] == pytest.approx(
        sum(x["value"] for x in stops["applications_by_rule"].values())
    )
    assert data["payout_cap"]["chance"]["value"] > 0
    assert data["payout_cap"]["longest_wait_days"]["value"] > 0
    assert "at 1% of the balance of 1 January" in Words("en").sentences(data)["cap"]


# --- three uncertainties -----------------------------------------------------------------------------


def test_parts_of_the_variance_add_up_and_nothing_is_said_of_known_parameters(small_answer: sim.Answer) -> None:
    found = small_answer.data["uncertainty"]
    shares = {name: share["value"] for name, share in found["variance_shares"].items()}
    assert sum(shares.values()) == pytest.approx(1)
    assert shares["parameters"] == 0
    assert found["need_over_parameters_yuan"]["reason"] == "every parameter is taken as known"


@pytest.mark.parametrize(("source", "share"), [("systemic", 1.0), ("household_luck", 0.0)])
def test_shares_of_a_need_that_is_all_common_luck(source: str, share: float, monkeypatch: Any) -> None:
    """A need that the county's luck decides alone; then the same table with the arms exchanged must say otherwise."""
    n = 500
    common, other = np.sin(np.arange(n) * 1.7), np.sin(np.arange(n) * 2.9 + 1)
    arms = {"main": common, "luck-of-households": common, "all-luck": other}

    class Folder:
        def read(self, table: str, arm: str, n: int) -> pd.DataFrame:
            return pd.DataFrame({"replication": np.arange(n), "need_fen": np.round(1e6 * (2 + arms[arm])).astype(int)})

        def strata(self, replications: Any) -> None:
            return None

    found = uncertainty._variance_shares(Folder(), n, 1, are_drawn=True)  # type: ignore[arg-type]
    assert found[source]["value"] == pytest.approx(share, abs=0.1)


def test_need_over_parameters_pools_neighbours(small: Any) -> None:
    """Needs that are the point's number times a million, whatever the history: the quantiles are the points' own."""
    n = 64 * 12
    point = np.arange(n) % 64
    h = Sample(pd.DataFrame({"replication": np.arange(n), "need_fen": (point + 1) * 10**8}), None)
    found = uncertainty._over_parameters(h, 0.95, 64)
    assert found["p05"] < found["p50"] < found["p95"]
    assert found["p50"] == pytest.approx(32_500_000, abs=3_500_000)
    assert found["histories_each"] == 60
    few = uncertainty._over_parameters(Sample(h.frame[:640], None), 0.95, 64)
    assert few["reason"].startswith("832 or more histories")


@pytest.fixture(scope="module")
def small_answer(small: Any, tmp_path_factory: pytest.TempPathFactory) -> sim.Answer:
    """60 histories of the small county."""
    return sim.size(small, replications=60, seed=5, workers=1, out=tmp_path_factory.mktemp("outlook") / "run")


def test_the_module_reads_and_never_simulates() -> None:
    assert not {"simulate", "prepare", "run_arms"} & set(vars(outlook))
