"""Further figures: a block says what the answer says, to the last digit, and only what the scenario has."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import sim
from dashboard import details
from dashboard.export import export
from dashboard.figures import truth_and_report
from dashboard.words import Words

USUAL = ["report", "subsidy", "lenders", "years", "years_cost"]


@pytest.fixture(scope="module")
def stopped(tight: sim.Scenario, tmp_path_factory: pytest.TempPathFactory) -> sim.Answer:
    """A county whose rules stop lending, cap a year's payments, and say how the fund is filled up."""
    changes = {
        "rules.stop.bad_loan_share": 0.01, "rules.stop.resume_share": 0.005, "rules.loan.quota_yuan_per_year": 2_000_000,
        "rules.fund.payout_cap_share": 0.01, "rules.fund.top_up": "to_set_size",
    }  # fmt: skip
    return sim.size(
        tight.with_changes(changes, "stopped"), replications=60, workers=1, out=tmp_path_factory.mktemp("s") / "run"
    )


def keys(answer: sim.Answer) -> list[str]:
    return [block.key for block in details.blocks(answer, Words("en"))]


def estimates(answer: sim.Answer, lang: str = "en") -> dict[str, Any]:
    return {line.key: line.estimates for block in details.blocks(answer, Words(lang)) for line in block.lines}


def test_a_county_without_such_rules_shows_none_of_them(sized: sim.Answer) -> None:
    assert keys(sized) == USUAL
    found = estimates(sized)
    assert not {"county_paid_share", "town_debt_yuan", "years.by_rule"} & set(found)  # nobody paid for households


def test_rules_that_stop_and_cap_are_shown(stopped: sim.Answer) -> None:
    assert keys(stopped) == ["report", "subsidy", "lenders", "stops", "cap", "years", "years_cost"]
    found, data = estimates(stopped), stopped.data
    for lender, e in data["lending_stops"]["months_stopped"].items():
        assert found[f"months_stopped.{lender}"] == [e]
    assert found["stopped_chance"][0]["value"] > 0 and found["payout_cap.chance"] == [data["payout_cap"]["chance"]]
    by_rule = data["years"]["by_rule"]
    assert found["years.by_rule"][:-2] == list(by_rule["short_by_year"].values())
    assert found["years.by_rule.paid_in"] == list(by_rule["paid_in_yuan"].values())


def test_insurance_is_shown_where_there_is_some(sized: sim.Answer) -> None:
    one = {"value": 2.0, "ci95": [1.0, 3.0]}
    cover = {"index": dict.fromkeys(("premium_yuan", "paid_yuan", "loss_ratio", "correlation_with_own_loss"), one),
             "premium_by_payer_yuan": {"household": one, "county": one, "bank": {"value": 0.0, "ci95": [0.0, 0.0]}}}  # fmt: skip
    insured = sim.Answer({**sized.data, "insurance": cover}, sized.scenario, sized.folder, ())
    block = next(b for b in details.blocks(insured, Words("zh")) if b.key == "insurance")
    assert [x.key.split(".", 1)[1] for x in block.lines] == [
        "index.premium_yuan", "index.paid_yuan", "index.loss_ratio", "index.correlation_with_own_loss",
        "premium_by.household", "premium_by.county",
    ]  # fmt: skip


def test_a_lenders_margin_is_what_stands_above_it(sized: sim.Answer) -> None:
    """Income less costs, as the rows name them, gives the margin that is shown."""
    found = estimates(sized)
    for k in range(len(sized.scenario.lenders)):
        value = {key.split(".")[1]: e[k]["value"] for key, e in found.items() if key.startswith("lender.")}
        earned = sum(value.get(f"{key}_yuan", 0.0) for key in ("interest", "late_interest", "recovered"))
        costs = ("funding_cost", "receivable_cost", "provisions_added", "losses", "collection_fee")
        assert value["margin_yuan"] == pytest.approx(earned - sum(value.get(f"{c}_yuan", 0.0) for c in costs), abs=0.06)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_workbook_and_table_have_every_figure(stopped: sim.Answer, lang: str, tmp_path: Path) -> None:
    w, blocks = Words(lang), details.blocks(stopped, Words(lang))
    made = export(stopped, ["xlsx", "csv"], lang, tmp_path)
    sheet = openpyxl.load_workbook(made[0])[w("Further figures")]
    shown, title = {}, ""
    for name, *values in sheet.iter_rows(values_only=True):  # two blocks may call a row alike
        title = name if name in [block.title for block in blocks] else title
        shown[title, name] = values
    with next(p for p in made if p.suffix == ".csv" and "histories" not in p.name).open(encoding="utf-8-sig") as file:
        rows = {(row[0], row[1]): row for row in csv.reader(file)}
    for block in blocks:
        for line in block.lines:
            e = line.estimates[0]
            if e.get("value") is None:
                continue
            expected = w.in_unit(e["value"]) if line.unit == "money" else e["value"]
            assert shown[block.title, line.name][0] == pytest.approx(expected, rel=1e-15, abs=1e-15), line.key
            if len(block.columns) == 1:
                assert float(rows[block.title, line.key][3]) == e["value"], line.key


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_truth_and_report_in_one_picture(sized: sim.Answer, lang: str) -> None:
    w, found = Words(lang), sized.data["truth_and_report"]
    picture = truth_and_report(sized.data, w)
    for key in ("repaid_on_date_share", "repaid_by_households_share", "repayment_rate_reported"):
        assert w.percent(found[key]["value"]) in picture.alt and w.label(key) in picture.alt
    assert picture.table.shape == (3, 4)
    nothing = truth_and_report({}, w)
    assert nothing.table.empty and nothing.alt
